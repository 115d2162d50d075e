//! Congestion controllers beside each other on one path: an RTT of 50 ms, a bottleneck, and a
//! queue before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stubborn::config::{CongestionControl, EcnMode};
use stubborn::sim::app::{App, Calls, News};
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Loss, Medium, Queue, RateLimit};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Outcome, World};
use stubborn::time::Instant;

use super::support::{PORT, all_well, config, hosts, lossy, server_address, well};

const ONE_WAY: Duration = Duration::from_millis(25);

/// A path, and how much is sent on it.
#[derive(Clone, Copy, Debug)]
struct Case {
    bits_per_second: u64,
    /// How much the queue takes, as a multiple of what is in flight when it is empty (BDP).
    queue_bdp: u64,
    mtu: usize,
    octets: u64,
    /// Of a hundred datagrams with text so many are lost on the way, besides.
    loss_percent: u8,
}

fn transfer(case: Case, congestion_control: CongestionControl) -> Outcome {
    transfer_with_seed(1, case, congestion_control)
}

fn transfer_with_seed(seed: u64, case: Case, congestion_control: CongestionControl) -> Outcome {
    let outcome = well(seed, move |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.mtu = case.mtu;
            config.tcp.congestion_control = congestion_control;
            // Neither buffer is what limits the flow.
            (config.tcp.send_buffer, config.tcp.receive_buffer) = (8 << 20, 8 << 20);
            config.tcp.initial_send_buffer = config.tcp.send_buffer;
            config.tcp.initial_receive_buffer = config.tcp.receive_buffer;
            config
        });
        let bdp = case.bits_per_second / 8 / 20;
        let bottleneck = RateLimit::new(case.bits_per_second, Queue::Octets(case.queue_bdp * bdp));
        let back = Medium::new().with(Delay::new(ONE_WAY));
        let there = Medium::new()
            .with(bottleneck)
            .with(Loss::new(Ratio::percent(case.loss_percent)))
            .with(Delay::new(ONE_WAY));
        let pair = hosts(world, configs, Path::new(there, back));
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(case.octets));
        world.app(pair.client, client);
    });
    assert_eq!(outcome.tally.delivered, case.octets);
    outcome
}

/// Octets of text a second, from the first SYN to the last ACK.
fn goodput(case: Case, congestion_control: CongestionControl) -> f64 {
    let outcome = transfer(case, congestion_control);
    let took = outcome.completed_at.unwrap().as_nanos() as f64 / 1e9;
    case.octets as f64 / took
}

/// A queue of 1 BDP, which Reno needs and no more: CUBIC fills the path as well, give or
/// take what a single retransmission timeout costs.
#[test]
fn cubic_fills_a_path_as_well_as_reno() {
    let case = Case {
        bits_per_second: 100_000_000,
        queue_bdp: 1,
        mtu: 1500,
        octets: 20_000_000,
        loss_percent: 0,
    };
    let long = Case {
        mtu: 9000,
        octets: 150_000_000,
        ..case
    };
    for case in [case, long] {
        let reno = goodput(case, CongestionControl::Reno);
        let cubic = goodput(case, CongestionControl::Cubic);
        assert!(cubic >= 0.97 * reno, "{case:?}: {cubic} and {reno}");
    }
}

/// HyStart++ sees a deep queue grow, and leaves slow start before it overflows.
#[test]
fn cubic_loses_nothing_before_a_deep_queue() {
    let case = Case {
        bits_per_second: 10_000_000,
        queue_bdp: 12,
        mtu: 1500,
        octets: 4_000_000,
        loss_percent: 0,
    };
    let reno = transfer(case, CongestionControl::Reno).tally;
    let cubic = transfer(case, CongestionControl::Cubic).tally;
    assert!(reno.lost > 0, "{reno:?}");
    assert_eq!(cubic.lost, 0, "{cubic:?}");
}

/// A path that loses one datagram in a hundred, which says nothing of how much it takes: BBR fills
/// it, headers and what is sent again counted, to nine tenths, Startup included: in the mean over
/// seeds, since now and then losses come so close that its bounds fall. A window that each loss makes
/// smaller is a few hundredths of it (RFC 9438 §5.1, table 1: 12 segments).
#[test]
fn bbr_fills_a_path_that_loses_one_in_a_hundred() {
    let case = Case {
        bits_per_second: 100_000_000,
        queue_bdp: 1,
        mtu: 1500,
        octets: 60_000_000,
        loss_percent: 1,
    };
    let shares = [0, 1, 2].map(|seed| {
        let outcome = transfer_with_seed(seed, case, CongestionControl::Bbr);
        // 1,448 octets of text in 1,500.
        let segments = case.octets.div_ceil(1448) + outcome.tally.retransmissions;
        let took = outcome.completed_at.unwrap().as_nanos() as f64 / 1e9;
        (segments * 1500 * 8) as f64 / took / case.bits_per_second as f64
    });
    let mean = shares.iter().sum::<f64>() / 3.0;
    assert!(mean >= 0.9, "{shares:?}");
    assert!(shares.iter().all(|share| *share >= 0.87), "{shares:?}");
}

/// A server that remembers how much has come until a moment.
#[derive(Debug)]
struct Meter {
    server: Server,
    until: Instant,
    received: Arc<AtomicU64>,
}

impl App for Meter {
    fn on(&mut self, news: News, calls: &mut Calls<'_>) {
        let conn = match &news {
            News::Ready(conn, _) if calls.now() <= self.until => Some(*conn),
            _ => None,
        };
        self.server.on(news, calls);
        if let Some(conn) = conn {
            let (_, received) = calls.progress(conn);
            self.received.store(received, Ordering::Relaxed);
        }
    }

    fn is_done(&self) -> bool {
        self.server.is_done()
    }
}

/// Two flows over one bottleneck of 10 Mbit/s: how much each has brought after a minute.
fn shares(congestion_control: CongestionControl) -> [u64; 2] {
    const MINUTE: Duration = Duration::from_secs(60);
    let received = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    let meters = received.clone();
    well(1, move |world: &mut World| {
        let marks = congestion_control == CongestionControl::Dctcp;
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.congestion_control = congestion_control;
            if marks {
                config.tcp.ecn.ask = EcnMode::Accurate;
            }
            config
        });
        // 1 BDP.
        let bottleneck = RateLimit::new(10_000_000, Queue::Octets(62_500));
        let bottleneck = match marks {
            // RFC 8257 §3.1: K > RTT * C / 7.
            true => bottleneck.marking_above(Queue::Octets(62_500 / 6)),
            false => bottleneck,
        };
        let back = Medium::new().with(Delay::new(ONE_WAY));
        let there = Medium::new().with(bottleneck).with(Delay::new(ONE_WAY));
        let pair = hosts(world, configs, Path::new(there, back));
        for (flow, received) in meters.iter().enumerate() {
            let mut address = server_address();
            address.set_port(PORT + flow as u16);
            let meter = Meter {
                server: Server::new(address.port(), Behaviour::receive()),
                until: Instant::ZERO + MINUTE,
                received: Arc::clone(received),
            };
            world.app(pair.server, meter);
            let later = Duration::from_millis(100 * flow as u64);
            let client = Client::new(address, Behaviour::send(1 << 30).aborting(MINUTE));
            world.app(pair.client, client.starting_after(later));
        }
    });
    received.map(|received| received.load(Ordering::Relaxed))
}

/// Two flows of one kind come to the same, within a tenth.
#[test]
fn flows_of_one_kind_share_alike() {
    let kinds = [
        CongestionControl::Reno,
        CongestionControl::Cubic,
        CongestionControl::Bbr,
        CongestionControl::Dctcp,
    ];
    for kind in kinds {
        let [first, second] = shares(kind);
        let difference = first.abs_diff(second);
        assert!(
            10 * difference <= first.max(second),
            "{kind}: {first}, {second}"
        );
        let both = (first + second) * 8 / 60;
        assert!(both > 9_000_000, "{kind}: {both} bit/s");
    }
}

/// Losses of every kind: what must hold of a connection does not depend on its controller.
#[test]
fn cubic_among_losses() {
    all_well(20, |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.congestion_control = CongestionControl::Cubic;
            config
        });
        let pair = hosts(world, configs, Path::symmetric(lossy()));
        world.app(
            pair.server,
            Server::new(PORT, Behaviour::exchange(64 << 10)),
        );
        let client = Client::new(server_address(), Behaviour::exchange(64 << 10));
        world.app(pair.client, client);
    });
}

/// It changes whenever the stack sends something else or at another time: then take the new one
/// from the test.
const HASH: u128 = 0x2ea3_f588_65ac_870c_938d_5046_19cf_db01;

/// CUBIC has roots and cubes, and no number that depends on the machine or the optimisation.
#[test]
fn a_trace_of_cubic_is_the_same_everywhere() {
    let case = Case {
        bits_per_second: 20_000_000,
        queue_bdp: 1,
        mtu: 1500,
        octets: 6_000_000,
        loss_percent: 0,
    };
    let hash = transfer(case, CongestionControl::Cubic).trace_hash;
    assert_eq!(hash, HASH, "{hash:#x}");
}
