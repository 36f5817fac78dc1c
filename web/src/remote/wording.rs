//! The texts of the directory in view.

use crate::{
    format,
    texts::{Plural, Text},
};

const LEFT_OUT: Plural = Plural { one: Text::RemoteLeftOutOne, other: Text::RemoteLeftOutOther };

/// Shown while a listing waits for uploads that are under way.
#[must_use]
pub fn listing_waits() -> &'static str {
    Text::RemoteWaiting.text()
}

/// The start folder could not be opened.
#[must_use]
pub fn no_start_folder(path: &str, message: &str) -> String {
    Text::RemoteStartFolderFailed.fill(&[&format::name(path), &format::visible(message)])
}

/// Says how many entries an incomplete listing lacks.
#[must_use]
pub fn left_out(number: u64) -> String {
    LEFT_OUT.fill(number)
}

/// Explains a part file of an upload.
#[must_use]
pub fn leftover(of: &str) -> String {
    Text::RemoteLeftover.fill(&[&format::name(of)])
}
