//! Renames files and directories: `RNFR`, `RNTO`.

use super::{Client, TargetState};
use crate::{
    command::Command,
    error::Error,
    path::RemotePath,
    reply::{Reply, Severity},
    stage::Stage,
};

/// The outcome of a rename that must not replace anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// The file has the new name.
    Done,
    /// Another file or directory has that name; nothing was renamed.
    Taken,
    /// Something may have that name: the server does not tell. Nothing was renamed.
    MayBeTaken,
    /// The server changes names that end with a space; nothing was renamed.
    NotKept,
}

/// The state of the server's rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingRnfr {
    None,
    /// It accepted an `RNFR` that no `RNTO` followed. Some servers keep that name when a later `RNFR` is
    /// refused: an `RNTO` would rename that file.
    Accepted,
}

impl Client {
    /// Whether an `RNTO` may rename another file than that of the `RNFR` before it, if that is refused:
    /// then it must not be sent before the reply.
    pub(crate) fn may_hold_another_rnfr(&self) -> bool {
        self.pending_rnfr != PendingRnfr::None
    }

    /// Sends `RNFR` without `RNTO`.
    pub(super) async fn lone_rnfr(&mut self, path: &RemotePath) -> Result<Reply, Error> {
        let reply = self.control.exchange(Command::Rnfr(path), Stage::Verify).await?;
        if !reply.code().is_refusal() {
            self.pending_rnfr = PendingRnfr::Accepted;
        }
        Ok(reply)
    }

    /// Makes sure that an `RNTO` renames `path`, and no other file.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses `RNFR`.
    pub(crate) async fn replace_pending_rnfr(&mut self, path: &RemotePath) -> Result<(), Error> {
        if self.may_hold_another_rnfr() {
            let rnfr = Command::Rnfr(path);
            let reply = self.control.exchange(rnfr, Stage::Rename).await?;
            self.control.expect(reply, Severity::Intermediate, rnfr, Stage::Rename)?;
            self.pending_rnfr = PendingRnfr::None;
        }
        Ok(())
    }

    /// Renames a file or directory (`RNFR`, `RNTO`, RFC 959 §4.1.3). Most servers replace a file
    /// that has the new name.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses either command.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the file may
    /// have either name.
    pub async fn rename(&mut self, from: &RemotePath, to: &RemotePath) -> Result<(), Error> {
        let (from, to) = (self.absolute(from), self.absolute(to));
        let rnfr = Command::Rnfr(&from);
        let reply = self.control.exchange(rnfr, Stage::Rename).await?;
        if reply.code().severity() != Severity::Completion {
            self.control.expect(reply, Severity::Intermediate, rnfr, Stage::Rename)?;
        }
        self.pending_rnfr = PendingRnfr::None;
        self.control.complete(Command::Rnto(&to), Stage::Rename).await?;
        self.directories.forget(&from);
        Ok(())
    }

    /// Renames a file or directory, unless the new name is taken: most servers would replace the
    /// other file silently. Another client may still take the name between the check and the
    /// rename; FTP has no command for both.
    ///
    /// # Errors
    /// As [`Self::rename`].
    ///
    /// # Cancel safety
    /// As [`Self::rename`].
    pub async fn rename_to_free(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
    ) -> Result<Renamed, Error> {
        let (from, to) = (self.absolute(from), self.absolute(to));
        if !(self.keeps_name(&from) && self.keeps_name(&to)) {
            return Ok(Renamed::NotKept);
        }
        match self.state_of_new_name(&from, &to).await? {
            TargetState::Absent => (),
            TargetState::Present { .. } => return Ok(Renamed::Taken),
            TargetState::Unknown { .. } => return Ok(Renamed::MayBeTaken),
        }
        self.rename(&from, &to).await?;
        // Known directories below it, and the sessions' current directories, have other paths now.
        self.directories.moved();
        Ok(Renamed::Done)
    }

    /// Returns whether the server uses the path unchanged.
    ///
    /// Pure-FTPd silently replaces a space at the end of a command by an underscore: the command
    /// would act on another file.
    #[must_use]
    pub fn keeps_name(&self, path: &RemotePath) -> bool {
        path.as_bytes().last() != Some(&b' ') || !self.facts.banner.mentions("pure-ftpd")
    }

    /// The state of the name `to`, ignoring `from` itself. A dangling link is found where listings
    /// show it; `ProFTPD`'s do not.
    async fn state_of_new_name(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
    ) -> Result<TargetState, Error> {
        // A server that ignores case would find `from` itself.
        if from.as_bytes().eq_ignore_ascii_case(to.as_bytes()) {
            return self.state_in_listing(to, Some(from)).await;
        }
        match self.target_state(to).await? {
            // Links without a target have neither a size nor a directory.
            TargetState::Absent => match self.state_in_listing(to, Some(from)).await? {
                // Listings may leave out names, but the server says that the name is free.
                TargetState::Unknown { .. } => Ok(TargetState::Absent),
                listed => Ok(listed),
            },
            state => Ok(state),
        }
    }
}
