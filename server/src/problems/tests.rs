use std::{fs, io, path::Path};

use ftps::Algorithm;

use super::*;
use crate::{
    outbox::OutboxFull,
    policy::{Refusal, Scope},
    session::{EndReason, ProtocolViolation, registry::NoSession},
    websocket::handshake::HandshakeError,
};

const SOURCE: &str = include_str!("../problems.rs");

fn german() -> Problems {
    Problems::new(Language::of_tag("de").unwrap())
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// A refusal on the way through the server's files, as the engine would tell it.
fn of_the_server(problems: Problems) -> Problem {
    let message = problems.text(Text::NotConnected);
    Problem {
        message,
        reply: Some("550 No".to_owned()),
        ..problems.no_hello(Duration::from_secs(1))
    }
}

fn refusals() -> Vec<Refusal> {
    let host = || "ftp.example".to_owned();
    let limit = Duration::from_secs(5);
    let scopes = [
        Scope::Public,
        Scope::ThisNetwork,
        Scope::Loopback,
        Scope::Private,
        Scope::LinkLocal,
        Scope::SharedAddressSpace,
        Scope::Multicast,
        Scope::Metadata,
        Scope::Nat64([10, 0, 0, 7].into()),
        Scope::Transition,
        Scope::Reserved,
    ];
    let address = [10, 0, 0, 7].into();
    let not_allowed = scopes.map(|scope| Refusal::NotAllowed { host: host(), address, scope });
    let others = [
        Refusal::NotAHost("%".to_owned()),
        Refusal::PortZero,
        Refusal::NotFound { host: host(), source: Some(io::Error::other("nichts")) },
        Refusal::NotFound { host: host(), source: None },
        Refusal::NoAnswer { host: host(), limit },
    ];
    others.into_iter().chain(not_allowed).collect()
}

/// Every problem that the portal makes, but for what the engine tells.
fn every_problem(problems: Problems) -> Vec<Problem> {
    let limit = Duration::from_secs(90);
    let (one, other) = (path("/a b"), path("/a/ü"));
    let digest = FileDigest::new(Algorithm::Crc32, "00c0ffee").unwrap();
    let full = NoSession::Full(0);
    let overs = [
        EndReason::Closed,
        EndReason::ProtocolViolation,
        EndReason::Stalled,
        EndReason::NothingToResume,
        EndReason::Absent(limit),
        EndReason::Lifetime(limit),
        EndReason::Shutdown,
    ];
    let misconducts = [
        ProtocolViolation::TooManyUploads(7),
        ProtocolViolation::TooManyRequests,
        ProtocolViolation::OutboxFull(OutboxFull),
        ProtocolViolation::HelloAgain,
    ];
    let own = [
        problems.proxy_not_found(),
        problems.not_connected(),
        problems.result_unknown(Duration::from_secs(10)),
        problems.not_a_fingerprint(),
        problems.unfit_username(),
        problems.unfit_password(),
        problems.long_username(512),
        problems.bad_path("../x", 4096),
        problems.not_a_leftover("x"),
        problems.name_not_exact("x\u{fffd}"),
        problems.not_to_be_changed("/"),
        problems.name_taken("x"),
        problems.moved_into_itself("x", "x/y"),
        problems.name_not_kept(),
        problems.not_empty(of_the_server(problems), "x"),
        problems.not_a_directory(&one),
        problems.too_much_to_delete(&one, 10_000),
        problems.stopped_at(of_the_server(problems), &one),
        problems.page_stopped_sending(limit),
        problems.portal_has_no_room(limit),
        problems.page_says_no_digest(limit),
        problems.digests_differ(&digest, "0000beef"),
        problems.not_replaced(of_the_server(problems), &one, &other, &path("/c")),
        full.problem(problems),
        NoSession::NoRandomness(getrandom::Error::UNSUPPORTED).problem(problems),
        problems.too_many_sockets(),
        problems.no_web_socket(HandshakeError::Version),
        problems.other_origin("https://evil.example"),
        problems.page_stalled(limit),
        problems.no_hello(limit),
        problems.session_unknown(),
    ];
    let refused = refusals().into_iter().map(|refusal| refusal.problem(problems));
    let over = overs.map(|why| why.problem(problems));
    let broken = misconducts.map(|misconduct| misconduct.problem(problems));
    own.into_iter().chain(refused).chain(over).chain(broken).collect()
}

/// What a person reads of it, but for what others wrote.
fn texts(problem: &Problem) -> Vec<&str> {
    let remedy = problem.remedy.as_ref().map(|remedy| remedy.what.as_str());
    [Some(problem.message.as_str()), problem.cause.as_deref(), remedy]
        .into_iter()
        .flatten()
        .collect()
}

/// Names and numbers in a text, sorted: what stands in quotes, and digits.
fn facts(text: &str) -> Vec<&str> {
    let quoted = text.split(['"', '`']).skip(1).step_by(2);
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let mut facts: Vec<_> = quoted.chain(numbers).collect();
    facts.sort_unstable();
    facts
}

#[test]
fn every_problem_is_told_in_every_language_with_the_same_facts() {
    let english = every_problem(Problems::default());
    for language in Language::all().skip(1) {
        let others = every_problem(Problems::new(language));
        assert_eq!(english.len(), others.len());
        for (english, other) in english.iter().zip(&others) {
            let (english_texts, other_texts) = (texts(english), texts(other));
            assert_eq!(english_texts.len(), other_texts.len(), "{other:?}");
            for (english, other) in english_texts.into_iter().zip(other_texts) {
                assert_ne!(english, other);
                assert_eq!(facts(english), facts(other), "{other}");
            }
            assert_eq!((english.stage, &english.reply), (other.stage, &other.reply));
            assert_eq!(
                english.remedy.as_ref().map(|remedy| remedy.who),
                other.remedy.as_ref().map(|remedy| remedy.who)
            );
        }
    }
}

#[test]
fn every_problem_has_a_message_without_a_full_stop_and_a_remedy_with_one() {
    for problem in Language::all().flat_map(|language| every_problem(Problems::new(language))) {
        assert!(!problem.message.ends_with('.'), "{problem:?}");
        assert!(problem.remedy.is_some_and(|remedy| remedy.what.ends_with('.')));
    }
}

fn evidence() -> Evidence {
    Evidence {
        data_port: Some(50_000),
        passive_address: Some([10, 0, 0, 7].into()),
        data_connections: 3,
        commands: 700,
        ..Evidence::default()
    }
}

#[test]
fn every_cause_is_explained_in_every_language_with_the_evidence() {
    for problems in Language::all().map(Problems::new) {
        let told = |cause: Cause| problems.explanation(cause, &evidence());
        assert!(told(Cause::DataConnectionBlocked).contains("50000"));
        assert!(told(Cause::PrivateAddress).contains("10.0.0.7"));
        assert!(told(Cause::TicketsRunOut).contains('3'));
        assert!(told(Cause::CutAfterMany).contains("700"));
        assert!(told(Cause::SshServer).contains("SFTP"));
        assert!(problems.remedy(Cause::PrivateAddress).what.contains("pasv_address"));
        for cause in Cause::ALL {
            for evidence in [evidence(), Evidence::default()] {
                let texts = [problems.explanation(*cause, &evidence), problems.remedy(*cause).what];
                assert!(texts.iter().all(|text| text.ends_with('.')), "{texts:?}");
                assert!(!texts.iter().any(|text| text.contains(['{', '}'])), "{texts:?}");
            }
        }
    }
}

#[test]
fn cause_is_told_without_a_port_that_is_not_known() {
    for problems in Language::all().map(Problems::new) {
        let unknown = problems.explanation(Cause::NotFtp, &Evidence::default());
        assert!(!unknown.contains("  ") && !unknown.contains(char::is_numeric), "{unknown}");
    }
}

#[test]
fn cause_of_a_certificate_tells_every_doubt_first() {
    let names = vec!["web7.hoster.example".to_owned()];
    let doubts = [
        Doubt::Expired { not_after: "2001".to_owned() },
        Doubt::NameMismatch { host: "ada.example".to_owned(), names },
    ];
    let problems = Problems::default();
    let told = problems.cause_after(&doubts, Cause::CertificateExpired, &Evidence::default());
    let expired = doubts[0].to_string();
    assert!(told.starts_with(&expired) && expired.contains("2001"), "{told}");
    assert!(told.contains("web7.hoster.example") && told.contains("ada.example"), "{told}");
    assert!(problems.remedy(Cause::CertificateExpired).what.contains("renew"));
    assert!(problems.remedy(Cause::CertificateNotYetValid).what.contains("clock"));
}

#[test]
fn problem_knows_the_line_of_the_session_log_that_tells_the_same() {
    let refusal = Refusal::PortZero;
    assert_eq!(refusal.problem(german()).logged(), refusal.to_string());
    assert_eq!(refusal.problem(Problems::default()).logged, None);
    for problems in [Problems::default(), german()] {
        let met = of_the_server(problems);
        let stopped = problems.stopped_at(met.clone(), &path("/a"));
        assert!(stopped.message.contains(&met.message), "{stopped:?}");
        assert_eq!(stopped.logged(), met.message);
    }
}

/// The program's own part of a source, without its tests and comments.
fn program(source: &str) -> String {
    let program = source.split("#[cfg(test)]").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    program.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.file_name().unwrap() != "tests.rs" {
            found.push((entry.display().to_string(), fs::read_to_string(entry).unwrap()));
        }
    }
    found
}

/// Whether a problem or a remedy is put together, not only named as what a function returns.
fn makes_a_problem(source: &str) -> bool {
    ["Problem {", "Remedy {"].into_iter().any(|literal| {
        let mut before = source.match_indices(literal).map(|(at, _)| source[..at].trim_end());
        before.any(|before| !before.ends_with("->"))
    })
}

#[test]
fn no_other_part_of_the_portal_makes_a_problem() {
    let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    let makers: Vec<_> = sources
        .iter()
        .filter(|(_, source)| makes_a_problem(&program(source)))
        .map(|(name, _)| Path::new(name).file_name().unwrap())
        .collect();
    assert_eq!(makers, ["problems.rs"]);
}

#[test]
fn every_sentence_is_among_those_that_are_tested() {
    let here = include_str!("tests.rs");
    // Helpers, and texts of the engine, which have their tests there.
    let elsewhere =
        ["fill", "at_portal", "at_stage", "language", "engine", "doubts", "connect_again_remedy"];
    let names = SOURCE.split("pub(crate) fn ").skip(1).map(|rest| rest.split('(').next().unwrap());
    let untested: Vec<_> =
        names.filter(|name| !here.contains(&format!("problems.{name}("))).collect();
    assert_eq!(untested, elsewhere);
}
