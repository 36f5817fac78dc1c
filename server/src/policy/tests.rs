use protocol::Stage;

use super::*;
use crate::{
    problems::ProblemBuilder,
    settings::{DESCRIPTIONS, Sources},
};

fn strict() -> Policy {
    with(&[])
}

fn allowing(network: &str) -> Policy {
    with(&[("allow_network", network)])
}

fn with(pairs: &[(&'static str, &str)]) -> Policy {
    let mut sources = Sources::default();
    for (name, text) in pairs {
        sources.flag(name, (*text).to_owned());
    }
    Policy::new(&Settings::from_sources(&sources).unwrap())
}

fn of_file(text: &str) -> Policy {
    let mut sources = Sources::default();
    sources.file(text, DESCRIPTIONS).unwrap();
    Policy::new(&Settings::from_sources(&sources).unwrap())
}

async fn vet(policy: &Policy, host: &str) -> Result<Destination, Refusal> {
    policy.vet(host, 21, Encryption::Explicit, &LookupSlot::default()).await
}

#[tokio::test]
async fn public_address_passes_and_is_the_target() {
    let destination = vet(&strict(), "93.184.216.34").await.unwrap();
    let targets: Vec<_> = destination.targets().collect();
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].address, "93.184.216.34:21".parse().unwrap());
}

#[tokio::test]
async fn loopback_by_any_name_is_refused() {
    for host in [
        "127.0.0.1",
        "127.1",
        "localhost",
        "[::1]",
        "::ffff:127.0.0.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "::",
    ] {
        let refusal = vet(&strict(), host).await.unwrap_err();
        assert!(
            matches!(refusal, Refusal::NotAllowed { .. } | Refusal::NotFound { .. }),
            "{host}: {refusal}"
        );
    }
}

#[tokio::test]
async fn allowed_network_passes_and_its_neighbour_does_not() {
    let policy = allowing("10.1.0.0/16");
    assert!(vet(&policy, "10.1.2.3").await.is_ok());
    assert!(vet(&policy, "::ffff:10.1.2.3").await.is_ok());
    assert!(vet(&policy, "64:ff9b::10.1.2.3").await.is_ok());
    assert!(vet(&policy, "10.2.2.3").await.is_err());
    assert!(vet(&policy, "64:ff9b::10.2.2.3").await.is_err());
}

#[tokio::test]
async fn other_port_of_an_allowed_network_is_refused_and_named() {
    let policy = allowing("10.1.0.0/16");
    let refused = |port| {
        let policy = policy.clone();
        async move { policy.vet("10.1.2.3", port, Encryption::Explicit, &LookupSlot::default()).await }
    };
    assert!(matches!(refused(22).await, Err(Refusal::PortNotAllowed { port: 22, .. })));
    assert!(matches!(refused(5432).await, Err(Refusal::PortNotAllowed { .. })));
    assert!(refused(990).await.is_ok());
}

#[tokio::test]
async fn network_around_a_metadata_address_does_not_allow_it() {
    for metadata in ["169.254.169.254", "fd00:ec2::254", "64:ff9b::169.254.169.254"] {
        for network in ["0.0.0.0/0", "169.254.0.0/16", "::/0", "fd00::/8", "64:ff9b::/96"] {
            let refusal = vet(&allowing(network), metadata).await;
            assert!(matches!(refusal, Err(Refusal::NotAllowed { .. })), "{metadata} {network}");
        }
    }
    assert!(vet(&allowing("169.254.169.254"), "169.254.169.254").await.is_ok());
}

#[test]
fn addresses_of_this_machine_are_known() {
    assert!(is_own([127, 0, 0, 1].into()));
    assert!(!is_own([192, 0, 2, 1].into()) && !is_own([93, 184, 216, 34].into()));
    let outward = UdpSocket::bind("0.0.0.0:0").unwrap();
    if outward.connect("192.0.2.1:9").is_ok() {
        assert!(is_own(outward.local_addr().unwrap().ip()));
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_name_and_name_of_the_inner_network_get_the_same_answer_after_the_same_time() {
    let mut answers = Vec::new();
    for name in ["localhost", "no-such-host.invalid"] {
        let started = Instant::now();
        let refusal = vet(&strict(), name).await.unwrap_err();
        let problem = refusal.problem(ProblemBuilder::default());
        let text = format!("{problem:?}").replace(name, "NAME");
        answers.push((text, refusal.to_string().replace(name, "NAME"), started.elapsed()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].2, REFUSAL_TIME);
}

#[test]
fn name_with_thousands_of_addresses_is_tried_at_a_few() {
    let all: Vec<SocketAddr> =
        (0..4000_u32).map(|n| (Ipv4Addr::from_bits(0x0808_0000 + n), 21).into()).collect();
    assert_eq!(keep_allowed(&all, |_| true), all[..MAX_ADDRESSES]);
}

#[tokio::test]
async fn refusal_names_the_address_its_scope_and_the_setting() {
    let refusal = vet(&strict(), "169.254.169.254").await.unwrap_err();
    let problem = refusal.problem(ProblemBuilder::default());
    assert_eq!(problem.stage, Stage::Policy);
    assert!(problem.message.contains("169.254.169.254"));
    assert!(problem.remedy.unwrap().what.contains("allow_network"));
}

#[tokio::test]
async fn text_that_is_no_host_is_refused_without_a_lookup() {
    for host in ["", " ", "a b", "a/b", "user@host", "a\r\nb", "%00", &"a".repeat(254)] {
        assert!(matches!(vet(&strict(), host).await, Err(Refusal::NotAHost(_))), "{host:?}");
    }
}

#[tokio::test]
async fn port_zero_is_refused() {
    let refusal = strict()
        .vet("93.184.216.34", 0, Encryption::Explicit, &LookupSlot::default())
        .await
        .unwrap_err();
    assert!(matches!(refusal, Refusal::PortZero));
}

async fn vet_at(policy: &Policy, host: &str, port: u16) -> Result<Destination, Refusal> {
    policy.vet(host, port, Encryption::Explicit, &LookupSlot::default()).await
}

#[tokio::test]
async fn only_hosts_of_allow_host_may_be_typed() {
    let policy = with(&[("allow_host", "*.example.org,93.184.216.34")]);
    assert!(vet(&policy, "93.184.216.34").await.is_ok());
    for host in ["93.184.216.35", "example.com", "example.org", "badexample.org"] {
        let refusal = vet(&policy, host).await.unwrap_err();
        assert!(matches!(refusal, Refusal::HostNotAllowed { .. }), "{host}: {refusal}");
    }
    let permitted = vet(&policy, "no-such-host.example.org").await.unwrap_err();
    assert!(matches!(permitted, Refusal::NotFound { .. } | Refusal::NoAnswer { .. }));
}

#[tokio::test]
async fn hosts_of_deny_host_may_not_be_typed_although_allow_host_has_them() {
    let policy = with(&[("allow_host", "*.example.org"), ("deny_host", "db.example.org")]);
    for host in ["db.example.org", "DB.Example.org."] {
        let refusal = vet(&policy, host).await.unwrap_err();
        assert!(matches!(refusal, Refusal::HostNotAllowed { .. }), "{host}: {refusal}");
    }
}

#[tokio::test]
async fn denied_address_is_denied_to_names_and_to_other_spellings_of_it_too() {
    let network = ("allow_network", "127.0.0.0/8");
    assert!(vet(&with(&[network]), "localhost").await.is_ok());
    let policy = with(&[network, ("deny_host", "127.0.0.1,93.184.216.34")]);
    for host in ["localhost", "1572395042", "93.184.216.34", "::ffff:93.184.216.34"] {
        assert!(vet(&policy, host).await.is_err(), "{host}");
    }
}

#[tokio::test]
async fn only_ports_of_allow_port_may_be_typed_outside_of_allow_network() {
    for (port, is_allowed) in [(21, true), (22, true), (990, true), (1024, true), (25, false)] {
        let vetted = vet_at(&strict(), "93.184.216.34", port).await;
        assert_eq!(vetted.is_ok(), is_allowed, "{port}");
    }
    let policy = with(&[("allow_port", "2121"), ("allow_network", "10.0.0.0/8")]);
    let refusal = vet_at(&policy, "93.184.216.34", 21).await.unwrap_err();
    assert!(matches!(refusal, Refusal::PortNotAllowed { port: 21, .. }), "{refusal}");
    let remedy = refusal.problem(ProblemBuilder::default()).remedy.unwrap().what;
    assert!(remedy.contains("`allow_port`"), "{remedy}");
    assert!(vet_at(&policy, "93.184.216.34", 2121).await.is_ok());
    assert!(vet_at(&policy, "10.0.0.1", 21).await.is_ok());
    assert!(vet_at(&policy, "10.0.0.1", 2121).await.is_err());
}

const PRESET: &str = "[[preset]]\nname = \"acme\"\nhost = \"93.184.216.34\"\nport = 2121\n\
                      encryption = \"implicit\"\n";

#[tokio::test]
async fn preset_brings_its_own_host_port_and_encryption() {
    let destination = vet_at(&of_file(PRESET), "acme", 5432).await.unwrap();
    assert_eq!(destination.to_string(), "93.184.216.34:2121");
    assert_eq!((destination.port(), destination.encryption()), (2121, Encryption::Implicit));
    assert_eq!(destination.preset().unwrap().name, "acme");
}

#[tokio::test]
async fn no_other_host_is_connected_to_as_soon_as_there_is_a_preset() {
    let policy = of_file(&format!("allow_network = [\"10.0.0.0/8\"]\n{PRESET}"));
    for host in ["93.184.216.34", "93.184.216.35", "10.0.0.1", "ACME", "acme.", ""] {
        let refusal = vet_at(&policy, host, 2121).await.unwrap_err();
        assert!(matches!(refusal, Refusal::NotAPreset(_)), "{host}: {refusal}");
    }
}

#[tokio::test]
async fn preset_permits_the_address_that_it_names_but_not_that_of_a_name() {
    let preset = |host| format!("[[preset]]\nname = \"own\"\nhost = \"{host}\"\n");
    assert!(vet(&of_file(&preset("10.0.0.1")), "own").await.is_ok());
    let refusal = vet(&of_file(&preset("localhost")), "own").await.unwrap_err();
    assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal}");
    let allowed = format!("allow_network = [\"127.0.0.0/8\"]\n{}", preset("localhost"));
    assert!(vet(&of_file(&allowed), "own").await.is_ok());
}
