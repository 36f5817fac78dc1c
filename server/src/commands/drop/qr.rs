//! QR codes in a terminal, two rows of modules a line.

use anyhow::anyhow;
use qrcodegen::{QrCode, QrCodeEcc};

/// The modules without colour around a code (ISO/IEC 18004).
const BORDER: i32 = 4;

/// Returns the QR code of a text, for a terminal with light text on a dark ground as well: both colours are
/// written.
///
/// # Errors
/// When the text is too long for one.
pub(super) fn code(text: &str) -> anyhow::Result<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| anyhow!("the link is too long for a QR code"))?;
    let places = -BORDER..code.size() + BORDER;
    let mut lines = String::new();
    for y in places.clone().step_by(2) {
        // Black on white, whatever the colours of the terminal.
        lines.push_str("\u{1b}[30;107m");
        for x in places.clone() {
            lines.push(match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (true, true) => '\u{2588}',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (false, false) => ' ',
            });
        }
        lines.push_str("\u{1b}[0m\n");
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_a_code_of_equal_lines_within_a_terminal() {
        let link = format!("https://upload.example.com/d/{}#{}", "a".repeat(12), "b".repeat(43));
        let code = code(&link).unwrap();
        let widths: Vec<_> = code.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0] && *width < 80), "{widths:?}");
        assert_eq!(widths.len(), (widths[0] - "\u{1b}[30;107m\u{1b}[0m".len()).div_ceil(2));
    }
}
