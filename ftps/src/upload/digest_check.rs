//! Compares the sender's digest with the engine's before the file gets its final name.

use std::ops::Range;

use super::{DigestError, Run, Source, UploadError, unless_cancelled};
use crate::{
    client::{Client, digest::DigestMethod},
    digest::{Algorithm, FileDigest, RunningDigest},
};

/// The comparison of the sender's digest with the engine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DigestCheck {
    /// The sender was not asked yet.
    Pending,
    /// Both are equal.
    Passed(Passed),
    /// They differ: the sent bytes are not the file's.
    Failed,
}

/// A comparison that found both digests equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    range: Range<u64>,
    digest: FileDigest,
    /// The digest of the whole file, where the sender knows it.
    whole: Option<FileDigest>,
}

impl<S: Source> Run<'_, S> {
    /// How the server is asked for a digest: by the plan's algorithm, or by its best one if it lacks
    /// that.
    pub(super) fn digest_method(&self, client: &Client) -> Option<DigestMethod> {
        let by_plan = self.plan.digest.and_then(|algorithm| client.digest_method_by(algorithm));
        by_plan.or_else(|| client.digest_method())
    }

    /// Starts the digests of the bytes from `offset` on, unless the running ones cover them: by the
    /// plan's algorithm for the sender, and by the server's if that is another one.
    pub(super) fn start_digest(&mut self, client: &Client, offset: u64) {
        let method = self.digest_method(client);
        let of_server = method.map(|method| method.algorithm);
        let main = self.plan.digest.or(of_server);
        // The server may offer another algorithm in this session. A running digest that covers `offset` is
        // kept nevertheless: a new one would not cover the bytes before it.
        let covers = |running: &RunningDigest| {
            let is_made = main.is_some_and(|main| running.digest(main).is_some());
            is_made && (running.range().start..=running.range().end).contains(&offset)
        };
        if self.digest.as_ref().is_some_and(covers) {
            return;
        }
        self.digest = main.map(|main| {
            let other = of_server.filter(|other| *other != main);
            let algorithms: Vec<_> = std::iter::once(main).chain(other).collect();
            let of_blocks = method.filter(|method| method.ranges).map(|method| method.algorithm);
            RunningDigest::starting_at(offset, &algorithms, of_blocks)
        });
    }

    /// Compares with the sender's digest, once for the same bytes.
    pub(super) async fn check_digest(&mut self) -> Result<(), UploadError<S::Error>> {
        let running = self.digest.as_ref().zip(self.plan.digest);
        let sent = running.and_then(|(running, by)| Some((running.range(), running.digest(by)?)));
        let Some((range, digest)) = sent else { return Ok(()) };
        if let DigestCheck::Passed(passed) = &self.digest_check
            && passed.range == range
            && passed.digest == digest
        {
            return Ok(());
        }
        let checked = self.source.source().check_digest(range.clone(), &digest);
        match unless_cancelled(self.cancel, checked).await? {
            Ok(whole) => {
                self.digest_check = DigestCheck::Passed(Passed { range, digest, whole });
                Ok(())
            }
            Err(DigestError::Mismatch(error)) => {
                self.digest_check = DigestCheck::Failed;
                Err(UploadError::Source(error))
            }
            Err(DigestError::Unavailable(error)) => Err(UploadError::Source(error)),
        }
    }

    /// The digest of the whole file by the plan's algorithm, or by the server's where the plan names
    /// none.
    pub(super) fn file_digest(&self) -> Option<FileDigest> {
        let of_server = self.digest.as_ref().and_then(RunningDigest::primary_algorithm);
        self.whole_digest(self.plan.digest.or(of_server)?)
    }

    /// The digest of the whole file: the engine's where it sent every byte, else the sender's.
    pub(super) fn whole_digest(&self, algorithm: Algorithm) -> Option<FileDigest> {
        let running = self.digest.as_ref().filter(|running| running.range() == (0..self.plan.size));
        let of_sender = match &self.digest_check {
            DigestCheck::Passed(passed) => passed.whole.as_ref(),
            DigestCheck::Pending | DigestCheck::Failed => None,
        };
        let of_sender = of_sender.filter(|digest| digest.algorithm() == algorithm);
        running.and_then(|running| running.digest(algorithm)).or_else(|| of_sender.cloned())
    }
}
