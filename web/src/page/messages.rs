//! Handles the messages of the portal.

use protocol::{Problem, ServerMessage};

use super::Page;
use crate::{
    connection::problems,
    queue::{Credit, Stored},
    time::Millis,
};

impl Page {
    /// Handles a message of the portal.
    pub(super) fn receive(&mut self, message: ServerMessage, now: Millis) {
        use ServerMessage as M;
        if let Some(problem) = problem_in(&message) {
            self.log.learn(problem);
        }
        match message {
            M::Welcome { session, limits, received, connected, next_upload, .. } => {
                self.queue.start_ids_at(next_upload);
                let connected = connected.map(|connected| *connected);
                self.welcome(session, limits, received, connected, now);
            }
            M::Unsupported { .. } => self.portal_outdated(problems::outdated(), now),
            M::Pong => {}
            M::Ack { messages } => self.acked(messages, now),
            M::TakenOver => self.taken_over(now),
            M::Goodbye { problem } => self.goodbye(problem, now),
            M::Connecting { stage } => {
                self.change_connection(|connection| connection.connecting(stage));
            }
            M::CertificateNotTrusted { certificate } => {
                self.change_connection(|connection| {
                    connection.certificate_not_trusted(certificate);
                });
            }
            M::Connected(connected) => self.logged_in(connected),
            M::DataTls(facts) => {
                self.change_connection(|connection| connection.data_encrypted(facts.tls));
            }
            M::Disconnected { problem } => self.disconnected(problem, now),
            M::Log { lines } => self.log_lines(lines, now),

            M::Listing { path, entries, left_out } => self.listed(path, entries, left_out, now),
            M::ListingHidden { path, problem } => self.listing_hidden(path, problem, now),
            M::ListingFailed { path, problem } => self.not_listed(&path, problem, now),
            M::DirectoryMade { path } => self.directory_made(&path, now),
            M::MakeDirectoryFailed { path, problem } => self.directory_not_made(&path, &problem),
            M::Removed { path } => self.leftover_removed(&path, now),
            M::RemoveFailed { path, problem } => self.leftover_kept(&path, &problem),
            M::Renamed { from: path, .. } | M::Deleted { path, .. } => self.remote_done(&path, now),
            M::NotRenamed { from, problem, .. } => self.not_renamed(&from, &problem),
            M::NotDeleted { path, not_empty: true, .. } if self.remote_not_empty(&path) => {
                self.remote.changed(now);
            }
            M::NotDeleted { path, problem, deleted, left, .. } => {
                self.not_deleted(&path, &problem, (deleted, left), now);
            }

            M::Credit { upload, attempt, taken, received, limit } => {
                self.credit(upload, attempt, Credit { taken, received, limit }, now);
            }
            M::Opened { upload, temporary_path, offset } => {
                self.opened(upload, temporary_path, offset);
            }
            M::Verifying { upload } => self.queue.verifying(upload),
            M::Done { upload, verified, digest, page_agrees, path: _ } => {
                self.done(upload, Stored { verified, digest, page_agrees }, now);
            }
            M::Conflict { upload, existing, resume } => self.conflict(upload, existing, resume),
            M::Cancelled { upload } => self.cancelled(upload, now),
            M::Paused { upload, resume } => self.paused(upload, resume, now),
            M::Waiting { upload } => self.queue.waiting(upload),
            M::Interrupted { upload, .. } => self.queue.interrupted(upload),
            M::Failed { upload, problem, resume } => self.failed(upload, problem, resume, now),
        }
    }
}

/// Returns the problem that a message reports: an error line of the log reports it too.
fn problem_in(message: &ServerMessage) -> Option<&Problem> {
    match message {
        ServerMessage::ListingHidden { problem, .. }
        | ServerMessage::ListingFailed { problem, .. }
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
