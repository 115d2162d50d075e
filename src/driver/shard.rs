//! A stack with its device and its clock: what one thread drives at a time.

use core::fmt;
use core::iter::Sum;
use core::time::Duration;

use super::clock::Clock;
use crate::link::{Batch, Capabilities, Device, DeviceError, Run, Sender};
use crate::stack::Stack;
use crate::time::Instant;
use crate::wire::{Offload, Packet, dump};

/// Datagrams received together: so few that they are still in the nearest cache when the stack
/// reads them. (With 64, checksums took twice as long.)
const BATCH: usize = 8;

/// Octets of them, if they are long: then fewer are received together.
const BATCH_MEMORY: usize = 192 * 1024;

/// When nothing has arrived for so long, the memory of the batch is given back.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// Batches that one turn receives at most before it sends. What arrives together is acknowledged
/// together (RFC 9293 MUST-58).
const BATCHES: usize = 8;

/// The most datagrams that one turn sends, and octets of them: a long queue must not keep what arrives
/// waiting.
const TRANSMIT_BUDGET: usize = 256;
const TRANSMIT_OCTETS: usize = 512 * 1024;

/// A stack, its device and its clock. Whoever drives it calls [`Shard::turn`] when the device has
/// something or [`Shard::next_deadline`] has come, and [`Shard::transmit`] after calls of the
/// user.
pub struct Shard<D> {
    stack: Stack,
    device: D,
    /// What the device does in the stack's place.
    offload: Offload,
    clock: Clock,
    batch: Batch,
    /// When something arrived last.
    arrived: Instant,
    /// Octets that one datagram of the batch has room for.
    slot: usize,
    /// Datagrams sent since the last turn began.
    sent_since_turn: usize,
    traffic: Traffic,
}

/// What went through a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Octets received, IP headers included.
    pub octets_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Octets sent, IP headers included.
    pub octets_out: u64,
}

/// What went through the queues of a device together.
impl Sum for Traffic {
    fn sum<I: Iterator<Item = Traffic>>(queues: I) -> Traffic {
        queues.fold(Traffic::default(), |sum, queue| Traffic {
            datagrams_in: sum.datagrams_in + queue.datagrams_in,
            octets_in: sum.octets_in + queue.octets_in,
            datagrams_out: sum.datagrams_out + queue.datagrams_out,
            octets_out: sum.octets_out + queue.octets_out,
        })
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} datagrams received ({} octets), {} sent ({} octets)",
            self.datagrams_in, self.octets_in, self.datagrams_out, self.octets_out
        )
    }
}

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How many datagrams arrived.
    pub received: usize,
    /// The turn ended at its limits: another is due at once.
    pub more: bool,
}

impl<D: Device> Shard<D> {
    /// Joins `stack` to `device`. Time starts now.
    pub fn new(stack: Stack, device: D) -> Shard<D> {
        let capabilities = device.capabilities();
        let slot = slot_for(&capabilities);
        Shard {
            stack,
            device,
            offload: capabilities.offload,
            clock: Clock::start(),
            batch: batch(slot),
            arrived: Instant::ZERO,
            slot,
            sent_since_turn: 0,
            traffic: Traffic::default(),
        }
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// How late it is.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The stack, for calls of the user and for its events.
    pub fn stack(&mut self) -> &mut Stack {
        &mut self.stack
    }

    /// When a turn is due even if nothing arrives.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.stack.next_deadline()
    }

    /// What went through the device so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// How many datagrams were sent since the last turn: answers to them may be waiting.
    pub fn sent_since_turn(&self) -> usize {
        self.sent_since_turn
    }

    /// Receives what has arrived, hands it to the stack, and does what is due. What follows from
    /// it leaves with the next [`Shard::transmit`].
    ///
    /// # Errors
    /// If the device cannot go on. What arrived before is not lost.
    pub fn turn(&mut self) -> Result<Turn, DeviceError> {
        self.sent_since_turn = 0;
        let mut received = 0;
        let mut answer = Ok(());
        let mut now = self.clock.now();
        let mut more = false;
        for _ in 0..BATCHES {
            self.batch.clear();
            answer = self.device.receive(&mut self.batch);
            received += self.batch.len();
            now = self.clock.now();
            more = answer.is_ok() && self.batch.is_full();
            self.hand_up(now);
            if !more {
                break;
            }
        }
        if received > 0 {
            self.arrived = now;
        } else if now - self.arrived >= IDLE_TIME {
            self.batch.release();
        }
        if self.next_deadline().is_some_and(|due| due <= now) {
            self.stack.handle_timeouts(now);
        }
        answer?;
        Ok(Turn { received, more })
    }

    /// Sends what the stack has to send now, up to a limit. Says whether the limit was reached.
    ///
    /// # Errors
    /// If the device cannot go on.
    pub fn transmit(&mut self, now: Instant) -> Result<bool, DeviceError> {
        let before = self.sent_since_turn;
        let more = self.depart(now, |device, packet| device.send(packet))?;
        if self.sent_since_turn > before {
            self.device.flush()?;
        }
        Ok(more)
    }

    /// As [`Shard::transmit`], but what departs is left in `run`, to be written by
    /// [`Shard::sender`].
    pub(super) fn collect(&mut self, now: Instant, run: &mut Run) -> Result<bool, DeviceError> {
        self.depart(now, |_, packet| {
            run.push(&packet);
            Ok(())
        })
    }

    /// The sending half of the device, if it has one.
    pub(super) fn sender(&mut self) -> Option<Box<dyn Sender>> {
        self.device.sender()
    }

    /// Gives `send` what the stack has to send now, up to a limit. Says whether the limit was
    /// reached.
    fn depart(
        &mut self,
        now: Instant,
        mut send: impl FnMut(&mut D, Packet<'_>) -> Result<(), DeviceError>,
    ) -> Result<bool, DeviceError> {
        let (mut sent, mut octets) = (0, 0);
        let mut more = true;
        while sent < TRANSMIT_BUDGET && octets < TRANSMIT_OCTETS {
            let Some(packet) = self.stack.poll_transmit_for(now, self.offload) else {
                more = false;
                break;
            };
            if log::log_enabled!(log::Level::Debug) {
                log::debug!("out {}", dump::describe(&packet.to_vec()));
            }
            self.traffic.datagrams_out += 1;
            self.traffic.octets_out += packet.len() as u64;
            octets += packet.len();
            sent += 1;
            self.sent_since_turn += 1;
            send(&mut self.device, packet)?;
        }
        Ok(more)
    }

    /// Nothing will go through the device any more.
    pub(super) fn end(&mut self) {
        self.device.end();
    }

    /// Hands the batch to the stack.
    fn hand_up(&mut self, now: Instant) {
        let mut longest = 0;
        for (datagram, form) in self.batch.arrivals() {
            log::debug!("in  {}", dump::describe(&datagram));
            self.traffic.datagrams_in += 1;
            self.traffic.octets_in += datagram.len() as u64;
            longest = longest.max(datagram.len());
            self.stack.receive_arrived(now, datagram, form);
        }
        if longest == self.slot {
            self.fit_mtu();
        }
    }

    /// A datagram filled its slot, and so was longer than the MTU was, and was cut: if the MTU
    /// has grown, the slots grow with it.
    fn fit_mtu(&mut self) {
        let slot = slot_for(&self.device.capabilities());
        if slot > self.slot {
            self.slot = slot;
            self.batch = batch(slot);
        }
    }
}

/// Room for one datagram: at least one octet more than the longest, so that a longer one shows;
/// and whole cache lines, so that copies start at one.
fn slot_for(capabilities: &Capabilities) -> usize {
    (capabilities.longest_arrival() + 1).next_multiple_of(64)
}

/// Of super-segments so many together that the cache holds them: two, or more short ones.
fn batch(slot: usize) -> Batch {
    Batch::with_limit(BATCH, slot, (BATCH * slot).min(BATCH_MEMORY.max(slot)))
}
