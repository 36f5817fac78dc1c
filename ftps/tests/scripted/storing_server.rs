//! A server that stores what comes, over as many sessions as it allows.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use ftps::{Config, Connector};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{DataPort, Identity, Log, Peer, Server, read_to_end};

/// What all sessions share.
#[derive(Default)]
struct Shelves {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    open: AtomicUsize,
    most: AtomicUsize,
    sessions: AtomicUsize,
    refused: AtomicUsize,
}

/// A server that stores what comes.
pub(crate) struct StoringServer {
    server: Server,
    shelves: Arc<Shelves>,
}

/// Counts a session for as long as it is open.
struct Guard(Arc<Shelves>);

impl Guard {
    fn new(shelves: &Arc<Shelves>) -> Self {
        let open = shelves.open.fetch_add(1, Ordering::SeqCst) + 1;
        shelves.most.fetch_max(open, Ordering::SeqCst);
        shelves.sessions.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(shelves))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl StoringServer {
    /// One that takes at most so many sessions at once.
    pub(crate) async fn open(max: usize) -> Self {
        let identity = Identity::default();
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shelves = Arc::new(Shelves::default());
        let task = tokio::spawn(serve(listener, identity.clone(), max, Arc::clone(&shelves)));
        Self { server: Server { address, identity, task }, shelves }
    }

    pub(crate) fn config(&self) -> Config {
        self.server.config()
    }

    pub(crate) fn connector(&self, config: Config, log: &Log) -> Connector {
        self.server.connector(config, log)
    }

    /// The name and the content of every file.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.shelves.files.lock().unwrap().clone()
    }

    /// Takes all of them away.
    pub(crate) fn clear(&self) {
        self.shelves.files.lock().unwrap().clear();
    }

    /// Sessions that are open now.
    pub(crate) fn open_sessions(&self) -> usize {
        self.shelves.open.load(Ordering::SeqCst)
    }

    /// The most that were open at once.
    pub(crate) fn most_sessions(&self) -> usize {
        self.shelves.most.load(Ordering::SeqCst)
    }

    /// All that there ever were.
    pub(crate) fn sessions(&self) -> usize {
        self.shelves.sessions.load(Ordering::SeqCst)
    }

    /// Those that were refused.
    pub(crate) fn refused(&self) -> usize {
        self.shelves.refused.load(Ordering::SeqCst)
    }
}

impl Drop for StoringServer {
    fn drop(&mut self) {
        self.server.task.abort();
    }
}

async fn serve(listener: TcpListener, identity: Identity, max: usize, shelves: Arc<Shelves>) {
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let mut peer = Peer::accept(&listener, &identity).await;
        if shelves.open.load(Ordering::SeqCst) >= max {
            shelves.refused.fetch_add(1, Ordering::SeqCst);
            peer.say("421 Too many connections from your address").await;
            continue;
        }
        let guard = Guard::new(&shelves);
        tasks.push(tokio::spawn(async move {
            let files = Arc::clone(&guard.0);
            session(peer, &files).await;
            drop(guard);
        }));
    }
}

async fn session(mut peer: Peer, shelves: &Shelves) {
    peer.secure().await;
    peer.let_in_so_far().await;
    let mut ports: VecDeque<DataPort> = VecDeque::new();
    let mut renamed = String::new();
    while let Some(command) = peer.command().await {
        let (verb, argument) = command.split_once(' ').unwrap_or((&command, ""));
        let path = argument.to_owned();
        let reply = match verb {
            "EPSV" => {
                let port = peer.open_port().await;
                let reply = port.reply();
                // A port that is named ends the one before.
                ports.clear();
                ports.push_back(port);
                reply
            }
            "SIZE" => match shelves.files.lock().unwrap().get(&path) {
                Some(content) => format!("213 {}", content.len()),
                None => "550 none".to_owned(),
            },
            "STOR" => {
                peer.say("150 go").await;
                let mut data = ports.pop_front().unwrap().accept().await;
                let content = read_to_end(&mut data).await;
                shelves.files.lock().unwrap().insert(path, content);
                "226 done".to_owned()
            }
            "RNFR" => {
                renamed = path;
                "350 to?".to_owned()
            }
            "RNTO" => {
                let mut files = shelves.files.lock().unwrap();
                let content = files.remove(&renamed).unwrap();
                files.insert(path, content);
                "250 ok".to_owned()
            }
            "QUIT" => {
                peer.say("221 bye").await;
                return;
            }
            _ => "502 unknown".to_owned(),
        };
        peer.say(&reply).await;
    }
}
