//! Decides about files of the same name on the server.

use protocol::{OnConflict, server::Existing};
use serde::{Deserialize, Serialize};

use crate::{format, texts::Text};

/// The highest number in a free name, `a (2).txt` and so on. After it the user decides.
const MAX_NAMES: u32 = 1000;
/// File systems and listings round dates, FAT to two seconds: a smaller difference counts as equal.
const DATE_TOLERANCE_MILLIS: i64 = 2000;

/// The user's choice for files whose name is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// Ask each time.
    #[default]
    Ask,
    /// Replace the server's file.
    Overwrite,
    /// Keep the server's file, and skip this one.
    Skip,
    /// Keep both: this one gets a free name.
    Rename,
    /// Replace the server's file if it is older, and keep it otherwise.
    OnlyNewer,
    /// Complete the server's file, which is the start of this one.
    Resume,
}

/// The decision about one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Ask,
    Overwrite,
    Skip,
    /// Try the n-th name.
    Rename(u32),
}

impl ConflictPolicy {
    /// Returns the reaction to a conflict that the offer asks for.
    pub(super) fn on_conflict(self) -> OnConflict {
        match self {
            Self::Overwrite => OnConflict::Overwrite,
            Self::Resume => OnConflict::Resume,
            Self::Ask | Self::Skip | Self::Rename | Self::OnlyNewer => OnConflict::Ask,
        }
    }

    /// Decides about an existing file. `names` have been tried so far.
    pub(super) fn decide(
        self,
        modified_millis: Option<i64>,
        existing: &Existing,
        names: u32,
    ) -> Decision {
        match self {
            Self::Skip => Decision::Skip,
            Self::Rename if names < MAX_NAMES => Decision::Rename(names + 1),
            Self::OnlyNewer => match (modified_millis, existing.modified_millis) {
                (Some(ours), Some(theirs)) if ours > theirs + DATE_TOLERANCE_MILLIS => {
                    Decision::Overwrite
                }
                (Some(_), Some(_)) => Decision::Skip,
                // A date is unknown: the user decides.
                (_, _) => Decision::Ask,
            },
            // The offer asked for it, and the portal could not do it.
            Self::Ask | Self::Overwrite | Self::Resume | Self::Rename => Decision::Ask,
        }
    }
}

/// A file's size and date; `date` is in the user's time zone.
#[must_use]
pub fn size_and_date(size: Option<u64>, date: Option<&str>) -> String {
    let size = size.map_or_else(|| Text::NumberUnknownSize.text().to_owned(), format::exact_bytes);
    Text::NumberSizeAndDate.fill(&[&size, &date.unwrap_or_else(|| Text::NumberUnknownDate.text())])
}

/// Says which of two files is newer, if both dates are known.
#[must_use]
pub fn newer_file(ours: Option<i64>, theirs: Option<i64>) -> &'static str {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours > theirs => Text::NewerYours.text(),
        (Some(ours), Some(theirs)) if ours < theirs => Text::NewerOnServer.text(),
        (_, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(modified_millis: Option<i64>) -> Existing {
        Existing { size: Some(1), modified_millis }
    }

    #[test]
    fn only_a_clearly_newer_file_replaces_the_servers() {
        let decide = |ours, theirs| ConflictPolicy::OnlyNewer.decide(ours, &dated(theirs), 1);
        assert_eq!(decide(Some(12_001), Some(10_000)), Decision::Overwrite);
        assert_eq!(decide(Some(12_000), Some(10_000)), Decision::Skip);
        assert_eq!(decide(Some(1), Some(10_000)), Decision::Skip);
        assert_eq!(decide(Some(12_001), None), Decision::Ask);
        assert_eq!(decide(None, Some(1)), Decision::Ask);
    }

    #[test]
    fn search_for_a_free_name_ends() {
        let decide = |names| ConflictPolicy::Rename.decide(None, &dated(None), names);
        assert_eq!(decide(1), Decision::Rename(2));
        assert_eq!(decide(MAX_NAMES), Decision::Ask);
    }

    #[test]
    fn portal_that_could_not_do_what_was_offered_leads_to_a_question() {
        for policy in [ConflictPolicy::Ask, ConflictPolicy::Overwrite, ConflictPolicy::Resume] {
            assert_eq!(policy.decide(Some(1), &dated(Some(0)), 1), Decision::Ask);
        }
    }
}
