//! Handles the page's messages.

mod guest;

use std::sync::Arc;

use protocol::{
    ClientMessage, Problem, ServerMessage, UploadId,
    client::{Connect, Offer, ResumeState},
    delivery::Acknowledged as _,
    server::Connected,
};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{
    ProtocolViolation,
    guest::{GuestDesk, GuestOwner, GuestParts},
};
use crate::{
    audit::Subject,
    ftps_connection::{
        FtpsConnection, RemoteRequest, RequestRejected, SessionOwner, SessionParts, not_connected,
    },
    lookup::LookupSlot,
    outbox::Outbox,
    portal::Portal,
    relay::{ChunkPart, UploadBuffer},
    remote_path::{self, PathRefusal},
    under_way::UnderWay,
    uploads::{OpenUpload, OpenUploads, StoppedPartFile},
};

/// The most connections that may wait until earlier ones have closed. A double click is no protocol
/// violation.
const MAX_WAITING_CONNECTIONS: u32 = 4;

/// The number of counted messages after which the portal acknowledges them.
const ACK_EVERY: u64 = 32;

/// The page's messages, the FTPS connection and the open uploads of one session.
#[derive(Debug)]
pub(super) struct Conversation {
    portal: Arc<Portal>,
    outbox: Outbox,
    uploads: Arc<OpenUploads>,
    newest_upload: Option<UploadId>,
    /// The number of counted messages of the page that have arrived.
    received: u64,
    /// How many of them were acknowledged.
    acked: u64,
    connection: Option<FtpsConnection>,
    owner: SessionOwner,
    lookup_slot: LookupSlot,
    under_way: UnderWay,
    session_ends: CancellationToken,
    guest: Option<Guest>,
}

/// The guest that a session is for.
#[derive(Debug)]
struct Guest {
    owner: GuestOwner,
    desk: GuestDesk,
}

impl Conversation {
    /// Creates a conversation without an FTPS connection.
    #[must_use]
    pub(super) fn new(
        portal: Arc<Portal>,
        outbox: Outbox,
        owner: SessionOwner,
        under_way: UnderWay,
        guest: Option<GuestOwner>,
    ) -> Self {
        let lookup_slot = portal.lookup_slots.of(owner.client);
        let uploads = Arc::<OpenUploads>::default();
        let guest = guest.map(|guest| {
            let subject = Subject {
                session: Some(owner.session.clone()),
                address: owner.address,
                drop: Some(guest.visit.drop.clone()),
                ..Subject::default()
            };
            let parts = GuestParts {
                owner: guest.clone(),
                portal: Arc::clone(&portal),
                outbox: outbox.clone(),
                uploads: Arc::clone(&uploads),
                subject,
            };
            Guest { owner: guest, desk: GuestDesk::start(parts) }
        });
        Self {
            portal,
            outbox,
            uploads,
            newest_upload: None,
            received: 0,
            acked: 0,
            connection: None,
            owner,
            lookup_slot,
            under_way,
            session_ends: CancellationToken::new(),
            guest,
        }
    }

    /// Returns whether there is an FTPS connection that the page could come back to.
    #[must_use]
    pub(super) fn has_connection(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.has_ended())
    }

    /// Returns the number of counted messages of the page that have arrived.
    #[must_use]
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Resumes on another socket: unacknowledged messages are sent again, and each upload continues
    /// after the bytes that have arrived.
    ///
    /// # Errors
    /// [`ProtocolViolation`] when the page acknowledges messages that were never sent.
    pub(super) fn resume(&mut self, state: ResumeState) -> Result<(), ProtocolViolation> {
        self.outbox.ack(state.messages)?;
        self.outbox.resume_from(state.log);
        for upload in self.uploads.all() {
            upload.buffer.page_returned();
            let id = upload.offer.upload;
            self.outbox.credit(id, upload.buffer.credit());
            // The upload may have ended meanwhile: it is removed before its last message.
            if self.uploads.get(id).is_none() {
                self.outbox.forget_credit(id);
            }
        }
        Ok(())
    }

    /// Notes that the page has lost its socket: its unused credit returns to the budget.
    pub(super) fn page_left(&self) {
        for upload in self.uploads.all() {
            upload.buffer.page_left();
        }
    }

    /// Starts over with a page that has lost the session's state. The open uploads end; their part
    /// files are kept.
    pub(super) async fn restart(&mut self) -> ResumePoint {
        // The messages were for the page before it was reloaded.
        self.outbox.reset();
        let connected = self.connection.as_ref().and_then(FtpsConnection::connected);
        if connected.is_none() {
            self.close().await;
        }
        self.stop_uploads().await;
        self.outbox.reset();
        (self.received, self.acked) = (0, 0);
        // Read last: if the connection ends after this, its `disconnected` reaches the new page.
        let connected = self.connection.as_ref().and_then(FtpsConnection::connected);
        ResumePoint { connected, next_upload: self.next_upload() }
    }

    async fn stop_uploads(&self) {
        for upload in self.uploads.all() {
            match self.guest {
                Some(_) => self.stop_guests(upload.offer.upload, StoppedPartFile::Keep),
                None => drop(self.stop_upload(upload.offer.upload, StoppedPartFile::Keep)),
            }
        }
        self.uploads.all_ended().await;
    }

    /// Returns the least id that the page's next upload may have.
    #[must_use]
    pub(super) fn next_upload(&self) -> UploadId {
        self.newest_upload.map_or(UploadId(0), |newest| UploadId(newest.0.saturating_add(1)))
    }

    /// Handles a message in JSON. That of a guest is another type.
    ///
    /// # Errors
    /// [`ProtocolViolation`], which ends the session.
    pub(super) fn handle_text(&mut self, text: &str) -> Result<(), ProtocolViolation> {
        match self.guest {
            Some(_) => self.handle_guest(parse(text)?),
            None => self.handle(parse(text)?),
        }
    }

    /// Handles a message. Work that takes long is left to the connection's task.
    ///
    /// # Errors
    /// [`ProtocolViolation`], which ends the session.
    fn handle(&mut self, message: ClientMessage) -> Result<(), ProtocolViolation> {
        if message.needs_ack() {
            self.count_received();
        }
        match message {
            ClientMessage::Hello { .. } => return Err(ProtocolViolation::HelloAgain),
            ClientMessage::Ping => self.pong(),
            ClientMessage::Ack { messages } => self.outbox.ack(messages)?,
            ClientMessage::Connect(connect) => self.connect(connect)?,
            ClientMessage::Disconnect => self.disconnect()?,
            ClientMessage::List { path } => self.request(RemoteRequest::List { path })?,
            ClientMessage::MakeDirectory { path } => {
                self.request(RemoteRequest::MakeDirectory { path })?;
            }
            ClientMessage::Remove { path } => self.request(RemoteRequest::Remove { path })?,
            ClientMessage::Rename { from, to } => {
                self.request(RemoteRequest::Rename { from, to })?;
            }
            ClientMessage::Delete { path, kind, recursive } => {
                self.request(RemoteRequest::Delete { path, kind, recursive })?;
            }
            ClientMessage::Offer(offer) => self.offer(offer)?,
            ClientMessage::Cancel { upload } => self.stop(upload, StoppedPartFile::Remove)?,
            ClientMessage::Pause { upload } => self.stop(upload, StoppedPartFile::Keep)?,
            ClientMessage::Digest { upload, from, hex } => self.digest(upload, from, hex)?,
        }
        Ok(())
    }

    fn count_received(&mut self) {
        self.received += 1;
        if self.received - self.acked >= ACK_EVERY {
            self.send_ack();
        }
    }

    fn pong(&mut self) {
        self.outbox.send_lossy(ServerMessage::Pong);
        if self.received > self.acked {
            self.send_ack();
        }
    }

    fn send_ack(&mut self) {
        self.acked = self.received;
        self.outbox.send_lossy(ServerMessage::Ack { messages: self.received });
    }

    fn connect(&mut self, connect: Connect) -> Result<(), ProtocolViolation> {
        let queued = self.connection.as_ref().map_or(0, FtpsConnection::queued_behind);
        if queued >= MAX_WAITING_CONNECTIONS {
            return Err(ProtocolViolation::TooManyRequests);
        }
        let parts = self.connection_parts();
        self.connection = Some(FtpsConnection::open(parts, connect, self.connection.take()));
        Ok(())
    }

    fn connection_parts(&self) -> SessionParts {
        SessionParts {
            // A connection that begins now follows the rules of now.
            portal: self.portal.newest(),
            outbox: self.outbox.clone(),
            open_uploads: Arc::clone(&self.uploads),
            owner: self.owner.clone(),
            lookup_slot: self.lookup_slot.clone(),
            under_way: self.under_way.clone(),
            session_ends: self.session_ends.clone(),
            drop: self.guest.as_ref().map(|guest| guest.owner.visit.drop.clone()),
        }
    }

    /// Delivers a part of a chunk. Chunks of an upload that has ended were in flight, and are
    /// dropped.
    ///
    /// # Errors
    /// [`ProtocolViolation`] when the chunk is out of order or beyond the credit.
    pub(super) fn deliver(&self, part: ChunkPart) -> Result<(), ProtocolViolation> {
        let upload = part.header.upload;
        match self.open_upload(upload)? {
            Some(open) => {
                self.portal.metrics.count_from_page(part.payload.len() as u64);
                let delivered = open.buffer.deliver(part);
                delivered.map_err(|violation| ProtocolViolation::Chunk { upload, violation })
            }
            None => Ok(()),
        }
    }

    /// Returns an open upload; `None` for one that has ended.
    fn open_upload(&self, upload: UploadId) -> Result<Option<Arc<OpenUpload>>, ProtocolViolation> {
        let open = self.uploads.get(upload);
        let has_ended = self.newest_upload.is_some_and(|newest| upload <= newest);
        if open.is_none() && !has_ended {
            return Err(ProtocolViolation::UnknownUpload(upload));
        }
        Ok(open)
    }

    fn digest(
        &self,
        upload: UploadId,
        from: u64,
        hex: Option<String>,
    ) -> Result<(), ProtocolViolation> {
        if hex.as_ref().is_some_and(|hex| !is_hex(hex)) {
            return Err(ProtocolViolation::NotADigest(upload));
        }
        if let Some(open) = self.open_upload(upload)? {
            open.digests.add(from, hex);
        }
        Ok(())
    }

    /// Closes the FTPS connection and waits for its end. Part files are kept.
    pub(super) async fn close(&mut self) {
        // It stays in its place until it has ended: this future may be dropped and called again.
        if let Some(connection) = &mut self.connection {
            connection.close().await;
        }
        self.connection = None;
    }

    /// Closes the FTPS connection of a session that ends while its page still reads, and waits for its
    /// end. The page gets the outcomes of ended uploads; `goodbye` stands for the others, whose part files
    /// are kept.
    pub(super) async fn finish(&mut self) {
        self.session_ends.cancel();
        self.close().await;
    }

    fn stop(&self, upload: UploadId, part_file: StoppedPartFile) -> Result<(), ProtocolViolation> {
        match self.stop_upload(upload, part_file) {
            Some(answer) => Ok(self.outbox.try_send(&answer)?),
            None => Ok(()),
        }
    }

    /// Stops an upload. Returns the answer of one that has not started; one that has started answers
    /// itself.
    fn stop_upload(&self, upload: UploadId, part_file: StoppedPartFile) -> Option<ServerMessage> {
        let open = self.uploads.get(upload)?;
        open.stop(part_file);
        let connection = self.connection.as_ref();
        let connection = connection.filter(|connection| connection.withdraw(upload))?;
        self.uploads.remove(upload);
        if part_file == StoppedPartFile::Remove
            && let Some(path) = open.offer.resume.clone()
        {
            // The part file that the upload would have resumed is removed too. When too many
            // requests wait, it stays.
            let _full_or_ended = connection.request(RemoteRequest::Cleanup { path });
        }
        Some(open.stopped_before_start())
    }

    fn disconnect(&self) -> Result<(), ProtocolViolation> {
        match self.connection.as_ref().filter(|connection| !connection.has_ended()) {
            Some(connection) => connection.disconnect(),
            None => self.outbox.try_send(&ServerMessage::Disconnected { problem: None })?,
        }
        Ok(())
    }

    fn request(&self, request: RemoteRequest) -> Result<(), ProtocolViolation> {
        if let Err(refusal) = request.paths().try_for_each(remote_path::check_len) {
            return self.answer_failed(&request, refusal.problem(self.outbox.problems()));
        }
        let rejected = match &self.connection {
            None => request,
            Some(connection) => match connection.request(request) {
                Ok(()) => return Ok(()),
                Err(RequestRejected::QueueFull) => return Err(ProtocolViolation::TooManyRequests),
                Err(RequestRejected::Ended(request)) => request,
            },
        };
        self.answer_failed(&rejected, not_connected(self.outbox.problems()))
    }

    fn answer_failed(
        &self,
        request: &RemoteRequest,
        problem: Problem,
    ) -> Result<(), ProtocolViolation> {
        match request.failed(problem) {
            Some(answer) => Ok(self.outbox.try_send(&answer)?),
            None => Ok(()),
        }
    }

    fn offer(&mut self, offer: Offer) -> Result<(), ProtocolViolation> {
        let upload = offer.upload;
        self.check_id(upload)?;
        if let Err(refusal) = check_paths(&offer) {
            return self.fail(upload, refusal.problem(self.outbox.problems()));
        }
        let Some(connection) = &self.connection else {
            return self.fail(upload, not_connected(self.outbox.problems()));
        };
        let open_upload = self.admit(offer, connection.closing().child_token())?;
        self.send_first_credit(&open_upload);
        if let Err(rejected) = connection.offer(open_upload) {
            self.uploads.remove(upload);
            let problem = not_connected(self.outbox.problems());
            self.outbox.try_send(&rejected.failed_before_start(problem))?;
        }
        Ok(())
    }

    fn check_id(&mut self, upload: UploadId) -> Result<(), ProtocolViolation> {
        if self.newest_upload.is_some_and(|newest| upload <= newest) {
            return Err(ProtocolViolation::IdNotNew(upload));
        }
        self.newest_upload = Some(upload);
        Ok(())
    }

    fn admit(
        &self,
        offer: Offer,
        stop: CancellationToken,
    ) -> Result<Arc<OpenUpload>, ProtocolViolation> {
        let settings = &self.portal.settings;
        let max = settings.max_open_uploads as usize;
        if self.uploads.len() >= max {
            return Err(ProtocolViolation::TooManyUploads(max));
        }
        // A window from the start, so that a small file costs no round trip to the page. A resumed
        // upload gets none, because its offset is not known yet.
        let is_new = offer.resume.is_none();
        let early = is_new.then(|| offer.size.min(settings.ahead_window.0));
        let early = early.and_then(|bytes| self.portal.budget.try_reserve_spare(bytes));
        let buffer = UploadBuffer::new(offer.size, settings.min_chunk.0, early.unwrap_or_default());
        let upload = Arc::new(OpenUpload::new(offer, buffer, stop));
        self.uploads.insert(Arc::clone(&upload));
        Ok(upload)
    }

    fn send_first_credit(&self, upload: &OpenUpload) {
        let credit = upload.buffer.credit();
        if credit.limit > 0 {
            self.outbox.credit(upload.offer.upload, credit);
        }
    }

    fn fail(&self, upload: UploadId, problem: Problem) -> Result<(), ProtocolViolation> {
        Ok(self.outbox.try_send(&ServerMessage::Failed { upload, problem, resume: None })?)
    }
}

/// Reads a message.
///
/// # Errors
/// [`ProtocolViolation::NotAMessage`]. The text of serde's error could quote the message, and a password
/// with it.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ProtocolViolation> {
    serde_json::from_str(text).map_err(|_| ProtocolViolation::NotAMessage)
}

fn check_paths(offer: &Offer) -> Result<(), PathRefusal> {
    if offer.path.is_empty() {
        return Err(PathRefusal::Invalid(String::new()));
    }
    remote_path::check_len(&offer.path)?;
    remote_path::check_len(offer.resume.as_deref().unwrap_or_default())
}

/// What a page that has lost the session's state can continue with.
#[derive(Debug)]
pub(super) struct ResumePoint {
    /// The session's FTPS connection.
    pub(super) connected: Option<Connected>,
    /// The least id that the page's next upload may have.
    pub(super) next_upload: UploadId,
}

/// Returns whether a digest is well-formed: lower-case digits, and no more than any algorithm has.
fn is_hex(text: &str) -> bool {
    const MAX_DIGITS: usize = 128;
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(is_digit)
}
