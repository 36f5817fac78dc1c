//! Draws the page: one view for each part, all of them at most once a frame.

use protocol::client::Secret;
use web_sys::Element;

use self::{
    connection::ConnectionView, log::LogView, notices::NoticesView, obstacle::ObstacleView,
    ready_files::ReadyFilesView, remote::RemoteView, restored_notice::RestoredNotice,
    summary::SummaryView, totals::TotalsView, uploads::UploadsView,
};
pub(super) use self::{
    connection::SHOWN_CERTIFICATE, filters::filter_of_button, uploads::FocusMove,
};
use super::dom::{Dom, Exception};
use crate::join::join;
use crate::{
    page::{Page, Region},
    queue::{FolderId, Queue},
    time::Millis,
    upload_list::{Grouping, UploadFilter},
};

mod connect_steps;
mod connection;
mod failure;
mod filters;
mod icon;
pub(super) mod log;
mod notices;
mod obstacle;
mod problem;
mod ready_files;
mod remote;
mod restored_notice;
mod security_details;
mod summary;
mod totals;
mod uploads;

/// The greatest number of sentences in one announcement: a user cannot listen to hundreds.
const MAX_ANNOUNCED: usize = 3;

/// Whether a frame has drawn everything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Redraw {
    Complete,
    /// Rows or lines remain for the next frame.
    Pending,
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
    restored: RestoredNotice,
    ready_files: ReadyFilesView,
    obstacle: ObstacleView,
    announcer: Element,
    /// Sentences for screen readers, announced with the next frame.
    announcements: Vec<String>,
}

impl Views {
    pub(super) fn new(dom: &Dom) -> Result<Self, Exception> {
        Ok(Self {
            dom: dom.clone(),
            connection: ConnectionView::new(dom)?,
            remote: RemoteView::new(dom),
            uploads: UploadsView::new(dom)?,
            totals: TotalsView::new(dom),
            summary: SummaryView::new(dom),
            log: LogView::new(dom)?,
            notices: NoticesView::new(dom),
            restored: RestoredNotice::new(dom),
            ready_files: ReadyFilesView::new(dom),
            obstacle: ObstacleView::new(dom),
            announcer: dom.find("announcer"),
            announcements: Vec::new(),
        })
    }

    /// Returns the value of the password field.
    pub(super) fn password(&self) -> Secret {
        self.connection.password()
    }

    /// Returns the fingerprint of the server's certificate as the page shows it.
    pub(super) fn fingerprint(&self) -> String {
        self.connection.fingerprint()
    }

    /// Announces a sentence to screen readers. All sentences of a frame are one announcement.
    pub(super) fn announce(&mut self, sentence: String) {
        self.announcements.push(sentence);
    }

    /// Notes that other rows may have come into view.
    pub(super) fn scrolled(&mut self) {
        self.uploads.scrolled();
        self.remote.scrolled();
    }

    /// Carries out an action of the session log's reader.
    pub(super) fn read_log(
        &mut self,
        page: &Page,
        action: log::LogAction,
    ) -> Result<log::Outcome, Exception> {
        self.log.act(page, action)
    }

    /// Shows the uploads of a filter.
    pub(super) fn set_filter(&mut self, filter: UploadFilter) {
        self.uploads.set_filter(filter);
    }

    /// Returns whether uploads are listed by folder.
    pub(super) fn grouping(&self) -> Grouping {
        self.uploads.grouping()
    }

    /// Sets whether uploads are listed by folder.
    pub(super) fn set_grouping(&mut self, grouping: Grouping) {
        self.uploads.set_grouping(grouping);
    }

    /// Opens or closes a folder in the list of uploads.
    pub(super) fn toggle_folder(&mut self, folder: FolderId, queue: &Queue) {
        self.uploads.toggle_folder(folder, queue);
    }

    /// Moves the keyboard focus in the list of uploads.
    pub(super) fn move_focus(&mut self, to: FocusMove) {
        self.uploads.move_focus(to);
    }

    /// Writes what the receipt is made of into the document.
    pub(super) fn write_receipt(&self, page: &Page, now: Millis) {
        self.summary.write_receipt(page, now);
    }

    /// Draws what has changed.
    pub(super) fn draw(&mut self, page: &mut Page, now: Millis) -> Result<Redraw, Exception> {
        // Before any change of the document.
        self.uploads.read_layout(page.queue());
        let changed = page.take_changed_regions();
        let has_any = |regions: &[Region]| regions.iter().any(|region| changed.contains(*region));
        let mut redraw = Redraw::Complete;
        if has_any(&[Region::Connection]) {
            self.connection.draw(page, now)?;
        }
        if has_any(&[Region::Remote, Region::Connection]) || self.remote.has_moved() {
            redraw = self.remote.draw(page)?;
        }
        if has_any(&[Region::Remote, Region::Connection]) {
            self.obstacle.draw(page)?;
        }
        if has_any(&[Region::Notices, Region::Connection, Region::Totals]) {
            self.restored.draw(page);
            self.ready_files.draw(page);
        }
        if has_any(&[Region::Totals]) {
            self.totals.draw(page.queue(), &self.dom);
            self.summary.draw(page, now);
        }
        if has_any(&[Region::Notices]) {
            self.notices.draw(page.notices())?;
        }
        let changed_rows = page.take_changed_rows();
        if self.uploads.draw(page.queue(), &changed_rows)? == Redraw::Pending {
            redraw = Redraw::Pending;
        }
        // Last: it reads the height of the log, for which the browser has to lay out the page.
        if page.log().needs_drawing() && self.log.draw(page)? == Redraw::Pending {
            redraw = Redraw::Pending;
        }
        if !self.announcements.is_empty() {
            let text = self.take_announcement();
            self.announcer.set_text_content(Some(&text));
        }
        Ok(redraw)
    }

    /// Returns the first sentences and the last one, which sums up.
    fn take_announcement(&mut self) -> String {
        let mut sentences = std::mem::take(&mut self.announcements);
        if sentences.len() > MAX_ANNOUNCED {
            let last = sentences.pop();
            sentences.truncate(MAX_ANNOUNCED - 1);
            sentences.extend(last);
        }
        join(&sentences, " ")
    }
}
