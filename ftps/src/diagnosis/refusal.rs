//! What a refusal means: by its stage, its code and the server's words.
//!
//! The words, in lower case, are those of known servers. For a server in another language, only the
//! code counts.

use super::Cause;
use crate::{
    error::Error,
    reply::{Code, Reply},
    stage::Stage,
};

/// Verbs that every server supports (RFC 959 §5.1): a server that denies that means the name.
const VERBS_WITH_A_NAME: [&str; 7] = ["STOR", "CWD", "MKD", "RMD", "DELE", "RNFR", "RNTO"];

/// What a refused command means.
pub(super) fn cause(error: &Error, verb: &str, reply: &Reply) -> Cause {
    if let Some(cause) = cause_at_any_stage(reply) {
        return cause;
    }
    match error.stage() {
        Stage::Connect | Stage::Greeting | Stage::Idle => Cause::SessionEnded,
        Stage::Auth => auth_cause(reply.code()),
        Stage::Login => login_cause(reply),
        Stage::Protect => Cause::ProtectionRefused,
        Stage::DataConnection | Stage::DataTls => data_cause(error, reply),
        Stage::Tls
        | Stage::Certificate
        | Stage::Setup
        | Stage::List
        | Stage::MakeDirectory
        | Stage::Transfer
        | Stage::Verify
        | Stage::Rename
        | Stage::Delete
        | Stage::Attributes => file_cause(error.stage(), verb, reply),
    }
}

fn data_cause(error: &Error, reply: &Reply) -> Cause {
    if says(reply, &["bad ip", "foreign"]) {
        Cause::DataAddressRefused
    } else if error.stage() == Stage::DataTls {
        super::reuse_cause(error)
    } else {
        Cause::PassiveUnusable
    }
}

/// What a reply that ends the session means.
pub(super) fn ended_cause(stage: Stage, reply: &Reply) -> Cause {
    if let Some(cause) = cause_at_any_stage(reply) {
        return cause;
    }
    if says(reply, &["timeout", "timed out", "time-out", "idle", "inactiv", "no transfer"]) {
        return match stage {
            Stage::List | Stage::Transfer | Stage::Verify => Cause::TransferTimedOut,
            _ => Cause::IdleTimeout,
        };
    }
    Cause::SessionEnded
}

/// Causes by words that mean the same at every stage.
fn cause_at_any_stage(reply: &Reply) -> Option<Cause> {
    if says(reply, &["oops"]) {
        return Some(oops_cause(reply));
    }
    if is_about_attempts(reply) {
        return Some(Cause::TooManyAttempts);
    }
    if is_about_number_of_sessions(reply) {
        return Some(Cause::TooManyConnections);
    }
    let said = [
        (Cause::WeakCiphers, &["cipher"][..]),
        (Cause::ClientCertificateNeeded, &["client certificate", "certificate required"]),
        (
            Cause::EncryptionDemanded,
            &["must use encryption", "encryption required", "ssl required"],
        ),
        (Cause::HomeUnavailable, &["home directory", "home dir"]),
    ];
    said.into_iter().find(|(_, words)| says(reply, words)).map(|(cause, _)| cause)
}

/// vsftpd's `500 OOPS`, with which it terminates.
fn oops_cause(reply: &Reply) -> Cause {
    if says(reply, &["writable root", "writeable root"]) {
        Cause::WritableRoot
    } else if says(reply, &["cannot change directory", "home"]) {
        Cause::HomeUnavailable
    } else {
        Cause::ServerMisconfigured
    }
}

fn is_about_attempts(reply: &Reply) -> bool {
    says(reply, &["too many", "maximum"])
        && says(reply, &["attempt", "failure", "failed", "tries", "incorrect", "bad login"])
}

fn is_about_number_of_sessions(reply: &Reply) -> bool {
    says(reply, &["too many", "maximum number", "the maximum", "no more", "limit reached"])
        || says(reply, &["already logged in", "already connected", "maximum session"])
}

fn auth_cause(code: Code) -> Cause {
    match code {
        Code::SECURITY_UNAVAILABLE => Cause::TlsUnavailable,
        Code::POLICY => Cause::TlsPolicy,
        _ => Cause::NoTls,
    }
}

fn login_cause(reply: &Reply) -> Cause {
    match reply.code().value() {
        332 | 532 => return Cause::AccountNeeded,
        531 => return Cause::ClientCertificateNeeded,
        400..500 => return Cause::SessionEnded,
        _ => (),
    }
    if says(reply, &["locked", "disabled", "expired", "suspended", "deactivated"]) {
        Cause::AccountLocked
    } else if says(reply, &["banned", "blacklist", "your ip", "ip address", "from your host"]) {
        Cause::AddressBanned
    } else {
        Cause::WrongCredentials
    }
}

fn file_cause(stage: Stage, verb: &str, reply: &Reply) -> Cause {
    cause_by_words(reply).unwrap_or_else(|| cause_by_code(stage, verb, reply))
}

fn cause_by_words(reply: &Reply) -> Option<Cause> {
    let said = [
        (Cause::ResumeNotPermitted, &["append/restart", "restart not permitted"][..]),
        (
            Cause::OverwriteNotPermitted,
            &["overwrite", "already exists", "file exists", "that file already"],
        ),
        (Cause::QuotaExceeded, &["quota"]),
        (Cause::DiskFull, &["no space", "disk full", "not enough space", "insufficient"]),
        // What vsftpd and Pure-FTPd reply when a write fails.
        (Cause::DiskFull, &["failure writing to local file", "error during write"]),
        (Cause::AsciiMode, &["ascii"]),
        (Cause::NoSuchFile, &["no such", "not found", "cannot find", "does not exist"]),
    ];
    said.into_iter().find(|(_, words)| says(reply, words)).map(|(cause, _)| cause)
}

fn cause_by_code(stage: Stage, verb: &str, reply: &Reply) -> Cause {
    let is_denied = says(reply, &["denied", "permission", "could not create", "can't open"]);
    match reply.code() {
        Code::NO_SPACE => Cause::DiskFull,
        Code::QUOTA_EXCEEDED => Cause::QuotaExceeded,
        Code::NAME_NOT_ALLOWED if !is_denied => Cause::NameNotAllowed,
        Code::NAME_NOT_ALLOWED | Code::UNAVAILABLE | Code::NOT_LOGGED_IN | Code::PROT_REFUSED => {
            Cause::NotPermitted
        }
        Code::NO_DATA_CONNECTION => Cause::TransferBroken,
        Code::TRANSFER_ABORTED if stage == Stage::Verify => Cause::EndRefused,
        Code::TRANSFER_ABORTED => Cause::TransferBroken,
        code if is_unknown(code) && verb == "REST" => Cause::ResumeNotPermitted,
        Code::UNKNOWN_COMMAND | Code::BAD_ARGUMENTS if VERBS_WITH_A_NAME.contains(&verb) => {
            Cause::NameNotUnderstood
        }
        code if is_unknown(code) => Cause::NotSupported,
        Code::BAD_SEQUENCE => Cause::OutOfSequence,
        Code::ACCOUNT_TO_STORE => Cause::AccountNeeded,
        Code::LOCAL_ERROR => Cause::ServerFault,
        _ => Cause::Busy,
    }
}

fn is_unknown(code: Code) -> bool {
    let unknown =
        [Code::UNKNOWN_COMMAND, Code::BAD_ARGUMENTS, Code::NOT_IMPLEMENTED, Code::BAD_PARAMETER];
    unknown.contains(&code)
}

fn says(reply: &Reply, words: &[&str]) -> bool {
    words.iter().any(|words| reply.mentions(words))
}
