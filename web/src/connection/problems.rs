//! The problems between the page and the portal.

use protocol::Problem;

use crate::{problem::of_portal, texts::Text};

/// Another tab or browser took the session over.
#[must_use]
pub fn taken_over() -> Problem {
    of_portal(Text::ProblemSessionInOtherTab.text(), Text::ProblemSessionInOtherTabRemedy)
}

/// The page was reloaded, and holds no password.
#[must_use]
pub fn password_needed() -> Problem {
    of_portal(Text::ProblemPasswordNeeded.text(), Text::ProblemPasswordNeededRemedy)
}

/// The portal speaks another protocol version.
#[must_use]
pub fn outdated() -> Problem {
    of_portal(Text::ProblemPageOutdated.text(), Text::ProblemPageOutdatedRemedy)
}

/// The portal cannot be reached.
#[must_use]
pub fn portal_unreachable() -> Problem {
    of_portal(Text::ProblemPortalUnreachable.text(), Text::ProblemPortalUnreachableRemedy)
}

/// The portal sent something other than a message.
#[must_use]
pub fn not_understood() -> Problem {
    of_portal(Text::ProblemNotUnderstood.text(), Text::ProblemPageOutdatedRemedy)
}
