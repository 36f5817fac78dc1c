//! Explains commands, replies and decisions to people who do not know FTP: one [`Explanation`] each.
//! The sentence of an explanation is the program's that shows it.
//!
//! Many codes mean one thing in the RFC and another after a certain command. A reply is therefore
//! explained together with its command where that is known; a [`LogExplainer`] keeps track. An
//! explanation is shown beside the server's words and never replaces them.
//!
//! The codes are those of RFC 959, 2228, 2428, 3659 and 4217, and of the drafts that servers
//! follow. Any other code is explained by its first two digits (RFC 959 §4.2.1).

use std::collections::VecDeque;

use crate::{
    digest::Verified,
    profile::Fallback,
    reply::{Code, Severity},
    stage::Stage,
    tls::TlsFacts,
    transcript::{Connection, Event, EventKind, Status},
};

mod codes;

pub use codes::Explanation;

/// The maximum number of unanswered commands that a [`LogExplainer`] remembers.
const MAX_OUTSTANDING: usize = 64;

/// Explains a command, given its verb or its whole line in upper or lower case; `None` for an
/// unknown command.
#[must_use]
pub fn command(line: &str) -> Option<Explanation> {
    let (verb, argument) = words(line);
    Some(match (verb.as_str(), argument.as_str()) {
        ("AUTH", "SSL") => Explanation::CommandAuthSsl,
        ("AUTH", _) => Explanation::CommandAuth,
        ("USER", _) => Explanation::CommandUser,
        ("PASS", _) => Explanation::CommandPass,
        ("ACCT", _) => Explanation::CommandAcct,
        ("PBSZ", _) => Explanation::CommandPbsz,
        ("PROT", "C") => Explanation::CommandProtClear,
        ("PROT", _) => Explanation::CommandProt,
        ("CCC", _) => Explanation::CommandCcc,
        ("FEAT", _) => Explanation::CommandFeat,
        ("OPTS", "UTF8") => Explanation::CommandOptsUtf8,
        ("OPTS", "HASH") => Explanation::CommandOptsHash,
        ("OPTS", _) => Explanation::CommandOpts,
        ("TYPE", "A") => Explanation::CommandTypeText,
        ("TYPE", _) => Explanation::CommandType,
        ("MODE" | "STRU", _) => Explanation::CommandMode,
        ("PWD" | "XPWD", _) => Explanation::CommandPwd,
        ("CWD" | "XCWD", _) => Explanation::CommandCwd,
        ("CDUP" | "XCUP", _) => Explanation::CommandCdup,
        ("MKD" | "XMKD", _) => Explanation::CommandMkd,
        ("RMD" | "XRMD", _) => Explanation::CommandRmd,
        ("EPSV", _) => Explanation::CommandEpsv,
        ("PASV", _) => Explanation::CommandPasv,
        ("PORT" | "EPRT", _) => Explanation::CommandPort,
        ("REST", _) => Explanation::CommandRest,
        ("STOR", _) => Explanation::CommandStor,
        ("STOU", _) => Explanation::CommandStou,
        ("APPE", _) => Explanation::CommandAppe,
        ("ALLO", _) => Explanation::CommandAllo,
        ("RETR", _) => Explanation::CommandRetr,
        ("SIZE", _) => Explanation::CommandSize,
        ("RNFR", _) => Explanation::CommandRnfr,
        ("RNTO", _) => Explanation::CommandRnto,
        ("DELE", _) => Explanation::CommandDele,
        ("MFMT", _) => Explanation::CommandMfmt,
        ("MFF", _) => Explanation::CommandMff,
        ("MDTM", _) => Explanation::CommandMdtm,
        ("HASH", _) => Explanation::CommandHash,
        ("XCRC" | "XMD5" | "XSHA" | "XSHA1" | "XSHA256" | "XSHA512", _) => Explanation::CommandHash,
        ("MLST", _) => Explanation::CommandMlst,
        ("MLSD", _) => Explanation::CommandMlsd,
        ("LIST", _) => Explanation::CommandList,
        ("NLST", _) => Explanation::CommandNlst,
        ("AVBL", _) => Explanation::CommandAvbl,
        ("SITE", "CHMOD") => Explanation::CommandSiteChmod,
        ("SITE", "UTIME") => Explanation::CommandSiteUtime,
        ("SITE", _) => Explanation::CommandSite,
        ("ABOR", _) => Explanation::CommandAbor,
        ("STAT", _) => Explanation::CommandStat,
        ("SYST", _) => Explanation::CommandSyst,
        ("HELP", _) => Explanation::CommandHelp,
        ("HOST", _) => Explanation::CommandHost,
        ("LANG", _) => Explanation::CommandLang,
        ("CLNT", _) => Explanation::CommandClnt,
        ("CSID", _) => Explanation::CommandCsid,
        ("REIN", _) => Explanation::CommandRein,
        ("NOOP", _) => Explanation::CommandNoop,
        ("QUIT", _) => Explanation::CommandQuit,
        _ => return None,
    })
}

/// Explains a reply by its code and the command that it answers, given by its verb or its whole line
/// in upper or lower case.
#[must_use]
pub fn reply(code: Code, answers: Option<&str>) -> Explanation {
    let (verb, argument) = answers.map(words).unwrap_or_default();
    let known = after(code.value(), &verb, &argument).or_else(|| by_code(code.value()));
    known.unwrap_or_else(|| by_digits(code))
}

/// The first two words in upper case; all other words, the password among them, are left out.
fn words(line: &str) -> (String, String) {
    let mut words = line.split_whitespace().map(str::to_ascii_uppercase);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// Explains a code after certain commands.
fn after(code: u16, verb: &str, argument: &str) -> Option<Explanation> {
    match verb {
        "AUTH" => after_auth(code),
        "USER" | "PASS" | "ACCT" => after_login(code, verb),
        "PBSZ" | "PROT" | "TYPE" | "OPTS" | "FEAT" | "NOOP" => after_set_up(code, verb, argument),
        "EPSV" | "PASV" => after_passive(code, verb),
        "STOR" | "APPE" | "STOU" => after_upload(code),
        "LIST" | "MLSD" | "NLST" => after_listing(code),
        "HASH" | "XCRC" | "XMD5" | "XSHA" | "XSHA1" | "XSHA256" | "XSHA512" => after_digest(code),
        _ => after_others(code, verb),
    }
}

fn after_auth(code: u16) -> Option<Explanation> {
    Some(match code {
        234 => Explanation::ReplyAuth234,
        334 => Explanation::ReplyAuth334,
        431 => Explanation::ReplyAuth431,
        500 | 502 => Explanation::ReplyAuth500,
        504 | 530 => Explanation::ReplyAuth504,
        534 => Explanation::ReplyAuth534,
        _ => return None,
    })
}

fn after_login(code: u16, verb: &str) -> Option<Explanation> {
    Some(match (code, verb) {
        (230, "USER") => Explanation::ReplyLogin230,
        (232, _) => Explanation::ReplyLogin232,
        (331, _) => Explanation::ReplyLogin331,
        (421, _) => Explanation::ReplyLogin421,
        (530, "USER") => Explanation::ReplyLogin530User,
        (530, _) => Explanation::ReplyLogin530,
        (500, _) => Explanation::ReplyLogin500,
        (503, _) => Explanation::ReplyLogin503,
        _ => return None,
    })
}

fn after_set_up(code: u16, verb: &str, argument: &str) -> Option<Explanation> {
    Some(match (code, verb, argument) {
        (200, "PBSZ", _) => Explanation::ReplyPbsz200,
        (200, "PROT", "C") => Explanation::ReplyProt200Clear,
        (200, "PROT", _) => Explanation::ReplyProt200,
        (503, "PROT", _) => Explanation::ReplyProt503,
        (200, "TYPE", _) => Explanation::ReplyType200,
        (200, "OPTS", "UTF8") => Explanation::ReplyOptsUtf8200,
        (202, "OPTS", "UTF8") => Explanation::ReplyOptsUtf8202,
        (400.., "OPTS", "UTF8") => Explanation::ReplyOptsUtf8Refused,
        (200, "OPTS", _) => Explanation::ReplyOpts200,
        (211, "FEAT", _) => Explanation::ReplyFeat211,
        (500..600, "FEAT", _) => Explanation::ReplyFeatRefused,
        (200, "NOOP", _) => Explanation::ReplyNoop200,
        _ => return None,
    })
}

fn after_passive(code: u16, verb: &str) -> Option<Explanation> {
    Some(match (code, verb) {
        (425, _) => Explanation::ReplyPassive425,
        (500..=502, "EPSV") => Explanation::ReplyEpsv500,
        (500..=502, _) => Explanation::ReplyPassive500,
        (522, _) => Explanation::ReplyPassive522,
        _ => return None,
    })
}

fn after_upload(code: u16) -> Option<Explanation> {
    Some(match code {
        125 | 150 => Explanation::ReplyUpload125,
        226 | 250 => Explanation::ReplyUpload226,
        425 => Explanation::ReplyUpload425,
        426 => Explanation::ReplyUpload426,
        450 => Explanation::ReplyUpload450,
        451 => Explanation::ReplyUpload451,
        452 => Explanation::ReplyUpload452,
        521 | 522 => Explanation::ReplyUpload521,
        532 => Explanation::ReplyUpload532,
        550 => Explanation::ReplyUpload550,
        551 => Explanation::ReplyUpload551,
        552 => Explanation::ReplyUpload552,
        553 => Explanation::ReplyUpload553,
        _ => return None,
    })
}

fn after_listing(code: u16) -> Option<Explanation> {
    Some(match code {
        125 | 150 => Explanation::ReplyListing125,
        226 | 250 => Explanation::ReplyListing226,
        425 => Explanation::ReplyListing425,
        426 => Explanation::ReplyListing426,
        450 | 550 => Explanation::ReplyListing450,
        521 | 522 => Explanation::ReplyListing521,
        _ => return None,
    })
}

fn after_digest(code: u16) -> Option<Explanation> {
    Some(match code {
        213 | 220 | 250 => Explanation::ReplyDigest213,
        450 => Explanation::ReplyDigest450,
        500 | 502 | 504 => Explanation::ReplyDigest500,
        550 => Explanation::ReplyDigest550,
        552 | 556 => Explanation::ReplyDigest552,
        _ => return None,
    })
}

fn after_others(code: u16, verb: &str) -> Option<Explanation> {
    Some(match (code, verb) {
        (213, "SIZE") => Explanation::ReplySize213,
        (213, "MDTM") => Explanation::ReplyMdtm213,
        (213 | 253, "MFMT" | "MFF") => Explanation::ReplyMfmt213,
        (213, "AVBL") => Explanation::ReplyAvbl213,
        (550, "SIZE" | "MDTM" | "MLST" | "AVBL") => Explanation::ReplyFacts550,
        (250, "MLST") => Explanation::ReplyMlst250,
        (550, "MFMT" | "MFF" | "SITE") => Explanation::ReplyChange550,
        (250 | 200, "CWD" | "CDUP") => Explanation::ReplyCwd250,
        (550, "CWD" | "CDUP") => Explanation::ReplyCwd550,
        (250 | 257, "MKD") => Explanation::ReplyMkd250,
        (521 | 550, "MKD") => Explanation::ReplyMkd521,
        (250, "RMD") => Explanation::ReplyRmd250,
        (550, "RMD") => Explanation::ReplyRmd550,
        (250, "DELE") => Explanation::ReplyDele250,
        (450 | 550, "DELE") => Explanation::ReplyDele450,
        (257, "PWD") => Explanation::ReplyPwd257,
        (350, "REST") => Explanation::ReplyRest350,
        (500..=504 | 554, "REST") => Explanation::ReplyRest500,
        (350, "RNFR") => Explanation::ReplyRnfr350,
        (450 | 550, "RNFR") => Explanation::ReplyRnfr450,
        (250, "RNTO") => Explanation::ReplyRnto250,
        (550 | 553, "RNTO") => Explanation::ReplyRnto550,
        (503, "RNTO") => Explanation::ReplyRnto503,
        (200 | 250, "SITE") => Explanation::ReplySite200,
        (500..=504, "SITE") => Explanation::ReplySite500,
        (221, "QUIT") => Explanation::ReplyQuit221,
        _ => return None,
    })
}

/// Explains a code after any command.
fn by_code(code: u16) -> Option<Explanation> {
    Some(match code {
        // RFC 959 §4.2.2
        110 => Explanation::ReplyAny110,
        120 => Explanation::ReplyAny120,
        125 => Explanation::ReplyAny125,
        150 => Explanation::ReplyAny150,
        200 => Explanation::ReplyAny200,
        202 => Explanation::ReplyAny202,
        211 => Explanation::ReplyAny211,
        212 => Explanation::ReplyAny212,
        213 => Explanation::ReplyAny213,
        214 => Explanation::ReplyAny214,
        215 => Explanation::ReplyAny215,
        220 => Explanation::ReplyAny220,
        221 => Explanation::ReplyAny221,
        225 => Explanation::ReplyAny225,
        226 => Explanation::ReplyAny226,
        227 => Explanation::ReplyAny227,
        230 => Explanation::ReplyAny230,
        250 => Explanation::ReplyAny250,
        257 => Explanation::ReplyAny257,
        331 => Explanation::ReplyAny331,
        332 => Explanation::ReplyAny332,
        350 => Explanation::ReplyAny350,
        421 => Explanation::ReplyAny421,
        425 => Explanation::ReplyAny425,
        426 => Explanation::ReplyAny426,
        450 => Explanation::ReplyAny450,
        451 => Explanation::ReplyAny451,
        452 => Explanation::ReplyAny452,
        500 => Explanation::ReplyAny500,
        501 => Explanation::ReplyAny501,
        502 => Explanation::ReplyAny502,
        503 => Explanation::ReplyAny503,
        504 => Explanation::ReplyAny504,
        530 => Explanation::ReplyAny530,
        532 => Explanation::ReplyAny532,
        550 => Explanation::ReplyAny550,
        551 => Explanation::ReplyAny551,
        552 => Explanation::ReplyAny552,
        553 => Explanation::ReplyAny553,
        // RFC 1639
        228 => Explanation::ReplyAny228,
        // RFC 2228 §5.1, RFC 4217
        232 => Explanation::ReplyAny232,
        234 => Explanation::ReplyAny234,
        235 => Explanation::ReplyAny235,
        334 => Explanation::ReplyAny334,
        335 => Explanation::ReplyAny335,
        336 => Explanation::ReplyAny336,
        431 => Explanation::ReplyAny431,
        521 => Explanation::ReplyAny521,
        522 => Explanation::ReplyAny522,
        533 => Explanation::ReplyAny533,
        534 => Explanation::ReplyAny534,
        535 => Explanation::ReplyAny535,
        536 => Explanation::ReplyAny536,
        537 => Explanation::ReplyAny537,
        // RFC 2428 §3
        229 => Explanation::ReplyAny229,
        // RFC 3659 §5.4, draft-somers-ftp-mfxx, draft-bryan-ftpext-hash, and what servers add
        253 => Explanation::ReplyAny253,
        430 => Explanation::ReplyAny430,
        434 => Explanation::ReplyAny434,
        531 => Explanation::ReplyAny531,
        554 => Explanation::ReplyAny554,
        555 => Explanation::ReplyAny555,
        556 => Explanation::ReplyAny556,
        _ => return None,
    })
}

/// Explains a code by its first two digits (RFC 959 §4.2.1).
fn by_digits(code: Code) -> Explanation {
    match (code.severity(), code.value() / 10 % 10) {
        (Severity::Preliminary, 0) => Explanation::ReplyClassStartedCommand,
        (Severity::Preliminary, 1) => Explanation::ReplyClassStartedInformation,
        (Severity::Preliminary, 2) => Explanation::ReplyClassStartedConnections,
        (Severity::Preliminary, 3) => Explanation::ReplyClassStartedLogin,
        (Severity::Preliminary, 5) => Explanation::ReplyClassStartedFiles,
        (Severity::Preliminary, _) => Explanation::ReplyClassStartedOther,
        (Severity::Completion, 0) => Explanation::ReplyClassDoneCommand,
        (Severity::Completion, 1) => Explanation::ReplyClassDoneInformation,
        (Severity::Completion, 2) => Explanation::ReplyClassDoneConnections,
        (Severity::Completion, 3) => Explanation::ReplyClassDoneLogin,
        (Severity::Completion, 5) => Explanation::ReplyClassDoneFiles,
        (Severity::Completion, _) => Explanation::ReplyClassDoneOther,
        (Severity::Intermediate, 0) => Explanation::ReplyClassMoreCommand,
        (Severity::Intermediate, 1) => Explanation::ReplyClassMoreInformation,
        (Severity::Intermediate, 2) => Explanation::ReplyClassMoreConnections,
        (Severity::Intermediate, 3) => Explanation::ReplyClassMoreLogin,
        (Severity::Intermediate, 5) => Explanation::ReplyClassMoreFiles,
        (Severity::Intermediate, _) => Explanation::ReplyClassMoreOther,
        (Severity::TransientFailure, 0) => Explanation::ReplyClassLaterCommand,
        (Severity::TransientFailure, 1) => Explanation::ReplyClassLaterInformation,
        (Severity::TransientFailure, 2) => Explanation::ReplyClassLaterConnections,
        (Severity::TransientFailure, 3) => Explanation::ReplyClassLaterLogin,
        (Severity::TransientFailure, 5) => Explanation::ReplyClassLaterFiles,
        (Severity::TransientFailure, _) => Explanation::ReplyClassLaterOther,
        (Severity::PermanentFailure, 0) => Explanation::ReplyClassNoCommand,
        (Severity::PermanentFailure, 1) => Explanation::ReplyClassNoInformation,
        (Severity::PermanentFailure, 2) => Explanation::ReplyClassNoConnections,
        (Severity::PermanentFailure, 3) => Explanation::ReplyClassNoLogin,
        (Severity::PermanentFailure, 5) => Explanation::ReplyClassNoFiles,
        (Severity::PermanentFailure, _) => Explanation::ReplyClassNoOther,
    }
}

/// Explains a decision of the engine.
#[must_use]
pub fn status(status: &Status) -> Explanation {
    match status {
        Status::Connecting { .. } => Explanation::StatusConnecting,
        Status::ConnectingData { .. } => Explanation::StatusConnectingData,
        Status::ThroughProxy { .. } => Explanation::StatusThroughProxy,
        Status::Probing { .. } => Explanation::StatusProbing,
        Status::TryingAuthSsl => Explanation::StatusTryingAuthSsl,
        Status::BannerLimitsTls { .. } => Explanation::StatusBannerLimitsTls,
        Status::AlpnRefused => Explanation::StatusAlpnRefused,
        Status::Reconnecting => Explanation::StatusReconnecting,
        Status::NoPasswordNeeded => Explanation::StatusNoPasswordNeeded,
        Status::NoFeatures => Explanation::StatusNoFeatures,
        Status::Utf8Refused => Explanation::StatusUtf8Refused,
        Status::LoggedIn { .. } => Explanation::StatusLoggedIn,
        Status::EpsvRefused => Explanation::StatusEpsvRefused,
        Status::EpsvUnreachable { .. } => Explanation::StatusEpsvUnreachable,
        Status::PassiveAddressIgnored { .. } => Explanation::StatusPassiveAddressIgnored,
        Status::OtherCodeEndsReply => Explanation::StatusOtherCodeEndsReply,
        Status::UnexpectedReply => Explanation::StatusUnexpectedReply,
        Status::MisplacedReply => Explanation::StatusMisplacedReply,
        Status::NoCloseNotify => Explanation::StatusNoCloseNotify,
        Status::Transferred { .. } => Explanation::StatusTransferred,
        Status::Listed { .. } => Explanation::StatusListed,
        Status::ListingCutOff { .. } => Explanation::StatusListingCutOff,
        Status::ServerClock { .. } => Explanation::StatusServerClock,
        Status::ServerClockUndetermined => Explanation::StatusServerClockUnknown,
        Status::DirectoryExists { .. } => Explanation::StatusDirectoryExists,
        Status::Aborted => Explanation::StatusAborted,
        Status::Suspended { .. } => Explanation::StatusSuspended,
        Status::Resynchronising => Explanation::StatusResynchronising,
        Status::FallingBack(Fallback::Tls12) => Explanation::StatusFallbackTls12,
        Status::FallingBack(Fallback::WithoutAlpn) => Explanation::StatusFallbackWithoutAlpn,
        Status::FallingBack(Fallback::NewConnection) => Explanation::StatusFallbackNewConnection,
        Status::FallingBack(Fallback::WithoutPipelining) => {
            Explanation::StatusFallbackWithoutPipelining
        }
        Status::Rotating { .. } => Explanation::StatusSessionReplaced,
        Status::TryingAgain { .. } => Explanation::StatusTryingAgain,
        Status::WaitingForSession => Explanation::StatusWaitingForSession,
        Status::SessionsLimited { .. } => Explanation::StatusSessionsLimited,
        Status::Resuming { .. } => Explanation::StatusResuming,
        Status::StartingOver { .. } => Explanation::StatusStartingOver,
        Status::TailVerified { .. } => Explanation::StatusEndVerified,
        Status::ReplyLost { .. } => Explanation::StatusReplyLost,
        Status::AlreadyComplete { .. } => Explanation::StatusAlreadyComplete,
        Status::AdoptingFile { .. } => Explanation::StatusContinuingFile,
        Status::AdoptedFileKept { .. } => Explanation::StatusFileKept,
        Status::TemporaryNameLocked { .. } => Explanation::StatusFileLocked,
        Status::RenameReplyLost { .. } => Explanation::StatusRenameReplyLost,
        Status::RestartRefused => Explanation::StatusRestartRefused,
        Status::AppendRefused => Explanation::StatusAppendRefused,
        Status::RenameForbidden => Explanation::StatusRenameForbidden,
        Status::WritingInPlace { .. } => Explanation::StatusWritingInPlace,
        Status::MovedAside { .. } => Explanation::StatusMovedAside,
        Status::DateRefused => Explanation::StatusDateRefused,
        Status::DigestRefused => Explanation::StatusDigestRefused,
        Status::Checked(Verified::Digest(_)) => Explanation::StatusVerifiedDigest,
        Status::Checked(Verified::Size { .. }) => Explanation::StatusVerifiedSize,
        Status::Checked(Verified::ReplyOnly) => Explanation::StatusVerifiedReplyOnly,
    }
}

/// Explains a stage; `None` where its commands are explained instead.
#[must_use]
pub fn stage(stage: Stage) -> Option<Explanation> {
    Some(match stage {
        Stage::Greeting => Explanation::StageGreeting,
        Stage::Auth => Explanation::StageAuth,
        Stage::Tls => Explanation::StageTls,
        Stage::Certificate => Explanation::StageCertificate,
        Stage::Login => Explanation::StageLogin,
        Stage::Protect => Explanation::StageProtect,
        Stage::Setup => Explanation::StageSetup,
        Stage::Connect
        | Stage::List
        | Stage::MakeDirectory
        | Stage::DataConnection
        | Stage::DataTls
        | Stage::Transfer
        | Stage::Verify
        | Stage::Rename
        | Stage::Delete
        | Stage::Attributes
        | Stage::Idle => return None,
    })
}

/// Explains the encryption of a connection.
#[must_use]
pub fn tls(connection: Connection, facts: &TlsFacts) -> Explanation {
    match (connection, facts.resumed) {
        (Connection::Control, _) => Explanation::TlsControl,
        (Connection::Data(_), true) => Explanation::TlsDataResumed,
        (Connection::Data(_), false) => Explanation::TlsDataNew,
    }
}

/// Explains a transcript event by event, and knows which command each reply answers.
///
/// Takes the transcript of one session, in the order of its events.
#[derive(Clone, Debug, Default)]
pub struct LogExplainer {
    /// The unanswered commands: verb and first parameter.
    outstanding: VecDeque<String>,
    /// The code of an incomplete reply.
    partial: Option<Code>,
}

impl LogExplainer {
    /// Creates an explainer that has seen no event yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Explains an event; `None` where it needs no explanation, and for all lines of a reply but the
    /// last.
    pub fn explain(&mut self, event: &Event) -> Option<Explanation> {
        match &event.kind {
            EventKind::Command(line) => self.take_command(line.as_str()),
            EventKind::Response(line) => self.take_line(line.as_bytes()),
            EventKind::Stage(Stage::Connect) => {
                // A new connection: the commands of the last one will not be answered.
                *self = Self::new();
                None
            }
            _ => of_ours(event),
        }
    }

    fn take_command(&mut self, line: &str) -> Option<Explanation> {
        let (verb, argument) = words(line);
        // Keeps nothing that a person typed.
        let is_ours = ["AUTH", "OPTS", "PROT", "SITE", "TYPE"].contains(&verb.as_str());
        let argument = if is_ours { argument.as_str() } else { "" };
        self.outstanding.push_back(format!("{verb} {argument}"));
        if self.outstanding.len() > MAX_OUTSTANDING {
            self.outstanding.pop_front();
        }
        command(line)
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Explanation> {
        let code = Code::at_start_of(line);
        let is_last = !matches!(line.get(3), Some(b'-'));
        let code = match (self.partial, code) {
            (None, Some(code)) if is_last => code,
            (Some(partial), Some(code)) if is_last && partial == code => code,
            (None, started) => {
                self.partial = started;
                return None;
            }
            (Some(_), _) => return None,
        };
        self.partial = None;
        let answers = match code.severity() {
            Severity::Preliminary => self.outstanding.front().cloned(),
            _ => self.outstanding.pop_front(),
        };
        Some(reply(code, answers.as_deref()))
    }
}

/// Explains an event that is neither a command nor a reply.
fn of_ours(event: &Event) -> Option<Explanation> {
    match &event.kind {
        EventKind::Stage(of) => stage(*of),
        EventKind::Status(of) => Some(status(of)),
        EventKind::Tls(facts) => Some(tls(event.connection, facts)),
        EventKind::Certificate(_) => Some(Explanation::Certificate),
        // An error has its diagnosis.
        EventKind::Error(_) | EventKind::Command(_) | EventKind::Response(_) => None,
    }
}

impl Explanation {
    /// Explains an event to people who do not know FTP; `None` where it needs no explanation. A reply
    /// is explained without its command, which a single event does not know: a [`LogExplainer`]
    /// does.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match &event.kind {
            EventKind::Command(line) => command(line.as_str()),
            EventKind::Response(line) => {
                let is_last = !matches!(line.as_bytes().get(3), Some(b'-'));
                let code = Code::at_start_of(line.as_bytes()).filter(|_| is_last)?;
                Some(reply(code, None))
            }
            _ => of_ours(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Algorithm, Password, RemotePath, Timestamp, Username,
        command::Command,
        reply::decoder::{Decoded, ReplyDecoder, ReplyLimits},
    };

    /// Runs a check on one command of each kind. A new kind does not compile until it is here.
    fn with_all_commands(check: impl Fn(&Command<'_>)) {
        let path = RemotePath::try_from("/a").unwrap();
        let (name, password) = (Username::new("a").unwrap(), Password::new("b").unwrap());
        let time = Timestamp::from_unix_millis(0).unwrap();
        let p = &path;
        let mut command = Some(Command::AuthTls);
        while let Some(current) = command {
            check(&current);
            command = match current {
                Command::AuthTls => Some(Command::AuthSsl),
                Command::AuthSsl => Some(Command::User(&name)),
                Command::User(_) => Some(Command::Pass(&password)),
                Command::Pass(_) => Some(Command::Pbsz0),
                Command::Pbsz0 => Some(Command::ProtP),
                Command::ProtP => Some(Command::Feat),
                Command::Feat => Some(Command::OptsUtf8On),
                Command::OptsUtf8On => Some(Command::OptsUtf8Off),
                Command::OptsUtf8Off => Some(Command::TypeI),
                Command::TypeI => Some(Command::Pwd),
                Command::Pwd => Some(Command::Cwd(p)),
                Command::Cwd(_) => Some(Command::Mkd(p)),
                Command::Mkd(_) => Some(Command::Rmd(p)),
                Command::Rmd(_) => Some(Command::Epsv),
                Command::Epsv => Some(Command::Pasv),
                Command::Pasv => Some(Command::Rest(1)),
                Command::Rest(_) => Some(Command::Stor(p)),
                Command::Stor(_) => Some(Command::Appe(p)),
                Command::Appe(_) => Some(Command::Size(p)),
                Command::Size(_) => Some(Command::Rnfr(p)),
                Command::Rnfr(_) => Some(Command::Rnto(p)),
                Command::Rnto(_) => Some(Command::Dele(p)),
                Command::Dele(_) => Some(Command::Mfmt(time, p)),
                Command::Mfmt(..) => Some(Command::MdtmSet(time, p)),
                Command::MdtmSet(..) => Some(Command::SiteUtime(time, p)),
                Command::SiteUtime(..) => Some(Command::OptsHash(Algorithm::Sha1)),
                Command::OptsHash(_) => Some(Command::Hash(p)),
                Command::Hash(_) => Some(Command::XDigest("XSHA1", p, None)),
                Command::XDigest(..) => Some(Command::Mdtm(p)),
                Command::Mdtm(_) => Some(Command::Mlst(p)),
                Command::Mlst(_) => Some(Command::Avbl(p)),
                Command::Avbl(_) => Some(Command::SiteChmod(0, p)),
                Command::SiteChmod(..) => Some(Command::Mlsd(None)),
                Command::Mlsd(_) => Some(Command::List),
                Command::List => Some(Command::Noop),
                Command::Noop => Some(Command::Quit),
                Command::Quit => None,
            };
        }
    }

    #[test]
    fn every_command_has_an_explanation() {
        with_all_commands(|sent| {
            let explained = command(sent.line().as_str());
            assert!(explained.is_some(), "{sent:?}");
            assert_eq!(command(&sent.verb().to_lowercase()), explained, "{sent:?}");
        });
        assert_eq!(command("FROB x"), None);
        assert_eq!(command(""), None);
    }

    #[test]
    fn every_code_has_an_explanation_after_every_command() {
        for code in (100..600).filter_map(Code::new) {
            assert!(reply(code, None).code().starts_with("explanation.reply."), "{code}");
            with_all_commands(|sent| {
                let explained = reply(code, Some(sent.verb()));
                assert!(explained.code().starts_with("explanation.reply."), "{code} {sent:?}");
            });
        }
    }

    #[test]
    fn every_code_of_the_rfcs_has_an_explanation_of_its_own() {
        let of_rfc_959 = [
            110, 120, 125, 150, 200, 202, 211, 212, 213, 214, 215, 220, 221, 225, 226, 227, 230,
            250, 257, 331, 332, 350, 421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 530,
            532, 550, 551, 552, 553,
        ];
        let of_others = [
            228, 229, 232, 234, 235, 334, 335, 336, 431, 521, 522, 533, 534, 535, 536, 537, 554,
            555,
        ];
        for code in of_rfc_959.into_iter().chain(of_others) {
            assert!(by_code(code).is_some(), "{code}");
        }
    }

    #[test]
    fn every_explanation_is_given_somewhere_and_has_a_code_of_its_own() {
        let (source, _tests) = include_str!("explain.rs").split_once("#[cfg(test)]").unwrap();
        for (number, explanation) in (0..).zip(Explanation::ALL) {
            assert_eq!(explanation.number(), number);
            let name = format!("Explanation::{explanation:?}");
            let mut given = source.match_indices(&name).map(|(at, _)| &source[at + name.len()..]);
            let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
            assert!(given.any(is_whole), "{name}");
            let same = Explanation::ALL.iter().filter(|other| other.code() == explanation.code());
            assert_eq!(same.count(), 1, "{name}");
        }
    }

    #[test]
    fn encryption_of_both_connections_is_explained() {
        let facts = |resumed| TlsFacts {
            version: crate::TlsVersion::Tls13,
            cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(),
            resumed,
        };
        let told = |connection, resumed| {
            let event = Event { session: Some(1), connection, kind: facts(resumed).into() };
            LogExplainer::new().explain(&event).unwrap()
        };
        assert_eq!(told(Connection::Control, false), Explanation::TlsControl);
        assert_eq!(told(Connection::Data(1), true), Explanation::TlsDataResumed);
        assert_eq!(told(Connection::Data(1), false), Explanation::TlsDataNew);
        let fallback = Event {
            session: None,
            connection: Connection::Control,
            kind: Status::FallingBack(Fallback::Tls12).into(),
        };
        assert_eq!(Explanation::of(&fallback), Some(Explanation::StatusFallbackTls12));
    }

    fn explained(code: u16, answers: &str) -> Explanation {
        reply(Code::new(code).unwrap(), Some(answers))
    }

    #[test]
    fn same_code_means_another_thing_after_another_command() {
        for code in [425, 522] {
            assert_ne!(explained(code, "EPSV"), explained(code, "STOR a"), "{code}");
        }
        for (one, other) in [("CWD", "STOR"), ("MKD", "SIZE"), ("RNFR", "RNTO"), ("DELE", "RMD")] {
            assert_ne!(explained(550, one), explained(550, other), "{one} {other}");
        }
        assert_eq!(explained(522, "epsv"), explained(522, "EPSV"));
    }

    #[test]
    fn unknown_code_is_explained_by_its_digits() {
        let told = |code| reply(Code::new(code).unwrap(), None);
        assert_eq!(told(255), Explanation::ReplyClassDoneFiles);
        assert_eq!(told(439), Explanation::ReplyClassLaterLogin);
        assert_eq!(told(590), Explanation::ReplyClassNoOther);
    }

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = ReplyDecoder::new(ReplyLimits::default());
        decoder.push(bytes);
        let mut events = Vec::new();
        while let Some(decoded) = decoder.decode().unwrap() {
            if let Decoded::ReplyLine(line) = decoded {
                events.push(Event {
                    session: Some(1),
                    connection: Connection::Control,
                    kind: line.into(),
                });
            }
        }
        events
    }

    fn sent(command: Command<'_>) -> Event {
        Event { session: Some(1), connection: Connection::Control, kind: command.line().into() }
    }

    #[test]
    fn explainer_knows_which_command_a_reply_answers() {
        let path = RemotePath::try_from("/a").unwrap();
        let mut explainer = LogExplainer::new();
        let mut events_so_far = vec![Event {
            session: Some(1),
            connection: Connection::Control,
            kind: Stage::Connect.into(),
        }];
        events_so_far.extend(events(b"220-Hello\r\n 331 is no end\r\n220 ready\r\n"));
        // Two at once, answered in order; one of them twice.
        events_so_far.push(sent(Command::Epsv));
        events_so_far.push(sent(Command::Stor(&path)));
        events_so_far.extend(events(b"522 no\r\n150 go\r\n522 no\r\n"));
        let told: Vec<_> = events_so_far.iter().map(|event| explainer.explain(event)).collect();
        assert_eq!((told[0], told[1], told[2]), (None, None, None));
        assert_eq!(told[3], by_code(220));
        assert_eq!((told[4], told[5]), (command("EPSV"), command("STOR")));
        assert_eq!(told[6], Some(explained(522, "EPSV")));
        assert_eq!(told[7], Some(explained(150, "STOR")));
        assert_eq!(told[8], Some(explained(522, "STOR")));
    }

    #[test]
    fn explainer_keeps_no_secret_and_no_name() {
        let (name, password) = (Username::new("ada").unwrap(), Password::new("hunter2").unwrap());
        let mut explainer = LogExplainer::new();
        explainer.explain(&sent(Command::User(&name)));
        explainer.explain(&sent(Command::Pass(&password)));
        let debug = format!("{explainer:?}").to_lowercase();
        assert!(!debug.contains("ada") && !debug.contains("hunter2") && !debug.contains('*'));
    }

    #[test]
    fn event_explains_itself_without_its_context() {
        let told: Vec<_> = events(b"211-x\r\n SIZE\r\n211 End\r\n226 ok\r\n")
            .iter()
            .map(Explanation::of)
            .collect();
        assert_eq!(told[..2], [None, None]);
        assert_eq!(told[2], by_code(211));
        assert_eq!(told[3], by_code(226));
        let feat = Explanation::of(&sent(Command::Feat));
        assert_eq!(feat, command("FEAT"));
        let of_stage = |stage: Stage| {
            let (session, connection) = (Some(1), Connection::Control);
            Explanation::of(&Event { session, connection, kind: stage.into() })
        };
        assert!(of_stage(Stage::Login).is_some());
        assert_eq!(of_stage(Stage::Transfer), None);
    }
}
