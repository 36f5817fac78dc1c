//! The temporary names of part files: `name.txt.1a2b3c4d.part`. A server that allows certain
//! extensions only gets `name.1a2b3c4d.part.txt`.

use std::io;

use crate::{path::RemotePath, random::Random};

/// The longest name of a file on common systems, in bytes (POSIX `NAME_MAX`).
const MAX_NAME_BYTES: usize = 255;

/// The mark of every temporary name. Some servers hide or refuse names that start with a dot, so it
/// comes last, or last before the extension.
pub(super) const MARK: &str = ".part";

/// Random hexadecimal digits before the mark, so that two uploads to one name do not collide.
const RANDOM_DIGITS: usize = 8;

/// The longest extension that stays the end of a temporary name, in bytes with its dot.
const MAX_EXTENSION_BYTES: usize = 32;

/// The form of a temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name.txt.1a2b3c4d.part`
    Suffix,
    /// `name.1a2b3c4d.part.txt`; as `Suffix` if the name has no extension.
    BeforeExtension,
}

/// Returns a new temporary name in the directory of `path`.
///
/// # Errors
/// When there are no random bytes.
pub(crate) fn beside(path: &RemotePath, form: Form, random: &dyn Random) -> io::Result<RemotePath> {
    let mut digits = [0; RANDOM_DIGITS / 2];
    random.fill(&mut digits)?;
    let name = path.file_name().unwrap_or_else(|| path.clone());
    let (stem, extension) = match form {
        Form::Suffix => (name.as_bytes(), &b""[..]),
        Form::BeforeExtension => split_extension(name.as_bytes()),
    };
    let mark = format!(".{:08x}{MARK}", u32::from_be_bytes(digits));
    let room = MAX_NAME_BYTES - mark.len() - extension.len();
    let temporary = [longest_start(stem, room), mark.as_bytes(), extension].concat();
    let temporary = RemotePath::new(temporary).map_err(io::Error::other)?;
    Ok(path.parent().map_or_else(|| temporary.clone(), |parent| parent.join(&temporary)))
}

/// Whether the forms of the temporary names of a file differ.
pub(crate) fn has_extension(path: &RemotePath) -> bool {
    path.file_name().is_some_and(|name| !split_extension(name.as_bytes()).1.is_empty())
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
    let (stem, extension) = parts_of(name.as_bytes())?;
    let target = RemotePath::new([stem, extension].concat()).ok()?;
    Some(temporary.parent().map_or_else(|| target.clone(), |parent| parent.join(&target)))
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
    let is_random = random.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    stem.strip_suffix(b".").filter(|stem| is_random && !stem.is_empty())
}

/// Returns whether `temporary` is a temporary name of the file `path`.
pub(crate) fn is_of(temporary: &RemotePath, path: &RemotePath) -> bool {
    let (Some(name), Some(whole)) = (temporary.file_name(), path.file_name()) else {
        return false;
    };
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

    const FORMS: [Form; 2] = [Form::Suffix, Form::BeforeExtension];

    fn path(text: &str) -> RemotePath {
        RemotePath::try_from(text).unwrap()
    }

    #[test]
    fn temporary_name_stands_beside_the_target_and_leads_back_to_it() {
        let target = path("/dir/file.txt");
        for form in FORMS {
            let temporary = beside(&target, form, &SystemRandom).unwrap();
            assert_eq!(temporary.parent(), target.parent());
            assert_eq!(target_of(&temporary), Some(target.clone()));
            assert!(is_of(&temporary, &target));
            assert!(!is_of(&temporary, &path("/dir/file")));
            assert!(!is_of(&temporary, &path("/other/file.txt")));
            assert_ne!(beside(&target, form, &SystemRandom).unwrap(), temporary);
        }
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
