//! The session log: new lines at the end, the oldest gone, the scroll with the reader.

use std::{cell::Cell, rc::Rc};

use protocol::server::{LogKind, LogLine};
use web_sys::{Element, HtmlElement, ResizeObserver};

use super::{
    super::dom::{
        Dom, Fault, Template, Visibility, clock_time, function, listen, part, set_attribute,
        set_text, show,
    },
    Rest,
};
use crate::{format, log::Log, words};

/// Lines that are made in one frame: thousands of small files say thousands of lines a second.
const LINES_PER_FRAME: usize = 200;

/// Who scrolls up by less than this still follows.
const NEAR_THE_END_PX: i32 = 24;

pub(super) struct LogView {
    dom: Dom,
    log: HtmlElement,
    template: Template,
    empty: HtmlElement,
    follow: HtmlElement,
    reader: Rc<Cell<Reader>>,
    lines: usize,
}

/// What the reader does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Watches the newest lines.
    Follows,
    /// Has scrolled up.
    Reads,
}

impl LogView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        let log: HtmlElement = dom.find("log")?;
        let follow: HtmlElement = dom.find("log-follow")?;
        let reader = Rc::new(Cell::new(Reader::Follows));
        let (scrolled, its_reader, its_follow) = (log.clone(), reader.clone(), follow.clone());
        let mut before = 0;
        listen(&log, "scroll", move |_: web_sys::Event| {
            let top = scrolled.scroll_top();
            let below = scrolled.scroll_height() - top - scrolled.client_height();
            // Only a reader scrolls up; new lines below are no reason to stay behind.
            if below <= NEAR_THE_END_PX {
                its_reader.set(Reader::Follows);
            } else if top < before {
                its_reader.set(Reader::Reads);
            }
            before = top;
            show(&its_follow, Visibility::shown_if(its_reader.get() == Reader::Reads));
        })?;
        // What follows keeps following when the log becomes smaller.
        let (resized, its_reader) = (log.clone(), reader.clone());
        let observer = ResizeObserver::new(&function(move || {
            if its_reader.get() == Reader::Follows {
                resized.set_scroll_top(resized.scroll_height());
            }
        }))?;
        observer.observe(&log);
        let (target, its_reader) = (log.clone(), reader.clone());
        listen(&follow, "click", move |_: web_sys::Event| {
            its_reader.set(Reader::Follows);
            target.set_scroll_top(target.scroll_height());
            let _ = target.focus();
        })?;
        Ok(Self {
            dom: dom.clone(),
            log,
            template: Template::find(dom, "t-line")?,
            empty: dom.find("log-empty")?,
            follow,
            reader,
            lines: 0,
        })
    }

    pub(super) fn draw(&mut self, log: &mut Log) -> Result<Rest, Fault> {
        let (fresh, max_lines) = log.take_fresh(LINES_PER_FRAME);
        let fragment = self.dom.fragment();
        for line in fresh {
            let line = self.line(line)?;
            fragment.append_child(&line)?;
            self.lines += 1;
        }
        self.log.append_child(&fragment)?;
        while self.lines > max_lines {
            let Some(oldest) = self.log.first_element_child() else {
                break;
            };
            oldest.remove();
            self.lines -= 1;
        }
        show(&self.empty, Visibility::shown_if(self.lines == 0));
        if self.reader.get() == Reader::Follows {
            self.log.set_scroll_top(self.log.scroll_height());
            show(&self.follow, Visibility::Hidden);
        }
        Ok(if log.has_fresh() { Rest::More } else { Rest::Nothing })
    }

    fn line(&self, line: &LogLine) -> Result<HtmlElement, Fault> {
        let element = self.template.copy()?;
        set_attribute(&element, "data-kind", kind(line.kind));
        set_text(&part::<Element>(&element, ".line-time")?, &clock_time(millis(line.at_millis)));
        if let Some(number) = line.connection {
            let session = part::<Element>(&element, ".line-session")?;
            set_text(&session, &format!("#{number}"));
            set_attribute(&session, "title", &words::ftps_session(number));
        }
        set_text(&part::<Element>(&element, ".line-kind")?, words::log_kind(line.kind));
        set_text(&part::<Element>(&element, ".line-text")?, &format::visible(&line.text));
        Ok(element)
    }
}

fn kind(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Status => "status",
        LogKind::Command => "command",
        LogKind::Response => "response",
        LogKind::Error => "error",
    }
}

#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 milliseconds")]
fn millis(millis: u64) -> f64 {
    millis as f64
}
