//! What an upload is to do, where its bytes come from, and how it ended.

use std::{future::Future, ops::Range};

use bytes::Bytes;
use tokio::time::Duration;

use crate::{
    digest::{Algorithm, FileDigest, Verified},
    error::Error,
    path::RemotePath,
    tls::TlsFacts,
};

/// What an upload is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the file goes; from the login's directory, unless it starts at the root.
    pub path: RemotePath,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's modification, in milliseconds since 1970-01-01T00:00:00Z, for the server to keep.
    pub modified_millis: Option<i64>,
    /// What happens to a file that has the name already.
    pub existing: Existing,
    /// The temporary name of an earlier upload of the same bytes, to go on with.
    pub resume: Option<RemotePath>,
    /// The digest that is made of what is sent, for [`Source::agree`] and for the server to be
    /// compared with: [`Client::makes_digest`](crate::Client::makes_digest) is one that it can make.
    /// Where it cannot, its own best one is made beside this one, in the same pass. Absent to make
    /// that one only, and none where the server can make none.
    pub digest: Option<Algorithm>,
}

/// What happens to a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the upload ends with [`Stop::Exists`].
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
    /// It is the beginning of the new one: the upload goes on where it ends. One that is not
    /// smaller ends the upload with [`Stop::Exists`]. It is out of the way, under a temporary name,
    /// until the file is whole. An upload that is given up before it sent anything gives it its name
    /// back; after that, [`Failed::leftover`] is what became of it.
    Resume,
}

/// Where the bytes of an upload come from, and who hears of it.
pub trait Source: Send {
    /// Why no more bytes come.
    type Error: Send;

    /// The next bytes of the file. It is asked only while some are missing, gives at least one,
    /// and none beyond the file's size. Great pieces are fast: 64 KiB and more.
    ///
    /// # Cancel safety
    /// Has to be cancel safe: nothing may be lost when the future is dropped.
    fn next(&mut self) -> impl Future<Output = Result<Bytes, Self::Error>> + Send;

    /// The next bytes that [`next`](Self::next) gives are those from `offset` on. After a break it
    /// goes back to what the server holds; an upload that goes on with an earlier one starts so.
    fn seek(&mut self, offset: u64) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What happens meanwhile.
    fn progress(&mut self, progress: Progress<'_>) -> impl Future<Output = ()> + Send;

    /// Whether what was sent is what the file holds. Asked when the server has confirmed every byte
    /// and before the file gets its name, where [`Plan::digest`] names an algorithm: `digest` is
    /// that of the bytes in `range`, which ends with the file. It starts later than the file where
    /// an upload goes on with an earlier one.
    ///
    /// The answer may be the digest of the whole file, for the server's to be compared with where
    /// not every byte went through here. Where the server has all of the file already, nothing is
    /// sent: `range` is empty then, `size..size`, its digest that of no bytes, and the answer is all
    /// that tells this file from another one of the same size.
    ///
    /// With neither every byte nor that answer, or where the server cannot make the digest by the
    /// same algorithm, the file is known by its size alone: [`Verified::Size`].
    ///
    /// # Errors
    /// [`DigestError`]: the file does not get its name.
    ///
    /// # Cancel safety
    /// Has to be cancel safe.
    fn agree(
        &mut self,
        range: Range<u64>,
        digest: &FileDigest,
    ) -> impl Future<Output = Result<Option<FileDigest>, DigestError<Self::Error>>> + Send {
        let _unused = (range, digest);
        std::future::ready(Ok(None))
    }

    /// Whether what the server holds stays when the upload is cancelled, for another one to go on
    /// with ([`Failed::leftover`]). Asked once `stop` is cancelled: whoever cancels says before
    /// what is meant.
    fn keeps(&self) -> bool {
        false
    }

    /// The path of the upload that follows over the same line, if it is known: what has to be asked
    /// about it goes together with what ends this one.
    fn upcoming(&mut self) -> Option<RemotePath> {
        None
    }

    /// The upload that [`upcoming`](Self::upcoming) named last does not follow soon, since this one
    /// is tried again: somebody else may bring it. `upcoming` is asked anew later.
    fn give_back_upcoming(&mut self) {}
}

/// Why a sender does not [agree](Source::agree).
#[derive(Debug)]
pub enum DigestError<E> {
    /// What was sent is not what the file holds: what the server has of it is removed.
    Mismatch(E),
    /// The sender cannot tell now: what the server has of it stays, for another upload to go on with.
    Unavailable(E),
}

/// What happens while an upload is under way.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The server takes bytes.
    Opened {
        /// Where they go until the file is complete.
        temporary: &'a RemotePath,
        /// The first one that is sent.
        offset: u64,
    },
    /// The data connection has taken all bytes below this offset.
    Taken {
        /// In bytes from the file's start.
        offset: u64,
    },
    /// Every byte was taken; the server has to confirm.
    Confirming,
    /// The upload broke off and is tried again.
    Interrupted {
        /// Why.
        error: &'a Error,
        /// When.
        after: Duration,
    },
}

/// A file that is in its place.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// Where it is, from the root.
    pub path: RemotePath,
    /// How it is known to be whole.
    pub verified: Verified,
    /// The digest of the whole file, where it is known: every byte was sent here, or the sender said
    /// it. By the algorithm of [`Plan::digest`], or by the server's where that is absent.
    pub digest: Option<FileDigest>,
    /// The TLS of the last data connection; `None` where no byte had to be sent.
    pub tls: Option<TlsFacts>,
    /// How often the transfer was started.
    pub attempts: u32,
}

/// Why an upload did not end with a file in its place.
#[derive(Debug)]
pub enum Stop<E> {
    /// It was cancelled: given up, or ended for now ([`Source::keeps`]).
    Cancelled,
    /// The name is taken, and the plan was to keep what has it; or it was to go on with that, and it
    /// is no beginning of the file, as its size says.
    Exists {
        /// The size of the file that has it, in bytes, where the server says it.
        size: Option<u64>,
        /// When that was modified, in milliseconds since 1970-01-01T00:00:00Z, where the server
        /// says it.
        modified_millis: Option<i64>,
    },
    /// The source gave up, or did not [agree](Source::agree) to what was sent.
    Source(E),
    /// The server or the way to it.
    Engine(Error),
    /// A complete file could not take the place of the old one; both are there.
    NotReplaced {
        /// Why.
        error: Error,
        /// Where the new one is.
        new: RemotePath,
        /// Where the old one is.
        old: RemotePath,
    },
}

/// An upload that ended without a file in its place.
#[derive(Debug)]
pub struct Failed<E> {
    /// Why.
    pub stop: Stop<E>,
    /// Where a part of the file is, or all of it, that a later upload can go on with: see
    /// [`Plan::resume`]. With [`Stop::Exists`] too, where somebody took the name meanwhile: one that
    /// replaces what has it only has to check and rename then.
    pub leftover: Option<RemotePath>,
}

impl<E> From<Error> for Stop<E> {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}
