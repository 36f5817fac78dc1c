//! Finds out what became of a file that the server confirmed and does not show under its name.

use super::{Run, Source, UploadError, finalize::Finalized, part_file::Name};
use crate::{
    client::Client,
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
    /// It has another name, which begins with its own.
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
        match locate(client, name.path()).await? {
            Located::StoredAs(stored) => Err(self.stored_elsewhere(client, name, stored).into()),
            Located::Taken => Ok(self.taken(client, name)),
            Located::Unknown => Err(error.into()),
        }
    }

    /// The server takes files away at the end of their transfer. A part file has not its final name: the
    /// next attempt writes to that.
    pub(super) fn taken(&mut self, client: &Client, name: &Name) -> Finalized {
        client.profile().learn_expiring(|profile| {
            profile.stored_files = StoredFiles::Taken;
            profile.part_names = PartNames::Final;
        });
        let path = name.path().to_string();
        match name {
            Name::InPlace(..) => {
                client.log(Status::FileTaken { path });
                Finalized::Named { verified: Verified::ReplyOnly, prefetched: None }
            }
            Name::Temporary(_) => {
                client.log(Status::PartFileTaken { path });
                self.part.forget();
                Finalized::NamesLearned
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

/// Looks for a file in its directory.
pub(super) async fn locate(client: &mut Client, path: &RemotePath) -> Result<Located, Error> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Located::Unknown);
    };
    let Some(names) = client.all_names(&parent).await? else { return Ok(Located::Unknown) };
    // The disk may ignore case and Unicode form.
    let folded = name.folded();
    if names.iter().any(|other| other.folded() == folded) {
        return Ok(Located::Unknown);
    }
    let other = names.iter().find(|other| other.folded().starts_with(&folded));
    Ok(match other {
        Some(other) => Located::StoredAs(parent.join(other)),
        None => Located::Taken,
    })
}
