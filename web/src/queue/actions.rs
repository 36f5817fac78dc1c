//! The user's actions on one upload.

use protocol::UploadId;

use super::{ConflictPolicy, FileAccess, PauseState, Phase, Queue, Row, Skipped, State, Upload};

impl Queue {
    /// Pauses an upload until [`Queue::resume`]. Returns the id that the portal has to be told to
    /// pause, if the portal knows the upload: a paused upload occupies nothing there.
    pub fn pause(&mut self, row: Row) -> Option<UploadId> {
        let id = match &self.get(row)?.state {
            State::Queued => None,
            State::Open(open) => match (open.phase, open.pause_state) {
                (Phase::Verifying, _) => return None,
                (_, PauseState::Running) => Some(open.id),
                // The portal was told already.
                (_, PauseState::Resumed) => None,
                (_, PauseState::Paused | PauseState::Unreadable) => return None,
            },
            _ => return None,
        };
        self.queued.remove(row);
        self.change(row, |upload| match &mut upload.state {
            State::Open(open) => open.pause_state = PauseState::Paused,
            state => *state = State::Paused,
        });
        id
    }

    /// Resumes a paused upload, from the bytes that the server holds.
    pub fn resume(&mut self, row: Row) {
        let Some(upload) = self.get(row) else { return };
        match &upload.state {
            State::Paused => {
                self.change(row, |upload| upload.state = State::Queued);
                self.enqueue(Some(row));
            }
            State::Open(open)
                if matches!(open.pause_state, PauseState::Paused | PauseState::Unreadable) =>
            {
                self.change(row, |upload| {
                    if let Some(open) = upload.state.open_mut() {
                        open.pause_state = PauseState::Resumed;
                    }
                });
            }
            _ => {}
        }
    }

    /// Cancels an upload. Returns the id that the portal has to be told to cancel, if the portal
    /// knows the upload.
    pub fn cancel(&mut self, row: Row) -> Option<UploadId> {
        let state = &self.get(row)?.state;
        if state.is_finished() {
            return None;
        }
        let open = state.open().map(|open| open.id);
        self.queued.remove(row);
        let leftover = self.change(row, |upload| {
            upload.state = State::Skipped(Skipped::Cancelled);
            upload.resume.take()
        });
        match open {
            // The portal removes the part file by itself.
            Some(id) => self.leftovers.cancel(id, leftover.flatten()),
            None => self.leftovers.abandon(leftover.flatten()),
        }
        open
    }

    /// Retries an upload that was interrupted, failed or skipped, from the bytes that the server
    /// holds.
    pub fn retry(&mut self, row: Row) {
        let can_retry = self.get(row).is_some_and(|upload| {
            upload.access == FileAccess::Available && upload.state.can_retry()
        });
        if can_retry {
            self.wait(row);
        }
    }

    /// Uploads a file whose name is too long under a shorter one.
    pub fn shorten(&mut self, row: Row) {
        if let Some(Upload { state: State::NameTooLong, .. }) = self.get(row) {
            self.wait(row);
        }
    }

    pub(super) fn wait(&mut self, row: Row) {
        let state = self.waiting_state(row);
        self.change(row, |upload| upload.state = state);
        self.enqueue(Some(row));
    }

    /// Applies the user's decision for a file whose name is taken.
    pub fn decide(&mut self, row: Row, policy: ConflictPolicy) {
        if let Some(decision) = self.decision(row, policy) {
            self.carry_out(row, policy, decision);
        }
    }
}
