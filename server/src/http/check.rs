//! What `ferryport check` asks a portal from outside. None of it needs a session.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::IntoResponse,
};
use bytes::Bytes;
use hyper::body::Frame;
use serde::{Deserialize, Serialize};
use tokio::time::{Sleep, sleep};

use crate::{
    app::App,
    client::Peer,
    metrics::labels::{KnownBy, Label as _},
    policy::Scope,
};

/// The pause between two pieces of the stream.
pub const STREAM_PAUSE: Duration = Duration::from_millis(500);

/// The number of pieces of the stream.
pub const STREAM_PIECES: u8 = 4;

/// The client of a request, as the portal sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenClient {
    /// How the address is known: a value of the figure `ferryport_requests_total`.
    pub known_by: String,
    /// The address, if it is public. Others would tell strangers about the network of the portal.
    pub address: Option<String>,
}

/// Handles `GET /check/client`.
pub(super) async fn client(State(app): State<App>, request: Request) -> impl IntoResponse {
    let connection = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let sender = app.portal.proxies.sender(connection, request.headers());
    let is_the_clients = matches!(sender.known_by, KnownBy::Connection | KnownBy::Header);
    let address = sender.peer.address.filter(|_| is_the_clients);
    let public = address.filter(|address| Scope::of(*address) == Scope::Public);
    let seen = SeenClient {
        known_by: sender.known_by.text().to_owned(),
        address: public.map(|address| address.to_string()),
    };
    ([(CACHE_CONTROL, "no-store")], Json(seen))
}

/// Handles `GET /check/stream`: an answer in pieces with pauses between them.
pub(super) async fn stream() -> impl IntoResponse {
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "text/plain")];
    (headers, Body::new(Pieces { sent: 0, pause: Box::pin(sleep(Duration::ZERO)) }))
}

/// The body of the stream.
struct Pieces {
    sent: u8,
    pause: Pin<Box<Sleep>>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.sent == STREAM_PIECES {
            return Poll::Ready(None);
        }
        std::task::ready!(self.pause.as_mut().poll(cx));
        self.sent += 1;
        self.pause = Box::pin(sleep(STREAM_PAUSE));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece\n")))))
    }
}
