//! Draws a problem: the stage, the message, the server's reply, the cause, and the remedy with who can
//! apply it.

use protocol::Problem;
use web_sys::HtmlElement;

use super::super::dom::{Dom, Template, Visibility, query, set_attribute, set_text, show};
use crate::join::join;
use crate::{format, problem};

#[derive(Clone)]
pub(super) struct ProblemTemplate(Template);

impl ProblemTemplate {
    pub(super) fn find(dom: &Dom) -> Self {
        Self(Template::find(dom, "t-problem"))
    }

    /// Shows a problem in `slot`, or hides the slot if there is none.
    pub(super) fn fill(&self, slot: &HtmlElement, problem: Option<&Problem>) {
        match problem {
            Some(problem) => slot.replace_children_with_node_1(&self.copy(problem)),
            None => slot.replace_children_with_node_0(),
        }
        show(slot, Visibility::shown_if(problem.is_some()));
    }

    fn copy(&self, problem: &Problem) -> HtmlElement {
        let element = self.0.copy();
        let text = |selector: &str, text: Option<&str>| {
            let part: HtmlElement = query(&element, selector);
            set_text(&part, &format::visible(text.unwrap_or_default()));
            show(&part, Visibility::shown_if(text.is_some()));
        };
        set_attribute(&element, "data-logged", &format::visible(problem.logged()));
        text(".problem-stage", Some(problem::stage(problem.stage)));
        text(".problem-text", Some(&problem.message));
        text(".problem-cause", problem.cause.as_deref());
        reply(&query(&element, ".problem-reply"), problem.reply.as_deref());
        let remedy: HtmlElement = query(&element, ".problem-remedy");
        show(&remedy, Visibility::shown_if(problem.remedy.is_some()));
        if let Some(remedy) = &problem.remedy {
            text(".problem-who", Some(problem::who(remedy.who)));
            text(".problem-what", Some(&remedy.what));
        }
        element
    }
}

/// Shows the server's reply verbatim, line by line.
fn reply(element: &HtmlElement, reply: Option<&str>) {
    let lines: Vec<_> = reply.unwrap_or_default().lines().map(format::visible).collect();
    set_text(element, &join(&lines, "\n"));
    show(element, Visibility::shown_if(reply.is_some()));
}
