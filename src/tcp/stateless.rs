//! Handshakes without state: nothing is kept between our SYN,ACK and its acknowledgment (RFC 4987
//! §3.6).
//!
//! What the peer's SYN offered must come back with that acknowledgment, or is lost. The MSS can be
//! part of ISS; window scale, SACK and ECN fit into the low six bits of our timestamp, which the
//! peer echoes:
//!
//! ```text
//!   31                            6   5    4   3     0
//!  +-------------------------------+-----+------+-------+
//!  |   our clock, in the past      | ECN | SACK | scale |   scale 15: no window scaling
//!  +-------------------------------+-----+------+-------+
//! ```

use super::state::{Event, State};
use super::tcb::{Open, Tcb};
use crate::time::Instant;
use crate::wire::{Control, Ecn, Options, TcpHeader, Timestamps};

/// The low bits of a timestamp that carry options.
const BITS: u32 = 0b11_1111;
const SACK: u32 = 1 << 4;
const ECN: u32 = 1 << 5;
const SCALE: u32 = 0b1111;

/// The part of `syn` that a cookie can remember, if the cookie encodes an MSS of `mss`. Without timestamps
/// that includes neither options nor ECN.
pub fn memorable(open: &Open<'_>, syn: &TcpHeader, mss: u16) -> TcpHeader {
    let timestamps = syn
        .options
        .timestamps
        .filter(|_| open.config.timestamps)
        .map(|Timestamps { val, .. }| Timestamps { val, ecr: 0 });
    let has_bits = timestamps.is_some();
    // With a signature, timestamps would otherwise give way to SACK. Here SACK gives way, because
    // timestamps carry the rest.
    let is_signed = (open.config.signatures)
        .find(open.tuple.remote.ip())
        .is_some();
    // An offer of Accurate ECN falls back to RFC 3168 (RFC 9768 §3.1.2).
    let offers_ecn = syn.control.has(Control::ECE | Control::CWR);
    let control = match has_bits && offers_ecn {
        true => Control::SYN | Control::ECE | Control::CWR,
        false => Control::SYN,
    };
    TcpHeader {
        control,
        // The acknowledgment repeats the window.
        window: 0,
        urgent: 0,
        options: Options {
            mss: Some(mss),
            window_scale: syn.options.window_scale.filter(|_| has_bits),
            sack_permitted: syn.options.sack_permitted && has_bits && !is_signed,
            timestamps,
            ..Options::default()
        },
        ..*syn
    }
}

/// The SYN,ACK that answers a SYN of which only `syn`, made by [`memorable`], will be remembered.
pub fn syn_ack(now: Instant, open: &Open<'_>, syn: &TcpHeader) -> Option<TcpHeader> {
    let mut tcb = Tcb::open_passive(now, open, Ecn::NotEct, syn);
    let (local, remote) = (open.tuple.local.port(), open.tuple.remote.port());
    let mut header = tcb.poll_transmit(now)?.header(local, remote);
    if let Some(timestamps) = &mut header.options.timestamps {
        timestamps.val = mark(timestamps.val, syn);
    }
    Some(header)
}

/// The latest reading of our clock, not after `clock`, that carries what `syn` offers.
fn mark(clock: u32, syn: &TcpHeader) -> u32 {
    let mut bits = match syn.options.window_scale {
        Some(shift) => u32::from(shift.min(14)),
        None => SCALE,
    };
    if syn.options.sack_permitted {
        bits |= SACK;
    }
    if syn.control.has(Control::ECE | Control::CWR) {
        bits |= ECN;
    }
    let marked = clock & !BITS | bits;
    match marked > clock {
        true => marked.wrapping_sub(BITS + 1),
        false => marked,
    }
}

/// The reading of our clock that a [`syn_ack`] echoed as `ecr` stands for. The clock began at `first`;
/// `ecr` may be a little before that.
pub fn echo(ecr: u32, first: u32) -> u32 {
    match first.wrapping_sub(ecr) <= BITS {
        true => first,
        false => ecr,
    }
}

/// The SYN that must have come before `ack`, which acknowledges our [`syn_ack`], if its MSS was `mss`.
pub fn remembered(open: &Open<'_>, ack: &TcpHeader, mss: u16) -> TcpHeader {
    let mut options = Options {
        mss: Some(mss),
        timestamps: ack.options.timestamps,
        ..Options::default()
    };
    let mut control = Control::SYN;
    if let Some(Timestamps { ecr, .. }) = ack.options.timestamps {
        options.window_scale = Some((ecr & SCALE) as u8).filter(|shift| *shift <= 14);
        options.sack_permitted = ecr & SACK != 0;
        if ecr & ECN != 0 {
            control |= Control::ECE | Control::CWR;
        }
    }
    let syn = TcpHeader {
        seq: ack.seq.wrapping_sub(1),
        control,
        options,
        ..*ack
    };
    memorable(open, &syn, mss)
}

impl Tcb {
    /// The connection that `syn`, made by [`remembered`], has opened: in SYN-RECEIVED, with nothing to send, since
    /// its SYN,ACK was sent long ago. The acknowledgment is processed next.
    pub fn open_remembered(now: Instant, open: &Open<'_>, syn: &TcpHeader) -> Tcb {
        let mut tcb = Tcb::open_passive(now, open, Ecn::NotEct, syn);
        // Its SYN,ACK counts as sent at an unknown time, and gives no RTT sample.
        tcb.depart(now, 0);
        let iss = tcb.snd.iss;
        (tcb.recovery).on_resent(now, iss, iss + 1, iss..iss + 1);
        tcb
    }

    /// Whether, in SYN-RECEIVED, `ack` acknowledges our SYN.
    pub fn expects(&self, ack: u32) -> bool {
        self.snd.una < self.snd.una.near(ack) && self.snd.una.near(ack) <= self.snd.nxt
    }

    /// Ends a handshake under way, because another one for the same SYN has been completed.
    pub fn give_way(&mut self) {
        if self.state == State::SynReceived {
            self.end(Event::RcvRstPassive, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offering(window_scale: Option<u8>, sack_permitted: bool, ecn: bool) -> TcpHeader {
        let control = match ecn {
            true => Control::SYN | Control::ECE | Control::CWR,
            false => Control::SYN,
        };
        let options = Options {
            window_scale,
            sack_permitted,
            ..Options::default()
        };
        TcpHeader {
            control,
            options,
            ..TcpHeader::default()
        }
    }

    /// A clock that went back, or ahead, would be refused by the peer (RFC 7323 §5.3).
    #[test]
    fn a_mark_is_at_most_a_little_older_than_the_clock() {
        for clock in (0..300).chain(u32::MAX - 300..=u32::MAX) {
            for shift in (0..=14).map(Some).chain([None]) {
                for (sack, ecn) in [(false, false), (false, true), (true, false), (true, true)] {
                    let marked = mark(clock, &offering(shift, sack, ecn));
                    assert!(clock.wrapping_sub(marked) <= BITS, "{marked} for {clock}");
                    let bits = u32::from(shift.unwrap_or(15));
                    assert_eq!(marked & SCALE, bits);
                    assert_eq!((marked & SACK != 0, marked & ECN != 0), (sack, ecn));
                }
            }
        }
    }
}
