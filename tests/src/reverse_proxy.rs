//! nginx, Caddy and `HAProxy`, as operators put them in front of the portal.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    ports::PortBlock,
    process::{Process, wait_for},
    servers::installation::{library_path, program},
};

/// Long enough for a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running reverse proxy; stopped when it is dropped.
pub struct ReverseProxy {
    address: SocketAddr,
    process: Process,
    _ports: PortBlock,
    _folder: TempDir,
}

/// The address of a reverse proxy that does not run yet.
pub struct ReservedAddress {
    ports: PortBlock,
}

impl ReservedAddress {
    /// Takes an address that no other test has.
    #[must_use]
    pub fn take() -> Self {
        Self { ports: PortBlock::take() }
    }

    /// Returns the address.
    #[must_use]
    pub fn get(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.control()).into()
    }
}

impl ReverseProxy {
    /// Starts nginx with these `location` blocks.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn nginx(locations: &str) -> Self {
        Self::nginx_at(ReservedAddress::take(), locations)
    }

    /// Starts nginx with these `location` blocks at an address.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn nginx_at(at: ReservedAddress, locations: &str) -> Self {
        Self::start(at, "usr/sbin/nginx", |address, folder| {
            // Without a master process, so that nothing of it outlives the test.
            let text = format!(
                "daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {address};
{locations}
    }}
}}
"
            );
            fs::write(folder.join("nginx.conf"), text).expect("the folder is ours");
            ["-p", path(folder), "-c", "nginx.conf", "-e", "stderr"].map(str::to_owned).to_vec()
        })
    }

    /// Starts Caddy with these directives of its site.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn caddy(directives: &str) -> Self {
        Self::start(ReservedAddress::take(), "usr/bin/caddy", |address, folder| {
            // What it would write or listen to beside the site is off.
            let text = format!(
                "{{
    admin off
    auto_https off
}}
http://:{} {{
    bind {}
{directives}
}}
",
                address.port(),
                address.ip()
            );
            let file = folder.join("Caddyfile");
            fs::write(&file, text).expect("the folder is ours");
            ["run", "--adapter", "caddyfile", "--config", path(&file)].map(str::to_owned).to_vec()
        })
    }

    /// Starts `HAProxy`, which passes connections on as they are. Its own clients name theirs by the PROXY
    /// protocol, and so does it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn haproxy(portal: SocketAddr) -> Self {
        Self::start(ReservedAddress::take(), "usr/sbin/haproxy", |address, folder| {
            let text = format!(
                "global
    maxconn 256
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen portal
    bind {address} accept-proxy
    server portal {portal} send-proxy-v2
"
            );
            let file = folder.join("haproxy.cfg");
            fs::write(&file, text).expect("the folder is ours");
            ["-db", "-f", path(&file)].map(str::to_owned).to_vec()
        })
    }

    fn start(
        at: ReservedAddress,
        name: &str,
        configure: impl Fn(SocketAddr, &Path) -> Vec<String>,
    ) -> Self {
        let address = at.get();
        let folder = tempfile::tempdir().expect("the temporary directory can be written");
        let arguments = configure(address, folder.path());
        let log = folder.path().join("output.log");
        // Where Caddy keeps what it makes of its configuration.
        let homes = ["XDG_CONFIG_HOME", "XDG_DATA_HOME"];
        let homes = homes.map(|name| (name, folder.path().as_os_str().to_owned()));
        let environment = library_path().into_iter().chain(homes);
        let mut process = Process::start(&program(name), arguments, environment, log);
        let started = wait_for(START_LIMIT, || {
            if let Some(status) = process.exit_status() {
                panic!("{name} ended: {status}\n{}", process.output());
            }
            TcpStream::connect(address).ok()
        });
        assert!(started.is_some(), "{name} does not listen:\n{}", process.output());
        Self { address, process, _ports: at.ports, _folder: folder }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
