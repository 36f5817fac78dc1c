//! The names that are known, each with its number.

/// The most names of a kind that are remembered. Then all are forgotten, and the numbers continue: the
/// same names get other numbers, and are still masked.
const MAX_NAMES: usize = 20_000;

/// The names of one kind with their numbers, sorted.
#[derive(Debug, Default)]
pub(super) struct Names {
    sorted: Vec<(String, u32)>,
    last: u32,
}

impl Names {
    /// Returns the number of a name; a new name gets the next one.
    pub(super) fn number_of(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        match self.sorted.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            Ok(at) => self.sorted.get(at).map_or(0, |(_, number)| *number),
            Err(at) => {
                self.last += 1;
                if self.sorted.len() < MAX_NAMES {
                    self.sorted.insert(at, (name.to_owned(), self.last));
                } else {
                    self.sorted.clear();
                    self.sorted.push((name.to_owned(), self.last));
                }
                self.last
            }
        }
    }

    /// Returns the length of the longest known name at the start of `text` for which `ends` accepts
    /// the text after it.
    pub(super) fn known(&self, text: &str, ends: fn(&str) -> bool) -> Option<usize> {
        // All prefixes of `key` sort at or before `key`, and so do names that share a longer prefix
        // with it.
        let mut key = text;
        loop {
            let after = self.sorted.partition_point(|(name, _)| name.as_str() <= key);
            let (name, _) = self.sorted.get(after.checked_sub(1)?)?;
            if let Some(rest) = text.strip_prefix(name.as_str()) {
                if ends(rest) {
                    return Some(name.len());
                }
                key = text.get(..before_last(name)?)?;
            } else {
                key = text.get(..shared(name, key))?;
            }
        }
    }
}

/// Returns the length of a name without its last character; `None` for a single one.
fn before_last(name: &str) -> Option<usize> {
    let (length, _) = name.char_indices().next_back()?;
    (length > 0).then_some(length)
}

/// Returns the length of the common prefix of two texts.
fn shared(one: &str, other: &str) -> usize {
    let alike = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    alike.map(|(c, _)| c.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_most_that_are_remembered_are_hidden_with_numbers_of_their_own() {
        let mut names = Names::default();
        for number in 0..=MAX_NAMES {
            names.number_of(&format!("/file {number}"));
        }
        assert!(names.sorted.len() <= MAX_NAMES);
        let again = names.number_of("/file 0");
        assert!(usize::try_from(again).unwrap() > MAX_NAMES, "{again}");
    }
}
