//! The problems of a destination that the portal does not connect to.

use protocol::{Problem, Stage, problem::Who};

use super::Refusal;
use crate::{problems::Problems, texts::Text};

impl Refusal {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(&self, problems: Problems) -> Problem {
        let (stage, who) = match self {
            Self::NotAHost(_) | Self::PortZero | Self::NotFound { .. } => {
                (Stage::Resolve, Who::You)
            }
            Self::NoAnswer { .. } => (Stage::Resolve, Who::Operator),
            Self::NotAllowed { .. } => (Stage::Policy, Who::Operator),
        };
        let (message, logged) = (self.text(problems.language()), self.to_string());
        let logged = (logged != message).then_some(logged);
        let mut problem = problems.at_stage(stage, who, message, self.remedy(problems));
        problem.logged = logged;
        problem.cause = self.cause(problems);
        problem
    }

    fn remedy(&self, problems: Problems) -> String {
        problems.text(match self {
            Self::NotAHost(_) | Self::PortZero => Text::HostRemedy,
            Self::NotFound { .. } => Text::HostNotFoundRemedy,
            Self::NoAnswer { .. } => Text::NameServiceSilentRemedy,
            Self::NotAllowed { .. } => Text::AddressNotAllowedRemedy,
        })
    }

    fn cause(&self, problems: Problems) -> Option<String> {
        match self {
            Self::NotFound { source: Some(source), .. } => {
                Some(problems.fill(Text::HostNotFoundCause, &[&source]))
            }
            Self::NotFound { source: None, .. }
            | Self::NotAHost(_)
            | Self::PortZero
            | Self::NoAnswer { .. }
            | Self::NotAllowed { .. } => None,
        }
    }
}
