//! What goes wrong: breaks of connections, and refused, delayed and lost replies.

use std::time::Duration;

/// The fate of a connection that a client wants to make.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Refused,
    /// No answer ever comes.
    Unanswered,
    Connected(Option<Break>),
}

/// A break of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Break {
    /// After so many bytes, in both directions together.
    pub(crate) after: usize,
    pub(crate) kind: BreakKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakKind {
    Reset,
    /// Nothing arrives any more, and neither end is told.
    Silence,
}

/// What goes wrong with a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The connection closes before the command is carried out.
    Dropped,
    /// The command is carried out, and the connection closes.
    ReplyLost,
    /// The command is carried out, and the server says nothing any more.
    ReplyUnsent,
    /// The command is carried out, and the reply comes after this.
    ReplyLate(Duration),
    /// 421.
    Ended,
    /// 4yz.
    RefusedForNow,
    /// 5yz.
    RefusedForGood,
}

/// The faults of a server that are still to come, at random.
#[derive(Debug)]
pub(crate) struct Faults {
    rng: fastrand::Rng,
    /// Faults that are still to come, at most.
    left: u32,
    /// One in so many commands and connections has one.
    rarity: u32,
}

impl Faults {
    /// At most `count` faults.
    pub(crate) fn new(mut rng: fastrand::Rng, count: u32) -> Self {
        let rarity = rng.u32(3..25);
        Self { rng, left: count, rarity }
    }

    fn strikes(&mut self) -> bool {
        let strikes = self.left > 0 && self.rng.u32(..self.rarity) == 0;
        self.left -= u32::from(strikes);
        strikes
    }

    pub(crate) fn of_connection(&mut self, is_control: bool) -> Fate {
        if !self.strikes() {
            return Fate::Connected(None);
        }
        let most = if is_control { 9_000 } else { 60_000 };
        let kind = if self.rng.bool() { BreakKind::Reset } else { BreakKind::Silence };
        match self.rng.u32(..10) {
            0 => Fate::Refused,
            1 => Fate::Unanswered,
            _ => Fate::Connected(Some(Break { after: self.rng.usize(1..most), kind })),
        }
    }

    /// What goes wrong with a command, which may be refused or not.
    pub(crate) fn of_command(&mut self, may_be_refused: bool) -> Option<Fault> {
        if !self.strikes() {
            return None;
        }
        let kinds = if may_be_refused { 7 } else { 5 };
        Some(match self.rng.u32(..kinds) {
            0 => Fault::Dropped,
            1 => Fault::ReplyLost,
            2 => Fault::ReplyUnsent,
            3 => Fault::ReplyLate(Duration::from_millis(self.rng.u64(1..100_000))),
            4 => Fault::Ended,
            5 => Fault::RefusedForNow,
            _ => Fault::RefusedForGood,
        })
    }
}
