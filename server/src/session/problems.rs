//! The problems of sessions: why one is not created, why one ends.

use protocol::Problem;

use super::{EndReason, ProtocolViolation, registry::NoSession};
use crate::{
    problems::Problems,
    texts::{Text, span},
};

impl NoSession {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(&self, problems: Problems) -> Problem {
        let (message, remedy) = match self {
            Self::Full(max) => {
                (problems.fill(Text::SessionsFull, &[&max]), Text::SessionsFullRemedy)
            }
            Self::NoRandomness(_) => (problems.text(Text::NoRandomness), Text::NoRandomnessRemedy),
        };
        problems.at_portal(message, problems.text(remedy))
    }
}

impl EndReason {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(self, problems: Problems) -> Problem {
        let remedy = match self {
            Self::Shutdown => problems.text(Text::ShuttingDownRemedy),
            Self::Closed
            | Self::ProtocolViolation
            | Self::Stalled
            | Self::NothingToResume
            | Self::Absent(_)
            | Self::Lifetime(_) => problems.connect_again_remedy(),
        };
        let message = match self {
            Self::Closed | Self::ProtocolViolation | Self::Stalled => {
                problems.text(Text::SessionEndedByPage)
            }
            Self::NothingToResume => problems.text(Text::SessionAbandoned),
            Self::Absent(limit) => problems.fill(Text::PageAway, &[&span(limit)]),
            Self::Lifetime(limit) => problems.fill(Text::SessionTooOld, &[&span(limit)]),
            Self::Shutdown => problems.text(Text::ShuttingDown),
        };
        problems.at_portal(message, remedy)
    }
}

impl ProtocolViolation {
    /// Returns the problem for the page. A violation by heavy use has a sentence of its own; the
    /// others are details for a programmer.
    #[must_use]
    pub fn problem(&self, problems: Problems) -> Problem {
        let message = match self {
            Self::TooManyUploads(max) => problems.fill(Text::TooManyUploads, &[&max]),
            Self::TooManyRequests => problems.text(Text::TooManyRequests),
            Self::OutboxFull(_) => problems.text(Text::AnswersNotTaken),
            detail => problems.fill(Text::ProtocolViolation, &[&detail]),
        };
        problems.at_portal(message, problems.text(Text::ProtocolViolationRemedy))
    }
}
