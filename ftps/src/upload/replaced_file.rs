//! What stays of a file that is replaced: its mode, or that its name is a link.

use super::{
    Run, Source, UploadError,
    part_file::{Name, OldFile, PartFile},
    unless_cancelled,
};
use crate::{
    client::{Client, Found, TargetState},
    error::Error,
    listing::{Entry, EntryKind},
    path::RemotePath,
    transcript::Status,
};

/// A file that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplacedFile {
    /// Nothing is replaced, or the server was not asked.
    Unseen,
    /// A file, with its mode bits if the server reports them.
    File { mode: Option<u32> },
    /// A link: the bytes go through it.
    Link,
}

impl<S: Source> Run<'_, S> {
    /// Looks at the file that is replaced. Returns the name that the bytes go to: that of a link itself,
    /// because a rename would replace the link and leave the file that it leads to as it is.
    pub(super) async fn look_at_replaced(
        &mut self,
        client: &mut Client,
        name: Name,
        target: &RemotePath,
        found: Found,
    ) -> Result<Name, UploadError<S::Error>> {
        let is_seen = self.replaced != ReplacedFile::Unseen;
        if is_seen
            || !self.may_replace()
            || name.is_in_place()
            || found.target == TargetState::Absent
        {
            return Ok(name);
        }
        let entry = match unless_cancelled(self.cancel, entry_of(client, target)).await?? {
            Told::Entry(entry) => entry,
            Told::NoModes => return Ok(name),
            Told::Nothing => {
                client.log(Status::ModeUntold { path: target.to_string() });
                return Ok(name);
            }
        };
        if entry.kind != EntryKind::Other || self.part.written().is_some() {
            self.replaced = ReplacedFile::File { mode: entry.mode };
            return Ok(name);
        }
        self.replaced = ReplacedFile::Link;
        client.log(Status::WritingThroughLink { path: target.to_string() });
        let name =
            Name::InPlace(target.clone(), OldFile::Present { size: found.target.file_size() });
        self.part = PartFile::Unwritten(name.clone());
        Ok(name)
    }

    /// Gives the part file the mode of the file that it replaces. A refusal is logged before the
    /// rename.
    pub(super) async fn keep_mode(
        &self,
        client: &mut Client,
        part: &RemotePath,
    ) -> Result<(), UploadError<S::Error>> {
        let ReplacedFile::File { mode: Some(mode) } = self.replaced else { return Ok(()) };
        match unless_cancelled(self.cancel, client.chmod(part, mode)).await? {
            Err(error) if error.reply().is_some() && client.is_usable() => {
                client.log(Status::ModeNotKept { mode });
                Ok(())
            }
            changed => Ok(changed?),
        }
    }
}

/// What the server tells about a file.
enum Told {
    Entry(Entry),
    /// Its facts do not contain modes.
    NoModes,
    Nothing,
}

/// The entry of a file, by `MLST` if that reports modes, else by the directory's listing.
async fn entry_of(client: &mut Client, path: &RemotePath) -> Result<Told, Error> {
    let entry = match client.tells_facts() {
        true if client.has_fact("unix.mode") => client.known_entry(path).await,
        true => return Ok(Told::NoModes),
        false => Ok(None),
    };
    let entry = match entry {
        Ok(None) if !client.tells_facts() => client.find(path).await,
        entry => entry,
    };
    match entry {
        Err(error) if error.reply().is_some() && client.is_usable() => Ok(Told::Nothing),
        entry => Ok(entry?.map_or(Told::Nothing, Told::Entry)),
    }
}
