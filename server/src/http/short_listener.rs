//! The accept loop of the listeners beside the portal's own: the admin listener and the one for plain HTTP.
//! Their requests are answered at once, so a connection has a longest duration.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use super::{
    client_places::ClientPlaces,
    listener::{ACCEPT_PAUSE, HEAD_BYTES},
};
use crate::{
    client::{Client, Peer},
    metrics::labels::{Listener, RefusedBy},
    session::registry::Sessions,
};

/// A listener with its bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortListener {
    /// Which one it is, for the figures.
    pub(super) which: Listener,
    /// The most connections. Further ones wait.
    pub(super) max_connections: u32,
    /// The most connections of one client; 0 sets no limit. Further ones are closed.
    pub(super) max_client_connections: u32,
    /// The longest duration of a connection.
    pub(super) lifetime: Duration,
}

impl ShortListener {
    /// Serves; never completes.
    pub(super) async fn serve(
        self,
        listener: TcpListener,
        sessions: Arc<Sessions>,
        routes: Router,
    ) {
        let slots = Arc::new(Semaphore::new(self.max_connections as usize));
        let places = ClientPlaces::new(self.max_client_connections);
        let service = TowerToHyperService::new(routes);
        // The semaphore is never closed.
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, listener = ?self.which, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let portal = sessions.portal();
            // The connections of a proxy are those of all of its clients.
            let client = match portal.proxies.trust(peer.ip()) {
                true => Client::default(),
                false => Peer::at(peer.ip()).client,
            };
            let Some(place) = places.take(client) else {
                portal.metrics.count_refused(RefusedBy::ClientConnections);
                continue;
            };
            let open = portal.metrics.connection_opened(self.which);
            let header_timeout = portal.settings.header_timeout.min(self.lifetime);
            let service = service.clone();
            tokio::spawn(async move {
                self.answer(stream, service, header_timeout).await;
                drop((slot, place, open));
            });
        }
    }

    async fn answer(
        self,
        stream: TcpStream,
        service: TowerToHyperService<Router>,
        header_timeout: Duration,
    ) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_buf_size(HEAD_BYTES)
            .header_read_timeout(header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        if let Ok(Err(error)) = timeout(self.lifetime, connection).await {
            tracing::debug!(%error, listener = ?self.which, "a connection ended early");
        }
    }
}
