//! Peers that are no FTPS servers, and ports at which nothing listens.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::ports::PortBlock;

/// A port of 127.0.0.1 at which nothing listens, and that no server of the tests takes.
pub struct ClosedPort(PortBlock);

impl ClosedPort {
    /// Reserves a port.
    #[must_use]
    pub fn take() -> Self {
        Self(PortBlock::take())
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.control()
    }
}

/// A peer on 127.0.0.1 that sends fixed answers and records what it receives.
pub struct FakePeer {
    port: u16,
    record: Arc<Mutex<Record>>,
}

/// The record of a peer.
#[derive(Clone, Debug, Default)]
struct Record {
    connections: usize,
    lines: Vec<String>,
}

impl FakePeer {
    /// Accepts connections and sends nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::start("", |_| None)
    }

    /// Sends `greeting` and nothing else.
    #[must_use]
    pub fn greeting(greeting: &'static str) -> Self {
        Self::start(greeting, |_| None)
    }

    /// Sends `greeting`, and for each line what `answer` returns; after `None` it only reads. It runs
    /// until the process ends.
    #[must_use]
    pub fn start(
        greeting: &'static str,
        answer: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let record = Arc::<Mutex<Record>>::default();
        let answer = Arc::new(answer);
        let shared = Arc::clone(&record);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (record, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                lock(&record).connections += 1;
                thread::spawn(move || talk(&stream, greeting, &*answer, &record));
            }
        });
        Self { port, record }
    }

    /// Returns the port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns how many connections it accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.record).connections
    }

    /// Returns the lines that it received without TLS, and unfinished ones.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lock(&self.record).lines.clone()
    }
}

fn talk(
    mut stream: &TcpStream,
    greeting: &str,
    answer: &(dyn Fn(&str) -> Option<&'static str> + Send + Sync),
    record: &Mutex<Record>,
) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    if stream.write_all(greeting.as_bytes()).is_err() {
        return;
    }
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        let reply = answer(&text);
        lock(record).lines.push(text);
        if let Some(reply) = reply
            && stream.write_all(reply.as_bytes()).is_err()
        {
            return;
        }
    }
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
