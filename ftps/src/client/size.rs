//! Sizes of files: `SIZE`, `MLST`, listings.

use super::Client;
use crate::{
    command::Command,
    error::{Error, Kind},
    listing::Entry,
    path::RemotePath,
    profile::SizeSupport,
    reply::{Code, Reply},
    stage::Stage,
};

/// The words of a 550 about permissions. "Unable to handle command" is ProFTPD's denial of `MLST`.
const DENIALS: [&str; 5] =
    ["denied", "permission", "not permitted", "not allowed", "unable to handle"];

/// A server's answer about a file's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// The file exists, with this many bytes.
    Bytes(u64),
    /// The file does not exist.
    Missing,
    /// The server does not say.
    Unknown,
}

impl Client {
    /// Asks for the size of a file in bytes (`SIZE`, RFC 3659 §4); `None` where the file does not
    /// exist.
    ///
    /// # Errors
    /// [`Error::is_not_supported`] where the server has no `SIZE`.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped.
    pub async fn size(&mut self, path: &RemotePath) -> Result<Option<u64>, Error> {
        let path = self.absolute(path);
        let command = Command::Size(&path);
        let reply = self.control.exchange(command, Stage::Verify).await?;
        match self.parse_size(&reply) {
            Size::Bytes(bytes) => Ok(Some(bytes)),
            Size::Missing => Ok(None),
            Size::Unknown => {
                let verb = command.verb();
                let kind = match reply.code().is_refusal() {
                    true => Kind::Refused { verb, reply },
                    false => Kind::Unexpected { verb, reply },
                };
                Err(self.control.error(kind, Stage::Verify))
            }
        }
    }
}

impl Client {
    /// Asks for the size of one file.
    pub(crate) async fn size_of(&mut self, path: &RemotePath) -> Result<Size, Error> {
        let reply = self.control.exchange(Command::Size(path), Stage::Verify).await?;
        Ok(self.parse_size(&reply))
    }

    /// Sends commands in one batch. The digests among them are of files of at most `digest_bytes`.
    pub(crate) fn batch(
        &mut self,
        commands: &[Command<'_>],
        digest_bytes: u64,
        stage: Stage,
    ) -> impl Future<Output = Result<Vec<Reply>, Error>> {
        let digest = self.config.digest_deadline(digest_bytes);
        self.control.batch_with_digest(commands, digest, stage)
    }

    /// Asks for the size of a file with `MLST`; `None` where the server does not report sizes
    /// there.
    pub(crate) async fn size_from_facts(
        &mut self,
        path: &RemotePath,
    ) -> Result<Option<u64>, Error> {
        if !self.has_fact("size") {
            return Ok(None);
        }
        match self.known_entry(path).await {
            Ok(entry) => Ok(entry.and_then(|entry| entry.size)),
            Err(error) if error.reply().is_some() && self.is_usable() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Parses a reply to `SIZE`, and remembers that this server reports sizes.
    pub(crate) fn parse_size(&self, reply: &Reply) -> Size {
        let size = Size::of(reply);
        let code = reply.code();
        if let Size::Bytes(_) = size {
            self.profile().update(|profile| profile.sizes = SizeSupport::Proven);
        } else if [Code::UNKNOWN_COMMAND, Code::NOT_IMPLEMENTED].contains(&code) {
            self.profile().update(|profile| profile.sizes = SizeSupport::Unsupported);
        }
        size
    }

    /// Finds the entry of a path in its directory's listing, for servers without `SIZE`.
    pub(crate) async fn find(&mut self, path: &RemotePath) -> Result<Option<Entry>, Error> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let listing = self.list(&parent).await?;
        Ok(listing.entries.into_iter().find(|entry| entry.name == name))
    }
}

/// Whether the reply is about permissions.
pub(crate) fn is_denial(reply: &Reply) -> bool {
    DENIALS.iter().any(|words| reply.mentions(words))
}

impl Size {
    /// Parses a reply to `SIZE`.
    pub(crate) fn of(reply: &Reply) -> Self {
        match reply.code() {
            // "SIZE not allowed in ASCII mode" has the same code as a missing file.
            Code::UNAVAILABLE if reply.mentions("ascii") => Self::Unknown,
            // A denied request says nothing about the file.
            Code::UNAVAILABLE if is_denial(reply) => Self::Unknown,
            Code::UNAVAILABLE => Self::Missing,
            code if code.value() == 213 => {
                let text = std::str::from_utf8(reply.raw_text()).ok();
                let bytes = text.and_then(|text| text.trim().parse().ok());
                bytes.map_or(Self::Unknown, Self::Bytes)
            }
            _ => Self::Unknown,
        }
    }
}
