//! Ends an upload if something else has the final name, or may have it, and must stay.

use super::{
    Run, Source, UploadError,
    part_file::{Name, OldFile},
    unless_cancelled,
};
use crate::{
    client::{Client, Found, TargetState},
    path::RemotePath,
    profile::SizeSupport,
};

impl<S: Source> Run<'_, S> {
    /// Ends the upload if another file has the final name and must stay. After something was written in
    /// place, the file is the upload's own.
    pub(super) async fn refuse_unless_ours(
        &self,
        client: &mut Client,
        name: &Name,
        target: &RemotePath,
        found: Found,
    ) -> Result<(), UploadError<S::Error>> {
        match self.is_own_file(name) {
            true => Ok(()),
            false => self.refuse_existing(client, target, found.target).await,
        }
    }

    /// Whether the file with the final name is this upload's own: something was written in place.
    pub(super) fn is_own_file(&self, name: &Name) -> bool {
        name.is_in_place() && self.part.written().is_some()
    }

    /// Whether the file was written over one of the same size. If the server stored it under another
    /// name, the old file has the right size.
    pub(super) fn had_same_size(&self) -> bool {
        match self.part.written().map(|part| &part.name) {
            Some(Name::InPlace(_, OldFile::Present { size })) => *size == Some(self.plan.size),
            _ => false,
        }
    }

    /// Ends the upload if something has the final name, or may have it, and must stay.
    pub(super) async fn refuse_existing(
        &self,
        client: &mut Client,
        path: &RemotePath,
        target: TargetState,
    ) -> Result<(), UploadError<S::Error>> {
        if self.may_replace() {
            return Ok(());
        }
        match target {
            TargetState::Absent => Ok(()),
            TargetState::Present { size, modified_millis, .. } => {
                // `SIZE` reports no date. The file exists: that is a conflict with or without it.
                let is_by_size = client.profile().get().sizes == SizeSupport::Proven;
                let modified_millis = match modified_millis {
                    None if is_by_size => unless_cancelled(self.cancel, client.date_of(path))
                        .await?
                        .unwrap_or_default(),
                    known => known,
                };
                Err(UploadError::Exists { size, modified_millis })
            }
            TargetState::Unknown { reason } => Err(UploadError::MayExist { reason }),
        }
    }
}
