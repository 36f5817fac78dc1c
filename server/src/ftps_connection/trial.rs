//! Tries the server of a preset, without a session and without a login.

use ftps::{Connector, Credentials, Password, TlsFacts, Transcript, Username};
use protocol::Problem;

use super::{
    config::engine_config,
    problems::{not_connected, preset_certificate},
};
use crate::{
    client::Client,
    portal::Portal,
    problems::ProblemBuilder,
    settings::{Preset, PresetLogin},
};

/// The outcome of a trial.
#[derive(Clone, Debug)]
pub enum Trial {
    /// The connection is encrypted, and the certificate trusted.
    Encrypted(TlsFacts),
    /// The certificate is not trusted, and every user is asked about it.
    Asks(Problem),
}

/// Returns whether users may trust an unknown certificate of the preset's server.
fn may_be_trusted(preset: &Preset) -> bool {
    matches!(preset.login, PresetLogin::Person { .. }) && preset.trust.pins.is_empty()
}

/// Resolves the host of a preset, connects and starts TLS, as for a user of the preset.
///
/// # Errors
/// The problem that a user would meet, in English. A certificate that is not trusted is one only where
/// nobody can be asked about it, or a pin forbids it.
pub async fn try_tls(portal: &Portal, preset: &Preset) -> Result<Trial, Problem> {
    let problems = ProblemBuilder::default();
    let slot = portal.lookup_slots.of(Client::default());
    let vetted = portal.policy.vet(&preset.name, preset.port, preset.encryption, &slot).await;
    let destination = vetted.map_err(|refusal| refusal.problem(problems))?;
    let mut config = engine_config(portal, &destination, None, problems)?;
    let proxy = portal.outbound.proxy(&slot).await;
    config.proxy = proxy.map_err(|error| error.problem(problems))?;
    let mut problem = not_connected(problems);
    let credentials = nobody().ok_or_else(|| problem.clone())?;
    for target in destination.targets() {
        let transcript = Transcript::discard();
        let connector = Connector::new(target, config.clone(), credentials.clone(), transcript);
        match connector.try_tls().await {
            Ok(facts) => return Ok(Trial::Encrypted(facts)),
            Err(error) => {
                problem = problems.engine(&error);
                match error.is_certificate() {
                    Some(_) if may_be_trusted(preset) => return Ok(Trial::Asks(problem)),
                    Some(_) => problem = preset_certificate(problems, problem, &preset.name),
                    None => {}
                }
                if error.stage() != ftps::Stage::Connect {
                    break;
                }
            }
        }
    }
    Err(problem)
}

/// Credentials that are never sent.
fn nobody() -> Option<Credentials> {
    let username = Username::new("anonymous").ok()?;
    Some(Credentials { username, password: Password::new("anonymous").ok()? })
}
