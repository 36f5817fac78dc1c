//! Part files on the server that no upload resumes: the page has them removed, and forgets
//! each once the server confirms.

use protocol::UploadId;

/// The part files to remove.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    to_remove: Vec<String>,
    /// The portal was told to remove them, and has not answered.
    removing: Vec<String>,
    /// The portal was told to cancel their uploads, and removes them with these.
    cancelling: Vec<(UploadId, String)>,
}

impl Leftovers {
    /// Adds a part file that no upload writes or resumes.
    pub(super) fn abandon(&mut self, path: Option<String>) {
        self.to_remove.extend(path);
    }

    /// Adds the part file of an upload that the portal is told to cancel.
    pub(super) fn cancel(&mut self, upload: UploadId, path: Option<String>) {
        self.cancelling.extend(path.map(|path| (upload, path)));
    }

    /// The portal ended an upload.
    pub(super) fn ended(&mut self, upload: UploadId) {
        self.cancelling.retain(|(cancelled, _)| *cancelled != upload);
    }

    /// Returns the files that the portal has to be told to remove.
    pub(super) fn take(&mut self) -> Vec<String> {
        let paths = std::mem::take(&mut self.to_remove);
        self.removing.extend(paths.iter().cloned());
        paths
    }

    /// The server removed a file.
    pub(super) fn removed(&mut self, path: &str) {
        self.not_removed(path);
        self.to_remove.retain(|known| known != path);
    }

    /// The server did not remove a file.
    pub(super) fn not_removed(&mut self, path: &str) {
        self.removing.retain(|known| known != path);
    }

    /// The session is lost, and with it the requests that were not answered: they are repeated.
    pub(super) fn session_lost(&mut self) {
        self.to_remove.append(&mut self.removing);
        self.to_remove.extend(self.cancelling.drain(..).map(|(_, path)| path));
    }
}
