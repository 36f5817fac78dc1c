//! The status texts of the uploads.

use protocol::server::Verified;

use super::{
    FileAccess, Interruption, Outage, PauseState, Phase, Skipped, State, Stored, Upload,
    totals::progress,
};
use crate::{format, texts::Text};

/// The status of an upload. In English its first words are part of the interface.
#[must_use]
pub fn status(upload: &Upload) -> String {
    let word = match upload.state() {
        State::Unplaced => Text::StatusQueuedUnplaced,
        State::NameTooLong => {
            let name = upload.name_on_server();
            return Text::StatusDecideLongName.fill(&[&format::name(&name)]);
        }
        State::Queued => Text::StatusQueued,
        State::Paused if upload.taken() > 0 => return paused(upload),
        State::Paused => Text::StatusPausedBefore,
        State::Open(open) => match (open.phase(), open.pause_state()) {
            (Phase::Verifying, _) => Text::StatusVerifying,
            (_, PauseState::Paused) => return paused(upload),
            (_, PauseState::Unreadable) => Text::StatusFailed,
            (Phase::Offered, _) => Text::StatusQueuedNext,
            (Phase::Waiting, _) => Text::StatusQueuedSameFile,
            (Phase::Sending, _) => return uploading(upload),
            (Phase::Retrying, _) => {
                return Text::StatusTryingAgain.fill(&[&format::bytes(upload.taken())]);
            }
        },
        State::Done(stored) => return done(upload, stored),
        State::Interrupted => match upload.access() {
            FileAccess::Available => match upload.interruption() {
                Interruption::Break => Text::StatusInterruptedLost,
                Interruption::UserDisconnected => Text::StatusInterruptedDisconnected,
            },
            FileAccess::ByHandle => Text::StatusPressContinue,
            FileAccess::Missing => Text::StatusPickAgain,
        },
        State::Skipped(Skipped::ServerFileKept) => Text::StatusSkippedExisting,
        State::Skipped(Skipped::NotNewer) => Text::StatusSkippedNotNewer,
        State::Skipped(Skipped::Cancelled) => Text::StatusSkippedCancelled,
        State::Failed(_) => Text::StatusFailed,
        State::NeedsDecision(existing) if existing.size == Some(upload.size()) => {
            Text::StatusDecideExistsSameSize
        }
        State::NeedsDecision(existing) if existing.size.is_none() => Text::StatusDecideMayExist,
        State::NeedsDecision(_) => Text::StatusDecideExists,
    };
    word.text().to_owned()
}

/// The status of an upload while the portal's socket is lost: open uploads resume by themselves.
#[must_use]
pub fn status_during_outage(upload: &Upload, outage: Outage) -> String {
    let State::Open(open) = upload.state() else { return status(upload) };
    if let PauseState::Paused | PauseState::Unreadable = open.pause_state() {
        return status(upload);
    }
    let at = format::bytes(upload.taken());
    match outage.retry_in {
        Some(left) => Text::StatusInterruptedNextTry.fill(&[&at, &format::duration(left)]),
        None => Text::StatusInterruptedAt.fill(&[&at]),
    }
}

fn paused(upload: &Upload) -> String {
    Text::StatusPaused.fill(&[&format::bytes(upload.taken())])
}

fn done(upload: &Upload, stored: &Stored) -> String {
    let how = match stored.verified {
        Verified::Digest => Text::StatusDoneDigest,
        Verified::Size => Text::StatusDoneSize,
        Verified::ReplyOnly => Text::StatusDoneReply,
    };
    match upload.renamed() {
        Some(path) => Text::StatusDoneAs.fill(&[&how.text(), &format::name(&path)]),
        None => how.text().to_owned(),
    }
}

fn uploading(upload: &Upload) -> String {
    let taken = format::bytes(upload.taken());
    match upload.rate().bytes_per_second().filter(|rate| *rate > 0) {
        None => Text::StatusUploading.fill(&[&taken]),
        Some(rate) => Text::StatusUploadingRate.fill(&[&taken, &format::rate(rate)]),
    }
}

/// The progress of one upload, for screen readers.
#[must_use]
pub fn spoken_progress(upload: &Upload) -> String {
    progress(upload.taken(), upload.size())
}
