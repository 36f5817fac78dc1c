//! Matches picked files with restored rows that miss theirs.

use super::{PickedFile, Queue, Row, Rows, Upload};
use crate::path;

/// The row that a picked file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowMatch {
    /// A row of an earlier page that misses its file, as far as size, date and path tell.
    Missing(Row),
    /// A row misses a file of this path, but not this file.
    OtherFile(Row),
    /// No row: the file is new.
    New,
}

impl Queue {
    /// Returns the row that a picked file belongs to, except those in `taken`.
    ///
    /// A row matches by its path, or else by the end of its path, its size and its date, if it is
    /// the only such row and its bytes can be compared.
    #[must_use]
    pub fn match_row(&self, file: &PickedFile, taken: &Rows) -> RowMatch {
        let near = self.indexes.missing.near(path::name(&file.path)).iter();
        let free = near.copied().filter(|row| !taken.contains(*row));
        let rows: Vec<_> = free.filter_map(|row| Some((row, self.get(row)?))).collect();
        let find = |matches: &dyn Fn(&Upload) -> bool| {
            let mut found = rows.iter().filter(|(_, upload)| matches(upload)).map(|(row, _)| *row);
            (found.next(), found.next())
        };
        let same_path = |upload: &Upload| upload.file.path == file.path;
        if let (Some(row), _) = find(&|upload| same_path(upload) && upload.file.looks_like(file)) {
            return RowMatch::Missing(row);
        }
        let elsewhere = |upload: &Upload| {
            upload.edges.is_some()
                && upload.file.looks_like(file)
                && path::is_suffix(&upload.file.path, &file.path)
        };
        // A file that has failed may have been replaced by a better one.
        let expected = |upload: &Upload| same_path(upload) && upload.state.problem().is_none();
        match (find(&elsewhere), find(&expected)) {
            ((Some(row), None), _) => RowMatch::Missing(row),
            (_, (Some(row), _)) => RowMatch::OtherFile(row),
            (_, (None, _)) => RowMatch::New,
        }
    }
}
