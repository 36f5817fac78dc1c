//! Links, files and the ends of their uploads.

use protocol::{
    client::Secret,
    guest::{GuestProblem, GuestReason},
    server::{Algorithm, Verified},
    session::Join,
};

use crate::content::Content;

/// The link of a drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The id of the drop.
    pub id: String,
    /// The secret behind `#`.
    pub secret: String,
    /// The password.
    pub password: Option<String>,
}

impl Link {
    /// Reads a link.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn parse(link: &str) -> Self {
        let (address, secret) = link.trim().split_once('#').expect("a link with a secret");
        let (_, id) = address.rsplit_once("/d/").expect("a link of a drop");
        Self { id: id.to_owned(), secret: secret.to_owned(), password: None }
    }

    /// Returns the link with a password.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        Self { password: Some(password.to_owned()), ..self }
    }

    pub(super) fn join(&self) -> Join {
        Join::Drop {
            id: self.id.clone(),
            secret: Secret::new(self.secret.clone()),
            password: self.password.clone().map(Secret::new),
        }
    }
}

/// A file of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestFile {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// Whether the guest sends its digest.
    pub digest: bool,
}

/// The bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Computed.
    Made(Content),
    /// Given.
    Given(Vec<u8>),
}

impl Bytes {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Made(content) => content.len,
            Self::Given(bytes) => bytes.len() as u64,
        }
    }

    pub(super) fn piece(&self, offset: u64, len: u64) -> Vec<u8> {
        match self {
            Self::Made(content) => content.piece(offset, len),
            Self::Given(bytes) => {
                let from = usize::try_from(offset).expect("a small file");
                let len = usize::try_from(len).expect("a small piece");
                bytes[from..].iter().take(len).copied().collect()
            }
        }
    }

    pub(super) fn digest(&self, from: u64) -> String {
        match self {
            Self::Made(content) => content.digest(from, Algorithm::Sha256),
            Self::Given(_) => panic!("given bytes are sent without a digest"),
        }
    }
}

impl GuestFile {
    /// A file with computed bytes, whose digest the guest sends.
    #[must_use]
    pub fn new(path: &str, len: u64, seed: u64) -> Self {
        let bytes = Bytes::Made(Content { len, seed });
        Self { path: path.to_owned(), bytes, digest: true }
    }

    /// A file with these bytes.
    #[must_use]
    pub fn given(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), bytes: Bytes::Given(bytes.to_vec()), digest: false }
    }

    /// Returns the SHA-256 in hexadecimal digits.
    ///
    /// # Panics
    /// When the bytes are given.
    #[must_use]
    pub fn sha256(&self) -> String {
        self.bytes.digest(0)
    }
}

/// How an upload of a guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestOutcome {
    /// The file is stored.
    Done {
        /// How it was verified.
        verified: Verified,
        /// Its SHA-256.
        sha256: Option<String>,
    },
    /// It was cancelled.
    Cancelled,
    /// It was paused.
    Paused,
    /// It failed.
    Failed(GuestProblem),
}

impl GuestOutcome {
    /// Returns why it failed.
    #[must_use]
    pub fn reason(&self) -> Option<GuestReason> {
        match self {
            Self::Failed(problem) => Some(problem.reason),
            Self::Done { .. } | Self::Cancelled | Self::Paused => None,
        }
    }

    /// Returns whether the file is stored.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}
