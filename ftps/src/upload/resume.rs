//! From where an upload goes on: what the server holds, as far as it can be trusted.

use super::{Run, Source, Stop, unless};
use crate::{
    client::{Client, survey::Size},
    digest::Seen,
    error::{Error, Stage},
    line::Line,
    path::RemotePath,
    profile::Resume,
    transcript::Status,
};

impl<S: Source> Run<'_, S> {
    /// The offset that the next transfer starts at; the file's size when nothing is missing.
    pub(super) async fn resume_point(
        &mut self,
        client: &mut Client,
        temporary: &RemotePath,
        held: Size,
    ) -> Result<u64, Stop<S::Error>> {
        let (true, Size::Bytes(held)) = (self.begun, held) else {
            self.held = 0;
            return Ok(0);
        };
        let size = self.plan.size;
        if held > self.sent || held > size {
            return Ok(self.start_over(client, held));
        }
        let whole = held == size;
        let resume = client.profile().get().resume;
        if held == 0 || (resume == Resume::Never && !whole) {
            self.held = 0;
            // A file without a byte is whole when it is there.
            return Ok(if whole { size } else { 0 });
        }
        let proved = self.prove(client, temporary, held).await?;
        let Some(proved) = proved else { return Ok(self.start_over(client, held)) };
        self.held = held;
        // APPE goes on where the file ends, and nowhere else.
        Ok(if whole || resume == Resume::Append { held } else { proved })
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
        let proof = client.digest_of_range(temporary, block.range.clone(), seen.algorithm());
        match unless(self.stop, proof).await?? {
            None => Ok(Some(held)),
            Some(digest) if digest == block.digest => {
                client.tell(Status::TailProved { at: block.range.end });
                Ok(Some(block.range.end))
            }
            Some(_another) => Ok(None),
        }
    }

    /// Begins to take the digest of what is sent, where the server can make it too.
    pub(super) fn see(&mut self, client: &Client, offset: u64) {
        let way = client.digest_way();
        let fits = |seen: &Seen| {
            way.is_some_and(|way| way.algorithm == seen.algorithm())
                && (seen.range().start..=seen.range().end).contains(&offset)
        };
        if self.seen.as_ref().is_some_and(fits) {
            return;
        }
        self.seen = way.map(|way| Seen::from(offset, way.algorithm, way.ranges));
    }

    /// Notes that the host refused to go on with a file, and whether another way is left.
    pub(super) fn learn_resume(&self, line: &mut Line, error: &Error) -> bool {
        let was_going_on = self.held > 0 && self.position > 0;
        let is_refusal = error.stage() == Stage::Transfer
            && error.refusal().is_some()
            && error.evidence().data_tls.is_none();
        if !(was_going_on && is_refusal) {
            return false;
        }
        let (next, status) = match line.profile().get().resume {
            Resume::Restart => (Resume::Append, Status::RestartRefused),
            Resume::Append => (Resume::Never, Status::AppendRefused),
            Resume::Never => return false,
        };
        line.profile().update(|profile| profile.resume = next);
        line.transcript().control(status);
        true
    }

    /// Notes that the directory lets nothing be renamed: the next attempt writes under the file's own
    /// name.
    pub(super) fn learn_naming(&mut self, line: &mut Line, error: &Error) -> bool {
        let is_forbidden = error.refused_verb() == Some("RNFR") && error.is_permanent();
        let Some(path) = self.path.as_ref().filter(|_| is_forbidden) else { return false };
        if self.is_in_place(line) {
            return false;
        }
        line.directories().write_in_place(path);
        line.transcript().control(Status::RenameForbidden);
        self.abandoned = self.temporary.take();
        self.begun = false;
        self.sent = 0;
        true
    }
}
