//! Counts the sessions that the server may count, to interpret its refusals.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::lock::lock;

/// The sessions of a pool, from their first packet on.
#[derive(Debug, Default)]
pub(crate) struct SessionCount(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Sessions that are being opened.
    opening: u32,
    /// Sessions that are logged in.
    open: u32,
    /// The most that were logged in at once, unless the server was found to allow fewer since.
    most_open: u32,
    history: History,
}

/// Totals so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct History {
    /// Sessions that were logged in and have ended.
    ended: u32,
    /// Attempts that the server refused.
    refused: u32,
}

/// A session, or the attempt to open one; it is counted while this lives.
#[derive(Debug)]
pub(crate) struct SessionSlot {
    session_count: Arc<SessionCount>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening {
        /// The totals when the attempt began.
        before: History,
    },
    Open,
}

/// The meaning of a refused session for the server's session limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionRefusal {
    /// Nothing: the pool has no other session, so the limit counts those of other clients.
    Unrelated,
    /// Nothing yet: others are being opened, and their outcome is unknown.
    TooEarly,
    /// Doubtful: the server allowed more before, or refused others at the same time. It may still
    /// count one that has ended or was refused.
    Doubtful,
    /// The server allows no more than so many, as far as is known.
    Full(u32),
}

impl SessionCount {
    /// Begins an attempt to open a session.
    pub(crate) fn attempt(self: &Arc<Self>) -> SessionSlot {
        let mut counts = self.counts();
        counts.opening += 1;
        let state = State::Opening { before: counts.history };
        drop(counts);
        SessionSlot { session_count: Arc::clone(self), state }
    }

    /// How many sessions are logged in.
    pub(super) fn open(&self) -> u32 {
        self.counts().open
    }

    /// Whether a session is logged in, or was and others are being opened: then user name and
    /// password are right.
    pub(super) fn accepts_logins(&self) -> bool {
        let counts = self.counts();
        counts.open > 0 || (counts.opening > 1 && counts.most_open > 0)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // No code panics while it holds the lock; if one did, the numbers would still be
        // consistent.
        lock(&self.0)
    }
}

impl SessionSlot {
    /// Notes that the session is logged in.
    pub(crate) fn opened(mut self) -> Self {
        if self.state != State::Open {
            let mut counts = self.session_count.counts();
            counts.opening -= 1;
            counts.open += 1;
            counts.most_open = counts.most_open.max(counts.open);
            drop(counts);
            self.state = State::Open;
        }
        self
    }

    /// Interprets a refusal of this attempt. A doubtful one is believed when `was_doubted` is set.
    ///
    /// The refusal happened at some time between the attempt and now. The server may have counted
    /// sessions that ended or were refused meanwhile, so its limit may be lower than this says;
    /// another refusal will tell. A limit that is too low would slow all uploads down for a long
    /// time.
    ///
    /// | other sessions of this client | the refusal |
    /// |---|---|
    /// | none is logged in, none is being opened | is not about a limit |
    /// | none is logged in, some are being opened | tells nothing yet |
    /// | fewer than were logged in before | is doubtful: the server may not have noticed their ends |
    /// | others were refused at the same time, and some are logged in | is doubtful: the server may have counted the refused ones |
    /// | else | shows the limit: the others, and those refused meanwhile |
    pub(crate) fn refused(self, was_doubted: bool) -> SessionRefusal {
        let mut counts = self.session_count.counts();
        let before = match self.state {
            State::Opening { before } => before,
            State::Open => counts.history,
        };
        let ended = counts.history.ended.wrapping_sub(before.ended);
        let refused_since = counts.history.refused.wrapping_sub(before.refused);
        counts.history.refused = counts.history.refused.wrapping_add(1);
        let opening = counts.opening.saturating_sub(1);
        let others = opening.saturating_add(counts.open).saturating_add(ended);
        // A limit of one session ends all parallelism: only a refusal without others at the same
        // time proves it. Above that, the refused ones do not count.
        let counted_refusals = if others == 1 { refused_since } else { 0 };
        let is_doubtful = others < counts.most_open || (counted_refusals > 0 && counts.open > 0);
        if is_doubtful && !was_doubted {
            return SessionRefusal::Doubtful;
        }
        let session_limit = others.saturating_add(counted_refusals);
        counts.most_open = counts.most_open.min(session_limit);
        match (counts.open, opening) {
            (0, 0) => SessionRefusal::Unrelated,
            (0, _) => SessionRefusal::TooEarly,
            _ => SessionRefusal::Full(session_limit),
        }
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        let mut counts = self.session_count.counts();
        match self.state {
            State::Opening { .. } => counts.opening -= 1,
            State::Open => {
                counts.open -= 1;
                counts.history.ended = counts.history.ended.wrapping_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_counts_what_is_open_what_is_being_opened_and_what_ended_meanwhile() {
        let session_count = Arc::<SessionCount>::default();
        let (_first, second) = (session_count.attempt().opened(), session_count.attempt().opened());
        let (refused, _opening) = (session_count.attempt(), session_count.attempt());
        drop(second);
        assert_eq!(refused.refused(false), SessionRefusal::Full(3));
        // A session that ended before the attempt does not count.
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::Full(2));
    }

    #[test]
    fn those_that_are_refused_together_count_down_to_what_is_open() {
        let session_count = Arc::<SessionCount>::default();
        let _open = [session_count.attempt().opened(), session_count.attempt().opened()];
        let (one, other) = (session_count.attempt(), session_count.attempt());
        assert_eq!(one.refused(false), SessionRefusal::Full(3));
        assert_eq!(other.refused(false), SessionRefusal::Full(2));
    }

    /// Some servers count refused sessions until they are closed.
    #[test]
    fn that_one_session_is_all_is_believed_of_a_refusal_that_stands_alone() {
        let session_count = Arc::<SessionCount>::default();
        let _open = session_count.attempt().opened();
        let (one, other) = (session_count.attempt(), session_count.attempt());
        assert_eq!(one.refused(false), SessionRefusal::Full(2));
        assert_eq!(other.refused(false), SessionRefusal::Doubtful);
        // There is still another one at the same time.
        let (one, other) = (session_count.attempt(), session_count.attempt());
        assert_eq!(one.refused(true), SessionRefusal::Full(2));
        assert_eq!(other.refused(true), SessionRefusal::Full(2));
        assert_eq!(session_count.attempt().refused(true), SessionRefusal::Full(1));
    }

    #[test]
    fn refusal_of_what_was_taken_before_is_doubted_once() {
        let session_count = Arc::<SessionCount>::default();
        let (_first, second) = (session_count.attempt().opened(), session_count.attempt().opened());
        drop(second);
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::Doubtful);
        assert_eq!(session_count.attempt().refused(true), SessionRefusal::Full(1));
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::Full(1));
    }

    #[test]
    fn refusal_without_a_session_is_about_other_clients() {
        let session_count = Arc::<SessionCount>::default();
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::Unrelated);
        let _opening = session_count.attempt();
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::TooEarly);
    }
}
