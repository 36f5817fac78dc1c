//! The session log: appends new lines, removes the oldest, follows the newest line or stays with the
//! reader, hides lines and names.

use std::ops::{Range, RangeInclusive};

use js_sys::{Array, Date};
use mask::{Label, MaskOptions, Masker, NameKind};
use protocol::server::{LogKind, LogLine};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement};

pub(in crate::shell) use self::explanations::fetch_explanations;
use self::{
    explanations::Explanations,
    follow::{Follow, Reader},
    search::Search,
};
use super::{Redraw, problem::ProblemTemplate};
use crate::join::concat;
use crate::{
    format,
    log::wording,
    log::{self, KindFilter, Log, LogFilter, pairs::Pairs},
    page::Page,
    shell::{
        dom::{Dom, Exception, Template, Visibility, query, set_attribute, set_text, show},
        locale::clock_time,
    },
};

mod explanations;
mod follow;
mod search;

/// The limits of the number of lines drawn in one frame. Thousands of small files log thousands of
/// lines a second; the number adapts to the time that a frame has for them.
const LINES_PER_FRAME: RangeInclusive<usize> = 10..=200;
/// If the log takes longer than this in a frame, the next frame draws fewer lines. In milliseconds.
const LONG_DRAWING: f64 = 8.0;

/// The length of a time without its milliseconds: `14:03:22`.
const SECONDS: usize = 8;

/// An action of the log's reader.
pub(in crate::shell) enum LogAction {
    /// Apply the filters and masks that the controls show.
    ApplyOptions,
    /// Search for the text in the search field.
    Find,
    /// Go to another match.
    FindStep(MatchMove),
    /// Explain a line, or hide its explanation.
    Toggle(Element),
    /// Explain all lines, or hide all explanations.
    ToggleAll,
    /// Use these explanations; `None` if they could not be loaded.
    SetExplanations(Option<Array>),
}

/// From one match of the search to another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum MatchMove {
    First,
    Next,
    Previous,
}

/// What an action needs to be completed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Outcome {
    Done,
    /// The explanations have to be loaded.
    NeedsExplanations,
}

/// Draws the log.
pub(super) struct LogView {
    dom: Dom,
    log: HtmlElement,
    line: Template,
    explanation: Template,
    match_template: Template,
    session_option: Template,
    problem: ProblemTemplate,
    empty: HtmlElement,
    session_select: HtmlSelectElement,
    explain_all: HtmlInputElement,
    status: HtmlElement,
    follow: Follow,
    /// The number of lines in the document.
    lines: usize,
    /// The greatest number of lines that the next frame draws.
    per_frame: usize,
    /// The number of FTPS sessions that can be selected.
    sessions: u32,
    filter: LogFilter,
    masks: Masker,
    search: Search,
    explanations: Explanations,
    pairs: Pairs,
}

impl LogView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        let log: HtmlElement = dom.find("log");
        Ok(Self {
            dom: dom.clone(),
            follow: Follow::new(dom, &log)?,
            log,
            line: Template::find(dom, "t-line"),
            explanation: Template::find(dom, "t-explanation"),
            match_template: Template::find(dom, "t-mark"),
            session_option: Template::find(dom, "t-log-session"),
            problem: ProblemTemplate::find(dom),
            empty: dom.find("log-empty"),
            session_select: dom.find("log-session"),
            explain_all: dom.find("log-explain-all"),
            status: dom.find("log-status"),
            lines: 0,
            per_frame: *LINES_PER_FRAME.start(),
            sessions: 0,
            filter: LogFilter::default(),
            masks: Masker::new(wording::masked_name as Label),
            search: Search::default(),
            explanations: Explanations::default(),
            pairs: Pairs::default(),
        })
    }

    /// Draws new lines.
    pub(super) fn draw(&mut self, page: &mut Page) -> Result<Redraw, Exception> {
        if page.log_mut().take_problems_changed() {
            self.explain_again(page.log(), "[data-kind=error] > [aria-expanded=true]")?;
        }
        let begun = Date::now();
        let undrawn = page.log_mut().take_undrawn(self.per_frame);
        let log = page.log();
        if self.is_held() {
            self.follow.set(Reader::Reading);
        }
        self.append(log, undrawn)?;
        self.remove_oldest(log.max_lines());
        if self.lines > 0 {
            for id in ["log-tools", "log-share"] {
                show(&self.dom.find(id), Visibility::Shown);
            }
            show(&self.empty, Visibility::Hidden);
        }
        self.follow.scroll();
        if self.search.is_active() {
            self.show_match_count()?;
        }
        let (least, most) = LINES_PER_FRAME.into_inner();
        self.per_frame = if Date::now() - begun > LONG_DRAWING {
            least.max(self.per_frame / 2)
        } else {
            most.min(self.per_frame * 2)
        };
        Ok(if log.has_undrawn() { Redraw::Pending } else { Redraw::Complete })
    }

    /// Carries out an action of the reader.
    pub(super) fn act(&mut self, page: &Page, action: LogAction) -> Result<Outcome, Exception> {
        let log = page.log();
        match action {
            LogAction::ApplyOptions => self.apply_options(page)?,
            LogAction::Find => {
                let text = self.dom.find::<HtmlInputElement>("log-find").value();
                self.search.set_text(text);
                self.redraw(log)?;
            }
            LogAction::FindStep(to) => self.go_to_match(to)?,
            LogAction::Toggle(toggle) => {
                let is_open = toggle.get_attribute("aria-expanded").as_deref() == Some("true");
                if let Some(line) = line_of(&toggle) {
                    self.explain(log, &line, !is_open)?;
                    self.scroll_to_end_of(line.unchecked_ref());
                }
            }
            LogAction::ToggleAll => self.toggle_all(log)?,
            LogAction::SetExplanations(list) => {
                self.explanations.set(list);
                self.explain_again(log, "[aria-expanded=true]")?;
                return Ok(Outcome::Done);
            }
        }
        Ok(self.outcome())
    }

    fn append(&mut self, log: &Log, undrawn: Range<u64>) -> Result<(), Exception> {
        if self.masks.options().is_any() {
            for line in undrawn.clone().filter_map(|number| log.line(number)) {
                self.masks.learn(line);
            }
        }
        let fragment = self.dom.fragment();
        for number in undrawn {
            let Some(line) = log.line(number) else { continue };
            self.offer_session(line.connection.unwrap_or_default())?;
            let element = self.create_line(number, line)?;
            if self.explain_all.checked() && explanations::has_explanation(log, line) {
                self.explain(log, &element, true)?;
            }
            fragment.append_child(&element)?;
            self.lines += 1;
        }
        self.log.append_child(&fragment)?;
        Ok(())
    }

    fn remove_oldest(&mut self, max_lines: usize) {
        while self.lines > max_lines {
            let Some(oldest) = self.log.first_element_child() else { break };
            let had_focus = self.dom.has_focus(&oldest);
            oldest.remove();
            self.lines -= 1;
            if had_focus {
                let _ = self.log.focus();
            }
        }
    }

    /// Whether a line has the focus, or text in the log is selected.
    fn is_held(&self) -> bool {
        let focused = self.dom.document.active_element();
        if focused.is_some_and(|focused| line_of(&focused).is_some()) {
            return true;
        }
        let Ok(Some(selection)) = self.dom.window.get_selection() else { return false };
        // In this order: `isCollapsed` makes the browser lay out the whole page.
        self.log.contains(selection.anchor_node().as_ref()) && !selection.is_collapsed()
    }

    /// Creates the element of a line. There may be thousands a second: it writes to the copy of the
    /// template without comparing.
    fn create_line(&mut self, number: u64, line: &LogLine) -> Result<HtmlElement, Exception> {
        let element = self.line.copy();
        let looks_like = if log::is_refusal(line) { LogKind::Error } else { line.kind };
        element.set_attribute("data-kind", kind_name(looks_like))?;
        element.set_attribute("data-line", &number.to_string())?;
        let time: Element = query(&element, ".line-time");
        let at = clock_time(millis(line.at_millis));
        let (seconds, thousandths) = at.split_at_checked(SECONDS).unwrap_or((&at, ""));
        time.set_text_content(Some(seconds));
        time.set_attribute("data-millis", thousandths)?;
        if let Some(answered) = self.pairs.next(line) {
            let took = wording::answer(&answered);
            query::<Element>(&element, ".line-text").set_attribute("data-answers", &took)?;
        }
        let session = time.next_element_sibling().ok_or("a line without a session")?;
        if let Some(number) = line.connection {
            session.set_text_content(Some(&concat(&["#", &*number.to_string()])));
            session.set_attribute("title", &wording::ftps_session(number))?;
        }
        let kind = session.next_element_sibling().ok_or("a line without a kind")?;
        kind.set_text_content(Some(wording::kind(line.kind)));
        self.fill(&element, line)?;
        Ok(element)
    }

    /// Writes the text of a line with its matches highlighted, or hides the line.
    fn fill(&mut self, element: &HtmlElement, line: &LogLine) -> Result<(), Exception> {
        let is_shown = self.filter.fits(line);
        show(element, Visibility::shown_if(is_shown));
        let target: Element = query(element, ".line-text");
        let masked = self.masks.mask_line(line);
        let text = format::visible(&masked);
        let matches = if is_shown { log::find(&text, self.search.text()) } else { Vec::new() };
        if matches.is_empty() {
            if target.child_element_count() > 0 {
                target.set_text_content(None);
            }
            set_text(&target, &text);
            return Ok(());
        }
        target.set_text_content(None);
        let mut from = 0;
        for range in matches {
            let mark = self.match_template.copy();
            mark.set_text_content(text.get(range.clone()));
            target.append_with_str_1(text.get(from..range.start).unwrap_or_default())?;
            target.append_child(&mark)?;
            from = range.end;
        }
        target.append_with_str_1(text.get(from..).unwrap_or_default())
    }

    fn selected_filter(&self) -> LogFilter {
        let show = match &*self.dom.find::<HtmlSelectElement>("log-show").value() {
            "status" => KindFilter::Status,
            "protocol" => KindFilter::Protocol,
            "errors" => KindFilter::Errors,
            _ => KindFilter::All,
        };
        LogFilter { show, session: self.session_select.value().parse().ok() }
    }

    fn selected_masks(&self) -> Result<MaskOptions, Exception> {
        let is_checked =
            |id: &str| Ok::<_, Exception>(self.dom.find::<HtmlInputElement>(id).checked());
        Ok(MaskOptions {
            hosts: is_checked("log-mask-hosts")?,
            users: is_checked("log-mask-users")?,
            paths: is_checked("log-mask-paths")?,
        })
    }

    /// Applies the filters and masks that the controls show.
    fn apply_options(&mut self, page: &Page) -> Result<(), Exception> {
        let log = page.log();
        self.filter = self.selected_filter();
        self.masks.set_options(self.selected_masks()?);
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

    /// Writes all lines anew, and goes to the first match of the search.
    fn redraw(&mut self, log: &Log) -> Result<(), Exception> {
        let mut next = self.log.first_element_child();
        while let Some(element) = next {
            next = element.next_element_sibling();
            if let Some(line) = log_line(log, &element) {
                self.fill(element.unchecked_ref(), line)?;
            }
        }
        self.follow.scroll();
        self.restart_search()
    }

    /// Offers the FTPS sessions up to this one for selection, if there are several.
    fn offer_session(&mut self, number: u32) -> Result<(), Exception> {
        while self.sessions < number {
            self.sessions += 1;
            let option = self.session_option.copy();
            set_attribute(&option, "value", &self.sessions.to_string());
            set_text(&option, &wording::ftps_session(self.sessions));
            self.session_select.append_child(&option)?;
            show(&self.session_select, Visibility::shown_if(self.sessions > 1));
        }
        Ok(())
    }
}

/// Returns the line that is, or contains, an element.
pub(in crate::shell) fn line_of(element: &Element) -> Option<Element> {
    element.closest(".line").ok()?
}

/// Returns the line of an element, if the log still has it.
fn log_line<'a>(log: &'a Log, element: &Element) -> Option<&'a LogLine> {
    log.line(element.get_attribute("data-line")?.parse().ok()?)
}

fn kind_name(kind: LogKind) -> &'static str {
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
