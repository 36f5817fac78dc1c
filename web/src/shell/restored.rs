//! Rows of an earlier page get their files back: picked again by the person, or opened again by
//! the browser.

use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};

use super::{
    app::App,
    dom::{Fault, number},
    handles, keeper, picker,
};
use crate::{
    edges::{self, EDGE_BYTES},
    page::Event,
    path::root,
    queue::{FileAccess, PickedFile, Row, RowMatch, Rows},
};

/// Files that are handed on at once.
const BATCH: usize = 100;

/// Gives files that were picked to the rows that miss them, once to each; gives the others back.
pub(super) async fn take_in(
    app: &Rc<App>,
    picked: Vec<(PickedFile, File)>,
    taken: &mut Rows,
) -> Vec<(PickedFile, File)> {
    if !app.page().queue().misses_files() {
        return picked;
    }
    let (mut found, mut new) = (Vec::new(), Vec::new());
    for (picked, file) in picked {
        let fit = app.page().queue().match_row(&picked, taken);
        if let RowMatch::Missing(row) = fit
            && let Some(edges) = compare(app, row, &file).await
        {
            taken.insert(row);
            found.push((row, edges, file));
            continue;
        }
        if let RowMatch::Missing(row) | RowMatch::OtherFile(row) = fit {
            app.handle(Event::WrongFile(row));
        }
        new.push((picked, file));
    }
    app.found(found);
    new
}

/// Has the browser open again what it can. The person has just pressed the button for it.
pub(super) fn go_on(app: &Rc<App>) {
    let app = app.clone();
    spawn_local(async move {
        let rows: Vec<_> = app.page().queue().missing().iter().collect();
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for row in rows {
            let Some(known) = to_reopen(&app, row) else { continue };
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
                app.found(std::mem::take(&mut found));
            }
        }
        app.found(found);
        if !failed.is_empty() {
            app.handle(Event::HandlesFailed(failed));
        }
    });
}

/// The file of a row that misses it, if the browser can open it again.
fn to_reopen(app: &App, row: Row) -> Option<PickedFile> {
    let page = app.page();
    let queue = page.queue();
    let upload = queue.get(row).filter(|upload| upload.access() == FileAccess::ByHandle)?;
    queue.missing().contains(row).then(|| upload.file().clone())
}

async fn reopen(app: &App, path: &str) -> Option<File> {
    let handle = keeper::handle(app, root(path))?;
    if !handles::may_read(&handle).await {
        return None;
    }
    handles::file(&handle, path).await.ok()
}

/// Whether a file is the one that a row misses. Gives the edges that were compared.
async fn is_same(app: &App, row: Row, known: &PickedFile, file: &File) -> Option<Option<u64>> {
    if !known.looks_like(&picker::picked(known.path.clone(), file)) {
        return None;
    }
    compare(app, row, file).await
}

/// Whether a file has the edges that the row's had, as far as they are known. Gives those that
/// were compared.
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

/// The digest of both ends of a file.
pub(super) async fn edges(file: &File) -> Result<u64, Fault> {
    let size = file.size();
    let edge = number(EDGE_BYTES);
    let first = bytes(&file.slice_with_f64_and_f64(0.0, edge.min(size))?).await?;
    let last = bytes(&file.slice_with_f64_and_f64((size - edge).max(0.0), size)?).await?;
    Ok(edges::edges(&first, &last))
}

async fn bytes(blob: &Blob) -> Result<Vec<u8>, Fault> {
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
