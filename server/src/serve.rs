//! The portal from its listener to its end.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::{
    http::{self, tls::PageTls},
    outbound::Outbound,
    portal::{Portal, Profiles},
    settings::Settings,
};

/// A portal whose port is open.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    tls: Option<PageTls>,
    portal: Arc<Portal>,
    address: SocketAddr,
}

/// Opens the port.
///
/// # Errors
/// When the address cannot be listened on, or a file that a setting names is of no use.
pub async fn listen(settings: Settings) -> anyhow::Result<Listening> {
    let outbound = Outbound::load(&settings)?;
    let tls = PageTls::load(&settings)?;
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {}: another program may have the port", settings.listen)
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let portal = Portal::new(settings, address.port(), outbound);
    Ok(Listening { listener, tls, portal, address })
}

impl Listening {
    /// The address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.portal.settings.scheme().name(), self.address)
    }

    /// What the portal knows of FTPS servers.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.portal.profiles
    }

    /// Serves until `stop` is done, then ends every session and waits for its end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        http::listener::serve(self.listener, self.tls, &self.portal, stop).await;
    }
}

/// Done when the process is asked to end: Ctrl-C or SIGTERM.
pub async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => {
                let _ = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
