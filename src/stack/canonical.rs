//! How a model checker distinguishes one host from another.

use core::hash::Hash;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::Stack;
use crate::time::Instant;

impl Stack {
    /// When the next timer of a connection expires. This is exact, where [`Stack::next_deadline`] may be early, and
    /// looks at every connection.
    pub fn next_expiry(&self) -> Option<Instant> {
        let awake = self.table.iter();
        let at_rest = self.at_rest.iter();
        awake
            .filter_map(|entry| entry.tcb.next_deadline())
            .chain(at_rest.map(|(_, expires)| expires))
            .min()
    }

    /// The same number for two hosts of the same configuration that behave identically from `now`
    /// on. Two others have the same number with a probability of about 2^-128. See
    /// [`Tcb::hash_canonical`](crate::tcp::Tcb::hash_canonical).
    ///
    /// Not included: counters; how many unpredictable numbers have been drawn (any next one will
    /// do); how many replies the rate limits have left (a checker configures limits that it cannot
    /// reach); what is known of peers for Fast Open (a checker does not use it).
    pub fn fingerprint(&self, now: Instant) -> u128 {
        let mut hasher = SipHasher13::new();
        for entry in self.table.iter() {
            entry.tcb.hash_canonical(now, &mut hasher);
            (entry.listener, entry.acceptable, entry.fast_open).hash(&mut hasher);
            entry.sending.hash(&mut hasher);
            let waits = entry.waiting.is_some();
            (entry.readiness, entry.routed, waits).hash(&mut hasher);
        }
        for (waiting, expires) in self.at_rest.iter() {
            (self.woken(waiting, expires)).hash_canonical(now, &mut hasher);
        }
        self.listeners.hash(&mut hasher);
        (&self.udp, &self.groups).hash(&mut hasher);
        self.paths.hash_canonical(now, &mut hasher);
        self.udp.paths.hash_canonical(now, &mut hasher);
        (self.reassembler.len(), self.replies.len()).hash(&mut hasher);
        hasher.finish128().as_u128()
    }
}
