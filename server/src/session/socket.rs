//! The WebSocket of a session: hello, frames in, deadlines.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use protocol::{ChunkHeader, ClientMessage, Problem, ServerMessage, server::Limits};

use super::{
    conversation::{Conversation, Misconduct},
    outbox::{WriteError, outbox},
    registry::{Attached, NotYours},
    words,
};
use crate::{portal::Portal, settings::Settings};

/// How long the last words to a page may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the page closed the socket")]
    Closed,
    #[error("the socket failed")]
    Socket(#[source] axum::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the page said nothing for {}", humantime::format_duration(*.0))]
    Silence(Duration),
    #[error("the session reached its longest life of {}", humantime::format_duration(*.0))]
    Lifetime(Duration),
    #[error("the portal is shutting down")]
    Shutdown,
    #[error("the page said no `hello` within {}", humantime::format_duration(*.0))]
    NoHello(Duration),
    #[error(transparent)]
    NotYours(#[from] NotYours),
    #[error("the page speaks version {0} of the protocol")]
    Version(u32),
    #[error(transparent)]
    Misconduct(#[from] Misconduct),
}

/// Holds a session's conversation on a socket whose origin was checked, to its end.
pub async fn serve(socket: WebSocket, portal: Arc<Portal>) {
    let (mut sink, mut stream) = socket.split();
    let attached = match hello(&mut stream, &portal).await {
        Ok(attached) => attached,
        Err(end) => {
            tracing::info!(reason = %end, "session refused");
            return goodbye(&mut sink, &end).await;
        }
    };
    tracing::info!(session = attached.name(), "session begun");
    let end = converse(&mut sink, &mut stream, &portal).await;
    tracing::info!(session = attached.name(), reason = %end, "session ended");
    goodbye(&mut sink, &end).await;
}

/// The session's name and secret come before anything else is done.
async fn hello(stream: &mut SplitStream<WebSocket>, portal: &Portal) -> Result<Attached, End> {
    let limit = portal.settings.session_start_timeout;
    let first = tokio::time::timeout(limit, next_frame(stream)).await;
    let Frame::Text(text) = first.map_err(|_| End::NoHello(limit))?? else {
        return Err(Misconduct::HelloFirst.into());
    };
    match parse(&text, portal)? {
        ClientMessage::Hello { version, .. } if version != protocol::VERSION => {
            Err(End::Version(version))
        }
        ClientMessage::Hello { session, secret, .. } => {
            Ok(portal.sessions.attach(&session, &secret)?)
        }
        ClientMessage::Connect(_)
        | ClientMessage::Disconnect
        | ClientMessage::List { .. }
        | ClientMessage::Offer(_)
        | ClientMessage::Cancel { .. }
        | ClientMessage::Pause { .. }
        | ClientMessage::Digest { .. }
        | ClientMessage::Heard { .. }
        | ClientMessage::MakeDirectory { .. }
        | ClientMessage::Remove { .. }
        | ClientMessage::Ping => Err(Misconduct::HelloFirst.into()),
    }
}

async fn converse(
    sink: &mut SplitSink<WebSocket, Message>,
    stream: &mut SplitStream<WebSocket>,
    portal: &Arc<Portal>,
) -> End {
    let settings = &portal.settings;
    let (outbox, writer) = outbox(settings.max_log_lines as usize);
    outbox.hint(welcome(settings));
    let mut conversation = Conversation::new(Arc::clone(portal), outbox);
    let end = tokio::select! {
        end = read(stream, &mut conversation, portal) => end,
        written = writer.run(sink, settings.page_write_timeout) => match written {
            Ok(()) => End::Closed,
            Err(error) => End::Write(error),
        },
        () = tokio::time::sleep(settings.session_lifetime) => {
            End::Lifetime(settings.session_lifetime)
        }
        () = portal.shutdown.cancelled() => End::Shutdown,
    };
    conversation.close().await;
    end
}

fn welcome(settings: &Settings) -> ServerMessage {
    let u32_of = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    ServerMessage::Welcome {
        version: protocol::VERSION,
        portal: env!("CARGO_PKG_VERSION").to_owned(),
        heard: 0,
        connected: None,
        limits: Limits {
            max_chunk_bytes: u32_of(settings.max_chunk.0),
            min_chunk_bytes: u32_of(settings.min_chunk.0),
            max_open_uploads: settings.max_open_uploads,
            ping_interval_millis: u32::try_from(settings.ping_interval.as_millis())
                .unwrap_or(u32::MAX),
            max_log_lines: settings.max_log_lines,
        },
    }
}

async fn read(
    stream: &mut SplitStream<WebSocket>,
    conversation: &mut Conversation,
    portal: &Portal,
) -> End {
    let limit = portal.settings.page_silence_timeout;
    loop {
        let handled = match tokio::time::timeout(limit, next_frame(stream)).await {
            Err(_) => return End::Silence(limit),
            Ok(Err(end)) => return end,
            Ok(Ok(Frame::Text(text))) => match parse(&text, portal) {
                Ok(message) => conversation.handle(message).await,
                Err(misconduct) => Err(misconduct),
            },
            Ok(Ok(Frame::Binary(frame))) => deliver(conversation, &frame),
        };
        if let Err(misconduct) = handled {
            return End::Misconduct(misconduct);
        }
    }
}

enum Frame {
    Text(Utf8Bytes),
    Binary(Bytes),
}

/// The next text or binary frame; what else RFC 6455 knows is answered by the library.
async fn next_frame(stream: &mut SplitStream<WebSocket>) -> Result<Frame, End> {
    loop {
        match stream.next().await {
            None | Some(Ok(Message::Close(_))) => return Err(End::Closed),
            Some(Err(error)) => return Err(End::Socket(error)),
            Some(Ok(Message::Text(text))) => return Ok(Frame::Text(text)),
            Some(Ok(Message::Binary(bytes))) => return Ok(Frame::Binary(bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
        }
    }
}

fn parse(text: &str, portal: &Portal) -> Result<ClientMessage, Misconduct> {
    let max = portal.settings.max_message;
    if text.len() as u64 > max.0 {
        return Err(Misconduct::MessageTooLong { max });
    }
    // The error's own text could quote what was sent, a password included.
    serde_json::from_str(text).map_err(|_| Misconduct::NotAMessage)
}

fn deliver(conversation: &Conversation, frame: &Bytes) -> Result<(), Misconduct> {
    let (header, payload) = ChunkHeader::decode(frame)?;
    conversation.deliver(header, frame.slice_ref(payload))
}

/// Tells the page why, as far as it still listens, and closes the socket.
async fn goodbye(sink: &mut SplitSink<WebSocket, Message>, end: &End) {
    let message = match end {
        End::Closed | End::Socket(_) | End::Write(_) => return,
        End::Version(_) => ServerMessage::Unsupported { version: protocol::VERSION },
        End::Silence(_)
        | End::Lifetime(_)
        | End::Shutdown
        | End::NoHello(_)
        | End::NotYours(_)
        | End::Misconduct(_) => ServerMessage::Goodbye { problem: problem(end) },
    };
    let last_words = async {
        if let Ok(text) = serde_json::to_string(&message) {
            sink.send(Message::Text(text.into())).await?;
        }
        let frame = CloseFrame { code: close_code(end), reason: "".into() };
        sink.send(Message::Close(Some(frame))).await
    };
    let _gone_or_too_slow = tokio::time::timeout(GOODBYE_TIMEOUT, last_words).await;
}

fn problem(end: &End) -> Problem {
    let what = match end {
        End::NotYours(_) | End::NoHello(_) => "Reload the page.",
        End::Misconduct(_) | End::Version(_) => {
            "Reload the page. If it happens again, tell whoever runs the portal."
        }
        End::Silence(_) | End::Lifetime(_) | End::Closed | End::Socket(_) | End::Write(_) => {
            "Connect again."
        }
        End::Shutdown => "Connect again in a minute.",
    };
    words::portal_problem(end.to_string(), what)
}

/// The codes of RFC 6455 §7.4.1.
fn close_code(end: &End) -> u16 {
    match end {
        End::Closed | End::Socket(_) | End::Write(_) | End::Lifetime(_) => close_code::NORMAL,
        End::Silence(_) | End::Shutdown => close_code::AWAY,
        End::NoHello(_) | End::NotYours(_) => close_code::POLICY,
        End::Version(_) | End::Misconduct(_) => close_code::PROTOCOL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_message_is_not_quoted() {
        let error = serde_json::from_str::<ClientMessage>(r#"{"type":"hunter2"}"#).unwrap_err();
        assert!(error.to_string().contains("hunter2"), "serde quotes, so its text is not used");
        assert!(!Misconduct::NotAMessage.to_string().contains("hunter2"));
    }

    #[test]
    fn every_goodbye_has_a_remedy() {
        assert!(problem(&End::Shutdown).remedy.is_some());
        assert_eq!(problem(&End::Shutdown).stage, protocol::Stage::Portal);
    }
}
