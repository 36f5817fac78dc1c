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

use super::{app::App, dom::Fault, handles, keeper};
use crate::{page::Event, queue::Picked, time::Millis};

/// Files that are handed on at once. The browser gives a folder's entries a hundred at a time.
const BATCH: usize = 250;
/// Work in one go: the browser asks the disk for the size of each file of a folder, and the page
/// has to stay alive meanwhile.
const SPELL: Duration = Duration::from_millis(12);
/// The pause between two of them: time for whatever waits.
const REST: Duration = Duration::ZERO;

/// What was found so far and is not handed on yet.
#[derive(Default)]
struct Found {
    files: Vec<(Picked, File)>,
    empty_folders: Vec<String>,
    unreadable: Vec<String>,
}

/// Takes what a file input holds. The files are collected before this returns: the input is emptied
/// after that.
pub(super) fn take_list(app: &Rc<App>, list: &FileList) {
    let files: Vec<File> = Array::from(list).iter().map(JsCast::unchecked_into).collect();
    let app = app.clone();
    spawn_local(async move {
        let mut spell = Spell::begin(&app);
        let mut found = Vec::new();
        for file in files {
            found.push((picked(relative_path(&file), &file), file));
            if found.len() >= BATCH {
                app.pick(std::mem::take(&mut found));
            }
            spell.rest_if_due(&app).await;
        }
        app.pick(found);
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
    let mut entries = Vec::new();
    let mut handles = Vec::new();
    let mut found = Found::default();
    for index in 0..items.length() {
        let Some(item) = items.get(index) else {
            continue;
        };
        match item.webkit_get_as_entry() {
            Ok(Some(entry)) => {
                entries.push(entry);
                handles.extend(handles::of_item(&item));
            }
            // Images from the clipboard are files without an entry.
            Ok(None) | Err(_) => {
                if let Ok(Some(file)) = item.get_as_file() {
                    found.files.push((picked(file.name(), &file), file));
                }
            }
        }
    }
    keep_handles(app, handles);
    let app = app.clone();
    spawn_local(async move { walk(&app, entries, found).await });
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

async fn walk(app: &Rc<App>, mut entries: Vec<FileSystemEntry>, mut found: Found) {
    // The last comes first out: the order of the drop is kept.
    entries.reverse();
    let mut spell = Spell::begin(app);
    while let Some(entry) = entries.pop() {
        let path = entry.full_path().trim_start_matches('/').to_owned();
        if entry.is_directory() {
            match read_directory(entry.unchecked_into()).await {
                Ok(inside) if inside.is_empty() => found.empty_folders.push(path),
                Ok(inside) => entries.extend(inside.into_iter().rev()),
                Err(_) => found.unreadable.push(path),
            }
        } else {
            match read_file(entry.unchecked_into()).await {
                Ok(file) => found.files.push((picked(path, &file), file)),
                Err(_) => found.unreadable.push(path),
            }
        }
        if found.files.len() >= BATCH {
            app.pick(std::mem::take(&mut found.files));
        }
        spell.rest_if_due(app).await;
    }
    if !found.files.is_empty() {
        app.pick(found.files);
    }
    if !found.empty_folders.is_empty() {
        app.handle(Event::PickedEmptyFolders(found.empty_folders));
    }
    if !found.unreadable.is_empty() {
        app.handle(Event::PickedUnreadable(found.unreadable));
    }
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

async fn read_file(entry: FileSystemFileEntry) -> Result<File, Fault> {
    let file = Promise::new(&mut |resolve, reject| {
        entry.file_with_callback_and_callback(&resolve, &reject);
    });
    Ok(JsFuture::from(file).await?.unchecked_into())
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
