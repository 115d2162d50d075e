//! Tests each part alone: its statistics, its edge cases, and that healing ends it.

use core::time::Duration;

use super::nat::Nat;
use super::*;
use crate::sim::path::Path;
use crate::sim::random::Ratio;
use crate::wire::{
    Control, IcmpError, IcmpMessage, IpHeader, Malformed, Packet, Payload, TcpHeader, Text, parse,
};

const COUNT: usize = 100_000;
const SOMETIMES: Ratio = Ratio::percent(10);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A medium, and what it does to datagrams that enter it one by one.
struct Bench {
    medium: Medium,
    random: Random,
    answers: Vec<Arrival>,
}

impl Bench {
    fn new(part: impl Into<Part>) -> Bench {
        Bench {
            medium: Medium::new().with(part),
            random: Random::new(1),
            answers: Vec::new(),
        }
    }

    /// What becomes of a datagram that enters.
    fn send(&mut self, now: Instant, datagram: Vec<u8>) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        let entry = Arrival {
            at: now,
            direction: Direction::There,
            datagram,
        };
        self.medium
            .carry(entry, &mut self.random, &mut arrivals, &mut self.answers);
        arrivals
    }

    /// When the copies of a datagram that enters leave.
    fn times(&mut self, now: Instant) -> Vec<Instant> {
        let arrivals = self.send(now, vec![0; 100]);
        arrivals.into_iter().map(|arrival| arrival.at).collect()
    }

    /// For one datagram each millisecond: how often each arrives, in order.
    fn copies(&mut self, count: usize) -> Vec<usize> {
        (0..count)
            .map(|millis| self.times(at(millis as u64)).len())
            .collect()
    }

    /// Whether everything arrives exactly once, immediately and undamaged.
    fn is_a_wire(&mut self) -> bool {
        (0..1_000u16).all(|number| {
            let now = Instant::from_secs(number.into());
            let words = (0..500).map(|word| (number + word).to_be_bytes());
            let datagram = tcp(&words.flatten().collect::<Vec<u8>>());
            let entry = Arrival {
                at: now,
                direction: Direction::There,
                datagram: datagram.clone(),
            };
            self.send(now, datagram) == [entry]
        })
    }
}

fn tcp(text: &[u8]) -> Vec<u8> {
    let ip = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
    segment(ip, text)
}

fn segment(ip: IpHeader, text: &[u8]) -> Vec<u8> {
    let header = TcpHeader {
        source_port: 4_000,
        destination_port: 7,
        control: Control::ACK,
        ..TcpHeader::default()
    };
    Packet::tcp(&ip, &header, Text::from(text)).to_vec()
}

/// Five standard deviations of a binomial distribution with this mean.
#[track_caller]
fn near(count: u64, total: usize, ratio: f64) {
    let mean = total as f64 * ratio;
    let most = 5.0 * (mean * (1.0 - ratio)).sqrt();
    assert!((count as f64 - mean).abs() < most, "{count}, not {mean}");
}

/// When a medium heals, only its delay stays.
#[test]
fn healing_ends_every_fault() {
    let ever = Instant::FAR_FUTURE;
    let all = Ratio::ALWAYS;
    let faults: [Part; 12] = [
        Jitter::new(ms(50)).into(),
        Stall::new(at(0), ever).into(),
        Loss::new(all).into(),
        Bursts::new(all, Ratio::NEVER, all).into(),
        BlackHole::new(at(0), ever).into(),
        Duplication::new(all).into(),
        Reordering::new(all, ms(50)).into(),
        Corruption::per_datagram(all).into(),
        Corruption::per_bit(all).into(),
        WordSwap::new(all).into(),
        RateLimit::new(1, Queue::Octets(1)).into(),
        Mtu::new(0, TooLong::Vanishes).into(),
    ];
    for fault in faults {
        let mut bench = Bench::new(fault.clone());
        assert!(!bench.is_a_wire(), "no fault: {fault:?}");
        bench.medium.heal();
        assert!(bench.is_a_wire(), "{fault:?}");
    }
    let mut delay = Bench::new(Delay::new(ms(7)));
    delay.medium.heal();
    assert_eq!(delay.times(at(1)), [at(8)]);
}

#[test]
fn an_empty_medium_is_a_wire() {
    let mut bench = Bench::new(Delay::new(Duration::ZERO));
    bench.medium = Medium::new();
    assert!(bench.is_a_wire());
}

#[test]
fn a_delay_moves_the_octets_and_copies_none() {
    let mut bench = Bench::new(Delay::new(ms(5)));
    let datagram = vec![1; 1500];
    let lies_at = datagram.as_ptr();
    let arrivals = bench.send(at(0), datagram);
    assert_eq!(arrivals[0].datagram.as_ptr(), lies_at);
    assert_eq!(arrivals[0].at, at(5));
}

#[test]
fn jitter_spreads_evenly_and_lets_none_overtake() {
    let mut bench = Bench::new(Jitter::new(ms(10)));
    let mut sum = 0;
    let count = 10_000;
    for number in 0..count {
        let now = Instant::from_secs(number);
        let late = bench.times(now)[0] - now;
        assert!(late <= ms(10));
        sum += late.as_micros() as u64;
    }
    assert!((sum / count).abs_diff(5_000) < 150, "{}", sum / count);

    let mut last = Instant::ZERO;
    for number in 0..1_000 {
        let arrival = bench.times(Instant::from_secs(20_000) + ms(number))[0];
        assert!(arrival >= last);
        last = arrival;
    }
}

#[test]
fn a_stall_releases_in_order_what_came_within_it() {
    let mut bench = Bench::new(Stall::new(at(10), at(20)));
    let cases = [(9, 9), (10, 20), (15, 20), (19, 20), (20, 20), (21, 21)];
    for (sent, arrives) in cases {
        assert_eq!(bench.times(at(sent)), [at(arrives)], "{sent}");
    }
    assert_eq!(bench.medium.counts().held_back, 3);
}

#[test]
fn loss_keeps_its_ratio_and_has_no_memory() {
    let mut bench = Bench::new(Loss::new(SOMETIMES));
    let copies = bench.copies(COUNT);
    let lost = bench.medium.counts().lost;
    near(lost, COUNT, 0.1);
    assert_eq!(
        copies.iter().filter(|count| **count == 0).count() as u64,
        lost
    );
    let pairs = copies.windows(2).filter(|pair| *pair == [0, 0]).count();
    near(pairs as u64, COUNT, 0.01);
}

#[test]
fn nothing_is_lost_at_zero_and_nothing_arrives_at_one() {
    assert!(Bench::new(Loss::new(Ratio::NEVER)).is_a_wire());
    let mut bench = Bench::new(Loss::new(Ratio::ALWAYS));
    assert!(bench.copies(100).iter().all(|count| *count == 0));
}

/// p = 0.01 and r = 0.2: bad for 1/21 of the time, in spells of 5 on average.
#[test]
fn bursts_have_the_length_and_the_share_of_their_model() {
    let bursts = Bursts::new(Ratio::percent(1), Ratio::percent(20), Ratio::ALWAYS);
    let copies = Bench::new(bursts).copies(COUNT);
    let lost = copies.iter().filter(|count| **count == 0).count() as f64;
    let spells = copies.windows(2).filter(|pair| *pair == [1, 0]).count() as f64;
    let share = lost / COUNT as f64;
    assert!((share - 1.0 / 21.0).abs() < 0.006, "{share}");
    assert!((lost / spells - 5.0).abs() < 0.5, "{}", lost / spells);
}

#[test]
fn a_burst_may_let_some_through_and_a_good_link_may_lose() {
    let always_bad = Bursts::new(Ratio::ALWAYS, Ratio::NEVER, Ratio::percent(50));
    let mut bench = Bench::new(always_bad);
    bench.copies(COUNT);
    near(bench.medium.counts().lost, COUNT, 0.5);

    let never_bad = Bursts::new(Ratio::NEVER, Ratio::NEVER, Ratio::ALWAYS);
    let mut bench = Bench::new(never_bad.also_when_good(SOMETIMES));
    bench.copies(COUNT);
    near(bench.medium.counts().lost, COUNT, 0.1);
}

#[test]
fn a_black_hole_opens_and_closes() {
    let mut bench = Bench::new(BlackHole::new(at(10), at(20)));
    assert_eq!(
        [9, 10, 19, 20].map(|sent| bench.times(at(sent)).len()),
        [1, 0, 0, 1]
    );
    assert_eq!(bench.medium.counts().lost, 2);
}

#[test]
fn duplication_keeps_its_ratio() {
    let mut bench = Bench::new(Duplication::new(SOMETIMES));
    let copies = bench.copies(COUNT);
    assert!(copies.iter().all(|count| (1..=2).contains(count)));
    near(bench.medium.counts().duplicated, COUNT, 0.1);
}

#[test]
fn copies_come_in_every_number_and_within_the_spread() {
    let part = Duplication::new(Ratio::ALWAYS).up_to(10).spread(ms(5));
    let mut bench = Bench::new(part);
    let mut seen = [0u64; 12];
    for _ in 0..COUNT / 10 {
        let times = bench.times(at(1));
        assert_eq!(times[0], at(1), "the first is not delayed");
        assert!(times.iter().all(|time| *time <= at(6)));
        seen[times.len()] += 1;
    }
    assert_eq!((seen[0], seen[1]), (0, 0));
    for count in &seen[2..] {
        near(*count, COUNT / 10, 0.1);
    }
    let copy = bench.send(at(0), vec![7; 40]).pop().unwrap();
    assert_eq!(copy.datagram, vec![7; 40]);
}

/// Two duplications, one after the other: the second also copies the copies, and each copy passes
/// the parts behind.
#[test]
fn every_copy_meets_the_parts_behind() {
    let twice = Duplication::new(Ratio::ALWAYS);
    let mut bench = Bench::new(twice.clone());
    bench.medium = bench
        .medium
        .with(twice)
        .with(Loss::new(Ratio::percent(50)))
        .with(Delay::new(ms(1)));
    let copies = bench.copies(COUNT);
    near(bench.medium.counts().lost, COUNT * 4, 0.5);
    assert!(copies.iter().all(|count| *count <= 4));
    assert_eq!(
        copies.iter().sum::<usize>() as u64 + bench.medium.counts().lost,
        COUNT as u64 * 4
    );
    assert!(bench.times(at(1)).iter().all(|time| *time == at(2)));
}

#[test]
fn reordering_lets_others_overtake_and_within_its_time_only() {
    let mut bench = Bench::new(Reordering::new(SOMETIMES, ms(10)));
    let mut late = 0;
    for number in 0..COUNT as u64 {
        let now = at(number);
        let extra = bench.times(now)[0] - now;
        assert!(extra <= ms(10));
        late += u64::from(extra > ms(5));
    }
    near(bench.medium.counts().held_back, COUNT, 0.1);
    near(late, COUNT, 0.05);
}

/// Whichever single bit of a TCP segment flips, no segment arrives. (One flip turns IPv4 into
/// IPv6, whose header has no checksum, but then the protocol is unknown.)
#[test]
fn one_bit_flips_and_every_checksum_sees_it() {
    let mut bench = Bench::new(Corruption::per_datagram(Ratio::percent(50)));
    let whole = tcp(b"some text");
    let mut flipped = vec![0; whole.len() * 8];
    let mut corrupted = 0;
    for _ in 0..COUNT / 5 {
        let arrived = bench.send(at(0), whole.clone()).remove(0).datagram;
        let differ = whole.iter().zip(&arrived).map(|(a, b)| a ^ b);
        let bits: u32 = differ.clone().map(u8::count_ones).sum();
        assert!(bits <= 1);
        corrupted += u64::from(bits);
        let is_segment = parse(&arrived).is_ok_and(|read| matches!(read.payload, Payload::Tcp(..)));
        assert_eq!(is_segment, bits == 0);
        for (place, octet) in differ.enumerate().filter(|(_, octet)| *octet != 0) {
            flipped[place * 8 + octet.leading_zeros() as usize] += 1;
        }
    }
    near(corrupted, COUNT / 5, 0.5);
    assert_eq!(bench.medium.counts().corrupted, corrupted);
    assert!(flipped.iter().all(|count| *count > 0), "every bit's turn");
}

#[test]
fn bits_flip_at_their_rate_wherever_a_datagram_ends() {
    for (per_million, len) in [(1_000, 1500), (1_000, 1), (100_000, 40), (10, 1500)] {
        let mut bench = Bench::new(Corruption::per_bit(Ratio::per_million(per_million)));
        let mut flips = 0;
        for _ in 0..COUNT / 10 {
            let arrived = bench.send(at(0), vec![0; len]).remove(0).datagram;
            flips += arrived
                .iter()
                .map(|o| u64::from(o.count_ones()))
                .sum::<u64>();
        }
        near(flips, COUNT / 10 * len * 8, f64::from(per_million) / 1e6);
    }
}

#[test]
fn all_bits_flip_or_none() {
    let mut all = Bench::new(Corruption::per_bit(Ratio::ALWAYS));
    assert_eq!(all.send(at(0), vec![0x0f; 9])[0].datagram, vec![0xf0; 9]);
    assert!(Bench::new(Corruption::per_bit(Ratio::NEVER)).is_a_wire());
    let mut empty = Bench::new(Corruption::per_datagram(Ratio::ALWAYS));
    assert_eq!(empty.send(at(0), vec![])[0].datagram, [0; 0]);
}

/// Two flips in the same column sometimes cancel out in the sum.
#[test]
fn what_no_checksum_sees_can_be_kept_away() {
    let part = Corruption::per_bit(Ratio::percent(1));
    let (mut all, mut seen) = (Bench::new(part.clone()), Bench::new(part.detectable()));
    let whole = tcp(b"");
    let arrives_as_a_segment = |bench: &mut Bench| {
        let arrived = bench.send(at(0), whole.clone());
        arrived.iter().any(|arrival| {
            let read = parse(&arrival.datagram);
            let is_segment = read.is_ok_and(|read| matches!(read.payload, Payload::Tcp(..)));
            is_segment && arrival.datagram != whole
        })
    };
    let escaped = (0..COUNT)
        .filter(|_| arrives_as_a_segment(&mut all))
        .count();
    assert!(escaped > 20, "{escaped}");
    assert!(!(0..COUNT).any(|_| arrives_as_a_segment(&mut seen)));
    let counts = seen.medium.counts();
    assert_eq!(all.medium.counts().corrupted, counts.corrupted);
    assert!(counts.colliding as usize >= escaped);
}

#[test]
fn no_checksum_sees_words_that_change_places() {
    let text: Vec<u8> = (0..101).collect();
    let v6 = IpHeader::new([1; 16].into(), [2; 16].into(), 0, 64);
    for whole in [tcp(&text), segment(v6, &text)] {
        let mut bench = Bench::new(WordSwap::new(Ratio::ALWAYS));
        let mut changed = 0;
        for _ in 0..1_000 {
            let arrived = bench.send(at(0), whole.clone()).remove(0).datagram;
            let Payload::Tcp(header, received) = parse(&arrived).unwrap().payload else {
                panic!("no segment");
            };
            assert_eq!((header.source_port, received.len()), (4_000, 101));
            let differ = text.iter().zip(received).filter(|(a, b)| a != b).count();
            assert!(matches!(differ, 0 | 4), "{differ} octets");
            changed += u64::from(differ > 0);
        }
        assert_eq!(bench.medium.counts().colliding, changed);
        assert_eq!(bench.medium.counts().corrupted, 0);
        // The same word is drawn twice in one of fifty cases.
        assert!((950..1_000).contains(&changed), "{changed}");
    }
}

#[test]
fn where_no_words_differ_none_change_places() {
    let mut bench = Bench::new(WordSwap::new(Ratio::ALWAYS));
    let (mut damaged, mut padded) = (tcp(b"abcd"), tcp(&[5; 100]));
    damaged[30] ^= 1;
    padded.extend([1; 8]);
    for datagram in [
        tcp(b""),
        tcp(b"a"),
        tcp(b"ab"),
        damaged,
        padded,
        vec![],
        vec![0x45],
    ] {
        assert_eq!(bench.send(at(0), datagram.clone())[0].datagram, datagram);
    }
    assert_eq!(bench.medium.counts().colliding, 0);
}

/// 100 octets at 800,000 bits a second take a millisecond.
#[test]
fn a_bottleneck_sends_one_after_the_other() {
    let mut bench = Bench::new(RateLimit::new(800_000, Queue::Octets(100_000)));
    let times: Vec<_> = (0..3).flat_map(|_| bench.times(at(10))).collect();
    assert_eq!(times, [at(11), at(12), at(13)]);
    assert_eq!(bench.times(at(12)), [at(14)], "behind the third");
    assert_eq!(bench.times(at(100)), [at(101)], "idle meanwhile");
}

#[test]
fn a_full_queue_drops_the_last() {
    for queue in [Queue::Octets(300), Queue::Time(ms(3))] {
        let mut bench = Bench::new(RateLimit::new(800_000, queue));
        let copies: Vec<_> = (0..5).map(|_| bench.times(at(0)).len()).collect();
        assert_eq!(copies, [1, 1, 1, 0, 0], "{queue:?}");
        assert_eq!(bench.times(at(1)), [at(4)], "one has left");
        assert_eq!(bench.medium.counts().overflowed, 2);
    }
}

#[test]
fn an_idle_bottleneck_takes_what_is_longer_than_its_queue() {
    let mut bench = Bench::new(RateLimit::new(800_000, Queue::Octets(0)));
    assert_eq!(bench.times(at(0)), [at(1)]);
    assert_eq!(bench.times(at(0)), []);
    assert_eq!(bench.times(at(1)), [at(2)]);
}

#[test]
fn what_is_too_long_vanishes() {
    let mut bench = Bench::new(Mtu::new(100, TooLong::Vanishes));
    assert_eq!(bench.send(at(0), vec![0; 100]).len(), 1);
    assert_eq!(bench.send(at(0), vec![0; 101]).len(), 0);
    assert_eq!(bench.answers, []);
    assert_eq!(bench.medium.counts().too_long, 1);
}

#[test]
fn an_mtu_changes_in_time() {
    let mtu = Mtu::new(1500, TooLong::Vanishes)
        .then(at(10), 576)
        .then(at(20), 9000);
    let mut bench = Bench::new(mtu);
    for (now, longest) in [(0, 1500), (9, 1500), (10, 576), (19, 576), (20, 9000)] {
        assert_eq!(bench.send(at(now), vec![0; longest]).len(), 1, "{now}");
        assert_eq!(bench.send(at(now), vec![0; longest + 1]).len(), 0, "{now}");
    }
}

fn path(there: Part, back: Part) -> Path {
    Path::new(Medium::new().with(there), Medium::new().with(back))
}

fn carried(path: &mut Path, now: Instant, direction: Direction, datagram: Vec<u8>) -> Vec<Arrival> {
    let (mut random, mut arrivals) = (Random::new(1), Vec::new());
    path.carry(now, direction, datagram, &mut random, &mut arrivals);
    arrivals
}

/// The same with a NAT in between: the error quotes what the host sent, not what the NAT made of
/// it.
#[test]
fn the_sender_of_what_is_too_long_is_told() {
    let wire = || Part::from(Delay::new(ms(3)));
    let short = || Part::from(Mtu::new(1300, TooLong::IsReported));
    let public = ["192.0.2.9", "2001:db8::9"].map(|address| address.parse().unwrap());
    let v4 = IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 0, 64);
    let v6 = IpHeader::new([0xfd; 16].into(), [0x20; 16].into(), 0, 64);
    for ip in [v4, v6] {
        let long = segment(ip, &[1; 1400]);
        for (mut path, direction) in [
            (path(short(), wire()), Direction::There),
            (path(wire(), short()), Direction::Back),
            (
                path(short(), wire()).with_nat(Nat::new(public)),
                Direction::There,
            ),
        ] {
            let arrivals = carried(&mut path, at(1), direction, long.clone());
            assert_eq!(arrivals.len(), 1, "{direction:?}");
            assert_eq!(arrivals[0].at, at(4), "through the other direction");
            assert_eq!(arrivals[0].direction, direction.reverse());
            let parsed = parse(&arrivals[0].datagram).unwrap();
            assert_eq!(parsed.ip.destination, ip.source);
            let Payload::Icmp(IcmpMessage::Error(error, quote)) = parsed.payload else {
                panic!("{parsed:?}");
            };
            assert_eq!(error, IcmpError::PacketTooBig { mtu: 1300 });
            assert_eq!((quote.source, quote.source_port), (ip.source, 4_000));
        }
    }
}

#[test]
fn no_error_is_sent_about_an_error() {
    let tiny = || Part::from(Mtu::new(68, TooLong::IsReported));
    let arrivals = carried(
        &mut path(tiny(), tiny()),
        at(0),
        Direction::There,
        tcp(&[1; 100]),
    );
    assert_eq!(arrivals, []);
}

#[test]
fn directions_differ() {
    let mut path = path(Loss::new(Ratio::ALWAYS).into(), Delay::new(ms(3)).into());
    let there = carried(&mut path, at(0), Direction::There, vec![0; 20]);
    let back = carried(&mut path, at(0), Direction::Back, vec![0; 20]);
    assert_eq!((there.len(), back.len()), (0, 1));
    assert_eq!((back[0].at, back[0].direction), (at(3), Direction::Back));
    assert_eq!((path.counts().entered, path.counts().lost), (2, 1));
    path.heal();
    let there = carried(&mut path, at(5), Direction::There, vec![0; 20]);
    assert_eq!((there.len(), there[0].at), (1, at(5)));
}

/// The NAT translates at the near end, and does not repair a damaged checksum. `nat` tests the
/// rest.
#[test]
fn a_nat_stands_at_the_near_end() {
    let public = "192.0.2.9".parse().unwrap();
    let wire = Medium::new().with(Delay::new(ms(1)));
    let mut path = Path::symmetric(wire).with_nat(Nat::new([public]));
    let arrivals = carried(&mut path, at(0), Direction::There, tcp(b"out"));
    let parsed = parse(&arrivals[0].datagram).unwrap();
    assert_eq!(parsed.ip.source, public);
    let Payload::Tcp(header, _) = parsed.payload else {
        panic!("{parsed:?}");
    };

    let back = |port, octet: u8| {
        let ip = IpHeader::new([10, 0, 0, 2].into(), public, 0, 64);
        let header = TcpHeader {
            source_port: 7,
            destination_port: port,
            ..TcpHeader::default()
        };
        Packet::tcp(&ip, &header, Text::from(&[octet][..])).to_vec()
    };
    let port = header.source_port;
    let arrivals = carried(&mut path, at(5), Direction::Back, back(port, 1));
    let parsed = parse(&arrivals[0].datagram).unwrap();
    assert_eq!(
        parsed.ip.destination,
        core::net::IpAddr::from([10, 0, 0, 1])
    );
    let closed = carried(&mut path, at(5), Direction::Back, back(port ^ 1, 1));
    assert_eq!(closed, []);
    assert_eq!(path.counts().untranslated, 1);

    let mut damaged = back(port, 1);
    *damaged.last_mut().unwrap() ^= 1;
    let arrivals = carried(&mut path, at(5), Direction::Back, damaged);
    assert_eq!(
        parse(&arrivals[0].datagram).unwrap_err().reason,
        Malformed::TcpChecksum
    );
}
