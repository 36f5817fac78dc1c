//! What a server does after the login: protection, features, data connections, listings.

use std::{fmt::Display, net::IpAddr};

use ftps::{
    Cause, Client, Features, Listing, PassiveCommand, RemotePath, Stage, profile::PassiveMode,
};
use protocol::{
    Remedy,
    doctor::{CheckId, CheckState},
    problem::Who,
};

use super::{evidence::DataFacts, finding::Finding, run::Run};
use crate::texts::Text;

/// How often `PASV` is asked, to see which ports the server names.
const PASV_ASKED: usize = 4;

/// How many of these ports are connected to.
const PASV_TRIED: usize = 2;

/// The number of listings, each over a data connection of its own.
const LISTINGS: usize = 5;

/// The checks that need a login.
pub(super) const AFTER_LOGIN: [CheckId; 7] = [
    CheckId::Protection,
    CheckId::Features,
    CheckId::Epsv,
    CheckId::PassivePorts,
    CheckId::DataResumption,
    CheckId::Listing,
    CheckId::TestUpload,
];

/// The checks that need a data connection.
const WITH_DATA: [CheckId; 3] = [CheckId::DataResumption, CheckId::Listing, CheckId::TestUpload];

/// What came of asking for a port and connecting to it.
enum TriedPort {
    Reached(u16),
    /// The server named a port, and it cannot be reached.
    Unreachable(ftps::Error),
    /// The server named no port.
    Refused(ftps::Error),
    /// Not over IPv6.
    NotAsked,
}

/// What `PASV` named.
#[derive(Default)]
struct NamedPorts {
    ports: Vec<u16>,
    /// One of them that was reached.
    reached: Option<u16>,
    /// An address that is not the server's.
    other_address: Option<IpAddr>,
}

impl Run<'_> {
    /// Logs in, once: a second attempt could lock the account.
    pub(super) async fn log_in(&mut self) {
        let (Some(target), Some(credentials)) =
            (self.known.target.clone(), self.examination.credentials.clone())
        else {
            return;
        };
        self.begin();
        let opened = self.connector(target, credentials).open().await;
        let stage = opened.as_ref().err().map(ftps::Error::stage);
        match opened {
            Ok(client) => {
                self.end(CheckId::Login, self.findings.ok(Text::DoctorLoginOk, &[]));
                self.begin();
                self.end(CheckId::Protection, self.findings.ok(Text::DoctorProtectionOk, &[]));
                self.begin();
                self.end(CheckId::Features, self.features(&client.facts().features));
                self.known.client = Some(client);
            }
            Err(error) => {
                let failed = self.findings.of_error(&error);
                match stage {
                    // The login itself succeeded.
                    Some(Stage::Protect | Stage::Setup) => {
                        let lines = self.evidence.take();
                        self.end(CheckId::Login, self.findings.ok(Text::DoctorLoginOk, &[]));
                        lines.iter().for_each(|line| self.evidence.add(line));
                        self.end(CheckId::Protection, failed);
                    }
                    _ => self.end(CheckId::Login, failed),
                }
            }
        }
    }

    /// Tells what the features are good for.
    fn features(&self, features: &Features) -> Finding {
        for line in features.lines() {
            self.evidence.add(line);
        }
        let has_any = |names: &[&str]| names.iter().any(|name| features.has(name));
        let uses = [
            (features.rest_stream(), Text::DoctorFeatureResume),
            (has_any(&["MFMT", "MDTM"]) || features.site("UTIME"), Text::DoctorFeatureDates),
            (
                has_any(&["HASH", "XSHA256", "XSHA512", "XSHA1", "XSHA", "XMD5", "MD5", "XCRC"]),
                Text::DoctorFeatureDigests,
            ),
            (features.utf8(), Text::DoctorFeatureUtf8),
            (features.mlsd(), Text::DoctorFeatureListings),
        ];
        let named = |has: bool| {
            let texts = uses.iter().filter(|(own, _)| *own == has);
            let texts: Vec<_> =
                texts.map(|(_, text)| self.findings.language().text(*text)).collect();
            texts.join(", ")
        };
        let (has, lacks) = (named(true), named(false));
        if has.is_empty() {
            return self.findings.of(CheckState::Note, Text::DoctorFeaturesNone, &[]);
        }
        let finding = self.findings.ok(Text::DoctorFeaturesSome, &[&has]);
        match lacks.is_empty() {
            true => finding,
            false => finding.and(&self.findings.ok(Text::DoctorFeaturesLacks, &[&lacks]).says),
        }
    }

    /// Data ports, data connections, a listing.
    pub(super) async fn data(&mut self) {
        let Some(mut client) = self.known.client.take() else { return };
        let works = self.data_ports(&mut client).await;
        if works {
            self.listings(&mut client).await;
        } else {
            self.skip(&WITH_DATA, Text::DoctorNotReached);
        }
        self.known.client = Some(client);
    }

    /// `EPSV` and `PASV`. Returns whether one of them can be used.
    async fn data_ports(&mut self, client: &mut Client) -> bool {
        self.begin();
        let extended = try_port(client, PassiveCommand::Epsv).await;
        let of_extended = self.evidence.take();
        let took_extended = self.begun_ago();
        let mut named = NamedPorts::default();
        let mut tried = TriedPort::NotAsked;
        let mut first_failure = None;
        if client.facts().address.is_ipv4() {
            for at in 0..PASV_ASKED {
                // A server that named an unreachable port is asked again only for the number.
                let connects = at < PASV_TRIED && first_failure.is_none();
                match self.ask_pasv(client, &mut named, connects).await {
                    TriedPort::Unreachable(error) => {
                        first_failure.get_or_insert(error);
                    }
                    TriedPort::Refused(error) => {
                        tried = TriedPort::Refused(error);
                        break;
                    }
                    TriedPort::Reached(port) => {
                        named.reached = Some(port);
                        tried = TriedPort::Reached(port);
                    }
                    TriedPort::NotAsked => {}
                }
            }
        }
        let of_passive = self.evidence.take();
        let passive = match (tried, first_failure) {
            (_, Some(error)) => TriedPort::Unreachable(error),
            (tried, None) => tried,
        };
        let reached_passive = named.reached.is_some();
        let all_passive = matches!(passive, TriedPort::Reached(_));
        let reached_extended = matches!(extended, TriedPort::Reached(_));
        of_extended.iter().for_each(|line| self.evidence.add(line));
        let finding = self.extended_finding(&extended, all_passive);
        self.end_after(CheckId::Epsv, finding, took_extended);
        of_passive.iter().for_each(|line| self.evidence.add(line));
        let finding = self.passive_finding(&passive, &named, &extended);
        self.end(CheckId::PassivePorts, finding);
        if !reached_extended && reached_passive {
            let passive = PassiveMode::PasvAfterUnreachableEpsv;
            self.profile().update(|known| known.passive = passive);
        }
        client.is_usable() && (reached_extended || reached_passive)
    }

    async fn ask_pasv(
        &self,
        client: &mut Client,
        named: &mut NamedPorts,
        connects: bool,
    ) -> TriedPort {
        let endpoint = match client.ask_data_port(PassiveCommand::Pasv).await {
            Ok(endpoint) => endpoint,
            Err(error) => return TriedPort::Refused(error),
        };
        named.ports.push(endpoint.port);
        let peer = client.facts().address.ip();
        let address = endpoint.address.map(IpAddr::V4).filter(|address| *address != peer);
        named.other_address = named.other_address.or(address);
        if !connects {
            return TriedPort::NotAsked;
        }
        match client.try_data_port(endpoint).await {
            Ok(took) => {
                let millis = took.as_millis();
                self.evidence.add(format!("port {}: reached, {millis} ms", endpoint.port));
                TriedPort::Reached(endpoint.port)
            }
            Err(error) => TriedPort::Unreachable(error),
        }
    }

    /// `all_passive` is whether all ports that `PASV` named were reached.
    fn extended_finding(&self, extended: &TriedPort, all_passive: bool) -> Finding {
        match extended {
            TriedPort::Reached(port) => self.findings.ok(Text::DoctorEpsvOk, &[port]),
            TriedPort::Refused(_) if all_passive => {
                self.findings.of(CheckState::Note, Text::DoctorEpsvRefused, &[])
            }
            TriedPort::Unreachable(_) if all_passive => {
                let remedy = Text::DoctorEpsvOnlyPasvRemedy;
                let remedy = self.findings.remedy_of(Who::Network, remedy);
                self.findings.of(CheckState::Warning, Text::DoctorEpsvOnlyPasv, &[]).with(remedy)
            }
            TriedPort::Refused(error) | TriedPort::Unreachable(error) => {
                self.findings.of_error(error)
            }
            TriedPort::NotAsked => self.findings.skipped(Text::DoctorNotReached),
        }
    }

    fn passive_finding(
        &self,
        passive: &TriedPort,
        named: &NamedPorts,
        extended: &TriedPort,
    ) -> Finding {
        let ports = listed(&named.ports);
        let reached = match extended {
            TriedPort::Reached(port) => Some(*port),
            TriedPort::Unreachable(_) | TriedPort::Refused(_) | TriedPort::NotAsked => None,
        };
        match (passive, named.reached.or(reached)) {
            (TriedPort::NotAsked, _) => self.findings.skipped(Text::DoctorPassiveIpv6),
            (TriedPort::Refused(_), Some(_)) => {
                self.findings.of(CheckState::Note, Text::DoctorPassiveRefused, &[])
            }
            (TriedPort::Refused(error), None) => self.findings.of_error(error),
            // The firewall lets some of the ports through.
            (TriedPort::Unreachable(error), Some(reached)) => {
                let blocked = error.evidence().data_port.unwrap_or_default();
                let partly = Text::DoctorPassivePartly;
                let values: [&dyn Display; 2] = [&blocked, &reached];
                let finding = self.findings.of(CheckState::Failed, partly, &values);
                finding.with(self.open_ports(&named.ports, Cause::of(error)))
            }
            (TriedPort::Unreachable(error), None) => {
                let finding = self.findings.of_error(error);
                let seen = self.findings.ok(Text::DoctorPassiveSeen, &[&ports]).says;
                finding.and(&seen).with(self.open_ports(&named.ports, Cause::of(error)))
            }
            (TriedPort::Reached(_), _) => match named.other_address {
                None => self.findings.ok(Text::DoctorPassiveOk, &[&ports]),
                Some(address) => {
                    let values: [&dyn Display; 2] = [&address, &ports];
                    let other = Text::DoctorPassiveOtherAddress;
                    let finding = self.findings.of(CheckState::Warning, other, &values);
                    finding.with(self.findings.remedy_for(Cause::PrivateAddress))
                }
            },
        }
    }

    /// The remedy for blocked ports, with the range in which the server named some.
    fn open_ports(&self, ports: &[u16], cause: Cause) -> Remedy {
        let mut remedy = self.findings.remedy_for(cause);
        let (Some(first), Some(last)) = (ports.iter().min(), ports.iter().max()) else {
            return remedy;
        };
        let range = self.findings.ok(Text::DoctorPassiveRange, &[first, last]).says;
        remedy.what = format!("{} {range}", remedy.what);
        remedy
    }

    /// Lists the folder several times, each time over another data connection.
    async fn listings(&mut self, client: &mut Client) {
        self.begin();
        self.evidence.take_data_facts();
        let Some(folder) = self.folder(client) else {
            self.skip(&WITH_DATA, Text::DoctorNotReached);
            return;
        };
        let listed = client.list(&folder).await;
        let of_listing = self.evidence.take();
        let took_listing = self.begun_ago();
        let mut error = None;
        // The folder may be refused, and data connections work nevertheless.
        let again = if listed.is_ok() { &folder } else { &RemotePath::root() };
        let repeats = match &listed {
            Err(_) if !client.is_usable() => 0,
            Err(error) if is_about_data(error) => 0,
            Ok(_) | Err(_) => LISTINGS - 1,
        };
        for _ in 0..repeats {
            if let Err(failed) = client.list(again).await {
                error = Some(failed);
                break;
            }
        }
        let facts = self.evidence.take_data_facts();
        let error = error.as_ref().or(listed.as_ref().err().filter(|error| is_about_data(error)));
        let finding = self.resumption_finding(&facts, error);
        self.end(CheckId::DataResumption, finding);
        of_listing.iter().for_each(|line| self.evidence.add(line));
        let finding = self.listing_finding(&listed, facts.without_close);
        self.end_after(CheckId::Listing, finding, took_listing);
        if !client.is_usable() || listed.is_err() {
            self.skip(&[CheckId::TestUpload], Text::DoctorNotReached);
        }
    }

    /// The folder to list and to write to; `None` where it cannot be the argument of a command.
    pub(super) fn folder(&self, client: &Client) -> Option<RemotePath> {
        let text = self.examination.folder.as_deref().unwrap_or_default();
        match text.is_empty() {
            true => Some(client.facts().initial_directory.clone().unwrap_or_else(RemotePath::root)),
            false => client.path_of(text).ok(),
        }
    }

    fn resumption_finding(&self, facts: &DataFacts, error: Option<&ftps::Error>) -> Finding {
        if let Some(error) = error.filter(|error| is_about_data(error)) {
            return self.findings.of_error(error);
        }
        let total = facts.tls.len();
        let resumed = facts.tls.iter().filter(|tls| tls.resumed).count();
        let values: [&dyn Display; 2] = [&total, &resumed];
        match resumed {
            _ if total == 0 => self.findings.skipped(Text::DoctorNotReached),
            0 => self.findings.of(CheckState::Note, Text::DoctorResumptionNone, &[&total]),
            _ if resumed == total => self.findings.ok(Text::DoctorResumptionOk, &[&total]),
            _ => {
                let remedy = self.findings.host_remedy(Text::DoctorResumptionPartlyRemedy, &[]);
                let partly = Text::DoctorResumptionPartly;
                self.findings.of(CheckState::Warning, partly, &values).with(remedy)
            }
        }
    }

    fn listing_finding(
        &self,
        listed: &Result<Listing, ftps::Error>,
        without_close: usize,
    ) -> Finding {
        let listing = match listed {
            Ok(listing) => listing,
            Err(error) if is_about_data(error) => {
                return self.findings.skipped(Text::DoctorNotReached);
            }
            Err(error) => return self.findings.of_error(error),
        };
        let finding = self.findings.ok(Text::DoctorListingOk, &[&listing.entries.len()]);
        match without_close {
            0 => finding,
            _ => {
                let remedy = self.findings.host_remedy(Text::DoctorListingCutRemedy, &[]);
                let cut = self.findings.ok(Text::DoctorListingCut, &[]).says;
                finding.and(&cut).in_state(CheckState::Warning).with(remedy)
            }
        }
    }
}

async fn try_port(client: &mut Client, command: PassiveCommand) -> TriedPort {
    let endpoint = match client.ask_data_port(command).await {
        Ok(endpoint) => endpoint,
        Err(error) => return TriedPort::Refused(error),
    };
    match client.try_data_port(endpoint).await {
        Ok(_) => TriedPort::Reached(endpoint.port),
        Err(error) => TriedPort::Unreachable(error),
    }
}

/// Whether the data connection failed, not the listing.
fn is_about_data(error: &ftps::Error) -> bool {
    matches!(error.stage(), Stage::DataConnection | Stage::DataTls)
}

fn listed(ports: &[u16]) -> String {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    ports.dedup();
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
