//! The problems of sessions and their sockets.

use std::time::Duration;

use protocol::Problem;

use super::{
    EndReason, ProtocolViolation,
    registry::{JoinError, NoSession, TooManySockets, UnknownSession},
};
use crate::{
    problems::ProblemBuilder,
    texts::{Text, span},
};

impl NoSession {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder) -> Problem {
        match self {
            Self::Full(max) => {
                problems.at_portal(Text::SessionsFull, &[max], Text::SessionsFullRemedy)
            }
            Self::ClientFull(max) => {
                problems.at_portal(Text::LimitClientSessions, &[max], Text::SessionsFullRemedy)
            }
            Self::TooFast(refused) => refused.problem(problems),
            Self::Draining => problems.at_portal(Text::ShuttingDown, &[], Text::SessionsFullRemedy),
            Self::NoAudit => problems.at_portal(Text::NoAudit, &[], Text::NoRandomnessRemedy),
            Self::NoRandomness(_) => {
                problems.at_portal(Text::NoRandomness, &[], Text::NoRandomnessRemedy)
            }
        }
    }
}

impl JoinError {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder) -> Problem {
        match self {
            Self::Unknown(unknown) => unknown.problem(problems),
            Self::NoSession(no_session) => no_session.problem(problems),
            // Guests are told in their own words.
            Self::Link(_) => problems.at_portal(Text::SessionUnknown, &[], Text::ReloadRemedy),
        }
    }
}

impl TooManySockets {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(self, problems: ProblemBuilder) -> Problem {
        problems.at_portal(Text::TooManySockets, &[], Text::TooManySocketsRemedy)
    }
}

impl UnknownSession {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(self, problems: ProblemBuilder) -> Problem {
        problems.at_portal(Text::SessionUnknown, &[], Text::ReloadRemedy)
    }
}

impl EndReason {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(self, problems: ProblemBuilder) -> Problem {
        let again = Text::ConnectAgainRemedy;
        match self {
            Self::Closed | Self::ProtocolViolation | Self::Stalled => {
                problems.at_portal(Text::SessionEndedByPage, &[], again)
            }
            Self::NothingToResume => problems.at_portal(Text::SessionAbandoned, &[], again),
            Self::Absent(limit) => problems.at_portal(Text::PageAway, &[&span(limit)], again),
            Self::Lifetime(limit) => {
                problems.at_portal(Text::SessionTooOld, &[&span(limit)], again)
            }
            // Guests are told in their own words.
            Self::DropEnded(_) => problems.at_portal(Text::SessionAbandoned, &[], again),
            Self::Moved | Self::Shutdown => {
                problems.at_portal(Text::ShuttingDown, &[], Text::ShuttingDownRemedy)
            }
        }
    }
}

impl ProtocolViolation {
    /// Returns the problem for the page. A violation by heavy use has a text of its own; the others
    /// are details for a developer.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder) -> Problem {
        let remedy = Text::ProtocolViolationRemedy;
        match self {
            Self::TooManyUploads(max) => problems.at_portal(Text::TooManyUploads, &[max], remedy),
            Self::TooManyRequests => problems.at_portal(Text::TooManyRequests, &[], remedy),
            Self::OutboxFull(_) => problems.at_portal(Text::AnswersNotTaken, &[], remedy),
            detail => problems.at_portal(Text::ProtocolViolation, &[&detail], remedy),
        }
    }
}

/// The page acknowledges no messages.
pub(super) fn page_stalled(problems: ProblemBuilder, limit: Duration) -> Problem {
    problems.at_portal(Text::PageStalled, &[&span(limit)], Text::ConnectAgainRemedy)
}

/// The page sends no `hello`.
pub(super) fn no_hello(problems: ProblemBuilder, limit: Duration) -> Problem {
    problems.at_portal(Text::NoHello, &[&span(limit)], Text::ReloadRemedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{outbox::OutboxFull, problems::tests::assert_well_worded};

    const LIMIT: Duration = Duration::from_secs(90);

    #[test]
    fn every_end_of_a_session_is_worded_in_every_language() {
        assert_well_worded(|problems| {
            let reasons = [
                EndReason::Closed,
                EndReason::ProtocolViolation,
                EndReason::Stalled,
                EndReason::NothingToResume,
                EndReason::Absent(LIMIT),
                EndReason::Lifetime(LIMIT),
                EndReason::Moved,
                EndReason::Shutdown,
            ];
            reasons.map(|reason| reason.problem(problems)).into()
        });
    }

    #[test]
    fn every_protocol_violation_is_worded_in_every_language() {
        assert_well_worded(|problems| {
            let violations = [
                ProtocolViolation::TooManyUploads(7),
                ProtocolViolation::TooManyRequests,
                ProtocolViolation::OutboxFull(OutboxFull),
                ProtocolViolation::HelloAgain,
            ];
            violations.map(|violation| violation.problem(problems)).into()
        });
    }

    #[test]
    fn every_refused_socket_is_worded_in_every_language() {
        assert_well_worded(|problems| {
            vec![
                NoSession::Full(0).problem(problems),
                NoSession::Draining.problem(problems),
                NoSession::NoAudit.problem(problems),
                JoinError::NoSession(NoSession::ClientFull(20)).problem(problems),
                NoSession::NoRandomness(getrandom::Error::UNSUPPORTED).problem(problems),
                TooManySockets.problem(problems),
                UnknownSession.problem(problems),
                page_stalled(problems, LIMIT),
                no_hello(problems, LIMIT),
            ]
        });
    }
}
