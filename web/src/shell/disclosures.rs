//! Parts of the page that the user opens and closes. Session storage remembers which are open, for
//! each view.

use std::rc::Rc;

use web_sys::{Event, HtmlElement, MediaQueryList, Storage};

use super::{
    appearance::{self, View},
    dom::{Dom, Exception, listen, set_attribute},
};
use crate::join::concat;

/// The width below which the style sheet shows the support view in one column.
const ONE_COLUMN: &str = "(max-width: 43.99rem)";
/// The width below which the style sheet shows the open parts of the simple view one at a time, over
/// the uploads.
const SHEETS: &str = "(max-width: 74.99rem)";

/// The prefix of the keys in session storage.
const STORAGE_PREFIX: &str = "ferryport-open-";

/// A part, by the id of the button that opens and closes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The facts of the connection.
    Connected,
    /// The files on the server.
    Remote,
    /// The session log.
    Log,
    /// How the connection is protected.
    Security,
}

impl Part {
    const ALL: [Self; 4] = [Self::Connected, Self::Remote, Self::Log, Self::Security];

    /// The parts of which the simple view shows one at a time where it is narrow.
    const SHEETS: [Self; 3] = [Self::Remote, Self::Log, Self::Security];

    fn id(self) -> &'static str {
        match self {
            Self::Connected => "connected-toggle",
            Self::Remote => "remote-toggle",
            Self::Log => "log-toggle",
            Self::Security => "security-toggle",
        }
    }

    /// Whether it is open until the user toggles it.
    fn is_open_at_first(self, view: View, columns: Columns) -> bool {
        match (self, view) {
            (_, View::Simple) | (Self::Connected | Self::Security, _) => false,
            (Self::Remote, View::Support) => true,
            (Self::Log, View::Support) => columns == Columns::Several,
        }
    }
}

/// How many columns the page has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    One,
    Several,
}

struct Disclosures {
    dom: Dom,
    one_column: Option<MediaQueryList>,
    sheets: Option<MediaQueryList>,
}

/// Restores the state of each part, and listens to what opens and closes it.
pub(super) fn start(dom: &Dom) -> Result<(), Exception> {
    let parts = Rc::new(Disclosures {
        dom: dom.clone(),
        one_column: dom.window.match_media(ONE_COLUMN)?,
        sheets: dom.window.match_media(SHEETS)?,
    });
    parts.apply();
    for part in Part::ALL {
        let toggled = parts.clone();
        let toggle: HtmlElement = dom.find(part.id());
        listen(&toggle, "click", move |_: Event| toggled.toggle(part));
    }
    for (button, part) in [("choose-target", Part::Remote), ("security-open", Part::Security)] {
        let opened = parts.clone();
        let button: HtmlElement = dom.find(button);
        listen(&button, "click", move |_: Event| opened.open(part));
    }
    let changed = parts.clone();
    let view: HtmlElement = dom.find("support-view");
    listen(&view, "click", move |_: Event| {
        appearance::toggle_view(&changed.dom);
        changed.apply();
    });
    for width in [&parts.one_column, &parts.sheets].into_iter().flatten() {
        let resized = parts.clone();
        listen(width, "change", move |_: Event| resized.apply());
    }
    Ok(())
}

impl Disclosures {
    /// Opens and closes the parts as the user left them in this view.
    fn apply(&self) {
        let (view, columns) = (appearance::view(&self.dom), self.columns());
        for part in Part::ALL {
            let open = self.load(part).unwrap_or(part.is_open_at_first(view, columns));
            self.set_attribute(part, open);
        }
        if self.shows_one() {
            let open = Part::SHEETS.into_iter().filter(|part| self.is_open(*part));
            open.skip(1).for_each(|part| self.set_attribute(part, false));
        }
        let is_support = view == View::Support;
        let options: HtmlElement = self.dom.find("options");
        let _ = options.toggle_attribute_with_force("open", is_support);
        let button: HtmlElement = self.dom.find("support-view");
        set_attribute(&button, "aria-pressed", attribute_value(is_support));
    }

    fn toggle(&self, part: Part) {
        self.set(part, !self.is_open(part));
    }

    /// Opens a part, and moves the focus there.
    fn open(&self, part: Part) {
        self.set(part, true);
        let _ = self.toggle_of(part).focus();
    }

    /// Opens or closes a part, and remembers it.
    fn set(&self, part: Part, open: bool) {
        if open && part != Part::Connected && self.shows_one() {
            for other in Part::SHEETS {
                self.set_attribute(other, false);
                self.save(other, false);
            }
        }
        self.set_attribute(part, open);
        self.save(part, open);
    }

    fn columns(&self) -> Columns {
        if matches(self.one_column.as_ref()) { Columns::One } else { Columns::Several }
    }

    /// Whether there is space for one open list: the files on the server or the session log.
    fn shows_one(&self) -> bool {
        appearance::view(&self.dom) == View::Simple && matches(self.sheets.as_ref())
    }

    fn is_open(&self, part: Part) -> bool {
        self.toggle_of(part).get_attribute("aria-expanded").as_deref() == Some("true")
    }

    /// Sets the attribute by which the style sheet shows or hides the part.
    fn set_attribute(&self, part: Part, open: bool) {
        set_attribute(&self.toggle_of(part), "aria-expanded", attribute_value(open));
    }

    fn toggle_of(&self, part: Part) -> HtmlElement {
        self.dom.find(part.id())
    }

    fn load(&self, part: Part) -> Option<bool> {
        let stored = self.storage()?.get_item(&self.key(part)).ok()??;
        Some(stored == "true")
    }

    /// Storage may be full or disabled: the part then has its default after a reload.
    fn save(&self, part: Part, open: bool) {
        if let Some(storage) = self.storage() {
            let _ = storage.set_item(&self.key(part), attribute_value(open));
        }
    }

    fn storage(&self) -> Option<Storage> {
        self.dom.window.session_storage().ok()?
    }

    fn key(&self, part: Part) -> String {
        let view = match appearance::view(&self.dom) {
            View::Simple => "simple-",
            View::Support => "support-",
        };
        concat(&[STORAGE_PREFIX, view, part.id()])
    }
}

fn matches(media: Option<&MediaQueryList>) -> bool {
    media.is_some_and(MediaQueryList::matches)
}

fn attribute_value(is_true: bool) -> &'static str {
    if is_true { "true" } else { "false" }
}
