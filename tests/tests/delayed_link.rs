//! The harness's link has the delay that it is given.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use ferryport_tests::{
    delayed_link::DelayedLink,
    servers::{Kind, Options, Server},
};

const ROUND_TRIP: Duration = Duration::from_millis(50);

/// What a busy machine may add.
const TOLERANCE: Duration = Duration::from_millis(25);

#[test]
fn a_connection_over_a_link_takes_one_round_trip_on_each_server() {
    let link = DelayedLink::start(ROUND_TRIP);
    for kind in [Kind::Vsftpd, Kind::ProFtpd, Kind::PureFtpd, Kind::Pyftpdlib] {
        let server = Server::start(kind, Options { place: link.place(), ..Options::default() });
        // The best of a few: a pause of the machine is not the link's.
        let fastest = (0..5).map(|_| time_to_connect(&server)).min().unwrap();
        println!("{}: {fastest:?}", kind.name());
        assert!(fastest >= ROUND_TRIP, "{fastest:?}");
        assert!(fastest < ROUND_TRIP + TOLERANCE, "{fastest:?}");
    }
}

#[test]
fn parallel_links_have_different_addresses() {
    let one = DelayedLink::start(ROUND_TRIP);
    let other = DelayedLink::start(ROUND_TRIP);
    assert_ne!(one.far(), other.far());
}

fn time_to_connect(server: &Server) -> Duration {
    let start = Instant::now();
    let connected = TcpStream::connect(server.address());
    let elapsed = start.elapsed();
    assert!(connected.is_ok(), "{connected:?}");
    elapsed
}
