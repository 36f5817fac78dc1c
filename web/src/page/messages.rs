//! Handles the messages of the portal.

use protocol::{
    Problem, ServerMessage, UploadId,
    server::{Connected, Limits},
};

use super::{Effect, Page, Region, announcements};
use crate::{
    connection::ConnectionEvent,
    connection::problems,
    queue::{Credit, Stored},
    time::Millis,
};

impl Page {
    /// Handles a message of the portal.
    pub(super) fn receive(&mut self, message: ServerMessage, now: Millis) {
        if let Some(problem) = problem_in(&message) {
            self.log.learn(problem);
        }
        match message {
            ServerMessage::Welcome { limits, received, connected, next_upload, .. } => {
                self.queue.start_ids_at(next_upload);
                self.welcome(limits, received, connected.map(|connected| *connected), now);
            }
            ServerMessage::Unsupported { .. } => {
                let change = self.connection.outdated(problems::outdated());
                self.connection_changed(change, now);
            }
            ServerMessage::Pong => {}
            ServerMessage::Ack { messages } => {
                let change = self.connection.acked(messages);
                if change.is_some() {
                    self.connection_changed(change, now);
                }
            }
            ServerMessage::TakenOver => {
                let change = self.connection.taken_over();
                self.connection_changed(change, now);
            }
            ServerMessage::Connecting { stage } => {
                self.connection.connecting(stage);
                self.changed.insert(Region::Connection);
            }
            ServerMessage::CertificateNotTrusted { certificate } => {
                self.connection.certificate_not_trusted(certificate);
                self.changed.insert(Region::Connection);
            }
            ServerMessage::Connected(connected) => {
                let directory = connected.directory.clone();
                let change = self.connection.connected(connected);
                self.connected(change, directory);
            }
            ServerMessage::DataTls(facts) => {
                self.connection.data_encrypted(facts.tls);
                self.changed.insert(Region::Connection);
            }
            ServerMessage::Disconnected { problem } => {
                let change = self.connection.disconnected(problem);
                self.connection_changed(change, now);
            }
            ServerMessage::Log { lines } => {
                self.log.extend(lines);
                self.announce_error(now);
            }
            ServerMessage::Listing { path, entries, left_out } => {
                self.is_start_answer(&path);
                self.connect_steps.listed(now);
                let next = self.remote.listed(path, entries, left_out);
                self.list(next);
            }
            ServerMessage::ListingFailed { path, problem } => self.not_listed(&path, problem, now),
            ServerMessage::Removed { path } => {
                self.queue.leftover_removed(&path);
                self.remote_done(&path, now);
            }
            ServerMessage::Renamed { from: path, .. } | ServerMessage::Deleted { path, .. } => {
                self.remote_done(&path, now);
            }
            ServerMessage::RemoveFailed { path, problem } => {
                self.queue.leftover_kept(&path);
                self.remote_refused(&path, &problem, None, announcements::leftover_not_removed);
            }
            ServerMessage::NotRenamed { from: path, problem, .. } => {
                self.remote_refused(&path, &problem, None, announcements::not_changed);
            }
            ServerMessage::NotDeleted { path, problem, not_empty, deleted, left } => {
                if !(not_empty && self.remote_not_empty(&path)) {
                    let part = Some((deleted, left));
                    self.remote_refused(&path, &problem, part, announcements::not_changed);
                }
                // A part of it may be gone.
                self.remote.changed(now);
            }
            ServerMessage::DirectoryMade { path } => {
                self.folder_answered();
                self.remote_done(&path, now);
            }
            ServerMessage::MakeDirectoryFailed { path, problem } => {
                self.folder_answered();
                self.remote_refused(&path, &problem, None, announcements::folder_not_made);
            }
            ServerMessage::Credit { upload, attempt, taken, received, limit } => {
                self.queue.credit(upload, attempt, Credit { taken, received, limit }, now);
                if let Some(row) = self.queue.take_due_check(upload) {
                    self.effects.push(Effect::CheckFile(upload, row));
                }
            }
            ServerMessage::Opened { upload, temporary_path, offset } => {
                self.queue.opened(upload, temporary_path);
                self.digest_from(upload, offset);
            }
            ServerMessage::Verifying { upload } => self.queue.verifying(upload),
            ServerMessage::Done { upload, verified, digest, page_agrees, path: _ } => {
                self.forget_digest(upload);
                self.queue.done(upload, Stored { verified, digest, page_agrees });
                self.remote.changed(now);
            }
            ServerMessage::Conflict { upload, existing, resume } => {
                self.forget_digest(upload);
                if let Some(row) = self.queue.conflict(upload, existing, resume) {
                    self.announce_row(row, announcements::decision_needed);
                }
            }
            ServerMessage::Cancelled { upload } => {
                self.forget_digest(upload);
                self.queue.cancelled(upload);
                self.remote.changed(now);
            }
            ServerMessage::Paused { upload, resume } => {
                self.forget_digest(upload);
                self.queue.paused(upload, resume);
                self.remote.changed(now);
            }
            ServerMessage::Interrupted { upload, .. } => self.queue.interrupted(upload),
            ServerMessage::Failed { upload, problem, resume } => {
                self.failed(upload, problem, resume);
                self.remote.changed(now);
            }
            ServerMessage::Goodbye { problem } => {
                let change = self.connection.goodbye(problem);
                self.connection_changed(change, now);
            }
        }
    }

    fn welcome(&mut self, limits: Limits, heard: u64, connected: Option<Connected>, now: Millis) {
        let directory = connected.as_ref().map(|connected| connected.directory.clone());
        let change = self.connection.welcome(limits, heard, connected, now);
        if change == Some(ConnectionEvent::SocketRestored) {
            self.log.go_on(limits.max_log_lines);
        } else {
            self.log.new_session(limits.max_log_lines);
        }
        match (change, directory) {
            (Some(ConnectionEvent::Connected { .. }), Some(directory)) => {
                self.connected(change, directory);
            }
            (change, _) => self.connection_changed(change, now),
        }
    }

    fn not_listed(&mut self, path: &str, mut problem: Problem, now: Millis) {
        self.connect_steps.listing_failed(now);
        if self.is_start_answer(path) {
            self.start_folder_missing(path, &mut problem);
        }
        let next = self.remote.failed(problem);
        self.list(next);
    }

    fn failed(&mut self, upload: UploadId, problem: Problem, resume: Option<String>) {
        self.forget_digest(upload);
        if let Some(row) = self.queue.row_of(upload) {
            self.announce_row(row, |path| announcements::failed(path, &problem));
        }
        self.queue.failed(upload, problem, resume);
    }
}

/// Returns the problem that a message reports: an error line of the log reports it too.
fn problem_in(message: &ServerMessage) -> Option<&Problem> {
    match message {
        ServerMessage::ListingFailed { problem, .. }
        | ServerMessage::RemoveFailed { problem, .. }
        | ServerMessage::NotRenamed { problem, .. }
        | ServerMessage::NotDeleted { problem, .. }
        | ServerMessage::MakeDirectoryFailed { problem, .. }
        | ServerMessage::Failed { problem, .. }
        | ServerMessage::Goodbye { problem }
        | ServerMessage::Disconnected { problem: Some(problem) } => Some(problem),
        _ => None,
    }
}
