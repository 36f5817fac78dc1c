//! Files and folders from the buttons, the drop and the clipboard.
//!
//! A folder is walked as a stream: what was found so far is queued while the walk goes on.

use std::{rc::Rc, time::Duration};

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use super::{app::App, dom::Fault, handles, keeper, restored};
use crate::{
    page::{DropTarget, Event},
    queue::{PickedFile, Rows},
    time::Millis,
};

/// Files that are handed on at once. The browser gives a folder's entries a hundred at a time.
const BATCH: usize = 250;
/// Work in one go: the browser asks the disk for the size of each file of a folder, and the page
/// has to stay alive meanwhile.
const SPELL: Duration = Duration::from_millis(12);
/// The pause between two of them: time for whatever waits.
const REST: Duration = Duration::ZERO;

/// The most things that are dropped at once of which handles are kept. Chromium writes its list of
/// permissions anew for each, and everything else it does waits meanwhile: a second for a thousand.
const MAX_HANDLES: u32 = 32;
/// Files of a folder that the browser is asked for at once: each takes a way through its processes.
const FILES_AT_ONCE: usize = 32;

/// What was dropped.
enum Dropped {
    File(File),
    Folder(FileSystemEntry),
}

/// What a person picks with one gesture, until all of it was found.
struct Picking {
    app: Rc<App>,
    /// Nothing where there is no connection: then it is for rows of an earlier page alone.
    place: Option<DropTarget>,
    /// The rows of an earlier page that have their files by it.
    taken: Rows,
    /// What was found so far and is not handed on yet.
    files: Vec<(PickedFile, File)>,
    empty_folders: Vec<String>,
    unreadable: Vec<String>,
    not_taken: Vec<String>,
    spell: Spell,
}

/// Takes what a file input holds. The files are collected before this returns: the input is emptied
/// after that.
pub(super) fn take_list(app: &Rc<App>, list: &FileList) {
    let files: Vec<File> = Array::from(list).iter().map(JsCast::unchecked_into).collect();
    let mut picking = Picking::begin(app);
    spawn_local(async move {
        for file in files {
            picking.files.push((picked(relative_path(&file), &file), file));
            picking.go_on().await;
        }
        picking.end().await;
    });
}

/// Takes what was dropped or pasted. The entries are collected before this returns: the browser
/// takes them away after the event.
pub(super) fn take_transfer(app: &Rc<App>, transfer: &DataTransfer) {
    let items = transfer.items();
    let mut dropped = Vec::new();
    let mut handles = Vec::new();
    for index in 0..items.length() {
        let Some(item) = items.get(index) else {
            continue;
        };
        let entry = item.webkit_get_as_entry().ok().flatten();
        if entry.is_some() && items.length() <= MAX_HANDLES {
            handles.extend(handles::of_item(&item));
        }
        match entry {
            Some(entry) if entry.is_directory() => dropped.push(Dropped::Folder(entry)),
            // Images from the clipboard are files without an entry.
            Some(_) | None => {
                dropped.extend(item.get_as_file().ok().flatten().map(Dropped::File));
            }
        }
    }
    keep_handles(app, handles);
    let picking = Picking::begin(app);
    spawn_local(picking.take(dropped));
}

/// Keeps the handles of what was dropped, for a page that is loaded again.
fn keep_handles(app: &Rc<App>, handles: Vec<Promise>) {
    let app = app.clone();
    spawn_local(async move {
        for handle in handles {
            if let Ok(handle) = JsFuture::from(handle).await
                && let Some(name) = handles::name(&handle)
            {
                keeper::keep_handle(&app, name, handle);
            }
        }
    });
}

impl Picking {
    fn begin(app: &Rc<App>) -> Self {
        let place = app.page().drop_target();
        app.handle(Event::PickStarted);
        Self {
            app: app.clone(),
            place,
            taken: Rows::default(),
            files: Vec::new(),
            empty_folders: Vec::new(),
            unreadable: Vec::new(),
            not_taken: Vec::new(),
            spell: Spell::begin(app),
        }
    }

    /// Takes in files and folders in the order in which they were dropped.
    async fn take(mut self, dropped: Vec<Dropped>) {
        for dropped in dropped {
            match dropped {
                Dropped::File(file) => {
                    self.files.push((picked(file.name(), &file), file));
                    self.go_on().await;
                }
                Dropped::Folder(folder) if self.has_use() => self.walk(folder).await,
                Dropped::Folder(folder) => self.not_taken.push(path_of(&folder)),
            }
        }
        self.end().await;
    }

    /// Whether anything can become of files.
    fn has_use(&self) -> bool {
        self.place.is_some() || self.app.page().queue().misses_files()
    }

    /// Walks a folder and those in it.
    async fn walk(&mut self, folder: FileSystemEntry) {
        // The last comes first out: the order of the folder is kept.
        let mut entries = vec![folder];
        while let Some(entry) = entries.pop() {
            if entry.is_directory() {
                let path = path_of(&entry);
                match read_directory(entry.unchecked_into()).await {
                    Ok(inside) if inside.is_empty() => self.empty_folders.push(path),
                    Ok(inside) => entries.extend(inside.into_iter().rev()),
                    Err(_) => self.unreadable.push(path),
                }
            } else {
                entries.push(entry);
                self.read_files(&mut entries).await;
            }
            self.go_on().await;
        }
    }

    /// Takes the files at the end of the list, as many as come one after the other.
    async fn read_files(&mut self, entries: &mut Vec<FileSystemEntry>) {
        let mut asked = Vec::new();
        while asked.len() < FILES_AT_ONCE
            && let Some(entry) = entries.pop_if(|entry| !entry.is_directory())
        {
            asked.push((path_of(&entry), ask_for_file(&entry.unchecked_into())));
        }
        for (path, file) in asked {
            match JsFuture::from(file).await {
                Ok(file) => {
                    let file: File = file.unchecked_into();
                    self.files.push((picked(path, &file), file));
                }
                Err(_) => self.unreadable.push(path),
            }
        }
    }

    /// Hands on what was found, if it is much, and lets the page do what else waits.
    async fn go_on(&mut self) {
        if self.files.len() >= BATCH {
            self.hand_on().await;
        }
        self.spell.rest_if_due(&self.app).await;
    }

    /// Those that rows of an earlier page miss go there; the others become the next rows.
    async fn hand_on(&mut self) {
        let files = std::mem::take(&mut self.files);
        let new = restored::take_in(&self.app, files, &mut self.taken).await;
        match &self.place {
            Some(place) => self.app.add(new, place),
            None => self.not_taken.extend(new.into_iter().map(|(picked, _)| picked.path)),
        }
    }

    async fn end(mut self) {
        self.hand_on().await;
        match self.place {
            Some(place) if !self.empty_folders.is_empty() => {
                self.app.handle(Event::PickedEmptyFolders(self.empty_folders, place));
            }
            Some(_) => {}
            None => self.not_taken.append(&mut self.empty_folders),
        }
        if !self.unreadable.is_empty() {
            self.app.handle(Event::PickedUnreadable(self.unreadable));
        }
        if !self.not_taken.is_empty() {
            self.app.handle(Event::PickRejected(self.not_taken));
        }
    }
}

/// A stretch of work that ends before it is felt.
struct Spell(Millis);

impl Spell {
    fn begin(app: &App) -> Self {
        Self(app.now())
    }

    /// Lets the page do what else waits, if it has waited long enough.
    async fn rest_if_due(&mut self, app: &App) {
        if app.now().since(self.0) >= SPELL {
            app.dom.sleep(REST).await;
            *self = Self::begin(app);
        }
    }
}

/// Below what was dropped.
fn path_of(entry: &FileSystemEntry) -> String {
    entry.full_path().trim_start_matches('/').to_owned()
}

/// All entries of a directory: the browser gives them in parts, and an empty part at the end.
async fn read_directory(
    directory: FileSystemDirectoryEntry,
) -> Result<Vec<FileSystemEntry>, Fault> {
    let reader = directory.create_reader();
    let mut entries = Vec::new();
    loop {
        let part = Promise::new(&mut |resolve, reject| {
            if let Err(fault) = reader.read_entries_with_callback_and_callback(&resolve, &reject) {
                let _ = reject.call1(&JsValue::NULL, &fault);
            }
        });
        let part: Array = JsFuture::from(part).await?.unchecked_into();
        if part.length() == 0 {
            return Ok(entries);
        }
        entries.extend(part.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

fn ask_for_file(entry: &FileSystemFileEntry) -> Promise {
    Promise::new(&mut |resolve, reject| {
        entry.file_with_callback_and_callback(&resolve, &reject);
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes and times of files are whole numbers below 2^53"
)]
pub(super) fn picked(path: String, file: &File) -> PickedFile {
    PickedFile {
        path,
        size: file.size() as u64,
        modified_millis: Some(file.last_modified() as i64),
    }
}

/// The path below the folder that was chosen, or the name of a file that was chosen by itself.
fn relative_path(file: &File) -> String {
    Reflect::get(file, &"webkitRelativePath".into())
        .ok()
        .and_then(|path| path.as_string())
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| file.name())
}
