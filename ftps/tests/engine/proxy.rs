//! Connections through a proxy: both protocols, control and data connections, and all failures.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use ftps::{
    Cause, Credentials, Diagnosis, Error, Password, Proxy, ProxyProtocol, Stage, Username, Who,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

use crate::scripted::{Log, SECRET, Scenario, Server, closed_port, path, port_where_each, upload};

/// The header that an HTTP proxy expects from `porter` with the password of every test.
const BASIC_OF_PORTER: &str = "Proxy-Authorization: Basic cG9ydGVyOnNlc2FtZS00NzEx";

/// A proxy that records the addresses it was asked for.
struct TestProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// A proxy that handles every connection with this function.
    async fn start<F, R>(handle: F) -> Self
    where
        F: Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let address = port_where_each(move |tcp| handle(tcp, Arc::clone(&noted)));
        Self { address, asked }
    }

    /// A proxy that works and asks for no credentials.
    async fn working(protocol: ProxyProtocol) -> Self {
        match protocol {
            ProxyProtocol::Socks5 => {
                Self::start(|tcp, asked| socks(tcp, asked, Access::Open)).await
            }
            ProxyProtocol::HttpConnect => {
                Self::start(|tcp, asked| http(tcp, asked, Access::Open)).await
            }
        }
    }

    /// A proxy that accepts the credentials of `porter` only.
    async fn guarded(protocol: ProxyProtocol) -> Self {
        match protocol {
            ProxyProtocol::Socks5 => {
                Self::start(|tcp, asked| socks(tcp, asked, Access::Guarded)).await
            }
            ProxyProtocol::HttpConnect => {
                Self::start(|tcp, asked| http(tcp, asked, Access::Guarded)).await
            }
        }
    }

    /// A proxy that answers the first bytes with these, and then waits.
    async fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |mut tcp, _| {
            let bytes = bytes.clone();
            async move {
                let _ = tcp.read(&mut [0; 1024]).await;
                let _ = tcp.write_all(&bytes).await;
                let _ = tcp.read_to_end(&mut Vec::new()).await;
            }
        })
        .await
    }

    /// A SOCKS5 proxy that answers the request with a code and then waits.
    async fn replying(code: u8) -> Self {
        Self::start(move |mut tcp, _| async move {
            tcp.read_exact(&mut [0; 3]).await.unwrap();
            tcp.write_all(&[5, 0]).await.unwrap();
            tcp.read_exact(&mut [0; 10]).await.unwrap();
            tcp.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        })
        .await
    }

    fn as_setting(&self, protocol: ProxyProtocol) -> Option<Proxy> {
        Some(Proxy::new(protocol, vec![self.address], None).unwrap())
    }

    fn with_password(&self, protocol: ProxyProtocol, password: &str) -> Option<Proxy> {
        let credentials = Credentials {
            username: Username::new("porter").unwrap(),
            password: Password::new(password).unwrap(),
        };
        Some(Proxy::new(protocol, vec![self.address], Some(credentials)).unwrap())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[derive(Clone, Copy)]
enum Access {
    Open,
    Guarded,
}

async fn socks(mut tcp: TcpStream, asked: Arc<Mutex<Vec<String>>>, access: Access) {
    let mut start = [0; 2];
    tcp.read_exact(&mut start).await.unwrap();
    let mut methods = vec![0; usize::from(start[1])];
    tcp.read_exact(&mut methods).await.unwrap();
    if let Access::Guarded = access {
        if !methods.contains(&2) {
            tcp.write_all(&[5, 0xff]).await.unwrap();
            return;
        }
        tcp.write_all(&[5, 2]).await.unwrap();
        let mut said = vec![0; 2 + "porter".len() + 1 + SECRET.len()];
        let expected = [&[1, 6][..], b"porter", &[11], SECRET.as_bytes()].concat();
        let is_long_enough = tcp.read_exact(&mut said).await.is_ok();
        let status = u8::from(!is_long_enough || said != expected);
        tcp.write_all(&[1, status]).await.unwrap();
        if status != 0 {
            return;
        }
    } else {
        tcp.write_all(&[5, 0]).await.unwrap();
    }
    let mut request = [0; 10];
    tcp.read_exact(&mut request).await.unwrap();
    let [5, 1, 0, 1, a, b, c, d, high, low] = request else {
        panic!("no request for an IPv4 address: {request:?}");
    };
    let target = SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])));
    asked.lock().unwrap().push(target.to_string());
    let Ok(mut server) = TcpStream::connect(target).await else {
        tcp.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        return;
    };
    // The proxy's own address may be a name of any length.
    let name = [b'x'; 255];
    let reply = [&[5, 0, 0, 3, 255][..], &name, &[0, 21]].concat();
    tcp.write_all(&reply).await.unwrap();
    let _ = copy_bidirectional(&mut tcp, &mut server).await;
}

async fn http(mut tcp: TcpStream, asked: Arc<Mutex<Vec<String>>>, access: Access) {
    let head = read_head(&mut tcp).await;
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap();
    asked.lock().unwrap().push(target.to_owned());
    assert!(head.contains(&format!("\r\nHost: {target}\r\n")), "{head}");
    if matches!(access, Access::Guarded) && !head.contains(BASIC_OF_PORTER) {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        tcp.write_all(answer.as_bytes()).await.unwrap();
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        tcp.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await.unwrap();
        return;
    };
    // The server's first bytes come in one segment with the end of the head.
    let mut first = vec![0; GREETING.len()];
    let wait = Duration::from_millis(50);
    if tokio::time::timeout(wait, server.read_exact(&mut first)).await.is_err() {
        first.clear();
    }
    tcp.write_all(b"HTTP/1.1 200 Connection es").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    tcp.write_all(&[&b"tablished\r\nVia: test\r\n\r\n"[..], &first].concat()).await.unwrap();
    let _ = copy_bidirectional(&mut tcp, &mut server).await;
}

/// The greeting of scripted servers.
const GREETING: &str = "220 ready\r\n";

async fn read_head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Returns the error of a session through `proxy` to a server that must not be reached.
async fn refused(proxy: Option<Proxy>) -> (Error, Log) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = Server::at(listener.local_addr().unwrap());
    let error = server
        .refused_with(|config| {
            config.proxy = proxy;
            config.timeouts.connect = Duration::from_millis(500);
        })
        .await;
    assert_eq!(error.stage(), Stage::Connect);
    assert!(listener.accept().is_err(), "nothing bypasses the proxy");
    (error, server.log)
}

async fn cause_of(proxy: Option<Proxy>) -> Cause {
    Cause::of(&refused(proxy).await.0)
}

async fn works_through(protocol: ProxyProtocol) {
    let proxy = TestProxy::working(protocol).await;
    let server = Scenario::session(async |peer| {
        assert_eq!(peer.store("a").await, b"first");
        assert_eq!(peer.store("b").await, b"second");
        peer.expect_quit().await;
    })
    .start();
    let mut client = server.open_with(|config| config.proxy = proxy.as_setting(protocol)).await;
    assert_eq!(client.facts().address, server.address, "it is the server's, not the proxy's");
    assert!(upload(&mut client, "a", b"first").await.unwrap().tls.resumed);
    assert!(upload(&mut client, "b", b"second").await.unwrap().tls.resumed);
    client.quit().await;

    let asked = proxy.asked();
    assert_eq!(asked.len(), 3, "one control and two data connections: {asked:?}");
    assert_eq!(asked[0], server.address.to_string());
    assert!(asked.iter().all(|target| target.starts_with("127.0.0.1:")), "{asked:?}");
    server.log.must_have(&format!("through the {protocol}"));
    assert!(!server.log.has(&proxy.address.to_string()), "the address of the proxy is not shown");
}

#[tokio::test]
async fn control_and_data_connections_go_through_a_socks5_proxy() {
    works_through(ProxyProtocol::Socks5).await;
}

#[tokio::test]
async fn control_and_data_connections_go_through_an_http_proxy() {
    works_through(ProxyProtocol::HttpConnect).await;
}

const BOTH: [ProxyProtocol; 2] = [ProxyProtocol::Socks5, ProxyProtocol::HttpConnect];

#[tokio::test]
async fn credentials_open_a_guarded_proxy_and_are_never_shown() {
    for protocol in BOTH {
        let proxy = TestProxy::guarded(protocol).await;
        let server = Scenario::session(async |_| ()).start();
        let mut config = server.config();
        config.proxy = proxy.with_password(protocol, SECRET);
        let connector = server.connector_with(|used| *used = config.clone());
        let client = connector.open().await.unwrap();
        let shown = format!("{config:?} {connector:?} {client:?} {}", server.log.text());
        assert!(!shown.contains(SECRET) && !shown.contains("porter"), "{shown}");
    }
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_named_as_the_cause() {
    for protocol in BOTH {
        let proxy = TestProxy::guarded(protocol).await;
        let wrong = proxy.with_password(protocol, "sesame-0815");
        for setting in [wrong, proxy.as_setting(protocol)] {
            let (error, log) = refused(setting).await;
            let diagnosis = Diagnosis::of(&error);
            assert_eq!(diagnosis.cause, Cause::ProxyCredentials, "{}", error.chain());
            assert_eq!(diagnosis.who, Who::PortalOperator);
            assert!(error.is_permanent());
            let shown = format!("{error:?} {} {}", error.chain(), log.text());
            assert!(!shown.contains("sesame"), "{shown}");
        }
    }
}

#[tokio::test]
async fn errors_name_the_status_of_an_http_proxy() {
    let causes = [
        ("403 Forbidden", Cause::ProxyRefused),
        ("407 Proxy Authentication Required", Cause::ProxyCredentials),
        ("405 Method Not Allowed", Cause::ProxyRefused),
        ("301 Moved", Cause::ProxyRefused),
        ("502 Bad Gateway", Cause::Unreachable),
        ("503 Service Unavailable", Cause::Unreachable),
        ("504 Gateway Timeout", Cause::NoAnswer),
    ];
    for (status, cause) in causes {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nsome");
        let proxy = TestProxy::saying(answer).await;
        let (error, _) = refused(proxy.as_setting(ProxyProtocol::HttpConnect)).await;
        assert_eq!(Cause::of(&error), cause, "{}", error.chain());
        assert!(error.chain().contains(status), "{}", error.chain());
    }
}

#[tokio::test]
async fn errors_name_the_code_of_a_socks5_proxy() {
    let causes = [
        (1, Cause::Unreachable),
        (2, Cause::ProxyRefused),
        (3, Cause::Unreachable),
        (4, Cause::Unreachable),
        (5, Cause::ConnectionRefused),
        (6, Cause::NoAnswer),
        (7, Cause::ProxyRefused),
        (8, Cause::ProxyRefused),
        (99, Cause::NotAProxy),
    ];
    for (code, cause) in causes {
        let proxy = TestProxy::replying(code).await;
        let (error, _) = refused(proxy.as_setting(ProxyProtocol::Socks5)).await;
        assert_eq!(Cause::of(&error), cause, "{code}: {}", error.chain());
        let names_code = error.chain().contains(&format!(": {code}, "));
        assert!(names_code || cause == Cause::NotAProxy, "{}", error.chain());
    }
}

#[tokio::test]
async fn answer_in_another_protocol_is_diagnosed_as_no_proxy() {
    let long = [&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'x'; 64 * 1024]].concat();
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(1000));
    for garbage in [&b"220 ready\r\n"[..], b"\x16\x03\x01\x00\x05", &long, many.as_bytes()] {
        let proxy = TestProxy::saying(garbage).await;
        let (error, _) = refused(proxy.as_setting(ProxyProtocol::HttpConnect)).await;
        assert_eq!(Cause::of(&error), Cause::NotAProxy, "{}", error.chain());
        assert!(error.chain().len() < 300, "only its start is shown: {}", error.chain());
    }
    for garbage in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[4, 0], &[5, 7]] {
        let proxy = TestProxy::saying(garbage).await;
        let (error, _) = refused(proxy.as_setting(ProxyProtocol::Socks5)).await;
        assert_eq!(Cause::of(&error), Cause::NotAProxy, "{}", error.chain());
    }
}

#[tokio::test]
async fn proxy_that_hangs_ends_within_the_deadline() {
    let starts: [(ProxyProtocol, &[u8]); 4] = [
        (ProxyProtocol::Socks5, b""),
        (ProxyProtocol::Socks5, &[5]),
        (ProxyProtocol::HttpConnect, b""),
        (ProxyProtocol::HttpConnect, b"HTTP/1.1 200 OK\r\n"),
    ];
    for (protocol, start) in starts {
        let proxy = TestProxy::saying(start).await;
        let (error, _) = refused(proxy.as_setting(protocol)).await;
        assert!(error.is_timeout(), "{}", error.chain());
        assert_eq!(Cause::of(&error), Cause::ProxySilent);
    }
}

#[tokio::test]
async fn unreachable_proxy_is_told_from_an_unreachable_server() {
    let address = closed_port();
    for protocol in BOTH {
        let nothing = Proxy::new(protocol, vec![address], None).unwrap();
        assert_eq!(cause_of(Some(nothing)).await, Cause::ProxyUnreachable);
        let leaving = TestProxy::start(async |tcp, _| drop(tcp)).await;
        assert_eq!(cause_of(leaving.as_setting(protocol)).await, Cause::ProxyUnreachable);

        let working = TestProxy::working(protocol).await;
        let setting = working.as_setting(protocol);
        let error = Server::at(address).refused_with(|config| config.proxy = setting).await;
        let cause = Cause::of(&error);
        assert!(matches!(cause, Cause::ConnectionRefused | Cause::Unreachable), "{cause:?}");
    }
}

#[tokio::test]
async fn proxy_with_several_addresses_is_found_at_the_one_that_answers() {
    let proxy = TestProxy::working(ProxyProtocol::Socks5).await;
    let server = Scenario::session(async |_| ()).start();
    let addresses = vec![closed_port(), proxy.address];
    let proxy = Proxy::new(ProxyProtocol::Socks5, addresses, None).unwrap();
    server.open_with(|config| config.proxy = Some(proxy)).await;
}

#[tokio::test]
async fn data_port_that_the_proxy_cannot_reach_is_named() {
    for protocol in BOTH {
        let proxy = TestProxy::working(protocol).await;
        let port = closed_port().port();
        let server = Scenario::session(async move |peer| {
            peer.answer("EPSV", &format!("229 Entering (|||{port}|)")).await;
            peer.answer("PASV", "502 unknown").await;
        })
        .start();
        let mut client = server.open_with(|config| config.proxy = proxy.as_setting(protocol)).await;
        let error = client.store(&path("a"), 0).await.unwrap_err();
        assert_eq!(error.stage(), Stage::DataConnection);
        assert_eq!(Cause::of(&error), Cause::DataConnectionBlocked, "{}", error.chain());
        assert_eq!(error.evidence().data_port, Some(port));
    }
}

#[tokio::test]
async fn data_port_that_the_proxy_forbids_is_named() {
    let proxy = TestProxy::start(|mut tcp, asked| async move {
        let is_first = asked.lock().unwrap().is_empty();
        if is_first {
            return http(tcp, asked, Access::Open).await;
        }
        read_head(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
    })
    .await;
    let server = Scenario::session(async |peer| {
        let _listened_at = peer.extended_passive().await;
        peer.answer("PASV", "502 unknown").await;
        peer.expect_end().await;
    })
    .start();
    let mut client = server
        .open_with(|config| config.proxy = proxy.as_setting(ProxyProtocol::HttpConnect))
        .await;
    let error = client.store(&path("a"), 0).await.unwrap_err();
    assert_eq!(Cause::of(&error), Cause::ProxyRefused, "{}", error.chain());
    assert_eq!(error.stage(), Stage::DataConnection);
}
