//! A file that the server refuses after its last byte: it may have received all of it, and a scanner or a
//! filter refuses it; or the transfer was cut. The size of the part file tells them apart.

use super::{Run, Source};
use crate::{client::size::Size, error::Error};

/// How often a complete file is sent again after the server refused it. A scanner or a filter would
/// refuse it every time.
const MAX_REPETITIONS: u32 = 1;

/// The refusals of one upload after its last byte.
#[derive(Debug, Default)]
pub(super) struct Rejection {
    /// The last one, until the size of the part file is known.
    error: Option<Error>,
    /// How often the complete file was refused.
    complete: u32,
}

/// What the server refused.
pub(super) enum Rejected {
    /// Nothing, or a transfer that was cut.
    No,
    /// The complete file. Its content is discarded.
    Once,
    /// The same, too often.
    Again(Error),
}

impl Rejection {
    /// Whether the file may be sent again after another refusal.
    pub(super) fn may_be_repeated(&self) -> bool {
        self.complete <= MAX_REPETITIONS
    }

    /// Notes a refusal.
    pub(super) fn begin(&mut self, error: Error) {
        self.error = Some(error);
    }
}

impl<S: Source> Run<'_, S> {
    /// Decides by the size of the part file what the server refused. A file that may be adopted is not
    /// sent again from its start.
    pub(super) fn rejected(&mut self, held: Size) -> Rejected {
        let Some(error) = self.rejection.error.take() else { return Rejected::No };
        if matches!(held, Size::Bytes(held) if held < self.plan.size) {
            return Rejected::No;
        }
        self.rejection.complete += 1;
        if self.part.may_be_adopted() {
            self.rejection.complete = MAX_REPETITIONS + 1;
        }
        if !self.rejection.may_be_repeated() {
            return Rejected::Again(error);
        }
        self.part.discard_content();
        Rejected::Once
    }
}
