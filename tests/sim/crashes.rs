//! A host loses all it knows, at each state of its connection. Its peer discovers that the
//! connection is half-open (P9): by the reset that answers its next segment, or by giving up.

use std::time::Duration;

use stubborn::config::{Keepalive, SocketOptions};
use stubborn::sim::apps::{Behaviour, Client, Server};
use stubborn::sim::path::Path;
use stubborn::sim::{Happening, Outcome, World};
use stubborn::tcp::State;

use super::support::{PORT, at, config, hosts, lossy, pair, server_address, well, wire};

/// The server crashes and starts anew as soon as its connection is in this state. One side is slow
/// to close, so that every state lasts.
fn server_restarts_in(state: State, seed: u64, path: Path) -> Outcome {
    well(seed, move |world: &mut World| {
        let quick = Behaviour::exchange(4096);
        let slow = quick.holding(Duration::from_millis(200));
        let behaviours = match state {
            State::Established => [slow; 2],
            State::CloseWait | State::LastAck => [quick, slow],
            _ => [slow, quick],
        };
        let pair = pair(world, path.clone(), behaviours);
        world.when(pair.server, state, Happening::Restart(pair.server));
        world.may_fail();
    })
}

/// The client sends in these states of the server, or waits for the acknowledgment of a FIN: it
/// hears of the crash at once.
#[test]
fn a_restart_in_each_state_is_discovered_by_a_reset() {
    // In FIN-WAIT-2 the server had sent all, and the client got it: its FIN is answered by a reset
    // that nobody need hear of (RFC 9293 §3.10.7.4, LAST-ACK).
    let resets = [
        (State::Established, 1),
        (State::FinWait1, 1),
        (State::FinWait2, 0),
    ];
    for (state, resets) in resets {
        let outcome = server_restarts_in(state, 1, Path::symmetric(wire()));
        assert_eq!(outcome.tally.reset, resets, "{state}");
        let discovered_at = outcome.completed_at.unwrap();
        assert!(discovered_at < at(2.0), "{state}: {discovered_at}");
    }
}

/// Before the handshake is over, the client's SYN simply goes again to the new incarnation.
#[test]
fn a_restart_in_syn_received_is_not_noticed() {
    let outcome = server_restarts_in(State::SynReceived, 1, Path::symmetric(wire()));
    assert_eq!(
        outcome.tally.reset, 1,
        "the acknowledgment of an unknown SYN,ACK"
    );
}

#[test]
fn restarts_in_every_state_among_losses() {
    let states = [
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::LastAck,
        State::Closing,
        State::TimeWait,
    ];
    for state in states {
        for seed in 0..50 {
            server_restarts_in(state, seed, Path::symmetric(lossy()));
        }
    }
}

#[test]
fn the_active_side_restarts_in_every_state_among_losses() {
    let states = [
        State::SynSent,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::LastAck,
        State::Closing,
        State::TimeWait,
    ];
    for state in states {
        for seed in 0..50 {
            well(seed, move |world: &mut World| {
                let client = Behaviour::exchange(4096).holding(Duration::from_millis(200));
                let server = Behaviour::exchange(4096);
                let pair = pair(world, Path::symmetric(lossy()), [client, server]);
                world.when(pair.client, state, Happening::Restart(pair.client));
                world.may_fail();
            });
        }
    }
}

/// Silent for good: what is sent is given up when R2 says so, and so is the connection.
#[test]
fn a_crash_without_a_restart_is_discovered_by_giving_up() {
    let outcome = well(1, |world: &mut World| {
        let behaviours = [Behaviour::send(1 << 40), Behaviour::receive()];
        let pair = pair(world, Path::symmetric(wire()), behaviours);
        world.at(at(1.0), Happening::Crash(pair.server));
        world.may_fail();
    });
    assert_eq!((outcome.tally.gave_up, outcome.tally.reset), (1, 0));
    let gave_up_at = outcome.completed_at.unwrap();
    assert!(
        at(100.0) < gave_up_at && gave_up_at < at(1200.0),
        "{gave_up_at}"
    );
}

/// An idle connection hears nothing; with keepalive it asks.
#[test]
fn keepalive_discovers_a_crash_of_an_idle_connection() {
    let keepalive = Keepalive {
        idle: Duration::from_secs(60),
        interval: Duration::from_secs(10),
        count: 5,
    };
    for restarts in [false, true] {
        let outcome = well(1, move |world: &mut World| {
            let options = SocketOptions {
                keepalive: Some(keepalive),
                ..SocketOptions::default()
            };
            let idle = Behaviour::exchange(100).holding(Duration::from_secs(86_400));
            let behaviours = [idle.options(options), idle];
            let pair = pair(world, Path::symmetric(wire()), behaviours);
            world.at(at(30.0), Happening::Crash(pair.server));
            if restarts {
                world.at(at(31.0), Happening::Start(pair.server));
            }
            world.may_fail();
        });
        let discovered_at = outcome.completed_at.unwrap();
        let (first, last) = match restarts {
            // The first probe is answered by a reset.
            true => (at(60.0), at(61.0)),
            false => (at(110.0), at(111.0)),
        };
        assert!(
            first < discovered_at && discovered_at < last,
            "{discovered_at}"
        );
    }
}

/// A server that comes back serves those who come after.
#[test]
fn clients_that_come_after_a_crash_are_served() {
    let outcome = well(1, |world: &mut World| {
        let pair = hosts(world, [config(1), config(2)], Path::symmetric(wire()));
        world.app(pair.server, Server::new(PORT, Behaviour::exchange(4096)));
        let client = Client::new(server_address(), Behaviour::exchange(4096));
        let client = client.connections(10, 1).pausing(Duration::from_secs(1));
        world.app(pair.client, client);
        world.at(at(3.025), Happening::Restart(pair.server));
        world.may_fail();
    });
    assert!(outcome.tally.completed >= 18, "{:?}", outcome.tally);
}
