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
    admin: Option<TcpListener>,
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
    let listener = bind(settings.listen).await?;
    let admin = match settings.admin_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = listener.local_addr().context("the listener has no address")?;
    let app = App::new(Portal::new(settings, address.port(), outbound));
    Ok(ListeningPortal { listener, admin, tls, app, address })
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: another program may have the port"))
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

    /// Returns the address of the admin listener.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|admin| admin.local_addr().ok())
    }

    /// Returns the profiles of FTPS servers.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.app.portal.profiles
    }

    /// Serves until `stop` completes, then ends every session and waits for its end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let admin =
            self.admin.map(|admin| tokio::spawn(http::admin::serve(admin, self.app.clone())));
        http::listener::serve(self.listener, self.tls, self.app, stop).await;
        if let Some(admin) = admin {
            admin.abort();
        }
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
