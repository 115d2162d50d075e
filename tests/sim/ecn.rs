//! Congestion marks: a bottleneck that marks instead of dropping, and boxes that change marks.

use std::time::Duration;

use stubborn::config::{CongestionControl, EcnMode};
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::medium::{Delay, Mangling, Marking, Medium, Queue, RateLimit};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;
use stubborn::sim::{Outcome, World};

use super::support::{PORT, config, hosts, server_address, well};

const ONE_WAY: Duration = Duration::from_millis(10);

/// 2 MiB from a client that asks for `ask`, over this way there.
fn transfer(ask: EcnMode, control: CongestionControl, there: Medium, back: Medium) -> Outcome {
    well(1, move |world: &mut World| {
        let configs = [config(1), config(2)].map(|mut config| {
            config.tcp.ecn.ask = ask;
            config.tcp.congestion_control = control;
            config
        });
        let (there, back) = (there.clone(), back.clone());
        let path = Path::new(
            there.with(Delay::new(ONE_WAY)),
            back.with(Delay::new(ONE_WAY)),
        );
        let pair = hosts(world, configs, path);
        world.app(pair.server, Server::new(PORT, Behaviour::receive()));
        let client = Client::new(server_address(), Behaviour::send(2 << 20));
        world.app(pair.client, client);
    })
}

/// 20 Mbit/s, and a queue of two round trips, which marks above a fifth of one.
fn bottleneck() -> Medium {
    let queue = Queue::Time(4 * ONE_WAY);
    let marks_above = Queue::Time(ONE_WAY * 2 / 5);
    Medium::new().with(RateLimit::new(20_000_000, queue).marking_above(marks_above))
}

/// RFC 3168 §1: who hears of congestion by marks loses nothing; who does not, fills the queue
/// until it overflows. Either way the window follows: the path is full.
#[test]
fn a_bottleneck_that_marks_drops_nothing() {
    for control in [CongestionControl::Reno, CongestionControl::Cubic] {
        let without = transfer(EcnMode::Off, control, bottleneck(), Medium::new());
        assert!(without.tally.lost > 0, "{control:?}: no queue overflows");
        for ask in [EcnMode::Classic, EcnMode::Accurate] {
            let outcome = transfer(ask, control, bottleneck(), Medium::new());
            assert_eq!(outcome.tally.lost, 0, "{control:?}, {ask:?}");
            assert_eq!(outcome.tally.retransmissions, 0, "{control:?}, {ask:?}");
            // 2 MiB take 0.87 s at 20 Mbit/s, headers included.
            let took = outcome.completed_at.unwrap();
            assert!(took.as_millis() < 1_600, "{control:?}, {ask:?}: {took}");
        }
    }
}

/// RFC 9768 §3.2.2.3 to §3.2.3.2, RFC 3168 §6.1.1.1: whatever a box does to marks, in either
/// direction or in both, every octet arrives, and in time: a window of some eight segments, as 2 % of
/// marks leave it, takes 3.5 s; the timeouts of a handshake that loses what carries an option, 3 s
/// more. A box that takes CWR away does no lasting harm, though ECE never ends then (RFC 3168 §6.1.3).
#[test]
fn no_box_that_changes_marks_stops_a_transfer() {
    let marking = || Medium::new().with(Marking::new(Ratio::percent(2)));
    for ask in [EcnMode::Classic, EcnMode::Accurate] {
        for mangling in Mangling::ALL {
            for (there, back) in [(true, false), (false, true), (true, true)] {
                let way = |mangled| match mangled {
                    true => marking().with(mangling),
                    false => marking(),
                };
                let outcome = transfer(ask, CongestionControl::Cubic, way(there), way(back));
                let took = outcome.completed_at.unwrap();
                assert!(
                    took.as_millis() < 9_000,
                    "{ask:?}, {mangling:?}, {there}, {back}: {took}"
                );
            }
        }
    }
}
