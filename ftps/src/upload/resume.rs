//! From where an upload goes on: what the server holds, as far as it can be trusted.

use super::{Existing, Run, Source, Stop, unless};
use crate::{
    client::{Client, survey::Size},
    error::Error,
    path::RemotePath,
    pool::ManagedClient,
    profile::Resume,
    reply::{Reply, Severity},
    stage::Stage,
    transcript::Status,
};

/// From where an upload goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// The server holds all of it.
    Whole,
    /// From this offset in bytes.
    From(u64),
}

impl<S: Source> Run<'_, S> {
    /// From where the next transfer starts, and in which way.
    pub(super) async fn resume_point(
        &mut self,
        client: &mut Client,
        temporary: &RemotePath,
        held: Size,
    ) -> Result<Point, Stop<S::Error>> {
        // Chosen once: another upload may learn something meanwhile.
        self.way = client.profile().get().resume;
        let (true, false, Size::Bytes(held)) = (self.begun, self.replaces, held) else {
            self.held = 0;
            return Ok(Point::From(0));
        };
        let size = self.plan.size;
        if held > self.sent || held > size {
            return Ok(Point::From(self.start_over(client, held)));
        }
        let whole = held == size;
        if whole && size == 0 {
            return Ok(Point::Whole);
        }
        if held == 0 || (self.way == Resume::Never && !whole) {
            self.held = 0;
            return Ok(Point::From(0));
        }
        let proved = self.prove(client, temporary, held).await?;
        let Some(proved) = proved else {
            return Ok(Point::From(self.start_over(client, held)));
        };
        self.held = held;
        Ok(match self.way {
            _ if whole => Point::Whole,
            // APPE goes on where the file ends, and nowhere else.
            Resume::Append => Point::From(held),
            Resume::Restart | Resume::Never => Point::From(proved),
        })
    }

    fn start_over(&mut self, client: &Client, held: u64) -> u64 {
        client.tell(Status::StartingOver { held });
        self.held = 0;
        self.sent = 0;
        0
    }

    /// The offset up to which the server is known to hold what was sent; `held` where that cannot
    /// be told, `None` where it holds something else.
    async fn prove(
        &self,
        client: &mut Client,
        temporary: &RemotePath,
        held: u64,
    ) -> Result<Option<u64>, Stop<S::Error>> {
        let Some(seen) = &self.seen else { return Ok(Some(held)) };
        let Some(block) = seen.block_before(held) else { return Ok(Some(held)) };
        let proof =
            client.digest_of_range(temporary, block.range.clone(), block.digest.algorithm());
        match unless(self.stop, proof).await?? {
            None => Ok(Some(held)),
            Some(digest) if digest == block.digest => {
                client.tell(Status::TailProved { at: block.range.end });
                Ok(Some(block.range.end))
            }
            Some(_another) => Ok(None),
        }
    }

    /// Notes that the host refused to go on with a file in the way that was tried, and whether
    /// another way is left.
    pub(super) fn learn_resume(&self, line: &mut ManagedClient, error: &Error) -> bool {
        let was_going_on = self.held > 0 && self.position > 0;
        let is_refusal = error.stage() == Stage::Transfer
            && error.refusal().is_some_and(refuses_to_go_on)
            && error.evidence().data_tls.is_none();
        if !(was_going_on && is_refusal) {
            return false;
        }
        let (next, status) = match self.way {
            Resume::Restart => (Resume::Append, Status::RestartRefused),
            Resume::Append => (Resume::Never, Status::AppendRefused),
            Resume::Never => return false,
        };
        // Somebody else may have come to the same, or further.
        if line.profile().get().resume == self.way {
            line.profile().update(|profile| profile.resume = next);
            line.tell_about(error, status);
        }
        true
    }

    /// Notes that the directory lets nothing be renamed: the next attempt writes under the file's own
    /// name.
    pub(super) fn learn_naming(&mut self, line: &mut ManagedClient, error: &Error) -> bool {
        // The beginning of a file may not be moved, or no file may be named in the end.
        let is_refused = match error.refused_verb() {
            Some("RNFR") => !self.is_taken_up(),
            Some("RNTO") => !self.begun && self.plan.existing == Existing::Resume,
            _ => false,
        };
        let is_forbidden = is_refused && error.is_permanent();
        let Some(path) = self.path.clone().filter(|_| is_forbidden) else { return false };
        if self.temporary.as_ref() == Some(&path) {
            return false;
        }
        if !self.is_in_place(line) {
            line.directories().write_in_place(&path);
            line.tell_about(error, Status::RenameForbidden);
        }
        self.abandoned = self.temporary.take();
        self.forget_name();
        true
    }
}

/// Whether a refusal is about going on, for good. 4yz is about now; `ProFTPD` means it otherwise.
fn refuses_to_go_on(reply: &Reply) -> bool {
    let about_it = ["append", "restart", "resume"];
    reply.code().severity() == Severity::PermanentFailure
        || (reply.code().value() == 451 && about_it.iter().any(|word| reply.mentions(word)))
}
