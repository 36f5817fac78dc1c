//! The problems of requests that the portal refuses.

use protocol::Problem;

use crate::{
    problems::ProblemBuilder,
    texts::{Text, quoted},
    websocket::handshake::HandshakeError,
};

/// The request is not a valid WebSocket handshake.
pub(super) fn no_web_socket(problems: ProblemBuilder, error: HandshakeError) -> Problem {
    problems.at_portal(Text::NoWebSocket, &[&error], Text::NoWebSocketRemedy)
}

/// The page has another origin than the portal.
pub(super) fn other_origin(problems: ProblemBuilder, origin: &str) -> Problem {
    problems.at_portal(Text::OtherOrigin, &[&quoted(origin)], Text::OtherOriginRemedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::tests::assert_well_worded;

    #[test]
    fn every_problem_is_worded_in_every_language() {
        assert_well_worded(|problems| {
            vec![
                no_web_socket(problems, HandshakeError::Version),
                other_origin(problems, "https://evil.example"),
            ]
        });
    }
}
