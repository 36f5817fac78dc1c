//! Joins the browser and the core: hands events in, carries effects out, draws what changed.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};

use js_sys::{Function, Math};
use protocol::{ClientMessage, client};
use web_sys::{Element, File, WebSocket};

use super::{
    dom::{Dom, Fault, function},
    socket::{self, Generation},
    view::{Rest, Views},
};
use crate::{
    page::{Effect, Event, Page},
    queue::{Next, Picked},
    time::Millis,
};

/// The browser's send buffer says nothing when it drains: it is asked again after this time.
const DRAIN_MILLIS: i32 = 4;
/// A page that is not seen is drawn this often, for its title.
const HIDDEN_FRAME_MILLIS: i32 = 1000;

/// The program.
pub(super) struct App {
    pub(super) dom: Dom,
    page: RefCell<Page>,
    views: RefCell<Views>,
    /// The n-th file belongs to row n.
    files: RefCell<Vec<File>>,
    socket: RefCell<Option<WebSocket>>,
    generation: Cell<Generation>,
    functions: OnceCell<Functions>,
    timer: Cell<Option<i32>>,
    drain: Cell<Pending>,
    frame: Cell<Pending>,
}

/// What timers and frames call.
struct Functions {
    tick: Function,
    pump: Function,
    draw: Function,
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
            socket: RefCell::default(),
            generation: Cell::default(),
            functions: OnceCell::new(),
            timer: Cell::default(),
            drain: Cell::new(Pending::No),
            frame: Cell::new(Pending::No),
        });
        let (tick, pump, draw) = (app.clone(), app.clone(), app.clone());
        let functions = Functions {
            tick: function(move || {
                tick.timer.set(None);
                tick.handle(Event::Tick);
            }),
            pump: function(move || {
                pump.drain.set(Pending::No);
                pump.pump();
            }),
            draw: function(move || {
                draw.frame.set(Pending::No);
                draw.draw();
            }),
        };
        let _ = app.functions.set(functions);
        Ok(app)
    }

    /// Takes in what happened.
    pub(super) fn handle(self: &Rc<Self>, event: Event) {
        let effects = self.page.borrow_mut().handle(event, self.now(), Math::random());
        for effect in effects {
            self.carry_out(effect);
        }
        self.pump();
        self.set_timer();
        self.ask_for_frame();
    }

    /// Takes in files, which become the next rows.
    pub(super) fn pick(self: &Rc<Self>, picked: Vec<(Picked, File)>) {
        if picked.is_empty() || self.page.borrow().connection().ready().is_none() {
            return;
        }
        let (rows, files): (Vec<_>, Vec<_>) = picked.into_iter().unzip();
        self.files.borrow_mut().extend(files);
        self.handle(Event::Picked(rows));
    }

    /// Opens the directory in a list item.
    pub(super) fn open_entry(self: &Rc<Self>, item: &Element) {
        let index = item.get_attribute("data-entry").and_then(|index| index.parse::<usize>().ok());
        let name = index.and_then(|index| {
            let page = self.page.borrow();
            page.remote().entries().get(index).map(|entry| entry.name.clone())
        });
        if let Some(name) = name {
            self.handle(Event::OpenDirectory(name));
        }
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

    /// Draws at the browser's next chance.
    pub(super) fn ask_for_frame(&self) {
        let Some(functions) = self.functions.get() else {
            return;
        };
        if self.frame.replace(Pending::Yes) == Pending::Yes {
            return;
        }
        if self.dom.document.hidden() {
            self.dom.after(HIDDEN_FRAME_MILLIS, &functions.draw);
        } else {
            let _ = self.dom.window.request_animation_frame(&functions.draw);
        }
    }

    fn carry_out(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::OpenLink => {
                let generation = self.generation.get().next();
                self.generation.set(generation);
                socket::open(self.clone(), generation);
            }
            Effect::CloseLink => {
                self.generation.set(self.generation.get().next());
                if let Some(socket) = self.socket.take() {
                    let _ = socket.close();
                }
            }
            Effect::Say(message) => self.say(&message),
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
            Effect::Announce(sentence) => self.views.borrow_mut().announce(sentence),
        }
    }

    fn say(&self, message: &ClientMessage) {
        if let Some(socket) = &*self.socket.borrow() {
            socket::say(socket, message);
        }
    }

    /// Sends what may be sent.
    fn pump(&self) {
        let socket = self.socket.borrow();
        let Some(socket) = &*socket else { return };
        loop {
            let buffered = u64::from(socket.buffered_amount());
            let next = self.page.borrow_mut().next_chunk(buffered);
            match next {
                Next::Chunk(chunk) => {
                    let files = self.files.borrow();
                    let Some(file) = files.get(chunk.row.0) else {
                        return;
                    };
                    if socket::send_chunk(socket, chunk.header, file, chunk.end).is_err() {
                        return;
                    }
                }
                Next::WhenDrained => {
                    if let Some(functions) = self.functions.get()
                        && self.drain.replace(Pending::Yes) == Pending::No
                    {
                        self.dom.after(DRAIN_MILLIS, &functions.pump);
                    }
                    return;
                }
                Next::Nothing => return,
            }
        }
    }

    fn set_timer(&self) {
        let Some(functions) = self.functions.get() else {
            return;
        };
        if let Some(timer) = self.timer.take() {
            self.dom.window.clear_timeout_with_handle(timer);
        }
        let deadline = self.page.borrow().deadline();
        if let Some(deadline) = deadline {
            let millis = deadline.since(self.now()).as_millis();
            let millis = i32::try_from(millis).unwrap_or(i32::MAX);
            self.timer.set(Some(self.dom.after(millis, &functions.tick)));
        }
    }

    fn draw(&self) {
        let rest = self.views.borrow_mut().draw(&mut self.page.borrow_mut(), self.now());
        match rest {
            Ok(Rest::Nothing) => {}
            Ok(Rest::More) => self.ask_for_frame(),
            Err(fault) => web_sys::console::error_1(&fault),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the browser's clock starts at 0 with the page and never goes back"
    )]
    fn now(&self) -> Millis {
        Millis(self.dom.window.performance().map_or(0.0, |clock| clock.now()) as u64)
    }
}
