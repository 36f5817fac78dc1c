//! A session's connection to an FTPS server: it owns the FTPS sessions, the upload queue and the
//! queue of requests.
//!
//! ```text
//!               +-----------------------+   earlier connection   +------------+
//!   open() ---> | waiting for an earlier| ---------------------> | connecting |
//!               | connection to close   |       closed           +------------+
//!               +-----------------------+                          |       |
//!                                                       logged in  |       |  refused, failed,
//!                                                                  v       |  certificate not
//!                                                         +-----------+    |  trusted, or
//!                                                         | connected |    |  disconnected
//!                                                         +-----------+    |
//!                              disconnected, session ended, or     |       |
//!                              no further login makes sense        v       v
//!                                                         +------------------+      +-------+
//!                                                         | closing: answers | ---> | ended |
//!                                                         | what is open     |      +-------+
//!                                                         +------------------+
//! ```
//!
//! # Layers
//! - `problems`: the problems of a connection that the engine does not know.
//! - `config`: the engine's configuration of a connection.
//! - [`trial`]: tries the server of a preset.
//! - `transcript`: the engine's transcript as lines of the session log.
//! - `request`: the page's requests about files on the server.
//! - `remote`: executes the requests.
//! - [`part_files`]: removes part files of guests that did not come back.
//! - `task`: the task that runs the connection through the states above.

mod config;
pub mod part_files;
mod problems;
mod remote;
mod request;
mod task;
mod transcript;
pub mod trial;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use protocol::{UploadId, client::Connect, server::Connected};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::task::ConnectionTask;
pub use self::{problems::not_connected, request::RemoteRequest};
use crate::{
    audit::Subject,
    client::Client,
    locking::lock,
    log_throttle::cut,
    lookup::LookupSlot,
    outbox::Outbox,
    portal::Portal,
    under_way::UnderWay,
    uploads::{OpenUpload, OpenUploads, UploadQueue},
};

/// The most requests that may wait.
const MAX_WAITING_REQUESTS: usize = 256;

/// The session's handle of a connection.
#[derive(Debug)]
pub struct FtpsConnection {
    queue: Arc<UploadQueue>,
    requests: mpsc::Sender<RemoteRequest>,
    disconnect: CancellationToken,
    facts: Arc<ConnectedFacts>,
    /// How many earlier connections had to close first when this one was opened.
    queued_behind: u32,
    has_started: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// Returns what the audit calls a connection that a page asks for.
fn subject(owner: &SessionOwner, connect: &Connect) -> Subject {
    Subject {
        session: Some(owner.session.clone()),
        address: owner.address,
        actor: Some(cut(&connect.username)),
        target: Some(format!("{}:{}", cut(&connect.host), connect.port)),
        drop: None,
    }
}

/// The facts that the page got in `connected`, while the connection lasts.
type ConnectedFacts = Mutex<Option<Connected>>;

/// A request that the connection does not accept.
#[derive(Debug)]
pub enum RequestRejected {
    /// `MAX_WAITING_REQUESTS` wait already.
    QueueFull,
    /// The connection has ended.
    Ended(RemoteRequest),
}

/// A session, as limits count it.
#[derive(Clone, Debug)]
pub struct SessionOwner {
    /// The session's name.
    pub session: String,
    /// The client that created the session.
    pub client: Client,
    /// The client's address, for the audit.
    pub address: Option<IpAddr>,
}

/// The parts of a session that its connection uses.
#[derive(Debug)]
pub struct SessionParts {
    /// The portal's shared state.
    pub portal: Arc<Portal>,
    /// The messages to the page.
    pub outbox: Outbox,
    /// The uploads of the session that have not ended.
    pub open_uploads: Arc<OpenUploads>,
    /// The session, as limits count it.
    pub owner: SessionOwner,
    /// Bounds the session's lookups of host names.
    pub lookup_slot: LookupSlot,
    /// What a restart of the portal should not interrupt.
    pub under_way: UnderWay,
    /// Cancelled when the session ends while its page still reads: the page is told so, and neither
    /// that uploads are paused nor that it is disconnected.
    pub session_ends: CancellationToken,
    /// The id of the drop whose guest has the session.
    pub drop: Option<String>,
}

impl FtpsConnection {
    /// Starts to connect, after an earlier connection has closed.
    #[must_use]
    pub fn open(session: SessionParts, connect: Connect, earlier: Option<Self>) -> Self {
        let queue = Arc::<UploadQueue>::default();
        let (requests, receiver) = mpsc::channel(MAX_WAITING_REQUESTS);
        let disconnect = CancellationToken::new();
        let facts = Arc::<ConnectedFacts>::default();
        let has_started = Arc::<AtomicBool>::default();
        let queued_behind = earlier.as_ref().map_or(0, |earlier| earlier.queued_behind() + 1);
        let drop = session.drop.clone();
        let task = ConnectionTask {
            subject: Arc::new(Subject { drop, ..subject(&session.owner, &connect) }),
            session,
            queue: Arc::clone(&queue),
            requests: receiver,
            disconnect: disconnect.clone(),
            facts: Arc::clone(&facts),
        };
        let starts = Arc::clone(&has_started);
        let task = tokio::spawn(async move {
            if let Some(mut earlier) = earlier {
                earlier.close().await;
            }
            starts.store(true, Ordering::Relaxed);
            task.run(connect).await;
        });
        Self { queue, requests, disconnect, facts, queued_behind, has_started, task }
    }

    /// Queues a request.
    ///
    /// # Errors
    /// [`RequestRejected`].
    pub fn request(&self, request: RemoteRequest) -> Result<(), RequestRejected> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => RequestRejected::QueueFull,
            mpsc::error::TrySendError::Closed(request) => RequestRejected::Ended(request),
        })
    }

    /// Queues an upload.
    ///
    /// # Errors
    /// Returns the upload when the connection has ended.
    pub fn offer(&self, upload: Arc<OpenUpload>) -> Result<(), Arc<OpenUpload>> {
        self.queue.push(upload)
    }

    /// Returns the queue of the uploads that have not started.
    #[must_use]
    pub fn queue(&self) -> &Arc<UploadQueue> {
        &self.queue
    }

    /// Removes an upload that has not started from the queue, and returns whether it was there.
    #[must_use]
    pub fn withdraw(&self, upload: UploadId) -> bool {
        self.queue.remove(upload)
    }

    /// Returns the facts that the page got in `connected`, if the connection is established.
    #[must_use]
    pub fn connected(&self) -> Option<Connected> {
        lock(&self.facts).clone()
    }

    /// Returns how many earlier connections have to close before this one starts.
    #[must_use]
    pub fn queued_behind(&self) -> u32 {
        if self.has_started.load(Ordering::Relaxed) { 0 } else { self.queued_behind }
    }

    /// Returns whether the connection has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Returns the token that is cancelled when the connection closes; each upload has a child of
    /// it.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.disconnect
    }

    /// Starts to disconnect. `disconnected` follows.
    pub fn disconnect(&self) {
        self.disconnect.cancel();
    }

    /// Disconnects, and waits for the end of the task.
    ///
    /// # Cancel safety
    /// Cancel safe: it can be called again.
    pub async fn close(&mut self) {
        self.disconnect.cancel();
        if !self.task.is_finished() {
            let _panicked = (&mut self.task).await;
        }
    }
}
