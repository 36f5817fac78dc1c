//! The request for an upload, the source of its bytes, and its outcome.

use std::{future::Future, ops::Range};

use bytes::Bytes;
use tokio::time::Duration;

use crate::{
    client::UnknownTarget,
    digest::{Algorithm, FileDigest, Verified},
    error::Error,
    path::RemotePath,
    tls::TlsFacts,
};

/// The request for an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The final name; relative to the login's directory, unless it starts at the root.
    pub path: RemotePath,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's modification time, in milliseconds since 1970-01-01T00:00:00Z. The server's file
    /// gets it where the server supports that.
    pub modified_millis: Option<i64>,
    /// The policy for a file that already has the name.
    pub existing: Existing,
    /// The part file of an earlier upload of the same bytes, to resume: see [`Failed::leftover`].
    pub resume: Option<RemotePath>,
    /// The algorithm of the digest of the sent bytes, for [`Source::check_digest`] and for comparing with
    /// the server's. [`Client::makes_digest`](crate::Client::makes_digest) returns one
    /// that the server knows. Where the server does not know it, the server's best one is made in the
    /// same pass. `None` makes the server's best one only, or none.
    pub digest: Option<Algorithm>,
}

/// The policy for a file that already has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the upload ends with [`UploadError::Exists`], or with [`UploadError::MayExist`] if
    /// the server does not tell whether there is one.
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
    /// It is the beginning of the new one: the upload resumes at its end, under a temporary name until the
    /// file is complete. A file that is not smaller than the new one, or that the server's digest shows
    /// to be another one, ends the upload with [`UploadError::Exists`]. Without such a digest the end
    /// is [`Verified::ReplyOnly`], unless the digest of the whole file is compared. If the upload fails,
    /// the file gets its name back; if another file has taken it, [`Failed::leftover`] names the file.
    Resume,
}

/// Provides the bytes of an upload. The engine requests them and reports progress.
pub trait Source: Send {
    /// The reason why there are no more bytes.
    type Error: Send;

    /// Returns the next bytes of the file: at least one, and none beyond the file's size. The engine
    /// asks only while some are missing. Pieces of 64 KiB and more are fastest.
    ///
    /// # Cancel safety
    /// Has to be cancel safe: nothing may be lost when the future is dropped.
    fn next(&mut self) -> impl Future<Output = Result<Bytes, Self::Error>> + Send;

    /// Makes `offset` the position of the next bytes. After a break the engine seeks back to the end of
    /// the bytes that the server holds; a resumed upload starts with this call.
    fn seek(&mut self, offset: u64) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Receives the progress.
    fn progress(&mut self, progress: Progress<'_>) -> impl Future<Output = ()> + Send;

    /// Compares the digest of the sent bytes with the source's own. The engine asks when the server
    /// has confirmed every byte and before the file gets its name, where [`Plan::digest`] names an
    /// algorithm. `digest` is that of the bytes in `range`, which ends with the file. It starts later
    /// than the file where an upload resumes an earlier one.
    ///
    /// Returns the digest of the whole file where the source knows it: the engine compares it with the
    /// server's where it did not send every byte itself. Where the server held the whole file already,
    /// nothing is sent: `range` is then `size..size`, its digest that of no bytes, and only the returned
    /// digest tells this file from another one of the same size.
    ///
    /// Where the engine neither sent every byte nor gets that digest, or where the server cannot make
    /// one by the same algorithm, only the size is compared: [`Verified::Size`].
    ///
    /// # Errors
    /// [`DigestError`]: the file does not get its name.
    ///
    /// # Cancel safety
    /// Has to be cancel safe.
    fn check_digest(
        &mut self,
        range: Range<u64>,
        digest: &FileDigest,
    ) -> impl Future<Output = Result<Option<FileDigest>, DigestError<Self::Error>>> + Send {
        let _unused = (range, digest);
        std::future::ready(Ok(None))
    }

    /// Whether a cancelled upload keeps its part file, so that another upload can resume it
    /// ([`Failed::leftover`]). The engine asks after the cancel.
    fn keeps_on_cancel(&self) -> bool {
        false
    }

    /// The path of the upload that follows over the same client, if it is known. The engine sends that
    /// upload's first commands together with the last ones of this upload.
    fn next_upload(&mut self) -> Option<RemotePath> {
        None
    }

    /// Releases the upload that [`next_upload`](Self::next_upload) returned last: this one is retried, so
    /// another client may upload that one. The engine calls `next_upload` again later.
    fn release_next_upload(&mut self) {}
}

/// Why [`Source::check_digest`] failed.
#[derive(Debug)]
pub enum DigestError<E> {
    /// The digests differ: what was sent is not the file. It is removed from the server.
    Mismatch(E),
    /// The source cannot compute its digest now. The part file stays on the server for another upload to
    /// resume.
    Unavailable(E),
}

/// The progress of an upload.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The server takes bytes.
    Opened {
        /// The part file, which receives the bytes until the file is complete.
        temporary: &'a RemotePath,
        /// The first byte that is sent, from the file's start.
        offset: u64,
    },
    /// The data connection has taken all bytes below this offset.
    Taken {
        /// In bytes from the file's start.
        offset: u64,
    },
    /// Every byte was taken; the server has to confirm.
    Confirming,
    /// The connection broke; the upload is retried.
    Interrupted {
        /// Why.
        error: &'a Error,
        /// The wait before the next attempt.
        after: Duration,
    },
}

/// An upload that succeeded: the file is complete and verified, and has its final name.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// Its path, from the root.
    pub path: RemotePath,
    /// How it was verified.
    pub verified: Verified,
    /// The digest of the whole file, where it is known: the engine sent every byte, or the source knows
    /// it. By the algorithm of [`Plan::digest`], or by the server's where that is `None`.
    pub digest: Option<FileDigest>,
    /// The TLS of the last data connection; `None` where nothing had to be sent.
    pub tls: Option<TlsFacts>,
    /// How often a transfer was started.
    pub attempts: u32,
    /// What this upload may have left on the server, because it was not deleted: an old file that was
    /// moved aside, an abandoned part file, or a temporary directory.
    pub not_deleted: Vec<RemotePath>,
}

/// Why an upload failed.
#[derive(Debug)]
pub enum UploadError<E> {
    /// It was cancelled: for good, or for now ([`Source::keeps_on_cancel`]).
    Cancelled,
    /// A file has the name, and the plan was to keep it; or to resume it, and its size shows that it is
    /// not the beginning of the new one.
    Exists {
        /// The size of that file in bytes, where the server reports it.
        size: Option<u64>,
        /// When it was modified, in milliseconds since 1970-01-01T00:00:00Z, where the server tells
        /// it.
        modified_millis: Option<i64>,
    },
    /// A file may have the name, and the plan was not to replace it.
    MayExist {
        /// Why it is unknown.
        reason: UnknownTarget,
    },
    /// The source failed, or its digest differs.
    Source(E),
    /// The server refused, or the connection to it failed.
    Engine(Error),
    /// The complete file could not replace the old one; both are there.
    NotReplaced {
        /// Why.
        error: Error,
        /// Where the new one is.
        new: RemotePath,
        /// Where the old one is.
        old: RemotePath,
    },
}

/// An upload that failed, and its leftover on the server.
#[derive(Debug)]
pub struct Failed<E> {
    /// Why.
    pub error: UploadError<E>,
    /// The part file that a later upload can resume ([`Plan::resume`]), if one may be on the server. It is
    /// kept if the same upload may work later, if the caller wants to keep it, if another file took the
    /// name meanwhile, and if it could not be removed.
    /// A file that was written in place over an old one stays and is not named here: it may still
    /// hold the old bytes, which no upload may resume.
    pub leftover: Option<RemotePath>,
    /// See [`Uploaded::not_deleted`].
    pub not_deleted: Vec<RemotePath>,
}

impl<E> Failed<E> {
    /// The files that the error and the leftover name.
    pub(super) fn files(&self) -> impl Iterator<Item = RemotePath> {
        let both = match &self.error {
            UploadError::NotReplaced { new, old, .. } => [Some(new), Some(old)],
            _ => [None, None],
        };
        both.into_iter().chain([self.leftover.as_ref()]).flatten().cloned()
    }
}

impl<E> From<Error> for UploadError<E> {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}
