//! The path below which the page is, where a reverse proxy does not remove it.

use axum::http::{Uri, uri::PathAndQuery};

/// Removes the path of `public_url` from the address of a request. An address without it stays as it is:
/// there the proxy has removed it.
pub(super) fn strip(uri: &mut Uri, path: &str) {
    if let Some(stripped) = stripped(uri, path) {
        *uri = stripped;
    }
}

fn stripped(uri: &Uri, path: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(path).filter(|_| !path.is_empty())?;
    let rest: PathAndQuery = match rest.as_bytes().first() {
        Some(b'/') => rest.parse().ok()?,
        Some(b'?') | None => format!("/{rest}").parse().ok()?,
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_removed_where_it_is_there() {
        for (asked, path, served) in [
            ("/upload/assets/a.js?x=1", "/upload", "/assets/a.js?x=1"),
            ("/upload/", "/upload", "/"),
            ("/upload", "/upload", "/"),
            ("/upload?lang=de", "/upload", "/?lang=de"),
            ("/", "/upload", "/"),
            ("/assets/a.js", "/upload", "/assets/a.js"),
            ("/uploads", "/upload", "/uploads"),
            ("/upload/upload/", "/upload", "/upload/"),
            ("/a/b/session", "/a/b", "/session"),
            ("/session", "", "/session"),
        ] {
            let mut uri = asked.parse().unwrap();
            strip(&mut uri, path);
            assert_eq!(uri.to_string(), served, "{asked}");
        }
    }
}
