//! The story of one upload: make its directory, look for a conflict, open, pump, finish, verify,
//! rename, report.
//!
//! The bytes go to a temporary name in the same directory and are renamed over the target at the
//! end, so that a good file is never harmed and a name never stands for half a file.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ftps::{Client, RemotePath};
use protocol::{
    OnConflict, Problem, ServerMessage, UploadId,
    server::{Existing, LogKind, Verified},
};
use tokio_util::sync::CancellationToken;

use super::{conversation::OpenUpload, link::Line, outbox::Outbox, words};
use crate::{
    portal::Portal,
    relay::{Credit, Inlet},
    settings::Settings,
};

/// Bytes handed to the data connection at a time: progress and credit follow in these steps.
const STEP_BYTES: usize = 64 * 1024;

/// How often a slow upload tells the page how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// The most attempts at one upload; each beyond the first follows a step down the ladder of
/// fallbacks, or a connection that the server had ended while it was idle.
const MAX_ATTEMPTS: u32 = 4;

/// Why an upload did not end with a stored file.
enum Stop {
    Cancelled,
    Conflict(Existing),
    Engine(ftps::Error),
    Problem(Problem),
}

impl From<ftps::Error> for Stop {
    fn from(error: ftps::Error) -> Self {
        Self::Engine(error)
    }
}

/// Runs an upload to its end; the answer is the page's last message about it.
pub async fn run(
    line: &mut Line,
    upload: &OpenUpload,
    portal: &Portal,
    outbox: &Outbox,
) -> ServerMessage {
    let id = upload.offer.upload;
    let mut run = Run { upload, portal, outbox, leftover: None };
    let ended = run.attempts(line).await;
    run.remove_leftover(line).await;
    match ended {
        Ok((path, verified)) => {
            ServerMessage::Done { upload: id, path: path.display().into_owned(), verified }
        }
        Err(Stop::Cancelled) => ServerMessage::Cancelled { upload: id },
        Err(Stop::Conflict(existing)) => ServerMessage::Conflict { upload: id, existing },
        Err(Stop::Problem(problem)) => ServerMessage::Failed { upload: id, problem },
        Err(Stop::Engine(error)) => {
            ServerMessage::Failed { upload: id, problem: words::problem(&error) }
        }
    }
}

/// One upload and its surroundings.
struct Run<'a> {
    upload: &'a OpenUpload,
    portal: &'a Portal,
    outbox: &'a Outbox,
    /// The temporary name, from the moment at which something may lie there to the moment at
    /// which nothing does, or at which it is the only copy.
    leftover: Option<RemotePath>,
}

impl Run<'_> {
    async fn attempts(&mut self, line: &mut Line) -> Result<(RemotePath, Verified), Stop> {
        let mut attempts = 1;
        loop {
            let error = match self.attempt(line).await {
                Err(Stop::Engine(error)) => error,
                ended => return ended,
            };
            let nothing_taken = self.upload.inlet.credit().taken == 0;
            let was_stale = nothing_taken && error.is_transient() && !line.is_usable();
            let may_try = attempts < MAX_ATTEMPTS && !self.upload.cancel.is_cancelled();
            if !may_try || (line.fall_back(&error).is_none() && !was_stale) {
                return Err(Stop::Engine(error));
            }
            attempts += 1;
            self.upload.inlet.rewind(0);
            self.announce().await;
        }
    }

    async fn attempt(&mut self, line: &mut Line) -> Result<(RemotePath, Verified), Stop> {
        let cancel = &self.upload.cancel;
        let client = unless(cancel, line.client()).await??;
        let path = words::absolute_path(&words::directory(client), &self.upload.offer.path)
            .map_err(Stop::Problem)?;
        unless(cancel, self.prepare(client, &path)).await??;
        self.widen_window().await?;
        // A later attempt writes over what an earlier one left.
        let temporary = match self.leftover.take() {
            Some(temporary) => temporary,
            None => words::temporary_path(&path).map_err(Stop::Problem)?,
        };
        self.leftover = Some(temporary.clone());
        self.store(client, &temporary).await?;
        let verified = unless(cancel, self.verify(client, &temporary)).await??;
        // An upload takes its time, and somebody may have been quicker.
        unless(cancel, self.name_is_free(client, &path)).await??;
        // Past this point there is nothing to cancel: the file is complete.
        self.rename(client, &temporary, &path).await?;
        self.leftover = None;
        Ok((path, verified))
    }

    /// The directory is there, and the name is free or may be replaced.
    async fn prepare(&self, client: &mut Client, path: &RemotePath) -> Result<(), Stop> {
        if let Some(parent) = path.parent() {
            client.make_directories(&parent).await?;
        }
        self.name_is_free(client, path).await
    }

    /// Nothing has the name yet, or it may be replaced.
    async fn name_is_free(&self, client: &mut Client, path: &RemotePath) -> Result<(), Stop> {
        match self.upload.offer.on_conflict {
            OnConflict::Overwrite => Ok(()),
            OnConflict::Ask => match client.size(path).await {
                Ok(Some(size)) => Err(Stop::Conflict(Existing { size: Some(size) })),
                Ok(None) => Ok(()),
                Err(error) if error.is_not_supported() => look_in_listing(client, path).await,
                Err(error) => Err(error.into()),
            },
        }
    }

    async fn widen_window(&self) -> Result<(), Stop> {
        let settings = &self.portal.settings;
        let inlet = &self.upload.inlet;
        let wanted = inlet.size().min(settings.window.0).saturating_sub(inlet.lease_bytes());
        if wanted == 0 {
            return Ok(());
        }
        let lease = match self.portal.budget.try_lease(wanted) {
            Some(lease) => lease,
            // With little left, any window will do; who holds one gives it back in the end.
            None => {
                let least = wanted.min(settings.ahead_window.0);
                unless(&self.upload.cancel, self.portal.budget.lease(least)).await?
            }
        };
        inlet.widen(lease);
        self.announce().await;
        Ok(())
    }

    /// Open, pump, finish.
    async fn store(&self, client: &mut Client, temporary: &RemotePath) -> Result<(), Stop> {
        let cancel = &self.upload.cancel;
        let upload = self.id();
        let mut transfer = unless(cancel, client.store(temporary, 0)).await??;
        let temporary_path = temporary.display().into_owned();
        self.outbox.send(ServerMessage::Opened { upload, temporary_path }).await;
        if let Err(stop) = self.pump(&mut transfer).await {
            // The connection stays in step, or says of itself that it does not.
            let limit = self.portal.settings.cancel_timeout;
            let _late = tokio::time::timeout(limit, transfer.abort()).await;
            return Err(stop);
        }
        self.announce().await;
        self.outbox.send(ServerMessage::Verifying { upload }).await;
        unless(cancel, transfer.finish()).await??;
        Ok(())
    }

    /// From the inlet to the data connection, until every byte was taken.
    async fn pump(&self, transfer: &mut ftps::Store<'_>) -> Result<(), Stop> {
        let inlet = &self.upload.inlet;
        let cancel = &self.upload.cancel;
        let mut pace = Pace::new(&self.portal.settings, inlet);
        while inlet.credit().taken < inlet.size() {
            if inlet.is_empty() && pace.is_news(inlet.credit()) {
                // The page may wait for exactly this credit.
                self.announce().await;
            }
            let chunk = unless(cancel, self.next_chunk(transfer)).await??;
            for step in chunk.chunks(STEP_BYTES) {
                unless(cancel, transfer.write(step)).await??;
                inlet.took(step.len() as u64);
                if pace.is_due(inlet.credit()) {
                    self.announce().await;
                }
            }
            drop(chunk);
            inlet.release_taken();
            if pace.is_due(inlet.credit()) {
                self.announce().await;
            }
        }
        Ok(())
    }

    /// Waits for the page, and hears a server that refuses meanwhile.
    async fn next_chunk(&self, transfer: &mut ftps::Store<'_>) -> Result<Bytes, Stop> {
        let limit = self.portal.settings.page_chunk_timeout;
        tokio::select! {
            biased;
            chunk = self.upload.inlet.next() => Ok(chunk),
            error = transfer.watch() => Err(error.into()),
            () = tokio::time::sleep(limit) => {
                Err(Stop::Problem(words::page_stopped_sending(limit)))
            }
        }
    }

    async fn verify(&self, client: &mut Client, temporary: &RemotePath) -> Result<Verified, Stop> {
        let size = self.upload.inlet.size();
        match client.size(temporary).await {
            Ok(Some(stored)) if stored == size => Ok(Verified::Size),
            Ok(stored) => Err(Stop::Problem(words::wrong_size(size, stored))),
            Err(error) if error.is_not_supported() => Ok(Verified::ReplyOnly),
            Err(error) => Err(error.into()),
        }
    }

    async fn rename(
        &mut self,
        client: &mut Client,
        temporary: &RemotePath,
        path: &RemotePath,
    ) -> Result<(), Stop> {
        let Err(error) = client.rename(temporary, path).await else { return Ok(()) };
        if self.upload.offer.on_conflict != OnConflict::Overwrite || !error.is_permanent() {
            return Err(error.into());
        }
        self.replace(client, temporary, path, error).await
    }

    /// Some servers rename over nothing that exists. The person chose to replace the file, and
    /// the new one is complete: the old one makes way, and comes back if that does not help.
    async fn replace(
        &mut self,
        client: &mut Client,
        temporary: &RemotePath,
        path: &RemotePath,
        refusal: ftps::Error,
    ) -> Result<(), Stop> {
        let aside = words::temporary_path(path).map_err(Stop::Problem)?;
        if client.rename(path, &aside).await.is_err() {
            return Err(refusal.into());
        }
        let text = format!(
            "The server does not rename over {}: the old file made way to {}.",
            path.display(),
            aside.display()
        );
        self.outbox.log(LogKind::Status, text);
        // From here on neither file has the name that it should have: whatever happens, both stay.
        self.leftover = None;
        if let Err(error) = client.rename(temporary, path).await {
            let is_back = client.is_usable() && client.rename(&aside, path).await.is_ok();
            let old = if is_back { path } else { &aside };
            let problem = words::not_replaced(words::problem(&error), temporary, old);
            return Err(Stop::Problem(problem));
        }
        let _refused_and_in_the_log = client.delete(&aside).await;
        Ok(())
    }

    /// Removes what lies under the temporary name, over a new connection where the old one broke.
    async fn remove_leftover(&self, line: &mut Line) {
        let Some(temporary) = &self.leftover else { return };
        let removal = async {
            let client = line.client().await?;
            client.delete(temporary).await
        };
        let limit = self.portal.settings.cancel_timeout;
        let _late_or_not_there = tokio::time::timeout(limit, removal).await;
    }

    async fn announce(&self) {
        self.outbox.send(words::credit(self.id(), self.upload.inlet.credit())).await;
    }

    fn id(&self) -> UploadId {
        self.upload.offer.upload
    }
}

/// A server without `SIZE` still lists its directories.
async fn look_in_listing(client: &mut Client, path: &RemotePath) -> Result<(), Stop> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let listing = client.list(&parent).await?;
    match listing.entries.iter().find(|entry| entry.name == name) {
        Some(entry) => Err(Stop::Conflict(Existing { size: entry.size })),
        None => Ok(()),
    }
}

/// Runs `work` unless the upload is cancelled first; dropped work leaves the client out of step
/// where it had begun to speak, and the client knows.
async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Result<T, Stop> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Stop::Cancelled),
        done = work => Ok(done),
    }
}

/// When the page is told again: as soon as a good part of its window is free, and often enough
/// for a person to see progress.
struct Pace {
    step: u64,
    limit: u64,
    taken: u64,
    told: Instant,
}

impl Pace {
    fn new(settings: &Settings, inlet: &Inlet) -> Self {
        let credit = inlet.credit();
        Self {
            step: settings.window.0 / 8,
            limit: credit.limit,
            taken: credit.taken,
            told: Instant::now(),
        }
    }

    /// Whether the page does not know yet what it may do; it is told now.
    fn is_news(&mut self, credit: Credit) -> bool {
        let is_news = credit.limit > self.limit || credit.taken > self.taken;
        if is_news {
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
    use protocol::Attempt;

    use super::*;
    use crate::relay::Budget;

    #[test]
    fn page_is_told_when_a_part_of_its_window_is_free() {
        let settings = Settings::defaults().unwrap();
        let window = settings.window.0;
        let inlet = Inlet::new(1 << 30, 1, Budget::new(window).try_lease(window).unwrap());
        let mut pace = Pace::new(&settings, &inlet);
        let credit = |taken: u64| Credit { attempt: Attempt(0), taken, limit: window + taken };
        assert!(!pace.is_due(credit(1)));
        assert!(pace.is_due(credit(window / 8)));
        assert!(!pace.is_due(credit(window / 8 + 1)));
        assert!(pace.is_news(credit(window / 8 + 1)), "and before the upload waits for the page");
        assert!(!pace.is_news(credit(window / 8 + 1)));
    }
}
