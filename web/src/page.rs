//! The page as a whole: it takes events and returns effects.
//!
//! It joins the parts: the [`Connection`] says when uploads and listings are possible, the
//! [`Queue`] says what to offer and to send, [`RemoteDirectory`] and [`Log`] hold what is shown. It
//! uses neither the browser nor a clock; `shell` does, on wasm32 only.

use std::{collections::VecDeque, time::Duration};

use protocol::{UploadId, client::Language, delivery::Acknowledged as _};

use self::{
    comparisons::FileComparison, files::OpenDigests, progress::Announced, start_folder::StartFolder,
};
pub use self::{
    drop_target::{DropTarget, ready_files},
    effect::{Effect, Region, Regions},
    event::{BulkAction, Event, UploadAction},
    files::{DigestJob, DigestOutcome, Digested},
    obstacle::Obstacle,
    restore::restored_uploads,
    start_folder::StartFolderChoice,
};
use crate::{
    connect_steps::ConnectSteps,
    connection::{Connection, problems},
    delivery::OutgoingMessage,
    log::Log,
    path::Collation,
    queue::{NextChunk, Queue, Rows},
    remote::RemoteDirectory,
    saved::SavedHome,
    time::{Millis, Stopwatch},
};

mod announcements;
mod bulk;
mod comparisons;
mod drop_target;
mod effect;
mod event;
mod files;
mod folders;
mod messages;
pub mod obstacle;
mod progress;
mod remote_files;
mod restore;
mod session;
mod start_folder;
mod uploads;

/// The page.
#[derive(Debug, Default)]
pub struct Page {
    connection: Connection,
    connect_steps: ConnectSteps,
    /// The folder to open after connecting, as the user typed it:
    /// [`crate::address::Address::folder`].
    start_in: Option<String>,
    start_folder: StartFolder,
    queue: Queue,
    remote: RemoteDirectory,
    log: Log,
    notices: Vec<String>,
    /// Folders that the portal was not asked to make yet.
    folders_to_make: VecDeque<String>,
    /// Folders that the portal was asked to make, in this order.
    folders_requested: VecDeque<String>,
    changed: Regions,
    effects: Vec<Effect>,
    digests: OpenDigests,
    comparisons: Vec<FileComparison>,
    /// The digests that were requested, by upload and first offset: a break reopens an upload.
    digests_requested: Vec<(UploadId, u64)>,
    tick_at: Option<Millis>,
    announced: Announced,
    /// The time of the last event, in milliseconds since 1970-01-01T00:00:00Z.
    date: u64,
    busy: Stopwatch,
}

impl Page {
    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the steps of connecting.
    #[must_use]
    pub fn connect_steps(&self) -> &ConnectSteps {
        &self.connect_steps
    }

    /// Sets the language of the portal's texts.
    pub fn set_language(&mut self, language: Language) {
        self.connection.set_language(language);
    }

    /// Sets the order of names.
    pub fn set_collation(&mut self, collation: Collation) {
        self.remote.set_collation(collation);
        self.queue.set_collation(collation);
    }

    /// Sets the time of the events that follow, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn set_date(&mut self, unix_millis: u64) {
        self.date = unix_millis;
    }

    /// Returns the uploads.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Returns the directory in view.
    #[must_use]
    pub fn remote(&self) -> &RemoteDirectory {
        &self.remote
    }

    /// Returns the notices about files that did not become uploads, oldest first.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Returns for how long uploads were under way since the list was empty.
    #[must_use]
    pub fn busy_time(&self, now: Millis) -> Duration {
        self.busy.time(now)
    }

    /// Returns for how long uploads were under way up to the last pause between them.
    #[must_use]
    pub fn busy_until_pause(&self) -> Duration {
        self.busy.stopped_at()
    }

    /// Returns the session log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the session log.
    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Takes the regions to redraw.
    pub fn take_changed_regions(&mut self) -> Regions {
        std::mem::take(&mut self.changed)
    }

    /// Takes the rows to redraw.
    pub fn take_changed_rows(&mut self) -> Rows {
        self.queue.take_changed()
    }

    /// Takes the rows whose record in the store is out of date since the last call.
    pub fn take_unsaved_rows(&mut self) -> Rows {
        self.queue.take_unsaved()
    }

    /// Returns the destination and the trusted certificate of all saved rows.
    #[must_use]
    pub fn home(&self) -> Option<SavedHome> {
        let destination = self.connection.home()?;
        let trusted_certificate = self.connection.trusted_at(destination).cloned();
        Some(SavedHome { destination: destination.clone(), trusted_certificate })
    }

    /// Returns the next chunk to send, while `buffered` bytes wait in the browser's send buffer.
    pub fn next_chunk(&mut self, buffered: u64) -> NextChunk {
        match self.connection.ready() {
            Some(limits) => self.queue.next_chunk(buffered, limits),
            None => NextChunk::Nothing,
        }
    }

    /// Returns when [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let refresh = match (self.connection.ready(), self.remote.is_loading()) {
            (Some(_), false) => self.remote.refresh_at(),
            _ => None,
        };
        let steps = self.connect_steps.due();
        [self.connection.deadline(), refresh, self.tick_at, steps].into_iter().flatten().min()
    }

    /// Handles an event. Returns the effects to carry out, in this order.
    ///
    /// `jitter` is a random number from 0 to 1.
    pub fn handle(&mut self, event: Event, now: Millis, jitter: f64) -> Vec<Effect> {
        let before = self.queue.totals();
        self.dispatch(event, now, jitter);
        self.connection.start_greeting_timeout(now);
        self.connect_steps.follow(&self.connection, now);
        self.remove_leftovers();
        self.place_early_files();
        self.offer();
        self.watch(before, now);
        let repeated: Vec<_> =
            self.connection.take_repeated().into_iter().map(Effect::from).collect();
        let of_connection = self.connection.take_effects().into_iter().map(Effect::from);
        let effects: Vec<_> = of_connection.chain(std::mem::take(&mut self.effects)).collect();
        let new = effects.into_iter().filter(|effect| self.can_go_out(effect));
        repeated.into_iter().chain(new).collect()
    }

    /// Keeps a message until the portal acknowledges it. Returns whether the effect can be carried
    /// out now: without a socket, such a message waits for the next one.
    fn can_go_out(&mut self, effect: &Effect) -> bool {
        let message = match effect {
            Effect::Send(message) if message.needs_ack() => {
                OutgoingMessage::Message(message.clone())
            }
            Effect::Connect(destination, trusted) => {
                OutgoingMessage::Connect(destination.clone(), trusted.clone())
            }
            _ => return true,
        };
        self.connection.keep(message)
    }

    fn dispatch(&mut self, event: Event, now: Millis, jitter: f64) {
        use Event as E;
        match event {
            E::StartIn(folder) => self.start_in = Some(folder),
            E::Connect(to) => {
                self.queue.forget_name_limit();
                self.change_connection(|connection| connection.connect(to));
            }
            E::CertificateRemembered(at, fingerprint) => {
                self.connection.remember_certificate(&at, fingerprint);
            }
            E::TrustCertificate(fingerprint) => {
                self.change_connection(|connection| connection.trust(&fingerprint));
            }
            E::RejectCertificate => self.change_connection(Connection::reject_certificate),
            E::Disconnect => self.disconnect(),
            E::ChooseStartFolder(choice) => self.choose_start_folder(choice),
            E::ReconnectNow => self.reconnect_now(now),

            E::SocketOpened => self.socket_opened(),
            E::SocketClosed => self.socket_closed(now, jitter),
            E::NetworkChanged(network) => self.network_changed(network, now),
            E::Received(message, bytes) => {
                self.connection.received(&message, bytes, now);
                self.receive(*message, now);
            }
            E::NotUnderstood => self.portal_outdated(problems::not_understood(), now),

            E::PickStarted => self.begin_pick(),
            E::Picked(files, target) => self.add_picked(files, &target),
            E::PickedEarly(files) => self.add_picked_early(files),
            E::PickedEmptyFolders(folders, target) => self.make_picked_folders(&folders, &target),
            E::PickedUnreadable(names) => self.notice(announcements::unreadable(&names)),
            E::PickRejected(names) => self.reject_pick(&names),

            E::Upload(row, action) => self.act(row, action),
            E::Rename(row, name) => self.queue.rename(row, &name),
            E::Bulk(scope, action) => self.act_on(scope, action),
            E::DecideAll(policy) => self.decide_all(policy),
            E::SetPolicy(policy) => self.set_policy(policy),
            E::SetOrder(order) => self.set_order(order),
            E::FileReadable(upload) => self.queue.file_readable(upload),
            E::FileUnreadable(upload, row) => self.file_unreadable(upload, row),
            E::Digested(digests) => self.digested(digests),

            E::OpenDirectory(name) => self.open_directory(&name),
            E::OpenParent => self.open_parent(),
            E::Refresh => self.refresh(),
            E::Remote(action) => self.act_on_remote(action),

            E::Restored(restored) => self.restore(*restored),
            E::FilesFound(found) => self.found(found),
            E::WrongFile(row) => self.other_file(row),
            E::HandlesFailed(rows) => self.handles_failed(rows),
            E::EdgesKnown(row, edges) => self.queue.set_edges(row, edges),
            E::DiscardRestored => self.discard_restored(),

            E::Tick => self.tick(now, jitter),
        }
    }

    fn tick(&mut self, now: Millis, jitter: f64) {
        if self.connection.deadline().is_some_and(|at| at <= now) {
            let change = self.connection.tick(now, jitter);
            self.connection_changed(change, now);
        }
        self.refresh_if_due(now);
        if self.connect_steps.tick(now) {
            self.changed.insert(Region::Connection);
        }
        if self.tick_at.take_if(|at| *at <= now).is_some() {
            self.queue.tick(now);
            self.announce_added();
            self.update_outage(now);
            self.changed.extend([Region::Connection, Region::Totals]);
        }
    }

    fn offer(&mut self) {
        let Some(limits) = self.connection.ready() else {
            return;
        };
        for offer in self.queue.offers(limits) {
            if let Some(row) = self.queue.row_of(offer.upload) {
                self.prepare(row, offer);
            }
        }
    }
}

#[cfg(test)]
mod tests;
