//! One upload between the page and the engine: a window for the page, its bytes for the engine, and
//! what the engine reports for the page.
//!
//! The story on the FTPS side (directory, conflict, open, pump, confirm, check, rename, and on
//! after a break) is [`ftps::upload`].

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use bytes::Bytes;
use ftps::{
    Algorithm, FileDigest, ManagedClient, RemotePath,
    upload::{DigestError, Failed, Plan, Progress, Source, Stop},
};
use protocol::{Attempt, OnConflict, Problem, ServerMessage, UploadId, server::Existing};
use tokio_util::sync::CancellationToken;

use super::{
    offers::{Ending, OpenUpload},
    outbox::Outbox,
    uploader::Upcoming,
    words,
};
use crate::{
    portal::Portal,
    relay::{Credit, Inlet},
    settings::Settings,
    speech::Speech,
};

/// How often a slow upload tells the page how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// The first window is this part of the widest one.
const FIRST_WINDOW: u64 = 8;

/// Bytes that a page reads and digests in a second at the least, from a network drive: one that goes
/// on with a great file reads all of it again, though it sends only the rest.
const SLOWEST_DIGEST: u64 = 10_000_000;

/// One upload and those who take part in it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What the page offered.
    pub upload: &'a OpenUpload,
    /// What all sessions share.
    pub portal: &'a Portal,
    /// The way to the page.
    pub outbox: &'a Outbox,
    /// How digests are made that the page makes too.
    pub digest: Algorithm,
}

/// Runs an upload to its end; the answer is the page's last message about it. `upcoming` is the
/// upload that follows over the same line.
pub async fn run(
    line: &mut ManagedClient,
    scene: Scene<'_>,
    upcoming: &mut Upcoming<'_>,
) -> ServerMessage {
    let upload = scene.upload.offer.upload;
    match bring(line, scene, upcoming).await {
        Ok((uploaded, page_agrees)) => ServerMessage::Done {
            upload,
            path: uploaded.path.display().into_owned(),
            verified: words::verified(&uploaded.verified),
            digest: uploaded.digest.as_ref().and_then(words::file_digest),
            page_agrees,
        },
        Err(Ended::Stopped { resume }) => scene.upload.stopped(resume),
        Err(Ended::Exists { existing, resume }) => {
            ServerMessage::Conflict { upload, existing, resume }
        }
        Err(Ended::Failed { problem, resume }) => ServerMessage::Failed { upload, problem, resume },
    }
}

/// Why an upload did not end with a stored file.
enum Ended {
    Stopped { resume: Option<String> },
    Exists { existing: Existing, resume: Option<String> },
    Failed { problem: Problem, resume: Option<String> },
}

impl From<Problem> for Ended {
    fn from(problem: Problem) -> Self {
        Self::Failed { problem, resume: None }
    }
}

/// The file in its place, and whether the page agrees that it is the one that it has.
async fn bring(
    line: &mut ManagedClient,
    scene: Scene<'_>,
    upcoming: &mut Upcoming<'_>,
) -> Result<(ftps::upload::Uploaded, bool), Ended> {
    let upload = scene.upload;
    let plan = plan(upload, scene.digest, scene.outbox.speech())?;
    let mut feed = Feed::new(scene, upcoming);
    // What goes on with an earlier upload does not know yet from where.
    if upload.offer.resume.is_none() {
        unless(&upload.stop, feed.widen_window()).await??;
    }
    let brought = line.upload(&plan, &mut feed, &upload.stop).await;
    let page_agrees = feed.page_agrees;
    brought
        .map(|uploaded| (uploaded, page_agrees))
        .map_err(|failed| ended(failed, &plan.path, scene.outbox.speech()))
}

fn plan(upload: &OpenUpload, digest: Algorithm, speech: Speech) -> Result<Plan, Problem> {
    let offer = &upload.offer;
    let resume = offer.resume.as_deref();
    Ok(Plan {
        path: words::checked_path(&offer.path).ok_or_else(|| speech.bad_path(&offer.path))?,
        size: offer.size,
        modified_millis: offer.modified_millis,
        existing: match offer.on_conflict {
            OnConflict::Ask => ftps::upload::Existing::Keep,
            OnConflict::Resume => ftps::upload::Existing::Resume,
            OnConflict::Overwrite => ftps::upload::Existing::Replace,
        },
        // A name that cannot be one is as good as none.
        resume: resume.and_then(words::checked_path),
        digest: offer.digest.then_some(digest),
    })
}

fn ended(failed: Failed<Problem>, path: &RemotePath, speech: Speech) -> Ended {
    let resume = failed.leftover.map(|leftover| leftover.display().into_owned());
    let problem = match failed.stop {
        Stop::Cancelled => return Ended::Stopped { resume },
        Stop::Exists { size, modified_millis } => {
            let existing = Existing { size, modified_millis };
            return Ended::Exists { existing, resume };
        }
        Stop::Source(problem) => problem,
        Stop::Engine(error) => speech.engine(&error),
        Stop::NotReplaced { error, new, old } => {
            speech.not_replaced(speech.engine(&error), path, &new, &old)
        }
    };
    Ended::Failed { problem, resume }
}

/// The page's bytes on their way to the engine.
struct Feed<'a, 'u> {
    upload: &'a OpenUpload,
    portal: &'a Portal,
    outbox: &'a Outbox,
    upcoming: &'a mut Upcoming<'u>,
    pace: Pace,
    /// The end of what the data connection took, in bytes from the file's start.
    taken: u64,
    /// The first byte of what the engine makes a digest of, once it is opened.
    digest_from: Option<u64>,
    page_agrees: bool,
    /// Whether the page knows that all bytes are with the server.
    told_verifying: bool,
}

impl<'a, 'u> Feed<'a, 'u> {
    fn new(scene: Scene<'a>, upcoming: &'a mut Upcoming<'u>) -> Self {
        let Scene { upload, portal, outbox, digest: _ } = scene;
        let pace = Pace::new(&portal.settings, &upload.inlet);
        Self {
            upload,
            portal,
            outbox,
            upcoming,
            pace,
            taken: 0,
            digest_from: None,
            page_agrees: false,
            told_verifying: false,
        }
    }

    /// The first window. It grows as the page uses it, so that one that sends nothing holds little.
    async fn widen_window(&self) -> Result<(), Problem> {
        let settings = &self.portal.settings;
        let inlet = &self.upload.inlet;
        if inlet.is_away() {
            // It opens when the page is back.
            return Ok(());
        }
        let first = (settings.window.0 / FIRST_WINDOW).max(settings.ahead_window.0);
        let wanted = inlet.size().min(first).saturating_sub(inlet.lease_bytes());
        if wanted == 0 {
            return Ok(());
        }
        let lease = match self.portal.budget.try_lease(wanted) {
            Some(lease) => lease,
            // Who holds a part of the budget does not wait for more of it, since all could; what is
            // free later is taken on the way.
            None if !inlet.is_shut() => return Ok(()),
            // With little left, any window will do.
            None => {
                let least = self.portal.budget.lease(wanted.min(settings.ahead_window.0));
                let limit = settings.page_chunk_timeout;
                let lease = tokio::time::timeout(limit, least).await;
                lease.map_err(|_| self.outbox.speech().portal_has_no_room(limit))?
            }
        };
        inlet.widen(lease);
        self.announce();
        Ok(())
    }

    /// What the data connection took is out of memory: it is granted again, and more while there is
    /// room and to spare: who comes later finds some too, even where all pages have fallen asleep
    /// with their windows at their widest. Where others wait for room, or the page is away, they get
    /// it.
    fn turn_over(&self) {
        let settings = &self.portal.settings;
        let inlet = &self.upload.inlet;
        if inlet.is_away() {
            return inlet.give_back_taken(0);
        }
        if self.portal.budget.is_wanted() {
            return inlet.give_back_taken(settings.ahead_window.0);
        }
        inlet.release_taken();
        let held = inlet.lease_bytes();
        let missing = inlet.size().saturating_sub(self.taken);
        let wanted = missing.min(settings.window.0).min(held * 2).saturating_sub(held);
        if wanted > 0
            && let Some(lease) = self.portal.budget.try_lease_spare(wanted)
        {
            inlet.widen(lease);
        }
    }

    /// The window of an upload that goes on with an earlier one, once it is known from where, or of
    /// a page that was away; whether the page was told.
    async fn open_window(&self) -> Result<bool, Problem> {
        let is_shut = self.upload.inlet.is_shut();
        if is_shut {
            self.widen_window().await?;
        }
        Ok(is_shut)
    }

    /// After a break the engine goes on with the digest that it has, unless it starts over before
    /// that begins.
    async fn tell_opened(&mut self, temporary_path: String, offset: u64) {
        let offset = self.digest_from.map_or(offset, |from| from.min(offset));
        self.digest_from = Some(offset);
        self.told_verifying = false;
        let upload = self.id();
        self.outbox.send(ServerMessage::Opened { upload, temporary_path, offset }).await;
    }

    async fn tell_verifying(&mut self) {
        if !std::mem::replace(&mut self.told_verifying, true) {
            self.outbox.send(ServerMessage::Verifying { upload: self.id() }).await;
        }
    }

    /// The page's digest from an offset on; `None` where it cannot make it.
    async fn page_digest(&self, from: u64) -> Result<Option<String>, DigestError<Problem>> {
        let reading = Duration::from_secs(self.upload.offer.size / SLOWEST_DIGEST);
        let limit = self.portal.settings.page_chunk_timeout + reading;
        let said = tokio::time::timeout(limit, self.upload.digests.from(from)).await;
        said.map_err(|_| DigestError::Unavailable(self.outbox.speech().page_says_no_digest(limit)))
    }

    /// Tells the page its credit, where that is worth a message.
    fn tell_credit(&mut self) {
        let inlet = &self.upload.inlet;
        let credit = inlet.credit();
        // The page may wait for exactly this credit.
        if (inlet.is_empty() && self.pace.is_news(credit)) || self.pace.is_due(credit) {
            self.announce();
        }
    }

    fn announce(&self) {
        self.outbox.credit(self.id(), self.upload.inlet.credit());
    }

    fn id(&self) -> UploadId {
        self.upload.offer.upload
    }
}

impl Source for Feed<'_, '_> {
    type Error = Problem;

    async fn next(&mut self) -> Result<Bytes, Problem> {
        // The piece before this one is out of memory.
        self.turn_over();
        let limit = self.portal.settings.page_chunk_timeout;
        loop {
            self.open_window().await?;
            self.tell_credit();
            let piece = tokio::time::timeout(limit, self.upload.inlet.next()).await;
            let stopped = |_| self.outbox.speech().page_stopped_sending(limit);
            if let Some(piece) = piece.map_err(stopped)? {
                return Ok(piece);
            }
        }
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Problem> {
        self.upload.inlet.rewind(offset);
        self.taken = offset;
        self.pace = Pace::new(&self.portal.settings, &self.upload.inlet);
        if !self.open_window().await? {
            self.announce();
        }
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        let upload = self.id();
        match progress {
            Progress::Opened { temporary, offset } => {
                self.tell_opened(temporary.display().into_owned(), offset).await;
            }
            Progress::Taken { offset } => {
                self.upload.inlet.took(offset - self.taken);
                self.taken = offset;
                if self.pace.is_due(self.upload.inlet.credit()) {
                    self.announce();
                }
            }
            Progress::Confirming => {
                self.upload.inlet.close_window();
                self.announce();
                self.tell_verifying().await;
            }
            Progress::Interrupted { error, after } => {
                self.told_verifying = false;
                let problem = self.outbox.speech().engine(error);
                let retry_millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                let message = ServerMessage::Interrupted { upload, problem, retry_millis };
                self.outbox.send(message).await;
            }
        }
    }

    fn keeps(&self) -> bool {
        self.upload.ending() == Ending::Keep
    }

    fn upcoming(&mut self) -> Option<RemotePath> {
        let next = self.upcoming.take()?;
        words::checked_path(&next)
    }

    fn give_back_upcoming(&mut self) {
        self.upcoming.give_back();
    }

    async fn agree(
        &mut self,
        range: Range<u64>,
        digest: &FileDigest,
    ) -> Result<Option<FileDigest>, DigestError<Problem>> {
        if self.digest_from.is_none() {
            // The server held all of it already: the page does not know yet that it was opened.
            let temporary_path = self.upload.offer.resume.clone().unwrap_or_default();
            self.tell_opened(temporary_path, range.start).await;
        }
        // Where the server held all of it, after a break too, nothing was transferred.
        self.tell_verifying().await;
        let Some(of_page) = self.page_digest(range.start).await? else { return Ok(None) };
        if of_page != digest.hex() {
            return Err(DigestError::Mismatch(
                self.outbox.speech().digests_differ(digest, &of_page),
            ));
        }
        self.page_agrees = true;
        let whole = if range.start == 0 { Some(of_page) } else { self.page_digest(0).await? };
        Ok(whole.and_then(|hex| FileDigest::new(digest.algorithm(), &hex)))
    }
}

/// Runs `work` unless the upload is stopped first.
async fn unless<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Ended::Stopped { resume: None }),
        done = work => Ok(done),
    }
}

/// When the page is told again: as soon as a good part of its window is free, and often enough
/// for a person to see progress.
struct Pace {
    step: u64,
    attempt: Attempt,
    limit: u64,
    taken: u64,
    told: Instant,
}

impl Pace {
    fn new(settings: &Settings, inlet: &Inlet) -> Self {
        let credit = inlet.credit();
        Self {
            step: settings.window.0 / 8,
            attempt: credit.attempt,
            limit: credit.limit,
            taken: credit.taken,
            told: Instant::now(),
        }
    }

    /// Whether the page does not know yet what it may do; it is told now.
    fn is_news(&mut self, credit: Credit) -> bool {
        let is_news =
            credit.attempt > self.attempt || credit.limit > self.limit || credit.taken > self.taken;
        if is_news {
            self.attempt = credit.attempt;
            self.limit = credit.limit;
            self.taken = credit.taken;
            self.told = Instant::now();
        }
        is_news
    }

    /// Whether it is time to tell it.
    fn is_due(&mut self, credit: Credit) -> bool {
        let widened = credit.limit.saturating_sub(self.limit);
        let is_time = widened >= self.step || self.told.elapsed() >= PROGRESS_INTERVAL;
        is_time && self.is_news(credit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Budget;

    #[test]
    fn page_is_told_when_a_part_of_its_window_is_free() {
        let settings = Settings::defaults().unwrap();
        let window = settings.window.0;
        let inlet = Inlet::new(1 << 30, 1, Budget::new(window).try_lease(window).unwrap());
        let mut pace = Pace::new(&settings, &inlet);
        let credit = |taken: u64| Credit {
            attempt: Attempt(0),
            taken,
            received: taken,
            limit: window + taken,
        };
        assert!(!pace.is_due(credit(1)));
        assert!(pace.is_due(credit(window / 8)));
        assert!(!pace.is_due(credit(window / 8 + 1)));
        assert!(pace.is_news(credit(window / 8 + 1)), "and before the upload waits for the page");
        assert!(!pace.is_news(credit(window / 8 + 1)));
    }
}
