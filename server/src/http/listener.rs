//! The accept loop: a bound on connections, deadlines for handshake, request headers and whoever
//! takes nothing of an answer, an orderly end.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::task::TaskTracker;

use super::{
    router, speak_https,
    tls::{Accepted, PageTls},
};
use crate::portal::Portal;

/// The pause after an accept that failed, when the process has no file descriptor left.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A browser's connection. What is written to it fails when the browser takes nothing of it for
/// `page_write_timeout`; each byte that it takes gives it as much time again.
pub(super) type Connection = Pin<Box<TimeoutWriter<TcpStream>>>;

/// Serves until `stop` is done, then ends every session and waits for its end.
pub async fn serve(
    listener: TcpListener,
    tls: Option<PageTls>,
    portal: &Arc<Portal>,
    stop: impl Future<Output = ()>,
) {
    let connections = TaskTracker::new();
    let door = Arc::new(Acceptor::new(tls, Arc::clone(portal)));
    tokio::select! {
        () = stop => {}
        () = accept(listener, &door, &connections) => {}
        () = door.renew() => {}
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

async fn accept(listener: TcpListener, door: &Arc<Acceptor>, connections: &TaskTracker) {
    let places = Arc::new(Semaphore::new(door.portal.settings.max_connections as usize));
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
        let door = Arc::clone(door);
        connections.spawn(async move {
            door.handle(stream).await;
            drop(place);
        });
    }
}

/// What every connection comes through.
struct Acceptor {
    tls: Option<PageTls>,
    portal: Arc<Portal>,
    /// The portal's.
    service: TowerToHyperService<Router>,
    /// For plain HTTP where HTTPS is spoken.
    speak_https: TowerToHyperService<Router>,
}

impl Acceptor {
    fn new(tls: Option<PageTls>, portal: Arc<Portal>) -> Self {
        let service = TowerToHyperService::new(router(Arc::clone(&portal)));
        Self { tls, portal, service, speak_https: TowerToHyperService::new(speak_https()) }
    }

    /// Keeps the certificate up to date; never done.
    async fn renew(&self) {
        match &self.tls {
            Some(tls) => tls.renew(self.portal.settings.tls_file_interval).await,
            None => std::future::pending().await,
        }
    }

    async fn handle(&self, stream: TcpStream) {
        // A small message waits for nothing; a chunk fills its packets anyway.
        let _best_effort = stream.set_nodelay(true);
        let stream = self.with_deadline(stream);
        let Some(tls) = &self.tls else { return self.speak(stream, &self.service).await };
        let accepted = tokio::select! {
            accepted = tls.accept(stream, self.portal.settings.page_tls_timeout) => accepted,
            () = self.portal.shutdown.cancelled() => return,
        };
        match accepted {
            Ok(Accepted::Tls(stream)) => self.speak(stream, &self.service).await,
            Ok(Accepted::Plain(stream)) => self.speak(stream, &self.speak_https).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake came to nothing"),
        }
    }

    fn with_deadline(&self, stream: TcpStream) -> Connection {
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.portal.settings.page_write_timeout));
        Box::pin(stream)
    }

    async fn speak<S>(&self, stream: S, service: &TowerToHyperService<Router>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.portal.settings.header_timeout)
            .serve_connection(TokioIo::new(stream), service.clone())
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.portal.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
