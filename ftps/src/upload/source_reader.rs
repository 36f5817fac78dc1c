//! The source of an upload, and how far it was read.

use bytes::Bytes;

use super::{Progress, Source};
use crate::path::RemotePath;

/// The source of an upload, and how far it was read.
pub(super) struct SourceReader<'a, S: Source> {
    source: &'a mut S,
    /// The offset of the source's next byte. After a break in the middle of a piece, it is beyond the
    /// last byte sent.
    offset: u64,
    /// The path of the upload that follows, from the root, once the source named it.
    next_upload: Option<RemotePath>,
}

impl<'a, S: Source> SourceReader<'a, S> {
    pub(super) fn new(source: &'a mut S) -> Self {
        Self { source, offset: 0, next_upload: None }
    }

    /// The source, for everything except its bytes.
    pub(super) fn source(&mut self) -> &mut S {
        self.source
    }

    /// Seeks to an offset, unless the source is there already.
    pub(super) async fn seek(&mut self, offset: u64) -> Result<(), S::Error> {
        if self.offset != offset {
            self.source.seek(offset).await?;
            self.offset = offset;
        }
        Ok(())
    }

    /// The next bytes of the file.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Bytes, S::Error> {
        let bytes = self.source.next().await?;
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }

    pub(super) async fn report(&mut self, progress: Progress<'_>) {
        self.source.progress(progress).await;
    }

    pub(super) fn keeps_on_cancel(&self) -> bool {
        self.source.keeps_on_cancel()
    }

    /// The path of the upload that follows. The source is asked until it names one.
    pub(super) fn next_upload(&mut self, home: &RemotePath) -> Option<RemotePath> {
        if self.next_upload.is_none() {
            self.next_upload = self.source.next_upload().map(|path| home.join(&path));
        }
        self.next_upload.clone()
    }

    /// Tells the source that the next upload has to wait.
    pub(super) fn release_next_upload(&mut self) {
        if self.next_upload.take().is_some() {
            self.source.release_next_upload();
        }
    }
}
