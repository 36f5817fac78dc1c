//! The uploads that wait, and those who take one after the other.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ftps::{Pool, PooledClient};
use protocol::{Problem, UploadId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    offers::{OpenUpload, OpenUploads},
    outbox::Outbox,
    upload::{self, Scene},
};
use crate::portal::Portal;

/// The uploads of a session that nobody has taken yet, in the order of their offers. Their number
/// is bounded by that of open uploads.
#[derive(Debug, Default)]
pub struct Waiting {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    uploads: VecDeque<Arc<OpenUpload>>,
    is_closed: bool,
}

impl Waiting {
    /// Puts an upload behind the others.
    ///
    /// # Errors
    /// It comes back when nobody takes uploads any more.
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

    /// Takes nothing more, and gives what was still waiting.
    pub fn close(&self) -> VecDeque<Arc<OpenUpload>> {
        let mut state = self.state();
        state.is_closed = true;
        std::mem::take(&mut state.uploads)
    }

    /// Takes an upload out that nobody has begun with; whether it was there.
    pub fn withdraw(&self, id: UploadId) -> bool {
        let mut state = self.state();
        let before = state.uploads.len();
        state.uploads.retain(|upload| upload.offer.upload != id);
        state.uploads.len() < before
    }

    /// Puts an upload before the others, whence it came.
    fn put_back(&self, upload: Arc<OpenUpload>) {
        self.state().uploads.push_front(upload);
        self.arrived.notify_waiters();
    }

    fn take(&self) -> Option<Arc<OpenUpload>> {
        self.state().uploads.pop_front()
    }

    fn is_empty(&self) -> bool {
        self.state().uploads.is_empty()
    }

    /// Resolves when an upload waits.
    async fn any(&self) {
        loop {
            let mut arrived = pin!(self.arrived.notified());
            // Before the look, so that nothing arrives unseen in between.
            arrived.as_mut().enable();
            if !self.is_empty() {
                return;
            }
            arrived.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The upload that follows over the same line, taken before its turn.
pub struct Upcoming<'a> {
    waiting: &'a Waiting,
    taken: Option<Arc<OpenUpload>>,
}

impl Upcoming<'_> {
    /// Takes it, if one waits, and says its path; one only, however often it is asked.
    pub fn take(&mut self) -> Option<String> {
        self.taken = self.taken.take().or_else(|| self.waiting.take());
        self.taken.as_ref().map(|upload| upload.offer.path.clone())
    }

    /// Puts it back for whoever has a line sooner.
    pub fn give_back(&mut self) {
        if let Some(upload) = self.taken.take() {
            self.waiting.put_back(upload);
        }
    }
}

/// Takes one upload after the other, each over a line of the pool.
pub struct Uploader {
    /// The session's FTPS connections.
    pub pool: Pool,
    /// What all sessions share.
    pub portal: Arc<Portal>,
    /// The way to the page.
    pub outbox: Outbox,
    /// The uploads that were offered and have not ended.
    pub open_uploads: Arc<OpenUploads>,
    /// Those of them that wait.
    pub waiting: Arc<Waiting>,
    /// How digests are made that the page makes too.
    pub digest: ftps::Algorithm,
    /// Ends it.
    pub hang_up: CancellationToken,
}

impl Uploader {
    /// Runs until the session hangs up.
    ///
    /// # Errors
    /// Nobody can log in any more.
    pub async fn run(self) -> Result<(), Problem> {
        while self.is_wanted().await {
            // On the heap while it lasts: most of the time uploaders wait, and so do those of a
            // thousand other sessions.
            Box::pin(self.work()).await?;
        }
        Ok(())
    }

    /// Resolves when an upload waits, or the session hangs up.
    async fn is_wanted(&self) -> bool {
        tokio::select! {
            biased;
            () = self.hang_up.cancelled() => false,
            () = self.waiting.any() => true,
        }
    }

    /// Uploads what waits.
    async fn work(&self) -> Result<(), Problem> {
        let Some(mut lease) = self.lease().await else { return Ok(()) };
        // Another one took it meanwhile: no session has to be opened for nothing.
        if self.waiting.is_empty() {
            return Ok(());
        }
        // The others would meet the same, and each try more may have the account locked.
        self.connect(&mut lease).await?;
        // Whoever has a line takes the next: nobody holds an upload without one.
        let mut next = self.waiting.take();
        while let Some(upload) = next {
            next = self.upload(&mut lease, &upload).await;
            if lease.is_surplus()
                && let Some(upload) = next.take()
            {
                self.waiting.put_back(upload);
            }
        }
        Ok(())
    }

    /// Connects. What may pass is the upload's to mend.
    ///
    /// # Errors
    /// The problem that no later try mends.
    async fn connect(&self, lease: &mut PooledClient) -> Result<(), Problem> {
        let connected = tokio::select! {
            biased;
            () = self.hang_up.cancelled() => return Ok(()),
            connected = lease.connect() => connected,
        };
        let Err(error) = connected else { return Ok(()) };
        let is_crowded = ftps::Cause::of(&error) == ftps::Cause::TooManyConnections;
        let is_hopeless = error.is_permanent() && error.stage() <= ftps::Stage::Login;
        if is_hopeless && !is_crowded {
            return Err(self.outbox.speech().engine(&error));
        }
        Ok(())
    }

    /// A line; `None` when the session hangs up.
    async fn lease(&self) -> Option<PooledClient> {
        tokio::select! {
            biased;
            () = self.hang_up.cancelled() => None,
            lease = self.pool.lease() => Some(lease),
        }
    }

    /// Runs an upload to its answer. The one that follows is taken before this one ends, so that
    /// both can share a round trip.
    async fn upload(
        &self,
        lease: &mut PooledClient,
        upload: &OpenUpload,
    ) -> Option<Arc<OpenUpload>> {
        let mut upcoming = Upcoming { waiting: &self.waiting, taken: None };
        let scene =
            Scene { upload, portal: &self.portal, outbox: &self.outbox, digest: self.digest };
        let answer = upload::run(lease, scene, &mut upcoming).await;
        // First: who hears the answer may offer another one at once. A page that begins anew while the
        // answer waits hears of an id that it never used, and that means nothing to it.
        self.open_uploads.remove(upload.offer.upload);
        self.outbox.send(answer).await;
        upcoming.taken
    }
}

#[cfg(test)]
mod tests {
    use protocol::{OnConflict, client::Offer};

    use super::*;
    use crate::relay::{Inlet, Lease};

    fn upload(id: u32) -> Arc<OpenUpload> {
        let offer = Offer {
            upload: UploadId(id),
            path: id.to_string(),
            size: 0,
            modified_millis: None,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: false,
        };
        let inlet = Inlet::new(0, 1, Lease::default());
        Arc::new(OpenUpload::new(offer, inlet, CancellationToken::new()))
    }

    #[tokio::test]
    async fn uploads_are_taken_in_the_order_of_their_offers() {
        let waiting = Arc::new(Waiting::default());
        let watching = Arc::clone(&waiting);
        let arrived = tokio::spawn(async move { watching.any().await });
        for id in 0..3 {
            waiting.push(upload(id)).unwrap();
        }
        arrived.await.unwrap();
        assert_eq!(waiting.take().unwrap().offer.upload, UploadId(0));
        assert!(waiting.withdraw(UploadId(1)) && !waiting.withdraw(UploadId(1)));
        let rest: Vec<_> = waiting.close().iter().map(|upload| upload.offer.upload).collect();
        assert_eq!(rest, [UploadId(2)]);
        assert!(waiting.push(upload(3)).is_err());
    }

    #[test]
    fn upload_that_was_taken_before_its_turn_is_the_next_one_again_when_it_is_given_back() {
        let waiting = Waiting::default();
        for id in 0..2 {
            waiting.push(upload(id)).unwrap();
        }
        let mut upcoming = Upcoming { waiting: &waiting, taken: None };
        assert_eq!(upcoming.take().as_deref(), Some("0"));
        assert_eq!(upcoming.take().as_deref(), Some("0"));
        upcoming.give_back();
        upcoming.give_back();
        assert_eq!(waiting.take().unwrap().offer.upload, UploadId(0));
        assert_eq!(waiting.take().unwrap().offer.upload, UploadId(1));
        assert!(waiting.take().is_none());
    }
}
