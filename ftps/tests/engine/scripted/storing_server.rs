//! A server that stores what it receives, over as many sessions as it allows.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use ftps::Encryption;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    DataPort, Identity, Peer, Server,
    peer::{Login, TemporaryName},
    read_to_end,
};

/// What all sessions share: the files, and counts of sessions.
#[derive(Default)]
struct Storage {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    open: AtomicUsize,
    most: AtomicUsize,
    sessions: AtomicUsize,
    refused: AtomicUsize,
}

/// A server that stores what it receives, until it is dropped.
pub(crate) struct StoringServer {
    server: Server,
    storage: Arc<Storage>,
    task: JoinHandle<()>,
}

/// Counts a session for as long as it is open.
struct OpenSession(Arc<Storage>);

impl OpenSession {
    fn new(storage: &Arc<Storage>) -> Self {
        let open = storage.open.fetch_add(1, Ordering::SeqCst) + 1;
        storage.most.fetch_max(open, Ordering::SeqCst);
        storage.sessions.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(storage))
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl StoringServer {
    /// Starts a server that allows so many sessions at once.
    pub(crate) async fn open(max: usize) -> Self {
        let identity = Identity::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let storage = Arc::new(Storage::default());
        let task = tokio::spawn(serve(listener, identity.clone(), max, Arc::clone(&storage)));
        Self { server: Server::new(address, identity, Encryption::Explicit), storage, task }
    }

    /// Returns the name and the content of every file.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.storage.files.lock().unwrap().clone()
    }

    /// Removes all files.
    pub(crate) fn clear(&self) {
        self.storage.files.lock().unwrap().clear();
    }

    /// Returns how many sessions are open.
    pub(crate) fn open_sessions(&self) -> usize {
        self.storage.open.load(Ordering::SeqCst)
    }

    /// Returns how many were open at once at most.
    pub(crate) fn most_sessions(&self) -> usize {
        self.storage.most.load(Ordering::SeqCst)
    }

    /// Returns how many were opened in all.
    pub(crate) fn sessions(&self) -> usize {
        self.storage.sessions.load(Ordering::SeqCst)
    }

    /// Returns how many were refused.
    pub(crate) fn refused(&self) -> usize {
        self.storage.refused.load(Ordering::SeqCst)
    }
}

impl Deref for StoringServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for StoringServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, identity: Identity, max: usize, storage: Arc<Storage>) {
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let mut peer =
            Peer::accept(&listener, &identity, Login::default(), TemporaryName::default()).await;
        if storage.open.load(Ordering::SeqCst) >= max {
            storage.refused.fetch_add(1, Ordering::SeqCst);
            peer.say("421 Too many connections from your address").await;
            continue;
        }
        let guard = OpenSession::new(&storage);
        tasks.push(tokio::spawn(async move {
            let files = Arc::clone(&guard.0);
            session(peer, &files).await;
            drop(guard);
        }));
    }
}

async fn session(mut peer: Peer, storage: &Storage) {
    peer.secure().await;
    peer.authenticate().await;
    peer.set_up().await;
    let mut ports: VecDeque<DataPort> = VecDeque::new();
    let mut renamed = String::new();
    while let Some(command) = peer.command().await {
        let (verb, argument) = command.split_once(' ').unwrap_or((&command, ""));
        let path = argument.to_owned();
        let reply = match verb {
            "EPSV" => {
                let port = peer.open_port().await;
                let reply = port.reply();
                // A new port replaces the one before.
                ports.clear();
                ports.push_back(port);
                reply
            }
            "SIZE" => match storage.files.lock().unwrap().get(&path) {
                Some(content) => format!("213 {}", content.len()),
                None => "550 none".to_owned(),
            },
            "STOR" => {
                peer.say("150 go").await;
                let mut data = ports.pop_front().unwrap().accept().await;
                let content = read_to_end(&mut data).await;
                storage.files.lock().unwrap().insert(path, content);
                "226 done".to_owned()
            }
            "RNFR" => {
                renamed = path;
                "350 to?".to_owned()
            }
            "RNTO" => {
                let mut files = storage.files.lock().unwrap();
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
