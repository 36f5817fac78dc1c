//! Chooses the name that the bytes go to.

use super::{
    Existing, Run, Source, UploadError,
    part_file::{Name, OldFile, Origin, PartFile, Written},
    replaced_file::ReplacedFile,
    temporary,
};
use crate::{
    client::{Client, Naming},
    error::{Error, Kind},
    path::RemotePath,
    pool::ManagedClient,
    stage::Stage,
    transcript::Status,
};

impl<S: Source> Run<'_, S> {
    /// Returns the name that the bytes go to: the current one where it is still usable, else a new one.
    /// An abandoned part file is removed first.
    pub(super) async fn choose_name(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<Name, UploadError<S::Error>> {
        let naming = match self.replaced {
            ReplacedFile::Link => Naming::InPlace,
            ReplacedFile::Unseen | ReplacedFile::File { .. } => client.naming(target),
        };
        let is_in_place = naming == Naming::InPlace;
        if let PartFile::Written(part) = &self.part
            && !part.is_adopted()
            && is_in_place
            && !part.name.is_in_place()
        {
            // Another upload found out meanwhile that the server allows no renames.
            self.part.abandon();
        }
        self.remove_abandoned(client).await?;
        if is_in_place {
            client.log(Status::WritingInPlace { path: target.to_string() });
        }
        let name = match &self.part {
            PartFile::Written(part) | PartFile::Renaming(part) => return Ok(part.name.clone()),
            PartFile::Unwritten(name) if name.is_in_place() == is_in_place => name.clone(),
            PartFile::Given(given) => {
                let given = client.absolute(given);
                if let Some(name) = Name::of_given(given, target, naming) {
                    let size = self.plan.size;
                    let part = Written::of_earlier(name.clone(), Origin::Upload, size);
                    self.part = PartFile::Written(part);
                    return Ok(name);
                }
                new_name(client, target, naming)?
            }
            PartFile::Unwritten(_) | PartFile::Unnamed | PartFile::Abandoned(_) => {
                new_name(client, target, naming)?
            }
        };
        self.part = PartFile::Unwritten(name.clone());
        Ok(name)
    }

    /// Notes that the directory allows no renames, if the error shows that: the next attempt writes in
    /// place. Returns whether it does.
    pub(super) fn learn_naming(&mut self, client: &ManagedClient, error: &Error) -> bool {
        let Some(target) = self.target.clone() else { return false };
        let is_refused = match error.refused_verb() {
            // An adopted file that cannot be renamed back says nothing of others.
            Some("RNFR") => !self.part.is_adopted(),
            // The adoption was refused.
            Some("RNTO") => self.part.written().is_none() && self.plan.existing == Existing::Resume,
            _ => false,
        };
        let is_in_place = self.part.written().is_some_and(|part| part.name.is_in_place());
        if !is_refused || !error.is_permanent() || is_in_place {
            return false;
        }
        if !is_writing_in_place(client, &target) {
            client.directories().write_in_place(&target);
            client.log_about(error, Status::RenameForbidden);
        }
        self.part.abandon();
        true
    }
}

/// Whether files in the directory of `target` are written under their own names.
fn is_writing_in_place(client: &ManagedClient, target: &RemotePath) -> bool {
    client.directories().naming(target) == Naming::InPlace
}

/// Returns a new temporary name, or the final name if the directory allows no renames.
fn new_name(client: &Client, target: &RemotePath, naming: Naming) -> Result<Name, Error> {
    match naming {
        Naming::InPlace => Ok(Name::InPlace(target.clone(), OldFile::Absent)),
        Naming::Temporary => {
            let name = temporary::beside(target, client.random());
            name.map(Name::Temporary).map_err(|e| Kind::NoRandomness(e).at(Stage::Transfer))
        }
    }
}
