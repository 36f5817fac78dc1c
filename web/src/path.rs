//! Paths with slashes: on the server, and of picked files.

use crate::join;

/// Returns the ranks of names in the user's language: `file 2` before `file 10`, `ä` beside `a`.
pub type Collation = fn(names: &[&str]) -> Vec<u64>;

/// Returns the path of `name` in `directory`; a relative one when the directory is unknown.
#[must_use]
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        return name.to_owned();
    }
    format!("{}/{name}", directory.trim_end_matches('/'))
}

/// Returns the directory above; none above the root.
#[must_use]
pub fn parent(directory: &str) -> Option<&str> {
    let (parent, name) = directory.trim_end_matches('/').rsplit_once('/')?;
    match (parent, name) {
        (_, "") => None,
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

/// Returns the last component of a path.
#[must_use]
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Returns everything before the last slash; empty for a bare name.
#[must_use]
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the path of a file in the folder of another one.
#[must_use]
pub fn sibling(path: &str, name: &str) -> String {
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    join::concat(&[path.get(..name_at).unwrap_or_default(), name])
}

/// Returns the first component of a picked path: the folder or the file that was dropped.
#[must_use]
pub fn root(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Returns the entry of `above` that leads to `directory`; empty when `directory` is elsewhere.
#[must_use]
pub fn child_towards<'a>(above: &str, directory: &'a str) -> &'a str {
    let below = directory.strip_prefix(above.trim_end_matches('/'));
    let rest = below.and_then(|below| below.strip_prefix('/')).unwrap_or_default();
    rest.split_once('/').map_or(rest, |(child, _)| child)
}

/// Returns the breadcrumbs of a directory, the root first: the name and the path of each.
#[must_use]
pub fn breadcrumbs(directory: &str) -> Vec<(&str, &str)> {
    let mut crumbs = Vec::new();
    let mut path = directory;
    while let Some(above) = parent(path) {
        crumbs.push((name(path.trim_end_matches('/')), path));
        path = above;
    }
    if !path.is_empty() {
        crumbs.push((path, path));
    }
    crumbs.reverse();
    crumbs
}

/// Returns whether one of two paths is a suffix of the other, by whole components.
#[must_use]
pub fn is_suffix(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() > other.len() { (one, other) } else { (other, one) };
    let before = long.strip_suffix(short);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Returns the n-th name of a file, counted from 1: `a/b.txt`, `a/b (2).txt`, `a/b (3).txt`.
#[must_use]
pub fn numbered(path: &str, number: u32) -> String {
    if number <= 1 {
        return path.to_owned();
    }
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    // A leading dot marks a hidden file, not an extension.
    let extension_at = path.rfind('.').filter(|dot| *dot > name_at).unwrap_or(path.len());
    let (stem, extension) = path.split_at_checked(extension_at).unwrap_or((path, ""));
    format!("{stem} ({number}){extension}")
}

/// The longest name of a file or folder on common systems, in bytes (POSIX `NAME_MAX`).
pub const MAX_NAME_BYTES: usize = 255;

/// How much shorter than the limit a shortened name is, in bytes: a number may be added, and a temporary
/// ending.
pub const SHORTENING_BYTES: usize = 25;

/// The longest extension that a shortened name keeps, in bytes with its dot.
const MAX_EXTENSION_BYTES: usize = 20;

/// Returns whether a name in the path is longer than so many bytes.
#[must_use]
pub fn has_long_name(path: &str, limit: usize) -> bool {
    path.split('/').any(|name| name.len() > limit)
}

/// Returns the path with the start of each name that is longer than so many bytes, and its extension.
#[must_use]
pub fn shortened(path: &str, limit: usize) -> String {
    let names: Vec<_> = path.split('/').map(|name| short_name(name, limit)).collect();
    join::join(&names, "/")
}

fn short_name(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|dot| name.len() - dot <= MAX_EXTENSION_BYTES);
    let (stem, extension) = name.split_at_checked(dot.unwrap_or(name.len())).unwrap_or((name, ""));
    let short = limit.saturating_sub(SHORTENING_BYTES).max(SHORTENING_BYTES);
    let mut end = short - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    join::concat(&[stem.get(..end).unwrap_or_default().trim_end(), extension])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_ends_at_the_root() {
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/a/"), Some("/"));
        assert_eq!(parent("/"), None);
        assert_eq!(parent(""), None);
    }

    #[test]
    fn names_are_joined_with_one_slash() {
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/a", "b/c"), "/a/b/c");
        assert_eq!(join("", "a"), "a");
    }

    #[test]
    fn path_has_a_breadcrumb_for_each_directory_that_it_leads_through() {
        assert_eq!(breadcrumbs("/a/b"), [("/", "/"), ("a", "/a"), ("b", "/a/b")]);
        assert_eq!(breadcrumbs("/"), [("/", "/")]);
        assert!(breadcrumbs("").is_empty());
    }

    #[test]
    fn sibling_is_in_the_same_folder() {
        assert_eq!(sibling("a/b/c.txt", "d"), "a/b/d");
        assert_eq!(sibling("c.txt", "d"), "d");
    }

    #[test]
    fn dropped_folder_is_the_first_component_of_a_path() {
        assert_eq!(root("folder/a/b"), "folder");
        assert_eq!(root("file"), "file");
    }

    #[test]
    fn name_that_is_too_long_keeps_its_start_and_its_extension() {
        let fits = format!("{}/b.txt", "a".repeat(MAX_NAME_BYTES));
        assert!(!has_long_name(&fits, MAX_NAME_BYTES));
        assert_eq!(shortened(&fits, MAX_NAME_BYTES), fits);
        for letter in ["a", "ü", "漢", "😀"] {
            let long = format!("folder/{}.tar.gz", letter.repeat(300));
            assert!(has_long_name(&long, MAX_NAME_BYTES));
            let short = shortened(&long, MAX_NAME_BYTES);
            assert!(!has_long_name(&numbered(&short, 999), MAX_NAME_BYTES), "{short}");
            assert!(short.starts_with(&format!("folder/{letter}")) && short.ends_with(".gz"));
            assert_eq!(shortened(&short, MAX_NAME_BYTES), short);
        }
        let no_extension = format!("{} . {}", "a".repeat(300), "b".repeat(30));
        assert_eq!(
            shortened(&no_extension, MAX_NAME_BYTES),
            "a".repeat(MAX_NAME_BYTES - SHORTENING_BYTES)
        );
    }

    #[test]
    fn free_name_keeps_folder_and_extension() {
        assert_eq!(numbered("a.b/c.txt", 1), "a.b/c.txt");
        assert_eq!(numbered("a.b/c.txt", 2), "a.b/c (2).txt");
        assert_eq!(numbered("a.b/c", 3), "a.b/c (3)");
        assert_eq!(numbered("a/.profile", 2), "a/.profile (2)");
        assert_eq!(numbered("x.tar.gz", 2), "x.tar (2).gz");
    }
}
