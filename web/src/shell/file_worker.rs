//! The worker `web/static/digest.js`, which computes the digests of files. It starts with the first
//! digest.
//!
//! The worker reads each file by itself, beside the sending. Of a small file it delivers the bytes
//! too. The bytes stay in the browser's buffers, outside of this program's memory.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use js_sys::{Array, Uint8Array};
use protocol::{UploadId, server::Algorithm};
use wasm_bindgen::{JsCast, JsValue};

use web_sys::{Element, File, MessageEvent, Url, Worker, WorkerOptions, WorkerType};

use super::dom::{Dom, Exception, js_number, listen, spawn};
use crate::page::{DigestJob, DigestOutcome, Digested};

/// The worker, and the requests that it has not answered.
pub(super) struct FileWorker {
    dom: Dom,
    state: RefCell<State>,
    on_digests: Box<dyn Fn(Vec<Digested>)>,
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
    /// The bytes of small files, until their uploads end.
    small_files: Vec<(UploadId, Uint8Array)>,
}

impl FileWorker {
    /// Makes a worker that is not started. `on_digests` is never called before the calling function
    /// has returned.
    pub(super) fn new(dom: Dom, on_digests: impl Fn(Vec<Digested>) + 'static) -> Rc<Self> {
        Rc::new(Self { dom, state: RefCell::default(), on_digests: Box::new(on_digests) })
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
                spawn(async move { (worker.on_digests)(digests) });
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

    /// Tells the worker that an upload's bytes before `to` were sent: it may read so far.
    pub(super) fn sent(&self, upload: UploadId, to: u64) {
        if let State::Running(worker) = &*self.state.borrow() {
            worker.post(&Array::of3(&"sent".into(), &upload.0.into(), &js_number(to).into()));
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
                let digests = owner.receive(data);
                (owner.on_digests)(digests);
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

    /// Decodes a message of the worker: digests, or `null` if the worker cannot run.
    fn receive(&self, data: &JsValue) -> Vec<Digested> {
        let mut state = self.state.borrow_mut();
        let State::Running(worker) = &mut *state else {
            return Vec::new();
        };
        let Some(message) = data.dyn_ref::<Array>() else {
            let pending = std::mem::take(&mut worker.pending_digests);
            *state = State::Unavailable;
            return pending.into_iter().map(|(upload, from)| unavailable(upload, from)).collect();
        };
        // The first element is the kind of the message, of which there is one.
        message.iter().skip(1).filter_map(|digest| worker.receive_digest(&digest)).collect()
    }
}

impl RunningWorker {
    fn new(worker: Worker) -> Self {
        Self {
            worker,
            unposted: Array::new(),
            pending_digests: Vec::new(),
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

    /// Drops all requests of an upload. A small file that was delivered needs no message to the
    /// worker.
    fn stop(&mut self, upload: UploadId) {
        self.pending_digests.retain(|(of, _)| *of != upload);
        let small_files = self.small_files.len();
        self.small_files.retain(|(of, _)| *of != upload);
        if self.small_files.len() == small_files {
            self.post(&Array::of2(&"stop".into(), &upload.0.into()));
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
