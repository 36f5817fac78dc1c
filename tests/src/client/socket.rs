//! One WebSocket of a session, and the record of everything that the portal sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{
    StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use protocol::{ServerMessage, server::LogLine};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::portal::{Acceptor, Stream};

type Socket = WebSocketStream<Box<dyn Stream>>;

/// One socket of a session.
pub(super) struct Wire {
    pub(super) sender: SplitSink<Socket, Message>,
    pub(super) messages: mpsc::Receiver<ServerMessage>,
    pub(super) reader: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Everything that the portal sent.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) frames: Vec<String>,
    pub(super) log: Vec<LogLine>,
}

/// Opens the portal's WebSocket with the given headers.
///
/// # Errors
/// When the portal answers something other than 101.
pub async fn open_socket(
    acceptor: &Acceptor,
    headers: &[(&'static str, &str)],
) -> Result<Socket, tungstenite::Error> {
    let mut request = acceptor.socket_url().into_client_request()?;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header's value");
        request.headers_mut().insert(*name, value);
    }
    let stream = acceptor.connect().await?;
    let (socket, _) = client_async(request, stream).await?;
    Ok(socket)
}

/// Opens a socket with the page's own origin; `None` when it breaks before it is open.
pub(super) async fn connect_socket(
    acceptor: &Acceptor,
    record: &Arc<Mutex<Record>>,
) -> Option<Wire> {
    let socket = open_socket(acceptor, &acceptor.headers()).await.ok()?;
    let (sender, incoming) = socket.split();
    // More messages than a test leaves unread; then the portal would have to wait.
    let (received, messages) = mpsc::channel(10_000);
    let reader = tokio::spawn(read(incoming, Arc::clone(record), received));
    Some(Wire { sender, messages, reader })
}

/// Records every frame, and passes on the messages that are not about the log.
async fn read(
    mut incoming: SplitStream<Socket>,
    record: Arc<Mutex<Record>>,
    received: mpsc::Sender<ServerMessage>,
) {
    while let Some(Ok(frame)) = incoming.next().await {
        let Message::Text(text) = frame else { continue };
        for line in protocol::lines::split(&text) {
            let message = record_message(line, &record);
            if let Some(message) = message
                && received.send(message).await.is_err()
            {
                return;
            }
        }
    }
}

/// Records a message, and returns it unless it is about the log.
fn record_message(line: &str, record: &Mutex<Record>) -> Option<ServerMessage> {
    let message: ServerMessage =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    let mut record = lock(record);
    record.frames.push(line.to_owned());
    if let ServerMessage::Log { lines } = message {
        record.log.extend(lines);
        return None;
    }
    Some(message)
}

pub(super) fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
