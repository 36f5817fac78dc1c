//! The problem of a proxy that cannot be reached.

use protocol::{Problem, Stage, problem::Who};

use super::ProxyNotFound;
use crate::{
    problems::{ProblemBuilder, problem},
    texts::Text,
};

impl ProxyNotFound {
    /// Returns the problem for the page. It does not contain the proxy's name.
    #[must_use]
    pub fn problem(self, problems: ProblemBuilder) -> Problem {
        let message = problems.text(Text::ProxyNotFound);
        problem(
            Stage::Connect,
            Who::PortalOperator,
            message,
            problems.text(Text::ProxyNotFoundRemedy),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::tests::assert_well_worded;

    #[test]
    fn every_problem_is_worded_in_every_language() {
        assert_well_worded(|problems| vec![ProxyNotFound.problem(problems)]);
    }
}
