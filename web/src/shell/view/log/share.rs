//! The session log as text, to be taken along.

use js_sys::{Array, Date};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, HtmlElement, Url, Window};

use crate::{
    format,
    log::wording,
    log::{Log, LogFilter},
    mask::Masker,
    shell::{
        clipboard,
        dom::{Dom, Fault, clock_time, date_time, file_date, set_attribute, set_text},
    },
};

/// The lines that are shown, each with its time, its session and who speaks, and above them what
/// whoever reads them has to know; and how many lines they are.
pub(super) fn text(dom: &Dom, log: &Log, filter: LogFilter, masks: &mut Masker) -> (String, usize) {
    let greeting = log.greeting().map(|line| masks.mask_line(line)).unwrap_or_default();
    let browser = dom.window.navigator().user_agent().unwrap_or_default();
    let head = wording::header(&date_time(Date::now()), &browser, &format::visible(&greeting));
    let mut text = head;
    text.push_str("\n\n");
    let mut lines = 0;
    for line in log.lines().filter(|line| filter.fits(line)) {
        text.push_str(&clock_time(super::millis(line.at_millis)));
        if let Some(number) = line.connection {
            text.push_str(" #");
            text.push_str(&number.to_string());
        }
        text.push(' ');
        text.push_str(wording::kind(line.kind));
        text.push(' ');
        text.push_str(&format::visible(&masks.mask_line(line)));
        text.push('\n');
        lines += 1;
    }
    (text, lines)
}

/// Puts text on the clipboard, and says in `said` how that went.
pub(super) fn copy(window: Window, said: HtmlElement, text: String, lines: usize) {
    spawn_local(async move {
        if clipboard::write(&window, &text).await {
            set_text(&said, &wording::copied(lines));
        } else {
            set_text(&said, wording::copy_refused());
        }
    });
}

/// Has the browser save text as a file, by a link that stands where nobody listens to clicks;
/// gives the address that it has until it is given up.
pub(super) fn download(link: &HtmlElement, text: &str) -> Result<String, Fault> {
    let file = Blob::new_with_str_sequence(&Array::of1(&text.into()))?;
    let url = Url::create_object_url_with_blob(&file)?;
    let name = ["ferryport-log-", &*file_date(Date::now()), ".txt"].concat();
    set_attribute(link, "download", &name);
    set_attribute(link, "href", &url);
    link.click();
    Ok(url)
}
