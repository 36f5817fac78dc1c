//! The session log: new lines at the end, the oldest gone, the scroll with the reader; what lines
//! mean on demand, some of them only, text found in them, and names hidden.

use std::{
    cell::Cell,
    ops::{Range, RangeInclusive},
    rc::Rc,
};

use js_sys::{Array, Date};
use protocol::{
    Problem,
    server::{LogKind, LogLine},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement, ResizeObserver, Url};

use self::explanations::Explanations;
pub(in crate::shell) use self::{explanations::fetch_explanations, reader::listen_to_reader};
use super::{
    super::dom::{
        Dom, Fault, Template, Visibility, clock_time, function, listen, part, set_attribute,
        set_text, show,
    },
    Rest,
    problem::ProblemTemplate,
};
use crate::{
    format,
    log::wording,
    log::{self, KindFilter, Log, LogFilter},
    mask::{MaskOptions, Masker, NameKind},
    page::Page,
};

mod explanations;
mod reader;
mod share;

/// Lines that are made in one frame: thousands of small files say thousands of lines a second. How
/// many of them a frame has the time for is found out.
const LINES_PER_FRAME: RangeInclusive<usize> = 10..=200;
/// A frame in which the log takes longer than this makes fewer lines next time, in milliseconds.
const LONG_DRAWING: f64 = 8.0;

/// Who scrolls up by less than this still follows.
const NEAR_THE_END_PX: i32 = 24;

/// What the reader wants.
pub(in crate::shell) enum Act {
    /// Other lines, or other names hidden: the controls say which.
    Choose,
    /// Another text to be found.
    Find,
    /// Another place where it stands.
    Step(Step),
    /// What a line means, or not any more.
    Toggle(Element),
    /// What all lines mean, or not any more.
    ExplainAll,
    /// What lines mean has arrived, or not.
    Explained(Option<Array>),
    /// The lines on the clipboard.
    Copy,
    /// The lines in a file.
    Download,
}

/// From one place to another where the text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Step {
    First,
    Next,
    Previous,
}

/// What the log needs of others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Wish {
    Nothing,
    /// To know what its lines mean.
    Explanations,
}

pub(super) struct LogView {
    dom: Dom,
    log: HtmlElement,
    line: Template,
    meaning: Template,
    mark: Template,
    session: Template,
    problem: ProblemTemplate,
    empty: HtmlElement,
    session_choice: HtmlSelectElement,
    explain_all: HtmlInputElement,
    said: HtmlElement,
    follow: HtmlElement,
    reader: Rc<Cell<Reader>>,
    lines: usize,
    /// How many lines the next frame makes.
    per_frame: usize,
    /// FTPS sessions that can be chosen: 1 up to this one.
    sessions: u32,
    filter: LogFilter,
    masks: Masker,
    /// The text to be found.
    wanted: String,
    /// Which place of it is at hand, from 1.
    at: u32,
    explanations: Explanations,
    /// The address of the file that was saved last.
    file: Option<String>,
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
        // Whoever opens the log, or closes it but for its newest line, looks for what is new.
        let its_reader = reader.clone();
        listen(&dom.find("log-toggle")?, "click", move |_: web_sys::Event| {
            its_reader.set(Reader::Follows);
        })?;
        let (target, its_reader, its_dom) = (log.clone(), reader.clone(), dom.clone());
        listen(&follow, "click", move |_: web_sys::Event| {
            its_reader.set(Reader::Follows);
            if let Ok(Some(selection)) = its_dom.window.get_selection() {
                let _ = selection.remove_all_ranges();
            }
            target.set_scroll_top(target.scroll_height());
            let _ = target.focus();
        })?;
        Ok(Self {
            dom: dom.clone(),
            log,
            line: Template::find(dom, "t-line")?,
            meaning: Template::find(dom, "t-explanation")?,
            mark: Template::find(dom, "t-mark")?,
            session: Template::find(dom, "t-log-session")?,
            problem: ProblemTemplate::find(dom)?,
            empty: dom.find("log-empty")?,
            session_choice: dom.find("log-session")?,
            explain_all: dom.find("log-explain-all")?,
            said: dom.find("log-status")?,
            follow,
            reader,
            lines: 0,
            per_frame: *LINES_PER_FRAME.start(),
            sessions: 0,
            filter: LogFilter::default(),
            masks: Masker::default(),
            wanted: String::new(),
            at: 0,
            explanations: Explanations::default(),
            file: None,
        })
    }

    /// Draws what is new.
    pub(super) fn draw(&mut self, page: &mut Page) -> Result<Rest, Fault> {
        if page.log_mut().take_problems_changed() {
            self.explain_again(page.log(), "[data-kind=error] > [aria-expanded=true]")?;
        }
        let begun = Date::now();
        let fresh = page.log_mut().take_undrawn(self.per_frame);
        let log = page.log();
        if self.is_held() {
            self.reader.set(Reader::Reads);
        }
        self.append(log, fresh)?;
        self.drop_oldest(log.max_lines());
        if self.lines > 0 {
            for id in ["log-tools", "log-share"] {
                show(&self.dom.find(id)?, Visibility::Shown);
            }
            show(&self.empty, Visibility::Hidden);
        }
        self.go_along();
        if !self.wanted.is_empty() {
            self.say_found()?;
        }
        let (least, most) = LINES_PER_FRAME.into_inner();
        self.per_frame = if Date::now() - begun > LONG_DRAWING {
            least.max(self.per_frame / 2)
        } else {
            most.min(self.per_frame * 2)
        };
        Ok(if log.has_undrawn() { Rest::More } else { Rest::Nothing })
    }

    /// Does what the reader wants.
    pub(super) fn act(&mut self, page: &Page, act: Act) -> Result<Wish, Fault> {
        let log = page.log();
        match act {
            Act::Choose => self.choose(page)?,
            Act::Find => {
                self.wanted = self.dom.find::<HtmlInputElement>("log-find")?.value();
                self.redraw(log)?;
            }
            Act::Step(step) => self.step(step)?,
            Act::Toggle(said) => {
                let is_open = said.get_attribute("aria-expanded").as_deref() == Some("true");
                if let Some(line) = line_of(&said) {
                    self.explain(log, &line, !is_open)?;
                    self.bring_into_view(line.unchecked_ref());
                }
            }
            Act::ExplainAll => self.explain_all(log)?,
            Act::Explained(list) => {
                self.explanations = list.map_or(Explanations::Lacking, Explanations::Here);
                self.explain_again(log, "[aria-expanded=true]")?;
                return Ok(Wish::Nothing);
            }
            Act::Copy => {
                let (text, lines) = share::text(&self.dom, log, self.filter, &mut self.masks);
                share::copy(self.dom.window.clone(), self.said.clone(), text, lines);
            }
            Act::Download => {
                let (text, _) = share::text(&self.dom, log, self.filter, &mut self.masks);
                let link: HtmlElement = self.dom.find("log-download-link")?;
                let file = share::download(&link, &text)?;
                if let Some(before) = self.file.replace(file) {
                    let _ = Url::revoke_object_url(&before);
                }
            }
        }
        Ok(self.wish())
    }

    /// Scrolls down to what stands under a line.
    fn bring_into_view(&self, line: &HtmlElement) {
        let top = line.offset_top() + line.offset_height() - self.log.client_height();
        if top > self.log.scroll_top() {
            self.log.set_scroll_top(top);
        }
    }

    /// Explanations are wanted by the first line that is explained.
    fn wish(&mut self) -> Wish {
        let open = self.log.query_selector("[aria-expanded=true]");
        let is_asked = self.explain_all.checked() || matches!(open, Ok(Some(_)));
        if is_asked && matches!(self.explanations, Explanations::Lacking) {
            self.explanations = Explanations::Awaited;
            return Wish::Explanations;
        }
        Wish::Nothing
    }

    fn append(&mut self, log: &Log, fresh: Range<u64>) -> Result<(), Fault> {
        if self.masks.options().is_any() {
            for line in fresh.clone().filter_map(|number| log.line(number)) {
                self.masks.learn(line);
            }
        }
        let fragment = self.dom.fragment();
        for number in fresh {
            let Some(line) = log.line(number) else { continue };
            self.offer_session(line.connection.unwrap_or_default())?;
            let element = self.make_line(number, line)?;
            if self.explain_all.checked() && is_telling(log, line) {
                self.explain(log, &element, true)?;
            }
            fragment.append_child(&element)?;
            self.lines += 1;
        }
        self.log.append_child(&fragment)?;
        Ok(())
    }

    fn drop_oldest(&mut self, max_lines: usize) {
        while self.lines > max_lines {
            let Some(oldest) = self.log.first_element_child() else {
                break;
            };
            let had_focus = self.dom.has_focus(&oldest);
            oldest.remove();
            self.lines -= 1;
            if had_focus {
                let _ = self.log.focus();
            }
        }
    }

    /// Keeps the newest line in view of a reader who follows. A page that is not seen is not laid
    /// out for it.
    fn go_along(&self) {
        let follows = self.reader.get() == Reader::Follows;
        if follows && !self.dom.document.hidden() {
            self.log.set_scroll_top(self.log.scroll_height());
        }
        show(&self.follow, Visibility::shown_if(!follows));
    }

    /// Whether a line has the focus, or text is marked.
    fn is_held(&self) -> bool {
        let focused = self.dom.document.active_element();
        if focused.is_some_and(|focused| line_of(&focused).is_some()) {
            return true;
        }
        let Ok(Some(selection)) = self.dom.window.get_selection() else { return false };
        // In this order: to say whether a text is marked, the browser lays out the whole page.
        self.log.contains(selection.anchor_node().as_ref()) && !selection.is_collapsed()
    }

    /// Makes a line. Thousands come in a second: nothing is asked of a copy that is known.
    fn make_line(&mut self, number: u64, line: &LogLine) -> Result<HtmlElement, Fault> {
        let element = self.line.copy()?;
        element.set_attribute("data-kind", kind(line.kind))?;
        element.set_attribute("data-line", &number.to_string())?;
        let time: Element = part(&element, ".line-time")?;
        time.set_text_content(Some(&clock_time(millis(line.at_millis))));
        let session = time.next_element_sibling().ok_or("a line without a session")?;
        if let Some(number) = line.connection {
            session.set_text_content(Some(&["#", &*number.to_string()].concat()));
            session.set_attribute("title", &wording::ftps_session(number))?;
        }
        let who = session.next_element_sibling().ok_or("a line of nobody")?;
        who.set_text_content(Some(wording::kind(line.kind)));
        self.fill(&element, line)?;
        Ok(element)
    }

    /// Writes a line's text, what is found in it marked; or hides the line.
    fn fill(&mut self, element: &HtmlElement, line: &LogLine) -> Result<(), Fault> {
        let is_shown = self.filter.fits(line);
        show(element, Visibility::shown_if(is_shown));
        let place: Element = part(element, ".line-text")?;
        let hidden = self.masks.mask_line(line);
        let text = format::visible(&hidden);
        let found = if is_shown { log::find(&text, &self.wanted) } else { Vec::new() };
        if found.is_empty() {
            if place.child_element_count() > 0 {
                place.set_text_content(None);
            }
            set_text(&place, &text);
            return Ok(());
        }
        place.set_text_content(None);
        let mut from = 0;
        for range in found {
            let mark = self.mark.copy()?;
            mark.set_text_content(text.get(range.clone()));
            place.append_with_str_1(text.get(from..range.start).unwrap_or_default())?;
            place.append_child(&mark)?;
            from = range.end;
        }
        place.append_with_str_1(text.get(from..).unwrap_or_default())
    }

    fn chosen_filter(&self) -> Result<LogFilter, Fault> {
        let show = match &*self.dom.find::<HtmlSelectElement>("log-show")?.value() {
            "status" => KindFilter::Status,
            "talk" => KindFilter::Protocol,
            "errors" => KindFilter::Errors,
            _ => KindFilter::All,
        };
        Ok(LogFilter { show, session: self.session_choice.value().parse().ok() })
    }

    fn chosen_masks(&self) -> Result<MaskOptions, Fault> {
        let is_checked =
            |id: &str| Ok::<_, Fault>(self.dom.find::<HtmlInputElement>(id)?.checked());
        Ok(MaskOptions {
            hosts: is_checked("log-mask-hosts")?,
            users: is_checked("log-mask-users")?,
            paths: is_checked("log-mask-paths")?,
        })
    }

    /// Takes in what the controls say.
    fn choose(&mut self, page: &Page) -> Result<(), Fault> {
        let log = page.log();
        self.filter = self.chosen_filter()?;
        self.masks.set_options(self.chosen_masks()?);
        if self.masks.options().is_any() {
            if let Some(home) = page.connection().home() {
                self.masks.learn_name(NameKind::Host, &home.host);
                self.masks.learn_name(NameKind::User, &home.username);
            }
            log.lines().for_each(|line| self.masks.learn(line));
        }
        self.redraw(log)?;
        self.explain_again(log, "[aria-expanded=true]")
    }

    /// Writes all lines anew.
    fn redraw(&mut self, log: &Log) -> Result<(), Fault> {
        let mut next = self.log.first_element_child();
        while let Some(element) = next {
            next = element.next_element_sibling();
            if let Some(line) = log_line(log, &element) {
                self.fill(element.unchecked_ref(), line)?;
            }
        }
        self.go_along();
        self.at = 0;
        if self.wanted.is_empty() {
            set_text(&self.said, "");
            return Ok(());
        }
        self.step(Step::First)
    }

    /// Goes to another place where the text stands.
    fn step(&mut self, step: Step) -> Result<(), Fault> {
        let marks = self.log.query_selector_all("mark")?;
        let number = marks.length();
        let mark = |at: u32| marks.item(at).map(JsCast::unchecked_into::<HtmlElement>);
        let current =
            (0..number).find(|at| mark(*at).is_some_and(|mark| mark.has_attribute("aria-current")));
        let next = match (step, current) {
            (Step::Next, Some(current)) if current + 1 < number => current + 1,
            (Step::Previous, None | Some(0)) => number.saturating_sub(1),
            (Step::Previous, Some(current)) => current - 1,
            (Step::First | Step::Next, _) => 0,
        };
        if let Some(current) = current.and_then(mark) {
            current.remove_attribute("aria-current")?;
        }
        if let Some(mark) = mark(next) {
            set_attribute(&mark, "aria-current", "true");
            self.reader.set(Reader::Reads);
            self.log.set_scroll_top(mark.offset_top() - self.log.client_height() / 2);
            show(&self.follow, Visibility::Shown);
            self.at = next + 1;
        }
        self.say_found()
    }

    fn say_found(&self) -> Result<(), Fault> {
        let number = self.log.query_selector_all("mark")?.length();
        set_text(&self.said, &wording::found(self.at.min(number), number));
        Ok(())
    }

    /// Lets the reader choose the FTPS sessions up to this one, where there are several.
    fn offer_session(&mut self, number: u32) -> Result<(), Fault> {
        while self.sessions < number {
            self.sessions += 1;
            let option = self.session.copy()?;
            set_attribute(&option, "value", &self.sessions.to_string());
            set_text(&option, &wording::ftps_session(self.sessions));
            self.session_choice.append_child(&option)?;
            show(&self.session_choice, Visibility::shown_if(self.sessions > 1));
        }
        Ok(())
    }

    fn explain_all(&mut self, log: &Log) -> Result<(), Fault> {
        let open = self.explain_all.checked();
        let mut next = self.log.first_element_child();
        while let Some(element) = next {
            next = element.next_element_sibling();
            let is_telling = log_line(log, &element).is_some_and(|line| is_telling(log, line));
            self.explain(log, &element, open && is_telling)?;
        }
        self.go_along();
        Ok(())
    }

    /// Explains anew what is explained of the lines that `selector` fits.
    fn explain_again(&mut self, log: &Log, selector: &str) -> Result<(), Fault> {
        let open = self.log.query_selector_all(selector)?;
        for said in (0..open.length()).filter_map(|at| open.item(at)) {
            if let Some(line) = line_of(said.unchecked_ref()) {
                self.explain(log, &line, true)?;
            }
        }
        Ok(())
    }

    /// Writes under a line what it means, or takes that away.
    fn explain(&mut self, log: &Log, element: &Element, open: bool) -> Result<(), Fault> {
        let said: Element = part(element, ".line-toggle")?;
        set_attribute(&said, "aria-expanded", if open { "true" } else { "false" });
        if let Some(meaning) = said.next_element_sibling() {
            meaning.remove();
        }
        if let Some(line) = log_line(log, element)
            && open
        {
            let meaning = self.meaning.copy()?;
            match log.problem_of(line) {
                Some(problem) => {
                    let problem = hide_in(&mut self.masks, problem);
                    self.problem.fill(&meaning, Some(&problem))?;
                }
                None => set_text(&meaning, &self.explanations.text(line)),
            }
            element.append_child(&meaning)?;
        }
        Ok(())
    }
}

/// Whether there is more to say of a line than that it speaks for itself.
fn is_telling(log: &Log, line: &LogLine) -> bool {
    line.explanation.is_some() || log.problem_of(line).is_some()
}

/// A problem without the names that are hidden.
fn hide_in(masks: &mut Masker, problem: &Problem) -> Problem {
    Problem {
        message: masks.mask_text(&problem.message),
        reply: problem.reply.as_deref().map(|reply| masks.mask_text(reply)),
        ..problem.clone()
    }
}

/// The line around an element.
fn line_of(element: &Element) -> Option<Element> {
    element.closest(".line").ok()?
}

/// What an element shows, if it is still kept.
fn log_line<'a>(log: &'a Log, element: &Element) -> Option<&'a LogLine> {
    log.line(element.get_attribute("data-line")?.parse().ok()?)
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
