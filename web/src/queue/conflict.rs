//! Decides about files of the same name on the server.

use protocol::{
    OnConflict,
    server::{Algorithm, Existing},
};
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

/// How many existing files one decision may resume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResumeScope {
    /// Any number: the server's digests show whether a file is the beginning of another.
    #[default]
    All,
    /// One: only the user can tell.
    One,
}

impl ResumeScope {
    /// Returns the scope at a server, by the algorithm of the page's digests: the page's own if the
    /// server has none of them.
    #[must_use]
    pub fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Blake3 => Self::One,
            Algorithm::Crc32 | Algorithm::Sha256 => Self::All,
        }
    }
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

/// How a file and the server's file of the same name compare, by their digests, or else by their sizes
/// and dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The digests are equal: the same file.
    Identical,
    /// Size and date are equal: probably the same file.
    ProbablySame,
    /// The user's file is newer.
    OursNewer,
    /// The server's file is newer.
    TheirsNewer,
    /// A date is unknown, or the dates are equal and the sizes are not.
    Unknown,
}

impl Comparison {
    /// Compares a file with the server's.
    #[must_use]
    pub fn of(size: u64, modified_millis: Option<i64>, existing: &Existing) -> Self {
        let (Some(ours), Some(theirs)) = (modified_millis, existing.modified_millis) else {
            return Self::Unknown;
        };
        let difference = ours.saturating_sub(theirs);
        if difference > DATE_TOLERANCE_MILLIS {
            Self::OursNewer
        } else if difference < -DATE_TOLERANCE_MILLIS {
            Self::TheirsNewer
        } else if existing.size == Some(size) {
            Self::ProbablySame
        } else {
            Self::Unknown
        }
    }

    /// Returns the sentence for the user.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Identical => Text::NewerIdentical.text(),
            Self::ProbablySame => Text::NewerSame.text(),
            Self::OursNewer => Text::NewerYours.text(),
            Self::TheirsNewer => Text::NewerOnServer.text(),
            Self::Unknown => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(modified_millis: Option<i64>) -> Existing {
        Existing { size: Some(1), modified_millis, digest: None }
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
    fn file_that_was_just_uploaded_is_not_newer_than_itself() {
        let compare = |size, ours, theirs| Comparison::of(size, ours, &dated(theirs));
        // The server keeps whole seconds, or every other one.
        for theirs in [10_000, 9_000, 12_000] {
            assert_eq!(compare(1, Some(10_789), Some(theirs)), Comparison::ProbablySame);
        }
        assert_eq!(compare(2, Some(10_789), Some(10_000)), Comparison::Unknown);
        assert_eq!(compare(1, Some(12_001), Some(10_000)), Comparison::OursNewer);
        assert_eq!(compare(1, Some(7_999), Some(10_000)), Comparison::TheirsNewer);
        assert_eq!(compare(1, None, Some(10_000)), Comparison::Unknown);
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
