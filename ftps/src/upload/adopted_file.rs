//! [`Existing::Resume`]: goes on with the file that has the name, which is the start of the one that
//! is uploaded.
//!
//! That file is renamed to a temporary name first, so that its own name never stands for a longer
//! part of a file than before. Where the server cannot go on with a file, it keeps its name until the
//! new one replaces it.

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

/// What became of the file that had the name and was adopted as the part file.
///
/// A file that the server cannot resume is not adopted: the upload continues as
/// [`Existing::Replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdoptedFile {
    /// It is as it was, under a temporary name.
    Untouched,
    /// Bytes of the new file were sent to its end.
    Extended,
}

impl<S: Source> Run<'_, S> {
    /// The size of the existing file in bytes, if it can be adopted.
    pub(super) fn adoptable(&self, target: Size, held: Size) -> Option<u64> {
        let may_adopt = self.existing == Existing::Resume && held == Size::Missing;
        match target {
            Size::Bytes(bytes) if may_adopt && bytes < self.plan.size => Some(bytes),
            Size::Bytes(_) | Size::Missing | Size::Unknown => None,
        }
    }

    /// Whether the file that has the name is replaced in the end.
    pub(super) fn may_replace(&self) -> bool {
        self.existing == Existing::Replace
    }

    /// Makes the file that has the name the part file. Returns what has the name and what the part
    /// file holds after that.
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

    /// Gives the adopted file its name back where it turned out that the server can go on with no
    /// file: to send the whole file under the same name would cut off what nothing else holds.
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

    /// Ends an upload that failed after it adopted a file. Gives it its name back where nothing was
    /// sent; else returns the part file, which holds bytes that nothing else holds. One with wrong
    /// bytes is of no use to another upload, but may be to a person: it stays, and is not returned.
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
