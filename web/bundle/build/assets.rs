//! Hashes, compresses and tabulates the assets.

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{icons, program::Program};

/// Hexadecimal digits of the digest in a file's name: 64 bits, no two versions of one asset meet.
const NAME_DIGITS: usize = 16;
/// The best that brotli has. It takes about a second for all assets, once a change, in every
/// profile: so what is tried is what is shipped.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const WASM: &str = "application/wasm";
const SVG: &str = "image/svg+xml";

/// An asset on its way in: its constant in `url`, its file's name and its content. Those without a
/// constant are the icons of `STATE_ICONS`.
struct Source {
    constant: Option<&'static str>,
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    content: Vec<u8>,
}

/// Writes every asset into `out`, as it is and compressed, and the table of them as Rust.
pub(crate) fn embed(page: &Program, digest: &Program, statics: &Path, out: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = statics.join(name);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let source = |constant, stem, extension, content_type, content| Source {
        constant: Some(constant),
        stem,
        extension,
        content_type,
        content,
    };
    let sources = [
        source("STYLE", "style", "css", "text/css; charset=utf-8", read("style.css")?),
        source("BOOT", "boot", "js", JAVASCRIPT, read("boot.js")?),
        source("GLUE", "app", "js", JAVASCRIPT, page.glue.clone()),
        source("WASM", "app", "wasm", WASM, page.wasm.clone()),
        source("DIGEST_WORKER", "worker", "js", JAVASCRIPT, read("digest.js")?),
        source("DIGEST_GLUE", "digest", "js", JAVASCRIPT, digest.glue.clone()),
        source("DIGEST_WASM", "digest", "wasm", WASM, digest.wasm.clone()),
        source("ICON", "icon", "svg", SVG, read("icon.svg")?),
    ];
    let icons = icons::all().into_iter().map(|content| Source {
        constant: None,
        stem: "state",
        extension: "svg",
        content_type: SVG,
        content,
    });

    let folder = out.join("assets");
    // What an earlier build left there has other names.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir(&folder).with_context(|| folder.display().to_string())?;

    let mut table = String::new();
    let mut urls = String::new();
    let mut state_icons = String::new();
    for asset in sources.into_iter().chain(icons) {
        let digest = hex(&Sha256::digest(&asset.content));
        let name = format!("{}-{}.{}", asset.stem, &digest[..NAME_DIGITS], asset.extension);
        let compressed = compress(&asset.content)?;
        write(&folder.join(&name), &asset.content)?;
        write(&folder.join(format!("{name}.br")), &compressed)?;
        writeln!(
            table,
            "    Asset {{\n        path: \"assets/{name}\",\n        content_type: {:?},\n        \
             identity: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/assets/{name}\")),\n        \
             brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/assets/{name}.br\")),\n        \
             etag: \"\\\"{digest}\\\"\",\n    }},",
            asset.content_type,
        )?;
        let Some(constant) = asset.constant else {
            writeln!(state_icons, "        \"assets/{name}\",")?;
            continue;
        };
        writeln!(
            urls,
            "    /// `{}.{}`: {} bytes, {} compressed.\n    pub const {constant}: &str = \"assets/{name}\";",
            asset.stem,
            asset.extension,
            asset.content.len(),
            compressed.len(),
        )?;
    }
    let generated = format!(
        "/// Every asset of the page.\npub static ASSETS: &[Asset] = &[\n{table}];\n\n\
         /// The assets' addresses, relative to the page's.\npub mod url {{\n{urls}    \
         /// The rings of the tab's icon from empty to almost full, the check and the mark.\n    \
         pub const STATE_ICONS: &[&str] = &[\n{state_icons}    ];\n}}\n"
    );
    write(&out.join("table.rs"), generated.as_bytes())
}

fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(content).context("brotli")?;
    Ok(writer.into_inner())
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
