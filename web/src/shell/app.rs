//! Joins the browser and the core: hands events in, carries effects out, draws what changed.

use std::{
    cell::{Cell, OnceCell, Ref, RefCell, RefMut},
    rc::Rc,
    time::Duration,
};

use js_sys::{Function, Math};
use protocol::{ClientMessage, UploadId, client};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{File, WebSocket};

use super::{
    clipboard,
    digests::Digests,
    dom::{Dom, Fault, function},
    keeper::{self, Keeper},
    recents,
    socket::{self, Generation, Saying},
    view::{Rest, Step, Views, log},
    wake::Awake,
};
use crate::{
    page::{DropTarget, Effect, Event, Page},
    queue::{FolderId, PickedFile, Row},
    saved::RestoredPage,
    summary,
    time::Millis,
    upload_list::UploadFilter,
};

mod sending;

/// The least pause between two drawings: painting costs more than anything else here, and what it
/// takes is missing where the bytes go out.
const FRAME_PAUSE: Duration = Duration::from_millis(80);
/// The longest pause while the page is seen: a person still takes it for a page that moves.
const LONGEST_FRAME_PAUSE: Duration = Duration::from_millis(500);
/// From one drawing to the next it takes so many times what the last one took, its painting
/// included: on a busy machine, too, most of the time is left for the files.
const FRAME_SHARE: u32 = 6;
/// A page that is not seen is drawn this often, for its title.
const HIDDEN_FRAME_PAUSE: Duration = Duration::from_millis(1000);

/// The program.
pub(super) struct App {
    pub(super) dom: Dom,
    page: RefCell<Page>,
    views: RefCell<Views>,
    /// The n-th file belongs to row n; nothing where a row was cleared from the list.
    files: RefCell<Vec<Option<File>>>,
    pub(super) digests: Digests,
    awake: Awake,
    pub(super) keeper: Keeper,
    socket: RefCell<Option<WebSocket>>,
    generation: Cell<Generation>,
    functions: OnceCell<Functions>,
    /// Messages of the next frame.
    saying: Saying,
    timer: Cell<Option<Timer>>,
    drain: Cell<Pending>,
    frame: Cell<Pending>,
    drawn_at: Cell<Millis>,
    /// How long the last drawing took, from its begin to the end of its painting.
    drawing_took: Cell<Duration>,
}

/// A timer that is set.
#[derive(Clone, Copy)]
struct Timer {
    handle: i32,
    due: Millis,
}

/// What timers and frames call.
struct Functions {
    tick: Function,
    pump: Function,
    /// Waits for the browser's next frame, and draws.
    frame: Function,
    draw: Function,
    /// Notes that what was drawn is painted.
    painted: Function,
}

/// Whether a timer or a frame is on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    No,
    Yes,
}

impl App {
    pub(super) fn new(dom: Dom) -> Result<Rc<Self>, Fault> {
        let views = Views::new(&dom)?;
        let app = Rc::new(Self {
            dom,
            page: RefCell::default(),
            views: RefCell::new(views),
            files: RefCell::default(),
            digests: Digests::default(),
            awake: Awake::default(),
            keeper: Keeper::default(),
            socket: RefCell::default(),
            generation: Cell::default(),
            functions: OnceCell::new(),
            saying: Saying::default(),
            timer: Cell::default(),
            drain: Cell::new(Pending::No),
            frame: Cell::new(Pending::No),
            drawn_at: Cell::default(),
            drawing_took: Cell::default(),
        });
        let (tick, pump, draw) = (app.clone(), app.clone(), app.clone());
        let (dom, draw) = (app.dom.clone(), function(move || draw.draw()));
        let painted = app.clone();
        let at_frame = draw.clone();
        let functions = Functions {
            tick: function(move || {
                tick.timer.set(None);
                tick.handle(Event::Tick);
            }),
            pump: function(move || {
                pump.drain.set(Pending::No);
                pump.pump();
            }),
            frame: function(move || dom.at_next_frame(&at_frame)),
            draw,
            painted: function(move || {
                painted.drawing_took.set(painted.now().since(painted.drawn_at.get()));
            }),
        };
        let _ = app.functions.set(functions);
        Ok(app)
    }

    /// Takes in what happened.
    pub(super) fn handle(self: &Rc<Self>, event: Event) {
        self.handle_all([event]);
    }

    /// Takes in what happened at once, in its order.
    pub(super) fn handle_all(self: &Rc<Self>, events: impl IntoIterator<Item = Event>) {
        for event in events {
            let effects = self.page.borrow_mut().handle(event, self.now(), Math::random());
            for effect in effects {
                self.carry_out(effect);
            }
        }
        if let Some(socket) = &*self.socket.borrow() {
            self.saying.flush(socket);
        }
        self.digests.flush();
        self.keep_awake();
        self.pump();
        self.set_timer();
        self.ask_for_frame();
        keeper::keep_soon(self);
    }

    /// Takes in files, which become the next rows.
    pub(super) fn add(self: &Rc<Self>, picked: Vec<(PickedFile, File)>, place: &DropTarget) {
        if picked.is_empty() {
            return;
        }
        let (rows, files): (Vec<_>, Vec<_>) = picked.into_iter().unzip();
        self.files.borrow_mut().extend(files.into_iter().map(Some));
        self.handle(Event::Picked(rows, place.clone()));
    }

    /// Takes in what an earlier page left; its rows come next.
    pub(super) fn restore(self: &Rc<Self>, restored: RestoredPage) {
        self.files.borrow_mut().extend(restored.rows.iter().map(|_| None));
        self.handle(Event::Restored(Box::new(restored)));
    }

    /// Takes in the files of rows of an earlier page, each with the digest of its edges where it
    /// was needed. A row that has its file already keeps that one: it may be on its way.
    pub(super) fn found(self: &Rc<Self>, found: Vec<(Row, Option<u64>, File)>) {
        let mut rows = Vec::new();
        for (row, edges, file) in found {
            if let Some(place) = self.files.borrow_mut().get_mut(row.0)
                && self.page.borrow().queue().missing().contains(row)
            {
                *place = Some(file);
                rows.push((row, edges));
            }
        }
        if !rows.is_empty() {
            self.handle(Event::FilesFound(rows));
        }
    }

    pub(super) fn file(&self, row: Row) -> Option<File> {
        self.files.borrow().get(row.0)?.clone()
    }

    /// The fingerprint of the server's certificate, as the page shows it.
    pub(super) fn fingerprint(&self) -> String {
        self.views.borrow().fingerprint()
    }

    pub(super) fn page(&self) -> Ref<'_, Page> {
        self.page.borrow()
    }

    /// Whether the page is being drawn: the focus that this moves is no news.
    pub(super) fn is_drawing(&self) -> bool {
        self.page.try_borrow().is_err()
    }

    pub(super) fn page_mut(&self) -> RefMut<'_, Page> {
        self.page.borrow_mut()
    }

    /// Does what the reader of the session log wants.
    pub(super) fn read_log(self: &Rc<Self>, act: log::Act) {
        let wish = self.views.borrow_mut().read_log(&self.page.borrow(), act);
        match wish {
            Ok(log::Wish::Nothing) => {}
            Ok(log::Wish::Explanations) => log::fetch_explanations(self.clone()),
            Err(fault) => web_sys::console::error_1(&fault),
        }
    }

    /// Draws the rows that came into view.
    pub(super) fn scrolled(&self) {
        // The program moves the focus itself, too, while it goes through the views.
        if let Ok(mut views) = self.views.try_borrow_mut() {
            views.scrolled();
        }
        self.ask_for_frame();
    }

    /// Shows these uploads.
    pub(super) fn show(&self, filter: UploadFilter) {
        self.views.borrow_mut().show(filter);
        self.ask_for_frame();
    }

    /// Shows uploads by folder, or not any more.
    pub(super) fn toggle_grouping(&self) {
        self.views.borrow_mut().toggle_grouping();
        self.ask_for_frame();
    }

    /// Opens or closes a folder in the list of uploads.
    pub(super) fn toggle_folder(&self, folder: FolderId) {
        self.views.borrow_mut().toggle_folder(folder, self.page.borrow().queue());
        self.ask_for_frame();
    }

    /// Takes who goes through the list of uploads by keyboard to another line.
    pub(super) fn go(&self, step: Step) {
        self.views.borrow_mut().go(step);
        self.ask_for_frame();
    }

    /// Puts the summary on the clipboard, or has it selected where that is not allowed.
    pub(super) fn copy_summary(self: &Rc<Self>) {
        let text = {
            let page = self.page.borrow();
            summary::report(page.queue(), page.busy_time(self.now()))
        };
        let app = self.clone();
        spawn_local(async move {
            let said = if clipboard::write(&app.dom.window, &text).await {
                summary::copied()
            } else {
                app.views.borrow().select_summary(&text);
                summary::selected()
            };
            app.views.borrow_mut().announce(said.to_owned());
            app.ask_for_frame();
        });
    }

    /// Keeps the machine awake as long as something is under way.
    pub(super) fn keep_awake(&self) {
        self.awake.set(&self.dom, self.page.borrow().queue().totals().active > 0);
    }

    /// Whether leaving the page would cost something.
    pub(super) fn is_under_way(&self) -> bool {
        self.page.borrow().queue().totals().under_way()
    }

    pub(super) fn is_current(&self, generation: Generation) -> bool {
        self.generation.get() == generation
    }

    pub(super) fn keep_socket(&self, socket: WebSocket) {
        self.socket.replace(Some(socket));
    }

    pub(super) fn forget_socket(&self) {
        self.socket.replace(None);
    }

    /// Draws soon.
    pub(super) fn ask_for_frame(&self) {
        let Some(functions) = self.functions.get() else { return };
        if self.frame.replace(Pending::Yes) == Pending::Yes {
            return;
        }
        if self.dom.document.hidden() {
            self.dom.after(HIDDEN_FRAME_PAUSE, &functions.draw);
            return;
        }
        let rested = self.now().since(self.drawn_at.get());
        let pause = self.drawing_took.get() * FRAME_SHARE;
        match pause.clamp(FRAME_PAUSE, LONGEST_FRAME_PAUSE).checked_sub(rested) {
            Some(rest) => {
                self.dom.after(rest, &functions.frame);
            }
            None => self.dom.at_next_frame(&functions.draw),
        }
    }

    /// The page is seen again, or not any more. A frame that was asked for while it was seen does not
    /// come while it is not: it is asked for anew.
    pub(super) fn visibility_changed(&self) {
        if self.frame.replace(Pending::No) == Pending::Yes {
            self.ask_for_frame();
        }
    }

    fn carry_out(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::OpenSocket(session) => {
                let generation = self.generation.get().next();
                self.generation.set(generation);
                socket::open(self.clone(), generation, session);
            }
            Effect::CloseSocket => {
                self.generation.set(self.generation.get().next());
                if let Some(socket) = self.socket.take() {
                    self.saying.flush(&socket);
                    let _ = socket.close();
                }
            }
            Effect::Send(message) => self.say(&message),
            Effect::Connect(destination, trusted_certificate) => {
                let password = self.views.borrow().password();
                self.say(&ClientMessage::Connect(client::Connect {
                    host: destination.host,
                    port: destination.port,
                    encryption: destination.encryption,
                    username: destination.username,
                    password,
                    trusted_certificate,
                }));
            }
            Effect::Remember(recent) => recents::remember(&self.dom, recent),
            Effect::Announce(sentence) => self.views.borrow_mut().announce(sentence),
            Effect::CheckFile(upload, row) => self.check(upload, row),
            Effect::Digest(job) => {
                if let Some(file) = self.file(job.row) {
                    self.digests.make(self, &job, &file);
                }
            }
            Effect::StopDigest(upload) => self.digests.stop(upload),
            Effect::ForgetRows(rows) => {
                let mut files = self.files.borrow_mut();
                for row in rows {
                    if let Some(file) = files.get_mut(row.0) {
                        *file = None;
                    }
                }
            }
        }
    }

    /// Reads a byte of a file: the browser refuses when the file is not what it was.
    fn check(self: &Rc<Self>, upload: UploadId, row: Row) {
        let Some(file) = self.file(row) else { return };
        let app = self.clone();
        spawn_local(async move {
            let readable = match file.slice_with_i32_and_i32(0, 1) {
                Ok(byte) => JsFuture::from(byte.array_buffer()).await.is_ok(),
                Err(_) => false,
            };
            app.handle(Event::FileChecked { upload, row, readable });
        });
    }

    fn say(&self, message: &ClientMessage) {
        if let Some(socket) = &*self.socket.borrow() {
            self.saying.say(socket, message);
        }
    }

    fn set_timer(&self) {
        let Some(functions) = self.functions.get() else {
            return;
        };
        let Some(due) = self.page.borrow().deadline() else { return };
        // One that comes too early sets the next: that is cheaper than to set it anew each time.
        match self.timer.get() {
            Some(timer) if timer.due <= due => return,
            Some(timer) => self.dom.window.clear_timeout_with_handle(timer.handle),
            None => {}
        }
        let handle = self.dom.after(due.since(self.now()), &functions.tick);
        self.timer.set(Some(Timer { handle, due }));
    }

    fn draw(&self) {
        self.frame.set(Pending::No);
        self.drawn_at.set(self.now());
        let rest = self.views.borrow_mut().draw(&mut self.page.borrow_mut(), self.now());
        match rest {
            Ok(Rest::Nothing) => {}
            Ok(Rest::More) => self.ask_for_frame(),
            Err(fault) => web_sys::console::error_1(&fault),
        }
        if let Some(functions) = self.functions.get() {
            self.dom.after(Duration::ZERO, &functions.painted);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the browser's clock starts at 0 with the page and never goes back"
    )]
    pub(super) fn now(&self) -> Millis {
        Millis(self.dom.window.performance().map_or(0.0, |clock| clock.now()) as u64)
    }
}
