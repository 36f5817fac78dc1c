//! The portal from its listener to its end.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use store::Opener;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};

use crate::{
    acme::Acme,
    app::App,
    audit::{self, Audit, Entry, Event, Subject},
    control_socket::ControlSocket,
    drops::Drops,
    ftps_connection::part_files,
    http::{self, tls::PageTls},
    outbound::Outbound,
    passed_sockets::PassedSockets,
    portal::{Portal, Profiles},
    reload::{ReadSettings, Reloader},
    sealed_store::SealedStore,
    settings::{Settings, SettingsError, SettingsErrors, file::unusable_file},
    signals::{Requests, Signals},
    supervisor,
};

/// A portal whose port is open.
#[derive(Debug)]
pub struct ListeningPortal {
    listener: TcpListener,
    admin: Option<TcpListener>,
    control: Option<ControlSocket>,
    /// What orders the certificate.
    acme: Option<Arc<Acme>>,
    /// The listener for plain HTTP, which answers the challenges of `acme`.
    plain: Option<TcpListener>,
    tls: Option<PageTls>,
    app: App,
    address: SocketAddr,
    /// Open until the portal has ended, so that no other one takes its file.
    store: Option<SealedStore>,
}

/// Opens the port, or uses the sockets that the supervisor has opened.
///
/// # Errors
/// When the address cannot be listened on, or a file that a setting names cannot be used.
pub async fn listen(
    mut settings: Settings,
    passed: PassedSockets,
) -> anyhow::Result<ListeningPortal> {
    let store = SealedStore::open(&settings, Opener::Portal).await?;
    if let Some(store) = &store {
        store.read_passwords(&mut settings).await?;
    }
    let instance = random_name()?;
    let acme = Acme::load(&settings, store.as_ref(), &instance).await;
    let acme = acme.map_err(SettingsErrors::from)?;
    let Files { outbound, tls } = Files::load(&settings, acme.clone())?;
    let listener = match passed.page {
        Some(listener) => TcpListener::from_std(listener)?,
        None => bind(settings.listen).await?,
    };
    let admin = match (passed.admin, settings.admin_listen) {
        (Some(listener), _) => Some(TcpListener::from_std(listener)?),
        (None, Some(address)) => Some(bind(address).await?),
        (None, None) => None,
    };
    let control = match &settings.control_socket {
        Some(path) => Some(open_control(path).await.map_err(SettingsErrors::from)?),
        None => None,
    };
    let plain = match settings.http_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = listener.local_addr().context("the listener has no address")?;
    let drops = store.clone().map(|store| Arc::new(Drops::new(store, instance.clone(), &settings)));
    let audit = Audit::open(&settings, instance).map_err(SettingsErrors::from)?;
    let app = App::new(Portal::with_drops(settings, address.port(), outbound, audit, drops));
    Ok(ListeningPortal { listener, admin, control, acme, plain, tls, app, address, store })
}

async fn open_control(path: &Path) -> Result<ControlSocket, SettingsError> {
    let opened = ControlSocket::open(path).await;
    opened.map_err(|error| {
        unusable_file("control_socket", path, format!("it cannot be opened: {error}"))
    })
}

/// What is in the files that settings name.
pub(crate) struct Files {
    pub(crate) outbound: Outbound,
    pub(crate) tls: Option<PageTls>,
}

impl Files {
    /// Reads all files. With `acme` the certificate comes from there.
    ///
    /// # Errors
    /// All files that cannot be read or used.
    pub(crate) fn load(
        settings: &Settings,
        acme: Option<Arc<Acme>>,
    ) -> Result<Self, SettingsErrors> {
        let mut errors = SettingsErrors::default();
        let outbound = errors.collect(Outbound::load(settings));
        let tls = errors.collect(PageTls::load(settings, acme));
        match (outbound, tls) {
            (Some(outbound), Some(tls)) => Ok(Self { outbound, tls }),
            _ => Err(errors),
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: another program may have the port")]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

impl ListenError {
    /// Returns whether another attempt may succeed: the port may be free by then.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.source.kind() != io::ErrorKind::PermissionDenied
    }
}

/// How a portal was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The sessions have ended, and their uploads are stored or suspended.
    Drained,
    /// By a second request.
    AtOnce,
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

    /// Serves until the operator asks to stop. Then it takes no new session, waits for the uploads under
    /// way for at most `drain_timeout`, and ends every session. A second request stops it at once.
    ///
    /// `read` reads the settings again when a reload is asked for.
    pub async fn run(self, signals: Signals, read: Arc<ReadSettings>) -> Stopped {
        let Signals { mut stop, mut reopen, mut reload } = signals;
        let reloader = Reloader::new(Arc::clone(&self.app.sessions), self.store.clone(), read);
        let mut again = stop.clone();
        let admin = self.admin.map(|admin| {
            tokio::spawn(http::admin::serve(admin, self.app.clone(), self.store.clone()))
        });
        let plain = self.plain.zip(self.acme.clone()).map(|(listener, acme)| {
            tokio::spawn(http::plain::serve(listener, self.app.clone(), acme))
        });
        let app = self.app.clone();
        let portal = Arc::clone(&self.app.portal);
        let drained = async {
            stop.reached(1).await;
            drain(&app).await;
        };
        let audit = &app.portal.audit;
        let loaded = Entry::new(Event::Configuration, audit::Outcome::Loaded);
        audit.write(&Subject::default(), loaded).await;
        supervisor::ready();
        let stopped = tokio::select! {
            () = audit.retry() => Stopped::AtOnce,
            () = watch_drops(&portal) => Stopped::AtOnce,
            () = reopen_at(&mut reopen, audit) => Stopped::AtOnce,
            () = reload_at(&mut reload, &reloader) => Stopped::AtOnce,
            () = answer_at(self.control.as_ref(), &reloader) => Stopped::AtOnce,
            () = http::listener::serve(self.listener, self.tls, self.app, drained) => Stopped::Drained,
            () = again.reached(2) => Stopped::AtOnce,
        };
        for listener in [admin, plain].into_iter().flatten() {
            listener.abort();
        }
        if let Some(acme) = self.acme {
            acme.stop().await;
        }
        if let Some(store) = self.store {
            store.store().close().await;
        }
        stopped
    }
}

/// Watches over the drops, if there are any; never completes.
async fn watch_drops(portal: &Arc<Portal>) {
    match &portal.drops {
        Some(drops) => {
            tokio::join!(drops.run(), part_files::remove_expired(portal, drops));
        }
        None => std::future::pending().await,
    }
}

/// Opens the audit's file at each request; never completes.
async fn reopen_at(requests: &mut Requests, audit: &Audit) {
    loop {
        requests.next().await;
        audit.reopen().await;
    }
}

/// Reloads the configuration at each request; never completes.
async fn reload_at(requests: &mut Requests, reloader: &Reloader) {
    loop {
        requests.next().await;
        // The reloader logs the outcome.
        let _logged = reloader.reload().await;
    }
}

/// Answers on the control socket, if there is one; never completes.
async fn answer_at(socket: Option<&ControlSocket>, reloader: &Reloader) {
    match socket {
        Some(socket) => socket.serve(reloader).await,
        None => std::future::pending().await,
    }
}

/// Returns a name for this run of the portal.
fn random_name() -> anyhow::Result<String> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Takes no new session, and waits until the sessions have ended: those without an upload under way at
/// once, the others after it.
async fn drain(app: &App) {
    let portal = app.sessions.portal();
    let settings = &portal.settings;
    tracing::info!(
        sessions = app.sessions.count(),
        drain_timeout_seconds = settings.drain_timeout.as_secs(),
        "the portal is being stopped; a second signal stops it at once"
    );
    supervisor::stopping();
    app.portal.readiness.set_draining();
    let delay = async {
        if settings.admin_listen.is_some() {
            sleep(settings.drain_delay).await;
        }
    };
    let (ended, ()) = tokio::join!(timeout(settings.drain_timeout, app.sessions.none()), delay);
    if ended.is_err() {
        tracing::info!(sessions = app.sessions.count(), "uploads that still run are suspended");
    }
}
