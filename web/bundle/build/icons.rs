//! Draws the icons of the page's tab for the states of the uploads.

/// The number of progress rings, from empty to almost full in equal steps.
const RINGS: u32 = 8;
/// The circumference of a ring in the units of its path.
const CIRCUMFERENCE: u32 = 100;

const CHECK: &str = r##"<circle cx="16" cy="16" r="16" fill="#1f673b"/><path d="M8 16.500l5.500 5.500L24 10.500" fill="none" stroke="#fff" stroke-width="4"/>"##;
const MARK: &str = r##"<circle cx="16" cy="16" r="16" fill="#a3231a"/><path d="M16 6v13M16 22.500v4" fill="none" stroke="#fff" stroke-width="4.500"/>"##;

/// Returns the rings from empty to almost full, the check and the exclamation mark. The page's
/// program relies on this order.
pub(crate) fn all() -> Vec<Vec<u8>> {
    let rings = (0..RINGS).map(|step| ring(CIRCUMFERENCE * (2 * step + 1) / (2 * RINGS)));
    let all = rings.chain([CHECK.to_owned(), MARK.to_owned()]);
    all.map(|shapes| {
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{shapes}</svg>"#)
            .into_bytes()
    })
    .collect()
}

/// Returns a ring filled to `percent`, clockwise from its top.
fn ring(percent: u32) -> String {
    format!(
        r##"<g fill="none" stroke-width="7"><circle cx="16" cy="16" r="12" stroke="#9db4ba"/><circle cx="16" cy="16" r="12" stroke="#0a7f8f" pathLength="{CIRCUMFERENCE}" stroke-dasharray="{percent} {CIRCUMFERENCE}" transform="rotate(-90 16 16)"/></g>"##
    )
}
