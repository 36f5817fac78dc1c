//! The files behind the uploads: whether they can be read, and their digests.
//!
//! Both are asked of the browser as an upload is offered. A file that changed or went away fails by
//! itself; the others go on.

use protocol::{ClientMessage, UploadId, client::Offer, server::Algorithm};

use super::{Effect, Page, announcements};
use crate::{connection::FtpsState, queue::Row, queue::problems};

/// A file of at most so many bytes is read once, for its digest and for the sending. To have the
/// browser look at it, and read it again for the socket, takes longer than all the rest.
const SMALL_FILE_BYTES: u64 = 64 * 1024;

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
    /// Whether the file is small, and the bytes that were digested are the ones to be sent.
    pub whole: bool,
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

/// How far the digests of the uploads are that are open: a few at a time.
#[derive(Debug, Default)]
pub(super) struct OpenDigests(Vec<(UploadId, Progress)>);

/// How far the digests of one upload are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Begun with the offer.
    Begun,
    /// Begun with the offer; nothing of the file is sent before its digest is there, which shows
    /// that it can be read.
    ReadsWhole,
    /// The upload may go on with an earlier one: where that ends is known when it is opened, and
    /// then one pass makes both digests.
    AwaitsOffset,
}

impl Page {
    /// Has the file of an offer looked at, and its digest made beside the sending.
    pub(super) fn prepare(&mut self, row: Row, mut offer: Offer) {
        let upload = offer.upload;
        self.queue.await_file_check(upload);
        offer.digest = true;
        let goes_on = offer.resume.is_some() || offer.on_conflict == protocol::OnConflict::Resume;
        let is_small = offer.size <= SMALL_FILE_BYTES;
        self.effects.push(Effect::Send(ClientMessage::Offer(offer)));
        let progress = match (goes_on, is_small) {
            (true, _) => Progress::AwaitsOffset,
            (false, true) => Progress::ReadsWhole,
            (false, false) => Progress::Begun,
        };
        self.digests.0.push((upload, progress));
        if progress != Progress::ReadsWhole {
            self.effects.push(Effect::CheckFile(upload, row));
        }
        if progress != Progress::AwaitsOffset {
            self.make_digest(upload, row, vec![0], progress == Progress::ReadsWhole);
        }
    }

    /// The upload's bytes are sent to the server from `offset` on.
    pub(super) fn digest_from(&mut self, upload: UploadId, offset: u64) {
        let digests = &mut self.digests.0;
        let Some((_, progress)) = digests.iter_mut().find(|(of, _)| *of == upload) else { return };
        let from = match (*progress, offset) {
            (Progress::AwaitsOffset, 0) => vec![0],
            (Progress::AwaitsOffset, offset) => vec![0, offset],
            (Progress::Begun | Progress::ReadsWhole, 0) => return,
            (Progress::Begun | Progress::ReadsWhole, offset) => vec![offset],
        };
        *progress = Progress::Begun;
        if let Some(row) = self.queue.row_of(upload) {
            self.make_digest(upload, row, from, false);
        }
    }

    /// The worker has change of digests.
    pub(super) fn digested(&mut self, change: Vec<Digested>) {
        for Digested { upload, from, outcome } in change {
            let Some(&(_, progress)) = self.digests.0.iter().find(|(of, _)| *of == upload) else {
                continue;
            };
            let hex = match outcome {
                DigestOutcome::Made(hex) => {
                    self.was_read(upload, progress);
                    Some(hex)
                }
                DigestOutcome::NotHere => {
                    self.was_not_read(upload, progress);
                    None
                }
                DigestOutcome::Unreadable => {
                    self.file_unreadable(upload);
                    continue;
                }
            };
            self.effects.push(Effect::Send(ClientMessage::Digest { upload, from, hex }));
        }
    }

    /// The worker has read the file of an upload to its end.
    fn was_read(&mut self, upload: UploadId, progress: Progress) {
        if progress == Progress::ReadsWhole {
            self.queue.file_readable(upload);
        }
    }

    /// There is no worker that reads the file of an upload: it is looked at, as a large one is.
    fn was_not_read(&mut self, upload: UploadId, progress: Progress) {
        if progress == Progress::ReadsWhole
            && let Some(row) = self.queue.row_of(upload)
        {
            self.effects.push(Effect::CheckFile(upload, row));
        }
    }

    /// The browser looked whether a file can be read.
    pub(super) fn file_checked(&mut self, upload: UploadId, row: Row, readable: bool) {
        if readable {
            self.queue.file_readable(upload);
        } else if self.queue.row_of(upload).is_some() {
            self.file_unreadable(upload);
        } else {
            // The connection went away under it: because of it, most likely.
            self.queue.interrupted_by_file(row, problems::file_changed());
        }
    }

    /// Has every open upload's file looked at: a socket that closed may have done so because of one
    /// of them.
    pub(super) fn check_open_files(&mut self) {
        let checks = self.queue.open().map(|(upload, row)| Effect::CheckFile(upload, row));
        self.effects.extend(checks);
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
        if let Some(row) = self.queue.file_unreadable(upload) {
            self.say_pause(upload);
            self.announce_row(row, |path| announcements::failed(path, &problems::file_changed()));
        }
    }

    fn make_digest(&mut self, upload: UploadId, row: Row, mut from: Vec<u64>, whole: bool) {
        from.retain(|offset| !self.digests_asked.contains(&(upload, *offset)));
        if from.is_empty() {
            return;
        }
        if let FtpsState::Connected(connected) = self.connection.ftps() {
            let algorithm = connected.digest;
            self.digests_asked.extend(from.iter().map(|offset| (upload, *offset)));
            self.effects.push(Effect::Digest(DigestJob { row, upload, algorithm, from, whole }));
        }
    }
}
