//! The task that holds a session's FTPS connections: connect, then errands and uploads side by side.
//!
//! The story, in order: vet the destination, dial and log in, tell the page; run errands and
//! uploads until the page hangs up; answer every upload that is still open; say goodbye.

use std::{
    iter,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ftps::{Algorithm, Connector, Credentials, Pool, SharedProfile};
use protocol::{
    Problem, ServerMessage, Stage, UploadId,
    client::Connect,
    server::{Connected, EntryKind, LogKind},
};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    offers::{OpenUpload, OpenUploads},
    outbox::{Outbox, OutgoingLine},
    remote::{self, Remote},
    uploader::{Uploader, Waiting},
    words,
};
use crate::{lookup::Asker, policy::Destination, portal::Portal};

/// Listings, new directories and the like that may wait beside the uploads.
const SMALL_ERRANDS: usize = 256;

/// Something to do on the FTPS connection.
#[derive(Debug)]
pub enum Errand {
    /// List a directory.
    List {
        /// As the page sent it.
        path: String,
    },
    /// Make a directory and its parents.
    MakeDirectory {
        /// As the page sent it.
        path: String,
    },
    /// Remove what an upload left behind.
    Remove {
        /// As the page sent it.
        path: String,
    },
    /// Give something another name.
    Rename {
        /// As the page sent it.
        from: String,
        /// As the page sent it.
        to: String,
    },
    /// Delete a file or a directory.
    Delete {
        /// As the page sent it.
        path: String,
        /// What the page takes it for.
        kind: EntryKind,
        /// Whether a directory goes with everything in it.
        recursive: bool,
    },
    /// Remove what a cancelled upload would have gone on with, without a word.
    TidyUp {
        /// As the page sent it.
        path: String,
    },
}

/// An errand that the link does not take.
#[derive(Debug)]
pub enum NotSent {
    /// More errands wait than the protocol allows.
    Full,
    /// The connection has ended.
    Ended(Errand),
}

/// The session's side of the task.
#[derive(Debug)]
pub struct Link {
    waiting: Arc<Waiting>,
    small: mpsc::Sender<Errand>,
    hang_up: CancellationToken,
    facts: Arc<Facts>,
    /// Links that had to end first when this one was opened.
    before: u32,
    begun: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What the page was told of the connection, while it stands.
type Facts = Mutex<Option<Connected>>;

impl Errand {
    /// The paths that the page sent.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let (path, other) = match self {
            Self::List { path }
            | Self::MakeDirectory { path }
            | Self::Remove { path }
            | Self::Delete { path, .. }
            | Self::TidyUp { path } => (path, None),
            Self::Rename { from, to } => (from, Some(to)),
        };
        iter::once(path).chain(other).map(String::as_str)
    }

    /// The answer to an errand that came to nothing, if it has one.
    #[must_use]
    pub fn failed(&self, problem: Problem) -> Option<ServerMessage> {
        Some(match self {
            Self::TidyUp { .. } => return None,
            Self::List { path } => ServerMessage::ListingFailed { path: path.clone(), problem },
            Self::MakeDirectory { path } => {
                ServerMessage::MakeDirectoryFailed { path: path.clone(), problem }
            }
            Self::Remove { path } => ServerMessage::RemoveFailed { path: path.clone(), problem },
            Self::Rename { from, to } => {
                ServerMessage::NotRenamed { from: from.clone(), to: to.clone(), problem }
            }
            Self::Delete { path, .. } => remote::not_deleted(path.clone(), problem),
        })
    }
}

impl Link {
    /// Begins to connect, once an earlier link has ended.
    #[must_use]
    pub fn open(
        portal: Arc<Portal>,
        outbox: Outbox,
        uploads: Arc<OpenUploads>,
        asker: Asker,
        connect: Connect,
        earlier: Option<Self>,
    ) -> Self {
        let waiting = Arc::<Waiting>::default();
        let (small_sender, small_receiver) = mpsc::channel(SMALL_ERRANDS);
        let hang_up = CancellationToken::new();
        let facts = Arc::<Facts>::default();
        let begun = Arc::<AtomicBool>::default();
        let before = earlier.as_ref().map_or(0, |earlier| earlier.links_before() + 1);
        let worker = Worker {
            portal,
            outbox,
            open_uploads: uploads,
            asker,
            waiting: Arc::clone(&waiting),
            small: small_receiver,
            hang_up: hang_up.clone(),
            facts: Arc::clone(&facts),
        };
        let begins = Arc::clone(&begun);
        let task = tokio::spawn(async move {
            if let Some(mut earlier) = earlier {
                earlier.close().await;
            }
            begins.store(true, Ordering::Relaxed);
            worker.run(connect).await;
        });
        Self { waiting, small: small_sender, hang_up, facts, before, begun, task }
    }

    /// Hands an errand over.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send(&self, errand: Errand) -> Result<(), NotSent> {
        self.small.try_send(errand).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotSent::Full,
            mpsc::error::TrySendError::Closed(errand) => NotSent::Ended(errand),
        })
    }

    /// Puts an upload behind those that wait.
    ///
    /// # Errors
    /// It comes back when the connection has ended.
    pub fn offer(&self, upload: Arc<OpenUpload>) -> Result<(), Arc<OpenUpload>> {
        self.waiting.push(upload)
    }

    /// Takes an upload back that nobody has begun with; whether it was there.
    #[must_use]
    pub fn withdraw(&self, upload: UploadId) -> bool {
        self.waiting.withdraw(upload)
    }

    /// What the page was told of the connection, if it stands.
    #[must_use]
    pub fn connected(&self) -> Option<Connected> {
        // Whole after a panic too.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many links have to end before this one begins.
    #[must_use]
    pub fn links_before(&self) -> u32 {
        if self.begun.load(Ordering::Relaxed) { 0 } else { self.before }
    }

    /// Whether there is nothing to come back to.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Cancelled when the link ends: every upload's own token is a child of it.
    #[must_use]
    pub fn uploads_end(&self) -> &CancellationToken {
        &self.hang_up
    }

    /// Asks the task to end; it tells the page when it has.
    pub fn hang_up(&self) {
        self.hang_up.cancel();
    }

    /// Asks the task to end and waits for it.
    ///
    /// # Cancel safety
    /// Cancel safe: it can be asked again.
    pub async fn close(&mut self) {
        self.hang_up.cancel();
        if !self.task.is_finished() {
            let _panicked = (&mut self.task).await;
        }
    }
}

/// The task's side.
struct Worker {
    portal: Arc<Portal>,
    outbox: Outbox,
    open_uploads: Arc<OpenUploads>,
    asker: Asker,
    waiting: Arc<Waiting>,
    small: mpsc::Receiver<Errand>,
    hang_up: CancellationToken,
    facts: Arc<Facts>,
}

/// Why a link ends.
enum End {
    /// The page asked for it, or its session ended.
    HungUp,
    /// The server's certificate needs the person's word; the page was told.
    CertificateNotTrusted,
    /// It cannot go on.
    Problem(Problem),
}

/// The problem of the first upload task that has one; pending while none has.
async fn first_problem(uploads: &mut JoinSet<Result<(), Problem>>) -> Problem {
    while let Some(ended) = uploads.join_next().await {
        if let Ok(Err(problem)) = ended {
            return problem;
        }
    }
    std::future::pending().await
}

impl Worker {
    /// A link waits most of the time: what it does at work has its room on the heap while it lasts.
    async fn run(mut self, connect: Connect) {
        let hang_up = self.hang_up.clone();
        let connected = tokio::select! {
            biased;
            () = hang_up.cancelled() => Err(End::HungUp),
            connected = Box::pin(self.connect(connect)) => connected,
        };
        let end = match connected {
            Ok((pool, digest)) => {
                let mut uploads = self.start_uploads(&pool, digest);
                let end = self.work(&pool, &mut uploads).await;
                // Whoever has an upload sees it cancelled, and answers it.
                self.hang_up.cancel();
                while uploads.join_next().await.is_some() {}
                Box::pin(pool.close()).await;
                end
            }
            Err(end) => end,
        };
        self.finish(end).await;
    }

    /// Errands and uploads side by side until the link ends. The errand that is under way then is
    /// answered before.
    async fn work(&mut self, pool: &Pool, uploads: &mut JoinSet<Result<(), Problem>>) -> End {
        let hang_up = self.hang_up.clone();
        let mut errands = pin!(self.run_errands(pool));
        let problem = tokio::select! {
            () = &mut errands => return End::HungUp,
            problem = first_problem(uploads) => problem,
        };
        hang_up.cancel();
        errands.await;
        End::Problem(problem)
    }

    /// As many as may be under way at once; each waits for a connection that it may use.
    fn start_uploads(&self, pool: &Pool, digest: Algorithm) -> JoinSet<Result<(), Problem>> {
        let mut tasks = JoinSet::new();
        for _ in 0..self.portal.settings.max_ftps_connections.max(1) {
            let uploader = Uploader {
                pool: pool.clone(),
                portal: Arc::clone(&self.portal),
                outbox: self.outbox.clone(),
                open_uploads: Arc::clone(&self.open_uploads),
                waiting: Arc::clone(&self.waiting),
                digest,
                hang_up: self.hang_up.clone(),
            };
            tasks.spawn(uploader.run());
        }
        tasks
    }

    /// Vet, dial, log in, tell the page.
    async fn connect(&mut self, connect: Connect) -> Result<(Pool, Algorithm), End> {
        self.outbox.forget_data_tls();
        let destination = self.vet(&connect).await?;
        let (host, port, encryption) = (connect.host.clone(), connect.port, connect.encryption);
        let username = connect.username.clone();
        let trusted = connect.trusted_certificate.as_deref();
        let speech = self.outbox.speech();
        let mut config = words::engine_config(&self.portal, destination.host(), trusted, speech)
            .map_err(End::Problem)?;
        config.proxy =
            self.portal.outbound.proxy(&self.asker, speech).await.map_err(End::Problem)?;
        let credentials = words::credentials(connect, speech).map_err(End::Problem)?;
        // Only what is known to be short is remembered.
        let profile = self.portal.profiles.of(destination.host(), port, encryption, &username);
        let pool = self.dial(&destination, &config, &credentials, &profile).await?;
        let mut lease = pool.lease_for_errand().await;
        let client = lease.client().await.map_err(|error| End::Problem(self.problem(&error)))?;
        let facts = client.facts();
        let digest = words::digest_algorithm(client);
        let connected = Connected {
            host,
            port,
            encryption,
            username,
            address: facts.address.to_string(),
            tls: words::tls(&facts.tls),
            certificate: words::certificate(&facts.certificate, &[], speech),
            directory: words::directory(client).display().into_owned(),
            digest: words::digest_in_protocol(digest),
        };
        drop(lease);
        self.keep_facts(Some(connected.clone()));
        self.outbox.send(ServerMessage::Connected(connected)).await;
        Ok((pool, digest))
    }

    fn keep_facts(&self, connected: Option<Connected>) {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = connected;
    }

    async fn vet(&self, connect: &Connect) -> Result<Destination, End> {
        let host = &connect.host;
        self.outbox.hint(ServerMessage::Connecting { stage: Stage::Resolve });
        self.log(LogKind::Status, format!("Resolving the address of {host}"));
        let Connect { port, encryption, .. } = *connect;
        match self.portal.policy.vet(host, port, encryption, &self.asker).await {
            Ok(destination) => {
                self.log(LogKind::Status, format!("{host} is at {destination}"));
                Ok(destination)
            }
            Err(refusal) => {
                self.log(LogKind::Error, refusal.to_string());
                Err(End::Problem(self.outbox.speech().refusal(&refusal)))
            }
        }
    }

    /// A line that belongs to no FTPS session.
    fn log(&self, kind: LogKind, text: String) {
        self.outbox.log(OutgoingLine::plain(kind, text));
    }

    /// Tries the addresses one after the other; the first that answers at all is the one.
    async fn dial(
        &self,
        destination: &Destination,
        config: &ftps::Config,
        credentials: &Credentials,
        profile: &SharedProfile,
    ) -> Result<Pool, End> {
        let mut problem = None;
        for target in destination.targets() {
            let transcript = words::transcript(self.outbox.clone());
            let connector = Connector::new(target, config.clone(), credentials.clone(), transcript)
                .with_profile(profile.clone());
            let pool = Pool::new(connector);
            let connected = pool.lease_for_errand().await.connect().await;
            match connected {
                Ok(()) => return Ok(pool),
                Err(error) => {
                    if let Some(untrusted) = error.is_certificate() {
                        let certificate = words::certificate(
                            &untrusted.facts,
                            &untrusted.doubts,
                            self.outbox.speech(),
                        );
                        self.outbox
                            .send(ServerMessage::CertificateNotTrusted { certificate })
                            .await;
                        return Err(End::CertificateNotTrusted);
                    }
                    let answered = error.stage() != ftps::Stage::Connect;
                    problem = Some(self.problem(&error));
                    if answered {
                        break;
                    }
                }
            }
        }
        Err(End::Problem(problem.unwrap_or_else(|| self.not_connected())))
    }

    async fn run_errands(&mut self, pool: &Pool) {
        loop {
            let errand = tokio::select! {
                biased;
                () = self.hang_up.cancelled() => return,
                errand = self.small.recv() => errand,
            };
            let Some(errand) = errand else { return };
            Box::pin(self.run_errand(pool, errand)).await;
        }
    }

    async fn run_errand(&self, pool: &Pool, errand: Errand) {
        let remote = self.remote(pool);
        let answer = match errand {
            Errand::List { path } => remote.list(path).await,
            Errand::MakeDirectory { path } => remote.make_directory(path).await,
            Errand::Remove { path } => remote.remove(path).await,
            Errand::Rename { from, to } => remote.rename(from, to).await,
            Errand::Delete { path, kind, recursive } => remote.delete(path, kind, recursive).await,
            Errand::TidyUp { path } => return remote.tidy_up(&path).await,
        };
        self.outbox.send(answer).await;
    }

    fn problem(&self, error: &ftps::Error) -> Problem {
        self.outbox.speech().engine(error)
    }

    fn not_connected(&self) -> Problem {
        self.outbox.speech().not_connected()
    }

    fn remote<'a>(&'a self, pool: &'a Pool) -> Remote<'a> {
        let speech = self.outbox.speech();
        Remote { pool, settings: &self.portal.settings, speech, hang_up: &self.hang_up }
    }

    /// Answers what is still open, then tells the page that there is no connection any more.
    async fn finish(mut self, end: End) {
        self.keep_facts(None);
        let waiting = self.waiting.close();
        self.small.close();
        while let Ok(errand) = self.small.try_recv() {
            if let Some(answer) = errand.failed(self.not_connected()) {
                self.outbox.send(answer).await;
            }
        }
        for upload in waiting {
            self.open_uploads.remove(upload.offer.upload);
            let answer = match &end {
                End::HungUp | End::CertificateNotTrusted => upload.not_begun(),
                End::Problem(problem) => upload.failed(problem.clone()),
            };
            self.outbox.send(answer).await;
        }
        let problem = match end {
            End::CertificateNotTrusted => return,
            End::HungUp => None,
            End::Problem(problem) => Some(problem),
        };
        self.log(LogKind::Status, "Disconnected".to_owned());
        self.outbox.send(ServerMessage::Disconnected { problem }).await;
    }
}
