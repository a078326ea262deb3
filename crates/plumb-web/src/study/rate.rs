//! How often one address may ask. Addresses are held for a minute in memory, hashed with a number of this start, and
//! never written anywhere.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Requests of one address in a minute: a person needs a few, a classroom behind one address some hundreds.
const MOST: u32 = 1200;
const MINUTE_US: i64 = 60_000_000;

/// Whose request it is. What a request says of whom it was forwarded for counts only from a proxy on this machine, and only where
/// the server was told that it stands behind one; the last address is the proxy's own word, those before it are the browser's.
pub(super) fn client(peer: IpAddr, forwarded: Option<&str>, behind_proxy: bool) -> IpAddr {
    let told = forwarded.filter(|_| behind_proxy && peer.is_loopback());
    told.and_then(|list| list.rsplit(',').next()?.trim().parse().ok()).unwrap_or(peer)
}

/// Counts of the running minute.
#[derive(Default)]
pub(super) struct Rate {
    hasher: RandomState,
    minute: Mutex<(i64, HashMap<u64, u32>)>,
}

impl Rate {
    /// Whether a request of this address is taken. Programs on the machine itself have no limit.
    pub(super) fn admits(&self, address: IpAddr, now_us: i64) -> bool {
        if address.is_loopback() {
            return true;
        }
        let key = self.hasher.hash_one(address);
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.0 != now_us / MINUTE_US {
            *minute = (now_us / MINUTE_US, HashMap::new());
        }
        let count = minute.1.entry(key).or_insert(0);
        *count += 1;
        *count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_says_whose_a_request_is() {
        let [here, far, one, two]: [IpAddr; 4] =
            [[127, 0, 0, 1].into(), [10, 0, 0, 9].into(), [10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        assert_eq!(client(here, Some("10.0.0.1, 10.0.0.2"), true), two, "the last is the proxy's word");
        assert_eq!(client(here, Some("10.0.0.1"), true), one);
        assert_eq!(client(here, Some("10.0.0.1"), false), here, "no proxy was told of");
        assert_eq!(client(far, Some("10.0.0.1"), true), far, "another machine is not the proxy");
        assert_eq!(client(here, Some("nonsense"), true), here);
        assert_eq!(client(far, None, true), far);
    }

    #[test]
    fn an_address_has_its_minute() {
        let rate = Rate::default();
        let (one, two): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert!((0..MOST).all(|_| rate.admits(one, 0)));
        assert!(!rate.admits(one, 1));
        assert!(rate.admits(two, 1));
        assert!(rate.admits(one, MINUTE_US));
        assert!((0..2 * MOST).all(|_| rate.admits([127, 0, 0, 1].into(), 0)));
    }
}
