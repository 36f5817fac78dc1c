//! The problems of paths that the portal does not use.

use protocol::{Problem, problem::Who};

use super::{MAX_LEN, PathRefusal};
use crate::{
    problems::{ProblemBuilder, problem},
    texts::{Text, quoted},
};

impl PathRefusal {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder) -> Problem {
        let about =
            |message, path: &str, remedy| problems.at_portal(message, &[&quoted(path)], remedy);
        match self {
            Self::Invalid(path) => problem(
                protocol::Stage::Portal,
                Who::You,
                problems.fill(Text::PathInvalid, &[&quoted(path)]),
                problems.fill(Text::PathInvalidRemedy, &[&MAX_LEN]),
            ),
            Self::NotALeftover(path) => about(Text::NotALeftover, path, Text::NotALeftoverRemedy),
            Self::NotExact(path) => about(Text::NameNotExact, path, Text::NameNotExactRemedy),
            Self::Protected(path) => about(Text::HomeProtected, path, Text::HomeProtectedRemedy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::tests::assert_well_worded;

    #[test]
    fn every_refusal_is_worded_in_every_language() {
        assert_well_worded(|problems| {
            let refusals = [
                PathRefusal::Invalid("../x".to_owned()),
                PathRefusal::NotALeftover("x".to_owned()),
                PathRefusal::NotExact("x\u{fffd}".to_owned()),
                PathRefusal::Protected("/".to_owned()),
            ];
            refusals.map(|refusal| refusal.problem(problems)).into()
        });
    }
}
