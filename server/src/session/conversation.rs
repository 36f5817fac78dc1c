//! What each message of the page sets in motion.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use protocol::{
    ChunkHeader, ClientMessage, ServerMessage, UploadId, chunk::ShortChunk, client::Offer,
};
use tokio_util::sync::CancellationToken;

use super::{
    link::{Errand, Link, NotSent},
    outbox::Outbox,
    words,
};
use crate::{
    portal::Portal,
    relay::{Inlet, Violation},
    settings::ByteCount,
};

/// The longest path of an offer in bytes: PATH_MAX of the systems that servers run on.
const MAX_PATH_LEN: usize = 4096;

/// The page broke the protocol: the session ends.
#[derive(Debug, thiserror::Error)]
pub enum Misconduct {
    /// The first message was not `hello`.
    #[error("the first message of a page has to be `hello`")]
    HelloFirst,
    /// A later message was.
    #[error("`hello` is said once")]
    HelloAgain,
    /// A text frame is no message.
    #[error("a text frame is no message of the protocol")]
    NotAMessage,
    /// A text frame is too long.
    #[error("a text message is longer than {max}")]
    MessageTooLong {
        /// The setting `max_message`.
        max: ByteCount,
    },
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
    /// More requests wait than allowed.
    #[error("too many requests wait for their answers")]
    TooManyRequests,
}

/// The uploads that were offered and have not ended.
pub type OpenUploads = Arc<Mutex<HashMap<UploadId, Arc<OpenUpload>>>>;

/// An upload that was offered and has not ended.
#[derive(Debug)]
pub struct OpenUpload {
    /// What the page offered.
    pub offer: Offer,
    /// Where its bytes arrive.
    pub inlet: Inlet,
    /// Cancelled when the page gives it up or the connection ends.
    pub cancel: CancellationToken,
}

/// The control path of one session.
#[derive(Debug)]
pub struct Conversation {
    portal: Arc<Portal>,
    outbox: Outbox,
    uploads: OpenUploads,
    newest_upload: Option<UploadId>,
    link: Option<Link>,
}

impl Conversation {
    /// A session that is connected to nothing yet.
    #[must_use]
    pub fn new(portal: Arc<Portal>, outbox: Outbox) -> Self {
        Self { portal, outbox, uploads: OpenUploads::default(), newest_upload: None, link: None }
    }

    /// Does what a message asks for; what takes long is left to the link's task.
    ///
    /// # Errors
    /// [`Misconduct`], which ends the session.
    pub async fn handle(&mut self, message: ClientMessage) -> Result<(), Misconduct> {
        match message {
            ClientMessage::Hello { .. } => return Err(Misconduct::HelloAgain),
            ClientMessage::Ping => self.outbox.send(ServerMessage::Pong).await,
            ClientMessage::Connect(connect) => {
                let link = Link::open(
                    Arc::clone(&self.portal),
                    self.outbox.clone(),
                    Arc::clone(&self.uploads),
                    connect,
                    self.link.take(),
                );
                self.link = Some(link);
            }
            ClientMessage::Disconnect => self.disconnect().await,
            ClientMessage::List { path } => self.errand(Errand::List { path }).await?,
            ClientMessage::MakeDirectory { path } => {
                self.errand(Errand::MakeDirectory { path }).await?;
            }
            ClientMessage::Remove { path } => self.errand(Errand::Remove { path }).await?,
            ClientMessage::Offer(offer) => self.offer(offer).await?,
            ClientMessage::Cancel { upload } | ClientMessage::Pause { upload } => {
                self.cancel(upload).await;
            }
            ClientMessage::Digest { .. } | ClientMessage::Heard { .. } => {}
        }
        Ok(())
    }

    /// Takes in a piece of a file.
    ///
    /// # Errors
    /// [`Misconduct`] when it was not asked for. One of an upload that has ended was under way,
    /// and is dropped.
    pub fn deliver(&self, header: ChunkHeader, payload: Bytes) -> Result<(), Misconduct> {
        let upload = header.upload;
        let Some(open) = open(&self.uploads).get(&upload).cloned() else {
            let ended = self.newest_upload.is_some_and(|newest| upload <= newest);
            return if ended { Ok(()) } else { Err(Misconduct::UnknownUpload(upload)) };
        };
        open.inlet
            .deliver(header, payload)
            .map_err(|violation| Misconduct::Chunk { upload, violation })
    }

    /// Ends everything that the session has set in motion, and waits for its end.
    pub async fn close(mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    /// One that waits is answered at once; one that has begun answers itself.
    async fn cancel(&mut self, upload: UploadId) {
        if self.link.as_ref().is_some_and(|link| link.withdraw(upload)) {
            open(&self.uploads).remove(&upload);
            self.outbox.send(ServerMessage::Cancelled { upload }).await;
        } else if let Some(open) = open(&self.uploads).get(&upload) {
            open.cancel.cancel();
        }
    }

    async fn disconnect(&mut self) {
        match &self.link {
            Some(link) => link.hang_up(),
            None => self.outbox.send(ServerMessage::Disconnected { problem: None }).await,
        }
    }

    async fn errand(&mut self, errand: Errand) -> Result<(), Misconduct> {
        let Some(link) = &self.link else {
            let answer = errand.failed(words::not_connected());
            self.outbox.send(answer).await;
            return Ok(());
        };
        match link.send(errand) {
            Ok(()) => Ok(()),
            Err(NotSent::Full) => Err(Misconduct::TooManyRequests),
            Err(NotSent::Ended(errand)) => {
                if let Errand::Upload(upload) = &errand {
                    open(&self.uploads).remove(&upload.offer.upload);
                }
                self.outbox.send(errand.failed(words::not_connected())).await;
                Ok(())
            }
        }
    }

    async fn offer(&mut self, offer: Offer) -> Result<(), Misconduct> {
        let upload = offer.upload;
        self.check_id(upload)?;
        if offer.path.is_empty() || offer.path.len() > MAX_PATH_LEN {
            self.fail(upload, words::bad_path(&offer.path)).await;
            return Ok(());
        }
        let Some(link) = &self.link else {
            self.fail(upload, words::not_connected()).await;
            return Ok(());
        };
        let open_upload = self.admit(offer, link.uploads_end().child_token())?;
        self.announce_credit(&open_upload).await;
        self.errand(Errand::Upload(open_upload)).await
    }

    fn check_id(&mut self, upload: UploadId) -> Result<(), Misconduct> {
        if self.newest_upload.is_some_and(|newest| upload <= newest) {
            return Err(Misconduct::IdNotNew(upload));
        }
        self.newest_upload = Some(upload);
        Ok(())
    }

    fn admit(
        &self,
        offer: Offer,
        cancel: CancellationToken,
    ) -> Result<Arc<OpenUpload>, Misconduct> {
        let settings = &self.portal.settings;
        let max = settings.max_open_uploads as usize;
        let mut uploads = open(&self.uploads);
        if uploads.len() >= max {
            return Err(Misconduct::TooManyUploads(max));
        }
        // Sent ahead, so that no small file costs a round trip to the page; but not while it is
        // open from where an earlier upload goes on.
        let ahead = offer.resume.is_none().then(|| offer.size.min(settings.ahead_window.0));
        let ahead = ahead.and_then(|bytes| self.portal.budget.try_lease(bytes));
        let inlet = Inlet::new(offer.size, settings.min_chunk.0, ahead.unwrap_or_default());
        let upload = Arc::new(OpenUpload { offer, inlet, cancel });
        uploads.insert(upload.offer.upload, Arc::clone(&upload));
        Ok(upload)
    }

    async fn announce_credit(&self, upload: &OpenUpload) {
        let credit = upload.inlet.credit();
        if credit.limit > 0 {
            self.outbox.send(words::credit(upload.offer.upload, credit)).await;
        }
    }

    async fn fail(&self, upload: UploadId, problem: protocol::Problem) {
        self.outbox.send(ServerMessage::Failed { upload, problem, resume: None }).await;
    }
}

/// Looks into the open uploads.
pub fn open(uploads: &OpenUploads) -> MutexGuard<'_, HashMap<UploadId, Arc<OpenUpload>>> {
    // No code panics while it holds the lock; if one did, the map would still be whole.
    uploads.lock().unwrap_or_else(PoisonError::into_inner)
}
