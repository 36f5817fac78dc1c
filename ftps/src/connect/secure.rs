//! The TLS handshake of the control connection.

use std::{io, sync::Arc};

use rustls::{CertificateError, pki_types::ServerName};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::Connector;
use crate::{
    certificate::CertificateFacts,
    control::{Control, ControlTls, Recorder},
    error::{Error, Evidence, Kind, Operation},
    stage::Stage,
    target::Encryption,
    tls::{
        self, TlsConfig, TlsFacts,
        session::{Offer, TlsSession},
        verifier::{OnRefusal, RefusedCertificate},
    },
};

/// The limit of a control connection's buffers, in bytes: commands are short.
const CONTROL_BUFFER_BYTES: usize = 16 * 1024;

impl Connector {
    /// Starts TLS and checks the certificate. Only the handshake is sent.
    pub(super) async fn secure(
        &self,
        control: &mut Control,
        name: &ServerName<'static>,
    ) -> Result<(), Error> {
        let offer = Offer {
            versions: self.versions(),
            alpn: self.profile.get().alpn,
            on_refusal: OnRefusal::Fail,
        };
        self.secure_with(control, name, &self.config.tls, offer).await
    }

    /// The same with another configuration of TLS.
    pub(super) async fn secure_with(
        &self,
        control: &mut Control,
        name: &ServerName<'static>,
        config: &TlsConfig,
        offer: Offer,
    ) -> Result<(), Error> {
        control.transcript().control(Stage::Tls);
        let session = TlsSession::new(config, offer, name.clone());
        let session = session.map_err(|error| control.error(Kind::TlsSetup(error), Stage::Tls))?;
        let session = Arc::new(session);
        let shaken = self.shake(control, &session).await;
        shaken.map_err(|kind| {
            let stage = stage_of(&kind);
            let client_certificate = session.client_certificate();
            kind.at(stage).with_evidence(Evidence { client_certificate, ..control.evidence() })
        })
    }

    async fn shake(&self, control: &mut Control, session: &Arc<TlsSession>) -> Result<(), Kind> {
        let plain = control.take_plain()?;
        let after = self.config.timeouts.tls_handshake;
        let handshake = session.handshake(plain, CONTROL_BUFFER_BYTES).into_fallible();
        let stream = timeout(after, handshake)
            .await
            .map_err(|_| Kind::TimedOut { operation: Operation::ControlTls, after })?
            .map_err(|(source, plain)| self.why_not(session, source, plain))?;
        let (facts, certificate) = read(&stream).ok_or(Kind::OutOfSync)?;
        session.require_certificate(certificate.sha256);
        control.transcript().control(facts.clone());
        control.transcript().control(certificate.clone());
        control.put_tls(stream);
        control.set_tls(ControlTls { session: Arc::clone(session), facts, certificate });
        Ok(())
    }

    /// Turns a failed handshake into an error: the certificate, another protocol, or TLS itself.
    fn why_not(&self, session: &TlsSession, source: io::Error, plain: Recorder) -> Kind {
        match session.take_refused() {
            Some(RefusedCertificate::Untrusted(untrusted)) => {
                return Kind::Untrusted(Box::new(untrusted));
            }
            Some(RefusedCertificate::NotPinned(facts)) => {
                return Kind::NotPinned { shown: facts.sha256 };
            }
            None => (),
        }
        let (start, unread) = plain.into_start_and_unread();
        // With implicit TLS, whatever the server sends first unencrypted is a greeting.
        if self.target.encryption == Encryption::Implicit && is_clear_text(&start) {
            return Kind::PlaintextAnswer { start };
        }
        let was_cut_off = source.raw_os_error().is_some();
        Kind::Handshake(match tls::alert_in_clear(&unread) {
            Some(alert) if was_cut_off => io::Error::other(rustls::Error::AlertReceived(alert)),
            _ => source,
        })
    }
}

/// The TLS and the certificate of the control connection.
pub(super) fn facts(control: &Control) -> Result<(TlsFacts, CertificateFacts), Error> {
    let tls = control.tls().cloned();
    let tls = tls.ok_or_else(|| control.error(Kind::OutOfSync, Stage::Tls))?;
    Ok((tls.facts, tls.certificate))
}

fn read(stream: &TlsStream<Recorder>) -> Option<(TlsFacts, CertificateFacts)> {
    let (_, connection) = stream.get_ref();
    let certificate = connection.peer_certificates()?.first()?;
    Some((TlsFacts::of(connection)?, CertificateFacts::of(certificate)))
}

fn stage_of(kind: &Kind) -> Stage {
    match kind {
        Kind::Untrusted(_) | Kind::NotPinned { .. } => Stage::Certificate,
        Kind::BytesAfterAuth { .. } => Stage::Auth,
        Kind::Handshake(source) if is_certificate_error(source) => Stage::Certificate,
        _ => Stage::Tls,
    }
}

fn is_certificate_error(source: &io::Error) -> bool {
    let error = source.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(
        error,
        Some(rustls::Error::InvalidCertificate(error)) if *error != CertificateError::BadSignature
    )
}

/// Whether the bytes start like text: printable, unlike any TLS record.
pub(super) fn is_clear_text(start: &[u8]) -> bool {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    start.len() >= 4 && start.iter().take(16).all(is_text)
}
