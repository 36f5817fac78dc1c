//! Sources of the files that are uploaded.

use std::{ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use ferryport_tests::content::Content;
use ftps::{
    FileDigest, RemotePath,
    upload::{DigestError, Progress, Source},
};
use tokio::sync::Semaphore;

/// The size of a source's pieces, in bytes.
pub(crate) const PIECE: u64 = 128 * 1024;

type BeforeEach = dyn FnMut(u64, &RemotePath) + Send + Sync;

/// A source that records how it is read.
pub(crate) struct FileSource {
    content: Content,
    position: u64,
    /// The bytes that the engine took, repeated ones included.
    pub(crate) sent: u64,
    /// The offset at which it fails.
    fails_at: Option<u64>,
    before_each: Box<BeforeEach>,
    temporary: Option<RemotePath>,
    /// The offset at which each attempt began.
    pub(crate) offsets: Vec<u64>,
    /// The pause before each piece.
    pause: Duration,
    /// Whether the part file stays when the upload is cancelled.
    keeps: bool,
    /// The end of the bytes that the data connection has taken.
    pub(crate) taken: u64,
    /// The digest of the whole file, if the sender knows it.
    pub(crate) whole: Option<FileDigest>,
}

/// The error of a source that fails on purpose.
#[derive(Debug)]
pub(crate) struct SourceFailed;

impl FileSource {
    pub(crate) fn of(content: Content) -> Self {
        Self {
            content,
            position: 0,
            sent: 0,
            fails_at: None,
            before_each: Box::new(|_, _| ()),
            temporary: None,
            offsets: Vec::new(),
            pause: Duration::ZERO,
            keeps: false,
            taken: 0,
            whole: None,
        }
    }

    pub(crate) fn failing_at(self, offset: u64) -> Self {
        Self { fails_at: Some(offset), ..self }
    }

    pub(crate) fn kept_on_cancel(self) -> Self {
        Self { keeps: true, ..self }
    }

    /// Pauses before each piece.
    pub(crate) fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Calls a function with the offset and the temporary name before each piece.
    pub(crate) fn before_each(
        self,
        before: impl FnMut(u64, &RemotePath) + Send + Sync + 'static,
    ) -> Self {
        Self { before_each: Box::new(before), ..self }
    }
}

impl Source for FileSource {
    type Error = SourceFailed;

    async fn next(&mut self) -> Result<Bytes, SourceFailed> {
        if self.fails_at.is_some_and(|offset| self.position >= offset) {
            return Err(SourceFailed);
        }
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        // Before the upload is opened, its beginning may be read for a comparison.
        if let Some(temporary) = &self.temporary {
            (self.before_each)(self.position, temporary);
        }
        let piece = self.content.piece(self.position, PIECE);
        self.position += piece.len() as u64;
        self.sent += piece.len() as u64;
        Ok(piece.into())
    }

    async fn seek(&mut self, offset: u64) -> Result<(), SourceFailed> {
        self.position = offset;
        Ok(())
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Opened { temporary, offset } => {
                self.temporary = Some(temporary.clone());
                self.offsets.push(offset);
            }
            Progress::Taken { offset } => self.taken = offset,
            Progress::Confirming | Progress::Interrupted { .. } => (),
        }
    }

    async fn check_digest(
        &mut self,
        _: Range<u64>,
        _: &FileDigest,
    ) -> Result<Option<FileDigest>, DigestError<SourceFailed>> {
        Ok(self.whole.clone())
    }

    fn keeps_on_cancel(&self) -> bool {
        self.keeps
    }
}

/// A source that gives a piece for each permit.
pub(crate) struct GatedSource {
    pub(crate) source: FileSource,
    pub(crate) gate: Arc<Semaphore>,
}

impl Source for GatedSource {
    type Error = SourceFailed;

    async fn next(&mut self) -> Result<Bytes, SourceFailed> {
        self.gate.acquire().await.expect("the gate stays open").forget();
        self.source.next().await
    }

    async fn seek(&mut self, offset: u64) -> Result<(), SourceFailed> {
        self.source.seek(offset).await
    }

    async fn progress(&mut self, progress: Progress<'_>) {
        self.source.progress(progress).await;
    }
}
