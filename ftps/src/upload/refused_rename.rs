//! Finds out why the server refused the rename to the final name.
//!
//! An existing file may be in the way: it is moved aside if it may be replaced. The server may refuse
//! this name, or every rename: the part file is renamed to another temporary name, and if that is
//! refused too, files are written under their final names from then on: in this directory, or in all of
//! them once several refused. A file that has its final name in a temporary directory needs no such test.

use super::{
    Run, Source, UploadError,
    final_batch::{CompleteFile, SeenNames},
    final_name::NameState,
    finalize::Finalized,
    missing_file::{Located, locate},
    part_file::Name,
    temporary,
};
use crate::{
    client::{Client, PrefetchedFile, TargetState, names_missing_file, size::Size},
    digest::Verified,
    error::Error,
    listing::EntryKind,
    path::RemotePath,
    profile::PartNames,
    transcript::Status,
};

/// How the rename to the final name ended.
pub(super) enum RenameEnd {
    /// The file has its name.
    Done {
        /// The lookup of the next upload's file, if the last batch contained one.
        prefetched: Option<PrefetchedFile>,
    },
    /// Nothing has either name: the server took the file away, once it had its name.
    Taken {
        /// As above.
        prefetched: Option<PrefetchedFile>,
    },
    /// It never will: the server renames nothing. The part file is abandoned.
    Never,
}

impl RenameEnd {
    /// The end of the upload of a file that was verified before its rename.
    pub(super) fn finalized(self, verified: Verified) -> Finalized {
        match self {
            Self::Done { prefetched } => Finalized::Named { verified, prefetched },
            Self::Taken { prefetched } => {
                Finalized::Named { verified: Verified::ReplyOnly, prefetched }
            }
            Self::Never => Finalized::NamesLearned,
        }
    }
}

/// Whether the new file took the place of an old one.
enum Replacement {
    /// The rename of the new file was confirmed.
    Made(RenameEnd),
    /// There is none, or it cannot be moved aside.
    NotPossible,
}

impl<S: Source> Run<'_, S> {
    /// Finds out why the server refused the rename, and moves an existing file aside if it may be
    /// replaced.
    pub(super) async fn rename_refused(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        refusal: Error,
    ) -> Result<RenameEnd, UploadError<S::Error>> {
        self.part.end_rename();
        if refusal.refused_verb() == Some("RNFR") {
            // Perhaps the server has lost the file: then that is the error.
            let size = client.size_of(file.part).await?;
            let checked = file.check.by_size(client, size);
            self.settled(client, file, file.part, checked).await?;
            if refusal.refusal().is_some_and(names_missing_file) && !self.part.is_adopted() {
                let name = Name::Temporary(file.part.clone());
                match locate(client, &name, self.plan.size).await? {
                    Located::StoredAs(stored) => {
                        return Err(self.stored_elsewhere(client, &name, stored).into());
                    }
                    Located::Taken => {
                        self.learn_taken(client, &name);
                        return Ok(RenameEnd::Never);
                    }
                    Located::Unknown => (),
                }
            }
            return Err(refusal.into());
        }
        if !refusal.is_permanent() {
            return Err(refusal.into());
        }
        if self.may_replace() {
            if let Replacement::Made(end) = Box::pin(self.replace(client, file)).await? {
                return Ok(end);
            }
        } else {
            // Another client may have taken the name.
            let target = client.target_state(file.target).await?;
            self.refuse_existing(client, file.target, target).await?;
        }
        if self.part.is_adopted() {
            return Err(refusal.into());
        }
        if temporary::directory_of(file.part).is_some() {
            // The name is allowed, since the file has it: the server does not move it.
            client.write_in_place(file.target);
            client.log(Status::RenameForbidden);
            self.part.abandon();
            return Ok(RenameEnd::Never);
        }
        Box::pin(self.probe_renames(client, file, refusal)).await
    }

    /// Renames the part file to another temporary name, to tell a refused name from renames that the
    /// server always refuses.
    async fn probe_renames(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        refusal: Error,
    ) -> Result<RenameEnd, UploadError<S::Error>> {
        let Ok(other) = self.temporary_name(client, file.target) else {
            return Err(refusal.into());
        };
        let Err(error) = client.rename(file.part, &other).await else {
            self.part.set_temporary_name(other);
            return Err(refusal.into());
        };
        if error.refusal().is_none() {
            // The file may have either name: the next attempt looks under the old one.
            self.not_deleted.push(other);
            return Err(error.into());
        }
        if error.refused_verb() != Some("RNTO") || !error.is_permanent() {
            return Err(refusal.into());
        }
        if client.note_renames_refused(file.target) {
            client.profile().learn_expiring(|profile| profile.part_names = PartNames::Final);
            client.log(Status::RenamesRefused);
        } else {
            client.log(Status::RenameForbidden);
        }
        self.part.abandon();
        Ok(RenameEnd::Never)
    }

    /// Replaces the old file on a server that does not rename over existing files: moves the old file to
    /// a temporary name, renames the new one, deletes the old one. If the second step fails, the old
    /// file gets its name back.
    async fn replace(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<Replacement, UploadError<S::Error>> {
        let &CompleteFile { part, target, .. } = file;
        if !matches!(
            client.target_state(target).await?,
            TargetState::Present { kind: EntryKind::File, .. }
        ) {
            return Ok(Replacement::NotPossible);
        }
        let Some(aside) = Box::pin(self.name_aside(client, target)).await? else {
            return Ok(Replacement::NotPossible);
        };
        if let Err(error) = client.rename(target, &aside).await {
            return match error.refusal() {
                Some(_) => Ok(Replacement::NotPossible),
                // The reply was lost, so the old file may have either name: nothing may be removed.
                None => Err(UploadError::NotReplaced { error, new: part.clone(), old: aside }),
            };
        }
        client.log(Status::MovedAside { path: target.to_string(), aside: aside.to_string() });
        self.part.begin_rename();
        if let Err(error) = client.rename(part, target).await {
            // Neither file has the name that it should have: both stay.
            let is_back = client.is_usable() && client.rename(&aside, target).await.is_ok();
            let old = if is_back { target.clone() } else { aside };
            return Err(UploadError::NotReplaced { error, new: part.clone(), old });
        }
        // If the connection breaks meanwhile, the next attempt finds the new file.
        self.old_files.push(aside.clone());
        let end = Box::pin(self.look_at_replacing(client, file, &aside)).await?;
        self.old_files.retain(|old| *old != aside);
        if client.delete(&aside).await.is_err() {
            self.not_deleted.push(aside);
        }
        Ok(Replacement::Made(end))
    }

    /// Looks at the final name before the old file is deleted: the server may have confirmed a rename
    /// without effect, or another client may have taken the name.
    async fn look_at_replacing(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        aside: &RemotePath,
    ) -> Result<RenameEnd, UploadError<S::Error>> {
        let target = client.size_of(file.target).await?;
        let seen = SeenNames { target, part: None };
        let wrong = match self.confirm_name(client, file, seen).await? {
            NameState::Right => return Ok(RenameEnd::Done { prefetched: None }),
            NameState::Taken => return Ok(RenameEnd::Taken { prefetched: None }),
            NameState::NotRenamed => file.part.clone(),
            NameState::Other(_) => file.target.clone(),
        };
        let stored = match target {
            Size::Bytes(bytes) => Some(bytes),
            Size::Missing | Size::Unknown => None,
        };
        let error = file.check.wrong_size(client, stored);
        // The error names it.
        self.old_files.retain(|old| old != aside);
        Err(UploadError::NotReplaced { error, new: wrong, old: aside.clone() })
    }

    /// A new name for the old file, in a temporary directory that was made for it where the server refuses
    /// temporary names; `None` if there is no such name.
    async fn name_aside(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<Option<RemotePath>, Error> {
        let Ok(aside) = self.temporary_name(client, target) else { return Ok(None) };
        match self.temporary_directories.make_for(client, &aside).await {
            Ok(aside) => Ok(Some(aside)),
            Err(error) if error.refusal().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
