//! Outages of the portal's socket: open uploads stay open and wait.

use std::time::Duration;

use super::{OpenUpload, Phase, Queue, open_upload::FileCheck};

/// An outage of the portal's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The time until the next attempt to open the socket; `None` while one is running, or while
    /// the browser is offline.
    pub retry_in: Option<Duration>,
}

impl Queue {
    /// Returns the current outage.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.outage
    }

    /// Returns whether no upload can make progress before a connection is restored: that to the
    /// portal, or those of all uploads to the server.
    #[must_use]
    pub fn waits_for_connection(&self) -> bool {
        let open = self.open.iter().filter_map(|(_, row)| self.get(row)?.state.open());
        let phases: Vec<_> = open
            .map(|open| open.phase)
            .filter(|it| !matches!(it, Phase::Offered | Phase::Waiting))
            .collect();
        let are_retrying = phases.iter().all(|phase| *phase == Phase::Retrying);
        self.outage.is_some() || (!phases.is_empty() && are_retrying)
    }

    /// Begins or updates an outage: open uploads stay open, and send nothing until the portal
    /// reports their progress.
    pub fn set_outage(&mut self, outage: Outage) {
        let before = self.outage.replace(outage);
        if before.is_none() {
            self.rate.restart();
            self.change_each_open(OpenUpload::revoke_credit);
        } else if before != Some(outage) {
            self.changed.extend(self.open.iter().map(|(_, row)| row));
        }
    }

    /// Ends an outage: an open upload resumes once the portal grants credit and its file has passed
    /// [`Queue::take_due_check`].
    pub fn end_outage(&mut self) {
        if self.outage.take().is_some() {
            self.change_each_open(|open| open.file_check = FileCheck::Due);
        }
    }

    fn change_each_open(&mut self, change: impl Fn(&mut OpenUpload)) {
        let rows: Vec<_> = self.open.iter().map(|(_, row)| row).collect();
        for row in rows {
            self.change(row, |upload| {
                if let Some(open) = upload.state.open_mut() {
                    change(open);
                }
            });
        }
    }
}
