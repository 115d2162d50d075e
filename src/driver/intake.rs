//! Receives batches from the device, without the lock of the stack if the device has a receiving
//! half.
//!
//! Receiving copies the datagrams. That is most of the cost of a turn, and other threads should not have to
//! wait for it. So the lead receives a batch, then locks the stack and hands the batch up. It holds the
//! [`Intake`] until that is done, so no datagram overtakes another.

use core::time::Duration;

use super::exchange::Exchange;
use super::reading::Aim;
use crate::link::{Batch, Capabilities, DeviceError, Receiver};
use crate::time::Instant;

/// Datagrams received together: so few that they are still in the nearest cache when the stack
/// reads them. (With 64, checksums took twice as long.)
const BATCH: usize = 8;

/// The same in octets: of long datagrams, fewer are received together.
const BATCH_MEMORY: usize = 192 * 1024;

/// A turn that brings a single datagram of at most this many octets, for the lead, counts as part
/// of an [`Exchange`].
const SHORT: usize = 576;

/// When nothing has arrived for this long, the memory of the batch is given back.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// What a device receives into.
#[derive(Debug, Default)]
pub(super) struct Inlet {
    pub(super) batch: Batch,
    /// Octets that one datagram has room for.
    slot: usize,
    /// When a datagram last arrived.
    arrived: Instant,
}

impl Inlet {
    pub(super) fn new(capabilities: &Capabilities) -> Inlet {
        let slot = slot_for(capabilities);
        Inlet {
            batch: batch(slot),
            slot,
            arrived: Instant::ZERO,
        }
    }

    /// Whether a datagram of this many octets has filled its slot. Then it was longer than the MTU
    /// that the slot was made for, and was cut.
    pub(super) fn is_filled_by(&self, longest: usize) -> bool {
        longest == self.slot
    }

    /// If the MTU has grown, the slots grow with it.
    pub(super) fn fit(&mut self, capabilities: &Capabilities) {
        let slot = slot_for(capabilities);
        if slot > self.slot {
            self.slot = slot;
            self.batch = batch(slot);
        }
    }

    /// A turn ends in which this many datagrams have arrived.
    pub(super) fn end_turn(&mut self, now: Instant, received: usize) {
        if received > 0 {
            self.arrived = now;
        } else if now - self.arrived >= IDLE_TIME {
            self.batch.release();
        }
    }
}

/// The receiving half of a device, and what it receives into.
pub(super) struct Intake {
    pub(super) receiver: Box<dyn Receiver>,
    pub(super) inlet: Inlet,
    /// Whether it takes one datagram at a time.
    pub(super) exchange: Exchange,
}

impl Intake {
    /// Receives a batch of at most this many datagrams, and text for `aim` into its room. Returns
    /// whether there may be more; an error concerns what follows the batch.
    pub(super) fn receive(
        &mut self,
        most: usize,
        aim: Option<&mut Aim<'_>>,
    ) -> Result<bool, DeviceError> {
        let batch = &mut self.inlet.batch;
        batch.clear_for(most);
        let Some(Aim { landing, .. }) = aim else {
            return self.receiver.receive(batch).map(|()| batch.is_full());
        };
        let answer = self.receiver.receive_landing(batch, landing);
        answer.map(|()| batch.is_full() || landing.is_over())
    }

    /// Notes that a turn has received this many datagrams.
    pub(super) fn note(&mut self, count: usize, for_lead: bool) {
        let batch = &self.inlet.batch;
        let is_short = count == 1 && batch.len() == 1 && batch.arrival(0).0.len() <= SHORT;
        self.exchange.note(count, for_lead && is_short);
    }
}

/// Room for one datagram: at least one octet more than the longest, so that a longer one shows;
/// and whole cache lines, so that copies start at one.
fn slot_for(capabilities: &Capabilities) -> usize {
    (capabilities.longest_arrival() + 1).next_multiple_of(64)
}

/// A batch takes as many super-segments as fit the cache: two, or more if they are short.
fn batch(slot: usize) -> Batch {
    Batch::with_limit(BATCH, slot, (BATCH * slot).min(BATCH_MEMORY.max(slot)))
}
