//! The guest's part of a conversation: arrivals, claims, receipts. Each guest's session has a task that uses
//! the store, in the order of the guest's messages; the conversation itself never waits.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use protocol::{
    ServerMessage, Stage, ToGuest, UploadId,
    client::Secret,
    guest::{GuestProblem, GuestReason},
};
use tokio::sync::mpsc;

use crate::{
    audit::{Entry, Event, Outcome, Subject},
    drops::{
        Drops, Visit,
        delivery::{Claims, OfferRefusal, OfferedFile},
        problems::because,
        service::{Arrival, ArrivalRefusal},
    },
    ftps_connection::not_connected,
    metrics::labels::ClaimOutcome,
    outbox::Outbox,
    portal::Portal,
    settings::PublicUrl,
    uploads::{OpenUpload, OpenUploads, UploadQueue},
};

/// The most offers that are claimed in one transaction.
const MAX_CLAIMS: usize = store::claims::MAX_CLAIMS;

/// The most requests that wait, beside offers, whose number is bounded by that of open uploads.
const MAX_OTHER_REQUESTS: usize = 16;

/// The guest of a session.
#[derive(Clone, Debug)]
pub(super) struct GuestOwner {
    /// The drops of the portal.
    pub(super) drops: Arc<Drops>,
    /// The drop.
    pub(super) visit: Arc<Visit>,
}

/// What the guest's task does, in the order of the guest's messages.
#[derive(Debug)]
pub(super) enum GuestRequest {
    /// Begins an arrival, or goes on with an earlier one.
    Begin {
        /// The guest's answers.
        fields: BTreeMap<String, String>,
        /// Id and key of an earlier arrival.
        earlier: Option<(String, Secret)>,
    },
    /// Claims a file, and hands its upload to a connection.
    Offer {
        /// The upload, which is open already.
        upload: Arc<OpenUpload>,
        /// The uploads of the connection that wait.
        queue: Arc<UploadQueue>,
    },
    /// Finishes the arrival.
    Finish,
}

/// The conversation's handle of the guest's task, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct GuestDesk {
    requests: mpsc::Sender<GuestRequest>,
}

/// The guest's task.
struct GuestTask {
    owner: GuestOwner,
    portal: Arc<Portal>,
    outbox: Outbox,
    uploads: Arc<OpenUploads>,
    subject: Subject,
    address: Option<IpAddr>,
    arrival: Option<Arc<Arrival>>,
}

/// The parts of a session that the guest's task uses.
#[derive(Debug)]
pub(super) struct GuestParts {
    pub(super) owner: GuestOwner,
    pub(super) portal: Arc<Portal>,
    pub(super) outbox: Outbox,
    pub(super) uploads: Arc<OpenUploads>,
    pub(super) subject: Subject,
}

impl GuestDesk {
    /// Starts the guest's task.
    pub(super) fn start(parts: GuestParts) -> Self {
        let GuestParts { owner, portal, outbox, uploads, subject } = parts;
        let places = portal.settings.max_open_uploads as usize + MAX_OTHER_REQUESTS;
        let (requests, receiver) = mpsc::channel(places);
        let address = subject.address;
        let task = GuestTask { owner, portal, outbox, uploads, subject, address, arrival: None };
        tokio::spawn(task.run(receiver));
        Self { requests }
    }

    /// Queues a request. Returns whether there was a place.
    pub(super) fn ask(&self, request: GuestRequest) -> bool {
        self.requests.try_send(request).is_ok()
    }
}

impl GuestTask {
    async fn run(mut self, mut requests: mpsc::Receiver<GuestRequest>) {
        let mut next = requests.recv().await;
        while let Some(request) = next.take() {
            match request {
                GuestRequest::Begin { fields, earlier } => self.begin(fields, earlier).await,
                GuestRequest::Finish => self.finish().await,
                GuestRequest::Offer { upload, queue } => {
                    let mut offers = vec![(upload, queue)];
                    // What is offered together is claimed together.
                    while offers.len() < MAX_CLAIMS && next.is_none() {
                        match requests.try_recv() {
                            Ok(GuestRequest::Offer { upload, queue }) => {
                                offers.push((upload, queue));
                            }
                            Ok(other) => next = Some(other),
                            Err(_) => break,
                        }
                    }
                    self.claim(offers).await;
                }
            }
            if next.is_none() {
                next = requests.recv().await;
            }
        }
    }

    async fn begin(&mut self, fields: BTreeMap<String, String>, earlier: Option<(String, Secret)>) {
        let GuestOwner { drops, visit } = &self.owner;
        let begun = match earlier {
            Some((id, key)) => drops.go_on(visit, &id, key).await,
            None => drops.begin(visit, &fields, self.address),
        };
        match begun {
            Ok(arrival) => {
                let (id, key) = (arrival.id.clone(), arrival.key.clone());
                self.arrival = Some(Arc::new(arrival));
                self.audit(Outcome::Started).await;
                self.outbox.send_to_guest(&ToGuest::Arrival { id, key }).await;
            }
            Err(refusal) => {
                let field = match &refusal {
                    ArrivalRefusal::Answer(answer) => Some(answer.key().to_owned()),
                    _ => None,
                };
                let reason = match refusal {
                    ArrivalRefusal::Answer(_) | ArrivalRefusal::Unknown => GuestReason::Arrival,
                    ArrivalRefusal::Store(error) => {
                        tracing::warn!(%error, "an arrival at a drop cannot begin");
                        GuestReason::Portal
                    }
                    ArrivalRefusal::NoRandomNumbers => GuestReason::Portal,
                };
                let problem = because(self.outbox.problems(), reason);
                self.outbox.send_to_guest(&ToGuest::ArrivalRefused { field, problem }).await;
            }
        }
    }

    async fn claim(&self, offers: Vec<(Arc<OpenUpload>, Arc<UploadQueue>)>) {
        let Some(arrival) = &self.arrival else {
            for (upload, _) in offers {
                let problem = because(self.outbox.problems(), GuestReason::NotBegun);
                self.refuse(&upload, problem, ClaimOutcome::Refused).await;
            }
            return;
        };
        // A guest that has cancelled or paused a file meanwhile is answered, and nothing is claimed.
        let (stopped, offers): (Vec<_>, Vec<_>) =
            offers.into_iter().partition(|(upload, _)| upload.stop.is_cancelled());
        for (upload, _) in stopped {
            self.uploads.remove(upload.offer.upload);
            self.outbox.send(upload.stopped_before_start()).await;
        }
        let files: Vec<_> = offers.iter().map(|(upload, _)| offered(upload)).collect();
        let claims = Claims {
            drops: Arc::clone(&self.owner.drops),
            visit: Arc::clone(&self.owner.visit),
            arrival: Arc::clone(arrival),
            session: self.subject.session.clone().unwrap_or_default(),
        };
        let settings = &self.portal.newest().settings;
        let claimed = claims.claim(settings, &files).await;
        for ((upload, queue), claimed) in offers.into_iter().zip(claimed) {
            match claimed {
                Ok(delivery) => {
                    self.portal.metrics.count_claim(ClaimOutcome::Claimed);
                    upload.set_delivery(delivery);
                    self.start(upload, &queue).await;
                }
                Err(refusal) => {
                    let outcome = match &refusal {
                        OfferRefusal::Name(_) | OfferRefusal::Claim(_) => ClaimOutcome::Refused,
                        OfferRefusal::Store(error) => {
                            tracing::warn!(%error, "a file of a drop cannot be claimed");
                            ClaimOutcome::Failed
                        }
                    };
                    let problems = self.outbox.problems();
                    let types = self.owner.visit.types.endings();
                    let problem = refusal.problem(problems, types);
                    self.refuse(&upload, problem, outcome).await;
                }
            }
        }
    }

    /// Hands a claimed upload to its connection, with a first window.
    async fn start(&self, upload: Arc<OpenUpload>, queue: &UploadQueue) {
        if upload.resume().is_none() {
            let early = upload.offer.size.min(self.portal.settings.ahead_window.0);
            if let Some(reserved) = self.portal.budget.try_reserve_spare(early) {
                upload.buffer.widen(reserved);
                self.outbox.credit(upload.offer.upload, upload.buffer.credit());
            }
        }
        if let Err(rejected) = queue.push(upload) {
            self.uploads.remove(rejected.offer.upload);
            let mut problem = not_connected(self.outbox.problems());
            // The connection has ended, and the guest is told so as of any other upload.
            problem.stage = Stage::Connect;
            rejected.tell(rejected.failed_before_start(problem), &self.outbox).await;
        }
    }

    async fn refuse(&self, upload: &OpenUpload, problem: GuestProblem, outcome: ClaimOutcome) {
        self.portal.metrics.count_claim(outcome);
        let id: UploadId = upload.offer.upload;
        self.uploads.remove(id);
        self.outbox.send_to_guest(&ToGuest::Failed { upload: id, problem }).await;
    }

    async fn finish(&mut self) {
        let Some(arrival) = self.arrival.clone() else {
            let problem = because(self.outbox.problems(), GuestReason::NotBegun);
            let refused = ToGuest::ArrivalRefused { field: None, problem };
            return self.outbox.send_to_guest(&refused).await;
        };
        self.uploads.all_ended().await;
        let portal = self.portal.newest();
        let address = portal.settings.public_url.as_ref().map(PublicUrl::page).unwrap_or_default();
        let receipts = self.owner.drops.finish(&self.owner.visit, &arrival, &address).await;
        let reason = match receipts {
            Ok(receipts) if !receipts.is_empty() => {
                self.audit(Outcome::Ended).await;
                self.arrival = None;
                for receipt in receipts {
                    self.outbox.send_to_guest(&ToGuest::Receipt(receipt)).await;
                }
                return;
            }
            Ok(_nothing_arrived) => GuestReason::NotBegun,
            Err(error) => {
                tracing::warn!(%error, "an arrival cannot be finished");
                GuestReason::Portal
            }
        };
        let problem = because(self.outbox.problems(), reason);
        self.outbox.send_to_guest(&ToGuest::ArrivalRefused { field: None, problem }).await;
    }

    async fn audit(&self, outcome: Outcome) {
        let arrival = self.arrival.as_ref().map(|arrival| arrival.id.clone());
        let entry = Entry { arrival, ..Entry::new(Event::Arrival, outcome) };
        self.portal.audit.write(&self.subject, entry).await;
    }
}

fn offered(upload: &OpenUpload) -> OfferedFile {
    OfferedFile {
        path: upload.offer.path.clone(),
        size: upload.offer.size,
        stop: upload.stop.clone(),
    }
}

/// Returns the answer to an upload of a guest that was withdrawn before it started.
pub(super) async fn withdrawn(upload: Arc<OpenUpload>, outbox: Outbox) {
    let answer: ServerMessage = upload.stopped_before_start();
    upload.tell(answer, &outbox).await;
}
