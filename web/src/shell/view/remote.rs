//! The remote files: the path, the toolbar, messages about the listing, and with views of their own
//! the rows and the dialog.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlButtonElement, HtmlElement, HtmlInputElement};

use self::{change_dialog::ChangeDialogView, rows::RowsView};
use super::{
    super::dom::{Dom, Exception, Template, Visibility, query, set_attribute, set_text, show},
    Redraw,
    problem::ProblemTemplate,
};
use crate::{connection::FtpsState, format, page::Page, path, remote::wording};

mod change_dialog;
mod rows;

pub(super) struct RemoteView {
    dom: Dom,
    rows: RowsView,
    dialog: ChangeDialogView,
    path: HtmlElement,
    crumb: Template,
    shown_path: String,
    drop_directory: Element,
    /// Says that the directory is the topmost one.
    main_folder: HtmlElement,
    up: HtmlElement,
    refresh: HtmlElement,
    new_folder: HtmlElement,
    filter: HtmlInputElement,
    loading: HtmlElement,
    empty: HtmlElement,
    no_match: HtmlElement,
    omitted: HtmlElement,
    waiting: HtmlElement,
    problem: HtmlElement,
    problem_template: ProblemTemplate,
}

impl RemoteView {
    pub(super) fn new(dom: &Dom) -> Self {
        Self {
            dom: dom.clone(),
            rows: RowsView::new(dom),
            dialog: ChangeDialogView::new(dom),
            path: dom.find("remote-path"),
            crumb: Template::find(dom, "t-crumb"),
            shown_path: String::new(),
            drop_directory: dom.find("drop-directory"),
            main_folder: dom.find("drop-main-folder"),
            up: dom.find("remote-up"),
            refresh: dom.find("remote-refresh"),
            new_folder: dom.find("remote-new-folder"),
            filter: dom.find("remote-filter"),
            loading: dom.find("remote-loading"),
            empty: dom.find("remote-empty"),
            no_match: dom.find("remote-no-match"),
            omitted: dom.find("remote-omitted"),
            waiting: dom.find("remote-waiting"),
            problem: dom.find("remote-problem"),
            problem_template: ProblemTemplate::find(dom),
        }
    }

    /// Notes that other rows may have come into view.
    pub(super) fn scrolled(&mut self) {
        self.rows.scrolled();
    }

    /// Whether other rows may have come into view since the last drawing.
    pub(super) fn has_moved(&self) -> bool {
        self.rows.has_moved()
    }

    pub(super) fn draw(&mut self, page: &Page) -> Result<Redraw, Exception> {
        let remote = page.remote();
        self.draw_path(remote.directory())?;
        let target = remote.drop_directory();
        set_text(&self.drop_directory, &format::name(&target));
        show(&self.main_folder, Visibility::shown_if(target == "/"));
        let connected = matches!(page.connection().ftps(), FtpsState::Connected(_));
        let above = path::parent(remote.directory()).filter(|_| connected);
        self.draw_tools(connected, above);
        if self.filter.value() != remote.name_filter() {
            self.filter.set_value(remote.name_filter());
        }

        // First: while a dialog is open nothing else can have the focus.
        let dialog_closed = self.dialog.draw(remote.dialog())?;
        let redraw = self.rows.draw(remote)?;
        if dialog_closed && self.dom.focus_is_lost() {
            self.rows.focus_current();
        }
        let loading = remote.is_loading();
        let nothing = remote.entries().is_empty() && remote.problem().is_none();
        show(&self.loading, Visibility::shown_if(nothing && loading));
        show(&self.empty, Visibility::shown_if(nothing && !loading));
        let fits = remote.entries().is_empty() || !remote.is_empty();
        show(&self.no_match, Visibility::shown_if(!fits));
        show(&self.omitted, Visibility::shown_if(remote.left_out() > 0));
        set_text(&self.omitted, &wording::left_out(remote.left_out()));
        let waits = connected && loading && page.queue().totals().active > 0;
        set_text(&self.waiting, if waits { wording::listing_waits() } else { "" });
        show(&self.waiting, Visibility::shown_if(waits));
        self.problem_template.fill(&self.problem, remote.problem());
        Ok(redraw)
    }

    fn draw_tools(&self, connected: bool, above: Option<&str>) {
        if above.is_none() && self.dom.has_focus(&self.up) {
            let _ = self.refresh.focus();
        }
        disable(&self.up, above.is_none());
        disable(&self.refresh, !connected);
        disable(&self.new_folder, !connected);
    }

    /// Draws a button for each directory of the path.
    fn draw_path(&mut self, directory: &str) -> Result<(), Exception> {
        if self.shown_path == directory {
            return Ok(());
        }
        directory.clone_into(&mut self.shown_path);
        let had_focus = self.dom.has_focus(&self.path);
        let fragment = self.dom.fragment();
        let parts = path::breadcrumbs(directory);
        let mut last = None;
        for (index, (name, _)) in parts.iter().enumerate() {
            let crumb = self.crumb.copy();
            let button: HtmlElement = query(&crumb, "button");
            set_text(&button, &format::name(name));
            set_attribute(&button, "data-part", &index.to_string());
            fragment.append_child(&crumb)?;
            last = Some(button);
        }
        self.path.replace_children_with_node_1(&fragment);
        if let Some(last) = last {
            set_attribute(&last, "aria-current", "location");
            if had_focus {
                let _ = last.focus();
            }
        }
        Ok(())
    }
}

fn disable(button: &HtmlElement, disabled: bool) {
    let button: &HtmlButtonElement = button.unchecked_ref();
    if button.disabled() != disabled {
        button.set_disabled(disabled);
    }
}
