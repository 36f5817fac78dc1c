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

use super::{app::App, dom::Fault, handles, keeper, remote};
use crate::{page::Event, queue::Picked, time::Millis};

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

/// What was found so far and is not handed on yet.
#[derive(Default)]
struct Found {
    /// The directory that it is for.
    into: Option<Rc<str>>,
    files: Vec<(Picked, File)>,
    empty_folders: Vec<String>,
    unreadable: Vec<String>,
}

/// Takes what a file input holds. The files are collected before this returns: the input is emptied
/// after that.
pub(super) fn take_list(app: &Rc<App>, list: &FileList) {
    let files: Vec<File> = Array::from(list).iter().map(JsCast::unchecked_into).collect();
    let (app, into) = (app.clone(), remote::into(app));
    spawn_local(async move {
        let mut spell = Spell::begin(&app);
        let mut found = Vec::new();
        for file in files {
            found.push((picked(relative_path(&file), &file), file));
            if found.len() >= BATCH {
                app.pick(std::mem::take(&mut found), into.clone());
            }
            spell.rest_if_due(&app).await;
        }
        app.pick(found, into);
    });
}

/// A stretch of work that ends before it is felt.
struct Spell(Millis);

impl Spell {
    fn begin(app: &App) -> Self {
        Self(app.now())
    }

    /// Lets the page do what else waits, if it has waited long enough.
    async fn rest_if_due(&mut self, app: &App) {
        if app.now().since(self.0) < SPELL {
            return;
        }
        let rest = Promise::new(&mut |resolve, _| {
            app.dom.after(REST, &resolve);
        });
        // Fulfilled by a timer: it does not fail.
        let _ = JsFuture::from(rest).await;
        *self = Self::begin(app);
    }
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
    let (app, into) = (app.clone(), remote::into(app));
    spawn_local(async move { take_dropped(&app, dropped, into).await });
}

/// Takes in files and folders in the order in which they were dropped.
async fn take_dropped(app: &Rc<App>, dropped: Vec<Dropped>, into: Option<Rc<str>>) {
    let mut spell = Spell::begin(app);
    let mut found = Found { into, ..Found::default() };
    for dropped in dropped {
        match dropped {
            Dropped::File(file) => {
                found.files.push((picked(file.name(), &file), file));
                found.hand_on_if_many(app);
                spell.rest_if_due(app).await;
            }
            Dropped::Folder(folder) => walk(app, folder, &mut found, &mut spell).await,
        }
    }
    found.hand_on(app);
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

/// Walks a folder and those in it.
async fn walk(app: &Rc<App>, folder: FileSystemEntry, found: &mut Found, spell: &mut Spell) {
    // The last comes first out: the order of the folder is kept.
    let mut entries = vec![folder];
    while let Some(entry) = entries.pop() {
        if entry.is_directory() {
            let path = path_of(&entry);
            match read_directory(entry.unchecked_into()).await {
                Ok(inside) if inside.is_empty() => found.empty_folders.push(path),
                Ok(inside) => entries.extend(inside.into_iter().rev()),
                Err(_) => found.unreadable.push(path),
            }
        } else {
            entries.push(entry);
            read_files(&mut entries, found).await;
        }
        found.hand_on_if_many(app);
        spell.rest_if_due(app).await;
    }
}

/// Takes the files at the end of the list, as many as come one after the other.
async fn read_files(entries: &mut Vec<FileSystemEntry>, found: &mut Found) {
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
                found.files.push((picked(path, &file), file));
            }
            Err(_) => found.unreadable.push(path),
        }
    }
}

impl Found {
    fn hand_on_if_many(&mut self, app: &Rc<App>) {
        if self.files.len() >= BATCH {
            app.pick(std::mem::take(&mut self.files), self.into.clone());
        }
    }

    fn hand_on(self, app: &Rc<App>) {
        app.pick(self.files, self.into.clone());
        if !self.empty_folders.is_empty() {
            app.handle(Event::PickedEmptyFolders(self.empty_folders, self.into));
        }
        if !self.unreadable.is_empty() {
            app.handle(Event::PickedUnreadable(self.unreadable));
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
pub(super) fn picked(path: String, file: &File) -> Picked {
    Picked { path, size: file.size() as u64, modified_millis: Some(file.last_modified() as i64) }
}

/// The path below the folder that was chosen, or the name of a file that was chosen by itself.
fn relative_path(file: &File) -> String {
    Reflect::get(file, &"webkitRelativePath".into())
        .ok()
        .and_then(|path| path.as_string())
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| file.name())
}
