//! Durations in texts for users.

use std::time::Duration;

/// Writes a duration in the units of the settings, which are the same in all languages: `1 h 30 min`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
        (u64::from(time.subsec_millis()), "ms"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts.map(|(number, unit)| format!("{number} {unit}")).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_written_with_its_units() {
        let written = |millis| span(Duration::from_millis(millis));
        assert_eq!(written(0), "0 s");
        assert_eq!(written(300), "300 ms");
        assert_eq!(written(600_000), "10 min");
        assert_eq!(written(90_500), "1 min 30 s 500 ms");
        assert_eq!(written(86_400_000), "24 h");
    }
}
