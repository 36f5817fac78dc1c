//! What is drawn: one view for each part of the page, all of them once a frame at most.

use protocol::client::Secret;
use web_sys::{Element, HtmlElement};

pub(super) use self::{connection::CERTIFICATE_SHOWN, filters::filter, uploads::Step};
use self::{
    connection::ConnectionView, log::LogView, remote::RemoteView, restored::RestoredView,
    summary::SummaryView, totals::TotalsView, uploads::UploadsView,
};
use super::dom::{Dom, Fault, Template, Visibility, set_text, show};
use crate::{
    format,
    page::{Page, Region},
    queue::{FolderId, Queue},
    time::Millis,
    upload_list::UploadFilter,
};

mod connect_steps;
mod connection;
mod filters;
mod icon;
pub(super) mod log;
mod problem;
mod proof;
mod remote;
mod restored;
mod summary;
mod totals;
mod uploads;

/// Whether a frame was enough.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// There are rows or lines that wait for the next frame.
    More,
}

/// All views.
pub(super) struct Views {
    dom: Dom,
    connection: ConnectionView,
    remote: RemoteView,
    uploads: UploadsView,
    totals: TotalsView,
    summary: SummaryView,
    log: LogView,
    notices: NoticesView,
    restored: RestoredView,
    announcer: Element,
    sentences: Vec<String>,
}

impl Views {
    pub(super) fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            connection: ConnectionView::new(dom)?,
            remote: RemoteView::new(dom)?,
            uploads: UploadsView::new(dom)?,
            totals: TotalsView::new(dom)?,
            summary: SummaryView::new(dom)?,
            log: LogView::new(dom)?,
            notices: NoticesView::new(dom)?,
            restored: RestoredView::new(dom)?,
            announcer: dom.find("announcer")?,
            sentences: Vec::new(),
        })
    }

    /// What stands in the password's field.
    pub(super) fn password(&self) -> Secret {
        self.connection.password()
    }

    /// The fingerprint of the server's certificate, as the page shows it.
    pub(super) fn fingerprint(&self) -> String {
        self.connection.fingerprint()
    }

    /// Says something with the next frame: everything of one frame is one announcement.
    pub(super) fn announce(&mut self, sentence: String) {
        self.sentences.push(sentence);
    }

    /// Other rows may have come into view.
    pub(super) fn scrolled(&mut self) {
        self.uploads.scrolled();
        self.remote.scrolled();
    }

    /// What the reader of the session log wants.
    pub(super) fn read_log(&mut self, page: &Page, act: log::Act) -> Result<log::Wish, Fault> {
        self.log.act(page, act)
    }

    /// The person wants to see these uploads.
    pub(super) fn show(&mut self, filter: UploadFilter) {
        self.uploads.set_filter(filter);
    }

    /// The person wants folders, or does not any more.
    pub(super) fn toggle_grouping(&mut self) {
        self.uploads.toggle_grouping();
    }

    /// The person opens or closes a folder.
    pub(super) fn toggle_folder(&mut self, folder: FolderId, queue: &Queue) {
        self.uploads.toggle(folder, queue);
    }

    /// The person goes through the list of uploads by keyboard.
    pub(super) fn go(&mut self, step: Step) {
        self.uploads.go(step);
    }

    /// Selects the summary, for the person to copy.
    pub(super) fn select_summary(&self, text: &str) {
        self.summary.select(text);
    }

    pub(super) fn draw(&mut self, page: &mut Page, now: Millis) -> Result<Rest, Fault> {
        self.uploads.look(page.queue());
        let parts = page.take_changed_regions();
        if parts.contains(Region::Connection) {
            self.connection.draw(page, now)?;
        }
        let mut rest = Rest::Nothing;
        if [Region::Remote, Region::Connection].iter().any(|part| parts.contains(*part))
            || self.remote.has_moved()
        {
            rest = self.remote.draw(page)?;
        }
        if [Region::Notices, Region::Connection, Region::Totals]
            .iter()
            .any(|part| parts.contains(*part))
        {
            self.restored.draw(page);
        }
        if parts.contains(Region::Totals) {
            self.totals.draw(page.queue(), &self.dom);
            self.summary.draw(page, now);
        }
        if parts.contains(Region::Notices) {
            self.notices.draw(page.notices())?;
        }
        let changed = page.take_changed_rows();
        if self.uploads.draw(page.queue(), &changed)? == Rest::More {
            rest = Rest::More;
        }
        // Last, because it asks how long it has become: the browser lays out once.
        if page.log().needs_drawing() && self.log.draw(page)? == Rest::More {
            rest = Rest::More;
        }
        if !self.sentences.is_empty() {
            let text = self.take_sentences();
            self.announcer.set_text_content(Some(&text));
        }
        Ok(rest)
    }

    /// The first few: whoever listens cannot listen to hundreds.
    fn take_sentences(&mut self) -> String {
        const MOST: usize = 3;
        let mut sentences = std::mem::take(&mut self.sentences);
        if sentences.len() > MOST {
            // The newest is the one that sums up.
            let last = sentences.pop();
            sentences.truncate(MOST - 1);
            sentences.extend(last);
        }
        sentences.join(" ")
    }
}

/// What did not become an upload.
struct NoticesView {
    dom: Dom,
    list: HtmlElement,
    notice: Template,
}

impl NoticesView {
    fn new(dom: &Dom) -> Result<Self, Fault> {
        Ok(Self {
            dom: dom.clone(),
            list: dom.find("notices")?,
            notice: Template::find(dom, "t-notice")?,
        })
    }

    fn draw(&self, notices: &[String]) -> Result<(), Fault> {
        let fragment = self.dom.fragment();
        for notice in notices {
            let item = self.notice.copy()?;
            set_text(&item, &format::visible(notice));
            fragment.append_child(&item)?;
        }
        self.list.replace_children_with_node_1(&fragment);
        show(&self.list, Visibility::shown_if(!notices.is_empty()));
        Ok(())
    }
}
