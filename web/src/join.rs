//! Joins texts. The standard library's `join` and `concat` have code for each length of separator, a
//! kilobyte for each type of text.

/// Joins texts with a separator.
#[must_use]
pub fn join<T: AsRef<str>>(parts: &[T], separator: &str) -> String {
    let mut joined = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(part.as_ref());
    }
    joined
}

/// Joins texts.
#[must_use]
pub fn concat(parts: &[&str]) -> String {
    join(parts, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separator_stands_between_parts_only() {
        assert_eq!(join(&["a", "", "b"], ", "), "a, , b");
        assert_eq!(join(&["a".to_owned()], ", "), "a");
        assert_eq!(join::<&str>(&[], ", "), "");
        assert_eq!(concat(&["a", "b"]), "ab");
    }
}
