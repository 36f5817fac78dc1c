//! An upload that is open at the portal: its credit window, its phase, and whether it may send.

use protocol::{Attempt, OnConflict, UploadId, Window, client::Offer, server::Limits};

/// An upload that is open at the portal.
#[derive(Debug)]
pub struct OpenUpload {
    pub(super) id: UploadId,
    /// What the portal was told to do about a file of the same name.
    pub(super) on_conflict: OnConflict,
    pub(super) attempt: Attempt,
    pub(super) window: Window,
    /// The widest window that was granted, in bytes.
    pub(super) window_bytes: u64,
    pub(super) phase: Phase,
    pub(super) pause_state: PauseState,
    pub(super) file_check: FileCheck,
}

/// The phase of an open upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Offered in advance; it waits for an FTPS session.
    Offered,
    /// It waits for another upload to the same file.
    Waiting,
    /// Its bytes are being sent.
    Sending,
    /// The server holds all bytes and has yet to confirm them.
    Verifying,
    /// The portal lost the server and retries by itself.
    Retrying,
}

/// Whether an open upload is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseState {
    /// Not paused.
    Running,
    /// The user paused it; the portal has not answered the pause.
    Paused,
    /// The user paused and resumed it; the portal has not answered the pause.
    Resumed,
    /// Its file cannot be read: the portal was told to pause it, and the server keeps its bytes.
    Unreadable,
}

/// Whether the browser can read a file.
///
/// A socket that is told to send a piece of a file that changed or is gone closes. So nothing of an
/// unchecked file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileCheck {
    /// The file can be read.
    Passed,
    /// The browser is checking.
    Pending,
    /// The browser has to check before more of the file is sent.
    Due,
}

/// A credit of the portal, in offsets into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The bytes that the server holds.
    pub taken: u64,
    /// The bytes that the portal has received.
    pub received: u64,
    /// Where the page has to stop sending.
    pub limit: u64,
}

impl OpenUpload {
    pub(super) fn new(offer: &Offer) -> Self {
        Self {
            id: offer.upload,
            on_conflict: offer.on_conflict,
            attempt: Attempt::default(),
            window: Window::new(offer.size),
            window_bytes: 0,
            phase: Phase::Offered,
            pause_state: PauseState::Running,
            file_check: FileCheck::Passed,
        }
    }

    /// Returns the phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns whether the upload is paused.
    #[must_use]
    pub fn pause_state(&self) -> PauseState {
        self.pause_state
    }

    /// Returns whether the upload may send, credit aside.
    pub(super) fn may_send(&self) -> bool {
        self.pause_state == PauseState::Running && self.file_check == FileCheck::Passed
    }

    /// Closes the window: the socket is gone, and the fate of the bytes in flight is unknown until
    /// the portal grants anew.
    pub(super) fn revoke_credit(&mut self) {
        let window = self.window;
        self.window = Window::resumed(window.size(), window.taken(), window.sent());
    }

    /// Applies a credit. Returns the bytes that the server has taken since the last one.
    pub(super) fn apply_credit(&mut self, attempt: Attempt, credit: Credit) -> u64 {
        let Credit { taken, received, limit } = credit;
        if attempt < self.attempt {
            return 0;
        }
        let before = self.window.taken();
        if attempt > self.attempt {
            self.attempt = attempt;
            self.window = Window::resumed(self.window.size(), taken, received);
            // Another socket interrupts neither the verification nor the wait for the server:
            // `opened` ends that wait.
            if self.phase == Phase::Verifying && !self.window.all_sent() {
                self.phase = Phase::Sending;
            }
        }
        self.window.grant(limit);
        self.window.take(taken);
        self.window_bytes = self.window_bytes.max(limit.saturating_sub(taken));
        let gained = self.window.taken().saturating_sub(before);
        if gained > 0 && matches!(self.phase, Phase::Offered | Phase::Waiting) {
            self.phase = Phase::Sending;
        }
        gained
    }

    /// Returns the end of the next chunk, which should have `wanted` bytes. Returns `None` when
    /// waiting for more credit is better: a window that opens in small steps must not lead to small
    /// chunks.
    pub(super) fn chunk_end(&self, wanted: u64, limits: &Limits) -> Option<u64> {
        let sendable = self.window.sendable();
        let sent = self.window.sent();
        if sendable == 0 {
            return None;
        }
        let ends_the_file = sent + sendable == self.window.size();
        if sendable >= wanted {
            return Some(sent + wanted);
        }
        let least = u64::from(limits.min_chunk_bytes);
        let nothing_in_flight = self.window.in_flight() == 0;
        (ends_the_file || (nothing_in_flight && sendable >= least)).then_some(sent + sendable)
    }
}
