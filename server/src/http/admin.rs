//! The admin listener: health and figures for supervisors, load balancers and Prometheus. It is off
//! unless `admin_listen` is set, and serves plain HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /livez` | `ok` |
//! | `GET /readyz` | 200 if the portal takes new sessions, else 503; JSON with each check |
//! | `GET /metrics` | the figures for Prometheus |

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::short_listener::ShortListener;
use crate::{
    app::App,
    metrics::{self, Snapshot, labels::Listener},
    portal::Check,
    sealed_store::{SealedStore, StoreState},
};

/// What the routes need.
#[derive(Clone)]
struct Admin {
    app: App,
    store: Option<SealedStore>,
}

/// Serves; never completes.
pub async fn serve(listener: TcpListener, app: App, store: Option<SealedStore>) {
    let settings = &app.portal.settings;
    let bounds = ShortListener {
        which: Listener::Admin,
        max_connections: settings.max_admin_connections,
        // Only supervisors reach it, perhaps all of them through one proxy.
        max_client_connections: 0,
        lifetime: settings.admin_connection_lifetime,
    };
    let routes = router(Admin { app: app.clone(), store });
    bounds.serve(listener, app.sessions, routes).await;
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(figures))
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .with_state(admin)
}

/// Answers with every condition, so that an operator sees which ones fail.
async fn readyz(State(admin): State<Admin>) -> Response {
    let store = match &admin.store {
        Some(store) => store.state().await,
        None => StoreState::default(),
    };
    let checks = Check::ALL.map(|check| (check.name(), passes(&admin.app, store, check)));
    let is_ready = checks.iter().all(|(_, passes)| *passes);
    let checks: Map<String, Value> =
        checks.into_iter().map(|(name, passes)| (name.to_owned(), passes.into())).collect();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": is_ready, "checks": checks }))).into_response()
}

fn passes(app: &App, store: StoreState, check: Check) -> bool {
    let portal = &app.portal;
    match check {
        Check::Listening => portal.readiness.is_listening(),
        Check::Store => store.answers,
        Check::Keyring => store.opens,
        Check::Audit => portal.audit.is_writable(),
        Check::Certificate => portal.has_valid_certificate(),
        Check::NotDraining => !portal.readiness.is_draining(),
    }
}

async fn figures(State(Admin { app, .. }): State<Admin>) -> Response {
    let budget = &app.portal.budget;
    let snapshot = Snapshot {
        guests: app.sessions.count_guests(),
        sessions: app.sessions.count(),
        leased_bytes: budget.total_bytes().saturating_sub(budget.free_bytes()),
        budget_bytes: budget.total_bytes(),
        is_draining: app.portal.readiness.is_draining(),
    };
    let text = app.portal.metrics.text(snapshot);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
