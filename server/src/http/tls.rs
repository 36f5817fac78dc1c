//! HTTPS by the portal itself: the certificate, its renewal, the handshake.

use std::{
    fmt, io, mem,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::BufReader,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use zeroize::Zeroizing;

use super::listener::Connection;
use crate::settings::{
    Settings, SettingsError,
    file::{read, unfit},
};

/// A WebSocket needs HTTP/1.1 here, and a browser that is offered more would take it.
const ALPN: &[u8] = b"http/1.1";

/// What is read from the network at a time, in bytes: about a record (RFC 8446 §5.1). By itself the
/// library asks the kernel for 4 KiB at a time.
const READ_BYTES: usize = 16 * 1024;

/// The setting of the certificate's file.
const CERTIFICATE: &str = "tls_certificate_file";

/// The setting of the key's file.
const KEY: &str = "tls_key_file";

/// The first byte of a TLS connection: a record of the type `handshake` (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// The portal's side of HTTPS.
pub struct PageTls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    files: Files,
    /// Of what the files held at the start.
    digest: ContentsDigest,
}

/// What a connection turned out to be.
pub(super) enum Accepted {
    /// HTTPS, its handshake done.
    Tls(Box<TlsStream<BufReader<Connection>>>),
    /// Something else, plain HTTP most likely.
    Plain(Connection),
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

/// Where certificate and key are.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    /// Nothing where it is in the certificate's file.
    key: Option<PathBuf>,
}

/// What is in the files.
struct Contents {
    certificate: Zeroizing<Vec<u8>>,
    key: Option<Zeroizing<Vec<u8>>>,
}

/// SHA-256 of all that the files hold: by their dates, two changes could look like one.
type ContentsDigest = [u8; 32];

impl PageTls {
    /// What the settings ask for: nothing where they name no certificate.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, with the setting that names it.
    pub fn load(settings: &Settings) -> Result<Option<Self>, SettingsError> {
        let Some(files) = Files::named_by(settings)? else { return Ok(None) };
        let contents = files.read()?;
        let shown = Arc::new(Shown::new(files.certified(&contents)?));
        let config = config(Arc::clone(&shown))
            .map_err(|error| unfit(CERTIFICATE, &files.certificate, error.to_string()))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Some(Self { acceptor, shown, files, digest: contents.digest() }))
    }

    /// Looks every now and then whether the files have changed, for as long as it is polled. What
    /// is of no use is warned of once, and the certificate from before stays.
    pub(super) async fn renew(&self, every: Duration) {
        let mut seen = Some(self.digest);
        loop {
            sleep(every).await;
            let files = self.files.clone();
            let Ok(contents) = spawn_blocking(move || files.read()).await else { continue };
            let digest = contents.as_ref().ok().map(Contents::digest);
            if mem::replace(&mut seen, digest) == digest {
                continue;
            }
            match contents.and_then(|contents| self.files.certified(&contents)) {
                Ok(certified) => {
                    self.shown.show(certified);
                    tracing::info!("browsers are shown a new certificate");
                }
                Err(error) => tracing::warn!(%error, "browsers are shown the old certificate"),
            }
        }
    }

    /// Shakes hands with a browser, or finds out that it does not speak TLS.
    ///
    /// # Errors
    /// When the browser breaks off, or takes longer than `limit`.
    pub(super) async fn accept(&self, stream: Connection, limit: Duration) -> io::Result<Accepted> {
        let accepted = async {
            let mut first = [0];
            if stream.get_ref().peek(&mut first).await? == 1 && first != [HANDSHAKE] {
                return Ok(Accepted::Plain(stream));
            }
            let stream = BufReader::with_capacity(READ_BYTES, stream);
            let tls = self.acceptor.accept(stream).await?;
            Ok(Accepted::Tls(Box::new(tls)))
        };
        timeout(limit, accepted).await?
    }
}

impl fmt::Debug for PageTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageTls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Shown {
    fn new(certified: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(certified)))
    }

    fn show(&self, certified: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
    }
}

impl ResolvesServerCert for Shown {
    /// The one certificate there is, whatever name the browser asks for.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Files {
    fn named_by(settings: &Settings) -> Result<Option<Self>, SettingsError> {
        match (settings.tls_certificate_file.clone(), settings.tls_key_file.clone()) {
            (Some(certificate), key) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(SettingsError::Contradiction(format!(
                "`{KEY}` is of no use without `{CERTIFICATE}`"
            ))),
        }
    }

    fn read(&self) -> Result<Contents, SettingsError> {
        let read = |name, path: &Path| read(path).map_err(|reason| unfit(name, path, reason));
        Ok(Contents {
            certificate: read(CERTIFICATE, &self.certificate)?,
            key: self.key.as_deref().map(|path| read(KEY, path)).transpose()?,
        })
    }

    /// The certificate with its chain, and the key that it is for.
    fn certified(&self, contents: &Contents) -> Result<CertifiedKey, SettingsError> {
        let bad_key = |reason: &str| {
            let (name, path) = match &self.key {
                Some(path) => (KEY, path),
                None => (CERTIFICATE, &self.certificate),
            };
            unfit(name, path, reason.to_owned())
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&contents.certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
            let reason = "it holds no certificate in PEM form".to_owned();
            unfit(CERTIFICATE, &self.certificate, reason)
        })?;
        let key = contents.key.as_ref().unwrap_or(&contents.certificate);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            bad_key("it holds no private key in PEM form that is readable without a password")
        })?;
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| {
            bad_key(&format!("the private key cannot be used with the certificate: {error}"))
        })
    }
}

impl Contents {
    fn digest(&self) -> ContentsDigest {
        let mut hasher = Sha256::new_with_prefix(&self.certificate);
        if let Some(key) = &self.key {
            hasher.update(key);
        }
        hasher.finalize().into()
    }
}

fn config(shown: Arc<Shown>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A browser that comes back brings its session along: nothing of it is kept here.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::Sources;

    /// A certificate and its key.
    fn pem() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["portal".to_owned()]).unwrap();
        (certificate.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn load(pairs: &[(&'static str, &Path)]) -> Result<Option<PageTls>, SettingsError> {
        let mut sources = Sources::default();
        for (name, path) in pairs {
            sources.flag(name, path.to_str().unwrap().to_owned());
        }
        PageTls::load(&Settings::from_sources(&sources).unwrap())
    }

    #[test]
    fn file_that_is_of_no_use_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key, other] =
            ["certificate.pem", "key.pem", "other.pem"].map(|name| folder.path().join(name));
        let (certificate_pem, key_pem) = pem();
        fs::write(&certificate, certificate_pem).unwrap();
        fs::write(&key, key_pem).unwrap();
        fs::write(&other, pem().1).unwrap();
        let said = |pairs: &[(&'static str, &Path)]| load(pairs).unwrap_err().to_string();

        let missing = said(&[(CERTIFICATE, Path::new("/no/such/file"))]);
        assert!(missing.contains("`tls_certificate_file`: /no/such/file: it cannot be read"));
        let no_certificate = said(&[(CERTIFICATE, &key)]);
        assert!(no_certificate.contains("it holds no certificate"), "{no_certificate}");
        let no_key = said(&[(CERTIFICATE, &certificate)]);
        assert!(no_key.contains("`tls_certificate_file`"), "{no_key}");
        assert!(no_key.contains("it holds no private key"), "{no_key}");
        let wrong_key = said(&[(CERTIFICATE, &certificate), (KEY, &other)]);
        assert!(wrong_key.contains("`tls_key_file`"), "{wrong_key}");
        assert!(wrong_key.contains("cannot be used with the certificate"), "{wrong_key}");
        let alone = said(&[(KEY, &key)]);
        assert!(alone.contains("`tls_key_file` is of no use without"), "{alone}");
    }

    #[test]
    fn key_may_be_in_a_file_of_its_own_or_in_the_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let [both, certificate, key] =
            ["both", "certificate", "key"].map(|name| folder.path().join(name));
        let (certificate_pem, key_pem) = pem();
        fs::write(&both, format!("{key_pem}{certificate_pem}")).unwrap();
        fs::write(&certificate, certificate_pem).unwrap();
        fs::write(&key, key_pem).unwrap();
        assert!(load(&[(CERTIFICATE, &both)]).unwrap().is_some());
        assert!(load(&[(CERTIFICATE, &certificate), (KEY, &key)]).unwrap().is_some());
        assert!(load(&[]).unwrap().is_none());
    }
}
