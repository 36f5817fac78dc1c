//! One WebSocket of a session: hello, messages in, messages out, timeouts, goodbye.

use std::{io, sync::Arc, time::Duration};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use protocol::{
    CHUNK_HEADER_LEN, ClientMessage, Problem, ServerMessage, ToGuest,
    client::Language,
    server::Limits,
    session::{Join, ResumeState, SessionCredentials},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{
    ActiveSocket, EndReason, ProtocolViolation, Session,
    chunks::ChunkDecoder,
    conversation::{Conversation, ResumePoint, parse},
    guest_goodbye::guest_goodbye,
    problems::{no_hello, page_stalled},
    registry::{DropLink, JoinError, NewSession, Sessions, SocketPlace, TooManySockets},
    socket_end::SocketEnd,
};
use crate::{
    client::Peer,
    problems::ProblemBuilder,
    settings::{ByteCount, Settings},
    texts,
    websocket::{self, Event, MessageLimits, MessagePart, Reader, Writer},
};

/// The timeout of the last message to a page and the close frame.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// The limits of messages before the session is known. A `hello` takes a few hundred bytes.
const HELLO_LIMITS: MessageLimits =
    MessageLimits { text: ByteCount(4 * 1024), binary: ByteCount(0) };

/// The session that a socket has joined.
struct Joined {
    session: Arc<Session>,
    /// What the page needs to come back: for a new session only.
    credentials: Option<SessionCredentials>,
    resume: Option<ResumeState>,
}

/// Runs a socket whose origin was checked, to its end. The session may outlive it. The last message
/// is in the language of the `hello`; before that, in that of `problems`.
pub async fn serve(
    upgraded: Upgraded,
    sessions: Arc<Sessions>,
    peer: Peer,
    place: SocketPlace,
    mut problems: ProblemBuilder,
) {
    let (mut reader, mut writer) = websocket::split(TokioIo::new(upgraded), HELLO_LIMITS);
    let mut reads = Reads::Person;
    let joined = tokio::select! {
        biased;
        () = sessions.shutting_down() => Err(SocketEnd::SessionEnded(EndReason::Shutdown)),
        () = place.displaced() => Err(SocketEnd::Displaced(TooManySockets)),
        joined = hello(&mut reader, &sessions, peer, (&mut problems, &mut reads)) => joined,
    };
    drop(place);
    let end = match joined {
        Ok(joined) => {
            let session = Arc::clone(&joined.session);
            let settings = session.settings();
            reads = if session.is_guests() { Reads::Guest } else { Reads::Person };
            reader.set_limits(message_limits(settings));
            tracing::info!(session = session.name(), "socket begun");
            let socket = session.activate_socket().await;
            let end = converse(&mut reader, &mut writer, settings, joined, socket).await;
            tracing::info!(session = session.name(), reason = %end, "socket ended");
            end
        }
        Err(end) => {
            if let Some(suppressed) = sessions.portal().log_throttles.refused_socket.admit() {
                tracing::info!(reason = %end, suppressed, "socket refused");
            }
            end
        }
    };
    // Closing a connection with unread bytes resets it, and the last message may be lost.
    let goodbye = async {
        if goodbye(&mut writer, &end, problems, reads).await.is_ok() {
            reader.drain().await;
        }
    };
    let _failed_or_too_slow = tokio::time::timeout(GOODBYE_TIMEOUT, goodbye).await;
}

/// Who reads the messages of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    Person,
    Guest,
}

fn message_limits(settings: &Settings) -> MessageLimits {
    let binary = settings.max_chunk.0.saturating_add(CHUNK_HEADER_LEN as u64);
    MessageLimits { text: settings.max_message, binary: ByteCount(binary) }
}

/// Tells a page that it gets no session, and closes its socket. A browser shows a script no answer to
/// a handshake that was refused, so the handshake is accepted first.
pub async fn refuse(upgraded: Upgraded, problem: Problem) {
    let (mut reader, mut writer) = websocket::split(TokioIo::new(upgraded), HELLO_LIMITS);
    let goodbye = async {
        let message = ServerMessage::Goodbye { problem };
        let text = serde_json::to_string(&message).unwrap_or_default();
        if writer.text(text).await.is_ok() && writer.close(CloseCode::Policy).await.is_ok() {
            reader.drain().await;
        }
    };
    let _failed_or_too_slow = tokio::time::timeout(GOODBYE_TIMEOUT, goodbye).await;
}

/// Waits for the page to say which session it joins, before anything else is done.
async fn hello(
    reader: &mut Reader<impl AsyncRead + Unpin>,
    sessions: &Arc<Sessions>,
    peer: Peer,
    (problems, reads): (&mut ProblemBuilder, &mut Reads),
) -> Result<Joined, SocketEnd> {
    let limit = sessions.portal().settings.hello_timeout;
    let first = tokio::time::timeout(limit, reader.next()).await;
    let text = match first.map_err(|_| SocketEnd::NoHello(limit))?? {
        Event::Text(text) => text,
        Event::Binary(_) | Event::Pong => return Err(ProtocolViolation::HelloFirst.into()),
        Event::Close(code) => return Err(closed(code)),
    };
    if let Some(version) = other_version(&text) {
        return Err(SocketEnd::Version(version));
    }
    match parse(&text)? {
        ClientMessage::Hello { join: which, language, .. } => {
            *problems = problems_in(&language);
            if let Join::Drop { .. } = which {
                *reads = Reads::Guest;
            }
            let joined = join(sessions, peer, which).await?;
            joined.session.outbox().set_problems(*problems);
            Ok(joined)
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

/// Returns the version in a `hello` of another version of the protocol, which may have other members.
fn other_version(text: &str) -> Option<u32> {
    #[derive(serde::Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum AnyHello {
        Hello { version: u32 },
    }
    let AnyHello::Hello { version } = serde_json::from_str(text).ok()?;
    (version != protocol::VERSION).then_some(version)
}

async fn join(sessions: &Arc<Sessions>, peer: Peer, which: Join) -> Result<Joined, JoinError> {
    match which {
        Join::Drop { id, secret, password } => {
            let link = DropLink { id, secret, password };
            let NewSession { session, credentials } = sessions.create_guest(peer, link).await?;
            Ok(Joined { session, credentials: Some(credentials), resume: None })
        }
        Join::New => {
            let NewSession { session, credentials } = sessions.create(peer)?;
            Ok(Joined { session, credentials: Some(credentials), resume: None })
        }
        Join::Existing { name, secret, resume } => {
            let session = sessions.join(&name, &secret)?;
            Ok(Joined { session, credentials: None, resume })
        }
    }
}

fn problems_in(language: &Language) -> ProblemBuilder {
    ProblemBuilder::new(texts::Language::of_tag(language.tag()).unwrap_or_default())
}

/// Runs the conversation over one socket. Uploads and requests continue after its end, until the
/// session ends.
async fn converse(
    reader: &mut Reader<impl AsyncRead + Unpin>,
    writer: &mut Writer<impl AsyncWrite + Unpin>,
    settings: &Settings,
    joined: Joined,
    mut socket: ActiveSocket,
) -> SocketEnd {
    let session = Arc::clone(&joined.session);
    let replaced = socket.replaced.clone();
    let mut chunks = ChunkDecoder::default();
    let end = tokio::select! {
        biased;
        reason = session.ended() => SocketEnd::SessionEnded(reason),
        () = replaced.cancelled() => SocketEnd::TakenOver,
        end = exchange(
            reader,
            writer,
            settings,
            joined,
            &mut socket.conversation,
            &mut chunks,
        ) => end,
    };
    if let SocketEnd::SessionEnded(reason) = end
        && leaves_messages(reason)
    {
        if let EndReason::DropEnded(_) = reason {
            socket.conversation.cancel_all();
        }
        let told = write_the_rest(writer, settings, &session, &mut socket.conversation);
        let _too_slow = tokio::time::timeout(settings.shutdown_timeout, told).await;
    }
    if let Some(reason) = ends_session(&end) {
        session.end(reason);
    } else if let Some(part) = reader.take_rest() {
        // The page sends the rest of this chunk on the next socket. If not even the header is
        // complete, the part is dropped.
        let _ends_anyway = deliver(&socket.conversation, &mut chunks, part);
    }
    end
}

/// Welcomes the page, then reads and writes messages side by side until one of the two ends, or the
/// page acknowledges nothing for too long.
async fn exchange(
    reader: &mut Reader<impl AsyncRead + Unpin>,
    writer: &mut Writer<impl AsyncWrite + Unpin>,
    settings: &Settings,
    joined: Joined,
    conversation: &mut Conversation,
    chunks: &mut ChunkDecoder,
) -> SocketEnd {
    let session = Arc::clone(&joined.session);
    if let Err(violation) = welcome(conversation, joined, settings).await {
        return SocketEnd::ProtocolViolation(violation);
    }
    let outbox = session.outbox();
    tokio::select! {
        () = outbox.wait_until_stalled(settings.page_write_timeout) => {
            SocketEnd::Stalled(settings.page_write_timeout)
        }
        end = read(reader, chunks, conversation, settings) => end,
        written = outbox.write_to(writer, settings.ping_interval) => {
            written.map_or_else(SocketEnd::Write, |never| match never {})
        }
    }
}

/// Returns whether the page of a session that ends for this reason reads on, and may lack messages.
fn leaves_messages(reason: EndReason) -> bool {
    match reason {
        EndReason::Moved
        | EndReason::Shutdown
        | EndReason::Lifetime(_)
        | EndReason::DropEnded(_) => true,
        EndReason::Closed
        | EndReason::ProtocolViolation
        | EndReason::Stalled
        | EndReason::NothingToResume
        | EndReason::Absent(_) => false,
    }
}

/// Ends the uploads, and writes the messages that the page lacks, `done` among them. Otherwise the page
/// would offer a stored file again, and would have to ask its user.
async fn write_the_rest(
    writer: &mut Writer<impl AsyncWrite + Unpin>,
    settings: &Settings,
    session: &Session,
    conversation: &mut Conversation,
) {
    let outbox = session.outbox();
    tokio::select! {
        () = conversation.finish() => {}
        _failed = outbox.write_to(writer, settings.ping_interval) => return,
    }
    if let Err(error) = outbox.flush_to(writer).await {
        tracing::debug!(%error, "a page was not told how its session ended");
    }
}

/// Returns the reason when the session ends with its socket; `None` when it outlives the socket.
fn ends_session(end: &SocketEnd) -> Option<EndReason> {
    match end {
        SocketEnd::SessionClosed => Some(EndReason::Closed),
        SocketEnd::ProtocolViolation(_) => Some(EndReason::ProtocolViolation),
        SocketEnd::Stalled(_) => Some(EndReason::Stalled),
        SocketEnd::Closed
        | SocketEnd::Socket(_)
        | SocketEnd::Write(_)
        | SocketEnd::Silence(_)
        | SocketEnd::TakenOver
        | SocketEnd::SessionEnded(_)
        | SocketEnd::NoHello(_)
        | SocketEnd::NotJoined(_)
        | SocketEnd::Displaced(_)
        | SocketEnd::Version(_) => None,
    }
}

/// Queues the welcome. The messages that the page has missed follow it.
async fn welcome(
    conversation: &mut Conversation,
    joined: Joined,
    settings: &Settings,
) -> Result<(), ProtocolViolation> {
    let (connected, next_upload) = match joined.resume {
        Some(resume) => {
            conversation.resume(resume)?;
            (None, conversation.next_upload())
        }
        None => {
            let ResumePoint { connected, next_upload } = conversation.restart().await;
            (connected.map(Box::new), next_upload)
        }
    };
    let outbox = joined.session.outbox();
    let (version, portal) = (protocol::VERSION, env!("CARGO_PKG_VERSION").to_owned());
    let (session, limits, received) =
        (joined.credentials, limits(settings), conversation.received());
    match conversation.drop_facts().await {
        Some(facts) => outbox.welcome_guest(ToGuest::Welcome {
            version,
            portal,
            session,
            limits,
            received,
            next_upload,
            facts,
        }),
        None => outbox.welcome(ServerMessage::Welcome {
            version,
            portal,
            session,
            limits,
            received,
            connected,
            next_upload,
        }),
    }
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
    chunks: &mut ChunkDecoder,
    conversation: &mut Conversation,
    settings: &Settings,
) -> SocketEnd {
    let limit = settings.page_silence_timeout;
    loop {
        let handled = match tokio::time::timeout(limit, reader.next()).await {
            Err(_) => return SocketEnd::Silence(limit),
            Ok(Err(error)) => return error.into(),
            Ok(Ok(Event::Close(code))) => return closed(code),
            Ok(Ok(Event::Pong)) => Ok(()),
            Ok(Ok(Event::Text(text))) => {
                protocol::lines::split(&text).try_for_each(|line| conversation.handle_text(line))
            }
            Ok(Ok(Event::Binary(part))) => deliver(conversation, chunks, part),
        };
        if let Err(violation) = handled {
            return SocketEnd::ProtocolViolation(violation);
        }
    }
}

fn closed(code: Option<CloseCode>) -> SocketEnd {
    if code == Some(CloseCode::Normal) { SocketEnd::SessionClosed } else { SocketEnd::Closed }
}

fn deliver(
    conversation: &Conversation,
    chunks: &mut ChunkDecoder,
    part: MessagePart,
) -> Result<(), ProtocolViolation> {
    conversation.deliver(chunks.decode(part)?)
}

/// Sends the page the reason why the socket ends, if it still reads, and closes the socket.
async fn goodbye(
    writer: &mut Writer<impl AsyncWrite + Unpin>,
    end: &SocketEnd,
    problems: ProblemBuilder,
    reads: Reads,
) -> io::Result<()> {
    if let SocketEnd::Socket(_) | SocketEnd::Write(_) = end {
        return Err(io::ErrorKind::NotConnected.into());
    }
    let message = match reads {
        Reads::Person => last_message(end, problems).map(|last| serde_json::to_string(&last)),
        Reads::Guest => guest_goodbye(end, problems).map(|last| serde_json::to_string(&last)),
    };
    if let Some(message) = message {
        writer.text(message.unwrap_or_default()).await?;
    }
    writer.close(close_code(end)).await
}

fn last_message(end: &SocketEnd, problems: ProblemBuilder) -> Option<ServerMessage> {
    let problem = match end {
        // The session continues, because the page may only be suspended.
        SocketEnd::SessionClosed | SocketEnd::Closed | SocketEnd::Silence(_) => return None,
        // The page can read nothing.
        SocketEnd::Socket(_) | SocketEnd::Write(_) => return None,
        SocketEnd::TakenOver => return Some(ServerMessage::TakenOver),
        SocketEnd::Version(_) => {
            return Some(ServerMessage::Unsupported { version: protocol::VERSION });
        }
        SocketEnd::SessionEnded(reason) => reason.problem(problems),
        SocketEnd::Stalled(limit) => page_stalled(problems, *limit),
        SocketEnd::NoHello(limit) => no_hello(problems, *limit),
        SocketEnd::NotJoined(error) => error.problem(problems),
        SocketEnd::Displaced(full) => full.problem(problems),
        SocketEnd::ProtocolViolation(violation) => violation.problem(problems),
    };
    Some(ServerMessage::Goodbye { problem })
}

/// Returns the code of the close frame (RFC 6455 §7.4.1).
fn close_code(end: &SocketEnd) -> CloseCode {
    match end {
        SocketEnd::SessionClosed
        | SocketEnd::Closed
        | SocketEnd::Socket(_)
        | SocketEnd::Write(_)
        | SocketEnd::SessionEnded(
            EndReason::Closed
            | EndReason::NothingToResume
            | EndReason::Absent(_)
            | EndReason::Lifetime(_)
            | EndReason::DropEnded(_),
        ) => CloseCode::Normal,
        SocketEnd::Silence(_)
        | SocketEnd::TakenOver
        | SocketEnd::SessionEnded(EndReason::Moved | EndReason::Shutdown) => CloseCode::Away,
        SocketEnd::NoHello(_) | SocketEnd::NotJoined(_) | SocketEnd::Displaced(_) => {
            CloseCode::Policy
        }
        SocketEnd::ProtocolViolation(ProtocolViolation::Frame(violation)) => violation.close_code(),
        SocketEnd::Version(_)
        | SocketEnd::ProtocolViolation(_)
        | SocketEnd::Stalled(_)
        | SocketEnd::SessionEnded(EndReason::ProtocolViolation | EndReason::Stalled) => {
            CloseCode::Protocol
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::{super::registry::UnknownSession, *};
    use crate::{
        audit::Audit, outbound::Outbound, portal::Portal,
        websocket::writer::tests::read_by_a_client,
    };

    #[test]
    fn text_of_an_invalid_message_is_not_quoted() {
        let error = serde_json::from_str::<ClientMessage>(r#"{"type":"hunter2"}"#).unwrap_err();
        assert!(error.to_string().contains("hunter2"), "serde quotes, so its text is not used");
        assert!(!ProtocolViolation::NotAMessage.to_string().contains("hunter2"));
    }

    /// Returns the messages that a page gets at the end of a session with one unwritten message.
    async fn last_messages(reason: EndReason) -> Vec<String> {
        let settings = Settings::defaults().unwrap();
        let outbound = Outbound::load(&settings).unwrap();
        let portal = Portal::new(settings, 0, outbound, Audit::default());
        let session = Session::new("s".to_owned(), Peer::default(), &portal, None);
        let stored = ServerMessage::Removed { path: "stored".to_owned() };
        session.outbox().send(stored).await;
        session.end(reason);
        let (io, mut page) = tokio::io::duplex(64 * 1024);
        let (mut reader, mut writer) = websocket::split(io, HELLO_LIMITS);
        let socket = session.activate_socket().await;
        let joined = Joined { session, credentials: None, resume: None };
        let end = converse(&mut reader, &mut writer, &portal.settings, joined, socket).await;
        goodbye(&mut writer, &end, ProblemBuilder::default(), Reads::Person).await.unwrap();
        drop((reader, writer));
        let mut written = Vec::new();
        page.read_to_end(&mut written).await.unwrap();
        let messages = read_by_a_client(&written).into_iter();
        messages
            .filter_map(|message| message.into_text().ok().map(|text| text.to_string()))
            .collect()
    }

    #[tokio::test]
    async fn page_learns_all_outcomes_before_the_portal_ends_its_session() {
        let lifetime = EndReason::Lifetime(Duration::from_secs(1));
        for reason in [EndReason::Moved, EndReason::Shutdown, lifetime] {
            let messages = last_messages(reason).await;
            assert!(messages[0].contains(r#""path":"stored""#), "{reason}: {messages:?}");
            assert!(messages[1].contains(r#""type":"goodbye""#), "{reason}: {messages:?}");
        }
    }

    #[tokio::test]
    async fn page_that_broke_the_protocol_gets_the_goodbye_only() {
        let messages = last_messages(EndReason::ProtocolViolation).await;
        assert!(messages[0].contains(r#""type":"goodbye""#), "{messages:?}");
    }

    #[test]
    fn goodbye_has_a_reason_and_a_remedy() {
        let limit = Duration::from_secs(1);
        for end in [
            SocketEnd::SessionEnded(EndReason::Shutdown),
            SocketEnd::Stalled(limit),
            SocketEnd::NoHello(limit),
            SocketEnd::NotJoined(UnknownSession.into()),
            SocketEnd::Displaced(TooManySockets),
            SocketEnd::ProtocolViolation(ProtocolViolation::HelloAgain),
        ] {
            let Some(ServerMessage::Goodbye { problem }) =
                last_message(&end, ProblemBuilder::default())
            else {
                panic!("no goodbye: {end}");
            };
            assert_eq!(problem.stage, protocol::Stage::Portal);
            assert!(!problem.message.is_empty() && problem.remedy.is_some(), "{problem:?}");
        }
        assert_eq!(last_message(&SocketEnd::Silence(limit), ProblemBuilder::default()), None);
    }
}
