//! The task that holds a session's FTPS connection: connect, then one errand after the other.
//!
//! The story, in order: vet the destination, dial and log in, tell the page; run errands until
//! the page hangs up or the server does; answer every upload that is still open; say goodbye.

use std::sync::Arc;

use ftps::{Client, Connector, Credentials, RemotePath};
use protocol::{
    Problem, ServerMessage, Stage,
    client::Connect,
    server::{Connected, LogKind},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    conversation::{OpenUpload, OpenUploads, open},
    outbox::Outbox,
    upload, words,
};
use crate::{policy::Destination, portal::Portal};

/// Listings and new directories that may wait beside the uploads.
const SMALL_ERRANDS: usize = 256;

/// The most steps down the ladder of fallbacks for one connection, so that it ends in any case.
const MAX_RUNGS: usize = 6;

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
    /// Upload a file.
    Upload(Arc<OpenUpload>),
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
    uploads: mpsc::Sender<Arc<OpenUpload>>,
    small: mpsc::Sender<Errand>,
    hang_up: CancellationToken,
    task: JoinHandle<()>,
}

impl Errand {
    /// The answer to an errand that came to nothing.
    #[must_use]
    pub fn failed(&self, problem: Problem) -> ServerMessage {
        match self {
            Self::List { path } => ServerMessage::ListingFailed { path: path.clone(), problem },
            Self::MakeDirectory { path } => {
                ServerMessage::MakeDirectoryFailed { path: path.clone(), problem }
            }
            Self::Upload(upload) => ServerMessage::Failed { upload: upload.offer.upload, problem },
        }
    }
}

impl Link {
    /// Begins to connect, once an earlier link has ended.
    #[must_use]
    pub fn open(
        portal: Arc<Portal>,
        outbox: Outbox,
        uploads: OpenUploads,
        connect: Connect,
        earlier: Option<Self>,
    ) -> Self {
        let (upload_sender, upload_receiver) =
            mpsc::channel(portal.settings.max_open_uploads as usize);
        let (small_sender, small_receiver) = mpsc::channel(SMALL_ERRANDS);
        let hang_up = CancellationToken::new();
        let worker = Worker {
            portal,
            outbox,
            open_uploads: uploads,
            uploads: upload_receiver,
            small: small_receiver,
            hang_up: hang_up.clone(),
        };
        let task = tokio::spawn(async move {
            if let Some(earlier) = earlier {
                earlier.close().await;
            }
            worker.run(connect).await;
        });
        Self { uploads: upload_sender, small: small_sender, hang_up, task }
    }

    /// Hands an errand over.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send(&self, errand: Errand) -> Result<(), NotSent> {
        let sent = match errand {
            Errand::Upload(upload) => self.uploads.try_send(upload).map_err(as_errand),
            small => self.small.try_send(small),
        };
        sent.map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotSent::Full,
            mpsc::error::TrySendError::Closed(errand) => NotSent::Ended(errand),
        })
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
    pub async fn close(self) {
        self.hang_up.cancel();
        let _panicked = self.task.await;
    }
}

fn as_errand(
    error: mpsc::error::TrySendError<Arc<OpenUpload>>,
) -> mpsc::error::TrySendError<Errand> {
    match error {
        mpsc::error::TrySendError::Full(upload) => {
            mpsc::error::TrySendError::Full(Errand::Upload(upload))
        }
        mpsc::error::TrySendError::Closed(upload) => {
            mpsc::error::TrySendError::Closed(Errand::Upload(upload))
        }
    }
}

/// The task's side.
struct Worker {
    portal: Arc<Portal>,
    outbox: Outbox,
    open_uploads: OpenUploads,
    uploads: mpsc::Receiver<Arc<OpenUpload>>,
    small: mpsc::Receiver<Errand>,
    hang_up: CancellationToken,
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

impl Worker {
    async fn run(mut self, connect: Connect) {
        let hang_up = self.hang_up.clone();
        let connected = tokio::select! {
            biased;
            () = hang_up.cancelled() => Err(End::HungUp),
            connected = self.connect(connect) => connected,
        };
        let end = match connected {
            Ok(mut line) => {
                let end = self.run_errands(&mut line).await;
                line.quit().await;
                end
            }
            Err(end) => end,
        };
        self.finish(end).await;
    }

    /// Vet, dial, log in, tell the page.
    async fn connect(&mut self, connect: Connect) -> Result<Line, End> {
        let destination = self.vet(&connect).await?;
        let (host, port, encryption) = (connect.host.clone(), connect.port, connect.encryption);
        let config = words::engine_config(&self.portal, connect.trusted_certificate.as_deref())
            .map_err(End::Problem)?;
        let credentials = words::credentials(connect).map_err(End::Problem)?;
        let mut line = self.dial(&destination, &config, &credentials).await?;
        let client = line.client().await.map_err(|error| End::Problem(words::problem(&error)))?;
        let facts = client.facts();
        self.outbox
            .send(ServerMessage::Connected(Connected {
                host,
                port,
                encryption,
                address: facts.address.to_string(),
                tls: words::tls(&facts.tls),
                certificate: words::certificate(&facts.certificate, &[]),
                directory: words::directory(client).display().into_owned(),
            }))
            .await;
        Ok(line)
    }

    async fn vet(&self, connect: &Connect) -> Result<Destination, End> {
        let host = &connect.host;
        self.outbox.hint(ServerMessage::Connecting { stage: Stage::Resolve });
        self.outbox.log(LogKind::Status, format!("Resolving the address of {host}"));
        match self.portal.policy.vet(host, connect.port, connect.encryption).await {
            Ok(destination) => {
                self.outbox.log(LogKind::Status, format!("{host} is at {destination}"));
                Ok(destination)
            }
            Err(refusal) => {
                self.outbox.log(LogKind::Error, refusal.to_string());
                Err(End::Problem(refusal.to_problem()))
            }
        }
    }

    /// Tries the addresses one after the other; the first that answers at all is the one.
    async fn dial(
        &self,
        destination: &Destination,
        config: &ftps::Config,
        credentials: &Credentials,
    ) -> Result<Line, End> {
        let mut problem = None;
        for target in destination.targets() {
            let transcript = words::transcript(self.outbox.clone());
            let connector = Connector::new(target, config.clone(), credentials.clone(), transcript);
            let mut line = Line { connector, client: None };
            match line.client().await {
                Ok(_) => return Ok(line),
                Err(error) => {
                    if let Some(untrusted) = error.is_certificate() {
                        let certificate = words::certificate(&untrusted.facts, &untrusted.doubts);
                        self.outbox
                            .send(ServerMessage::CertificateNotTrusted { certificate })
                            .await;
                        return Err(End::CertificateNotTrusted);
                    }
                    let answered = error.stage() != ftps::Stage::Connect;
                    problem = Some(words::problem(&error));
                    if answered {
                        break;
                    }
                }
            }
        }
        Err(End::Problem(problem.unwrap_or_else(words::not_connected)))
    }

    async fn run_errands(&mut self, line: &mut Line) -> End {
        loop {
            let errand = tokio::select! {
                biased;
                () = self.hang_up.cancelled() => return End::HungUp,
                // What a person waits for goes before the next file.
                Some(errand) = self.small.recv() => errand,
                Some(upload) = self.uploads.recv() => Errand::Upload(upload),
                () = line.idle() => continue,
                else => return End::HungUp,
            };
            match errand {
                Errand::List { path } => self.list(line, path).await,
                Errand::MakeDirectory { path } => self.make_directory(line, path).await,
                Errand::Upload(upload) => self.upload(line, &upload).await,
            }
        }
    }

    async fn list(&self, line: &mut Line, path: String) {
        let answer = match self.try_list(line, &path).await {
            Ok((directory, listing)) => words::listing(&directory, &listing),
            Err(problem) => ServerMessage::ListingFailed { path, problem },
        };
        self.outbox.send(answer).await;
    }

    async fn try_list(
        &self,
        line: &mut Line,
        path: &str,
    ) -> Result<(RemotePath, ftps::Listing), Problem> {
        let client = line.client().await.map_err(|error| words::problem(&error))?;
        let directory = words::absolute_path(&words::directory(client), path)?;
        let listing = tokio::select! {
            listing = client.list(&directory) => listing,
            // The client is out of step then, and the line ends anyway.
            () = self.hang_up.cancelled() => return Err(words::not_connected()),
        };
        Ok((directory, listing.map_err(|error| words::problem(&error))?))
    }

    async fn make_directory(&self, line: &mut Line, path: String) {
        let answer = match self.try_make_directory(line, &path).await {
            Ok(()) => ServerMessage::DirectoryMade { path },
            Err(problem) => ServerMessage::MakeDirectoryFailed { path, problem },
        };
        self.outbox.send(answer).await;
    }

    async fn try_make_directory(&self, line: &mut Line, path: &str) -> Result<(), Problem> {
        let client = line.client().await.map_err(|error| words::problem(&error))?;
        let directory = words::absolute_path(&words::directory(client), path)?;
        client.make_directories(&directory).await.map_err(|error| words::problem(&error))
    }

    async fn upload(&self, line: &mut Line, upload: &OpenUpload) {
        let answer = upload::run(line, upload, &self.portal, &self.outbox).await;
        open(&self.open_uploads).remove(&upload.offer.upload);
        self.outbox.send(answer).await;
    }

    /// Answers what is still open, then tells the page that there is no connection any more.
    async fn finish(mut self, end: End) {
        self.uploads.close();
        self.small.close();
        while let Ok(errand) = self.small.try_recv() {
            self.outbox.send(errand.failed(words::not_connected())).await;
        }
        while let Ok(upload) = self.uploads.try_recv() {
            let id = upload.offer.upload;
            open(&self.open_uploads).remove(&id);
            let answer = match &end {
                End::HungUp | End::CertificateNotTrusted => ServerMessage::Cancelled { upload: id },
                End::Problem(problem) => {
                    ServerMessage::Failed { upload: id, problem: problem.clone() }
                }
            };
            self.outbox.send(answer).await;
        }
        let problem = match end {
            End::CertificateNotTrusted => return,
            End::HungUp => None,
            End::Problem(problem) => Some(problem),
        };
        self.outbox.log(LogKind::Status, "Disconnected".to_owned());
        self.outbox.send(ServerMessage::Disconnected { problem }).await;
    }
}

/// A connection that is made anew when the server has ended it.
#[derive(Debug)]
pub struct Line {
    connector: Connector,
    client: Option<Client>,
}

impl Line {
    /// A client that is logged in and in step, with the fallbacks that its errors suggest.
    ///
    /// # Errors
    /// The last error, when no fallback is left.
    pub async fn client(&mut self) -> Result<&mut Client, ftps::Error> {
        let usable = self.client.take().filter(Client::is_usable);
        let client = match usable {
            Some(client) => client,
            None => self.open().await?,
        };
        Ok(self.client.insert(client))
    }

    /// Drops the client and takes the step that `error` suggests; `None` when there is none.
    pub fn fall_back(&mut self, error: &ftps::Error) -> Option<ftps::Rung> {
        let rung = self.connector.learn(error)?;
        self.client = None;
        Some(rung)
    }

    /// Whether there is a client that another verb can be sent through.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.client.as_ref().is_some_and(Client::is_usable)
    }

    /// Waits until the server ends the idle connection; another is made when it is needed.
    async fn idle(&mut self) {
        match &mut self.client {
            Some(client) => {
                let _reported_in_the_transcript = client.idle().await;
                self.client = None;
            }
            None => std::future::pending().await,
        }
    }

    async fn open(&mut self) -> Result<Client, ftps::Error> {
        let mut rungs = 0;
        loop {
            match self.connector.open().await {
                Ok(client) => return Ok(client),
                Err(error) if rungs < MAX_RUNGS && self.connector.learn(&error).is_some() => {
                    rungs += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn quit(self) {
        if let Some(client) = self.client.filter(Client::is_usable) {
            client.quit().await;
        }
    }
}
