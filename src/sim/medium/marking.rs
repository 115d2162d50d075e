//! Routers that mark instead of dropping, and boxes that should not touch marks but do.

use super::{Arrival, Counts};
use crate::sim::random::{Random, Ratio};
use crate::wire::{Control, Ecn, IpHeader, Packet, Payload, TcpHeader, Text, parse};

/// Marks ECN-capable segments with CE, each with the same probability (RFC 3168 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marking(Ratio);

impl Marking {
    /// Marks segments with this probability.
    pub const fn new(ratio: Ratio) -> Marking {
        Marking(ratio)
    }

    pub(super) fn passes(
        &self,
        copy: &mut Arrival,
        random: &mut Random,
        counts: &mut Counts,
    ) -> bool {
        if random.chance(self.0) {
            mark(copy, counts);
        }
        true
    }
}

/// Sets CE, if the segment is ECN-capable.
pub(super) fn mark(copy: &mut Arrival, counts: &mut Counts) {
    let is_marked = rewrite(&mut copy.datagram, |ip, _| {
        let capable = ip.ecn().is_capable();
        if capable {
            ip.traffic_class = Ecn::Ce.on(ip.traffic_class);
        }
        capable
    });
    counts.marked += u64::from(is_marked);
}

/// What a misbehaving box on the path does to ECN (RFC 3168 §6.1.1.1 and §18, RFC 9768 §3.2.2.3 to
/// §3.2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mangling {
    /// The ECN field becomes Not-ECT: marks are lost.
    ClearsField,
    /// The ECN field becomes CE on everything.
    MarksEverything,
    /// AE, CWR and ECE are cleared on everything.
    ClearsFlags,
    /// AE, CWR and ECE are cleared once the handshake is over.
    ClearsFlagsLater,
    /// AccECN options are removed.
    StripsOption,
    /// SYNs with any of the three flags do not get through.
    DropsSyns,
    /// Segments with an AccECN option do not get through.
    DropsOption,
}

impl Mangling {
    /// Every kind.
    pub const ALL: [Mangling; 7] = [
        Mangling::ClearsField,
        Mangling::MarksEverything,
        Mangling::ClearsFlags,
        Mangling::ClearsFlagsLater,
        Mangling::StripsOption,
        Mangling::DropsSyns,
        Mangling::DropsOption,
    ];

    pub(super) fn passes(self, copy: &mut Arrival, counts: &mut Counts) -> bool {
        let mut dropped = false;
        let changed = rewrite(&mut copy.datagram, |ip, tcp| {
            dropped = self.drops(tcp);
            self.changes(ip, tcp)
        });
        counts.mangled += u64::from(changed);
        counts.lost += u64::from(dropped);
        !dropped
    }

    fn drops(self, tcp: &TcpHeader) -> bool {
        match self {
            Mangling::DropsSyns => tcp.control.has(Control::SYN) && tcp.control.any(FLAGS),
            Mangling::DropsOption => tcp.options.accurate_ecn.is_some(),
            _ => false,
        }
    }

    /// Whether anything has changed.
    fn changes(self, ip: &mut IpHeader, tcp: &mut TcpHeader) -> bool {
        let before = (*ip, *tcp);
        match self {
            Mangling::ClearsField => ip.traffic_class = Ecn::NotEct.on(ip.traffic_class),
            Mangling::MarksEverything => ip.traffic_class = Ecn::Ce.on(ip.traffic_class),
            Mangling::ClearsFlags => tcp.control = tcp.control - FLAGS,
            Mangling::ClearsFlagsLater if tcp.control.has(Control::SYN) => {}
            Mangling::ClearsFlagsLater => tcp.control = tcp.control - FLAGS,
            Mangling::StripsOption => tcp.options.accurate_ecn = None,
            Mangling::DropsSyns | Mangling::DropsOption => {}
        }
        before != (*ip, *tcp)
    }
}

/// AE, CWR and ECE.
const FLAGS: Control = Control::from_bits(0b111 << 6);

/// Writes back the headers of a segment, with new checksums, if `change` returns that it changed
/// them; returns what `change` returned. Anything but a whole segment stays as it is.
fn rewrite(
    datagram: &mut Vec<u8>,
    change: impl FnOnce(&mut IpHeader, &mut TcpHeader) -> bool,
) -> bool {
    let Ok(read) = parse(datagram) else {
        return false;
    };
    let Payload::Tcp(mut tcp, text) = read.payload else {
        return false;
    };
    let mut ip = read.ip;
    let changed = change(&mut ip, &mut tcp);
    if changed {
        let written = Packet::tcp(&ip, &tcp, Text::from(text)).to_vec();
        *datagram = written;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, Medium, Part, Queue, RateLimit};
    use super::*;
    use crate::time::Instant;
    use crate::wire::{AccurateEcn, ByteCounters, CounterOrder, Datagram};

    struct Bench(Medium, Random);

    impl Bench {
        fn new(part: impl Into<Part>) -> Bench {
            Bench(Medium::new().with(part), Random::new(1))
        }

        /// What becomes of a datagram that enters the medium.
        fn send(&mut self, datagram: Vec<u8>) -> Vec<Arrival> {
            let entry = Arrival {
                at: Instant::ZERO,
                direction: Direction::There,
                datagram,
            };
            let mut arrivals = Vec::new();
            self.0
                .carry(entry, &mut self.1, &mut arrivals, &mut Vec::new());
            arrivals
        }
    }

    /// A segment of a TCP connection in a datagram with this codepoint.
    fn segment(ecn: Ecn, control: Control) -> Vec<u8> {
        let mut ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
        ip.traffic_class = ecn.on(0xb8);
        let mut tcp = TcpHeader {
            control,
            ..TcpHeader::default()
        };
        let counters = ByteCounters::default();
        tcp.options.accurate_ecn = Some(AccurateEcn::new(CounterOrder::E0First, counters, 1));
        Packet::tcp(&ip, &tcp, Text::from(&b"text"[..])).to_vec()
    }

    /// RFC 3168 §5: only ECN-capable segments are marked, and nothing else in them changes.
    #[test]
    fn marking_sets_ce_on_what_is_ecn_capable() {
        let mut bench = Bench::new(Marking::new(Ratio::percent(100)));
        for ecn in Ecn::ALL {
            let arrivals = bench.send(segment(ecn, Control::ACK));
            let marked = match ecn {
                Ecn::NotEct => Ecn::NotEct,
                _ => Ecn::Ce,
            };
            assert_eq!(arrivals[0].datagram, segment(marked, Control::ACK));
        }
        assert_eq!(bench.0.counts().marked, 3);
        let mut sometimes = Bench::new(Marking::new(Ratio::percent(10)));
        for _ in 0..1_000 {
            sometimes.send(segment(Ecn::Ect0, Control::ACK));
        }
        let marked = sometimes.0.counts().marked;
        assert!((50..150).contains(&marked), "{marked}");
    }

    /// RFC 8257 §3.1: datagrams that find more than K waiting are marked, long before the queue is
    /// full.
    #[test]
    fn a_bottleneck_marks_above_its_threshold() {
        let len = segment(Ecn::Ect0, Control::ACK).len() as u64;
        let limit = RateLimit::new(8_000, Queue::Octets(10 * len));
        let mut bench = Bench::new(limit.marking_above(Queue::Octets(3 * len)));
        let codepoints: Vec<Option<Ecn>> = (0..12)
            .map(|_| {
                let arrivals = bench.send(segment(Ecn::Ect0, Control::ACK));
                let first = arrivals.first();
                first.map(|arrival| parse(&arrival.datagram).unwrap().ip.ecn())
            })
            .collect();
        assert_eq!(codepoints[..4], [Some(Ecn::Ect0); 4]);
        assert_eq!(codepoints[4..10], [Some(Ecn::Ce); 6]);
        assert_eq!(codepoints[10..], [None; 2]);
        assert_eq!(bench.0.counts().marked, 6);
    }

    #[test]
    fn each_mangling_does_what_it_says() {
        let through = |mangling, datagram: Vec<u8>| {
            let arrivals = Bench::new(mangling).send(datagram);
            let first = arrivals.first();
            first.map(|arrival| match parse(&arrival.datagram).unwrap() {
                Datagram {
                    ip,
                    payload: Payload::Tcp(tcp, _),
                } => (ip.ecn(), tcp.control, tcp.options.accurate_ecn.is_some()),
                other => panic!("{other:?}"),
            })
        };
        let syn = Control::SYN | Control::ECE | Control::CWR;
        let ack = Control::ACK | Control::AE;
        for mangling in Mangling::ALL {
            let of_syn = through(mangling, segment(Ecn::NotEct, syn));
            let of_ack = through(mangling, segment(Ecn::Ect0, ack));
            let expected = match mangling {
                Mangling::ClearsField => [
                    Some((Ecn::NotEct, syn, true)),
                    Some((Ecn::NotEct, ack, true)),
                ],
                Mangling::MarksEverything => {
                    [Some((Ecn::Ce, syn, true)), Some((Ecn::Ce, ack, true))]
                }
                Mangling::ClearsFlags => [
                    Some((Ecn::NotEct, Control::SYN, true)),
                    Some((Ecn::Ect0, Control::ACK, true)),
                ],
                Mangling::ClearsFlagsLater => [
                    Some((Ecn::NotEct, syn, true)),
                    Some((Ecn::Ect0, Control::ACK, true)),
                ],
                Mangling::StripsOption => [
                    Some((Ecn::NotEct, syn, false)),
                    Some((Ecn::Ect0, ack, false)),
                ],
                Mangling::DropsSyns => [None, Some((Ecn::Ect0, ack, true))],
                Mangling::DropsOption => [None, None],
            };
            assert_eq!([of_syn, of_ack], expected, "{mangling:?}");
        }
    }
}
