//! How many sessions the server may count: what its refusal of another one is judged by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sessions of a pool, from their first packet on.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Those that are being opened.
    opening: u32,
    /// Those that are logged in.
    open: u32,
    /// The most that were logged in at once, unless the server was found to take fewer since.
    most_open: u32,
    /// All that have ended or were refused so far.
    ended: u64,
}

/// A session, or the attempt to open one; it counts as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted {
    tally: Arc<Tally>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening {
        /// How many had ended when it began.
        ended: u64,
    },
    Open,
}

/// What the refusal of a session says about how many the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing: none of ours was logged in, so it is about somebody else's.
    Unrelated,
    /// It took more of them before: it may still count one that has ended.
    Doubtful,
    /// It takes no more than so many, as far as can be told.
    Full(u32),
}

impl Tally {
    /// An attempt to open a session begins.
    pub(crate) fn attempt(self: &Arc<Self>) -> Counted {
        let mut counts = self.counts();
        counts.opening += 1;
        let state = State::Opening { ended: counts.ended };
        drop(counts);
        Counted { tally: Arc::clone(self), state }
    }

    /// How many sessions are logged in.
    pub(super) fn open(&self) -> u32 {
        self.counts().open
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // No code panics while it holds the lock; if one did, the numbers would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// The session is logged in.
    pub(crate) fn opened(mut self) -> Self {
        if self.state != State::Open {
            let mut counts = self.tally.counts();
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
    /// The server refused some time between the attempt and now. What ended meanwhile it may have
    /// counted, so that it may take fewer than this says, and another refusal tells; it hardly
    /// takes more.
    pub(crate) fn refused(self, was_doubted: bool) -> Refusal {
        let mut counts = self.tally.counts();
        let ended = match self.state {
            State::Opening { ended } => counts.ended - ended,
            State::Open => 0,
        };
        let ended = u32::try_from(ended).unwrap_or(u32::MAX);
        let others = (counts.opening - 1).saturating_add(counts.open).saturating_add(ended);
        let refusal = match counts.open {
            _ if others < counts.most_open && !was_doubted => Refusal::Doubtful,
            0 => Refusal::Unrelated,
            _ => Refusal::Full(others),
        };
        if refusal != Refusal::Doubtful {
            counts.most_open = counts.most_open.min(others);
        }
        drop(counts);
        refusal
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.tally.counts();
        match self.state {
            State::Opening { .. } => counts.opening -= 1,
            State::Open => counts.open -= 1,
        }
        counts.ended += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_counts_what_is_open_what_is_being_opened_and_what_ended_meanwhile() {
        let tally = Arc::<Tally>::default();
        let (_first, second) = (tally.attempt().opened(), tally.attempt().opened());
        let (refused, _opening) = (tally.attempt(), tally.attempt());
        drop(second);
        assert_eq!(refused.refused(false), Refusal::Full(3));
        // What ended before does not count, but that it was there raises a doubt.
        assert_eq!(tally.attempt().refused(false), Refusal::Full(2));
    }

    #[test]
    fn refusal_of_what_was_taken_before_is_doubted_once() {
        let tally = Arc::<Tally>::default();
        let (_first, second) = (tally.attempt().opened(), tally.attempt().opened());
        drop(second);
        assert_eq!(tally.attempt().refused(false), Refusal::Doubtful);
        assert_eq!(tally.attempt().refused(true), Refusal::Full(1));
        assert_eq!(tally.attempt().refused(false), Refusal::Full(1));
    }

    #[test]
    fn refusal_without_a_session_is_about_somebody_elses() {
        let tally = Arc::<Tally>::default();
        assert_eq!(tally.attempt().refused(false), Refusal::Unrelated);
        let _opening = tally.attempt();
        assert_eq!(tally.attempt().refused(false), Refusal::Unrelated);
    }
}
