//! Reads a password from the terminal, or from standard input.

use std::io::{IsTerminal as _, Read as _};

use zeroize::Zeroizing;

/// The most bytes of a password on standard input.
const MAX_INPUT: u64 = 4096;

/// Reads one line. The terminal does not show it. A line break at its end does not belong to the password.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read_password(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        return Ok(Zeroizing::new(rpassword::prompt_password(prompt)?));
    }
    let mut input = Zeroizing::new(String::new());
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut input)?;
    Ok(first_line(&input))
}

/// Returns the first line of a text without its line break.
pub(super) fn first_line(text: &str) -> Zeroizing<String> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
