//! Errors that the tests of this module's parts diagnose.

use std::{io, time::Duration};

use super::{Cause, Diagnosis, Who};
use crate::{
    error::{Error, Evidence, Kind, Operation},
    reply::{Code, Reply},
    stage::Stage,
    tls::{TlsFacts, TlsVersion},
};

pub(super) fn reply(line: &str) -> Reply {
    let code = Code::at_start_of(line.as_bytes()).unwrap();
    Reply::from_lines(code, line.split('\n').map(|line| line.as_bytes().to_vec()).collect())
}

/// The diagnosis of an error, with complete texts.
pub(super) fn diagnosed(error: &Error) -> Diagnosis {
    let diagnosis = Diagnosis::of(error);
    let sentence = error.to_string();
    assert!(!sentence.ends_with('.') && !sentence.starts_with(char::is_uppercase), "{sentence}");
    if let Some(reply) = error.reply() {
        assert!(!error.chain().contains(&*reply.text()), "the reply is repeated: {sentence}");
    }
    diagnosis
}

pub(super) fn refused(stage: Stage, verb: &'static str, line: &str) -> (Cause, Who) {
    let diagnosis = diagnosed(&Kind::Refused { verb, reply: reply(line) }.at(stage));
    (diagnosis.cause, diagnosis.who)
}

pub(super) fn at_login(line: &str) -> Cause {
    refused(Stage::Login, "PASS", line).0
}

pub(super) fn at_store(line: &str) -> Cause {
    refused(Stage::Transfer, "STOR", line).0
}

pub(super) fn ended(stage: Stage, line: &str) -> Cause {
    diagnosed(&Kind::Ended { reply: reply(line) }.at(stage)).cause
}

pub(super) fn io(operation: Operation, source: impl Into<io::Error>) -> Kind {
    Kind::Io { operation, source: source.into() }
}

pub(super) fn alert(alert: rustls::AlertDescription) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert))
}

pub(super) fn cause_with(kind: Kind, stage: Stage, evidence: Evidence) -> Cause {
    diagnosed(&kind.at(stage).with_evidence(evidence)).cause
}

pub(super) fn of_session(version: TlsVersion, data_connections: u32, age_secs: u64) -> Evidence {
    let tls = TlsFacts { version, cipher_suite: "x".to_owned(), resumed: false };
    let age = Duration::from_secs(age_secs);
    Evidence { tls: Some(tls), data_connections, age, ..Evidence::default() }
}
