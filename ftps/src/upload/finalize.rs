//! Ends an upload: verifies the part file, sets its date, renames it to the final name.

use tokio::time::Duration;

use super::{
    Run, Source, UploadError,
    final_batch::{
        Batch, Checked, CompleteFile, ContentCheck, NameLook, SeenNames, compare, digest_refused,
    },
    final_name::NameState,
    part_file::Name,
    refused_rename::RenameEnd,
    unless_cancelled,
};
use crate::{
    client::{Client, Found, PrefetchedFile, TargetState, size::Size},
    command::Command,
    digest::Verified,
    error::{Error, Kind},
    path::RemotePath,
    profile::{PartNames, Pipelining, SizeSupport, StoredFiles},
    stage::Stage,
    transcript::Status,
};

/// How long a lookup of the final name is trusted. FTP has no command that renames only if the name is
/// free, and another client may take the name meanwhile.
const LOOKUP_TRUSTED_FOR: Duration = Duration::from_secs(2);

/// How the finalization of a transferred file ended.
pub(super) enum Finalized {
    /// The file is verified and has its name.
    Named {
        verified: Verified,
        /// The lookup of the next upload's file, if the last batch contained one.
        prefetched: Option<PrefetchedFile>,
    },
    /// The server turned out not to rename files: the next attempt writes to another name.
    NamesLearned,
}

/// Files up to this size, in bytes, are checked and renamed in one batch: the server makes their
/// digest at once.
const ONE_BATCH_BYTES: u64 = 1024 * 1024;

impl<S: Source> Run<'_, S> {
    /// Verifies the part file, sets its date and renames it.
    pub(super) async fn verify_and_rename(
        &mut self,
        client: &mut Client,
        name: &Name,
        target: &RemotePath,
        found: Found,
    ) -> Result<Finalized, UploadError<S::Error>> {
        let check = self.prepare_check(client).await?;
        let look = match found.target {
            TargetState::Absent => NameLook::Target,
            target if target.file_size().is_some_and(|size| size != self.plan.size) => {
                NameLook::Target
            }
            _ => NameLook::Both,
        };
        let sizes = client.profile().get().sizes;
        let date = self.plan.modified_millis.and_then(|millis| client.date(millis));
        let file = CompleteFile { part: name.path(), target, check, date, look, sizes };
        if name.is_in_place() {
            let verified = self.check_in_place(client, &file).await?;
            let prefetched = self.set_date(client, &file).await?;
            return Ok(Finalized::Named { verified, prefetched });
        }
        // The name is free, the file is small, and the lookup is recent: one batch for everything.
        let is_quick = found.target == TargetState::Absent
            && client.profile().get().sizes == SizeSupport::Proven
            && found.at.elapsed() < LOOKUP_TRUSTED_FOR
            && self.plan.size <= ONE_BATCH_BYTES
            && client.profile().get().pipelining == Pipelining::On
            && !client.may_hold_another_rnfr();
        if is_quick {
            return self.verify_and_rename_at_once(client, &file).await;
        }
        let verified = self.check_first(client, &file).await?;
        self.keep_mode(client, file.part).await?;
        Ok(self.rename(client, &file).await?.finalized(verified))
    }

    /// Verifies a file that was written in place. If the server tells no size, looks whether the file
    /// has its name, until one was seen to have it.
    async fn check_in_place(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<Verified, UploadError<S::Error>> {
        let takes_files = client.profile().get().stored_files == StoredFiles::Taken;
        if takes_files {
            let size = unless_cancelled(self.cancel, client.size_of(file.target)).await??;
            if !matches!(size, Size::Bytes(_)) {
                client.log(Status::FileTaken { path: file.target.to_string() });
                return Ok(Verified::ReplyOnly);
            }
        }
        let verified = self.check_at(client, file, file.target).await?;
        if takes_files {
            // It does not, after all.
            client.profile().update(|profile| {
                profile.stored_files = StoredFiles::Kept;
                profile.part_names = PartNames::Temporary;
            });
        }
        if verified == Verified::ReplyOnly {
            self.look_in_place(client, file).await?;
        }
        Ok(verified)
    }

    /// Verifies a file that already has its final name.
    pub(super) async fn check_renamed(
        &self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<Verified, UploadError<S::Error>> {
        let check = self.prepare_check(client).await?;
        let (look, sizes) = (NameLook::Target, SizeSupport::Unsupported);
        let file = CompleteFile { part: target, target, check, date: None, look, sizes };
        self.check_at(client, &file, target).await
    }

    /// Decides how the file is verified, and chooses the server's digest algorithm.
    async fn prepare_check(
        &self,
        client: &mut Client,
    ) -> Result<ContentCheck, UploadError<S::Error>> {
        let size = self.plan.size;
        let method = self.digest_method(client);
        let digest = method.and_then(|method| Some((method, self.whole_digest(method.algorithm)?)));
        let Some((method, _)) = digest else { return Ok(ContentCheck { size, digest: None }) };
        if unless_cancelled(self.cancel, client.choose_algorithm(method)).await?? {
            return Ok(ContentCheck { size, digest });
        }
        client.log(Status::DigestRefused);
        Ok(ContentCheck { size, digest: None })
    }

    /// Sends `MFMT`, `SIZE`, a digest command, `RNFR`, `RNTO`, and the next upload's commands in one
    /// batch.
    ///
    /// The check comes before the rename: some servers move files away as soon as they have their final
    /// names.
    async fn verify_and_rename_at_once(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<Finalized, UploadError<S::Error>> {
        let next_upload = self.source.next_upload(&client.home());
        let mut batch = Batch::default();
        batch.date(file, file.part);
        batch.check(file);
        batch.rename(file);
        batch.prefetch(client, next_upload.as_ref());
        self.part.begin_rename();
        let mut replies = unless_cancelled(self.cancel, batch.send_and_dial(client)).await??;
        replies.dated(client, file);
        let checked = replies.checked(client, file)?;
        let renamed = replies.renamed(client);
        let seen = replies.seen_names(client, file)?;
        let prefetched = replies.prefetched(client, next_upload);
        match (checked, renamed) {
            (Checked::Right(verified), Ok(())) => {
                let renamed = self.named(client, file, seen, prefetched).await?;
                Ok(renamed.finalized(verified))
            }
            (Checked::WrongSize(stored), Ok(())) => {
                match self.confirm_name(client, file, seen).await? {
                    NameState::Right => {
                        let verified = Verified::Size { bytes: file.check.size };
                        Ok(Finalized::Named { verified, prefetched })
                    }
                    NameState::NotRenamed => Ok(Finalized::NamesLearned),
                    NameState::Taken => {
                        self.part.end_rename();
                        Err(file.check.wrong_size(client, stored).into())
                    }
                    NameState::Other(_) => {
                        let error = file.check.wrong_size(client, stored);
                        self.take_name_back(client, file, error).await
                    }
                }
            }
            (Checked::WrongDigest(error), Ok(())) => self.take_name_back(client, file, error).await,
            (checked, Err(refusal)) => {
                self.part.end_rename();
                let verified = self.settled(client, file, file.part, checked).await?;
                let renamed = self.rename_refused(client, file, refusal).await?;
                Ok(renamed.finalized(verified))
            }
        }
    }

    /// Takes the final name from a file that did not pass the check.
    async fn take_name_back(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        error: Error,
    ) -> Result<Finalized, UploadError<S::Error>> {
        let error = undo_rename(client, file, error).await;
        self.part.end_rename();
        Err(error.into())
    }

    /// Verifies the part file, and that no other file has taken the name meanwhile.
    async fn check_first(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<Verified, UploadError<S::Error>> {
        if self.may_replace() {
            return self.check_at(client, file, file.part).await;
        }
        let is_digest_slow = file.check.digest.is_some() && self.plan.size > ONE_BATCH_BYTES;
        let (verified, target) = if is_digest_slow {
            // Another client may take the name while the server reads the whole file.
            let verified = self.check_at(client, file, file.part).await?;
            (verified, unless_cancelled(self.cancel, client.target_state(file.target)).await??)
        } else {
            self.check_both(client, file).await?
        };
        self.refuse_existing(client, file.target, target).await?;
        Ok(verified)
    }

    /// Verifies the part file and looks up the final name in one batch.
    async fn check_both(
        &self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<(Verified, TargetState), UploadError<S::Error>> {
        let mut batch = Batch::default();
        batch.check(file);
        batch.push(Command::Size(file.target));
        let mut replies = unless_cancelled(self.cancel, batch.send(client)).await??;
        let checked = replies.checked(client, file)?;
        let size = replies.next(client)?;
        let target = client.parse_lookup(file.target, &size, None);
        let verified = self.settled(client, file, file.part, checked).await?;
        let verified = self.check_facts(client, file, file.part, verified).await?;
        let target =
            unless_cancelled(self.cancel, client.complete_lookup(file.target, target)).await??;
        Ok((verified, target))
    }

    /// Looks up the size in other ways if `SIZE` reported none.
    async fn check_facts(
        &self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        path: &RemotePath,
        verified: Verified,
    ) -> Result<Verified, UploadError<S::Error>> {
        if verified != Verified::ReplyOnly {
            return Ok(verified);
        }
        match unless_cancelled(self.cancel, client.size_from_facts(path)).await?? {
            Some(bytes) => {
                let checked = file.check.by_size(client, Size::Bytes(bytes));
                self.settled(client, file, path, checked).await
            }
            None => Ok(verified),
        }
    }

    /// Checks size and digest of the file at a path. The server reads the whole file for its digest.
    async fn check_at(
        &self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        path: &RemotePath,
    ) -> Result<Verified, UploadError<S::Error>> {
        let size = unless_cancelled(self.cancel, client.size_of(path)).await??;
        let checked = file.check.by_size(client, size);
        let by_size = self.settled(client, file, path, checked).await?;
        let by_size = self.check_facts(client, file, path, by_size).await?;
        let Some((method, sent)) = &file.check.digest else { return Ok(by_size) };
        match unless_cancelled(self.cancel, client.digest_by(*method, path, self.plan.size)).await?
        {
            Ok(Some(stored)) => Ok(compare(client, sent, stored)?),
            Ok(None) => Ok(by_size),
            Err(error) => match error.refusal() {
                Some(reply) => {
                    digest_refused(client, reply.code());
                    Ok(by_size)
                }
                None => Err(error.into()),
            },
        }
    }

    /// Renames the part file. A cancel does not interrupt it: the file is complete.
    async fn rename(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<RenameEnd, UploadError<S::Error>> {
        if let Err(error) = client.replace_pending_rnfr(file.part).await {
            return self.rename_refused(client, file, error).await;
        }
        let next_upload = self.source.next_upload(&client.home());
        let mut batch = Batch::default();
        // Under the part file's name: if the rename is refused, the existing file keeps its date.
        batch.date(file, file.part);
        batch.rename(file);
        batch.prefetch(client, next_upload.as_ref());
        self.part.begin_rename();
        let mut replies = batch.send_and_dial(client).await?;
        replies.dated(client, file);
        let renamed = replies.renamed(client);
        let seen = replies.seen_names(client, file)?;
        // Read in any case: its `CWD` may have changed the session's directory.
        let prefetched = replies.prefetched(client, next_upload);
        match renamed {
            Ok(()) => self.named(client, file, seen, prefetched).await,
            Err(refusal) => self.rename_refused(client, file, refusal).await,
        }
    }

    /// Looks at the final name after a rename that the server confirmed.
    async fn named(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        seen: SeenNames,
        prefetched: Option<PrefetchedFile>,
    ) -> Result<RenameEnd, UploadError<S::Error>> {
        match self.confirm_name(client, file, seen).await? {
            NameState::Right => Ok(RenameEnd::Done { prefetched }),
            NameState::Taken => Ok(RenameEnd::Taken { prefetched }),
            NameState::NotRenamed => Ok(RenameEnd::Never),
            NameState::Other(size) => Err(file.check.wrong_size(client, Some(size)).into()),
        }
    }

    /// Sets the date of a file that was written in place.
    async fn set_date(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<Option<PrefetchedFile>, UploadError<S::Error>> {
        let next_upload = self.source.next_upload(&client.home());
        let mut batch = Batch::default();
        batch.date(file, file.target);
        batch.prefetch(client, next_upload.as_ref());
        let mut replies = batch.send_and_dial(client).await?;
        replies.dated(client, file);
        Ok(replies.prefetched(client, next_upload))
    }
}

/// Undoes the rename of a file that did not pass the check: renames it back to the part file's name.
/// If that is refused, deletes a file whose digest is wrong; a wrong size may be another client's file.
/// Returns the error to report: if the file remains, it names it.
async fn undo_rename(client: &mut Client, file: &CompleteFile<'_>, check: Error) -> Error {
    let is_refused = match client.rename(file.target, file.part).await {
        Ok(()) => return check,
        Err(error) => error.refusal().is_some(),
    };
    if is_refused && check.is_wrong_content() && client.delete(file.target).await.is_ok() {
        return check;
    }
    let path = file.target.to_string();
    client.error(Kind::IncompleteFileRemains { path, check }, Stage::Verify)
}
