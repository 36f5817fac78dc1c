//! The portal's session for this page: it outlives its sockets, and so do the messages in it.

use protocol::{
    ClientMessage, ServerMessage,
    session::{Join, SessionCredentials},
};

use crate::delivery::{AckOutOfRange, Delivery, OutgoingMessage};

/// Who has used the session so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionOrigin {
    /// There is no session yet, or it was just created.
    New,
    /// An earlier page, which was reloaded, used the session.
    EarlierPage,
    /// This page has used the session.
    ThisPage,
}

/// The session, and the messages in flight.
#[derive(Debug, Default)]
pub(super) struct PortalSession {
    current: Option<CurrentSession>,
    delivery: Delivery,
    /// Messages to repeat before any other.
    repeated: Vec<OutgoingMessage>,
}

#[derive(Debug)]
struct CurrentSession {
    credentials: SessionCredentials,
    origin: SessionOrigin,
}

impl PortalSession {
    pub(super) fn credentials(&self) -> Option<&SessionCredentials> {
        self.current.as_ref().map(|current| &current.credentials)
    }

    pub(super) fn origin(&self) -> SessionOrigin {
        self.current.as_ref().map_or(SessionOrigin::New, |current| current.origin)
    }

    /// Restores the session of an earlier page.
    pub(super) fn restore(&mut self, credentials: SessionCredentials) {
        let origin = SessionOrigin::EarlierPage;
        self.current = Some(CurrentSession { credentials, origin });
    }

    /// Returns the session to join on a socket that is open; `log` is the first line of the log that
    /// the page lacks.
    pub(super) fn join(&self, log: u64) -> Join {
        let resumes = self.origin() == SessionOrigin::ThisPage;
        let resume = resumes.then(|| self.delivery.position(log));
        let credentials = self.credentials().cloned();
        credentials.map_or(Join::New, |credentials| credentials.join(resume))
    }

    /// The portal sent `welcome`, with the credentials of a session that it created. Returns the origin
    /// until now; `None` if there is neither a session nor a new one.
    pub(super) fn welcomed(&mut self, new: Option<SessionCredentials>) -> Option<SessionOrigin> {
        let before = self.origin();
        let known = self.current.take().map(|current| current.credentials);
        let credentials = known.or(new)?;
        self.current = Some(CurrentSession { credentials, origin: SessionOrigin::ThisPage });
        Some(before)
    }

    /// Starts the count of messages; the portal received `received` messages of an earlier page.
    pub(super) fn start(&mut self, received: u64) {
        self.delivery = Delivery::start(received);
    }

    /// Resumes over another socket: unacknowledged messages are repeated.
    ///
    /// # Errors
    /// [`AckOutOfRange`]: the session cannot continue.
    pub(super) fn resume(&mut self, received: u64) -> Result<(), AckOutOfRange> {
        self.repeated = self.delivery.resume(received)?;
        Ok(())
    }

    pub(super) fn take_repeated(&mut self) -> Vec<OutgoingMessage> {
        std::mem::take(&mut self.repeated)
    }

    pub(super) fn forget(&mut self) {
        self.current = None;
        self.delivery = Delivery::default();
    }

    /// Keeps a message until the portal acknowledges it. Before the session is in use none is kept:
    /// a new session gets `connect` after its welcome.
    pub(super) fn keep(&mut self, message: OutgoingMessage) {
        if self.origin() == SessionOrigin::ThisPage {
            self.delivery.push(message);
        }
    }

    /// Counts a message of the portal. Returns whether an acknowledgement is due.
    pub(super) fn received(&mut self, message: &ServerMessage, bytes: u64) -> bool {
        self.delivery.received(message, bytes)
    }

    /// The portal acknowledged messages.
    ///
    /// # Errors
    /// [`AckOutOfRange`]: the session cannot continue.
    pub(super) fn acked(&mut self, messages: u64) -> Result<(), AckOutOfRange> {
        self.delivery.acked(messages)
    }

    /// Returns the acknowledgement to send, if the portal does not know it.
    pub(super) fn acknowledge(&mut self) -> Option<ClientMessage> {
        self.delivery.acknowledge()
    }
}
