//! What the host allows a connection to allocate: RFC 9293 requires no particular amount, and a peer
//! must not be able to exhaust it.
//!
//! Buffers grow by doubling, so the question before storing an octet is how far its ring may grow.
//! Whatever the host allows, each buffer may have [`LEAST`] octets, so every connection goes on,
//! and nothing waits for ever. Text beyond a gap has no such claim: it need not be accepted.

use core::hash::{Hash, Hasher};

use super::tcb::Tcb;
use crate::wire::Arrived;

/// Every buffer may have this many octets: enough for the text of an Ethernet segment.
pub(super) const LEAST: usize = 2048;

/// What the host allows a connection to allocate, in octets: given before an event that may need
/// memory, and valid until the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// For text in order, and for text to be sent.
    pub text: usize,
    /// For text beyond a gap.
    pub ahead: usize,
    /// Memory is plentiful: capacities may grow, and empty buffers keep theirs for a while.
    pub plenty: bool,
}

impl Allowance {
    /// No limit.
    pub const UNLIMITED: Allowance = Allowance {
        text: usize::MAX,
        ahead: usize::MAX,
        plenty: true,
    };
}

/// How many octets a ring of `size` octets may hold if it may grow by `allowed`, and to `least` in
/// any case.
fn most_held(size: usize, allowed: usize, least: usize) -> usize {
    let most = size.saturating_add(allowed).max(least);
    // The largest power of two that is not above it.
    let largest = most.checked_ilog2().map_or(0, |exponent| 1 << exponent);
    size.max(largest)
}

impl Tcb {
    /// What the connection may allocate from now on.
    pub fn allow(&mut self, allowance: Allowance) {
        self.allowance = allowance;
    }

    /// Hashes what decides the future: see [`Tcb::hash_canonical`]. An allowance beyond the
    /// capacities makes no difference.
    pub(super) fn hash_memory(&self, hasher: &mut impl Hasher) {
        self.allowance.plenty.hash(hasher);
        (self.memory_for_sending().min(self.most_to_send())).hash(hasher);
        (self.memory_for_receiving().min(self.recv_buffer.capacity())).hash(hasher);
    }

    /// Memory is short: empty buffers give theirs back at once.
    #[inline]
    pub(super) fn yield_memory(&mut self) {
        if !self.allowance.plenty {
            self.give_memory_back();
        }
    }

    #[inline(never)]
    fn give_memory_back(&mut self) {
        self.send_buffer.shrink();
        self.recv_buffer.shrink();
        self.recovery.shrink();
    }

    /// How much of a text of `len` octets at `ahead` octets beyond RCV.NXT may be kept.
    //
    // Always inlined: it is called for all text in order, and the compiler alone has decided
    // otherwise before.
    #[inline(always)]
    pub(super) fn memory_for_text(&self, ahead: usize, len: usize) -> usize {
        let size = self.recv_buffer.ring_size();
        let before = self.recv_buffer.len_in_ring() + ahead;
        if before + len <= size {
            return len;
        }
        let (allowed, least) = match ahead {
            0 => (self.allowance.text, LEAST),
            _ => (self.allowance.ahead, 0),
        };
        let most = most_held(size, allowed, least);
        most.saturating_sub(before).min(len)
    }

    /// How many octets the send buffer may hold.
    pub(super) fn memory_for_sending(&self) -> usize {
        (self
            .send_buffer
            .most(self.allowance.text, self.most_to_send()))
        .max(LEAST)
    }

    /// How many octets the receive buffer may hold.
    pub(super) fn memory_for_receiving(&self) -> usize {
        let in_ring = most_held(self.recv_buffer.ring_size(), self.allowance.text, LEAST);
        in_ring.saturating_add(self.recv_buffer.len_aside())
    }

    /// Whether the next text in order should stay in the memory in which it arrived: if it fills half
    /// of that memory, as text fills half of a ring, and memory is not short.
    pub(super) fn may_keep(&self, text: Arrived<'_>) -> bool {
        let allowed = self.allowance.text;
        let fills_it = |memory| 2 * text.len() >= memory && memory <= allowed;
        self.allowance.plenty
            && text.memory_size().is_some_and(fills_it)
            && self.recv_buffer.may_keep()
    }
}
