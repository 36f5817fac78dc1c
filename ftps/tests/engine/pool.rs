//! Pools of sessions: when sessions open, how many there are, and when they end.

use std::{sync::Arc, time::Duration};

use ftps::{
    Cause, Config, Pool, PooledClient,
    profile::{HostProfile, MaxSessions, SharedProfile},
};
use tokio::{
    sync::{Barrier, oneshot},
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::scripted::{
    Peer, Scenario, Script, Server, connection, read_to_end, session,
    storing_server::StoringServer, uploads::store,
};

/// Within this time nothing may happen.
const A_WHILE: Duration = Duration::from_millis(50);

/// The longest that anything may take; only a test that fails waits for it.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits until the server has noticed that sessions ended.
async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, met).await.unwrap();
}

/// Sets how many sessions a pool opens at first and at most.
fn set_sessions(config: &mut Config, start: u32, max: u32) {
    config.sessions.start = start;
    config.sessions.max = max;
    config.sessions.window = Duration::from_millis(20);
    config.retry.first = Duration::from_millis(5);
    config.retry.max = Duration::from_millis(20);
    config.retry.tries = 50;
}

fn pool(server: &Server, start: u32, max: u32) -> Pool {
    Pool::new(server.connector_with(|config| set_sessions(config, start, max)))
}

/// Uploads files in parallel, each with its number as content.
async fn bring_all(pool: &Pool, files: usize) {
    let mut uploads = JoinSet::new();
    for number in 0..files {
        let pool = pool.clone();
        uploads.spawn(async move {
            let content = number.to_string().into_bytes();
            let mut lease = pool.lease().await;
            store(&mut lease, &format!("f{number}"), &content).await.unwrap();
        });
    }
    let all = async { while uploads.join_next().await.transpose().unwrap().is_some() {} };
    timeout(LIMIT, all).await.expect("every file is stored");
}

fn assert_stored(server: &StoringServer, files: usize) {
    let expected = (0..files).map(|number| (format!("/home/f{number}"), number.to_string().into()));
    assert_eq!(server.files(), expected.collect());
}

#[tokio::test]
async fn session_opens_when_an_upload_needs_it_and_is_used_again() {
    let server = StoringServer::open(9).await;
    let pool = pool(&server, 4, 4);
    drop(pool.lease().await);
    assert_eq!(server.sessions(), 0);
    for round in 1..=3 {
        bring_all(&pool, 1).await;
        assert_eq!(server.sessions(), 1, "round {round}");
        // The next round uses the same name.
        let mut lease = pool.lease().await;
        assert!(lease.is_usable());
        lease.connect().await.unwrap();
        drop(lease);
        if round < 3 {
            server.clear();
        }
    }
    assert_stored(&server, 1);
}

/// Both transfers run at the same time, each in its own session.
#[tokio::test]
async fn two_uploads_go_over_two_sessions_at_once() {
    let both = Arc::new(Barrier::new(2));
    let meets = |both: Arc<Barrier>| {
        session(async move |peer| {
            let command = peer.command().await.unwrap();
            let target = command.strip_prefix("SIZE /home/").unwrap().to_owned();
            peer.say("550 none").await;
            peer.answer_no_directory(&target).await;
            let mut data = peer.stor().await;
            both.wait().await;
            read_to_end(&mut data).await;
            peer.say("226 done").await;
            peer.check_and_rename(&target, 1).await;
        })
    };
    let server = Scenario::of([meets(Arc::clone(&both)), meets(both)]).side_by_side().start();
    let pool = pool(&server, 2, 2);
    bring_all(&pool, 2).await;
}

#[tokio::test]
async fn upload_waits_where_every_session_is_in_use() {
    let server = StoringServer::open(9).await;
    let pool = pool(&server, 2, 2);
    let (first, _second) = (pool.lease().await, pool.lease().await);
    assert!(timeout(A_WHILE, pool.lease()).await.is_err());
    drop(first);
    // A request for a lease that was cancelled holds no session.
    timeout(LIMIT, pool.lease()).await.unwrap();
    bring_all(&pool, 20).await;
    assert!(server.most_sessions() <= 2);
    assert_stored(&server, 20);
}

#[tokio::test]
async fn pool_uses_as_many_sessions_as_the_server_allows() {
    for max in [1, 2] {
        let server = StoringServer::open(max).await;
        let pool = pool(&server, 4, 4);
        bring_all(&pool, 20).await;
        assert!(server.refused() > 0);
        assert_eq!(server.most_sessions(), max);
        assert_stored(&server, 20);
        // The pool lowers its limit step by step.
        assert!(pool.allowed() < 4);
        let known = pool.profile().get().max_sessions.unwrap();
        assert_eq!(known.count, pool.allowed());
    }
}

/// The reply names the session limit neither by its code nor in English.
#[tokio::test]
async fn login_refused_beside_another_session_means_that_the_limit_is_reached() {
    for words in ["530 Zu viele Sitzungen", "530 Login incorrect.", "530-No.\r\n530 Session limit"]
    {
        let refusal = connection(async move |peer| peer.refuse_login(words).await);
        let server = Scenario::of([welcome(), refusal]).side_by_side().start();
        let pool = pool(&server, 2, 2);
        let (mut first, mut second) = (pool.lease().await, pool.lease().await);
        first.connect().await.unwrap();
        let gives_way = async {
            until(|| server.log.has("Waiting for an idle one")).await;
            drop(first);
        };
        let (connected, ()) = timeout(LIMIT, async { tokio::join!(second.connect(), gives_way) })
            .await
            .expect("the session of the first is as good");
        connected.unwrap();
        assert_eq!(sessions_known(&pool), Some(1), "{words}");
    }
}

/// The password may have been changed.
#[tokio::test]
async fn login_refused_without_another_session_keeps_its_cause() {
    let (welcome, end) = welcome_for_now();
    let refusal = connection(async |peer| peer.refuse_login("530 Login incorrect.").await);
    let server = Scenario::of([welcome, refusal]).side_by_side().start();
    let pool = Pool::new(server.connector());
    let mut lease = pool.lease().await;
    lease.connect().await.unwrap();
    end.send(()).unwrap();
    lease.idle().await;
    let error = timeout(LIMIT, lease.connect()).await.unwrap().unwrap_err();
    assert_eq!(Cause::of(&error), Cause::WrongCredentials);
}

/// The one session that the server allows is open and idle.
#[tokio::test]
async fn idle_session_makes_room_for_an_upload_that_was_refused_one() {
    let server = StoringServer::open(1).await;
    let pool = pool(&server, 2, 2);
    let (mut first, mut second) = (pool.lease().await, pool.lease().await);
    first.connect().await.unwrap();
    drop(first);
    timeout(LIMIT, store(&mut second, "f0", b"0")).await.unwrap().unwrap();
    assert_eq!((server.refused(), pool.allowed()), (1, 1));
    assert_stored(&server, 1);
}

const CROWDED: &str = "421 There are too many connections from your internet address.";

/// A session that stays open until the client ends it.
fn welcome() -> Script {
    session(async |_| ())
}

/// The same, until the server ends it.
fn welcome_for_now() -> (Script, oneshot::Sender<()>) {
    let (end, ends) = oneshot::channel();
    let welcome = session(async move |peer| {
        ends.await.unwrap();
        peer.say("421 Timeout.").await;
        peer.disconnect();
    });
    (welcome, end)
}

/// A session that is refused, with a channel that tells of the connection and one that releases the
/// refusal.
fn refusal_in_between() -> (Script, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let ((asked, is_asked), (go, may_go)) = (oneshot::channel(), oneshot::channel());
    let refusal = connection(async move |peer| {
        asked.send(()).unwrap();
        may_go.await.unwrap();
        refuse(peer).await;
    });
    (refusal, is_asked, go)
}

async fn refuse(peer: &mut Peer) {
    peer.say(CROWDED).await;
    peer.disconnect();
}

fn refusal() -> Script {
    connection(refuse)
}

/// A pool of three sessions at most, of which two are open.
async fn two_of_three(server: &Server) -> (Pool, PooledClient, PooledClient) {
    let pool = pool(server, 3, 3);
    let (mut first, mut second) = (pool.lease().await, pool.lease().await);
    first.connect().await.unwrap();
    second.connect().await.unwrap();
    (pool, first, second)
}

fn sessions_known(pool: &Pool) -> Option<u32> {
    let allowed = pool.allowed();
    let known = pool.profile().get().max_sessions.map(|known| known.count);
    known.inspect(|known| assert_eq!(*known, allowed))
}

/// A session is returned between the server's refusal and the client that reads it.
#[tokio::test]
async fn client_that_comes_back_during_a_refusal_is_counted() {
    let (refusal, is_asked, go) = refusal_in_between();
    let server = Scenario::of([welcome(), welcome(), refusal]).side_by_side().start();
    let (pool, _first, second) = two_of_three(&server).await;
    let mut third = pool.lease().await;
    let meanwhile = async {
        is_asked.await.unwrap();
        drop(second);
        go.send(()).unwrap();
    };
    let (connected, ()) = timeout(LIMIT, async { tokio::join!(third.connect(), meanwhile) })
        .await
        .expect("the session of the second is as good");
    connected.unwrap();
    assert_eq!(sessions_known(&pool), Some(2));
}

/// The server counted the session when it refused another.
#[tokio::test]
async fn session_that_ends_during_a_refusal_is_counted() {
    let (refusal, is_asked, go) = refusal_in_between();
    let (second, end) = welcome_for_now();
    let server = Scenario::of([welcome(), second, refusal]).side_by_side().start();
    let (pool, first, mut second) = two_of_three(&server).await;
    let mut third = pool.lease().await;
    let meanwhile = async {
        is_asked.await.unwrap();
        end.send(()).unwrap();
        second.idle().await;
        go.send(()).unwrap();
        drop(first);
    };
    let (connected, ()) = timeout(LIMIT, async { tokio::join!(third.connect(), meanwhile) })
        .await
        .expect("the session of the first is as good");
    connected.unwrap();
    assert_eq!(sessions_known(&pool), Some(2));
}

/// The server allowed as many sessions a moment ago.
#[tokio::test]
async fn server_that_still_counts_a_session_that_ended_is_asked_again() {
    let (second, end) = welcome_for_now();
    let server = Scenario::of([welcome(), second, refusal(), welcome()]).side_by_side().start();
    let (pool, _first, mut second) = two_of_three(&server).await;
    end.send(()).unwrap();
    second.idle().await;
    let mut third = pool.lease().await;
    timeout(LIMIT, third.connect()).await.unwrap().unwrap();
    assert_eq!((sessions_known(&pool), pool.allowed()), (None, 3));
    assert!(!server.log.has("The server accepts"), "{}", server.log.text());
}

/// Other clients have taken sessions meanwhile.
#[tokio::test]
async fn lower_session_limit_is_believed_at_the_second_refusal() {
    let (second, end) = welcome_for_now();
    let server = Scenario::of([welcome(), second, refusal(), refusal()]).side_by_side().start();
    let (pool, first, mut second) = two_of_three(&server).await;
    end.send(()).unwrap();
    second.idle().await;
    let mut third = pool.lease().await;
    let meanwhile = async {
        until(|| server.log.has("Waiting for an idle one")).await;
        drop(first);
    };
    let (connected, ()) = timeout(LIMIT, async { tokio::join!(third.connect(), meanwhile) })
        .await
        .expect("the session of the first is as good");
    connected.unwrap();
    assert_eq!(sessions_known(&pool), Some(1));
    server.log.must_have("accepts one session at a time");
}

/// Other clients have all sessions of the server: that says nothing about this pool's limit.
#[tokio::test]
async fn refusal_of_the_only_session_changes_no_limit_and_is_logged_once() {
    let server = Scenario::of([refusal(), welcome()]).side_by_side().start();
    let pool = pool(&server, 2, 2);
    // A lease without a session is not worth waiting for.
    let _idle = pool.lease().await;
    let error = pool.lease_for_request().await.connect().await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::TooManyConnections);
    assert_eq!((sessions_known(&pool), pool.allowed()), (None, 2));
    assert!(!server.log.has("The server accepts"), "{}", server.log.text());
    assert_eq!(server.log.count("Error: "), 1, "{}", server.log.text());
    pool.lease_for_request().await.connect().await.unwrap();
}

#[tokio::test]
async fn known_session_limit_of_a_host_is_not_exceeded() {
    let server = StoringServer::open(1).await;
    let known = MaxSessions { count: 1, at: Instant::now() };
    let profile = HostProfile { max_sessions: Some(known), ..HostProfile::default() };
    let connector = server.connector_with(|config| set_sessions(config, 4, 4));
    let pool = Pool::new(connector.with_profile(SharedProfile::new(profile)));
    bring_all(&pool, 8).await;
    assert_eq!((server.refused(), pool.allowed()), (0, 1));
    assert_stored(&server, 8);
}

#[tokio::test]
async fn remote_request_goes_beside_the_uploads() {
    let server = StoringServer::open(9).await;
    let pool = pool(&server, 1, 1);
    let _upload = pool.lease().await;
    let request = timeout(LIMIT, pool.lease_for_request()).await.unwrap();
    assert!(timeout(A_WHILE, pool.lease_for_request()).await.is_err(), "there is one for requests");
    assert!(timeout(A_WHILE, pool.lease()).await.is_err(), "uploads get none of it");
    drop(request);
    timeout(LIMIT, pool.lease_for_request()).await.unwrap();
}

/// Where the server refused a session, a remote request waits for an existing one.
#[tokio::test]
async fn remote_request_waits_where_the_server_allows_no_more_sessions() {
    let server = StoringServer::open(1).await;
    let pool = pool(&server, 2, 2);
    bring_all(&pool, 6).await;
    let upload = pool.lease().await;
    assert!(timeout(A_WHILE, pool.lease_for_request()).await.is_err());
    drop(upload);
    let mut request = timeout(LIMIT, pool.lease_for_request()).await.unwrap();
    request.connect().await.unwrap();
    assert_eq!(server.most_sessions(), 1);
}

#[tokio::test]
async fn closed_pool_logs_out_and_keeps_no_session_that_comes_back() {
    let server = StoringServer::open(9).await;
    let pool = pool(&server, 2, 2);
    let (mut first, mut second) = (pool.lease().await, pool.lease().await);
    first.connect().await.unwrap();
    second.connect().await.unwrap();
    drop(first);
    assert_eq!(server.open_sessions(), 2);
    pool.close().await;
    until(|| server.open_sessions() == 1).await;
    drop(second);
    until(|| server.open_sessions() == 0).await;
}

/// One session at first, three at most, and many uploads.
#[tokio::test]
async fn pool_grows_to_its_limit_at_most() {
    let server = StoringServer::open(9).await;
    let pool = pool(&server, 1, 3);
    bring_all(&pool, 120).await;
    assert!((1..=3).contains(&server.most_sessions()));
    assert!((1..=3).contains(&pool.allowed()));
    assert_stored(&server, 120);
}

/// Each line of the transcript names its session, also when several are busy at once.
#[tokio::test]
async fn every_session_has_a_number_of_its_own() {
    let server = StoringServer::open(9).await;
    let connector = server.connector_with(|config| {
        set_sessions(config, 2, 2);
        // Every session is too old as soon as it is used again.
        config.rotation.age = Duration::ZERO;
    });
    let (pool, log) = (Pool::new(connector), &server.log);
    let (mut first, mut second) = (pool.lease().await, pool.lease().await);
    for _ in 0..2 {
        let (one, other) = tokio::join!(first.connect(), second.connect());
        one.and(other).unwrap();
    }
    for once in ["Connecting to", "220 ready", "AUTH TLS", "PASS ", "230 in", "Logged in"] {
        let mut sessions = log.sessions_with(once);
        sessions.sort_unstable();
        assert_eq!(sessions, [1, 2, 3, 4].map(Some), "{once}\n{}", log.text());
    }
    assert_eq!(log.sessions_with("Replacing this session").len(), 2);
    assert!(!log.has("session: None"), "{}", log.text());
}
