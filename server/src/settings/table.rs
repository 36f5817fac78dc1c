//! The table of settings.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use store::Address;

use super::{
    AccountId, AcmeDomain, AllowedNetwork, AuditClient, AuditTarget, AuthorityUrl, ByteCount,
    Description, EmailAddress, ForwardedHeader, HostPattern, LogFormat, Origin, PinnedCertificate,
    PortRange, Preset, ProxyUrl, PublicUrl, Scheme, SettingValue, SettingsErrors, Sources,
    TlsVersion,
};

/// The port of HTTPS (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;

/// Expands a row of the table to its [`Description`].
macro_rules! description {
    ($name:ident: $type:ty = $default:literal, like $example:literal; $($help:literal)+) => {
        Description {
            name: stringify!($name),
            default: $default,
            example: $example,
            help: &[$($help),+],
            notation: <$type as SettingValue>::NOTATION,
            repeatable: <$type as SettingValue>::REPEATABLE,
            is_secret: <$type as SettingValue>::SECRET,
        }
    };
}

/// Declares the settings: each row becomes a field, its description and its parsing.
macro_rules! settings {
    ($($(#[doc = $help:literal])+ $name:ident: $type:ty = $default:literal, like $example:literal;)+) => {
        /// The values of all settings.
        #[derive(Clone, Debug)]
        pub struct Settings {
            $($(#[doc = $help])+ pub $name: $type,)+
            /// The servers that the operator offers. Where there is one, users connect to no other
            /// server.
            pub presets: Vec<Preset>,
        }

        /// The descriptions of all settings, in the order of `docs/operating.md`.
        pub const DESCRIPTIONS: &[Description] =
            &[$(description!($name: $type = $default, like $example; $($help)+)),+];

        impl Settings {
            /// Parses each setting from the first source that has it. Returns nothing where one does not
            /// parse; all reasons are added to `errors`.
            pub(super) fn parse(sources: &Sources, errors: &mut SettingsErrors) -> Option<Self> {
                $(let $name = errors.collect(sources.value(
                    &description!($name: $type = $default, like $example; $($help)+),
                ));)+
                let presets = sources.presets().map_err(|found| errors.extend(found)).ok();
                Some(Self { $($name: $name?,)+ presets: presets? })
            }
        }
    };
}

settings! {
    /// The address and port that the portal listens on. An address other than loopback needs
    /// `tls_certificate_file`, `acme_domains` or `trusted_proxies`.
    listen: SocketAddr = "\"127.0.0.1:8080\"", like "\"127.0.0.1:8080\"";
    /// The address and port of the admin listener: `/livez`, `/readyz` and `/metrics` over plain HTTP.
    /// Without it there is none. Only supervisors and Prometheus should reach it.
    admin_listen: Option<SocketAddr> = "\"\"", like "\"127.0.0.1:9090\"";
    /// The most concurrent connections to the port of `admin_listen`. Further ones wait.
    max_admin_connections: u32 = "64", like "64";
    /// The longest duration of a connection to the port of `admin_listen`.
    admin_connection_lifetime: Duration = "\"1 min\"", like "\"1 min\"";
    /// The path of the Unix socket on which `ferryport reload` asks the portal to read its configuration
    /// again. Without it, `SIGHUP` does that.
    control_socket: Option<PathBuf> = "\"\"", like "\"/run/ferryport/control.sock\"";
    /// The PEM file of the certificate that browsers see, followed by its chain. With it the portal
    /// serves HTTPS. The file is read again when it changes.
    tls_certificate_file: Option<PathBuf> = "\"\"", like "\"/etc/ferryport/fullchain.pem\"";
    /// The PEM file of the private key of that certificate, without a password. Needed unless the
    /// key is in the certificate's file.
    tls_key_file: Option<PathBuf> = "\"\"", like "\"/etc/ferryport/privkey.pem\"";
    /// The interval at which the portal checks whether these files have changed.
    tls_file_interval: Duration = "\"1 min\"", like "\"1 min\"";
    /// The timeout of a browser's TLS handshake.
    page_tls_timeout: Duration = "\"15 s\"", like "\"15 s\"";
    /// The address of the page, as users type it, with the path below which a reverse proxy shows it.
    /// Needed when the portal listens on an address other than loopback, unless `origins` or
    /// `acme_domains` is set.
    public_url: Option<PublicUrl> = "\"\"", like "\"https://example.com/upload\"";
    /// The addresses or networks of the reverse proxies in front of the portal, which serve HTTPS. Only
    /// they may say who a client is. Without a proxy or a certificate the portal listens on loopback
    /// addresses only.
    trusted_proxies: Vec<IpNet> = "[]", like "[\"127.0.0.1\"]";
    /// The header in which these proxies name the client: `x-forwarded-for` or `forwarded`. The other one
    /// is not read, because a client can write it.
    forwarded_header: ForwardedHeader = "\"x-forwarded-for\"", like "\"forwarded\"";
    /// Whether these proxies begin each connection with a header of the PROXY protocol, version 2.
    proxy_protocol: bool = "false", like "true";
    /// The time that a proxy has for the header of the PROXY protocol.
    proxy_protocol_timeout: Duration = "\"5 s\"", like "\"5 s\"";
    /// Further origins of the page, as browsers send them, beside that of `public_url`. The portal's own
    /// loopback addresses and those of `acme_domains` are known.
    origins: Vec<Origin> = "[]", like "[\"https://upload.example.com\"]";
    /// The form of the log on standard error: lines for people, or JSON objects.
    log_format: LogFormat = "\"text\"", like "\"json\"";
    /// The file of the audit, or `stdout`: a JSON object for each session, login, upload and change. It is
    /// off without it. `SIGUSR1` opens the file again.
    audit: Option<AuditTarget> = "\"\"", like "\"/var/log/ferryport/audit.jsonl\"";
    /// Whether the audit has the paths of files.
    audit_paths: bool = "true", like "false";
    /// How much of a client's address the audit has: `full`, `prefix` (24 bits of an IPv4 address, 48 of an
    /// IPv6 address) or `none`.
    audit_client: AuditClient = "\"full\"", like "\"prefix\"";
    /// Networks that the portal may connect to although they are not public, in CIDR notation. The
    /// ports of control connections there are 21 and 990, unless they follow the network:
    /// `10.1.0.0/16:2121`, a range `:2100-2199`, or `:*` for all.
    allow_network: Vec<AllowedNetwork> = "[]", like "[\"10.1.0.0/16\"]";
    /// The only hosts that users may type: names, addresses, or `*.example.org` for all names below a
    /// domain. Without it, any host.
    allow_host: Vec<HostPattern> = "[]", like "[\"*.example.org\"]";
    /// Hosts that users may not type, also where `allow_host` has them. A denied address may not be the
    /// address of a name either.
    deny_host: Vec<HostPattern> = "[]", like "[\"internal.example.org\"]";
    /// The ports of control connections that users may type. The networks of `allow_network` have
    /// ports of their own.
    allow_port: Vec<PortRange> = "[21, 22, 990, \"1024-65535\"]", like "[21, 990]";

    /// The most concurrent sessions. Further pages are told to try again later.
    max_sessions: u32 = "1000", like "1000";
    /// The most concurrent sessions of one client: of an IPv4 address, or of an IPv6 network of 64 bits.
    /// Clients on the portal's own machine are not counted; behind a proxy of `trusted_proxies`, the proxy
    /// names the client. 0 sets no limit, here and in the other limits of clients and servers.
    max_client_sessions: u32 = "20", like "20";
    /// The most sessions that one client may create in a minute.
    client_sessions_per_minute: u32 = "30", like "30";
    /// The most concurrent connections to the portal's port. Further ones wait.
    max_connections: u32 = "4096", like "4096";
    /// The most concurrent connections of one client to the portal's port. Further ones are closed.
    max_client_connections: u32 = "1024", like "1024";
    /// The connections of `max_connections` that are kept for clients that have a session. While only
    /// these are left, connections of other clients are closed. At most half of `max_connections` is
    /// kept. The connections of a proxy are shared by all of its clients.
    reserved_connections: u32 = "512", like "512";
    /// The most WebSockets that wait for their `hello`. A client that has a quarter of them loses its
    /// oldest one for each further one. If there are too many in all, the oldest one is closed.
    max_waiting_sockets: u32 = "256", like "256";
    /// The most WebSockets of one session that wait for their `hello`, beside `max_waiting_sockets`: the
    /// page of a session that runs already names it in the address of the socket. A further one replaces
    /// the oldest one of the session.
    max_session_waiting_sockets: u32 = "2", like "2";
    /// The time that a WebSocket has for its `hello`.
    hello_timeout: Duration = "\"10 s\"", like "\"10 s\"";
    /// The timeout of the headers of a browser's request.
    header_timeout: Duration = "\"30 s\"", like "\"30 s\"";
    /// The longest time for which uploads under way continue when the portal is stopped. Those that still
    /// run are suspended then; the pages resume them when the portal is back.
    drain_timeout: Duration = "\"10 min\"", like "\"10 min\"";
    /// The shortest time for which a portal with `admin_listen` still answers when it is stopped: load
    /// balancers see that it is not ready.
    drain_delay: Duration = "\"5 s\"", like "\"5 s\"";
    /// The time that sessions have to end when the portal is stopped, after `drain_timeout`.
    shutdown_timeout: Duration = "\"10 s\"", like "\"10 s\"";
    /// The time that a session waits for a page that has lost its connection. The page resumes its
    /// uploads when it comes back.
    session_grace: Duration = "\"5 min\"", like "\"5 min\"";
    /// The longest duration of a session.
    session_lifetime: Duration = "\"24 h\"", like "\"24 h\"";
    /// The time without a message of the page after which its socket is closed, at least twice
    /// `ping_interval`.
    page_silence_timeout: Duration = "\"90 s\"", like "\"90 s\"";
    /// The interval between two pings, of the page and of the portal. It has to be shorter than the
    /// idle timeout of a proxy between them, which is often a minute.
    ping_interval: Duration = "\"25 s\"", like "\"25 s\"";
    /// The longest time in which a browser reads no byte of an answer or a message, or in which the
    /// page acknowledges nothing while further messages wait.
    page_write_timeout: Duration = "\"60 s\"", like "\"60 s\"";
    /// The time that an upload waits for the page's next bytes, or for its digest.
    page_chunk_timeout: Duration = "\"10 min\"", like "\"10 min\"";
    /// The most lines of a session's log that the portal keeps for a page that comes back.
    max_log_lines: u32 = "5000", like "5000";
    /// The most bytes of these lines.
    max_log: ByteCount = "\"1 MiB\"", like "\"1 MiB\"";
    /// The most bytes of a session's unacknowledged messages. Beyond it the session waits for the
    /// page.
    max_unacknowledged: ByteCount = "\"4 MiB\"", like "\"4 MiB\"";
    /// The sum of the unacknowledged messages and the logs of all sessions, beyond the 96 KiB that each
    /// session has for itself. While half of it is in use, listings and logs are shorter.
    outbox_budget: ByteCount = "\"64 MiB\"", like "\"64 MiB\"";
    /// The most bytes of a text message from a page.
    max_message: ByteCount = "\"64 KiB\"", like "\"64 KiB\"";

    /// The most bytes of a file in one message.
    max_chunk: ByteCount = "\"4 MiB\"", like "\"4 MiB\"";
    /// The fewest bytes of a file in one message, except the last one of the file.
    min_chunk: ByteCount = "\"16 KiB\"", like "\"16 KiB\"";
    /// The most bytes of one upload in flight between the page and the FTPS server.
    window: ByteCount = "\"12 MiB\"", like "\"12 MiB\"";
    /// The most bytes of an upload that the page may send before its turn.
    ahead_window: ByteCount = "\"64 KiB\"", like "\"64 KiB\"";
    /// The sum of the windows of all uploads: the most memory for bytes in flight.
    window_budget: ByteCount = "\"256 MiB\"", like "\"256 MiB\"";
    /// The most uploads of one session that are offered and have not ended.
    max_open_uploads: u32 = "64", like "64";

    /// The most connections to FTPS servers that one session may request in a minute.
    session_connects_per_minute: u32 = "20", like "20";
    /// The most connections to FTPS servers that one client may request in a minute.
    client_connects_per_minute: u32 = "20", like "20";
    /// The most connections that all sessions together may request to one FTPS server in a minute.
    /// Presets and servers in the networks of `allow_network` have no such limit.
    target_connects_per_minute: u32 = "60", like "60";
    /// The most connections to one FTPS server that are not logged in yet; not for presets and servers in
    /// the networks of `allow_network`.
    max_target_attempts: u32 = "16", like "16";
    /// The failed logins of a user at a server after which further ones have to wait: 30 s, then twice as
    /// long each time, up to 1 h.
    max_failed_logins: u32 = "5", like "5";
    /// The failed logins of one client after which it has to wait in the same way. They are forgotten
    /// after 10 min without a failure.
    max_client_failed_logins: u32 = "10", like "10";
    /// The failed logins at one FTPS server after which all further ones there have to wait in the same
    /// way.
    max_target_failed_logins: u32 = "100", like "100";

    /// The timeout of a lookup of a host name.
    resolve_timeout: Duration = "\"10 s\"", like "\"10 s\"";
    /// The timeout of a TCP connection to an FTPS server, control or data connection, including the
    /// proxy.
    connect_timeout: Duration = "\"15 s\"", like "\"15 s\"";
    /// The timeout of a server's greeting.
    greeting_timeout: Duration = "\"15 s\"", like "\"15 s\"";
    /// The time without a greeting after which the portal probes, on a second connection, whether the
    /// port expects implicit TLS. At most half of `greeting_timeout` counts.
    silence_timeout: Duration = "\"5 s\"", like "\"5 s\"";
    /// The timeout of a TLS handshake with an FTPS server.
    tls_timeout: Duration = "\"15 s\"", like "\"15 s\"";
    /// The pause between the reply to `AUTH` and TLS, for servers that lose the start of the
    /// handshake without it.
    tls_pause: Duration = "\"300 ms\"", like "\"300 ms\"";
    /// The timeout of a server's reply to a command.
    reply_timeout: Duration = "\"60 s\"", like "\"60 s\"";
    /// The timeout of each further reply to commands that were sent together. A server that loses
    /// commands sends no more.
    batch_timeout: Duration = "\"20 s\"", like "\"20 s\"";
    /// The longest time in which a server takes no byte of an upload.
    stall_timeout: Duration = "\"60 s\"", like "\"60 s\"";
    /// The timeout of a server's reply after the last byte of an upload. Some servers scan the file
    /// first.
    final_reply_timeout: Duration = "\"5 min\"", like "\"5 min\"";
    /// How long the portal looks again at the size of a new file that differs from what was sent. Some
    /// servers report sizes late.
    size_lag_timeout: Duration = "\"3 s\"", like "\"3 s\"";
    /// The time that a server has for its reply after a data connection failed. The reply says
    /// why.
    verdict_timeout: Duration = "\"5 s\"", like "\"5 s\"";
    /// The time that a server has to close a data connection after its reply.
    data_close_timeout: Duration = "\"3 s\"", like "\"3 s\"";
    /// The silence after which a reply of several lines has ended, if its last line has another
    /// code.
    settle_timeout: Duration = "\"500 ms\"", like "\"500 ms\"";
    /// The timeout of a logout.
    quit_timeout: Duration = "\"2 s\"", like "\"2 s\"";
    /// The most FTPS sessions that a page's session opens for uploads; one more serves listings. The
    /// portal starts with `start_ftps_connections`, and adds more while that makes the uploads faster.
    max_ftps_connections: u32 = "4", like "2";
    /// The FTPS sessions for uploads that a page's session opens at first.
    start_ftps_connections: u32 = "2", like "2";
    /// The interval at which the portal measures the throughput to decide on one more FTPS
    /// session.
    growth_interval: Duration = "\"2 s\"", like "\"2 s\"";
    /// The time for which the portal respects a limit of sessions that a server reported.
    session_limit_memory: Duration = "\"5 min\"", like "\"5 min\"";
    /// The quiet time of a control connection before the first TCP keepalive probe. Some routers
    /// forget quiet connections.
    keepalive_idle: Duration = "\"30 s\"", like "\"30 s\"";
    /// The interval between two keepalive probes.
    keepalive_interval: Duration = "\"15 s\"", like "\"15 s\"";
    /// The commands after which an FTPS session is replaced between two uploads, unless the
    /// server runs on Unix. The firewall of Windows ends a TLS session after about 700.
    max_ftps_session_commands: u32 = "600", like "600";
    /// The age at which an FTPS session is replaced between two uploads. Some servers keep a TLS
    /// session for data connections for 5 min only.
    max_ftps_session_age: Duration = "\"4 min\"", like "\"4 min\"";
    /// The timeout of a server's digest of a file. The server reads the whole file for it.
    digest_timeout: Duration = "\"15 min\"", like "\"15 min\"";
    /// The bytes of a file that a server must digest in a second; `digest_start_timeout` comes on
    /// top.
    min_digest_rate: ByteCount = "\"2 MiB\"", like "\"2 MiB\"";
    /// The timeout of a server's digest of an empty file. A greater one has more time, up to
    /// `digest_timeout`.
    digest_start_timeout: Duration = "\"60 s\"", like "\"60 s\"";
    /// The largest file for whose digest the server is asked where an upload finds one of its name and
    /// size, so that the user learns whether they are the same. The server reads the whole file for it;
    /// with `0 B` it is never asked.
    existing_digest_limit: ByteCount = "\"64 MiB\"", like "\"64 MiB\"";
    /// The timeout of such a digest. After it the FTPS session is replaced.
    existing_digest_timeout: Duration = "\"10 s\"", like "\"10 s\"";
    /// The retries without progress after which an interrupted upload fails.
    retries: u32 = "8", like "8";
    /// The pause before the first retry. It doubles with each further one.
    retry_wait: Duration = "\"1 s\"", like "\"1 s\"";
    /// The longest pause before a retry.
    max_retry_wait: Duration = "\"60 s\"", like "\"60 s\"";
    /// The most FTPS servers whose capabilities the portal remembers while it runs.
    max_known_servers: u32 = "1024", like "1024";
    /// The longest wait for two things: after a cancel, for the FTPS session to become usable again;
    /// when the connection closes, for the reply to a command that changes something on the server.
    cancel_timeout: Duration = "\"10 s\"", like "\"10 s\"";
    /// The most bytes of one reply. A session keeps the greeting and the list of features.
    max_reply: ByteCount = "\"64 KiB\"", like "\"64 KiB\"";
    /// The most bytes of one line of a reply.
    max_reply_line: ByteCount = "\"8 KiB\"", like "\"8 KiB\"";
    /// The most lines of one reply.
    max_reply_lines: u32 = "1024", like "1024";
    /// The most preliminary replies (codes from 100 to 199) to one command.
    max_preliminary_replies: u32 = "16", like "16";
    /// The most lines of replies that one FTPS session adds to the log in a second. The others
    /// are counted.
    max_log_lines_per_second: u32 = "1000", like "1000";
    /// The most directories of a server that a connection remembers, of at most 4 KiB each.
    max_known_directories: u32 = "512", like "512";
    /// The oldest TLS version for FTPS servers.
    tls_min: TlsVersion = "\"1.2\"", like "\"1.2\"";
    /// The newest TLS version for FTPS servers.
    tls_max: TlsVersion = "\"1.3\"", like "\"1.3\"";
    /// Whether the portal trusts the system's certificate authorities for FTPS servers. Otherwise it
    /// trusts those of `ca_file` only.
    system_roots: bool = "true", like "false";
    /// PEM files of further certificate authorities to trust for FTPS servers.
    ca_file: Vec<PathBuf> = "[]", like "[\"/etc/ferryport/ca.pem\"]";
    /// The only certificates to accept of a host, as `host=SHA-256`; the page cannot trust another
    /// one. A host may have several.
    pinned_certificates: Vec<PinnedCertificate> = "[]", like "[\"ftp.example.org=039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81\"]";
    /// The PEM file of the client certificate for FTPS servers that request one, followed by its
    /// chain.
    client_certificate_file: Option<PathBuf> = "\"\"", like "\"/etc/ferryport/client.pem\"";
    /// The PEM file of the private key of that certificate, without a password. Needed unless the
    /// key is in the certificate's file.
    client_key_file: Option<PathBuf> = "\"\"", like "\"/etc/ferryport/client.key\"";
    /// The URL of the proxy for connections to FTPS servers: `socks5://` or `http://` (`CONNECT`),
    /// with username and password where the proxy needs them.
    proxy: Option<ProxyUrl> = "\"\"", like "\"socks5://user:password@10.0.0.1:1080\"";
    /// The most bytes of one directory listing.
    max_listing: ByteCount = "\"4 MiB\"", like "\"4 MiB\"";
    /// The most entries of one directory listing that are shown.
    max_listing_entries: u32 = "10000", like "10000";
    /// The timeout of a whole directory listing.
    listing_timeout: Duration = "\"10 min\"", like "\"10 min\"";
    /// The bytes of a listing that must arrive in a second, on average after the first
    /// `stall_timeout`.
    min_listing_rate: ByteCount = "\"1 KiB\"", like "\"1 KiB\"";
    /// The most bytes of one line of a listing: a name and the facts about it. Longer lines are
    /// counted as left out.
    max_listing_line: ByteCount = "\"4 KiB\"", like "\"4 KiB\"";
    /// The most files and directories that one recursive delete removes.
    max_deleted_entries: u32 = "10000", like "10000";

    /// The database in which the portal keeps what outlives it: `sqlite:` and the path of a file, for one
    /// portal, or the URL of a PostgreSQL database, for any number of them. Without it the portal keeps
    /// nothing, except for `acme_dir`. It needs `keyring_file`.
    store: Option<Address> = "\"\"", like "\"sqlite:/var/lib/ferryport/ferryport.db\"";
    /// How long the start tries to reach the store again.
    store_timeout: Duration = "\"30 s\"", like "\"30 s\"";
    /// The file with the keys that seal the secrets in the store, as `ferryport keys new` writes them.
    keyring_file: Option<PathBuf> = "\"\"", like "\"/etc/ferryport/keyring\"";

    /// The links of drops that one client may try to open in a minute.
    client_drop_links_per_minute: u32 = "30", like "30";
    /// The wrong passwords of a drop after which a client has to wait: 1 min, then twice as long each time, up
    /// to 1 h.
    max_failed_drop_passwords: u32 = "5", like "5";
    /// The time after which the claims of a portal end that does not renew them, because it has stopped
    /// without giving them back. It renews them three times in this time.
    drop_lease: Duration = "\"1 min\"", like "\"1 min\"";
    /// The time for which a file of a guest that was paused or interrupted keeps its place in the limits of
    /// the drop.
    drop_resume_window: Duration = "\"24 h\"", like "\"24 h\"";
    /// The time after the end of a drop after which the portal forgets who its guests were and what their
    /// files were called. Counts and sizes stay.
    arrival_retention: Duration = "\"90 days\"", like "\"90 days\"";

    /// The domains of the certificate that the portal gets by itself from a certificate authority (ACME).
    /// It needs `acme_dir` or `store`. Naming domains means agreeing to
    /// the authority's terms.
    acme_domains: Vec<AcmeDomain> = "[]", like "[\"upload.example.com\"]";
    /// The e-mail address that the certificate authority may write to.
    acme_email: Option<EmailAddress> = "\"\"", like "\"it@example.com\"";
    /// The URL of the certificate authority's directory.
    acme_directory: AuthorityUrl = "\"https://acme-v02.api.letsencrypt.org/directory\"", like "\"https://acme-staging-v02.api.letsencrypt.org/directory\"";
    /// The id of the account at an authority that gave you one (external account binding).
    acme_eab_key_id: Option<AccountId> = "\"\"", like "\"kid-1\"";
    /// The file with the HMAC key of that account, in base64url.
    acme_eab_hmac_key_file: Option<PathBuf> = "\"\"", like "\"/etc/ferryport/eab-key\"";
    /// The directory for account and certificate where there is no `store`. It is created.
    acme_dir: Option<PathBuf> = "\"\"", like "\"/var/lib/ferryport/acme\"";
    /// PEM files of the authorities to trust for `acme_directory`, in place of the system's.
    acme_ca_file: Vec<PathBuf> = "[]", like "[\"/etc/ferryport/ca.pem\"]";
    /// The timeout of a request to the certificate authority.
    acme_timeout: Duration = "\"30 s\"", like "\"30 s\"";
    /// The timeout of a whole order of a certificate.
    acme_order_timeout: Duration = "\"5 min\"", like "\"5 min\"";
    /// The pause after a failed order. It doubles with each further one.
    acme_retry_wait: Duration = "\"1 min\"", like "\"1 min\"";
    /// The longest pause after a failed order.
    max_acme_retry_wait: Duration = "\"12 h\"", like "\"12 h\"";
    /// The address and port of a listener for plain HTTP, which answers the certificate authority and
    /// redirects everybody else to HTTPS. It needs `acme_domains`.
    http_listen: Option<SocketAddr> = "\"\"", like "\"0.0.0.0:80\"";
    /// The most concurrent connections to the port of `http_listen`. Further ones wait. Those of one client
    /// are at most `max_client_connections`.
    max_http_connections: u32 = "256", like "256";
    /// The longest duration of a connection to the port of `http_listen`.
    http_connection_lifetime: Duration = "\"15 s\"", like "\"15 s\"";
}

impl Settings {
    /// Returns the origins that the page can have when the portal listens on `port`.
    #[must_use]
    pub fn page_origins(&self, port: u16) -> Vec<Origin> {
        let loopback = ["127.0.0.1", "localhost", "[::1]"];
        let own = loopback.iter().map(|host| Origin::new(self.scheme(), host, port));
        let public = self.public_url.iter().map(|url| url.origin().clone());
        // An authority asks at port 443, which may be passed on to another one.
        let of_domain = |domain: &AcmeDomain| {
            let ports = [Some(HTTPS_PORT), (port != HTTPS_PORT).then_some(port)];
            let of_port = |port| Origin::new(Scheme::Https, domain.as_str(), port);
            ports.into_iter().flatten().map(of_port).collect::<Vec<_>>()
        };
        let domains = self.acme_domains.iter().flat_map(of_domain);
        let configured = public.chain(self.origins.iter().cloned()).chain(domains);
        if self.listen.ip().is_loopback() {
            own.chain(configured).collect()
        } else {
            configured.collect()
        }
    }

    /// Returns the scheme that the portal itself serves.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        if self.tls_certificate_file.is_some() || !self.acme_domains.is_empty() {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }
}

#[cfg(test)]
mod tests;
