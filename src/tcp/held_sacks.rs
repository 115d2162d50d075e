//! Acknowledgments of text beyond a gap that are held back for a moment, so that one says what several
//! would: see [`HoldSacks`](crate::config::HoldSacks).

use core::time::Duration;

use super::seq::Seq;
use super::tcb::{AckDue, Tcb};
use super::timers::Timer;
use crate::time::Instant;

/// This many leave at once, as many as show a loss (RFC 5681 §3.2).
const AT_ONCE: u8 = 3;
/// With more blocks than this, an acknowledgment does not wait: an option has room for few.
const FEW_BLOCKS: usize = 2;
/// An acknowledgment is held back for at most one twentieth of a round trip.
const OF_ROUND_TRIP: u32 = 20;

/// How many have left, and how many wait.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HeldSacks {
    /// RCV.NXT, which all of them acknowledge.
    at: Seq,
    /// How many of them were not held back.
    told: u8,
    /// How many are held back, and will leave as one.
    pub(super) waiting: u32,
}

impl HeldSacks {
    pub(super) fn new(at: Seq) -> HeldSacks {
        HeldSacks {
            at,
            told: 0,
            waiting: 0,
        }
    }
}

impl Tcb {
    /// Text beyond a gap, or in a gap, has arrived. Returns whether its acknowledgment waits.
    #[inline(never)]
    pub(super) fn holds_sack(&mut self, now: Instant) -> bool {
        let Some(hold) = self.config.ack_waits.hold_sacks else {
            return false;
        };
        let wait = hold.longest.min(self.part_of_round_trip());
        let nxt = self.rcv.nxt;
        let has_many = self.sack_count() > FEW_BLOCKS;
        let Some(timing) = &mut self.acks.timing else {
            return false;
        };
        let held = &mut timing.held;
        if !self.agreed.sack || self.recv_buffer.is_in_order() || held.waiting >= hold.most {
            return false;
        }
        if held.at != nxt {
            (held.at, held.told) = (nxt, 0);
        }
        if held.told < AT_ONCE {
            held.told += 1;
            return false;
        }
        let tells_more = held.waiting > 0 && has_many;
        if self.acks.due == AckDue::Now || wait.is_zero() || tells_more {
            return false;
        }
        held.waiting += 1;
        if held.waiting == 1 {
            self.acks.due = AckDue::Delayed;
            self.timers.arm(Timer::DelayedAck, now + wait);
        }
        true
    }

    /// The part of the round trip, as a receiver measures it; zero before it has.
    fn part_of_round_trip(&self) -> Duration {
        let round = self.receiver_round_trip();
        let round = round.map(|round| {
            self.recovery
                .rtt
                .srtt()
                .map_or(round, |srtt| srtt.min(round))
        });
        round.unwrap_or_default() / OF_ROUND_TRIP
    }
}
