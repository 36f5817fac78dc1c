//! Removes files that uploads left on the server.

use tokio::time::timeout;

use super::{Run, Source, part_file::PartFile, remove_file};
use crate::{
    client::{Client, size::is_denial},
    error::Error,
    path::RemotePath,
    pool::ManagedClient,
    reply::Code,
};

/// How often the deletion of a file is sent where connections break.
const MAX_DELETE_ATTEMPTS: u32 = 3;

impl<S: Source> Run<'_, S> {
    /// Removes an abandoned part file. One that may be adopted stays until the new file is stored.
    pub(super) async fn remove_abandoned(&mut self, client: &mut Client) -> Result<(), Error> {
        if let PartFile::Abandoned(part) = &self.part {
            let name = part.name.path().clone();
            if part.may_be_adopted() {
                self.old_files.push(name);
                self.part = PartFile::Unnamed;
                return Ok(());
            }
            match client.delete(&name).await {
                // It stays abandoned, and the next attempt removes it.
                Err(error) if error.refusal().is_none() => return Err(error),
                Err(error) if !is_gone(&error) => self.not_deleted.push(name),
                _gone => (),
            }
            self.part = PartFile::Unnamed;
        }
        Ok(())
    }

    /// Tries again to delete the files that the server did not delete: one was locked, or the
    /// connection broke. Returns those that may still be there. Takes at most
    /// [`Timeouts::abort`](crate::Timeouts::abort) for each file.
    pub(super) async fn delete_again(&mut self, client: &mut ManagedClient) -> Vec<RemotePath> {
        let mut kept = std::mem::take(&mut self.not_deleted);
        for path in std::mem::take(&mut kept) {
            if !Remnant::File(&path).try_remove(client).await {
                kept.push(path);
            }
        }
        kept
    }
}

/// What an upload left on the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Remnant<'a> {
    File(&'a RemotePath),
    TemporaryDirectory(&'a RemotePath),
}

impl Remnant<'_> {
    async fn remove(self, client: &mut ManagedClient) -> Result<(), Error> {
        match self {
            Self::File(path) => remove_file(client, path).await,
            Self::TemporaryDirectory(path) => {
                client.client().await?.remove_own_directory(path).await
            }
        }
    }

    /// Removes it, over further sessions where the connection breaks. Takes at most
    /// [`Timeouts::abort`](crate::Timeouts::abort). Returns whether it is known to be gone.
    pub(super) async fn try_remove(self, client: &mut ManagedClient) -> bool {
        let within = client.config().timeouts.abort;
        matches!(timeout(within, self.remove_over_sessions(client)).await, Ok(Ok(())))
    }

    async fn remove_over_sessions(self, client: &mut ManagedClient) -> Result<(), Error> {
        let mut removed = self.remove(client).await;
        for _ in 1..MAX_DELETE_ATTEMPTS {
            match &removed {
                Err(error) if error.refusal().is_none() => removed = self.remove(client).await,
                _answered => break,
            }
        }
        removed
    }
}

/// Whether the reply to `DELE` says that there is no such file. A denial says nothing about the file.
pub(super) fn is_gone(error: &Error) -> bool {
    error.reply().is_some_and(|reply| reply.code() == Code::UNAVAILABLE && !is_denial(reply))
}
