//! The folders that the uploads' files lie in, each with its rows and its figures.

use std::rc::Rc;

use super::{Row, Totals};
use crate::{format, texts::Text};

/// A folder, counted from 0 in the order in which they came. It keeps its number when it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderId(pub usize);

/// What is known of one folder. Those in it are folders of their own.
#[derive(Debug)]
pub struct Folder {
    path: Rc<str>,
    rows: Vec<Row>,
    totals: Totals,
}

impl Folder {
    /// Its path below what was picked; empty for files that were picked by themselves.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The rows of its files, in their order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Its uploads in figures.
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
    /// Most files lie where the one before them lay.
    last: FolderId,
}

impl Folders {
    /// Takes in a new row; gives the folder that its file lies in.
    pub(super) fn add(&mut self, row: Row, path: &str) -> FolderId {
        let id = self.of(path);
        if let Some(folder) = self.folders.get_mut(id.0) {
            folder.rows.push(row);
        }
        id
    }

    /// The folder of a file; a new one if there was none in it.
    fn of(&mut self, path: &str) -> FolderId {
        let folder = path.rfind('/').and_then(|slash| path.get(..slash)).unwrap_or("");
        if self.get(self.last).is_some_and(|last| &*last.path == folder) {
            return self.last;
        }
        let path_of = |id: &FolderId| self.get(*id).map_or("", Folder::path);
        self.last = match self.by_path.binary_search_by(|id| path_of(id).cmp(folder)) {
            Ok(place) => self.by_path.get(place).copied().unwrap_or_default(),
            Err(place) => {
                let id = FolderId(self.folders.len());
                let (rows, totals) = (Vec::new(), Totals::default());
                self.folders.push(Folder { path: folder.into(), rows, totals });
                self.by_path.insert(place, id);
                id
            }
        };
        self.last
    }

    /// An upload adds something else to its folder's figures than before.
    pub(super) fn update(&mut self, id: FolderId, before: Totals, after: Totals) {
        if let Some(folder) = self.folders.get_mut(id.0) {
            let without = folder.totals.without(before);
            folder.totals = without.with(after);
        }
    }

    /// Takes rows out that are in the list no more.
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
    Text::FolderName.fill(&[&format::visible(path)])
}
