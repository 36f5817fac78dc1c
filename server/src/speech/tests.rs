use std::{fs, io, path::Path};

use ftps::Algorithm;

use super::*;
use crate::outbox::OutboxFull;

const SPEECH: &str = include_str!("../speech.rs");

/// Words of English sentences that are in no German ones.
const ENGLISH: [&str; 12] =
    ["the", "a", "is", "has", "with", "and", "of", "to", "your", "again", "upload", "server"];

fn german() -> Speech {
    Speech::new(Language::German)
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// A refusal on the way through the server's files, as the engine would tell it.
fn of_the_server(speech: Speech) -> Problem {
    let message = say!(speech.0, "the server refused DELE", "Der Server hat DELE abgelehnt");
    Problem { message, reply: Some("550 No".to_owned()), ..speech.not_connected() }
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
fn every_problem(speech: Speech) -> Vec<Problem> {
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
        speech.proxy_not_found(),
        speech.not_connected(),
        speech.left_open(Duration::from_secs(10)),
        speech.not_a_fingerprint(),
        speech.unfit_username(),
        speech.unfit_password(),
        speech.long_username(512),
        speech.bad_path("../x"),
        speech.not_a_leftover("x"),
        speech.name_not_exact("x\u{fffd}"),
        speech.not_to_be_changed("/"),
        speech.name_taken("x"),
        speech.moved_into_itself("x", "x/y"),
        speech.name_not_kept(),
        speech.not_empty(of_the_server(speech), "x"),
        speech.not_a_directory(&one),
        speech.too_much_to_delete(&one, 10_000),
        speech.stopped_at(of_the_server(speech), &one),
        speech.page_stopped_sending(limit),
        speech.portal_has_no_room(limit),
        speech.page_says_no_digest(limit),
        speech.digests_differ(&digest, "0000beef"),
        speech.not_replaced(of_the_server(speech), &one, &other, &path("/c")),
        speech.no_session(&full),
        speech.no_session(&NoSession::NoRandomness(getrandom::Error::UNSUPPORTED)),
        speech.too_many_sockets(),
        speech.no_web_socket(handshake::HandshakeError::Version),
        speech.other_origin("https://evil.example"),
        speech.page_is_deaf(limit),
        speech.no_hello(limit),
        speech.not_your_session(),
    ];
    let refused = refusals().into_iter().map(|refusal| speech.refusal(&refusal));
    let over = overs.map(|why| speech.over(why));
    let broken = misconducts.map(|misconduct| speech.misconduct(&misconduct));
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
fn every_problem_is_told_in_both_languages_with_the_same_facts() {
    let (english, german) = (every_problem(Speech::default()), every_problem(german()));
    assert_eq!(english.len(), german.len());
    for (english, german) in english.iter().zip(&german) {
        let (english_texts, german_texts) = (texts(english), texts(german));
        assert_eq!(english_texts.len(), german_texts.len(), "{german:?}");
        for (english, german) in english_texts.into_iter().zip(german_texts) {
            assert_ne!(english, german);
            assert_eq!(facts(english), facts(german), "{german}");
        }
        assert_eq!((english.stage, &english.reply), (german.stage, &german.reply));
        assert_eq!(
            english.remedy.as_ref().map(|remedy| remedy.who),
            german.remedy.as_ref().map(|remedy| remedy.who)
        );
    }
}

/// What is said of a breach of the protocol, behind the colon, is for programmers.
fn without_details(text: &str) -> &str {
    let begins = ["Die Seite hat das Protokoll verletzt: ", "Es wurde kein WebSocket geöffnet: "];
    begins.into_iter().find(|begin| text.starts_with(begin)).unwrap_or(text)
}

#[test]
fn german_is_german_and_begins_as_a_sentence() {
    for problem in every_problem(german()) {
        for text in texts(&problem) {
            let prose = text.split(['"', '`']).step_by(2).collect::<String>();
            let prose = without_details(&prose);
            let mut words = prose.split(|c: char| !c.is_alphanumeric());
            assert!(words.all(|word| !ENGLISH.contains(&word)), "{text}");
            assert!(!text.starts_with(char::is_lowercase), "{text}");
        }
        assert!(!problem.message.ends_with('.'), "{problem:?}");
        assert!(problem.remedy.is_some_and(|remedy| remedy.what.ends_with('.')));
    }
}

#[test]
fn problem_knows_the_line_of_the_session_log_that_tells_the_same() {
    let refusal = Refusal::PortZero;
    assert_eq!(german().refusal(&refusal).logged(), refusal.to_string());
    assert_eq!(Speech::default().refusal(&refusal).logged, None);
    for speech in [Speech::default(), german()] {
        let met = of_the_server(speech);
        let stopped = speech.stopped_at(met.clone(), &path("/a"));
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
    assert_eq!(makers, ["speech.rs"]);
}

/// A source without its `say!(…)`, each to the bracket that closes it.
fn without_sentences(source: &str) -> String {
    let mut pieces = source.split("say!(");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |kept, piece| {
        let (mut depth, mut is_text, mut before) = (1, false, ' ');
        let end = piece.char_indices().find(|(_, c)| {
            match c {
                '"' if before != '\\' => is_text = !is_text,
                '(' if !is_text => depth += 1,
                ')' if !is_text => depth -= 1,
                _ => {}
            }
            before = *c;
            depth == 0
        });
        kept + &piece[end.unwrap().0..]
    })
}

#[test]
fn no_text_of_a_problem_lacks_its_translation() {
    let rest = without_sentences(&program(SPEECH));
    assert!(rest.contains("fn not_connected"), "the sentences alone are left out");
    let lines: Vec<_> = rest.lines().filter(|line| line.contains('"')).collect();
    assert_eq!(lines, Vec::<&str>::new());
}

#[test]
fn every_sentence_is_among_those_that_are_tested() {
    let here = include_str!("tests.rs");
    // Errors of the engine, and doubts, have their tests there.
    let elsewhere = ["engine", "doubts"];
    let names = SPEECH.split("pub(crate) fn ").skip(1).map(|rest| rest.split('(').next().unwrap());
    let untested: Vec<_> =
        names.filter(|name| !here.contains(&format!("speech.{name}("))).collect();
    assert_eq!(untested, elsewhere);
}
