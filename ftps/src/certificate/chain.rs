//! The certificates that a server shows, as its operator has to know them.

use rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    objects::{oid_registry, oid2sn},
    oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, Oid},
    prelude::FromDer,
    public_key::PublicKey,
};

use super::CertificateFacts;

/// The most certificates of a chain that are kept.
const MAX_CERTIFICATES: usize = 10;

/// The most addresses of an issuer's certificate that are kept, and the longest one in bytes.
const MAX_ISSUER_URLS: usize = 4;
const MAX_URL_BYTES: usize = 300;

/// A certificate of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainCertificate {
    /// What it says about its server.
    pub facts: CertificateFacts,
    /// The kind and the length of its key, such as `RSA 2048`; empty where it cannot be read.
    pub key: String,
    /// The algorithm that its issuer signed it with, such as `sha256WithRSAEncryption`; empty where it
    /// cannot be read.
    pub signature: String,
    /// Where the issuer's certificate can be downloaded, as it claims (RFC 5280 §4.2.2.1).
    pub issuer_urls: Vec<String>,
}

/// The certificates of a handshake, in the order of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateChain {
    certificates: Vec<ChainCertificate>,
}

/// Whether each certificate was issued by the next one, as TLS 1.2 requires (RFC 5246 §7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainOrder {
    /// Each was.
    Right,
    /// One was not. TLS 1.3 tolerates that, older programs may not.
    Wrong,
}

impl CertificateChain {
    /// Reads the certificates of a handshake.
    #[must_use]
    pub fn of(certificates: &[CertificateDer<'_>]) -> Self {
        let certificates = certificates.iter().take(MAX_CERTIFICATES);
        Self { certificates: certificates.map(ChainCertificate::of).collect() }
    }

    /// The certificates, the server's own first.
    #[must_use]
    pub fn certificates(&self) -> &[ChainCertificate] {
        &self.certificates
    }

    /// Whether they are in the order that TLS requires.
    #[must_use]
    pub fn order(&self) -> ChainOrder {
        let pairs = self.certificates.iter().zip(self.certificates.iter().skip(1));
        let is_right = |(one, next): (&ChainCertificate, &ChainCertificate)| {
            one.facts.issuer == next.facts.subject
        };
        if pairs.into_iter().all(is_right) { ChainOrder::Right } else { ChainOrder::Wrong }
    }

    /// The certificate at which the chain ends: its issuer's is not shown. `None` where the chain ends
    /// with a self-signed one.
    #[must_use]
    pub fn end(&self) -> Option<&ChainCertificate> {
        let mut at = self.certificates.first()?;
        // Each step goes to another certificate, or the chain is a ring.
        for _ in &self.certificates {
            if at.facts.is_self_issued() {
                return None;
            }
            let issuer = &at.facts.issuer;
            match self.certificates.iter().find(|other| other.facts.subject == *issuer) {
                Some(next) => at = next,
                None => return Some(at),
            }
        }
        None
    }
}

impl ChainCertificate {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let facts = CertificateFacts::of(certificate);
        match X509Certificate::from_der(certificate) {
            Ok((_, parsed)) => Self {
                facts,
                key: key(&parsed),
                signature: short_name(&parsed.signature_algorithm.algorithm),
                issuer_urls: issuer_urls(&parsed),
            },
            Err(_) => Self {
                facts,
                key: String::new(),
                signature: String::new(),
                issuer_urls: Vec::new(),
            },
        }
    }
}

fn short_name(oid: &Oid<'_>) -> String {
    oid2sn(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), ToOwned::to_owned)
}

fn key(parsed: &X509Certificate<'_>) -> String {
    match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        // P-521 has points of whole bytes.
        Ok(PublicKey::EC(point)) => format!("EC {}", point.key_size().min(521)),
        _ => short_name(&parsed.public_key().algorithm.algorithm),
    }
}

fn issuer_urls(parsed: &X509Certificate<'_>) -> Vec<String> {
    let access =
        parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => Some(access),
            _ => None,
        });
    let descriptions = access.into_iter().flat_map(|access| &access.accessdescs);
    let urls = descriptions
        .filter(|one| one.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS)
        .filter_map(|one| match &one.access_location {
            GeneralName::URI(url) if url.len() <= MAX_URL_BYTES => Some((*url).to_owned()),
            _ => None,
        });
    urls.take(MAX_ISSUER_URLS).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    };

    use super::*;

    /// `SEQUENCE { SEQUENCE { id-ad-caIssuers, [6] "http://ca.example/i.der" } }`.
    fn authority_information() -> CustomExtension {
        let url = b"http://ca.example/i.der";
        let oid = [0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];
        let wrap = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            [&[tag, u8::try_from(content.len()).unwrap()][..], &content].concat()
        };
        let location = wrap(0x86, &[url]);
        let content = wrap(0x30, &[&wrap(0x30, &[&oid, &location])]);
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
    }

    fn authority(name: &str) -> (CertificateParams, KeyPair) {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    }

    /// A server's certificate, that of its issuer, and that of the root.
    fn chain() -> [CertificateDer<'static>; 3] {
        let (root, root_key) = authority("root");
        let (between, between_key) = authority("between");
        let root_der = root.self_signed(&root_key).unwrap().der().clone();
        let root = Issuer::new(root, root_key);
        let between_der = between.signed_by(&between_key, &root).unwrap().der().clone();
        let between = Issuer::new(between, between_key);
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(["ftp.example.org".to_owned()]).unwrap();
        leaf.distinguished_name.push(DnType::CommonName, "leaf");
        leaf.custom_extensions = vec![authority_information()];
        [leaf.signed_by(&key, &between).unwrap().der().clone(), between_der, root_der]
    }

    #[test]
    fn chain_ends_at_the_certificate_whose_issuer_is_not_shown() {
        let [leaf, between, root] = chain();
        let end = |shown: &[&CertificateDer<'static>]| {
            let shown: Vec<_> = shown.iter().map(|der| (*der).clone()).collect();
            let end = CertificateChain::of(&shown).end().map(|end| end.facts.issuer.clone());
            end.map(|issuer| issuer.rsplit('=').next().unwrap_or_default().to_owned())
        };
        assert_eq!(end(&[&leaf]).as_deref(), Some("between"));
        assert_eq!(end(&[&leaf, &between]).as_deref(), Some("root"));
        assert_eq!(end(&[&leaf, &between, &root]), None);
        assert_eq!(end(&[&leaf, &root]).as_deref(), Some("between"));
        assert_eq!(end(&[]), None);
    }

    #[test]
    fn order_is_right_if_each_is_issued_by_the_next() {
        let [leaf, between, root] = chain();
        let order = |shown: &[CertificateDer<'static>]| CertificateChain::of(shown).order();
        assert_eq!(order(&[leaf.clone(), between.clone(), root.clone()]), ChainOrder::Right);
        assert_eq!(order(std::slice::from_ref(&leaf)), ChainOrder::Right);
        assert_eq!(order(&[leaf, root, between]), ChainOrder::Wrong);
    }

    #[test]
    fn key_signature_and_address_of_the_issuer_are_read() {
        let [leaf, ..] = chain();
        let chain = CertificateChain::of(&[leaf]);
        let [leaf] = chain.certificates() else { panic!() };
        assert_eq!((leaf.key.as_str(), leaf.signature.as_str()), ("EC 256", "ecdsa-with-SHA256"));
        assert_eq!(leaf.issuer_urls, ["http://ca.example/i.der"]);
    }

    #[test]
    fn certificate_that_cannot_be_read_is_one_without_facts() {
        let chain = CertificateChain::of(&[CertificateDer::from(vec![1, 2, 3])]);
        assert_eq!(chain.certificates()[0].key, "");
        assert_eq!(chain.certificates()[0].facts.subject, "");
    }
}
