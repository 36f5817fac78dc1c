//! What is known of a file or directory, and what of it can be changed: `MLST`, `MDTM`, `AVBL`,
//! `SITE CHMOD`; and its name as text.

use std::borrow::Cow;

use super::Client;
use crate::{
    charset::NameError,
    command::Command,
    error::{Error, Kind},
    listing::{Entry, parse_facts, parse_time},
    path::RemotePath,
    reply::{Code, Reply, Severity},
    stage::Stage,
};

/// The bits of a mode that can be changed: read, write and execute for three classes, and the
/// three special ones.
const MODE_BITS: u32 = 0o7777;

impl Client {
    /// The path that a text is, in the character set of the server's names
    /// ([`Config::charset`](crate::Config::charset)).
    ///
    /// # Errors
    /// [`NameError`] where the character set does not have one of its characters, or where it
    /// cannot be the argument of a command.
    pub fn path_of(&self, text: &str) -> Result<RemotePath, NameError> {
        self.config.charset.encode(text)
    }

    /// A path as text for a person, in the character set of the server's names.
    #[must_use]
    pub fn text_of<'p>(&self, path: &'p RemotePath) -> Cow<'p, str> {
        self.config.charset.decode(path)
    }

    /// The facts of one file or directory (`MLST`, RFC 3659 §7); `None` where there is none.
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
        // The facts stand between the first line and the last.
        let facts = reply.raw_lines().skip(1).find_map(|line| parse_facts(line, &path));
        facts.map(Some).ok_or_else(|| self.unreadable(command, reply))
    }

    /// When a file was modified, in milliseconds since 1970-01-01T00:00:00Z (`MDTM`, RFC 3659 §3);
    /// `None` where there is no such file.
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

    /// When a file that is there was modified, in whichever way the server says that it knows:
    /// `MLST`, `MDTM`, a listing. In milliseconds since 1970-01-01T00:00:00Z; `None` where it does
    /// not tell.
    ///
    /// # Errors
    /// [`Error`] when the session ends.
    pub(crate) async fn date_of(&mut self, path: &RemotePath) -> Result<Option<i64>, Error> {
        let facts = self.facts.features.get("MLST").unwrap_or_default().to_ascii_lowercase();
        let told = if facts.contains("modify") {
            self.entry(path).await.map(|entry| entry?.modified_millis)
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

    /// How many bytes may still be stored in a directory (`AVBL`, the draft on streamlined FTP
    /// command extensions, §4); `None` where the server does not list the command, or does not
    /// tell. Few servers know it.
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

    /// Changes the mode bits of a file or directory (`SITE CHMOD`, which most servers on Unix know
    /// and no standard has). `mode` is 0 to 0o7777; what is beyond is not sent.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses or does not know the command.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the mode may
    /// have been changed.
    pub async fn chmod(&mut self, path: &RemotePath, mode: u32) -> Result<(), Error> {
        let path = self.absolute(path);
        let command = Command::SiteChmod(mode & MODE_BITS, &path);
        self.control.complete(command, Stage::Attributes).await?;
        Ok(())
    }

    /// The answer to a question about a path; `None` where there is nothing at it.
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
