//! A native client of the portal's WebSocket: what a page does, without a page.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use protocol::{
    Attempt, ChunkHeader, ClientMessage, Encryption, OnConflict, Problem, ServerMessage, UploadId,
    Window,
    client::{Connect, Language, Offer, ResumeState, Secret},
    server::{
        Algorithm, Certificate, Connected, DeletedCounts, Entry, EntryKind, Existing, FileDigest,
        Limits, LogLine, NewSession, Verified,
    },
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::{
    content::Content,
    portal::{Acceptor, Portal, Stream},
    servers::Server,
};

/// How long the portal may be silent while something is awaited: beyond all its own limits that
/// the tests meet.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);

/// How long a client waits before it tries another socket.
const COME_BACK_AFTER: Duration = Duration::from_millis(50);

type Socket = WebSocketStream<Box<dyn Stream>>;

/// After so many counted messages the portal is told that they were heard.
const HEARD_EVERY: u64 = 32;

/// A session of the portal, and the socket that it has.
pub struct Client {
    session: NewSession,
    door: Acceptor,
    socket: Wire,
    record: Arc<Mutex<Record>>,
    limits: Limits,
    /// The fewest bytes that it sends at once, but for a file's last ones.
    patience: u64,
    next_upload: u32,
    /// Counted messages of the portal.
    heard: u64,
    /// Counted messages that were said and that the portal has not heard.
    unheard: VecDeque<String>,
    /// How many it has heard.
    said: u64,
    when_broken: WhenBroken,
    sockets: u32,
    /// How digests are made.
    algorithm: Algorithm,
    language: Language,
}

/// One socket of a session.
struct Wire {
    sender: SplitSink<Socket, Message>,
    messages: mpsc::Receiver<ServerMessage>,
    reader: JoinHandle<()>,
}

/// What a client does whose socket broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenBroken {
    Panic,
    ComeBack,
}

/// Everything that the portal said.
#[derive(Debug, Default)]
struct Record {
    frames: Vec<String>,
    log: Vec<LogLine>,
}

/// Why something was not deleted, as the portal says it.
#[derive(Debug)]
pub struct NotDeleted {
    /// What happened.
    pub problem: Problem,
    /// Whether it is a directory that holds something.
    pub not_empty: bool,
    /// What was deleted before.
    pub deleted: DeletedCounts,
    /// What is left.
    pub left: Option<DeletedCounts>,
}

/// How an attempt to connect ended.
#[derive(Clone, Debug)]
pub enum Attempted {
    /// Logged in.
    Connected(Box<Connected>),
    /// Nobody vouches for the certificate.
    CertificateNotTrusted(Box<Certificate>),
    /// It came to nothing.
    Failed(Box<Problem>),
}

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Done {
        /// The absolute path on the server.
        path: String,
        /// How it was checked.
        verified: Verified,
        /// The digest of the whole file.
        digest: Option<FileDigest>,
        /// Whether the client's digest was compared.
        page_agrees: bool,
    },
    /// The path is taken.
    Conflict {
        /// What is there.
        existing: Existing,
        /// Where the new file is.
        resume: Option<String>,
    },
    /// As the client asked.
    Cancelled,
    /// As the client asked, to go on with later.
    Paused {
        /// Where a part of the file is.
        resume: Option<String>,
    },
    /// It failed.
    Failed(Problem),
}

/// A file to upload.
#[derive(Clone, Debug)]
pub struct File {
    /// The path on the server.
    pub path: String,
    /// The bytes.
    pub content: Content,
    /// What to do when the path is taken.
    pub on_conflict: OnConflict,
    /// The temporary name of an earlier upload to go on with.
    pub resume: Option<String>,
    /// What it says of the digest.
    pub digest: Digest,
}

/// What a client says of a file's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// Nothing.
    Unsaid,
    /// What it is.
    Right,
    /// Another one, as if the file had changed.
    Wrong,
    /// That it cannot make it.
    Unable,
}

impl File {
    /// A file that does not replace another.
    #[must_use]
    pub fn new(path: impl Into<String>, content: Content) -> Self {
        Self {
            path: path.into(),
            content,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: Digest::Unsaid,
        }
    }

    /// The same, but it replaces what is there.
    #[must_use]
    pub fn overwriting(self) -> Self {
        Self { on_conflict: OnConflict::Overwrite, ..self }
    }

    /// The same, and it says this of the digest.
    #[must_use]
    pub fn saying(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// The same, but it goes on with an earlier upload.
    #[must_use]
    pub fn resuming(self, temporary: impl Into<String>) -> Self {
        Self { resume: Some(temporary.into()), ..self }
    }
}

/// An upload under way.
struct Sending<'a> {
    place: usize,
    content: &'a Content,
    attempt: Attempt,
    window: Window,
}

impl Client {
    /// Makes a session and opens its socket.
    ///
    /// # Panics
    /// When the portal does not welcome it.
    pub async fn open(portal: &Portal) -> Self {
        Self::open_at(portal, portal.door()).await
    }

    /// Makes a session and opens its socket at another of the portal's doors.
    ///
    /// # Panics
    /// When the portal does not welcome it.
    pub async fn open_at(portal: &Portal, door: Acceptor) -> Self {
        let session = new_session(portal);
        let record = Arc::default();
        let socket = connect_socket(&door, &record).await;
        let mut client = Self {
            session,
            door,
            socket: socket.expect("the portal opens the socket"),
            record,
            limits: Limits {
                max_chunk_bytes: 0,
                min_chunk_bytes: 0,
                max_open_uploads: 0,
                ping_interval_millis: 0,
                max_log_lines: 0,
            },
            patience: 0,
            next_upload: 1,
            heard: 0,
            unheard: VecDeque::new(),
            said: 0,
            when_broken: WhenBroken::Panic,
            sockets: 1,
            algorithm: Algorithm::Blake3,
            language: Language::default(),
        };
        client.say_hello(None).await;
        match client.hear().await {
            ServerMessage::Welcome { limits, .. } => client.limits = limits,
            other => panic!("no welcome but {other:?}"),
        }
        client
    }

    /// From here on it comes back through this door when a socket breaks, as a page does.
    pub fn move_to(&mut self, door: Acceptor) {
        self.when_broken = WhenBroken::ComeBack;
        self.door = door;
    }

    /// Joins the same session with a socket of its own, as far as this one is.
    ///
    /// # Panics
    /// When the portal does not let it.
    pub async fn twin(&self) -> Self {
        let record = Arc::default();
        let socket = connect_socket(&self.door, &record).await;
        let mut twin = Self {
            session: self.session.clone(),
            door: self.door.clone(),
            socket: socket.expect("the portal opens the socket"),
            record,
            unheard: self.unheard.clone(),
            language: self.language.clone(),
            ..*self
        };
        twin.come_back().await;
        twin
    }

    /// Goes on with the session as a page that was loaded again and holds nothing of it; the
    /// connection that the session has.
    ///
    /// # Panics
    /// When the portal does not let it.
    pub async fn begin_anew(&mut self) -> Option<Connected> {
        *lock(&self.record) = Record::default();
        let socket = connect_socket(&self.door, &self.record).await;
        self.socket = socket.expect("the portal opens the socket");
        (self.heard, self.said) = (0, 0);
        self.unheard.clear();
        self.say_hello(None).await;
        match self.hear().await {
            ServerMessage::Welcome { connected, next_upload, received: heard, .. } => {
                assert_eq!(heard, 0);
                self.next_upload = next_upload.0;
                connected.map(|connected| *connected)
            }
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// How many sockets it has had.
    #[must_use]
    pub fn sockets(&self) -> u32 {
        self.sockets
    }

    /// The session's name and secret.
    #[must_use]
    pub fn session(&self) -> NewSession {
        self.session.clone()
    }

    /// Leaves for good: the session ends with its socket.
    pub async fn leave(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // A socket that is broken already leaves the session to its grace.
        let _broken = self.socket.sender.send(Message::Close(Some(frame))).await;
    }

    /// From here on it neither says anything nor answers the portal's pings, though its socket stands.
    pub fn fall_silent(&mut self) {
        self.socket.reader.abort();
    }

    /// Closes its socket without a goodbye, and may come back.
    pub async fn close_socket(&mut self) {
        // One that is broken already is as good.
        let _broken = self.socket.sender.send(Message::Close(None)).await;
    }

    /// Goes on with the session on another socket: what the portal has not heard is said again.
    ///
    /// # Panics
    /// When the portal does not let it within a long time.
    pub async fn come_back(&mut self) {
        let back = async {
            loop {
                if self.try_to_come_back().await.is_some() {
                    return;
                }
                sleep(COME_BACK_AFTER).await;
            }
        };
        timeout(SILENCE_LIMIT, back).await.expect("the portal lets it come back");
    }

    async fn try_to_come_back(&mut self) -> Option<()> {
        self.socket.reader.abort();
        self.socket = connect_socket(&self.door, &self.record).await?;
        self.sockets += 1;
        let log = lock(&self.record).log.last().map_or(0, |line| line.seq + 1);
        self.say_hello(Some(ResumeState { messages: self.heard, log })).await;
        let first = timeout(SILENCE_LIMIT, self.socket.messages.recv()).await.ok()??;
        let ServerMessage::Welcome { received: heard, .. } = first else {
            panic!("no welcome back but {first:?}");
        };
        while self.said < heard {
            self.unheard.pop_front().expect("the portal has heard what was said");
            self.said += 1;
        }
        for text in &self.unheard {
            self.socket.sender.send(Message::text(text)).await.ok()?;
        }
        Some(())
    }

    async fn say_hello(&mut self, resume: Option<ResumeState>) {
        let NewSession { session, secret } = self.session.clone();
        let hello = ClientMessage::Hello {
            version: protocol::VERSION,
            session,
            secret,
            resume,
            language: self.language.clone(),
        };
        let text = serde_json::to_string(&hello).expect("a message is JSON");
        // A socket that breaks already is noticed by whoever listens.
        let _broken = self.socket.sender.send(Message::text(text)).await;
    }

    /// From here on it sends nothing until its credit is good for `bytes` at once.
    pub fn wait_for_credit_of(&mut self, bytes: u64) {
        self.patience = bytes;
    }

    /// What the portal wants its pages to keep to.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Sends a message.
    ///
    /// # Panics
    /// When the portal has closed the socket, unless it comes back.
    pub async fn say(&mut self, message: &ClientMessage) {
        let text = serde_json::to_string(message).expect("a message is JSON");
        if message.needs_ack() {
            self.unheard.push_back(text.clone());
        }
        self.send(Message::text(text)).await;
    }

    /// Sends a message, unless the portal has closed the socket.
    ///
    /// # Errors
    /// When it has.
    pub async fn try_say(&mut self, message: &ClientMessage) -> Result<(), tungstenite::Error> {
        let text = serde_json::to_string(message).expect("a message is JSON");
        self.socket.sender.send(Message::text(text)).await
    }

    /// Sends a frame. Where the client comes back, one that is lost with its socket is said again
    /// if it is a counted message.
    ///
    /// # Panics
    /// When the portal has closed the socket, unless it comes back.
    pub async fn send(&mut self, frame: Message) {
        let sent = timeout(SILENCE_LIMIT, self.socket.sender.send(frame)).await;
        if let Err(error) = sent.expect("the portal reads in time") {
            if self.when_broken == WhenBroken::Panic {
                panic!("the portal closed the socket: {error}\n{}", self.transcript());
            }
            self.come_back().await;
        }
    }

    /// The next message that is not about the log.
    ///
    /// # Panics
    /// When there is none for a long time, or the socket closed, unless it comes back.
    pub async fn hear(&mut self) -> ServerMessage {
        loop {
            match timeout(SILENCE_LIMIT, self.socket.messages.recv()).await {
                Ok(Some(ServerMessage::Ack { messages })) => self.was_heard(messages),
                Ok(Some(message)) => {
                    self.count(&message).await;
                    return message;
                }
                Ok(None) if self.when_broken == WhenBroken::ComeBack => self.come_back().await,
                Ok(None) => panic!("the portal closed the socket\n{}", self.transcript()),
                Err(_) => panic!(
                    "nothing for {SILENCE_LIMIT:?}; the session log so far:\n{}",
                    self.transcript()
                ),
            }
        }
    }

    async fn count(&mut self, message: &ServerMessage) {
        if message.needs_ack() {
            self.heard += 1;
            if self.heard.is_multiple_of(HEARD_EVERY) {
                self.say(&ClientMessage::Ack { messages: self.heard }).await;
            }
        }
    }

    fn was_heard(&mut self, messages: u64) {
        while self.said < messages && self.unheard.pop_front().is_some() {
            self.said += 1;
        }
    }

    /// Waits until the portal has closed the socket, and gives what it said before that.
    ///
    /// # Panics
    /// When it does not close it.
    pub async fn hear_out(&mut self) -> Vec<ServerMessage> {
        let mut messages = Vec::new();
        while let Some(message) = timeout(SILENCE_LIMIT, self.socket.messages.recv())
            .await
            .expect("the portal closes the socket")
        {
            messages.push(message);
        }
        messages
    }

    /// Connects to a server and trusts its certificate, as a person does who compared it.
    ///
    /// # Panics
    /// When it cannot log in.
    pub async fn connect(&mut self, server: &Server) -> Connected {
        self.connect_at(server.address(), server).await
    }

    /// Connects to a server that seems to be at another address.
    ///
    /// # Panics
    /// When it cannot log in.
    pub async fn connect_at(&mut self, address: SocketAddr, server: &Server) -> Connected {
        let mut connect = to(server);
        connect.host = address.ip().to_string();
        connect.port = address.port();
        connect.trusted_certificate = Some(server.certificate_sha256());
        match self.attempt(connect).await {
            Attempted::Connected(connected) => *connected,
            other => panic!("not connected: {other:?}\n{}\n{}", self.transcript(), server.log()),
        }
    }

    /// Tries to connect.
    pub async fn attempt(&mut self, connect: Connect) -> Attempted {
        self.say(&ClientMessage::Connect(connect)).await;
        loop {
            match self.hear().await {
                ServerMessage::Connected(connected) => {
                    self.algorithm = connected.digest;
                    return Attempted::Connected(Box::new(connected));
                }
                ServerMessage::CertificateNotTrusted { certificate } => {
                    return Attempted::CertificateNotTrusted(Box::new(certificate));
                }
                ServerMessage::Disconnected { problem: Some(problem) } => {
                    return Attempted::Failed(Box::new(problem));
                }
                ServerMessage::Goodbye { problem } => {
                    panic!("the session ended: {problem:?}\n{}", self.transcript());
                }
                // What belongs to an earlier connection, or tells how far this one is.
                _ => {}
            }
        }
    }

    /// Uploads the files, as many at a time as the portal allows, and waits for their outcomes.
    pub async fn upload(&mut self, files: &[File]) -> Vec<Outcome> {
        self.upload_and(files, |_, _| None).await
    }

    /// Uploads one file.
    pub async fn upload_one(&mut self, file: &File) -> Outcome {
        let mut outcomes = self.upload(std::slice::from_ref(file)).await;
        outcomes.pop().expect("one outcome a file")
    }

    /// Uploads the files, and says after each message of the portal what `reaction` gives; it is
    /// told the message and the number of bytes of the file that were sent.
    pub async fn upload_and(
        &mut self,
        files: &[File],
        mut reaction: impl FnMut(&ServerMessage, u64) -> Option<ClientMessage>,
    ) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = files.iter().map(|_| None).collect();
        let mut sending: HashMap<UploadId, Sending<'_>> = HashMap::new();
        let mut waiting = files.iter().enumerate();
        loop {
            while sending.len() < self.limits.max_open_uploads as usize
                && let Some((place, file)) = waiting.next()
            {
                let upload = self.offer(file).await;
                let content = &file.content;
                let window = Window::new(content.len);
                let attempt = Attempt(0);
                sending.insert(upload, Sending { place, content, attempt, window });
            }
            if sending.is_empty() {
                return outcomes.into_iter().flatten().collect();
            }
            let message = self.hear().await;
            let sent = upload_of(&message)
                .and_then(|upload| sending.get(&upload))
                .map_or(0, |upload| upload.window.sent());
            if let Some(answer) = reaction(&message, sent) {
                self.say(&answer).await;
            }
            let (upload, outcome) = match message {
                ServerMessage::Credit { upload, attempt, taken, received, limit } => {
                    if let Some(state) = sending.get_mut(&upload) {
                        state.credit(attempt, taken, received, limit);
                        self.send_chunks(upload, state).await;
                    }
                    continue;
                }
                ServerMessage::Opened { upload, offset, .. } => {
                    if offset > 0
                        && let Some(state) = sending.get(&upload)
                    {
                        self.say_digest(upload, &files[state.place], offset).await;
                    }
                    continue;
                }
                ServerMessage::Done { upload, path, verified, digest, page_agrees } => {
                    (upload, Outcome::Done { path, verified, digest, page_agrees })
                }
                ServerMessage::Conflict { upload, existing, resume } => {
                    (upload, Outcome::Conflict { existing, resume })
                }
                ServerMessage::Cancelled { upload } => (upload, Outcome::Cancelled),
                ServerMessage::Paused { upload, resume } => (upload, Outcome::Paused { resume }),
                ServerMessage::Failed { upload, problem, .. } => (upload, Outcome::Failed(problem)),
                ServerMessage::Goodbye { problem } => {
                    panic!("the session ended: {problem:?}\n{}", self.transcript());
                }
                _ => continue,
            };
            let ended = sending.remove(&upload).expect("an upload that was offered");
            outcomes[ended.place] = Some(outcome);
        }
    }

    /// Uploads one file until a message that `is_enough` takes for enough.
    ///
    /// # Panics
    /// When the upload ends before.
    pub async fn upload_until(
        &mut self,
        file: &File,
        mut is_enough: impl FnMut(&ServerMessage) -> bool,
    ) {
        let upload = self.offer(file).await;
        let window = Window::new(file.content.len);
        let mut state = Sending { place: 0, content: &file.content, attempt: Attempt(0), window };
        loop {
            let message = self.hear().await;
            if is_enough(&message) {
                return;
            }
            match message {
                ServerMessage::Credit { attempt, taken, received, limit, .. } => {
                    state.credit(attempt, taken, received, limit);
                    self.send_chunks(upload, &mut state).await;
                }
                ServerMessage::Opened { .. }
                | ServerMessage::Connecting { .. }
                | ServerMessage::DataTls { .. }
                | ServerMessage::Interrupted { .. } => {}
                other => panic!("{other:?}\n{}", self.transcript()),
            }
        }
    }

    /// Offers a file.
    pub async fn offer(&mut self, file: &File) -> UploadId {
        let upload = UploadId(self.next_upload);
        self.next_upload += 1;
        self.say(&ClientMessage::Offer(Offer {
            upload,
            path: file.path.clone(),
            size: file.content.len,
            modified_millis: Some(1_700_000_000_000),
            on_conflict: file.on_conflict,
            resume: file.resume.clone(),
            digest: file.digest != Digest::Unsaid,
        }))
        .await;
        self.say_digest(upload, file, 0).await;
        upload
    }

    async fn say_digest(&mut self, upload: UploadId, file: &File, from: u64) {
        let hex = match file.digest {
            Digest::Unsaid => return,
            Digest::Unable => None,
            Digest::Right => Some(file.content.digest(from, self.algorithm)),
            Digest::Wrong => {
                let other = Content { seed: file.content.seed + 1, ..file.content };
                Some(other.digest(from, self.algorithm))
            }
        };
        self.say(&ClientMessage::Digest { upload, from, hex }).await;
    }

    /// Lists a directory.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn list(&mut self, path: &str) -> Result<Vec<Entry>, Problem> {
        self.say(&ClientMessage::List { path: path.to_owned() }).await;
        loop {
            match self.hear().await {
                ServerMessage::Listing { entries, .. } => return Ok(entries),
                ServerMessage::ListingFailed { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Removes what an upload left behind.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn remove(&mut self, path: &str) -> Result<(), Problem> {
        self.say(&ClientMessage::Remove { path: path.to_owned() }).await;
        loop {
            match self.hear().await {
                ServerMessage::Removed { .. } => return Ok(()),
                ServerMessage::RemoveFailed { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Says from the next socket on that its person reads that language.
    pub fn reads(&mut self, language: Language) {
        self.language = language;
    }

    /// Gives a file or a directory another name.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn rename(&mut self, from: &str, to: &str) -> Result<(), Problem> {
        self.say(&ClientMessage::Rename { from: from.to_owned(), to: to.to_owned() }).await;
        loop {
            match self.hear().await {
                ServerMessage::Renamed { .. } => return Ok(()),
                ServerMessage::NotRenamed { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Deletes a file, or a directory that is empty.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn delete(
        &mut self,
        path: &str,
        kind: EntryKind,
    ) -> Result<DeletedCounts, NotDeleted> {
        self.delete_as(path, kind, false).await
    }

    /// Deletes a directory and everything in it.
    ///
    /// # Errors
    /// When the portal or the server refuses.
    pub async fn delete_all_of(&mut self, path: &str) -> Result<DeletedCounts, NotDeleted> {
        self.delete_as(path, EntryKind::Directory, true).await
    }

    async fn delete_as(
        &mut self,
        path: &str,
        kind: EntryKind,
        recursive: bool,
    ) -> Result<DeletedCounts, NotDeleted> {
        self.say(&ClientMessage::Delete { path: path.to_owned(), kind, recursive }).await;
        loop {
            match self.hear().await {
                ServerMessage::Deleted { deleted, .. } => return Ok(deleted),
                ServerMessage::NotDeleted { problem, not_empty, deleted, left, .. } => {
                    return Err(NotDeleted { problem, not_empty, deleted, left });
                }
                _ => {}
            }
        }
    }

    /// The session log so far.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        lock(&self.record).log.clone()
    }

    /// The session log so far, as text.
    #[must_use]
    pub fn transcript(&self) -> String {
        let lines = lock(&self.record);
        let lines = lines.log.iter();
        lines.map(|line| format!("{:?}: {}\n", line.kind, line.text)).collect()
    }

    /// Everything that the portal sent, each frame as it came.
    #[must_use]
    pub fn frames(&self) -> Vec<String> {
        lock(&self.record).frames.clone()
    }

    /// Sends what the credit allows, in pieces that keep to the limits.
    async fn send_chunks(&mut self, upload: UploadId, state: &mut Sending<'_>) {
        loop {
            let window = &mut state.window;
            let len = window.sendable().min(u64::from(self.limits.max_chunk_bytes));
            let ends = window.sent() + len == window.size();
            // Who has nothing under way waits for nothing.
            let patience = if window.in_flight() == 0 { 0 } else { self.patience };
            let least = patience.max(u64::from(self.limits.min_chunk_bytes));
            if len == 0 || (len < least && !ends) {
                return;
            }
            let offset = window.sent();
            let attempt = state.attempt;
            let mut frame = ChunkHeader { upload, attempt, offset }.encode().to_vec();
            frame.extend(state.content.piece(offset, len));
            window.send(offset, len).expect("the credit covers it");
            self.send(Message::binary(frame)).await;
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Sending<'_> {
    fn credit(&mut self, attempt: Attempt, taken: u64, received: u64, limit: u64) {
        if attempt > self.attempt {
            self.attempt = attempt;
            self.window = Window::starting_at(self.content.len, received);
        }
        if attempt == self.attempt {
            self.window.take(taken);
            self.window.grant(limit);
        }
    }
}

/// What it takes to log in at a server, its certificate not trusted.
#[must_use]
pub fn to(server: &Server) -> Connect {
    Connect {
        host: server.address().ip().to_string(),
        port: server.port(),
        encryption: server.encryption(),
        username: server.username().to_owned(),
        password: Secret::new(server.password().to_owned()),
        trusted_certificate: None,
    }
}

/// What it takes to try an address where no FTPS server is.
#[must_use]
pub fn to_port(host: &str, port: u16, encryption: Encryption) -> Connect {
    Connect {
        host: host.to_owned(),
        port,
        encryption,
        username: "nobody".to_owned(),
        password: Secret::new("nothing".to_owned()),
        trusted_certificate: None,
    }
}

/// Asks for a session.
///
/// # Panics
/// When the portal refuses.
#[must_use]
pub fn new_session(portal: &Portal) -> NewSession {
    let origin = format!("Origin: {}", portal.origin());
    let answer = portal.ask("POST", "/session", &[&origin]);
    assert_eq!(answer.status, 201, "{answer:?}");
    serde_json::from_str(&answer.body).expect("the session as JSON")
}

/// Opens the portal's WebSocket with the given headers.
///
/// # Errors
/// When the portal answers something other than 101.
pub async fn open_socket(
    door: &Acceptor,
    headers: &[(&'static str, &str)],
) -> Result<Socket, tungstenite::Error> {
    let mut request = door.socket_url().into_client_request()?;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header's value");
        request.headers_mut().insert(*name, value);
    }
    let stream = door.connect().await?;
    let (socket, _) = client_async(request, stream).await?;
    Ok(socket)
}

/// A socket with the page's own origin; `None` when it breaks before it is open.
async fn connect_socket(door: &Acceptor, record: &Arc<Mutex<Record>>) -> Option<Wire> {
    let socket = open_socket(door, &[("Origin", door.origin())]).await.ok()?;
    let (sender, incoming) = socket.split();
    // More than a test hears before it listens again; then the portal has to wait.
    let (told, messages) = mpsc::channel(10_000);
    let reader = tokio::spawn(read(incoming, Arc::clone(record), told));
    Some(Wire { sender, messages, reader })
}

/// Which upload a message is about.
fn upload_of(message: &ServerMessage) -> Option<UploadId> {
    match message {
        ServerMessage::Credit { upload, .. }
        | ServerMessage::Opened { upload, .. }
        | ServerMessage::Verifying { upload }
        | ServerMessage::Interrupted { upload, .. }
        | ServerMessage::Done { upload, .. }
        | ServerMessage::Conflict { upload, .. }
        | ServerMessage::Cancelled { upload }
        | ServerMessage::Paused { upload, .. }
        | ServerMessage::Failed { upload, .. } => Some(*upload),
        _ => None,
    }
}

/// Keeps the log and every frame, and hands all other messages on.
async fn read(
    mut incoming: SplitStream<Socket>,
    record: Arc<Mutex<Record>>,
    told: mpsc::Sender<ServerMessage>,
) {
    while let Some(Ok(frame)) = incoming.next().await {
        let Message::Text(text) = frame else { continue };
        for line in protocol::lines::split(&text) {
            let message = keep(line, &record);
            if let Some(message) = message
                && told.send(message).await.is_err()
            {
                return;
            }
        }
    }
}

/// Keeps a message as it came; what is not about the log goes on.
fn keep(line: &str, record: &Mutex<Record>) -> Option<ServerMessage> {
    let message: ServerMessage =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    let mut record = lock(record);
    record.frames.push(line.to_owned());
    if let ServerMessage::Log { lines } = message {
        record.log.extend(lines);
        return None;
    }
    Some(message)
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
