//! The harness's real FTPS servers behave as the other tests assume.

use std::{net::TcpStream, time::Duration};

use ferryport_tests::{
    process::wait_for,
    servers::{Kind, Options, Server, TlsMax},
};
use protocol::Encryption;

#[test]
fn each_server_greets_over_explicit_tls_and_ends_with_its_owner() {
    for kind in Kind::ALL {
        greets_and_goes(kind, Encryption::Explicit);
    }
}

#[test]
fn each_server_with_implicit_tls_greets_over_it_and_ends_with_its_owner() {
    for kind in Kind::WITH_IMPLICIT_TLS {
        greets_and_goes(kind, Encryption::Implicit);
    }
}

#[test]
fn parallel_servers_share_neither_port_nor_directory() {
    let one = Server::start(Kind::PureFtpd, Options::default());
    let other = Server::start(Kind::PureFtpd, Options::default());
    assert_ne!(one.port(), other.port());
    assert_ne!(one.root(), other.root());
    assert_ne!(one.certificate_sha256(), other.certificate_sha256());
}

fn greets_and_goes(kind: Kind, encryption: Encryption) {
    for tls_max in TlsMax::ALL {
        // `start` returns when the server has greeted with 220.
        let server = Server::start(kind, Options { encryption, tls_max, ..Options::default() });
        let address = server.address();
        assert!(server.files().is_empty());
        drop(server);
        let gone = wait_for(Duration::from_secs(10), || TcpStream::connect(address).err());
        assert!(gone.is_some(), "{} still listens on {address}", kind.name());
    }
}
