//! The commands of the control connection, by their verbs.
//!
//! A command's arguments are types that hold no CR, LF or NUL, so one command is always one line. A
//! log shows its [`CommandLine`], which is made from a command only and never contains the
//! password.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    credentials::{ASTERISKS, Password, Username},
    digest::Algorithm,
    path::RemotePath,
    reply::Code,
    time::Timestamp,
};

/// One command.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Command<'a> {
    /// Start TLS (RFC 4217 §4).
    AuthTls,
    /// Start TLS, by its name before RFC 4217.
    AuthSsl,
    /// The user name (RFC 959 §4.1.1).
    User(&'a Username),
    /// The password (RFC 959 §4.1.1).
    Pass(&'a Password),
    /// The protection buffer size: always 0 with TLS (RFC 4217 §8).
    Pbsz0,
    /// Data connections use TLS (RFC 4217 §9).
    ProtP,
    /// List the features (RFC 2389 §3).
    Feat,
    /// Names are UTF-8 (RFC 2640).
    OptsUtf8On,
    /// Names are in the server's own character set.
    OptsUtf8Off,
    /// Bytes are transferred as they are (RFC 959 §3.1.1.3).
    TypeI,
    /// Print the current directory (RFC 959 §4.1.3).
    Pwd,
    /// Change the directory (RFC 959 §4.1.1).
    Cwd(&'a RemotePath),
    /// Make a directory (RFC 959 §4.1.3).
    Mkd(&'a RemotePath),
    /// Listen for a data connection; the reply names a port (RFC 2428 §3).
    Epsv,
    /// Listen for a data connection; the reply names an address and a port (RFC 959 §4.1.2).
    Pasv,
    /// Set the offset of the next transfer, in bytes (RFC 3659 §5).
    Rest(u64),
    /// Store a file (RFC 959 §4.1.3).
    Stor(&'a RemotePath),
    /// Append to a file (RFC 959 §4.1.3).
    Appe(&'a RemotePath),
    /// The size of a file in bytes (RFC 3659 §4).
    Size(&'a RemotePath),
    /// Rename from (RFC 959 §4.1.3).
    Rnfr(&'a RemotePath),
    /// Rename to (RFC 959 §4.1.3).
    Rnto(&'a RemotePath),
    /// Delete a file (RFC 959 §4.1.3).
    Dele(&'a RemotePath),
    /// Set a file's modification time (draft-somers-ftp-mfxx §3).
    Mfmt(Timestamp, &'a RemotePath),
    /// The same, for servers that take a time with `MDTM`.
    MdtmSet(Timestamp, &'a RemotePath),
    /// The same, for servers with `SITE UTIME`.
    SiteUtime(Timestamp, &'a RemotePath),
    /// Names are paths with slashes, not libraries (IBM i).
    SiteNamefmt1,
    /// Choose the algorithm of `HASH` (draft-bryan-ftpext-hash §3.3).
    OptsHash(Algorithm),
    /// The digest of a file (draft-bryan-ftpext-hash §3.2).
    Hash(&'a RemotePath),
    /// The digest of a file or of a range of it, by the algorithm's own command:
    /// [`Algorithm::verb`].
    XDigest(&'static str, &'a RemotePath, Option<(u64, u64)>),
    /// Remove an empty directory (RFC 959 §4.1.3).
    Rmd(&'a RemotePath),
    /// When a file was modified, UTC (RFC 3659 §3).
    Mdtm(&'a RemotePath),
    /// The facts of one file or directory (RFC 3659 §7).
    Mlst(&'a RemotePath),
    /// The bytes that may still be stored in a directory (the draft on streamlined FTP command
    /// extensions, §4).
    Avbl(&'a RemotePath),
    /// Change the mode bits of a file, 0 to 0o7777: in no standard, but most servers support it.
    SiteChmod(u32, &'a RemotePath),
    /// The same as a fact of the file (draft-somers-ftp-mfxx §5).
    MffMode(u32, &'a RemotePath),
    /// List a directory in a machine-readable form (RFC 3659 §7); the current one without a path.
    Mlsd,
    /// List the current directory in the server's own form (RFC 959 §4.1.3).
    List,
    /// List the names in the current directory (RFC 959 §4.1.3).
    Nlst,
    /// Do nothing but reply (RFC 959 §4.1.3).
    Noop,
    /// Log out (RFC 959 §4.1.1).
    Quit,
}

/// What a log shows of a command. Made from a [`Command`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(String);

impl CommandLine {
    /// The line without its end; `PASS ********` for every password.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The argument of a command, by how much of it a log may show.
enum Argument<'a> {
    None,
    Number(u64),
    Name(&'a Username),
    Path(&'a RemotePath),
    Word(&'static str),
    TimeAndPath(Timestamp, &'a RemotePath),
    PathAndRange(&'a RemotePath, Option<(u64, u64)>),
    Mode(u32, &'a RemotePath),
    ModeFact(u32, &'a RemotePath),
    Secret(&'a Password),
}

impl Command<'_> {
    /// The command without its arguments.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::AuthTls => "AUTH TLS",
            Self::AuthSsl => "AUTH SSL",
            Self::User(_) => "USER",
            Self::Pass(_) => "PASS",
            Self::Pbsz0 => "PBSZ 0",
            Self::ProtP => "PROT P",
            Self::Feat => "FEAT",
            Self::OptsUtf8On => "OPTS UTF8 ON",
            Self::OptsUtf8Off => "OPTS UTF8 OFF",
            Self::TypeI => "TYPE I",
            Self::Pwd => "PWD",
            Self::Cwd(_) => "CWD",
            Self::Mkd(_) => "MKD",
            Self::Epsv => "EPSV",
            Self::Pasv => "PASV",
            Self::Rest(_) => "REST",
            Self::Stor(_) => "STOR",
            Self::Appe(_) => "APPE",
            Self::Size(_) => "SIZE",
            Self::Rnfr(_) => "RNFR",
            Self::Rnto(_) => "RNTO",
            Self::Dele(_) => "DELE",
            Self::Mfmt(..) => "MFMT",
            Self::MdtmSet(..) => "MDTM",
            Self::SiteUtime(..) => "SITE UTIME",
            Self::SiteNamefmt1 => "SITE NAMEFMT 1",
            Self::OptsHash(_) => "OPTS HASH",
            Self::Hash(_) => "HASH",
            Self::XDigest(verb, ..) => verb,
            Self::Rmd(_) => "RMD",
            Self::Mdtm(_) => "MDTM",
            Self::Mlst(_) => "MLST",
            Self::Avbl(_) => "AVBL",
            Self::SiteChmod(..) => "SITE CHMOD",
            Self::MffMode(..) => "MFF",
            Self::Mlsd => "MLSD",
            Self::List => "LIST",
            Self::Nlst => "NLST",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
        }
    }

    /// Returns whether a reply with this code may belong to the command. Most codes fit any
    /// command; codes that are specific to others do not.
    pub(crate) fn may_get(&self, code: Code) -> bool {
        match code.value() {
            211 => matches!(self, Self::Feat),
            213 => matches!(
                self,
                Self::Size(_)
                    | Self::Mdtm(_)
                    | Self::Avbl(_)
                    | Self::Mfmt(..)
                    | Self::MffMode(..)
                    | Self::MdtmSet(..)
                    | Self::Hash(_)
                    | Self::XDigest(..)
            ),
            // Replies that end a transfer.
            225 | 226 => !matches!(
                self,
                Self::Noop
                    | Self::Size(_)
                    | Self::Rnfr(_)
                    | Self::Rnto(_)
                    | Self::Dele(_)
                    | Self::Cwd(_)
                    | Self::Mkd(_)
                    | Self::Epsv
                    | Self::Pasv
            ),
            227 | 229 => matches!(self, Self::Epsv | Self::Pasv),
            257 => matches!(self, Self::Pwd | Self::Mkd(_)),
            300..400 => matches!(
                self,
                Self::AuthTls
                    | Self::AuthSsl
                    | Self::User(_)
                    | Self::Pass(_)
                    | Self::Rnfr(_)
                    | Self::Rest(_)
            ),
            _ => true,
        }
    }

    /// What a log shows.
    #[must_use]
    pub fn line(&self) -> CommandLine {
        let verb = self.verb();
        CommandLine(match self.argument() {
            Argument::None => verb.to_owned(),
            Argument::Number(number) => format!("{verb} {number}"),
            Argument::Name(name) => format!("{verb} {name}"),
            Argument::Path(path) => format!("{verb} {path}"),
            Argument::Word(word) => format!("{verb} {word}"),
            Argument::TimeAndPath(time, path) => format!("{verb} {time} {path}"),
            Argument::PathAndRange(path, range) => {
                let quote = quote(path);
                format!("{verb} {quote}{path}{quote}{}", tail(range))
            }
            Argument::Mode(mode, path) => format!("{verb} {mode:03o} {path}"),
            Argument::ModeFact(mode, path) => format!("{verb} UNIX.mode={mode:04o}; {path}"),
            Argument::Secret(_) => format!("{verb} {ASTERISKS}"),
        })
    }

    /// Encodes the command with its CR LF. The bytes are overwritten when dropped.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Reserved at once: a growing buffer would leave a copy of a secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.wire_len()));
        bytes.extend_from_slice(self.verb().as_bytes());
        if let Some(argument) = self.argument().wire() {
            bytes.push(b' ');
            bytes.extend_from_slice(&argument);
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    fn wire_len(&self) -> usize {
        let argument = self.argument().wire().map_or(0, |bytes| bytes.len());
        self.verb().len() + argument + " \r\n".len()
    }

    fn argument(&self) -> Argument<'_> {
        match self {
            Self::AuthTls
            | Self::AuthSsl
            | Self::Pbsz0
            | Self::ProtP
            | Self::Feat
            | Self::OptsUtf8On
            | Self::OptsUtf8Off
            | Self::TypeI
            | Self::Pwd
            | Self::SiteNamefmt1
            | Self::Epsv
            | Self::Pasv
            | Self::List
            | Self::Nlst
            | Self::Noop
            | Self::Quit
            | Self::Mlsd => Argument::None,
            Self::User(name) => Argument::Name(name),
            Self::Pass(password) => Argument::Secret(password),
            Self::Rest(offset) => Argument::Number(*offset),
            Self::Mfmt(time, path) | Self::MdtmSet(time, path) | Self::SiteUtime(time, path) => {
                Argument::TimeAndPath(*time, path)
            }
            Self::OptsHash(algorithm) => Argument::Word(algorithm.name()),
            Self::XDigest(_, path, range) => Argument::PathAndRange(path, *range),
            Self::SiteChmod(mode, path) => Argument::Mode(*mode, path),
            Self::MffMode(mode, path) => Argument::ModeFact(*mode, path),
            Self::Cwd(path)
            | Self::Mkd(path)
            | Self::Stor(path)
            | Self::Appe(path)
            | Self::Hash(path)
            | Self::Size(path)
            | Self::Rnfr(path)
            | Self::Rnto(path)
            | Self::Dele(path)
            | Self::Rmd(path)
            | Self::Mdtm(path)
            | Self::Mlst(path)
            | Self::Avbl(path) => Argument::Path(path),
        }
    }
}

impl Argument<'_> {
    /// The encoded argument; `None` without one.
    fn wire(&self) -> Option<std::borrow::Cow<'_, [u8]>> {
        match self {
            Self::None => None,
            Self::Number(number) => Some(number.to_string().into_bytes().into()),
            Self::Name(name) => Some(name.as_str().as_bytes().into()),
            Self::Path(path) => Some(path.as_bytes().into()),
            Self::Word(word) => Some(word.as_bytes().into()),
            Self::TimeAndPath(time, path) => {
                Some([time.to_string().as_bytes(), b" ", path.as_bytes()].concat().into())
            }
            Self::PathAndRange(path, range) => {
                let (quote, tail) = (quote(path).as_bytes(), tail(*range));
                Some([quote, path.as_bytes(), quote, tail.as_bytes()].concat().into())
            }
            Self::Mode(mode, path) => {
                let mode = format!("{mode:03o} ").into_bytes();
                Some([&mode, path.as_bytes()].concat().into())
            }
            Self::ModeFact(mode, path) => {
                let fact = format!("UNIX.mode={mode:04o}; ").into_bytes();
                Some([&fact, path.as_bytes()].concat().into())
            }
            Self::Secret(password) => Some(password.expose_for_wire().into()),
        }
    }
}

/// Quotes a path that numbers may follow, since a space would end it. A quotation mark cannot be
/// escaped.
/// for a quotation mark in it.
fn quote(path: &RemotePath) -> &'static str {
    let has = |byte| path.as_bytes().contains(&byte);
    if has(b' ') && !has(b'"') { "\"" } else { "" }
}

fn tail(range: Option<(u64, u64)>) -> String {
    range.map_or_else(String::new, |(start, end)| format!(" {start} {end}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_stand_on_one_line() {
        let path = RemotePath::try_from("/a b/ü").unwrap();
        assert_eq!(&*Command::AuthTls.encode(), b"AUTH TLS\r\n");
        assert_eq!(&*Command::Stor(&path).encode(), "STOR /a b/ü\r\n".as_bytes());
        assert_eq!(&*Command::Rest(u64::MAX).encode(), b"REST 18446744073709551615\r\n");
        assert_eq!(&*Command::Mlsd.encode(), b"MLSD\r\n");
        let time = Timestamp::from_unix_millis(1_769_860_800_000).unwrap();
        let mfmt = Command::Mfmt(time, &path);
        assert_eq!(&*mfmt.encode(), "MFMT 20260131120000 /a b/ü\r\n".as_bytes());
        let part = Command::XDigest("XCRC", &path, Some((0, 7)));
        assert_eq!(&*part.encode(), "XCRC \"/a b/ü\" 0 7\r\n".as_bytes());
        assert_eq!(part.line().as_str(), "XCRC \"/a b/ü\" 0 7");
        let simple = RemotePath::try_from("/a").unwrap();
        let whole = Command::XDigest("XSHA256", &simple, None);
        assert_eq!(&*whole.encode(), b"XSHA256 /a\r\n");
        let opts = Command::OptsHash(Algorithm::Sha256);
        assert_eq!(&*opts.encode(), b"OPTS HASH SHA-256\r\n");
        let chmod = Command::SiteChmod(0o44, &path);
        assert_eq!(&*chmod.encode(), "SITE CHMOD 044 /a b/ü\r\n".as_bytes());
        assert_eq!(chmod.line().as_str(), "SITE CHMOD 044 /a b/ü");
        let fact = Command::MffMode(0o755, &path);
        assert_eq!(&*fact.encode(), "MFF UNIX.mode=0755; /a b/ü\r\n".as_bytes());
        assert_eq!(fact.line().as_str(), "MFF UNIX.mode=0755; /a b/ü");
    }

    #[test]
    fn password_is_on_the_wire_and_nowhere_else() {
        let password = Password::new("hunter2").unwrap();
        let command = Command::Pass(&password);
        assert_eq!(&*command.encode(), b"PASS hunter2\r\n");
        assert_eq!(command.line().as_str(), "PASS ********");
        assert!(!format!("{command:?} {:?}", command.line()).contains("hunter2"));
    }

    #[test]
    fn encoding_never_grows_its_buffer() {
        let password = Password::new("x".repeat(300)).unwrap();
        let command = Command::Pass(&password);
        assert!(command.encode().len() <= command.wire_len());
    }

    proptest! {
        #[test]
        fn a_command_ends_once(bytes: Vec<u8>) {
            if let Ok(path) = RemotePath::new(bytes) {
                let line = Command::Stor(&path).encode();
                let body = line.strip_suffix(b"\r\n").unwrap();
                prop_assert!(!body.iter().any(|byte| b"\r\n\0".contains(byte)));
            }
        }
    }
}
