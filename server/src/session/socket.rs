//! One WebSocket of a session: hello, frames in, deadlines.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use protocol::{ChunkHeader, ClientMessage, Problem, ServerMessage, client::Heard, server::Limits};

use super::{
    conversation::{Conversation, Misconduct},
    life::{Over, Session, Turn},
    outbox::WriteError,
    registry::NotYours,
    words,
};
use crate::{portal::Portal, settings::Settings};

/// How long the last words to a page may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a socket ends.
#[derive(Debug, thiserror::Error)]
enum End {
    /// The page will not come back.
    #[error("the page said goodbye")]
    Goodbye,
    #[error("the page closed the socket")]
    Closed,
    #[error("the socket failed")]
    Socket(#[source] axum::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the page said nothing for {}", humantime::format_duration(*.0))]
    Silence(Duration),
    #[error("the page has heard nothing for {}", humantime::format_duration(*.0))]
    Deaf(Duration),
    #[error("the page has come back on another socket")]
    TakenOver,
    #[error(transparent)]
    Over(Over),
    #[error("the page said no `hello` within {}", humantime::format_duration(*.0))]
    NoHello(Duration),
    #[error(transparent)]
    NotYours(#[from] NotYours),
    #[error("the page speaks version {0} of the protocol")]
    Version(u32),
    #[error(transparent)]
    Misconduct(#[from] Misconduct),
}

/// Serves a socket whose origin was checked, to its end; the session may outlive it.
pub async fn serve(socket: WebSocket, portal: Arc<Portal>) {
    let (mut sink, mut stream) = socket.split();
    let end = match hello(&mut stream, &portal).await {
        Ok((session, heard)) => {
            tracing::info!(session = session.name(), "socket begun");
            let turn = session.take_turn().await;
            let end = converse(&mut sink, &mut stream, &portal, &session, turn, heard).await;
            tracing::info!(session = session.name(), reason = %end, "socket ended");
            end
        }
        Err(end) => {
            tracing::info!(reason = %end, "socket refused");
            end
        }
    };
    goodbye(&mut sink, &end).await;
}

/// The session's name and secret come before anything else is done.
async fn hello(
    stream: &mut SplitStream<WebSocket>,
    portal: &Arc<Portal>,
) -> Result<(Arc<Session>, Option<Heard>), End> {
    let limit = portal.settings.session_start_timeout;
    let first = tokio::time::timeout(limit, next_frame(stream)).await;
    let Frame::Text(text) = first.map_err(|_| End::NoHello(limit))?? else {
        return Err(Misconduct::HelloFirst.into());
    };
    match parse(&text, portal)? {
        ClientMessage::Hello { version, .. } if version != protocol::VERSION => {
            Err(End::Version(version))
        }
        ClientMessage::Hello { session: name, secret, resume, .. } => {
            let begin = || Session::begin(name.clone(), portal);
            Ok((portal.sessions.join(&name, &secret, begin)?, resume))
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

/// The turn of one socket: whatever ends it, what has begun goes on until the session is over.
async fn converse(
    sink: &mut SplitSink<WebSocket, Message>,
    stream: &mut SplitStream<WebSocket>,
    portal: &Portal,
    session: &Session,
    mut turn: Turn,
    heard: Option<Heard>,
) -> End {
    let settings = &portal.settings;
    let let_go = turn.let_go.clone();
    let end = tokio::select! {
        biased;
        why = session.over() => End::Over(why),
        () = let_go.cancelled() => End::TakenOver,
        end = async {
            if let Err(misconduct) = greet(&mut turn.conversation, session, settings, heard).await {
                return End::Misconduct(misconduct);
            }
            let outbox = session.outbox();
            tokio::select! {
                () = outbox.is_deaf_for(settings.page_write_timeout) => {
                    End::Deaf(settings.page_write_timeout)
                }
                end = read(stream, &mut turn.conversation, portal) => end,
                written = outbox.write_to(sink, settings.page_write_timeout) => {
                    written.map_or_else(End::Write, |never| match never {})
                }
            }
        } => end,
    };
    if let End::Misconduct(_) | End::Deaf(_) | End::Goodbye = end {
        session.end(Over::Ended);
    }
    end
}

/// What the page has missed comes after the welcome.
async fn greet(
    conversation: &mut Conversation,
    session: &Session,
    settings: &Settings,
    heard: Option<Heard>,
) -> Result<(), Misconduct> {
    let (connected, next_upload) = match heard {
        Some(heard) => {
            conversation.go_on(heard)?;
            (None, conversation.next_upload())
        }
        None => {
            let there_is = conversation.start_over().await;
            (there_is.connected.map(Box::new), there_is.next_upload)
        }
    };
    session.outbox().hint(ServerMessage::Welcome {
        version: protocol::VERSION,
        portal: env!("CARGO_PKG_VERSION").to_owned(),
        limits: limits(settings),
        heard: conversation.heard(),
        connected,
        next_upload,
    });
    Ok(())
}

fn limits(settings: &Settings) -> Limits {
    let u32_of = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    Limits {
        max_chunk_bytes: u32_of(settings.max_chunk.0),
        min_chunk_bytes: u32_of(settings.min_chunk.0),
        max_open_uploads: settings.max_open_uploads,
        ping_interval_millis: u32::try_from(settings.ping_interval.as_millis()).unwrap_or(u32::MAX),
        max_log_lines: settings.max_log_lines,
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
            Ok(Ok(Frame::Text(text))) => {
                parse(&text, portal).and_then(|message| conversation.handle(message))
            }
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
            Some(Ok(Message::Close(Some(frame)))) if frame.code == close_code::NORMAL => {
                return Err(End::Goodbye);
            }
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
        End::Goodbye | End::Closed | End::Socket(_) | End::Write(_) => return,
        // The session is not over: a page that only slept comes back.
        End::Silence(_) => return close(sink, close_code::AWAY).await,
        End::TakenOver => ServerMessage::TakenOver,
        End::Version(_) => ServerMessage::Unsupported { version: protocol::VERSION },
        End::Over(_) | End::Deaf(_) | End::NoHello(_) | End::NotYours(_) | End::Misconduct(_) => {
            ServerMessage::Goodbye { problem: problem(end) }
        }
    };
    let text = serde_json::to_string(&message).unwrap_or_default();
    let said = tokio::time::timeout(GOODBYE_TIMEOUT, sink.send(Message::Text(text.into()))).await;
    if matches!(said, Ok(Ok(()))) {
        close(sink, close_code(end)).await;
    }
}

async fn close(sink: &mut SplitSink<WebSocket, Message>, code: u16) {
    let frame = CloseFrame { code, reason: "".into() };
    let closing = sink.send(Message::Close(Some(frame)));
    let _gone_or_too_slow = tokio::time::timeout(GOODBYE_TIMEOUT, closing).await;
}

fn problem(end: &End) -> Problem {
    let what = match end {
        End::NotYours(_) | End::NoHello(_) => "Reload the page.",
        End::Misconduct(_) | End::Version(_) => {
            "Reload the page. If it happens again, tell whoever runs the portal."
        }
        End::Over(Over::Shutdown) => "Connect again in a minute.",
        End::Goodbye
        | End::Closed
        | End::Socket(_)
        | End::Write(_)
        | End::Silence(_)
        | End::Deaf(_)
        | End::TakenOver
        | End::Over(Over::Ended | Over::Absent(_) | Over::Lifetime(_)) => "Connect again.",
    };
    words::portal_problem(end.to_string(), what)
}

/// The codes of RFC 6455 §7.4.1.
fn close_code(end: &End) -> u16 {
    match end {
        End::Goodbye
        | End::Closed
        | End::Socket(_)
        | End::Write(_)
        | End::Over(Over::Ended | Over::Absent(_) | Over::Lifetime(_)) => close_code::NORMAL,
        End::Silence(_) | End::TakenOver | End::Over(Over::Shutdown) => close_code::AWAY,
        End::NoHello(_) | End::NotYours(_) => close_code::POLICY,
        End::Version(_) | End::Misconduct(_) | End::Deaf(_) => close_code::PROTOCOL,
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
        assert!(problem(&End::Over(Over::Shutdown)).remedy.is_some());
        assert_eq!(problem(&End::Over(Over::Shutdown)).stage, protocol::Stage::Portal);
    }
}
