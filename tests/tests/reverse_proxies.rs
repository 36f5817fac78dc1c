//! The portal behind nginx and `HAProxy`: clients are told apart, and limits of one client leave the others
//! alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use ferryport_tests::{
    client::{Client, ask_for_session},
    portal,
    portal::{Options, Portal},
    portal_program,
    reverse_proxy::ReverseProxy,
};
use protocol::ServerMessage;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The sessions that one client may create in a minute.
const RATE: usize = 3;

/// Directives of nginx that pass WebSockets on.
const UPGRADED: &str = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                        proxy_set_header Connection \"upgrade\";";

/// Directives of nginx that pass everything to the portal.
fn to(portal: &Portal, path: &str, directives: &str) -> String {
    let address = portal.address();
    format!("location {path} {{ {UPGRADED} {directives} proxy_pass http://{address}; }}")
}

/// Asks for a session with a header. Returns whether there is one.
async fn gets_session(portal: &Portal, proxy: SocketAddr, header: (&'static str, &str)) -> bool {
    let acceptor = portal.acceptor().at(proxy);
    let headers = [("Origin", acceptor.origin().to_owned()), (header.0, header.1.to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    match ask_for_session(&acceptor, &headers).await {
        ServerMessage::Welcome { .. } => true,
        ServerMessage::Goodbye { .. } => false,
        other => panic!("{other:?}"),
    }
}

fn figure(portal: &Portal, sample: &str) -> f64 {
    let text = portal.ask_admin("/metrics").unwrap().body;
    let line = text.lines().find_map(|line| line.strip_prefix(sample));
    line.unwrap_or_else(|| panic!("no {sample} in\n{text}")).trim().parse().unwrap()
}

/// Lets one client create more sessions than it may, and another client one.
async fn check_rate(
    portal: &Portal,
    nginx: &ReverseProxy,
    name: &'static str,
    value: impl Fn(&str) -> String,
) {
    let ask =
        async |client: &str| gets_session(portal, nginx.address(), (name, &value(client))).await;
    for _ in 0..RATE {
        assert!(ask("192.0.2.1").await, "{}", portal.output());
    }
    assert!(!ask("192.0.2.1").await);
    assert!(ask("192.0.2.2").await);
    let asked = figure(portal, "ferryport_requests_total{known_by=\"header\"}");
    assert!(asked == (RATE + 2) as f64, "{asked}");
    assert!(figure(portal, "ferryport_refused_total{limit=\"session_rate\"}") == 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_behind_two_proxies_is_limited_by_x_forwarded_for_while_another_is_served() {
    let portal = portal!(Options::with(&[
        "--trusted-proxies",
        "127.0.0.1",
        "--client-sessions-per-minute",
        "3",
        "--admin-listen",
        "127.0.0.1:0",
    ]));
    let added = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let nginx = ReverseProxy::nginx(&to(&portal, "/", added));
    // What stands before is the client's own.
    check_rate(&portal, &nginx, "X-Forwarded-For", |client| format!("203.0.113.9, {client}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_behind_two_proxies_is_limited_by_forwarded_while_another_is_served() {
    let portal = portal!(Options::with(&[
        "--trusted-proxies",
        "127.0.0.0/8",
        "--forwarded-header",
        "forwarded",
        "--client-sessions-per-minute",
        "3",
        "--admin-listen",
        "127.0.0.1:0",
    ]));
    let added = "proxy_set_header Forwarded \"$http_forwarded, for=$remote_addr;proto=http\";";
    let nginx = ReverseProxy::nginx(&to(&portal, "/", added));
    let forwarded = |client: &str| format!("for=_x;by=\", for=\"{client}:1\"");
    check_rate(&portal, &nginx, "Forwarded", forwarded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_of_an_address_that_is_not_trusted_is_ignored_counted_and_told() {
    let portal = portal!(Options::with(&["--admin-listen", "127.0.0.1:0"]));
    for _ in 0..3 {
        let header = ("X-Forwarded-For", "192.0.2.1");
        assert!(gets_session(&portal, portal.address(), header).await);
    }
    assert!(figure(&portal, "ferryport_requests_total{known_by=\"ignored_header\"}") == 3.0);
    assert!(figure(&portal, "ferryport_requests_total{known_by=\"header\"}") == 0.0);
    let told = portal.output().matches("is not among `trusted_proxies`").count();
    assert_eq!(told, 1, "{}", portal.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxy_that_hides_its_clients_is_told_once() {
    let portal = portal!(Options::with(&[
        "--trusted-proxies",
        "127.0.0.1",
        "--admin-listen",
        "127.0.0.1:0",
    ]));
    let nginx = ReverseProxy::nginx(&to(&portal, "/", ""));
    for _ in 0..2 {
        assert!(gets_session(&portal, nginx.address(), ("Accept", "*/*")).await);
    }
    assert!(figure(&portal, "ferryport_requests_total{known_by=\"missing_header\"}") == 2.0);
    let told = portal.output().matches("a trusted proxy names no client").count();
    assert_eq!(told, 1, "{}", portal.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_with_all_of_its_sessions_is_refused_while_another_is_served() {
    let portal =
        portal!(Options::with(&["--trusted-proxies", "127.0.0.1", "--max-client-sessions", "2",]));
    let first = Client::open_forwarded(&portal, "192.0.2.1").await;
    let _second = Client::open_forwarded(&portal, "192.0.2.1").await;
    let ask = async |client: &str| {
        gets_session(&portal, portal.address(), ("X-Forwarded-For", client)).await
    };
    assert!(!ask("192.0.2.1").await);
    let _other = Client::open_forwarded(&portal, "192.0.2.2").await;
    // All of a /64 is one client.
    let _v6 = Client::open_forwarded(&portal, "2001:db8::1").await;
    let _v6 = Client::open_forwarded(&portal, "2001:db8::2").await;
    assert!(!ask("2001:db8::3").await);
    assert!(ask("2001:db8:0:1::3").await);
    first.leave().await;
    let end = Instant::now() + LIMIT;
    while !ask("192.0.2.1").await {
        assert!(Instant::now() < end, "{}", portal.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Opens a connection of the client at `address` through `HAProxy`, and sends a request. The connection
/// stays open if there is an answer.
fn announced(haproxy: &ReverseProxy, address: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(haproxy.address())?;
    stream.set_read_timeout(Some(LIMIT))?;
    // HAProxy wants the whole header in its first read.
    let header = format!("PROXY TCP4 {address} 127.0.0.1 4711 80\r\n");
    let request = format!("{header}GET /healthz HTTP/1.1\r\nHost: portal\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 15];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    Ok(stream)
}

#[test]
fn client_that_haproxy_announces_has_its_connections_while_another_is_served() {
    let portal = portal!(Options::with(&[
        "--trusted-proxies",
        "127.0.0.1",
        "--proxy-protocol",
        "true",
        "--max-client-connections",
        "2",
    ]));
    let haproxy = ReverseProxy::haproxy(portal.address());
    let open: Vec<_> = (0..2).map(|_| announced(&haproxy, "192.0.2.1").unwrap()).collect();
    assert!(announced(&haproxy, "192.0.2.1").is_err());
    assert!(announced(&haproxy, "192.0.2.2").is_ok());
    drop(open);
    let end = Instant::now() + LIMIT;
    while announced(&haproxy, "192.0.2.1").is_err() {
        assert!(Instant::now() < end, "its connections are closed");
    }
}

#[test]
fn trusted_proxy_without_a_header_of_the_proxy_protocol_is_refused_in_time() {
    let portal = portal!(Options::with(&[
        "--trusted-proxies",
        "127.0.0.1",
        "--proxy-protocol",
        "true",
        "--proxy-protocol-timeout",
        "1 s",
    ]));
    let mut plain = TcpStream::connect(portal.address()).unwrap();
    plain.set_read_timeout(Some(LIMIT)).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: portal\r\n\r\n").unwrap();
    // The portal may close the connection with bytes unread, which resets it.
    assert_eq!(plain.read(&mut [0]).unwrap_or(0), 0, "there is no answer");
    let mut silent = TcpStream::connect(portal.address()).unwrap();
    silent.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "it is closed");
    let told = portal.output().matches("sends no header of the PROXY protocol").count();
    assert_eq!(told, 1, "{}", portal.output());
    // The health check says that it is no client's connection.
    let health = Command::new(portal_program!())
        .args(["health", "--trusted-proxies", "127.0.0.1", "--proxy-protocol", "true"])
        .args(["--listen", &portal.address().to_string()])
        .output()
        .unwrap();
    assert!(health.status.success(), "{health:?}");
}

#[test]
fn page_below_a_path_is_served_whether_the_proxy_removes_the_path_or_not() {
    let portal = portal!(Options::with(&[
        "--public-url",
        "https://example.com/upload",
        "--hello-timeout",
        "1 s",
    ]));
    let address = portal.address();
    let kept = ReverseProxy::nginx(&to(&portal, "/upload/", ""));
    let removed = ReverseProxy::nginx(&format!(
        "location /upload/ {{ {UPGRADED} proxy_pass http://{address}/; }}"
    ));
    let caddy = |directive: &str| {
        let others = "handle {\nrespond 404\n}";
        let path = format!("{directive} /upload/* {{\nreverse_proxy {address}\n}}");
        ReverseProxy::caddy(&format!("{path}\n{others}"))
    };
    let (caddy_kept, caddy_removed) = (caddy("handle"), caddy("handle_path"));
    for proxy in [&kept, &removed, &caddy_kept, &caddy_removed] {
        let ask = |method: &str, path: &str, headers: &[&str]| {
            portal.ask_through(proxy.address(), method, path, headers).unwrap()
        };
        let page = ask("GET", "/upload/?lang=de", &[]);
        assert_eq!(page.status, 200);
        assert!(page.header("set-cookie").unwrap().ends_with("; Path=/upload"), "{page:?}");
        let asset = page.body.split('"').find(|text| text.starts_with("assets/")).unwrap();
        assert_eq!(ask("GET", &format!("/upload/{asset}"), &[]).status, 200, "{asset}");
        let other_origin = "the page was opened at";
        let ours = socket_without_hello(proxy.address(), "https://example.com");
        assert!(ours.contains("goodbye") && !ours.contains(other_origin), "{ours}");
        let other = socket_without_hello(proxy.address(), "https://evil.example");
        assert!(other.contains("goodbye") && other.contains(other_origin), "{other}");
        assert_eq!(ask("GET", "/other/", &[]).status, 404);
    }
}

/// Opens a WebSocket, sends nothing, and returns all that arrives.
fn socket_without_hello(address: SocketAddr, origin: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let request = format!(
        "GET /upload/session/socket HTTP/1.1\r\nHost: portal\r\nOrigin: {origin}\r\n\
         Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    answer
}
