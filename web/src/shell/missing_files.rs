//! Finds the files of restored rows: the user picks them again, or the browser reopens them by
//! their handles.

use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::{
    app::App,
    dom::{Exception, js_number, spawn},
    file_handles,
};
use crate::{
    edges::{self, EDGE_BYTES},
    page::Event,
    path::root,
    queue::{FileAccess, PickedFile, Row, RowMatch, Rows},
};

/// Files that are assigned to rows in one batch.
const BATCH: usize = 100;

/// Assigns picked files to the rows that miss them, one to each row. Returns the other files.
///
/// `taken`: rows that this pick has served already.
pub(super) async fn assign_picked(
    app: &Rc<App>,
    picked: Vec<(PickedFile, File)>,
    taken: &mut Rows,
) -> Vec<(PickedFile, File)> {
    if !app.page().queue().misses_files() {
        return picked;
    }
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for (picked, file) in picked {
        let matched = app.page().queue().match_row(&picked, taken);
        if let RowMatch::Missing(row) = matched
            && let Some(edges) = compare(app, row, &file).await
        {
            taken.insert(row);
            found.push((row, edges, file));
            continue;
        }
        if let RowMatch::Missing(row) | RowMatch::OtherFile(row) = matched {
            app.handle(Event::WrongFile(row));
        }
        others.push((picked, file));
    }
    app.assign(found);
    others
}

/// Reopens the files of all rows that have handles. The browser may ask the user for permission,
/// which it allows only right after a click.
pub(super) fn reopen_all(app: &Rc<App>) {
    let app = app.clone();
    spawn(async move {
        let rows: Vec<_> = app.page().queue().missing().iter().collect();
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for row in rows {
            let Some(known) = reopenable(&app, row) else { continue };
            match reopen(&app, &known.path).await {
                Some(file) => match is_same(&app, row, &known, &file).await {
                    Some(edges) => found.push((row, edges, file)),
                    None => {
                        app.handle(Event::WrongFile(row));
                        failed.push(row);
                    }
                },
                None => failed.push(row),
            }
            if found.len() >= BATCH {
                app.assign(std::mem::take(&mut found));
            }
        }
        app.assign(found);
        if !failed.is_empty() {
            app.handle(Event::HandlesFailed(failed));
        }
    });
}

/// Returns the file that a row misses if there is a handle for it.
fn reopenable(app: &App, row: Row) -> Option<PickedFile> {
    let page = app.page();
    let queue = page.queue();
    let upload = queue.get(row).filter(|upload| upload.access() == FileAccess::ByHandle)?;
    queue.missing().contains(row).then(|| upload.file().clone())
}

async fn reopen(app: &App, path: &str) -> Option<File> {
    let handle = app.handles.get(root(path))?;
    if !file_handles::may_read(&handle).await {
        return None;
    }
    file_handles::open(&handle, path).await.ok()
}

/// Returns the compared edges if a file is the one that a row misses, else `None`.
async fn is_same(app: &App, row: Row, known: &PickedFile, file: &File) -> Option<Option<u64>> {
    if !known.looks_like(&picked_file(known.path.clone(), file)) {
        return None;
    }
    compare(app, row, file).await
}

/// Compares the edges of a file with those of a row. Returns `None` if they differ, and otherwise the
/// edges, if those of the row are known.
async fn compare(app: &App, row: Row, file: &File) -> Option<Option<u64>> {
    let known = app.page().queue().get(row)?.edges();
    match known {
        None => Some(None),
        Some(known) => {
            let edges = edges(file).await.ok()?;
            (edges == known).then_some(Some(edges))
        }
    }
}

/// Computes the digest of the first and the last bytes of a file.
pub(super) async fn edges(file: &File) -> Result<u64, Exception> {
    let size = file.size();
    let edge = js_number(EDGE_BYTES);
    let first = bytes(&file.slice_with_f64_and_f64(0.0, edge.min(size))?).await?;
    let last = bytes(&file.slice_with_f64_and_f64((size - edge).max(0.0), size)?).await?;
    Ok(edges::edges(&first, &last))
}

async fn bytes(blob: &Blob) -> Result<Vec<u8>, Exception> {
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// Describes a file for the core.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes and times of files are whole numbers below 2^53"
)]
pub(super) fn picked_file(path: String, file: &File) -> PickedFile {
    PickedFile {
        path,
        size: file.size() as u64,
        modified_millis: Some(file.last_modified() as i64),
    }
}
