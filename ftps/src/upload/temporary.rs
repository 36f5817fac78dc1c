//! The temporary names of part files: `name.txt.1a2b3c4d.part`. A server that allows certain
//! extensions only gets `name.1a2b3c4d.part.txt`. One that refuses that too gets the final name in a
//! directory that is made for this file: `ferryport-1a2b3c4d/name.txt`.

use std::io;

use crate::{path::RemotePath, random::Random};

/// The longest name of a file on common systems, in bytes (POSIX `NAME_MAX`).
const MAX_NAME_BYTES: usize = 255;

/// The mark of every temporary name. Some servers hide or refuse names that start with a dot, so it
/// comes last, or last before the extension.
const MARK: &str = ".part";

/// Random hexadecimal digits in every temporary name, so that two uploads to one name do not collide.
const RANDOM_DIGITS: usize = 8;

/// The start of the name of a temporary directory; random digits follow. Servers that allow certain
/// names only allow letters, digits and a hyphen most often.
const DIRECTORY_START: &str = "ferryport-";

/// The longest extension that stays the end of a temporary name, in bytes with its dot.
const MAX_EXTENSION_BYTES: usize = 32;

/// The form of a temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name.txt.1a2b3c4d.part`
    Suffix,
    /// `name.1a2b3c4d.part.txt`; as `Suffix` if the name has no extension.
    BeforeExtension,
    /// `ferryport-1a2b3c4d/name.txt`, in a directory that holds nothing else.
    InDirectory,
}

impl Form {
    /// The form of `temporary`, a temporary name of the file `path`.
    pub(crate) fn of(temporary: &RemotePath, path: &RemotePath) -> Self {
        let is_marked_at_end =
            || temporary.file_name().is_some_and(|name| stem_of(name.as_bytes()).is_some());
        match () {
            () if temporary.parent() != path.parent() => Self::InDirectory,
            () if is_marked_at_end() => Self::Suffix,
            () => Self::BeforeExtension,
        }
    }

    /// The form that is tried after the server refused this one for the file `path`.
    pub(crate) fn next(self, path: &RemotePath) -> Option<Self> {
        match self {
            Self::Suffix if has_extension(path) => Some(Self::BeforeExtension),
            Self::Suffix | Self::BeforeExtension => Some(Self::InDirectory),
            Self::InDirectory => None,
        }
    }
}

/// Returns a new temporary name beside `path`, or in a directory beside it.
///
/// # Errors
/// When there are no random bytes.
pub(crate) fn beside(path: &RemotePath, form: Form, random: &dyn Random) -> io::Result<RemotePath> {
    let mut digits = [0; RANDOM_DIGITS / 2];
    random.fill(&mut digits)?;
    named(path, form, &format!("{:08x}", u32::from_be_bytes(digits)))
}

/// Returns the temporary name that `other` has with the form and the random digits of `temporary`, a
/// temporary name of `target`. All are in one directory. `None` where it is none, or the file is in a
/// temporary directory, which is made for one name.
#[must_use]
pub fn for_other_target(
    temporary: &RemotePath,
    target: &RemotePath,
    other: &RemotePath,
) -> Option<RemotePath> {
    if directory_of(temporary).is_some() {
        return None;
    }
    let name = temporary.file_name()?;
    // One path may be relative, and the other one absolute.
    let form = Form::of(temporary, &in_directory_of(temporary, &target.file_name()?));
    let other = in_directory_of(temporary, &other.file_name()?);
    let marked = match form {
        Form::Suffix => name.as_bytes(),
        _ => split_extension(name.as_bytes()).0,
    };
    let end = marked.strip_suffix(MARK.as_bytes())?;
    let digits = end.get(end.len().checked_sub(RANDOM_DIGITS)?..)?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| are_random(digits.as_bytes()))?;
    named(&other, form, digits).ok()
}

/// Returns the temporary name of a file with these random digits.
fn named(path: &RemotePath, form: Form, digits: &str) -> io::Result<RemotePath> {
    let name = path.file_name().unwrap_or_else(|| path.clone());
    let temporary = match form {
        Form::Suffix => marked(name.as_bytes(), b"", digits),
        Form::BeforeExtension => {
            let (stem, extension) = split_extension(name.as_bytes());
            marked(stem, extension, digits)
        }
        Form::InDirectory => {
            [DIRECTORY_START.as_bytes(), digits.as_bytes(), b"/", name.as_bytes()].concat()
        }
    };
    let temporary = RemotePath::new(temporary).map_err(io::Error::other)?;
    Ok(in_directory_of(path, &temporary))
}

/// A name with random digits and the mark before its extension.
fn marked(stem: &[u8], extension: &[u8], digits: &str) -> Vec<u8> {
    let mark = format!(".{digits}{MARK}");
    let room = MAX_NAME_BYTES - mark.len() - extension.len();
    [longest_start(stem, room), mark.as_bytes(), extension].concat()
}

/// The path of another name in the directory of `path`.
fn in_directory_of(path: &RemotePath, name: &RemotePath) -> RemotePath {
    path.parent().map_or_else(|| name.clone(), |parent| parent.join(name))
}

/// Whether the temporary names of a file with and without its extension at the end differ.
fn has_extension(path: &RemotePath) -> bool {
    path.file_name().is_some_and(|name| !split_extension(name.as_bytes()).1.is_empty())
}

/// Whether a path is that of a temporary directory, by its name.
#[must_use]
pub fn is_directory(path: &RemotePath) -> bool {
    path.file_name().is_some_and(|name| {
        // Some servers change the case of new names.
        let name = name.as_bytes().to_ascii_lowercase();
        name.strip_prefix(DIRECTORY_START.as_bytes())
            .is_some_and(|random| random.len() == RANDOM_DIGITS && are_random(random))
    })
}

/// The temporary directory that a part file is in.
pub(crate) fn directory_of(temporary: &RemotePath) -> Option<RemotePath> {
    temporary.parent().filter(is_directory)
}

/// Splits a name before the dot of its extension, which is empty if there is none.
fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|byte| *byte == b'.') {
        Some(dot) if dot > 0 && (2..=MAX_EXTENSION_BYTES).contains(&(name.len() - dot)) => {
            name.split_at(dot)
        }
        _ => (name, &[]),
    }
}

/// Returns the name of the complete file; `None` where `temporary` is no temporary name.
///
/// Of a long name, only the start is returned, with the extension if the temporary name ends with it.
#[must_use]
pub fn target_of(temporary: &RemotePath) -> Option<RemotePath> {
    let name = temporary.file_name()?;
    if let Some(directory) = directory_of(temporary) {
        return Some(in_directory_of(&directory, &name));
    }
    let (stem, extension) = parts_of(name.as_bytes())?;
    let target = RemotePath::new([stem, extension].concat()).ok()?;
    Some(in_directory_of(temporary, &target))
}

/// What precedes the random digits of a temporary name, and the extension behind its mark.
fn parts_of(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let suffixed = stem_of(name).map(|stem| (stem, &b""[..]));
    suffixed.or_else(|| {
        let (marked, extension) = split_extension(name);
        Some((stem_of(marked)?, extension))
    })
}

/// What precedes the random digits and the mark at the end of a name.
fn stem_of(name: &[u8]) -> Option<&[u8]> {
    let stem = name.strip_suffix(MARK.as_bytes())?;
    let (stem, random) = stem.split_at_checked(stem.len().checked_sub(RANDOM_DIGITS)?)?;
    stem.strip_suffix(b".").filter(|stem| are_random(random) && !stem.is_empty())
}

/// Whether these are the random digits of a temporary name.
fn are_random(digits: &[u8]) -> bool {
    digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns whether `temporary` is a temporary name of the file `path`.
pub(crate) fn is_of(temporary: &RemotePath, path: &RemotePath) -> bool {
    let (Some(name), Some(whole)) = (temporary.file_name(), path.file_name()) else {
        return false;
    };
    if let Some(directory) = directory_of(temporary) {
        return name == whole && directory.parent() == path.parent();
    }
    let Some((stem, extension)) = parts_of(name.as_bytes()) else { return false };
    let whole = whole.as_bytes();
    let is_target = whole == [stem, extension].concat();
    let is_cut = is_full(&name) && whole.starts_with(stem) && whole.ends_with(extension);
    temporary.parent() == path.parent() && (is_target || is_cut)
}

fn is_full(name: &RemotePath) -> bool {
    // A character of up to four bytes may have been cut off.
    name.as_bytes().len() + 4 > MAX_NAME_BYTES
}

/// Returns the longest start of a text that has at most `max` bytes and splits no UTF-8 character.
fn longest_start(text: &[u8], max: usize) -> &[u8] {
    let splits_a_character = |end: &usize| text.get(*end).is_some_and(|byte| byte & 0xc0 == 0x80);
    let end = (0..=text.len().min(max)).rev().find(|end| !splits_a_character(end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const FORMS: [Form; 3] = [Form::Suffix, Form::BeforeExtension, Form::InDirectory];

    fn path(text: &str) -> RemotePath {
        RemotePath::try_from(text).unwrap()
    }

    #[test]
    fn temporary_name_leads_back_to_its_target() {
        let target = path("/dir/file.txt");
        for form in FORMS {
            let temporary = beside(&target, form, &SystemRandom).unwrap();
            assert_eq!(Form::of(&temporary, &target), form);
            let is_in_directory = form == Form::InDirectory;
            assert_eq!(directory_of(&temporary).is_some(), is_in_directory);
            assert_eq!(temporary.parent() == target.parent(), !is_in_directory);
            assert_eq!(target_of(&temporary), Some(target.clone()));
            assert!(is_of(&temporary, &target));
            assert!(!is_of(&temporary, &path("/dir/file")));
            assert!(!is_of(&temporary, &path("/other/file.txt")));
            assert_ne!(beside(&target, form, &SystemRandom).unwrap(), temporary);
        }
    }

    #[test]
    fn part_file_gets_a_name_of_another_target_in_the_same_directory() {
        let (target, other) = (path("dir/file.txt"), path("dir/file (2).txt"));
        for (form, expected) in [
            (Form::Suffix, "/home/dir/file (2).txt."),
            (Form::BeforeExtension, "/home/dir/file (2)."),
        ] {
            let temporary = beside(&path("/home/dir/file.txt"), form, &SystemRandom).unwrap();
            let renamed = for_other_target(&temporary, &target, &other).unwrap();
            assert!(renamed.display().starts_with(expected), "{renamed}");
            assert!(is_of(&renamed, &path("/home/dir/file (2).txt")), "{renamed}");
        }
        let temporary = beside(&target, Form::InDirectory, &SystemRandom).unwrap();
        assert_eq!(for_other_target(&temporary, &target, &other), None);
        assert_eq!(for_other_target(&target, &target, &other), None);
    }

    /// An upload tries each form once at most, also of a file that has the mark itself.
    #[test]
    fn forms_are_tried_in_their_order() {
        for (name, expected) in [
            ("a.csv", &[Form::BeforeExtension, Form::InDirectory][..]),
            ("a.part", &[Form::BeforeExtension, Form::InDirectory]),
            ("a", &[Form::InDirectory]),
        ] {
            let target = path(name);
            let next = |form: Form| {
                let temporary = beside(&target, form, &SystemRandom).unwrap();
                Form::of(&temporary, &target).next(&target)
            };
            let tried: Vec<_> = std::iter::successors(next(Form::Suffix), |form| next(*form))
                .take(FORMS.len())
                .collect();
            assert_eq!(tried, expected, "{name}");
        }
    }

    #[test]
    fn temporary_directory_is_known_by_its_name() {
        for name in ["ferryport-1a2b3c4d", "/a/ferryport-00000000", "/FERRYPORT-1A2B3C4D"] {
            assert!(is_directory(&path(name)), "{name}");
            assert_eq!(directory_of(&path(&format!("{name}/a.csv"))), Some(path(name)));
        }
        for name in ["ferryport-", "ferryport-1a2b3c4", "ferryport-1a2b3c4x", "a", "/"] {
            assert!(!is_directory(&path(name)), "{name}");
        }
        let part = path("/dir/ferryport-1a2b3c4d/a.csv");
        assert!(!is_of(&part, &path("/dir/b.csv")));
        assert!(!is_of(&part, &path("/other/a.csv")));
        assert_eq!(target_of(&path("ferryport-1a2b3c4d/a.csv")), Some(path("a.csv")));
    }

    #[test]
    fn extension_stays_the_end_of_the_name_where_that_is_wanted() {
        let form = Form::BeforeExtension;
        for (name, end) in
            [("a.csv", ".part.csv"), ("a", ".part"), (".a", ".part"), ("a.", ".part")]
        {
            let temporary = beside(&path(name), form, &SystemRandom).unwrap();
            assert!(temporary.as_bytes().ends_with(end.as_bytes()), "{temporary}");
            assert!(is_of(&temporary, &path(name)), "{temporary}");
        }
    }

    #[test]
    fn long_name_is_cut_where_no_character_is_split() {
        let target = path(&format!("/dir/{}.txt", "ü".repeat(125)));
        for form in FORMS {
            let temporary = beside(&target, form, &SystemRandom).unwrap();
            let name = temporary.file_name().unwrap();
            assert!(name.as_bytes().len() <= MAX_NAME_BYTES);
            assert!(std::str::from_utf8(name.as_bytes()).is_ok());
            assert!(is_of(&temporary, &target));
        }
    }

    #[test]
    fn other_names_are_no_temporary_ones() {
        for name in [
            "a.part",
            "a.12345678",
            ".12345678.part",
            "a.1234567g.part",
            "12345678.part",
            "a.part.txt",
            "12345678.part.txt",
            ".12345678.part.txt",
        ] {
            assert_eq!(target_of(&path(name)), None, "{name}");
        }
        assert_eq!(target_of(&path("a.12345678.part")), Some(path("a")));
        assert_eq!(target_of(&path("a.12345678.part.txt")), Some(path("a.txt")));
    }
}
