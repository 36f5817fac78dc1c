//! The store with the keyring that seals its secrets.

use std::{sync::Arc, time::Duration};

use store::{
    Opener, ResealError, Sealed, Store, StoreError, StoredCertificate, certificates, claims, drops,
};
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use crate::{
    keyring::{Keyring, OpenError},
    settings::{PresetLogin, Settings, SettingsError, SettingsErrors, secret},
};

/// The pause between two attempts to open the store at the start.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The secrets that one transaction seals again.
const RESEAL_ROWS: u32 = 100;

/// A kind of secret. With its name it is the place of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// The password of a preset, by the preset's name.
    PresetPassword,
    /// The account at a certificate authority, by the URL of its directory.
    AcmeAccount,
    /// The private key of a certificate, by the certificate's name.
    CertificateKey,
    /// The secret in the link of a drop, by the drop's id.
    DropLink,
    /// The guest of an arrival, by the arrival's id.
    DropArrival,
    /// Name and path of a guest's file, by the file's id.
    DropFile,
}

impl SecretKind {
    /// Returns the name of the kind in the store. It never changes: it is part of what is sealed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PresetPassword => "preset_password",
            Self::AcmeAccount => "acme_account",
            Self::CertificateKey => certificates::PRIVATE_KEY,
            Self::DropLink => drops::LINK_SECRET,
            Self::DropArrival => claims::ARRIVAL_SECRET,
            Self::DropFile => claims::FILE_SECRET,
        }
    }
}

/// Why the store or a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealedStoreError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The keyring lacks keys of the store.
    #[error("the keyring lacks keys that values in the store need: {}. Add their lines to the file of \
             `keyring_file` again", ids(.0))]
    MissingKeys(Vec<String>),
    /// A preset takes its password from the store, which has none.
    #[error(
        "the preset `{0}`: the store has no password for it. Set one: ferryport preset set-password \
             {0}"
    )]
    NoPassword(String),
    /// The system has no random numbers.
    #[error("a secret cannot be sealed: the system has no random numbers")]
    NoRandomNumbers,
}

impl SealedStoreError {
    /// Returns whether another attempt may succeed without a change of the configuration.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            Self::Open(_) | Self::MissingKeys(_) | Self::NoPassword(_) => false,
            Self::NoRandomNumbers => true,
        }
    }
}

impl From<SealedStoreError> for SettingsError {
    fn from(error: SealedStoreError) -> Self {
        Self::Store { reason: error.to_string(), is_temporary: error.is_temporary() }
    }
}

impl From<ResealError<Self>> for SealedStoreError {
    fn from(error: ResealError<Self>) -> Self {
        match error {
            ResealError::Store(error) => error.into(),
            ResealError::Secret(error) => error,
        }
    }
}

/// A store whose secrets the portal can open. Clones share it.
#[derive(Clone, Debug)]
pub struct SealedStore {
    store: Store,
    keyring: Arc<Keyring>,
}

/// The longest time for which a supervisor waits to hear whether the store answers.
const STATE_LIMIT: Duration = Duration::from_secs(2);

/// Whether a store can be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// The store answers.
    pub answers: bool,
    /// No key is known to be missing.
    pub opens: bool,
}

impl Default for StoreState {
    /// The state of a portal without a store.
    fn default() -> Self {
        Self { answers: true, opens: true }
    }
}

impl SealedStore {
    /// Opens the store that the settings name; `None` where they name none. A store that cannot be
    /// reached is tried again for `store_timeout`.
    ///
    /// # Errors
    /// When keyring or store cannot be used, or the keyring lacks a key that the store needs.
    pub async fn open(settings: &Settings, opener: Opener) -> anyhow::Result<Option<Self>> {
        let Some(keyring) = load_keyring(settings)? else { return Ok(None) };
        let Some(address) = &settings.store else { return Ok(None) };
        let limit = settings.store_timeout;
        let end = Instant::now() + limit;
        let mut is_logged = false;
        let store = loop {
            match Store::open(address, opener, limit).await {
                Ok(store) => break store,
                Err(error) if error.is_temporary() && Instant::now() + RETRY_PAUSE < end => {
                    if !is_logged {
                        tracing::warn!(%error, "the store is tried again for a while");
                        is_logged = true;
                    }
                    sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(SealedStoreError::from(error).into()),
            }
        };
        let opened = Self { store, keyring: Arc::new(keyring) };
        opened.check_keys().await?;
        Ok(Some(opened))
    }

    /// Checks the keyring and the store that the settings name, and that they have what the presets need.
    /// Changes nothing, so it does no harm beside a portal of another version.
    ///
    /// # Errors
    /// All that cannot be used.
    pub async fn check(settings: &Settings) -> Result<(), SettingsErrors> {
        let mut errors = SettingsErrors::default();
        let keyring = errors.collect_all(load_keyring(settings)).flatten();
        let Some(address) = &settings.store else { return errors.into_result() };
        // The portal creates a file that is missing.
        let is_new = address.file().is_some_and(|file| !file.exists());
        let store = match is_new {
            true => None,
            false => {
                let opened = Store::open(address, Opener::Inspector, settings.store_timeout).await;
                let opened = opened.map_err(|error| SealedStoreError::from(error).into());
                let Some(store) = errors.collect(opened) else { return errors.into_result() };
                Some(store)
            }
        };
        let Some(keyring) = keyring else { return errors.into_result() };
        let found = match store {
            Some(store) => {
                Self { store, keyring: Arc::new(keyring) }.check_contents(settings).await
            }
            None => missing_passwords(settings),
        };
        errors.collect_all(found);
        errors.into_result()
    }

    /// Checks that the secrets open, and that no password is missing.
    async fn check_contents(&self, settings: &Settings) -> Result<(), SettingsErrors> {
        match self.store.has_tables().await {
            Ok(true) => {}
            Ok(false) => return missing_passwords(settings),
            Err(error) => return Err(SettingsError::from(SealedStoreError::from(error)).into()),
        }
        let mut errors = SettingsErrors::default();
        errors.collect(self.check_keys().await.map_err(SettingsError::from));
        let read = self.read_passwords(&mut settings.clone()).await;
        errors.collect(read.map_err(SettingsError::from));
        errors.into_result()
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the keyring.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Returns a secret, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read, or the secret does not open.
    pub async fn secret(
        &self,
        kind: SecretKind,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, SealedStoreError> {
        match self.store.secret(kind.name(), name).await? {
            Some(sealed) => Ok(Some(self.unsealed(kind, name, &sealed)?)),
            None => Ok(None),
        }
    }

    /// Stores a secret, in the place of an earlier one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put_secret(
        &self,
        kind: SecretKind,
        name: &str,
        value: &[u8],
    ) -> Result<(), SealedStoreError> {
        let sealed = self.sealed(kind.name(), name, value)?;
        Ok(self.store.put_secret(kind.name(), name, &sealed).await?)
    }

    /// Seals a value that the store gets as a part of something else.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(
        &self,
        kind: SecretKind,
        name: &str,
        value: &[u8],
    ) -> Result<Sealed, SealedStoreError> {
        self.sealed(kind.name(), name, value)
    }

    /// Opens a value that the store gave as a part of something else.
    ///
    /// # Errors
    /// When it does not open.
    pub fn unseal(
        &self,
        kind: SecretKind,
        name: &str,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, SealedStoreError> {
        self.unsealed(kind, name, sealed)
    }

    /// Returns a certificate with its chain and its private key, both in PEM form.
    ///
    /// # Errors
    /// When the store cannot be read, or the key does not open.
    pub async fn certificate(
        &self,
        name: &str,
    ) -> Result<Option<(String, Zeroizing<Vec<u8>>)>, SealedStoreError> {
        match self.store.certificate(name).await? {
            Some(StoredCertificate { chain, key }) => {
                Ok(Some((chain, self.unsealed(SecretKind::CertificateKey, name, &key)?)))
            }
            None => Ok(None),
        }
    }

    /// Stores a certificate with its chain and its private key.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put_certificate(
        &self,
        name: &str,
        chain: &str,
        key: &[u8],
    ) -> Result<(), SealedStoreError> {
        let key = self.sealed(SecretKind::CertificateKey.name(), name, key)?;
        let certificate = StoredCertificate { chain: chain.to_owned(), key };
        Ok(self.store.put_certificate(name, &certificate).await?)
    }

    /// Seals all secrets with the first key of the keyring, some in each transaction; returns how many
    /// had another key. A second call finds none.
    ///
    /// # Errors
    /// When the store cannot be written, or a secret does not open.
    pub async fn reseal_all(&self) -> Result<usize, SealedStoreError> {
        let mut resealed = 0;
        loop {
            let done = self.store.reseal(self.keyring.sealing_id(), RESEAL_ROWS, |row| {
                let value = self.keyring.open(&place(&row.kind, &row.name), &row.sealed)?;
                self.sealed(&row.kind, &row.name, &value)
            });
            match done.await? {
                0 => return Ok(resealed),
                rows => resealed += rows,
            }
        }
    }

    /// Reads the passwords that presets take from the store.
    ///
    /// # Errors
    /// When the store has none for a preset, or it does not open.
    pub async fn read_passwords(&self, settings: &mut Settings) -> Result<(), SealedStoreError> {
        for preset in &mut settings.presets {
            let PresetLogin::PortalFromStore { username } = &preset.login else { continue };
            let stored = self.secret(SecretKind::PresetPassword, &preset.name).await?;
            let no_password = || SealedStoreError::NoPassword(preset.name.clone());
            let stored = stored.ok_or_else(no_password)?;
            let text = std::str::from_utf8(&stored).map_err(|_| no_password())?;
            let password = secret(text).map_err(|_| no_password())?;
            let username = username.clone();
            preset.login = PresetLogin::Portal(ftps::Credentials { username, password });
        }
        Ok(())
    }

    /// Returns whether the store answers, and whether the keyring has all keys that it needs.
    pub async fn state(&self) -> StoreState {
        match timeout(STATE_LIMIT, self.check_keys()).await {
            Ok(Ok(())) => StoreState::default(),
            Ok(Err(SealedStoreError::MissingKeys(_))) => StoreState { answers: true, opens: false },
            Ok(Err(_)) | Err(_) => StoreState { answers: false, opens: true },
        }
    }

    async fn check_keys(&self) -> Result<(), SealedStoreError> {
        let needed = self.store.secret_keys().await?.into_iter().map(|(id, _)| id);
        let missing: Vec<String> =
            needed.filter(|id| self.keyring.ids().all(|known| known != id)).collect();
        if missing.is_empty() { Ok(()) } else { Err(SealedStoreError::MissingKeys(missing)) }
    }

    fn sealed(&self, kind: &str, name: &str, value: &[u8]) -> Result<Sealed, SealedStoreError> {
        let sealed = self.keyring.seal(&place(kind, name), value);
        sealed.map_err(|_| SealedStoreError::NoRandomNumbers)
    }

    fn unsealed(
        &self,
        kind: SecretKind,
        name: &str,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, SealedStoreError> {
        Ok(self.keyring.open(&place(kind.name(), name), sealed)?)
    }
}

/// Returns an error for each preset that takes its password from a store that has none yet.
fn missing_passwords(settings: &Settings) -> Result<(), SettingsErrors> {
    let mut errors = SettingsErrors::default();
    for preset in &settings.presets {
        if matches!(preset.login, PresetLogin::PortalFromStore { .. }) {
            let error = SettingsError::from(SealedStoreError::NoPassword(preset.name.clone()));
            errors.collect::<()>(Err(error));
        }
    }
    errors.into_result()
}

/// Loads the keyring that the settings name; `None` where they name none.
///
/// # Errors
/// When it cannot be used.
pub fn load_keyring(settings: &Settings) -> Result<Option<Keyring>, SettingsErrors> {
    let keyring = settings.keyring_file.as_deref().map(Keyring::load);
    keyring.transpose().map_err(SettingsErrors::from)
}

/// Returns the place of a secret: table, column and row. It is part of what is sealed, so that no secret
/// can be moved to another place.
fn place(kind: &str, name: &str) -> String {
    format!("secrets/ciphertext/{kind}/{name}")
}

fn ids(ids: &[String]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
