//! The route of a session's sockets.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use protocol::Problem;
use tracing::Instrument as _;

use super::{
    language,
    origin::{self, OtherOrigin},
    problems::{no_web_socket, other_origin},
};
use crate::{
    app::App,
    client::{Peer, Sender},
    metrics::labels::{KnownBy, Listener},
    problems::ProblemBuilder,
    session::socket,
    websocket::handshake::{self, HandshakeError},
};

/// The parameter of a socket's address with the name of its session.
const SESSION: &str = "session";

/// Handles `GET /session/socket?session=NAME&lang=en`. The name is no proof: `hello` has the secret. A
/// page of another origin gets no session: the socket tells it why, because a browser shows a page no
/// answer to a refused handshake.
pub(super) async fn socket(State(app): State<App>, mut request: Request) -> Response {
    let problems = problems(&request);
    let (answer, upgrade) = match handshake::accept(&mut request) {
        Ok(accepted) => accepted,
        Err(error) => return no_socket(error, problems),
    };
    let sessions = app.sessions.clone();
    let portal = Arc::clone(&app.portal);
    let checked = origin::check(&portal, request.headers());
    let peer = peer(&app, &request);
    // A page of another origin waits for nothing.
    let admitted = checked.map(|()| app.sessions.admit_socket(peer.client, session_name(&request)));
    let socket = async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a WebSocket handshake failed"),
        };
        // The listener counts the connection until it is upgraded.
        let _open = portal.metrics.connection_opened(Listener::Page);
        match admitted {
            Ok(place) => socket::serve(upgraded, sessions, peer, place, problems).await,
            Err(OtherOrigin { origin }) => {
                socket::refuse(upgraded, other_origin(problems, &origin)).await;
            }
        }
    };
    // Its lines in the log have the id of the request.
    app.sessions.spawn_socket(socket.in_current_span());
    answer
}

/// Returns the name of the session in the socket's address.
fn session_name(request: &Request) -> Option<&str> {
    let parameters = request.uri().query().unwrap_or_default().split('&');
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    named.find_map(|(key, name)| (key == SESSION).then_some(name))
}

fn no_socket(error: HandshakeError, problems: ProblemBuilder) -> Response {
    let problem = no_web_socket(problems, error);
    (error.headers(), refuse(error.status(), problem)).into_response()
}

/// Returns who sends a request, and counts how that is known.
fn peer(app: &App, request: &Request) -> Peer {
    let connection = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let Sender { peer, known_by } = app.portal.proxies.sender(connection, request.headers());
    app.portal.metrics.count_request(known_by);
    warn_of_proxy(app, connection, known_by);
    peer
}

/// Says that the settings and a proxy do not agree.
fn warn_of_proxy(app: &App, connection: Peer, known_by: KnownBy) {
    let throttles = &app.portal.log_throttles;
    let from = connection.address.map(tracing::field::display);
    match known_by {
        KnownBy::Connection | KnownBy::Header => {}
        KnownBy::IgnoredHeader => {
            if let Some(suppressed) = throttles.ignored_header.admit() {
                tracing::warn!(
                    from,
                    suppressed,
                    "a header that names the client is ignored: its sender is not among \
                     `trusted_proxies`"
                );
            }
        }
        KnownBy::MissingHeader | KnownBy::UnreadableHeader => {
            if let Some(suppressed) = throttles.unnamed_client.admit() {
                let header = app.portal.settings.forwarded_header.name();
                tracing::warn!(
                    from,
                    header,
                    suppressed,
                    "a trusted proxy names no client, so the limits of clients do not count its \
                     requests: let it send this header with an address"
                );
            }
        }
    }
}

/// Returns the language of the problems of a request.
pub(super) fn problems(request: &Request) -> ProblemBuilder {
    ProblemBuilder::new(language::of(request.uri().query(), request.headers()))
}

/// Builds a refusal that the page can show.
pub(super) fn refuse(status: StatusCode, problem: Problem) -> impl IntoResponse {
    (status, [(CACHE_CONTROL, "no-store")], Json(problem))
}
