//! Reads the files and folders that the user picks: by the buttons, by drag and drop, from the
//! clipboard.
//!
//! Files are queued while the walk through their folder continues.

use std::{rc::Rc, time::Duration};

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use super::{
    app::App,
    dom::{Exception, spawn},
    file_handles,
    missing_files::{self, picked_file},
};
use crate::{
    page::{DropTarget, Event},
    queue::{PickedFile, Rows},
    time::Millis,
};

/// Files that are queued in one batch. The browser lists a folder a hundred entries at a time.
const BATCH: usize = 250;
/// The time after which the walk yields to other work of the page: a folder with many files takes
/// long, because the browser reads the size of each from the disk.
const TIME_SLICE: Duration = Duration::from_millis(12);
/// The pause between two time slices.
const YIELD_PAUSE: Duration = Duration::ZERO;

/// Above this number of dropped items no handles are kept. Chromium rewrites its list of permissions
/// for each handle and blocks meanwhile: a thousand handles take a second.
const MAX_HANDLES: u32 = 32;
/// Files of a folder that are requested concurrently: each request is a round trip between processes
/// of the browser.
const CONCURRENT_FILES: usize = 32;

/// A dropped item.
enum Dropped {
    File(File),
    Folder(FileSystemEntry),
}

/// Where picked files go that no restored row misses.
enum PickDestination {
    Folder(DropTarget),
    /// They wait for the server that the user connects to.
    NextServer,
    /// They are not added.
    Nowhere,
}

/// The files and folders of one pick, while they are being read.
struct Pick {
    app: Rc<App>,
    destination: PickDestination,
    /// Restored rows that got their files by this pick.
    taken: Rows,
    /// Files that were read and are not queued yet.
    files: Vec<(PickedFile, File)>,
    empty_folders: Vec<String>,
    unreadable: Vec<String>,
    rejected: Vec<String>,
    time_slice: TimeSlice,
}

/// Picks the files of a file input. They are copied before this returns, so that the caller may empty
/// the input.
pub(super) fn pick_list(app: &Rc<App>, list: &FileList) {
    let files: Vec<File> = Array::from(list).iter().map(JsCast::unchecked_into).collect();
    let mut pick = Pick::begin(app);
    spawn(async move {
        for file in files {
            pick.files.push((picked_file(relative_path(&file), &file), file));
            pick.proceed().await;
        }
        pick.end().await;
    });
}

/// Picks dropped or pasted files. Their entries are collected before this returns: the browser drops
/// them after the event.
pub(super) fn pick_transfer(app: &Rc<App>, transfer: &DataTransfer) {
    let items = transfer.items();
    let mut dropped = Vec::new();
    let mut handles = Vec::new();
    for index in 0..items.length() {
        let Some(item) = items.get(index) else {
            continue;
        };
        let entry = item.webkit_get_as_entry().ok().flatten();
        if entry.is_some() && items.length() <= MAX_HANDLES {
            handles.extend(file_handles::request(&item));
        }
        match entry {
            Some(entry) if entry.is_directory() => dropped.push(Dropped::Folder(entry)),
            // An image from the clipboard is a file without an entry.
            Some(_) | None => {
                dropped.extend(item.get_as_file().ok().flatten().map(Dropped::File));
            }
        }
    }
    keep_handles(app, handles);
    let pick = Pick::begin(app);
    spawn(pick.read(dropped));
}

/// Keeps the handles of the dropped items, for the page after a reload.
fn keep_handles(app: &Rc<App>, handles: Vec<Promise>) {
    let app = app.clone();
    spawn(async move {
        for handle in handles {
            if let Ok(handle) = JsFuture::from(handle).await
                && let Some(name) = file_handles::name(&handle)
            {
                app.keep_handle(name, handle);
            }
        }
    });
}

impl Pick {
    fn begin(app: &Rc<App>) -> Self {
        let destination = match app.page().drop_target() {
            Some(target) => PickDestination::Folder(target),
            None if app.page().takes_files_early() => PickDestination::NextServer,
            None => PickDestination::Nowhere,
        };
        app.handle(Event::PickStarted);
        Self {
            app: app.clone(),
            destination,
            taken: Rows::default(),
            files: Vec::new(),
            empty_folders: Vec::new(),
            unreadable: Vec::new(),
            rejected: Vec::new(),
            time_slice: TimeSlice::begin(app),
        }
    }

    /// Reads files and folders in the order in which they were dropped.
    async fn read(mut self, dropped: Vec<Dropped>) {
        for dropped in dropped {
            match dropped {
                Dropped::File(file) => {
                    self.files.push((picked_file(file.name(), &file), file));
                    self.proceed().await;
                }
                Dropped::Folder(folder) if self.accepts_files() => self.walk(folder).await,
                Dropped::Folder(folder) => self.rejected.push(path_of(&folder)),
            }
        }
        self.end().await;
    }

    /// Whether files can be uploaded or can wait for a server, or restored rows miss files.
    fn accepts_files(&self) -> bool {
        !matches!(self.destination, PickDestination::Nowhere)
            || self.app.page().queue().misses_files()
    }

    /// Reads a folder and its subfolders.
    async fn walk(&mut self, folder: FileSystemEntry) {
        // A stack: entries are pushed in reverse, so that they are read in the order of the folder.
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
            self.proceed().await;
        }
    }

    /// Reads the files at the top of the stack, up to the next folder.
    async fn read_files(&mut self, entries: &mut Vec<FileSystemEntry>) {
        let mut requested = Vec::new();
        while requested.len() < CONCURRENT_FILES
            && let Some(entry) = entries.pop_if(|entry| !entry.is_directory())
        {
            requested.push((path_of(&entry), request_file(&entry.unchecked_into())));
        }
        for (path, file) in requested {
            match JsFuture::from(file).await {
                Ok(file) => {
                    let file: File = file.unchecked_into();
                    self.files.push((picked_file(path, &file), file));
                }
                Err(_) => self.unreadable.push(path),
            }
        }
    }

    /// Queues a full batch, and yields when the time slice is over.
    async fn proceed(&mut self) {
        if self.files.len() >= BATCH {
            self.queue_files().await;
        }
        self.time_slice.yield_if_over(&self.app).await;
    }

    /// Assigns files to the restored rows that miss them. The others become the next rows.
    async fn queue_files(&mut self) {
        let files = std::mem::take(&mut self.files);
        let new = missing_files::assign_picked(&self.app, files, &mut self.taken).await;
        match &self.destination {
            PickDestination::Folder(target) => self.app.add(new, target),
            PickDestination::NextServer => self.app.add_early(new),
            PickDestination::Nowhere => {
                self.rejected.extend(new.into_iter().map(|(picked, _)| picked.path));
            }
        }
    }

    async fn end(mut self) {
        self.queue_files().await;
        match self.destination {
            PickDestination::Folder(target) if !self.empty_folders.is_empty() => {
                self.app.handle(Event::PickedEmptyFolders(self.empty_folders, target));
            }
            PickDestination::Folder(_) => {}
            // An empty folder is no upload that could wait.
            PickDestination::NextServer | PickDestination::Nowhere => {
                self.rejected.append(&mut self.empty_folders);
            }
        }
        if !self.unreadable.is_empty() {
            self.app.handle(Event::PickedUnreadable(self.unreadable));
        }
        if !self.rejected.is_empty() {
            self.app.handle(Event::PickRejected(self.rejected));
        }
    }
}

/// A stretch of work, short enough for the page to stay responsive.
struct TimeSlice(Millis);

impl TimeSlice {
    fn begin(app: &App) -> Self {
        Self(app.now())
    }

    /// Yields to other work of the page when the slice is over, and begins the next one.
    async fn yield_if_over(&mut self, app: &App) {
        if app.now().since(self.0) >= TIME_SLICE {
            app.dom.sleep(YIELD_PAUSE).await;
            *self = Self::begin(app);
        }
    }
}

/// Returns the path of an entry, which begins with the name of the dropped item.
fn path_of(entry: &FileSystemEntry) -> String {
    entry.full_path().trim_start_matches('/').to_owned()
}

/// Returns all entries of a directory. The browser lists them in parts; an empty part is the end.
async fn read_directory(
    directory: FileSystemDirectoryEntry,
) -> Result<Vec<FileSystemEntry>, Exception> {
    let reader = directory.create_reader();
    let mut entries = Vec::new();
    loop {
        let part = Promise::new(&mut |resolve, reject| {
            if let Err(exception) =
                reader.read_entries_with_callback_and_callback(&resolve, &reject)
            {
                let _ = reject.call1(&JsValue::NULL, &exception);
            }
        });
        let part: Array = JsFuture::from(part).await?.unchecked_into();
        if part.length() == 0 {
            return Ok(entries);
        }
        entries.extend(part.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

fn request_file(entry: &FileSystemFileEntry) -> Promise {
    Promise::new(&mut |resolve, reject| {
        entry.file_with_callback_and_callback(&resolve, &reject);
    })
}

/// Returns the path of a file: from the chosen folder on, or its name if it was chosen by itself.
fn relative_path(file: &File) -> String {
    Reflect::get(file, &"webkitRelativePath".into())
        .ok()
        .and_then(|path| path.as_string())
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| file.name())
}
