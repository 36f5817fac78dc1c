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
    client::Client,
    portal,
    portal::{Options, Portal},
    portal_program,
    reverse_proxy::ReverseProxy,
};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The sessions that one client may create in a minute.
const RATE: usize = 3;

/// Directives of nginx that pass everything to the portal.
fn to(portal: &Portal, path: &str, directives: &str) -> String {
    let address = portal.address();
    format!("location {path} {{ {directives} proxy_pass http://{address}; }}")
}

/// Asks for a session with a header, and returns the status.
fn ask_for_session(portal: &Portal, proxy: SocketAddr, header: &str) -> u16 {
    let origin = format!("Origin: {}", portal.origin());
    portal.ask_through(proxy, "POST", "/session", &[&origin, header]).unwrap().status
}

fn figure(portal: &Portal, sample: &str) -> f64 {
    let text = portal.ask_admin("/metrics").unwrap().body;
    let line = text.lines().find_map(|line| line.strip_prefix(sample));
    line.unwrap_or_else(|| panic!("no {sample} in\n{text}")).trim().parse().unwrap()
}

/// Lets one client create more sessions than it may, and another client one.
fn check_rate(portal: &Portal, nginx: &ReverseProxy, header: impl Fn(&str) -> String) {
    let ask = |client: &str| ask_for_session(portal, nginx.address(), &header(client));
    for _ in 0..RATE {
        assert_eq!(ask("192.0.2.1"), 201, "{}", portal.output());
    }
    assert_eq!(ask("192.0.2.1"), 503);
    assert_eq!(ask("192.0.2.2"), 201);
    let asked = figure(portal, "ferryport_requests_total{known_by=\"header\"}");
    assert!(asked == (RATE + 2) as f64, "{asked}");
    assert!(figure(portal, "ferryport_refused_total{limit=\"session_rate\"}") == 1.0);
}

#[test]
fn client_behind_two_proxies_is_limited_by_x_forwarded_for_while_another_is_served() {
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
    check_rate(&portal, &nginx, |client| format!("X-Forwarded-For: 203.0.113.9, {client}"));
}

#[test]
fn client_behind_two_proxies_is_limited_by_forwarded_while_another_is_served() {
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
    check_rate(&portal, &nginx, |client| format!("Forwarded: for=_x;by=\", for=\"{client}:1\""));
}

#[test]
fn header_of_an_address_that_is_not_trusted_is_ignored_counted_and_told() {
    let portal = portal!(Options::with(&["--admin-listen", "127.0.0.1:0"]));
    for _ in 0..3 {
        let header = "X-Forwarded-For: 192.0.2.1";
        assert_eq!(ask_for_session(&portal, portal.address(), header), 201);
    }
    assert!(figure(&portal, "ferryport_requests_total{known_by=\"ignored_header\"}") == 3.0);
    assert!(figure(&portal, "ferryport_requests_total{known_by=\"header\"}") == 0.0);
    let told = portal.output().matches("is not among `trusted_proxies`").count();
    assert_eq!(told, 1, "{}", portal.output());
}

#[test]
fn proxy_that_hides_its_clients_is_told_once() {
    let portal = portal!(Options::with(&[
        "--trusted-proxies",
        "127.0.0.1",
        "--admin-listen",
        "127.0.0.1:0",
    ]));
    let nginx = ReverseProxy::nginx(&to(&portal, "/", ""));
    for _ in 0..2 {
        assert_eq!(ask_for_session(&portal, nginx.address(), "Accept: */*"), 201);
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
    let ask = |client: &str| {
        let header = format!("X-Forwarded-For: {client}");
        ask_for_session(&portal, portal.address(), &header)
    };
    assert_eq!(ask("192.0.2.1"), 503);
    let _other = Client::open_forwarded(&portal, "192.0.2.2").await;
    // All of a /64 is one client.
    let _v6 = Client::open_forwarded(&portal, "2001:db8::1").await;
    let _v6 = Client::open_forwarded(&portal, "2001:db8::2").await;
    assert_eq!(ask("2001:db8::3"), 503);
    assert_eq!(ask("2001:db8:0:1::3"), 201);
    first.leave().await;
    let end = Instant::now() + LIMIT;
    while ask("192.0.2.1") != 201 {
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
    let upgraded = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                    proxy_set_header Connection \"upgrade\";";
    let kept = ReverseProxy::nginx(&to(&portal, "/upload/", upgraded));
    let removed = ReverseProxy::nginx(&format!(
        "location /upload/ {{ {upgraded} proxy_pass http://{address}/; }}"
    ));
    for nginx in [&kept, &removed] {
        let ask = |method: &str, path: &str, headers: &[&str]| {
            portal.ask_through(nginx.address(), method, path, headers).unwrap()
        };
        let page = ask("GET", "/upload/?lang=de", &[]);
        assert_eq!(page.status, 200);
        assert!(page.header("set-cookie").unwrap().ends_with("; Path=/upload"), "{page:?}");
        let asset = page.body.split('"').find(|text| text.starts_with("assets/")).unwrap();
        assert_eq!(ask("GET", &format!("/upload/{asset}"), &[]).status, 200, "{asset}");
        let ours = "Origin: https://example.com";
        assert_eq!(ask("POST", "/upload/session", &[ours]).status, 201);
        let other = "Origin: https://evil.example";
        assert_eq!(ask("POST", "/upload/session", &[other]).status, 403);
        let socket = [
            ours,
            "Upgrade: websocket",
            "Connection: upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        assert_eq!(upgrade(nginx.address(), "/upload/session/socket", &socket), 101);
        assert_eq!(ask("GET", "/other/", &[]).status, 404);
    }
}

/// Asks for a WebSocket, and returns the status.
fn upgrade(address: SocketAddr, path: &str, headers: &[&str]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let headers = headers.join("\r\n");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: portal\r\n{headers}\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}
