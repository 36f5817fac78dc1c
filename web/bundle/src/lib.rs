//! The page's assets, embedded: its program (`web/` built to wasm) and the worker's digests
//! (`web/digest/`), the glue that binds each to the browser, the scripts, the style sheet and the
//! icon.
//!
//! The build script makes them; this crate only holds them. It serves nothing and knows no HTTP:
//! what it offers are bytes, their type, and the tag and the path to serve them under. A path
//! holds the digest of its content, so that a browser may keep an asset for ever, and a page and
//! its program always belong together.

/// One file that the page loads.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its address relative to the page's: `assets/app-1a2b3c4d5e6f7a8b.js`.
    pub path: &'static str,
    /// For the header `Content-Type`.
    pub content_type: &'static str,
    /// The content as it is.
    pub identity: &'static [u8],
    /// The content for clients that accept `Content-Encoding: br`.
    pub brotli: &'static [u8],
    /// For the header `ETag`, with its quotation marks. It names the content and not its coding.
    pub etag: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The asset at a path relative to the page's.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn compressed_len(path: &str) -> usize {
        find(path).unwrap().brotli.len()
    }

    #[test]
    fn every_url_leads_to_an_asset() {
        for path in [
            url::STYLE,
            url::BOOT,
            url::GLUE,
            url::WASM,
            url::DIGEST_WORKER,
            url::DIGEST_GLUE,
            url::DIGEST_WASM,
            url::ICON,
        ] {
            assert!(find(path).is_some(), "{path}");
        }
        for path in url::STATE_ICONS {
            assert!(find(path).is_some(), "{path}");
        }
        assert!(find("assets/other.js").is_none());
    }

    #[test]
    fn compressed_form_holds_the_content() {
        for asset in ASSETS {
            let mut content = Vec::new();
            brotli::Decompressor::new(asset.brotli, 4096).read_to_end(&mut content).unwrap();
            assert!(content == asset.identity, "{}", asset.path);
        }
    }

    #[test]
    fn program_and_glue_stay_within_their_budget() {
        let bytes = compressed_len(url::WASM) + compressed_len(url::GLUE);
        assert!(bytes <= 150_000, "{bytes} bytes");
    }

    /// The worker's program is not loaded with the page, but with the first upload.
    #[test]
    fn digests_and_their_glue_stay_within_their_budget() {
        let bytes = compressed_len(url::DIGEST_WASM) + compressed_len(url::DIGEST_GLUE);
        assert!(bytes <= 25_000, "{bytes} bytes");
    }

    #[test]
    fn style_stays_within_its_budget() {
        let bytes = compressed_len(url::STYLE);
        assert!(bytes <= 20_000, "{bytes} bytes");
    }

    #[test]
    fn program_names_no_path_of_the_machine_that_built_it() {
        let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let workspace = std::path::Path::new(workspace).canonicalize().unwrap();
        let workspace = workspace.to_str().unwrap().as_bytes();
        for url in [url::WASM, url::DIGEST_WASM] {
            let wasm = find(url).unwrap().identity;
            assert!(!wasm.windows(workspace.len()).any(|part| part == workspace), "{url}");
        }
    }
}
