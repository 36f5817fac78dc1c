//! Resumes from an existing file ([`Existing::Resume`]): the file that has the final name is the
//! beginning of the new one, and becomes its part file.
//!
//! If the server computes digests, the existing file is compared with the beginning of the new one first.
//! It is renamed to a temporary name while bytes are appended to it: another client does not take it for
//! complete. If the upload fails, it gets its name back. If the server cannot resume, the old file keeps its name
//! until the complete new one replaces it.

use std::ops::Range;

use tokio::time::{Instant, timeout};

use super::{
    Existing, Progress, Run, Source, UploadError,
    final_name::learn_ignored_renames,
    part_file::{Name, OldFile, Origin, PartFile, Written},
    unless_cancelled,
};
use crate::{
    client::{Client, Found, TargetState, size::Size},
    digest::{Algorithm, FileDigest, RunningDigest},
    error::Error,
    path::RemotePath,
    pool::ManagedClient,
    profile::{FinalNames, Resume, SizeSupport},
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

/// Whether the existing file is the beginning of the uploaded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// The server's digests are equal to the source's.
    Equal,
    /// They differ.
    Different,
    /// The server computes no digest of it, or was not asked.
    Unproven,
}

/// Up to this size, in bytes, the whole existing file is compared before it is continued: the source
/// has to be read up to its end.
const WHOLE_COMPARISON_BYTES: u64 = 4 * 1024 * 1024;

/// The bytes at the beginning and at the end of a larger existing file that are compared.
const EDGE_BYTES: u64 = 1024 * 1024;

impl<S: Source> Run<'_, S> {
    /// Returns the size of the existing file in bytes, if it can be adopted.
    ///
    /// Only where `SIZE` works: after a break it has to tell where the file ends.
    pub(super) fn adoptable(&self, client: &Client, found: Found, held: Size) -> Option<u64> {
        let may_adopt = self.existing == Existing::Resume
            && held == Size::Missing
            && client.profile().get().sizes == SizeSupport::Proven;
        found.target.file_size().filter(|bytes| may_adopt && *bytes < self.plan.size)
    }

    /// Whether the file begins with an adopted one that may be another file.
    pub(super) fn is_joined_unproven(&self) -> bool {
        self.part.is_adopted() && self.beginning == Beginning::Unproven
    }

    /// Whether an existing file is replaced.
    pub(super) fn may_replace(&self) -> bool {
        self.existing == Existing::Replace
    }

    /// Adopts the existing file as the part file. Returns the name that the bytes go to, the lookup of
    /// the final name, which is free then, and the size of the part file.
    pub(super) async fn adopt(
        &mut self,
        client: &mut Client,
        name: Name,
        target: &RemotePath,
        (found, bytes): (Found, u64),
    ) -> Result<(Name, Found, Size), UploadError<S::Error>> {
        // A size of 0 may be one that is reported late: nothing is to be sent to that file.
        if bytes == 0 || client.profile().get().resume == Resume::Never {
            self.existing = Existing::Replace;
            if self.part.is_adopted() {
                self.part = PartFile::Unwritten(name.clone());
            }
            return Ok((name, found, Size::Missing));
        }
        self.refuse_another_file(client, target, bytes).await?;
        client.log(Status::AdoptingFile { path: target.to_string(), held: bytes });
        let name = match name {
            Name::InPlace(path, _) => Name::InPlace(path, OldFile::Absent),
            // Before the file is adopted: if the directory is refused, it stays as it is.
            temporary @ Name::Temporary(_) => {
                Box::pin(self.in_made_directory(client, temporary, Size::Missing)).await?
            }
        };
        let path = name.path().clone();
        let is_in_place = name.is_in_place();
        let origin = Origin::Adopted(AdoptedFile::Untouched);
        // Before the rename: its reply may be lost.
        self.part = PartFile::Written(Written::of_earlier(name.clone(), origin, self.plan.size));
        if !is_in_place && let Err(error) = client.rename(target, &path).await {
            if error.refusal().is_some() {
                self.part = PartFile::Unnamed;
            }
            return Err(error.into());
        }
        let name = match is_in_place || is_moved(client, &path).await? {
            true => name,
            false => self.adopt_in_place(client, target),
        };
        let found = Found { target: TargetState::Absent, at: Instant::now() };
        Ok((name, found, Size::Bytes(bytes)))
    }

    /// Adopts the existing file under its own name: the server confirmed a rename that had no effect.
    fn adopt_in_place(&mut self, client: &Client, target: &RemotePath) -> Name {
        learn_ignored_renames(client);
        client.log(Status::WritingInPlace { path: target.to_string() });
        let name = Name::InPlace(target.clone(), OldFile::Absent);
        let origin = Origin::Adopted(AdoptedFile::Untouched);
        self.part = PartFile::Written(Written::of_earlier(name.clone(), origin, self.plan.size));
        name
    }

    /// Ends the upload if the existing file of `held` bytes is not the beginning of the uploaded one,
    /// as far as the server computes digests.
    async fn refuse_another_file(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
        held: u64,
    ) -> Result<(), UploadError<S::Error>> {
        if self.part.is_adopted() {
            // It was compared before the connection broke.
            return Ok(());
        }
        self.beginning = self.compare_beginning(client, target, held).await?;
        match self.beginning {
            Beginning::Equal => Ok(()),
            Beginning::Unproven => {
                client.log(Status::BeginningUnproven);
                Ok(())
            }
            Beginning::Different => {
                client.log(Status::BeginningDiffers { path: target.to_string() });
                let modified_millis = unless_cancelled(self.cancel, client.date_of(target)).await?;
                let modified_millis = modified_millis.unwrap_or_default();
                Err(UploadError::Exists { size: Some(held), modified_millis })
            }
        }
    }

    /// Compares the existing file with the beginning of the uploaded one: all of it if it is small,
    /// else its first and its last bytes. The digest of the whole file follows at the end.
    async fn compare_beginning(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
        held: u64,
    ) -> Result<Beginning, UploadError<S::Error>> {
        let Some(method) = self.digest_method(client) else { return Ok(Beginning::Unproven) };
        let is_whole = held <= WHOLE_COMPARISON_BYTES;
        let edges = [0..EDGE_BYTES, held.saturating_sub(EDGE_BYTES)..held];
        let whole = 0..held;
        let ranges = match (is_whole, method.ranges) {
            (true, _) => std::slice::from_ref(&whole),
            (false, true) => edges.as_slice(),
            (false, false) => return Ok(Beginning::Unproven),
        };
        for range in ranges {
            let stored = if is_whole {
                unless_cancelled(self.cancel, client.digest_if_made(method, target, held)).await??
            } else {
                let algorithm = method.algorithm;
                unless_cancelled(
                    self.cancel,
                    client.digest_of_range(target, range.clone(), algorithm),
                )
                .await??
            };
            let Some(stored) = stored else { return Ok(Beginning::Unproven) };
            if self.digest_of_source(range.clone(), method.algorithm).await? != Some(stored) {
                return Ok(Beginning::Different);
            }
        }
        Ok(Beginning::Equal)
    }

    /// Reads a range of the source for its digest.
    async fn digest_of_source(
        &mut self,
        range: Range<u64>,
        algorithm: Algorithm,
    ) -> Result<Option<FileDigest>, UploadError<S::Error>> {
        unless_cancelled(self.cancel, self.source.seek(range.start))
            .await?
            .map_err(UploadError::Source)?;
        let mut digest = RunningDigest::starting_at(range.start, &[algorithm], None);
        let mut offset = range.start;
        while offset < range.end {
            let bytes = unless_cancelled(self.cancel, self.source.next()).await?;
            let bytes = bytes.map_err(UploadError::Source)?;
            let missing = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
            let Some(part) = bytes.get(..missing.min(bytes.len())).filter(|part| !part.is_empty())
            else {
                return Ok(None);
            };
            digest.update(offset, part);
            offset += part.len() as u64;
            // The page may send more only when these bytes are taken.
            self.source.report(Progress::Taken { offset }).await;
        }
        Ok(digest.digest(algorithm))
    }

    /// Gives the adopted file its name back if the server has turned out not to resume uploads: sending
    /// the whole file to the same name would truncate the only copy of the old one.
    pub(super) async fn rename_back_if_not_resumable(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<(), UploadError<S::Error>> {
        match client.profile().get().resume {
            Resume::Never => self.rename_adopted_back(client, target).await,
            Resume::Restart | Resume::Append => Ok(()),
        }
    }

    /// Whether an upload from the start would cut off bytes of an adopted file, which nothing else
    /// holds.
    pub(super) fn holds_adopted_bytes(&self, held: Size) -> bool {
        let adopted = self.part.written().filter(|part| part.is_adopted());
        let is_renamed = adopted.is_some_and(|part| !part.name.is_in_place());
        // A size of 0 may be one that is reported late.
        is_renamed && held != Size::Missing
    }

    /// Gives the adopted file its name back, unless another file may have taken it meanwhile. The upload
    /// replaces it in the end instead.
    pub(super) async fn rename_adopted_back(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<(), UploadError<S::Error>> {
        if let Some(Written { name: Name::Temporary(name), origin: Origin::Adopted(_), .. }) =
            self.part.written()
        {
            let name = name.clone();
            let state = unless_cancelled(self.cancel, client.target_state(target)).await??;
            self.refuse_existing(client, target, state).await?;
            client.rename(&name, target).await?;
            self.part = PartFile::Unnamed;
            self.existing = Existing::Replace;
        }
        Ok(())
    }

    /// Ends an upload that failed after it adopted a file. Gives the file its name back, also if bytes
    /// were appended to it. If another file has the name meanwhile, returns the temporary name, since it
    /// is the only copy of the old bytes. A file that got wrong bytes is kept for the user, but is not
    /// returned: no upload may resume it.
    pub(super) async fn end_adoption(
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
        let within = client.config().timeouts.abort;
        if let Ok(Ok(true)) = timeout(within, rename_back_if_free(client, part, target)).await {
            return None;
        }
        if is_wrong {
            client.log(Status::AdoptedFileKept { path: part.to_string() });
            return None;
        }
        Some(part.clone())
    }
}

/// Whether a rename to `path` took effect. The server is not asked once a rename was seen to do so.
async fn is_moved(client: &mut Client, path: &RemotePath) -> Result<bool, Error> {
    if client.profile().get().final_names == FinalNames::Proven {
        return Ok(true);
    }
    let size = client.size_of(path).await?;
    if let Size::Bytes(_) = size {
        client.profile().update(|profile| profile.final_names = FinalNames::Proven);
    }
    Ok(size != Size::Missing)
}

/// Renames an adopted file back, unless another file has its name. Returns whether it was renamed.
async fn rename_back_if_free(
    client: &mut ManagedClient,
    part: &RemotePath,
    target: &RemotePath,
) -> Result<bool, Error> {
    let client = client.client().await?;
    let is_free = client.target_state(target).await? == TargetState::Absent;
    if is_free {
        client.rename(part, target).await?;
    }
    Ok(is_free)
}
