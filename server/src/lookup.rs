//! Host names and their addresses, with a bound on concurrent lookups.
//!
//! The system's resolver blocks a thread, and nothing can end it early: a caller that gives up leaves
//! the thread behind. So the bound is on the threads, not on the callers.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// The most concurrent lookups: half of the runtime's threads for blocking calls.
const MAX_CONCURRENT: usize = 256;

/// The system's resolver.
#[derive(Clone, Debug)]
pub struct Lookups {
    slots: Arc<Semaphore>,
    limit: Duration,
}

/// Limits a session to one lookup at a time.
#[derive(Clone, Debug)]
pub struct LookupSlot(Arc<Semaphore>);

/// A name has no known address.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The name service has no address, or failed.
    #[error(transparent)]
    NotFound(#[from] io::Error),
    /// The name service did not answer in time.
    #[error("the name service gave no answer within {}", humantime::format_duration(*.0))]
    NoAnswer(Duration),
}

impl Default for LookupSlot {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Lookups {
    /// Creates a resolver; `limit` is the timeout of a lookup, the wait for a slot included.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { slots: Arc::new(Semaphore::new(MAX_CONCURRENT)), limit }
    }

    /// Returns the addresses of a name, each with the port, in the order of the name service. An IP
    /// address needs no lookup.
    ///
    /// # Errors
    /// [`LookupError`].
    pub async fn addresses(
        &self,
        host: &str,
        port: u16,
        slot: &LookupSlot,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        let host = host.to_owned();
        let ask = move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        self.ask(slot, ask).await
    }

    async fn ask(
        &self,
        slot: &LookupSlot,
        ask: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        let asked = async {
            // Neither semaphore is ever closed.
            let of_session = Arc::clone(&slot.0).acquire_owned().await.map_err(io::Error::other)?;
            let of_all = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
            let answered = spawn_blocking(move || {
                let answer = ask();
                // Only when the thread is free, even if the caller has given up.
                drop((of_session, of_all));
                answer
            });
            answered.await?
        };
        let answered = timeout(self.limit, asked).await;
        Ok(answered.map_err(|_| LookupError::NoAnswer(self.limit))??)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn address_needs_no_lookup() {
        let lookups = Lookups { slots: Arc::new(Semaphore::new(0)), limit: LONG };
        let found = lookups.addresses("2001:db8::1", 21, &LookupSlot::default()).await.unwrap();
        assert_eq!(found, ["[2001:db8::1]:21".parse().unwrap()]);
    }

    #[tokio::test]
    async fn lookup_starts_when_the_one_before_has_ended_also_after_its_caller_has_given_up() {
        let slot = LookupSlot::default();
        let lookups = |limit| Lookups { slots: Arc::new(Semaphore::new(1)), limit };
        let (impatient, patient) = (lookups(SOON), lookups(LONG));
        let (answer, answers) = mpsc::channel();
        let stuck = impatient.ask(&slot, move || {
            answers.recv().unwrap();
            Ok(Vec::new())
        });
        assert!(matches!(stuck.await, Err(LookupError::NoAnswer(_))));
        // Meanwhile neither the same session starts a lookup nor, with no slot free, another one.
        for other in [slot.clone(), LookupSlot::default()] {
            let asks = impatient.ask(&other, || panic!("it is not its turn"));
            assert!(matches!(asks.await, Err(LookupError::NoAnswer(_))));
        }
        let elsewhere = patient.ask(&LookupSlot::default(), || Ok(Vec::new())).await;
        assert!(elsewhere.is_ok());
        let next = patient.ask(&slot, || Ok(Vec::new()));
        answer.send(()).unwrap();
        assert!(next.await.is_ok());
    }
}
