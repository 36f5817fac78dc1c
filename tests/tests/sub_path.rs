//! The page below a path prefix that a reverse proxy strips.
#![expect(clippy::unwrap_used, reason = "a test may panic outside of its function")]

use std::net::SocketAddr;

use ferryport_tests::{browser::Page, portal, with_each_browser};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

const PREFIX: &str = "/upload";

with_each_browser! {
    /// The portal cannot see that the slash is missing, because the proxy forwards `/` in both cases.
    async fn page_whose_address_lacks_the_last_slash_adds_it_and_starts(browser: Browser) {
        let portal = portal!();
        let proxy = stripping_proxy(portal.address()).await;
        let url = format!("http://{proxy}{PREFIX}?lang=en#host=ftp.example.org");
        let page = Page::open_in(browser, &url, 1440).await;
        let started = "`${location.pathname}${location.search} ${document.getElementById('host')?.value}`";
        let wanted = format!("{PREFIX}/?lang=en ftp.example.org");
        page.until(&wanted, async || (page.run(started).await == wanted.as_str()).then_some(()))
            .await;
    }
}

/// Starts a proxy that forwards the paths below the prefix without it, and has nothing else.
async fn stripping_proxy(portal: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((browser, _)) = listener.accept().await {
            tokio::spawn(forward(browser, portal));
        }
    });
    address
}

/// Forwards the one request of a connection.
async fn forward(mut browser: TcpStream, portal: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match browser.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let (method, rest) = head.split_once(' ').unwrap();
    let Some(rest) = rest.strip_prefix(PREFIX) else {
        let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _browser_may_have_left = browser.write_all(missing).await;
        return;
    };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    let close = "\r\nConnection: close\r\n";
    let head = format!("{method} {slash}{rest}").replace("\r\nConnection: keep-alive\r\n", close);
    let mut portal = TcpStream::connect(portal).await.unwrap();
    portal.write_all(head.as_bytes()).await.unwrap();
    let _ended = copy_bidirectional(&mut browser, &mut portal).await;
}
