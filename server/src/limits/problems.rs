//! The problems of attempts that a limit refuses.

use protocol::{Problem, Stage, problem::Who};

use super::{Limit, Refused};
use crate::{
    problems::{ProblemBuilder, problem},
    texts::{Text, span},
};

impl Refused {
    /// Returns the problem for the page, with the time to wait.
    #[must_use]
    pub fn problem(self, problems: ProblemBuilder) -> Problem {
        let text = match self.limit {
            Limit::Sessions => Text::LimitSessions,
            Limit::Connects => Text::LimitConnects,
            Limit::Target => Text::LimitTarget,
            Limit::UserFailures => Text::LimitUserFailures,
            Limit::ClientFailures => Text::LimitClientFailures,
            Limit::TargetFailures => Text::LimitTargetFailures,
        };
        let (message, logged) = (problems.text(text), ProblemBuilder::default().text(text));
        let logged = (logged != message).then_some(logged);
        // Whole seconds, rounded up: the next attempt is not too early.
        let wait = std::time::Duration::from_secs(self.wait.as_secs() + 1);
        let remedy = match self.limit {
            Limit::Sessions | Limit::Connects | Limit::Target => Text::LimitRemedy,
            Limit::UserFailures | Limit::ClientFailures | Limit::TargetFailures => {
                Text::LimitFailuresRemedy
            }
        };
        let remedy = problems.fill(remedy, &[&span(wait)]);
        Problem { logged, ..problem(Stage::Policy, Who::You, message, remedy) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::problems::tests::assert_well_worded;

    #[test]
    fn every_limit_is_worded_in_every_language_with_the_wait() {
        assert_well_worded(|problems| {
            let limits = [
                Limit::Sessions,
                Limit::Connects,
                Limit::Target,
                Limit::UserFailures,
                Limit::ClientFailures,
                Limit::TargetFailures,
            ];
            let wait = Duration::from_millis(89_500);
            limits.map(|limit| Refused { limit, wait }.problem(problems)).into()
        });
        let refused = Refused { limit: Limit::Target, wait: Duration::from_secs(29) };
        let problem = refused.problem(ProblemBuilder::default());
        assert!(problem.remedy.unwrap().what.contains("30 s"));
    }
}
