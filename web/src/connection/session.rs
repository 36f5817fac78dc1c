//! The portal's session for this page: it outlives its sockets, and so do the messages in it.

use protocol::{ClientMessage, ServerMessage, client::ResumeState, server::NewSession};

use crate::delivery::{AckOutOfRange, Delivery, OutgoingMessage};

/// Who has used the session so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionOrigin {
    /// The session was just created.
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
    credentials: NewSession,
    origin: SessionOrigin,
}

impl PortalSession {
    pub(super) fn credentials(&self) -> Option<&NewSession> {
        self.current.as_ref().map(|current| &current.credentials)
    }

    pub(super) fn origin(&self) -> Option<SessionOrigin> {
        self.current.as_ref().map(|current| current.origin)
    }

    /// Returns the session if the portal has welcomed a page in it.
    pub(super) fn resumable(&self) -> Option<&NewSession> {
        self.credentials().filter(|_| self.origin() != Some(SessionOrigin::New))
    }

    /// Restores the session of an earlier page.
    pub(super) fn restore(&mut self, credentials: NewSession) {
        let origin = SessionOrigin::EarlierPage;
        self.current = Some(CurrentSession { credentials, origin });
    }

    /// A socket of a session is open, of a new one if its credentials are new. Returns the state to
    /// resume from; `log` is the first line of the log that the page lacks.
    pub(super) fn opened(&mut self, credentials: NewSession, log: u64) -> Option<ResumeState> {
        if self.credentials() != Some(&credentials) {
            let origin = SessionOrigin::New;
            self.current = Some(CurrentSession { credentials, origin });
        }
        let resumes = self.origin() == Some(SessionOrigin::ThisPage);
        resumes.then(|| self.delivery.position(log))
    }

    /// The portal sent `welcome`. Returns the origin until now.
    pub(super) fn welcomed(&mut self) -> Option<SessionOrigin> {
        let current = self.current.as_mut()?;
        Some(std::mem::replace(&mut current.origin, SessionOrigin::ThisPage))
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
        if self.origin() == Some(SessionOrigin::ThisPage) {
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
