//! Decides at which offset an upload resumes, by the bytes that the server holds.

use super::{
    Run, Source, UploadError,
    part_file::{Name, OldFile, Written},
    unless_cancelled,
};
use crate::{
    client::{Client, size::Size},
    error::Error,
    path::RemotePath,
    pool::ManagedClient,
    profile::Resume,
    reply::{Reply, Severity},
    stage::Stage,
    transcript::Status,
};

/// The part of the file that remains to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    /// Nothing: the server holds the whole file.
    Nothing,
    /// Everything from here on.
    From(Start),
}

impl Remaining {
    /// Whether the file is sent from its start.
    pub(super) fn is_whole_file(self) -> bool {
        matches!(self, Self::From(Start { offset: 0, .. }))
    }
}

/// How a transfer starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// In bytes from the file's start.
    pub(super) offset: u64,
    /// The commands that resume at that offset.
    pub(super) method: Resume,
}

impl<S: Source> Run<'_, S> {
    /// Decides what remains to be sent, by the size of the part file.
    pub(super) async fn remaining(
        &mut self,
        client: &mut Client,
        held: Size,
    ) -> Result<Remaining, UploadError<S::Error>> {
        // Read once: another upload may learn something meanwhile.
        let method = client.profile().get().resume;
        let from = |offset| Remaining::From(Start { offset, method });
        let size = self.plan.size;
        let held = match (held, self.part.written()) {
            // To start over would cut off bytes that nothing else holds.
            (Size::Unknown, Some(part)) if part.is_adopted() => {
                let name = part.name.path().clone();
                let held = unless_cancelled(self.cancel, client.size(&name)).await??;
                held.map_or(Size::Missing, Size::Bytes)
            }
            (held, _) => held,
        };
        let Some(part) = self.part.written_mut() else { return Ok(from(0)) };
        let held = match held {
            Size::Bytes(held) if !part.shows_old_file() => held,
            Size::Bytes(_) | Size::Missing | Size::Unknown => {
                part.held = 0;
                return Ok(from(0));
            }
        };
        if held > part.sent || held > size {
            part.start_over(client, held);
            return Ok(from(0));
        }
        let is_whole = held == size;
        if is_whole && size == 0 {
            return Ok(Remaining::Nothing);
        }
        if held == 0 || (method == Resume::Never && !is_whole) {
            part.held = 0;
            return Ok(from(0));
        }
        let name = part.name.path().clone();
        let verified = self.verify_held(client, &name, held).await?;
        let Some(part) = self.part.written_mut() else { return Ok(from(0)) };
        let Some(verified) = verified else {
            part.start_over(client, held);
            return Ok(from(0));
        };
        part.held = held;
        Ok(match method {
            _ if is_whole => Remaining::Nothing,
            // APPE can only append at the end of the file.
            Resume::Append => from(held),
            Resume::Restart | Resume::Never => from(verified),
        })
    }

    /// Returns the offset up to which the server's digest equals that of the sent bytes; `held` where the
    /// server makes no digest, `None` where the digests differ.
    async fn verify_held(
        &self,
        client: &mut Client,
        name: &RemotePath,
        held: u64,
    ) -> Result<Option<u64>, UploadError<S::Error>> {
        let Some(running) = &self.digest else { return Ok(Some(held)) };
        let Some(block) = running.block_before(held) else { return Ok(Some(held)) };
        let digest = client.digest_of_range(name, block.range.clone(), block.digest.algorithm());
        match unless_cancelled(self.cancel, digest).await?? {
            None => Ok(Some(held)),
            Some(digest) if digest == block.digest => {
                client.log(Status::TailVerified { at: block.range.end });
                Ok(Some(block.range.end))
            }
            Some(_another) => Ok(None),
        }
    }

    /// Notes that the server refuses the resume method that was tried. Returns whether another one is
    /// left.
    pub(super) fn learn_resume(&self, client: &ManagedClient, error: &Error) -> bool {
        let Some(start) = self.last_start.filter(|start| start.offset > 0) else { return false };
        let is_refused = error.stage() == Stage::Transfer
            && error.refusal().is_some_and(refuses_resume)
            && error.evidence().data_tls.is_none();
        if !is_refused {
            return false;
        }
        let (next, status) = match start.method {
            Resume::Restart => (Resume::Append, Status::RestartRefused),
            Resume::Append => (Resume::Never, Status::AppendRefused),
            Resume::Never => return false,
        };
        // Another upload may have learned the same meanwhile, or more.
        if client.profile().get().resume == start.method {
            client.profile().update(|profile| profile.resume = next);
            client.log_about(error, status);
        }
        true
    }
}

impl Written {
    /// Whether the server may still show the file that had the name before.
    pub(super) fn shows_old_file(&self) -> bool {
        matches!(self.name, Name::InPlace(_, OldFile::Present { .. }))
    }

    /// Notes that the bytes on the server are not used: the file is sent from its start.
    fn start_over(&mut self, client: &Client, held: u64) {
        client.log(Status::StartingOver { held });
        (self.sent, self.held) = (0, 0);
    }
}

/// Whether the server refuses to resume for good. A 4yz refusal is temporary, except that `ProFTPD`
/// answers 451 where its configuration forbids to resume.
fn refuses_resume(reply: &Reply) -> bool {
    let about_it = ["append", "restart", "resume"];
    reply.code().severity() == Severity::PermanentFailure
        || (reply.code().value() == 451 && about_it.iter().any(|word| reply.mentions(word)))
}
