//! The problems of destinations that the portal does not connect to.

use protocol::{Problem, Stage, problem::Who};

use super::Refusal;
use crate::{
    problems::{ProblemBuilder, problem},
    texts::Text,
};

impl Refusal {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder) -> Problem {
        let (stage, who) = match self {
            Self::NotAHost(_) | Self::PortZero | Self::NotFound { .. } => {
                (Stage::Resolve, Who::You)
            }
            Self::NoAnswer { .. } => (Stage::Resolve, Who::PortalOperator),
            Self::NotAllowed { .. } => (Stage::Policy, Who::PortalOperator),
            // A host or a port is mistyped more often than it has to be allowed.
            Self::NotAPreset(_) | Self::HostNotAllowed { .. } | Self::PortNotAllowed { .. } => {
                (Stage::Policy, Who::You)
            }
        };
        let (message, logged) = (self.text(problems.language()), self.to_string());
        let logged = (logged != message).then_some(logged);
        Problem { logged, ..problem(stage, who, message, problems.text(self.remedy())) }
    }

    fn remedy(&self) -> Text {
        match self {
            Self::NotAHost(_) | Self::PortZero => Text::HostRemedy,
            Self::NotAPreset(_) => Text::NotAPresetRemedy,
            Self::HostNotAllowed { .. } => Text::HostNotAllowedRemedy,
            Self::NotFound { .. } => Text::HostNotFoundRemedy,
            Self::NoAnswer { .. } => Text::NameServiceSilentRemedy,
            Self::NotAllowed { .. } => Text::AddressNotAllowedRemedy,
            Self::PortNotAllowed { .. } => Text::PortNotAllowedRemedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{policy::Scope, problems::tests::assert_well_worded, texts::Language};

    fn refusals() -> Vec<Refusal> {
        let host = || "ftp.example".to_owned();
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
            Refusal::NotAPreset("acme".to_owned()),
            Refusal::HostNotAllowed { host: host() },
            Refusal::PortZero,
            Refusal::NotFound { host: host() },
            Refusal::PortNotAllowed { host: host(), port: 2121 },
            Refusal::NoAnswer { host: host(), limit: Duration::from_secs(5) },
        ];
        others.into_iter().chain(not_allowed).collect()
    }

    #[test]
    fn every_refusal_is_worded_in_every_language() {
        assert_well_worded(|problems| {
            refusals().iter().map(|refusal| refusal.problem(problems)).collect()
        });
    }

    #[test]
    fn problem_names_its_line_of_the_session_log() {
        let german = ProblemBuilder::new(Language::of_tag("de").unwrap());
        let refusal = Refusal::PortZero;
        assert_eq!(refusal.problem(german).logged(), refusal.to_string());
        assert_eq!(refusal.problem(ProblemBuilder::default()).logged, None);
    }
}
