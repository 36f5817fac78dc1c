//! The problems of a connection and its requests that the engine does not know.

use std::time::Duration;

use ftps::RemotePath;
use protocol::{Problem, Remedy, Stage, problem::Who};

use crate::{
    problems::{ProblemBuilder, problem, reworded},
    texts::{Text, quoted, span},
};

/// There is no FTPS connection.
#[must_use]
pub fn not_connected(problems: ProblemBuilder) -> Problem {
    problems.at_portal(Text::NotConnected, &[], Text::NotConnectedRemedy)
}

/// The connection closed before the server reported the result of a command.
pub(super) fn result_unknown(problems: ProblemBuilder, limit: Duration) -> Problem {
    problems.at_portal(Text::OutcomeUnknown, &[&span(limit)], Text::OutcomeUnknownRemedy)
}

/// The text for the certificate to trust is not a fingerprint.
pub(super) fn not_a_fingerprint(problems: ProblemBuilder) -> Problem {
    problems.at_portal(Text::NotAFingerprint, &[], Text::NotAFingerprintRemedy)
}

/// No FTP command can carry the username.
pub(super) fn username_invalid(problems: ProblemBuilder) -> Problem {
    problems.at_portal(Text::UsernameInvalid, &[], Text::LineBreaksRemedy)
}

/// The username is longer than `max` bytes.
pub(super) fn username_too_long(problems: ProblemBuilder, max: usize) -> Problem {
    problems.at_portal(Text::UsernameTooLong, &[&max], Text::UsernameTooLongRemedy)
}

/// No FTP command can carry the password.
pub(super) fn password_invalid(problems: ProblemBuilder) -> Problem {
    problems.at_portal(Text::PasswordInvalid, &[], Text::LineBreaksRemedy)
}

/// The server refused the account of a preset. `refusal` is the server's.
pub(super) fn preset_login_refused(
    problems: ProblemBuilder,
    refusal: Problem,
    preset: &str,
) -> Problem {
    let what = problems.fill(Text::PresetLoginRefusedRemedy, &[&preset]);
    let remedy = Some(Remedy { who: Who::PortalOperator, what });
    let message = problems.text(Text::PresetLoginRefused);
    Problem { cause: None, remedy, ..reworded(refusal, message) }
}

/// The certificate of a preset's server is not trusted, and the portal's password is not sent.
/// `doubt` is the engine's.
pub(super) fn preset_certificate(
    problems: ProblemBuilder,
    doubt: Problem,
    preset: &str,
) -> Problem {
    let what = problems.fill(Text::PresetCertificateRemedy, &[&preset]);
    Problem { remedy: Some(Remedy { who: Who::PortalOperator, what }), ..doubt }
}

/// The server does not list a directory that can be entered. `refusal` is the server's.
pub(super) fn listing_hidden(
    problems: ProblemBuilder,
    refusal: Problem,
    path: &RemotePath,
) -> Problem {
    let message = problems.fill(Text::ListingHidden, &[path]);
    let what = problems.text(Text::ListingHiddenRemedy);
    let remedy = Some(Remedy { who: Who::You, what });
    Problem { cause: None, remedy, ..reworded(refusal, message) }
}

/// A rename would replace a file.
pub(super) fn name_taken(problems: ProblemBuilder, to: &str) -> Problem {
    let message = problems.fill(Text::NameTaken, &[&quoted(to)]);
    problem(Stage::Rename, Who::You, message, problems.text(Text::NameTakenRemedy))
}

/// A rename might replace a file: the server does not tell whether the name is free.
pub(super) fn name_may_be_taken(problems: ProblemBuilder, to: &str) -> Problem {
    let message = problems.fill(Text::NameMayBeTaken, &[&quoted(to)]);
    problem(Stage::Rename, Who::You, message, problems.text(Text::NameMayBeTakenRemedy))
}

/// A rename would move a directory into itself.
pub(super) fn moved_into_itself(problems: ProblemBuilder, from: &str, to: &str) -> Problem {
    let message = problems.fill(Text::MovedIntoItself, &[&quoted(to), &quoted(from)]);
    problem(Stage::Rename, Who::You, message, problems.text(Text::MovedIntoItselfRemedy))
}

/// The server would store the file under another name.
pub(super) fn name_not_kept(problems: ProblemBuilder) -> Problem {
    problems.at_portal(Text::NameNotKept, &[], Text::NameNotKeptRemedy)
}

/// A directory cannot be removed because it is not empty. `refusal` is the server's.
pub(super) fn directory_not_empty(
    problems: ProblemBuilder,
    refusal: Problem,
    path: &str,
) -> Problem {
    let message = problems.fill(Text::DirectoryNotEmpty, &[&quoted(path)]);
    let what = problems.text(Text::DirectoryNotEmptyRemedy);
    let remedy = Some(Remedy { who: Who::You, what });
    Problem { cause: None, remedy, ..reworded(refusal, message) }
}

/// The path of a recursive delete is not a directory.
pub(super) fn not_a_directory(problems: ProblemBuilder, path: &RemotePath) -> Problem {
    let message = problems.fill(Text::NotADirectory, &[path]);
    problem(Stage::Delete, Who::You, message, problems.text(Text::NotADirectoryRemedy))
}

/// A listing has two entries of one name.
pub(super) fn named_twice(problems: ProblemBuilder, path: &RemotePath) -> Problem {
    let message = problems.fill(Text::NamedTwice, &[path]);
    problem(Stage::Delete, Who::You, message, problems.text(Text::NamedTwiceRemedy))
}

/// A directory of a recursive delete may be a link.
pub(super) fn leads_elsewhere(problems: ProblemBuilder, path: &RemotePath) -> Problem {
    let message = problems.fill(Text::LeadsElsewhere, &[path]);
    problem(Stage::Delete, Who::You, message, problems.text(Text::LeadsElsewhereRemedy))
}

/// A directory contains more than `max` entries.
pub(super) fn too_much_to_delete(problems: ProblemBuilder, path: &RemotePath, max: u32) -> Problem {
    let message = problems.fill(Text::TooMuchToDelete, &[&max, path]);
    problem(Stage::Delete, Who::You, message, problems.text(Text::TooMuchToDeleteRemedy))
}

/// A recursive delete stopped at a path, for the reason `why`.
pub(super) fn delete_stopped_at(
    problems: ProblemBuilder,
    why: Problem,
    path: &RemotePath,
) -> Problem {
    let message = problems.fill(Text::NotDeleted, &[path, &why.message]);
    reworded(why, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::tests::{assert_well_worded, path, server_refusal};

    #[test]
    fn every_problem_is_worded_in_every_language() {
        let directory = path("/a b");
        assert_well_worded(|problems| {
            vec![
                not_connected(problems),
                result_unknown(problems, Duration::from_secs(10)),
                not_a_fingerprint(problems),
                username_invalid(problems),
                username_too_long(problems, 512),
                password_invalid(problems),
                name_taken(problems, "x"),
                name_may_be_taken(problems, "x"),
                moved_into_itself(problems, "x", "x/y"),
                name_not_kept(problems),
                directory_not_empty(problems, server_refusal(problems), "x"),
                not_a_directory(problems, &directory),
                named_twice(problems, &directory),
                listing_hidden(problems, server_refusal(problems), &directory),
                preset_login_refused(problems, server_refusal(problems), "acme"),
                preset_certificate(problems, server_refusal(problems), "acme"),
                leads_elsewhere(problems, &directory),
                too_much_to_delete(problems, &directory, 10_000),
                delete_stopped_at(problems, server_refusal(problems), &directory),
            ]
        });
    }

    #[test]
    fn reason_of_a_delete_that_stopped_stays_the_line_of_the_session_log() {
        let refusal = server_refusal(ProblemBuilder::default());
        let stopped = delete_stopped_at(ProblemBuilder::default(), refusal.clone(), &path("/a"));
        assert!(stopped.message.contains(&refusal.message), "{stopped:?}");
        assert_eq!(stopped.logged(), refusal.message);
    }
}
