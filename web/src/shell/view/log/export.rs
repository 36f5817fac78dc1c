//! Exports the session log as text: to the clipboard, or as a file.

use js_sys::{Array, Date};

use web_sys::{Blob, HtmlElement, Url, Window};

use crate::join::concat;
use crate::{
    format,
    log::wording,
    log::{Log, LogFilter},
    mask::Masker,
    shell::{
        clipboard,
        dom::{Dom, Exception, set_attribute, set_text, spawn},
        locale::{clock_time, date_time, file_date},
    },
};

/// Returns the lines that are shown as text, below a header about their origin, and the number of the
/// lines. Each has its time, its session and its kind.
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

/// Copies the text. The element `status` shows the outcome.
pub(super) fn copy(window: Window, status: HtmlElement, text: String, lines: usize) {
    spawn(async move {
        if clipboard::write(&window, &text).await {
            set_text(&status, &wording::copied(lines));
        } else {
            set_text(&status, wording::copy_refused());
        }
    });
}

/// Downloads the text as a file. Returns the object URL of the file, which the caller has to revoke.
///
/// `link`: an element outside of those whose clicks the program handles.
pub(super) fn download(link: &HtmlElement, text: &str) -> Result<String, Exception> {
    let file = Blob::new_with_str_sequence(&Array::of1(&text.into()))?;
    let url = Url::create_object_url_with_blob(&file)?;
    let name = concat(&["ferryport-log-", &*file_date(Date::now()), ".txt"]);
    set_attribute(link, "download", &name);
    set_attribute(link, "href", &url);
    link.click();
    Ok(url)
}
