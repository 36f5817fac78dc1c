//! The worker that makes digests, `web/static/digest.js`: started when the first one is wanted.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Uint8Array};
use protocol::{UploadId, server::Algorithm};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, File, MessageEvent, Url, Worker, WorkerOptions, WorkerType};

use super::{
    app::App,
    dom::{Dom, Fault, listen},
};
use crate::page::{DigestJob, DigestOutcome, Digested, Event};

/// How far an upload's sending has to get before the worker is told so, in bytes. It may read some
/// MiB ahead, and needs no message for each chunk.
const REACH_STEP: u64 = 4 << 20;

/// The worker, and what is on its way to it.
#[derive(Default)]
pub(super) struct Digests(RefCell<State>);

#[derive(Default)]
enum State {
    #[default]
    NotStarted,
    Running(Running),
    /// This browser makes none: each wish is answered so.
    NotHere,
}

struct Running {
    worker: Worker,
    /// Digests that are wanted, and not said to the worker yet: many small files are one message.
    wanted: Array,
    /// Those that were said and have not been answered: upload and offset.
    awaited: Vec<(UploadId, u64)>,
    /// How far the worker was told that the sending of each is.
    reached: Vec<(UploadId, u64)>,
    /// The small files that the worker has read, until their uploads end.
    read: Vec<(UploadId, Uint8Array)>,
}

impl Digests {
    /// Wants a digest; [`Digests::flush`] says so to the worker.
    pub(super) fn make(&self, app: &Rc<App>, job: &DigestJob, file: &File) {
        let mut state = self.0.borrow_mut();
        if let State::NotStarted = *state {
            *state = match start(app) {
                Ok(worker) => State::Running(Running {
                    worker,
                    wanted: Array::new(),
                    awaited: Vec::new(),
                    reached: Vec::new(),
                    read: Vec::new(),
                }),
                Err(fault) => {
                    web_sys::console::warn_1(&fault);
                    State::NotHere
                }
            };
        }
        match &mut *state {
            State::Running(running) => running.want(job, file),
            State::NotStarted | State::NotHere => {
                let news = job.from.iter().map(|from| not_here(job.upload, *from)).collect();
                tell_later(app, news);
            }
        }
    }

    /// Says what was wanted since the last call.
    pub(super) fn flush(&self) {
        if let State::Running(running) = &mut *self.0.borrow_mut()
            && running.wanted.length() > 0
        {
            let wanted = std::mem::replace(&mut running.wanted, Array::new());
            wanted.unshift(&"make".into());
            running.say(&wanted);
        }
    }

    /// An upload was sent up to `offset`.
    pub(super) fn reach(&self, upload: UploadId, offset: u64) {
        if let State::Running(running) = &mut *self.0.borrow_mut() {
            let told = running.reached.iter().find(|(of, _)| *of == upload);
            let told = told.map_or(0, |(_, told)| *told);
            if offset >= told.saturating_add(REACH_STEP) {
                running.reached.retain(|(of, _)| *of != upload);
                running.reached.push((upload, offset));
                running.say(&Array::of3(&"reach".into(), &upload.0.into(), &number(offset)));
            }
        }
    }

    /// All bytes of an upload's file, if the worker has handed them over.
    pub(super) fn read(&self, upload: UploadId) -> Option<Uint8Array> {
        match &*self.0.borrow() {
            State::Running(running) => running.bytes_of(upload).cloned(),
            State::NotStarted | State::NotHere => None,
        }
    }

    /// The digests of an upload are not wanted any more.
    pub(super) fn stop(&self, upload: UploadId) {
        if let State::Running(running) = &mut *self.0.borrow_mut() {
            running.awaited.retain(|(of, _)| *of != upload);
            running.reached.retain(|(of, _)| *of != upload);
            let before = running.read.len();
            running.read.retain(|(of, _)| *of != upload);
            let was_made = running.read.len() < before;
            if was_made {
                return;
            }
            running.say(&Array::of2(&"stop".into(), &upload.0.into()));
        }
    }

    /// The worker says something: digests, or nothing when it cannot make any.
    fn heard(&self, data: &JsValue) -> Vec<Digested> {
        let mut state = self.0.borrow_mut();
        let State::Running(running) = &mut *state else {
            return Vec::new();
        };
        let Some(made) = data.dyn_ref::<Array>() else {
            let awaited = std::mem::take(&mut running.awaited);
            *state = State::NotHere;
            return awaited.into_iter().map(|(upload, from)| not_here(upload, from)).collect();
        };
        let mut news = Vec::new();
        for made in made.iter() {
            let Some(digested) = digested(&made) else { continue };
            let place = (digested.upload, digested.from);
            // What was stopped meanwhile is for nobody.
            if let Some(awaited) = running.awaited.iter().position(|awaited| *awaited == place) {
                running.awaited.swap_remove(awaited);
                if let Ok(bytes) = made.unchecked_into::<Array>().get(3).dyn_into() {
                    running.read.push((digested.upload, bytes));
                }
                news.push(digested);
            }
        }
        news
    }
}

impl Running {
    fn bytes_of(&self, upload: UploadId) -> Option<&Uint8Array> {
        self.read.iter().find(|(of, _)| *of == upload).map(|(_, bytes)| bytes)
    }

    fn want(&mut self, job: &DigestJob, file: &File) {
        let wish =
            Array::of4(&job.upload.0.into(), &name(job.algorithm).into(), file, &job.whole.into());
        for from in &job.from {
            wish.push(&number(*from));
            self.awaited.push((job.upload, *from));
        }
        self.wanted.push(&wish);
    }

    fn say(&self, message: &Array) {
        // Fails for what cannot be cloned; a File can.
        let _ = self.worker.post_message(message);
    }
}

fn start(app: &Rc<App>) -> Result<Worker, Fault> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&address(&app.dom, "data-digest-worker")?, &options)?;
    let heard = app.clone();
    listen(&worker, "message", move |event: MessageEvent| heard.digest_news(&event.data()))?;
    let failed = app.clone();
    // A worker that could not be loaded, by a policy for example.
    listen(&worker, "error", move |_: web_sys::Event| failed.digest_news(&JsValue::NULL))?;
    worker.post_message(&Array::of3(
        &"load".into(),
        &address(&app.dom, "data-digest-glue")?.into(),
        &address(&app.dom, "data-digest-wasm")?.into(),
    ))?;
    Ok(worker)
}

impl App {
    fn digest_news(self: &Rc<Self>, data: &JsValue) {
        let news = self.digests.heard(data);
        if !news.is_empty() {
            self.handle(Event::Digested(news));
        }
    }
}

/// Not at once: what asked is still at work.
fn tell_later(app: &Rc<App>, news: Vec<Digested>) {
    let app = app.clone();
    wasm_bindgen_futures::spawn_local(async move { app.handle(Event::Digested(news)) });
}

/// The address of a file whose name the boot script's tag holds.
fn address(dom: &Dom, attribute: &str) -> Result<String, Fault> {
    let tag: Option<Element> = dom.document.query_selector("script[data-glue]")?;
    let path = tag.and_then(|tag| tag.get_attribute(attribute)).ok_or("no worker")?;
    let base = dom.document.base_uri()?.unwrap_or_default();
    Ok(Url::new_with_base(&path, &base)?.href())
}

fn not_here(upload: UploadId, from: u64) -> Digested {
    Digested { upload, from, outcome: DigestOutcome::NotHere }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "they are the numbers that were said to the worker"
)]
fn digested(made: &JsValue) -> Option<Digested> {
    let made: &Array = made.dyn_ref()?;
    let outcome = match made.get(2).as_string() {
        Some(hex) => DigestOutcome::Made(hex),
        None => DigestOutcome::Unreadable,
    };
    let upload = UploadId(made.get(0).as_f64()? as u32);
    Some(Digested { upload, from: made.get(1).as_f64()? as u64, outcome })
}

#[expect(clippy::cast_precision_loss, reason = "no file is as long as 2^53 bytes")]
fn number(offset: u64) -> JsValue {
    (offset as f64).into()
}

/// As on the wire.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "blake3",
        Algorithm::Crc32 => "crc32",
        Algorithm::Sha256 => "sha256",
    }
}
