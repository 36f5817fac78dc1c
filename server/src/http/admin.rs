//! The admin listener: health and figures for supervisors, load balancers and Prometheus. It is off
//! unless `admin_listen` is set, and serves plain HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /livez` | `ok` |
//! | `GET /readyz` | 200 if the portal takes new sessions, else 503; JSON with each check |
//! | `GET /metrics` | the figures for Prometheus |

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::{Map, Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::listener::ACCEPT_PAUSE;
use crate::{
    app::App,
    metrics::{self, Snapshot, labels::Listener},
    portal::Check,
};

/// The most connections. Further ones wait.
const MAX_CONNECTIONS: usize = 64;

/// The longest duration of a connection: a supervisor opens another one.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(60);

/// Serves; never completes.
pub async fn serve(listener: TcpListener, app: App) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let service = TowerToHyperService::new(router(app.clone()));
    // The semaphore is never closed.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(handle(stream, app.clone(), service.clone(), slot));
            }
            Err(error) => {
                tracing::warn!(%error, "an admin connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn handle(
    stream: TcpStream,
    app: App,
    service: TowerToHyperService<Router>,
    _slot: OwnedSemaphorePermit,
) {
    let _open = app.portal.metrics.connection_opened(Listener::Admin);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.portal.settings.header_timeout)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = timeout(CONNECTION_LIFETIME, connection).await {
        tracing::debug!(%error, "an admin connection ended early");
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(figures))
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .with_state(app)
}

async fn readyz(State(app): State<App>) -> Response {
    let checks: Map<String, Value> = Check::ALL
        .into_iter()
        .map(|check| (check.name().to_owned(), app.portal.passes(check).into()))
        .collect();
    let is_ready = Check::ALL.into_iter().all(|check| app.portal.passes(check));
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": is_ready, "checks": checks }))).into_response()
}

async fn figures(State(app): State<App>) -> Response {
    let budget = &app.portal.budget;
    let snapshot = Snapshot {
        sessions: app.sessions.count(),
        leased_bytes: budget.total_bytes().saturating_sub(budget.free_bytes()),
        budget_bytes: budget.total_bytes(),
        is_draining: app.portal.readiness.is_draining(),
    };
    let text = app.portal.metrics.text(snapshot);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
