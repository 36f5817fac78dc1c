//! Certificate authorities, pinned certificates, the client certificate and the proxy of all connections
//! to FTPS servers.

mod problems;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use ftps::{ClientIdentity, Fingerprint, Proxy};
use rustls::RootCertStore;

use crate::{
    host::Host,
    lookup::{LookupSlot, Lookups},
    pem,
    settings::{
        PinnedCertificate, Preset, ProxyUrl, Settings, SettingsError,
        file::{read, unusable_file},
    },
};

/// The parts that all connections to FTPS servers share. The files are read at the start and at a reload.
#[derive(Clone, Debug)]
pub struct Outbound {
    roots: Arc<RootCertStore>,
    /// The authorities of the presets that have their own, by the preset's name.
    preset_roots: HashMap<String, Arc<RootCertStore>>,
    pins: Vec<PinnedCertificate>,
    identity: Option<ClientIdentity>,
    proxy: Option<ProxyUrl>,
    lookups: Lookups,
}

impl Outbound {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When a file cannot be read or used, with the setting that names it.
    pub fn load(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            roots: Arc::new(roots(settings)?),
            preset_roots: preset_roots(settings)?,
            pins: settings.pinned_certificates.clone(),
            identity: identity(settings)?,
            proxy: settings.proxy.clone(),
            lookups: Lookups::new(settings.resolve_timeout),
        })
    }

    /// Returns the same with the lookups of the policy, so that one limit bounds both.
    #[must_use]
    pub fn sharing(self, lookups: &Lookups) -> Self {
        Self { lookups: self.lookups.shared_with(lookups), ..self }
    }

    /// Returns the certificate authorities for FTPS servers, or those of a preset's own.
    #[must_use]
    pub fn roots(&self, preset: Option<&Preset>) -> Arc<RootCertStore> {
        let own = preset.and_then(|preset| self.preset_roots.get(&preset.name));
        Arc::clone(own.unwrap_or(&self.roots))
    }

    /// Returns the pinned certificates of a host, with those of a preset for it; none where any trusted
    /// certificate is accepted.
    #[must_use]
    pub fn pins(&self, host: &Host, preset: Option<&Preset>) -> Vec<Fingerprint> {
        let of_host = self.pins.iter().filter(|pin| pin.is_for(host)).map(|pin| pin.sha256);
        of_host.chain(preset.into_iter().flat_map(|preset| preset.trust.pins.clone())).collect()
    }

    /// Returns the client certificate.
    #[must_use]
    pub fn identity(&self) -> Option<ClientIdentity> {
        self.identity.clone()
    }

    /// Returns the proxy. Its name is resolved for each connection, because the address may change.
    /// The policy does not check the proxy's own address, because the operator chose it. It checks the
    /// addresses that the proxy is asked to connect to.
    ///
    /// # Errors
    /// [`ProxyNotFound`].
    pub async fn proxy(&self, slot: &LookupSlot) -> Result<Option<Proxy>, ProxyNotFound> {
        let Some(url) = &self.proxy else { return Ok(None) };
        let (host, port) = url.host_and_port();
        let proxy = self
            .lookups
            .addresses(host, port, slot)
            .await
            .map_err(|error| error.to_string())
            .and_then(|addresses| url.at(addresses).map_err(|error| error.to_string()));
        proxy.map(Some).map_err(|reason| {
            tracing::warn!(reason, "the name of the proxy has no address");
            ProxyNotFound
        })
    }
}

/// The proxy's name has no address. The error does not contain the name, because the page may not
/// learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the portal's proxy was not found")]
pub struct ProxyNotFound;

/// Loads the system's certificate authorities, if `system_roots` is set, and those of `ca_file`.
fn roots(settings: &Settings) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    if settings.system_roots {
        add_system_roots(&mut roots);
    }
    for path in &settings.ca_file {
        add_file(&mut roots, path).map_err(|reason| unusable_file("ca_file", path, reason))?;
    }
    if roots.is_empty() {
        tracing::warn!(
            "no certificate authority is trusted: the page will ask about every certificate"
        );
    }
    Ok(roots)
}

/// Loads the authorities of the presets that have their own.
fn preset_roots(settings: &Settings) -> Result<HashMap<String, Arc<RootCertStore>>, SettingsError> {
    let mut all = HashMap::new();
    for preset in settings.presets.iter().filter(|preset| !preset.trust.ca_file.is_empty()) {
        let mut roots = RootCertStore::empty();
        for path in &preset.trust.ca_file {
            add_file(&mut roots, path).map_err(|reason| SettingsError::PresetFile {
                preset: preset.name.clone(),
                key: "ca_file",
                path: path.clone(),
                reason,
            })?;
        }
        all.insert(preset.name.clone(), Arc::new(roots));
    }
    Ok(all)
}

/// Loads the authorities of these PEM files; of none, those of the system.
///
/// # Errors
/// The file that cannot be used, and why.
pub fn authorities(files: &[PathBuf]) -> Result<RootCertStore, (PathBuf, String)> {
    let mut roots = RootCertStore::empty();
    if files.is_empty() {
        add_system_roots(&mut roots);
    }
    for path in files {
        add_file(&mut roots, path).map_err(|reason| (path.clone(), reason))?;
    }
    Ok(roots)
}

/// Adds the certificates that OpenSSL would find, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
fn add_system_roots(roots: &mut RootCertStore) {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a file of the system's certificates could not be read");
    }
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(added, ignored, "loaded the system's certificates");
}

/// Adds the certificates of a file. Each of them has to be usable: a skipped one would be missed later.
fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    for certificate in pem::certificates(&read(path)?)? {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Loads the client certificate. Its key may be in the same file.
fn identity(settings: &Settings) -> Result<Option<ClientIdentity>, SettingsError> {
    let Some(certificate_path) = &settings.client_certificate_file else {
        return match &settings.client_key_file {
            None => Ok(None),
            Some(_) => Err(SettingsError::Contradiction(
                "`client_key_file` is of no use without `client_certificate_file`".to_owned(),
            )),
        };
    };
    let certificate = read(certificate_path)
        .map_err(|reason| unusable_file("client_certificate_file", certificate_path, reason))?;
    let identity = match &settings.client_key_file {
        None => ClientIdentity::from_pem(&certificate, &certificate),
        Some(path) => {
            let key =
                read(path).map_err(|reason| unusable_file("client_key_file", path, reason))?;
            ClientIdentity::from_pem(&certificate, &key)
        }
    };
    identity.map(Some).map_err(|error| match (&error, &settings.client_key_file) {
        (ftps::IdentityError::NoKey | ftps::IdentityError::Unfit(_), Some(path)) => {
            unusable_file("client_key_file", path, error.to_string())
        }
        _ => unusable_file("client_certificate_file", certificate_path, error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use protocol::problem::Who;

    use super::*;
    use crate::{
        problems::ProblemBuilder,
        settings::{DESCRIPTIONS, Sources},
    };

    /// A certificate and its key.
    fn pem() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["portal".to_owned()]).unwrap();
        (certificate.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn with(pairs: &[(&'static str, &str)]) -> Result<Outbound, SettingsError> {
        let mut sources = Sources::default();
        for (name, text) in pairs {
            sources.flag(name, (*text).to_owned());
        }
        Outbound::load(&Settings::from_sources(&sources).unwrap())
    }

    fn error(pairs: &[(&'static str, &str)]) -> String {
        with(pairs).unwrap_err().to_string()
    }

    #[test]
    fn authorities_are_those_of_the_system_of_the_operator_or_both() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write(&file, pem().0).unwrap();
        let file = file.to_str().unwrap();
        let own = with(&[("system_roots", "false"), ("ca_file", file)]).unwrap();
        assert_eq!(own.roots(None).len(), 1);
        let system = with(&[]).unwrap().roots(None).len();
        let both = with(&[("ca_file", file)]).unwrap();
        assert_eq!(both.roots(None).len(), system + 1);
    }

    #[test]
    fn unusable_file_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        let key = folder.path().join("key.pem");
        fs::write(&key, pem().1).unwrap();
        let certificate = folder.path().join("certificate.pem");
        fs::write(&certificate, pem().0).unwrap();
        let [empty, key, certificate] =
            [&empty, &key, &certificate].map(|path| path.to_str().unwrap());

        let said = error(&[("ca_file", "/no/such/file")]);
        assert!(said.contains("`ca_file`: /no/such/file: it cannot be read"), "{said}");
        let said = error(&[("ca_file", empty)]);
        assert!(said.contains("it holds no certificate"), "{said}");
        let said = error(&[("client_certificate_file", empty)]);
        assert!(said.contains("`client_certificate_file`"), "{said}");
        let said = error(&[("client_certificate_file", certificate), ("client_key_file", key)]);
        assert!(said.contains("`client_key_file`") && said.contains("cannot be used"), "{said}");
        let said = error(&[("client_key_file", key)]);
        assert!(said.contains("`client_key_file` is of no use without"), "{said}");
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
        let [both, certificate, key] =
            [&both, &certificate, &key].map(|path| path.to_str().unwrap());
        let one = with(&[("client_certificate_file", both)]).unwrap();
        let two = with(&[("client_certificate_file", certificate), ("client_key_file", key)]);
        let fingerprint = |outbound: Outbound| outbound.identity().unwrap().fingerprint();
        assert_eq!(fingerprint(one), fingerprint(two.unwrap()));
        assert!(with(&[]).unwrap().identity().is_none());
    }

    #[test]
    fn pins_are_those_of_the_host() {
        let text =
            format!("a.example={0},b.example={1},a.example={1}", "0a".repeat(32), "0b".repeat(32));
        let outbound = with(&[("pinned_certificates", &text)]).unwrap();
        let (a, b) = (Fingerprint::new([0x0a; 32]), Fingerprint::new([0x0b; 32]));
        assert_eq!(outbound.pins(&Host::parse("A.example.").unwrap(), None), [a, b]);
        assert_eq!(outbound.pins(&Host::parse("b.example").unwrap(), None), [b]);
        assert_eq!(outbound.pins(&Host::parse("c.example").unwrap(), None), []);
    }

    #[test]
    fn preset_has_its_own_authorities_and_pins_and_shares_them_with_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write(&file, pem().0).unwrap();
        let text = format!(
            "[[preset]]\nname = \"a\"\nhost = \"a.example\"\nca_file = \"{}\"\npins = [\"{}\"]\n\
             [[preset]]\nname = \"b\"\nhost = \"a.example\"\n",
            file.display(),
            "0a".repeat(32)
        );
        let mut sources = Sources::default();
        sources.file(&text, DESCRIPTIONS).unwrap();
        let settings = Settings::from_sources(&sources).unwrap();
        let outbound = Outbound::load(&settings).unwrap();
        let [a, b] = settings.presets.as_slice() else { panic!("{settings:?}") };
        assert_eq!(outbound.roots(Some(a)).len(), 1);
        assert_eq!(outbound.roots(Some(b)).len(), outbound.roots(None).len());
        assert_eq!(outbound.pins(&a.host, Some(a)), [Fingerprint::new([0x0a; 32])]);
        assert_eq!(outbound.pins(&b.host, Some(b)), []);
        fs::write(&file, "").unwrap();
        let said = Outbound::load(&settings).unwrap_err().to_string();
        assert!(
            said.contains("the preset `a`: `ca_file`") && said.contains("no certificate"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn proxy_without_an_address_is_the_operators_problem_and_its_name_is_not_shown() {
        let outbound = with(&[("proxy", "http://no-such-proxy.invalid:3128")]).unwrap();
        let error = outbound.proxy(&LookupSlot::default()).await.unwrap_err();
        let problem = error.problem(ProblemBuilder::default());
        assert_eq!(problem.remedy.as_ref().unwrap().who, Who::PortalOperator);
        assert!(!format!("{error:?} {error} {problem:?}").contains("no-such-proxy"));
    }

    #[tokio::test]
    async fn proxy_is_where_its_url_says() {
        let outbound = with(&[("proxy", "socks5://10.0.0.1:1080")]).unwrap();
        let proxy = outbound.proxy(&LookupSlot::default()).await.unwrap().unwrap();
        assert_eq!(proxy.addresses(), ["10.0.0.1:1080".parse().unwrap()]);
        assert!(with(&[]).unwrap().proxy(&LookupSlot::default()).await.unwrap().is_none());
    }
}
