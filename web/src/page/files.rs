//! The files behind the uploads: whether they can be read, and their digests.
//!
//! Both are asked of the browser as an upload is offered. A file that changed or went away fails by
//! itself; the others go on.

use protocol::{ClientMessage, UploadId, client::Offer, server::Algorithm};

use super::{Effect, Page};
use crate::{connection::Ftps, queue::Row, words};

/// A digest to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestJob {
    /// Whose file.
    pub row: Row,
    /// For which upload.
    pub upload: UploadId,
    /// How.
    pub algorithm: Algorithm,
    /// From which offsets on: one digest each, all in one pass over the file.
    pub from: Vec<u64>,
}

/// What became of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    /// For which upload.
    pub upload: UploadId,
    /// From which offset on.
    pub from: u64,
    /// The digest, or why there is none.
    pub outcome: DigestOutcome,
}

/// A digest, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestOutcome {
    /// In lower-case hexadecimal digits.
    Made(String),
    /// This browser does not make digests. The upload goes on without.
    NotHere,
    /// The file cannot be read any more.
    Unreadable,
}

/// The digests of the uploads that are open: a few at a time.
#[derive(Debug, Default)]
pub(super) struct Digests(Vec<(UploadId, Progress)>);

/// How far the digests of one upload are.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Begun with the offer.
    Begun,
    /// The upload may go on with an earlier one: where that ends is known when it is opened, and
    /// then one pass makes both digests.
    AwaitsOffset,
}

impl Page {
    /// Has the file of an offer looked at, and its digest made beside the sending.
    pub(super) fn prepare(&mut self, row: Row, mut offer: Offer) {
        let upload = offer.upload;
        self.queue.doubt(upload);
        self.effects.push(Effect::Check(upload, row));
        offer.digest = true;
        let goes_on = offer.resume.is_some() || offer.on_conflict == protocol::OnConflict::Resume;
        self.effects.push(Effect::Say(ClientMessage::Offer(offer)));
        if goes_on {
            self.digests.0.push((upload, Progress::AwaitsOffset));
        } else {
            self.digests.0.push((upload, Progress::Begun));
            self.make_digest(upload, row, vec![0]);
        }
    }

    /// The upload's bytes are sent to the server from `offset` on.
    pub(super) fn digest_from(&mut self, upload: UploadId, offset: u64) {
        let digests = &mut self.digests.0;
        let Some((_, progress)) = digests.iter_mut().find(|(of, _)| *of == upload) else { return };
        let from = match (std::mem::replace(progress, Progress::Begun), offset) {
            (Progress::AwaitsOffset, 0) => vec![0],
            (Progress::AwaitsOffset, offset) => vec![0, offset],
            (Progress::Begun, 0) => return,
            (Progress::Begun, offset) => vec![offset],
        };
        if let Some(row) = self.queue.row_of(upload) {
            self.make_digest(upload, row, from);
        }
    }

    /// The worker has news of digests.
    pub(super) fn digested(&mut self, news: Vec<Digested>) {
        for Digested { upload, from, outcome } in news {
            if !self.digests.0.iter().any(|(of, _)| *of == upload) {
                continue;
            }
            let hex = match outcome {
                DigestOutcome::Made(hex) => Some(hex),
                DigestOutcome::NotHere => None,
                DigestOutcome::Unreadable => {
                    self.file_unreadable(upload);
                    continue;
                }
            };
            self.effects.push(Effect::Say(ClientMessage::Digest { upload, from, hex }));
        }
    }

    /// The browser looked whether a file can be read.
    pub(super) fn file_checked(&mut self, upload: UploadId, row: Row, readable: bool) {
        if readable {
            self.queue.readable(upload);
        } else if self.queue.row_of(upload).is_some() {
            self.file_unreadable(upload);
        } else {
            // The connection went away under it: because of it, most likely.
            self.queue.interrupted_by_file(row, words::file_changed());
        }
    }

    /// Has every open upload's file looked at before anything of it is sent: a socket that closed
    /// may have done so because of one of them.
    pub(super) fn check_open_files(&mut self) {
        let open: Vec<_> = self.queue.open().collect();
        for (upload, row) in open {
            self.queue.doubt(upload);
            self.effects.push(Effect::Check(upload, row));
        }
    }

    /// An upload has ended: its digest is not needed any more.
    pub(super) fn forget_digest(&mut self, upload: UploadId) {
        if let Some(place) = self.digests.0.iter().position(|(of, _)| *of == upload) {
            self.digests.0.swap_remove(place);
            self.digests_asked.retain(|(of, _)| *of != upload);
            self.effects.push(Effect::StopDigest(upload));
        }
    }

    /// All uploads have ended.
    pub(super) fn forget_digests(&mut self) {
        let ended = std::mem::take(&mut self.digests.0);
        self.digests_asked.clear();
        self.effects.extend(ended.into_iter().map(|(upload, _)| Effect::StopDigest(upload)));
    }

    fn file_unreadable(&mut self, upload: UploadId) {
        self.forget_digest(upload);
        let problem = words::file_changed();
        let sentence = problem.clone();
        if let Some(row) = self.queue.unreadable(upload, problem) {
            self.effects.push(Effect::Say(ClientMessage::Cancel { upload }));
            self.announce_row(row, |path| words::failed(path, &sentence));
        }
    }

    fn make_digest(&mut self, upload: UploadId, row: Row, mut from: Vec<u64>) {
        from.retain(|offset| !self.digests_asked.contains(&(upload, *offset)));
        if from.is_empty() {
            return;
        }
        if let Ftps::In(connected) = self.connection.ftps() {
            let algorithm = connected.digest;
            self.digests_asked.extend(from.iter().map(|offset| (upload, *offset)));
            self.effects.push(Effect::Digest(DigestJob { row, upload, algorithm, from }));
        }
    }
}
