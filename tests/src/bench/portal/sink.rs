//! The other way of a file out of a browser: `XMLHttpRequest` puts it to a server that throws it
//! away.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Result;
use axum::{
    Router,
    body::Body,
    response::Html,
    routing::{get, put},
};
use ferryport_tests::browser::Page;
use futures_util::StreamExt as _;
use tokio::net::TcpListener;

use super::person::took;

const PAGE: &str = r#"<!doctype html><title>Sink</title><link rel="icon" href="data:,">
<button id="choose">Choose file</button><input type="file" id="file" hidden>
<script>
const file = document.getElementById('file');
document.getElementById('choose').onclick = () => file.click();
window.took = null;
file.onchange = () => {
    const begun = performance.now();
    const request = new XMLHttpRequest();
    request.open('PUT', 'sink');
    request.onload = () => { window.took = performance.now() - begun; };
    request.onerror = () => { window.took = 'the sink does not answer'; };
    request.send(file.files[0]);
};
</script>"#;

/// Serves the page and its sink for as long as the runtime runs; gives the address.
pub(super) async fn serve() -> Result<SocketAddr> {
    let router = Router::new().route("/", get(async || Html(PAGE))).route("/sink", put(throw_away));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Chooses the file and waits until the sink has taken it.
pub(super) async fn put_file(page: &Page, path: PathBuf) -> Result<Duration> {
    page.choose("Choose file", &[path]).await;
    took(page).await
}

async fn throw_away(body: Body) -> String {
    let mut bytes = 0;
    let mut stream = body.into_data_stream();
    while let Some(Ok(piece)) = stream.next().await {
        bytes += piece.len();
    }
    bytes.to_string()
}
