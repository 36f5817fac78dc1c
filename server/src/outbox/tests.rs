use std::{pin::Pin, time::Duration};

use futures_util::FutureExt as _;
use protocol::{
    Attempt,
    server::{LogKind, Tls},
};
use tokio::{
    io::{AsyncReadExt as _, DuplexStream},
    time::sleep,
};
use tokio_io_timeout::TimeoutWriter;
use tokio_tungstenite::tungstenite;

use super::{write::MAX_LINES_PER_MESSAGE, *};
use crate::websocket::writer::tests::{read_by_a_client, writer};

const LIMIT: Duration = Duration::from_secs(60);
const PING_INTERVAL: Duration = Duration::from_secs(25);

const LIMITS: OutboxLimits = OutboxLimits {
    space: SpaceLimits { unacked_bytes: 1000, own_share: 1000 },
    log: LogLimits { lines: 10, bytes: 100_000 },
};

fn outbox(limits: OutboxLimits) -> Outbox {
    Outbox::new(limits, Budget::new(1 << 20), Arc::default())
}

fn removed(path: &str) -> ServerMessage {
    ServerMessage::Removed { path: path.to_owned() }
}

/// The messages that a socket gets before the outbox is empty.
async fn written(outbox: &Outbox) -> Vec<String> {
    let mut written = Vec::new();
    let mut socket = writer(&mut written);
    assert!(outbox.write_to(&mut socket, PING_INTERVAL).now_or_never().is_none());
    let messages = read_by_a_client(&written);
    let frames = messages.iter().map(|message| message.to_text().unwrap());
    frames.flat_map(protocol::lines::split).map(str::to_owned).collect()
}

#[tokio::test]
async fn log_lines_go_before_the_message_that_follows_them() {
    let outbox = outbox(LIMITS);
    outbox
        .log(OutgoingLine { connection: Some(1), ..OutgoingLine::plain(LogKind::Command, "FEAT") });
    outbox.send(removed("a")).await;
    let written = written(&outbox).await;
    assert!(written[0].contains("FEAT") && written[0].contains(r#""connection":1"#));
    assert!(written[1].contains("removed"), "{written:?}");
}

#[tokio::test]
async fn long_log_holds_up_neither_credits_nor_messages() {
    let log = LogLimits { lines: 10_000, bytes: 10_000_000 };
    let outbox = outbox(OutboxLimits { log, ..LIMITS });
    for _ in 0..3 * MAX_LINES_PER_MESSAGE {
        outbox.log(OutgoingLine::plain(LogKind::Status, "line"));
    }
    outbox.send(removed("a")).await;
    outbox.send(removed("b")).await;
    let credit = Credit { attempt: Attempt(0), taken: 1, received: 1, limit: 1 };
    outbox.credit(UploadId(1), credit);
    let written = written(&outbox).await;
    let kinds = written.iter().map(|text| text.split('"').nth(3).unwrap());
    let expected = ["credit", "log", "removed", "log", "removed", "log"];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn unacknowledged_messages_are_written_again_on_the_next_socket() {
    let outbox = outbox(LIMITS);
    for path in ["a", "b", "c"] {
        outbox.send(removed(path)).await;
    }
    assert_eq!(written(&outbox).await.len(), 3);
    outbox.ack(1).unwrap();
    outbox.resume_from(0);
    let again = written(&outbox).await;
    assert!(again.len() == 2 && again[0].contains(r#""b""#) && again[1].contains(r#""c""#));
    assert_eq!(outbox.ack(4), Err(AckBeyondSent { acked: 4, sent: 3 }));
}

#[tokio::test]
async fn sender_waits_until_the_page_acknowledges() {
    let outbox = outbox(LIMITS);
    let long = "x".repeat(900);
    outbox.send(removed(&long)).await;
    let mut waiting = Box::pin(outbox.send(removed(&long)));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(outbox.try_send(&removed(&long)), Err(OutboxFull));
    outbox.ack(1).unwrap();
    waiting.await;
    assert_eq!(written(&outbox).await.len(), 1);
}

#[tokio::test]
async fn message_larger_than_the_outbox_takes_all_of_it() {
    let outbox = outbox(LIMITS);
    outbox.send(removed(&"x".repeat(5000))).await;
    outbox.ack(1).unwrap();
    outbox.send(removed(&"x".repeat(900))).await;
}

#[tokio::test]
async fn no_sender_waits_for_a_page_that_has_gone() {
    let outbox = outbox(LIMITS);
    outbox.send(removed(&"x".repeat(1000))).await;
    outbox.close();
    outbox.send(removed("b")).await;
    outbox.try_send(&removed("c")).unwrap();
}

#[tokio::test]
async fn of_credits_the_last_one_counts() {
    let outbox = outbox(LIMITS);
    let credit = |taken| Credit { attempt: Attempt(0), taken, received: taken, limit: 9 };
    outbox.credit(UploadId(1), credit(1));
    outbox.credit(UploadId(1), credit(2));
    let written = written(&outbox).await;
    assert!(written.len() == 1 && written[0].contains(r#""taken":2"#), "{written:?}");
}

#[tokio::test]
async fn earlier_credit_does_not_replace_a_later_one() {
    let outbox = outbox(LIMITS);
    for (attempt, taken, limit) in [(0, 5, 9), (1, 0, 3), (1, 0, 6), (1, 0, 3), (0, 6, 9)] {
        let credit = Credit { attempt: Attempt(attempt), taken, received: taken, limit };
        outbox.credit(UploadId(1), credit);
    }
    let written = written(&outbox).await;
    assert!(written.len() == 1 && written[0].contains(r#""limit":6"#), "{written:?}");
}

#[tokio::test]
async fn data_tls_is_sent_when_it_changes_and_on_each_socket() {
    let outbox = outbox(LIMITS);
    let facts = |resumed| {
        let (version, cipher_suite) = ("TLS 1.3".to_owned(), "TLS_AES_128_GCM_SHA256".to_owned());
        DataTls { tls: Tls { version, cipher_suite, resumed }, connection: Some(1) }
    };
    outbox.data_tls(facts(true));
    outbox.send(removed("a")).await;
    let first = written(&outbox).await;
    assert!(first[0].contains("removed") && first[1].contains("data_tls"), "{first:?}");
    // Another session of the pool, and the same TLS.
    outbox.data_tls(DataTls { connection: Some(2), ..facts(true) });
    assert_eq!(written(&outbox).await.len(), 0);
    outbox.data_tls(facts(false));
    assert!(written(&outbox).await[0].contains(r#""resumed":false"#));
    outbox.ack(1).unwrap();
    outbox.resume_from(0);
    assert!(written(&outbox).await[0].contains("data_tls"));
    outbox.forget_data_tls();
    outbox.data_tls(facts(false));
    assert_eq!(written(&outbox).await.len(), 1);
}

#[tokio::test]
async fn no_credit_comes_after_the_end_of_its_upload() {
    let outbox = outbox(LIMITS);
    let credit = Credit { attempt: Attempt(0), taken: 1, received: 1, limit: 1 };
    outbox.credit(UploadId(1), credit);
    outbox.credit(UploadId(2), credit);
    outbox.send(ServerMessage::Cancelled { upload: UploadId(1) }).await;
    let written = written(&outbox).await;
    assert!(written.len() == 2 && written[0].contains(r#""upload":2"#), "{written:?}");
}

#[tokio::test]
async fn page_that_starts_over_gets_the_log_and_nothing_else() {
    let outbox = outbox(LIMITS);
    outbox.log(OutgoingLine::plain(LogKind::Status, "before"));
    outbox.send(removed("a")).await;
    assert_eq!(written(&outbox).await.len(), 2);
    outbox.reset();
    assert!(written(&outbox).await[0].contains("before"));
    outbox.send(removed("b")).await;
    outbox.ack(1).unwrap();
    assert_eq!(written(&outbox).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn page_that_acknowledges_nothing_while_a_sender_waits_is_noticed() {
    let limit = Duration::from_secs(60);
    let outbox = outbox(LIMITS);
    let long = "x".repeat(900);
    outbox.send(removed(&long)).await;
    let stalled = tokio::time::timeout(10 * limit, outbox.wait_until_stalled(limit));
    assert!(stalled.await.is_err(), "no sender waits");
    let sender = outbox.clone();
    let waiting = tokio::spawn(async move { sender.send(removed(&long)).await });
    outbox.wait_until_stalled(limit).await;
    outbox.ack(1).unwrap();
    waiting.await.unwrap();
    let stalled = tokio::time::timeout(10 * limit, outbox.wait_until_stalled(limit));
    assert!(stalled.await.is_err(), "it has acknowledged");
}

#[tokio::test(start_paused = true)]
async fn page_that_is_sent_nothing_is_pinged() {
    let outbox = outbox(LIMITS);
    let mut written = Vec::new();
    let mut socket = writer(&mut written);
    let quiet = outbox.write_to(&mut socket, PING_INTERVAL);
    let time_is_up = tokio::time::timeout(2 * PING_INTERVAL + LIMIT / 60, quiet).await;
    assert!(time_is_up.is_err());
    let pings = read_by_a_client(&written);
    assert!(pings.len() == 2 && pings.iter().all(tungstenite::Message::is_ping), "{pings:?}");
}

#[test]
fn welcome_is_the_first_message_whatever_was_sent_before_it() {
    let outbox = outbox(LIMITS);
    outbox.resume_from(0);
    // The FTPS connection does not know that a page has come back.
    outbox.send_lossy(ServerMessage::Pong);
    outbox.welcome(removed("welcome"));
    let first = outbox.state().next_message().unwrap().unwrap();
    assert!(first.contains("welcome"), "{first}");
}

#[tokio::test(start_paused = true)]
async fn page_that_takes_nothing_ends_the_socket() {
    let outbox = outbox(LIMITS);
    outbox.send_lossy(ServerMessage::Pong);
    let (io, _not_read) = tokio::io::duplex(1);
    let mut stuck = writer(with_deadline(io));
    let error = outbox.write_to(&mut stuck, PING_INTERVAL).await.unwrap_err();
    assert!(matches!(error, WriteError::TooSlow));
}

#[tokio::test(start_paused = true)]
async fn large_message_arrives_at_a_page_that_takes_it_slowly() {
    let outbox = outbox(LIMITS);
    outbox.send(removed(&"x".repeat(100))).await;
    let (io, mut page) = tokio::io::duplex(10);
    let mut slow = writer(with_deadline(io));
    let mut taken = Vec::new();
    let takes = async {
        while !taken.ends_with(b"}") {
            sleep(LIMIT / 2).await;
            taken.push(page.read_u8().await.unwrap());
        }
    };
    tokio::select! {
        ended = outbox.write_to(&mut slow, 1000 * LIMIT) => panic!("{ended:?}"),
        () = takes => {}
    }
    assert!(read_by_a_client(&taken)[0].to_text().unwrap().contains("xxx"));
}

fn with_deadline(io: DuplexStream) -> Pin<Box<TimeoutWriter<DuplexStream>>> {
    let mut io = TimeoutWriter::new(io);
    io.set_timeout(Some(LIMIT));
    Box::pin(io)
}

const MIB: usize = 1 << 20;

/// Limits as of the settings' defaults.
const LARGE: OutboxLimits = OutboxLimits {
    space: SpaceLimits { unacked_bytes: 4 * MIB, own_share: 64 * 1024 },
    log: LogLimits { lines: 5000, bytes: MIB },
};

#[tokio::test]
async fn messages_of_all_sessions_share_a_budget_beyond_their_own_share() {
    let budget = Budget::new(8 * MIB as u64);
    let all: Vec<_> = (0..50).map(|_| Outbox::new(LARGE, budget.clone(), Arc::default())).collect();
    let long = removed(&"x".repeat(30_000));
    let mut sent = 0;
    for outbox in &all {
        while outbox.try_send(&long).is_ok() {
            sent += 30_000;
        }
        assert!(outbox.has_unacked(), "each has its own share");
    }
    assert!(sent < 8 * MIB + 50 * 64 * 1024, "{sent}");
    assert!(budget.free_bytes() < 30_000);
    all[0].reset();
    assert!(budget.free_bytes() > 3 * MIB as u64);
    drop(all);
    assert_eq!(budget.free_bytes(), 8 * MIB as u64);
}

#[tokio::test]
async fn long_message_is_shorter_while_other_sessions_use_the_budget() {
    let budget = Budget::new(8 * MIB as u64);
    let of_length = |len: usize| removed(&"x".repeat(len - 100));
    let mut lens = Vec::new();
    let all: Vec<_> = (0..4).map(|_| Outbox::new(LARGE, budget.clone(), Arc::default())).collect();
    for outbox in &all {
        outbox
            .send_built(|max| {
                lens.push(max);
                of_length(max)
            })
            .await;
    }
    assert_eq!(lens, [2 * MIB, 2 * MIB, 32 * 1024, 32 * 1024]);
    all[0].ack(1).unwrap();
    assert_eq!(budget.free_bytes() / MIB as u64, 6);
}

#[tokio::test]
async fn long_message_is_written_from_its_own_memory() {
    let outbox = Outbox::new(LARGE, Budget::new(8 * MIB as u64), Arc::default());
    outbox.send(removed("before")).await;
    outbox.send(removed(&"x".repeat(MIB))).await;
    outbox.send(removed("after")).await;
    let lens: Vec<_> = std::iter::from_fn(|| outbox.next_frame().unwrap()).collect();
    assert_eq!(lens.len(), 3);
    let kept = outbox.state().counted.text_at(1);
    assert_eq!(lens[1].as_str().as_ptr(), kept.as_str().as_ptr());
}

#[tokio::test(start_paused = true)]
async fn session_that_holds_much_of_the_budget_and_acknowledges_nothing_is_stalled() {
    let limit = Duration::from_secs(60);
    let budget = Budget::new(2 * MIB as u64);
    let greedy = Outbox::new(LARGE, budget.clone(), Arc::default());
    while greedy.try_send(&removed(&"x".repeat(100_000))).is_ok() {}
    let quiet = tokio::time::timeout(10 * limit, greedy.wait_until_stalled(limit));
    assert!(quiet.await.is_err(), "nobody waits for its memory");
    let other = Outbox::new(LARGE, budget, Arc::default());
    let sender = other.clone();
    let waiting = tokio::spawn(async move { sender.send(removed(&"x".repeat(100_000))).await });
    greedy.wait_until_stalled(limit).await;
    drop(greedy);
    waiting.await.unwrap();
    assert!(other.has_unacked());
}

#[tokio::test]
async fn answer_has_its_own_space_beside_a_long_message_while_others_use_the_budget() {
    let budget = Budget::new(4 * MIB as u64);
    let outbox = Outbox::new(LARGE, budget.clone(), Arc::default());
    outbox.send_built(|max| removed(&"x".repeat(max - 100))).await;
    let _others = budget.try_reserve(budget.free_bytes()).unwrap();
    outbox.try_send(&removed("answer")).unwrap();
    outbox.ack(2).unwrap();
    for sent in 3..100 {
        outbox.try_send(&removed(&"x".repeat(60_000))).unwrap();
        outbox.ack(sent).unwrap();
    }
}
