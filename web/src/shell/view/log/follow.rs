//! Follows the newest line of the log, until the reader scrolls up.

use std::{cell::Cell, rc::Rc};

use web_sys::{HtmlElement, ResizeObserver};

use crate::shell::dom::{Dom, Exception, Visibility, function, listen, show};

/// A reader within this distance of the end, in pixels, follows the newest line.
const NEAR_END_PX: i32 = 24;

/// The position of the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// At the newest line, which the log follows.
    Following,
    /// At older lines: the log does not scroll by itself.
    Reading,
}

/// The scroll position of the log, and the button that returns to the newest line.
pub(super) struct Follow {
    dom: Dom,
    log: HtmlElement,
    button: HtmlElement,
    reader: Rc<Cell<Reader>>,
}

impl Follow {
    pub(super) fn new(dom: &Dom, log: &HtmlElement) -> Result<Self, Exception> {
        let follow = Self {
            dom: dom.clone(),
            log: log.clone(),
            button: dom.find("log-follow"),
            reader: Rc::new(Cell::new(Reader::Following)),
        };
        follow.listen_to_scrolling();
        follow.observe_size()?;
        follow.listen_to_buttons();
        Ok(follow)
    }

    pub(super) fn set(&self, reader: Reader) {
        self.reader.set(reader);
    }

    /// Shows a line, which stops following. `top` is its offset in pixels.
    pub(super) fn read_at(&self, top: i32) {
        self.reader.set(Reader::Reading);
        self.log.set_scroll_top(top - self.log.client_height() / 2);
        show(&self.button, Visibility::Shown);
    }

    /// Scrolls to the newest line if the reader follows. A hidden page is not laid out for that.
    pub(super) fn scroll(&self) {
        let follows = self.reader.get() == Reader::Following;
        if follows && !self.dom.document.hidden() {
            self.log.set_scroll_top(self.log.scroll_height());
        }
        show(&self.button, Visibility::shown_if(!follows));
    }

    fn listen_to_scrolling(&self) {
        let (log, reader, button) = (self.log.clone(), self.reader.clone(), self.button.clone());
        let mut before = 0;
        listen(&self.log, "scroll", move |_: web_sys::Event| {
            let top = log.scroll_top();
            let below = log.scroll_height() - top - log.client_height();
            // Only a reader scrolls up: the log also gets out of view when lines are appended.
            if below <= NEAR_END_PX {
                reader.set(Reader::Following);
            } else if top < before {
                reader.set(Reader::Reading);
            }
            before = top;
            show(&button, Visibility::shown_if(reader.get() == Reader::Reading));
        });
    }

    /// Stays at the newest line when the log becomes smaller.
    fn observe_size(&self) -> Result<(), Exception> {
        let (log, reader) = (self.log.clone(), self.reader.clone());
        let observer = ResizeObserver::new(&function(move || {
            if reader.get() == Reader::Following {
                log.set_scroll_top(log.scroll_height());
            }
        }))?;
        observer.observe(&self.log);
        Ok(())
    }

    fn listen_to_buttons(&self) {
        // A log that was opened, or closed down to its newest line, shows what is new.
        let reader = self.reader.clone();
        listen(&self.dom.find("log-toggle"), "click", move |_: web_sys::Event| {
            reader.set(Reader::Following);
        });
        let (log, reader, dom) = (self.log.clone(), self.reader.clone(), self.dom.clone());
        listen(&self.button, "click", move |_: web_sys::Event| {
            reader.set(Reader::Following);
            if let Ok(Some(selection)) = dom.window.get_selection() {
                let _ = selection.remove_all_ranges();
            }
            log.set_scroll_top(log.scroll_height());
            let _ = log.focus();
        });
    }
}
