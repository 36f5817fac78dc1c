//! The certificate of a server, and the authorities that vouch for it.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// The certificate of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// One that [`super::FaultyServer::roots`] trust.
    #[default]
    Valid,
    /// One that has expired.
    Expired,
    /// One that expires in some days.
    ExpiresSoon,
    /// One for another host.
    OtherName,
    /// One without the certificate of its issuer, which it says where to download.
    IncompleteChain,
    /// One that only itself vouches for.
    SelfSigned,
}

/// Where the certificate of a missing issuer can be downloaded.
pub const ISSUER_URL: &str = "http://ca.example/issuer.der";

/// Returns the authorities of a client, and the certificates and the key of a server.
pub(super) fn identity(
    shown: Shown,
) -> (RootCertStore, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().expect("a key can be made");
    let name = if shown == Shown::OtherName { "other.example" } else { "localhost" };
    let mut names = vec![name.to_owned()];
    if shown != Shown::OtherName {
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    }
    let mut leaf = CertificateParams::new(names).expect("names");
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.not_before = date_time_ymd(2000, 1, 1);
    leaf.not_after = match shown {
        Shown::Expired => date_time_ymd(2001, 1, 1),
        Shown::ExpiresSoon => (SystemTime::now() + Duration::from_secs(10 * 86_400)).into(),
        _ => date_time_ymd(2100, 1, 1),
    };
    let (root, root_key) = authority("test root");
    let root_der = root.self_signed(&root_key).expect("a certificate").der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(root_der).expect("a root");
    let root = Issuer::new(root, root_key);
    let (between, between_key) = authority("test issuer");
    let between_der = between.signed_by(&between_key, &root).expect("a certificate").der().clone();
    let between = Issuer::new(between, between_key);
    let chain = match shown {
        Shown::SelfSigned => vec![leaf.self_signed(&key).expect("a certificate").der().clone()],
        Shown::IncompleteChain => {
            leaf.custom_extensions = vec![issuer_address()];
            vec![leaf.signed_by(&key, &between).expect("a certificate").der().clone()]
        }
        Shown::Valid | Shown::Expired | Shown::ExpiresSoon | Shown::OtherName => {
            vec![leaf.signed_by(&key, &between).expect("a certificate").der().clone(), between_der]
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    (roots, chain, key)
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new([]).expect("no name");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params, KeyPair::generate().expect("a key can be made"))
}

/// The extension that says where the issuer's certificate is (RFC 5280 §4.2.2.1).
fn issuer_address() -> CustomExtension {
    let wrap = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("a short extension");
        [&[tag, length][..], content].concat()
    };
    // id-ad-caIssuers
    let method = [0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];
    let description = [&method[..], &wrap(0x86, ISSUER_URL.as_bytes())].concat();
    let content = wrap(0x30, &wrap(0x30, &description));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}
