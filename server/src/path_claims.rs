//! Claims on paths: two uploads to one file of one server wait for each other.
//!
//! Between the lookup of a name and the rename to it, another upload must not take the same name:
//! FTP has no command that renames only where the name is free. Two paths may be one file where the
//! server's disk ignores case or the Unicode form of names, so claims compare folded paths. A claim
//! on a path that is another file after all costs a wait and nothing else.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use ftps::RemotePath;
use tokio::sync::OwnedMutexGuard;

use crate::{host::Host, locking::lock, remote_path};

/// The claimed paths of all servers.
#[derive(Debug, Default)]
pub struct PathClaims {
    /// A mutex for each path that is claimed or waited for.
    paths: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
}

/// A server by one of its names, and a folded path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    server: ServerName,
    path: String,
}

/// A name of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ServerName {
    Host(Host, u16),
    Address(SocketAddr),
}

/// The claims on one server, with the directory that the login opened.
#[derive(Clone, Debug)]
pub struct ServerClaims {
    claims: Arc<PathClaims>,
    /// Host name and address: a host may have several addresses, and an address several names.
    names: [ServerName; 2],
    home: RemotePath,
}

/// An exclusive claim on a path, until it is dropped.
#[derive(Debug)]
pub struct PathClaim {
    _held: [HeldName; 2],
}

/// The claim of a path under one name of the server.
#[derive(Debug)]
struct HeldName {
    // Released before the entry is cleaned up.
    _guard: OwnedMutexGuard<()>,
    _entry: Entry,
}

/// An entry of the map, which is removed after its last use.
#[derive(Debug)]
struct Entry {
    claims: Arc<PathClaims>,
    key: Key,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl PathClaims {
    /// Returns the claims on a server, whose login opened the directory `home`.
    #[must_use]
    pub fn on(self: &Arc<Self>, host: Host, address: SocketAddr, home: RemotePath) -> ServerClaims {
        let names = [ServerName::Host(host, address.port()), ServerName::Address(address)];
        ServerClaims { claims: Arc::clone(self), names, home }
    }

    fn entry(self: &Arc<Self>, key: Key) -> Entry {
        let lock = Arc::clone(lock(&self.paths).entry(key.clone()).or_default());
        Entry { claims: Arc::clone(self), key, lock }
    }
}

impl ServerClaims {
    /// Waits until no other upload has claimed the path, and claims it.
    ///
    /// # Cancel safety
    /// Cancel safe: the place among the waiting uploads is lost.
    pub async fn claim(&self, path: &RemotePath) -> PathClaim {
        // Always in the same order: host name before address, so that no two uploads wait for each
        // other.
        let [host, address] = self.entries(path);
        PathClaim { _held: [host.hold().await, address.hold().await] }
    }

    /// Claims a path, unless another upload has claimed it.
    #[must_use]
    pub fn try_claim(&self, path: &RemotePath) -> Option<PathClaim> {
        let [host, address] = self.entries(path);
        Some(PathClaim { _held: [host.try_hold()?, address.try_hold()?] })
    }

    fn entries(&self, path: &RemotePath) -> [Entry; 2] {
        let path = remote_path::normalize(&self.home.join(path)).folded();
        let [host, address] = &self.names;
        [host, address]
            .map(|server| self.claims.entry(Key { server: server.clone(), path: path.clone() }))
    }
}

impl Entry {
    async fn hold(self) -> HeldName {
        HeldName { _guard: Arc::clone(&self.lock).lock_owned().await, _entry: self }
    }

    fn try_hold(self) -> Option<HeldName> {
        let guard = Arc::clone(&self.lock).try_lock_owned().ok()?;
        Some(HeldName { _guard: guard, _entry: self })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut paths = lock(&self.claims.paths);
        // The map's reference and this one.
        if Arc::strong_count(&self.lock) <= 2 {
            paths.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text).unwrap()
    }

    fn server(claims: &Arc<PathClaims>, host: &str, last: u8) -> ServerClaims {
        let address = (Ipv4Addr::new(192, 0, 2, last), 21).into();
        claims.on(Host::parse(host).unwrap(), address, path("/home"))
    }

    #[test]
    fn paths_that_may_be_one_file_are_claimed_together() {
        let claims = Arc::default();
        let server = server(&claims, "ftp.example.org", 1);
        for (one, other) in [
            ("img1.jpg", "IMG1.JPG"),
            ("a/b", "/home/a//./b"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("STRASSE", "straße"),
            ("οδος", "ΟΔΟΣ"),
            ("report", "report. ."),
        ] {
            let claim = server.try_claim(&path(one)).unwrap();
            assert!(server.try_claim(&path(other)).is_none(), "{one} and {other}");
            drop(claim);
            assert!(server.try_claim(&path(other)).is_some(), "{one} was released");
        }
        assert!(lock(&claims.paths).is_empty(), "no entry outlives its claims");
    }

    #[test]
    fn different_paths_are_claimed_independently() {
        let claims = Arc::default();
        let server = server(&claims, "ftp.example.org", 1);
        let _claim = server.try_claim(&path("a/b")).unwrap();
        for other in ["a", "a/c", "ab", "b", "/a/b", "a/b/c", "a/.b"] {
            assert!(server.try_claim(&path(other)).is_some(), "{other}");
        }
    }

    #[test]
    fn a_server_is_recognised_by_its_name_and_by_its_address() {
        let claims = Arc::default();
        let _claim = server(&claims, "ftp.example.org", 1).try_claim(&path("a")).unwrap();
        assert!(server(&claims, "FTP.example.org.", 2).try_claim(&path("a")).is_none());
        assert!(server(&claims, "alias.example.org", 1).try_claim(&path("a")).is_none());
        assert!(server(&claims, "other.example.org", 2).try_claim(&path("a")).is_some());
    }

    #[tokio::test]
    async fn claims_are_granted_in_the_order_of_their_requests() {
        let claims = Arc::default();
        let server = server(&claims, "ftp.example.org", 1);
        let first = server.claim(&path("a")).await;
        let (granted, mut order) = tokio::sync::mpsc::channel(2);
        for number in [1, 2] {
            let (server, granted) = (server.clone(), granted.clone());
            tokio::spawn(async move {
                let _claim = server.claim(&path("A")).await;
                granted.send(number).await.unwrap();
            });
            tokio::task::yield_now().await;
        }
        assert!(order.try_recv().is_err());
        drop(first);
        assert_eq!((order.recv().await, order.recv().await), (Some(1), Some(2)));
    }

    #[tokio::test]
    async fn a_cancelled_wait_leaves_nothing_behind() {
        let claims = Arc::default();
        let server = server(&claims, "ftp.example.org", 1);
        let first = server.claim(&path("a")).await;
        let other = path("A");
        let waiting = server.claim(&other);
        tokio::select! {
            biased;
            _claim = waiting => panic!("it is claimed"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        assert!(lock(&claims.paths).is_empty());
    }
}
