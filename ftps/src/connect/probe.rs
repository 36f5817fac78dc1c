//! Recognises the protocol of a silent port, with a TLS ClientHello on a separate connection.
//!
//! Only the handshake is sent, and the server's answer is not trusted.

use rustls::pki_types::ServerName;
use tokio::time::timeout;

use super::secure::is_clear_text;
use crate::{
    config::Config,
    control::Recorder,
    dial::{Dial, Outgoing},
    error::{Kind, Operation},
    target::Target,
    tls::{
        Alpn,
        session::{Offer, TlsSession},
        verifier::OnRefusal,
    },
};

/// The limit of the probe's buffers, in bytes: a ClientHello is short.
const BUFFER_BYTES: usize = 16 * 1024;

/// Returns the error that the port's protocol is; `None` when it stays silent.
pub(super) async fn probe(target: &Target, config: &Config, dialler: &dyn Dial) -> Option<Kind> {
    let name = ServerName::try_from(target.host.clone()).ok()?;
    // A server that refuses ALPN answers in TLS, which is all that the probe needs.
    let offer =
        Offer { versions: config.tls.versions, alpn: Alpn::Named, on_refusal: OnRefusal::Fail };
    let session = TlsSession::new(&config.tls, offer, name).ok()?;
    let within = config.timeouts.connect;
    let outgoing =
        Outgoing { address: target.address, from: None, within, operation: Operation::ControlTcp };
    let stream = outgoing.connect(dialler, config.proxy.as_ref()).await.ok()?;
    let handshake = session.handshake(Recorder::new(stream), BUFFER_BYTES).into_fallible();
    let shaken = timeout(config.timeouts.tls_handshake, handshake).await.ok()?;
    let Err((_, plain)) = shaken else {
        return Some(Kind::ImplicitTlsExpected);
    };
    let start = plain.into_start();
    if is_tls(&start) {
        return Some(Kind::ImplicitTlsExpected);
    }
    is_clear_text(&start).then_some(Kind::PlaintextAnswer { start })
}

/// Whether the bytes start like a TLS record: an alert or a handshake (RFC 8446 §5.1).
fn is_tls(start: &[u8]) -> bool {
    matches!(start, [0x15 | 0x16, 0x03, ..])
}
