//! The files of the uploads: whether they can be read, and their digests.
//!
//! The browser checks and digests a file when its upload is offered. A file that changed or is gone
//! fails alone; the other uploads continue.

use protocol::{ClientMessage, UploadId, client::Offer, server::Algorithm};

use super::{Effect, Page, announcements};
use crate::{connection::FtpsState, queue::Row, queue::problems};

/// Files up to this size are read once, for the digest and for sending: a check and a second read
/// would take longer than everything else.
const READ_AT_ONCE_BYTES: u64 = 64 * 1024;

/// A digest to compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestJob {
    /// The row of the file.
    pub row: Row,
    /// The upload.
    pub upload: UploadId,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The first offsets: one digest from each, all in one pass over the file.
    pub from: Vec<u64>,
    /// Whether the file is small, and its digested bytes are the ones to send.
    pub whole: bool,
}

/// The result of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    /// The upload.
    pub upload: UploadId,
    /// The first offset.
    pub from: u64,
    /// The digest, or the reason why there is none.
    pub outcome: DigestOutcome,
}

/// A digest, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestOutcome {
    /// The digest in lower-case hexadecimal digits.
    Computed(String),
    /// This browser computes no digests. The upload continues without one.
    Unsupported,
    /// The file cannot be read any more.
    Unreadable,
}

/// The digests of the open uploads: a few at a time.
#[derive(Debug, Default)]
pub(super) struct OpenDigests(Vec<(UploadId, Progress)>);

/// The progress of the digests of one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Started with the offer.
    Started,
    /// Started with the offer. Nothing of the file is sent before its digest arrives, which shows that
    /// the file can be read.
    ReadsWhole,
    /// The upload may resume an earlier one, whose end is known when the upload is opened: then one
    /// pass computes both digests.
    AwaitsOffset,
}

impl Page {
    /// Sends an offer, and has its file checked and digested.
    pub(super) fn prepare(&mut self, row: Row, mut offer: Offer) {
        let upload = offer.upload;
        self.queue.await_file_check(upload);
        offer.digest = true;
        let may_resume =
            offer.resume.is_some() || offer.on_conflict == protocol::OnConflict::Resume;
        let is_small = offer.size <= READ_AT_ONCE_BYTES;
        self.effects.push(Effect::Send(ClientMessage::Offer(offer)));
        let progress = match (may_resume, is_small) {
            (true, _) => Progress::AwaitsOffset,
            (false, true) => Progress::ReadsWhole,
            (false, false) => Progress::Started,
        };
        self.digests.0.push((upload, progress));
        if progress != Progress::ReadsWhole {
            self.effects.push(Effect::CheckFile(upload, row));
        }
        if progress != Progress::AwaitsOffset {
            self.request_digest(upload, row, vec![0], progress == Progress::ReadsWhole);
        }
    }

    /// The upload was opened, and sends from `offset` on.
    pub(super) fn digest_from(&mut self, upload: UploadId, offset: u64) {
        let digests = &mut self.digests.0;
        let Some((_, progress)) = digests.iter_mut().find(|(of, _)| *of == upload) else { return };
        let from = match (*progress, offset) {
            (Progress::AwaitsOffset, 0) => vec![0],
            (Progress::AwaitsOffset, offset) => vec![0, offset],
            (Progress::Started | Progress::ReadsWhole, 0) => return,
            (Progress::Started | Progress::ReadsWhole, offset) => vec![offset],
        };
        *progress = Progress::Started;
        if let Some(row) = self.queue.row_of(upload) {
            self.request_digest(upload, row, from, false);
        }
    }

    /// The worker returned results.
    pub(super) fn digested(&mut self, results: Vec<Digested>) {
        for Digested { upload, from, outcome } in results {
            if self.compared(upload, from, &outcome) {
                continue;
            }
            let Some(&(_, progress)) = self.digests.0.iter().find(|(of, _)| *of == upload) else {
                continue;
            };
            let hex = match outcome {
                DigestOutcome::Computed(hex) => {
                    self.digest_computed(upload, progress);
                    Some(hex)
                }
                DigestOutcome::Unsupported => {
                    self.digest_unsupported(upload, progress);
                    None
                }
                DigestOutcome::Unreadable => {
                    self.fail_unreadable(upload);
                    continue;
                }
            };
            self.effects.push(Effect::Send(ClientMessage::Digest { upload, from, hex }));
        }
    }

    /// The worker read the file of an upload to its end.
    fn digest_computed(&mut self, upload: UploadId, progress: Progress) {
        if progress == Progress::ReadsWhole {
            self.queue.file_readable(upload);
        }
    }

    /// There is no worker to read the file of an upload: it is checked, as a large one is.
    fn digest_unsupported(&mut self, upload: UploadId, progress: Progress) {
        if progress == Progress::ReadsWhole
            && let Some(row) = self.queue.row_of(upload)
        {
            self.effects.push(Effect::CheckFile(upload, row));
        }
    }

    /// The browser cannot read a file.
    pub(super) fn file_unreadable(&mut self, upload: UploadId, row: Row) {
        if self.queue.row_of(upload).is_some() {
            self.fail_unreadable(upload);
        } else {
            // The socket broke, most likely because of this file.
            self.queue.interrupted_by_file(row, problems::file_changed());
        }
    }

    /// Has the file of every open upload checked: one of them may be the reason why the socket
    /// closed.
    pub(super) fn check_open_files(&mut self) {
        let checks = self.queue.open().map(|(upload, row)| Effect::CheckFile(upload, row));
        self.effects.extend(checks);
    }

    /// An upload ended: its digest is not needed any more.
    pub(super) fn forget_digest(&mut self, upload: UploadId) {
        if let Some(place) = self.digests.0.iter().position(|(of, _)| *of == upload) {
            self.digests.0.swap_remove(place);
            self.digests_requested.retain(|(of, _)| *of != upload);
            self.effects.push(Effect::StopDigest(upload));
        }
    }

    /// All uploads ended.
    pub(super) fn forget_digests(&mut self) {
        let ended = std::mem::take(&mut self.digests.0);
        self.digests_requested.clear();
        self.effects.extend(ended.into_iter().map(|(upload, _)| Effect::StopDigest(upload)));
    }

    fn fail_unreadable(&mut self, upload: UploadId) {
        if let Some(row) = self.queue.file_unreadable(upload) {
            self.send_pause(upload);
            self.announce_row(row, |path| announcements::failed(path, &problems::file_changed()));
        }
    }

    fn request_digest(&mut self, upload: UploadId, row: Row, mut from: Vec<u64>, whole: bool) {
        from.retain(|offset| !self.digests_requested.contains(&(upload, *offset)));
        if from.is_empty() {
            return;
        }
        if let FtpsState::Connected(connected) = self.connection.ftps() {
            let algorithm = connected.digest;
            self.digests_requested.extend(from.iter().map(|offset| (upload, *offset)));
            self.effects.push(Effect::Digest(DigestJob { row, upload, algorithm, from, whole }));
        }
    }
}
