//! The accept loop: a bound on connections, timeouts for the handshake, the request's headers and a
//! browser that reads nothing, an orderly shutdown.

use std::{pin::Pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{
    client_places::{ClientPlace, ClientPlaces},
    https_only,
    request_id::{self, RequestId},
    router, sub_path,
    tls::{Accepted, PageTls},
};
use crate::{
    app::App,
    client::{Client, Peer, announced_peer},
    metrics::labels::{Listener, RefusedBy},
    portal::Portal,
    session::registry::Sessions,
    settings::{PublicUrl, Settings},
};

/// The pause after a failed accept, for example when the process has no file descriptor left.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The most bytes of a request's head, and of the buffer that each connection has for it.
pub(super) const HEAD_BYTES: usize = 16 * 1024;

/// A browser's connection. A write fails when the browser takes no byte for `page_write_timeout`;
/// each byte restarts the timeout.
pub(super) type Connection = Pin<Box<TimeoutWriter<TcpStream>>>;

/// Serves until `stop` completes, then ends every session and waits for its end.
pub async fn serve(
    listener: TcpListener,
    tls: Option<PageTls>,
    app: App,
    stop: impl Future<Output = ()>,
) {
    let connections = TaskTracker::new();
    let sessions = Arc::clone(&app.sessions);
    let readiness = Arc::clone(&app.portal.readiness);
    let acceptor = Arc::new(Acceptor::new(tls, app));
    readiness.set_listening();
    let renewal = Arc::clone(&acceptor);
    // A task of its own: it reads and writes files.
    let _until_stopped =
        AbortOnDropHandle::new(tokio::spawn(async move { renewal.renew_certificate().await }));
    tokio::select! {
        () = stop => {}
        () = accept(listener, &acceptor, &connections) => {}
    }
    let limit = sessions.portal().settings.shutdown_timeout;
    sessions.shut_down();
    connections.close();
    let all_ended = async {
        connections.wait().await;
        sessions.all_ended().await;
    };
    if timeout(limit, all_ended).await.is_err() {
        tracing::warn!("some sessions did not end in time");
    }
}

async fn accept(listener: TcpListener, acceptor: &Arc<Acceptor>, connections: &TaskTracker) {
    let slots = Slots::new(&acceptor.portal().settings);
    // The semaphores are never closed.
    while let Ok(slot) = slots.acquire().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let peer = Peer::at(peer.ip());
        // The connections of a proxy are those of all of its clients.
        let counted = if acceptor.is_proxy(peer) { Client::default() } else { peer.client };
        let may_stay = match &slot {
            Slot::Open(_) => true,
            Slot::Reserved(_) => !counted.is_counted() || acceptor.sessions.has_session_of(counted),
        };
        let metrics = Arc::clone(&acceptor.portal().metrics);
        if !may_stay {
            metrics.count_refused(RefusedBy::ReservedConnections);
            continue;
        }
        let Some(place) = acceptor.places.take(counted) else {
            metrics.count_refused(RefusedBy::ClientConnections);
            continue;
        };
        let open = metrics.connection_opened(Listener::Page);
        let acceptor = Arc::clone(acceptor);
        connections.spawn(async move {
            acceptor.handle(stream, peer).await;
            drop((slot, place, open));
        });
    }
}

/// What is served with the settings that were read last.
struct Served {
    portal: Arc<Portal>,
    /// The portal's routes.
    service: TowerToHyperService<Router>,
}

impl Served {
    fn new(portal: Arc<Portal>, sessions: &Arc<Sessions>) -> Self {
        let app = App { portal: Arc::clone(&portal), sessions: Arc::clone(sessions) };
        Self { portal, service: TowerToHyperService::new(router(app)) }
    }
}

/// What a connection is answered with.
#[derive(Clone, Copy)]
enum Routes {
    Portal,
    /// A hint, because the connection is plain HTTP on an HTTPS port.
    HttpsOnly,
}

/// Runs each connection that was accepted.
struct Acceptor {
    tls: Option<PageTls>,
    sessions: Arc<Sessions>,
    places: ClientPlaces,
    /// What was served last.
    served: ArcSwap<Served>,
    /// The answer to plain HTTP on an HTTPS port.
    https_only: TowerToHyperService<Router>,
}

impl Acceptor {
    fn new(tls: Option<PageTls>, app: App) -> Self {
        let places = ClientPlaces::new(app.portal.settings.max_client_connections);
        let served = ArcSwap::from_pointee(Served::new(app.portal, &app.sessions));
        let https_only = TowerToHyperService::new(https_only());
        Self { tls, sessions: app.sessions, places, served, https_only }
    }

    /// Returns what is served now.
    fn served(&self) -> Arc<Served> {
        let served = self.served.load_full();
        let portal = self.sessions.portal();
        if Arc::ptr_eq(&served.portal, &portal) {
            return served;
        }
        let served = Arc::new(Served::new(portal, &self.sessions));
        self.served.store(Arc::clone(&served));
        served
    }

    fn portal(&self) -> Arc<Portal> {
        self.sessions.portal()
    }

    /// Keeps the certificate up to date; never completes.
    async fn renew_certificate(&self) {
        match &self.tls {
            Some(tls) => {
                let portal = self.portal();
                tls.renew(portal.settings.tls_file_interval, &portal.metrics).await;
            }
            None => std::future::pending().await,
        }
    }

    fn is_proxy(&self, peer: Peer) -> bool {
        peer.address.is_some_and(|address| self.portal().proxies.trust(address))
    }

    async fn handle(&self, mut stream: TcpStream, peer: Peer) {
        // A small message is not delayed; a chunk fills its packets anyway.
        let _best_effort = stream.set_nodelay(true);
        let Some((peer, _place)) = self.client_of(&mut stream, peer).await else { return };
        let stream = self.with_write_timeout(stream);
        let Some(tls) = &self.tls else {
            return self.serve_http(stream, Routes::Portal, peer).await;
        };
        let limit = self.portal().settings.page_tls_timeout;
        let accepted = tokio::select! {
            accepted = tls.accept(stream, limit) => accepted,
            () = self.sessions.shutting_down() => return,
        };
        match accepted {
            Ok(Accepted::Tls(stream)) => self.serve_http(stream, Routes::Portal, peer).await,
            Ok(Accepted::Plain(stream)) => self.serve_http(stream, Routes::HttpsOnly, peer).await,
            Ok(Accepted::Challenge) => tracing::debug!("a certificate authority asked"),
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        }
    }

    /// Returns who is at the other end of a connection, with the place of a client that a proxy
    /// announces. Returns nothing if the connection cannot stay.
    async fn client_of(
        &self,
        stream: &mut TcpStream,
        peer: Peer,
    ) -> Option<(Peer, Option<ClientPlace>)> {
        let portal = self.portal();
        if !portal.settings.proxy_protocol || !self.is_proxy(peer) {
            return Some((peer, None));
        }
        let limit = portal.settings.proxy_protocol_timeout;
        let announced = tokio::select! {
            announced = timeout(limit, announced_peer(stream)) => {
                announced.unwrap_or_else(|late| Err(late.into()))
            }
            () = self.sessions.shutting_down() => return None,
        };
        match announced {
            Ok(Some(client)) => {
                let place = self.places.take(client.client);
                if place.is_none() {
                    portal.metrics.count_refused(RefusedBy::ClientConnections);
                }
                place.map(|place| (client, Some(place)))
            }
            Ok(None) => Some((peer, None)),
            Err(error) => {
                if let Some(suppressed) = portal.log_throttles.no_proxy_header.admit() {
                    let from = peer.address.map(tracing::field::display);
                    tracing::warn!(
                        %error,
                        from,
                        suppressed,
                        "a trusted proxy sends no header of the PROXY protocol, as \
                         `proxy_protocol` expects"
                    );
                }
                None
            }
        }
    }

    fn with_write_timeout(&self, stream: TcpStream) -> Connection {
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.portal().settings.page_write_timeout));
        Box::pin(stream)
    }

    async fn serve_http<S>(&self, stream: S, routes: Routes, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let served = self.served();
            let id = RequestId::of(&served.portal.proxies, peer, request.headers());
            match routes {
                Routes::Portal => {
                    let public_url = served.portal.settings.public_url.as_ref();
                    sub_path::strip(request.uri_mut(), public_url.map_or("", PublicUrl::path));
                    request_id::answered(id, request, &served.service)
                }
                Routes::HttpsOnly => request_id::answered(id, request, &self.https_only),
            }
        });
        let limit = self.portal().settings.header_timeout;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limit)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.sessions.shutting_down() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// The places of connections.
#[derive(Debug)]
struct Slots {
    open: Arc<Semaphore>,
    /// For clients that have a session.
    reserved: Arc<Semaphore>,
}

/// The place of one connection, until this is dropped.
#[derive(Debug)]
enum Slot {
    Open(#[expect(dead_code, reason = "dropped with the connection")] OwnedSemaphorePermit),
    Reserved(#[expect(dead_code, reason = "dropped with the connection")] OwnedSemaphorePermit),
}

impl Slots {
    fn new(settings: &Settings) -> Self {
        let reserved = settings.reserved_connections.min(settings.max_connections / 2);
        let semaphore = |places: u32| Arc::new(Semaphore::new(places as usize));
        Self { open: semaphore(settings.max_connections - reserved), reserved: semaphore(reserved) }
    }

    /// Waits for a place; a reserved one is the last choice.
    async fn acquire(&self) -> Result<Slot, AcquireError> {
        tokio::select! {
            biased;
            slot = Arc::clone(&self.open).acquire_owned() => slot.map(Slot::Open),
            slot = Arc::clone(&self.reserved).acquire_owned() => slot.map(Slot::Reserved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn last_connections_are_reserved_for_clients_with_a_session() {
        let mut settings = Settings::defaults().unwrap();
        (settings.max_connections, settings.reserved_connections) = (5, 512);
        let slots = Slots::new(&settings);
        let mut taken = Vec::new();
        for _ in 0..5 {
            taken.push(slots.acquire().await.unwrap());
        }
        let reserved = taken.iter().filter(|slot| matches!(slot, Slot::Reserved(_))).count();
        assert_eq!(reserved, 2, "at most half of them");
        taken.remove(0);
        assert!(matches!(slots.acquire().await.unwrap(), Slot::Open(_)));
    }
}
