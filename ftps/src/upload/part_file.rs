//! The part file: the file on the server that receives the bytes until it is complete.

use super::{adopted_file::AdoptedFile, temporary};
use crate::{client::Naming, path::RemotePath};

/// The part file of one upload, by how far it has got.
#[derive(Debug, Default)]
pub(super) enum PartFile {
    /// It has no name yet.
    #[default]
    Unnamed,
    /// The plan names the part file of an earlier upload. Whether the name belongs to this file is
    /// checked once the session is open.
    Given(RemotePath),
    /// Its name is chosen; nothing was sent to it.
    Unwritten(Name),
    /// A part of the file may be under the name.
    Written(Written),
    /// It was complete, and the reply to its rename has not arrived.
    Renaming(Written),
    /// Its name is no longer used: it has to be removed.
    Abandoned(Written),
}

/// The name of a part file.
#[derive(Clone, Debug)]
pub(super) enum Name {
    /// A temporary name in the directory of the file, or in a temporary directory there.
    Temporary(RemotePath),
    /// The final name: the directory allows no renames.
    InPlace(RemotePath, OldFile),
}

/// Whether a file had the final name before the first byte was written in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldFile {
    /// No file is known.
    Absent,
    /// A file had the name. Some servers show it until the transfer ends, so a size may be that of the old
    /// file.
    Present {
        /// Its size in bytes, if the server reported it.
        size: Option<u64>,
    },
}

/// A part file that was written to, and how much of the file it may hold.
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
    /// Another client: the file had the final name ([`super::Existing::Resume`]).
    Adopted(AdoptedFile),
    /// An earlier upload of the same file, or another client whose file that upload adopted.
    MaybeAdopted,
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

    /// Returns `given` as the name of a part file of `target`; `None` if it is not one.
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

    /// A part file of an earlier upload, which may hold all `size` bytes of the file.
    pub(super) fn of_earlier(name: Name, origin: Origin, size: u64) -> Self {
        Self { name, origin, sent: size, held: 0 }
    }

    pub(super) fn is_adopted(&self) -> bool {
        matches!(self.origin, Origin::Adopted(_))
    }

    /// Whether its first bytes may be the only copy of another client's file.
    pub(super) fn may_be_adopted(&self) -> bool {
        matches!(self.origin, Origin::Adopted(_) | Origin::MaybeAdopted)
    }

    /// The same part file after bytes were sent.
    fn extended(&self) -> Self {
        let origin = match self.origin {
            Origin::Upload | Origin::MaybeAdopted => self.origin,
            Origin::Adopted(_) => Origin::Adopted(AdoptedFile::Extended),
        };
        Self { origin, ..self.clone() }
    }
}

impl PartFile {
    pub(super) fn new(given: Option<RemotePath>) -> Self {
        given.map_or(Self::Unnamed, Self::Given)
    }

    /// The part file, if something may be under its name.
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

    /// Whether its first bytes may be the only copy of another client's file.
    pub(super) fn may_be_adopted(&self) -> bool {
        self.written().is_some_and(Written::may_be_adopted)
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

    /// Notes that the part file has another temporary name.
    pub(super) fn set_temporary_name(&mut self, path: RemotePath) {
        match self {
            Self::Unwritten(name) => *name = Name::Temporary(path),
            Self::Written(written) | Self::Renaming(written) | Self::Abandoned(written) => {
                written.name = Name::Temporary(path);
            }
            Self::Unnamed | Self::Given(_) => (),
        }
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

    /// Discards the content, which the server refused: a temporary name is abandoned, a file in place
    /// is sent from its start.
    pub(super) fn discard_content(&mut self) {
        match self {
            Self::Written(written) if written.name.is_in_place() => {
                (written.sent, written.held) = (0, 0);
            }
            _ => self.abandon(),
        }
    }

    /// Forgets the part file: the server has taken it away.
    pub(super) fn forget(&mut self) {
        *self = Self::Unnamed;
    }

    /// Abandons the name. A file that may be under it has to be removed.
    pub(super) fn abandon(&mut self) {
        *self = match std::mem::take(self) {
            Self::Written(written) | Self::Renaming(written) | Self::Abandoned(written) => {
                Self::Abandoned(written)
            }
            Self::Unnamed | Self::Given(_) | Self::Unwritten(_) => Self::Unnamed,
        };
    }
}
