//! Joins the browser and the page's core: passes events in, carries out effects, draws changes.

use std::{
    cell::{Cell, OnceCell, Ref, RefCell, RefMut},
    rc::{Rc, Weak},
};

use js_sys::{Date, Function, Math};
use web_sys::{File, WebSocket};

use super::{
    dom::{Dom, Exception, function},
    file_handles::FileHandles,
    file_worker::FileWorker,
    socket::{MessageBuffer, SocketNumber},
    view::Views,
    wake_lock::ScreenLock,
};
use crate::{
    page::{DropTarget, Event, Page},
    queue::{PickedFile, Row},
    saved::RestoredPage,
    time::Millis,
};

use self::drawing::FrameTimes;

mod drawing;
mod effects;
mod portal;
mod sending;

/// The program: the page's core, its views, and the browser's objects that the core works with.
pub(super) struct App {
    pub(super) dom: Dom,
    page: RefCell<Page>,
    views: RefCell<Views>,
    /// By row. `None` for restored rows without a file, and for rows removed from the list.
    files: RefCell<Vec<Option<File>>>,
    /// Handles of dropped files, with which a later page can reopen them.
    pub(super) handles: FileHandles,
    file_worker: Rc<FileWorker>,
    screen_lock: ScreenLock,
    socket: RefCell<Option<WebSocket>>,
    socket_number: Cell<SocketNumber>,
    /// Messages for the next frame of the socket.
    messages: MessageBuffer,
    callbacks: OnceCell<Callbacks>,
    /// Called after each change.
    on_change: OnceCell<Box<dyn Fn()>>,
    timer: Cell<Option<Timer>>,
    send_chunks: Cell<Scheduled>,
    frame: Cell<Scheduled>,
    frame_times: Cell<FrameTimes>,
}

/// The timer of the core's next deadline.
#[derive(Clone, Copy)]
struct Timer {
    handle: i32,
    due: Millis,
}

/// JavaScript functions for timers and frames.
struct Callbacks {
    tick: Function,
    send_chunks: Function,
    /// Requests an animation frame for `draw`.
    request_draw: Function,
    draw: Function,
    /// Measures a drawing: called after the browser has painted it.
    painted: Function,
}

/// Whether a call by a timer or a frame is scheduled.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Scheduled {
    #[default]
    No,
    Yes,
}

impl App {
    pub(super) fn new(dom: Dom) -> Result<Rc<Self>, Exception> {
        let views = Views::new(&dom)?;
        let app = Rc::new_cyclic(|app: &Weak<Self>| {
            let app = app.clone();
            let file_worker = FileWorker::new(dom.clone(), move |digests| {
                if let Some(app) = app.upgrade() {
                    app.handle(Event::Digested(digests));
                }
            });
            Self {
                dom,
                page: RefCell::default(),
                views: RefCell::new(views),
                files: RefCell::default(),
                handles: FileHandles::default(),
                file_worker,
                screen_lock: ScreenLock::default(),
                socket: RefCell::default(),
                socket_number: Cell::default(),
                messages: MessageBuffer::default(),
                callbacks: OnceCell::new(),
                on_change: OnceCell::new(),
                timer: Cell::default(),
                send_chunks: Cell::default(),
                frame: Cell::default(),
                frame_times: Cell::default(),
            }
        });
        let _ = app.callbacks.set(Callbacks::new(&app));
        Ok(app)
    }

    /// Sets the function to call after each change of the page.
    pub(super) fn on_change(&self, on_change: impl Fn() + 'static) {
        let _ = self.on_change.set(Box::new(on_change));
    }

    /// Handles an event.
    pub(super) fn handle(self: &Rc<Self>, event: Event) {
        self.handle_all([event]);
    }

    /// Handles events that happened at the same time, in order.
    pub(super) fn handle_all(self: &Rc<Self>, events: impl IntoIterator<Item = Event>) {
        self.page.borrow_mut().set_date(unix_millis());
        for event in events {
            let effects = self.page.borrow_mut().handle(event, self.now(), Math::random());
            for effect in effects {
                self.carry_out(effect);
            }
        }
        if let Some(socket) = &*self.socket.borrow() {
            self.messages.flush(socket);
        }
        self.file_worker.flush();
        self.update_screen_lock();
        self.send_chunks();
        self.set_timer();
        self.request_frame();
        self.changed();
    }

    pub(super) fn changed(&self) {
        if let Some(on_change) = self.on_change.get() {
            on_change();
        }
    }

    /// Adds picked files. They become the next rows.
    pub(super) fn add(self: &Rc<Self>, picked: Vec<(PickedFile, File)>, target: &DropTarget) {
        if picked.is_empty() {
            return;
        }
        let rows = self.keep_files(picked);
        self.handle(Event::Picked(rows, target.clone()));
    }

    /// Adds files that were picked before there was a server. They become the next rows.
    pub(super) fn add_early(self: &Rc<Self>, picked: Vec<(PickedFile, File)>) {
        if picked.is_empty() {
            return;
        }
        let rows = self.keep_files(picked);
        self.handle(Event::PickedEarly(rows));
    }

    /// Keeps the files of the next rows.
    fn keep_files(&self, picked: Vec<(PickedFile, File)>) -> Vec<PickedFile> {
        let (rows, files): (Vec<_>, Vec<_>) = picked.into_iter().unzip();
        self.files.borrow_mut().extend(files.into_iter().map(Some));
        rows
    }

    /// Adds the rows of an earlier page. They become the next rows.
    pub(super) fn restore(self: &Rc<Self>, restored: RestoredPage) {
        self.files.borrow_mut().extend(restored.rows.iter().map(|_| None));
        self.handle(Event::Restored(Box::new(restored)));
    }

    /// Assigns files to restored rows, each with the digest of its edges if that was compared. A row
    /// that has a file keeps it: its upload may have begun.
    pub(super) fn assign(self: &Rc<Self>, found: Vec<(Row, Option<u64>, File)>) {
        let mut rows = Vec::new();
        for (row, edges, file) in found {
            if let Some(slot) = self.files.borrow_mut().get_mut(row.0)
                && self.page.borrow().queue().missing().contains(row)
            {
                *slot = Some(file);
                rows.push((row, edges));
            }
        }
        if !rows.is_empty() {
            self.handle(Event::FilesFound(rows));
        }
    }

    /// Returns the file of a row.
    pub(super) fn file(&self, row: Row) -> Option<File> {
        self.files.borrow().get(row.0)?.clone()
    }

    /// Keeps the handle of a dropped file or folder.
    pub(super) fn keep_handle(&self, name: String, handle: wasm_bindgen::JsValue) {
        self.handles.keep(name, handle);
        self.changed();
    }

    pub(super) fn page(&self) -> Ref<'_, Page> {
        self.page.borrow()
    }

    pub(super) fn page_mut(&self) -> RefMut<'_, Page> {
        self.page.borrow_mut()
    }

    /// Requests the screen lock while uploads are active, else releases it.
    pub(super) fn update_screen_lock(&self) {
        self.screen_lock.set(&self.dom, self.page.borrow().queue().totals().active > 0);
    }

    /// Whether there are unfinished uploads, which leaving the page would interrupt.
    pub(super) fn is_under_way(&self) -> bool {
        self.page.borrow().queue().totals().under_way()
    }

    /// Sets the timer of the core's next deadline.
    fn set_timer(&self) {
        let Some(callbacks) = self.callbacks.get() else { return };
        let Some(due) = self.page.borrow().deadline() else { return };
        // A timer that fires too early sets the next one, which is cheaper than to replace it at
        // each event.
        match self.timer.get() {
            Some(timer) if timer.due <= due => return,
            Some(timer) => self.dom.window.clear_timeout_with_handle(timer.handle),
            None => {}
        }
        let handle = self.dom.after(due.since(self.now()), &callbacks.tick);
        self.timer.set(Some(Timer { handle, due }));
    }

    /// Returns the time since the page was opened.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the browser's clock starts at 0 with the page and never goes back"
    )]
    pub(super) fn now(&self) -> Millis {
        Millis(self.dom.window.performance().map_or(0.0, |clock| clock.now()) as u64)
    }
}

/// Returns the time in milliseconds since 1970-01-01T00:00:00Z.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no date that a computer has is negative or beyond 2^53"
)]
fn unix_millis() -> u64 {
    Date::now() as u64
}

impl Callbacks {
    fn new(app: &Rc<App>) -> Self {
        let (tick, send_chunks, draw, painted) =
            (app.clone(), app.clone(), app.clone(), app.clone());
        let (dom, draw) = (app.dom.clone(), function(move || draw.draw()));
        let at_frame = draw.clone();
        Self {
            tick: function(move || {
                tick.timer.set(None);
                tick.handle(Event::Tick);
            }),
            send_chunks: function(move || {
                send_chunks.send_chunks.set(Scheduled::No);
                send_chunks.send_chunks();
            }),
            request_draw: function(move || dom.at_next_frame(&at_frame)),
            draw,
            painted: function(move || painted.measure_drawing()),
        }
    }
}
