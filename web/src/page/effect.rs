//! Effects, which the shell carries out, and the regions that it redraws.

use protocol::{ClientMessage, UploadId};

use super::DigestJob;
use crate::{
    connection::ConnectionEffect, delivery::OutgoingMessage, destination::Destination, queue::Row,
    recent::RecentDestination,
};

/// A task for the shell.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a socket of the session with this name, or of a new one.
    OpenSocket(Option<String>),
    /// Close the socket.
    CloseSocket,
    /// Send a message to the portal.
    Send(ClientMessage),
    /// Send `connect`, with the password from its field and the fingerprint of the trusted
    /// certificate.
    Connect(Destination, Option<String>),
    /// Remember a destination that the user logged in to.
    Remember(RecentDestination),
    /// Announce a sentence to screen readers.
    Announce(String),
    /// Check whether a file can be read: [`super::Event::FileReadable`] or
    /// [`super::Event::FileUnreadable`] answers.
    CheckFile(UploadId, Row),
    /// Compute a digest beside the sending; [`super::Event::Digested`] answers.
    Digest(DigestJob),
    /// Stop computing an upload's digests.
    StopDigest(UploadId),
    /// Release the files of these rows.
    ForgetRows(Vec<Row>),
}

impl From<ConnectionEffect> for Effect {
    fn from(effect: ConnectionEffect) -> Self {
        match effect {
            ConnectionEffect::OpenSocket(session) => Self::OpenSocket(session),
            ConnectionEffect::CloseSocket => Self::CloseSocket,
            ConnectionEffect::Send(message) => Self::Send(message),
            ConnectionEffect::Connect(destination, trusted) => Self::Connect(destination, trusted),
        }
    }
}

impl From<OutgoingMessage> for Effect {
    fn from(message: OutgoingMessage) -> Self {
        match message {
            OutgoingMessage::Message(message) => Self::Send(message),
            OutgoingMessage::Connect(destination, trusted) => Self::Connect(destination, trusted),
        }
    }
}

/// A region of the page that is redrawn as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// The form, the steps, the facts, the certificate question.
    Connection,
    /// The directory in view.
    Remote,
    /// The totals of the uploads.
    Totals,
    /// The notices about files that did not become uploads.
    Notices,
}

/// A set of regions: bits, because the code of a tree would be larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions(u8);

impl Regions {
    /// Adds a region.
    pub fn insert(&mut self, region: Region) {
        self.0 |= Self::bit(region);
    }

    /// Returns whether a region is in the set.
    #[must_use]
    pub fn contains(self, region: Region) -> bool {
        self.0 & Self::bit(region) != 0
    }

    fn bit(region: Region) -> u8 {
        1 << region as u8
    }
}

impl Extend<Region> for Regions {
    fn extend<I: IntoIterator<Item = Region>>(&mut self, regions: I) {
        regions.into_iter().for_each(|region| self.insert(region));
    }
}
