//! Which messages survive their socket, and how.
//!
//! A session outlives its socket. Both sides count the messages they say, from the session's begin,
//! and keep each until the other side has [`Ack`](crate::ClientMessage::Ack) it; on the next
//! socket the other side says how far it is, and what follows is said again. So each of them arrives
//! once and in order, however many sockets break.
//!
//! Not counted is what belongs to one socket only (the greeting, pings), and what is said anew when
//! a socket replaces another: credits, of which the last counts, and log lines, which have numbers
//! of their own.

use crate::{ClientMessage, ServerMessage};

impl ClientMessage {
    /// Whether the message is counted, and said again if its socket breaks.
    #[must_use]
    pub fn needs_ack(&self) -> bool {
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

impl ServerMessage {
    /// Whether the message is counted, and said again if its socket breaks.
    #[must_use]
    pub fn needs_ack(&self) -> bool {
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
            | Self::Interrupted { .. } => true,
        }
    }
}
