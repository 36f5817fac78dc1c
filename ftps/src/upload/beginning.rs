//! [`Existing::Resume`]: the file that has the name is the beginning of the one that is uploaded.
//!
//! It gets a temporary name and is gone on with there, so that the name never stands for what is
//! half done any longer than it did. Where it cannot be gone on with, it stays until the whole file
//! takes its place.

use tokio::time::Instant;

use super::{Existing, Run, Source, Stop};
use crate::{
    client::{Client, Found, survey::Size},
    error::Error,
    path::RemotePath,
    pool::ManagedClient,
    profile::Resume,
    transcript::Status,
};

/// What became of the file that has the name and is the beginning of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// There is none, as far as is known.
    None,
    /// It is taken up, and still as it was.
    TakenUp,
    /// It is taken up, and something was sent to go on with it.
    GoneOnWith,
    /// It stays until the whole file takes its place.
    Superseded,
}

impl Beginning {
    /// The same after something was sent.
    pub(super) fn gone_on_with(self) -> Self {
        match self {
            Self::TakenUp | Self::GoneOnWith => Self::GoneOnWith,
            Self::None | Self::Superseded => self,
        }
    }
}

impl<S: Source> Run<'_, S> {
    /// The bytes of the beginning that was found under the name, if there is one.
    pub(super) fn beginning_in(&self, target: Size, held: Size) -> Option<u64> {
        let may_be = self.plan.existing == Existing::Resume && held == Size::Missing;
        match target {
            Size::Bytes(bytes) if may_be && bytes < self.plan.size => Some(bytes),
            Size::Bytes(_) | Size::Missing | Size::Unknown => None,
        }
    }

    /// Whether what lies under the temporary name is not ours alone.
    pub(super) fn is_taken_up(&self) -> bool {
        matches!(self.beginning, Beginning::TakenUp | Beginning::GoneOnWith)
    }

    /// Whether what has the name gives way to the new file in the end.
    pub(super) fn may_replace(&self) -> bool {
        match self.plan.existing {
            Existing::Keep => false,
            Existing::Replace => true,
            Existing::Resume => self.beginning == Beginning::Superseded,
        }
    }

    /// Moves the beginning to the temporary name; what is there and what is free then.
    pub(super) async fn take_up(
        &mut self,
        client: &mut Client,
        path: &RemotePath,
        temporary: &RemotePath,
        (found, bytes): (Found, u64),
    ) -> Result<(Found, Size), Stop<S::Error>> {
        if client.profile().get().resume == Resume::Never {
            self.beginning = Beginning::Superseded;
            return Ok((found, Size::Missing));
        }
        client.tell(Status::TakingUp { path: path.to_string(), held: bytes });
        // Before the rename: its reply may be lost.
        self.beginning = Beginning::TakenUp;
        self.begun = true;
        self.sent = self.plan.size;
        if temporary == path {
            self.replaces = false;
        } else if let Err(error) = client.rename(path, temporary).await {
            if error.refusal().is_some() {
                self.beginning = Beginning::None;
                self.forget_name();
            }
            return Err(error.into());
        }
        Ok((Found { target: Size::Missing, at: Instant::now() }, Size::Bytes(bytes)))
    }

    /// Where it turned out that nothing can be gone on with, the beginning gets its name back.
    pub(super) async fn put_down(
        &mut self,
        client: &mut Client,
        path: &RemotePath,
    ) -> Result<(), Error> {
        let is_in_vain = client.profile().get().resume == Resume::Never;
        if self.beginning != Beginning::TakenUp || !is_in_vain {
            return Ok(());
        }
        let Some(temporary) = self.temporary.clone().filter(|temporary| temporary != path) else {
            return Ok(());
        };
        client.rename(&temporary, path).await?;
        self.beginning = Beginning::None;
        self.forget_name();
        Ok(())
    }

    /// What is left of an upload that took a beginning up and is not gone on with: the beginning
    /// has its name again where nothing was sent; else a part of the file is left that nobody else
    /// has. One whose bytes are wrong is no use to another upload, but may be to a person.
    pub(super) async fn leave_beginning(
        &self,
        line: &mut ManagedClient,
        leftover: RemotePath,
        is_wrong: bool,
    ) -> Option<RemotePath> {
        let Some(path) = self.path.as_ref().filter(|path| **path != leftover) else {
            return (self.beginning == Beginning::GoneOnWith && !is_wrong).then_some(leftover);
        };
        if self.beginning == Beginning::TakenUp && is_given_back(line, &leftover, path).await {
            return None;
        }
        if is_wrong {
            line.tell(Status::BeginningKept { path: leftover.to_string() });
            return None;
        }
        Some(leftover)
    }
}

async fn is_given_back(line: &mut ManagedClient, from: &RemotePath, to: &RemotePath) -> bool {
    let within = line.config().timeouts.abort;
    let renamed = async { line.client().await?.rename(from, to).await };
    matches!(tokio::time::timeout(within, renamed).await, Ok(Ok(())))
}
