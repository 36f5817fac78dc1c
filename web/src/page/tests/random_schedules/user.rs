//! The user's actions.

use super::*;

impl World {
    pub(super) fn cancel(&mut self, row: Row) {
        if let Some(upload) = self.page.queue().get(row)
            && !matches!(upload.state(), State::Done { .. } | State::Skipped(_))
        {
            self.note_cancelled(row);
            self.happen(Event::Upload(row, UploadAction::Cancel));
        }
    }

    pub(super) fn note_cancelled(&mut self, row: Row) {
        let upload = self.page.queue().get(row).unwrap();
        self.cancelled.insert(number(upload.path()));
    }

    /// The user retries failed and interrupted uploads on the current server.
    pub(super) fn retry_all(&mut self) {
        if let Some(home) = self.home() {
            home.meant.extend(0..FILES);
        }
        self.happen(Event::Bulk(Scope::All, BulkAction::RetryFailed));
    }

    /// The user disconnects, and wants this host next.
    pub(super) fn leave(&mut self, host: &'static str) {
        self.host = host;
        self.happen(Event::Disconnect);
    }

    /// The user disconnects, and connects to this host.
    pub(super) fn go_to(&mut self, host: &'static str) {
        self.leave(host);
        self.connect();
        for _ in 0..3 {
            self.deliver_to_portal(1000);
            self.deliver_to_page(1000);
        }
    }

    pub(super) fn pick(&mut self) {
        let target = self.walking.take().or_else(|| self.page.drop_target());
        let Some(target) = target.filter(|_| self.picked < FILES) else { return };
        let size = [0, 1, 40_000, 100_000, 300_000][self.picked];
        let path = format!("{}.bin", self.picked);
        self.disks.get_mut(target.host()).unwrap().meant.insert(self.picked);
        self.picked += 1;
        self.happen(Event::Picked(
            vec![PickedFile { path, size, modified_millis: Some(1) }],
            target,
        ));
    }

    /// Reloads the page, with what the browser stored. The user picks the files again, or discards
    /// them.
    pub(super) fn reload(&mut self, edges: Option<u64>, goes_on: bool) {
        self.break_socket();
        self.walking = None;
        let queue = self.page.queue();
        let rows: Vec<_> = queue.rows().filter_map(|row| queue.saved_row(row)).collect();
        let rows: Vec<_> = rows.into_iter().map(|row| SavedRow { edges, ..row }).collect();
        let Some(home) = self.page.home() else {
            self.page = Page::default();
            return self.connect();
        };
        let disk = self.disks.get_mut(&home.destination.host).unwrap();
        // The next page does not know the part files that this one abandoned.
        disk.told = rows.iter().filter_map(|row| row.temporary_path.clone()).collect();
        if goes_on {
            let unfinished = rows.iter().filter(|row| !row.has_ended());
            disk.meant.extend(unfinished.map(|row| number(&row.path)));
        }
        self.host = if home.destination.host == "a" { "a" } else { "b" };
        let session = self.page.connection().session().cloned();
        let asks = session.is_none();
        let unfinished: Vec<_> = (0..)
            .zip(&rows)
            .filter(|(_, row)| !row.has_ended())
            .map(|(index, _)| Row(index))
            .collect();
        self.page = Page::default();
        let restored = RestoredPage {
            home,
            rows,
            handles: Vec::new(),
            session,
            directory: String::new(),
            busy: Duration::ZERO,
        };
        self.happen(Event::Restored(Box::new(restored)));
        if asks {
            self.connect();
        }
        if goes_on {
            self.happen(Event::FilesFound(
                unfinished.into_iter().map(|row| (row, edges)).collect(),
            ));
        } else {
            unfinished.into_iter().for_each(|row| self.note_cancelled(row));
            self.happen(Event::DiscardRestored);
        }
    }

    pub(super) fn connect(&mut self) {
        self.happen(Event::Connect(Destination {
            host: self.host.into(),
            port: 21,
            encryption: Some(Encryption::Explicit),
            username: "u".into(),
        }));
    }

    pub(super) fn pass_time(&mut self) {
        if let Some(at) = self.page.deadline() {
            self.now = self.now.max(at.0);
            self.happen(Event::Tick);
        }
    }

    pub(super) fn all_ended(&self) -> bool {
        let queue = self.page.queue();
        queue.rows().filter_map(|row| queue.get(row)).all(|upload| {
            matches!(
                upload.state(),
                State::Done { .. } | State::Skipped(_) | State::NeedsDecision(_)
            )
        })
    }
}
