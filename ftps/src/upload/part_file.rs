//! The part file: the file on the server that receives the bytes until it is complete.

use super::{adopted_file::AdoptedFile, temporary};
use crate::{client::Naming, path::RemotePath};

/// The part file of one upload: its name, and what may be under that name.
#[derive(Debug, Default)]
pub(super) enum PartFile {
    /// It has no name yet.
    #[default]
    Unnamed,
    /// The plan names the part file of an earlier upload. Until the session is open, it is not known
    /// whether that name belongs to this file.
    Given(RemotePath),
    /// Its name is chosen, and nothing of this upload is under it.
    Unwritten(Name),
    /// Something of the file may be under the name.
    Written(Written),
    /// It was complete, and the reply to its rename has not arrived.
    Renaming(Written),
    /// Its name is not used any more: it has to be removed.
    Abandoned(Written),
}

/// The name of a part file.
#[derive(Clone, Debug)]
pub(super) enum Name {
    /// A temporary name in the directory of the file.
    Temporary(RemotePath),
    /// The file's own name: the directory allows no renames.
    InPlace(RemotePath, OldFile),
}

/// What had the file's own name before the first byte was written in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldFile {
    /// Nothing, as far as is known.
    Absent,
    /// Another file. Some servers show it until a transfer ends: its size says nothing of the
    /// upload.
    Present,
}

/// A part file that was written to, and what is known of its content.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) name: Name,
    pub(super) origin: Origin,
    /// The end of everything that was ever sent under this name, in bytes from the file's start. More
    /// than that on the server is not from this upload.
    pub(super) sent: u64,
    /// The bytes that the server was last found to hold, at most `sent`.
    pub(super) held: u64,
}

/// Who wrote the first bytes of a part file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// This upload, or an earlier one of the same file.
    Upload,
    /// It is the file that had the name: see [`super::Existing::Resume`].
    Adopted(AdoptedFile),
}

impl Name {
    pub(super) fn path(&self) -> &RemotePath {
        match self {
            Self::Temporary(path) | Self::InPlace(path, _) => path,
        }
    }

    pub(super) fn is_in_place(&self) -> bool {
        matches!(self, Self::InPlace(..))
    }

    /// `given` as the name of a part file of `target`; `None` where it is not one.
    ///
    /// Any other name may belong to a complete file of another client.
    pub(super) fn of_given(given: RemotePath, target: &RemotePath, naming: Naming) -> Option<Self> {
        match naming {
            Naming::Temporary => temporary::is_of(&given, target).then_some(Self::Temporary(given)),
            Naming::InPlace => (given == *target).then_some(Self::InPlace(given, OldFile::Absent)),
        }
    }
}

impl Written {
    /// A part file before its first byte is sent.
    pub(super) fn new(name: Name) -> Self {
        Self { name, origin: Origin::Upload, sent: 0, held: 0 }
    }

    /// A part file that may hold all `size` bytes of the file, whoever sent them.
    pub(super) fn of_earlier(name: Name, origin: Origin, size: u64) -> Self {
        Self { name, origin, sent: size, held: 0 }
    }

    pub(super) fn is_adopted(&self) -> bool {
        matches!(self.origin, Origin::Adopted(_))
    }

    /// The same part file after bytes were sent.
    fn extended(&self) -> Self {
        let origin = match self.origin {
            Origin::Upload => Origin::Upload,
            Origin::Adopted(_) => Origin::Adopted(AdoptedFile::Extended),
        };
        Self { origin, ..self.clone() }
    }
}

impl PartFile {
    pub(super) fn new(given: Option<RemotePath>) -> Self {
        given.map_or(Self::Unnamed, Self::Given)
    }

    /// What may be on the server under the part file's name.
    pub(super) fn written(&self) -> Option<&Written> {
        match self {
            Self::Written(written) | Self::Renaming(written) | Self::Abandoned(written) => {
                Some(written)
            }
            Self::Unnamed | Self::Given(_) | Self::Unwritten(_) => None,
        }
    }

    pub(super) fn written_mut(&mut self) -> Option<&mut Written> {
        match self {
            Self::Written(written) | Self::Renaming(written) | Self::Abandoned(written) => {
                Some(written)
            }
            Self::Unnamed | Self::Given(_) | Self::Unwritten(_) => None,
        }
    }

    /// The bytes that the server was last found to hold.
    pub(super) fn held(&self) -> u64 {
        self.written().map_or(0, |written| written.held)
    }

    /// Whether it is an adopted file.
    pub(super) fn is_adopted(&self) -> bool {
        self.written().is_some_and(Written::is_adopted)
    }

    /// Notes that a transfer begins: from here on something may be under the name, whether the
    /// server answers or not. Returns the state before, for a server that refuses.
    pub(super) fn begin_transfer(&mut self) -> Self {
        let begun = match self {
            Self::Unwritten(name) => Self::Written(Written::new(name.clone())),
            Self::Written(written) | Self::Renaming(written) => Self::Written(written.extended()),
            Self::Unnamed => Self::Unnamed,
            Self::Given(name) => Self::Given(name.clone()),
            Self::Abandoned(written) => Self::Abandoned(written.clone()),
        };
        std::mem::replace(self, begun)
    }

    /// Notes that the rename to the file's own name is sent.
    pub(super) fn begin_rename(&mut self) {
        *self = match std::mem::take(self) {
            Self::Written(written) => Self::Renaming(written),
            other => other,
        };
    }

    /// Notes that the rename was refused, or taken back.
    pub(super) fn end_rename(&mut self) {
        *self = match std::mem::take(self) {
            Self::Renaming(written) => Self::Written(written),
            other => other,
        };
    }

    /// Gives up the name. What may be under it has to be removed.
    pub(super) fn abandon(&mut self) {
        *self = match std::mem::take(self) {
            Self::Written(written) | Self::Renaming(written) | Self::Abandoned(written) => {
                Self::Abandoned(written)
            }
            Self::Unnamed | Self::Given(_) | Self::Unwritten(_) => Self::Unnamed,
        };
    }
}
