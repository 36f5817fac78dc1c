//! The sentences of errors.

use std::{error::Error as StdError, fmt, io};

use super::{Error, Kind, Operation};
use crate::{
    passive::PassiveError,
    proxy::{ProxyFailure, ProxyProtocol},
    reply::{decoder::DecodeError, display_text},
    sentence::{self, Fact, Sentence, SentenceCode as Says},
};

impl Error {
    /// The error and its sources, joined by colons, as in the transcript.
    #[must_use]
    pub fn chain(&self) -> String {
        let facts: Vec<_> = self.facts().iter().map(ToString::to_string).collect();
        facts.join(": ")
    }

    /// The error and its sources, for a program in another language.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut next: Option<&(dyn StdError + 'static)> = Some(self);
        while let Some(error) = next {
            facts.push(fact(error));
            next = error.source();
        }
        facts
    }
}

fn fact(error: &(dyn StdError + 'static)) -> Fact {
    let sentence = if let Some(error) = error.downcast_ref::<Error>() {
        Some(error.kind().sentence())
    } else if let Some(failure) = error.downcast_ref::<ProxyFailure>() {
        Some(failure.sentence())
    } else if let Some(malformed) = error.downcast_ref::<DecodeError>() {
        Some(malformed.sentence())
    } else if let Some(passive) = error.downcast_ref::<PassiveError>() {
        Some(passive.sentence())
    } else {
        error.downcast_ref::<io::Error>().and_then(sentence::of_the_system)
    };
    sentence.map_or_else(|| Fact::Verbatim(error.to_string()), Fact::Sentence)
}

impl Kind {
    /// One fact, without a full stop.
    pub(super) fn sentence(&self) -> Sentence {
        match self {
            Self::InvalidHost { host } => Sentence::new(Says::ErrorInvalidHost).with("host", host),
            Self::Io { operation, .. } => Sentence::new(failed(*operation)),
            Self::TimedOut { operation, after } => {
                Sentence::new(timed_out(*operation)).with_seconds("seconds", *after)
            }
            Self::Proxy { protocol, operation, .. } => {
                Sentence::new(not_through(*protocol, *operation))
            }
            Self::Closed => Sentence::new(Says::ErrorClosed),
            Self::Ended { reply } => Sentence::new(Says::ErrorEnded).with("code", reply.code()),
            Self::Refused { verb, reply } => {
                Sentence::new(Says::ErrorRefused).with("verb", verb).with("code", reply.code())
            }
            Self::Unexpected { verb, reply } => {
                Sentence::new(Says::ErrorUnexpected).with("verb", verb).with("code", reply.code())
            }
            Self::Malformed(_) => Sentence::new(Says::ErrorMalformedReply),
            Self::BytesAfterAuth { count } => {
                Sentence::new(Says::ErrorBytesAfterAuth).with("count", count)
            }
            Self::TlsSetup(_) => Sentence::new(Says::ErrorTlsSetup),
            Self::Handshake(_) => Sentence::new(Says::ErrorHandshake),
            Self::ImplicitTlsExpected => Sentence::new(Says::ErrorImplicitTlsExpected),
            Self::PlaintextAnswer { start } => {
                Sentence::new(Says::ErrorPlaintextAnswer).with("start", display_text(start))
            }
            Self::Untrusted(_) => Sentence::new(Says::ErrorUntrusted),
            Self::NotPinned { shown } => Sentence::new(Says::ErrorNotPinned).with("shown", shown),
            Self::DataCertificate { control, data } => Sentence::new(Says::ErrorDataCertificate)
                .with("data", data)
                .with("control", control),
            Self::Passive { verb, .. } => Sentence::new(Says::ErrorPassiveReply).with("verb", verb),
            Self::UnexpectedData => Sentence::new(Says::ErrorUnexpectedData),
            Self::EndedEarly { reply } => {
                Sentence::new(Says::ErrorEndedEarly).with("code", reply.code())
            }
            Self::WrongSize { sent, stored: Some(stored) } => {
                Sentence::new(Says::ErrorWrongSize).with("stored", stored).with("sent", sent)
            }
            Self::WrongSize { stored: None, .. } => Sentence::new(Says::ErrorNotStored),
            Self::WrongDigest { sent, stored } => {
                Sentence::new(Says::ErrorWrongDigest).with("stored", stored).with("sent", sent)
            }
            Self::IncompleteFileRemains { path, .. } => {
                Sentence::new(Says::ErrorIncompleteFileRemains).with("path", path)
            }
            Self::StoredElsewhere { path, stored } => {
                Sentence::new(Says::ErrorStoredElsewhere).with("stored", stored).with("path", path)
            }
            Self::SourceLengthMismatch { given, missing } => {
                Sentence::new(Says::ErrorSourceLengthMismatch)
                    .with("given", given)
                    .with("missing", missing)
            }
            Self::TargetIsDirectory { path } => {
                Sentence::new(Says::ErrorTargetIsDirectory).with("path", path)
            }
            Self::NameNotKept => Sentence::new(Says::ErrorNameNotKept),
            Self::PathsNotSupported { directory } => {
                Sentence::new(Says::ErrorPathsNotSupported).with("directory", directory)
            }
            Self::NoRandomness(_) => Sentence::new(Says::ErrorNoRandomness),
            Self::OutOfSync => Sentence::new(Says::ErrorOutOfSync),
        }
    }
}

/// Returns the sentence for a failed operation.
fn failed(operation: Operation) -> Says {
    match operation {
        Operation::ControlTcp => Says::ErrorFailedControlTcp,
        Operation::DataTcp => Says::ErrorFailedDataTcp,
        Operation::Greeting => Says::ErrorFailedGreeting,
        Operation::Reply => Says::ErrorFailedReply,
        Operation::FinalReply => Says::ErrorFailedFinalReply,
        Operation::Digest => Says::ErrorFailedDigest,
        Operation::ControlTls => Says::ErrorFailedControlTls,
        Operation::DataTls => Says::ErrorFailedDataTls,
        Operation::Control => Says::ErrorFailedControl,
        Operation::Data => Says::ErrorFailedData,
    }
}

/// Returns the sentence for an operation that timed out.
fn timed_out(operation: Operation) -> Says {
    match operation {
        Operation::ControlTcp => Says::ErrorTimedOutControlTcp,
        Operation::DataTcp => Says::ErrorTimedOutDataTcp,
        Operation::Greeting => Says::ErrorTimedOutGreeting,
        Operation::Reply => Says::ErrorTimedOutReply,
        Operation::FinalReply => Says::ErrorTimedOutFinalReply,
        Operation::Digest => Says::ErrorTimedOutDigest,
        Operation::ControlTls => Says::ErrorTimedOutControlTls,
        Operation::DataTls => Says::ErrorTimedOutDataTls,
        Operation::Control => Says::ErrorTimedOutControl,
        Operation::Data => Says::ErrorTimedOutData,
    }
}

/// Returns the sentence for the connection that a proxy did not open.
fn not_through(protocol: ProxyProtocol, operation: Operation) -> Says {
    match (protocol, operation) {
        (ProxyProtocol::Socks5, Operation::DataTcp) => Says::ErrorProxySocks5Data,
        (ProxyProtocol::Socks5, _) => Says::ErrorProxySocks5Control,
        (ProxyProtocol::HttpConnect, Operation::DataTcp) => Says::ErrorProxyHttpData,
        (ProxyProtocol::HttpConnect, _) => Says::ErrorProxyHttpControl,
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        Algorithm, CertificateFacts, Code, FileDigest, Fingerprint, ProxyProtocol, Reply, Stage,
        UntrustedCertificate,
        passive::PassiveError,
        proxy::{ProxyFailure, ServerTrouble},
        reply::decoder::DecodeError,
    };

    /// What the operating system says.
    const OF_THE_SYSTEM: &str = "Connection refused";

    fn reply() -> Reply {
        Reply::from_lines(Code::at_start_of(b"550").unwrap(), vec![b"550 No.".to_vec()])
    }

    fn system() -> io::Error {
        io::Error::other(OF_THE_SYSTEM)
    }

    fn digest(byte: u8) -> FileDigest {
        FileDigest::new(Algorithm::Crc32, &format!("{byte:02x}").repeat(4)).unwrap()
    }

    fn untrusted() -> Box<UntrustedCertificate> {
        let facts = CertificateFacts {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            sha256: Fingerprint::new([0; 32]),
        };
        Box::new(UntrustedCertificate { facts, faults: Vec::new() })
    }

    const OPERATIONS: [Operation; 10] = [
        Operation::ControlTcp,
        Operation::DataTcp,
        Operation::Greeting,
        Operation::Reply,
        Operation::FinalReply,
        Operation::Digest,
        Operation::ControlTls,
        Operation::DataTls,
        Operation::Control,
        Operation::Data,
    ];

    fn of_operations() -> impl Iterator<Item = Kind> {
        let after = Duration::from_millis(1500);
        OPERATIONS.into_iter().flat_map(move |operation| {
            [Kind::TimedOut { operation, after }, Kind::Io { operation, source: system() }]
        })
    }

    fn of_proxies() -> impl Iterator<Item = Kind> {
        let said = || "no".to_owned();
        let (trouble, answer) = (ServerTrouble::Refused, said());
        let failures = [
            ProxyFailure::Unreachable(system()),
            ProxyFailure::Lost(system()),
            ProxyFailure::Silent,
            ProxyFailure::Credentials(said()),
            ProxyFailure::Refused(said()),
            ProxyFailure::Server { trouble, answer },
            ProxyFailure::NotAProxy(said()),
        ];
        let operations = [Operation::ControlTcp, Operation::DataTcp].into_iter();
        let through = |protocol| operations.clone().map(move |operation| (protocol, operation));
        let each = through(ProxyProtocol::Socks5).chain(through(ProxyProtocol::HttpConnect));
        let each: Vec<_> = each.collect();
        each.into_iter().cycle().zip(failures).map(|((protocol, operation), failure)| Kind::Proxy {
            protocol,
            operation,
            failure,
        })
    }

    fn of_replies() -> Vec<Kind> {
        let (verb, start, limit) = ("STOR", b"SSH-2.0".to_vec(), 3);
        let decode = [
            DecodeError::NotAReply { start: start.clone() },
            DecodeError::LineTooLong { limit },
            DecodeError::TooManyLines { limit },
            DecodeError::ReplyTooLong { limit },
            DecodeError::TooManyPreliminary { limit },
        ];
        let passive = [
            PassiveError::OtherCode(reply().code()),
            PassiveError::NoPort,
            PassiveError::ForbiddenPort(7),
        ];
        let passive = passive.map(|source| Kind::Passive { verb, reply: reply(), source });
        let kinds = [
            Kind::Closed,
            Kind::Ended { reply: reply() },
            Kind::Refused { verb, reply: reply() },
            Kind::Unexpected { verb, reply: reply() },
            Kind::EndedEarly { reply: reply() },
            Kind::BytesAfterAuth { count: 7 },
            Kind::ImplicitTlsExpected,
            Kind::PlaintextAnswer { start },
        ];
        kinds.into_iter().chain(decode.map(Kind::Malformed)).chain(passive).collect()
    }

    fn others() -> Vec<Kind> {
        let (control, data) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
        vec![
            Kind::InvalidHost { host: "a b".to_owned() },
            Kind::TlsSetup(rustls::Error::General(OF_THE_SYSTEM.to_owned())),
            Kind::Handshake(system()),
            Kind::Untrusted(untrusted()),
            Kind::NotPinned { shown: control },
            Kind::DataCertificate { control, data },
            Kind::UnexpectedData,
            Kind::WrongSize { sent: 9, stored: Some(7) },
            Kind::WrongSize { sent: 9, stored: None },
            Kind::WrongDigest { sent: digest(1), stored: digest(2) },
            Kind::IncompleteFileRemains {
                path: "/a/b".to_owned(),
                check: Kind::Closed.at(Stage::Verify),
            },
            Kind::StoredElsewhere { path: "/a".to_owned(), stored: "/a.1".to_owned() },
            Kind::SourceLengthMismatch { given: 7, missing: 3 },
            Kind::TargetIsDirectory { path: "/a".to_owned() },
            Kind::NameNotKept,
            Kind::PathsNotSupported { directory: "'DEVX.'".to_owned() },
            Kind::NoRandomness(system()),
            Kind::OutOfSync,
        ]
    }

    fn every_error() -> impl Iterator<Item = Error> {
        let kinds = of_operations().chain(of_proxies()).chain(of_replies()).chain(others());
        kinds.map(|kind| kind.at(Stage::Transfer))
    }

    #[test]
    fn chain_is_what_the_error_and_each_of_its_sources_display() {
        for error in every_error() {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(beneath) = source {
                text = format!("{text}: {beneath}");
                source = beneath.source();
            }
            assert_eq!(error.chain(), text);
        }
    }

    #[test]
    fn every_sentence_is_said_with_all_its_places_filled() {
        let mut said = Vec::new();
        for fact in every_error().flat_map(|error| error.facts()) {
            if let Fact::Sentence(sentence) = fact {
                assert!(sentence.is_filled(), "{sentence:?}");
                said.push(sentence.code());
            }
        }
        let is_said = |code: &&Says| code.as_str().starts_with("error.");
        for code in Says::ALL.iter().filter(is_said) {
            assert!(said.contains(code), "{code:?}");
        }
    }

    #[test]
    fn sentences_tell_the_facts() {
        let told = |kind: Kind| kind.at(Stage::Transfer).chain();
        let late =
            Kind::TimedOut { operation: Operation::Reply, after: Duration::from_millis(1500) };
        assert!(told(late).contains("1.5 s"));
        let refused = Kind::Io { operation: Operation::ControlTcp, source: system() };
        assert!(told(refused).ends_with(" failed: Connection refused"));
        let source = io::Error::from_raw_os_error(111);
        let number = told(Kind::Io { operation: Operation::DataTcp, source });
        assert!(number.ends_with(": Connection refused (os error 111)"), "{number}");
        let check = Kind::WrongSize { sent: 9, stored: Some(7) }.at(Stage::Verify);
        let kept = told(Kind::IncompleteFileRemains { path: "/a".to_owned(), check });
        assert!(kept.contains("\"/a\"") && kept.ends_with("7 of its 9 bytes"), "{kept}");
    }
}
