//! Finds out what a name on the server belongs to: nothing, a file, a directory, or unknown.
//!
//! A name that cannot be seen to be free counts as unknown, never as absent.

use super::{
    Client,
    data::TransferStart,
    size::{Size, is_denial},
    transfer::READ_BYTES,
};
use crate::{
    command::Command,
    error::Error,
    listing::{Entry, EntryKind, parse_facts, parse_time},
    path::{RemotePath, fold},
    profile::{FactsCommand, LoneRnfr, SizeSupport},
    reply::{Reply, Severity},
    stage::Stage,
    transcript::Status,
};

/// A name that no directory has.
const NO_DIRECTORY: &str = "ferryport-0f7c1b52-no-such-directory";

/// The state of a name on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// Nothing has the name.
    Absent,
    /// A file, a directory or something else has it.
    Present {
        /// File, directory or link.
        kind: EntryKind,
        /// Its size in bytes, if the server reports it.
        size: Option<u64>,
        /// Its modification time, in milliseconds since 1970-01-01T00:00:00Z, if the server reports
        /// it.
        modified_millis: Option<i64>,
    },
    /// Something may have the name.
    Unknown {
        /// Why it is unknown.
        reason: UnknownTarget,
    },
}

/// Why the state of a name is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownTarget {
    /// The server answers no command about the name.
    NotReported,
    /// The directory's listing does not show the name, but it is truncated or has unreadable lines.
    IncompleteListing,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedName {
    pub(crate) name: RemotePath,
    /// In bytes, if the listing shows it.
    pub(crate) size: Option<u64>,
}

/// A reply's answer to the question whether something has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    State(TargetState),
    /// The reply does not tell.
    None,
}

impl TargetState {
    const FILE: Self = Self::Present { kind: EntryKind::File, size: None, modified_millis: None };
    const DIRECTORY: Self =
        Self::Present { kind: EntryKind::Directory, size: None, modified_millis: None };
    const NOT_REPORTED: Self = Self::Unknown { reason: UnknownTarget::NotReported };

    /// The size in bytes of the file that has the name, if it is known.
    pub(crate) fn file_size(self) -> Option<u64> {
        match self {
            Self::Present { kind: EntryKind::File, size, .. } => size,
            Self::Present { .. } | Self::Absent | Self::Unknown { .. } => None,
        }
    }

    pub(crate) fn is_directory(self) -> bool {
        matches!(self, Self::Present { kind: EntryKind::Directory, .. })
    }

    fn of_entry(entry: &Entry) -> Self {
        let &Entry { kind, size, modified_millis, .. } = entry;
        Self::Present { kind, size, modified_millis }
    }
}

impl Client {
    /// Evaluates the replies to `SIZE` and `CWD` for the same path.
    ///
    /// `SIZE` refuses directories as it refuses missing files, `CWD` tells them apart.
    pub(crate) fn parse_lookup(
        &mut self,
        path: &RemotePath,
        size: &Reply,
        cwd: Option<&Reply>,
    ) -> TargetState {
        let size = self.parse_size(size);
        if cwd.is_some_and(|reply| reply.code().severity() == Severity::Completion) {
            self.note_directory(path);
            if !matches!(size, Size::Bytes(_)) {
                return TargetState::DIRECTORY;
            }
        }
        match size {
            Size::Bytes(bytes) => TargetState::Present {
                kind: EntryKind::File,
                size: Some(bytes),
                modified_millis: None,
            },
            Size::Missing if self.reports_missing_files() => TargetState::Absent,
            Size::Missing | Size::Unknown => TargetState::NOT_REPORTED,
        }
    }

    /// Looks up a name. The same round trip asks for the size of the part file, if one was written, and
    /// for a data port; if a port is known already, the data connection is opened meanwhile.
    pub(crate) async fn look_up(
        &mut self,
        target: &RemotePath,
        part: Option<&RemotePath>,
    ) -> Result<(TargetState, Size), Error> {
        let port = (!self.has_prefetched()).then(|| self.passive_command());
        // A part file was only written if no directory had the name.
        let cwd = (part.is_none() && self.refuses_cwd_at_once()).then_some(Command::Cwd(target));
        let commands: Vec<_> = [Command::Size(target)]
            .into_iter()
            .chain(cwd)
            .chain(part.map(Command::Size))
            .chain(port)
            .collect();
        let mut replies = self.batch_and_dial(&commands, 0, Stage::Verify).await?;
        if let Some(port) = port
            && let Some(reply) = replies.pop()
        {
            self.keep_prefetched_port(port, reply);
        }
        let [size, rest @ ..] = replies.as_slice() else {
            return Ok((TargetState::NOT_REPORTED, Size::Missing));
        };
        let state = self.parse_lookup(target, size, rest.first().filter(|_| cwd.is_some()));
        let held = match (part, rest.first()) {
            (Some(_), Some(reply)) => self.parse_size(reply),
            _ => Size::Missing,
        };
        Ok((state, held))
    }

    /// Whether a refusal of `SIZE` means that there is no such file.
    pub(crate) fn reports_missing_files(&self) -> bool {
        self.facts.features.size() || self.profile.get().sizes == SizeSupport::Proven
    }

    /// Looks up a name, by every command that the server may answer.
    ///
    /// # Errors
    /// [`Error`] when the session ends.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn target_state(&mut self, path: &RemotePath) -> Result<TargetState, Error> {
        let path = self.absolute(path);
        let commands = [Command::Size(&path), Command::Cwd(&path)];
        let replies = self.control.batch(&commands, Stage::Verify).await?;
        let Some(size) = replies.first() else { return Ok(TargetState::NOT_REPORTED) };
        let state = self.parse_lookup(&path, size, replies.get(1));
        self.complete_lookup(&path, state).await
    }

    /// Whether a `CWD` that fails costs no wait. Pure-FTPd delays its reply by up to a second, which is
    /// more than a small file takes: there a directory is found when the rename is refused.
    pub(crate) fn refuses_cwd_at_once(&self) -> bool {
        !self.facts.banner.mentions("pure-ftpd")
    }

    /// Looks up a name in other ways if `SIZE` and `CWD` did not tell its state.
    pub(crate) async fn complete_lookup(
        &mut self,
        path: &RemotePath,
        state: TargetState,
    ) -> Result<TargetState, Error> {
        match state {
            TargetState::Present { kind: EntryKind::Directory, .. } => {
                // Seldom needed: its size is not added to that of every upload.
                Box::pin(self.confirm_directory(path)).await
            }
            TargetState::Absent | TargetState::Present { .. } => Ok(state),
            TargetState::Unknown { .. } => Box::pin(self.look_up_otherwise(path)).await,
        }
    }

    /// Some servers accept every `CWD`: then it proves nothing.
    async fn confirm_directory(&mut self, path: &RemotePath) -> Result<TargetState, Error> {
        let Ok(missing) = RemotePath::new(NO_DIRECTORY) else { return Ok(TargetState::DIRECTORY) };
        let missing = path.join(&missing);
        let code = self.change_directory(&missing, Stage::Verify).await?;
        match code.severity() == Severity::Completion {
            true => self.look_up_otherwise(path).await,
            false => Ok(TargetState::DIRECTORY),
        }
    }

    /// `MLST`, `MDTM`, the directory's listing, `NLST`, `RNFR` without `RNTO`.
    async fn look_up_otherwise(&mut self, path: &RemotePath) -> Result<TargetState, Error> {
        let features = &self.facts.features;
        let lists_none = features.lines().next().is_none();
        let mlst = self.profile.get().mlst;
        let may_know = |name| {
            (lists_none || features.has(name))
                && (name != "MLST" || mlst == FactsCommand::ByFeatures)
        };
        let commands =
            [(may_know("MLST"), Command::Mlst(path)), (may_know("MDTM"), Command::Mdtm(path))];
        for (_, command) in commands.into_iter().filter(|(may_know, _)| *may_know) {
            let reply = self.control.exchange(command, Stage::Verify).await?;
            if let Answer::State(state) = self.answer(command, &reply, path) {
                return Ok(state);
            }
            if command.verb() == "MLST" && reply.code().is_not_supported() {
                self.profile.learn_expiring(|profile| profile.mlst = FactsCommand::Never);
            }
        }
        let listed = self.state_in_listing(path, None).await?;
        let TargetState::Unknown { reason } = listed else { return Ok(listed) };
        let named = match reason {
            UnknownTarget::IncompleteListing => self.state_in_names(path).await?,
            UnknownTarget::NotReported => listed,
        };
        let TargetState::Unknown { .. } = named else { return Ok(named) };
        if self.is_missing_by_rnfr(path).await? {
            return Ok(TargetState::Absent);
        }
        self.transcript().control(Status::TargetUnknown { path: path.to_string() });
        Ok(named)
    }

    /// Whether the reply to `RNFR` says that nothing has the name. It comes last: after an `RNFR` that
    /// was accepted, some servers refuse every command but `RNTO`, which would rename. `TYPE` shows
    /// that: the session is not used any more then, and no lone `RNFR` is sent again.
    async fn is_missing_by_rnfr(&mut self, path: &RemotePath) -> Result<bool, Error> {
        if self.profile.get().lone_rnfr == LoneRnfr::Never {
            return Ok(false);
        }
        let reply = self.ask_by_rnfr(path).await?;
        Ok(reply.code().is_refusal() && names_missing_file(&reply))
    }

    /// Whether `RNFR` proves that something has the name: the server accepts it for this name, and not
    /// for a name that nothing has.
    pub(crate) async fn is_proven_by_rnfr(&mut self, path: &RemotePath) -> Result<bool, Error> {
        let Ok(missing) = RemotePath::new(NO_DIRECTORY) else { return Ok(false) };
        let missing = path.parent().map_or_else(|| missing.clone(), |dir| dir.join(&missing));
        for (path, is_accepted) in [(path, true), (&missing, false)] {
            if self.profile.get().lone_rnfr == LoneRnfr::Never
                || self.ask_by_rnfr(path).await?.code().is_refusal() == is_accepted
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends `RNFR` without `RNTO`, and finds out whether the server takes other commands after it.
    async fn ask_by_rnfr(&mut self, path: &RemotePath) -> Result<Reply, Error> {
        let reply = self.lone_rnfr(path).await?;
        if reply.code().is_refusal() {
            return Ok(reply);
        }
        let next = self.control.exchange(Command::TypeI, Stage::Verify).await?;
        if next.code().is_refusal() {
            self.profile.learn_expiring(|profile| profile.lone_rnfr = LoneRnfr::Never);
            self.control.mark_out_of_sync();
        }
        Ok(reply)
    }

    /// Evaluates the reply to a command about a path.
    fn answer(&self, command: Command<'_>, reply: &Reply, path: &RemotePath) -> Answer {
        let is_accepted = !reply.code().is_refusal();
        match command {
            _ if names_missing_file(reply) => Answer::State(TargetState::Absent),
            Command::Mlst(_) if is_accepted => {
                let facts = reply.raw_lines().skip(1).find_map(|line| parse_facts(line, path));
                facts.map_or(Answer::None, |entry| Answer::State(TargetState::of_entry(&entry)))
            }
            Command::Mlst(_) if self.facts.features.has("MLST") && is_plain_550(reply) => {
                Answer::State(TargetState::Absent)
            }
            Command::Mdtm(_) if is_accepted => {
                parse_time(reply.raw_text().trim_ascii()).map_or(Answer::None, |millis| {
                    Answer::State(TargetState::Present {
                        kind: EntryKind::File,
                        size: None,
                        modified_millis: Some(millis),
                    })
                })
            }
            _ => Answer::None,
        }
    }

    /// Looks for a name in its directory's listing. The entry of `own`, a file that is to get the
    /// name, does not count.
    pub(super) async fn state_in_listing(
        &mut self,
        path: &RemotePath,
        own: Option<&RemotePath>,
    ) -> Result<TargetState, Error> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(TargetState::NOT_REPORTED);
        };
        let listing = match self.list(&parent).await {
            Ok(listing) => listing,
            Err(error) if error.reply().is_some() && self.is_usable() => {
                return Ok(TargetState::NOT_REPORTED);
            }
            Err(error) => return Err(error),
        };
        if let Some(entry) = listing.entries.iter().find(|entry| entry.name == name) {
            return Ok(TargetState::of_entry(entry));
        }
        // The disk may ignore the differences.
        let (folded, own) = (name.folded(), own.and_then(RemotePath::file_name));
        let others = listing.entries.iter().map(|entry| &entry.name);
        if others.filter(|other| Some(*other) != own.as_ref()).any(|other| other.folded() == folded)
        {
            return Ok(TargetState::NOT_REPORTED);
        }
        let is_whole = listing.is_complete && listing.left_out == 0;
        Ok(match is_whole && !is_hidden(&name) {
            true => TargetState::Absent,
            false => TargetState::Unknown { reason: UnknownTarget::IncompleteListing },
        })
    }

    /// The names in a directory; `None` if the server does not tell all of them.
    pub(crate) async fn all_names(
        &mut self,
        directory: &RemotePath,
    ) -> Result<Option<Vec<ListedName>>, Error> {
        let is_told = |error: &Error, client: &Self| error.reply().is_some() && client.is_usable();
        match self.list(directory).await {
            Ok(listing) if listing.is_complete && listing.left_out == 0 => {
                let names = listing.entries.into_iter();
                let names = names.map(|Entry { name, size, .. }| ListedName { name, size });
                return Ok(Some(names.collect()));
            }
            Ok(_incomplete) => (),
            Err(error) if is_told(&error, self) => return Ok(None),
            Err(error) => return Err(error),
        }
        match self.names(directory).await {
            Ok(text) => Ok(text.map(|text| {
                let names = lines_of(&text).map(|line| RemotePath::new(last_part(line)));
                let names = names.filter_map(Result::ok);
                names.map(|name| ListedName { name, size: None }).collect()
            })),
            Err(error) if is_told(&error, self) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks for a name in `NLST`, whose lines are names only.
    async fn state_in_names(&mut self, path: &RemotePath) -> Result<TargetState, Error> {
        let incomplete = TargetState::Unknown { reason: UnknownTarget::IncompleteListing };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(incomplete);
        };
        match self.names(&parent).await {
            Ok(Some(text)) => Ok(match find_name(&text, &name) {
                true => TargetState::FILE,
                false if is_hidden(&name) => incomplete,
                false => TargetState::Absent,
            }),
            Ok(None) => Ok(incomplete),
            Err(error) if error.reply().is_some() && self.is_usable() => Ok(incomplete),
            Err(error) => Err(error),
        }
    }

    /// Reads a list of names (`NLST`, RFC 959 §4.1.3); `None` if it is longer than
    /// [`ListingLimits::bytes`](crate::ListingLimits::bytes).
    async fn names(&mut self, directory: &RemotePath) -> Result<Option<Vec<u8>>, Error> {
        let max = self.config.limits.listing.bytes;
        self.enter(directory).await?;
        let start = TransferStart { offset: 0, stage: Stage::List };
        let mut transfer = self.transfer(Command::Nlst, start).await?;
        let (mut text, mut bytes) = (Vec::new(), vec![0; READ_BYTES]);
        loop {
            let count = transfer.read_some(&mut bytes).await?;
            if count == 0 {
                transfer.finish().await?;
                return Ok(Some(text));
            }
            text.extend_from_slice(bytes.get(..count).unwrap_or_default());
            if text.len() as u64 > max {
                transfer.abort().await?;
                return Ok(None);
            }
        }
    }
}

/// Whether the server says that there is no such file.
pub(crate) fn names_missing_file(reply: &Reply) -> bool {
    let words = ["no such", "not found", "does not exist", "doesn't exist", "cannot find"];
    reply.code().is_refusal() && words.iter().any(|words| reply.mentions(words))
}

/// 550 without words about permissions.
fn is_plain_550(reply: &Reply) -> bool {
    reply.code() == crate::reply::Code::UNAVAILABLE && !is_denial(reply)
}

/// Listings may leave out names that start with a dot.
fn is_hidden(name: &RemotePath) -> bool {
    name.as_bytes().first() == Some(&b'.')
}

/// Whether one of the lines may be the name: disks ignore case. Some servers write a path.
fn find_name(text: &[u8], name: &RemotePath) -> bool {
    let folded = name.folded();
    lines_of(text).any(|line| fold(last_part(line)) == folded)
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// What follows the last slash.
fn last_part(line: &[u8]) -> &[u8] {
    line.rsplit(|&byte| byte == b'/').next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Code;

    fn reply(line: &str) -> Reply {
        let code = Code::at_start_of(line.as_bytes()).unwrap();
        Reply::from_lines(code, vec![line.as_bytes().to_vec()])
    }

    #[test]
    fn only_words_about_a_missing_file_prove_that_it_is_missing() {
        for line in ["550 a: No such file or directory", "450 File not found", "550 does not exist"]
        {
            assert!(names_missing_file(&reply(line)), "{line}");
        }
        for line in ["550 Permission denied", "550 RNFR failed", "502 no", "213 not found.txt"] {
            assert!(!names_missing_file(&reply(line)), "{line}");
        }
    }

    #[test]
    fn name_is_found_in_a_list_of_names_or_paths() {
        let name = RemotePath::try_from("a b.txt").unwrap();
        for text in ["x\r\na b.txt\r\n", "./a b.txt\n", "dir/A B.TXT\r\n", "a b.txt"] {
            assert!(find_name(text.as_bytes(), &name), "{text}");
        }
        let composed = RemotePath::try_from("gr\u{f6}\u{df}e").unwrap();
        assert!(find_name("gro\u{308}\u{df}e\r\n".as_bytes(), &composed));
        assert!(!find_name(b"a b.txt.part\r\nb.txt\r\n", &name));
    }
}
