//! Attributes of files and directories: `MLST`, `MDTM`, `AVBL`, `SITE CHMOD`, `MFF`; and names as text.

use std::borrow::Cow;

use super::Client;
use crate::{
    charset::NameError,
    command::Command,
    error::{Error, Kind},
    listing::{Entry, parse_facts, parse_time},
    path::RemotePath,
    profile::FactsCommand,
    reply::{Code, Reply, Severity},
    stage::Stage,
};

/// The mode bits that can be changed: read, write and execute for three classes, and the three
/// special bits.
const MODE_BITS: u32 = 0o7777;

impl Client {
    /// Encodes a text as a path, in the character set of the server's names
    /// ([`Config::charset`](crate::Config::charset)).
    ///
    /// # Errors
    /// [`NameError`] where the character set lacks one of the characters, or where the path cannot
    /// be the argument of a command.
    pub fn path_of(&self, text: &str) -> Result<RemotePath, NameError> {
        self.config.charset.encode(text)
    }

    /// Decodes a path for display, in the character set of the server's names.
    #[must_use]
    pub fn text_of<'p>(&self, path: &'p RemotePath) -> Cow<'p, str> {
        self.config.charset.decode(path)
    }

    /// Asks for the facts of one file or directory (`MLST`, RFC 3659 §7); `None` where it does not
    /// exist.
    ///
    /// # Errors
    /// [`Error::is_not_supported`] where the server has no `MLST`.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn entry(&mut self, path: &RemotePath) -> Result<Option<Entry>, Error> {
        let path = self.absolute(path);
        let command = Command::Mlst(&path);
        let Some(reply) = self.ask_about(command).await? else {
            return Ok(None);
        };
        // The facts are between the first line and the last.
        let facts = reply.raw_lines().skip(1).find_map(|line| parse_facts(line, &path));
        facts.map(Some).ok_or_else(|| self.unreadable(command, reply))
    }

    /// Asks when a file was modified (`MDTM`, RFC 3659 §3), in milliseconds since
    /// 1970-01-01T00:00:00Z; `None` where the file does not exist.
    ///
    /// # Errors
    /// [`Error::is_not_supported`] where the server has no `MDTM`.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn modified(&mut self, path: &RemotePath) -> Result<Option<i64>, Error> {
        let path = self.absolute(path);
        let command = Command::Mdtm(&path);
        let Some(reply) = self.ask_about(command).await? else {
            return Ok(None);
        };
        let millis = parse_time(reply.raw_text().trim_ascii());
        millis.map(Some).ok_or_else(|| self.unreadable(command, reply))
    }

    /// Whether the server lists a fact for `MLST`, and knows the command.
    pub(crate) fn has_fact(&self, fact: &str) -> bool {
        let facts = self.facts.features.get("MLST").unwrap_or_default().to_ascii_lowercase();
        self.tells_facts() && facts.contains(fact)
    }

    /// Whether `MLST` is sent.
    pub(crate) fn tells_facts(&self) -> bool {
        self.facts.features.has("MLST") && self.profile.get().mlst == FactsCommand::ByFeatures
    }

    /// Asks for the facts of one file or directory, where the server does that. `None` where it does
    /// not, and where the file does not exist.
    pub(crate) async fn known_entry(&mut self, path: &RemotePath) -> Result<Option<Entry>, Error> {
        if !self.tells_facts() {
            return Ok(None);
        }
        match self.entry(path).await {
            Err(error) if error.is_not_supported() => {
                self.profile.learn_expiring(|profile| profile.mlst = FactsCommand::Never);
                Ok(None)
            }
            told => told,
        }
    }

    /// Asks when an existing file was modified, with the first of `MLST`, `MDTM` and a listing that
    /// the server supports. In milliseconds since 1970-01-01T00:00:00Z; `None` where the server
    /// does not say.
    ///
    /// # Errors
    /// [`Error`] when the session ends.
    pub(crate) async fn date_of(&mut self, path: &RemotePath) -> Result<Option<i64>, Error> {
        let told = if self.has_fact("modify") {
            self.known_entry(path).await.map(|entry| entry?.modified_millis)
        } else if self.facts.features.has("MDTM") {
            self.modified(path).await
        } else {
            self.find(path).await.map(|entry| entry?.modified_millis)
        };
        match told {
            Err(error) if self.is_usable() && error.reply().is_some() => Ok(None),
            told => told,
        }
    }

    /// Asks how many bytes may still be stored in a directory (`AVBL`, the draft on streamlined FTP
    /// command extensions, §4); `None` where the server does not list the command, or does not say.
    /// Few servers support it.
    ///
    /// # Errors
    /// [`Error`] when the session ends.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn free_space(&mut self, directory: &RemotePath) -> Result<Option<u64>, Error> {
        if !self.facts.features.has("AVBL") {
            return Ok(None);
        }
        let path = self.absolute(directory);
        let reply = self.control.exchange(Command::Avbl(&path), Stage::Attributes).await?;
        let is_told = reply.code() == Code::FILE_STATUS;
        let text = is_told.then(|| reply.text().trim().to_owned());
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// Changes the mode bits of a file or directory: by `SITE CHMOD`, which is in no standard, but most
    /// servers on Unix support it; where that is refused, by `MFF` if the server lists it for modes
    /// (draft-somers-ftp-mfxx §5). `mode` is 0 to 0o7777; higher bits are not sent.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses or does not support the command.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the mode may
    /// have been changed.
    pub async fn chmod(&mut self, path: &RemotePath, mode: u32) -> Result<(), Error> {
        let (path, mode) = (self.absolute(path), mode & MODE_BITS);
        let chmod = Command::SiteChmod(mode, &path);
        let changed = self.control.complete(chmod, Stage::Attributes).await;
        let may_try_fact = self.changes_modes_as_facts() && self.is_usable();
        match changed {
            Err(error) if may_try_fact && error.refusal().is_some() => {
                let fact = Command::MffMode(mode, &path);
                self.control.complete(fact, Stage::Attributes).await.map(drop)
            }
            changed => changed.map(drop),
        }
    }

    /// Whether the server lists `MFF` for mode bits.
    fn changes_modes_as_facts(&self) -> bool {
        let facts = self.facts.features.get("MFF").unwrap_or_default();
        facts.split(';').any(|fact| fact.trim().eq_ignore_ascii_case("unix.mode"))
    }

    /// Sends a question about a path; `None` where nothing has that path.
    async fn ask_about(&mut self, command: Command<'_>) -> Result<Option<Reply>, Error> {
        let reply = self.control.exchange(command, Stage::Attributes).await?;
        if reply.code() == Code::UNAVAILABLE {
            return Ok(None);
        }
        self.control.expect(reply, Severity::Completion, command, Stage::Attributes).map(Some)
    }

    fn unreadable(&self, command: Command<'_>, reply: Reply) -> Error {
        self.control.error(Kind::Unexpected { verb: command.verb(), reply }, Stage::Attributes)
    }
}
