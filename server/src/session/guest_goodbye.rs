//! The last message of a socket to a guest.

use std::time::Duration;

use protocol::{
    ToGuest,
    guest::{GuestProblem, GuestReason},
};
use store::DropState;

use super::{
    EndReason,
    registry::{JoinError, NoSession},
    socket_end::SocketEnd,
};
use crate::{
    drops::{
        problems::{because, too_many},
        service::LinkRefusal,
    },
    problems::ProblemBuilder,
};

/// Returns the last message to a guest; `None` where the guest reads nothing more, or the session continues.
pub(super) fn guest_goodbye(end: &SocketEnd, problems: ProblemBuilder) -> Option<ToGuest> {
    let because = |reason| because(problems, reason);
    let problem = match end {
        SocketEnd::SessionClosed
        | SocketEnd::Closed
        | SocketEnd::Silence(_)
        | SocketEnd::Socket(_)
        | SocketEnd::Write(_) => return None,
        SocketEnd::TakenOver => return Some(ToGuest::TakenOver),
        SocketEnd::NotJoined(error) => return Some(refused(error, problems)),
        SocketEnd::SessionEnded(EndReason::DropEnded(end)) => because(end.reason()),
        SocketEnd::SessionEnded(EndReason::Moved | EndReason::Shutdown)
        | SocketEnd::Displaced(_) => because(GuestReason::Portal),
        SocketEnd::SessionEnded(_) | SocketEnd::Stalled(_) => because(GuestReason::Session),
        SocketEnd::NoHello(_) | SocketEnd::Version(_) | SocketEnd::ProtocolViolation(_) => {
            because(GuestReason::Protocol)
        }
    };
    Some(goodbye(problem))
}

fn goodbye(problem: GuestProblem) -> ToGuest {
    ToGuest::Goodbye { problem, title: None, wait_seconds: None }
}

fn refused(error: &JoinError, problems: ProblemBuilder) -> ToGuest {
    let because = |reason| because(problems, reason);
    let waiting = |problem, title, wait: Duration| ToGuest::Goodbye {
        problem,
        title,
        wait_seconds: Some(wait.as_secs().max(1)).filter(|_| !wait.is_zero()),
    };
    let link = match error {
        JoinError::Link(link) => link,
        JoinError::Unknown(_) => return goodbye(because(GuestReason::Session)),
        JoinError::NoSession(NoSession::TooFast(refused)) => {
            return waiting(too_many(problems, refused.wait), None, refused.wait);
        }
        JoinError::NoSession(_) => return goodbye(because(GuestReason::Portal)),
    };
    match link {
        LinkRefusal::NotValid => goodbye(because(GuestReason::NotValid)),
        LinkRefusal::Password { title, wait } => {
            waiting(because(GuestReason::Password), Some(title.clone()), *wait)
        }
        LinkRefusal::TooMany(wait) => waiting(too_many(problems, *wait), None, *wait),
        LinkRefusal::Closed { title, state } => {
            let reason = match state {
                DropState::TooEarly => GuestReason::TooEarly,
                DropState::Expired => GuestReason::Over,
                DropState::Full => GuestReason::Full,
                DropState::Revoked | DropState::Open => GuestReason::Withdrawn,
            };
            waiting(because(reason), Some(title.clone()), Duration::ZERO)
        }
        LinkRefusal::Busy(_) | LinkRefusal::Store(_) | LinkRefusal::Unusable(_) => {
            tracing::warn!(%error, "a link of a drop cannot be opened");
            goodbye(because(GuestReason::Portal))
        }
    }
}
