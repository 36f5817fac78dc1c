//! The portal from its listener to its end.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::{
    app::App,
    http::{self, tls::PageTls},
    outbound::Outbound,
    portal::{Portal, Profiles},
    settings::Settings,
};

/// A portal whose port is open.
#[derive(Debug)]
pub struct ListeningPortal {
    listener: TcpListener,
    tls: Option<PageTls>,
    app: App,
    address: SocketAddr,
}

/// Opens the port.
///
/// # Errors
/// When the address cannot be listened on, or a file that a setting names cannot be used.
pub async fn listen(settings: Settings) -> anyhow::Result<ListeningPortal> {
    let outbound = Outbound::load(&settings)?;
    let tls = PageTls::load(&settings)?;
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {}: another program may have the port", settings.listen)
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let app = App::new(Portal::new(settings, address.port(), outbound));
    Ok(ListeningPortal { listener, tls, app, address })
}

impl ListeningPortal {
    /// Returns the address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL to open in a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.app.portal.settings.scheme().name(), self.address)
    }

    /// Returns the profiles of FTPS servers.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.app.portal.profiles
    }

    /// Serves until `stop` completes, then ends every session and waits for its end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        http::listener::serve(self.listener, self.tls, self.app, stop).await;
    }
}

/// Completes when the process is asked to stop: Ctrl-C or SIGTERM.
pub async fn stop_signal() {
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
