//! A task that takes one upload after the other from the queue.

use std::sync::Arc;

use ftps::{Pool, PooledClient};
use protocol::Problem;
use tokio_util::sync::CancellationToken;

use super::{
    open::{OpenUpload, OpenUploads},
    queue::{NextUpload, UploadQueue},
    run::{self, UploadContext},
};
use crate::{outbox::Outbox, portal::Portal};

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
    /// The algorithm of the page's digests.
    pub digest: ftps::Algorithm,
    /// Ends the task.
    pub disconnect: CancellationToken,
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

    /// Waits until an upload is in the queue; `false` when the connection is closed.
    async fn has_work(&self) -> bool {
        tokio::select! {
            biased;
            () = self.disconnect.cancelled() => false,
            () = self.queue.not_empty() => true,
        }
    }

    /// Runs the uploads of the queue.
    async fn work(&self) -> Result<(), Problem> {
        let Some(mut client) = self.lease().await else { return Ok(()) };
        // Another uploader may have taken the upload: then no session is opened in vain.
        if self.queue.is_empty() {
            return Ok(());
        }
        // The other uploaders would meet the same, and each login more may lock the account.
        self.connect(&mut client).await?;
        // Taken only now, so that no upload waits for a session outside of the queue.
        let mut next = self.queue.take();
        while let Some(upload) = next {
            next = self.upload(&mut client, &upload).await;
            if client.is_surplus()
                && let Some(upload) = next.take()
            {
                self.queue.put_back(upload);
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
        upload: &OpenUpload,
    ) -> Option<Arc<OpenUpload>> {
        let mut next = NextUpload::new(&self.queue);
        let context = UploadContext {
            upload,
            portal: &self.portal,
            outbox: &self.outbox,
            digest: self.digest,
        };
        let answer = run::run(client, context, &mut next).await;
        // Removed before the answer: the page may offer the next upload as soon as it reads the
        // answer. A page that starts anew while the answer waits ignores it, because it never used
        // this id.
        self.open_uploads.remove(upload.offer.upload);
        self.outbox.send(answer).await;
        next.into_taken()
    }
}
