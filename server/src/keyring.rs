//! The keys that seal what is secret in the store.
//!
//! The keyring is a file with one key a line: an id, a space, and 32 bytes in base64 (RFC 4648 §4). Empty
//! lines and lines that begin with `#` are skipped. The first key seals, all of them open: a new key goes
//! to the top, `ferryport keys rotate` seals everything again, and the old one can be removed.
//!
//! Keys are not used themselves: for each [`Purpose`] there is a sub-key by HKDF-SHA-256 (RFC 5869).
//! Sealing is AES-256-GCM-SIV (RFC 8452), which stays safe if a nonce repeats. The place of a value in
//! the store is the additional data, so that a value that was moved to another place does not open.

use std::{
    env, fmt, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, Salt},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use store::Sealed;
use zeroize::Zeroizing;

use crate::settings::{
    SettingsError,
    file::{read, unusable_file},
};

/// The setting that names the file.
pub const SETTING: &str = "keyring_file";

/// The length of a key in bytes.
const KEY_LEN: usize = 32;

/// The longest id in bytes.
const MAX_ID: usize = 64;

/// What only the file's owner may have: its other bits have to be 0.
const FORBIDDEN_MODE: u32 = 0o177;

/// What a sub-key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Sealing values in the store.
    AtRest,
    /// Signing receipts.
    Receipt,
}

impl Purpose {
    /// Returns the `info` of HKDF (RFC 5869 §2.3). It never changes: what is sealed depends on it.
    fn info(self) -> &'static [u8] {
        match self {
            Self::AtRest => b"ferryport at-rest",
            Self::Receipt => b"ferryport receipt",
        }
    }
}

/// The bytes of a key or sub-key, overwritten on drop.
pub type KeyBytes = Zeroizing<[u8; KEY_LEN]>;

/// The keys of an operator: at least one, each with an id of its own.
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
}

struct Key {
    id: String,
    bytes: KeyBytes,
}

/// Shows the ids only.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.ids().collect::<Vec<_>>()).finish()
    }
}

/// Why a sealed value does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The keyring lacks its key.
    #[error("the keyring has no key `{0}`: add its line to the file of `keyring_file` again")]
    NoSuchKey(String),
    /// The value was changed or moved, or another key has the id of its key.
    #[error(
        "the key `{0}` does not open a value of the store: it is not the key that sealed it, or the \
             value was changed. Restore the keyring or the store from a backup"
    )]
    DoesNotFit(String),
}

impl Keyring {
    /// Reads the file of the setting `keyring_file`.
    ///
    /// # Errors
    /// When others than its owner may read it, or it is no keyring.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let unusable = |reason| unusable_file(SETTING, path, reason);
        let bytes = read(path).map_err(unusable)?;
        check_mode(path).map_err(unusable)?;
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| unusable("its content is not UTF-8".to_owned()))?;
        Self::parse(text).map_err(unusable)
    }

    /// Parses the text of a keyring.
    ///
    /// # Errors
    /// A sentence about the line that is wrong; it shows no key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = Key::parse(line).map_err(|what| format!("line {}: {what}", number + 1))?;
            if keys.iter().any(|earlier| earlier.id == key.id) {
                return Err(format!("line {}: another key has the id `{}`", number + 1, key.id));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        match keys.next() {
            Some(first) => Ok(Self { first, others: keys.collect() }),
            None => Err("it holds no key: `ferryport keys new` makes one".to_owned()),
        }
    }

    /// Returns the ids of the keys; the first one seals.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys().map(|key| key.id.as_str())
    }

    /// Returns the id of the key that seals.
    #[must_use]
    pub fn sealing_id(&self) -> &str {
        &self.first.id
    }

    /// Returns the sub-key of the key that seals.
    #[must_use]
    pub fn sub_key(&self, purpose: Purpose) -> KeyBytes {
        self.first.sub_key(purpose)
    }

    /// Returns the sub-keys of all keys, each with the id of its key. The first one is that of the key that
    /// seals.
    pub fn sub_keys(&self, purpose: Purpose) -> impl Iterator<Item = (&str, KeyBytes)> {
        self.keys().map(move |key| (key.id.as_str(), key.sub_key(purpose)))
    }

    /// Seals a value for its place in the store.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(&self, place: &str, value: &[u8]) -> Result<Sealed, aws_lc_rs::error::Unspecified> {
        let mut sealed = Zeroizing::new(value.to_vec());
        let aad = Aad::from(place.as_bytes());
        let nonce = self.first.cipher()?.seal_in_place_append_tag(aad, &mut *sealed)?;
        let ciphertext = [nonce.as_ref().as_slice(), sealed.as_slice()].concat();
        Ok(Sealed { key_id: self.first.id.clone(), ciphertext })
    }

    /// Opens a value that was sealed for this place.
    ///
    /// # Errors
    /// When the key is missing, or does not fit.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let key = self.keys().find(|key| key.id == sealed.key_id);
        let key = key.ok_or_else(|| OpenError::NoSuchKey(sealed.key_id.clone()))?;
        key.open(place, &sealed.ciphertext).ok_or_else(|| OpenError::DoesNotFit(key.id.clone()))
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Key {
    fn parse(line: &str) -> Result<Self, String> {
        let (id, encoded) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if id.len() > MAX_ID || !id.bytes().all(is_part) || encoded.is_empty() {
            return Err(
                "an id of letters, digits, `-`, `_` and `.`, a space and a key in base64 are \
                        needed"
                    .to_owned(),
            );
        }
        let decoded = STANDARD.decode(encoded.trim()).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| format!("the key `{id}` is not base64"))?;
        let mut bytes = KeyBytes::default();
        if decoded.len() != KEY_LEN {
            return Err(format!(
                "the key `{id}` has {} bytes in place of {KEY_LEN}",
                decoded.len()
            ));
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self { id: id.to_owned(), bytes })
    }

    fn sub_key(&self, purpose: Purpose) -> KeyBytes {
        let mut bytes = KeyBytes::default();
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(&*self.bytes);
        // The length is that of the digest, for which HKDF cannot fail (RFC 5869 §2.3).
        let _cannot_fail = extracted
            .expand(&[purpose.info()], HKDF_SHA256)
            .and_then(|expanded| expanded.fill(&mut *bytes));
        bytes
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, aws_lc_rs::error::Unspecified> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, &*self.sub_key(Purpose::AtRest))
    }

    fn open(&self, place: &str, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = ciphertext.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(place.as_bytes());
        let opened = self.cipher().ok()?.open_in_place(nonce, aad, &mut buffer).ok()?;
        let len = opened.len();
        buffer.truncate(len);
        Some(buffer)
    }
}

/// Returns the line of a new key.
///
/// # Errors
/// When the id cannot be one, or the system has no random numbers.
pub fn new_line(id: &str) -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = KeyBytes::default();
    getrandom::fill(&mut *bytes)?;
    let line = Zeroizing::new(format!("{id} {}", *Zeroizing::new(STANDARD.encode(*bytes))));
    Keyring::parse(&line).map_err(anyhow::Error::msg)?;
    Ok(line)
}

/// Refuses a file that others can read. systemd gives credentials to a service's user by an access
/// list, which the mode shows as rights of the group; nobody else can reach their directory.
fn check_mode(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let is_credential = credentials.is_some_and(|folder| path.starts_with(folder));
    if is_credential || mode & FORBIDDEN_MODE == 0 {
        return Ok(());
    }
    Err(format!(
        "others than its owner may read it (mode {mode:04o}): type `chmod 600 {}`",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &str = "secrets/ciphertext/preset_password/acme";

    fn keyring(ids: &[&str]) -> Keyring {
        let byte = |id: &str| STANDARD.encode([id.as_bytes()[0]; KEY_LEN]);
        let lines: Vec<String> = ids.iter().map(|id| format!("{id} {}", byte(id))).collect();
        Keyring::parse(&lines.join("\n")).unwrap()
    }

    #[test]
    fn the_first_key_seals_and_all_keys_open() {
        let old = keyring(&["a"]);
        let sealed = old.seal(PLACE, b"sesame").unwrap();
        let both = keyring(&["b", "a"]);
        assert_eq!(both.open(PLACE, &sealed).unwrap().as_slice(), b"sesame");
        let again = both.seal(PLACE, b"sesame").unwrap();
        assert_eq!((again.key_id.as_str(), both.sealing_id()), ("b", "b"));
        assert_eq!(old.open(PLACE, &again), Err(OpenError::NoSuchKey("b".to_owned())));
    }

    #[test]
    fn a_value_that_was_moved_or_changed_does_not_open() {
        let keyring = keyring(&["a"]);
        let sealed = keyring.seal(PLACE, b"sesame").unwrap();
        let refused = Err(OpenError::DoesNotFit("a".to_owned()));
        assert_eq!(keyring.open("secrets/ciphertext/preset_password/other", &sealed), refused);
        for position in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[position] ^= 1;
            assert_eq!(keyring.open(PLACE, &changed), refused, "{position}");
        }
        let mut short = sealed;
        short.ciphertext.truncate(NONCE_LEN - 1);
        assert_eq!(keyring.open(PLACE, &short), refused);
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time_and_does_not_show() {
        let keyring = keyring(&["a"]);
        let [one, two] = [(); 2].map(|()| keyring.seal(PLACE, b"sesame").unwrap().ciphertext);
        assert_ne!(one, two);
        assert!(!one.windows(6).any(|window| window == b"sesame"));
    }

    #[test]
    fn sub_keys_differ_by_key_and_are_not_the_key() {
        let sub_keys = ["a", "b"].map(|id| {
            let keyring = keyring(&[id]);
            let sub_key = keyring.sub_key(Purpose::AtRest);
            assert!(sub_key != keyring.first.bytes && *sub_key != [0; KEY_LEN]);
            sub_key
        });
        assert_ne!(sub_keys[0], sub_keys[1]);
    }

    #[test]
    fn errors_name_the_line_and_no_key() {
        let good = STANDARD.encode([7; KEY_LEN]);
        let short = STANDARD.encode([7; 16]);
        let cases = [
            (String::new(), "holds no key"),
            ("# nothing\n\n".to_owned(), "holds no key"),
            (format!("a {good}\na {good}"), "line 2: another key has the id `a`"),
            (format!("# the key\na {short}"), "line 2: the key `a` has 16 bytes"),
            ("a b!".to_owned(), "line 1: the key `a` is not base64"),
            (good.clone(), "line 1: an id of letters"),
        ];
        for (text, expected) in cases {
            let error = Keyring::parse(&text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains(&good) && !error.contains(&short), "{error}");
        }
    }

    #[test]
    fn debug_shows_ids_only() {
        assert_eq!(format!("{:?}", keyring(&["a", "b"])), r#"Keyring(["a", "b"])"#);
    }

    #[test]
    fn a_keyring_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring");
        fs::write(&path, &*new_line("2026").unwrap()).unwrap();
        for (mode, is_refused) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let loaded = Keyring::load(&path);
            assert_eq!(loaded.is_err(), is_refused, "{mode:o}");
            if let Err(error) = loaded {
                let error = error.to_string();
                assert!(error.contains("`keyring_file`") && error.contains("chmod 600"), "{error}");
            }
        }
    }
}
