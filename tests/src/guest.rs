//! A native guest of a drop: it speaks to the portal as a guest's page would.

mod files;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    Attempt, ChunkHeader, ClientMessage, GuestMessage, ToGuest, UploadId,
    client::Secret,
    delivery::Acknowledged as _,
    guest::{DropFacts, GuestOffer, GuestProblem, GuestReason, Receipt},
    server::Limits,
    session::{ResumeState, SessionCredentials},
};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

pub use self::files::{Bytes, GuestFile, GuestOutcome, Link};
use crate::{
    client::{hello, open_socket},
    portal::{Acceptor, Stream},
};

/// How long the portal may send nothing: longer than all its own limits that the tests reach.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);

/// Id and key of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalKey {
    /// The id.
    pub id: String,
    /// The key.
    pub key: Secret,
}

/// An upload that was offered and has not ended.
struct OpenUpload {
    file: GuestFile,
    attempt: Attempt,
    sent: u64,
    /// The attempt, the arrived bytes and the limit of the last credit.
    credit: Option<(Attempt, u64, u64)>,
}

/// A guest's session.
pub struct Guest {
    acceptor: Acceptor,
    socket: WebSocketStream<Box<dyn Stream>>,
    session: SessionCredentials,
    /// What the guest may know of the drop.
    pub facts: DropFacts,
    limits: Limits,
    /// Every message of the portal.
    pub frames: Vec<String>,
    /// Messages of the portal that were not handled yet.
    waiting: VecDeque<ToGuest>,
    next_upload: u32,
    /// The counted messages of the guest.
    sent: Vec<String>,
    /// The number of counted messages of the portal that have arrived.
    received: u64,
    open: HashMap<UploadId, OpenUpload>,
    /// The bytes of each upload beyond which nothing is sent.
    stop_at: u64,
    /// The uploads that have ended.
    pub outcomes: BTreeMap<u32, GuestOutcome>,
}

/// The portal's last words to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub problem: GuestProblem,
    /// The title of the drop.
    pub title: Option<String>,
    /// The time until another attempt is permitted, in seconds.
    pub wait_seconds: Option<u64>,
}

impl Guest {
    /// Opens a link.
    ///
    /// # Errors
    /// When the portal refuses it.
    ///
    /// # Panics
    /// When the portal does not answer as it should.
    pub async fn open(acceptor: Acceptor, link: &Link) -> Result<Self, Refused> {
        let socket = open_socket(&acceptor, &acceptor.headers()).await.expect("a socket");
        let mut guest = Self {
            acceptor,
            socket,
            session: SessionCredentials { name: String::new(), secret: Secret::default() },
            facts: DropFacts {
                title: String::new(),
                note: String::new(),
                expires_millis: 0,
                files_left: None,
                bytes_left: None,
                max_file_bytes: None,
                types: Vec::new(),
                ask: Vec::new(),
            },
            limits: Limits {
                max_chunk_bytes: 0,
                min_chunk_bytes: 0,
                max_open_uploads: 0,
                ping_interval_millis: 0,
                max_log_lines: 0,
            },
            frames: Vec::new(),
            waiting: VecDeque::new(),
            next_upload: 1,
            sent: Vec::new(),
            received: 0,
            open: HashMap::new(),
            stop_at: u64::MAX,
            outcomes: BTreeMap::new(),
        };
        guest.send_raw(&hello(link.join())).await;
        match guest.next().await {
            Some(ToGuest::Welcome { session: Some(session), facts, limits, .. }) => {
                (guest.session, guest.facts, guest.limits) = (session, facts, limits);
                Ok(guest)
            }
            Some(ToGuest::Goodbye { problem, title, wait_seconds }) => {
                Err(Refused { problem, title, wait_seconds })
            }
            other => panic!("a welcome was expected, not {other:?}"),
        }
    }

    /// Begins an arrival with these answers.
    ///
    /// # Errors
    /// The portal's problem, when it refuses.
    pub async fn begin(&mut self, fields: &[(&str, &str)]) -> Result<ArrivalKey, GuestProblem> {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.send(&GuestMessage::Begin { fields: fields.collect(), arrival: None, key: None })
            .await;
        self.begun().await
    }

    /// Goes on with an arrival.
    ///
    /// # Errors
    /// The portal's problem, when it refuses.
    pub async fn go_on(&mut self, arrival: &ArrivalKey) -> Result<ArrivalKey, GuestProblem> {
        let begin = GuestMessage::Begin {
            fields: BTreeMap::new(),
            arrival: Some(arrival.id.clone()),
            key: Some(arrival.key.clone()),
        };
        self.send(&begin).await;
        self.begun().await
    }

    async fn begun(&mut self) -> Result<ArrivalKey, GuestProblem> {
        loop {
            match self.step().await.expect("the portal answers") {
                ToGuest::Arrival { id, key } => return Ok(ArrivalKey { id, key }),
                ToGuest::ArrivalRefused { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Offers files without waiting for their ends. Returns their ids.
    pub async fn offer(&mut self, files: &[GuestFile]) -> Vec<u32> {
        let mut ids = Vec::new();
        for file in files {
            let id = self.send_offer(file).await;
            ids.push(id);
            if file.digest {
                self.send_digest(UploadId(id), 0).await;
            }
        }
        ids
    }

    async fn send_offer(&mut self, file: &GuestFile) -> u32 {
        let id = self.next_upload;
        self.next_upload += 1;
        let offer = GuestOffer {
            upload: UploadId(id),
            path: file.path.clone(),
            size: file.bytes.len(),
            modified_millis: None,
            digest: file.digest,
        };
        let (file, attempt) = (file.clone(), Attempt(0));
        self.open.insert(UploadId(id), OpenUpload { file, attempt, sent: 0, credit: None });
        self.send(&GuestMessage::Offer(offer)).await;
        id
    }

    /// Offers a file, and sends this digest, whatever the file's is.
    pub async fn offer_with_digest(&mut self, file: &GuestFile, hex: &str) -> u32 {
        let promising = GuestFile { digest: true, ..file.clone() };
        let upload = self.send_offer(&promising).await;
        let hex = Some(hex.to_owned());
        self.send(&GuestMessage::Digest { upload: UploadId(upload), from: 0, hex }).await;
        upload
    }

    /// Delivers files, at most as many at once as the portal permits.
    ///
    /// # Panics
    /// When the portal ends the session first.
    pub async fn deliver(&mut self, files: &[GuestFile]) -> Vec<GuestOutcome> {
        let mut outcomes = Vec::new();
        for files in files.chunks(self.limits.max_open_uploads as usize) {
            let ids = self.offer(files).await;
            while !ids.iter().all(|id| self.outcomes.contains_key(id)) {
                let message = self.step().await.expect("the portal goes on");
                if let ToGuest::Goodbye { problem, .. } = message {
                    panic!("the portal ends the session: {problem:?}");
                }
            }
            outcomes.extend(ids.iter().map(|id| self.outcomes[id].clone()));
        }
        outcomes
    }

    /// Delivers one file.
    pub async fn deliver_one(&mut self, file: &GuestFile) -> GuestOutcome {
        self.deliver(std::slice::from_ref(file)).await.remove(0)
    }

    /// Offers a file and sends its first bytes only, until the server has `bytes` of them.
    ///
    /// # Panics
    /// When the upload ends first.
    pub async fn deliver_a_part(&mut self, file: &GuestFile, bytes: u64) -> u32 {
        self.stop_at = bytes;
        let id = self.offer(std::slice::from_ref(file)).await[0];
        loop {
            assert!(!self.outcomes.contains_key(&id), "{:?}", self.outcomes);
            if let ToGuest::Credit { taken, .. } = self.step().await.expect("the portal goes on")
                && taken >= bytes
            {
                return id;
            }
        }
    }

    /// Sends what it has held back of an upload.
    pub async fn send_the_rest(&mut self, id: u32) {
        self.stop_at = u64::MAX;
        let open = self.open.get(&UploadId(id));
        if let Some((attempt, received, limit)) = open.and_then(|open| open.credit) {
            self.send_bytes(UploadId(id), attempt, (received, limit)).await;
        }
    }

    /// Waits until an upload has ended.
    ///
    /// # Panics
    /// When the portal closes the socket first.
    pub async fn ended(&mut self, id: u32) -> GuestOutcome {
        while !self.outcomes.contains_key(&id) {
            self.step().await.expect("the portal goes on");
        }
        self.outcomes[&id].clone()
    }

    /// Finishes the arrival.
    ///
    /// # Errors
    /// The portal's problem, when there is no receipt.
    pub async fn finish(&mut self) -> Result<Receipt, GuestProblem> {
        self.send(&GuestMessage::Finish).await;
        loop {
            match self.step().await.expect("the portal answers") {
                ToGuest::Receipt(receipt) => return Ok(receipt),
                ToGuest::ArrivalRefused { problem, .. } => return Err(problem),
                _ => {}
            }
        }
    }

    /// Closes the socket as a page does that is closed: the session ends with it.
    pub async fn leave(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // Where the socket is broken already, the session ends with its grace period.
        let _broken = self.socket.send(Message::Close(Some(frame))).await;
    }

    /// Waits for the end of the session. Returns the portal's last words and its close code.
    ///
    /// # Panics
    /// When the socket breaks.
    pub async fn goodbye(&mut self) -> (Option<GuestReason>, Option<CloseCode>) {
        let mut last = None;
        while let Some(message) = self.waiting.pop_front() {
            self.note(&message);
            if let ToGuest::Goodbye { problem, .. } = message {
                last = Some(problem.reason);
            }
        }
        loop {
            let frame = timeout(SILENCE_LIMIT, self.socket.next()).await.expect("in time");
            match frame {
                Some(Ok(Message::Text(text))) => {
                    for line in protocol::lines::split(&text) {
                        self.frames.push(line.to_owned());
                        let message = serde_json::from_str(line).expect("a message");
                        self.note(&message);
                        if let ToGuest::Goodbye { problem, .. } = message {
                            last = Some(problem.reason);
                        }
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    return (last, frame.map(|frame| frame.code));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (last, None),
            }
        }
    }

    /// Loses its socket, and comes back on another one.
    ///
    /// # Panics
    /// When the portal refuses.
    pub async fn reconnect(&mut self) {
        let acceptor = self.acceptor.clone().of_session(&self.session.name);
        self.socket = open_socket(&acceptor, &acceptor.headers()).await.expect("a socket");
        self.waiting.clear();
        let resume = Some(ResumeState { messages: self.received, log: 0 });
        self.send_raw(&hello(self.session.clone().join(resume))).await;
        let Some(ToGuest::Welcome { received, .. }) = self.next().await else {
            panic!("the portal does not know the session");
        };
        let missing = usize::try_from(received).expect("few messages");
        for text in &self.sent[missing..] {
            self.socket.send(Message::text(text.clone())).await.expect("an open socket");
        }
    }

    /// Sends a message of any type, as a client that breaks the protocol does.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn send_raw(&mut self, message: &ClientMessage) {
        let text = serde_json::to_string(message).expect("a message is JSON");
        self.socket.send(Message::text(text)).await.expect("an open socket");
    }

    /// Sends a message.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn send(&mut self, message: &GuestMessage) {
        let text = serde_json::to_string(message).expect("a message is JSON");
        if message.needs_ack() {
            self.sent.push(text.clone());
        }
        self.socket.send(Message::text(text)).await.expect("an open socket");
    }

    /// Handles the next message: sends what it permits, and notes ends. `None` when the socket is closed.
    pub async fn step(&mut self) -> Option<ToGuest> {
        let message = self.next().await?;
        self.note(&message);
        match &message {
            ToGuest::Credit { upload, attempt, received, limit, .. } => {
                self.send_bytes(*upload, *attempt, (*received, *limit)).await;
            }
            ToGuest::Opened { upload, offset } if *offset > 0 => {
                let digests = self.open.get(upload).is_some_and(|open| open.file.digest);
                if digests {
                    self.send_digest(*upload, *offset).await;
                }
            }
            _ => {}
        }
        if message.needs_ack() {
            let messages = self.received;
            self.send(&GuestMessage::Ack { messages }).await;
        }
        Some(message)
    }

    fn note(&mut self, message: &ToGuest) {
        if message.needs_ack() {
            self.received += 1;
        }
        let (upload, outcome) = match message.clone() {
            ToGuest::Done { upload, verified, sha256 } => {
                (upload, GuestOutcome::Done { verified, sha256 })
            }
            ToGuest::Cancelled { upload } => (upload, GuestOutcome::Cancelled),
            ToGuest::Paused { upload } => (upload, GuestOutcome::Paused),
            ToGuest::Failed { upload, problem } => (upload, GuestOutcome::Failed(problem)),
            _ => return,
        };
        self.open.remove(&upload);
        self.outcomes.insert(upload.0, outcome);
    }

    async fn send_bytes(&mut self, id: UploadId, attempt: Attempt, (received, limit): (u64, u64)) {
        let max = u64::from(self.limits.max_chunk_bytes);
        let min = u64::from(self.limits.min_chunk_bytes);
        let stop_at = self.stop_at;
        loop {
            let Some(open) = self.open.get_mut(&id) else { return };
            open.credit = Some((attempt, received, limit));
            if attempt > open.attempt {
                (open.attempt, open.sent) = (attempt, received);
            }
            let size = open.file.bytes.len();
            let end = limit.min(size).min(open.sent.saturating_add(max));
            let len = end.saturating_sub(open.sent);
            let is_last = end == size;
            if attempt < open.attempt || len == 0 || (len < min && !is_last) || open.sent >= stop_at
            {
                return;
            }
            let header = ChunkHeader { upload: id, attempt, offset: open.sent };
            let chunk = [&header.encode()[..], &open.file.bytes.piece(open.sent, len)].concat();
            open.sent = end;
            self.socket.send(Message::binary(chunk)).await.expect("an open socket");
        }
    }

    async fn send_digest(&mut self, upload: UploadId, from: u64) {
        let Some(open) = self.open.get(&upload) else { return };
        let hex = Some(open.file.bytes.digest(from));
        self.send(&GuestMessage::Digest { upload, from, hex }).await;
    }

    /// Returns the next message of the portal; `None` when the socket is closed.
    async fn next(&mut self) -> Option<ToGuest> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            let frame = timeout(SILENCE_LIMIT, self.socket.next()).await;
            let frame = frame.unwrap_or_else(|_| panic!("nothing; so far: {:#?}", self.frames));
            match frame? {
                Ok(Message::Text(text)) => {
                    for line in protocol::lines::split(&text) {
                        self.frames.push(line.to_owned());
                        let message = serde_json::from_str(line);
                        let message = message.unwrap_or_else(|error| panic!("{error}: {line}"));
                        self.waiting.push_back(message);
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
