//! The texts of the session log's view.

use mask::NameKind;
use protocol::server::LogKind;

use super::pairs::Answered;
use crate::{
    join::concat,
    texts::{Plural, Text},
};

const LINES_MISSING: Plural = Plural { one: Text::LogMissingOne, other: Text::LogMissingOther };

/// Says which command a reply answers, and how long that took. The same in every language, as the
/// line is.
#[must_use]
pub fn answer(answered: &Answered) -> String {
    concat(&[&answered.verb, ", ", &answered.took_millis.to_string(), "\u{a0}ms"])
}

/// The label of an FTPS session: uploads run over several at once.
#[must_use]
pub fn ftps_session(number: u32) -> String {
    Text::LogSession.fill(&[&number])
}

/// The label in place of a masked name.
#[must_use]
pub fn masked_name(kind: NameKind, number: u32) -> String {
    let word = match kind {
        NameKind::Host => Text::LogMaskedHost,
        NameKind::User => Text::LogMaskedUser,
        NameKind::Path => Text::LogMaskedPath,
    };
    word.fill(&[&number])
}

/// An error of the log, for screen readers.
#[must_use]
pub fn error(text: &str) -> String {
    Text::LogErrorInLog.fill(&[&text])
}

/// Shown below a line that has no explanation.
#[must_use]
pub fn no_explanation(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Error => Text::LogErrorHandled.text(),
        LogKind::Status | LogKind::Command | LogKind::Response => Text::LogExplanationNone.text(),
    }
}

/// Shown below a line whose explanation could not be loaded.
#[must_use]
pub fn explanations_missing() -> &'static str {
    Text::LogExplanationsMissing.text()
}

/// The number of the current match, from 1, and of all matches.
#[must_use]
pub fn found(at: u32, number: u32) -> String {
    match number {
        0 => Text::LogFoundNone.text().to_owned(),
        number => Text::LogFound.fill(&[&at, &number]),
    }
}

/// Says that the browser refused to copy the log.
#[must_use]
pub fn copy_refused() -> &'static str {
    Text::LogCopyRefused.text()
}

/// The name of a kind of line.
#[must_use]
pub fn kind(kind: LogKind) -> &'static str {
    let word = match kind {
        LogKind::Status => Text::LogStatus,
        LogKind::Command => Text::LogCommand,
        LogKind::Response => Text::LogResponse,
        LogKind::Error => Text::LogError,
    };
    word.text()
}

/// A line in place of missing ones.
#[must_use]
pub fn lines_missing(number: u64) -> String {
    LINES_MISSING.fill(number)
}
