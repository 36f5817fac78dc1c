//! Embeds the page's assets: the page's program (`web/`) and the worker's digest module
//! (`web/digest/`) as wasm, the JavaScript glue of both, the scripts, the style sheet and the icons.
//!
//! The build script builds the assets; this crate holds them and knows no HTTP. Each [`Asset`] has
//! its bytes, its media type, its entity tag and its path. The path contains a digest of the
//! content: browsers may cache an asset forever, and a page never loads the program of another
//! version.

/// A file that the page loads.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// The path relative to the page: `assets/app-1a2b3c4d5e6f7a8b.js`.
    pub path: &'static str,
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The uncompressed content.
    pub identity: &'static [u8],
    /// The content compressed with brotli, for clients that accept `Content-Encoding: br`.
    pub brotli: &'static [u8],
    /// The value of the `ETag` header, with its quotation marks. It is the same for both codings.
    pub etag: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// Returns the asset at a path relative to the page.
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
            url::LOGIN_MAIL,
            url::GLUE,
            url::WASM,
            url::DIGEST_WORKER,
            url::DIGEST_GLUE,
            url::DIGEST_WASM,
            url::ICON,
            url::MANIFEST,
        ] {
            assert!(find(path).is_some(), "{path}");
        }
        for path in url::STATE_ICONS {
            assert!(find(path).is_some(), "{path}");
        }
        assert!(find("assets/other.js").is_none());
    }

    #[test]
    fn style_sheet_and_scripts_hold_no_comments() {
        let text = |path| str::from_utf8(find(path).unwrap().identity).unwrap();
        assert!(!text(url::STYLE).contains("/*"));
        for path in [url::BOOT, url::GLUE, url::DIGEST_WORKER, url::RECEIPT] {
            let is_comment = |line: &&str| line.starts_with("//") || line.starts_with("/*");
            assert_eq!(text(path).lines().find(is_comment), None, "{path}");
        }
    }

    #[test]
    fn manifest_names_icons_that_exist_and_the_page_one_level_above() {
        let asset = find(url::MANIFEST).unwrap();
        let manifest = str::from_utf8(asset.identity).unwrap();
        assert!(manifest.contains(r#""start_url":"../","scope":"../""#), "{manifest}");
        for icon in [url::ICON, url::ICON_192, url::ICON_512] {
            let beside = icon.strip_prefix("assets/").unwrap();
            assert!(manifest.contains(&format!(r#""src":"{beside}""#)), "{icon}");
            assert!(find(icon).is_some(), "{icon}");
        }
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

    /// The page loads the digest module with the first upload only.
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
