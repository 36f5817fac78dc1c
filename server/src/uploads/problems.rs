//! The problems of uploads that the engine does not know.

use std::time::Duration;

use ftps::{FileDigest, RemotePath};
use protocol::{Problem, Remedy, Stage, problem::Who};

use crate::{
    problems::{ProblemBuilder, problem},
    texts::{Text, span},
};

/// The page has not sent the digest that it promised.
pub(super) fn no_digest(problems: ProblemBuilder, limit: Duration) -> Problem {
    problems.at_portal(Text::NoDigest, &[&span(limit)], Text::NoDigestRemedy)
}

/// The page's digest is another one than that of the bytes that the portal relayed.
pub(super) fn digests_differ(
    problems: ProblemBuilder,
    relayed: &FileDigest,
    of_page: &str,
) -> Problem {
    let of_page = format!("{} {of_page}", relayed.algorithm());
    let cause = Some(problems.text(Text::DigestsDifferCause));
    let values: [&dyn std::fmt::Display; 2] = [relayed, &of_page];
    Problem { cause, ..problems.at_portal(Text::DigestsDiffer, &values, Text::DigestsDifferRemedy) }
}

/// A complete file could not replace the old one; both are kept. `refusal` is the server's.
pub(super) fn not_replaced(
    problems: ProblemBuilder,
    refusal: Problem,
    path: &RemotePath,
    new: &RemotePath,
    old: &RemotePath,
) -> Problem {
    let what = problems.fill(Text::NotReplacedRemedy, &[&new, &old, &path]);
    Problem { remedy: Some(Remedy { who: Who::You, what }), ..refusal }
}

/// The server did not delete a file of an upload that has another name than the upload's.
pub(super) fn leftover_not_deleted(problems: ProblemBuilder) -> Problem {
    let message = problems.text(Text::LeftoverNotDeleted);
    let remedy = problems.text(Text::LeftoverNotDeletedRemedy);
    problem(Stage::Delete, Who::You, message, remedy)
}

#[cfg(test)]
mod tests {
    use ftps::Algorithm;

    use super::*;
    use crate::problems::tests::{assert_well_worded, path, server_refusal};

    #[test]
    fn every_problem_is_worded_in_every_language() {
        let digest = FileDigest::new(Algorithm::Crc32, "00c0ffee").unwrap();
        assert_well_worded(|problems| {
            let refusal = server_refusal(problems);
            vec![
                no_digest(problems, Duration::from_secs(90)),
                digests_differ(problems, &digest, "0000beef"),
                leftover_not_deleted(problems),
                not_replaced(problems, refusal, &path("/a b"), &path("/a/ü"), &path("/c")),
            ]
        });
    }
}
