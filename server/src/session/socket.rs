//! One WebSocket of a session: hello, frames in, deadlines.

use std::{io, sync::Arc, time::Duration};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use protocol::{
    CHUNK_HEADER_LEN, ClientMessage, ServerMessage, client::ResumeState, server::Limits,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{
    chunks::Chunks,
    conversation::{Conversation, ProtocolViolation},
    life::{Over, Session, Turn},
    outbox::WriteError,
    registry::NotYours,
    words,
};
use crate::{
    portal::Portal,
    settings::{ByteCount, Settings},
    speech::Speech,
    websocket::{self, Event, MessageLimits, Part, ReadError, Reader, Writer},
};

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
    Socket(#[source] io::Error),
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
    ProtocolViolation(#[from] ProtocolViolation),
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Ended => Self::Closed,
            ReadError::Io(error) => Self::Socket(error),
            ReadError::Violation(violation) => Self::ProtocolViolation(violation.into()),
        }
    }
}

/// Serves a socket whose origin was checked, to its end; the session may outlive it. Its last words
/// are in the language of its `hello`; before that, as `speech` has them.
pub async fn serve(upgraded: Upgraded, portal: Arc<Portal>, mut speech: Speech) {
    let (mut reader, mut writer) =
        websocket::split(TokioIo::new(upgraded), message_limits(&portal.settings));
    let greeted = tokio::select! {
        biased;
        () = portal.shutdown.cancelled() => Err(End::Over(Over::Shutdown)),
        greeted = hello(&mut reader, &portal, &mut speech) => greeted,
    };
    let end = match greeted {
        Ok((session, heard)) => {
            tracing::info!(session = session.name(), "socket begun");
            let turn = session.take_turn().await;
            let end = converse(&mut reader, &mut writer, &portal, &session, turn, heard).await;
            tracing::info!(session = session.name(), reason = %end, "socket ended");
            end
        }
        Err(end) => {
            tracing::info!(reason = %end, "socket refused");
            end
        }
    };
    // The last words may take their time, and whoever listens may go on talking meanwhile: what
    // was not read when a connection is closed takes what was written with it.
    let last_words = async {
        if goodbye(&mut writer, &end, speech).await.is_ok() {
            reader.drain().await;
        }
    };
    let _gone_or_too_slow = tokio::time::timeout(GOODBYE_TIMEOUT, last_words).await;
}

fn message_limits(settings: &Settings) -> MessageLimits {
    let binary = settings.max_chunk.0.saturating_add(CHUNK_HEADER_LEN as u64);
    MessageLimits { text: settings.max_message, binary: ByteCount(binary) }
}

/// The session's name and secret come before anything else is done.
async fn hello(
    reader: &mut Reader<impl AsyncRead + Unpin>,
    portal: &Arc<Portal>,
    speech: &mut Speech,
) -> Result<(Arc<Session>, Option<ResumeState>), End> {
    let limit = portal.settings.session_start_timeout;
    let first = tokio::time::timeout(limit, reader.next()).await;
    let text = match first.map_err(|_| End::NoHello(limit))?? {
        Event::Text(text) => text,
        Event::Binary(_) | Event::Pong => return Err(ProtocolViolation::HelloFirst.into()),
        Event::Close(code) => return Err(closed(code)),
    };
    match parse(&text)? {
        ClientMessage::Hello { version, .. } if version != protocol::VERSION => {
            Err(End::Version(version))
        }
        ClientMessage::Hello { session: name, secret, resume, language, .. } => {
            *speech = words::speech(language);
            let begin = || Session::begin(name.clone(), portal);
            let session = portal.sessions.join(&name, &secret, begin)?;
            session.outbox().set_speech(*speech);
            Ok((session, resume))
        }
        ClientMessage::Connect(_)
        | ClientMessage::Disconnect
        | ClientMessage::List { .. }
        | ClientMessage::Offer(_)
        | ClientMessage::Cancel { .. }
        | ClientMessage::Pause { .. }
        | ClientMessage::Digest { .. }
        | ClientMessage::Ack { .. }
        | ClientMessage::MakeDirectory { .. }
        | ClientMessage::Remove { .. }
        | ClientMessage::Rename { .. }
        | ClientMessage::Delete { .. }
        | ClientMessage::Ping => Err(ProtocolViolation::HelloFirst.into()),
    }
}

/// The turn of one socket: whatever ends it, what has begun goes on until the session is over.
async fn converse(
    reader: &mut Reader<impl AsyncRead + Unpin>,
    writer: &mut Writer<impl AsyncWrite + Unpin>,
    portal: &Portal,
    session: &Session,
    mut turn: Turn,
    heard: Option<ResumeState>,
) -> End {
    let settings = &portal.settings;
    let let_go = turn.let_go.clone();
    let mut chunks = Chunks::default();
    let end = tokio::select! {
        biased;
        why = session.over() => End::Over(why),
        () = let_go.cancelled() => End::TakenOver,
        end = async {
            if let Err(misconduct) = greet(&mut turn.conversation, session, settings, heard).await {
                return End::ProtocolViolation(misconduct);
            }
            let outbox = session.outbox();
            tokio::select! {
                () = outbox.is_deaf_for(settings.page_write_timeout) => {
                    End::Deaf(settings.page_write_timeout)
                }
                end = read(reader, &mut chunks, &mut turn.conversation, settings) => end,
                written = outbox.write_to(writer, settings.ping_interval) => {
                    written.map_or_else(End::Write, |never| match never {})
                }
            }
        } => end,
    };
    if let Some(over) = ends_session(&end) {
        session.end(over);
    } else if let Some(part) = reader.take_rest() {
        // Of a chunk that broke off the page sends only what did not arrive. What arrived of a
        // header is nothing.
        let _ends_anyway = deliver(&turn.conversation, &mut chunks, part);
    }
    end
}

/// What a session is over with whose socket ends in this way; `None` where it outlives that.
fn ends_session(end: &End) -> Option<Over> {
    match end {
        End::Goodbye => Some(Over::Left),
        End::ProtocolViolation(_) => Some(Over::ProtocolViolation),
        End::Deaf(_) => Some(Over::Deaf),
        End::Closed
        | End::Socket(_)
        | End::Write(_)
        | End::Silence(_)
        | End::TakenOver
        | End::Over(_)
        | End::NoHello(_)
        | End::NotYours(_)
        | End::Version(_) => None,
    }
}

/// What the page has missed comes after the welcome.
async fn greet(
    conversation: &mut Conversation,
    session: &Session,
    settings: &Settings,
    heard: Option<ResumeState>,
) -> Result<(), ProtocolViolation> {
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
    session.outbox().welcome(ServerMessage::Welcome {
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
    reader: &mut Reader<impl AsyncRead + Unpin>,
    chunks: &mut Chunks,
    conversation: &mut Conversation,
    settings: &Settings,
) -> End {
    let limit = settings.page_silence_timeout;
    loop {
        let handled = match tokio::time::timeout(limit, reader.next()).await {
            Err(_) => return End::Silence(limit),
            Ok(Err(error)) => return error.into(),
            Ok(Ok(Event::Close(code))) => return closed(code),
            Ok(Ok(Event::Pong)) => Ok(()),
            Ok(Ok(Event::Text(text))) => {
                protocol::lines::split(&text).try_for_each(|line| conversation.handle(parse(line)?))
            }
            Ok(Ok(Event::Binary(part))) => deliver(conversation, chunks, part),
        };
        if let Err(misconduct) = handled {
            return End::ProtocolViolation(misconduct);
        }
    }
}

fn closed(code: Option<CloseCode>) -> End {
    if code == Some(CloseCode::Normal) { End::Goodbye } else { End::Closed }
}

fn parse(text: &str) -> Result<ClientMessage, ProtocolViolation> {
    // The error's own text could quote what was sent, a password included.
    serde_json::from_str(text).map_err(|_| ProtocolViolation::NotAMessage)
}

fn deliver(
    conversation: &Conversation,
    chunks: &mut Chunks,
    part: Part,
) -> Result<(), ProtocolViolation> {
    conversation.deliver(chunks.take(part)?)
}

/// Tells the page why, as far as it still listens, and closes the socket.
async fn goodbye(
    writer: &mut Writer<impl AsyncWrite + Unpin>,
    end: &End,
    speech: Speech,
) -> io::Result<()> {
    if let End::Socket(_) | End::Write(_) = end {
        return Err(io::ErrorKind::NotConnected.into());
    }
    if let Some(message) = last_words(end, speech) {
        writer.text(&serde_json::to_string(&message).unwrap_or_default()).await?;
    }
    writer.close(close_code(end)).await
}

fn last_words(end: &End, speech: Speech) -> Option<ServerMessage> {
    let problem = match end {
        // The session is not over: a page that only slept comes back.
        End::Goodbye | End::Closed | End::Silence(_) => return None,
        // Nobody listens.
        End::Socket(_) | End::Write(_) => return None,
        End::TakenOver => return Some(ServerMessage::TakenOver),
        End::Version(_) => {
            return Some(ServerMessage::Unsupported { version: protocol::VERSION });
        }
        End::Over(why) => speech.over(*why),
        End::Deaf(limit) => speech.page_is_deaf(*limit),
        End::NoHello(limit) => speech.no_hello(*limit),
        End::NotYours(_) => speech.not_your_session(),
        End::ProtocolViolation(misconduct) => speech.misconduct(misconduct),
    };
    Some(ServerMessage::Goodbye { problem })
}

/// The codes of RFC 6455 §7.4.1.
fn close_code(end: &End) -> CloseCode {
    match end {
        End::Goodbye
        | End::Closed
        | End::Socket(_)
        | End::Write(_)
        | End::Over(Over::Left | Over::NothingLeft | Over::Absent(_) | Over::Lifetime(_)) => {
            CloseCode::Normal
        }
        End::Silence(_) | End::TakenOver | End::Over(Over::Shutdown) => CloseCode::Away,
        End::NoHello(_) | End::NotYours(_) => CloseCode::Policy,
        End::ProtocolViolation(ProtocolViolation::Frame(violation)) => violation.close_code(),
        End::Version(_)
        | End::ProtocolViolation(_)
        | End::Deaf(_)
        | End::Over(Over::ProtocolViolation | Over::Deaf) => CloseCode::Protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_message_is_not_quoted() {
        let error = serde_json::from_str::<ClientMessage>(r#"{"type":"hunter2"}"#).unwrap_err();
        assert!(error.to_string().contains("hunter2"), "serde quotes, so its text is not used");
        assert!(!ProtocolViolation::NotAMessage.to_string().contains("hunter2"));
    }

    #[test]
    fn who_listens_at_the_end_of_a_session_is_told_why_and_what_to_do() {
        let limit = Duration::from_secs(1);
        for end in [
            End::Over(Over::Shutdown),
            End::Deaf(limit),
            End::NoHello(limit),
            End::NotYours(NotYours),
            End::ProtocolViolation(ProtocolViolation::HelloAgain),
        ] {
            let Some(ServerMessage::Goodbye { problem }) = last_words(&end, Speech::default())
            else {
                panic!("no goodbye: {end}");
            };
            assert_eq!(problem.stage, protocol::Stage::Portal);
            assert!(!problem.message.is_empty() && problem.remedy.is_some(), "{problem:?}");
        }
        assert_eq!(last_words(&End::Silence(limit), Speech::default()), None);
    }
}
