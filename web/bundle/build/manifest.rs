//! The web app manifest, by which browsers offer to install the page.

/// The colour of the brand, and that of the page's background in light colours.
const THEME: &str = "#0a5f6b";
const BACKGROUND: &str = "#eef2f2";

/// Returns the manifest. The icons are names of files beside it; the page is one level above. The icons
/// in PNG fill their whole square, so that a system may cut them to any shape.
pub(crate) fn manifest(vector: &str, pixels: [(u32, &str); 2]) -> String {
    let pixels = pixels.map(|(size, name)| {
        format!(
            r#"{{"src":"{name}","sizes":"{size}x{size}","type":"image/png","purpose":"any maskable"}}"#
        )
    });
    let [small, large] = pixels;
    format!(
        r#"{{"name":"Ferryport","id":"../","start_url":"../","scope":"../","display":"standalone","theme_color":"{THEME}","background_color":"{BACKGROUND}","icons":[{{"src":"{vector}","sizes":"any","type":"image/svg+xml"}},{small},{large}]}}"#
    )
}
