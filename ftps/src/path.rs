//! Paths on the server: bytes that fit into a command.

use std::{borrow::Cow, fmt};

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

use crate::reply::display_text;

/// The path of a file or a directory on the server.
///
/// It is not empty and holds no CR, LF or NUL, so it cannot end its command early. Otherwise it is
/// arbitrary bytes: UTF-8 if it was made from a string (RFC 2640), the server's bytes if it came
/// from a listing. `/` separates its parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemotePath(Vec<u8>);

/// An argument that would break a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForbiddenByte {
    /// The argument is empty.
    #[error("it is empty")]
    Empty,
    /// The argument holds CR, LF or NUL, which could end the command.
    #[error("it holds the byte 0x{byte:02x} at {at}")]
    At {
        /// The byte.
        byte: u8,
        /// Its offset in bytes.
        at: usize,
    },
    /// A secret holds CR, LF or NUL.
    #[error("it holds a line end or a NUL")]
    InSecret,
}

/// Checks for CR, LF and NUL.
pub(crate) fn refuse_forbidden(bytes: &[u8]) -> Result<(), ForbiddenByte> {
    let forbidden = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    match bytes.iter().position(forbidden) {
        Some(at) => Err(ForbiddenByte::At { byte: bytes[at], at }),
        None => Ok(()),
    }
}

/// See [`RemotePath::folded`].
pub(crate) fn fold(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    // Upper case first: some letters have several lower-case forms.
    let folded: String =
        text.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect();
    let names = folded.split('/').map(|name| name.trim_end_matches(['.', ' ']));
    names.collect::<Vec<_>>().join("/")
}

impl RemotePath {
    /// Creates a path from bytes.
    ///
    /// # Errors
    /// [`ForbiddenByte`] when it is empty or could end its command.
    pub fn new(path: impl Into<Vec<u8>>) -> Result<Self, ForbiddenByte> {
        let path = path.into();
        if path.is_empty() {
            return Err(ForbiddenByte::Empty);
        }
        refuse_forbidden(&path)?;
        Ok(Self(path))
    }

    /// Creates a path from text in Unicode's form NFC, with accents composed.
    ///
    /// Browsers on macOS return file names in form NFD, in which `ü` is two characters. Most
    /// servers compare bytes, and other systems name their files in NFC.
    ///
    /// # Errors
    /// [`ForbiddenByte`] when it is empty or could end its command.
    pub fn nfc(text: &str) -> Result<Self, ForbiddenByte> {
        Self::new(text.nfc().collect::<String>())
    }

    /// The root, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// The bytes as they go over the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text for display, lossy.
    #[must_use]
    pub fn display(&self) -> Cow<'_, str> {
        display_text(&self.0)
    }

    /// Returns one spelling for all paths that may be one file: disks ignore the case (FAT, NTFS, APFS),
    /// the Unicode form (APFS, HFS+), or dots and spaces at the end of a name (FAT, NTFS).
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }

    /// Whether it is absolute.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Joins `other` to this directory; returns `other` where that is absolute.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        if other.is_absolute() {
            return other.clone();
        }
        let mut joined = self.0.clone();
        if joined.last() != Some(&b'/') {
            joined.push(b'/');
        }
        joined.extend_from_slice(&other.0);
        Self(joined)
    }

    /// The directory that contains it; `None` for the root and for a bare name.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let trimmed = self.trimmed();
        let slash = trimmed.iter().rposition(|&byte| byte == b'/')?;
        let parent = match trimmed.get(..slash) {
            Some([]) | None => Self::root(),
            Some(parent) => Self(parent.to_vec()),
        };
        (trimmed != b"/").then_some(parent)
    }

    /// Its last part; `None` for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<Self> {
        let name = self.trimmed().rsplit(|&byte| byte == b'/').next()?;
        Self::new(name).ok()
    }

    /// The path and its parent directories, the outermost first, without the root.
    pub(crate) fn ancestry(&self) -> Vec<Self> {
        let mut chain: Vec<Self> = std::iter::successors(Some(self.clone()), Self::parent)
            .filter(|path| path.trimmed() != b"/")
            .collect();
        chain.reverse();
        chain
    }

    /// Returns this path with `named` in the place of `directory`, if it is that directory or below it.
    pub(crate) fn renamed_below(&self, directory: &Self, named: &Self) -> Option<Self> {
        let rest = self.trimmed().strip_prefix(directory.trimmed())?;
        match rest {
            [] => Some(named.clone()),
            [b'/', below @ ..] => Some(named.join(&Self(below.to_vec()))),
            _ => None,
        }
    }

    /// Whether both paths are the same but for slashes at the end.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.trimmed() == other.trimmed()
    }

    /// Removes slashes at the end, except the root's.
    fn trimmed(&self) -> &[u8] {
        let end = self.0.iter().rposition(|&byte| byte != b'/');
        end.map_or(b"/", |end| &self.0[..=end])
    }
}

impl TryFrom<&str> for RemotePath {
    type Error = ForbiddenByte;

    fn try_from(path: &str) -> Result<Self, ForbiddenByte> {
        Self::new(path)
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemotePath({:?})", self.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RemotePath {
        RemotePath::try_from(text).unwrap()
    }

    #[test]
    fn bytes_that_end_a_command_are_refused() {
        assert_eq!(
            RemotePath::try_from("a\r\nDELE b"),
            Err(ForbiddenByte::At { byte: 0x0d, at: 1 })
        );
        assert!(RemotePath::try_from("a\nb").is_err());
        assert!(RemotePath::try_from("a\0b").is_err());
        assert_eq!(RemotePath::try_from(""), Err(ForbiddenByte::Empty));
    }

    #[test]
    fn accents_are_composed_on_request_only() {
        let decomposed = "u\u{308}.txt";
        assert_eq!(RemotePath::nfc(decomposed), Ok(path("\u{fc}.txt")));
        assert_eq!(path(decomposed).as_bytes(), decomposed.as_bytes());
        assert!(RemotePath::nfc("a\r\n").is_err());
    }

    #[test]
    fn join_puts_one_slash() {
        assert_eq!(path("/a").join(&path("b c")), path("/a/b c"));
        assert_eq!(path("/").join(&path("b")), path("/b"));
        assert_eq!(path("/a").join(&path("/b")), path("/b"));
    }

    #[test]
    fn parent_and_name_take_a_path_apart() {
        assert_eq!(path("/a/b").parent(), Some(path("/a")));
        assert_eq!(path("/a/").parent(), Some(path("/")));
        assert_eq!(path("/").parent(), None);
        assert_eq!(path("a").parent(), None);
        assert_eq!(path("/a/b/").file_name(), Some(path("b")));
        assert_eq!(path("/").file_name(), None);
    }

    #[test]
    fn names_that_a_disk_may_take_for_one_fold_alike() {
        let folded = |text: &str| RemotePath::try_from(text).unwrap().folded();
        for (one, other) in
            [("/d/IMG.jpg", "/D/img.JPG"), ("gr\u{f6}\u{df}e", "GRO\u{308}SSE"), ("d./a. ", "d/a")]
        {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("a.txt"), folded("b.txt"));
        assert_ne!(folded("d/a"), folded("da"));
    }

    #[test]
    fn directory_with_another_name_changes_the_paths_below_it_only() {
        let renamed = |of: &str| path(of).renamed_below(&path("/a/B"), &path("/a/b_"));
        assert_eq!(renamed("/a/B/c/d"), Some(path("/a/b_/c/d")));
        assert_eq!(renamed("/a/B/"), Some(path("/a/b_")));
        for other in ["/a", "/a/Bc", "/a/b/c"] {
            assert_eq!(renamed(other), None, "{other}");
        }
    }

    #[test]
    fn ancestry_starts_at_the_top() {
        assert_eq!(path("/a/b/c").ancestry(), [path("/a"), path("/a/b"), path("/a/b/c")]);
        assert_eq!(path("a/b").ancestry(), [path("a"), path("a/b")]);
        assert_eq!(path("/").ancestry(), []);
    }
}
