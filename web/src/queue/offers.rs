//! Offers uploads to the portal.

use protocol::{UploadId, client::Offer, server::Limits};

use super::{OpenUpload, Queue, State};
use crate::rate::Rate;

impl Queue {
    /// Returns the offers to send now: as many as the portal allows, in the chosen order.
    ///
    /// They go out in batches: the browser's work for a dozen small files costs hardly more than
    /// for one.
    pub fn offers(&mut self, limits: &Limits) -> Vec<Offer> {
        // The next batch is offered when a quarter of the places is free.
        let max_open = usize::try_from(limits.max_open_uploads).unwrap_or(usize::MAX);
        let mut offers = Vec::new();
        if self.open.len() > max_open - max_open / 4 {
            return offers;
        }
        while self.open.len() < max_open
            && let Some(row) = self.queued.pop_first()
        {
            let id = UploadId(self.next_id);
            self.next_id += 1;
            let policy = self.policy_for_any();
            let offer = self.change(row, |upload| {
                let offer = upload.offer(id, policy);
                upload.state = State::Open(Box::new(OpenUpload::new(&offer)));
                upload.rate = Rate::default();
                upload.is_identical = false;
                offer
            });
            self.open.insert(id, row);
            offers.extend(offer);
        }
        offers
    }

    /// Reserves the ids below this one: an earlier page used them in the same session.
    pub fn start_ids_at(&mut self, id: UploadId) {
        self.next_id = self.next_id.max(id.0);
    }
}
