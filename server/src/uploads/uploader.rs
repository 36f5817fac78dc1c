//! A task that takes one upload after the other from the queue.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ftps::{Pool, PooledClient, RemotePath};
use protocol::{Problem, ServerMessage, server::LogKind};
use tokio_util::sync::CancellationToken;

use super::{
    open::{OpenUpload, OpenUploads},
    queue::{NextUpload, QueuedUpload, UploadQueue},
    run::{self, UploadContext},
};
use crate::{
    audit::{Entry, Subject},
    outbox::{Outbox, OutgoingLine},
    path_claims::{PathClaim, ServerClaims},
    portal::Portal,
    under_way::UnderWay,
};

/// Runs uploads one after the other, each on an FTPS session of the pool.
pub struct Uploader {
    /// The FTPS sessions.
    pub pool: Pool,
    /// The portal's shared state.
    pub portal: Arc<Portal>,
    /// The messages to the page.
    pub outbox: Outbox,
    /// The uploads of the session that have not ended.
    pub open_uploads: Arc<OpenUploads>,
    /// Those of them that have not started.
    pub queue: Arc<UploadQueue>,
    /// The paths on the server that uploads of any session write to.
    pub claims: ServerClaims,
    /// The algorithm of the page's digests.
    pub digest: ftps::Algorithm,
    /// Ends the task.
    pub disconnect: CancellationToken,
    /// What a restart of the portal should not interrupt.
    pub under_way: UnderWay,
    /// Cancelled when the session ends while its page still reads.
    pub session_ends: CancellationToken,
    /// What the audit calls the connection.
    pub subject: Arc<Subject>,
}

impl Uploader {
    /// Runs until the connection is closed.
    ///
    /// # Errors
    /// The problem that no further login would solve.
    pub async fn run(self) -> Result<(), Problem> {
        while self.has_work().await {
            // On the heap while it lasts: uploaders are idle most of the time, and a portal may
            // have thousands of them.
            Box::pin(self.work()).await?;
        }
        Ok(())
    }

    /// Waits until an upload is in the queue; `false` when the connection is closed, or the portal starts
    /// no more uploads because it is being stopped.
    async fn has_work(&self) -> bool {
        tokio::select! {
            biased;
            () = self.disconnect.cancelled() => false,
            () = self.portal.readiness.draining() => false,
            () = self.queue.not_empty() => true,
        }
    }

    /// Runs the uploads of the queue.
    async fn work(&self) -> Result<(), Problem> {
        let Some(mut client) = self.lease().await else { return Ok(()) };
        // Another uploader may have taken the upload. Then no session has to be opened.
        if self.queue.is_empty() || self.portal.readiness.is_draining() {
            return Ok(());
        }
        // The error ends all uploaders: each would get it too, and every further failed login may lock
        // the account.
        self.connect(&mut client).await?;
        // Taken only now, so that no upload waits for a session outside of the queue.
        let mut next = self.queue.take(&self.claims);
        while let Some(queued) = next {
            next = self.upload(&mut client, queued).await;
            if (client.is_surplus() || self.portal.readiness.is_draining())
                && let Some(queued) = next.take()
            {
                self.queue.put_back(queued);
            }
        }
        Ok(())
    }

    /// Connects. A temporary error is left to the upload, which retries.
    ///
    /// # Errors
    /// The problem that no further login would solve.
    async fn connect(&self, client: &mut PooledClient) -> Result<(), Problem> {
        let connected = tokio::select! {
            biased;
            () = self.disconnect.cancelled() => return Ok(()),
            connected = client.connect() => connected,
        };
        let Err(error) = connected else { return Ok(()) };
        let is_session_limit = ftps::Cause::of(&error) == ftps::Cause::TooManyConnections;
        let is_final = error.is_permanent() && error.stage() <= ftps::Stage::Login;
        if is_final && !is_session_limit {
            return Err(self.outbox.problems().engine(&error));
        }
        Ok(())
    }

    /// Waits for an FTPS session; `None` when the connection is closed.
    async fn lease(&self) -> Option<PooledClient> {
        tokio::select! {
            biased;
            () = self.disconnect.cancelled() => None,
            client = self.pool.lease() => Some(client),
        }
    }

    /// Runs an upload to its answer, and returns the upload that follows on the same session.
    async fn upload(
        &self,
        client: &mut PooledClient,
        QueuedUpload { upload, claim }: QueuedUpload,
    ) -> Option<QueuedUpload> {
        let mut next = NextUpload::new(&self.queue, &self.claims);
        let context = UploadContext {
            upload: &upload,
            portal: &self.portal,
            outbox: &self.outbox,
            digest: self.digest,
        };
        let claim = match claim {
            Some(claim) => Ok(Some(claim)),
            None => self.claim(&upload).await,
        };
        let begun = Instant::now();
        let started = self.under_way.start();
        let answer = match &claim {
            Ok(_held) => run::run(client, context, &mut next).await,
            Err(Stopped) => upload.stopped_before_start(),
        };
        drop(claim);
        if let ServerMessage::Done { .. } = answer {
            self.portal.metrics.file_took(begun.elapsed());
        }
        // Removed before the answer: the page may offer the next upload as soon as it reads the
        // answer. A page that starts anew while the answer waits ignores it, because it never used
        // this id.
        self.open_uploads.remove(upload.offer.upload);
        self.audit(&upload, &answer, begun.elapsed()).await;
        self.tell(&upload, answer).await;
        drop(started);
        next.into_taken()
    }

    /// Writes the end of an upload to the audit, before the page is told.
    async fn audit(&self, upload: &OpenUpload, answer: &ServerMessage, time: Duration) {
        let Some(entry) = Entry::of(answer) else { return };
        let path = entry.path.clone().or_else(|| Some(upload.target()));
        let arrival = upload.delivery().map(|delivery| delivery.arrival_id().to_owned());
        let entry = Entry { path, arrival, bytes: Some(upload.offer.size), ..entry.took(time) };
        self.portal.audit.write(&self.subject, entry).await;
    }

    /// Sends the answer of an upload. At the end of the session `goodbye` tells the page that its open
    /// uploads have stopped: it resumes them by itself, while a `paused` upload would wait for the user.
    async fn tell(&self, upload: &OpenUpload, answer: ServerMessage) {
        let is_paused = matches!(answer, ServerMessage::Paused { .. });
        match is_paused && self.session_ends.is_cancelled() {
            true => drop(upload.settle(&answer, &self.outbox).await),
            false => upload.tell(answer, &self.outbox).await,
        }
    }

    /// Waits until no other upload writes to the path of this one, and says so.
    ///
    /// # Errors
    /// [`Stopped`] if the upload is stopped first.
    async fn claim(&self, upload: &OpenUpload) -> Result<Option<PathClaim>, Stopped> {
        // The engine refuses a malformed path.
        let Some(path) = upload.path() else { return Ok(None) };
        tokio::select! {
            biased;
            () = upload.stop.cancelled() => Err(Stopped),
            claim = self.wait_for(upload, &path) => Ok(Some(claim)),
        }
    }

    /// Tells the page that the upload waits, and waits. The other upload may belong to a session whose
    /// page was closed: then it ends with that session.
    async fn wait_for(&self, upload: &OpenUpload, path: &RemotePath) -> PathClaim {
        let text = format!("Another upload writes to \"{path}\". This one starts after it.");
        self.outbox.log(OutgoingLine::plain(LogKind::Status, text));
        self.outbox.send(ServerMessage::Waiting { upload: upload.offer.upload }).await;
        self.claims.claim(path).await
    }
}

/// The upload was stopped before it started.
struct Stopped;
