//! HTTPS by the portal itself: the certificate, its renewal, the handshake.

use std::{
    fmt, io, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    sync::watch,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, server::TlsStream};
use zeroize::Zeroizing;

use super::listener::Connection;
use crate::{
    acme::{
        Acme,
        certificate::{Issued, Validity},
        challenges::asked_domain,
    },
    locking::lock,
    metrics::Metrics,
    pem,
    settings::{
        Settings, SettingsError,
        file::{read, unusable_file},
    },
};

/// The only protocol that is offered: the WebSocket needs HTTP/1.1, and a browser would choose HTTP/2.
const ALPN: &[u8] = b"http/1.1";

/// The size of the read buffer in bytes: about a TLS record (RFC 8446 §5.1). rustls alone reads 4 KiB at
/// a time.
const READ_BYTES: usize = 16 * 1024;

/// The setting that names the certificate's file.
const CERTIFICATE: &str = "tls_certificate_file";

/// The setting that names the key's file.
const KEY: &str = "tls_key_file";

/// The first byte of a TLS connection: a record of the type `handshake` (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// The portal's TLS server.
pub struct PageTls {
    acceptor: TlsAcceptor,
    source: Source,
}

/// Where the certificate comes from.
#[derive(Debug)]
enum Source {
    /// From files, which are read again.
    Files(FileSource),
    /// From a certificate authority, by the portal itself.
    Authority(Arc<Acme>),
}

/// A certificate from files.
#[derive(Debug)]
struct FileSource {
    certificate: Arc<CurrentCertificate>,
    files: Files,
    /// The digest of the files at the start.
    digest: ContentsDigest,
}

/// An accepted connection.
pub(super) enum Accepted {
    /// HTTPS, after the handshake.
    Tls(Box<TlsStream<BufReader<Connection>>>),
    /// Not TLS, probably plain HTTP.
    Plain(Connection),
    /// A certificate authority's question, which the handshake has answered (RFC 8737 §3).
    Challenge,
}

/// The certificate of a certificate authority. Until there is one, handshakes fail: a certificate that
/// nobody vouches for would teach users to accept warnings, and some would type their password.
#[derive(Debug)]
struct IssuedCertificate(watch::Receiver<Option<Issued>>);

impl ResolvesServerCert for IssuedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.borrow().as_ref().map(|issued| Arc::clone(&issued.certified))
    }
}

/// The certificate that browsers see, which can be replaced.
#[derive(Debug)]
struct CurrentCertificate(Mutex<Arc<CertifiedKey>>);

/// The files of certificate and key.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    /// `None` where the key is in the certificate's file.
    key: Option<PathBuf>,
}

/// The contents of the files.
struct Contents {
    certificate: Zeroizing<Vec<u8>>,
    key: Option<Zeroizing<Vec<u8>>>,
}

/// The SHA-256 of the contents. File dates are too coarse to detect every change.
type ContentsDigest = [u8; 32];

impl PageTls {
    /// Loads the certificate that the settings name, or takes that of `acme`; `None` where there is
    /// neither.
    ///
    /// # Errors
    /// When a file cannot be read or used, with the setting that names it.
    pub fn load(
        settings: &Settings,
        acme: Option<Arc<Acme>>,
    ) -> Result<Option<Self>, SettingsError> {
        if let Some(acme) = acme {
            let certificate = Arc::new(IssuedCertificate(acme.current()));
            let config =
                config(certificate).map_err(|error| SettingsError::Internal(error.to_string()))?;
            let acceptor = TlsAcceptor::from(Arc::new(config));
            return Ok(Some(Self { acceptor, source: Source::Authority(acme) }));
        }
        let Some(files) = Files::named_by(settings)? else { return Ok(None) };
        let contents = files.read()?;
        let certificate = Arc::new(CurrentCertificate::new(files.certified(&contents)?));
        let config = config(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>)
            .map_err(|error| unusable_file(CERTIFICATE, &files.certificate, error.to_string()))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let source = FileSource { certificate, files, digest: contents.digest() };
        Ok(Some(Self { acceptor, source: Source::Files(source) }))
    }

    /// Keeps the certificate up to date; never completes. Files are checked at an interval.
    pub(super) async fn renew(&self, every: Duration, metrics: &Metrics) {
        match &self.source {
            Source::Files(source) => source.renew(every, metrics).await,
            Source::Authority(acme) => acme.run(metrics).await,
        }
    }

    /// Performs the TLS handshake with a browser or a certificate authority, or detects that the client
    /// does not speak TLS.
    ///
    /// # Errors
    /// When the handshake fails or takes longer than `limit`.
    pub(super) async fn accept(&self, stream: Connection, limit: Duration) -> io::Result<Accepted> {
        let accepted = async {
            let mut first = [0];
            if stream.get_ref().peek(&mut first).await? == 1 && first != [HANDSHAKE] {
                return Ok(Accepted::Plain(stream));
            }
            let stream = BufReader::with_capacity(READ_BYTES, stream);
            let acme = match &self.source {
                Source::Files(_) => {
                    return Ok(Accepted::Tls(Box::new(self.acceptor.accept(stream).await?)));
                }
                Source::Authority(acme) => acme,
            };
            let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
            let Some(domain) = asked_domain(&start.client_hello()) else {
                let config = Arc::clone(self.acceptor.config());
                return Ok(Accepted::Tls(Box::new(start.into_stream(config).await?)));
            };
            let config = acme.challenges().tls_config(&domain).await;
            let config = config.ok_or_else(|| io::Error::other("no order has this challenge"))?;
            start.into_stream(config).await?.shutdown().await?;
            Ok(Accepted::Challenge)
        };
        timeout(limit, accepted).await?
    }
}

impl FileSource {
    /// Checks at an interval whether the files have changed; never completes. An unusable file is logged
    /// once, and the certificate stays in use.
    async fn renew(&self, every: Duration, metrics: &Metrics) {
        let mut last = Some(self.digest);
        self.certificate.show_expiry(metrics);
        loop {
            sleep(every).await;
            let files = self.files.clone();
            let Ok(contents) = spawn_blocking(move || files.read()).await else { continue };
            let digest = contents.as_ref().ok().map(Contents::digest);
            if mem::replace(&mut last, digest) == digest {
                continue;
            }
            match contents.and_then(|contents| self.files.certified(&contents)) {
                Ok(certified) => {
                    self.certificate.replace(certified);
                    self.certificate.show_expiry(metrics);
                    tracing::info!("a new certificate is in use");
                }
                Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
            }
        }
    }
}

impl fmt::Debug for PageTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageTls").field("source", &self.source).finish_non_exhaustive()
    }
}

impl CurrentCertificate {
    fn new(certified: CertifiedKey) -> Self {
        Self(Mutex::new(Arc::new(certified)))
    }

    fn replace(&self, certified: CertifiedKey) {
        *lock(&self.0) = Arc::new(certified);
    }

    /// Shows its end in the figures. One whose dates cannot be read is not shown.
    fn show_expiry(&self, metrics: &Metrics) {
        let certified = Arc::clone(&lock(&self.0));
        if let Some(Ok(validity)) = certified.cert.first().map(Validity::of) {
            metrics.set_certificate_expiry(validity.end);
        }
    }
}

impl ResolvesServerCert for CurrentCertificate {
    /// Returns the one certificate, whatever name the browser requests.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&lock(&self.0)))
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
        let read =
            |name, path: &Path| read(path).map_err(|reason| unusable_file(name, path, reason));
        Ok(Contents {
            certificate: read(CERTIFICATE, &self.certificate)?,
            key: self.key.as_deref().map(|path| read(KEY, path)).transpose()?,
        })
    }

    /// Parses the certificate with its chain, and its key.
    fn certified(&self, contents: &Contents) -> Result<CertifiedKey, SettingsError> {
        let bad_key = |reason: &str| {
            let (name, path) = match &self.key {
                Some(path) => (KEY, path),
                None => (CERTIFICATE, &self.certificate),
            };
            unusable_file(name, path, reason.to_owned())
        };
        let chain = pem::certificates(&contents.certificate)
            .map_err(|reason| unusable_file(CERTIFICATE, &self.certificate, reason))?;
        let key = contents.key.as_ref().unwrap_or(&contents.certificate);
        let key = pem::private_key(key).map_err(|reason| bad_key(&reason))?;
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

fn config(certificate: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Session tickets: the browser keeps the state, the portal none.
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
        PageTls::load(&Settings::from_sources(&sources).unwrap(), None)
    }

    #[test]
    fn unusable_file_is_named_with_its_setting() {
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
