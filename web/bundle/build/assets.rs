//! Hashes and compresses the assets, and writes a table of them as Rust source.

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{compact, icons, manifest, program::Program};

/// Hexadecimal digits of the digest in a file name: 64 bits, so that no two versions of an asset
/// have the same name.
const NAME_DIGITS: usize = 16;
/// The highest quality of brotli, in debug builds too: tests see the assets that are released. All
/// assets together take about a second.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const WASM: &str = "application/wasm";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";
const MANIFEST: &str = "application/manifest+json";

/// An asset to be embedded.
struct Source {
    /// The name of its constant in `url`. `None` for the icons of `STATE_ICONS`.
    constant: Option<&'static str>,
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    content: Vec<u8>,
}

impl Source {
    fn digest(&self) -> String {
        hex(&Sha256::digest(&self.content))
    }

    /// Returns the name of its file.
    fn name(&self) -> String {
        let digest = self.digest();
        format!("{}-{}.{}", self.stem, &digest[..NAME_DIGITS], self.extension)
    }
}

/// Writes every asset into `out`, uncompressed and compressed, and the table of them.
pub(crate) fn embed(page: &Program, digest: &Program, statics: &Path, out: &Path) -> Result<()> {
    let read_bytes = |name: &str| {
        let path = statics.join(name);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let read = |name: &str| -> Result<String> {
        String::from_utf8(read_bytes(name)?).with_context(|| format!("{name} is not UTF-8"))
    };
    let script = |name: &str| -> Result<Vec<u8>> { Ok(compact::script(&read(name)?)?.into()) };
    let source = |constant, stem, extension, content_type, content| Source {
        constant: Some(constant),
        stem,
        extension,
        content_type,
        content,
    };
    let style = compact::style_sheet(&read("style.css")?);
    let icon = source("ICON", "icon", "svg", SVG, read("icon.svg")?.into());
    let small_icon = source("ICON_192", "icon", "png", PNG, read_bytes("icon-192.png")?);
    let large_icon = source("ICON_512", "icon", "png", PNG, read_bytes("icon-512.png")?);
    let pixels = [(192, &*small_icon.name()), (512, &*large_icon.name())];
    let manifest = manifest::manifest(&icon.name(), pixels);
    let sources = [
        source("STYLE", "style", "css", "text/css; charset=utf-8", style.into()),
        source("BOOT", "boot", "js", JAVASCRIPT, script("boot.js")?),
        source("LOGIN_MAIL", "mail", "js", JAVASCRIPT, script("login_mail.js")?),
        source("RECEIPT", "receipt", "js", JAVASCRIPT, script("receipt.js")?),
        source("RENAME", "rename", "js", JAVASCRIPT, script("rename.js")?),
        source("LOG_LINKS", "links", "js", JAVASCRIPT, script("log_links.js")?),
        source("LOG_EXPORT", "log", "js", JAVASCRIPT, script("log_export.js")?),
        source("NOTIFY", "notify", "js", JAVASCRIPT, script("notify.js")?),
        source("GLUE", "app", "js", JAVASCRIPT, compact::script(&page.glue)?.into()),
        source("WASM", "app", "wasm", WASM, page.wasm.clone()),
        source("DIGEST_WORKER", "worker", "js", JAVASCRIPT, script("digest.js")?),
        source("DIGEST_GLUE", "digest", "js", JAVASCRIPT, compact::script(&digest.glue)?.into()),
        source("DIGEST_WASM", "digest", "wasm", WASM, digest.wasm.clone()),
        source("MANIFEST", "ferryport", "webmanifest", MANIFEST, manifest.into()),
        icon,
        small_icon,
        large_icon,
    ];
    let icons = icons::all().into_iter().map(|content| Source {
        constant: None,
        stem: "state",
        extension: "svg",
        content_type: SVG,
        content,
    });

    let folder = out.join("assets");
    // The assets of an earlier build have other names.
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    fs::create_dir(&folder).with_context(|| format!("cannot replace {}", folder.display()))?;

    let mut table = String::new();
    let mut urls = String::new();
    let mut state_icons = String::new();
    for asset in sources.into_iter().chain(icons) {
        let (digest, name) = (asset.digest(), asset.name());
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
         /// The paths of the assets, relative to the page.\npub mod url {{\n{urls}    \
         /// The tab's icons: rings from empty to almost full, the check, the exclamation mark.\n    \
         pub const STATE_ICONS: &[&str] = &[\n{state_icons}    ];\n}}\n"
    );
    write(&out.join("table.rs"), generated.as_bytes())
}

fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(content).context("cannot compress an asset with brotli")?;
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
