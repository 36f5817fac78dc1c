//! Chooses the name that the bytes go to: a temporary name; if the server refuses that, one with the
//! file's extension; then the final name in a temporary directory; else the final name.

use std::io;

use super::{
    Existing, Run, Source, UploadError,
    part_file::{Name, OldFile, Origin, PartFile, Written},
    replaced_file::ReplacedFile,
    temporary::{self, Form},
    unless_cancelled,
};
use crate::{
    client::{Client, Naming, size::Size},
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

/// The reason of a refused temporary name, the surer one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refused {
    /// Perhaps the name, perhaps new files in this directory.
    Perhaps,
    /// The server says that the name is not allowed.
    Names,
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
            && !part.may_be_adopted()
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
                    self.temporary_directories.note_given(name.path());
                    let size = self.plan.size;
                    let part = Written::of_earlier(name.clone(), self.origin_of_given(), size);
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

    /// Who may have written the first bytes of the part file that the plan names.
    pub(super) fn origin_of_given(&self) -> Origin {
        match self.plan.existing {
            Existing::Resume => Origin::MaybeAdopted,
            Existing::Keep | Existing::Replace => Origin::Upload,
        }
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
        let form = self.form(client.profile().get().part_names);
        temporary::beside(target, form, client.random())
    }

    /// The form of temporary names that is tried, or the server's as far as it is known.
    fn form(&self, known: PartNames) -> Form {
        let names = match self.other_names {
            OtherNames::Tried(names, _) => names,
            OtherNames::None | OtherNames::Final => known,
        };
        match names {
            PartNames::Temporary | PartNames::Final => Form::Suffix,
            PartNames::WithExtension => Form::BeforeExtension,
            PartNames::InDirectory => Form::InDirectory,
        }
    }

    /// Returns the name of a part file that is written to next, after its temporary directory was made, if
    /// it has one.
    pub(super) async fn in_made_directory(
        &mut self,
        client: &mut Client,
        name: Name,
        held: Size,
    ) -> Result<Name, UploadError<S::Error>> {
        // A file that is there shows that its directory is.
        let path = match &name {
            Name::Temporary(path) if !matches!(held, Size::Bytes(_)) => path,
            Name::Temporary(_) | Name::InPlace(..) => return Ok(name),
        };
        let made = self.temporary_directories.make_for(client, path);
        let path = unless_cancelled(self.cancel, made).await??;
        self.part.set_temporary_name(path.clone());
        Ok(Name::Temporary(path))
    }

    /// Decides which names are tried next, if the server refused a temporary name: perhaps it allows
    /// others. Returns whether any are left.
    pub(super) fn try_other_names(&mut self, client: &ManagedClient, error: &Error) -> bool {
        let Some(target) = &self.target else { return false };
        let PartFile::Unwritten(Name::Temporary(name)) = &self.part else { return false };
        let refused = match (error.refused_verb(), temporary::directory_of(name)) {
            (Some("STOR"), _) if may_be_about_name(error) => name.clone(),
            (Some("MKD"), Some(directory)) if error.is_permanent() => directory,
            _ => return false,
        };
        let names = match Form::of(name, target).next(target) {
            Some(form) => names_of(form),
            None => PartNames::Final,
        };
        client.log_about(error, Status::TemporaryNameRefused { path: refused.to_string() });
        self.other_names = OtherNames::Tried(names, self.reason_with(error));
        self.part = PartFile::Unnamed;
        true
    }

    /// The reason why temporary names are refused, by this error and those before it.
    fn reason_with(&self, error: &Error) -> Refused {
        match self.other_names {
            OtherNames::Tried(_, before) => before.max(reason_of(error)),
            OtherNames::None | OtherNames::Final => reason_of(error),
        }
    }

    /// Notes that the server accepted a name after it had refused another one.
    pub(super) fn learn_other_names(&mut self, client: &Client, target: &RemotePath) {
        let OtherNames::Tried(names, refused) = self.other_names else { return };
        // A directory may forbid new files or directories, which says nothing of others.
        if names == PartNames::Final {
            client.write_in_place(target);
        }
        let learned = match (names, refused) {
            (PartNames::Final, Refused::Perhaps) => None,
            (PartNames::Final, Refused::Names) => Some(PartNames::InDirectory),
            (names, _) => Some(names),
        };
        if let Some(names) = learned {
            client.profile().learn_expiring(|profile| profile.part_names = names);
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
            && let Some(names) = self.names_for_adopted(client, &target, error)
        {
            self.other_names = OtherNames::Tried(names, self.reason_with(error));
            return true;
        }
        if !is_writing_in_place(client, &target) {
            client.directories().write_in_place(&target);
            client.log_about(error, Status::RenameForbidden);
        }
        self.part.abandon();
        true
    }

    /// The temporary names that an adopted file is to get after the server refused another one. A
    /// directory is only made for it if the server refused the name.
    fn names_for_adopted(
        &self,
        client: &ManagedClient,
        target: &RemotePath,
        error: &Error,
    ) -> Option<PartNames> {
        let next = self.form(client.profile().get().part_names).next(target)?;
        let is_tried = next == Form::BeforeExtension || reason_of(error) == Refused::Names;
        is_tried.then(|| names_of(next))
    }
}

/// The names of a form.
fn names_of(form: Form) -> PartNames {
    match form {
        Form::Suffix => PartNames::Temporary,
        Form::BeforeExtension => PartNames::WithExtension,
        Form::InDirectory => PartNames::InDirectory,
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

/// Whether the server may have refused a transfer for the name.
fn may_be_about_name(error: &Error) -> bool {
    error.stage() == Stage::Transfer
        && error.refusal().is_some_and(|reply| is_about_name(reply.code()))
        && error.evidence().data_tls.is_none()
}

/// Codes with which servers refuse a name. vsftpd's 550 does not tell a name from a directory.
fn is_about_name(code: Code) -> bool {
    matches!(code.value(), 501 | 504 | 550 | 553)
}
