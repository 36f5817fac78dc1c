//! Names and their addresses, and a bound on how many are asked for at once.
//!
//! The system's resolver blocks a thread, and nothing ends it sooner than it ends by itself: whoever
//! stops waiting leaves it behind. So the bound is on the threads, not on those who wait.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Lookups at once: half of the threads that a runtime has for what blocks.
const MOST_AT_ONCE: usize = 256;

/// Asks the system's resolver.
#[derive(Clone, Debug)]
pub struct Lookups {
    places: Arc<Semaphore>,
    limit: Duration,
}

/// Somebody who asks for one name after the other.
#[derive(Clone, Debug)]
pub struct Asker(Arc<Semaphore>);

/// A name has no address that is known.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The name service says so, or fails.
    #[error(transparent)]
    NotFound(#[from] io::Error),
    /// It says nothing in time.
    #[error("the name service gave no answer within {}", humantime::format_duration(*.0))]
    NoAnswer(Duration),
}

impl Default for Asker {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Lookups {
    /// Each of which may take so long, the wait for its turn included.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(MOST_AT_ONCE)), limit }
    }

    /// The addresses of a name, in the name service's order, each with the port; an address is its
    /// own name, and nobody is asked.
    ///
    /// # Errors
    /// [`LookupError`].
    pub async fn addresses(
        &self,
        host: &str,
        port: u16,
        asker: &Asker,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        let host = host.to_owned();
        let ask = move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        self.ask(asker, ask).await
    }

    async fn ask(
        &self,
        asker: &Asker,
        ask: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        let asked = async {
            // Neither semaphore is ever closed.
            let turn = Arc::clone(&asker.0).acquire_owned().await.map_err(io::Error::other)?;
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
            let answered = spawn_blocking(move || {
                let answer = ask();
                // Not before, whoever still waits for it.
                drop((turn, place));
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
    async fn address_is_not_asked_for() {
        let lookups = Lookups { places: Arc::new(Semaphore::new(0)), limit: LONG };
        let found = lookups.addresses("2001:db8::1", 21, &Asker::default()).await.unwrap();
        assert_eq!(found, ["[2001:db8::1]:21".parse().unwrap()]);
    }

    #[tokio::test]
    async fn name_is_asked_for_once_the_one_before_is_answered_however_long_nobody_waits_for_it() {
        let asker = Asker::default();
        let lookups = |limit| Lookups { places: Arc::new(Semaphore::new(1)), limit };
        let (impatient, patient) = (lookups(SOON), lookups(LONG));
        let (answer, answers) = mpsc::channel();
        let stuck = impatient.ask(&asker, move || {
            answers.recv().unwrap();
            Ok(Vec::new())
        });
        assert!(matches!(stuck.await, Err(LookupError::NoAnswer(_))));
        // Neither the same one nor, where there is no place left, another one asks meanwhile.
        for who in [asker.clone(), Asker::default()] {
            let asks = impatient.ask(&who, || panic!("it is not its turn"));
            assert!(matches!(asks.await, Err(LookupError::NoAnswer(_))));
        }
        let elsewhere = patient.ask(&Asker::default(), || Ok(Vec::new())).await;
        assert!(elsewhere.is_ok());
        let next = patient.ask(&asker, || Ok(Vec::new()));
        answer.send(()).unwrap();
        assert!(next.await.is_ok());
    }
}
