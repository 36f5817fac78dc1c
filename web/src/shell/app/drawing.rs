//! Decides when the page is drawn, and draws it.

use std::{rc::Rc, time::Duration};

use super::{App, Scheduled};
use crate::{
    queue::FolderId,
    shell::{
        dom::spawn,
        view::{FocusMove, Redraw, log},
    },
    time::Millis,
    upload_list::{Grouping, UploadFilter},
};

/// The shortest pause between two drawings. Painting is the most expensive work of the page, and
/// takes processor time from sending.
const MIN_FRAME_PAUSE: Duration = Duration::from_millis(80);
/// The longest pause while the page is visible: it still looks alive.
const MAX_FRAME_PAUSE: Duration = Duration::from_millis(500);
/// The pause after a drawing, as a multiple of the time that the drawing and its painting took: on a
/// busy machine, too, most of the time remains for sending.
const PAUSE_FACTOR: u32 = 6;
/// The pause between drawings of a hidden page, which update its title.
const HIDDEN_FRAME_PAUSE: Duration = Duration::from_millis(1000);

/// The time of the last drawing, and how long it took with its painting.
#[derive(Clone, Copy, Default)]
pub(super) struct FrameTimes {
    drawn_at: Millis,
    took: Duration,
}

impl App {
    /// Schedules a drawing.
    pub(in crate::shell) fn request_frame(&self) {
        let Some(callbacks) = self.callbacks.get() else { return };
        if self.frame.replace(Scheduled::Yes) == Scheduled::Yes {
            return;
        }
        if self.dom.document.hidden() {
            self.dom.after(HIDDEN_FRAME_PAUSE, &callbacks.draw);
            return;
        }
        let FrameTimes { drawn_at, took } = self.frame_times.get();
        let elapsed = self.now().since(drawn_at);
        let pause = (took * PAUSE_FACTOR).clamp(MIN_FRAME_PAUSE, MAX_FRAME_PAUSE);
        match pause.checked_sub(elapsed) {
            Some(remaining) => {
                self.dom.after(remaining, &callbacks.request_draw);
            }
            None => self.dom.at_next_frame(&callbacks.draw),
        }
    }

    /// Schedules a pending drawing anew: the browser suspends animation frames of a hidden page.
    pub(in crate::shell) fn visibility_changed(&self) {
        if self.frame.replace(Scheduled::No) == Scheduled::Yes {
            self.request_frame();
        }
    }

    pub(super) fn draw(&self) {
        self.frame.set(Scheduled::No);
        let FrameTimes { took, .. } = self.frame_times.get();
        self.frame_times.set(FrameTimes { drawn_at: self.now(), took });
        let redraw = self.views.borrow_mut().draw(&mut self.page.borrow_mut(), self.now());
        match redraw {
            Ok(Redraw::Complete) => {}
            Ok(Redraw::Pending) => self.request_frame(),
            Err(exception) => web_sys::console::error_1(&exception),
        }
        if let Some(callbacks) = self.callbacks.get() {
            self.dom.after(Duration::ZERO, &callbacks.painted);
        }
    }

    pub(super) fn measure_drawing(&self) {
        let FrameTimes { drawn_at, .. } = self.frame_times.get();
        self.frame_times.set(FrameTimes { drawn_at, took: self.now().since(drawn_at) });
    }

    /// Whether the page is being drawn. Focus events during a drawing are not the user's.
    pub(in crate::shell) fn is_drawing(&self) -> bool {
        self.page.try_borrow().is_err()
    }

    /// Draws rows that have come into view.
    pub(in crate::shell) fn scrolled(&self) {
        // The views are borrowed when the program itself moves the focus while it draws.
        if let Ok(mut views) = self.views.try_borrow_mut() {
            views.scrolled();
        }
        self.request_frame();
    }

    /// Shows the uploads of a filter.
    pub(in crate::shell) fn set_filter(&self, filter: UploadFilter) {
        self.views.borrow_mut().set_filter(filter);
        self.request_frame();
    }

    /// Returns whether uploads are listed by folder.
    pub(in crate::shell) fn grouping(&self) -> Grouping {
        self.views.borrow().grouping()
    }

    /// Sets whether uploads are listed by folder.
    pub(in crate::shell) fn set_grouping(&self, grouping: Grouping) {
        self.views.borrow_mut().set_grouping(grouping);
        self.request_frame();
    }

    /// Groups uploads by folder, or stops that.
    pub(in crate::shell) fn toggle_grouping(&self) {
        self.set_grouping(match self.grouping() {
            Grouping::ByFolder => Grouping::Off,
            Grouping::Off => Grouping::ByFolder,
        });
        self.changed();
    }

    /// Opens or closes a folder in the list of uploads.
    pub(in crate::shell) fn toggle_folder(&self, folder: FolderId) {
        self.views.borrow_mut().toggle_folder(folder, self.page.borrow().queue());
        self.request_frame();
    }

    /// Moves the keyboard focus in the list of uploads.
    pub(in crate::shell) fn move_focus(&self, to: FocusMove) {
        self.views.borrow_mut().move_focus(to);
        self.request_frame();
    }

    /// Carries out an action of the session log's reader.
    pub(in crate::shell) fn read_log(self: &Rc<Self>, action: log::LogAction) {
        let outcome = self.views.borrow_mut().read_log(&self.page.borrow(), action);
        match outcome {
            Ok(log::Outcome::Done) => {}
            Ok(log::Outcome::NeedsExplanations) => {
                let app = self.clone();
                spawn(async move {
                    let explanations = log::fetch_explanations(&app.dom).await.ok();
                    app.read_log(log::LogAction::SetExplanations(explanations));
                });
            }
            Err(exception) => web_sys::console::error_1(&exception),
        }
    }

    /// Returns the fingerprint of the server's certificate as the page shows it.
    pub(in crate::shell) fn fingerprint(&self) -> String {
        self.views.borrow().fingerprint()
    }

    /// Writes what the receipt is made of into the document.
    pub(in crate::shell) fn write_receipt(&self) {
        self.views.borrow().write_receipt(&self.page.borrow(), self.now());
    }
}
