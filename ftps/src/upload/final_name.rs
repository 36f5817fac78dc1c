//! Looks at the final name after the rename: a server may confirm a rename that has no effect.

use super::{
    Run, Source, UploadError,
    final_batch::{CompleteFile, NameLook, SeenNames},
    missing_file::{Located, locate},
    part_file::{Name, OldFile},
    size_lag::Looks,
};
use crate::{
    client::{Client, TargetState, UnknownTarget, size::Size},
    command::Command,
    error::Error,
    path::RemotePath,
    profile::{FinalNames, PartNames},
    stage::Stage,
    transcript::Status,
};

/// What has the final name after a rename that the server confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameState {
    /// The file, as far as the server tells.
    Right,
    /// The part file kept its name: the rename had no effect.
    NotRenamed,
    /// Nothing has either name: the server took the file away.
    Taken,
    /// Something of this size.
    Other(u64),
}

impl SeenNames {
    /// Whether the file has its final name.
    fn are_right(self, file: &CompleteFile<'_>) -> bool {
        let has_part = matches!(self.part, Some(Size::Bytes(_)));
        self.target == Size::Bytes(file.check.size) && !(file.look == NameLook::Both && has_part)
    }
}

impl<S: Source> Run<'_, S> {
    /// Decides whether the file has its final name. If the sizes of the batch do not show that, asks
    /// again for both names.
    pub(super) async fn confirm_name(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
        seen: SeenNames,
    ) -> Result<NameState, UploadError<S::Error>> {
        let state = match seen.target {
            _ if seen.are_right(file) => NameState::Right,
            Size::Bytes(_) => self.look_at_names(client, file).await?,
            Size::Missing if client.reports_missing_files() => {
                self.look_at_names(client, file).await?
            }
            Size::Missing | Size::Unknown => {
                if client.profile().get().final_names == FinalNames::Proven {
                    return Ok(NameState::Right);
                }
                self.look_at_names_otherwise(client, file).await?
            }
        };
        match state {
            NameState::Right => {
                client.profile().update(|profile| profile.final_names = FinalNames::Proven);
            }
            NameState::NotRenamed => {
                learn_ignored_renames(client);
                self.part.abandon();
            }
            NameState::Taken => {
                client.log(Status::FileTaken { path: file.target.to_string() });
            }
            NameState::Other(_) => (),
        }
        Ok(state)
    }

    /// Looks whether a file that was written in place has its name, where `SIZE` does not tell.
    pub(super) async fn look_in_place(
        &mut self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<(), UploadError<S::Error>> {
        if client.profile().get().final_names != FinalNames::Unproven {
            return Ok(());
        }
        match state_of(client, file.target).await? {
            state @ TargetState::Present { .. } => {
                let stored = state.file_size();
                if stored.is_some_and(|stored| stored != file.check.size) {
                    return Err(file.check.wrong_size(client, stored).into());
                }
                client.profile().update(|profile| profile.final_names = FinalNames::InPlace);
            }
            TargetState::Unknown { .. } => (),
            TargetState::Absent => {
                let name = Name::InPlace(file.target.clone(), OldFile::Absent);
                match locate(client, &name, file.check.size).await? {
                    Located::StoredAs(stored) => {
                        return Err(self.stored_elsewhere(client, &name, stored).into());
                    }
                    Located::Taken => self.learn_taken(client, &name),
                    Located::Unknown => {
                        client.log(Status::FileTaken { path: file.target.to_string() });
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks for the sizes of both names, again and again while they are wrong.
    async fn look_at_names(
        &self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<NameState, Error> {
        let mut looks = Looks::new(client);
        loop {
            let commands = [Command::Size(file.target), Command::Size(file.part)];
            let replies = client.batch(&commands, 0, Stage::Rename).await?;
            let sizes: Vec<_> = replies.iter().map(|reply| client.parse_size(reply)).collect();
            let &[target, part] = sizes.as_slice() else { return Ok(NameState::Right) };
            let seen = SeenNames { target, part: Some(part) };
            if seen.are_right(file) {
                return Ok(NameState::Right);
            }
            if (target, part) == (Size::Missing, Size::Missing) {
                return Ok(NameState::Taken);
            }
            if !looks.next().await {
                return Ok(match (part, target) {
                    (Size::Bytes(_), _) => NameState::NotRenamed,
                    (_, Size::Bytes(size)) => NameState::Other(size),
                    (_, Size::Missing) => NameState::Taken,
                    (_, Size::Unknown) => NameState::Right,
                });
            }
        }
    }

    /// Looks at both names where `SIZE` does not tell. Once a rename was seen to take effect, the server
    /// is not asked again: this may cost a listing.
    async fn look_at_names_otherwise(
        &self,
        client: &mut Client,
        file: &CompleteFile<'_>,
    ) -> Result<NameState, Error> {
        let state = state_of(client, file.target).await?;
        if let Some(size) = state.file_size().filter(|size| *size != file.check.size) {
            return Ok(NameState::Other(size));
        }
        if let TargetState::Present { .. } = state
            && file.look != NameLook::Both
        {
            return Ok(NameState::Right);
        }
        Ok(match (state_of(client, file.part).await?, state) {
            (TargetState::Present { .. }, _) => NameState::NotRenamed,
            (TargetState::Absent, TargetState::Absent) => NameState::Taken,
            (TargetState::Absent, _) => NameState::Right,
            (TargetState::Unknown { .. }, _) => match client.is_proven_by_rnfr(file.part).await? {
                true => NameState::NotRenamed,
                false => NameState::Right,
            },
        })
    }
}

/// Notes that the server confirms renames that have no effect.
pub(super) fn learn_ignored_renames(client: &Client) {
    client.profile().learn_expiring(|profile| profile.part_names = PartNames::Final);
    client.log(Status::RenamesIgnored);
}

/// Looks up a name by other commands than `SIZE`.
async fn state_of(client: &mut Client, path: &RemotePath) -> Result<TargetState, Error> {
    let unknown = TargetState::Unknown { reason: UnknownTarget::NotReported };
    client.complete_lookup(path, unknown).await
}
