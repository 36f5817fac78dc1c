//! Derives the cause of a refusal from its stage, its code and the server's words.
//!
//! The words, in lower case, are those of known servers. For a server in another language, only the
//! code counts.

use super::{Cause, tls::reuse_cause};
use crate::{
    error::Error,
    reply::{Code, Reply},
    stage::Stage,
};

/// Verbs that every server supports (RFC 959 §5.1): 500 and 501 to one of them are about the name.
const VERBS_WITH_A_NAME: [&str; 7] = ["STOR", "CWD", "MKD", "RMD", "DELE", "RNFR", "RNTO"];

/// Returns the cause of a refused command.
pub(super) fn cause(error: &Error, verb: &str, reply: &Reply) -> Cause {
    if let Some(cause) = cause_at_any_stage(reply) {
        return cause;
    }
    match error.stage() {
        Stage::Connect | Stage::Greeting | Stage::Idle => Cause::SessionEnded,
        Stage::Auth => auth_cause(reply.code()),
        Stage::Login => login_cause(error, reply),
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
        reuse_cause(error)
    } else {
        Cause::PassiveUnusable
    }
}

/// Returns the cause of a reply that ends the session.
pub(super) fn ended_cause(stage: Stage, reply: &Reply) -> Cause {
    if let Some(cause) = cause_at_any_stage(reply) {
        return cause;
    }
    if reply.code() == Code::CLOSING && says(reply, &["banned"]) {
        return Cause::AddressBanned;
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
    if is_about_client(reply) {
        return Some(Cause::ClientRefused);
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

/// Some servers serve certain client programs only, or ban some.
fn is_about_client(reply: &Reply) -> bool {
    says(reply, &["client"])
        && says(reply, &["banned", "not allowed", "not permitted", "not supported", "forbidden"])
        && !says(reply, &["certificate", "ip address", "address"])
}

fn auth_cause(code: Code) -> Cause {
    match code {
        Code::SECURITY_UNAVAILABLE => Cause::TlsUnavailable,
        Code::POLICY => Cause::TlsPolicy,
        _ => Cause::NoTls,
    }
}

fn login_cause(error: &Error, reply: &Reply) -> Cause {
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
    } else if error.evidence().credentials_beyond_ascii {
        Cause::CredentialsCharset
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
        (
            Cause::ContentRejected,
            &["virus", "malware", "infected", "trojan", "quarantine", "clamav"],
        ),
        (Cause::QuotaExceeded, &["quota", "storage allocation", "space limit"]),
        (
            Cause::DiskFull,
            &["no space", "disk full", "not enough space", "insufficient storage", "out of space"],
        ),
        // What vsftpd and Pure-FTPd reply when a write fails.
        (Cause::DiskFull, &["failure writing to local file", "error during write"]),
        (Cause::AsciiMode, &["ascii"]),
        (
            Cause::NameNotAllowed,
            &[
                "forbidden filename",
                "disallowed file",
                "file name not allowed",
                "filename not allowed",
                "illegal file name",
                "filename invalid",
                "(filename",
                "name too long",
                "name is too long",
                "filename too long",
                "prohibited file name",
                "file type not allowed",
            ],
        ),
        (Cause::NoSuchFile, &["no such", "not found", "cannot find", "does not exist"]),
    ];
    said.into_iter().find(|(_, words)| says(reply, words)).map(|(cause, _)| cause)
}

fn cause_by_code(stage: Stage, verb: &str, reply: &Reply) -> Cause {
    let is_denied =
        says(reply, &["denied", "permission", "privilege", "could not create", "can't open"]);
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
        Code::ACCOUNT_TO_STORE | Code::ACCOUNT_NEEDED => Cause::AccountNeeded,
        Code::LOCAL_ERROR => Cause::ServerFault,
        code if code.value() == 551 => Cause::ServerFault,
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{
        diagnosis::{
            Who, samples,
            samples::{at_login, at_store, cause_with, diagnosed, ended, refused},
        },
        error::{Evidence, Kind, Operation},
    };

    #[test]
    fn auth_refused_by_a_server_without_tls() {
        for line in ["500 what?", "502 not implemented", "504 no", "530 Please login"] {
            assert_eq!(
                refused(Stage::Auth, "AUTH TLS", line),
                (Cause::NoTls, Who::ServerOperator),
                "{line}"
            );
        }
    }

    #[test]
    fn auth_refused_for_the_certificate_or_the_policy() {
        let auth = |line| refused(Stage::Auth, "AUTH TLS", line).0;
        assert_eq!(auth("431 Failed to setup secure session."), Cause::TlsUnavailable);
        assert_eq!(auth("534 Local policy on server does not allow TLS."), Cause::TlsPolicy);
    }

    #[test]
    fn non_anonymous_sessions_must_use_encryption() {
        let line = "530 Non-anonymous sessions must use encryption.";
        assert_eq!(
            refused(Stage::Login, "USER", line),
            (Cause::EncryptionDemanded, Who::ServerOperator)
        );
    }

    #[test]
    fn login_refused_530() {
        assert_eq!(at_login("530 Login incorrect."), Cause::WrongCredentials);
        assert_eq!(at_login("530 User ada: account locked"), Cause::AccountLocked);
        assert_eq!(at_login("530 Your IP address is banned"), Cause::AddressBanned);
        assert_eq!(at_login("530 Too many failed login attempts"), Cause::TooManyAttempts);
        assert_eq!(at_login("532 Need account"), Cause::AccountNeeded);
    }

    #[test]
    fn too_many_connections_in_the_words_of_many_servers() {
        for line in [
            "530 Sorry, the maximum number of clients (3) from your host are already connected.",
            "530 Sorry, maximum number of connections reached",
            "530 Maximum session limit reached",
        ] {
            assert_eq!(at_login(line), Cause::TooManyConnections, "{line}");
        }
        for line in [
            "421 There are too many connections from your internet address.",
            "421 50 users (the maximum) are already logged in, sorry",
            "421 No more connections allowed from your IP.",
        ] {
            assert_eq!(ended(Stage::Greeting, line), Cause::TooManyConnections, "{line}");
        }
    }

    #[test]
    fn home_directory_inaccessible() {
        let iis = "530 User cannot log in, home directory inaccessible.";
        assert_eq!(
            refused(Stage::Login, "PASS", iis),
            (Cause::HomeUnavailable, Who::ServerOperator)
        );
        assert_eq!(at_login("500 OOPS: cannot change directory:/home/a"), Cause::HomeUnavailable);
    }

    #[test]
    fn weak_ciphers_are_not_accepted_421() {
        let line = "421 TLS: Sorry, weak ciphers are not accepted";
        assert_eq!(ended(Stage::Login, line), Cause::WeakCiphers);
    }

    #[test]
    fn end_of_the_data_connection_not_taken_426() {
        let line = "426 Failure reading network stream.";
        assert_eq!(refused(Stage::Verify, "STOR", line).0, Cause::EndRefused);
        assert_eq!(at_store(line), Cause::TransferBroken);
        let reset = samples::io(Operation::Data, io::ErrorKind::ConnectionReset);
        assert_eq!(cause_with(reset, Stage::Verify, Evidence::default()), Cause::EndRefused);
    }

    #[test]
    fn timeout_421_during_a_transfer_and_while_idle() {
        for line in ["421 Timeout.", "421 No transfer timeout (600 seconds): closing", "421 Idle"] {
            assert_eq!(ended(Stage::Transfer, line), Cause::TransferTimedOut, "{line}");
            assert_eq!(ended(Stage::Idle, line), Cause::IdleTimeout, "{line}");
        }
        assert_eq!(ended(Stage::Idle, "421 Shutting down."), Cause::SessionEnded);
    }

    #[test]
    fn disk_full_or_quota_exceeded() {
        assert_eq!(at_store("452 Insufficient storage space."), Cause::DiskFull);
        assert_eq!(at_store("426 No space left on device"), Cause::DiskFull);
        assert_eq!(at_store("451 Failure writing to local file."), Cause::DiskFull);
        assert_eq!(at_store("552 Exceeded storage allocation"), Cause::QuotaExceeded);
        assert_eq!(at_store("550 Quota exceeded"), Cause::QuotaExceeded);
        assert_eq!(at_store("451 Local error in processing"), Cause::ServerFault);
        assert_eq!(at_store("450 File busy"), Cause::Busy);
    }

    #[test]
    fn confirmed_and_shorter_than_sent() {
        let kind = Kind::WrongSize { sent: 10, stored: Some(7) };
        let diagnosis = diagnosed(&kind.at(Stage::Verify));
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::NotWhole, Who::ServerOperator));
    }

    #[test]
    fn permission_denied_550_and_553() {
        assert_eq!(at_store("550 a: Permission denied"), Cause::NotPermitted);
        assert_eq!(at_store("553 Could not create file."), Cause::NotPermitted);
        assert_eq!(at_store("553 Can't open that file: Permission denied"), Cause::NotPermitted);
        assert_eq!(at_store("553 Disallowed file name"), Cause::NameNotAllowed);
        let too_long = "553 Can't open that file: File name too long";
        assert_eq!(at_store(too_long), Cause::NameNotAllowed);
        let renamed = "550 Rename/move failure: File name too long";
        assert_eq!(refused(Stage::Verify, "RNTO", renamed).0, Cause::NameNotAllowed);
        let missing = "550 Failed to change directory: No such file or directory";
        assert_eq!(refused(Stage::List, "CWD", missing).0, Cause::NoSuchFile);
    }

    #[test]
    fn overwrite_permission_denied() {
        let lines = ["550 a: Overwrite permission denied", "550 File already exists"];
        for line in lines {
            assert_eq!(at_store(line), Cause::OverwriteNotPermitted, "{line}");
            let renamed = refused(Stage::Rename, "RNTO", line);
            assert_eq!(renamed, (Cause::OverwriteNotPermitted, Who::You));
        }
    }

    #[test]
    fn append_restart_not_permitted() {
        let line = "451 a: Append/Restart not permitted, try again";
        assert_eq!(at_store(line), Cause::ResumeNotPermitted);
        let unknown = refused(Stage::Transfer, "REST", "502 REST not implemented");
        assert_eq!(unknown.0, Cause::ResumeNotPermitted);
    }

    #[test]
    fn size_not_allowed_in_ascii_mode() {
        let line = "550 SIZE not allowed in ASCII mode";
        assert_eq!(refused(Stage::Verify, "SIZE", line).0, Cause::AsciiMode);
    }

    #[test]
    fn name_beyond_ascii_not_understood() {
        assert_eq!(at_store("501 Invalid filename"), Cause::NameNotUnderstood);
        assert_eq!(at_store("500 '\u{fffd}': command not understood"), Cause::NameNotUnderstood);
        let feature = refused(Stage::Attributes, "SITE CHMOD", "500 Unknown SITE command");
        assert_eq!(feature.0, Cause::NotSupported);
    }

    #[test]
    fn content_rejected_by_a_scanner() {
        let at_end = |line| refused(Stage::Verify, "STOR", line);
        for line in [
            "451 Virus found",
            "550 Virus Detected and Removed: Eicar-Test-Signature",
            "552 File infected, moved to quarantine",
        ] {
            assert_eq!(at_end(line), (Cause::ContentRejected, Who::You), "{line}");
        }
    }

    #[test]
    fn bad_sequence_of_commands_503() {
        let line = "503 Bad sequence of commands.";
        assert_eq!(refused(Stage::Rename, "RNTO", line).0, Cause::OutOfSequence);
    }

    #[test]
    fn oops_of_vsftpd() {
        let line = "500 OOPS: vsftpd: refusing to run with writable root inside chroot()";
        assert_eq!(at_login(line), Cause::WritableRoot);
        let other = "500 OOPS: could not read chroot() list file:/etc/vsftpd.chroot_list";
        assert_eq!(at_login(other), Cause::ServerMisconfigured);
    }
}
