//! A stack with its device and its clock: what one thread drives at a time.

use core::fmt;
use core::iter::Sum;
use std::mem;

use super::clock::Clock;
use super::exchange::Exchange;
use super::intake::{Inlet, Intake};
use super::reading::Aim;
use crate::link::{Batch, Device, DeviceError, Landing, Sender};
use crate::stack::{ConnId, Stack};
use crate::time::Instant;
use crate::wire::{Offload, Packet, dump};

/// The most batches that one turn receives before it sends. What arrives together is acknowledged
/// together (RFC 9293 MUST-58).
pub(super) const BATCHES: usize = 8;

/// The most datagrams, and octets, that one turn sends: arriving datagrams must not wait for a long
/// queue.
const TRANSMIT_BUDGET: usize = 256;
const TRANSMIT_OCTETS: usize = 512 * 1024;

/// A stack, its device and its clock. The driver calls [`Shard::turn`] when the device has
/// something or [`Shard::next_deadline`] has come, and [`Shard::transmit`] after calls of the user.
pub struct Shard<D> {
    stack: Stack,
    device: D,
    /// The work that the device does in place of the stack.
    offload: Offload,
    /// The device cannot cut super-segments, so that is done here.
    cuts: bool,
    /// Whether text may land in its reader's buffer.
    lands: bool,
    clock: Clock,
    inlet: Inlet,
    /// Datagrams and octets sent since the last turn began.
    sent_since_turn: usize,
    octets_since_turn: usize,
    /// The time of the last departures.
    #[cfg(debug_assertions)]
    departed_at: Instant,
    traffic: Traffic,
}

/// Sends super-segments through a sender that cannot cut them.
struct Cutter(Box<dyn Sender>);

impl Sender for Cutter {
    fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
        packet.cut(|datagram| self.0.send(datagram))
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.0.flush()
    }
}

impl<D> fmt::Debug for Shard<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("stack", &self.stack)
            .field("traffic", &self.traffic)
            .finish_non_exhaustive()
    }
}

/// The traffic through a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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

/// The sum of the traffic of several queues.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How many datagrams arrived.
    pub received: usize,
    /// How many octets they have, each counted in whole cache lines.
    pub octets: usize,
    /// The turn ended at its limits, so another is due at once.
    pub more: bool,
}

impl<D: Device> Shard<D> {
    /// Joins `stack` to `device`. Time starts now.
    pub fn new(stack: Stack, device: D) -> Shard<D> {
        let capabilities = device.capabilities();
        Shard {
            stack,
            device,
            offload: capabilities.offload,
            cuts: capabilities.offload.longest == 0,
            lands: Landing::pays_with(capabilities.longest_arrival()),
            clock: Clock::start(),
            inlet: Inlet::new(&capabilities),
            sent_since_turn: 0,
            octets_since_turn: 0,
            #[cfg(debug_assertions)]
            departed_at: Instant::ZERO,
            traffic: Traffic::default(),
        }
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The time of its clock.
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

    /// The traffic through the device so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// How many datagrams were sent since the last turn: answers to them may be waiting.
    pub fn sent_since_turn(&self) -> usize {
        self.sent_since_turn
    }

    /// How many octets they had.
    pub(super) fn octets_since_turn(&self) -> usize {
        self.octets_since_turn
    }

    /// Receives what has arrived, hands it to the stack, and does what is due. Resulting datagrams
    /// leave with the next [`Shard::transmit`].
    ///
    /// # Errors
    /// If the device cannot go on. What arrived before is not lost.
    pub fn turn(&mut self) -> Result<Turn, DeviceError> {
        let mut inlet = mem::take(&mut self.inlet);
        let turn = self.turn_with(&mut inlet, |device, batch| device.receive(batch));
        self.inlet = inlet;
        turn
    }

    /// Takes the receiving half of the device, if it has one; [`Shard::turn_from`] then receives
    /// from it.
    pub(super) fn intake(&mut self) -> Option<Intake> {
        Some(Intake {
            receiver: self.device.receiver()?,
            inlet: Inlet::new(&self.device.capabilities()),
            exchange: Exchange::default(),
        })
    }

    /// As [`Shard::turn`].
    pub(super) fn turn_from(&mut self, intake: &mut Intake) -> Result<Turn, DeviceError> {
        let Intake {
            receiver, inlet, ..
        } = intake;
        self.turn_with(inlet, |_, batch| receiver.receive(batch))
    }

    fn turn_with(
        &mut self,
        inlet: &mut Inlet,
        mut receive: impl FnMut(&mut D, &mut Batch) -> Result<(), DeviceError>,
    ) -> Result<Turn, DeviceError> {
        let mut turn = Turn::default();
        let mut answer = Ok(());
        for _ in 0..BATCHES {
            inlet.batch.clear();
            answer = receive(&mut self.device, &mut inlet.batch);
            turn.more = answer.is_ok() && inlet.batch.is_full();
            let now = self.clock.now();
            turn.received += self.hand_up(now, inlet, None);
            turn.octets += inlet.batch.taken();
            if !turn.more {
                break;
            }
        }
        self.end_turn(self.clock.now(), inlet, turn.received);
        answer.map(|()| turn)
    }

    /// Ends a turn once what it received is handed up: does what is due.
    pub(super) fn end_turn(&mut self, now: Instant, inlet: &mut Inlet, received: usize) {
        (self.sent_since_turn, self.octets_since_turn) = (0, 0);
        inlet.end_turn(now, received);
        if self.next_deadline().is_some_and(|due| due <= now) {
            self.stack.handle_timeouts(now);
        }
    }

    /// Sends what the stack has to send now, up to a limit. Returns whether the limit was reached.
    ///
    /// # Errors
    /// If the device cannot go on.
    pub fn transmit(&mut self, now: Instant) -> Result<bool, DeviceError> {
        let before = self.sent_since_turn;
        let more = self.depart(now, |device, packet| {
            packet.cut(|datagram| device.send(datagram))
        })?;
        if self.sent_since_turn > before {
            self.device.flush()?;
        }
        Ok(more)
    }

    /// As [`Shard::transmit`], but gives the departing packets to `take`, for [`Shard::sender`] to
    /// send.
    pub(super) fn collect(
        &mut self,
        now: Instant,
        mut take: impl FnMut(&Packet<'_>),
    ) -> Result<bool, DeviceError> {
        self.depart(now, |_, packet| {
            take(&packet);
            Ok(())
        })
    }

    /// Takes the sending half of the device, if it has one.
    pub(super) fn sender(&mut self) -> Option<Box<dyn Sender>> {
        let sender = self.device.sender()?;
        Some(match self.cuts {
            true => Box::new(Cutter(sender)),
            false => sender,
        })
    }

    /// Gives `send` what the stack has to send now, up to a limit. Returns whether the limit was
    /// reached.
    fn depart(
        &mut self,
        now: Instant,
        mut send: impl FnMut(&mut D, Packet<'_>) -> Result<(), DeviceError>,
    ) -> Result<bool, DeviceError> {
        // Recovery and timers rely on segments leaving in the order of their times.
        #[cfg(debug_assertions)]
        {
            let before = mem::replace(&mut self.departed_at, now);
            assert!(before <= now, "departures at {before:#}, then at {now:#}");
        }
        let (mut sent, mut octets) = (0, 0);
        let mut more = true;
        let offload = self.offload_of_departures();
        while sent < TRANSMIT_BUDGET && octets < TRANSMIT_OCTETS {
            let Some(packet) = self.stack.poll_transmit_for(now, offload) else {
                more = false;
                break;
            };
            if log::log_enabled!(log::Level::Debug) {
                log::debug!("out {}", dump::describe(&packet.to_vec()));
            }
            let (datagrams, len) = match self.cuts {
                true => (packet.datagrams(), packet.len_cut()),
                false => (1, packet.len()),
            };
            self.traffic.datagrams_out += datagrams as u64;
            self.traffic.octets_out += len as u64;
            octets += len;
            sent += datagrams;
            self.sent_since_turn += datagrams;
            self.octets_since_turn += len;
            send(&mut self.device, packet)?;
        }
        Ok(more)
    }

    /// The work that the stack need not do on departing packets. Super-segments are cut here if the
    /// device cannot: for the stack, sixty segments are then little more work than one, and their text
    /// is not copied. If packets are logged, the stack does all the work, so that they appear as they
    /// are on the wire.
    fn offload_of_departures(&self) -> Offload {
        match self.cuts && !log::log_enabled!(log::Level::Debug) {
            true => Offload {
                longest: Offload::FULL.longest,
                ..self.offload
            },
            false => self.offload,
        }
    }

    /// Ends the use of the device.
    pub(super) fn end(&mut self) {
        self.device.end();
    }

    /// The octets of headers behind which text for a reader of this connection is expected, if it may
    /// land. While packets are logged none may, so that they are logged whole.
    pub(super) fn headers_of_landing(&self, connection: ConnId) -> Option<usize> {
        let may_land = self.lands && !log::log_enabled!(log::Level::Debug);
        may_land.then(|| self.stack.headers_of_landing(connection))?
    }

    /// Hands a batch to the stack, landed text first. Returns how many datagrams are in it.
    pub(super) fn hand_up(
        &mut self,
        now: Instant,
        inlet: &mut Inlet,
        mut aim: Option<&mut Aim<'_>>,
    ) -> usize {
        let mut longest = 0;
        let received = inlet.batch.len();
        for index in 0..received {
            let has_landed = aim.as_mut().is_some_and(|aim| {
                let connection = aim.connection;
                (aim.landing).offer(&mut inlet.batch, index, |datagram| {
                    self.stack.receive_landed(now, connection, datagram)
                })
            });
            let (datagram, form) = inlet.batch.arrival(index);
            self.traffic.datagrams_in += 1;
            self.traffic.octets_in += datagram.len() as u64;
            longest = longest.max(datagram.len());
            if !has_landed {
                log::debug!("in  {}", dump::describe_as(&datagram, form.checksum));
                self.stack.receive_arrived(now, datagram, form);
            }
        }
        if inlet.is_filled_by(longest) {
            inlet.fit(&self.device.capabilities());
        }
        received
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::driver::{memory, start};
    use crate::time::Duration;

    /// The times that the stack gets when nothing departs count, too.
    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "departures at 9.000000001"))]
    fn a_debug_build_ends_where_time_goes_back_between_departures() {
        let (device, _other_end) = memory::pair(1500).unwrap();
        let config = Config::new(["192.0.2.1".parse().unwrap()]);
        let mut shards = start::shards(vec![Box::new(device)], &config).unwrap();
        let (mut shard, _) = shards.remove(0);
        let now = Instant::from_secs(9);
        for now in [now, now, now + Duration::from_nanos(1), now] {
            shard.transmit(now).unwrap();
        }
    }
}
