//! What guests are told. A guest's problem has one of a few reasons and a text of the portal about it; of a
//! problem of the engine nothing but its stage is looked at, so that neither host, user, path, address nor the
//! server's words can be in it.

use std::time::Duration;

use protocol::{
    Problem, ServerMessage, Stage, ToGuest,
    guest::{GuestProblem, GuestReason},
    server::Algorithm,
};
use store::ClaimRefusal;

use super::{ask::AnswerRefusal, names::NameRefusal, visit::DropEnd};
use crate::{
    problems::ProblemBuilder,
    settings::ByteCount,
    texts::{Text, span},
};

/// Builds the problem of a reason.
#[must_use]
pub fn because(problems: ProblemBuilder, reason: GuestReason) -> GuestProblem {
    GuestProblem { reason, message: problems.text(text(reason)) }
}

/// Builds the problem of too many attempts.
#[must_use]
pub fn too_many(problems: ProblemBuilder, wait: Duration) -> GuestProblem {
    // Whole seconds, and never "0s".
    let wait = Duration::from_secs(wait.as_secs().max(1));
    GuestProblem {
        reason: GuestReason::TooMany,
        message: problems.fill(Text::GuestTooMany, &[&span(wait)]),
    }
}

/// Returns a problem as a guest may read it.
#[must_use]
pub fn for_guest(problem: &Problem, problems: ProblemBuilder) -> GuestProblem {
    let reason = match problem.stage {
        Stage::Portal => GuestReason::Portal,
        _ => GuestReason::Server,
    };
    because(problems, reason)
}

/// Returns a message as a guest gets it; `None` for one that is not for guests.
#[must_use]
pub fn message_for_guest(message: ServerMessage, problems: ProblemBuilder) -> Option<ToGuest> {
    use ServerMessage as M;
    Some(match message {
        M::Pong => ToGuest::Pong,
        M::Ack { messages } => ToGuest::Ack { messages },
        M::TakenOver => ToGuest::TakenOver,
        M::Credit { upload, attempt, taken, received, limit } => {
            ToGuest::Credit { upload, attempt, taken, received, limit }
        }
        M::Opened { upload, temporary_path: _, offset } => ToGuest::Opened { upload, offset },
        M::Verifying { upload } => ToGuest::Verifying { upload },
        M::Done { upload, path: _, verified, digest, page_agrees: _ } => {
            let sha256 = digest.filter(|digest| digest.algorithm == Algorithm::Sha256);
            ToGuest::Done { upload, verified, sha256: sha256.map(|digest| digest.hex) }
        }
        M::Cancelled { upload } => ToGuest::Cancelled { upload },
        M::Paused { upload, resume: _ } => ToGuest::Paused { upload },
        M::Failed { upload, problem, resume: _ } => {
            ToGuest::Failed { upload, problem: for_guest(&problem, problems) }
        }
        // The name was numbered as often as that is possible.
        M::Conflict { upload, existing: _, resume: _ } => {
            ToGuest::Failed { upload, problem: because(problems, GuestReason::Name) }
        }
        M::Waiting { upload } => ToGuest::Waiting { upload },
        M::Interrupted { upload, problem, retry_millis } => {
            let problem = for_guest(&problem, problems);
            ToGuest::Interrupted { upload, problem, retry_millis }
        }
        M::Welcome { .. }
        | M::Unsupported { .. }
        | M::Connecting { .. }
        | M::CertificateNotTrusted { .. }
        | M::Connected(_)
        | M::DataTls(_)
        | M::Disconnected { .. }
        | M::Log { .. }
        | M::Listing { .. }
        | M::ListingFailed { .. }
        | M::ListingHidden { .. }
        | M::DirectoryMade { .. }
        | M::MakeDirectoryFailed { .. }
        | M::Removed { .. }
        | M::RemoveFailed { .. }
        | M::Renamed { .. }
        | M::NotRenamed { .. }
        | M::Deleted { .. }
        | M::NotDeleted { .. }
        | M::Goodbye { .. } => return None,
    })
}

impl DropEnd {
    /// Returns the reason for guests.
    #[must_use]
    pub fn reason(self) -> GuestReason {
        match self {
            Self::Withdrawn => GuestReason::Withdrawn,
            Self::Over => GuestReason::Over,
        }
    }
}

impl NameRefusal {
    /// Returns the problem for the guest.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder, types: &[String]) -> GuestProblem {
        match self {
            Self::Type => GuestProblem {
                reason: GuestReason::Type,
                message: problems.fill(Text::GuestType, &[&types.join(", ")]),
            },
            Self::Invalid | Self::TooLong | Self::Runs | Self::Reserved => {
                because(problems, GuestReason::Name)
            }
        }
    }
}

impl AnswerRefusal {
    /// Returns the key of the question.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Missing(key) | Self::Unusable(key) => key,
        }
    }
}

/// Returns the problem of a refused claim.
#[must_use]
pub fn of_claim(refusal: ClaimRefusal, problems: ProblemBuilder) -> GuestProblem {
    let reason = match refusal {
        ClaimRefusal::Revoked => GuestReason::Withdrawn,
        ClaimRefusal::TooEarly => GuestReason::TooEarly,
        ClaimRefusal::Expired => GuestReason::Over,
        ClaimRefusal::FileTooLarge { max } => {
            let message = problems.fill(Text::GuestFileTooLarge, &[&ByteCount(max)]);
            return GuestProblem { reason: GuestReason::FileTooLarge, message };
        }
        ClaimRefusal::NoFiles => GuestReason::Files,
        ClaimRefusal::NoBytes { left } => {
            let message = problems.fill(Text::GuestBytes, &[&ByteCount(left)]);
            return GuestProblem { reason: GuestReason::Bytes, message };
        }
        ClaimRefusal::NoArrivals => GuestReason::Arrivals,
        ClaimRefusal::NoName => GuestReason::Name,
    };
    because(problems, reason)
}

/// Returns the text of a reason whose text has no places.
fn text(reason: GuestReason) -> Text {
    match reason {
        GuestReason::NotValid => Text::GuestNotValid,
        GuestReason::Password => Text::GuestPassword,
        GuestReason::TooEarly => Text::GuestTooEarly,
        GuestReason::Over => Text::GuestOver,
        GuestReason::Full => Text::GuestFull,
        GuestReason::Withdrawn => Text::GuestWithdrawn,
        GuestReason::Arrival => Text::GuestArrival,
        GuestReason::Arrivals => Text::GuestArrivals,
        GuestReason::NotBegun => Text::GuestNotBegun,
        GuestReason::Files => Text::GuestFiles,
        GuestReason::Name | GuestReason::Type | GuestReason::FileTooLarge | GuestReason::Bytes => {
            Text::GuestName
        }
        GuestReason::Program => Text::GuestProgram,
        GuestReason::Changed => Text::GuestChanged,
        GuestReason::Server => Text::GuestServer,
        GuestReason::Portal | GuestReason::TooMany => Text::GuestPortal,
        GuestReason::Session => Text::GuestSession,
        GuestReason::Protocol => Text::GuestProtocol,
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Remedy, UploadId, problem::Who};

    use super::*;
    use crate::texts::Language;

    #[test]
    fn nothing_of_a_problem_but_its_stage_reaches_a_guest() {
        let secret = || "ftp.acme.example intake /srv/in 10.0.0.1".to_owned();
        for stage in [Stage::Portal, Stage::Resolve, Stage::Login, Stage::Transfer, Stage::Rename] {
            let problem = Problem {
                reply: Some(secret()),
                cause: Some(secret()),
                remedy: Some(Remedy { who: Who::You, what: secret() }),
                logged: Some(secret()),
                ..Problem::new(stage, secret())
            };
            let upload = UploadId(1);
            for message in [
                ServerMessage::Failed { upload, problem: problem.clone(), resume: Some(secret()) },
                ServerMessage::Paused { upload, resume: Some(secret()) },
                ServerMessage::Opened { upload, temporary_path: secret(), offset: 0 },
                ServerMessage::Interrupted { upload, problem: problem.clone(), retry_millis: 1 },
            ] {
                let told = message_for_guest(message, ProblemBuilder::default()).unwrap();
                let told = serde_json::to_string(&told).unwrap();
                assert!(!told.contains("acme") && !told.contains("srv"), "{told}");
            }
            let problem = Some(problem);
            let left_out = ServerMessage::Disconnected { problem };
            assert_eq!(message_for_guest(left_out, ProblemBuilder::default()), None);
        }
    }

    #[test]
    fn an_answer_that_is_refused_names_its_question() {
        assert_eq!(AnswerRefusal::Missing("name".to_owned()).key(), "name");
        assert_eq!(AnswerRefusal::Unusable("email".to_owned()).key(), "email");
    }

    #[test]
    fn every_problem_of_a_guest_is_worded_in_every_language() {
        for language in Language::all() {
            let problems = ProblemBuilder::new(language);
            let types = ["pdf".to_owned()];
            let texts = [
                because(problems, GuestReason::NotValid),
                because(problems, GuestReason::Server),
                too_many(problems, Duration::from_secs(90)),
                NameRefusal::Type.problem(problems, &types),
                because(problems, DropEnd::Over.reason()),
                because(problems, DropEnd::Withdrawn.reason()),
                of_claim(ClaimRefusal::FileTooLarge { max: 5 << 30 }, problems),
                of_claim(ClaimRefusal::NoBytes { left: 1 << 20 }, problems),
            ];
            for GuestProblem { message, .. } in texts {
                assert!(message.len() > 20 && !message.contains('{'), "{message}");
            }
        }
    }
}
