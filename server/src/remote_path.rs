//! Paths on the FTPS server, as the page writes them.

mod problems;

use ftps::RemotePath;

/// The longest path in bytes: PATH_MAX of the systems that servers run on.
pub(crate) const MAX_LEN: usize = 4096;

/// A path that the portal does not use, as the page sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRefusal {
    /// No FTP command can carry it, it contains `..`, or it is longer than `MAX_LEN` bytes.
    Invalid(String),
    /// The name is not that of a part file.
    NotALeftover(String),
    /// The text does not identify one file.
    NotExact(String),
    /// The root, the directory that the login opened, or one that contains it.
    Protected(String),
}

/// Parses a path. A relative one stays relative to the directory that the login opened.
///
/// # Errors
/// [`PathRefusal::Invalid`].
pub fn parse(path: &str) -> Result<RemotePath, PathRefusal> {
    let invalid = || PathRefusal::Invalid(path.to_owned());
    if path.split('/').any(|part| part == "..") {
        return Err(invalid());
    }
    RemotePath::new(path).map_err(|_| invalid())
}

/// Checks the length of a path.
///
/// # Errors
/// [`PathRefusal::Invalid`].
pub fn check_len(path: &str) -> Result<(), PathRefusal> {
    if path.len() > MAX_LEN { Err(PathRefusal::Invalid(path.to_owned())) } else { Ok(()) }
}

/// Parses a path and makes it absolute: relative ones start at `directory`, the one that the login
/// opened.
///
/// # Errors
/// [`PathRefusal::Invalid`].
pub fn absolute(directory: &RemotePath, path: &str) -> Result<RemotePath, PathRefusal> {
    if path.is_empty() {
        return Ok(directory.clone());
    }
    Ok(directory.join(&parse(path)?))
}

/// Parses the path of a part file, as [`absolute`] does.
///
/// # Errors
/// [`PathRefusal::NotALeftover`], and as for [`absolute`].
pub fn leftover(directory: &RemotePath, path: &str) -> Result<RemotePath, PathRefusal> {
    let absolute = absolute(directory, path)?;
    match ftps::upload::temporary::target_of(&absolute) {
        Some(_) => Ok(absolute),
        None => Err(PathRefusal::NotALeftover(path.to_owned())),
    }
}

/// Parses a path as [`absolute`] does and normalizes it, so that every server understands it in
/// the same way.
///
/// # Errors
/// [`PathRefusal::NotExact`] when the path contains U+FFFD, with which the portal shows bytes that
/// are not UTF-8; and as for [`absolute`].
pub fn normalized(directory: &RemotePath, path: &str) -> Result<RemotePath, PathRefusal> {
    if path.contains(char::REPLACEMENT_CHARACTER) {
        return Err(PathRefusal::NotExact(path.to_owned()));
    }
    Ok(normalize(&absolute(directory, path)?))
}

/// Parses the path of a file or directory that is to be renamed or deleted, as [`normalized`] does.
///
/// # Errors
/// [`PathRefusal::Protected`], and as for [`normalized`].
pub fn changeable(directory: &RemotePath, path: &str) -> Result<RemotePath, PathRefusal> {
    let changed = normalized(directory, path)?;
    match is_within(&normalize(directory), &changed) {
        true => Err(PathRefusal::Protected(path.to_owned())),
        false => Ok(changed),
    }
}

/// Returns whether a path is `directory` or below it. Both have to be normalized.
#[must_use]
pub fn is_within(path: &RemotePath, directory: &RemotePath) -> bool {
    let directory = directory.as_bytes().strip_suffix(b"/").unwrap_or(directory.as_bytes());
    let rest = path.as_bytes().strip_prefix(directory);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// Removes empty parts and `.` from an absolute path.
#[must_use]
pub fn normalize(path: &RemotePath) -> RemotePath {
    let parts = path.as_bytes().split(|&byte| byte == b'/');
    let names = parts.filter_map(|part| RemotePath::new(part).ok());
    let names = names.filter(|name| name.as_bytes() != b".");
    names.fold(RemotePath::root(), |path, name| path.join(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text).unwrap()
    }

    #[test]
    fn relative_path_starts_at_the_directory_of_the_login() {
        let home = path("/home");
        assert_eq!(absolute(&home, "a/b").unwrap().display(), "/home/a/b");
        assert_eq!(absolute(&home, "/a/b").unwrap().display(), "/a/b");
        assert_eq!(absolute(&home, "").unwrap().display(), "/home");
        assert!(absolute(&home, "../b").is_err());
        assert!(absolute(&home, "a\r\nDELE b").is_err());
    }

    #[test]
    fn only_temporary_names_may_be_removed() {
        let home = path("/home");
        let removed = leftover(&home, "a/b.txt.0123abcd.part").unwrap();
        assert_eq!(removed.display(), "/home/a/b.txt.0123abcd.part");
        let removed = leftover(&home, "ferryport-0123abcd/b.txt").unwrap();
        assert_eq!(removed.display(), "/home/ferryport-0123abcd/b.txt");
        let others = [
            "",
            "/",
            "ferryport-0123abcd",
            "b.txt",
            "b.part",
            "../b.0123abcd.part",
            "b.0123abcd.part/c",
        ];
        for other in others {
            assert!(leftover(&home, other).is_err(), "{other}");
        }
    }

    #[test]
    fn neither_the_root_nor_a_parent_of_the_directory_of_the_login_is_changed() {
        let home = path("/home/ada/");
        for refused in ["", "/", ".", "./", "//", "/home", "/home/./ada", "/home//ada/", "../bob"] {
            assert!(changeable(&home, refused).is_err(), "{refused}");
        }
        for (given, meant) in
            [("a", "/home/ada/a"), ("a/./b//", "/home/ada/a/b"), ("/home/ad", "/home/ad")]
        {
            assert_eq!(changeable(&home, given).unwrap(), path(meant));
        }
        assert_eq!(changeable(&RemotePath::root(), "a").unwrap(), path("/a"));
    }

    #[test]
    fn name_that_is_not_shown_exactly_is_refused() {
        for name in ["a\u{fffd}b", "a\r\nDELE b", "a\0"] {
            assert!(changeable(&RemotePath::root(), name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn directory_is_within_itself_and_not_within_its_namesake() {
        assert!(is_within(&path("/a"), &path("/a")));
        assert!(is_within(&path("/a/b"), &path("/a")));
        assert!(is_within(&path("/a"), &RemotePath::root()));
        assert!(!is_within(&path("/ab"), &path("/a")));
        assert!(!is_within(&path("/"), &path("/a")));
    }
}
