//! Status lines: the engine's decisions and observations.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{
    digest::Verified, profile::Fallback, proxy::ProxyProtocol, time::UtcOffset, tls::TlsVersion,
};

/// A decision or an observation; its `Display` is a sentence for users.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// A TCP connection to the control port is being made.
    Connecting {
        /// Where to.
        address: SocketAddr,
    },
    /// A TCP connection to a data port is being made.
    ConnectingData {
        /// Where to.
        address: SocketAddr,
    },
    /// Connections are made through a proxy. Its address is not logged: it concerns the operator
    /// only.
    ThroughProxy {
        /// The protocol of the proxy.
        protocol: ProxyProtocol,
    },
    /// The server has been silent for a while; a probe tests whether it expects implicit TLS.
    Probing {
        /// How long it has been silent.
        silent_for: Duration,
    },
    /// `AUTH TLS` was refused; `AUTH SSL` is tried.
    TryingAuthSsl,
    /// The greeting names a server that does not resume TLS 1.3 sessions on data connections.
    BannerLimitsTls {
        /// The server's name.
        server: &'static str,
        /// The newest TLS version used from here on.
        max: TlsVersion,
    },
    /// The server refused the handshake because of ALPN.
    AlpnRefused,
    /// The control connection is made again, for the reason logged before.
    Reconnecting,
    /// The TLS handshake after `AUTH` failed as it does where the server is not ready for it yet.
    TlsTooEarly,
    /// The server does not know `MLSD`, although it lists the feature; `LIST` is used.
    MlsdRefused,
    /// Lines of replies that repeat the one before are not logged.
    LinesFolded {
        /// How many.
        count: u64,
    },
    /// Lines of replies are not logged, because too many came within a second.
    LinesOmitted {
        /// How many.
        count: u64,
    },
    /// The server requires no password.
    NoPasswordNeeded,
    /// The server lists no features.
    NoFeatures,
    /// `OPTS UTF8 ON` was refused; names are sent as UTF-8 anyway.
    Utf8Refused,
    /// The login is complete.
    LoggedIn {
        /// The directory that it opened.
        directory: Option<String>,
    },
    /// `EPSV` was refused, `PASV` is used from here on.
    EpsvRefused,
    /// The port from `EPSV` cannot be reached, `PASV` is tried.
    EpsvUnreachable {
        /// The port.
        port: u16,
    },
    /// The server named another address than its own; it is ignored.
    PassiveAddressIgnored {
        /// What the server named.
        named: IpAddr,
        /// What is dialled.
        dialled: IpAddr,
    },
    /// The multi-line reply ended with another code than it started with.
    OtherCodeEndsReply,
    /// An unsolicited reply arrived.
    UnexpectedReply,
    /// The replies to a batch arrived in another order.
    MisplacedReply,
    /// The server closed a data connection without close_notify.
    NoCloseNotify,
    /// A data connection is complete.
    Transferred {
        /// Bytes of content that went over it.
        bytes: u64,
    },
    /// The listing was read.
    Listed {
        /// Entries that were kept.
        entries: usize,
        /// Entries that were not.
        left_out: u64,
    },
    /// The listing was too long and was truncated.
    ListingCutOff {
        /// Bytes that were read.
        bytes: u64,
    },
    /// `LIST` shows the server's local time, and `MDTM` told its offset from UTC.
    ServerClock {
        /// The offset.
        offset: UtcOffset,
    },
    /// `LIST` shows the server's local time, and `MDTM` did not tell its offset from UTC.
    ServerClockUndetermined,
    /// The directory exists already.
    DirectoryExists {
        /// Its path.
        path: String,
    },
    /// The server made a directory under another name than the requested one.
    DirectoryNamed {
        /// The requested path.
        path: String,
        /// The server's path.
        named: String,
    },
    /// A transfer was aborted by us.
    Aborted,
    /// A transfer was ended early by us; the server keeps the file.
    Suspended {
        /// Bytes of content that went over the data connection.
        bytes: u64,
    },
    /// After a failed transfer, replies are matched to commands again.
    Resynchronising,
    /// The next attempt uses a fallback.
    FallingBack(Fallback),
    /// The session is replaced at its age or command limit.
    Rotating {
        /// Commands sent over it.
        commands: u32,
        /// How long it was open.
        age: Duration,
    },
    /// The upload was interrupted and is retried.
    TryingAgain {
        /// After this wait.
        after: Duration,
    },
    /// The server refused a session; the client waits for another one's.
    WaitingForSession,
    /// The server refused a session: the number of sessions is limited.
    SessionsLimited {
        /// How many.
        max: u32,
    },
    /// The upload resumes.
    Resuming {
        /// What the server holds, in bytes.
        held: u64,
        /// The file's size, in bytes.
        size: u64,
    },
    /// What the server holds differs from what was sent: the upload starts over.
    StartingOver {
        /// What the server holds, in bytes.
        held: u64,
    },
    /// A digest shows that the server holds what was sent.
    TailVerified {
        /// The end of the compared block, in bytes.
        at: u64,
    },
    /// The reply to the transfer was lost, and the server holds every byte.
    ReplyLost {
        /// The file's size, in bytes.
        size: u64,
    },
    /// An earlier upload sent every byte.
    AlreadyComplete {
        /// The file's size, in bytes.
        size: u64,
    },
    /// The existing file is taken for the beginning of the new one, and the upload continues it.
    AdoptingFile {
        /// Its path.
        path: String,
        /// Its size in bytes.
        held: u64,
    },
    /// The name of the uploaded file is a link, and the bytes are written to the file that it leads to.
    WritingThroughLink {
        /// The link's path.
        path: String,
    },
    /// The new file cannot get the mode bits of the file that it replaces.
    ModeNotKept {
        /// The mode bits of the old file.
        mode: u32,
    },
    /// The server computes no digest that shows whether the existing file is the beginning of the new
    /// one.
    BeginningUnproven,
    /// The server's digest shows that the existing file is not the beginning of the new one.
    BeginningDiffers {
        /// Its path.
        path: String,
    },
    /// The continued file turned out to be a different one, and is kept under a temporary name.
    AdoptedFileKept {
        /// Its temporary name.
        path: String,
    },
    /// The server seems to keep the temporary file locked.
    TemporaryNameLocked {
        /// Its temporary name.
        path: String,
    },
    /// The reply to the rename was lost, but the file has its name.
    RenameReplyLost {
        /// Its path.
        path: String,
    },
    /// The server refuses `REST`; `APPE` is tried.
    RestartRefused,
    /// The server refuses to resume uploads.
    AppendRefused,
    /// The server refuses renames in a directory: its files are written under their final names.
    RenameForbidden,
    /// The server refuses every rename: files are written under their final names.
    RenamesRefused,
    /// The server confirms renames that have no effect: files are written under their final names.
    RenamesIgnored,
    /// The server took a complete file away.
    FileTaken {
        /// Its path.
        path: String,
    },
    /// The server does not tell the mode of a file that is replaced, nor whether it is a link.
    ModeUntold {
        /// The file's path.
        path: String,
    },
    /// The server refused a temporary name or directory: another form of it is tried, then the final
    /// name.
    TemporaryNameRefused {
        /// The name.
        path: String,
    },
    /// A directory is made for a part file, since the server refuses temporary names.
    MakingTemporaryDirectory {
        /// Its path.
        path: String,
    },
    /// The server took a part file away: the file is sent again, under its final name.
    PartFileTaken {
        /// The part file's path.
        path: String,
    },
    /// The server reported the right size of a new file only after a while.
    SizeCameLate {
        /// The file's path.
        path: String,
    },
    /// The file is written under its final name; the old one is lost from here on.
    WritingInPlace {
        /// Its path.
        path: String,
    },
    /// The server does not rename over a file: the old one was moved aside.
    MovedAside {
        /// Its name.
        path: String,
        /// Its new name.
        aside: String,
    },
    /// The server does not tell whether something has a name.
    TargetUnknown {
        /// The name.
        path: String,
    },
    /// The server refused to set a file's modification time.
    DateRefused,
    /// The server refused to make a file's digest.
    DigestRefused,
    /// The server's file was compared with what was sent.
    Checked(Verified),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { address } => write!(f, "Connecting to {address}..."),
            Self::ConnectingData { address } => {
                write!(f, "Opening the data connection to {address}...")
            }
            Self::ThroughProxy { protocol } => write!(f, "Connecting through the {protocol}."),
            Self::Probing { silent_for } => write!(
                f,
                "No greeting for {} s. Testing over a second connection whether the port expects \
                 TLS from the first byte.",
                silent_for.as_secs_f32()
            ),
            Self::TryingAuthSsl => {
                f.write_str("The server refused AUTH TLS. Trying AUTH SSL, its older name.")
            }
            Self::BannerLimitsTls { server, max } => write!(
                f,
                "The server is {server}, which does not resume TLS 1.3 sessions from one data \
                 connection to the next. Using {max}."
            ),
            Self::AlpnRefused => {
                f.write_str("The server refused TLS with ALPN. Connecting without ALPN.")
            }
            Self::Reconnecting => f.write_str("Reconnecting before the login."),
            Self::NoPasswordNeeded => f.write_str("The server requires no password."),
            Self::NoFeatures => f.write_str("The server lists no features."),
            Self::Utf8Refused => {
                f.write_str("The server refused OPTS UTF8. Names are sent as UTF-8 anyway.")
            }
            Self::LoggedIn { directory: Some(path) } => {
                write!(f, "Logged in. Current directory: \"{path}\".")
            }
            Self::LoggedIn { directory: None } => f.write_str("Logged in."),
            Self::EpsvRefused => f.write_str("The server refused EPSV. Using PASV from now on."),
            Self::EpsvUnreachable { port } => write!(
                f,
                "Port {port}, which the server named for EPSV, cannot be reached. Trying PASV once."
            ),
            Self::PassiveAddressIgnored { named, dialled } => write!(
                f,
                "The server named the address {named} for the data connection. Using {dialled} \
                 instead, the address of the control connection."
            ),
            Self::OtherCodeEndsReply => {
                f.write_str("The last line of the reply has another code than the first.")
            }
            Self::MisplacedReply => {
                f.write_str("The server replied to pipelined commands in another order.")
            }
            Self::UnexpectedReply => {
                f.write_str("Unexpected reply: no command was waiting for it.")
            }
            Self::TlsTooEarly => f.write_str(
                "The TLS handshake failed right after AUTH. Reconnecting, with a short pause before \
                 TLS.",
            ),
            Self::MlsdRefused => {
                f.write_str("The server does not know MLSD, although it lists it. Using LIST.")
            }
            Self::LinesFolded { count } => {
                write!(f, "The last line came {count} more times.")
            }
            Self::LinesOmitted { count } => {
                write!(f, "{count} lines left out: the server sends too many at once.")
            }
            Self::NoCloseNotify => f.write_str(
                "The server closed the data connection without close_notify. Its reply tells \
                 whether the transfer is complete.",
            ),
            Self::Transferred { bytes } => write!(f, "Transferred {bytes} bytes."),
            Self::Listed { entries, left_out: 0 } => {
                write!(f, "Directory listing: {entries} entries.")
            }
            Self::Listed { entries, left_out } => {
                write!(f, "Directory listing: {entries} entries, {left_out} lines left out.")
            }
            Self::ListingCutOff { bytes } => {
                write!(f, "The listing was truncated after {bytes} bytes.")
            }
            Self::ServerClock { offset } => {
                write!(f, "Times in listings are the server's local time, UTC{offset}.")
            }
            Self::ServerClockUndetermined => f.write_str(
                "Times in listings are the server's local time. Its time zone is unknown.",
            ),
            Self::DirectoryExists { path } => {
                write!(f, "The directory \"{path}\" already exists.")
            }
            Self::DirectoryNamed { path, named } => {
                write!(f, "The server names the directory \"{path}\" \"{named}\".")
            }
            Self::Aborted => f.write_str("Transfer aborted."),
            Self::Suspended { bytes } => {
                write!(f, "Transfer stopped after {bytes} bytes. The server keeps them.")
            }
            Self::Resynchronising => {
                f.write_str("Matching commands and replies again after the failed transfer.")
            }
            Self::FallingBack(fallback) => fallback.fmt(f),
            Self::Rotating { commands, age } => write!(
                f,
                "Replacing this session after {commands} commands and {} s, before a firewall or \
                 the server ends it.",
                age.as_secs()
            ),
            Self::TryingAgain { after } => write!(f, "Retrying in {:.1} s.", after.as_secs_f32()),
            Self::WaitingForSession => {
                f.write_str("The server accepts no more sessions. Waiting for an idle one.")
            }
            Self::SessionsLimited { max: 1 } => {
                f.write_str("The server accepts one session at a time. No more are opened.")
            }
            Self::SessionsLimited { max } => write!(
                f,
                "The server accepts at most {max} sessions at a time. No more are opened."
            ),
            Self::Resuming { held, size } => {
                write!(f, "The server holds {held} of {size} bytes. Resuming there.")
            }
            Self::StartingOver { held } => write!(
                f,
                "The server holds {held} bytes that differ from the file's. Starting over."
            ),
            Self::TailVerified { at } => {
                write!(f, "The server's digest equals that of the sent bytes, up to byte {at}.")
            }
            Self::ReplyLost { size } => write!(
                f,
                "The server's reply was lost, but it holds all {size} bytes: the transfer is \
                 complete."
            ),
            Self::AlreadyComplete { size } => {
                write!(f, "The server already holds all {size} bytes.")
            }
            Self::AdoptingFile { path, held } => {
                write!(f, "Resuming the existing file \"{path}\" after its {held} bytes.")
            }
            Self::WritingThroughLink { path } => write!(
                f,
                "\"{path}\" is a link: the file that it leads to is overwritten, without a \
                 temporary name."
            ),
            Self::ModeNotKept { mode } => write!(
                f,
                "The server does not give the new file the mode {mode:04o} of the old one."
            ),
            Self::BeginningUnproven => f.write_str(
                "The server cannot confirm that the existing file is the beginning of the uploaded \
                 one.",
            ),
            Self::BeginningDiffers { path } => write!(
                f,
                "The server's digest shows that \"{path}\" is not the beginning of the uploaded \
                 file. It stays as it is."
            ),
            Self::AdoptedFileKept { path } => write!(
                f,
                "The existing file is not the beginning of the uploaded one. It is kept as \
                 \"{path}\"."
            ),
            Self::TemporaryNameLocked { path } => write!(
                f,
                "The server does not accept the rest of \"{path}\": the broken session may still \
                 lock it. Starting over under another name."
            ),
            Self::RenameReplyLost { path } => {
                write!(f, "The server's reply was lost, but \"{path}\" exists: it was renamed.")
            }
            Self::RestartRefused => {
                f.write_str("The server does not accept REST. Trying APPE instead.")
            }
            Self::AppendRefused => {
                f.write_str("The server does not resume uploads. Starting over.")
            }
            Self::RenameForbidden => f.write_str(
                "The server does not allow renames in this directory. Files are written under \
                 their final names: an interrupted one stays incomplete until it is sent again.",
            ),
            Self::RenamesRefused => f.write_str(
                "The server refuses every rename. Files are written under their final names: an \
                 interrupted one stays incomplete until it is sent again.",
            ),
            Self::RenamesIgnored => f.write_str(
                "The server confirms renames and does not carry them out. Files are written under \
                 their final names: an interrupted one stays incomplete until it is sent again.",
            ),
            Self::FileTaken { path } => write!(
                f,
                "\"{path}\" is not there any more: the server has taken it away, as some do with \
                 complete files."
            ),
            Self::ModeUntold { path } => write!(
                f,
                "The server does not tell the mode of \"{path}\", nor whether it is a link. The new file \
                 may get another mode, and replaces a link."
            ),
            Self::TemporaryNameRefused { path } => write!(
                f,
                "The server refuses \"{path}\". Perhaps it allows certain names only: trying another one."
            ),
            Self::MakingTemporaryDirectory { path } => write!(
                f,
                "The server refuses temporary names. Making the temporary directory \"{path}\" for the \
                 file, which is moved out of it when it is complete."
            ),
            Self::PartFileTaken { path } => write!(
                f,
                "The server has taken \"{path}\" away before it could get its final name. The file \
                 is sent again under its final name, as all files from now on."
            ),
            Self::SizeCameLate { path } => {
                write!(f, "The server reported the size of \"{path}\" only after a while.")
            }
            Self::WritingInPlace { path } => {
                write!(f, "Writing to \"{path}\" directly, without a temporary name.")
            }
            Self::MovedAside { path, aside } => write!(
                f,
                "The server does not rename over \"{path}\". Moved the old file to \"{aside}\"."
            ),
            Self::TargetUnknown { path } => write!(
                f,
                "The server does not tell whether \"{path}\" exists. It is treated like an \
                 existing file."
            ),
            Self::DateRefused => f.write_str(
                "The server does not set modification times. Files have the time of their upload.",
            ),
            Self::DigestRefused => {
                f.write_str("The server made no digest of the file. Its size is compared.")
            }
            Self::Checked(verified) => verified.fmt(f),
        }
    }
}
