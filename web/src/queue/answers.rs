//! The portal's answers about uploads, and the ends of connections and sessions.

use std::rc::Rc;

use protocol::{OnConflict, Problem, UploadId, server::Existing};

use super::{
    ConflictPolicy, FileAccess, Interruption, PauseState, Phase, Queue, Row, Skipped, State,
    Stored, Upload, conflict::Decision, leftovers::Leftovers, name_limit::says_too_long,
    problems::file_changed, rows::OpenUploads,
};

impl Queue {
    /// The upload has an FTPS session; its bytes go to `temporary_path`, where a retry finds them.
    pub fn opened(&mut self, id: UploadId, temporary_path: String) {
        if let Some(row) = self.row_of(id) {
            self.change(row, |upload| upload.resume = Some(temporary_path));
            self.set_phase(id, Phase::Sending);
        } else if self.open.get(id).is_some() {
            // The user cancelled it before the portal knew.
            self.leftovers.cancel(id, Some(temporary_path));
        }
    }

    /// Another upload writes to the same file: this one starts when that one has ended.
    pub fn waiting(&mut self, id: UploadId) {
        self.set_phase(id, Phase::Waiting);
    }

    /// The portal lost the server, and retries by itself.
    pub fn interrupted(&mut self, id: UploadId) {
        self.set_phase(id, Phase::Retrying);
        if self.waits_for_connection() {
            self.rate.restart();
        }
    }

    /// The server holds all bytes of the upload.
    pub fn verifying(&mut self, id: UploadId) {
        self.set_phase(id, Phase::Verifying);
    }

    /// The server stored the file. This counts for an upload that was cancelled too late as well.
    pub fn done(&mut self, id: UploadId, stored: Stored) -> Option<Row> {
        let row = self.close(id)?;
        let upload = self.get(row)?;
        let cancelled_too_late = matches!(upload.state, State::Skipped(Skipped::Cancelled));
        if !upload.is_open_as(id) && !cancelled_too_late {
            return None;
        }
        self.change(row, |upload| {
            upload.resume = None;
            upload.state = State::Done(stored);
        });
        Some(row)
    }

    /// Sets when the server stored a file, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn set_stored_at(&mut self, row: Row, unix_millis: u64) {
        self.change(row, |upload| upload.stored_at = Some(unix_millis));
    }

    /// A file of this name exists: applies the user's policy. `resume` is the part file with
    /// the new bytes if the name was taken meanwhile. Returns the row if the user has to decide.
    pub fn conflict(
        &mut self,
        id: UploadId,
        existing: Existing,
        resume: Option<String>,
    ) -> Option<Row> {
        let upload = self.row_of(id).and_then(|row| self.get(row));
        let policy = upload.and_then(|upload| upload.choice).unwrap_or(self.policy_for_any());
        // The user may have chosen another policy after the offer was sent.
        let was_tried = upload.is_some_and(|it| it.was_offered_with(policy.on_conflict()));
        let is_paused = upload.is_some_and(Upload::is_pausing);
        let row = self.end(id, resume, |_| State::NeedsDecision(existing))?;
        let asks = was_tried || policy.on_conflict() == OnConflict::Ask;
        match self.decision(row, policy) {
            None => Some(row),
            // The user's choice could not be carried out: ask again.
            Some(Decision::Ask) if asks => Some(row),
            Some(decision) => {
                self.carry_out(row, policy, decision);
                if is_paused {
                    self.pause(row);
                }
                None
            }
        }
    }

    /// The server's file that a row waits for a decision about is the same file.
    pub fn mark_identical(&mut self, row: Row) {
        if self.get(row).is_some_and(|upload| upload.state.needs_decision()) {
            self.change(row, |upload| upload.is_identical = true);
        }
    }

    /// The portal cancelled the upload, as it was told to.
    pub fn cancelled(&mut self, id: UploadId) {
        self.end(id, None, |_| State::Skipped(Skipped::Cancelled));
    }

    /// The portal paused the upload; `resume` is its part file. Without a request to pause, the
    /// upload lost its connection.
    pub fn paused(&mut self, id: UploadId, resume: Option<String>) {
        let row = self.end(id, resume, |pause_state| match pause_state {
            PauseState::Running => State::Interrupted,
            PauseState::Unreadable => State::Failed(file_changed()),
            PauseState::Paused => State::Paused,
            PauseState::Resumed => State::Queued,
        });
        self.enqueue(row);
    }

    /// The upload failed; `resume` is its part file on the server, for a retry.
    pub fn failed(&mut self, id: UploadId, problem: Problem, resume: Option<String>) {
        let is_long = says_too_long(&problem);
        let row = self.end(id, resume, |_| State::Failed(problem));
        if let Some(row) = row.filter(|_| is_long) {
            self.learn_name_limit(row);
        }
    }

    /// The file of an interrupted upload cannot be read any more.
    pub fn interrupted_by_file(&mut self, row: Row, problem: Problem) {
        if let Some(Upload { state: State::Interrupted, .. }) = self.get(row) {
            self.change(row, |upload| upload.state = State::Failed(problem));
        }
    }

    /// The session ended, and nothing replaces it: open uploads are interrupted, queued ones stay
    /// queued. Returns the number of interrupted uploads.
    pub fn session_ended(&mut self) -> usize {
        self.lose_open(|_| State::Interrupted)
    }

    /// Another session replaces the lost one: open uploads are offered again, from the bytes that
    /// the server holds. Returns their number.
    pub fn session_lost(&mut self) -> usize {
        self.lose_open(|pause_state| match pause_state {
            PauseState::Paused => State::Paused,
            _ => State::Queued,
        })
    }

    /// The connection ended, and nothing restores it by itself. Uploads that the user interrupted go
    /// on after the next login at this server, never on another one: [`Queue::reconnected`].
    pub fn disconnected(&mut self, interruption: Interruption) {
        for row in self.rows_where(|state| state.is_under_way() || state.is_waiting()) {
            self.change(row, |upload| {
                upload.paused_before = matches!(upload.state, State::Paused) || upload.is_pausing();
                upload.interruption = interruption;
                if upload.state.is_waiting() {
                    upload.state = State::Interrupted;
                }
            });
        }
        self.session_ended();
        self.queued.clear();
    }

    /// The page is connected again to the server that the user disconnected from: interrupted uploads
    /// go on.
    pub fn reconnected(&mut self) {
        for row in self.rows_where(|state| matches!(state, State::Interrupted)) {
            let goes_on = self.get(row).is_some_and(|upload| {
                upload.interruption == Interruption::UserDisconnected
                    && upload.access == FileAccess::Available
            });
            if goes_on {
                self.change(row, |upload| {
                    upload.interruption = Interruption::Break;
                    upload.state = if upload.paused_before { State::Paused } else { State::Queued };
                });
                self.enqueue(Some(row));
            }
        }
    }

    /// The page is connected to another server or account: retried uploads go into `directory`.
    pub fn moved(&mut self, directory: &str) {
        let directory: Rc<str> = directory.into();
        self.leftovers = Leftovers::default();
        for row in self.rows_where(|_| true) {
            self.change(row, |upload| {
                upload.keep(None);
                upload.interruption = Interruption::Break;
                upload.directory = directory.clone();
            });
        }
    }

    /// Returns the part files that the portal has to remove, now that it can.
    pub fn take_leftovers(&mut self) -> Vec<String> {
        self.leftovers.take()
    }

    /// The server removed a part file.
    pub fn leftover_removed(&mut self, path: &str) {
        self.leftovers.removed(path);
    }

    /// The server did not remove a part file.
    pub fn leftover_kept(&mut self, path: &str) {
        self.leftovers.not_removed(path);
    }

    /// Takes an upload that the portal ended out of the open ones; returns its row.
    fn close(&mut self, id: UploadId) -> Option<Row> {
        self.leftovers.ended(id);
        self.open.remove(id)
    }

    /// Ends an open upload with its part file `resume`; `becomes` returns the new state.
    /// Returns the row, unless the user cancelled the upload meanwhile: then the part file is
    /// removed.
    fn end(
        &mut self,
        id: UploadId,
        resume: Option<String>,
        becomes: impl FnOnce(PauseState) -> State,
    ) -> Option<Row> {
        let row = self.close(id)?;
        let Some(pause_state) = self.get(row).and_then(|upload| upload.pause_state_as(id)) else {
            self.leftovers.abandon(resume);
            return None;
        };
        self.change(row, |upload| {
            upload.keep(resume);
            upload.state = becomes(pause_state);
        });
        Some(row)
    }

    /// Ends all open uploads, whose state at the portal is unknown. Returns their number.
    fn lose_open(&mut self, becomes: impl Fn(PauseState) -> State) -> usize {
        self.outage = None;
        self.leftovers.session_lost();
        let open: Vec<_> = self.open().collect();
        for &(id, row) in &open {
            let resume = self.get(row).and_then(|upload| upload.resume.clone());
            let row = self.end(id, resume, |pause_state| match pause_state {
                PauseState::Unreadable => State::Failed(file_changed()),
                pause_state => becomes(pause_state),
            });
            self.enqueue(row);
        }
        self.open = OpenUploads::default();
        open.len()
    }

    fn set_phase(&mut self, id: UploadId, phase: Phase) {
        if let Some(row) = self.row_of(id) {
            self.change(row, |upload| {
                if let Some(open) = upload.state.open_mut() {
                    open.phase = phase;
                }
            });
        }
    }

    /// Returns what a policy means for a file whose name is taken.
    pub(super) fn decision(&self, row: Row, policy: ConflictPolicy) -> Option<Decision> {
        let upload = self.get(row)?;
        let existing = upload.state.existing()?;
        Some(policy.decide(upload.file.modified_millis, existing, upload.name_number))
    }

    pub(super) fn carry_out(&mut self, row: Row, policy: ConflictPolicy, decision: Decision) {
        match decision {
            Decision::Skip => {
                self.skip(row, policy);
                self.abandon_leftover(row);
            }
            Decision::Overwrite => self.offer_with(row, ConflictPolicy::Overwrite),
            Decision::Rename(number) => {
                self.change(row, |upload| upload.name_number = number);
                self.abandon_leftover(row);
                self.offer_with(row, policy);
            }
            Decision::Ask if policy != ConflictPolicy::Ask => self.offer_with(row, policy),
            Decision::Ask => {}
        }
    }

    /// Offers a file again with this policy.
    fn offer_with(&mut self, row: Row, policy: ConflictPolicy) {
        self.change(row, |upload| upload.choice = Some(policy));
        self.retry(row);
    }

    fn skip(&mut self, row: Row, policy: ConflictPolicy) {
        let skipped = match policy {
            ConflictPolicy::OnlyNewer => Skipped::NotNewer,
            _ => Skipped::ServerFileKept,
        };
        self.change(row, |upload| upload.state = State::Skipped(skipped));
    }

    /// Gives up the part file of an upload: it is removed.
    pub(super) fn abandon_leftover(&mut self, row: Row) {
        let leftover = self.change(row, |upload| {
            upload.kept_bytes = 0;
            upload.resume.take()
        });
        self.leftovers.abandon(leftover.flatten());
    }
}
