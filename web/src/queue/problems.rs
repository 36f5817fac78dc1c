//! The problems of the uploads that the page finds by itself.

use protocol::{Problem, Remedy, Stage, problem::Who};

use crate::texts::Text;

/// The file changed or went away after it was picked.
#[must_use]
pub fn file_changed() -> Problem {
    Problem {
        cause: Some(Text::ProblemFileChangedCause.text().to_owned()),
        remedy: Some(Remedy {
            who: Who::You,
            what: Text::ProblemFileChangedRemedy.text().to_owned(),
        }),
        ..Problem::new(Stage::Transfer, Text::ProblemFileChanged.text().to_owned())
    }
}
