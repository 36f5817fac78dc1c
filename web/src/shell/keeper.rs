//! Keeps in the browser what the next page needs to go on: the queue in its store, the session in
//! this tab's storage. Writes are gathered; what has ended is removed.
//!
//! A queue belongs to the tab that holds its lock. A tab that is opened anew takes over a queue
//! that nobody holds, which is how uploads survive a crash; a tab that was duplicated starts with
//! an empty one of its own. Without locks, over plain HTTP, only a page that was loaded again in its
//! own place goes on.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
    time::Duration,
};

use js_sys::{Function, Math, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Window;

use super::{
    app::App,
    dom::{Fault, function, listen},
    form,
    locks::{self, Lock},
    restored,
    store::{Changes, Loaded, Store},
};
use crate::{
    json,
    page::Event,
    queue::{FileAccess, Row, Rows},
    saved::{RestoredPage, SavedHome, SavedTab},
};

/// Changes are gathered for so long.
const SAVE_PAUSE: Duration = Duration::from_millis(1000);
/// Rows that are written at once: more would hold up the page.
const ROWS_AT_ONCE: usize = 100;
/// The pause before the rest of them.
const NEXT_ROWS_PAUSE: Duration = Duration::from_millis(50);
/// The name of what this tab keeps.
const TAB_KEY: &str = "ferryport";
/// In front of a queue's name in the name of its lock.
const LOCK_PREFIX: &str = "ferryport-queue-";
/// The page before this one may hold its lock for a moment longer: it is asked for so often.
const LOCK_TRIES: u32 = 5;
/// The pause between two of these.
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// Handles of dropped things that are kept at most.
const MAX_HANDLES: usize = 1000;

/// What is kept, and what of it is in the store.
#[derive(Default)]
pub(super) struct Keeper {
    place: OnceCell<DropTarget>,
    written: RefCell<Written>,
    waiting: RefCell<Waiting>,
    /// Sorted by their names.
    handles: RefCell<Vec<(String, JsValue)>>,
    timer: Cell<Option<i32>>,
    save: OnceCell<Function>,
}

/// Where this page's queue is.
struct DropTarget {
    store: Store,
    queue: String,
}

/// What the store has.
#[derive(Default)]
struct Written {
    /// By row: the number that it has there, and its record.
    rows: Vec<Option<(u32, String)>>,
    next_number: u32,
    home: Option<SavedHome>,
    tab: Option<SavedTab>,
}

/// What has yet to be written.
#[derive(Default)]
struct Waiting {
    rows: Rows,
    handles: Vec<String>,
}

/// Finds what an earlier page left, and begins to keep what this one has.
pub(super) fn start(app: &Rc<App>) -> Result<(), Fault> {
    let (saving, leaving) = (app.clone(), app.clone());
    let _ = app.keeper.save.set(function(move || {
        saving.keeper.timer.set(None);
        save(&saving, ROWS_AT_ONCE);
    }));
    listen(&app.dom.window, "pagehide", move |_: web_sys::Event| save(&leaving, usize::MAX))?;
    let app = app.clone();
    spawn_local(async move {
        // Without a store the page works as well, and forgets.
        if let Err(fault) = find(&app).await {
            web_sys::console::debug_1(&fault);
        }
    });
    Ok(())
}

/// Writes what has changed, a little later.
pub(super) fn keep_soon(app: &Rc<App>) {
    let keeper = &app.keeper;
    keep_tab(app);
    let waits = app.page().queue().has_unsaved() || !keeper.waiting.borrow().is_empty();
    if waits && keeper.place.get().is_some() {
        set_timer(app, SAVE_PAUSE);
    }
}

/// Keeps the handle of something that was dropped.
pub(super) fn keep_handle(app: &Rc<App>, name: String, handle: JsValue) {
    let keeper = &app.keeper;
    if keeper.handles.borrow().len() < MAX_HANDLES {
        keeper.add_handle(name.clone(), handle);
        keeper.waiting.borrow_mut().handles.push(name);
        keep_soon(app);
    }
}

/// The handle of what is first in a path.
pub(super) fn handle(app: &App, root: &str) -> Option<JsValue> {
    app.keeper.handle(root)
}

impl Keeper {
    fn handle(&self, name: &str) -> Option<JsValue> {
        let handles = self.handles.borrow();
        let place = place_of(&handles, name).ok()?;
        handles.get(place).map(|(_, handle)| handle.clone())
    }

    /// The newest of a name is the one that counts.
    fn add_handle(&self, name: String, handle: JsValue) {
        let mut handles = self.handles.borrow_mut();
        let place = match place_of(&handles, &name) {
            Ok(place) => {
                handles.remove(place);
                place
            }
            Err(place) => place,
        };
        handles.insert(place, (name, handle));
    }
}

/// Where a name is among those of the handles, or else where it belongs.
fn place_of(handles: &[(String, JsValue)], name: &str) -> Result<usize, usize> {
    handles.binary_search_by(|(known, _)| known.as_str().cmp(name))
}

impl Written {
    fn row(&self, row: Row) -> Option<&(u32, String)> {
        self.rows.get(row.0)?.as_ref()
    }

    fn put(&mut self, row: Row, written: Option<(u32, String)>) {
        if self.rows.len() <= row.0 {
            self.rows.resize(row.0 + 1, None);
        }
        if let Some(place) = self.rows.get_mut(row.0) {
            *place = written;
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.handles.is_empty()
    }
}

fn set_timer(app: &App, pause: Duration) {
    let keeper = &app.keeper;
    if keeper.timer.get().is_none()
        && let Some(save) = keeper.save.get()
    {
        keeper.timer.set(Some(app.dom.after(pause, save)));
    }
}

async fn find(app: &Rc<App>) -> Result<(), Fault> {
    let window = &app.dom.window;
    let store = Store::open(window).await?;
    let tab = read_tab(window);
    let mine = tab.as_ref().map(|tab| tab.queue.as_str());
    let (queue, is_mine) = match take_queue(app, &store, mine).await? {
        Some(queue) => {
            let is_mine = mine == Some(queue.as_str());
            (queue, is_mine)
        }
        None => (new_queue(app).await, false),
    };
    let left = store.load(&queue).await?;
    let tab = tab.filter(|_| is_mine);
    if left.rows.is_empty() {
        // Handles of what has ended are of no use.
        store.remove(&queue)?;
    }
    let _ = app.keeper.place.set(DropTarget { store, queue });
    match restored(app, left, tab.as_ref()) {
        Some(restored) => {
            if app.page().connection().wanted().is_none() {
                let destination = &restored.home.destination;
                form::fill_with(&app.dom, destination, "")?;
            }
            app.restore(restored);
        }
        None => keep_soon(app),
    }
    Ok(())
}

/// The queue of this tab, if no other page has it; else one that nobody has.
async fn take_queue(
    app: &Rc<App>,
    store: &Store,
    mine: Option<&str>,
) -> Result<Option<String>, Fault> {
    if let Some(queue) = mine {
        for attempt in 0..LOCK_TRIES {
            if attempt > 0 {
                app.dom.sleep(LOCK_PAUSE).await;
            }
            match locks::take(&app.dom.window, &lock_name(queue)).await {
                Lock::Held => return Ok(Some(queue.to_owned())),
                Lock::Unknown if was_reloaded(&app.dom.window) => {
                    return Ok(Some(queue.to_owned()));
                }
                // What the tab keeps may be a copy, and the other tab at work.
                Lock::Unknown => break,
                Lock::Taken => {}
            }
        }
    }
    for queue in store.queues().await? {
        // Where there are no locks, another tab may be at it: it stays alone.
        if locks::take(&app.dom.window, &lock_name(&queue)).await == Lock::Held {
            return Ok(Some(queue));
        }
    }
    Ok(None)
}

/// Whether the page was loaded again in its own place: then no other page has what the tab keeps. A
/// tab that was duplicated was not.
fn was_reloaded(window: &Window) -> bool {
    let entries = window.performance().map(|clock| clock.get_entries_by_type("navigation"));
    let navigation = entries.map(|entries| entries.get(0)).unwrap_or_default();
    let kind = Reflect::get(&navigation, &"type".into()).ok().and_then(|kind| kind.as_string());
    kind.as_deref() == Some("reload")
}

async fn new_queue(app: &App) -> String {
    let queue: String = (0..4).map(|_| char::from(b'a' + random_below(26))).collect();
    let queue = format!("{queue}{}", millis(js_sys::Date::now()));
    locks::take(&app.dom.window, &lock_name(&queue)).await;
    queue
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since 1970")]
fn millis(now: f64) -> u64 {
    now as u64
}

fn lock_name(queue: &str) -> String {
    format!("{LOCK_PREFIX}{queue}")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a small bound")]
fn random_below(bound: u8) -> u8 {
    (Math::random() * f64::from(bound)) as u8
}

/// What an earlier page left, as the core takes it; nothing when there is nothing to go on with.
fn restored(app: &App, left: Loaded, tab: Option<&SavedTab>) -> Option<RestoredPage> {
    let saved = left.home.as_deref().and_then(|home| json::read(home).ok());
    let home: SavedHome = tab.and_then(|tab| tab.home.clone()).or(saved)?;
    let keeper = &app.keeper;
    let mut written = keeper.written.borrow_mut();
    // Who is fast has added files before the store was read.
    let Row(first) = app.page().queue().next_row();
    let mut rows = Vec::new();
    for (number, text) in left.rows {
        written.next_number = written.next_number.max(number + 1);
        if let Ok(row) = json::read(&text) {
            written.put(Row(first + rows.len()), Some((number, text)));
            rows.push(row);
        }
    }
    let session = tab.and_then(|tab| tab.session.clone());
    if rows.is_empty() && session.is_none() {
        return None;
    }
    if !rows.is_empty() {
        left.handles.into_iter().for_each(|(name, handle)| keeper.add_handle(name, handle));
    }
    let handles = keeper.handles.borrow().iter().map(|(name, _)| name.clone()).collect();
    Some(RestoredPage { home, rows, handles, session })
}

/// Writes at most so many rows, and the rest later.
fn save(app: &Rc<App>, most: usize) {
    let Some(place) = app.keeper.place.get() else { return };
    let rows = {
        let mut waiting = app.keeper.waiting.borrow_mut();
        waiting.rows.extend(app.page_mut().take_unsaved_rows().iter());
        let now: Vec<_> = waiting.rows.iter().take(most).collect();
        for row in &now {
            waiting.rows.remove(*row);
        }
        now
    };
    let changes = changes(app, &rows);
    if changes.home.is_some() || !changes.rows.is_empty() || !changes.handles.is_empty() {
        // A store that is full, or that the person has forbidden: the page goes on, and forgets.
        let _ = place.store.write(&place.queue, &changes);
    }
    digest_edges(app, rows);
    if !app.keeper.waiting.borrow().is_empty() {
        set_timer(app, NEXT_ROWS_PAUSE);
    }
}

fn changes(app: &App, rows: &[Row]) -> Changes {
    let (page, mut written) = (app.page(), app.keeper.written.borrow_mut());
    let mut changes = Changes::default();
    let home = page.home();
    if home.is_some() && home != written.home {
        changes.home = home.as_ref().and_then(|home| json::write(home).ok());
        written.home = home;
    }
    for &row in rows {
        let record = page.queue().saved_row(row).and_then(|row| json::write(&row).ok());
        match record {
            Some(text) => {
                let known = written.row(row);
                if known.is_some_and(|(_, known)| *known == text) {
                    continue;
                }
                let number = known.map_or(written.next_number, |(number, _)| *number);
                written.next_number = written.next_number.max(number + 1);
                written.put(row, Some((number, text.clone())));
                changes.rows.push((number, Some(text)));
            }
            None => {
                if let Some(&(number, _)) = written.row(row) {
                    written.put(row, None);
                    changes.rows.push((number, None));
                }
            }
        }
    }
    let names = std::mem::take(&mut app.keeper.waiting.borrow_mut().handles);
    for name in names {
        if let Some(handle) = app.keeper.handle(&name) {
            changes.handles.push((name, handle));
        }
    }
    changes
}

/// Of what has begun the edges are digested, so that nobody goes on with another file.
fn digest_edges(app: &Rc<App>, rows: Vec<Row>) {
    let begun: Vec<_> = rows.into_iter().filter(|row| lacks_edges(app, *row)).collect();
    if begun.is_empty() {
        return;
    }
    let app = app.clone();
    spawn_local(async move {
        for row in begun {
            // Most small files have ended by now: they are not read for nothing.
            if lacks_edges(&app, row)
                && let Some(file) = app.file(row)
                && let Ok(edges) = restored::edges(&file).await
            {
                app.handle(Event::EdgesKnown(row, edges));
            }
        }
    });
}

fn lacks_edges(app: &App, row: Row) -> bool {
    app.page().queue().get(row).is_some_and(|upload| {
        upload.has_begun() && upload.edges().is_none() && upload.access() == FileAccess::Available
    })
}

/// The session is kept at once: this costs next to nothing.
fn keep_tab(app: &App) {
    let Some(place) = app.keeper.place.get() else { return };
    let page = app.page();
    let session = page.connection().session().cloned();
    let tab = SavedTab { queue: place.queue.clone(), home: page.home(), session };
    let mut written = app.keeper.written.borrow_mut();
    if written.tab.as_ref() == Some(&tab) {
        return;
    }
    let Ok(text) = json::write(&tab) else { return };
    if let Ok(Some(storage)) = app.dom.window.session_storage()
        && storage.set_item(TAB_KEY, &text).is_ok()
    {
        written.tab = Some(tab);
    }
}

fn read_tab(window: &Window) -> Option<SavedTab> {
    let storage = window.session_storage().ok()??;
    json::read(&storage.get_item(TAB_KEY).ok()??).ok()
}
