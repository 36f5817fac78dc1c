//! Removes the part files of guests of drops that did not come back, without a session.

use std::{convert::Infallible, sync::Arc};

use ftps::{Connector, Pool, Transcript};
use protocol::{
    Encryption, Problem,
    client::{Connect, Secret},
};

use super::{
    config::{credentials, engine_config},
    problems::not_connected,
    remote::login_directory,
};
use crate::{
    client::Client,
    drops::{
        Drops,
        service::{ExpiredPart, preset_of},
    },
    portal::Portal,
    problems::ProblemBuilder,
    remote_path,
};

/// Removes part files, one after the other; never completes.
pub async fn remove_expired(portal: &Arc<Portal>, drops: &Drops) -> Infallible {
    loop {
        let part = drops.next_expired_part().await;
        match remove(&portal.newest(), &part).await {
            Ok(()) => tracing::info!(preset = part.preset, "the part file of a guest was removed"),
            Err(problem) => {
                let (preset, problem) = (&part.preset, problem.logged());
                tracing::warn!(preset, problem, "the part file of a guest stays on the server");
            }
        }
    }
}

async fn remove(portal: &Portal, part: &ExpiredPart) -> Result<(), Problem> {
    let problems = ProblemBuilder::default();
    let mut problem = not_connected(problems);
    let Some((preset, _)) = preset_of(&portal.settings, &part.preset) else { return Err(problem) };
    let slot = portal.lookup_slots.of(Client::default());
    let vetted = portal.policy.vet(&preset.name, preset.port, preset.encryption, &slot).await;
    let destination = vetted.map_err(|refusal| refusal.problem(problems))?;
    let mut config = engine_config(portal, &destination, None, problems)?;
    let proxy = portal.outbound.proxy(&slot).await;
    config.proxy = proxy.map_err(|error| error.problem(problems))?;
    let credentials = credentials(nobody(preset.encryption), &destination, problems)?;
    for target in destination.targets() {
        let transcript = Transcript::discard();
        let connector = Connector::new(target, config.clone(), credentials.clone(), transcript);
        let pool = Pool::new(connector);
        let mut leased = pool.lease_for_request().await;
        let removed = match leased.client().await {
            Ok(client) => {
                let leftover = remote_path::leftover(&login_directory(client), &part.path);
                let leftover = leftover.map_err(|refusal| refusal.problem(problems))?;
                ftps::upload::remove(&mut leased, &leftover).await
            }
            Err(error) => Err(error),
        };
        drop(leased);
        pool.close().await;
        match removed {
            Ok(()) => return Ok(()),
            Err(error) => {
                problem = problems.engine(&error);
                if error.stage() != ftps::Stage::Connect {
                    break;
                }
            }
        }
    }
    Err(problem)
}

/// The form of somebody who types nothing: the preset has its own account.
fn nobody(encryption: Encryption) -> Connect {
    Connect {
        host: String::new(),
        port: encryption.default_port(),
        encryption: Some(encryption),
        username: String::new(),
        password: Secret::default(),
        trusted_certificate: None,
    }
}
