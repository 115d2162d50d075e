//! What a host tells its users, and what it keeps of connections that are gone.

use std::net::Shutdown;
use std::time::Duration;

use stubborn::config::Config;
use stubborn::stack::{ConnId, Event, ListenerId};
use stubborn::tcp::{Readiness, State};

use super::world::{World, addr, config};

const A_WHILE: Duration = Duration::from_secs(1);

fn world(configs: [Config; 2]) -> (World, ListenerId) {
    let mut world = World::new(1, configs);
    let listener = world.hosts[1].listen(addr(1, 80), 8).unwrap();
    (world, listener)
}

fn connect(world: &mut World, listener: ListenerId) -> [ConnId; 2] {
    let client = world.hosts[0].connect(world.now, None, addr(1, 80));
    world.passes(A_WHILE);
    [client.unwrap(), world.hosts[1].accept(listener).unwrap()]
}

/// Who has let go of a connection hears no more of it, and neither does whoever uses its memory
/// next.
#[test]
fn an_id_that_is_not_valid_is_not_named() {
    let (mut world, _) = world([config(0), config(1)]);
    let now = world.now;
    let host = &mut world.hosts[0];
    // Both have something to be told when their users let go of them.
    let first = host.connect(now, None, addr(1, 80)).unwrap();
    host.close(now, first);
    assert!(host.poll_transmit(now).is_none());
    let second = host.connect(now, None, addr(1, 80)).unwrap();
    let event = Event::Connection(second, Readiness::STATE);
    assert_eq!(host.poll_event(), Some(event));
    assert_eq!(host.poll_event(), None);
    world.passes(A_WHILE);
    let (now, host) = (world.now, &mut world.hosts[0]);
    host.shutdown(now, second, Shutdown::Write).unwrap();
    host.close(now, second);
    assert_eq!(host.poll_event(), None);
}

/// A connection whose TIME-WAIT gives way to others has ended, and its user is told.
#[test]
fn a_time_wait_cut_short_is_told() {
    let mut short = config(0);
    short.max_time_wait = 1;
    let (mut world, listener) = world([short, config(1)]);
    let mut first = None;
    for _ in 0..2 {
        let [client, server] = connect(&mut world, listener);
        for (host, id) in [(0, client), (1, server)] {
            let now = world.now;
            world.hosts[host]
                .shutdown(now, id, Shutdown::Write)
                .unwrap();
            world.passes(A_WHILE);
        }
        match first {
            None => {
                assert_eq!(world.hosts[0].status(client).state, State::TimeWait);
                world.events[0].clear();
                first = Some(client);
            }
            Some(first) => {
                assert_eq!(world.hosts[0].status(first).state, State::Closed);
                let told = |event: &Event| {
                    matches!(event, Event::Connection(id, what)
                    if *id == first && what.has(Readiness::STATE))
                };
                assert!(world.events[0].iter().any(told));
            }
        }
    }
}

/// THREATS 16: two hosts believe in one connection, agree on none of its numbers, and both have text
/// to send. After a second they send four datagrams a second at most, in the mean of a minute.
#[test]
fn two_who_disagree_fall_silent() {
    for seed in 0..10 {
        let mut worlds = [seed, seed + 100].map(|seed| {
            let mut world = World::new(seed, [config(0), config(1)]);
            let listener = world.hosts[1].listen(addr(1, 80), 8).unwrap();
            let (now, from) = (world.now, Some(addr(0, 50_000)));
            let client = world.hosts[0].connect(now, from, addr(1, 80)).unwrap();
            world.passes(A_WHILE);
            let server = world.hosts[1].accept(listener).unwrap();
            (world, client, server)
        });
        let [(world, client, _), (other, _, server)] = &mut worlds;
        std::mem::swap(&mut world.hosts[1], &mut other.hosts[1]);
        let now = world.now;
        world.hosts[0].send(now, *client, &[1; 10_000]).unwrap();
        world.hosts[1].send(now, *server, &[2; 10_000]).unwrap();
        world.passes(A_WHILE);
        world.overheard.clear();
        world.passes(60 * A_WHILE);
        assert!(world.overheard.len() <= 4 * 60, "{}", world.overheard.len());
        for (host, id) in [(0, *client), (1, *server)] {
            let status = world.hosts[host].status(id);
            assert_eq!(
                (status.state, status.bytes_received),
                (State::Established, 0)
            );
        }
    }
}
