//! Chooses the name that the bytes go to: a temporary name, a temporary name with the file's extension if
//! the server refuses the first, else the final name.

use std::io;

use super::{
    Existing, Run, Source, UploadError,
    part_file::{Name, OldFile, Origin, PartFile, Written},
    replaced_file::ReplacedFile,
    temporary::{self, Form},
};
use crate::{
    client::{Client, Naming},
    diagnosis::Cause,
    error::{Error, Kind},
    path::RemotePath,
    pool::ManagedClient,
    profile::PartNames,
    reply::Code,
    stage::Stage,
    transcript::Status,
};

/// Names that are tried after the server refused a temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherNames {
    /// None: the profile's are used.
    None,
    /// These, because of that refusal.
    Tried(PartNames, Refused),
    /// The final name, to the end of this upload: the server gave a part file no final name.
    Final,
}

/// The reason of a refused temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The server says that the name is not allowed.
    Names,
    /// Perhaps the name, perhaps new files in this directory.
    Perhaps,
}

impl<S: Source> Run<'_, S> {
    /// Returns the name that the bytes go to: the current one where it is still usable, else a new one.
    /// An abandoned part file is removed first.
    pub(super) async fn choose_name(
        &mut self,
        client: &mut Client,
        target: &RemotePath,
    ) -> Result<Name, UploadError<S::Error>> {
        let naming = match (self.replaced, self.other_names) {
            (ReplacedFile::Link, _)
            | (_, OtherNames::Tried(PartNames::Final, _) | OtherNames::Final) => Naming::InPlace,
            (ReplacedFile::Unseen | ReplacedFile::File { .. }, _) => client.naming(target),
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
                self.new_name(client, target, naming)?
            }
            PartFile::Unwritten(_) | PartFile::Unnamed | PartFile::Abandoned(_) => {
                self.new_name(client, target, naming)?
            }
        };
        self.part = PartFile::Unwritten(name.clone());
        Ok(name)
    }

    /// Returns a new temporary name, or the final name if the directory allows no renames.
    fn new_name(
        &self,
        client: &Client,
        target: &RemotePath,
        naming: Naming,
    ) -> Result<Name, Error> {
        match naming {
            Naming::InPlace => Ok(Name::InPlace(target.clone(), OldFile::Absent)),
            Naming::Temporary => {
                let name = self.temporary_name(client, target);
                name.map(Name::Temporary).map_err(|e| Kind::NoRandomness(e).at(Stage::Transfer))
            }
        }
    }

    /// Returns a new temporary name in the form that the server is known to allow, or that is tried.
    pub(super) fn temporary_name(
        &self,
        client: &Client,
        target: &RemotePath,
    ) -> io::Result<RemotePath> {
        let names = match self.other_names {
            OtherNames::Tried(names, _) => names,
            OtherNames::None | OtherNames::Final => client.profile().get().part_names,
        };
        let form = match names {
            PartNames::WithExtension => Form::BeforeExtension,
            PartNames::Temporary | PartNames::Final => Form::Suffix,
        };
        temporary::beside(target, form, client.random())
    }

    /// Decides which names are tried next, if the server refused a temporary name: perhaps it allows
    /// others. Returns whether any are left.
    pub(super) fn try_other_names(&mut self, client: &ManagedClient, error: &Error) -> bool {
        let Some(target) = &self.target else { return false };
        let may_be_name = error.stage() == Stage::Transfer
            && error.refused_verb() == Some("STOR")
            && error.refusal().is_some_and(|reply| is_about_name(reply.code()))
            && error.evidence().data_tls.is_none();
        let PartFile::Unwritten(Name::Temporary(name)) = &self.part else { return false };
        if !may_be_name {
            return false;
        }
        let names = match name.as_bytes().ends_with(temporary::MARK.as_bytes()) {
            true if temporary::has_extension(target) => PartNames::WithExtension,
            _ => PartNames::Final,
        };
        client.log_about(error, Status::TemporaryNameRefused { path: name.to_string() });
        self.other_names = OtherNames::Tried(names, reason_of(error));
        self.part = PartFile::Unnamed;
        true
    }

    /// Notes that the server accepted a name after it had refused another one.
    pub(super) fn learn_other_names(&mut self, client: &Client, target: &RemotePath) {
        let OtherNames::Tried(names, refused) = self.other_names else { return };
        match (names, refused) {
            // The directory may forbid new files.
            (PartNames::Final, Refused::Perhaps) => client.write_in_place(target),
            _ => client.profile().learn_expiring(|profile| profile.part_names = names),
        }
        self.other_names = OtherNames::None;
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
        if error.refused_verb() == Some("RNTO")
            && self.other_names == OtherNames::None
            && client.profile().get().part_names == PartNames::Temporary
            && temporary::has_extension(&target)
        {
            self.other_names = OtherNames::Tried(PartNames::WithExtension, reason_of(error));
            return true;
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

/// The reason of a refused temporary name.
fn reason_of(error: &Error) -> Refused {
    match Cause::of(error) {
        Cause::NameNotAllowed => Refused::Names,
        _ => Refused::Perhaps,
    }
}

/// Codes with which servers refuse a name. vsftpd's 550 does not tell a name from a directory.
fn is_about_name(code: Code) -> bool {
    matches!(code.value(), 501 | 504 | 550 | 553)
}
