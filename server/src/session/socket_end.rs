//! Why a socket ends.

use std::{io, time::Duration};

use super::{
    EndReason, ProtocolViolation,
    registry::{JoinError, TooManySockets},
};
use crate::{outbox::WriteError, websocket::ReadError};

/// Why a socket ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketEnd {
    /// The page will not come back.
    #[error("the page has closed the session")]
    SessionClosed,
    #[error("the page closed the socket")]
    Closed,
    #[error("the socket failed")]
    Socket(#[source] io::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the page sent nothing for {}", humantime::format_duration(*.0))]
    Silence(Duration),
    #[error("the page acknowledged nothing for {}", humantime::format_duration(*.0))]
    Stalled(Duration),
    #[error("the page has come back on another socket")]
    TakenOver,
    #[error(transparent)]
    SessionEnded(EndReason),
    #[error("no `hello` within {}", humantime::format_duration(*.0))]
    NoHello(Duration),
    #[error(transparent)]
    NotJoined(#[from] JoinError),
    #[error(transparent)]
    Displaced(TooManySockets),
    #[error("the page uses version {0} of the protocol")]
    Version(u32),
    #[error(transparent)]
    ProtocolViolation(#[from] ProtocolViolation),
}

impl From<ReadError> for SocketEnd {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Ended => Self::Closed,
            ReadError::Io(error) => Self::Socket(error),
            ReadError::Violation(violation) => Self::ProtocolViolation(violation.into()),
        }
    }
}
