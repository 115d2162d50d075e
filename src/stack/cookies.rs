//! SYN cookies (RFC 4987 §3.6): when the queue of handshakes is full, a SYN is answered without
//! keeping any state.
//!
//! ISS is then a MAC over both sockets, the peer's ISN, the time and the MSS; only the receiver of
//! the SYN,ACK knows it. The acknowledgment brings it back, and then the connection is created. The
//! MSS and the time are found by trying: two epochs times eight values. So of the 2^32
//! acknowledgments that a stranger may guess, at most 16 are accepted, and none unless cookies were
//! sent just before. The rest of what the SYN offered comes back in the timestamp
//! (`tcp/stateless`).
//!
//! What is lost: the SYN,ACK is not sent again; and if the acknowledgment gets lost, the text
//! behind it belongs to no connection.

use std::sync::Arc;

use super::Stack;
use super::arrive::Arrival;
use super::epoch::Epoch;
use super::id::ListenerId;
use super::secret::Secret;
use crate::config::SynCookies;
use crate::tcp::{FourTuple, Open, State, Tcb, stateless};
use crate::time::Instant;
use crate::wire::{Control, Ecn, IpHeader, TcpHeader, protocol};

/// The MSS values that a cookie can stand for: the least, and those of common links. A peer that
/// offers another value gets the next lower one.
const SIZES: [u16; 8] = [48, 536, 1220, 1360, 1400, 1440, 1460, 8940];

/// The index of the largest size that is not larger than `mss`.
fn size_index(mss: u16) -> u8 {
    let larger = SIZES.iter().skip(1).filter(|size| **size <= mss);
    larger.count() as u8
}

/// ISS for a SYN with the sequence number `irs`.
fn cookie(secret: &Secret, tuple: &FourTuple, irs: u32, epoch: Epoch, size: u8) -> u32 {
    secret.syn_cookie((tuple, irs, epoch, size))
}

impl Stack {
    /// Whether a SYN is answered with a cookie: always, or when the queue of the listener is full.
    pub(super) fn wants_cookie(&self, is_queue_full: bool) -> bool {
        match self.config.syn_cookies {
            SynCookies::Off => false,
            SynCookies::WhenFull => is_queue_full,
            SynCookies::Always => true,
        }
    }

    /// Answers a SYN for a listener, and keeps no state.
    pub(super) fn answer_with_cookie(
        &mut self,
        now: Instant,
        id: ListenerId,
        tuple: FourTuple,
        syn: &TcpHeader,
    ) {
        let Some(listener) = self.listeners.get_mut(id) else {
            return;
        };
        let epoch = Epoch::at(now);
        listener.cookies_sent = Some(epoch);
        let config = Arc::clone(&listener.tcp);
        let mut open = self.open(now, &config, tuple, None);
        let size = size_index(syn.options.mss.unwrap_or(open.path.default_mss));
        open.iss = cookie(&self.secret, &tuple, syn.seq, epoch, size);
        let syn = stateless::memorable(&open, syn, SIZES[usize::from(size)]);
        let Some(syn_ack) = stateless::syn_ack(now, &open, &syn) else {
            return;
        };
        let (local, remote) = (tuple.local.ip(), tuple.remote.ip());
        let hop_limit = config.socket.hop_limit.unwrap_or(self.config.hop_limit);
        let mut ip = IpHeader::new(local, remote, protocol::TCP, hop_limit);
        ip.traffic_class = Ecn::NotEct.on(config.socket.traffic_class);
        ip.flow_label = self.flow_label(&tuple, config.socket.flow_label);
        self.counters.cookies_sent += 1;
        self.reply_segment(&ip, &tuple, &syn_ack);
    }

    /// The size for which the acknowledgment number of `ack` is a cookie, if it is one; `None` at
    /// once unless the listener has sent cookies lately.
    fn recognise(
        &self,
        now: Instant,
        id: ListenerId,
        tuple: &FourTuple,
        ack: &TcpHeader,
    ) -> Option<u8> {
        let sent = self.listeners.get(id)?.cookies_sent?;
        let epoch = Epoch::at(now);
        if sent.0 + 1 < epoch.0 {
            return None;
        }
        let (irs, iss) = (ack.seq.wrapping_sub(1), ack.ack.wrapping_sub(1));
        [epoch, epoch.before()].into_iter().find_map(|epoch| {
            (0..SIZES.len() as u8)
                .find(|size| cookie(&self.secret, tuple, irs, epoch, *size) == iss)
        })
    }

    /// An acknowledgment arrives for which there is no connection, or that acknowledges nothing its
    /// connection has sent. Returns whether it was that of a cookie, and has been processed.
    pub(super) fn open_by_cookie(
        &mut self,
        now: Instant,
        id: ListenerId,
        arrival: &Arrival<'_>,
    ) -> bool {
        let (tuple, ack) = (arrival.tuple, arrival.header);
        if !ack.control.has(Control::ACK) || ack.control.any(Control::SYN | Control::RST) {
            return false;
        }
        let Some(size) = self.recognise(now, id, &tuple, ack) else {
            return false;
        };
        let is_full = self.is_full();
        let Some(listener) = self.listeners.get(id) else {
            return false;
        };
        if is_full || listener.is_full() {
            self.counters.listen_overflows += 1;
            return true;
        }
        let config = Arc::clone(&listener.tcp);
        let open = Open {
            iss: ack.ack.wrapping_sub(1),
            ..self.open(now, &config, tuple, None)
        };
        let syn = stateless::remembered(&open, ack, SIZES[usize::from(size)]);
        let mut tcb = Tcb::open_remembered(now, &open, &syn);
        // The low bits of the timestamp that it echoes held options: it gives no RTT sample, unless any does.
        let mut ack = *ack;
        if let Some(timestamps) = &mut ack.options.timestamps {
            timestamps.ecr = match config.habits.recovery.samples_in_order {
                true => stateless::echo(timestamps.ecr, tcb.timestamp_clock(Instant::ZERO)),
                false => 0,
            };
        }
        if let Some(reason) = tcb.segment_arrives(now, arrival.ecn(), &ack, &arrival.text) {
            self.counters.count_discarded(reason);
        }
        if matches!(tcb.state(), State::SynReceived | State::Listen) {
            return false;
        }
        self.counters.cookies_taken += 1;
        // Its SYN has arrived again meanwhile, and was then answered normally.
        if let Some(slot) = self.table.find(&tuple)
            && let Some(entry) = self.table.at_mut(slot)
        {
            entry.tcb.give_way();
            self.touched(slot);
        }
        if let Some(listener) = self.listeners.get_mut(id) {
            listener.half_open += 1;
        }
        let id = self.insert(tcb, Some(id));
        self.touched(id.slot);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_the_next_that_is_not_larger() {
        let sizes = [
            (0, 48),
            (48, 48),
            (535, 48),
            (536, 536),
            (1000, 536),
            (1439, 1400),
            (1460, 1460),
            (8939, 1460),
            (u16::MAX, 8940),
        ];
        for (mss, size) in sizes {
            assert_eq!(SIZES[usize::from(size_index(mss))], size, "{mss}");
        }
    }

    /// Every input of a cookie changes it.
    #[test]
    fn cookies_have_nothing_to_do_with_each_other() {
        let secret = Secret([7; 16]);
        let tuple = |port| FourTuple {
            local: ([10, 0, 0, 1], 80).into(),
            remote: ([10, 0, 0, 2], port).into(),
        };
        let first = cookie(&secret, &tuple(1), 1, Epoch(1), 1);
        for other in [
            cookie(&Secret([8; 16]), &tuple(1), 1, Epoch(1), 1),
            cookie(&secret, &tuple(2), 1, Epoch(1), 1),
            cookie(&secret, &tuple(1), 2, Epoch(1), 1),
            cookie(&secret, &tuple(1), 1, Epoch(2), 1),
            cookie(&secret, &tuple(1), 1, Epoch(1), 2),
        ] {
            assert_ne!(first, other);
        }
    }
}
