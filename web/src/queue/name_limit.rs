//! The longest name that the server accepts, as it was learned from a refusal.

use protocol::Problem;

use super::{Queue, Row, State, Upload};
use crate::{
    log,
    path::{MAX_NAME_BYTES, SHORTENING_BYTES, has_long_name},
};

/// The fewest bytes of a name that is refused for its length. A server that refuses a shorter one means
/// something else.
const MIN_LONG_NAME_BYTES: usize = 2 * SHORTENING_BYTES;

impl Queue {
    /// Returns the length of the longest name that the server is known to accept, in bytes.
    pub(super) fn name_limit(&self) -> usize {
        self.name_limit.unwrap_or(MAX_NAME_BYTES)
    }

    /// Forgets what an earlier server accepts.
    pub fn forget_name_limit(&mut self) {
        self.name_limit = None;
    }

    /// The server refused the name of a file for its length. The user is asked about that name, and about
    /// those of the queue that are as long: nothing of their files is sent.
    pub(super) fn learn_name_limit(&mut self, row: Row) {
        let Some(upload) = self.get(row) else { return };
        let longest = upload.name_on_server().split('/').map(str::len).max().unwrap_or_default();
        if longest < MIN_LONG_NAME_BYTES {
            return;
        }
        let limit = self.name_limit().min(longest - 1);
        self.name_limit = Some(limit);
        self.ask_about_name(row);
        for row in self.rows_where(|state| matches!(state, State::Queued | State::Paused)) {
            let name = self.get(row).map(Upload::name_on_server).unwrap_or_default();
            if has_long_name(&name, limit) {
                self.queued.remove(row);
                self.ask_about_name(row);
            }
        }
    }

    fn ask_about_name(&mut self, row: Row) {
        let limit = self.name_limit();
        self.change(row, |upload| {
            upload.name_limit = limit;
            upload.state = State::NameTooLong;
        });
    }
}

/// Returns whether a server refused a name for its length. Servers say so in the words of their system
/// (`strerror(ENAMETOOLONG)`), behind a code that also means other things.
pub(super) fn says_too_long(problem: &Problem) -> bool {
    let reply = problem.reply.as_deref().unwrap_or_default();
    ["name too long", "name is too long"].iter().any(|words| !log::find(reply, words).is_empty())
}
