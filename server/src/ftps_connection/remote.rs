//! Lists, makes, renames and deletes files and directories on the server, as the page requests.

use std::pin::pin;

use ftps::{
    DeleteTreeReason, Listing, ManagedClient, Pool, PooledClient, RemotePath, Renamed, Stage,
    TreeLimits,
};
use protocol::{
    Problem, ServerMessage,
    server::{DeletedCounts, EntryKind},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    RemoteRequest, not_connected,
    problems::{
        delete_stopped_at, directory_not_empty, leads_elsewhere, listing_hidden, moved_into_itself,
        name_may_be_taken, name_not_kept, name_taken, named_twice, not_a_directory, result_unknown,
        too_much_to_delete,
    },
};
use crate::{
    audit::Entry,
    convert,
    outbox::Outbox,
    path_claims::ServerClaims,
    problems::ProblemBuilder,
    remote_path::{self, PathRefusal},
    settings::Settings,
};

/// The files and directories on the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct RemoteFiles<'a> {
    /// The FTPS sessions.
    pub(super) pool: &'a Pool,
    /// The paths on the server that uploads write to.
    pub(super) claims: &'a ServerClaims,
    /// The limits and timeouts.
    pub(super) settings: &'a Settings,
    /// The language of the problems.
    pub(super) problems: ProblemBuilder,
    /// Cancelled when the connection closes: then the work under way stops.
    pub(super) disconnect: &'a CancellationToken,
}

/// Returns the directory that the login opened, or the root where the server does not report it.
pub(super) fn login_directory(client: &ftps::Client) -> RemotePath {
    client.facts().initial_directory.clone().unwrap_or_else(RemotePath::root)
}

impl RemoteFiles<'_> {
    /// Executes a request and returns its answer.
    pub(super) async fn run(self, request: RemoteRequest) -> Answer {
        let message = match request {
            RemoteRequest::List { path } => return self.list(path).await,
            RemoteRequest::MakeDirectory { path } => self.make_directory(path).await,
            RemoteRequest::Remove { path } => self.remove(path).await,
            RemoteRequest::Rename { from, to } => self.rename(from, to).await,
            RemoteRequest::Delete { path, kind, recursive } => {
                self.delete(path, kind, recursive).await
            }
            RemoteRequest::Cleanup { path } => {
                // A file that stays shows in a listing.
                let _stays = self.try_remove(&path).await;
                return Answer::None;
            }
        };
        Answer::Message(Box::new(message))
    }

    async fn list(self, path: String) -> Answer {
        match self.try_list(&path).await {
            Ok((directory, Listed::Shown(listing))) => Answer::Listing(directory, listing),
            Ok((directory, Listed::Hidden(refusal))) => {
                let path = directory.display().into_owned();
                let problem = listing_hidden(self.problems, self.problem(&refusal), &directory);
                Answer::Message(Box::new(ServerMessage::ListingHidden { path, problem }))
            }
            Err(problem) => {
                Answer::Message(Box::new(ServerMessage::ListingFailed { path, problem }))
            }
        }
    }

    /// Lists a directory. One that may be entered but not listed can be uploaded to.
    async fn try_list(self, path: &str) -> Result<(RemotePath, Listed), Problem> {
        let (mut client, home) = self.lease().await?;
        let directory = self.parsed(remote_path::absolute(&home, path))?;
        let listing = async { list(client.client().await?, &directory).await };
        let listing = self.until_disconnected(listing).await?;
        Ok((directory, listing.map_err(|error| self.problem(&error))?))
    }

    async fn make_directory(self, path: String) -> ServerMessage {
        match self.try_make_directory(&path).await {
            Ok(()) => ServerMessage::DirectoryMade { path },
            Err(problem) => ServerMessage::MakeDirectoryFailed { path, problem },
        }
    }

    /// Makes a directory and its parents.
    async fn try_make_directory(self, path: &str) -> Result<(), Problem> {
        let (mut client, home) = self.lease().await?;
        let directory = self.parsed(remote_path::absolute(&home, path))?;
        let made = async { client.client().await?.make_directories(&directory).await };
        self.to_completion(made).await?.map_err(|error| self.problem(&error))
    }

    async fn remove(self, path: String) -> ServerMessage {
        match self.try_remove(&path).await {
            Ok(()) => ServerMessage::Removed { path },
            Err(problem) => ServerMessage::RemoveFailed { path, problem },
        }
    }

    /// Removes a part file, and no other file.
    async fn try_remove(self, path: &str) -> Result<(), Problem> {
        let (mut client, home) = self.lease().await?;
        let leftover = self.parsed(remote_path::leftover(&home, path))?;
        let removed = self.to_completion(ftps::upload::remove(&mut client, &leftover)).await?;
        removed.map_err(|error| self.problem(&error))
    }

    async fn rename(self, from: String, to: String) -> ServerMessage {
        match self.try_rename(&from, &to).await {
            Ok(()) => ServerMessage::Renamed { from, to },
            Err(problem) => ServerMessage::NotRenamed { from, to, problem },
        }
    }

    /// Renames a file or a directory, unless the new name is taken.
    async fn try_rename(self, from: &str, to: &str) -> Result<(), Problem> {
        let (mut client, home) = self.lease().await?;
        let old = self.parsed(remote_path::changeable(&home, from))?;
        let new = self.parsed(remote_path::normalized(&home, to))?;
        if remote_path::is_within(&new, &old) && new != old {
            return Err(moved_into_itself(self.problems, from, to));
        }
        // The name would be free until the upload that writes to it ends.
        let Some(_claim) = self.claims.try_claim(&new) else {
            return Err(name_taken(self.problems, to));
        };
        let renamed = async { client.client().await?.rename_to_free(&old, &new).await };
        match self.to_completion(renamed).await?.map_err(|error| self.problem(&error))? {
            Renamed::Done => Ok(()),
            Renamed::Taken => Err(name_taken(self.problems, to)),
            Renamed::MayBeTaken => Err(name_may_be_taken(self.problems, to)),
            Renamed::NotKept => Err(name_not_kept(self.problems)),
        }
    }

    async fn delete(self, path: String, kind: EntryKind, recursive: bool) -> ServerMessage {
        let deleted = match (kind, recursive) {
            (EntryKind::Directory, true) => self.delete_tree(&path).await,
            (EntryKind::Directory, false) => self.delete_directory(&path).await,
            (EntryKind::File | EntryKind::Other, _) => self.delete_file(&path).await,
        };
        match deleted {
            Ok(deleted) => ServerMessage::Deleted { path, deleted },
            Err(failed) => {
                let DeleteFailed { problem, not_empty, deleted, left } = *failed;
                ServerMessage::NotDeleted { path, problem, not_empty, deleted, left }
            }
        }
    }

    async fn delete_file(self, path: &str) -> Result<DeletedCounts, Box<DeleteFailed>> {
        let (mut client, file) = self.lease_for(path).await?;
        let deleted = async { client.client().await?.delete(&file).await };
        self.to_completion(deleted).await?.map_err(|error| self.problem(&error))?;
        Ok(DeletedCounts { files: 1, directories: 0 })
    }

    async fn delete_directory(self, path: &str) -> Result<DeletedCounts, Box<DeleteFailed>> {
        let (mut client, directory) = self.lease_for(path).await?;
        let removed = self.to_completion(remove_directory(&mut client, &directory)).await?;
        let Err(RemoveDirectoryError { error, not_empty }) = removed else {
            return Ok(DeletedCounts { files: 0, directories: 1 });
        };
        let problem = self.problem(&error);
        let problem = match not_empty {
            true => directory_not_empty(self.problems, problem, path),
            false => problem,
        };
        Err(Box::new(DeleteFailed { not_empty, ..DeleteFailed::from(problem) }))
    }

    async fn delete_tree(self, path: &str) -> Result<DeletedCounts, Box<DeleteFailed>> {
        let (mut client, home) = self.lease().await?;
        let directory = self.parsed(remote_path::changeable(&home, path))?;
        let limits = TreeLimits {
            entries: u64::from(self.settings.max_deleted_entries),
            bytes: self.settings.max_listing.0,
        };
        let client = self.until_disconnected(client.client()).await?;
        let client = client.map_err(|error| self.problem(&error))?;
        // It stops by itself when the connection closes, and reports what was deleted.
        let deleted = client.delete_tree(&directory, limits, self.disconnect).await;
        deleted.map(convert::deleted_counts).map_err(|stopped| {
            let problem = self.tree_problem(&stopped);
            Box::new(DeleteFailed {
                deleted: convert::deleted_counts(stopped.deleted),
                left: stopped.left.map(convert::deleted_counts),
                ..DeleteFailed::from(problem)
            })
        })
    }

    fn tree_problem(self, stopped: &ftps::DeleteTreeError) -> Problem {
        match &stopped.reason {
            DeleteTreeReason::NotADirectory => not_a_directory(self.problems, &stopped.at),
            DeleteTreeReason::NamedTwice => named_twice(self.problems, &stopped.at),
            DeleteTreeReason::LeadsElsewhere => leads_elsewhere(self.problems, &stopped.at),
            DeleteTreeReason::TooLarge => {
                too_much_to_delete(self.problems, &stopped.at, self.settings.max_deleted_entries)
            }
            DeleteTreeReason::NameNotKept => name_not_kept(self.problems),
            DeleteTreeReason::Failed(error) => {
                delete_stopped_at(self.problems, self.problem(error), &stopped.at)
            }
            DeleteTreeReason::Cancelled => {
                delete_stopped_at(self.problems, not_connected(self.problems), &stopped.at)
            }
        }
    }

    /// Waits for an FTPS session, and parses the path of what is to be deleted.
    async fn lease_for(self, path: &str) -> Result<(PooledClient, RemotePath), Problem> {
        let (mut leased, home) = self.lease().await?;
        let changed = self.parsed(remote_path::changeable(&home, path))?;
        let client = self.until_disconnected(leased.client()).await?;
        match client.map_err(|error| self.problem(&error))?.keeps_name(&changed) {
            true => Ok((leased, changed)),
            false => Err(name_not_kept(self.problems)),
        }
    }

    /// Waits for an FTPS session that is logged in, and returns it with the directory that the
    /// login opened.
    async fn lease(self) -> Result<(PooledClient, RemotePath), Problem> {
        let leased = async {
            let mut client = self.pool.lease_for_request().await;
            let home = login_directory(client.client().await?);
            Ok((client, home))
        };
        self.until_disconnected(leased).await?.map_err(|error| self.problem(&error))
    }

    /// Awaits work that changes nothing; it is dropped when the connection closes. In the middle of
    /// a command, that leaves the client out of step, but the pool closes anyway.
    async fn until_disconnected<T>(self, work: impl Future<Output = T>) -> Result<T, Problem> {
        tokio::select! {
            biased;
            () = self.disconnect.cancelled() => Err(not_connected(self.problems)),
            done = work => Ok(done),
        }
    }

    /// Awaits work that changes something, to its end: a command that was sent cannot be
    /// undone, and the page needs its result. When the connection closes, the server has
    /// `cancel_timeout` left.
    async fn to_completion<T>(self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let mut work = pin!(work);
        let limit = self.settings.cancel_timeout;
        tokio::select! {
            done = &mut work => return Ok(done),
            () = self.disconnect.cancelled() => {}
        }
        timeout(limit, work).await.map_err(|_| result_unknown(self.problems, limit))
    }

    fn parsed(self, path: Result<RemotePath, PathRefusal>) -> Result<RemotePath, Problem> {
        path.map_err(|refusal| refusal.problem(self.problems))
    }

    fn problem(self, error: &ftps::Error) -> Problem {
        self.problems.engine(error)
    }
}

/// What is known of a directory.
enum Listed {
    Shown(Listing),
    /// The server refused to list it, with this error, but the session can enter it.
    Hidden(ftps::Error),
}

async fn list(client: &mut ftps::Client, directory: &RemotePath) -> Result<Listed, ftps::Error> {
    let error = match client.list(directory).await {
        Ok(listing) => return Ok(Listed::Shown(listing)),
        Err(error) => error,
    };
    let is_refused =
        error.stage() == Stage::List && error.is_permanent() && error.reply().is_some();
    match is_refused && client.is_usable() && client.can_enter(directory).await? {
        true => Ok(Listed::Hidden(error)),
        false => Err(error),
    }
}

/// The answer to a request.
pub(super) enum Answer {
    /// The request has no answer.
    None,
    Message(Box<ServerMessage>),
    /// A listing of a directory. Its message is built when its greatest length is known.
    Listing(RemotePath, Listing),
}

impl Answer {
    /// Returns the entry of the audit, if the request changes something on the server.
    pub(super) fn audited(&self) -> Option<Entry> {
        match self {
            Self::None | Self::Listing(..) => None,
            Self::Message(message) => Entry::of(message),
        }
    }

    /// Sends the answer.
    pub(super) async fn send(self, outbox: &Outbox) {
        match self {
            Self::None => {}
            Self::Message(message) => outbox.send(*message).await,
            Self::Listing(directory, listing) => {
                outbox.send_built(|max| convert::listing(&directory, listing, max)).await;
            }
        }
    }
}

/// A delete that failed or stopped in the middle.
struct DeleteFailed {
    problem: Problem,
    not_empty: bool,
    deleted: DeletedCounts,
    left: Option<DeletedCounts>,
}

impl From<Problem> for DeleteFailed {
    fn from(problem: Problem) -> Self {
        Self { problem, not_empty: false, deleted: DeletedCounts::default(), left: None }
    }
}

impl From<Problem> for Box<DeleteFailed> {
    fn from(problem: Problem) -> Self {
        Self::new(problem.into())
    }
}

/// A directory was not removed.
struct RemoveDirectoryError {
    error: ftps::Error,
    /// Whether there is something in it. Servers reply with the same code to every failure.
    not_empty: bool,
}

impl From<ftps::Error> for RemoveDirectoryError {
    fn from(error: ftps::Error) -> Self {
        Self { error, not_empty: false }
    }
}

/// Removes an empty directory.
async fn remove_directory(
    client: &mut ManagedClient,
    directory: &RemotePath,
) -> Result<(), RemoveDirectoryError> {
    let client = client.client().await?;
    let Err(error) = client.remove_directory(directory).await else { return Ok(()) };
    if error.reply().is_none() || !client.is_usable() {
        return Err(error.into());
    }
    let not_empty = match client.list(directory).await {
        Ok(listing) => !listing.entries.is_empty() || listing.left_out > 0,
        // A user who may not list the directory gets the server's reply alone.
        Err(_) => false,
    };
    Err(RemoveDirectoryError { error, not_empty })
}
