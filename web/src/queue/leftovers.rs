//! Parts of files on the server that nobody goes on with: each is removed, or the server tells that
//! it is gone.

use protocol::UploadId;

/// The parts that are to be removed.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    to_remove: Vec<String>,
    /// The portal was told to remove them, and has not answered.
    told: Vec<String>,
    /// The portal was told to cancel their uploads, and removes them with these.
    cancelling: Vec<(UploadId, String)>,
}

impl Leftovers {
    /// Nobody writes to a part any more, nor goes on with it.
    pub(super) fn abandon(&mut self, part: Option<String>) {
        self.to_remove.extend(part);
    }

    /// The portal is told to cancel an upload, which has written to this part.
    pub(super) fn cancel(&mut self, upload: UploadId, part: Option<String>) {
        self.cancelling.extend(part.map(|part| (upload, part)));
    }

    /// The portal has ended an upload.
    pub(super) fn ended(&mut self, upload: UploadId) {
        self.cancelling.retain(|(cancelled, _)| *cancelled != upload);
    }

    /// What the portal has to be told to remove.
    pub(super) fn take(&mut self) -> Vec<String> {
        let parts = std::mem::take(&mut self.to_remove);
        self.told.extend(parts.iter().cloned());
        parts
    }

    /// The server has removed a part.
    pub(super) fn removed(&mut self, part: &str) {
        self.not_removed(part);
        self.to_remove.retain(|known| known != part);
    }

    /// The server keeps a part.
    pub(super) fn not_removed(&mut self, part: &str) {
        self.told.retain(|known| known != part);
    }

    /// Nobody knows any more what the portal was told.
    pub(super) fn session_lost(&mut self) {
        self.to_remove.append(&mut self.told);
        self.to_remove.extend(self.cancelling.drain(..).map(|(_, part)| part));
    }
}
