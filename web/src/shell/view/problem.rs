//! A problem: where, what, the server's words, why, what to do and who can.

use protocol::Problem;
use web_sys::HtmlElement;

use super::super::dom::{Dom, Fault, Template, Visibility, part, set_text, show};
use crate::{format, problem};

#[derive(Clone)]
pub(super) struct ProblemTemplate(Template);

impl ProblemTemplate {
    pub(super) fn find(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self(Template::find(dom, "t-problem")?))
    }

    /// Shows the problem in `slot`, or hides the slot.
    pub(super) fn fill(&self, slot: &HtmlElement, problem: Option<&Problem>) -> Result<(), Fault> {
        match problem {
            Some(problem) => slot.replace_children_with_node_1(&*self.copy(problem)?),
            None => slot.replace_children_with_node_0(),
        }
        show(slot, Visibility::shown_if(problem.is_some()));
        Ok(())
    }

    fn copy(&self, problem: &Problem) -> Result<HtmlElement, Fault> {
        let element = self.0.copy()?;
        let text = |selector: &str, text: Option<&str>| -> Result<(), Fault> {
            let part: HtmlElement = part(&element, selector)?;
            set_text(&part, &format::visible(text.unwrap_or_default()));
            show(&part, Visibility::shown_if(text.is_some()));
            Ok(())
        };
        text(".problem-stage", Some(problem::stage(problem.stage)))?;
        text(".problem-text", Some(&problem.message))?;
        text(".problem-cause", problem.cause.as_deref())?;
        reply(&part(&element, ".problem-reply")?, problem.reply.as_deref());
        let remedy: HtmlElement = part(&element, ".problem-remedy")?;
        show(&remedy, Visibility::shown_if(problem.remedy.is_some()));
        if let Some(remedy) = &problem.remedy {
            text(".problem-who", Some(problem::who(remedy.who)))?;
            text(".problem-what", Some(&remedy.what))?;
        }
        Ok(element)
    }
}

/// The server's reply, line by line as it came.
fn reply(element: &HtmlElement, reply: Option<&str>) {
    let lines: Vec<_> = reply.unwrap_or_default().lines().map(format::visible).collect();
    set_text(element, &lines.join("\n"));
    show(element, Visibility::shown_if(reply.is_some()));
}
