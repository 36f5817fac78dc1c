//! What certificate a TLS server shows.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// How long a handshake may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A certificate that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The serial number, in hexadecimal digits.
    pub serial: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The domains.
    pub names: Vec<String>,
}

/// Connects and asks for a name. Returns the certificate, whoever signed it and whether it is valid or
/// not.
///
/// # Errors
/// When there is no TLS handshake.
///
/// # Panics
/// When the certificate cannot be parsed.
pub fn shown(address: SocketAddr, name: &'static str) -> io::Result<Shown> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    let certificates = tls.peer_certificates().unwrap_or_default();
    let leaf = certificates.first().ok_or_else(|| io::Error::other("no certificate"))?;
    let (_, parsed) = parse_x509_certificate(leaf).expect("it is a certificate");
    let names = parsed.subject_alternative_name().expect("its names can be read");
    let names = names.map(|extension| extension.value.general_names.clone()).unwrap_or_default();
    Ok(Shown {
        serial: parsed.raw_serial_as_string(),
        issuer: parsed.issuer().to_string(),
        names: names
            .into_iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(name.to_owned()),
                _ => None,
            })
            .collect(),
    })
}

/// Accepts any certificate of which the server has the key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if certificate.is_empty() {
            return Err(CertificateError::BadEncoding.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
