//! The two doors of a session; the origin was checked before.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use protocol::Problem;

use super::language::Language;
use crate::{portal::Portal, session::socket, speech::Speech, websocket::handshake};

/// `POST /session?lang=en`: what is refused is told in the language of the address, else in the one
/// that the browser prefers.
pub(super) async fn create(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    match portal.sessions.create() {
        Ok(new) => (StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(new)).into_response(),
        Err(error) => {
            tracing::warn!(%error, "no session made");
            let problem = speech(&request).no_session(&error);
            refuse(StatusCode::SERVICE_UNAVAILABLE, problem).into_response()
        }
    }
}

/// `GET /session/socket`.
pub(super) async fn socket(State(portal): State<Arc<Portal>>, mut request: Request) -> Response {
    // A socket that has not said hello yet is no session, and still takes memory: beside the task
    // of each session and that of its socket there is room for as many that have yet to begin.
    let speech = speech(&request);
    if portal.tasks.len() >= 3 * portal.settings.max_sessions as usize {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, speech.too_many_sockets()).into_response();
    }
    let (answer, upgrade) = match handshake::accept(&mut request) {
        Ok(accepted) => accepted,
        Err(refusal) => return no_socket(refusal, speech),
    };
    let tasks = portal.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => socket::serve(upgraded, portal, speech).await,
            Err(error) => tracing::debug!(%error, "a WebSocket's handshake came to nothing"),
        }
    });
    answer
}

fn no_socket(refusal: handshake::Refusal, speech: Speech) -> Response {
    let problem = speech.no_web_socket(refusal);
    (refusal.headers(), refuse(refusal.status(), problem)).into_response()
}

/// What whoever sent a request is told things in.
pub(super) fn speech(request: &Request) -> Speech {
    Language::of(request.uri().query(), request.headers()).speech()
}

/// A refusal that the page can show.
pub(super) fn refuse(status: StatusCode, problem: Problem) -> impl IntoResponse {
    (status, [(CACHE_CONTROL, "no-store")], Json(problem))
}
