//! Saves what the next page needs to continue: the queue in IndexedDB, the session in the tab's
//! session storage.
//!
//! A queue belongs to the tab that holds its lock ([`claim`]). Changes are written in batches; rows
//! that ended before the last batch are removed. A page that goes away leaves its last changes in the
//! session storage too ([`tab`]), because the browser may drop what it has not written by then.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
    time::Duration,
};

use js_sys::{Function, Reflect};

use self::claim::Claim;
use super::{
    app::App,
    database::{Changes, Database, SavedQueue},
    dom::{Exception, function, listen, spawn},
    form, missing_files,
};
use crate::{
    json,
    page::Event,
    queue::{FileAccess, Row, Rows, SavedRow},
    saved::{RestoredPage, SavedHome, SavedTab, SavedView},
    time::millis,
};

mod claim;
mod tab;

/// The delay before changes are written.
const SAVE_DELAY: Duration = Duration::from_millis(1000);
/// Rows written in one batch: more would make the page unresponsive.
const ROWS_PER_BATCH: usize = 100;
/// The delay before the next batch.
const NEXT_BATCH_DELAY: Duration = Duration::from_millis(50);

/// The saved state of a page.
struct Persistence {
    app: Rc<App>,
    /// The database and the name of this tab's queue in it, once they are known.
    queue: OnceCell<(Database, String)>,
    written: RefCell<Written>,
    /// Rows that have changed since they were written.
    unsaved: RefCell<Rows>,
    timer: Cell<Option<i32>>,
    save: OnceCell<Function>,
}

/// The records that have been written.
#[derive(Default)]
struct Written {
    /// By row: its number in the database, and its record.
    rows: Vec<Option<(u32, String)>>,
    next_number: u32,
    home: Option<SavedHome>,
    tab: Option<SavedTab>,
}

impl Written {
    fn row(&self, row: Row) -> Option<&(u32, String)> {
        self.rows.get(row.0)?.as_ref()
    }

    fn set(&mut self, row: Row, written: Option<(u32, String)>) {
        if self.rows.len() <= row.0 {
            self.rows.resize(row.0 + 1, None);
        }
        if let Some(entry) = self.rows.get_mut(row.0) {
            *entry = written;
        }
    }
}

/// Restores the queue of an earlier page, and saves this page's from now on.
pub(super) fn start(app: &Rc<App>) {
    let persistence = Rc::new(Persistence {
        app: app.clone(),
        queue: OnceCell::new(),
        written: RefCell::default(),
        unsaved: RefCell::default(),
        timer: Cell::default(),
        save: OnceCell::new(),
    });
    let saving = persistence.clone();
    let _ = persistence.save.set(function(move || {
        saving.timer.set(None);
        saving.save(ROWS_PER_BATCH);
    }));
    let changed = persistence.clone();
    app.on_change(move || changed.save_soon());
    if let Some(SavedTab { view, .. }) = tab::read(&app.dom.window) {
        app.set_grouping(view.grouping);
        app.handle_all([Event::SetPolicy(view.policy), Event::SetOrder(view.order)]);
    }
    let leaving = persistence.clone();
    listen(&app.dom.window, "pagehide", move |_: web_sys::Event| leaving.leave());
    let window = app.dom.window.clone();
    listen(&app.dom.window, "pageshow", move |event: web_sys::Event| {
        // It also happens when the page was loaded.
        let from_cache = Reflect::get(&event, &"persisted".into());
        if from_cache.is_ok_and(|from_cache| from_cache.is_truthy()) {
            tab::is_back(&window);
        }
    });
    spawn(async move {
        // Without a database the page works, but cannot continue after a reload.
        if let Err(exception) = persistence.restore().await {
            web_sys::console::debug_1(&exception);
        }
    });
}

impl Persistence {
    /// Claims a queue and hands its rows to the page.
    async fn restore(&self) -> Result<(), Exception> {
        let app = &self.app;
        let database = Database::open(&app.dom.window).await?;
        let tab = tab::read(&app.dom.window);
        let own = tab.as_ref().map(|tab| tab.queue.as_str());
        let Claim { queue, is_own } = claim::claim(&app.dom, &database, own).await?;
        let mut saved = database.load(&queue).await?;
        let tab = tab.filter(|_| is_own);
        let last = tab::take_last_changes(&app.dom.window, &queue);
        if is_own && !last.is_empty() {
            database.write(&queue, &Changes { rows: last.clone(), ..Changes::default() })?;
            saved.apply(last);
        }
        if saved.rows.is_empty() || (!is_own && saved.rows.iter().all(has_ended)) {
            // Removes the home and the handles of rows that have ended. What an earlier tab stored
            // is of no use to this one.
            database.remove(&queue)?;
            saved = SavedQueue::default();
        }
        let _ = self.queue.set((database, queue));
        match self.decode(saved, tab.as_ref()) {
            Some(restored) => {
                if app.page().connection().wanted().is_none() {
                    let destination = &restored.home.destination;
                    form::fill_with(&app.dom, destination, "");
                }
                app.restore(restored);
            }
            None => self.save_soon(),
        }
        Ok(())
    }

    /// Decodes a saved queue. Returns `None` if there is nothing to continue.
    fn decode(&self, saved: SavedQueue, tab: Option<&SavedTab>) -> Option<RestoredPage> {
        let saved_home = saved.home.as_deref().and_then(|home| json::read(home).ok());
        let home: SavedHome = tab.and_then(|tab| tab.home.clone()).or(saved_home)?;
        let mut written = self.written.borrow_mut();
        // The user may have added files before the database was read.
        let Row(first) = self.app.page().queue().next_row();
        let mut rows = Vec::new();
        for (number, text) in saved.rows {
            written.next_number = written.next_number.max(number + 1);
            if let Ok(row) = json::read(&text) {
                written.set(Row(first + rows.len()), Some((number, text)));
                rows.push(row);
            }
        }
        let session = tab.and_then(|tab| tab.session.clone());
        if rows.is_empty() && session.is_none() {
            return None;
        }
        let handles = &self.app.handles;
        if !rows.is_empty() {
            saved.handles.into_iter().for_each(|(name, handle)| handles.insert(name, handle));
        }
        let view = tab.map(|tab| tab.view.clone()).unwrap_or_default();
        let busy = Duration::from_millis(view.busy_millis);
        let (handles, directory) = (handles.names(), view.directory);
        Some(RestoredPage { home, rows, handles, session, directory, busy })
    }

    /// Writes the tab's state at once, which is cheap, and the queue's changes after a delay.
    fn save_soon(&self) {
        self.save_tab();
        let changed = self.app.page().queue().has_unsaved() || self.has_unsaved();
        if changed && self.queue.get().is_some() {
            self.set_timer(SAVE_DELAY);
        }
    }

    fn has_unsaved(&self) -> bool {
        !self.unsaved.borrow().is_empty() || self.app.handles.has_unsaved()
    }

    fn set_timer(&self, delay: Duration) {
        if self.timer.get().is_none()
            && let Some(save) = self.save.get()
        {
            self.timer.set(Some(self.app.dom.after(delay, save)));
        }
    }

    /// Writes everything, because the page goes away.
    fn leave(&self) {
        let Some((_, queue)) = self.queue.get() else { return };
        let rows = self.save(usize::MAX);
        tab::write_last_changes(&self.app.dom.window, queue, &rows);
    }

    /// Writes up to `max_rows` rows now, and the others after a delay. Returns the changes of rows
    /// that it began to write, by number.
    fn save(&self, max_rows: usize) -> Vec<(u32, Option<String>)> {
        let Some((database, queue)) = self.queue.get() else { return Vec::new() };
        let rows = {
            let mut unsaved = self.unsaved.borrow_mut();
            unsaved.extend(self.app.page_mut().take_unsaved_rows().iter());
            let batch: Vec<_> = unsaved.iter().take(max_rows).collect();
            for row in &batch {
                unsaved.remove(*row);
            }
            batch
        };
        let changes = self.changes(&rows);
        if !changes.is_empty() {
            // Storage may be full or disabled: the page works, but cannot continue after a reload.
            let _ = database.write(queue, &changes);
        }
        self.digest_edges(rows);
        if self.has_unsaved() {
            self.set_timer(NEXT_BATCH_DELAY);
        }
        changes.rows
    }

    /// Returns the differences between the page and what has been written.
    fn changes(&self, rows: &[Row]) -> Changes {
        let (page, mut written) = (self.app.page(), self.written.borrow_mut());
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
                    written.set(row, Some((number, text.clone())));
                    changes.rows.push((number, Some(text)));
                }
                None => {
                    if let Some(&(number, _)) = written.row(row) {
                        written.set(row, None);
                        changes.rows.push((number, None));
                    }
                }
            }
        }
        changes.handles = self.app.handles.take_unsaved();
        changes
    }

    /// Computes the digests of the edges of files whose uploads have begun: the next page compares
    /// them before it continues an upload with a file.
    fn digest_edges(&self, rows: Vec<Row>) {
        let app = self.app.clone();
        let begun: Vec<_> = rows.into_iter().filter(|row| lacks_edges(&app, *row)).collect();
        if begun.is_empty() {
            return;
        }
        spawn(async move {
            for row in begun {
                // Most small files have ended by now, and need not be read.
                if lacks_edges(&app, row)
                    && let Some(file) = app.file(row)
                    && let Ok(edges) = missing_files::edges(&file).await
                {
                    app.handle(Event::EdgesKnown(row, edges));
                }
            }
        });
    }

    fn save_tab(&self) {
        let Some((_, queue)) = self.queue.get() else { return };
        let page = self.app.page();
        let session = page.connection().session().cloned();
        let view = SavedView {
            directory: page.remote().directory().to_owned(),
            policy: page.queue().policy(),
            order: page.queue().order(),
            grouping: self.app.grouping(),
            busy_millis: millis(page.busy_until_pause()),
        };
        let tab = SavedTab { queue: queue.clone(), home: page.home(), session, view };
        let mut written = self.written.borrow_mut();
        if written.tab.as_ref() != Some(&tab) && tab::write(&self.app.dom.window, &tab) {
            written.tab = Some(tab);
        }
    }
}

/// Whether a row's record says that the upload has ended.
fn has_ended((_, record): &(u32, String)) -> bool {
    json::read::<SavedRow>(record).is_ok_and(|row| row.has_ended())
}

fn lacks_edges(app: &App, row: Row) -> bool {
    app.page().queue().get(row).is_some_and(|upload| {
        upload.has_begun() && upload.edges().is_none() && upload.access() == FileAccess::Available
    })
}
