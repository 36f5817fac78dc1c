//! The temporary names of part files: `name.1a2b3c4d.part`.

use std::io;

use crate::{path::RemotePath, random::Random};

/// The longest name of a file on common systems, in bytes (POSIX `NAME_MAX`).
const MAX_NAME_BYTES: usize = 255;

/// The end of every temporary name. Some servers hide or refuse names that start with a dot, so it
/// is a suffix.
const SUFFIX: &str = ".part";

/// Random hexadecimal digits before the suffix, so that two uploads to one name do not collide.
const RANDOM_DIGITS: usize = 8;

/// Returns a new temporary name in the directory of `path`.
///
/// # Errors
/// When there are no random bytes.
pub(crate) fn beside(path: &RemotePath, random: &dyn Random) -> io::Result<RemotePath> {
    let mut digits = [0; RANDOM_DIGITS / 2];
    random.fill(&mut digits)?;
    let ending = format!(".{:08x}{SUFFIX}", u32::from_be_bytes(digits));
    let name = path.file_name().unwrap_or_else(|| path.clone());
    let mut temporary = longest_start(name.as_bytes(), MAX_NAME_BYTES - ending.len()).to_vec();
    temporary.extend_from_slice(ending.as_bytes());
    let temporary = RemotePath::new(temporary).map_err(io::Error::other)?;
    Ok(path.parent().map_or_else(|| temporary.clone(), |parent| parent.join(&temporary)))
}

/// Returns the name of the complete file; `None` where `temporary` is no temporary name.
///
/// Of a long name, only the start is returned.
#[must_use]
pub fn target_of(temporary: &RemotePath) -> Option<RemotePath> {
    let name = temporary.file_name()?;
    let stem = name.as_bytes().strip_suffix(SUFFIX.as_bytes())?;
    let (stem, random) = stem.split_at_checked(stem.len().checked_sub(RANDOM_DIGITS)?)?;
    let is_random = random.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let target = RemotePath::new(stem.strip_suffix(b".")?).ok().filter(|_| is_random)?;
    Some(temporary.parent().map_or_else(|| target.clone(), |parent| parent.join(&target)))
}

/// Returns whether `temporary` is a temporary name of the file `path`.
pub(crate) fn is_of(temporary: &RemotePath, path: &RemotePath) -> bool {
    let Some(target) = target_of(temporary) else { return false };
    temporary.parent() == path.parent()
        && path.as_bytes().starts_with(target.as_bytes())
        && (target == *path || temporary.file_name().is_some_and(|name| is_full(&name)))
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

    fn path(text: &str) -> RemotePath {
        RemotePath::try_from(text).unwrap()
    }

    #[test]
    fn temporary_name_stands_beside_the_target_and_leads_back_to_it() {
        let target = path("/dir/file.txt");
        let temporary = beside(&target, &SystemRandom).unwrap();
        assert_eq!(temporary.parent(), target.parent());
        assert_eq!(target_of(&temporary), Some(target.clone()));
        assert!(is_of(&temporary, &target));
        assert!(!is_of(&temporary, &path("/dir/file")));
        assert!(!is_of(&temporary, &path("/other/file.txt")));
        assert_ne!(beside(&target, &SystemRandom).unwrap(), temporary);
    }

    #[test]
    fn long_name_is_cut_where_no_character_is_split() {
        let target = path(&format!("/dir/{}", "ü".repeat(127)));
        let temporary = beside(&target, &SystemRandom).unwrap();
        let name = temporary.file_name().unwrap();
        assert!(name.as_bytes().len() <= MAX_NAME_BYTES);
        assert!(std::str::from_utf8(name.as_bytes()).is_ok());
        assert!(is_of(&temporary, &target));
    }

    #[test]
    fn other_names_are_no_temporary_ones() {
        for name in ["a.part", "a.12345678", ".12345678.part", "a.1234567g.part", "12345678.part"] {
            assert_eq!(target_of(&path(name)), None, "{name}");
        }
        assert_eq!(target_of(&path("a.12345678.part")), Some(path("a")));
    }
}
