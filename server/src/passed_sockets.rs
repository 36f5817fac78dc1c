//! Sockets that the supervisor has opened: socket activation, as `sd_listen_fds(3)` describes it. They stay
//! open while the portal restarts, so that no connection is refused.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use listenfd::ListenFd;

use crate::settings::Sources;

/// Where the values of `listen` and `admin_listen` are from then.
const PLACE: &str = "the socket that systemd has opened";

/// The sockets that the supervisor has passed on.
#[derive(Debug, Default)]
pub struct PassedSockets {
    /// The first one, in place of `listen`.
    pub page: Option<TcpListener>,
    /// The second one, in place of `admin_listen`.
    pub admin: Option<TcpListener>,
}

/// Their addresses.
#[derive(Clone, Copy, Debug, Default)]
pub struct PassedAddresses {
    page: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl PassedSockets {
    /// Takes the sockets of this process. They are there once.
    ///
    /// # Errors
    /// When one of the first two is no listening TCP socket.
    pub fn take() -> io::Result<Self> {
        let mut passed = ListenFd::from_env();
        let mut take = |position| -> io::Result<Option<TcpListener>> {
            if position >= passed.len() {
                return Ok(None);
            }
            let listener = passed.take_tcp_listener(position)?;
            if let Some(listener) = &listener {
                listener.set_nonblocking(true)?;
            }
            Ok(listener)
        };
        Ok(Self { page: take(0)?, admin: take(1)? })
    }

    /// Returns their addresses.
    ///
    /// # Errors
    /// When the system does not tell one.
    pub fn addresses(&self) -> io::Result<PassedAddresses> {
        let address = |listener: &Option<TcpListener>| {
            listener.as_ref().map(TcpListener::local_addr).transpose()
        };
        Ok(PassedAddresses { page: address(&self.page)?, admin: address(&self.admin)? })
    }
}

impl PassedAddresses {
    /// Uses the addresses, whatever other sources have.
    pub fn fix(self, sources: &mut Sources) {
        for (name, address) in [("listen", self.page), ("admin_listen", self.admin)] {
            if let Some(address) = address {
                sources.fix(name, address.to_string(), PLACE);
            }
        }
    }
}
