//! Measures loss recovery: one transfer through one kind of trouble, with one way to detect losses.

use core::ops::AddAssign;
use core::time::Duration;

use super::apps::{Behaviour, Client, Server};
use super::medium::{Bursts, Delay, Loss, Medium, Queue, RateLimit, Reordering, Stall};
use super::outcome::Outcome;
use super::path::{Direction, Path};
use super::random::Ratio;
use super::transfer::{self, Transfer};
use super::world::World;
use crate::config::{Config, TcpConfig};
use crate::time::Instant;
use crate::wire::{self, Control, Payload};

/// How a sender finds out what is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// By time and SACK, with tail loss probes (RFC 8985).
    Rack,
    /// By the SACK blocks above it (RFC 6675).
    Sack,
    /// By duplicate acknowledgments (RFC 6582).
    NewReno,
}

impl Finding {
    /// Every way.
    pub const ALL: [Finding; 3] = [Finding::Rack, Finding::Sack, Finding::NewReno];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Finding::Rack => "RACK-TLP",
            Finding::Sack => "SACK, no RACK",
            Finding::NewReno => "no SACK",
        }
    }

    fn settings(self) -> TcpConfig {
        TcpConfig {
            rack: self == Finding::Rack,
            tail_loss_probe: self == Finding::Rack,
            sack: self != Finding::NewReno,
            receive_buffer: RECEIVE_BUFFER,
            initial_receive_buffer: RECEIVE_BUFFER,
            ..TcpConfig::default()
        }
    }
}

/// What is wrong with the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Each datagram from sender to receiver is lost with a probability of 1 %.
    Loss,
    /// Bursts of three on average, at every three-hundredth datagram.
    Bursts,
    /// The last one to eight segments of the transfer are lost, once.
    Tail,
    /// Nothing is lost; one in a hundred is overtaken by three others.
    Reordering,
    /// Nothing is lost; the path stands still for two seconds.
    DelaySpike,
}

impl Trouble {
    /// Every trouble.
    pub const ALL: [Trouble; 5] = [
        Trouble::Loss,
        Trouble::Bursts,
        Trouble::Tail,
        Trouble::Reordering,
        Trouble::DelaySpike,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Trouble::Loss => "loss 1 %",
            Trouble::Bursts => "bursts of 3",
            Trouble::Tail => "tail lost",
            Trouble::Reordering => "reordering by 3",
            Trouble::DelaySpike => "delay spike 2 s",
        }
    }
}

/// The results of transfers, which add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The number of transfers.
    pub transfers: u64,
    /// Transfers that failed.
    pub failed: u64,
    /// Transfers with a retransmission timeout.
    pub with_timeout: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Bursts of losses: consecutive losses count as one.
    pub bursts: u64,
    /// Octets that arrived.
    pub arrived: u64,
    /// Octets that had arrived before, and need not have been retransmitted.
    pub needless: u64,
    /// The total time of the transfers.
    pub time: Duration,
}

impl AddAssign for Measured {
    fn add_assign(&mut self, other: Measured) {
        self.transfers += other.transfers;
        self.failed += other.failed;
        self.with_timeout += other.with_timeout;
        self.timeouts += other.timeouts;
        self.bursts += other.bursts;
        self.arrived += other.arrived;
        self.needless += other.needless;
        self.time += other.time;
    }
}

/// The one-way delay; the round trip is twice that.
const DELAY: Delay = Delay::new(Duration::from_millis(20));

/// The rate of the bottleneck: a segment takes 0.6 ms.
const BITS_PER_SECOND: u64 = 20_000_000;

/// A little more than the bandwidth-delay product, so that no queue overflows.
const RECEIVE_BUFFER: usize = 128 * 1024;

/// Octets of a transfer: about seven hundred segments.
const OCTETS: u64 = 1_000_000;

/// More entries than the record of a transfer has.
const ENTRIES: usize = 100_000;

/// Runs one transfer, and measures it.
pub fn measure(trouble: Trouble, finding: Finding, seed: u64) -> Measured {
    let mut world = World::new(seed);
    build(&mut world, trouble, finding);
    world.keep_record(ENTRIES);
    let outcome = world.run();
    result(&world, &outcome)
}

fn build(world: &mut World, trouble: Trouble, finding: Finding) {
    let config = |host| Config {
        tcp: finding.settings(),
        ..Config::new([[10, 0, 0, host].into()])
    };
    let near = world.host(config(1));
    let far = world.host(config(2));
    let spike_at = Instant::from_millis(world.random().between(200, 400));
    let path = Path::new(there(trouble, spike_at), Medium::new().with(DELAY));
    let link = world.link(near, far, path);
    if trouble == Trouble::Tail {
        let segments = world.random().between(1, 8);
        world.middle(link, tail_dropper(segments * 1448));
    }
    world.app(far, Server::new(7, Behaviour::receive()));
    let to = ([10, 0, 0, 2], 7).into();
    world.app(near, Client::new(to, Behaviour::send(OCTETS)));
}

fn there(trouble: Trouble, spike_at: Instant) -> Medium {
    let limit = RateLimit::new(BITS_PER_SECOND, Queue::Time(Duration::from_millis(100)));
    let medium = Medium::new().with(limit);
    let medium = match trouble {
        Trouble::Tail => medium,
        Trouble::Loss => medium.with(Loss::new(Ratio::percent(1))),
        Trouble::Bursts => medium.with(Bursts::new(
            Ratio::per_million(3_333),
            Ratio::per_million(333_333),
            Ratio::ALWAYS,
        )),
        // Three segments and a half at the rate of the bottleneck.
        Trouble::Reordering => medium.with(Reordering::by(
            Ratio::percent(1),
            Duration::from_micros(2_100),
        )),
        Trouble::DelaySpike => medium.with(Stall::new(spike_at, spike_at + Duration::from_secs(2))),
    };
    medium.with(DELAY)
}

/// Drops the last octets of the stream and its FIN, the first time that they pass.
fn tail_dropper(octets: u64) -> impl FnMut(Instant, Direction, Vec<u8>, &mut Vec<Vec<u8>>) + Send {
    let (mut seen, mut tail_begins) = (0, None);
    move |_, direction, datagram, onward| {
        let first_time = direction == Direction::There
            && text_of(&datagram).is_some_and(|(seq, len)| {
                let begins = *tail_begins.get_or_insert(seq.wrapping_add((OCTETS - octets) as u32));
                let end = seq.wrapping_add(len);
                let is_new = seen == 0 || (end.wrapping_sub(seen) as i32) > 0;
                if is_new {
                    seen = end;
                }
                is_new && (end.wrapping_sub(begins) as i32) > 0
            });
        if !first_time {
            onward.push(datagram);
        }
    }
}

/// The sequence number and the length of a segment, counting its FIN, if it has any.
fn text_of(datagram: &[u8]) -> Option<(u32, u32)> {
    let Payload::Tcp(header, text) = wire::parse(datagram).ok()?.payload else {
        return None;
    };
    let len = text.len() as u32 + u32::from(header.control.has(Control::FIN));
    let is_syn = header.control.has(Control::SYN);
    (len > 0 && !is_syn).then_some((header.seq, len))
}

fn result(world: &World, outcome: &Outcome) -> Measured {
    let mut measured = Measured {
        transfers: 1,
        failed: u64::from(outcome.failure().is_some()),
        with_timeout: u64::from(outcome.tally.timeouts > 0),
        timeouts: outcome.tally.timeouts,
        time: outcome.completed_at.unwrap_or(outcome.ended_at) - Instant::ZERO,
        ..Measured::default()
    };
    let Some(record) = world.record() else {
        return measured;
    };
    if let Some(flow) = transfer::busiest(record) {
        let transfer = Transfer::of(record, flow);
        let mut was_lost = false;
        for sent in &transfer.sent {
            measured.bursts += u64::from(sent.lost && !was_lost);
            was_lost = sent.lost;
        }
        measured.arrived = transfer.arrived;
        measured.needless = transfer.arrived.saturating_sub(outcome.tally.delivered);
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(trouble: Trouble, finding: Finding) -> Measured {
        let mut sum = Measured::default();
        (0..5).for_each(|seed| sum += measure(trouble, finding, seed));
        assert_eq!(sum.failed, 0);
        sum
    }

    #[test]
    fn every_transfer_ends_whatever_the_trouble() {
        for trouble in Trouble::ALL {
            for finding in Finding::ALL {
                let measured = sum(trouble, finding);
                let losses = matches!(trouble, Trouble::Loss | Trouble::Bursts | Trouble::Tail);
                assert_eq!(measured.bursts > 0, losses, "{trouble:?} {measured:?}");
                assert_eq!(measured.arrived - measured.needless, 5 * OCTETS);
            }
        }
    }

    /// RFC 8985 §7: without a probe, only a timeout reveals that the tail is lost. A probe reveals it
    /// earlier, and the SACK blocks in the answer show the rest.
    #[test]
    fn a_tail_needs_a_timeout_without_a_probe() {
        let (sack, rack) = (
            sum(Trouble::Tail, Finding::Sack),
            sum(Trouble::Tail, Finding::Rack),
        );
        assert!(sack.timeouts >= 4, "{sack:?}");
        assert_eq!(rack.timeouts, 0, "{rack:?}");
        assert!(rack.time < sack.time, "{rack:?} {sack:?}");
    }

    /// RFC 8985 §3.3.2 and §6.2: D-SACK lets the reordering window adapt.
    #[test]
    fn reordering_costs_rack_next_to_nothing() {
        let rack = sum(Trouble::Reordering, Finding::Rack);
        assert!(rack.needless * 100 <= rack.arrived, "{rack:?}");
        assert_eq!(rack.timeouts, 0);
    }
}
