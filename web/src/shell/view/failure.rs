//! The problem that ended a connection: what failed in a few words, what to do with a button for it,
//! and the technical details, which are folded.

use protocol::{Encryption, Problem};
use web_sys::HtmlElement;

use super::{
    super::dom::{Dom, Exception, Visibility, set_text, show},
    connect_steps::ConnectStepsView,
};
use crate::join::{concat, join};
use crate::{connect_steps::ConnectSteps, format, problem};

pub(super) struct FailureView {
    slot: HtmlElement,
    title: HtmlElement,
    text: HtmlElement,
    remedy: HtmlElement,
    who: HtmlElement,
    what: HtmlElement,
    retry: HtmlElement,
    use_explicit: HtmlElement,
    use_implicit: HtmlElement,
    hint: HtmlElement,
    message: HtmlElement,
    reply: HtmlElement,
    steps: HtmlElement,
    step_list: ConnectStepsView,
    shown: Option<Problem>,
}

impl FailureView {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        Ok(Self {
            slot: dom.find("connection-problem"),
            title: dom.find("failure-title"),
            text: dom.find("failure-text"),
            remedy: dom.find("failure-remedy"),
            who: dom.find("failure-who"),
            what: dom.find("failure-what"),
            retry: dom.find("failure-retry"),
            use_explicit: dom.find("use-explicit"),
            use_implicit: dom.find("use-implicit"),
            hint: dom.find("failure-hint"),
            message: dom.find("failure-message"),
            reply: dom.find("failure-reply"),
            steps: dom.find("failure-steps"),
            step_list: ConnectStepsView::new(dom, "failure-steps")?,
            shown: None,
        })
    }

    /// Returns whether a problem is shown.
    pub(super) fn is_shown(&self) -> bool {
        self.shown.is_some()
    }

    /// Moves the focus to the problem.
    pub(super) fn focus(&self) -> Result<(), Exception> {
        self.slot.focus()
    }

    /// Draws the problem. Returns whether it is a new one.
    pub(super) fn draw(&mut self, problem: Option<&Problem>, steps: &ConnectSteps) -> bool {
        self.step_list.draw(steps);
        show(&self.steps, Visibility::shown_if(steps.has_failed()));
        if self.shown.as_ref() == problem {
            return false;
        }
        self.shown = problem.cloned();
        show(&self.slot, Visibility::shown_if(problem.is_some()));
        if let Some(problem) = problem {
            self.fill(problem);
        }
        problem.is_some()
    }

    fn fill(&self, problem: &Problem) {
        let text = |element: &HtmlElement, text: &str| {
            set_text(element, &format::visible(text));
            show(element, Visibility::shown_if(!text.is_empty()));
        };
        let title = problem::headline(problem);
        text(&self.title, title);
        let message = if title == problem.message { "" } else { &problem.message };
        // Without a cause the message says it in plain words.
        text(&self.text, problem.cause.as_deref().unwrap_or(message));
        show(&self.remedy, Visibility::shown_if(problem.remedy.is_some()));
        if let Some(remedy) = &problem.remedy {
            text(&self.who, problem::who(remedy.who));
            text(&self.what, &remedy.what);
        }
        show(&self.retry, Visibility::shown_if(problem::is_worth_a_retry(problem)));
        for (button, encryption) in
            [(&self.use_explicit, Encryption::Explicit), (&self.use_implicit, Encryption::Implicit)]
        {
            let is_expected = problem.expected_encryption == Some(encryption);
            show(button, Visibility::shown_if(is_expected));
        }
        set_text(&self.hint, "");
        let message = concat(&[problem::stage(problem.stage), ": ", &problem.message]);
        text(&self.message, &message);
        let lines: Vec<_> =
            problem.reply.as_deref().unwrap_or_default().lines().map(format::visible).collect();
        set_text(&self.reply, &join(&lines, "\n"));
        show(&self.reply, Visibility::shown_if(problem.reply.is_some()));
    }
}
