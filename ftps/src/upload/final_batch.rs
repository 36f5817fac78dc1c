//! The commands that end an upload, sent as one batch, and their replies.

use tokio::time::Instant;

use crate::{
    client::{Client, Date, Found, PrefetchedFile, digest::DigestMethod, size::Size},
    command::Command,
    digest::{FileDigest, Verified},
    error::{Error, Kind},
    path::RemotePath,
    profile::{Dating, Digests, SizeSupport},
    reply::{Code, Reply, Severity},
    stage::Stage,
    transcript::Status,
};

/// A part file whose transfer the server confirmed, and how it is verified, dated and named.
pub(super) struct CompleteFile<'a> {
    pub(super) part: &'a RemotePath,
    pub(super) target: &'a RemotePath,
    pub(super) check: ContentCheck,
    pub(super) date: Option<Date>,
    pub(super) look: NameLook,
    /// Whether `SIZE` is sent for them, in the same batch.
    pub(super) sizes: SizeSupport,
}

/// The names that are looked up behind the rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameLook {
    /// The final name: no file had it, or one of another size.
    Target,
    /// Both names: a file of the same size, or of an unknown one, had the final name.
    Both,
}

impl CompleteFile<'_> {
    fn asks_for_names(&self) -> bool {
        self.sizes != SizeSupport::Unsupported
    }
}

/// The sizes that the server reports after the rename.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenNames {
    pub(super) target: Size,
    /// Of the part file's name, if it was looked up.
    pub(super) part: Option<Size>,
}

/// The outcome of a check.
#[derive(Debug)]
pub(super) enum Checked {
    Right(Verified),
    /// The size in bytes that the server reports; `None` if it reports that there is no file.
    WrongSize(Option<u64>),
    WrongDigest(Error),
}

/// The size and digest that the file on the server must have.
#[derive(Clone, Debug)]
pub(super) struct ContentCheck {
    /// In bytes.
    pub(super) size: u64,
    /// How to request the digest, and the expected value.
    pub(super) digest: Option<(DigestMethod, FileDigest)>,
}

impl ContentCheck {
    /// Compares the size.
    pub(super) fn by_size(&self, client: &Client, size: Size) -> Checked {
        match size {
            Size::Bytes(bytes) if bytes == self.size => Checked::Right(Verified::Size { bytes }),
            Size::Bytes(bytes) => Checked::WrongSize(Some(bytes)),
            // If the server never reported a size, this reply does not prove that the file is missing.
            Size::Missing if client.profile().get().sizes != SizeSupport::Proven => {
                Checked::Right(Verified::ReplyOnly)
            }
            Size::Missing => Checked::WrongSize(None),
            Size::Unknown => Checked::Right(Verified::ReplyOnly),
        }
    }

    /// The error about a wrong size.
    pub(super) fn wrong_size(&self, client: &Client, stored: Option<u64>) -> Error {
        client.error(Kind::WrongSize { sent: self.size, stored }, Stage::Verify)
    }
}

/// Compares the digest of what was sent with the server's.
pub(super) fn compare(
    client: &Client,
    sent: &FileDigest,
    stored: FileDigest,
) -> Result<Verified, Error> {
    match *sent == stored {
        true => Ok(Verified::Digest(stored)),
        false => Err(wrong_digest(client, sent, stored)),
    }
}

fn wrong_digest(client: &Client, sent: &FileDigest, stored: FileDigest) -> Error {
    client.error(Kind::WrongDigest { sent: sent.clone(), stored }, Stage::Verify)
}

/// Notes that the server refused to make a digest. A server without the command is not asked again.
pub(super) fn digest_refused(client: &Client, code: Code) {
    if is_unknown_command(code) {
        client.profile().update(|profile| profile.digests = Digests::Never);
    }
    client.log(Status::DigestRefused);
}

/// 500 and 502; 501 and 504 may be about one name or one date.
fn is_unknown_command(code: Code) -> bool {
    [Code::UNKNOWN_COMMAND, Code::NOT_IMPLEMENTED].contains(&code)
}

/// Commands that are sent together at the end of an upload.
#[derive(Default)]
pub(super) struct Batch<'a> {
    commands: Vec<Command<'a>>,
    /// The size of the file whose digest is requested, in bytes.
    digest_bytes: u64,
    /// The last of them, where it asks for the port of the next data connection.
    port: Option<Command<'a>>,
}

impl<'a> Batch<'a> {
    pub(super) fn push(&mut self, command: Command<'a>) {
        self.commands.push(command);
    }

    /// Adds the rename to the final name, and the look at the names after it.
    pub(super) fn rename(&mut self, file: &CompleteFile<'a>) {
        self.commands.push(Command::Rnfr(file.part));
        self.commands.push(Command::Rnto(file.target));
        if file.asks_for_names() {
            let part = (file.look == NameLook::Both).then_some(file.part);
            self.commands.extend([file.target].into_iter().chain(part).map(Command::Size));
        }
    }

    /// Adds the command that sets the date of the file at `path`.
    pub(super) fn date(&mut self, file: &CompleteFile<'_>, path: &'a RemotePath) {
        self.commands.extend(file.date.map(|date| date.command(path)));
    }

    /// Adds the commands that verify the part file.
    pub(super) fn check(&mut self, file: &CompleteFile<'a>) {
        let part = file.part;
        self.digest_bytes = file.check.size;
        self.commands.push(Command::Size(part));
        self.commands.extend(file.check.digest.as_ref().map(|(method, _)| method.command(part)));
    }

    /// Adds the first commands of the next upload: the lookup of its file, and a data port.
    pub(super) fn prefetch(&mut self, client: &Client, next_upload: Option<&'a RemotePath>) {
        if let Some(path) = next_upload {
            self.commands.push(Command::Size(path));
            self.commands.extend(client.refuses_cwd_at_once().then_some(Command::Cwd(path)));
            self.port = (!client.has_prefetched()).then(|| client.passive_command());
            self.commands.extend(self.port);
        }
    }

    /// Sends a batch that has no commands of the next upload.
    pub(super) async fn send(self, client: &mut Client) -> Result<Replies, Error> {
        let at = Instant::now();
        let replies = client.batch(&self.commands, self.digest_bytes, Stage::Verify).await?;
        Ok(Replies { replies: replies.into_iter(), at })
    }

    /// Sends the batch, and opens the next data connection at the same time if its port is known.
    pub(super) async fn send_and_dial(self, client: &mut Client) -> Result<Replies, Error> {
        let at = Instant::now();
        let mut replies =
            client.batch_and_dial(&self.commands, self.digest_bytes, Stage::Rename).await?;
        if let Some(port) = self.port
            && let Some(reply) = replies.pop()
        {
            client.keep_prefetched_port(port, reply);
        }
        Ok(Replies { replies: replies.into_iter(), at })
    }
}

/// The replies to a batch, read in the order in which its commands were added.
pub(super) struct Replies {
    replies: std::vec::IntoIter<Reply>,
    /// When the batch was sent.
    at: Instant,
}

impl Replies {
    pub(super) fn next(&mut self, client: &Client) -> Result<Reply, Error> {
        self.replies.next().ok_or_else(|| client.error(Kind::OutOfSync, Stage::Rename))
    }

    /// Reads the replies to the rename.
    pub(super) fn renamed(&mut self, client: &Client) -> Result<(), Error> {
        let rnfr = self.next(client)?;
        let rnto = self.next(client)?;
        let refused = |verb, reply| Err(client.error(Kind::Refused { verb, reply }, Stage::Rename));
        match () {
            () if rnto.code().severity() == Severity::Completion => Ok(()),
            () if rnfr.code().is_refusal() => refused("RNFR", rnfr),
            () => refused("RNTO", rnto),
        }
    }

    /// Reads the replies to the look at the names.
    pub(super) fn seen_names(
        &mut self,
        client: &Client,
        file: &CompleteFile<'_>,
    ) -> Result<SeenNames, Error> {
        if !file.asks_for_names() {
            return Ok(SeenNames { target: Size::Unknown, part: None });
        }
        let mut next = || self.next(client).map(|reply| client.parse_size(&reply));
        Ok(match file.look {
            NameLook::Target => SeenNames { target: next()?, part: None },
            NameLook::Both => SeenNames { target: next()?, part: Some(next()?) },
        })
    }

    /// Reads the reply to the date. A missing date is no error; a server without the command does not get
    /// it again.
    pub(super) fn dated(&mut self, client: &Client, file: &CompleteFile<'_>) {
        if file.date.is_none() {
            return;
        }
        if self.replies.next().is_some_and(|reply| is_unknown_command(reply.code())) {
            client.profile().update(|profile| profile.dating = Dating::Never);
            client.log(Status::DateRefused);
        }
    }

    /// Reads the replies to the check. An equal digest proves the content, whatever size is reported.
    pub(super) fn checked(
        &mut self,
        client: &Client,
        file: &CompleteFile<'_>,
    ) -> Result<Checked, Error> {
        let size = client.parse_size(&self.next(client)?);
        let digest = match &file.check.digest {
            Some((method, sent)) => Some((method, sent, self.next(client)?)),
            None => None,
        };
        let by_size = file.check.by_size(client, size);
        let Some((method, sent, reply)) = digest else { return Ok(by_size) };
        if reply.code().is_refusal() {
            // A missing file has no digest.
            if matches!(by_size, Checked::Right(_)) {
                digest_refused(client, reply.code());
            }
            return Ok(by_size);
        }
        Ok(match (client.read_digest(&reply, file.part, method.algorithm), by_size) {
            (Some(stored), _) if stored == *sent => Checked::Right(Verified::Digest(stored)),
            (Some(stored), Checked::Right(_)) => {
                Checked::WrongDigest(wrong_digest(client, sent, stored))
            }
            (_, by_size) => by_size,
        })
    }

    /// Reads the lookup of the next upload's file.
    pub(super) fn prefetched(
        &mut self,
        client: &mut Client,
        next_upload: Option<RemotePath>,
    ) -> Option<PrefetchedFile> {
        let path = next_upload?;
        let size = self.replies.next()?;
        let target = client.parse_lookup(&path, &size, self.replies.next().as_ref());
        Some(PrefetchedFile { path, found: Found { target, at: self.at } })
    }
}
