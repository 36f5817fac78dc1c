//! Ends a failed upload: keeps its part file on the server or removes it.

use tokio::time::timeout;

use super::{
    Failed, Run, Source, UploadError,
    digest_check::DigestCheck,
    part_file::{Name, Origin, PartFile, Written},
    remove_file,
    retry_budget::may_work_later,
    temporary,
};
use crate::{client::Naming, path::RemotePath, pool::ManagedClient, transcript::Status};

impl<S: Source> Run<'_, S> {
    /// Ends an upload that failed: keeps its part file or removes it.
    pub(super) async fn fail(
        &mut self,
        client: &mut ManagedClient,
        error: UploadError<S::Error>,
    ) -> Failed<S::Error> {
        let is_wrong = self.digest_check == DigestCheck::Failed || is_wrong_content(&error);
        let keeps = self.keeps_part(&error);
        if !keeps && matches!(error, UploadError::Cancelled) {
            self.recognise_given(client).await;
        }
        let leftover = match std::mem::take(&mut self.part) {
            // The error names both files.
            _ if matches!(error, UploadError::NotReplaced { .. }) => None,
            PartFile::Unnamed | PartFile::Unwritten(_) => None,
            PartFile::Given(name) => Some(name),
            // The name may still be that of the old file: no other upload may resume it.
            PartFile::Written(part) if part.shows_old_file() && self.may_replace() => None,
            PartFile::Written(part) | PartFile::Renaming(part) | PartFile::Abandoned(part) => {
                match keeps || self.is_only_copy(&part) || may_be_of_others(&part, &error) {
                    true => Some(part.name.path().clone()),
                    false => self.clean_up(client, part, is_wrong).await,
                }
            }
        };
        Failed { error, leftover, not_deleted: Vec::new() }
    }

    /// Whether the part file is kept, so that a later upload can resume it.
    fn keeps_part(&mut self, error: &UploadError<S::Error>) -> bool {
        match error {
            UploadError::Cancelled => self.source.keeps_on_cancel(),
            UploadError::NotReplaced { .. } => false,
            // It gets its name back.
            _ if self.part.is_adopted() => false,
            UploadError::Exists { .. } | UploadError::MayExist { .. } => true,
            UploadError::Source(_) => self.digest_check != DigestCheck::Failed,
            UploadError::Engine(error) => may_work_later(error) && !error.is_rejected_file(),
        }
    }

    /// Whether the old file was overwritten in place: then a part of the new one is better than nothing.
    fn is_only_copy(&self, part: &Written) -> bool {
        let may_be_right = self.digest_check != DigestCheck::Failed;
        may_be_right && part.name.is_in_place() && self.may_replace()
    }

    /// Checks whether the given name is that of a part file of this file: then an upload that is
    /// cancelled before its first attempt may remove it.
    async fn recognise_given(&mut self, client: &mut ManagedClient) {
        let PartFile::Given(given) = &self.part else { return };
        if temporary::target_of(given).is_none() {
            return;
        }
        let within = client.config().timeouts.abort;
        let Ok(Ok(client)) = timeout(within, client.client()).await else { return };
        let (given, target) = (client.absolute(given), client.absolute(&self.plan.path));
        if let Some(name) = Name::of_given(given, &target, Naming::Temporary) {
            self.temporary_directories.note_given(name.path());
            self.target = Some(target);
            self.part = PartFile::Written(Written::of_earlier(
                name,
                self.origin_of_given(),
                self.plan.size,
            ));
        }
    }

    /// Removes a part file that no upload can resume. Returns its name if it stays for a later upload.
    /// Takes at most [`Timeouts::abort`](crate::Timeouts::abort).
    async fn clean_up(
        &self,
        client: &mut ManagedClient,
        part: Written,
        is_wrong: bool,
    ) -> Option<RemotePath> {
        let name = part.name.path();
        match part.origin {
            Origin::Adopted(adopted) => {
                return self.end_adoption(client, &part.name, adopted, is_wrong).await;
            }
            // The user may still need the bytes at its start. A part file of this upload alone must not
            // get the final name.
            Origin::MaybeAdopted => {
                if is_wrong {
                    client.log(Status::AdoptedFileKept { path: name.to_string() });
                }
                return (!is_wrong).then(|| name.clone());
            }
            Origin::Upload => (),
        }
        let within = client.config().timeouts.abort;
        let removed = timeout(within, remove_file(client, name)).await;
        let is_gone = matches!(removed, Ok(Ok(())));
        (!is_gone && !is_wrong).then(|| name.clone())
    }
}

/// Whether the file may be another client's: it has the final name, and only its size is wrong.
fn may_be_of_others<E>(part: &Written, error: &UploadError<E>) -> bool {
    let is_size = matches!(error, UploadError::Engine(error) if error.is_wrong_size());
    is_size && part.name.is_in_place() && !part.is_adopted()
}

/// Whether the server holds other bytes than those of the file.
fn is_wrong_content<E>(error: &UploadError<E>) -> bool {
    matches!(error, UploadError::Engine(error) if error.is_wrong_content())
}
