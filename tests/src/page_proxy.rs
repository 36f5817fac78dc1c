//! A proxy between the browser and the portal that limits, cuts and restores connections.
//!
//! It has an address of its own, so that the page's origin stays the same when another portal
//! replaces the first.

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

/// The size of one read, in bytes.
const PIECE_BYTES: usize = 32 * 1024;

/// A relay of TCP connections from the browser to the portal.
pub struct PageProxy {
    address: SocketAddr,
    /// The portal's address; `None` while connections are cut.
    portal: watch::Sender<Option<SocketAddr>>,
    before_the_cut: Mutex<Option<SocketAddr>>,
    accepting: JoinHandle<()>,
}

impl PageProxy {
    /// Starts the proxy, without a portal yet. Each connection of the browser is limited to
    /// `bytes_per_second`.
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

    /// Returns the page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address to open in a browser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/", self.origin())
    }

    /// Returns the address of the support view, in which everything is open.
    #[must_use]
    pub fn support_url(&self) -> String {
        format!("{}/?view=support", self.origin())
    }

    /// Forwards to this portal from now on, and closes connections to another one.
    pub fn lead_to(&self, portal: SocketAddr) {
        self.portal.send_replace(Some(portal));
    }

    /// Closes all connections, and forwards no new one.
    pub fn cut(&self) {
        *self.before() = self.portal.send_replace(None);
    }

    /// Forwards connections again.
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
