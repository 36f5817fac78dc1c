//! The accept loop: a bound on connections, a deadline for request headers, an orderly end.

use std::{sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::task::TaskTracker;

use super::router;
use crate::portal::Portal;

/// The pause after an accept that failed, when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, then ends every session and waits for its end.
pub async fn serve(listener: TcpListener, portal: &Arc<Portal>, stop: impl Future<Output = ()>) {
    let connections = TaskTracker::new();
    tokio::select! {
        () = stop => {}
        () = accept(listener, portal, &connections) => {}
    }
    portal.shutdown.cancel();
    connections.close();
    portal.tasks.close();
    let all_ended = async {
        connections.wait().await;
        portal.tasks.wait().await;
    };
    if tokio::time::timeout(portal.settings.shutdown_timeout, all_ended).await.is_err() {
        tracing::warn!("some sessions did not end in time");
    }
}

async fn accept(listener: TcpListener, portal: &Arc<Portal>, connections: &TaskTracker) {
    let places = Arc::new(Semaphore::new(portal.settings.max_connections as usize));
    let service = TowerToHyperService::new(router(Arc::clone(portal)));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = handle(stream, service.clone(), Arc::clone(portal));
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
}

async fn handle(
    stream: TcpStream,
    service: TowerToHyperService<axum::Router>,
    portal: Arc<Portal>,
) {
    // A small message waits for nothing; a chunk fills its packets anyway.
    let _best_effort = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(portal.settings.header_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = portal.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
