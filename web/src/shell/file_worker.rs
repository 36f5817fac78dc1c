//! The worker `web/static/digest.js`, which reads files and computes their digests. It starts with
//! the first digest.
//!
//! The worker hashes each piece of a file and posts it for sending: a file is read once, and its
//! bytes stay in the browser's buffers, outside of this program's memory.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use js_sys::{Array, Uint8Array};
use protocol::{UploadId, server::Algorithm};
use wasm_bindgen::{JsCast, JsValue};

use web_sys::{Element, File, MessageEvent, Url, Worker, WorkerOptions, WorkerType};

use super::{
    dom::{Dom, Exception, js_number, listen, spawn},
    socket::SocketNumber,
};
use crate::{
    page::{DigestJob, DigestOutcome, Digested},
    queue::Chunk,
};

/// An event of the worker.
pub(super) enum WorkerEvent {
    Digests(Vec<Digested>),
    /// A requested chunk as a frame, or `None` if the file cannot be read.
    Read(ReadRequest, Option<Uint8Array>),
    /// There is no worker: the digests and the chunks that it was to deliver.
    Unavailable(Vec<Digested>, Vec<ReadRequest>),
}

/// A chunk that the worker reads.
pub(super) struct ReadRequest {
    ticket: u32,
    pub(super) chunk: Chunk,
    /// The socket on which the chunk is to be sent.
    pub(super) socket: SocketNumber,
}

/// The worker, and the requests that it has not answered.
pub(super) struct FileWorker {
    dom: Dom,
    state: RefCell<State>,
    on_event: Box<dyn Fn(WorkerEvent)>,
}

#[derive(Default)]
enum State {
    #[default]
    NotStarted,
    Running(RunningWorker),
    /// The browser cannot run it: every digest is answered as unavailable.
    Unavailable,
}

struct RunningWorker {
    worker: Worker,
    /// Requests for digests that are not posted yet: those of many small files share a message.
    unposted: Array,
    /// Digests that were requested and not delivered: upload and offset.
    pending_digests: Vec<(UploadId, u64)>,
    /// Chunks that were requested and not delivered, in order.
    pending_reads: Vec<ReadRequest>,
    /// Uploads with requested chunks: the worker holds a stream of each.
    streamed: Vec<UploadId>,
    last_ticket: u32,
    /// The bytes of small files, until their uploads end.
    small_files: Vec<(UploadId, Uint8Array)>,
}

impl FileWorker {
    /// Makes a worker that is not started. `on_event` is never called before the calling function
    /// has returned.
    pub(super) fn new(dom: Dom, on_event: impl Fn(WorkerEvent) + 'static) -> Rc<Self> {
        Rc::new(Self { dom, state: RefCell::default(), on_event: Box::new(on_event) })
    }

    /// Requests a digest. [`FileWorker::flush`] posts the request.
    pub(super) fn digest(self: &Rc<Self>, job: &DigestJob, file: &File) {
        let mut state = self.state.borrow_mut();
        if let State::NotStarted = *state {
            *state = match self.start() {
                Ok(worker) => State::Running(RunningWorker::new(worker)),
                Err(exception) => {
                    web_sys::console::warn_1(&exception);
                    State::Unavailable
                }
            };
        }
        match &mut *state {
            State::Running(worker) => worker.request_digest(job, file),
            State::NotStarted | State::Unavailable => {
                let digests = job.from.iter().map(|from| unavailable(job.upload, *from)).collect();
                let worker = self.clone();
                // The caller is still handling an event.
                spawn(async move { (worker.on_event)(WorkerEvent::Digests(digests)) });
            }
        }
    }

    /// Posts the requests for digests made since the last call.
    pub(super) fn flush(&self) {
        if let State::Running(worker) = &mut *self.state.borrow_mut()
            && worker.unposted.length() > 0
        {
            let message = std::mem::replace(&mut worker.unposted, Array::new());
            message.unshift(&"digest".into());
            worker.post(&message);
        }
    }

    /// Requests a chunk, delivered by [`WorkerEvent::Read`]. Returns whether there is a worker.
    pub(super) fn read(&self, chunk: Chunk, socket: SocketNumber, file: &File) -> bool {
        match &mut *self.state.borrow_mut() {
            State::Running(worker) => {
                worker.request_read(chunk, socket, file);
                true
            }
            State::NotStarted | State::Unavailable => false,
        }
    }

    /// Returns the bytes of the chunks that were requested for a socket and not delivered.
    pub(super) fn pending_bytes(&self, socket: SocketNumber) -> u64 {
        match &*self.state.borrow() {
            State::Running(worker) => {
                let of_socket = worker.pending_reads.iter().filter(|read| read.socket == socket);
                of_socket.map(|read| read.chunk.end - read.chunk.header.offset).sum()
            }
            State::NotStarted | State::Unavailable => 0,
        }
    }

    /// Returns the bytes of an upload's file if it is a small one that the worker has delivered.
    pub(super) fn small_file(&self, upload: UploadId) -> Option<Uint8Array> {
        match &*self.state.borrow() {
            State::Running(worker) => worker.small_file(upload).cloned(),
            State::NotStarted | State::Unavailable => None,
        }
    }

    /// Drops all requests of an upload.
    pub(super) fn stop(&self, upload: UploadId) {
        if let State::Running(worker) = &mut *self.state.borrow_mut() {
            worker.stop(upload);
        }
    }

    fn start(self: &Rc<Self>) -> Result<Worker, Exception> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker =
            Worker::new_with_options(&address(&self.dom, "data-digest-worker")?, &options)?;
        let receive = |owner: Weak<Self>, data: &JsValue| {
            if let Some(owner) = owner.upgrade() {
                let event = owner.receive(data);
                (owner.on_event)(event);
            }
        };
        let owner = Rc::downgrade(self);
        listen(&worker, "message", move |event: MessageEvent| {
            receive(owner.clone(), &event.data());
        });
        let owner = Rc::downgrade(self);
        // The script could not be loaded, for example because of a policy.
        listen(&worker, "error", move |_: web_sys::Event| receive(owner.clone(), &JsValue::NULL));
        worker.post_message(&Array::of3(
            &"load".into(),
            &address(&self.dom, "data-digest-glue")?.into(),
            &address(&self.dom, "data-digest-wasm")?.into(),
        ))?;
        Ok(worker)
    }

    /// Decodes a message of the worker: digests, a chunk, or `null` if the worker cannot run.
    fn receive(&self, data: &JsValue) -> WorkerEvent {
        let mut state = self.state.borrow_mut();
        let State::Running(worker) = &mut *state else {
            return WorkerEvent::Digests(Vec::new());
        };
        let Some(message) = data.dyn_ref::<Array>() else {
            let digests = std::mem::take(&mut worker.pending_digests);
            let reads = std::mem::take(&mut worker.pending_reads);
            *state = State::Unavailable;
            let digests = digests.into_iter().map(|(upload, from)| unavailable(upload, from));
            return WorkerEvent::Unavailable(digests.collect(), reads);
        };
        let kind = message.shift();
        if kind == "read" {
            worker.receive_read(message)
        } else {
            let digests = message.iter().filter_map(|digest| worker.receive_digest(&digest));
            WorkerEvent::Digests(digests.collect())
        }
    }
}

impl RunningWorker {
    fn new(worker: Worker) -> Self {
        Self {
            worker,
            unposted: Array::new(),
            pending_digests: Vec::new(),
            pending_reads: Vec::new(),
            streamed: Vec::new(),
            last_ticket: 0,
            small_files: Vec::new(),
        }
    }

    fn small_file(&self, upload: UploadId) -> Option<&Uint8Array> {
        self.small_files.iter().find(|(of, _)| *of == upload).map(|(_, bytes)| bytes)
    }

    fn request_digest(&mut self, job: &DigestJob, file: &File) {
        let request = Array::of4(
            &job.upload.0.into(),
            &wire_name(job.algorithm).into(),
            file,
            &job.whole.into(),
        );
        for from in &job.from {
            request.push(&js_number(*from).into());
            self.pending_digests.push((job.upload, *from));
        }
        self.unposted.push(&request);
    }

    fn request_read(&mut self, chunk: Chunk, socket: SocketNumber, file: &File) {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let ticket = self.last_ticket;
        let upload = chunk.header.upload;
        let header = Uint8Array::from(chunk.header.encode().as_slice());
        let request = Array::of4(&"read".into(), &ticket.into(), &upload.0.into(), &header);
        request.push(file);
        request.push(&js_number(chunk.header.offset).into());
        request.push(&js_number(chunk.end).into());
        self.post(&request);
        if !self.streamed.contains(&upload) {
            self.streamed.push(upload);
        }
        self.pending_reads.push(ReadRequest { ticket, chunk, socket });
    }

    /// Drops all requests of an upload. A small file that was delivered, and never streamed, needs
    /// no message to the worker.
    fn stop(&mut self, upload: UploadId) {
        self.pending_reads.retain(|read| read.chunk.header.upload != upload);
        self.pending_digests.retain(|(of, _)| *of != upload);
        let (streamed, small_files) = (self.streamed.len(), self.small_files.len());
        self.streamed.retain(|of| *of != upload);
        self.small_files.retain(|(of, _)| *of != upload);
        if self.small_files.len() == small_files || self.streamed.len() < streamed {
            self.post(&Array::of2(&"stop".into(), &upload.0.into()));
        }
    }

    fn receive_read(&mut self, message: &Array) -> WorkerEvent {
        let ticket = message.get(0).as_f64();
        let is_this = |read: &ReadRequest| Some(f64::from(read.ticket)) == ticket;
        match self.pending_reads.iter().position(is_this) {
            Some(index) => {
                WorkerEvent::Read(self.pending_reads.remove(index), message.get(1).dyn_into().ok())
            }
            None => WorkerEvent::Digests(Vec::new()),
        }
    }

    /// Decodes a digest. Returns `None` if its upload was stopped.
    fn receive_digest(&mut self, message: &JsValue) -> Option<Digested> {
        let digested = decode(message)?;
        let key = (digested.upload, digested.from);
        let index = self.pending_digests.iter().position(|pending| *pending == key)?;
        self.pending_digests.swap_remove(index);
        if let Ok(bytes) = message.dyn_ref::<Array>()?.get(3).dyn_into() {
            self.small_files.push((digested.upload, bytes));
        }
        Some(digested)
    }

    fn post(&self, message: &Array) {
        // Posting fails for values that cannot be cloned; a File can.
        let _ = self.worker.post_message(message);
    }
}

/// Returns the address of a file that an attribute of the boot script's tag names.
fn address(dom: &Dom, attribute: &str) -> Result<String, Exception> {
    let tag: Option<Element> = dom.document.query_selector("script[data-glue]")?;
    let path = tag.and_then(|tag| tag.get_attribute(attribute)).ok_or("no worker")?;
    let base = dom.document.base_uri()?.unwrap_or_default();
    Ok(Url::new_with_base(&path, &base)?.href())
}

fn unavailable(upload: UploadId, from: u64) -> Digested {
    Digested { upload, from, outcome: DigestOutcome::Unsupported }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the worker returns the numbers of the request"
)]
fn decode(message: &JsValue) -> Option<Digested> {
    let message: &Array = message.dyn_ref()?;
    let outcome = match message.get(2).as_string() {
        Some(hex) => DigestOutcome::Computed(hex),
        None => DigestOutcome::Unreadable,
    };
    let upload = UploadId(message.get(0).as_f64()? as u32);
    Some(Digested { upload, from: message.get(1).as_f64()? as u64, outcome })
}

fn wire_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "blake3",
        Algorithm::Crc32 => "crc32",
        Algorithm::Sha256 => "sha256",
    }
}
