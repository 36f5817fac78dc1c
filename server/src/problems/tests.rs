use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;

/// Asserts that problems have the same facts in every language, a message without a full stop and a
/// remedy with one. `every` builds them.
pub(crate) fn assert_well_worded(every: impl Fn(ProblemBuilder) -> Vec<Problem>) {
    let english = every(ProblemBuilder::default());
    for language in Language::all() {
        let others = every(ProblemBuilder::new(language));
        assert_eq!(english.len(), others.len());
        for (english, other) in english.iter().zip(&others) {
            assert!(!other.message.ends_with('.'), "{other:?}");
            let remedy = other.remedy.as_ref();
            assert!(remedy.is_some_and(|remedy| remedy.what.ends_with('.')), "{other:?}");
            if language != Language::default() {
                assert_same_facts(english, other);
            }
        }
    }
}

fn assert_same_facts(english: &Problem, other: &Problem) {
    let (english_texts, other_texts) = (texts(english), texts(other));
    assert_eq!(english_texts.len(), other_texts.len(), "{other:?}");
    for (english, other) in english_texts.into_iter().zip(other_texts) {
        assert_ne!(english, other);
        assert_eq!(facts(english), facts(other), "{other}");
    }
    assert_eq!((english.stage, &english.reply), (other.stage, &other.reply));
    let who = |problem: &Problem| problem.remedy.as_ref().map(|remedy| remedy.who);
    assert_eq!(who(english), who(other));
}

/// The texts of a problem, without the server's reply.
fn texts(problem: &Problem) -> Vec<&str> {
    let remedy = problem.remedy.as_ref().map(|remedy| remedy.what.as_str());
    [Some(problem.message.as_str()), problem.cause.as_deref(), remedy]
        .into_iter()
        .flatten()
        .collect()
}

/// Quoted names and numbers in a text, sorted.
fn facts(text: &str) -> Vec<&str> {
    let quoted = text.split(['"', '`']).skip(1).step_by(2);
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let mut facts: Vec<_> = quoted.chain(numbers).collect();
    facts.sort_unstable();
    facts
}

/// Parses a path.
pub(crate) fn path(text: &str) -> ftps::RemotePath {
    ftps::RemotePath::new(text).unwrap()
}

/// A problem that stands for a server's refusal, as the engine would report it.
pub(crate) fn server_refusal(problems: ProblemBuilder) -> Problem {
    let message = problems.text(Text::NotConnected);
    let remedy = problems.text(Text::NotConnectedRemedy);
    let reply = Some("550 No".to_owned());
    Problem { reply, ..problem(Stage::Delete, Who::ServerOperator, message, remedy) }
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
    for problems in Language::all().map(ProblemBuilder::new) {
        let explained = |cause: Cause| problems.explanation(cause, &evidence());
        assert!(explained(Cause::DataConnectionBlocked).contains("50000"));
        assert!(explained(Cause::PrivateAddress).contains("10.0.0.7"));
        assert!(explained(Cause::TicketsRunOut).contains('3'));
        assert!(explained(Cause::CutAfterMany).contains("700"));
        assert!(explained(Cause::SshServer).contains("SFTP"));
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
fn explanation_names_no_port_that_is_unknown() {
    for problems in Language::all().map(ProblemBuilder::new) {
        let unknown = problems.explanation(Cause::NotFtp, &Evidence::default());
        assert!(!unknown.contains("  ") && !unknown.contains(char::is_numeric), "{unknown}");
    }
}

#[test]
fn cause_of_a_certificate_starts_with_its_faults() {
    let names = vec!["web7.hoster.example".to_owned()];
    let faults = [
        CertificateFault::Expired { not_after: "2001".to_owned() },
        CertificateFault::NameMismatch { host: "ada.example".to_owned(), names },
    ];
    let problems = ProblemBuilder::default();
    let cause = problems.cause_after(&faults, Cause::CertificateExpired, &Evidence::default());
    let expired = faults[0].to_string();
    assert!(cause.starts_with(&expired) && expired.contains("2001"), "{cause}");
    assert!(cause.contains("web7.hoster.example") && cause.contains("ada.example"), "{cause}");
    assert!(problems.remedy(Cause::CertificateExpired).what.contains("renew"));
    assert!(problems.remedy(Cause::CertificateNotYetValid).what.contains("clock"));
}

/// A module's code, without its tests and comments.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.file_name().unwrap() != "tests.rs" {
            let source = fs::read_to_string(&entry).unwrap();
            found.push((entry, source));
        }
    }
    found
}

/// Whether the source contains an expression `Problem { … }` or `Remedy { … }`.
fn builds_a_problem(source: &str) -> bool {
    ["Problem {", "Remedy {"].into_iter().any(|literal| {
        let mut before = source.match_indices(literal).map(|(at, _)| source[..at].trim_end());
        before.any(|before| !before.ends_with("->"))
    })
}

fn of_this_crate() -> Vec<(PathBuf, String)> {
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))
}

#[test]
fn only_files_named_problems_build_problems() {
    for (file, source) in of_this_crate() {
        let is_problems = file.file_name().unwrap() == "problems.rs";
        assert!(is_problems || !builds_a_problem(&code(&source)), "{}", file.display());
    }
}

#[test]
fn every_problem_is_tested_beside_its_texts() {
    let modules = of_this_crate().into_iter().filter(|(file, _)| file.ends_with("problems.rs"));
    let mut number = 0;
    for (file, source) in modules.filter(|(file, _)| !file.ends_with("src/problems.rs")) {
        let (code, tests) = source.split_once("#[cfg(test)]").unwrap();
        for visibility in ["pub fn ", "pub(super) fn ", "pub(crate) fn "] {
            for function in code.split(visibility).skip(1) {
                let call = format!("{}(", function.split('(').next().unwrap());
                assert!(tests.contains(&call), "{}: {call}", file.display());
                number += 1;
            }
        }
    }
    assert!(number > 20, "{number}");
}
