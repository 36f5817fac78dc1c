//! One upload, from its first window to its last message to the page.
//!
//! [`ftps::upload::upload`] does the steps on the FTPS side: directory, conflict, open, send, confirm,
//! verify, rename, and retries after a break. It calls back [`UploadSource`] for bytes, progress and
//! digests.

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use ftps::{
    Algorithm, FileDigest, ManagedClient, RemotePath,
    upload::{DigestError, Failed, Plan, Progress, Source, UploadError},
};
use protocol::{
    OnConflict, Problem, ServerMessage, UploadId, guest::GuestReason, server::Existing,
};
use tokio_util::sync::CancellationToken;

use super::{
    open::{OpenUpload, StoppedPartFile},
    problems::{digests_differ, leftover_not_deleted, no_digest, not_replaced},
    queue::NextUpload,
};
use crate::{
    convert,
    outbox::Outbox,
    portal::Portal,
    problems::ProblemBuilder,
    relay::{Credit, CreditSink, PageSource, PageSourceError, Reservation},
    remote_path,
    settings::Settings,
};

/// The least speed at which a page reads and digests a file from a network drive, in bytes a second.
/// A page that resumes a large upload reads the whole file again, though it sends only the rest.
const SLOWEST_DIGEST: u64 = 10_000_000;

/// The most bytes, plain and encrypted each, that are buffered for the data connection of an upload.
const MAX_DATA_BUFFER: u64 = 256 * 1024;

/// The fewest such bytes: a TLS record (RFC 8446 §5.1).
const MIN_DATA_BUFFER: u64 = 16 * 1024;

/// A data connection may buffer this fraction of the budget, so that many uploads have room.
const DATA_BUFFER_DIVISOR: u64 = 1024;

/// Returns the bytes, plain and encrypted each, that are buffered for a data connection. They have left
/// the window, so an upload reserves them beside it.
#[must_use]
pub fn data_buffer_bytes(settings: &Settings) -> u64 {
    (settings.window_budget.0 / DATA_BUFFER_DIVISOR).clamp(MIN_DATA_BUFFER, MAX_DATA_BUFFER)
}

/// An upload, and the state of the portal and the session that it uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct UploadContext<'a> {
    /// The upload.
    pub(super) upload: &'a OpenUpload,
    /// The portal's shared state.
    pub(super) portal: &'a Portal,
    /// The messages to the page.
    pub(super) outbox: &'a Outbox,
    /// The algorithm of the page's digests.
    pub(super) digest: Algorithm,
}

/// Runs an upload to its end and returns the last message to the page about it.
pub(super) async fn run(
    client: &mut ManagedClient,
    context: UploadContext<'_>,
    next: &mut NextUpload<'_>,
) -> ServerMessage {
    let upload = context.upload.offer.upload;
    match upload_under_free_name(client, context, next).await {
        Ok(Stored { uploaded, page_agrees }) => ServerMessage::Done {
            upload,
            path: uploaded.path.display().into_owned(),
            verified: convert::verified(&uploaded.verified),
            digest: uploaded.digest.as_ref().and_then(convert::file_digest),
            page_agrees,
        },
        Err(NotStored::Stopped { resume }) => context.upload.stopped(resume),
        Err(NotStored::Exists { existing, resume }) => {
            ServerMessage::Conflict { upload, existing, resume }
        }
        Err(NotStored::Failed { problem, resume }) => {
            ServerMessage::Failed { upload, problem, resume }
        }
    }
}

/// A file that is stored.
struct Stored {
    uploaded: ftps::upload::Uploaded,
    /// Whether the page's digest was compared and is equal.
    page_agrees: bool,
}

/// Why a file is not stored; `resume` is the path of the part file.
enum NotStored {
    Stopped { resume: Option<String> },
    Exists { existing: Existing, resume: Option<String> },
    Failed { problem: Problem, resume: Option<String> },
}

impl From<Problem> for NotStored {
    fn from(problem: Problem) -> Self {
        Self::Failed { problem, resume: None }
    }
}

/// Uploads a file. A guest's gets the next number as long as the server has a file of its name.
async fn upload_under_free_name(
    client: &mut ManagedClient,
    context: UploadContext<'_>,
    next: &mut NextUpload<'_>,
) -> Result<Stored, NotStored> {
    loop {
        let uploaded = upload_file(client, context, next).await;
        let (Some(delivery), Err(NotStored::Exists { resume, .. })) =
            (context.upload.delivery(), &uploaded)
        else {
            return uploaded;
        };
        let target = context.upload.target();
        let part = resume.as_deref().and_then(|part| remote_path::parse(part).ok());
        let Some(numbered) = delivery.take_next_number().await else { return uploaded };
        // The bytes are there already: they get the new name.
        let renamed = part.as_ref().and_then(|part| renamed_part(part, &target, &numbered));
        if let (Some(part), Some(renamed)) = (part, renamed)
            && let Ok(session) = client.client().await
            && session.rename(&part, &renamed).await.is_ok()
        {
            delivery.opened(&renamed.display()).await;
        }
    }
}

/// Returns the name that the part file of one target has for another one.
fn renamed_part(part: &RemotePath, target: &str, other: &str) -> Option<RemotePath> {
    let [target, other] = [target, other].map(|path| remote_path::parse(path).ok());
    ftps::upload::temporary::for_other_target(part, &target?, &other?)
}

async fn upload_file(
    client: &mut ManagedClient,
    context: UploadContext<'_>,
    next: &mut NextUpload<'_>,
) -> Result<Stored, NotStored> {
    let UploadContext { upload, outbox, .. } = context;
    let plan = plan(upload, context.digest, outbox.problems())?;
    let _buffers = reserve_buffers(context.portal, upload);
    let mut source = UploadSource::new(context, next);
    // A resumed upload opens its window when the offset is known.
    if upload.resume().is_none() {
        let opened = unless_stopped(&upload.stop, source.page.open_window()).await?;
        opened.map_err(|error| source.problem(error))?;
    }
    let uploaded = ftps::upload::upload(client, &plan, &mut source, &upload.stop).await;
    let page_agrees = source.page_agrees;
    let existing_digest = existing_digest(client, context, &plan.path, &uploaded).await;
    let not_deleted = match &uploaded {
        Ok(uploaded) => &uploaded.not_deleted,
        Err(failed) => &failed.not_deleted,
    };
    for path in not_deleted {
        let problem = leftover_not_deleted(outbox.problems());
        let path = path.display().into_owned();
        outbox.send(ServerMessage::RemoveFailed { path, problem }).await;
    }
    uploaded
        .map(|uploaded| Stored { uploaded, page_agrees })
        .map_err(|failed| not_stored(failed, &plan.path, existing_digest, outbox.problems()))
}

/// Returns the digest of the file that an upload found in its place, where it may be the same file: the
/// page can tell its user.
async fn existing_digest(
    client: &mut ManagedClient,
    context: UploadContext<'_>,
    path: &RemotePath,
    uploaded: &Result<ftps::upload::Uploaded, Failed<Problem>>,
) -> Option<protocol::server::FileDigest> {
    let Err(Failed { error: UploadError::Exists { size: Some(size), .. }, .. }) = uploaded else {
        return None;
    };
    let settings = &context.portal.settings;
    let offer = &context.upload.offer;
    let is_asked = *size == offer.size
        && offer.compare
        && (1..=settings.existing_digest_limit.0).contains(size);
    if !is_asked {
        return None;
    }
    let client = client.client().await.ok()?;
    let within = settings.existing_digest_timeout;
    let digest = client.digest_within(path, context.digest, within).await.ok()?;
    digest.as_ref().and_then(convert::file_digest)
}

/// Reserves the memory of the data connection's buffers, if it is free. A small file fills a part of them.
///
/// An upload does not wait for them: it holds a window already, and all uploads could wait for each other.
fn reserve_buffers(portal: &Portal, upload: &OpenUpload) -> Option<Reservation> {
    let bytes = 2 * upload.offer.size.min(data_buffer_bytes(&portal.settings));
    portal.budget.try_reserve(bytes)
}

fn plan(upload: &OpenUpload, digest: Algorithm, problems: ProblemBuilder) -> Result<Plan, Problem> {
    let offer = &upload.offer;
    let resume = upload.resume();
    Ok(Plan {
        path: remote_path::parse(&upload.target()).map_err(|refusal| refusal.problem(problems))?,
        size: offer.size,
        modified_millis: offer.modified_millis,
        existing: match offer.on_conflict {
            OnConflict::Ask => ftps::upload::Existing::Keep,
            OnConflict::Resume => ftps::upload::Existing::Resume,
            OnConflict::Overwrite => ftps::upload::Existing::Replace,
        },
        // An invalid path is ignored: then the upload starts at the beginning.
        resume: resume.and_then(|path| remote_path::parse(&path).ok()),
        // A receipt needs one in any case.
        digest: (offer.digest || upload.delivery().is_some()).then_some(digest),
    })
}

fn not_stored(
    failed: Failed<Problem>,
    path: &RemotePath,
    existing_digest: Option<protocol::server::FileDigest>,
    problems: ProblemBuilder,
) -> NotStored {
    let resume = failed.leftover.map(|leftover| leftover.display().into_owned());
    let problem = match failed.error {
        UploadError::Cancelled => return NotStored::Stopped { resume },
        UploadError::Exists { size, modified_millis } => {
            let existing = Existing { size, modified_millis, digest: existing_digest };
            return NotStored::Exists { existing, resume };
        }
        UploadError::MayExist { .. } => {
            let existing = Existing { size: None, modified_millis: None, digest: None };
            return NotStored::Exists { existing, resume };
        }
        UploadError::Source(problem) => problem,
        UploadError::Engine(error) => problems.engine(&error),
        UploadError::NotReplaced { error, new, old } => {
            not_replaced(problems, problems.engine(&error), path, &new, &old)
        }
    };
    NotStored::Failed { problem, resume }
}

/// The engine's source of one upload: the page's bytes and digests for the engine, the engine's
/// progress for the page.
struct UploadSource<'a, 'q> {
    context: UploadContext<'a>,
    page: PageSource<'a, UploadCredits<'a>>,
    next_upload: &'a mut NextUpload<'q>,
    /// The offset where the engine's digest starts, once the file is opened.
    digest_from: Option<u64>,
    /// The offset of the next bytes.
    position: u64,
    page_agrees: bool,
    /// Whether `verifying` was sent for the attempt.
    sent_verifying: bool,
}

/// Sends the credits of one upload through the outbox.
struct UploadCredits<'a> {
    upload: UploadId,
    outbox: &'a Outbox,
}

impl CreditSink for UploadCredits<'_> {
    fn send_credit(&self, credit: Credit) {
        self.outbox.credit(self.upload, credit);
    }
}

impl<'a, 'q> UploadSource<'a, 'q> {
    fn new(context: UploadContext<'a>, next_upload: &'a mut NextUpload<'q>) -> Self {
        let UploadContext { upload, portal, outbox, digest: _ } = context;
        let credits = UploadCredits { upload: upload.offer.upload, outbox };
        let page = PageSource::new(&upload.buffer, &portal.budget, &portal.settings, credits);
        Self {
            context,
            page,
            next_upload,
            digest_from: None,
            position: 0,
            page_agrees: false,
            sent_verifying: false,
        }
    }

    /// Sends `opened` with the offset where the engine's digest starts. After a break the engine
    /// continues its digest, unless it starts over before that offset.
    async fn send_opened(&mut self, temporary_path: String, offset: u64) {
        let offset = self.digest_from.map_or(offset, |from| from.min(offset));
        self.digest_from = Some(offset);
        self.sent_verifying = false;
        let upload = self.id();
        if let Some(delivery) = self.context.upload.delivery() {
            delivery.opened(&temporary_path).await;
        }
        self.send(ServerMessage::Opened { upload, temporary_path, offset }).await;
    }

    async fn send_verifying(&mut self) {
        if !std::mem::replace(&mut self.sent_verifying, true) {
            self.send(ServerMessage::Verifying { upload: self.id() }).await;
        }
    }

    /// Waits for the page's digest of the bytes from an offset on; `None` where the page cannot
    /// compute it.
    async fn page_digest(&self, from: u64) -> Result<Option<String>, DigestError<Problem>> {
        let upload = self.context.upload;
        let reading = Duration::from_secs(upload.offer.size / SLOWEST_DIGEST);
        let limit = self.context.portal.settings.page_chunk_timeout + reading;
        let digest = tokio::time::timeout(limit, upload.digests.from(from)).await;
        digest.map_err(|_| DigestError::Unavailable(no_digest(self.problems(), limit)))
    }

    async fn send(&self, message: ServerMessage) {
        self.context.outbox.send(message).await;
    }

    /// Returns the digest of a guest's whole file where the page is not asked: it was known before the file
    /// got another number, or the page sends none, and what the portal has relayed has to do.
    fn digest_of_portal(
        &self,
        range: &Range<u64>,
        digest: &FileDigest,
    ) -> Option<Option<FileDigest>> {
        let upload = self.context.upload;
        let delivery = upload.delivery()?;
        if let Some(known) = delivery.sha256() {
            return Some(Some(known.clone()));
        }
        if upload.offer.digest {
            return None;
        }
        let whole = (range.start == 0).then(|| digest.clone());
        if let Some(whole) = &whole {
            delivery.set_sha256(whole.clone());
        }
        Some(whole)
    }

    fn problem(&self, error: PageSourceError) -> Problem {
        error.problem(self.problems())
    }

    fn problems(&self) -> ProblemBuilder {
        self.context.outbox.problems()
    }

    fn id(&self) -> UploadId {
        self.context.upload.offer.upload
    }
}

impl Source for UploadSource<'_, '_> {
    type Error = Problem;

    async fn next(&mut self) -> Result<Bytes, Problem> {
        let bytes = self.page.next().await.map_err(|error| self.problem(error))?;
        let upload = self.context.upload;
        if let Some(delivery) = upload.delivery()
            && delivery.shows_program(self.position, &bytes)
        {
            delivery.refuse(GuestReason::Program);
            // The engine sees it, and removes the part file.
            upload.stop(StoppedPartFile::Remove);
            return std::future::pending().await;
        }
        self.position += bytes.len() as u64;
        Ok(bytes)
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Problem> {
        self.position = offset;
        let sought = self.page.seek(offset).await;
        sought.map_err(|error| self.problem(error))
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Opened { temporary, offset } => {
                self.send_opened(temporary.display().into_owned(), offset).await;
            }
            Progress::Taken { offset } => {
                let taken = self.page.note_taken(offset);
                self.context.portal.metrics.count_to_server(taken);
            }
            Progress::Confirming => {
                self.page.release_window();
                self.send_verifying().await;
            }
            Progress::Interrupted { error, after } => {
                self.sent_verifying = false;
                let (upload, problem) = (self.id(), self.problems().engine(error));
                let retry_millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                self.send(ServerMessage::Interrupted { upload, problem, retry_millis }).await;
            }
        }
    }

    fn keeps_on_cancel(&self) -> bool {
        self.context.upload.part_file() == StoppedPartFile::Keep
    }

    fn next_upload(&mut self) -> Option<RemotePath> {
        let next = self.next_upload.take()?;
        remote_path::parse(&next).ok()
    }

    fn release_next_upload(&mut self) {
        self.next_upload.put_back();
    }

    async fn check_digest(
        &mut self,
        range: Range<u64>,
        digest: &FileDigest,
    ) -> Result<Option<FileDigest>, DigestError<Problem>> {
        if self.digest_from.is_none() {
            // The server had all bytes already, so `opened` was not sent yet.
            let temporary_path = self.context.upload.resume().unwrap_or_default();
            self.send_opened(temporary_path, range.start).await;
        }
        // `Progress::Confirming` sends it after a transfer. If the server had all bytes already, there was
        // no transfer.
        self.send_verifying().await;
        if let Some(known) = self.digest_of_portal(&range, digest) {
            return Ok(known);
        }
        let Some(of_page) = self.page_digest(range.start).await? else { return Ok(None) };
        if of_page != digest.hex() {
            if let Some(delivery) = self.context.upload.delivery() {
                delivery.refuse(GuestReason::Changed);
            }
            return Err(DigestError::Mismatch(digests_differ(self.problems(), digest, &of_page)));
        }
        self.page_agrees = true;
        let whole = if range.start == 0 { Some(of_page) } else { self.page_digest(0).await? };
        let whole = whole.and_then(|hex| FileDigest::new(digest.algorithm(), &hex));
        if let (Some(delivery), Some(whole)) = (self.context.upload.delivery(), &whole) {
            delivery.set_sha256(whole.clone());
        }
        Ok(whole)
    }
}

/// Awaits `work`, unless the upload is stopped first.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, NotStored> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(NotStored::Stopped { resume: None }),
        done = work => Ok(done),
    }
}

#[cfg(test)]
mod tests {
    use protocol::client::Offer;

    use super::*;
    use crate::{audit::Audit, outbound::Outbound, relay::UploadBuffer};

    fn upload(size: u64) -> OpenUpload {
        let offer = Offer {
            upload: UploadId(1),
            path: "a".to_owned(),
            size,
            modified_millis: None,
            on_conflict: OnConflict::Ask,
            resume: None,
            digest: false,
            compare: false,
        };
        let buffer = UploadBuffer::new(size, 1, Reservation::default());
        OpenUpload::new(offer, buffer, CancellationToken::new())
    }

    #[test]
    fn buffers_of_a_data_connection_are_reserved_beside_the_window() {
        const KIB: u64 = 1024;
        let settings = Settings::defaults().unwrap();
        let outbound = Outbound::load(&settings).unwrap();
        let portal = Portal::new(settings, 0, outbound, Audit::default());
        let all = portal.budget.free_bytes();
        let large = reserve_buffers(&portal, &upload(1 << 30)).unwrap();
        assert_eq!(all - portal.budget.free_bytes(), 512 * KIB);
        let small = reserve_buffers(&portal, &upload(4 * KIB)).unwrap();
        assert_eq!(all - portal.budget.free_bytes(), (512 + 8) * KIB);
        drop((large, small));
        assert_eq!(portal.budget.free_bytes(), all);
    }
}
