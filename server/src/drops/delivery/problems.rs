//! The problems of refused offers.

use protocol::guest::{GuestProblem, GuestReason};

use super::OfferRefusal;
use crate::{
    drops::problems::{because, of_claim},
    problems::ProblemBuilder,
};

impl OfferRefusal {
    /// Returns the problem for the guest; `types` are the permitted endings.
    #[must_use]
    pub fn problem(&self, problems: ProblemBuilder, types: &[String]) -> GuestProblem {
        match self {
            Self::Name(name) => name.problem(problems, types),
            Self::Claim(claim) => of_claim(*claim, problems),
            Self::Store(_) => because(problems, GuestReason::Portal),
        }
    }
}

#[cfg(test)]
mod tests {
    use store::ClaimRefusal;

    use super::*;
    use crate::{drops::names::NameRefusal, sealed_store::SealedStoreError};

    #[test]
    fn a_guest_learns_why_an_offer_is_refused_and_nothing_of_the_store() {
        let store = SealedStoreError::MissingKeys(vec!["key of the operator".to_owned()]);
        for (refusal, reason) in [
            (OfferRefusal::Name(NameRefusal::Runs), GuestReason::Name),
            (OfferRefusal::Claim(ClaimRefusal::NoFiles), GuestReason::Files),
            (OfferRefusal::Store(store), GuestReason::Portal),
        ] {
            let problem = refusal.problem(ProblemBuilder::default(), &[]);
            assert_eq!(problem.reason, reason);
            assert!(!problem.message.contains("operator"), "{problem:?}");
        }
    }
}
