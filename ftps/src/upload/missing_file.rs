//! Finds out what became of a file that the server confirmed and does not show under its name.

use super::{Run, Source, UploadError, finalize::Finalized, part_file::Name};
use crate::{
    client::{Client, ListedName},
    digest::Verified,
    error::{Error, Kind},
    path::RemotePath,
    profile::{PartNames, StoredFiles},
    stage::Stage,
    transcript::Status,
};

/// What became of a file that the server confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// It has another name, which begins with its own: the server counts files of one name, or marks
    /// complete ones.
    StoredAs(RemotePath),
    /// It is not in its directory.
    Taken,
    /// The server does not tell.
    Unknown,
}

impl<S: Source> Run<'_, S> {
    /// Decides how an upload ends whose file is not under the name that it was written to. `error` is
    /// returned if the server does not tell what became of it.
    pub(super) async fn find_missing(
        &mut self,
        client: &mut Client,
        name: &Name,
        error: Error,
    ) -> Result<Finalized, UploadError<S::Error>> {
        match locate(client, name, self.plan.size).await? {
            Located::StoredAs(stored) => Err(self.stored_elsewhere(client, name, stored).into()),
            Located::Taken => {
                self.learn_taken(client, name);
                Ok(match name {
                    Name::InPlace(..) => {
                        Finalized::Named { verified: Verified::ReplyOnly, prefetched: None }
                    }
                    Name::Temporary(_) => Finalized::NamesLearned,
                })
            }
            Located::Unknown => Err(error.into()),
        }
    }

    /// Notes that the server takes files away at the end of their transfer. A part file has not its final
    /// name: the next attempt writes to that.
    pub(super) fn learn_taken(&mut self, client: &Client, name: &Name) {
        client.profile().learn_expiring(|profile| {
            profile.stored_files = StoredFiles::Taken;
            profile.part_names = PartNames::Final;
        });
        let path = name.path().to_string();
        match name {
            Name::InPlace(..) => client.log(Status::FileTaken { path }),
            Name::Temporary(_) => {
                client.log(Status::PartFileTaken { path });
                self.part.forget();
            }
        }
    }

    /// The error about a file that the server stored under another name. A part file's name is random, so
    /// that the file is this upload's, and is deleted.
    pub(super) fn stored_elsewhere(
        &mut self,
        client: &Client,
        name: &Name,
        stored: RemotePath,
    ) -> Error {
        let kind =
            Kind::StoredElsewhere { path: name.path().to_string(), stored: stored.to_string() };
        if let Name::Temporary(_) = name {
            self.not_deleted.push(stored);
        }
        client.error(kind, Stage::Verify)
    }
}

/// Looks for a file of `size` bytes in its directory.
pub(super) async fn locate(client: &mut Client, name: &Name, size: u64) -> Result<Located, Error> {
    let path = name.path();
    let (Some(parent), Some(own)) = (path.parent(), path.file_name()) else {
        return Ok(Located::Unknown);
    };
    let Some(others) = client.all_names(&parent).await? else { return Ok(Located::Unknown) };
    if others.iter().any(|other| other.name == own) {
        return Ok(Located::Unknown);
    }
    // The disk may ignore case and Unicode form.
    let folded = own.folded();
    let is_own = |other: &&ListedName| {
        let other_folded = other.name.folded();
        let Some(added) = other_folded.strip_prefix(&folded) else { return false };
        match name {
            // No other file has a name that begins with random digits.
            Name::Temporary(_) => true,
            Name::InPlace(..) => may_be_added(added, other.size, size),
        }
    };
    let is_same = |other: &ListedName| other.name.folded() == folded;
    Ok(match others.iter().find(|other| !is_same(other) && is_own(other)) {
        Some(other) => Located::StoredAs(parent.join(&other.name)),
        None if others.iter().any(is_same) => Located::Unknown,
        None => Located::Taken,
    })
}

/// Whether a server may have added this text to the name of a file of `size` bytes: a count, such as `.1`,
/// `;1` or ` (1)`; or any mark after a dot or the like if the listing shows that size.
///
/// A file of another upload has a longer name too, such as `report2` beside `report`. Some servers list the
/// size of a new file late: a counted name may have less than `size`.
fn may_be_added(added: &str, listed: Option<u64>, size: u64) -> bool {
    let is_mark = added.starts_with(|first: char| !first.is_alphanumeric());
    let count = added.trim_matches(|end: char| !end.is_alphanumeric());
    let is_count = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let has_size = match is_count {
        true => listed.is_none_or(|listed| listed <= size),
        false => listed == Some(size),
    };
    is_mark && has_size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_servers_add_to_a_name_counts() {
        for count in [".1", ";1", " (2)", "_12", "~3", "-4"] {
            for listed in [None, Some(7), Some(0)] {
                assert!(may_be_added(count, listed, 7), "{count} {listed:?}");
            }
            assert!(!may_be_added(count, Some(8), 7), "{count}");
        }
        for mark in [".received", ".2025-01-31t12"] {
            assert!(may_be_added(mark, Some(7), 7), "{mark}");
            assert!(!may_be_added(mark, None, 7), "{mark}");
            assert!(!may_be_added(mark, Some(0), 7), "{mark}");
        }
        for other in ["2", "s", "s.1"] {
            assert!(!may_be_added(other, None, 7), "{other}");
            assert!(!may_be_added(other, Some(7), 7), "{other}");
        }
    }
}
