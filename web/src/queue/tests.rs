use super::*;
use crate::time::Millis;
use proptest::prelude::*;
use protocol::{
    Attempt, OnConflict, Problem, Stage,
    client::Offer,
    server::{Existing, Limits, Verified},
};
use std::collections::BTreeSet;

mod breaks;
mod conflicts;
mod editing;
mod ending;
mod pausing;
mod random_actions;
mod restoring;
mod sending;

const KIB: u64 = 1024;

const LIMITS: Limits = Limits {
    max_chunk_bytes: 64 * 1024,
    min_chunk_bytes: 4 * 1024,
    max_open_uploads: 2,
    ping_interval_millis: 20_000,
    max_log_lines: 1000,
};

fn queue(sizes: &[u64]) -> Queue {
    let mut queue = Queue::default();
    let files = sizes.iter().enumerate().map(|(index, &size)| PickedFile {
        path: format!("folder/{index}"),
        size,
        modified_millis: None,
    });
    queue.add(files.collect(), "/home", || State::Queued);
    queue
}

fn problem() -> Problem {
    Problem::new(Stage::Transfer, "no".into())
}

fn stored() -> Stored {
    Stored { verified: Verified::Size, digest: None, page_agrees: false }
}

fn ids(offers: &[Offer]) -> Vec<u32> {
    offers.iter().map(|offer| offer.upload.0).collect()
}

fn chunk(queue: &mut Queue) -> Option<Chunk> {
    match queue.next_chunk(0, &LIMITS) {
        NextChunk::Send(chunk) => Some(chunk),
        NextChunk::WhenDrained | NextChunk::Nothing => None,
    }
}

fn grant(queue: &mut Queue, id: u32, taken: u64, limit: u64) {
    let credit = Credit { taken, received: taken, limit };
    queue.credit(UploadId(id), Attempt(0), credit, Millis(0));
}

/// Returns a credit for the first upload under another attempt.
fn credit_again(queue: &mut Queue, attempt: u32, taken: u64, received: u64, limit: u64) {
    let credit = Credit { taken, received, limit };
    queue.credit(UploadId(0), Attempt(attempt), credit, Millis(0));
}

/// Returns the existing file of a conflict.
fn there() -> Existing {
    Existing { size: Some(9), modified_millis: Some(5_000), digest: None }
}

/// Returns a restored row that misses its file; all of them are alike.
fn missing(path: &str, edges: Option<u64>) -> SavedRow {
    SavedRow { path: path.into(), edges, ..left_behind().remove(0) }
}

/// Returns the saved rows of a page whose first upload is open.
fn left_behind() -> Vec<SavedRow> {
    let mut queue = queue(&[100 * KIB, 7]);
    queue.offers(&LIMITS);
    queue.opened(UploadId(0), "/home/.a.part".into());
    queue.set_edges(Row(0), 99);
    queue.done(UploadId(1), stored());
    let saved = queue.rows().filter_map(|row| queue.saved_row(row));
    saved.filter(|row| !row.has_ended()).collect()
}
