//! Host names and their addresses, with a bound on concurrent lookups.
//!
//! The system's resolver blocks a thread, and nothing can end it early: a caller that gives up leaves
//! the thread behind. So the bound is on the threads, not on the callers. A client gets a part of
//! them, so that names that never resolve stop nobody else, and answers and failures are remembered
//! for a short time.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    num::NonZeroUsize,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use lru::LruCache;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{client::Client, locking::lock};

/// The most concurrent lookups: half of the runtime's threads for blocking calls.
const MAX_CONCURRENT: usize = 256;

/// The most concurrent lookups of one client.
const MAX_OF_CLIENT: usize = 16;

/// The time that addresses are remembered.
const ANSWER_MEMORY: Duration = Duration::from_secs(30);

/// The time that a failure is remembered.
const FAILURE_MEMORY: Duration = Duration::from_secs(10);

/// The most names that are remembered, of at most 253 bytes and [`MAX_ADDRESSES`] addresses.
const MAX_NAMES: usize = 1024;

/// The most addresses of a name that are returned. A name service may have thousands.
const MAX_ADDRESSES: usize = 64;

/// The system's resolver.
#[derive(Clone, Debug)]
pub struct Lookups {
    slots: Arc<Semaphore>,
    limit: Duration,
    known: Arc<Mutex<LruCache<String, Known>>>,
}

/// What is remembered of a name.
#[derive(Clone, Debug)]
struct Known {
    since: Instant,
    answer: Answer,
}

/// An answer of the name service; an error is its text.
type Answer = Result<Vec<IpAddr>, String>;

/// Limits a session to one lookup at a time, and its client to `MAX_OF_CLIENT` lookups.
#[derive(Clone, Debug)]
pub struct LookupSlot {
    of_session: Arc<Semaphore>,
    of_client: Arc<Semaphore>,
}

/// The lookups of all clients.
#[derive(Debug, Default)]
pub struct LookupSlots(Mutex<HashMap<Client, Weak<Semaphore>>>);

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
    /// A session of a client that is not counted.
    fn default() -> Self {
        let of_client = Arc::new(Semaphore::new(MAX_CONCURRENT));
        Self { of_session: Arc::new(Semaphore::new(1)), of_client }
    }
}

impl LookupSlots {
    /// Returns the slot of a new session of a client.
    pub fn of(&self, client: Client) -> LookupSlot {
        if !client.is_counted() {
            return LookupSlot::default();
        }
        let mut clients = lock(&self.0);
        clients.retain(|_, slots| slots.strong_count() > 0);
        let of_client = clients.get(&client).and_then(Weak::upgrade).unwrap_or_else(|| {
            let slots = Arc::new(Semaphore::new(MAX_OF_CLIENT));
            clients.insert(client, Arc::downgrade(&slots));
            slots
        });
        LookupSlot { of_client, ..LookupSlot::default() }
    }
}

impl Known {
    fn is_fresh(&self) -> bool {
        let memory = if self.answer.is_ok() { ANSWER_MEMORY } else { FAILURE_MEMORY };
        self.since.elapsed() < memory
    }
}

impl Lookups {
    /// Creates a resolver; `limit` is the timeout of a lookup, the wait for a slot included.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        let max_names = NonZeroUsize::new(MAX_NAMES).unwrap_or(NonZeroUsize::MIN);
        let known = Arc::new(Mutex::new(LruCache::new(max_names)));
        Self { slots: Arc::new(Semaphore::new(MAX_CONCURRENT)), limit, known }
    }

    /// Returns the resolver with its own timeout, and with the slots and what is remembered of another
    /// one: a reload of the settings permits no more lookups at once.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        Self { limit: self.limit, ..other.clone() }
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
        let name = host.to_lowercase();
        let asked = name.clone();
        let ask = move || {
            let addresses = (asked.as_str(), 0).to_socket_addrs()?;
            Ok(addresses.take(MAX_ADDRESSES).map(|address| address.ip()).collect())
        };
        let addresses = self.cached(name, slot, ask).await?;
        Ok(addresses.into_iter().map(|address| (address, port).into()).collect())
    }

    /// Remembers addresses of a name, as if the name service had answered.
    #[cfg(test)]
    pub(crate) fn remember(&self, name: &str, addresses: &[IpAddr]) {
        let answer = Ok(addresses.to_vec());
        lock(&self.known).put(name.to_owned(), Known { since: Instant::now(), answer });
    }

    /// Returns what is remembered of a name, or asks.
    async fn cached(
        &self,
        name: String,
        slot: &LookupSlot,
        ask: impl FnOnce() -> io::Result<Vec<IpAddr>> + Send + 'static,
    ) -> Result<Vec<IpAddr>, LookupError> {
        let known = lock(&self.known).get(&name).filter(|known| known.is_fresh()).cloned();
        if let Some(known) = known {
            return Ok(known.answer.map_err(io::Error::other)?);
        }
        let names = Arc::clone(&self.known);
        self.ask(slot, move || {
            let answer = ask();
            let remembered = answer.as_ref().map(Clone::clone).map_err(ToString::to_string);
            let known = Known { since: Instant::now(), answer: remembered };
            // Also the answer that comes too late for its caller.
            lock(&names).put(name, known);
            answer
        })
        .await
    }

    async fn ask(
        &self,
        slot: &LookupSlot,
        ask: impl FnOnce() -> io::Result<Vec<IpAddr>> + Send + 'static,
    ) -> Result<Vec<IpAddr>, LookupError> {
        let asked = async {
            // None of the semaphores is ever closed.
            let of_session =
                Arc::clone(&slot.of_session).acquire_owned().await.map_err(io::Error::other)?;
            let of_client =
                Arc::clone(&slot.of_client).acquire_owned().await.map_err(io::Error::other)?;
            let of_all = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
            let answered = spawn_blocking(move || {
                let answer = ask();
                // Only when the thread is free, even if the caller has given up.
                drop((of_session, of_client, of_all));
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

    fn with_slots(slots: usize, limit: Duration) -> Lookups {
        Lookups { slots: Arc::new(Semaphore::new(slots)), ..Lookups::new(limit) }
    }

    #[tokio::test]
    async fn resolver_of_new_settings_permits_no_more_lookups_at_once() {
        let lookups = with_slots(1, LONG);
        let (end, ended) = mpsc::channel::<()>();
        let (slot, stuck) = (LookupSlot::default(), lookups.clone());
        let (begin, begun) = tokio::sync::oneshot::channel();
        let running = tokio::spawn(async move {
            let asked = stuck.ask(&slot, move || {
                let _told = begin.send(());
                let _ended = ended.recv();
                Ok(Vec::new())
            });
            asked.await
        });
        begun.await.unwrap();
        let reloaded = Lookups::new(SOON).shared_with(&lookups);
        let refused = reloaded.ask(&LookupSlot::default(), || Ok(Vec::new())).await;
        assert!(matches!(refused, Err(LookupError::NoAnswer(SOON))), "{refused:?}");
        drop(end);
        running.await.unwrap().unwrap();
        assert!(reloaded.ask(&LookupSlot::default(), || Ok(Vec::new())).await.is_ok());
    }

    #[tokio::test]
    async fn client_whose_lookups_never_end_stops_no_other() {
        let lookups = with_slots(MAX_OF_CLIENT + 1, SOON);
        let clients = LookupSlots::default();
        let of_client = |n| clients.of(Client::at([192, 0, 2, n].into()));
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        for _ in 0..2 * MAX_OF_CLIENT {
            let (ended, slot) = (Arc::clone(&ended), of_client(1));
            let stuck = lookups.ask(&slot, move || {
                let _ended = lock(&ended).recv();
                Ok(Vec::new())
            });
            assert!(matches!(stuck.await, Err(LookupError::NoAnswer(_))));
        }
        let patient = Lookups { limit: LONG, ..lookups };
        assert!(patient.ask(&of_client(2), || Ok(Vec::new())).await.is_ok());
        drop(end);
    }

    #[tokio::test]
    async fn answers_and_failures_are_remembered() {
        let lookups = Lookups::new(LONG);
        let slot = LookupSlot::default();
        let address: IpAddr = [192, 0, 2, 1].into();
        let found = lookups.cached("a".to_owned(), &slot, move || Ok(vec![address])).await.unwrap();
        let again = lookups.cached("a".to_owned(), &slot, || panic!("it is remembered")).await;
        assert_eq!((found, again.unwrap()), (vec![address], vec![address]));
        let fail = || Err(io::Error::other("no such name"));
        assert!(lookups.cached("b".to_owned(), &slot, fail).await.is_err());
        let again = lookups.cached("b".to_owned(), &slot, || panic!("it is remembered")).await;
        assert!(again.unwrap_err().to_string().contains("no such name"));
    }

    #[tokio::test]
    async fn address_needs_no_lookup() {
        let lookups = with_slots(0, LONG);
        let found = lookups.addresses("2001:db8::1", 21, &LookupSlot::default()).await.unwrap();
        assert_eq!(found, ["[2001:db8::1]:21".parse().unwrap()]);
    }

    #[tokio::test]
    async fn lookup_starts_when_the_one_before_has_ended_also_after_its_caller_has_given_up() {
        let slot = LookupSlot::default();
        let (impatient, patient) = (with_slots(1, SOON), with_slots(1, LONG));
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
