//! The uploads of a session that have not started.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
};

use protocol::UploadId;
use tokio::sync::Notify;

use super::open::OpenUpload;
use crate::{
    locking::lock,
    path_claims::{PathClaim, ServerClaims},
};

/// The uploads that no uploader has taken yet, in the order of their offers. Their number is
/// bounded by that of open uploads.
#[derive(Debug, Default)]
pub struct UploadQueue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    uploads: VecDeque<Arc<OpenUpload>>,
    is_closed: bool,
}

impl UploadQueue {
    /// Adds an upload at the end.
    ///
    /// # Errors
    /// Returns the upload when the queue is closed.
    pub fn push(&self, upload: Arc<OpenUpload>) -> Result<(), Arc<OpenUpload>> {
        let mut state = self.state();
        if state.is_closed {
            return Err(upload);
        }
        state.uploads.push_back(upload);
        drop(state);
        self.arrived.notify_waiters();
        Ok(())
    }

    /// Closes the queue and returns the uploads in it.
    pub fn close(&self) -> VecDeque<Arc<OpenUpload>> {
        let mut state = self.state();
        state.is_closed = true;
        std::mem::take(&mut state.uploads)
    }

    /// Removes an upload and returns whether it was in the queue.
    pub fn remove(&self, id: UploadId) -> bool {
        let mut state = self.state();
        let len_before = state.uploads.len();
        state.uploads.retain(|upload| upload.offer.upload != id);
        state.uploads.len() < len_before
    }

    /// Puts an upload back at the front, and releases its path.
    pub(super) fn put_back(&self, QueuedUpload { upload, claim }: QueuedUpload) {
        drop(claim);
        self.state().uploads.push_front(upload);
        self.arrived.notify_waiters();
    }

    /// Takes the first upload whose path no other upload has claimed. If all paths are claimed, takes
    /// the first upload without a claim.
    pub(super) fn take(&self, claims: &ServerClaims) -> Option<QueuedUpload> {
        let mut state = self.state();
        let claimed = state
            .uploads
            .iter()
            .enumerate()
            .find_map(|(index, upload)| Some((index, claims.try_claim(&upload.path()?)?)));
        let (index, claim) = claimed.map_or((0, None), |(index, claim)| (index, Some(claim)));
        let upload = state.uploads.remove(index)?;
        Some(QueuedUpload { upload, claim })
    }

    /// Takes the first upload, if no other upload has claimed its path.
    fn take_claimed(&self, claims: &ServerClaims) -> Option<QueuedUpload> {
        let mut state = self.state();
        let claim = claims.try_claim(&state.uploads.front()?.path()?)?;
        let upload = state.uploads.pop_front()?;
        Some(QueuedUpload { upload, claim: Some(claim) })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state().uploads.is_empty()
    }

    /// Waits until an upload is in the queue.
    pub(super) async fn not_empty(&self) {
        loop {
            let mut arrived = pin!(self.arrived.notified());
            // Registered before the check, so that no arrival in between is missed.
            arrived.as_mut().enable();
            if !self.is_empty() {
                return;
            }
            arrived.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// An upload that was taken from the queue.
#[derive(Debug)]
pub(super) struct QueuedUpload {
    pub(super) upload: Arc<OpenUpload>,
    /// The claim on its path, unless another upload has claimed the path.
    pub(super) claim: Option<PathClaim>,
}

/// The upload that follows on the same FTPS session. It is taken before the upload under way has
/// ended, so that the commands of both can share a round trip.
pub(super) struct NextUpload<'a> {
    queue: &'a UploadQueue,
    claims: &'a ServerClaims,
    taken: Option<QueuedUpload>,
}

impl<'a> NextUpload<'a> {
    /// Creates a slot for the first upload of `queue`, which is not taken yet.
    pub(super) fn new(queue: &'a UploadQueue, claims: &'a ServerClaims) -> Self {
        Self { queue, claims, taken: None }
    }

    /// Takes the next upload, if there is one and its path is free, and returns its path. Further
    /// calls return the same path. A lookup of the path stays true, because the path is claimed.
    pub(super) fn take(&mut self) -> Option<String> {
        self.taken = self.taken.take().or_else(|| self.queue.take_claimed(self.claims));
        self.taken.as_ref().map(|queued| queued.upload.target())
    }

    /// Puts the upload back, for an FTPS session that is free earlier.
    pub(super) fn put_back(&mut self) {
        if let Some(queued) = self.taken.take() {
            self.queue.put_back(queued);
        }
    }

    /// Returns the upload that was taken.
    pub(super) fn into_taken(self) -> Option<QueuedUpload> {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ftps::RemotePath;
    use protocol::{OnConflict, client::Offer};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        host::Host,
        path_claims::PathClaims,
        relay::{Reservation, UploadBuffer},
    };

    fn upload(id: u32) -> Arc<OpenUpload> {
        let offer = Offer {
            upload: UploadId(id),
            path: id.to_string(),
            size: 0,
            modified_millis: None,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: false,
            compare: false,
        };
        let buffer = UploadBuffer::new(0, 1, Reservation::default());
        Arc::new(OpenUpload::new(offer, buffer, CancellationToken::new()))
    }

    fn claims() -> ServerClaims {
        let host = Host::parse("ftp.example.org").unwrap();
        let address = (Ipv4Addr::LOCALHOST, 21).into();
        Arc::<PathClaims>::default().on(host, address, RemotePath::root())
    }

    fn take(queue: &UploadQueue, claims: &ServerClaims) -> Option<UploadId> {
        queue.take(claims).map(|queued| queued.upload.offer.upload)
    }

    #[tokio::test]
    async fn uploads_are_taken_in_the_order_of_their_offers() {
        let queue = Arc::new(UploadQueue::default());
        let shared = Arc::clone(&queue);
        let arrived = tokio::spawn(async move { shared.not_empty().await });
        for id in 0..3 {
            queue.push(upload(id)).unwrap();
        }
        arrived.await.unwrap();
        assert_eq!(take(&queue, &claims()), Some(UploadId(0)));
        assert!(queue.remove(UploadId(1)) && !queue.remove(UploadId(1)));
        let rest: Vec<_> = queue.close().iter().map(|upload| upload.offer.upload).collect();
        assert_eq!(rest, [UploadId(2)]);
        assert!(queue.push(upload(3)).is_err());
    }

    #[test]
    fn upload_that_was_taken_early_is_the_next_one_again_when_it_is_put_back() {
        let queue = UploadQueue::default();
        for id in 0..2 {
            queue.push(upload(id)).unwrap();
        }
        let claims = claims();
        let mut next = NextUpload::new(&queue, &claims);
        assert_eq!(next.take().as_deref(), Some("0"));
        assert_eq!(next.take().as_deref(), Some("0"));
        next.put_back();
        next.put_back();
        assert_eq!(take(&queue, &claims), Some(UploadId(0)));
        assert_eq!(take(&queue, &claims), Some(UploadId(1)));
        assert_eq!(take(&queue, &claims), None);
    }

    #[test]
    fn an_upload_to_a_claimed_path_is_taken_after_the_others_and_never_early() {
        let queue = UploadQueue::default();
        for id in 0..2 {
            queue.push(upload(id)).unwrap();
        }
        let claims = claims();
        let other = claims.try_claim(&RemotePath::new("0").unwrap()).unwrap();
        assert_eq!(NextUpload::new(&queue, &claims).take(), None);
        assert_eq!(take(&queue, &claims), Some(UploadId(1)));
        let waiting = queue.take(&claims).unwrap();
        assert!(waiting.claim.is_none());
        queue.put_back(waiting);
        drop(other);
        let claimed = queue.take(&claims).unwrap();
        assert!(claimed.claim.is_some());
    }
}
