//! Uploads of the session: files, their outcomes, and chunks within the credit.

use std::collections::HashMap;

use protocol::{
    Attempt, ChunkHeader, ClientMessage, OnConflict, Problem, ServerMessage, UploadId, Window,
    client::Offer,
    server::{Existing, FileDigest, Verified},
};
use tokio_tungstenite::tungstenite::Message;

use super::Client;
use crate::content::Content;

/// The outcome of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Done {
        /// The absolute path on the server.
        path: String,
        /// How it was verified.
        verified: Verified,
        /// The digest of the whole file.
        digest: Option<FileDigest>,
        /// Whether the client's digest was compared.
        page_agrees: bool,
    },
    /// The path is taken.
    Conflict {
        /// The file in the way.
        existing: Existing,
        /// The temporary name of the new file.
        resume: Option<String>,
    },
    /// As the client asked.
    Cancelled,
    /// As the client asked, to be resumed later.
    Paused {
        /// The temporary name of the part that the server holds.
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
    /// The temporary name of an earlier upload to resume.
    pub resume: Option<String>,
    /// The digest that the client sends.
    pub digest: Digest,
}

/// The digest that a client sends for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// None.
    None,
    /// The right one.
    Right,
    /// Another one, as if the file had changed.
    Wrong,
    /// A message that it cannot compute one.
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
            digest: Digest::None,
        }
    }

    /// Returns the same file, which replaces an existing one.
    #[must_use]
    pub fn overwriting(self) -> Self {
        Self { on_conflict: OnConflict::Overwrite, ..self }
    }

    /// The same, with this digest.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// The same, but it resumes an earlier upload.
    #[must_use]
    pub fn resuming(self, temporary: impl Into<String>) -> Self {
        Self { resume: Some(temporary.into()), ..self }
    }
}

/// The state of an upload in progress.
struct Sending<'a> {
    place: usize,
    content: &'a Content,
    attempt: Attempt,
    window: Window,
}

impl Client {
    /// Uploads the files, as many at a time as the portal allows, and waits for their outcomes.
    pub async fn upload(&mut self, files: &[File]) -> Vec<Outcome> {
        self.upload_and(files, |_, _| None).await
    }

    /// Uploads one file.
    pub async fn upload_one(&mut self, file: &File) -> Outcome {
        let mut outcomes = self.upload(std::slice::from_ref(file)).await;
        outcomes.pop().expect("each file has an outcome")
    }

    /// Uploads the files, and sends what `reaction` returns for each message of the portal and the
    /// number of bytes of the file that were sent.
    pub async fn upload_and(
        &mut self,
        files: &[File],
        mut reaction: impl FnMut(&ServerMessage, u64) -> Option<ClientMessage>,
    ) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = files.iter().map(|_| None).collect();
        let mut sending: HashMap<UploadId, Sending<'_>> = HashMap::new();
        let mut queue = files.iter().enumerate();
        loop {
            while sending.len() < self.limits.max_open_uploads as usize
                && let Some((place, file)) = queue.next()
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
            let message = self.receive().await;
            let sent = upload_of(&message)
                .and_then(|upload| sending.get(&upload))
                .map_or(0, |upload| upload.window.sent());
            if let Some(answer) = reaction(&message, sent) {
                self.send(&answer).await;
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
                        self.send_digest(upload, &files[state.place], offset).await;
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

    /// Uploads one file until `is_enough` returns true for a message.
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
            let message = self.receive().await;
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
                | ServerMessage::Waiting { .. }
                | ServerMessage::Interrupted { .. } => {}
                other => panic!("{other:?}\n{}", self.transcript()),
            }
        }
    }

    /// Offers a file. Returns the number of its upload.
    pub async fn offer(&mut self, file: &File) -> UploadId {
        let upload = UploadId(self.next_upload);
        self.next_upload += 1;
        self.send(&ClientMessage::Offer(Offer {
            upload,
            path: file.path.clone(),
            size: file.content.len,
            modified_millis: Some(1_700_000_000_000),
            on_conflict: file.on_conflict,
            resume: file.resume.clone(),
            digest: file.digest != Digest::None,
            compare: file.on_conflict == OnConflict::Ask,
        }))
        .await;
        self.send_digest(upload, file, 0).await;
        upload
    }

    async fn send_digest(&mut self, upload: UploadId, file: &File, from: u64) {
        let hex = match file.digest {
            Digest::None => return,
            Digest::Unable => None,
            Digest::Right => Some(file.content.digest(from, self.algorithm)),
            Digest::Wrong => {
                let other = Content { seed: file.content.seed + 1, ..file.content };
                Some(other.digest(from, self.algorithm))
            }
        };
        self.send(&ClientMessage::Digest { upload, from, hex }).await;
    }

    /// Sends the bytes that the credit allows, in chunks within the limits.
    async fn send_chunks(&mut self, upload: UploadId, state: &mut Sending<'_>) {
        loop {
            let window = &mut state.window;
            let len = window.sendable().min(u64::from(self.limits.max_chunk_bytes));
            let ends = window.sent() + len == window.size();
            // With nothing in flight, no credit would come: the client does not wait.
            let wanted = if window.in_flight() == 0 { 0 } else { self.min_send_bytes };
            let least = wanted.max(u64::from(self.limits.min_chunk_bytes));
            if len == 0 || (len < least && !ends) {
                return;
            }
            let offset = window.sent();
            let attempt = state.attempt;
            let mut frame = ChunkHeader { upload, attempt, offset }.encode().to_vec();
            frame.extend(state.content.piece(offset, len));
            window.send(offset, len).expect("the credit covers it");
            self.send_frame(Message::binary(frame)).await;
        }
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

/// Returns the upload that a message is about.
fn upload_of(message: &ServerMessage) -> Option<UploadId> {
    match message {
        ServerMessage::Credit { upload, .. }
        | ServerMessage::Opened { upload, .. }
        | ServerMessage::Verifying { upload }
        | ServerMessage::Waiting { upload }
        | ServerMessage::Interrupted { upload, .. }
        | ServerMessage::Done { upload, .. }
        | ServerMessage::Conflict { upload, .. }
        | ServerMessage::Cancelled { upload }
        | ServerMessage::Paused { upload, .. }
        | ServerMessage::Failed { upload, .. } => Some(*upload),
        _ => None,
    }
}
