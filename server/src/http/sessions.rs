//! The two doors of a session; the origin was checked before.

use std::sync::Arc;

use axum::{
    Json,
    extract::{State, WebSocketUpgrade, ws::WebSocket},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use protocol::{CHUNK_HEADER_LEN, Problem};

use crate::{
    portal::Portal,
    session::{registry::NoSession, socket, words},
};

/// What is read from the socket at a time, in bytes: what a TLS record brings (RFC 8446 §5.1). The
/// library clears as many before each read, so that more would cost time, and holds as many for
/// each session.
const READ_BYTES: usize = 16 * 1024;

/// `POST /session`.
pub(super) async fn create(State(portal): State<Arc<Portal>>) -> Response {
    match portal.sessions.create() {
        Ok(new) => (StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(new)).into_response(),
        Err(error) => {
            tracing::warn!(%error, "no session made");
            let what = match error {
                NoSession::Full(_) => "Try again in a few minutes.",
                NoSession::NoRandomness(_) => "Tell whoever runs the portal.",
            };
            let problem = words::portal_problem(error.to_string(), what);
            refuse(StatusCode::SERVICE_UNAVAILABLE, problem).into_response()
        }
    }
}

/// `GET /session/socket`.
pub(super) async fn socket(
    State(portal): State<Arc<Portal>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    // A socket that has not said hello yet is no session, and still takes memory: beside the task
    // of each session and that of its socket there is room for as many that have yet to begin.
    if portal.tasks.len() >= 3 * portal.settings.max_sessions as usize {
        let problem = words::portal_problem(
            "the portal has too many sockets that wait to begin".to_owned(),
            "Try again in a minute.",
        );
        return refuse(StatusCode::SERVICE_UNAVAILABLE, problem).into_response();
    }
    let largest = portal.settings.max_chunk.as_usize().saturating_add(CHUNK_HEADER_LEN);
    let largest = largest.max(portal.settings.max_message.as_usize());
    let tasks = portal.tasks.clone();
    let upgrade = upgrade.max_message_size(largest).max_frame_size(largest);
    upgrade.read_buffer_size(READ_BYTES).on_upgrade(move |web_socket: WebSocket| {
        tasks.track_future(socket::serve(web_socket, portal))
    })
}

/// A refusal that the page can show.
pub(super) fn refuse(status: StatusCode, problem: Problem) -> impl IntoResponse {
    (status, [(CACHE_CONTROL, "no-store")], Json(problem))
}
