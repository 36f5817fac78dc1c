//! Certificates and private keys in PEM form (RFC 7468).

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// Returns the certificates of a text, in their order: at least one.
///
/// # Errors
/// A sentence about why there is none, or one cannot be read.
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let certificates = certificates.map_err(|error| format!("it is not in PEM form: {error}"))?;
    match certificates.is_empty() {
        true => Err("it holds no certificate in PEM form".to_owned()),
        false => Ok(certificates),
    }
}

/// Returns the first private key of a text.
///
/// # Errors
/// A sentence about why there is none.
pub fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    // The reason is left out: it could show a part of a key.
    PrivateKeyDer::from_pem_slice(text).map_err(|_| {
        "it holds no private key in PEM form that is readable without a password".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn certificates_and_a_key_are_found_in_one_text() {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
        let both = format!("{}{}{}", key.serialize_pem(), certificate.pem(), certificate.pem());
        assert_eq!(certificates(both.as_bytes()).unwrap().len(), 2);
        assert!(private_key(both.as_bytes()).is_ok());
    }

    #[test]
    fn text_without_them_is_an_error_that_shows_nothing_of_it() {
        let broken = "-----BEGIN PRIVATE KEY-----\nsesame!\n-----END PRIVATE KEY-----\n";
        for text in ["", "sesame", broken] {
            let error = certificates(text.as_bytes()).unwrap_err();
            assert!(!error.contains("sesame"), "{error}");
            let error = private_key(text.as_bytes()).unwrap_err();
            assert!(error.starts_with("it holds no private key") && !error.contains("sesame"));
        }
    }
}
