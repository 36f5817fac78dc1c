//! Files and directories on the server: listed, made, renamed and deleted as the page asks.

use std::pin::pin;

use ftps::{Listing, ManagedClient, Obstacle, Pool, PooledClient, RemotePath, Renamed, TreeLimits};
use protocol::{
    Problem, ServerMessage,
    server::{EntryKind, Tally},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::words;
use crate::{settings::Settings, speech::Speech};

/// What it takes to look at something on the server, or to change it.
#[derive(Clone, Copy, Debug)]
pub struct Remote<'a> {
    /// Where the FTPS session comes from.
    pub pool: &'a Pool,
    /// Limits.
    pub settings: &'a Settings,
    /// What problems are said in.
    pub speech: Speech,
    /// Cancelled when the link ends: what is under way stops where it is.
    pub hang_up: &'a CancellationToken,
}

/// Nothing was deleted.
#[must_use]
pub fn not_deleted(path: String, problem: Problem) -> ServerMessage {
    let deleted = Tally::default();
    ServerMessage::NotDeleted { path, problem, not_empty: false, deleted, left: None }
}

impl Remote<'_> {
    /// Lists a directory.
    pub async fn list(self, path: String) -> ServerMessage {
        match self.try_list(&path).await {
            Ok((directory, listing)) => words::listing(&directory, &listing),
            Err(problem) => ServerMessage::ListingFailed { path, problem },
        }
    }

    async fn try_list(self, path: &str) -> Result<(RemotePath, Listing), Problem> {
        let (mut lease, home) = self.line().await?;
        let directory = words::absolute_path(&home, path, self.speech)?;
        let listing = self.unless_over(async { lease.client().await?.list(&directory).await });
        let listing = listing.await?.map_err(|error| self.problem(&error))?;
        Ok((directory, listing))
    }

    /// Makes a directory and those above it.
    pub async fn make_directory(self, path: String) -> ServerMessage {
        match self.try_make_directory(&path).await {
            Ok(()) => ServerMessage::DirectoryMade { path },
            Err(problem) => ServerMessage::MakeDirectoryFailed { path, problem },
        }
    }

    async fn try_make_directory(self, path: &str) -> Result<(), Problem> {
        let (mut lease, home) = self.line().await?;
        let directory = words::absolute_path(&home, path, self.speech)?;
        let made = async { lease.client().await?.make_directories(&directory).await };
        self.to_its_end(made).await?.map_err(|error| self.problem(&error))
    }

    /// Removes what an upload left behind, and nothing else.
    pub async fn remove(self, path: String) -> ServerMessage {
        match self.try_remove(&path).await {
            Ok(()) => ServerMessage::Removed { path },
            Err(problem) => ServerMessage::RemoveFailed { path, problem },
        }
    }

    /// The same without a word: what stays shows in a listing.
    pub async fn tidy_up(self, path: &str) {
        let _stays = self.try_remove(path).await;
    }

    async fn try_remove(self, path: &str) -> Result<(), Problem> {
        let (mut lease, home) = self.line().await?;
        let leftover = words::leftover_path(&home, path, self.speech)?;
        let removed = self.to_its_end(lease.remove(&leftover)).await?;
        removed.map_err(|error| self.problem(&error))
    }

    /// Gives a file or a directory another name, unless that is taken.
    pub async fn rename(self, from: String, to: String) -> ServerMessage {
        match self.try_rename(&from, &to).await {
            Ok(()) => ServerMessage::Renamed { from, to },
            Err(problem) => ServerMessage::NotRenamed { from, to, problem },
        }
    }

    async fn try_rename(self, from: &str, to: &str) -> Result<(), Problem> {
        let (mut lease, home) = self.line().await?;
        let (old, new) =
            (changeable(&home, from, self.speech)?, words::tidy_path(&home, to, self.speech)?);
        if is_within(&new, &old) && new != old {
            return Err(self.speech.moved_into_itself(from, to));
        }
        let renamed = async { lease.client().await?.rename_to_free(&old, &new).await };
        match self.to_its_end(renamed).await?.map_err(|error| self.problem(&error))? {
            Renamed::Done => Ok(()),
            Renamed::Taken => Err(self.speech.name_taken(to)),
            Renamed::NotKept => Err(self.speech.name_not_kept()),
        }
    }

    /// Deletes a file, or a directory that is empty or goes with everything in it.
    pub async fn delete(self, path: String, kind: EntryKind, recursive: bool) -> ServerMessage {
        let done = match (kind, recursive) {
            (EntryKind::Directory, true) => self.delete_tree(&path).await,
            (EntryKind::Directory, false) => self.delete_directory(&path).await,
            (EntryKind::File | EntryKind::Other, _) => self.delete_file(&path).await,
        };
        match done {
            Ok(deleted) => ServerMessage::Deleted { path, deleted },
            Err(stopped) => {
                let Stopped { problem, not_empty, deleted, left } = *stopped;
                ServerMessage::NotDeleted { path, problem, not_empty, deleted, left }
            }
        }
    }

    async fn delete_file(self, path: &str) -> Result<Tally, Box<Stopped>> {
        let (mut lease, file) = self.line_for(path).await?;
        let deleted = async { lease.client().await?.delete(&file).await };
        self.to_its_end(deleted).await?.map_err(|error| self.problem(&error))?;
        Ok(Tally { files: 1, directories: 0 })
    }

    async fn delete_directory(self, path: &str) -> Result<Tally, Box<Stopped>> {
        let (mut lease, directory) = self.line_for(path).await?;
        let removed = self.to_its_end(remove_directory(&mut lease, &directory)).await?;
        match removed {
            Ok(()) => Ok(Tally { files: 0, directories: 1 }),
            Err((error, not_empty)) => {
                let problem = self.problem(&error);
                let problem =
                    if not_empty { self.speech.not_empty(problem, path) } else { problem };
                Err(Box::new(Stopped { not_empty, ..Stopped::from(problem) }))
            }
        }
    }

    async fn delete_tree(self, path: &str) -> Result<Tally, Box<Stopped>> {
        let (mut lease, home) = self.line().await?;
        let directory = changeable(&home, path, self.speech)?;
        let limits = TreeLimits {
            entries: u64::from(self.settings.max_deleted_entries),
            bytes: self.settings.max_listing.0,
        };
        let client = self.unless_over(lease.client()).await?;
        let client = client.map_err(|error| self.problem(&error))?;
        // It ends by itself when the link does, and says how far it came.
        let deleted = client.delete_tree(&directory, limits, self.hang_up).await;
        match deleted {
            Ok(tally) => Ok(words::tally(tally)),
            Err(stopped) => {
                let problem = self.tree_problem(&stopped);
                let (deleted, left) = (words::tally(stopped.deleted), stopped.left);
                Err(Box::new(Stopped {
                    deleted,
                    left: left.map(words::tally),
                    ..Stopped::from(problem)
                }))
            }
        }
    }

    fn tree_problem(self, stopped: &ftps::NotDeleted) -> Problem {
        match &stopped.obstacle {
            Obstacle::NotADirectory => self.speech.not_a_directory(&stopped.at),
            Obstacle::TooGreat => {
                self.speech.too_much_to_delete(&stopped.at, self.settings.max_deleted_entries)
            }
            Obstacle::NameNotKept => self.speech.name_not_kept(),
            Obstacle::Failed(error) => self.speech.stopped_at(self.problem(error), &stopped.at),
            Obstacle::Cancelled => self.speech.stopped_at(self.speech.not_connected(), &stopped.at),
        }
    }

    /// A line for what may be renamed and deleted, and its path.
    async fn line_for(self, path: &str) -> Result<(PooledClient, RemotePath), Problem> {
        let (mut lease, home) = self.line().await?;
        let changed = changeable(&home, path, self.speech)?;
        let client = self.unless_over(lease.client()).await?;
        match client.map_err(|error| self.problem(&error))?.keeps_name(&changed) {
            true => Ok((lease, changed)),
            false => Err(self.speech.name_not_kept()),
        }
    }

    /// A line that is logged in, and the directory that the login opened.
    async fn line(self) -> Result<(PooledClient, RemotePath), Problem> {
        let line = async {
            let mut lease = self.pool.lease_for_errand().await;
            let home = words::directory(lease.client().await?);
            Ok((lease, home))
        };
        self.unless_over(line).await?.map_err(|error| self.problem(&error))
    }

    /// What changes nothing is dropped when the link ends. Where that was in the middle of a
    /// command, the client is out of step, and the pool ends anyway.
    async fn unless_over<T>(self, work: impl Future<Output = T>) -> Result<T, Problem> {
        tokio::select! {
            biased;
            () = self.hang_up.cancelled() => Err(self.speech.not_connected()),
            done = work => Ok(done),
        }
    }

    /// What changes something is brought to its end, as what was said cannot be unsaid, and the
    /// page is to hear what became of it. When the link ends, the server has `cancel_timeout` left.
    async fn to_its_end<T>(self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let mut work = pin!(work);
        let limit = self.settings.cancel_timeout;
        tokio::select! {
            done = &mut work => return Ok(done),
            () = self.hang_up.cancelled() => {}
        }
        timeout(limit, work).await.map_err(|_| self.speech.left_open(limit))
    }

    fn problem(self, error: &ftps::Error) -> Problem {
        self.speech.engine(error)
    }
}

/// A delete that came to nothing, or not to its end.
struct Stopped {
    problem: Problem,
    not_empty: bool,
    deleted: Tally,
    left: Option<Tally>,
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self { problem, not_empty: false, deleted: Tally::default(), left: None }
    }
}

impl From<Problem> for Box<Stopped> {
    fn from(problem: Problem) -> Self {
        Self::new(problem.into())
    }
}

/// Removes an empty directory. With the error comes whether there is something in it: servers say
/// that with the same code as everything else.
async fn remove_directory(
    line: &mut ManagedClient,
    directory: &RemotePath,
) -> Result<(), (ftps::Error, bool)> {
    let client = line.client().await.map_err(|error| (error, false))?;
    let Err(error) = client.remove_directory(directory).await else { return Ok(()) };
    if error.reply().is_none() || !client.is_usable() {
        return Err((error, false));
    }
    let holds = match client.list(directory).await {
        Ok(listing) => !listing.entries.is_empty() || listing.left_out > 0,
        // Whoever may not look into it learns why it stays.
        Err(_) => false,
    };
    Err((error, holds))
}

/// A path whose file or directory may be renamed and deleted.
fn changeable(home: &RemotePath, path: &str, speech: Speech) -> Result<RemotePath, Problem> {
    let changed = words::tidy_path(home, path, speech)?;
    match is_within(&words::tidied(home), &changed) {
        true => Err(speech.not_to_be_changed(path)),
        false => Ok(changed),
    }
}

/// Whether a path is `directory`, or below it; both tidy.
fn is_within(path: &RemotePath, directory: &RemotePath) -> bool {
    let directory = directory.as_bytes().strip_suffix(b"/").unwrap_or(directory.as_bytes());
    let rest = path.as_bytes().strip_prefix(directory);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH: Speech = Speech::new(ftps::Language::English);

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text).unwrap()
    }

    #[test]
    fn neither_the_root_nor_what_holds_the_directory_of_the_login_is_changed() {
        let home = path("/home/ada/");
        for refused in ["", "/", ".", "./", "//", "/home", "/home/./ada", "/home//ada/", "../bob"] {
            assert!(changeable(&home, refused, SPEECH).is_err(), "{refused}");
        }
        for (given, meant) in
            [("a", "/home/ada/a"), ("a/./b//", "/home/ada/a/b"), ("/home/ad", "/home/ad")]
        {
            assert_eq!(changeable(&home, given, SPEECH).unwrap(), path(meant));
        }
        assert_eq!(changeable(&RemotePath::root(), "a", SPEECH).unwrap(), path("/a"));
    }

    #[test]
    fn name_that_is_not_shown_exactly_is_refused() {
        for name in ["a\u{fffd}b", "a\r\nDELE b", "a\0"] {
            let problem = changeable(&RemotePath::root(), name, SPEECH).unwrap_err();
            assert!(problem.remedy.is_some(), "{problem:?}");
        }
    }

    #[test]
    fn directory_is_within_itself_and_not_within_its_namesake() {
        assert!(is_within(&path("/a"), &path("/a")));
        assert!(is_within(&path("/a/b"), &path("/a")));
        assert!(is_within(&path("/a"), &RemotePath::root()));
        assert!(!is_within(&path("/ab"), &path("/a")));
        assert!(!is_within(&path("/"), &path("/a")));
    }
}
