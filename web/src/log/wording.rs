//! The texts of the session log's view.

use protocol::server::LogKind;

use crate::texts::{Plural, Text};

const LINES_MISSING: Plural = Plural { one: Text::LogMissingOne, other: Text::LogMissingOther };

/// The label of an FTPS session: uploads run over several at once.
#[must_use]
pub fn ftps_session(number: u32) -> String {
    Text::LogSession.fill(&[&number])
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

/// Confirms that the log is on the clipboard.
#[must_use]
pub fn copied(lines: usize) -> String {
    Text::LogCopied.fill(&[&lines])
}

/// Says that the browser refused to copy the log.
#[must_use]
pub fn copy_refused() -> &'static str {
    Text::LogCopyRefused.text()
}

/// The header of a log that is copied or downloaded.
#[must_use]
pub fn header(date: &str, browser: &str, greeting: &str) -> String {
    Text::LogHead.fill(&[&env!("CARGO_PKG_VERSION"), &date, &browser, &greeting])
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
