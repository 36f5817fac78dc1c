//! The portal: relays files from a browser to an FTPS server.
//!
//! Without the settings `store` and `acme_dir` the portal keeps nothing on disk: no file, no credential, no state.
//!
//! # Layers
//! - [`texts`]: the texts of every language.
//! - `locking`: locks of shared state.
//! - [`signals`]: the signals of the operator.
//! - `supervisor`: messages to systemd.
//! - [`log_throttle`]: log lines that strangers can cause, at most one of a kind a minute.
//! - [`metrics`]: the figures for Prometheus.
//! - [`readiness`]: where the portal is between its start and its end.
//! - [`convert`]: the FTPS engine's values as values of the protocol.
//! - [`pem`]: certificates and private keys in PEM form.
//! - [`https_client`]: HTTPS requests of the portal itself.
//! - [`host`]: a host name or an address, in any spelling.
//! - [`settings`]: every setting, its unit, its default.
//! - [`passed_sockets`]: sockets that the supervisor has opened.
//! - [`client`]: the client of a request, as limits count it.
//! - [`keyring`]: the keys that seal what is secret in the store.
//! - [`sealed_store`]: the store with its keyring.
//! - [`audit`]: what happened, as JSON lines.
//! - [`health`]: checks whether a running portal answers.
//! - [`descriptors`]: the process's limit of file descriptors.
//! - [`lookup`]: host names and their addresses.
//! - [`problems`]: builds problems in the user's language.
//! - [`policy`]: the rules about destinations.
//! - [`outbound`]: certificates and proxy of the connections to FTPS servers.
//! - [`doctor`]: examines FTPS servers.
//! - [`acme`]: the certificate that the portal gets by itself.
//! - [`limits`]: limits on clients, and on what all of them may do to one server.
//! - [`websocket`]: the frames between browser and portal.
//! - [`relay`]: the bytes in flight, and the budget that bounds them.
//! - [`under_way`]: what a session does that a restart should not interrupt.
//! - [`remote_path`]: paths on the FTPS server, as the page writes them.
//! - [`path_claims`]: uploads to one file wait for each other.
//! - [`drops`]: links that anybody can upload to.
//! - [`portal`]: the state that all sessions share.
//! - [`outbox`]: messages and log lines on their way to the page.
//! - [`uploads`]: the uploads of a session.
//! - [`ftps_connection`]: a session's connection to an FTPS server.
//! - [`session`]: one page's conversation with the portal, its sockets, and the registry.
//! - [`app`]: the state of the HTTP handlers.
//! - [`http`]: the page, its assets, the routes of a session, the accept loop.
//! - [`demo`]: an FTPS server to try the portal with.
//! - [`reload`]: reads the configuration of a running portal again.
//! - [`control_socket`]: the Unix socket on which `ferryport reload` asks a running portal.
//! - [`serve`]: the portal from its listener to its end.
//! - [`commands`]: the commands of an operator, besides running the portal.
//! - [`command_line`]: the subcommands and flags of `ferryport`.

pub mod acme;
pub mod app;
pub mod audit;
pub mod client;
pub mod command_line;
pub mod commands;
pub mod control_socket;
pub mod convert;
#[cfg(feature = "demo")]
pub mod demo;
pub mod descriptors;
pub mod doctor;
pub mod drops;
pub mod ftps_connection;
pub mod health;
pub mod host;
pub mod http;
pub mod https_client;
pub mod keyring;
pub mod limits;
mod locking;
pub mod log_throttle;
pub mod lookup;
pub mod metrics;
pub mod outbound;
pub mod outbox;
pub mod passed_sockets;
pub mod path_claims;
pub mod pem;
pub mod policy;
pub mod portal;
pub mod problems;
pub mod readiness;
pub mod relay;
pub mod reload;
pub mod remote_path;
pub mod sealed_store;
pub mod serve;
pub mod session;
pub mod settings;
pub mod signals;
mod supervisor;
pub mod texts;
pub mod under_way;
pub mod uploads;
pub mod websocket;
