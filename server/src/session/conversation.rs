//! What each message of the page sets in motion.

use std::sync::Arc;

use protocol::{
    ClientMessage, Problem, ServerMessage, UploadId,
    chunk::ShortChunk,
    client::{Connect, Offer, ResumeState},
    server::Connected,
};
use tokio_util::sync::CancellationToken;

use super::{
    link::{Errand, Link, NotSent},
    offers::{Ending, OpenUpload, OpenUploads},
    outbox::{AckBeyondSent, NoRoom, Outbox},
};
use crate::{
    lookup::Asker,
    portal::Portal,
    relay::{Inlet, Piece, Violation},
    websocket,
};

/// The longest path in bytes: PATH_MAX of the systems that servers run on.
pub(crate) const MAX_PATH_LEN: usize = 4096;

/// The page broke the protocol: the session ends.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolViolation {
    /// The first message was not `hello`.
    #[error("the first message of a page has to be `hello`")]
    HelloFirst,
    /// A later message was.
    #[error("`hello` is said once")]
    HelloAgain,
    /// A text frame is no message.
    #[error("a text frame is no message of the protocol")]
    NotAMessage,
    /// It is no WebSocket as RFC 6455 wants it.
    #[error(transparent)]
    Frame(#[from] websocket::Violation),
    /// A binary frame has no header.
    #[error(transparent)]
    ShortChunk(#[from] ShortChunk),
    /// A chunk that was not asked for.
    #[error("upload {upload}: {violation}")]
    Chunk {
        /// The upload that it names.
        upload: UploadId,
        /// What is wrong with it.
        violation: Violation,
    },
    /// A chunk of an upload that was never offered.
    #[error("a chunk names upload {0}, which was never offered")]
    UnknownUpload(UploadId),
    /// The ids of uploads do not grow.
    #[error("upload {0} is offered, but a greater one was before")]
    IdNotNew(UploadId),
    /// More uploads are open than allowed.
    #[error("more than {0} uploads are open")]
    TooManyUploads(usize),
    /// A digest is none.
    #[error("the digest of upload {0} is no hexadecimal number in lower case")]
    NotADigest(UploadId),
    /// More requests wait than allowed.
    #[error("too many requests wait for their answers")]
    TooManyRequests,
    /// Answers pile up that the page does not hear.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The page has heard what was never said.
    #[error(transparent)]
    AckBeyondSent(#[from] AckBeyondSent),
}

/// Connections that may wait for the end of an earlier one: whoever presses a button twice is
/// nobody's enemy.
const MAX_WAITING_LINKS: u32 = 4;

/// After so many counted messages, the page is told that they were taken in.
const HEARD_EVERY: u64 = 32;

/// The control path of one session.
#[derive(Debug)]
pub struct Conversation {
    portal: Arc<Portal>,
    outbox: Outbox,
    uploads: Arc<OpenUploads>,
    newest_upload: Option<UploadId>,
    /// Counted messages of the page that were taken in.
    heard: u64,
    /// How many of them the page was told of.
    heard_told: u64,
    link: Option<Link>,
    asker: Asker,
}

impl Conversation {
    /// A session that is connected to nothing yet.
    #[must_use]
    pub fn new(portal: Arc<Portal>, outbox: Outbox) -> Self {
        let uploads = Arc::default();
        Self {
            portal,
            outbox,
            uploads,
            newest_upload: None,
            heard: 0,
            heard_told: 0,
            link: None,
            asker: Asker::default(),
        }
    }

    /// Whether there is anything that is worth waiting for the page.
    #[must_use]
    pub fn has_link(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.has_ended())
    }

    /// Counted messages of the page that were taken in.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// The page is back on another socket: what it has not heard is said again, and each upload
    /// goes on where the portal's bytes end.
    ///
    /// # Errors
    /// [`ProtocolViolation`] when it has heard what was never said.
    pub fn go_on(&mut self, heard: ResumeState) -> Result<(), ProtocolViolation> {
        self.outbox.heard(heard.messages)?;
        self.outbox.rewind(heard.log);
        for upload in self.uploads.all() {
            upload.inlet.resend();
            let id = upload.offer.upload;
            self.outbox.credit(id, upload.inlet.credit());
            // It may have ended meanwhile: whoever ends it takes it out before that is said.
            if self.uploads.get(id).is_none() {
                self.outbox.forget_credit(id);
            }
        }
        Ok(())
    }

    /// The page has lost its socket: what it was granted and has not sent is for others.
    pub fn page_left(&self) {
        for upload in self.uploads.all() {
            upload.inlet.leave();
        }
    }

    /// Another page has come, which knows nothing of what was said: its predecessor's uploads end,
    /// and what the server holds of them is kept. What there is to go on with.
    pub async fn start_over(&mut self) -> GoOn {
        // Nobody has to hear the answers any more.
        self.outbox.start_over();
        let is_connected = self.link.as_ref().is_some_and(|link| link.connected().is_some());
        if !is_connected {
            self.close().await;
        }
        self.end_uploads().await;
        self.outbox.start_over();
        (self.heard, self.heard_told) = (0, 0);
        // Asked last: a link that ends from here on tells the new page.
        let connected = self.link.as_ref().and_then(Link::connected);
        GoOn { connected, next_upload: self.next_upload() }
    }

    async fn end_uploads(&self) {
        for upload in self.uploads.all() {
            self.end_upload(upload.offer.upload, Ending::Keep);
        }
        self.uploads.none_left().await;
    }

    /// The least id that the page's next upload may have.
    #[must_use]
    pub fn next_upload(&self) -> UploadId {
        self.newest_upload.map_or(UploadId(0), |newest| UploadId(newest.0.saturating_add(1)))
    }

    /// Does what a message asks for; what takes long is left to the link's task.
    ///
    /// # Errors
    /// [`ProtocolViolation`], which ends the session.
    pub fn handle(&mut self, message: ClientMessage) -> Result<(), ProtocolViolation> {
        if message.needs_ack() {
            self.heard += 1;
            if self.heard - self.heard_told >= HEARD_EVERY {
                self.tell_heard();
            }
        }
        match message {
            ClientMessage::Hello { .. } => return Err(ProtocolViolation::HelloAgain),
            ClientMessage::Ping => self.pong(),
            ClientMessage::Ack { messages } => self.outbox.heard(messages)?,
            ClientMessage::Connect(connect) => self.connect(connect)?,
            ClientMessage::Disconnect => self.disconnect()?,
            ClientMessage::List { path } => self.errand(Errand::List { path })?,
            ClientMessage::MakeDirectory { path } => self.errand(Errand::MakeDirectory { path })?,
            ClientMessage::Remove { path } => self.errand(Errand::Remove { path })?,
            ClientMessage::Rename { from, to } => self.errand(Errand::Rename { from, to })?,
            ClientMessage::Delete { path, kind, recursive } => {
                self.errand(Errand::Delete { path, kind, recursive })?;
            }
            ClientMessage::Offer(offer) => self.offer(offer)?,
            ClientMessage::Cancel { upload } => self.end(upload, Ending::Remove)?,
            ClientMessage::Pause { upload } => self.end(upload, Ending::Keep)?,
            ClientMessage::Digest { upload, from, hex } => self.digest(upload, from, hex)?,
        }
        Ok(())
    }

    fn pong(&mut self) {
        self.outbox.hint(ServerMessage::Pong);
        if self.heard > self.heard_told {
            self.tell_heard();
        }
    }

    fn tell_heard(&mut self) {
        self.heard_told = self.heard;
        self.outbox.hint(ServerMessage::Ack { messages: self.heard });
    }

    fn connect(&mut self, connect: Connect) -> Result<(), ProtocolViolation> {
        if self.link.as_ref().is_some_and(|link| link.links_before() >= MAX_WAITING_LINKS) {
            return Err(ProtocolViolation::TooManyRequests);
        }
        let link = Link::open(
            Arc::clone(&self.portal),
            self.outbox.clone(),
            Arc::clone(&self.uploads),
            self.asker.clone(),
            connect,
            self.link.take(),
        );
        self.link = Some(link);
        Ok(())
    }

    /// Takes in a piece of a file.
    ///
    /// # Errors
    /// [`ProtocolViolation`] when it was not asked for. One of an upload that has ended was under way,
    /// and is dropped.
    pub fn deliver(&self, piece: Piece) -> Result<(), ProtocolViolation> {
        let upload = piece.header.upload;
        match self.known(upload)? {
            Some(open) => open
                .inlet
                .deliver(piece)
                .map_err(|violation| ProtocolViolation::Chunk { upload, violation }),
            None => Ok(()),
        }
    }

    /// An open upload; `None` for one that has ended.
    fn known(&self, upload: UploadId) -> Result<Option<Arc<OpenUpload>>, ProtocolViolation> {
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
        if let Some(open) = self.known(upload)? {
            open.digests.add(from, hex);
        }
        Ok(())
    }

    /// Ends everything that the session has set in motion, and waits for its end. What the server
    /// holds of uploads under way is kept.
    pub async fn close(&mut self) {
        // It stays where it is until it has ended: whoever is interrupted here comes again.
        if let Some(link) = &mut self.link {
            link.close().await;
        }
        self.link = None;
    }

    fn end(&self, upload: UploadId, ending: Ending) -> Result<(), ProtocolViolation> {
        match self.end_upload(upload, ending) {
            Some(answer) => Ok(self.outbox.answer(&answer)?),
            None => Ok(()),
        }
    }

    /// One that waits is answered at once; one that has begun answers itself.
    fn end_upload(&self, upload: UploadId, ending: Ending) -> Option<ServerMessage> {
        let open = self.uploads.get(upload)?;
        open.end(ending);
        let link = self.link.as_ref().filter(|link| link.withdraw(upload))?;
        self.uploads.remove(upload);
        if ending == Ending::Remove
            && let Some(path) = open.offer.resume.clone()
        {
            // What an earlier upload left is given up with this one; too much to do leaves it.
            let _full_or_ended = link.send(Errand::TidyUp { path });
        }
        Some(open.not_begun())
    }

    fn disconnect(&self) -> Result<(), ProtocolViolation> {
        match self.link.as_ref().filter(|link| !link.has_ended()) {
            Some(link) => link.hang_up(),
            None => self.outbox.answer(&ServerMessage::Disconnected { problem: None })?,
        }
        Ok(())
    }

    fn errand(&self, errand: Errand) -> Result<(), ProtocolViolation> {
        if let Some(path) = errand.paths().find(|path| path.len() > MAX_PATH_LEN) {
            return self.answer_failed(&errand, self.outbox.speech().bad_path(path));
        }
        let unsent = match &self.link {
            None => errand,
            Some(link) => match link.send(errand) {
                Ok(()) => return Ok(()),
                Err(NotSent::Full) => return Err(ProtocolViolation::TooManyRequests),
                Err(NotSent::Ended(errand)) => errand,
            },
        };
        self.answer_failed(&unsent, self.outbox.speech().not_connected())
    }

    fn answer_failed(&self, errand: &Errand, problem: Problem) -> Result<(), ProtocolViolation> {
        match errand.failed(problem) {
            Some(answer) => Ok(self.outbox.answer(&answer)?),
            None => Ok(()),
        }
    }

    fn offer(&mut self, offer: Offer) -> Result<(), ProtocolViolation> {
        let upload = offer.upload;
        self.check_id(upload)?;
        let resume = offer.resume.as_deref().unwrap_or_default();
        let is_too_long = offer.path.len().max(resume.len()) > MAX_PATH_LEN;
        if offer.path.is_empty() || is_too_long {
            return self.fail(upload, self.outbox.speech().bad_path(&offer.path));
        }
        let Some(link) = &self.link else {
            return self.fail(upload, self.outbox.speech().not_connected());
        };
        let open_upload = self.admit(offer, link.uploads_end().child_token())?;
        self.announce_credit(&open_upload);
        if let Err(unsent) = link.offer(open_upload) {
            self.uploads.remove(upload);
            self.outbox.answer(&unsent.failed(self.outbox.speech().not_connected()))?;
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
        cancel: CancellationToken,
    ) -> Result<Arc<OpenUpload>, ProtocolViolation> {
        let settings = &self.portal.settings;
        let max = settings.max_open_uploads as usize;
        if self.uploads.len() >= max {
            return Err(ProtocolViolation::TooManyUploads(max));
        }
        // Sent ahead, so that no small file costs a round trip to the page; but not while it is
        // open from where an earlier upload goes on.
        let ahead = offer.resume.is_none().then(|| offer.size.min(settings.ahead_window.0));
        let ahead = ahead.and_then(|bytes| self.portal.budget.try_lease_spare(bytes));
        let inlet = Inlet::new(offer.size, settings.min_chunk.0, ahead.unwrap_or_default());
        let upload = Arc::new(OpenUpload::new(offer, inlet, cancel));
        self.uploads.insert(Arc::clone(&upload));
        Ok(upload)
    }

    fn announce_credit(&self, upload: &OpenUpload) {
        let credit = upload.inlet.credit();
        if credit.limit > 0 {
            self.outbox.credit(upload.offer.upload, credit);
        }
    }

    fn fail(&self, upload: UploadId, problem: Problem) -> Result<(), ProtocolViolation> {
        Ok(self.outbox.answer(&ServerMessage::Failed { upload, problem, resume: None })?)
    }
}

/// What a page finds that knows nothing of its session any more.
#[derive(Debug)]
pub struct GoOn {
    /// The connection that the session has.
    pub connected: Option<Connected>,
    /// The least id that its next upload may have.
    pub next_upload: UploadId,
}

/// Whether a digest is one: digits in lower case, and no more of them than any algorithm makes.
fn is_hex(text: &str) -> bool {
    const MOST_DIGITS: usize = 128;
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !text.is_empty() && text.len() <= MOST_DIGITS && text.bytes().all(is_digit)
}
