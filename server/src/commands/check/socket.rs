//! The WebSocket of the portal that is checked.

use std::{io, time::Duration};

use axum::http::HeaderValue;
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    ClientMessage, Problem, ServerMessage, client::Language, server::Limits, session::Join,
};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{
    connection::{CheckedPortal, LIMIT, Stream},
    verdict::{Checked, Verdict},
};

type Socket = WebSocketStream<Box<dyn Stream>>;

/// What a proxy needs for a WebSocket.
const UPGRADE_REMEDY: &str = "the proxy has to pass the upgrade on, for nginx: proxy_http_version 1.1; \
                              proxy_set_header Upgrade $http_upgrade; \
                              proxy_set_header Connection \"upgrade\";";

/// What came of an attempt to open a WebSocket and a session on it.
pub(super) enum Opened {
    /// The portal has made a session.
    Welcomed {
        /// The WebSocket.
        socket: Box<Socket>,
        /// The portal's limits for its pages.
        limits: Limits,
        /// From the connection to `welcome`.
        took: Duration,
    },
    /// The WebSocket works, and the portal makes no session.
    Refused(Problem),
    /// The WebSocket does not work.
    Failed(Verdict),
}

/// Opens a WebSocket as a page of this origin, and a session on it.
pub(super) async fn open(target: &CheckedPortal, origin: &str) -> Opened {
    let begun = Instant::now();
    match timeout(LIMIT, begin(target, origin)).await {
        Ok(Ok((socket, ServerMessage::Welcome { limits, .. }))) => {
            Opened::Welcomed { socket: Box::new(socket), limits, took: begun.elapsed() }
        }
        Ok(Ok((_, ServerMessage::Goodbye { problem }))) => Opened::Refused(problem),
        Ok(Ok((_, other))) => Opened::Failed(Verdict::problem(
            Checked::WebSocket,
            format!("the portal answers {other:?}"),
            "use the command `ferryport` of the portal's version",
        )),
        Ok(Err(error)) => {
            let sentence = format!("the WebSocket does not work: {error}");
            Opened::Failed(Verdict::problem(Checked::WebSocket, sentence, UPGRADE_REMEDY))
        }
        Err(_) => Opened::Failed(Verdict::problem(
            Checked::WebSocket,
            "the WebSocket opens, but the portal's messages do not arrive",
            "the proxy may not hold back what goes over the WebSocket",
        )),
    }
}

/// Tells how the WebSocket works, and waits while nothing is uploaded.
pub(super) async fn verdicts(opened: Opened, idle: Option<Duration>) -> Vec<Verdict> {
    let (mut socket, limits, took) = match opened {
        Opened::Welcomed { socket, limits, took } => (socket, limits, took),
        Opened::Refused(_) => {
            return vec![Verdict::ok(Checked::WebSocket, "the WebSocket works")];
        }
        Opened::Failed(verdict) => return vec![verdict],
    };
    let sentence = format!("the WebSocket works, within {} ms", took.as_millis());
    let mut verdicts = vec![Verdict::ok(Checked::WebSocket, sentence)];
    if let Some(idle) = idle {
        verdicts.push(stays_open(&mut socket, &limits, idle).await);
    }
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // Otherwise the session ends by itself.
    let _best_effort = timeout(LIMIT, socket.send(Message::Close(Some(frame)))).await;
    verdicts
}

/// Sends `hello` for a new session, and returns the first message.
async fn begin(target: &CheckedPortal, origin: &str) -> Result<(Socket, ServerMessage), Failure> {
    let path = format!("{}?lang=en", protocol::SOCKET_PATH);
    let mut request = target.socket_url(&path).into_client_request()?;
    let origin = HeaderValue::from_str(origin);
    request.headers_mut().insert("origin", origin.map_err(io::Error::other)?);
    let (mut socket, _) = client_async(request, target.open().await?).await?;
    let (version, join, language) = (protocol::VERSION, Join::New, Language::default());
    // A portal that refuses the page may have closed the socket already.
    let _closed = send(&mut socket, &ClientMessage::Hello { version, join, language }).await;
    let first = receive(&mut socket).await?;
    Ok((socket, first))
}

/// Waits as a page that does nothing. It sends its pings, and the portal its own.
async fn stays_open(socket: &mut Socket, limits: &Limits, idle: Duration) -> Verdict {
    let begun = Instant::now();
    let interval = Duration::from_millis(limits.ping_interval_millis.max(1).into());
    loop {
        let rest = idle.saturating_sub(begun.elapsed());
        if rest.is_zero() {
            let seconds = idle.as_secs();
            let sentence = format!("an idle WebSocket stays open for at least {seconds} s");
            return Verdict::ok(Checked::Idle, sentence);
        }
        if let Err(error) = quiet_for(socket, interval.min(rest)).await {
            let seconds = begun.elapsed().as_secs();
            return Verdict::problem(
                Checked::Idle,
                format!("an idle WebSocket is cut after {seconds} s: {error}"),
                format!(
                    "let the proxy wait longer than `ping_interval` ({} s), for nginx: \
                     proxy_read_timeout 120s; proxy_send_timeout 120s; or set a shorter \
                     `ping_interval`",
                    interval.as_secs()
                ),
            );
        }
    }
}

/// Reads for a time, then sends a ping.
async fn quiet_for(socket: &mut Socket, time: Duration) -> Result<(), Failure> {
    let end = Instant::now() + time;
    // Reading answers the portal's pings.
    while let Ok(message) = timeout_at(end, socket.next()).await {
        match message {
            Some(Ok(Message::Close(_))) | None => return Err(Failure::Closed),
            Some(message) => drop(message?),
        }
    }
    send(socket, &ClientMessage::Ping).await
}

async fn send(socket: &mut Socket, message: &ClientMessage) -> Result<(), Failure> {
    let text = serde_json::to_string(message).map_err(io::Error::other)?;
    Ok(socket.send(Message::text(text)).await?)
}

/// Waits for the first message.
async fn receive(socket: &mut Socket) -> Result<ServerMessage, Failure> {
    loop {
        let frame = socket.next().await.ok_or(Failure::Closed)??;
        if let Message::Text(text) = frame
            && let Some(line) = protocol::lines::split(&text).next()
        {
            return Ok(serde_json::from_str(line).map_err(io::Error::other)?);
        }
    }
}

/// Why the WebSocket does not work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Connection(#[from] io::Error),
    #[error("{}", without_upgrade(.0))]
    WebSocket(#[from] Box<tungstenite::Error>),
    #[error("it was closed")]
    Closed,
}

impl From<tungstenite::Error> for Failure {
    fn from(error: tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}

/// Says with which status the upgrade was refused.
fn without_upgrade(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Http(answer) => {
            format!("the upgrade is answered with status {}", answer.status())
        }
        other => other.to_string(),
    }
}
