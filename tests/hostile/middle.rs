//! Somebody on the path who hears everything, repeats what he has heard, and forges segments whose
//! numbers are not exactly right: the honest stream stays what it is, and completes.

use std::net::IpAddr;
use std::time::Duration;

use stubborn::time::Instant;
use stubborn::wire::{
    Control, IcmpError, Options, Packet, Payload, TcpHeader, Text, Timestamps, Unreachable, icmp,
    parse,
};

use super::app::End;
use super::exchange::Exchange;
use super::world::{Faults, Random, World, every_seed};

const FAITHFUL: &[End] = &[End::Orderly, End::Orderly, End::Answers];

/// Beyond every window of these runs, and below what wraps around to it.
const FAR: u32 = 1 << 20;

struct Middle {
    random: Random,
    heard: Vec<(usize, Vec<u8>)>,
    /// How often he acts when something happens, in percent.
    zeal: usize,
    /// He forges, too; else he only repeats.
    forges: bool,
    until: Instant,
}

impl Middle {
    fn acts(&mut self, world: &mut World) {
        for (from, datagram) in core::mem::take(&mut world.overheard) {
            if self.heard.len() >= 300 {
                let at = self.random.below(self.heard.len());
                self.heard.swap_remove(at);
            }
            self.heard.push((from, datagram));
        }
        if world.now >= self.until || self.heard.is_empty() || !self.random.chance(self.zeal) {
            return;
        }
        let (from, heard) = self.heard[self.random.below(self.heard.len())].clone();
        match self.random.below(4) {
            1 if self.forges => {
                if let Some(error) = self.error(&heard) {
                    world.carry(from, error);
                }
            }
            2 | 3 if self.forges => {
                if let Some(forged) = self.forged(&heard) {
                    world.carry(1 - from, forged);
                }
            }
            _ => world.carry(1 - from, heard),
        }
    }

    /// A number that is nowhere near `right`.
    fn far(&mut self, right: u32) -> u32 {
        let off = FAR + self.random.below((u32::MAX - 2 * FAR) as usize) as u32;
        right.wrapping_add(off)
    }

    /// A segment like the one heard, but for its numbers, one of which cannot be right.
    fn forged(&mut self, heard: &[u8]) -> Option<Vec<u8>> {
        let parsed = parse(heard).ok()?;
        let Payload::Tcp(header, text) = parsed.payload else {
            return None;
        };
        // Before both know each other's numbers, nothing tells a forgery.
        if header.control.has(Control::SYN) {
            return None;
        }
        let mut forged = TcpHeader {
            window: self.random.pick(&[0, 1, header.window, u16::MAX]),
            urgent: self.random.pick(&[0, 1, 1000]),
            ..header
        };
        forged.options = self.options(header.options);
        let mut lie = vec![0xee; self.random.pick(&[0, 1, text.len(), 100])];
        let (seq_end, kind) = (
            header.seq.wrapping_add(text.len() as u32),
            self.random.below(7),
        );
        match kind {
            // Right in every respect but the acknowledgment.
            0..=2 => {
                forged.seq = self.random.pick(&[header.seq, seq_end]);
                forged.ack = self.far(header.ack);
                forged.control = self.random.pick(&[
                    Control::ACK,
                    Control::ACK | Control::PSH | Control::URG,
                    Control::ACK | Control::FIN,
                ]);
            }
            // A segment without ACK, anywhere.
            3 => {
                forged.seq = self.random.pick(&[header.seq, seq_end]);
                forged.control =
                    self.random
                        .pick(&[Control::NONE, Control::FIN, Control::PSH | Control::URG]);
            }
            // Far from the window.
            4 => {
                forged.seq = self.far(header.seq);
                forged.control = self.random.pick(&[
                    Control::RST,
                    Control::RST | Control::ACK,
                    Control::FIN | Control::ACK,
                    Control::ACK,
                ]);
            }
            // A reset of what has been received already.
            5 if seq_end != header.seq => {
                forged.seq = header.seq.wrapping_sub(self.random.below(1000) as u32 + 1);
                forged.control = Control::RST;
                lie.clear();
            }
            // A SYN, wherever it lies.
            _ => {
                forged.seq = self.random.pick(&[header.seq, seq_end, !header.seq]);
                forged.control = self
                    .random
                    .pick(&[Control::SYN, Control::SYN | Control::ACK]);
            }
        }
        Some(Packet::tcp(&parsed.ip, &forged, Text::from(&lie[..])).to_vec())
    }

    fn options(&mut self, heard: Options) -> Options {
        let mut options = heard;
        if let Some(Timestamps { val, ecr }) = heard.timestamps {
            let off = self.random.pick(&[0, 0, 1, 1000, 1 << 30, u32::MAX]);
            options.timestamps = Some(Timestamps {
                val: val.wrapping_add(off),
                ecr,
            });
        }
        if self.random.chance(20) {
            options.timestamps = None;
        }
        options
    }

    /// An ICMP error about what was heard.
    fn error(&mut self, heard: &[u8]) -> Option<Vec<u8>> {
        let parsed = parse(heard).ok()?;
        let Payload::Tcp(header, _) = parsed.payload else {
            return None;
        };
        if header.control.has(Control::SYN) {
            return None;
        }
        let error = match self.random.below(4) {
            0 => IcmpError::Unreachable(Unreachable::Port),
            1 => IcmpError::HopLimitExceeded,
            _ => IcmpError::PacketTooBig {
                mtu: self.random.pick(&[0, 68, 552, 1000, 65_535]),
            },
        };
        let router: IpAddr = [192, 0, 2, 1].into();
        icmp::error(router, 64, error, heard)
    }
}

fn run(seed: u64) {
    let mut exchange = Exchange::any(seed, FAITHFUL, true);
    let mut random = Random::new(seed ^ 0x5eed);
    let most = random.pick(&[0, 0, 20]);
    exchange.world.faults = Faults {
        loss: random.below(most + 1),
        duplication: random.below(most + 1),
        reordering: random.below(most + 1),
        corruption: 0,
    };
    exchange.connect();
    let start = exchange.world.now;
    let mut middle = Middle {
        zeal: random.pick(&[1, 10, 50]),
        forges: true,
        until: start + Duration::from_secs(1_000),
        random,
        heard: Vec::new(),
    };
    let until = start + Duration::from_secs(100_000);
    let done = exchange.runs(until, Exchange::nothing_remains, |world| middle.acts(world));
    assert!(done, "stuck {}", exchange.state());
    exchange.check();
}

#[test]
fn the_stream_stays_what_it_is() {
    every_seed(0..60, run);
}

/// Segments of older incarnations are not taken by the next (RFC 9293 §3.4.1, P10), which comes
/// as soon as the users are done: into TIME-WAIT, too (RFC 6191).
#[test]
fn what_was_heard_of_older_connections_is_not_taken() {
    every_seed(0..30, |seed| {
        let mut exchange = Exchange::any(seed, FAITHFUL, true);
        exchange.limit(2_000);
        let mut middle = Middle {
            random: Random::new(seed ^ 0x01d),
            heard: Vec::new(),
            zeal: 30,
            // A forged SYN opens a connection to whoever waits for one: nothing tells it apart.
            forges: false,
            until: exchange.world.now + Duration::from_secs(10_000),
        };
        for _ in 0..6 {
            exchange.connect();
            let until = exchange.world.now + Duration::from_secs(100_000);
            let meddle = |world: &mut World| middle.acts(world);
            let done = exchange.runs(until, Exchange::users_are_done, meddle);
            assert!(done, "stuck {}", exchange.state());
            exchange.check();
            // ISNs grow by 250 a millisecond, and must get ahead of what was sent.
            exchange.world.passes(Duration::from_millis(100));
        }
    });
}
