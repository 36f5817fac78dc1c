//! The sentences that the page announces to screen readers, and its notices.

use protocol::Problem;

use super::BulkAction;
use crate::join::join;
use crate::{format, queue::Totals, texts::Text};

/// Announces an action on all uploads or on those of a folder, unless the page shows it anyway.
pub(super) fn bulk_action(folder: Option<&str>, bulk: BulkAction) -> Option<String> {
    let (all, folders) = match bulk {
        BulkAction::Pause => (Text::AnnounceAllPaused, Text::AnnounceFolderPaused),
        BulkAction::Resume => (Text::AnnounceAllResumed, Text::AnnounceFolderResumed),
        BulkAction::Cancel => (Text::AnnounceAllCancelled, Text::AnnounceFolderCancelled),
        BulkAction::RetryFailed | BulkAction::ClearFinished => return None,
    };
    Some(match folder {
        None => all.text().to_owned(),
        Some(folder) => folders.fill(&[&format::name(folder)]),
    })
}

/// Announces once that no upload is left to do.
pub(super) fn finished(totals: &Totals) -> String {
    let done = format::files(totals.done);
    let (failed, waiting) = (totals.failed, totals.waiting);
    match (totals.failed, totals.waiting) {
        (0, 0) => Text::AnnounceFinished.fill(&[&done]),
        (_, 0) => Text::AnnounceFinishedFailed.fill(&[&done, &failed]),
        (0, _) => Text::AnnounceWaiting.fill(&[&done, &waiting]),
        (_, _) => Text::AnnounceFailedWaiting.fill(&[&done, &failed, &waiting]),
    }
}

/// Announces each quarter of the progress.
pub(super) fn milestone(permille: u64, totals: &Totals) -> String {
    Text::AnnounceMilestone.fill(&[&(permille / 10), &totals.done, &format::files(totals.files)])
}

/// Announces added files.
pub(super) fn added(number: usize) -> String {
    Text::AnnounceAdded.fill(&[&format::files(number as u64)])
}

/// Announces rows that were cleared from the list.
pub(super) fn cleared(number: usize) -> String {
    Text::AnnounceCleared.fill(&[&format::files(number as u64)])
}

/// Announces a failed upload.
pub(super) fn failed(path: &str, problem: &Problem) -> String {
    Text::AnnounceFailed.fill(&[&format::name(path), &format::visible(&problem.message)])
}

/// Announces an upload that needs a decision.
pub(super) fn decision_needed(path: &str) -> String {
    Text::AnnounceDecide.fill(&[&format::name(path)])
}

/// Announces files that were found for restored uploads.
pub(super) fn files_found(number: usize) -> String {
    Text::AnnounceFound.fill(&[&format::files(number as u64)])
}

/// A picked file is not the one that a restored upload needs.
pub(super) fn wrong_file(path: &str) -> String {
    Text::NoticeOtherFile.fill(&[&format::name(path)])
}

/// The server did not make a folder.
pub(super) fn folder_not_made(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::name(path), format::visible(&problem.message));
    match &problem.reply {
        Some(reply) => Text::NoticeNoFolderReply.fill(&[&path, &message, &format::visible(reply)]),
        None => Text::NoticeNoFolder.fill(&[&path, &message]),
    }
}

/// An upload's part file could not be removed.
pub(super) fn leftover_not_removed(path: &str, problem: &Problem) -> String {
    let (path, message) = (format::name(path), format::visible(&problem.message));
    Text::NoticeLeftover.fill(&[&path, &message])
}

/// An entry on the server was not renamed or not deleted.
pub(super) fn not_changed(path: &str, problem: &Problem) -> String {
    Text::NoticeNotChanged.fill(&[&format::name(path), &format::visible(&problem.message)])
}

/// Picked files that the browser could not read.
pub(super) fn unreadable(names: &[String]) -> String {
    first_of(names, Text::NoticeUnreadable, Text::NoticeUnreadableMore)
}

/// Picked files that no connection was there for.
pub(super) fn pick_rejected(names: &[String]) -> String {
    first_of(names, Text::NoticeNotConnected, Text::NoticeNotConnectedMore)
}

/// Picked files while an obstacle was shown.
pub(super) fn pick_obstructed(names: &[String]) -> String {
    first_of(names, Text::NoticeObstructed, Text::NoticeObstructedMore)
}

/// A text about all of the names, or about the first three and the number of the others.
fn first_of(names: &[String], all: Text, first: Text) -> String {
    let shown: Vec<_> = names.iter().take(3).map(|name| format::name(name)).collect();
    let shown = join(&shown, ", ");
    match names.len().saturating_sub(3) {
        0 => all.fill(&[&shown]),
        more => first.fill(&[&shown, &more]),
    }
}
