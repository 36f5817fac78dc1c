//! Other names for files and directories: `RNFR`, `RNTO`.

use super::Client;
use crate::{command::Command, error::Error, path::RemotePath, reply::Severity, stage::Stage};

/// What became of a rename that replaces nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It has the new name.
    Done,
    /// Something else has that name; nothing was renamed.
    Taken,
    /// The server keeps no space at the end of a name: another file would have been meant.
    NotKept,
}

impl Client {
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
        self.control.complete(Command::Rnto(&to), Stage::Rename).await?;
        self.directories.forget(&from);
        Ok(())
    }

    /// Renames a file or directory, unless something has the new name: most servers would replace
    /// it without a word. Between the look and the rename somebody else may still take the name;
    /// FTP has no command that does both.
    ///
    /// # Errors
    /// As [`Self::rename`], and where the server does not tell whether the name is free.
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
        if self.is_taken(&from, &to).await? {
            return Ok(Renamed::Taken);
        }
        self.rename(&from, &to).await?;
        // What was known of directories below it, and where sessions are, is not so any more.
        self.directories.moved();
        Ok(Renamed::Done)
    }

    /// Whether the server takes the path as it is.
    ///
    /// Pure-FTPd makes an underscore of a space at the end of a command, without a word: whatever
    /// is done would be done to another file.
    #[must_use]
    pub fn keeps_name(&self, path: &RemotePath) -> bool {
        path.as_bytes().last() != Some(&b' ') || !self.facts.banner.mentions("pure-ftpd")
    }

    /// Whether something other than `from` has the name `to`: a file, a directory, or a link.
    /// One that leads nowhere is found where listings have it: `ProFTPD`'s do not.
    async fn is_taken(&mut self, from: &RemotePath, to: &RemotePath) -> Result<bool, Error> {
        // A server that takes both for one name would find `from` itself.
        if from.as_bytes().eq_ignore_ascii_case(to.as_bytes()) {
            return Ok(from == to || self.find(to).await?.is_some());
        }
        if self.facts.features.has("MLST") && self.entry(to).await?.is_some() {
            return Ok(true);
        }
        // Listings leave out names with a dot in front, and more where they are long.
        if self.is_there(to).await? {
            return Ok(true);
        }
        Ok(self.find(to).await?.is_some())
    }

    /// Whether a path is that of a file with a size, or of a directory.
    async fn is_there(&mut self, path: &RemotePath) -> Result<bool, Error> {
        if matches!(self.size_of(path).await?, super::size::Size::Bytes(_)) {
            return Ok(true);
        }
        let reply = self.change_directory(path, Stage::Rename).await?;
        Ok(reply.severity() == Severity::Completion)
    }
}
