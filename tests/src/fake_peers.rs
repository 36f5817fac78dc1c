//! Things that listen where an FTPS server was expected, and ports where nothing does.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::ports::PortBlock;

/// A port of 127.0.0.1 where nothing listens, and no server of the tests will.
pub struct ClosedPort(PortBlock);

impl ClosedPort {
    /// Takes one.
    #[must_use]
    pub fn take() -> Self {
        Self(PortBlock::take())
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.control()
    }
}

/// Something on 127.0.0.1 that says fixed things and takes down what it hears.
pub struct FakePeer {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

/// What an fake_peer takes down.
#[derive(Clone, Debug, Default)]
struct Heard {
    connections: usize,
    lines: Vec<String>,
}

impl FakePeer {
    /// Accepts and never says a word.
    #[must_use]
    pub fn silent() -> Self {
        Self::start("", |_| None)
    }

    /// Says `greeting` and nothing else.
    #[must_use]
    pub fn greeting(greeting: &'static str) -> Self {
        Self::start(greeting, |_| None)
    }

    /// Says `greeting`, and to each line what `answer` gives; no answer ends the connection's
    /// talk, but not the connection. It runs until the process ends.
    #[must_use]
    pub fn start(
        greeting: &'static str,
        answer: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let heard = Arc::<Mutex<Heard>>::default();
        let answer = Arc::new(answer);
        let record = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
                lock(&record).connections += 1;
                thread::spawn(move || talk(&stream, greeting, &*answer, &record));
            }
        });
        Self { port, heard }
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections came in.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.heard).connections
    }

    /// The lines that it was told in clear, and what came of those that never ended.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lock(&self.heard).lines.clone()
    }
}

fn talk(
    mut stream: &TcpStream,
    greeting: &str,
    answer: &(dyn Fn(&str) -> Option<&'static str> + Send + Sync),
    record: &Mutex<Heard>,
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

fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
