//! Compares files with those of the server that have their name and size, by digest.

use protocol::{UploadId, server::FileDigest};

use super::{DigestJob, DigestOutcome, Effect, Page};
use crate::{
    connection::FtpsState,
    queue::{Row, Upload},
};

/// A comparison under way.
#[derive(Debug)]
pub(super) struct FileComparison {
    /// The upload that found the server's file, which has ended.
    upload: UploadId,
    row: Row,
    /// The digest of the server's file.
    hex: String,
}

impl Page {
    /// The server has a file of an upload's name and size, with this digest: has the row's file digested.
    pub(super) fn compare(&mut self, upload: UploadId, row: Row, theirs: FileDigest) {
        let FtpsState::Connected(connected) = self.connection.ftps() else { return };
        let FileDigest { algorithm, hex } = theirs;
        if algorithm != connected.digest {
            return;
        }
        // Nothing of the file is sent. For the second offset the worker reads all that is before it.
        let from = vec![0, self.queue.get(row).map_or(0, Upload::size)];
        self.comparisons.push(FileComparison { upload, row, hex });
        self.effects.push(Effect::Digest(DigestJob { row, upload, algorithm, from, whole: false }));
    }

    /// The worker returned a digest. Returns whether it is for a comparison.
    pub(super) fn compared(
        &mut self,
        upload: UploadId,
        from: u64,
        outcome: &DigestOutcome,
    ) -> bool {
        let of = |comparison: &FileComparison| comparison.upload == upload;
        let Some(place) = self.comparisons.iter().position(of) else { return false };
        if from == 0 {
            let FileComparison { row, hex, .. } = self.comparisons.swap_remove(place);
            if matches!(outcome, DigestOutcome::Computed(ours) if *ours == hex) {
                self.queue.mark_identical(row);
            }
            self.effects.push(Effect::StopDigest(upload));
        }
        true
    }
}
