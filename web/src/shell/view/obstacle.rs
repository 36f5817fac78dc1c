//! The obstacle to uploads: what it is, and what the user can do.

use web_sys::{Element, HtmlElement};

use super::{
    super::dom::{Dom, Exception, Visibility, set_attribute, set_text, show},
    problem::ProblemTemplate,
};
use crate::page::{Obstacle, Page, obstacle::title};

pub(super) struct ObstacleView {
    dom: Dom,
    notice: HtmlElement,
    title: Element,
    problem: HtmlElement,
    problem_template: ProblemTemplate,
    hint: Element,
    /// For a missing start folder.
    folder_buttons: [HtmlElement; 2],
    /// For blocked data connections.
    data_buttons: [HtmlElement; 2],
}

impl ObstacleView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dom: dom.clone(),
            notice: dom.find("obstacle"),
            title: dom.find("obstacle-title"),
            problem: dom.find("obstacle-problem"),
            problem_template: ProblemTemplate::find(dom),
            hint: dom.find("obstacle-hint"),
            folder_buttons: [dom.find("start-folder-create"), dom.find("start-folder-use")],
            data_buttons: [dom.find("data-retry"), dom.find("copy-operator-message")],
        }
    }

    pub(super) fn draw(&self, page: &Page) -> Result<(), Exception> {
        let obstacle = page.obstacle();
        let blocks_data = matches!(obstacle, Some(Obstacle::DataConnection(_)));
        if let Some(body) = self.dom.body() {
            set_attribute(&body, "data-obstacle", if blocks_data { "yes" } else { "no" });
        }
        if obstacle.is_none() {
            set_text(&self.hint, "");
        }
        set_text(&self.title, &obstacle.map(title).unwrap_or_default());
        let problem = match obstacle {
            Some(Obstacle::DataConnection(problem)) => Some(problem),
            Some(Obstacle::StartFolder(_)) | None => None,
        };
        self.problem_template.fill(&self.problem, problem);
        for (buttons, shown) in
            [(&self.folder_buttons, !blocks_data), (&self.data_buttons, blocks_data)]
        {
            buttons.iter().for_each(|button| show(button, Visibility::shown_if(shown)));
        }
        show(&self.notice, Visibility::shown_if(obstacle.is_some()));
        Ok(())
    }
}
