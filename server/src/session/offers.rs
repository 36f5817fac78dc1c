//! The uploads that the page has offered and that have not ended.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use protocol::{Problem, ServerMessage, UploadId, client::Offer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::digests::Digests;
use crate::relay::Inlet;

/// An upload that was offered and has not ended.
#[derive(Debug)]
pub struct OpenUpload {
    /// What the page offered.
    pub offer: Offer,
    /// Where its bytes arrive.
    pub inlet: Inlet,
    /// What the page says that its bytes have to be.
    pub digests: Digests,
    /// Cancelled when the page ends it, or the connection ends.
    pub stop: CancellationToken,
    /// Whether the page gave it up for good.
    given_up: AtomicBool,
}

/// What becomes of what the server holds of an upload that ends before its file is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It stays, to go on with.
    Keep,
    /// It is removed.
    Remove,
}

impl OpenUpload {
    /// An upload whose bytes arrive at `inlet`, and which `stop` ends.
    #[must_use]
    pub fn new(offer: Offer, inlet: Inlet, stop: CancellationToken) -> Self {
        let given_up = AtomicBool::new(false);
        Self { offer, inlet, digests: Digests::default(), stop, given_up }
    }

    /// Ends it; its own task answers.
    pub fn end(&self, ending: Ending) {
        if ending == Ending::Remove {
            self.given_up.store(true, Ordering::Relaxed);
        }
        self.stop.cancel();
    }

    /// What becomes of what the server holds when it is stopped: who only goes away comes back.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.given_up.load(Ordering::Relaxed) { Ending::Remove } else { Ending::Keep }
    }

    /// The answer when it was stopped; `resume` is where a part of the file is.
    #[must_use]
    pub fn stopped(&self, resume: Option<String>) -> ServerMessage {
        let upload = self.offer.upload;
        match self.ending() {
            Ending::Keep => ServerMessage::Paused { upload, resume },
            Ending::Remove => ServerMessage::Cancelled { upload },
        }
    }

    /// The answer when it was stopped before anybody began with it: what an earlier upload left is
    /// as it was.
    #[must_use]
    pub fn not_begun(&self) -> ServerMessage {
        self.stopped(self.offer.resume.clone())
    }

    /// The answer when it failed before anybody began with it.
    #[must_use]
    pub fn failed(&self, problem: Problem) -> ServerMessage {
        let Offer { upload, resume, .. } = self.offer.clone();
        ServerMessage::Failed { upload, problem, resume }
    }
}

/// All of a session's.
#[derive(Debug, Default)]
pub struct OpenUploads {
    uploads: Mutex<HashMap<UploadId, Arc<OpenUpload>>>,
    one_ended: Notify,
}

impl OpenUploads {
    /// Adds one.
    pub fn insert(&self, upload: Arc<OpenUpload>) {
        self.uploads().insert(upload.offer.upload, upload);
    }

    /// Takes out one that has ended.
    pub fn remove(&self, upload: UploadId) {
        self.uploads().remove(&upload);
        self.one_ended.notify_waiters();
    }

    /// One of them.
    pub fn get(&self, upload: UploadId) -> Option<Arc<OpenUpload>> {
        self.uploads().get(&upload).cloned()
    }

    /// Every one.
    pub fn all(&self) -> Vec<Arc<OpenUpload>> {
        self.uploads().values().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.uploads().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.uploads().is_empty()
    }

    /// Resolves when there is none.
    pub async fn none_left(&self) {
        loop {
            let mut ended = std::pin::pin!(self.one_ended.notified());
            // Before the look, so that none ends unseen in between.
            ended.as_mut().enable();
            if self.is_empty() {
                return;
            }
            ended.await;
        }
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<OpenUpload>>> {
        // No code panics while it holds the lock; if one did, the map would still be whole.
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
