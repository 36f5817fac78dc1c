//! The drops of a portal: opens links, begins and finishes arrivals, knows the files whose uploads are open.

mod records;
mod upkeep;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use protocol::{
    client::Secret,
    guest::{DropFacts, Receipt, ReceiptFile},
};
use store::{ArrivalRow, DropRow, DropState, NewArrival, Store, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use self::records::verified_of;
pub use self::records::{FileRecord, Guest, guest_of, record_of};
pub(super) use self::records::{json, text_of};

use super::{
    ask::AnswerRefusal,
    folder::FolderValues,
    link,
    password::{PasswordChecks, PasswordError},
    receipt::{self, NotSigned, ReceiptKeys},
    visit::{UnusableDrop, Visit},
};
use crate::{
    client::Client,
    limits::Limits,
    locking::lock,
    sealed_store::{SealedStore, SealedStoreError, SecretKind},
    settings::{Preset, PresetDrops, Settings},
};

/// The most part files that wait to be removed. Further ones stay on their server.
const MAX_EXPIRED_PARTS: usize = 1024;

/// How long an upload of an earlier session of the same guest has to end.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(10);

/// The drops of a portal.
#[derive(Debug)]
pub struct Drops {
    pub(super) store: SealedStore,
    pub(super) instance: String,
    passwords: PasswordChecks,
    times: Mutex<DropTimes>,
    visits: Mutex<HashMap<String, Vec<Weak<Visit>>>>,
    files: Mutex<HashMap<String, OpenFile>>,
    file_ended: Notify,
    expired_parts: ExpiredParts,
}

/// The part files of guests that did not come back.
#[derive(Debug)]
struct ExpiredParts {
    sender: mpsc::Sender<ExpiredPart>,
    receiver: tokio::sync::Mutex<mpsc::Receiver<ExpiredPart>>,
}

/// A part file of a guest that did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredPart {
    /// The preset whose server has it.
    pub preset: String,
    /// Its path on the server.
    pub path: String,
}

/// The settings about time.
#[derive(Clone, Copy, Debug)]
pub(super) struct DropTimes {
    pub(super) lease: Duration,
    pub(super) resume_window: Duration,
    retention: Duration,
}

/// A claimed file whose upload is open.
#[derive(Debug)]
struct OpenFile {
    session: String,
    stop: CancellationToken,
}

/// An arrival of a guest.
#[derive(Debug)]
pub struct Arrival {
    /// Its id.
    pub id: String,
    /// The key with which the guest goes on with it later.
    pub key: Secret,
    /// The segments of its folder.
    pub folder: Vec<String>,
    pub(super) new: NewArrival,
    /// Whether a file of it may have been offered before.
    pub(super) has_earlier_files: AtomicBool,
}

/// Why a link opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefusal {
    /// There is no such drop, or its secret is another one.
    #[error("the link is not valid")]
    NotValid,
    /// The password is missing or wrong.
    #[error("the password is missing or wrong")]
    Password {
        /// The title of the drop.
        title: String,
        /// The time until another attempt is permitted.
        wait: Duration,
    },
    /// There were too many attempts.
    #[error("too many attempts")]
    TooMany(Duration),
    /// The drop takes no files now.
    #[error("the drop takes no files: {state:?}")]
    Closed {
        /// The title of the drop.
        title: String,
        /// Why.
        state: DropState,
    },
    /// Too many passwords are being compared.
    #[error(transparent)]
    Busy(#[from] PasswordError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The drop cannot be used.
    #[error(transparent)]
    Unusable(#[from] UnusableDrop),
}

/// Why an arrival does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalRefusal {
    /// An answer is missing or cannot be used.
    #[error(transparent)]
    Answer(#[from] AnswerRefusal),
    /// There is no such arrival, its key is another one, or it was finished.
    #[error("the arrival is unknown or finished")]
    Unknown,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] SealedStoreError),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandomNumbers,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] SealedStoreError),
    /// It cannot be signed.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
}

/// Returns the preset with this name whose server takes drops.
#[must_use]
pub fn preset_of<'s>(settings: &'s Settings, name: &str) -> Option<(&'s Preset, PresetDrops)> {
    let preset = settings.presets.iter().find(|preset| preset.name == name)?;
    Some((preset, preset.drops.filter(|_| preset.login.is_by_portal())?))
}

impl Drops {
    /// Creates the drops of a portal with the name `instance`.
    #[must_use]
    pub fn new(store: SealedStore, instance: String, settings: &Settings) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_EXPIRED_PARTS);
        let receiver = tokio::sync::Mutex::new(receiver);
        Self {
            expired_parts: ExpiredParts { sender, receiver },
            store,
            instance,
            passwords: PasswordChecks::default(),
            times: Mutex::new(DropTimes::of(settings)),
            visits: Mutex::default(),
            files: Mutex::default(),
            file_ended: Notify::new(),
        }
    }

    /// Uses other settings from now on.
    pub fn set(&self, settings: &Settings) {
        *lock(&self.times) = DropTimes::of(settings);
    }

    pub(super) fn times(&self) -> DropTimes {
        *lock(&self.times)
    }

    pub(super) fn rows(&self) -> &Store {
        self.store.store()
    }

    /// Opens a link for a guest.
    ///
    /// # Errors
    /// [`LinkRefusal`]. An unknown id and a wrong secret get the same one.
    pub async fn open(
        &self,
        (settings, limits): (&Settings, &Limits),
        (id, secret): (&str, &Secret),
        password: Option<Secret>,
        client: Client,
    ) -> Result<Arc<Visit>, LinkRefusal> {
        limits.links.open(client).map_err(LinkRefusal::TooMany)?;
        let found = self.rows().drop_by_link(id, &link::digest(secret.expose())).await?;
        let row = found.ok_or(LinkRefusal::NotValid)?;
        let title = row.terms.title.clone();
        let closed = |state| LinkRefusal::Closed { title: title.clone(), state };
        match row.state_at(self.rows().now_ms().await?) {
            DropState::Open => {}
            // A guest who comes back may have files with a place in the limits, or has not finished.
            DropState::Full if self.rows().has_open_arrivals(&row.id).await? => {}
            state => return Err(closed(state)),
        }
        // A drop dies with its preset.
        let Some((preset, rules)) = preset_of(settings, &row.terms.preset) else {
            return Err(closed(DropState::Revoked));
        };
        if !row.terms.password_hash.is_empty() {
            self.check_password(&row, password, limits, client).await?;
        }
        let visit = Arc::new(Visit::new(&row, preset, rules)?);
        let mut visits = lock(&self.visits);
        let of_drop = visits.entry(row.id).or_default();
        of_drop.retain(|visit| visit.strong_count() > 0);
        of_drop.push(Arc::downgrade(&visit));
        Ok(visit)
    }

    async fn check_password(
        &self,
        row: &DropRow,
        password: Option<Secret>,
        limits: &Limits,
        client: Client,
    ) -> Result<(), LinkRefusal> {
        let refused = |wait| LinkRefusal::Password { title: row.terms.title.clone(), wait };
        let Some(password) = password else { return Err(refused(Duration::ZERO)) };
        let attempt = limits.links.begin_password(&row.id, client).map_err(LinkRefusal::TooMany)?;
        match self.passwords.fits(password, &row.terms.password_hash).await? {
            true => {
                attempt.accepted();
                Ok(())
            }
            false => Err(refused(attempt.refused())),
        }
    }

    /// Returns what a guest may know of a drop now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn facts(&self, visit: &Visit) -> Result<Option<DropFacts>, StoreError> {
        let row = self.rows().drop_by_id(&visit.drop).await?;
        Ok(row.map(|row| visit.facts(&row)))
    }

    /// Begins an arrival. The store has it from its first claimed file on.
    ///
    /// # Errors
    /// [`ArrivalRefusal`].
    pub fn begin(
        &self,
        visit: &Visit,
        fields: &BTreeMap<String, String>,
        client: Option<IpAddr>,
    ) -> Result<Arrival, ArrivalRefusal> {
        let fields = visit.questions.check(fields)?;
        let no_random_numbers = |_| ArrivalRefusal::NoRandomNumbers;
        let id = link::new_id().map_err(no_random_numbers)?;
        let key = link::new_secret().map_err(no_random_numbers)?;
        let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let folder = visit.template.fill(FolderValues {
            started: &started,
            drop: &visit.title,
            arrival: &id,
            fields: &fields,
        });
        let guest = json(&Guest { fields, folder: folder.clone() });
        let new = NewArrival {
            id: id.clone(),
            key_sha256: link::digest(&key),
            client: client.map(|address| address.to_string()).unwrap_or_default(),
            guest: self.store.seal(SecretKind::DropArrival, &id, &guest)?,
        };
        let has_earlier_files = AtomicBool::new(false);
        Ok(Arrival { id, key: Secret::new(key), folder, new, has_earlier_files })
    }

    /// Goes on with an arrival.
    ///
    /// # Errors
    /// [`ArrivalRefusal`].
    pub async fn go_on(
        &self,
        visit: &Visit,
        id: &str,
        key: Secret,
    ) -> Result<Arrival, ArrivalRefusal> {
        let key_sha256 = link::digest(key.expose());
        let found = self.rows().arrival_by_key(&visit.drop, id, &key_sha256).await;
        let found = found.map_err(SealedStoreError::from)?;
        let row = found.filter(|row| row.finished_ms.is_none()).ok_or(ArrivalRefusal::Unknown)?;
        let Some(sealed) = row.guest.clone() else { return Err(ArrivalRefusal::Unknown) };
        let guest = self.guest(&row)?.ok_or(ArrivalRefusal::Unknown)?;
        let new = NewArrival {
            id: row.id.clone(),
            key_sha256,
            client: row.client.clone(),
            guest: sealed,
        };
        let has_earlier_files = AtomicBool::new(true);
        Ok(Arrival { id: row.id, key, folder: guest.folder, new, has_earlier_files })
    }

    /// Opens what is sealed of an arrival; `None` once it was forgotten.
    ///
    /// # Errors
    /// When it does not open.
    pub fn guest(&self, row: &ArrivalRow) -> Result<Option<Guest>, SealedStoreError> {
        guest_of(&self.store, row)
    }

    /// Finishes an arrival. Returns its receipts: one, unless it has many files; none where nothing arrived.
    ///
    /// # Errors
    /// [`NoReceipt`].
    pub async fn finish(
        &self,
        visit: &Visit,
        arrival: &Arrival,
        portal: &str,
    ) -> Result<Vec<Receipt>, NoReceipt> {
        let finished = self.rows().finish_arrival(&arrival.id).await;
        let Some(finished_millis) = finished.map_err(SealedStoreError::from)? else {
            return Ok(Vec::new());
        };
        let rows = self.rows().arrival_files(&arrival.id).await.map_err(SealedStoreError::from)?;
        let mut files = Vec::new();
        for row in rows.into_iter().filter(|row| row.state == "stored") {
            let Some(sealed) = &row.sealed else { continue };
            let record = record_of(&self.store, &row.id, sealed)?;
            files.push(ReceiptFile {
                path: record.map(|record| record.name).unwrap_or_default(),
                bytes: row.size,
                sha256: Some(row.sha256).filter(|sha256| !sha256.is_empty()),
                stored_millis: row.at_ms,
                verified: verified_of(&row.verified),
            });
        }
        let receipts = files.chunks(receipt::MAX_FILES).map(|files| {
            let receipt = Receipt {
                number: arrival.id.clone(),
                portal: portal.to_owned(),
                title: visit.title.clone(),
                finished_millis,
                files: files.to_vec(),
                signed: String::new(),
            };
            Ok(receipt::sign(self.store.keyring(), receipt)?)
        });
        receipts.collect()
    }

    /// Returns the public keys of receipts.
    #[must_use]
    pub fn receipt_keys(&self) -> ReceiptKeys {
        receipt::public_keys(self.store.keyring())
    }

    /// Notes that the upload of a claimed file is open. `stop` suspends it.
    pub(super) fn file_opened(&self, file: &str, session: &str, stop: CancellationToken) {
        let open = OpenFile { session: session.to_owned(), stop };
        lock(&self.files).insert(file.to_owned(), open);
    }

    /// Notes that the upload of a file has ended.
    pub(super) fn file_closed(&self, file: &str) {
        lock(&self.files).remove(file);
        self.file_ended.notify_waiters();
    }

    /// Returns whether a file is open in this session.
    pub(super) fn is_open_in(&self, file: &str, session: &str) -> bool {
        lock(&self.files).get(file).is_some_and(|open| open.session == session)
    }

    /// Suspends the upload of a file in another session of this portal, and waits until it has ended. Returns
    /// whether there was one.
    pub(super) async fn suspend(&self, file: &str) -> bool {
        let Some(stop) = lock(&self.files).get(file).map(|open| open.stop.clone()) else {
            return false;
        };
        stop.cancel();
        let ended = async {
            loop {
                let mut closed = std::pin::pin!(self.file_ended.notified());
                // Registered before the check, so that no end in between is missed.
                closed.as_mut().enable();
                if !lock(&self.files).contains_key(file) {
                    return;
                }
                closed.await;
            }
        };
        tokio::time::timeout(HAND_OVER_LIMIT, ended).await.is_ok()
    }
}

impl DropTimes {
    fn of(settings: &Settings) -> Self {
        Self {
            lease: settings.drop_lease,
            resume_window: settings.drop_resume_window,
            retention: settings.arrival_retention,
        }
    }
}

impl Arrival {
    /// Notes that files of it may be offered again.
    pub(super) fn expect_earlier_files(&self) {
        self.has_earlier_files.store(true, Ordering::Relaxed);
    }
}
