//! A native client of the portal's WebSocket that costs as little as a client can, so that what is
//! measured is the portal.
//!
//! The bytes of a file are read into one buffer behind their headers, masked there (RFC 6455 §5.3)
//! and written from there; the library that the tests use copies them twice.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    hash::{BuildHasher as _, RandomState},
    os::unix::fs::FileExt as _,
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail, ensure};
use ferryport_tests::{
    client,
    portal::{Portal, Stream},
    servers::Server,
};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    Attempt, CHUNK_HEADER_LEN, ChunkHeader, ClientMessage, OnConflict, ServerMessage, UploadId,
    Window, client::Offer, delivery::Acknowledged as _, server::Limits, session::Join,
};
use tokio::{
    io::AsyncWriteExt as _,
    runtime::{self, Runtime},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use crate::workload::Files;

/// The header of a binary frame from a client with a length of 64 bits (RFC 6455 §5.2).
const FRAME_HEADER_LEN: usize = 14;

/// All headers in front of the bytes of a file.
const HEADERS_LEN: usize = FRAME_HEADER_LEN + CHUNK_HEADER_LEN;

/// Counted messages of the portal after which the client acknowledges them; the portal keeps them until
/// then.
const ACK_EVERY: u64 = 32;

/// A session of the portal and its socket.
pub(crate) struct LeanClient {
    socket: WebSocketStream<Box<dyn Stream>>,
    /// Messages that came in one frame with others.
    waiting: VecDeque<ServerMessage>,
    limits: Limits,
    next_upload: u32,
    /// Counted messages of the portal.
    received: u64,
    buffer: Vec<u8>,
}

/// A file on its way.
pub(crate) struct Job {
    pub(crate) from: PathBuf,
    pub(crate) to: String,
    pub(crate) bytes: u64,
}

impl Job {
    /// One for each of the files, under its own name.
    pub(crate) fn all(files: &Files) -> Vec<Self> {
        let job = |name: &String| Self {
            from: files.folder().join(name),
            to: name.clone(),
            bytes: files.bytes,
        };
        files.names.iter().map(job).collect()
    }
}

/// The state of an upload in progress.
struct Sending {
    id: UploadId,
    file: File,
    attempt: Attempt,
    window: Window,
}

/// One thread for all that the client does, as other clients have.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Connects to the server through the portal, uploads the files, and leaves.
pub(crate) async fn upload(portal: &Portal, server: &Server, files: &Files) -> Result<()> {
    let mut session = LeanClient::open(portal).await?;
    session.connect(server).await?;
    session.upload(Job::all(files)).await?;
    session.leave().await
}

impl LeanClient {
    /// Opens a socket, and a session on it.
    pub(crate) async fn open(portal: &Portal) -> Result<Self> {
        let mut socket =
            client::open_socket(&portal.acceptor(), &[("Origin", &portal.origin())]).await?;
        let hello = client::hello(Join::New);
        socket.send(Message::text(serde_json::to_string(&hello)?)).await?;
        let mut waiting = VecDeque::new();
        match receive(&mut socket, &mut waiting).await? {
            ServerMessage::Welcome { limits, .. } => Ok(Self {
                socket,
                waiting,
                limits,
                next_upload: 1,
                received: 0,
                buffer: Vec::new(),
            }),
            other => bail!("no welcome but {other:?}"),
        }
    }

    /// Logs in at the server; its certificate is trusted.
    pub(crate) async fn connect(&mut self, server: &Server) -> Result<()> {
        let mut connect = client::to(server);
        connect.trusted_certificate = Some(server.certificate_sha256());
        self.send(&ClientMessage::Connect(connect)).await?;
        loop {
            match self.receive().await? {
                ServerMessage::Connected(_) => return Ok(()),
                ServerMessage::Disconnected { problem } => bail!("not connected: {problem:?}"),
                _ => {}
            }
        }
    }

    /// Uploads the files, as many at a time as the portal allows.
    pub(crate) async fn upload(&mut self, jobs: Vec<Job>) -> Result<()> {
        let mut waiting = jobs.into_iter();
        let mut open = HashMap::new();
        loop {
            while open.len() < self.limits.max_open_uploads as usize
                && let Some(job) = waiting.next()
            {
                let sending = self.offer(&job).await?;
                open.insert(sending.id, sending);
            }
            if open.is_empty() {
                return Ok(());
            }
            match self.receive().await? {
                ServerMessage::Credit { upload, attempt, taken, received, limit } => {
                    if let Some(sending) = open.get_mut(&upload) {
                        sending.credit(attempt, taken, received, limit);
                        self.send_chunks(sending).await?;
                    }
                }
                ServerMessage::Done { upload, .. } => {
                    open.remove(&upload);
                }
                ServerMessage::Conflict { .. } => bail!("the server has the file already"),
                ServerMessage::Failed { problem, .. } => bail!("an upload failed: {problem:?}"),
                ServerMessage::Disconnected { problem } => bail!("disconnected: {problem:?}"),
                _ => {}
            }
        }
    }

    /// Logs out and closes the socket.
    pub(crate) async fn leave(mut self) -> Result<()> {
        self.send(&ClientMessage::Disconnect).await?;
        while !matches!(self.receive().await?, ServerMessage::Disconnected { .. }) {}
        self.socket.close(None).await?;
        Ok(())
    }

    async fn offer(&mut self, job: &Job) -> Result<Sending> {
        let id = UploadId(self.next_upload);
        self.next_upload += 1;
        let file = File::open(&job.from)
            .with_context(|| format!("{} cannot be opened", job.from.display()))?;
        let offer = Offer {
            upload: id,
            path: job.to.clone(),
            size: job.bytes,
            modified_millis: Some(1_700_000_000_000),
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: false,
            compare: false,
        };
        self.send(&ClientMessage::Offer(offer)).await?;
        Ok(Sending { id, file, attempt: Attempt::default(), window: Window::new(job.bytes) })
    }

    /// Sends the bytes that the credit allows, in whole chunks.
    async fn send_chunks(&mut self, sending: &mut Sending) -> Result<()> {
        loop {
            let window = &mut sending.window;
            let len = window.sendable().min(u64::from(self.limits.max_chunk_bytes));
            let ends = window.sent() + len == window.size();
            if len == 0 || (len < u64::from(self.limits.min_chunk_bytes) && !ends) {
                return Ok(());
            }
            let (upload, attempt, offset) = (sending.id, sending.attempt, window.sent());
            window.send(offset, len)?;
            let chunk = ChunkHeader { upload, attempt, offset };
            fill(&mut self.buffer, chunk, &sending.file, len)?;
            // What the library still has to write goes first, then past it.
            self.socket.flush().await?;
            self.socket.get_mut().write_all(&self.buffer).await?;
            self.socket.get_mut().flush().await?;
        }
    }

    async fn send(&mut self, message: &ClientMessage) -> Result<()> {
        Ok(self.socket.send(Message::text(serde_json::to_string(message)?)).await?)
    }

    async fn receive(&mut self) -> Result<ServerMessage> {
        let message = receive(&mut self.socket, &mut self.waiting).await?;
        if let ServerMessage::Goodbye { problem } = &message {
            bail!("the portal ended the session: {problem:?}");
        }
        if message.needs_ack() {
            self.received += 1;
            if self.received.is_multiple_of(ACK_EVERY) {
                self.send(&ClientMessage::Ack { messages: self.received }).await?;
            }
        }
        Ok(message)
    }
}

impl Sending {
    fn credit(&mut self, attempt: Attempt, taken: u64, received: u64, limit: u64) {
        if attempt > self.attempt {
            self.attempt = attempt;
            self.window = Window::starting_at(self.window.size(), received);
        }
        if attempt == self.attempt {
            self.window.take(taken);
            self.window.grant(limit);
        }
    }
}

/// The next message; those that came with it wait in `waiting`.
async fn receive(
    socket: &mut WebSocketStream<Box<dyn Stream>>,
    waiting: &mut VecDeque<ServerMessage>,
) -> Result<ServerMessage> {
    loop {
        if let Some(message) = waiting.pop_front() {
            return Ok(message);
        }
        let frame = socket.next().await.context("the portal closed the socket")??;
        if let Message::Text(text) = frame {
            for line in protocol::lines::split(&text) {
                waiting.push_back(serde_json::from_str(line)?);
            }
        }
    }
}

/// Makes a frame of a piece of the file, masked.
fn fill(buffer: &mut Vec<u8>, chunk: ChunkHeader, file: &File, len: u64) -> Result<()> {
    let payload = CHUNK_HEADER_LEN as u64 + len;
    buffer.resize(FRAME_HEADER_LEN + usize::try_from(payload)?, 0);
    let (headers, bytes) = buffer.split_at_mut(HEADERS_LEN);
    let key = mask_key();
    let mut parts = Vec::with_capacity(HEADERS_LEN);
    // FIN and the opcode of a binary frame; masked, with a length of 64 bits.
    parts.extend([0x82, 0xff]);
    parts.extend(payload.to_be_bytes());
    parts.extend(key);
    parts.extend(masked_header(chunk, key));
    ensure!(parts.len() == HEADERS_LEN, "the headers have {} bytes", parts.len());
    headers.copy_from_slice(&parts);
    file.read_exact_at(bytes, chunk.offset)?;
    mask(bytes, key);
    Ok(())
}

fn masked_header(chunk: ChunkHeader, key: [u8; 4]) -> [u8; CHUNK_HEADER_LEN] {
    let mut header = chunk.encode();
    mask(&mut header, key);
    header
}

/// The header of a chunk is as long as four keys, so that the bytes after it begin with the key's
/// first byte again.
fn mask(bytes: &mut [u8], key: [u8; 4]) {
    const KEYS: usize = 4;
    let mut keys = [0; 4 * KEYS];
    keys.chunks_exact_mut(4).for_each(|chunk| chunk.copy_from_slice(&key));
    for group in bytes.chunks_mut(keys.len()) {
        for (byte, key) in group.iter_mut().zip(keys) {
            *byte ^= key;
        }
    }
}

/// It cannot be predicted (RFC 6455 §10.3): the standard library's hasher begins with the
/// system's randomness.
fn mask_key() -> [u8; 4] {
    let [a, b, c, d, ..] = RandomState::new().hash_one(0_u8).to_le_bytes();
    [a, b, c, d]
}
