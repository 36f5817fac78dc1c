//! The totals of all uploads, the actions for all of them, and the title and the icon of the tab.

use web_sys::{Document, Element, HtmlElement, HtmlSelectElement};

use super::super::dom::{Dom, Visibility, set_attribute, set_progress, set_text, show};
use super::icon::IconView;
use crate::{
    queue::totals::{self, Condition},
    queue::{ConflictPolicy, OfferOrder, Queue, Totals},
};

/// From this number of uploads on, the simple view offers filters.
const FILTERS_FROM: u64 = 20;

pub(super) struct TotalsView {
    total: HtmlElement,
    bar: HtmlElement,
    headline: Element,
    text: Element,
    question: QuestionView,
    /// Shows how many are done in the support view.
    count: Element,
    /// The same in the simple view.
    simple_count: Element,
    empty_state: HtmlElement,
    filters: HtmlElement,
    policy: HtmlSelectElement,
    order: HtmlSelectElement,
    buttons: BulkButtons,
    icon: IconView,
}

/// The question about several files that the server has already.
struct QuestionView {
    card: HtmlElement,
    text: Element,
    /// Gets the focus when the button that had it is hidden.
    fallback: HtmlElement,
}

/// The buttons for all uploads.
struct BulkButtons {
    pause: HtmlElement,
    resume: HtmlElement,
    retry: HtmlElement,
    cancel: HtmlElement,
    clear: HtmlElement,
    /// Gets the focus when the button that had it is hidden and no other is visible.
    fallback: HtmlElement,
}

impl TotalsView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            total: dom.find("total"),
            bar: dom.find("total-bar"),
            headline: dom.find("total-headline"),
            question: QuestionView::new(dom),
            text: dom.find("total-text"),
            count: dom.find("uploads-count"),
            simple_count: dom.find("total-count"),
            empty_state: dom.find("empty-state"),
            filters: dom.find("filters"),
            policy: dom.find("policy"),
            order: dom.find("order"),
            icon: IconView::new(dom),
            buttons: BulkButtons {
                pause: dom.find("pause-all"),
                resume: dom.find("resume-all"),
                retry: dom.find("retry-failed"),
                cancel: dom.find("cancel-all"),
                clear: dom.find("clear-finished"),
                fallback: dom.find("uploads-section"),
            },
        }
    }

    pub(super) fn draw(&self, queue: &Queue, dom: &Dom) {
        self.draw_totals(queue, &dom.document);
        self.buttons.draw(&queue.totals(), dom);
        self.question.draw(&queue.totals(), dom);
        let policy = policy(queue.policy());
        if self.policy.value() != policy {
            self.policy.set_value(policy);
        }
        let order = order(queue.order());
        if self.order.value() != order {
            self.order.set_value(order);
        }
    }

    fn draw_totals(&self, queue: &Queue, document: &Document) {
        let totals = queue.totals();
        let text = totals::summary_line(&totals, queue.pace());
        show(&self.total, Visibility::shown_if(totals.files > 0));
        show(&self.filters, Visibility::shown_if(totals.files > 0));
        let is_needed = totals.files >= FILTERS_FROM || totals.failed + totals.waiting > 0;
        set_attribute(&self.filters, "data-needed", if is_needed { "yes" } else { "no" });
        set_attribute(&self.empty_state, "data-used", if totals.files > 0 { "yes" } else { "no" });
        set_progress(&self.bar, totals.permille(), &totals::count(&totals));
        let state = match totals::condition(&totals) {
            Condition::Paused => "paused",
            Condition::Done => "done",
            Condition::Attention => "attention",
            Condition::Idle | Condition::Sending => "sending",
        };
        set_attribute(&self.total, "data-state", state);
        set_text(&self.headline, &totals::headline(&totals));
        set_text(&self.text, &text);
        for element in [&self.count, &self.simple_count] {
            set_text(element, &totals::count(&totals));
        }
        let title = totals::title(&totals);
        if document.title() != title {
            document.set_title(&title);
        }
        self.icon.draw(&totals);
    }
}

impl QuestionView {
    fn new(dom: &Dom) -> Self {
        Self {
            card: dom.find("decisions"),
            text: dom.find("decisions-text"),
            fallback: dom.find("uploads-section"),
        }
    }

    fn draw(&self, totals: &Totals, dom: &Dom) {
        let question = totals::question(totals);
        if let Some(question) = &question {
            set_text(&self.text, question);
        } else if dom.has_focus(&self.card) {
            let _ = self.fallback.focus();
        }
        show(&self.card, Visibility::shown_if(question.is_some()));
    }
}

impl BulkButtons {
    fn draw(&self, totals: &Totals, dom: &Dom) {
        let mut loses_focus = false;
        for (button, offered) in [
            (&self.pause, totals.active > 0),
            (&self.resume, totals.paused > 0),
            (&self.retry, totals.retryable > 0),
            (&self.cancel, totals.active + totals.paused + totals.waiting > 0),
            (&self.clear, totals.done + totals.skipped > 0),
        ] {
            loses_focus |= !offered && !button.hidden() && dom.has_focus(button);
            show(button, Visibility::shown_if(offered));
        }
        if loses_focus {
            let buttons = [&self.pause, &self.resume, &self.retry, &self.cancel, &self.clear];
            let next = buttons.into_iter().find(|button| !button.hidden());
            let _ = next.unwrap_or(&self.fallback).focus();
        }
    }
}

/// Returns the value of an order in the select.
fn order(order: OfferOrder) -> &'static str {
    match order {
        OfferOrder::AsDropped => "dropped",
        OfferOrder::SmallestFirst => "smallest",
        OfferOrder::LargestFirst => "largest",
        OfferOrder::ByName => "name",
    }
}

/// Returns the value of a policy in the select.
fn policy(policy: ConflictPolicy) -> &'static str {
    match policy {
        ConflictPolicy::Ask => "ask",
        ConflictPolicy::Overwrite => "overwrite",
        ConflictPolicy::Skip => "skip",
        ConflictPolicy::Rename => "rename",
        ConflictPolicy::OnlyNewer => "newer",
        ConflictPolicy::Resume => "continue",
    }
}
