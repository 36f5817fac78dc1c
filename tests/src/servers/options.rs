//! How a server of the tests is to run.

use protocol::Encryption;

use crate::delayed_link::Place;

/// How a server is to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// When TLS starts.
    pub encryption: Encryption,
    /// The newest TLS that it speaks.
    pub tls_max: TlsMax,
    /// Whether a rename replaces an existing file.
    pub existing: Existing,
    /// Whether it requires client certificates.
    pub client_certificate: ClientCertificate,
    /// Where it listens.
    pub place: Place,
    /// Whether files may be renamed.
    pub renaming: Renaming,
    /// Whether files may be deleted.
    pub deleting: Deleting,
    /// Which names new files may have.
    pub names: Names,
    /// How the modes of files are changed.
    pub modes: Modes,
    /// Whether files get the date that they are given.
    pub dates: Dates,
    /// Whether an upload may resume another one.
    pub restart: Restart,
    /// Whether it makes digests of files.
    pub digests: Digests,
    /// Whether the directory [`Server::UPLOAD_ONLY`](super::Server::UPLOAD_ONLY) exists.
    pub upload_only: UploadOnly,
    /// How its disk compares names.
    pub disk: Disk,
    /// The most sessions that it takes from one address at once.
    pub max_sessions: Option<u32>,
}

impl Default for Options {
    /// Explicit TLS up to 1.3, files may be replaced, on the loopback address.
    fn default() -> Self {
        Self {
            encryption: Encryption::Explicit,
            tls_max: TlsMax::V13,
            existing: Existing::Replaced,
            client_certificate: ClientCertificate::Ignored,
            place: Place::Loopback,
            renaming: Renaming::Allowed,
            deleting: Deleting::Allowed,
            names: Names::Any,
            modes: Modes::ByChmod,
            dates: Dates::Set,
            restart: Restart::ByDefault,
            digests: Digests::None,
            upload_only: UploadOnly::None,
            disk: Disk::Exact,
            max_sessions: None,
        }
    }
}

/// The newest TLS that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMax {
    /// TLS 1.2 and nothing newer.
    V12,
    /// TLS 1.3.
    V13,
}

impl TlsMax {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V12, Self::V13];

    /// Its name in OpenSSL's configuration.
    pub(super) fn openssl_name(self) -> &'static str {
        match self {
            Self::V12 => "TLSv1.2",
            Self::V13 => "TLSv1.3",
        }
    }
}

/// Whether a server renames files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Renaming {
    /// It does: the default of all of them.
    Allowed,
    /// It refuses. vsftpd refuses to delete too then; Pure-FTPd refuses only to rename over a file.
    Forbidden,
}

/// Whether a server deletes files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deleting {
    /// It does: the default of all of them.
    Allowed,
    /// It refuses: `<Limit DELE>`. Only `ProFTPD` has it.
    Forbidden,
}

/// Which names a server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Names {
    /// All: the default of all of them.
    Any,
    /// None that contains `.part`. Pure-FTPd has no such option.
    WithoutPart,
}

/// How a server changes the modes of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modes {
    /// By `SITE CHMOD`, if at all: the default of all of them.
    ByChmod,
    /// By `MFF` alone: `<Limit SITE_CHMOD>`. Only `ProFTPD` has it.
    ByFacts,
}

/// Whether a server sets the dates of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dates {
    /// It does: the default of all of them.
    Set,
    /// It refuses, although it lists the feature. Pure-FTPd has no such option.
    Refused,
}

/// Whether a server lets an upload resume another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restart {
    /// `ProFTPD` does not, the others do.
    ByDefault,
    /// `ProFTPD` does too: `AllowStoreRestart on`.
    Allowed,
}

/// Whether a server makes digests of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digests {
    /// None of them does by default.
    None,
    /// `ProFTPD` with `mod_digest`: `HASH`, `XSHA256` and their like.
    All,
    /// The same, by CRC-32 alone.
    Crc,
    /// It lists digests, and refuses them.
    Refused,
}

/// Whether a server has a directory that takes uploads and shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UploadOnly {
    /// It has none: the default of all of them.
    None,
    /// It has one, in which listings and reads are denied: `<Limit READ DIRS>`. Only `ProFTPD` has it.
    Directory,
}

/// How a server's disk compares names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disk {
    /// Byte for byte, as on Linux.
    Exact,
    /// Without regard to case and Unicode form, as on macOS and Windows. Only pyftpdlib has it.
    Folding,
    /// Names of up to 143 bytes, as on eCryptfs. Only pyftpdlib has it.
    ShortNames,
}

/// Whether a server requires client certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientCertificate {
    /// It does not ask.
    Ignored,
    /// It refuses clients without a certificate of its own authority, on data connections too.
    /// Pure-FTPd has no such option in these tests.
    Required,
}

/// What a rename does with an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Existing {
    /// It is replaced: Debian's default for all three.
    Replaced,
    /// It stays, and the other one is refused: `AllowOverwrite off`. Only `ProFTPD` has it.
    Kept,
}
