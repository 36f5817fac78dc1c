//! How many sessions the server may count: what its refusal of another one is judged by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sessions of a pool, from their first packet on.
#[derive(Debug, Default)]
pub(crate) struct SessionCount(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Those that are being opened.
    opening: u32,
    /// Those that are logged in.
    open: u32,
    /// The most that were logged in at once, unless the server was found to take fewer since.
    most_open: u32,
    history: History,
}

/// How many there were so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct History {
    /// Sessions that were logged in and have ended.
    ended: u32,
    /// Attempts that the server refused.
    refused: u32,
}

/// A session, or the attempt to open one; it counts as long as this lives.
#[derive(Debug)]
pub(crate) struct SessionSlot {
    session_count: Arc<SessionCount>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening {
        /// What there had been when it began.
        before: History,
    },
    Open,
}

/// What the refusal of a session says about how many the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionRefusal {
    /// Nothing: there is none of ours, so it is about somebody else's.
    Unrelated,
    /// Nothing yet: others of ours are on their way, and whether they get in is not known.
    TooEarly,
    /// It took more of them before, or refused others at the same time: it may still count one
    /// that has ended or was refused.
    Doubtful,
    /// It takes no more than so many, as far as can be told.
    Full(u32),
}

impl SessionCount {
    /// An attempt to open a session begins.
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

    /// Whether a session is logged in, or was and others are on their way: then the name and the
    /// password are right.
    pub(super) fn accepts_logins(&self) -> bool {
        let counts = self.counts();
        counts.open > 0 || (counts.opening > 1 && counts.most_open > 0)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // No code panics while it holds the lock; if one did, the numbers would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionSlot {
    /// The session is logged in.
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

    /// The server takes no more: what that says. Who has doubted it before believes it.
    ///
    /// The server refused some time between the attempt and now. It may have counted what ended
    /// or was refused meanwhile, so that it may take fewer than this says, and another refusal
    /// tells. To believe in too few would slow all uploads down for long.
    pub(crate) fn refused(self, was_doubted: bool) -> SessionRefusal {
        let mut counts = self.session_count.counts();
        let before = match self.state {
            State::Opening { before } => before,
            State::Open => counts.history,
        };
        let ended = counts.history.ended.wrapping_sub(before.ended);
        let refused_meanwhile = counts.history.refused.wrapping_sub(before.refused);
        counts.history.refused = counts.history.refused.wrapping_add(1);
        let opening = counts.opening.saturating_sub(1);
        let others = opening.saturating_add(counts.open).saturating_add(ended);
        // With one session left nothing goes side by side: that takes a refusal that stands alone.
        let refused_meanwhile = if others == 1 { refused_meanwhile } else { 0 };
        let is_doubtful = others < counts.most_open || (refused_meanwhile > 0 && counts.open > 0);
        if is_doubtful && !was_doubted {
            return SessionRefusal::Doubtful;
        }
        let room = others.saturating_add(refused_meanwhile);
        counts.most_open = counts.most_open.min(room);
        match (counts.open, opening) {
            (0, 0) => SessionRefusal::Unrelated,
            (0, _) => SessionRefusal::TooEarly,
            _ => SessionRefusal::Full(room),
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
        // What ended before does not count any more.
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

    /// Some servers count those that they refuse for as long as they refuse them.
    #[test]
    fn that_one_session_is_all_is_believed_of_a_refusal_that_stands_alone() {
        let session_count = Arc::<SessionCount>::default();
        let _open = session_count.attempt().opened();
        let (one, other) = (session_count.attempt(), session_count.attempt());
        assert_eq!(one.refused(false), SessionRefusal::Full(2));
        assert_eq!(other.refused(false), SessionRefusal::Doubtful);
        // Still not alone.
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
    fn refusal_without_a_session_is_about_somebody_elses() {
        let session_count = Arc::<SessionCount>::default();
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::Unrelated);
        let _opening = session_count.attempt();
        assert_eq!(session_count.attempt().refused(false), SessionRefusal::TooEarly);
    }
}
