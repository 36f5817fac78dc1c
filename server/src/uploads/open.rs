//! The uploads that the page has offered and that have not ended.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use ftps::RemotePath;
use protocol::{Problem, ServerMessage, ToGuest, UploadId, client::Offer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::digests::PageDigests;
use crate::{drops::Delivery, locking::lock, outbox::Outbox, relay::UploadBuffer, remote_path};

/// An upload that was offered and has not ended.
#[derive(Debug)]
pub struct OpenUpload {
    /// The page's offer.
    pub offer: Offer,
    /// The bytes that have arrived.
    pub buffer: UploadBuffer,
    /// The page's digests of the file.
    pub digests: PageDigests,
    /// Cancelled when the page stops the upload, or the FTPS connection ends.
    pub stop: CancellationToken,
    /// Whether the page has cancelled the upload, rather than paused it.
    is_cancelled: AtomicBool,
    /// The claim of a guest's file, once it is claimed.
    delivery: OnceLock<Arc<Delivery>>,
}

/// Whether the part file of a stopped upload is kept or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedPartFile {
    /// Keep it, to resume the upload later.
    Keep,
    /// Remove it.
    Remove,
}

impl OpenUpload {
    /// Creates an upload whose bytes arrive in `buffer`, and which `stop` stops.
    #[must_use]
    pub fn new(offer: Offer, buffer: UploadBuffer, stop: CancellationToken) -> Self {
        let is_cancelled = AtomicBool::new(false);
        let delivery = OnceLock::new();
        Self { offer, buffer, digests: PageDigests::default(), stop, is_cancelled, delivery }
    }

    /// Returns the claim of a guest's file.
    #[must_use]
    pub fn delivery(&self) -> Option<&Arc<Delivery>> {
        self.delivery.get()
    }

    /// Sets the claim of a guest's file.
    pub fn set_delivery(&self, delivery: Arc<Delivery>) {
        let _claimed_once = self.delivery.set(delivery);
    }

    /// Returns where the file goes, as the page or the portal wrote it.
    #[must_use]
    pub fn target(&self) -> String {
        self.delivery().map_or_else(|| self.offer.path.clone(), |delivery| delivery.path())
    }

    /// Returns the part file that the upload goes on with.
    #[must_use]
    pub fn resume(&self) -> Option<String> {
        self.delivery().map_or_else(|| self.offer.resume.clone(), |delivery| delivery.temporary())
    }

    /// Writes the end of a guest's upload to the store, and sends the last message about the upload.
    pub async fn tell(&self, end: ServerMessage, outbox: &Outbox) {
        match self.settle(&end, outbox).await {
            Some(message) => {
                outbox.count_guests_upload(&end);
                outbox.send_to_guest(&message).await;
            }
            None => outbox.send(end).await,
        }
    }

    /// Writes the end of a guest's upload to the store. Returns what the guest is told; `None` for an upload
    /// that is no guest's.
    pub async fn settle(&self, end: &ServerMessage, outbox: &Outbox) -> Option<ToGuest> {
        let delivery = self.delivery()?;
        Some(delivery.settle(end.clone(), outbox.problems()).await)
    }

    /// Returns where the file goes; `None` if the path is malformed.
    #[must_use]
    pub fn path(&self) -> Option<RemotePath> {
        remote_path::parse(&self.target()).ok()
    }

    /// Stops the upload; the task that runs it answers.
    pub fn stop(&self, part_file: StoppedPartFile) {
        if part_file == StoppedPartFile::Remove {
            self.is_cancelled.store(true, Ordering::Relaxed);
        }
        self.stop.cancel();
    }

    /// Returns whether the part file is kept when the upload is stopped: it is, unless the page has
    /// cancelled the upload.
    #[must_use]
    pub fn part_file(&self) -> StoppedPartFile {
        match self.is_cancelled.load(Ordering::Relaxed) {
            true => StoppedPartFile::Remove,
            false => StoppedPartFile::Keep,
        }
    }

    /// Returns the answer of an upload that was stopped; `resume` is the path of the part
    /// file.
    #[must_use]
    pub fn stopped(&self, resume: Option<String>) -> ServerMessage {
        let upload = self.offer.upload;
        match self.part_file() {
            StoppedPartFile::Keep => ServerMessage::Paused { upload, resume },
            StoppedPartFile::Remove => ServerMessage::Cancelled { upload },
        }
    }

    /// Returns the answer of an upload that was stopped before it started: the part file of an
    /// earlier upload is unchanged.
    #[must_use]
    pub fn stopped_before_start(&self) -> ServerMessage {
        self.stopped(self.resume())
    }

    /// Returns the answer of an upload that failed before it started.
    #[must_use]
    pub fn failed_before_start(&self, problem: Problem) -> ServerMessage {
        ServerMessage::Failed { upload: self.offer.upload, problem, resume: self.resume() }
    }
}

/// The open uploads of a session.
#[derive(Debug, Default)]
pub struct OpenUploads {
    uploads: Mutex<HashMap<UploadId, Arc<OpenUpload>>>,
    removed: Notify,
}

impl OpenUploads {
    /// Adds an upload.
    pub fn insert(&self, upload: Arc<OpenUpload>) {
        self.uploads().insert(upload.offer.upload, upload);
    }

    /// Removes an upload that has ended.
    pub fn remove(&self, upload: UploadId) {
        self.uploads().remove(&upload);
        self.removed.notify_waiters();
    }

    /// Returns an upload, if it is open.
    pub fn get(&self, upload: UploadId) -> Option<Arc<OpenUpload>> {
        self.uploads().get(&upload).cloned()
    }

    /// Returns all uploads.
    pub fn all(&self) -> Vec<Arc<OpenUpload>> {
        self.uploads().values().cloned().collect()
    }

    /// Returns the number of uploads.
    pub fn len(&self) -> usize {
        self.uploads().len()
    }

    /// Returns whether no upload is open.
    pub fn is_empty(&self) -> bool {
        self.uploads().is_empty()
    }

    /// Waits until no upload is open.
    pub async fn all_ended(&self) {
        loop {
            let mut removed = std::pin::pin!(self.removed.notified());
            // Registered before the check, so that no removal in between is missed.
            removed.as_mut().enable();
            if self.is_empty() {
                return;
            }
            removed.await;
        }
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<OpenUpload>>> {
        lock(&self.uploads)
    }
}
