//! The way between the browser and the portal: slow, cut and mended as a test says.
//!
//! It has an address of its own, so that the page's origin stays the same while one portal goes
//! and another comes behind it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Bytes that are passed on at a time.
const PIECE_BYTES: usize = 32 * 1024;

/// A relay of TCP connections from the browser to the portal.
pub struct PageProxy {
    address: SocketAddr,
    /// Where the portal is; nowhere while the way is cut.
    portal: watch::Sender<Option<SocketAddr>>,
    before_the_cut: Mutex<Option<SocketAddr>>,
    accepting: JoinHandle<()>,
}

impl PageProxy {
    /// Opens the way, with no portal at its end yet. What the browser sends goes at
    /// `bytes_per_second`, each connection by itself.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn open(bytes_per_second: u32) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (portal, target) = watch::channel(None);
        let accepting = tokio::spawn(accept(listener, target, bytes_per_second));
        Self { address, portal, before_the_cut: Mutex::default(), accepting }
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address to open in a browser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/", self.origin())
    }

    /// Leads to this portal from now on; connections to another one break.
    pub fn lead_to(&self, portal: SocketAddr) {
        self.portal.send_replace(Some(portal));
    }

    /// Breaks all connections, and lets no new one through.
    pub fn cut(&self) {
        *self.before() = self.portal.send_replace(None);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        let before = *self.before();
        self.portal.send_replace(before);
    }

    fn before(&self) -> std::sync::MutexGuard<'_, Option<SocketAddr>> {
        self.before_the_cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PageProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: watch::Receiver<Option<SocketAddr>>,
    bytes_per_second: u32,
) {
    let target = Arc::new(target);
    loop {
        let Ok((browser, _)) = listener.accept().await else { return };
        let mut target = target.as_ref().clone();
        tokio::spawn(async move {
            let Some(portal) = *target.borrow_and_update() else { return };
            tokio::select! {
                _ended = relay(browser, portal, bytes_per_second) => {}
                _cut = target.changed() => {}
            }
        });
    }
}

async fn relay(browser: TcpStream, portal: SocketAddr, bytes_per_second: u32) -> io::Result<()> {
    let portal = TcpStream::connect(portal).await?;
    let (from_browser, to_browser) = browser.into_split();
    let (from_portal, to_portal) = portal.into_split();
    tokio::try_join!(
        pass_on(from_browser, to_portal, Some(bytes_per_second)),
        pass_on(from_portal, to_browser, None),
    )?;
    Ok(())
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes_per_second: Option<u32>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let len = from.read(&mut piece).await?;
        if len == 0 {
            return to.shutdown().await;
        }
        to.write_all(piece.get(..len).unwrap_or_default()).await?;
        if let Some(rate) = bytes_per_second {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            tokio::time::sleep(Duration::from_secs(1) * len / rate.max(1)).await;
        }
    }
}
