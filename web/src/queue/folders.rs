//! The folders of the uploads, each with its rows and totals.

use std::rc::Rc;

use super::{Row, Totals};
use crate::{format, texts::Text};

/// A folder, counted from 0 in order of appearance. An empty folder keeps its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderId(pub usize);

/// A folder. Its subfolders are folders of their own.
#[derive(Debug)]
pub struct Folder {
    path: Rc<str>,
    rows: Vec<Row>,
    totals: Totals,
}

impl Folder {
    /// Returns its path below the picked folder; empty for files that were picked one by one.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the rows of its files, in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the totals of its uploads.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// All folders.
#[derive(Debug, Default)]
pub(super) struct Folders {
    folders: Vec<Folder>,
    /// Sorted by their paths.
    by_path: Vec<FolderId>,
    /// The folder of the last file: most files are in the same folder as the one before.
    last: FolderId,
}

impl Folders {
    /// Adds a row. Returns the folder of its file.
    pub(super) fn add(&mut self, row: Row, path: &str) -> FolderId {
        let id = self.of(path);
        if let Some(folder) = self.folders.get_mut(id.0) {
            folder.rows.push(row);
        }
        id
    }

    /// Returns the folder of a file, and adds it if it is new.
    fn of(&mut self, path: &str) -> FolderId {
        let folder = path.rfind('/').and_then(|slash| path.get(..slash)).unwrap_or("");
        if self.get(self.last).is_some_and(|last| &*last.path == folder) {
            return self.last;
        }
        let path_of = |id: &FolderId| self.get(*id).map_or("", Folder::path);
        self.last = match self.by_path.binary_search_by(|id| path_of(id).cmp(folder)) {
            Ok(position) => self.by_path.get(position).copied().unwrap_or_default(),
            Err(position) => {
                let id = FolderId(self.folders.len());
                let (rows, totals) = (Vec::new(), Totals::default());
                self.folders.push(Folder { path: folder.into(), rows, totals });
                self.by_path.insert(position, id);
                id
            }
        };
        self.last
    }

    /// Replaces an upload's contribution to the totals of its folder.
    pub(super) fn update(&mut self, id: FolderId, before: Totals, after: Totals) {
        if let Some(folder) = self.folders.get_mut(id.0) {
            let without = folder.totals.without(before);
            folder.totals = without.with(after);
        }
    }

    /// Removes the rows that are not in the list any more.
    pub(super) fn retain(&mut self, is_listed: impl Fn(Row) -> bool) {
        for folder in &mut self.folders {
            folder.rows.retain(|row| is_listed(*row));
        }
    }

    pub(super) fn get(&self, id: FolderId) -> Option<&Folder> {
        self.folders.get(id.0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (FolderId, &Folder)> {
        self.folders.iter().enumerate().map(|(id, folder)| (FolderId(id), folder))
    }
}

/// The label of a folder in the list of uploads.
#[must_use]
pub fn folder_label(path: &str) -> String {
    Text::FolderName.fill(&[&format::name(path)])
}
