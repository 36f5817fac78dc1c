//! Whether what was sent is what the sender meant to send: its digest and ours, compared before the
//! file gets its name.

use std::ops::Range;

use super::{Run, Source, Stop, unless};
use crate::{
    client::{Client, digest::DigestWay},
    digest::{FileDigest, Seen},
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
    /// How the server is asked for the digest that is compared.
    pub(super) fn digest_way(&self, client: &Client) -> Option<DigestWay> {
        match self.plan.digest {
            Some(algorithm) => client.digest_way_by(algorithm),
            None => client.digest_way(),
        }
    }

    /// Begins to take the digest of what is sent, where somebody can make it too.
    pub(super) fn see(&mut self, client: &Client, offset: u64) {
        let way = self.digest_way(client);
        let algorithm = self.plan.digest.or(way.map(|way| way.algorithm));
        let fits = |seen: &Seen| {
            algorithm == Some(seen.algorithm())
                && (seen.range().start..=seen.range().end).contains(&offset)
        };
        if self.seen.as_ref().is_some_and(fits) {
            return;
        }
        let has_ranges = way.is_some_and(|way| way.ranges);
        self.seen = algorithm.map(|algorithm| Seen::from(offset, algorithm, has_ranges));
    }

    /// Asks the sender, once for the same bytes.
    pub(super) async fn agree(&mut self) -> Result<(), Stop<S::Error>> {
        let seen = self.seen.as_ref().filter(|_| self.plan.digest.is_some());
        let Some((range, digest)) = seen.map(|seen| (seen.range(), seen.digest())) else {
            return Ok(());
        };
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
            Err(error) => {
                self.agreement = Agreement::Refused;
                Err(Stop::Source(error))
            }
        }
    }

    /// The digest of the whole file: ours where every byte was seen, else the sender's.
    pub(super) fn whole_digest(&self) -> Option<FileDigest> {
        let seen = self.seen.as_ref().filter(|seen| seen.range() == (0..self.plan.size));
        let told = match &self.agreement {
            Agreement::Reached(agreed) => agreed.whole.clone(),
            Agreement::Open | Agreement::Refused => None,
        };
        seen.map(Seen::digest).or(told)
    }
}
