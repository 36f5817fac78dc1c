//! `ferryport drop`: links that anybody can upload to. The commands work beside a portal that runs.
//!
//! # Layers
//! - `fields`: the options of a new drop, as texts.
//! - `qr`: QR codes in a terminal.
//! - `report`: drops and arrivals as text, JSON and CSV.
//! - this module: the commands.
//! - [`arguments`]: the command line.

pub mod arguments;
mod fields;
mod qr;
mod report;

use anyhow::{Context as _, bail};
use store::{DropRow, NewDrop};
use zeroize::Zeroizing;

pub use self::fields::{NewDropOptions, Password};
use self::report::{ArrivalReport, DropReport};
use super::open_store;
use crate::{
    audit::{Audit, Entry, Event, Outcome, Subject},
    drops::{link, password, service::preset_of},
    sealed_store::{SealedStore, SecretKind},
    settings::{AuditTarget, PublicUrl, Settings},
};

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// JSON.
    Json,
    /// CSV (RFC 4180).
    Csv,
}

/// Which drops are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that take files, or will.
    Current,
    /// All.
    All,
}

/// How a link is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkForm {
    /// Whether it is JSON.
    pub is_json: bool,
    /// Whether a QR code follows.
    pub has_qr: bool,
}

/// Makes a drop. Returns its link.
///
/// # Errors
/// Each option that cannot be used, with the nearest right form; or what the settings lack.
pub async fn create(
    settings: &Settings,
    options: &NewDropOptions,
    form: LinkForm,
) -> anyhow::Result<String> {
    let public_url = public_url(settings)?;
    check_preset(settings, &options.preset)?;
    // Before a password is typed: a store that cannot be used is told first.
    let store = open_store(settings).await?;
    let mut terms = options.terms(store.store().now_ms().await?)?;
    if let Some(typed) = options.password.read(&options.title)? {
        terms.password_hash = password::hash(&typed)?;
    }
    let (id, secret) = (link::new_id()?, Zeroizing::new(link::new_secret()?));
    let sealed = store.seal(SecretKind::DropLink, &id, secret.as_bytes())?;
    let secret_sha256 = link::digest(&secret);
    let new = NewDrop { id: id.clone(), secret_sha256, secret: sealed, terms };
    store.store().create_drop(&new).await?;
    record(settings, &id, Outcome::Created).await?;
    printed(&id, &link::link(public_url, &id, &secret), form)
}

/// Returns the drops, newest first.
///
/// # Errors
/// When the store cannot be used.
pub async fn list(settings: &Settings, which: Which, form: Form) -> anyhow::Result<String> {
    let store = open_store(settings).await?;
    let now_ms = store.store().now_ms().await?;
    let reports = store.store().drops().await?.into_iter().map(|row| DropReport::of(row, now_ms));
    let reports = reports.filter(|report| which == Which::All || report.is_current());
    report::drops(&reports.collect::<Vec<_>>(), form)
}

/// Returns what a drop is.
///
/// # Errors
/// When there is no such drop, or the store cannot be used.
pub async fn show(settings: &Settings, id: &str) -> anyhow::Result<String> {
    let store = open_store(settings).await?;
    let row = row(&store, id).await?;
    Ok(DropReport::of(row, store.store().now_ms().await?).details())
}

/// Sets when a drop ends.
///
/// # Errors
/// When the time is none, there is no such drop, it was withdrawn, or the store cannot be used.
pub async fn extend(settings: &Settings, id: &str, expires: &str) -> anyhow::Result<String> {
    let store = open_store(settings).await?;
    let row = row(&store, id).await?;
    let now_ms = store.store().now_ms().await?;
    let expires_ms = fields::time("--expires", expires, now_ms)?;
    if expires_ms <= now_ms.max(row.terms.starts_ms) {
        bail!("`--expires`: `{expires}` is over already: write a time from now like `30d`");
    }
    if !store.store().extend_drop(id, expires_ms).await? {
        bail!("the drop {id} was withdrawn, and stays so: make a new one");
    }
    record(settings, id, Outcome::Extended).await?;
    Ok(format!("the drop {id} takes files until {}\n", report::shown_time(expires_ms)))
}

/// Withdraws a drop: its link opens nothing from now on, and uploads under way end.
///
/// # Errors
/// When there is no such drop, or the store cannot be used.
pub async fn revoke(settings: &Settings, id: &str) -> anyhow::Result<String> {
    let store = open_store(settings).await?;
    row(&store, id).await?;
    if !store.store().revoke_drop(id).await? {
        return Ok(format!("the drop {id} was withdrawn before\n"));
    }
    record(settings, id, Outcome::Withdrawn).await?;
    Ok(format!("the drop {id} is withdrawn\n"))
}

/// Returns the link of a drop again.
///
/// # Errors
/// When there is no such drop, or the store cannot be used.
pub async fn link_of(settings: &Settings, id: &str, form: LinkForm) -> anyhow::Result<String> {
    let public_url = public_url(settings)?;
    let store = open_store(settings).await?;
    row(&store, id).await?;
    let secret = store.secret(SecretKind::DropLink, id).await?;
    let secret = secret.with_context(|| format!("the store has no secret of the drop {id}"))?;
    let secret = std::str::from_utf8(&secret).context("the secret of the drop is damaged")?;
    printed(id, &link::link(public_url, id, secret), form)
}

/// Returns what has arrived through a drop.
///
/// # Errors
/// When there is no such drop, or the store cannot be used.
pub async fn arrivals(settings: &Settings, id: &str, form: Form) -> anyhow::Result<String> {
    let store = open_store(settings).await?;
    row(&store, id).await?;
    let mut reports = Vec::new();
    for arrival in store.store().arrivals(id).await? {
        let files = store.store().arrival_files(&arrival.id).await?;
        reports.push(ArrivalReport::of(&store, arrival, files)?);
    }
    report::arrivals(&reports, form)
}

/// Writes to the audit, if it is a file that exists: a file that this command made could belong to another user
/// than the portal's.
async fn record(settings: &Settings, id: &str, outcome: Outcome) -> anyhow::Result<()> {
    let Some(AuditTarget::File(path)) = &settings.audit else { return Ok(()) };
    if path.exists() {
        let audit = Audit::open(settings, format!("drop-{}", std::process::id()))?;
        let subject = Subject { drop: Some(id.to_owned()), ..Subject::default() };
        audit.write(&subject, Entry::new(Event::Drop, outcome)).await;
    }
    Ok(())
}

async fn row(store: &SealedStore, id: &str) -> anyhow::Result<DropRow> {
    let row = store.store().drop_by_id(id).await?;
    row.with_context(|| format!("there is no drop {id}: `ferryport drop list --all` shows them"))
}

fn public_url(settings: &Settings) -> anyhow::Result<&PublicUrl> {
    let missing = "this command needs the portal's setting `public_url`, which begins the links: \
                   public_url = \"https://upload.example.com\"";
    settings.public_url.as_ref().context(missing)
}

/// Checks whether guests may upload to a preset's server.
fn check_preset(settings: &Settings, name: &str) -> anyhow::Result<()> {
    if preset_of(settings, name).is_some() {
        return Ok(());
    }
    let fits = |preset: &&crate::settings::Preset| preset_of(settings, &preset.name).is_some();
    let names: Vec<_> = settings.presets.iter().filter(fits).map(|one| one.name.as_str()).collect();
    let others = match names.as_slice() {
        [] => "no preset has `drops = true` and `login = \"portal\"` yet".to_owned(),
        names => format!("those for drops are: {}", names.join(", ")),
    };
    match settings.presets.iter().find(|preset| preset.name == name) {
        Some(preset) if preset.drops.is_none() => {
            bail!("`--preset`: the preset `{name}` takes no drops: set `drops = true`; {others}")
        }
        Some(_) => bail!(
            "`--preset`: the portal does not log in to the preset `{name}` itself: set \
             `login = \"portal\"`; {others}"
        ),
        None => bail!("`--preset`: there is no preset `{name}`; {others}"),
    }
}

fn printed(id: &str, link: &str, form: LinkForm) -> anyhow::Result<String> {
    let mut text = match form.is_json {
        true => format!("{}\n", serde_json::json!({ "id": id, "link": link })),
        false => format!("{link}\n"),
    };
    if form.has_qr {
        text.push_str(&qr::code(link)?);
    }
    Ok(text)
}
