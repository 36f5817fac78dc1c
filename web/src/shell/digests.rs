//! The worker that reads files and makes their digests, `web/static/digest.js`: started when the
//! first digest is wanted.
//!
//! The bytes of a file are read once: the worker digests what it hands over to be sent. They stay
//! in the browser's own buffers; this program's memory sees none of them.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Uint8Array};
use protocol::{UploadId, server::Algorithm};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, File, MessageEvent, Url, Worker, WorkerOptions, WorkerType};

use super::{
    app::App,
    dom::{Dom, Fault, listen, number},
    socket::Generation,
};
use crate::{
    page::{DigestJob, DigestOutcome, Digested, Event},
    queue::Chunk,
};

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
    /// What is being read to be sent, in its order.
    orders: Vec<Order>,
    /// The uploads of which anything was read to be sent: the worker holds streams of them.
    ordered: Vec<UploadId>,
    last_ticket: u32,
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
                    orders: Vec::new(),
                    ordered: Vec::new(),
                    last_ticket: 0,
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
            wanted.unshift(&"digest".into());
            running.say(&wanted);
        }
    }

    /// Has a chunk read; it comes back by [`News::Read`]. Whether there is a worker for it.
    pub(super) fn order(&self, chunk: Chunk, generation: Generation, file: &File) -> bool {
        match &mut *self.0.borrow_mut() {
            State::Running(running) => {
                running.order(chunk, generation, file);
                true
            }
            State::NotStarted | State::NotHere => false,
        }
    }

    /// The bytes that are being read to be sent on the link.
    pub(super) fn ordered_bytes(&self, generation: Generation) -> u64 {
        match &*self.0.borrow() {
            State::Running(running) => {
                let of_link = running.orders.iter().filter(|order| order.generation == generation);
                of_link.map(|order| order.chunk.end - order.chunk.header.offset).sum()
            }
            State::NotStarted | State::NotHere => 0,
        }
    }

    /// All bytes of an upload's file, if the worker has handed them over.
    pub(super) fn read(&self, upload: UploadId) -> Option<Uint8Array> {
        match &*self.0.borrow() {
            State::Running(running) => running.bytes_of(upload).cloned(),
            State::NotStarted | State::NotHere => None,
        }
    }

    /// An upload has ended, or is not read any further.
    pub(super) fn stop(&self, upload: UploadId) {
        if let State::Running(running) = &mut *self.0.borrow_mut() {
            running.stop(upload);
        }
    }

    /// The worker says something: digests, a chunk, or nothing when it cannot work.
    fn heard(&self, data: &JsValue) -> News {
        let mut state = self.0.borrow_mut();
        let State::Running(running) = &mut *state else {
            return News::Digests(Vec::new());
        };
        let Some(said) = data.dyn_ref::<Array>() else {
            let awaited = std::mem::take(&mut running.awaited);
            let orders = std::mem::take(&mut running.orders);
            *state = State::NotHere;
            let not_here = awaited.into_iter().map(|(upload, from)| not_here(upload, from));
            return News::NotHere(not_here.collect(), orders);
        };
        let kind = said.shift();
        if kind == "read" {
            running.was_read(said)
        } else {
            News::Digests(said.iter().filter_map(|made| running.made(&made)).collect())
        }
    }
}

/// What the worker says.
enum News {
    Digests(Vec<Digested>),
    /// A chunk, and its frame unless the file cannot be read.
    Read(Order, Option<Uint8Array>),
    /// There is no worker: the digests that were wanted, and the chunks.
    NotHere(Vec<Digested>, Vec<Order>),
}

/// A chunk that is being read.
struct Order {
    ticket: u32,
    chunk: Chunk,
    generation: Generation,
}

impl Running {
    fn bytes_of(&self, upload: UploadId) -> Option<&Uint8Array> {
        self.read.iter().find(|(of, _)| *of == upload).map(|(_, bytes)| bytes)
    }

    fn order(&mut self, chunk: Chunk, generation: Generation, file: &File) {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let ticket = self.last_ticket;
        let header = Uint8Array::from(chunk.header.encode().as_slice());
        let order =
            Array::of4(&"read".into(), &ticket.into(), &chunk.header.upload.0.into(), &header);
        order.push(file);
        order.push(&number(chunk.header.offset).into());
        order.push(&number(chunk.end).into());
        self.say(&order);
        if !self.ordered.contains(&chunk.header.upload) {
            self.ordered.push(chunk.header.upload);
        }
        self.orders.push(Order { ticket, chunk, generation });
    }

    /// The worker is told, unless it has nothing of the upload: of most small files it has not.
    fn stop(&mut self, upload: UploadId) {
        self.orders.retain(|order| order.chunk.header.upload != upload);
        self.awaited.retain(|(of, _)| *of != upload);
        let (ordered, read) = (self.ordered.len(), self.read.len());
        self.ordered.retain(|of| *of != upload);
        self.read.retain(|(of, _)| *of != upload);
        if self.read.len() == read || self.ordered.len() < ordered {
            self.say(&Array::of2(&"stop".into(), &upload.0.into()));
        }
    }

    /// A chunk was read, or cannot be.
    fn was_read(&mut self, said: &Array) -> News {
        let ticket = said.get(0).as_f64();
        let place = self.orders.iter().position(|order| Some(f64::from(order.ticket)) == ticket);
        match place {
            Some(place) => News::Read(self.orders.remove(place), said.get(1).dyn_into().ok()),
            None => News::Digests(Vec::new()),
        }
    }

    /// A digest was made. What was stopped meanwhile is for nobody.
    fn made(&mut self, made: &JsValue) -> Option<Digested> {
        let digested = digested(made)?;
        let place = (digested.upload, digested.from);
        let awaited = self.awaited.iter().position(|awaited| *awaited == place)?;
        self.awaited.swap_remove(awaited);
        if let Ok(bytes) = made.dyn_ref::<Array>()?.get(3).dyn_into() {
            self.read.push((digested.upload, bytes));
        }
        Some(digested)
    }

    fn want(&mut self, job: &DigestJob, file: &File) {
        let wish =
            Array::of4(&job.upload.0.into(), &name(job.algorithm).into(), file, &job.whole.into());
        for from in &job.from {
            wish.push(&number(*from).into());
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
        match self.digests.heard(data) {
            News::Digests(news) if news.is_empty() => {}
            News::Digests(news) => self.handle(Event::Digested(news)),
            News::Read(order, Some(frame)) => {
                self.send_frame(order.chunk.header, order.generation, &frame);
            }
            News::Read(order, None) => {
                let upload = order.chunk.header.upload;
                let outcome = DigestOutcome::Unreadable;
                self.handle(Event::Digested(vec![Digested { upload, from: 0, outcome }]));
            }
            News::NotHere(news, orders) => {
                for Order { chunk, generation, .. } in orders {
                    self.send_unread(chunk, generation);
                }
                self.handle(Event::Digested(news));
            }
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

/// As on the wire.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "blake3",
        Algorithm::Crc32 => "crc32",
        Algorithm::Sha256 => "sha256",
    }
}
