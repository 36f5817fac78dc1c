//! Resumes from an existing file ([`Existing::Resume`]): the file that has the final name is the
//! beginning of the new one, and becomes its part file.
//!
//! It is renamed to a temporary name first: if the upload fails, the final name does not stand for a
//! file that is partly old and partly new. If the server cannot resume, the old file keeps its name
//! until the complete new one replaces it.

use tokio::time::{Instant, timeout};

use super::{
    Existing, Run, Source, UploadError,
    part_file::{Name, OldFile, Origin, PartFile, Written},
};
use crate::{
    client::{Client, Found, size::Size},
    error::Error,
    path::RemotePath,
    pool::ManagedClient,
    profile::Resume,
    transcript::Status,
};

/// The state of an adopted file.
///
/// If the server cannot resume, no file is adopted: the upload continues as [`Existing::Replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdoptedFile {
    /// It has a temporary name and its old content.
    Untouched,
    /// Bytes of the new file were appended to it.
    Extended,
}

impl<S: Source> Run<'_, S> {
    /// Returns the size of the existing file in bytes, if it can be adopted.
    pub(super) fn adoptable(&self, target: Size, held: Size) -> Option<u64> {
        let may_adopt = self.existing == Existing::Resume && held == Size::Missing;
        match target {
            Size::Bytes(bytes) if may_adopt && bytes < self.plan.size => Some(bytes),
            Size::Bytes(_) | Size::Missing | Size::Unknown => None,
        }
    }

    /// Whether an existing file is replaced.
    pub(super) fn may_replace(&self) -> bool {
        self.existing == Existing::Replace
    }

    /// Adopts the existing file as the part file. Returns the lookup of the final name, which is free
    /// then, and the size of the part file.
    pub(super) async fn adopt(
        &mut self,
        client: &mut Client,
        name: Name,
        target: &RemotePath,
        (found, bytes): (Found, u64),
    ) -> Result<(Found, Size), UploadError<S::Error>> {
        if client.profile().get().resume == Resume::Never {
            self.existing = Existing::Replace;
            if self.part.is_adopted() {
                self.part = PartFile::Unwritten(name);
            }
            return Ok((found, Size::Missing));
        }
        client.log(Status::AdoptingFile { path: target.to_string(), held: bytes });
        let path = name.path().clone();
        let name = match name {
            Name::InPlace(path, _) => Name::InPlace(path, OldFile::Absent),
            temporary @ Name::Temporary(_) => temporary,
        };
        let is_in_place = name.is_in_place();
        let origin = Origin::Adopted(AdoptedFile::Untouched);
        // Before the rename: its reply may be lost.
        self.part = PartFile::Written(Written::of_earlier(name, origin, self.plan.size));
        if !is_in_place && let Err(error) = client.rename(target, &path).await {
            if error.refusal().is_some() {
                self.part = PartFile::Unnamed;
            }
            return Err(error.into());
        }
        Ok((Found { target: Size::Missing, at: Instant::now() }, Size::Bytes(bytes)))
    }

    /// Gives the adopted file its name back if the server has turned out not to resume uploads: sending
    /// the whole file to the same name would truncate the only copy of the old one.
    pub(super) async fn return_adopted(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<(), Error> {
        if client.profile().get().resume != Resume::Never {
            return Ok(());
        }
        if let Some(Written { name: Name::Temporary(name), origin: Origin::Adopted(_), .. }) =
            self.part.written()
        {
            client.rename(name, target).await?;
            self.part = PartFile::Unnamed;
        }
        Ok(())
    }

    /// Ends an upload that failed after it adopted a file. Renames the file back if nothing was sent;
    /// else returns its temporary name, since it is the only copy of the old bytes. A file that got
    /// wrong bytes is kept for the user, but is not returned: no upload may resume it.
    pub(super) async fn leave_adopted(
        &self,
        client: &mut ManagedClient,
        name: &Name,
        adopted: AdoptedFile,
        is_wrong: bool,
    ) -> Option<RemotePath> {
        let (part, target) = match (name, &self.target) {
            (Name::Temporary(part), Some(target)) => (part, target),
            (name, _) => {
                let is_part = adopted == AdoptedFile::Extended && !is_wrong;
                return is_part.then(|| name.path().clone());
            }
        };
        if adopted == AdoptedFile::Untouched && is_renamed_back(client, part, target).await {
            return None;
        }
        if is_wrong {
            client.log(Status::AdoptedFileKept { path: part.to_string() });
            return None;
        }
        Some(part.clone())
    }
}

async fn is_renamed_back(client: &mut ManagedClient, from: &RemotePath, to: &RemotePath) -> bool {
    let within = client.config().timeouts.abort;
    let renamed = async { client.client().await?.rename(from, to).await };
    matches!(timeout(within, renamed).await, Ok(Ok(())))
}
