//! The other way of files out of a browser: `XMLHttpRequest` puts them to a server that throws them
//! away, as many at a time as the browser sees fit.

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

use super::user::took;

const PAGE: &str = r#"<!doctype html><title>Sink</title><link rel="icon" href="data:,">
<button id="choose">Choose files</button><input type="file" id="input" multiple hidden>
<script>
const input = document.getElementById('input');
document.getElementById('choose').onclick = () => input.click();
window.took = null;
const put = (file) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', 'sink');
    request.onload = resolve;
    request.onerror = reject;
    request.send(file);
});
input.onchange = () => {
    const begun = performance.now();
    Promise.all([...input.files].map(put)).then(
        () => { window.took = performance.now() - begun; },
        () => { window.took = 'the sink does not answer'; },
    );
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

/// Chooses the files and waits until the sink has taken them.
pub(super) async fn put_files(page: &Page, paths: &[PathBuf]) -> Result<Duration> {
    page.choose("Choose files", paths).await;
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
