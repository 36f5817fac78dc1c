//! Paths on the FTPS server, as the page writes them.

use ftps::RemotePath;
use protocol::Problem;

use crate::problems::Problems;

/// The longest path in bytes: PATH_MAX of the systems that servers run on.
pub(crate) const MAX_LEN: usize = 4096;

/// Parses a path. A relative one stays relative to the directory that the login opened. Returns
/// `None` when no FTP command can carry it, or it contains `..`.
#[must_use]
pub fn parse(path: &str) -> Option<RemotePath> {
    let has_parent = path.split('/').any(|part| part == "..");
    if has_parent { None } else { RemotePath::new(path).ok() }
}

/// Parses a path and makes it absolute: relative ones start at `directory`, the one that the login
/// opened.
///
/// # Errors
/// When no FTP command can carry the path, or it contains `..`.
pub fn absolute(
    directory: &RemotePath,
    path: &str,
    problems: Problems,
) -> Result<RemotePath, Problem> {
    if path.is_empty() {
        return Ok(directory.clone());
    }
    let path = parse(path).ok_or_else(|| problems.bad_path(path, MAX_LEN))?;
    Ok(directory.join(&path))
}

/// Parses the path of a file that an upload left behind, as [`absolute`] does.
///
/// # Errors
/// When the name is no temporary one, and as for [`absolute`].
pub fn leftover(
    directory: &RemotePath,
    path: &str,
    problems: Problems,
) -> Result<RemotePath, Problem> {
    let absolute = absolute(directory, path, problems)?;
    let is_leftover = ftps::upload::temporary::target_of(&absolute).is_some();
    is_leftover.then_some(absolute).ok_or_else(|| problems.not_a_leftover(path))
}

/// Parses a path as [`absolute`] does and normalizes it, so that every server understands it in
/// the same way.
///
/// # Errors
/// As for [`absolute`], and when the text does not identify one file: the portal shows with U+FFFD
/// the bytes of a name that are not UTF-8.
pub fn normalized(
    directory: &RemotePath,
    path: &str,
    problems: Problems,
) -> Result<RemotePath, Problem> {
    if path.contains(char::REPLACEMENT_CHARACTER) {
        return Err(problems.name_not_exact(path));
    }
    Ok(normalize(&absolute(directory, path, problems)?))
}

/// Parses the path of a file or directory that is to be renamed or deleted, as [`normalized`] does.
///
/// # Errors
/// As for [`normalized`], and when the path is `directory`, the one that the login opened, or one
/// that contains it.
pub fn changeable(
    directory: &RemotePath,
    path: &str,
    problems: Problems,
) -> Result<RemotePath, Problem> {
    let changed = normalized(directory, path, problems)?;
    match is_within(&normalize(directory), &changed) {
        true => Err(problems.not_to_be_changed(path)),
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
fn normalize(path: &RemotePath) -> RemotePath {
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
        assert_eq!(absolute(&home, "a/b", Problems::default()).unwrap().display(), "/home/a/b");
        assert_eq!(absolute(&home, "/a/b", Problems::default()).unwrap().display(), "/a/b");
        assert_eq!(absolute(&home, "", Problems::default()).unwrap().display(), "/home");
        assert!(absolute(&home, "../b", Problems::default()).is_err());
        assert!(absolute(&home, "a\r\nDELE b", Problems::default()).is_err());
    }

    #[test]
    fn only_temporary_names_may_be_removed() {
        let home = path("/home");
        let removed = leftover(&home, "a/b.txt.0123abcd.part", Problems::default()).unwrap();
        assert_eq!(removed.display(), "/home/a/b.txt.0123abcd.part");
        let others = ["", "/", "b.txt", "b.part", "../b.0123abcd.part", "b.0123abcd.part/c"];
        for other in others {
            assert!(leftover(&home, other, Problems::default()).is_err(), "{other}");
        }
    }

    #[test]
    fn neither_the_root_nor_a_parent_of_the_directory_of_the_login_is_changed() {
        let home = path("/home/ada/");
        for refused in ["", "/", ".", "./", "//", "/home", "/home/./ada", "/home//ada/", "../bob"] {
            assert!(changeable(&home, refused, Problems::default()).is_err(), "{refused}");
        }
        for (given, meant) in
            [("a", "/home/ada/a"), ("a/./b//", "/home/ada/a/b"), ("/home/ad", "/home/ad")]
        {
            assert_eq!(changeable(&home, given, Problems::default()).unwrap(), path(meant));
        }
        assert_eq!(changeable(&RemotePath::root(), "a", Problems::default()).unwrap(), path("/a"));
    }

    #[test]
    fn name_that_is_not_shown_exactly_is_refused() {
        for name in ["a\u{fffd}b", "a\r\nDELE b", "a\0"] {
            let problem = changeable(&RemotePath::root(), name, Problems::default()).unwrap_err();
            assert!(problem.remedy.is_some(), "{problem:?}");
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
