//! How many connections there may be, in all and from one client.

use crate::config::Limits;
use crate::core::access::ClientNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts open connections.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_client: HashMap<ClientNet, usize>,
}

/// Stands for one open connection; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    client: ClientNet,
}

/// Which limit a connection ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    #[error("limits.connections")]
    Total,
    #[error("limits.connections_per_address")]
    Client,
}

impl NoPlace {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Total => "connections",
            Self::Client => "connections_per_address",
        }
    }
}

impl Admission {
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Result<Place, NoPlace> {
        let client = ClientNet::of(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= limits.connections {
            return Err(NoPlace::Total);
        }
        if open.by_client.get(&client).is_some_and(|count| *count >= limits.connections_per_address) {
            return Err(NoPlace::Client);
        }
        open.total += 1;
        *open.by_client.entry(client).or_default() += 1;
        Ok(Place { admission: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.by_client.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_client_and_given_back() {
        let limits = Limits {
            viewers: 1,
            viewers_per_source: 1,
            viewers_per_account: 1,
            connections: 3,
            connections_per_address: 2,
        };
        let admission = Arc::new(Admission::default());
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        let one = admission.admit(address(1), &limits).unwrap();
        let two = admission.admit(address(1), &limits).unwrap();
        assert_eq!(admission.admit(address(1), &limits).unwrap_err(), NoPlace::Client);
        let three = admission.admit(address(2), &limits).unwrap();
        assert_eq!(admission.admit(address(3), &limits).unwrap_err(), NoPlace::Total);
        drop(one);
        let again = admission.admit(address(1), &limits).unwrap();
        drop((two, three, again));
        assert!(admission.open.lock().unwrap().by_client.is_empty());
        assert_eq!(admission.open.lock().unwrap().total, 0);
    }
}
