//! The places of connections, a number of them for each client.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::{client::Client, locking::lock};

/// The connections of each client.
#[derive(Debug)]
pub(super) struct ClientPlaces {
    max: u32,
    taken: Arc<Mutex<HashMap<Client, u32>>>,
}

/// The place of one connection, until this is dropped.
#[derive(Debug)]
pub(super) struct ClientPlace {
    client: Client,
    taken: Arc<Mutex<HashMap<Client, u32>>>,
}

impl ClientPlaces {
    /// Bounds the connections of each client; 0 sets no bound.
    pub(super) fn new(max: u32) -> Self {
        Self { max, taken: Arc::default() }
    }

    /// Takes a place for a connection, unless the client has all of its places.
    pub(super) fn take(&self, client: Client) -> Option<ClientPlace> {
        let mut taken = lock(&self.taken);
        let of_client = taken.entry(client).or_default();
        if client.is_counted() && self.max > 0 && *of_client >= self.max {
            return None;
        }
        *of_client += 1;
        Some(ClientPlace { client, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(of_client) = taken.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_one_client_leave_places_for_others() {
        let places = ClientPlaces::new(3);
        let client = |n| Client::at([192, 0, 2, n].into());
        let taken: Vec<_> = (0..3).map(|_| places.take(client(1)).unwrap()).collect();
        assert!(places.take(client(1)).is_none());
        assert!(places.take(client(2)).is_some() && places.take(Client::default()).is_some());
        drop(taken);
        assert!(places.take(client(1)).is_some());
        assert!(lock(&places.taken).is_empty());
    }
}
