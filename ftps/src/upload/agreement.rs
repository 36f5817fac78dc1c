//! Whether what was sent is what the sender meant to send: its digest and ours, compared before the
//! file gets its name.

use std::ops::Range;

use super::{DigestError, Run, Source, Stop, unless};
use crate::{
    client::{Client, digest::DigestWay},
    digest::{Algorithm, FileDigest, Seen},
};

/// What the sender says of the bytes that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// It was not asked yet.
    Open,
    /// They are those of the file.
    Reached(Agreed),
    /// They are not.
    Refused,
}

/// What was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    range: Range<u64>,
    digest: FileDigest,
    /// That of the whole file, as the sender knows it.
    whole: Option<FileDigest>,
}

impl<S: Source> Run<'_, S> {
    /// How the server is asked for the digest that is compared: by the plan's algorithm, or by its
    /// own best where it cannot make that.
    pub(super) fn digest_way(&self, client: &Client) -> Option<DigestWay> {
        let by_plan = self.plan.digest.and_then(|algorithm| client.digest_way_by(algorithm));
        by_plan.or_else(|| client.digest_way())
    }

    /// Begins to take the digests of what is sent: the plan's for the sender, and the server's where
    /// that is another one.
    pub(super) fn see(&mut self, client: &Client, offset: u64) {
        let way = self.digest_way(client);
        let of_server = way.map(|way| way.algorithm);
        let main = self.plan.digest.or(of_server);
        // What the server can make may change with a session. A digest that began with the file is
        // worth more than one that it could compare from here on.
        let fits = |seen: &Seen| {
            let is_made = main.is_some_and(|main| seen.digest(main).is_some());
            is_made && (seen.range().start..=seen.range().end).contains(&offset)
        };
        if self.seen.as_ref().is_some_and(fits) {
            return;
        }
        self.seen = main.map(|main| {
            let other = of_server.filter(|other| *other != main);
            let algorithms: Vec<_> = std::iter::once(main).chain(other).collect();
            let of_blocks = way.filter(|way| way.ranges).map(|way| way.algorithm);
            Seen::from(offset, &algorithms, of_blocks)
        });
    }

    /// Asks the sender, once for the same bytes.
    pub(super) async fn agree(&mut self) -> Result<(), Stop<S::Error>> {
        let seen = self.seen.as_ref().zip(self.plan.digest);
        let seen = seen.and_then(|(seen, by)| Some((seen.range(), seen.digest(by)?)));
        let Some((range, digest)) = seen else { return Ok(()) };
        if let Agreement::Reached(agreed) = &self.agreement
            && agreed.range == range
            && agreed.digest == digest
        {
            return Ok(());
        }
        match unless(self.stop, self.source.agree(range.clone(), &digest)).await? {
            Ok(whole) => {
                self.agreement = Agreement::Reached(Agreed { range, digest, whole });
                Ok(())
            }
            Err(DigestError::Mismatch(error)) => {
                self.agreement = Agreement::Refused;
                Err(Stop::Source(error))
            }
            Err(DigestError::Unavailable(error)) => Err(Stop::Source(error)),
        }
    }

    /// The digest of the whole file by the plan's algorithm, or by the server's where the plan names
    /// none.
    pub(super) fn file_digest(&self) -> Option<FileDigest> {
        let of_server = self.seen.as_ref().and_then(Seen::main);
        self.whole_digest(self.plan.digest.or(of_server)?)
    }

    /// The digest of the whole file: ours where every byte was seen, else the sender's.
    pub(super) fn whole_digest(&self, algorithm: Algorithm) -> Option<FileDigest> {
        let seen = self.seen.as_ref().filter(|seen| seen.range() == (0..self.plan.size));
        let told = match &self.agreement {
            Agreement::Reached(agreed) => agreed.whole.as_ref(),
            Agreement::Open | Agreement::Refused => None,
        };
        let told = told.filter(|told| told.algorithm() == algorithm);
        seen.and_then(|seen| seen.digest(algorithm)).or_else(|| told.cloned())
    }
}
