//! `ferryport check URL`: tells from outside whether a portal can be used, and what its proxy does to it.
//!
//! # Layers
//! - [`verdict`]: what was found.
//! - `connection`: connections and requests.
//! - `socket`: the WebSocket.
//! - this module: the checks, in their order.

mod connection;
mod socket;
pub mod verdict;

use std::{net::IpAddr, time::Duration};

use axum::http::{Method, StatusCode};

use self::{
    connection::{Answer, CheckedPortal},
    socket::Opened,
    verdict::{Checked, Report, State, Verdict},
};
use crate::{
    http::check::{STREAM_PAUSE, STREAM_PIECES, SeenClient},
    settings::{PublicUrl, Scheme},
};

/// What to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address of the page.
    pub url: PublicUrl,
    /// How long an idle WebSocket has to stay open; `None` to leave that out.
    pub idle: Option<Duration>,
}

/// An origin that no portal has: the domain is reserved (RFC 6761 §6.4).
const OTHER_ORIGIN: &str = "https://ferryport-check.invalid";

/// How often the stream is tried.
const STREAM_TRIES: u32 = 3;

/// Checks a portal. Checks that need what an earlier one has not found are left out.
pub async fn check(options: &Options) -> Report {
    let mut report = Report::default();
    match CheckedPortal::new(options.url.clone()) {
        Ok(target) => check_target(&target, options, &mut report).await,
        Err(reason) => {
            report.0.push(Verdict::problem(Checked::Connection, reason, "check the address"));
        }
    }
    report
}

async fn check_target(target: &CheckedPortal, options: &Options, report: &mut Report) {
    report.0.extend(connection(target).await);
    let is_reached = report.state() < State::Problem;
    if !is_reached {
        return;
    }
    let (verdict, front) = portal(target).await;
    report.0.push(verdict);
    let Some(front) = front else { return };
    let own = socket::open(target, target.url.origin().as_str()).await;
    report.0.extend(origin(target, &own).await);
    report.0.push(client(target, &front).await);
    report.0.push(stream(target).await);
    report.0.extend(socket::verdicts(own, options.idle).await);
}

/// Connects, and starts TLS.
async fn connection(target: &CheckedPortal) -> Vec<Verdict> {
    let host = target.host();
    let stream = match target.connect().await {
        Ok(stream) => stream,
        Err(error) => {
            let sentence = format!("{host} cannot be reached: {error}");
            let remedy = "check the name, the port, the firewall, and whether the portal or the proxy \
                          runs";
            return vec![Verdict::problem(Checked::Connection, sentence, remedy)];
        }
    };
    let address = stream.peer_addr().map(|address| address.to_string()).unwrap_or_default();
    let reached = Verdict::ok(Checked::Connection, format!("{host} answers at {address}"));
    vec![reached, tls(target, stream).await]
}

async fn tls(target: &CheckedPortal, stream: tokio::net::TcpStream) -> Verdict {
    if target.scheme() == Scheme::Http {
        let is_loopback = target.host() == "localhost"
            || target.host().parse().is_ok_and(|address: IpAddr| address.is_loopback());
        return if is_loopback {
            Verdict::ok(Checked::Tls, "no HTTPS, and none needed on this machine")
        } else {
            Verdict::problem(
                Checked::Tls,
                "the page is opened without HTTPS: others can read passwords on the network",
                "give the portal a certificate, or put a proxy with HTTPS in front of it",
            )
        };
    }
    match target.try_tls(stream).await {
        Ok(found) => {
            let sentence =
                format!("{}; the certificate is valid until {}", found.version, found.valid_until);
            Verdict::ok(Checked::Tls, sentence)
        }
        Err(error) => Verdict::problem(
            Checked::Tls,
            format!("the TLS handshake fails: {error}"),
            "browsers refuse this too: the certificate has to be valid for this name, and be sent with \
             its chain",
        ),
    }
}

/// What answers in front of the portal.
struct Front {
    proxy: Option<String>,
}

async fn portal(target: &CheckedPortal) -> (Verdict, Option<Front>) {
    let remedy = format!(
        "the proxy has to pass {}/ on to the portal, and the portal has to run; with a path, set \
         `public_url`",
        target.url.path()
    );
    match target.ask(Method::GET, "healthz", None).await {
        Ok(answer) if answer.status == StatusCode::OK && answer.body == b"ok" => {
            let front = Front { proxy: answer.proxy() };
            let through = front.proxy.as_ref().map(|name| format!(" through {name}"));
            let sentence = format!("a portal answers{}", through.unwrap_or_default());
            (Verdict::ok(Checked::Portal, sentence), Some(front))
        }
        Ok(answer) => {
            let sentence = format!("no portal answers there, but status {}", answer.status);
            (Verdict::problem(Checked::Portal, sentence, remedy), None)
        }
        Err(error) => {
            let sentence = format!("no portal answers there: {error}");
            (Verdict::problem(Checked::Portal, sentence, remedy), None)
        }
    }
}

/// Whether the page gets a session, and a page of another origin none. Nothing can be told without a
/// WebSocket.
async fn origin(target: &CheckedPortal, opened: &Opened) -> Vec<Verdict> {
    let own = target.url.origin().as_str();
    let verdict = match opened {
        Opened::Failed(_) => return Vec::new(),
        Opened::Welcomed { .. } => {
            Verdict::ok(Checked::Origin, format!("pages of {own} may open sessions"))
        }
        Opened::Refused(problem) if problem.message.contains(own) => Verdict::problem(
            Checked::Origin,
            format!("the portal does not know {own} as the address of its page"),
            format!("set `public_url = \"{own}{}\"`", target.url.path()),
        ),
        Opened::Refused(problem) => Verdict::problem(
            Checked::Origin,
            format!("the portal opens no session: {}", problem.message),
            "a limit may be reached, or the portal is being stopped: its log says why",
        ),
    };
    vec![verdict, other_origin(target).await]
}

async fn other_origin(target: &CheckedPortal) -> Verdict {
    match socket::open(target, OTHER_ORIGIN).await {
        // A proxy may refuse them too.
        Opened::Refused(_) | Opened::Failed(_) => {
            Verdict::ok(Checked::Origin, "pages of other origins are refused")
        }
        Opened::Welcomed { .. } => Verdict::problem(
            Checked::Origin,
            "pages of other origins are not refused",
            "the proxy may not change the header `Origin`",
        ),
    }
}

/// Asks whom the portal sees.
async fn client(target: &CheckedPortal, front: &Front) -> Verdict {
    let answer = target.ask(Method::GET, "check/client", None).await;
    let seen =
        answer.ok().and_then(|answer| serde_json::from_slice::<SeenClient>(&answer.body).ok());
    let Some(SeenClient { known_by, address }) = seen else {
        return Verdict::warning(
            Checked::Client,
            "the portal does not say whom it sees",
            "it may be of an older version",
        );
    };
    let sees = match &address {
        Some(address) => format!("the portal sees this client as {address}"),
        None => "the portal sees this client at an address that is not public".to_owned(),
    };
    let hidden = "all users share the limits of one client, or have none";
    match (known_by.as_str(), &front.proxy) {
        ("header", _) => Verdict::ok(Checked::Client, format!("{sees}, as a trusted proxy says")),
        ("connection", None) => Verdict::ok(Checked::Client, sees),
        ("connection", Some(proxy)) => Verdict::warning(
            Checked::Client,
            format!("the proxy ({proxy}) hides the client: {hidden}"),
            "let the proxy add the client's address to `X-Forwarded-For`, and name the proxy's address \
             in `trusted_proxies`",
        ),
        ("ignored_header", _) => Verdict::warning(
            Checked::Client,
            format!("the proxy names the client, but the portal does not trust it: {hidden}"),
            "name the proxy's address in `trusted_proxies`; the portal's log has it",
        ),
        _ => Verdict::warning(
            Checked::Client,
            format!("a trusted proxy does not name the client: {hidden}"),
            "let the proxy add the client's address to the header of `forwarded_header`, for nginx: \
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        ),
    }
}

/// Asks for an answer in pieces, and looks when they arrive. A slow network may bring two of them together
/// once, a proxy that holds them back does so each time.
async fn stream(target: &CheckedPortal) -> Verdict {
    let mut verdict = try_stream(target).await;
    for _ in 1..STREAM_TRIES {
        if verdict.state == State::Ok {
            break;
        }
        verdict = try_stream(target).await;
    }
    verdict
}

async fn try_stream(target: &CheckedPortal) -> Verdict {
    match target.ask(Method::GET, "check/stream", None).await {
        Ok(Answer { status: StatusCode::OK, pieces, .. }) => {
            if came_one_by_one(&pieces) {
                return Verdict::ok(Checked::Stream, "answers are passed on as they come");
            }
            Verdict::warning(
                Checked::Stream,
                "the proxy holds answers back until they are complete",
                "turn its buffering off, for nginx: proxy_buffering off;",
            )
        }
        Ok(answer) => Verdict::warning(
            Checked::Stream,
            format!("the portal sends no stream: status {}", answer.status),
            "it may be of an older version",
        ),
        Err(error) => Verdict::warning(
            Checked::Stream,
            format!("an answer in pieces is broken off: {error}"),
            "the proxy has to wait for slow answers",
        ),
    }
}

/// Returns whether pieces that were sent with pauses have arrived so: none waited for a later one.
fn came_one_by_one(pieces: &[Duration]) -> bool {
    let whole = STREAM_PAUSE * u32::from(STREAM_PIECES - 1);
    let took = pieces.first().zip(pieces.last()).map_or(Duration::ZERO, |(a, b)| *b - *a);
    let longest_gap = pieces.windows(2).map(|pair| pair[1] - pair[0]).max();
    took >= whole / 2 && longest_gap.is_some_and(|gap| gap < 2 * STREAM_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_that_waits_for_a_later_one_is_noticed() {
        let times = |halves: &[u32]| -> Vec<Duration> {
            halves.iter().map(|half| STREAM_PAUSE * *half / 2).collect()
        };
        assert!(came_one_by_one(&times(&[0, 2, 4, 6])));
        assert!(came_one_by_one(&times(&[1, 2, 5, 6])), "the network is not even");
        // nginx passes the head on with the first piece, and holds the others.
        for held in [&[0, 6][..], &[6], &[6, 6, 6, 6], &[]] {
            assert!(!came_one_by_one(&times(held)), "{held:?}");
        }
    }
}
