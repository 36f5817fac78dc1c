//! A browser's remote control over a WebSocket: commands, answers, events.
//!
//! The Chrome `DevTools` protocol and `WebDriver` `BiDi` have the same envelope: a command has an id,
//! a method and parameters; its answer has the id and a result or an error; an event has a method
//! and parameters.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{Mutex as AsyncMutex, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// How long the browser may take for one command.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<TcpStream>;
type PendingCalls = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Value, String>>>>>;

/// A connection to a browser.
pub(super) struct Wire {
    sender: AsyncMutex<SplitSink<Socket, Message>>,
    pending: PendingCalls,
    events: Arc<Mutex<Vec<Event>>>,
    next_id: AtomicU64,
    reader: JoinHandle<()>,
}

/// An event of the browser.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) method: String,
    pub(super) parameters: Value,
}

impl Wire {
    /// Connects to the address that the browser printed: `ws://127.0.0.1:PORT/…`.
    pub(super) async fn connect(url: &str) -> Self {
        let authority = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(authority).await.expect("the browser listens");
        // A screenshot is one message.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, _) = client_async_with_config(url, stream, Some(config))
            .await
            .expect("the browser speaks its protocol");
        let (sender, incoming) = socket.split();
        let pending = PendingCalls::default();
        let events = Arc::default();
        let reader = tokio::spawn(read(incoming, Arc::clone(&pending), Arc::clone(&events)));
        Self {
            sender: AsyncMutex::new(sender),
            pending,
            events,
            next_id: AtomicU64::new(1),
            reader,
        }
    }

    /// Sends a command and waits for its answer. `session` names the target where the protocol has
    /// more than one on a connection.
    ///
    /// # Errors
    /// The browser's error message.
    pub(super) async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
    ) -> Result<Value, String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        lock(&self.pending).insert(id, tell);
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let frame = Message::text(command.to_string());
        let sent = self.sender.lock().await.send(frame).await;
        sent.map_err(|error| format!("{method}: {error}"))?;
        match timeout(ANSWER_LIMIT, told).await {
            Ok(Ok(answer)) => answer.map_err(|error| format!("{method}: {error}")),
            Ok(Err(_)) => Err(format!("{method}: the browser has ended")),
            Err(_) => Err(format!("{method}: no answer within {ANSWER_LIMIT:?}")),
        }
    }

    /// The events so far whose method is one of these.
    pub(super) fn events(&self, methods: &[&str]) -> Vec<Event> {
        let events = lock(&self.events);
        let events = events.iter();
        let events = events.filter(|event| methods.contains(&event.method.as_str()));
        events.cloned().collect()
    }

    /// Forgets the events of a method.
    pub(super) fn forget(&self, method: &str) {
        lock(&self.events).retain(|event| event.method != method);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(
    mut incoming: SplitStream<Socket>,
    pending: PendingCalls,
    events: Arc<Mutex<Vec<Event>>>,
) {
    while let Some(Ok(frame)) = incoming.next().await {
        let Message::Text(text) = frame else { continue };
        let mut message: Value = serde_json::from_str(&text).expect("the browser sends JSON");
        if let Some(id) = message["id"].as_u64() {
            if let Some(tell) = lock(&pending).remove(&id) {
                let answer = match message.get("error") {
                    // `BiDi` sends the message beside the error's name, `DevTools` inside of it.
                    Some(error) => Err(format!("{error} {}", message["message"])),
                    None => Ok(message["result"].take()),
                };
                let _ = tell.send(answer);
            }
        } else if let Some(method) = message["method"].as_str().map(str::to_owned) {
            let parameters = message["params"].take();
            lock(&events).push(Event { method, parameters });
        }
    }
    // Pending calls end with an error.
    lock(&pending).clear();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
