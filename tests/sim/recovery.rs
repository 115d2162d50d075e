//! What loss, reordering and delay cost a stream: a client sends, the path has one fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stubborn::sim::app::{App, Calls, News};
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{BlackHole, Delay, Loss, Medium, Queue, RateLimit, Reordering, Stall};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Outcome, World};
use stubborn::time::Instant;

use super::support::{PORT, at, config, hosts, hosts_with_offloads, server_address, well};

const ONE_WAY: Duration = Duration::from_millis(25);
const RTT: Duration = Duration::from_millis(50);

/// A bottleneck with a queue of 100 ms.
fn bottleneck(bits_per_second: u64) -> Medium {
    let queue = Queue::Time(Duration::from_millis(100));
    Medium::new().with(RateLimit::new(bits_per_second, queue))
}

/// Through this there, and back without a fault.
fn through(there: Medium) -> Path {
    Path::new(there.with(Delay::new(ONE_WAY)), back())
}

fn back() -> Medium {
    Medium::new().with(Delay::new(ONE_WAY))
}

/// A client sends this many octets over this path.
fn transfer(seed: u64, path: &Path, octets: u64) -> Outcome {
    let outcome = well(seed, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], path.clone());
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(octets));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, octets);
    outcome
}

fn took(outcome: &Outcome) -> Duration {
    outcome.completed_at.unwrap().since(at(0.0))
}

/// The last segments of a transfer are lost: one, two or three of ten, which leave a bottleneck of 10
/// Mbit/s one every 1.2 ms from 50 ms on.
#[test]
fn a_lost_tail_is_repaired_without_a_timeout() {
    let clean = through(bottleneck(10_000_000));
    let undisturbed = took(&transfer(0, &clean, 14_480));
    // Two round trips, and the probe: two round trips of its own, and the peer's delay.
    let allowed = undisturbed + 2 * RTT + 2 * RTT + Duration::from_millis(200);
    let (mut repaired, seeds) = (0, 60);
    for seed in 0..seeds {
        let lost = 1 + seed % 3;
        let from = at(0.0623 - 0.001_215 * lost as f64 - 0.000_01 * (seed / 3) as f64);
        let hole = BlackHole::new(from, at(0.0700));
        let path = through(bottleneck(10_000_000).with(hole));
        let outcome = transfer(seed, &path, 14_480);
        assert!(outcome.tally.lost > 0, "{:?}", outcome.tally);
        repaired += u64::from(outcome.tally.timeouts == 0 && took(&outcome) <= allowed);
    }
    assert!(100 * repaired >= 95 * seeds, "{repaired} of {seeds}");
}

/// A burst of losses costs one timeout at most, and its lost retransmissions none.
#[test]
fn a_burst_of_losses_costs_no_second_timeout() {
    for seed in 0..20 {
        let from = at(0.5 + 0.007 * seed as f64);
        let until = from + Duration::from_millis(5 + 3 * seed);
        let hole = BlackHole::new(from, until);
        let path = through(bottleneck(20_000_000).with(hole));
        let outcome = transfer(seed, &path, 4_000_000);
        assert!(outcome.tally.lost > 0, "{:?}", outcome.tally);
        assert!(outcome.tally.timeouts <= 1, "{seed}: {:?}", outcome.tally);
    }
}

/// Of datagrams that are only overtaken, at most one in a hundred is sent again, and the stream is
/// as fast as without: no window falls.
#[test]
fn reordering_alone_costs_nothing() {
    let clean = through(bottleneck(50_000_000));
    let undisturbed = took(&transfer(1, &clean, 20_000_000));
    let overtaken = Reordering::new(Ratio::percent(1), Duration::from_millis(2));
    let faulty = bottleneck(50_000_000).with(overtaken);
    let outcome = transfer(1, &through(faulty), 20_000_000);
    let (tally, segments) = (outcome.tally, 20_000_000 / 1448);
    assert!(
        tally.retransmissions - tally.lost <= segments / 100,
        "{tally:?}"
    );
    assert!(
        took(&outcome) <= undisturbed * 11 / 10,
        "{outcome:?} {undisturbed:?}"
    );
}

/// Everything takes two seconds longer for once. What was sent again was sent for nothing; the stream
/// goes on as fast as before.
#[test]
fn a_delay_of_two_seconds_costs_two_seconds() {
    let clean = through(bottleneck(20_000_000));
    let undisturbed = took(&transfer(1, &clean, 10_000_000));
    let stall = Stall::new(at(2.0), at(4.0));
    let outcome = transfer(1, &through(bottleneck(20_000_000).with(stall)), 10_000_000);
    let longer = took(&outcome) - undisturbed;
    assert!(
        longer <= Duration::from_millis(2300),
        "{longer:?}: {outcome:?}"
    );
    assert!(
        outcome.tally.retransmissions <= outcome.tally.lost + 10,
        "{outcome:?}"
    );
}

/// A client that remembers cwnd as it was at some moments.
#[derive(Debug)]
struct Windows {
    client: Client,
    /// Until when, and what it was last before that.
    marks: [(Instant, Arc<AtomicU64>); 2],
}

impl App for Windows {
    fn on(&mut self, news: News, calls: &mut Calls<'_>) {
        let conn = match &news {
            News::Ready(conn, _) => Some(*conn),
            _ => None,
        };
        let now = calls.now();
        self.client.on(news, calls);
        for (until, cwnd) in &self.marks {
            if let Some(conn) = conn.filter(|_| now <= *until) {
                cwnd.store(calls.status(conn).cwnd, Ordering::Relaxed);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.client.is_done()
    }
}

/// The window of a client before a delay of two seconds, and three round trips after it, with timestamps or
/// without.
/// With `offload` what arrives together arrives as super-segments; with `loss` something is lost among
/// what is held up.
fn windows_around_a_delay([timestamps, offload, loss]: [bool; 3]) -> [u64; 2] {
    let marks = [2.0, 4.18].map(|secs| (at(secs), Arc::new(AtomicU64::new(0))));
    let meters = marks.clone();
    let outcome = well(1, |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.timestamps = timestamps;
            config
        });
        let lost_until = if loss { at(2.0206) } else { at(2.02) };
        let there = bottleneck(20_000_000)
            .with(BlackHole::new(at(2.02), lost_until))
            .with(Stall::new(at(2.0), at(4.0)));
        let pair = hosts_with_offloads(world, configs, [offload; 2], through(there));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Windows {
            client: Client::new(server_address(), Behaviour::send(8_000_000)),
            marks: meters.clone(),
        };
        world.app(pair.client, client);
    });
    assert!(outcome.tally.timeouts > 0, "{outcome:?}");
    marks.map(|(_, cwnd)| cwnd.load(Ordering::Relaxed))
}

/// A delay of two seconds runs into timeouts. All that it held up arrives at once, so that one
/// acknowledgment may hide what the one before it has reported; and yet what tells that the timeouts were
/// spurious comes through (RFC 3522, RFC 5682), and the window is what it was (RFC 4015 §3). If something
/// has been lost among it, it is reduced for that, once: to seven tenths (RFC 9438 §4.6).
#[test]
fn a_delay_of_two_seconds_gives_the_window_back() {
    for timestamps in [true, false] {
        for offload in [true, false] {
            for loss in [true, false] {
                let case = [timestamps, offload, loss];
                let [before, after] = windows_around_a_delay(case);
                let least = if loss { before * 7 / 10 - 1500 } else { before };
                assert!(before > 100_000, "{case:?}: {before}");
                assert!(after >= least, "{case:?}: {before}, {after}");
            }
        }
    }
}

/// A server that remembers when the last of this many octets came.
#[derive(Debug)]
struct Finish {
    server: Server,
    octets: u64,
    /// In nanoseconds; 0 before.
    at: Arc<AtomicU64>,
}

impl App for Finish {
    fn on(&mut self, news: News, calls: &mut Calls<'_>) {
        let conn = match &news {
            News::Ready(conn, _) => Some(*conn),
            _ => None,
        };
        let now = calls.now().as_nanos();
        self.server.on(news, calls);
        if let Some(conn) = conn
            && calls.progress(conn).1 == self.octets
            && self.at.load(Ordering::Relaxed) == 0
        {
            self.at.store(now, Ordering::Relaxed);
        }
    }

    fn is_done(&self) -> bool {
        self.server.is_done()
    }
}

/// When the last of this many octets arrives that a client sends over this path.
fn all_text_arrives(seed: u64, path: &Path, octets: u64) -> Duration {
    let at = Arc::new(AtomicU64::new(0));
    well(seed, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], path.clone());
        let finish = Finish {
            server: Server::new(PORT, Behaviour::receive()),
            octets,
            at: Arc::clone(&at),
        };
        world.app(pair.server, finish);
        let client = Client::new(server_address(), Behaviour::send(octets));
        world.app(pair.client, client);
    });
    Duration::from_nanos(at.load(Ordering::Relaxed))
}

/// Half of the acknowledgments are lost, the peer's SYN,ACK among them: in no seed does the text take
/// half as long again. How long two FINs take, of which each needs an acknowledgment that is lost
/// every second time, is left to their timers.
#[test]
fn half_of_the_acknowledgments_are_enough() {
    let clean = through(bottleneck(50_000_000));
    let undisturbed = all_text_arrives(1, &clean, 20_000_000);
    let thin = back().with(Loss::new(Ratio::percent(50)));
    let path = Path::new(bottleneck(50_000_000).with(Delay::new(ONE_WAY)), thin);
    for seed in 0..8 {
        let took = all_text_arrives(seed, &path, 20_000_000);
        assert!(took > Duration::ZERO);
        assert!(
            took <= undisturbed * 3 / 2,
            "{seed}: {took:?}, {undisturbed:?}"
        );
    }
}
