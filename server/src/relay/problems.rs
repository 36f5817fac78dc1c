//! The problems of uploads whose bytes do not arrive.

use protocol::Problem;

use super::PageSourceError;
use crate::{
    problems::ProblemBuilder,
    texts::{Text, span},
};

impl PageSourceError {
    /// Returns the problem for the page.
    #[must_use]
    pub fn problem(self, problems: ProblemBuilder) -> Problem {
        let (message, limit, remedy) = match self {
            Self::BudgetExhausted(limit) => (Text::MemoryFull, limit, Text::MemoryFullRemedy),
            Self::PageSilent(limit) => {
                (Text::PageStoppedSending, limit, Text::PageStoppedSendingRemedy)
            }
        };
        problems.at_portal(message, &[&span(limit)], remedy)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::problems::tests::assert_well_worded;

    #[test]
    fn every_error_is_worded_in_every_language() {
        let limit = Duration::from_secs(90);
        assert_well_worded(|problems| {
            let errors =
                [PageSourceError::BudgetExhausted(limit), PageSourceError::PageSilent(limit)];
            errors.map(|error| error.problem(problems)).into()
        });
    }
}
