//! Temporary directories: where the server refuses temporary names, the bytes go to a file with the final
//! name in a directory that is made for it. The directory is removed once the upload has ended, unless it
//! holds a file that the upload reports.

use super::{removal::Remnant, temporary};
use crate::{
    client::Client, error::Error, path::RemotePath, pool::ManagedClient, transcript::Status,
};

/// The temporary directories of one upload that may be on the server.
#[derive(Debug, Default)]
pub(super) struct TemporaryDirectories(Vec<TemporaryDirectory>);

#[derive(Debug)]
struct TemporaryDirectory {
    path: RemotePath,
    state: State,
}

/// Whether a temporary directory is on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It may be: the reply to its `MKD` was lost, or an earlier upload made it.
    Unknown,
    /// The server made it for this upload.
    Made,
}

impl TemporaryDirectories {
    /// Notes the part file of an earlier upload, which may be in a temporary directory.
    pub(super) fn note_given(&mut self, part: &RemotePath) {
        if let Some(path) = temporary::directory_of(part) {
            self.0.push(TemporaryDirectory { path, state: State::Unknown });
        }
    }

    /// Makes the directory of a file that is to be written or renamed to `path`, if that is in a temporary
    /// one. Returns the path to use, since the server may have given the directory another name.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses. A directory that is there already is another
    /// client's, unless this upload, or the one that it resumes, may have made it.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped. The directory is removed
    /// at the end.
    pub(super) async fn make_for(
        &mut self,
        client: &mut Client,
        path: &RemotePath,
    ) -> Result<RemotePath, Error> {
        let (Some(directory), Some(name)) = (temporary::directory_of(path), path.file_name())
        else {
            return Ok(path.clone());
        };
        match self.0.iter().rposition(|known| known.path == directory) {
            Some(at) => {
                if self.0[at].state == State::Unknown {
                    client.make_directory(&directory).await?;
                    self.0[at].state = State::Made;
                }
                Ok(path.clone())
            }
            None => Ok(self.make_new(client, directory).await?.join(&name)),
        }
    }

    async fn make_new(
        &mut self,
        client: &mut Client,
        directory: RemotePath,
    ) -> Result<RemotePath, Error> {
        client.log(Status::MakingTemporaryDirectory { path: directory.to_string() });
        // Before the command: its reply may be lost.
        self.0.push(TemporaryDirectory { path: directory.clone(), state: State::Unknown });
        match client.make_new_directory(&directory).await {
            Ok(named) => {
                self.0.pop();
                self.0.push(TemporaryDirectory { path: named.clone(), state: State::Made });
                Ok(named)
            }
            Err(error) => {
                if error.refusal().is_some() {
                    self.0.pop();
                }
                Err(error)
            }
        }
    }

    /// Removes the directories at the end of the upload, except those that hold one of the `reported`
    /// files. Returns those that may still be there. Takes at most
    /// [`Timeouts::abort`](crate::Timeouts::abort) for each.
    pub(super) async fn remove(
        self,
        client: &mut ManagedClient,
        reported: &[RemotePath],
    ) -> Vec<RemotePath> {
        let mut kept = Vec::new();
        for TemporaryDirectory { path, .. } in self.0 {
            if reported.iter().any(|file| file.parent().as_ref() == Some(&path)) {
                continue;
            }
            if !Remnant::TemporaryDirectory(&path).try_remove(client).await {
                kept.push(path);
            }
        }
        kept
    }
}
