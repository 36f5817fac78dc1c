//! Examines what a server does before the login.
//!
//! An examination sends neither a user name nor a password, and accepts any certificate: it tells what
//! is wrong with one. It uses the trusted roots alone, not the certificate that a user trusted nor the
//! pinned ones.

use rustls::pki_types::ServerName;
use tokio::time::{Instant, sleep};

use super::{Connector, is_refused_alpn, old_tls};
use crate::{
    certificate::{CertificateChain, UntrustedCertificate},
    control::Control,
    error::{Error, Kind},
    profile::{AuthName, HostProfile, TlsStart},
    reply::Reply,
    stage::Stage,
    target::Encryption,
    tls::{
        TlsConfig, TlsFacts, TlsVersions,
        session::Offer,
        verifier::{OnRefusal, RefusedCertificate},
    },
    transcript::Transcript,
};

use super::{OldTlsAnswer, OldTlsVersion};

/// The greeting of a server, and what it answers to `AUTH`.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExaminedAuth {
    /// The greeting.
    pub greeting: Reply,
    /// The name by which the server starts TLS: `SSL` only where it refuses `TLS`. The error is the
    /// refusal of `AUTH TLS`.
    pub auth: Result<AuthName, Error>,
}

/// The TLS of a control connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExaminedTls {
    /// The greeting.
    pub greeting: Reply,
    /// The version and the cipher suite.
    pub facts: TlsFacts,
    /// The certificates that the server showed.
    pub chain: CertificateChain,
    /// Why the certificate is not trusted; `None` for one that is.
    pub untrusted: Option<UntrustedCertificate>,
    /// The tickets that the server sent before any command; TLS 1.3 only.
    pub tickets: u32,
    /// Whether the server offers to resume the session (RFC 8446 §2.2, RFC 5246 §7.3).
    pub is_resumable: bool,
    /// How long the TLS handshake took.
    pub handshake: std::time::Duration,
}

impl Connector {
    /// Connects, reads the greeting and asks for TLS; only with [`Encryption::Explicit`]. TLS is not
    /// started.
    ///
    /// # Errors
    /// [`Error`] where there is no greeting.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn examine_auth(&self) -> Result<ExaminedAuth, Error> {
        let transcript = self.transcript_of_next();
        let examined = async {
            let mut control = self.dial(&transcript).await?;
            let greeting = self.greeting(&mut control).await?;
            let auth = self.auth(&mut control).await.map(|()| self.profile.get().auth);
            Ok(ExaminedAuth { greeting, auth })
        };
        self.logged(examined.await, &transcript)
    }

    /// Connects and starts TLS with one of these versions, and logs out.
    ///
    /// # Errors
    /// [`Error`] at the stage that failed. An untrusted certificate is no error.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn examine_tls(&self, versions: TlsVersions) -> Result<ExaminedTls, Error> {
        let name = self.server_name()?;
        loop {
            let HostProfile { alpn, tls_start, .. } = self.profile.get();
            let transcript = self.transcript_of_next();
            match self.try_examine_tls(versions, &name, &transcript).await {
                Err(error) if is_refused_alpn(alpn, &error) => self.forget_alpn(&transcript),
                Err(error)
                    if tls_start == TlsStart::AtOnce && self.started_tls_too_early(&error) =>
                {
                    let profile = &self.profile;
                    profile.update(|known| known.tls_start = TlsStart::AfterPause);
                    let again = self.try_examine_tls(versions, &name, &transcript).await;
                    if again.is_ok() {
                        return again;
                    }
                    profile.update(|known| known.tls_start = TlsStart::AtOnce);
                    return self.logged(Err(error), &transcript);
                }
                examined => return self.logged(examined, &transcript),
            }
        }
    }

    /// Connects and offers an old version of TLS, by a handshake that ends with the server's answer.
    ///
    /// # Errors
    /// [`Error`] where the handshake could not begin.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn examine_old_tls(&self, version: OldTlsVersion) -> Result<OldTlsAnswer, Error> {
        let name = self.server_name()?;
        let transcript = self.transcript_of_next();
        let examined = async {
            let (mut control, _) = self.ready_for_tls(&transcript).await?;
            let plain = control.take_plain();
            let plain = plain.map_err(|kind| control.error(kind, Stage::Tls))?;
            let within = self.config.timeouts.tls_handshake;
            let random = &*self.config.random;
            let answer = old_tls::offer(plain, version, &name, random, within).await;
            answer.map_err(|source| control.error(Kind::NoRandomness(source), Stage::Tls))
        };
        self.logged(examined.await, &transcript)
    }

    async fn try_examine_tls(
        &self,
        versions: TlsVersions,
        name: &ServerName<'static>,
        transcript: &Transcript,
    ) -> Result<ExaminedTls, Error> {
        let (mut control, greeting) = self.ready_for_tls(transcript).await?;
        let config =
            TlsConfig { trusted_certificate: None, pins: Vec::new(), ..self.config.tls.clone() };
        let alpn = self.profile.get().alpn;
        let offer = Offer { versions, alpn, on_refusal: OnRefusal::Record };
        let started = Instant::now();
        self.secure_with(&mut control, name, &config, offer).await?;
        let handshake = started.elapsed();
        let greeting = match greeting {
            Some(greeting) => greeting,
            None => self.greeting(&mut control).await?,
        };
        let tls = control.tls().cloned();
        let tls = tls.ok_or_else(|| control.error(Kind::OutOfSync, Stage::Tls))?;
        let chain = control.chain();
        // Tickets arrive before the reply to the first command.
        control.quit().await;
        Ok(ExaminedTls {
            greeting,
            facts: tls.facts,
            chain,
            untrusted: match tls.session.take_refused() {
                Some(RefusedCertificate::Untrusted(untrusted)) => Some(untrusted),
                Some(RefusedCertificate::NotPinned(_)) | None => None,
            },
            tickets: tls.session.tickets(),
            is_resumable: tls.session.is_resumable(),
            handshake,
        })
    }

    /// Connects up to the start of TLS. With implicit TLS, the greeting is still to come.
    async fn ready_for_tls(
        &self,
        transcript: &Transcript,
    ) -> Result<(Control, Option<Reply>), Error> {
        let mut control = self.dial(transcript).await?;
        if self.target.encryption == Encryption::Implicit {
            return Ok((control, None));
        }
        let greeting = self.greeting(&mut control).await?;
        self.auth(&mut control).await?;
        if self.profile.get().tls_start == TlsStart::AfterPause {
            sleep(self.config.timeouts.tls_pause).await;
        }
        Ok((control, Some(greeting)))
    }

    /// Logs the error of an examination.
    fn logged<T>(&self, examined: Result<T, Error>, transcript: &Transcript) -> Result<T, Error> {
        let examined = examined.map_err(Error::at_its_stage);
        examined.inspect_err(|error| transcript.control(error.event()))
    }
}
