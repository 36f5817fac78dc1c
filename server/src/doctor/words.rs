//! The words of a report that do not depend on a check.

use protocol::{Remedy, doctor::CheckState, problem::Who};

use crate::texts::Language;

/// Returns the name of a state, in a language.
#[must_use]
pub fn state_name(language: Language, state: CheckState) -> &'static str {
    let key = match state {
        CheckState::Ok => "doctor.state.ok",
        CheckState::Note => "doctor.state.note",
        CheckState::Warning => "doctor.state.warning",
        CheckState::Failed => "doctor.state.failed",
        CheckState::Skipped => "doctor.state.skipped",
    };
    language.find(key).unwrap_or_default()
}

/// Returns who can apply a remedy, in a language.
#[must_use]
pub fn who(language: Language, remedy: &Remedy) -> &'static str {
    let key = match remedy.who {
        Who::You => "program.who.you",
        Who::ServerOperator => "program.who.host",
        Who::Network => "program.who.network",
        Who::PortalOperator => "program.who.operator",
    };
    language.find(key).unwrap_or_default()
}
