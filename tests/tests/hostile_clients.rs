//! Clients that hold connections without asking anything: others are served meanwhile.
//!
//! All connections of a test come from this machine, whose clients are not counted. So they name their
//! clients as a proxy does, by the PROXY protocol v2.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};

use ferryport_tests::{
    portal,
    portal::{Options, Portal},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

const ATTACKER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A portal behind a proxy that names its clients by the PROXY protocol, with further flags.
fn portal_with(further: &[&str]) -> Portal {
    let flags = ["--trusted-proxies", "127.0.0.1", "--proxy-protocol", "true"];
    portal!(Options::with(&[&flags, further].concat()))
}

/// Connects for a client.
fn connect(portal: &Portal, client: Ipv4Addr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(portal.address())?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend(client.octets());
    header.extend([127, 0, 0, 1, 0x12, 0x67, 0, 80]);
    stream.write_all(&header)?;
    Ok(stream)
}

/// Returns the status line of the answer to a client's request.
fn ask(portal: &Portal, client: Ipv4Addr) -> io::Result<String> {
    let mut stream = connect(portal, client)?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[track_caller]
fn assert_served(portal: &Portal, client: Ipv4Addr) {
    assert_eq!(ask(portal, client).unwrap(), "HTTP/1.1 200 OK");
}

#[test]
fn ten_thousand_half_open_connections_of_one_client_keep_no_other_out() {
    const CONNECTIONS: usize = 10_000;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(most > CONNECTIONS as u64 + 1_000, "`ulimit -Hn` has to be greater");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let portal = portal_with(&["--admin-listen", "127.0.0.1:0"]);
    let mut open = Vec::new();
    for n in 0..CONNECTIONS {
        // One that is refused may be reset while its header is sent.
        open.extend(connect(&portal, ATTACKER).ok());
        if n % 2_000 == 1_999 {
            assert_served(&portal, OTHER);
        }
    }
    assert_served(&portal, OTHER);
    let figures = portal.ask_admin("/metrics").unwrap().body;
    let sample = "ferryport_refused_total{limit=\"client_connections\"} ";
    let refused = figures.lines().find_map(|line| line.strip_prefix(sample)).unwrap();
    let refused: f64 = refused.parse().unwrap();
    // `max_client_connections` stay.
    assert!(refused > 8_000.0, "only {refused} were refused");
}

#[test]
fn request_that_comes_byte_by_byte_is_given_up_while_another_client_is_served() {
    let portal = portal_with(&["--header-timeout", "2 s", "--max-client-connections", "4"]);
    let mut slow: Vec<_> = (0..4).map(|_| connect(&portal, ATTACKER).unwrap()).collect();
    assert!(ask(&portal, ATTACKER).unwrap_or_default().is_empty(), "it has all of its places");
    let begun = Instant::now();
    let mut bytes =
        b"GET /healthz HTTP/1.1\r\nX-Slow: ".iter().copied().chain(std::iter::repeat(b'a'));
    while !slow.is_empty() {
        assert!(begun.elapsed() < LIMIT, "{} are still open", slow.len());
        assert_served(&portal, OTHER);
        let byte = [bytes.next().unwrap()];
        slow.retain_mut(|stream| stream.write_all(&byte).is_ok());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_served(&portal, ATTACKER);
}

#[test]
fn socket_of_nothing_but_tiny_frames_is_given_up_while_another_client_is_served() {
    /// A `ping` without content, masked with zeros (RFC 6455 §5.2).
    const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];
    let portal = portal_with(&["--hello-timeout", "2 s"]);
    let origin = portal.origin();
    let mut socket = connect(&portal, ATTACKER).unwrap();
    let request = format!(
        "GET /session/socket HTTP/1.1\r\nHost: portal\r\nOrigin: {origin}\r\n\
         Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 13];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101 ");
    // Pongs are read, so that the portal may write as it likes.
    let mut pongs = socket.try_clone().unwrap();
    let reader = std::thread::spawn(move || io::copy(&mut pongs, &mut io::sink()));
    let begun = Instant::now();
    let frames = PING.repeat(1_000);
    let mut sent = 0;
    while socket.write_all(&frames).is_ok() {
        sent += 1_000;
        assert!(begun.elapsed() < LIMIT, "it is still open after {sent} frames");
        if sent % 20_000 == 0 {
            assert_served(&portal, OTHER);
        }
    }
    assert!(sent > 0);
    let _reset_or_ended = reader.join().unwrap();
    assert_served(&portal, OTHER);
}
