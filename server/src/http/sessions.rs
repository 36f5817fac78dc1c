//! The two doors of a session; the origin was checked before.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use protocol::Problem;

use crate::{
    portal::Portal,
    session::{registry::NoSession, socket, words},
    websocket::handshake,
};

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
pub(super) async fn socket(State(portal): State<Arc<Portal>>, mut request: Request) -> Response {
    // A socket that has not said hello yet is no session, and still takes memory: beside the task
    // of each session and that of its socket there is room for as many that have yet to begin.
    if portal.tasks.len() >= 3 * portal.settings.max_sessions as usize {
        let problem = words::portal_problem(
            "the portal has too many sockets that wait to begin".to_owned(),
            "Try again in a minute.",
        );
        return refuse(StatusCode::SERVICE_UNAVAILABLE, problem).into_response();
    }
    let (answer, upgrade) = match handshake::accept(&mut request) {
        Ok(accepted) => accepted,
        Err(refusal) => return no_socket(refusal),
    };
    let tasks = portal.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => socket::serve(upgraded, portal).await,
            Err(error) => tracing::debug!(%error, "a WebSocket's handshake came to nothing"),
        }
    });
    answer
}

fn no_socket(refusal: handshake::Refusal) -> Response {
    let problem = words::portal_problem(
        refusal.to_string(),
        "A proxy in front of the portal has to pass WebSockets on.",
    );
    (refusal.headers(), refuse(refusal.status(), problem)).into_response()
}

/// A refusal that the page can show.
pub(super) fn refuse(status: StatusCode, problem: Problem) -> impl IntoResponse {
    (status, [(CACHE_CONTROL, "no-store")], Json(problem))
}
