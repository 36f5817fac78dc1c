//! Sets the dates of files: `MFMT`, else `MDTM` with a date, else `SITE UTIME`.

use super::Client;
use crate::{
    command::Command, error::Error, path::RemotePath, profile::Dating, stage::Stage,
    time::Timestamp,
};

/// The command that sets the date of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Date {
    Mfmt(Timestamp),
    Mdtm(Timestamp),
    SiteUtime(Timestamp),
}

impl Date {
    /// Returns the command for one file.
    pub(crate) fn command(self, path: &RemotePath) -> Command<'_> {
        match self {
            Self::Mfmt(time) => Command::Mfmt(time, path),
            Self::Mdtm(time) => Command::MdtmSet(time, path),
            Self::SiteUtime(time) => Command::SiteUtime(time, path),
        }
    }
}

impl Client {
    /// Sets the date of a file, in milliseconds since 1970-01-01T00:00:00Z. Returns whether the server
    /// lists a command for that; nothing is sent to one that does not.
    ///
    /// # Errors
    /// [`Error`] with the server's reply where it refuses.
    ///
    /// # Cancel safety
    /// Not cancel safe: the client is not usable when the future was dropped, and the date may have
    /// been set.
    pub async fn set_modified(&mut self, path: &RemotePath, millis: i64) -> Result<bool, Error> {
        let path = self.absolute(path);
        let Some(date) = self.date(millis) else { return Ok(false) };
        self.control.complete(date.command(&path), Stage::Attributes).await?;
        Ok(true)
    }

    /// Returns the command that sets a date, if the server has one.
    pub(crate) fn date(&self, millis: i64) -> Option<Date> {
        let time = Timestamp::from_unix_millis(millis)?;
        if self.profile.get().dating == Dating::Never {
            return None;
        }
        let features = &self.facts.features;
        // A plain `MDTM` only reports the time; these servers accept an argument that sets it.
        let mdtm_sets = features.get("MDTM").is_some_and(|usage| usage.contains("YYYY"))
            || (features.has("MDTM") && self.facts.banner.mentions("vsftpd"));
        match () {
            () if features.has("MFMT") => Some(Date::Mfmt(time)),
            () if mdtm_sets => Some(Date::Mdtm(time)),
            () if features.site("UTIME") => Some(Date::SiteUtime(time)),
            () => None,
        }
    }
}
