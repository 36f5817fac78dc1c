//! The icons of the page's tab while and after files are uploaded.

/// Rings, each an equal part fuller than the one before.
const RINGS: u32 = 8;
/// The ring's circumference in the unit of its path.
const WHOLE: u32 = 100;

const CHECK: &str = r##"<circle cx="16" cy="16" r="16" fill="#1f673b"/><path d="M8 16.500l5.500 5.500L24 10.500" fill="none" stroke="#fff" stroke-width="4"/>"##;
const MARK: &str = r##"<circle cx="16" cy="16" r="16" fill="#a3231a"/><path d="M16 6v13M16 22.500v4" fill="none" stroke="#fff" stroke-width="4.500"/>"##;

/// The rings from empty to almost full, the check and the exclamation mark: in the order in which
/// the page's program counts on them.
pub(crate) fn all() -> Vec<Vec<u8>> {
    let rings = (0..RINGS).map(|step| ring(WHOLE * (2 * step + 1) / (2 * RINGS)));
    let all = rings.chain([CHECK.to_owned(), MARK.to_owned()]);
    all.map(|shapes| {
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{shapes}</svg>"#)
            .into_bytes()
    })
    .collect()
}

/// A ring that is full for so many hundredths, from its top on.
fn ring(full: u32) -> String {
    format!(
        r##"<g fill="none" stroke-width="7"><circle cx="16" cy="16" r="12" stroke="#9db4ba"/><circle cx="16" cy="16" r="12" stroke="#0a7f8f" pathLength="{WHOLE}" stroke-dasharray="{full} {WHOLE}" transform="rotate(-90 16 16)"/></g>"##
    )
}
