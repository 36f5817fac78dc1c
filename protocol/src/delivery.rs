//! The messages that survive their socket.
//!
//! A session outlives its socket. Each side counts the messages that it sends since the session
//! began, and keeps each until the other side has acknowledged it
//! ([`Ack`](crate::ClientMessage::Ack)). On the next socket the other side reports how many have
//! arrived, and the following ones are sent again. So each message arrives once and in order,
//! however many sockets break.
//!
//! Messages that belong to one socket are not counted (the greeting, pings), nor are those that are
//! sent anew on each socket: credits, of which the last one counts, and log lines, which have
//! sequence numbers.

use crate::{ClientMessage, GuestMessage, ServerMessage, ToGuest};

/// A message that may have to be acknowledged.
pub trait Acknowledged {
    /// Whether the message is kept until it is acknowledged, and sent again if its socket breaks.
    fn needs_ack(&self) -> bool;
}

impl Acknowledged for ClientMessage {
    fn needs_ack(&self) -> bool {
        match self {
            Self::Hello { .. } | Self::Ack { .. } | Self::Ping => false,
            Self::Connect(_)
            | Self::Disconnect
            | Self::List { .. }
            | Self::MakeDirectory { .. }
            | Self::Remove { .. }
            | Self::Rename { .. }
            | Self::Delete { .. }
            | Self::Offer(_)
            | Self::Cancel { .. }
            | Self::Pause { .. }
            | Self::Digest { .. } => true,
        }
    }
}

impl Acknowledged for ServerMessage {
    fn needs_ack(&self) -> bool {
        match self {
            Self::Welcome { .. }
            | Self::Unsupported { .. }
            | Self::Pong
            | Self::Ack { .. }
            | Self::TakenOver
            | Self::Connecting { .. }
            | Self::DataTls(_)
            | Self::Log { .. }
            | Self::Credit { .. }
            | Self::Goodbye { .. } => false,
            Self::CertificateNotTrusted { .. }
            | Self::Connected(_)
            | Self::Disconnected { .. }
            | Self::Listing { .. }
            | Self::ListingFailed { .. }
            | Self::ListingHidden { .. }
            | Self::DirectoryMade { .. }
            | Self::MakeDirectoryFailed { .. }
            | Self::Removed { .. }
            | Self::RemoveFailed { .. }
            | Self::Renamed { .. }
            | Self::NotRenamed { .. }
            | Self::Deleted { .. }
            | Self::NotDeleted { .. }
            | Self::Opened { .. }
            | Self::Verifying { .. }
            | Self::Done { .. }
            | Self::Conflict { .. }
            | Self::Cancelled { .. }
            | Self::Paused { .. }
            | Self::Failed { .. }
            | Self::Waiting { .. }
            | Self::Interrupted { .. } => true,
        }
    }
}

impl Acknowledged for GuestMessage {
    fn needs_ack(&self) -> bool {
        match self {
            Self::Ack { .. } | Self::Ping => false,
            Self::Begin { .. }
            | Self::Offer(_)
            | Self::Cancel { .. }
            | Self::Pause { .. }
            | Self::Digest { .. }
            | Self::Finish => true,
        }
    }
}

impl Acknowledged for ToGuest {
    fn needs_ack(&self) -> bool {
        match self {
            Self::Welcome { .. }
            | Self::Pong
            | Self::Ack { .. }
            | Self::TakenOver
            | Self::Credit { .. }
            | Self::Goodbye { .. } => false,
            Self::Arrival { .. }
            | Self::ArrivalRefused { .. }
            | Self::Opened { .. }
            | Self::Verifying { .. }
            | Self::Done { .. }
            | Self::Cancelled { .. }
            | Self::Paused { .. }
            | Self::Failed { .. }
            | Self::Waiting { .. }
            | Self::Interrupted { .. }
            | Self::Receipt(_) => true,
        }
    }
}
