//! Claims, their outcomes and their ends.

use std::{fmt, time::Duration};

use crate::database::secrets::Sealed;

/// Who claims files.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The id of the drop.
    pub drop: String,
    /// The preset of the drop.
    pub preset: String,
    /// The arrival, which begins with its first claimed file.
    pub arrival: NewArrival,
    /// The portal.
    pub instance: String,
    /// The time after which the claims of a portal end that does not renew them.
    pub lease: Duration,
}

/// An arrival that may begin.
#[derive(Clone, Debug)]
pub struct NewArrival {
    /// Its id, which is also the number of its receipt.
    pub id: String,
    /// The SHA-256 of the key with which its guest comes back.
    pub key_sha256: Vec<u8>,
    /// The guest's address, as far as it is kept.
    pub client: String,
    /// Who the guest is, and the folder, sealed as [`super::ARRIVAL_SECRET`] of the id.
    pub guest: Sealed,
}

/// A file that is to be claimed.
#[derive(Clone)]
pub struct ClaimRequest<'a> {
    /// The id of the file.
    pub file: String,
    /// The SHA-256 of its name as the guest sent it.
    pub name_sha256: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// Name and path, sealed as [`super::FILE_SECRET`] of the id.
    pub sealed: Sealed,
    /// Returns the SHA-256 of the path with a number; 1 stands for the path as it is.
    pub path_sha256: &'a (dyn Fn(u32) -> Vec<u8> + Send + Sync),
    /// The first number.
    pub number: u32,
}

impl fmt::Debug for ClaimRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimRequest").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is the portal's; the path has this number.
    Claimed {
        /// 1 for the path as it is.
        number: u32,
    },
    /// It is not.
    Refused(ClaimRefusal),
}

/// Why a file is not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimRefusal {
    /// The drop was withdrawn, or there is none.
    Revoked,
    /// The drop has not begun.
    TooEarly,
    /// The drop's time is over.
    Expired,
    /// The file is larger than a file may be.
    FileTooLarge {
        /// The most bytes of a file.
        max: u64,
    },
    /// There are as many files as there may be.
    NoFiles,
    /// The file is larger than what is left.
    NoBytes {
        /// The bytes that are left.
        left: u64,
    },
    /// There are as many arrivals as there may be.
    NoArrivals,
    /// All numbers of the path are claimed.
    NoName,
}

/// A file of an arrival that its guest offers again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierFile {
    /// Its id.
    pub file: String,
    /// The number of its path.
    pub number: u32,
    /// Name and path.
    pub sealed: Sealed,
    /// What its claim is now.
    pub claim: EarlierClaim,
}

/// The claim of a file that is offered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierClaim {
    /// It is the portal's now, and nobody else writes the file.
    Resumed,
    /// It is the portal's now, and another portal may still write under the temporary name.
    TakenOver,
    /// It was given back: the file has to be claimed again.
    Released,
}

/// A stored file's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    /// The SHA-256 in hexadecimal digits; empty where it is unknown.
    pub sha256: String,
    /// How it was verified, as the portal writes it.
    pub verified: String,
}

/// How a claim ends without a stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// The guest cancelled it, or it was given up.
    Released,
    /// It failed.
    Failed,
}

impl NotStored {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Failed => "failed",
        }
    }
}

/// A claim that has ended because no portal renewed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredClaim {
    /// The file.
    pub file: String,
    /// Its arrival.
    pub arrival: String,
    /// Its drop.
    pub drop: String,
    /// The preset of its drop.
    pub preset: String,
    /// Name, path and part file of an upload that was paused: its guest did not come back.
    pub paused: Option<Sealed>,
}
