//! Where account and certificate are kept: in the store, or in the directory `acme_dir`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::certificate::Issued;
use crate::sealed_store::{SealedStore, SealedStoreError, SecretKind};

/// Only the portal's user may use the directory and read its files.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What the group and others may do.
const OTHERS: u32 = 0o077;

/// Where account and certificate are kept.
#[derive(Clone, Debug)]
pub(super) enum Storage {
    Store(SealedStore),
    Directory(PathBuf),
}

/// Why something cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    #[error(transparent)]
    Store(#[from] SealedStoreError),
    #[error("{}: {source}. The portal's user has to be able to write the directory `acme_dir`", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the certificate that is kept cannot be used: {0}")]
    Certificate(String),
}

impl Storage {
    /// Returns the storage of a directory, which is created if it is missing, and written once.
    pub(super) fn directory(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path)?;
        }
        let mode = fs::metadata(path)?.permissions().mode() & OTHERS;
        if mode != 0 {
            let reason = "others than the portal's user can use the directory: `chmod 700` it";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        let probe = path.join(".probe");
        replace(&probe, b"")?;
        fs::remove_file(probe)?;
        Ok(Self::Directory(path.to_owned()))
    }

    /// Returns the account at an authority, if there is one.
    pub(super) async fn account(
        &self,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        match self {
            Self::Store(store) => Ok(store.secret(SecretKind::AcmeAccount, name).await?),
            Self::Directory(folder) => read(&account_file(folder, name)),
        }
    }

    pub(super) async fn put_account(&self, name: &str, value: &[u8]) -> Result<(), StorageError> {
        match self {
            Self::Store(store) => {
                Ok(store.put_secret(SecretKind::AcmeAccount, name, value).await?)
            }
            Self::Directory(folder) => write(&account_file(folder, name), value),
        }
    }

    /// Removes the account, which the authority does not know.
    pub(super) async fn remove_account(&self, name: &str) -> Result<(), StorageError> {
        match self {
            Self::Store(store) => {
                let kind = SecretKind::AcmeAccount.name();
                store.store().remove_secret(kind, name).await.map_err(SealedStoreError::from)?;
                Ok(())
            }
            Self::Directory(folder) => {
                let path = account_file(folder, name);
                fs::remove_file(&path).map_err(|source| StorageError::File { path, source })
            }
        }
    }

    /// Returns the certificate, if there is one.
    pub(super) async fn certificate(&self, name: &str) -> Result<Option<Issued>, StorageError> {
        let found = match self {
            Self::Store(store) => store.certificate(name).await?,
            Self::Directory(folder) => read(&certificate_file(folder, name))?
                .map(|both| (String::from_utf8_lossy(&both).into_owned(), both)),
        };
        let parsed = found.map(|(chain, key)| Issued::parse(&chain, &key)).transpose();
        parsed.map_err(StorageError::Certificate)
    }

    /// Keeps a certificate with its chain and its private key, both in PEM form.
    pub(super) async fn put_certificate(
        &self,
        name: &str,
        chain: &str,
        key: &str,
    ) -> Result<(), StorageError> {
        match self {
            Self::Store(store) => Ok(store.put_certificate(name, chain, key.as_bytes()).await?),
            Self::Directory(folder) => {
                let both = Zeroizing::new(format!("{key}{chain}"));
                write(&certificate_file(folder, name), both.as_bytes())
            }
        }
    }
}

fn account_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("account-{}.json", short_digest(name)))
}

fn certificate_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("certificate-{}.pem", short_digest(name)))
}

/// Returns the first half of a name's SHA-256 in hexadecimal digits: a name has characters that file
/// names may not have.
fn short_digest(name: &str) -> String {
    Sha256::digest(name)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StorageError::File { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    replace(path, bytes).map_err(|source| StorageError::File { path: path.to_owned(), source })
}

/// Replaces a file in one step: after a crash it has either the old content or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // One that a crash has left could have another mode.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(FILE_MODE).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The name is on the disk when the directory is.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn directory_and_files_are_for_the_portals_user_only_and_keep_what_was_put() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("acme");
        let storage = Storage::directory(&folder).unwrap();
        assert_eq!(storage.account("https://ca/directory").await.unwrap(), None);
        storage.put_account("https://ca/directory", b"account").await.unwrap();
        let account = storage.account("https://ca/directory").await.unwrap().unwrap();
        assert_eq!(account.as_slice(), b"account");
        assert_eq!(storage.account("https://other/directory").await.unwrap(), None);

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<PathBuf> =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(mode(&files[0]), 0o600);
        storage.remove_account("https://ca/directory").await.unwrap();
        assert_eq!(storage.account("https://ca/directory").await.unwrap(), None);
    }

    #[test]
    fn directory_that_others_can_use_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o750)).unwrap();
        let error = Storage::directory(temporary.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }

    #[tokio::test]
    async fn a_certificate_that_is_kept_is_read_again_with_its_validity() {
        let temporary = tempfile::tempdir().unwrap();
        let storage = Storage::directory(&temporary.path().join("acme")).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(["portal.example.org".to_owned()]).unwrap();
        let chain = parameters.self_signed(&key).unwrap().pem();
        storage.put_certificate("name", &chain, &key.serialize_pem()).await.unwrap();
        let issued = storage.certificate("name").await.unwrap().unwrap();
        assert!(issued.validity.length().as_secs() > 0 && issued.leaf().is_some());
        assert!(storage.certificate("other").await.unwrap().is_none());
        let other = rcgen::KeyPair::generate().unwrap();
        storage.put_certificate("name", &chain, &other.serialize_pem()).await.unwrap();
        let error = storage.certificate("name").await.unwrap_err().to_string();
        assert!(error.contains("does not fit"), "{error}");
    }
}
