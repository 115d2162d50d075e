//! Two hosts, one path, every fault: whatever the path does, each octet arrives once and in
//! order, both sides finish, and nothing remains.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::net::Shutdown;
use std::time::Duration;

use stubborn::config::{OptionLayout, SignatureKey};
use stubborn::stack::{ConnId, Stack};
use stubborn::tcp::{RecvError, SendError, State};
use stubborn::time::Instant;
use support::{Faults, World, addr, config};

/// An application that sends `total` octets, closes, and reads to the end.
struct App {
    sent: usize,
    total: usize,
    received: usize,
    finished: bool,
    closed: bool,
}

fn octet(index: usize) -> u8 {
    (index.wrapping_mul(2_654_435_761) >> 13) as u8
}

impl App {
    fn new(total: usize) -> App {
        App {
            sent: 0,
            total,
            received: 0,
            finished: false,
            closed: false,
        }
    }

    fn run(&mut self, now: Instant, stack: &mut Stack, id: ConnId) {
        while self.sent < self.total {
            let end = self.total.min(self.sent + 10_000);
            let data: Vec<u8> = (self.sent..end).map(octet).collect();
            match stack.send(now, id, &data) {
                Ok(taken) => self.sent += taken,
                Err(SendError::WouldBlock) => break,
                Err(error) => panic!("send: {error}"),
            }
        }
        // CLOSE before the connection is established would delete it (RFC 9293 §3.10.4).
        let established = stack.status(id).state.is_synchronized();
        if self.sent == self.total && !self.closed && established {
            stack.shutdown(now, id, Shutdown::Write).unwrap();
            self.closed = true;
        }
        let mut buffer = [0; 7_000];
        while !self.finished {
            match stack.recv(now, id, &mut buffer) {
                Ok(0) => self.finished = true,
                Ok(len) => {
                    for (index, got) in buffer[..len].iter().enumerate() {
                        assert_eq!(*got, octet(self.received + index), "octet in place");
                    }
                    self.received += len;
                }
                Err(RecvError::WouldBlock) => break,
                Err(error) => panic!("recv: {error}"),
            }
        }
    }
}

fn exchange(
    seed: u64,
    faults: Faults,
    total: usize,
    adjust: impl Fn(&mut stubborn::config::TcpConfig),
) {
    let mut configs = [config(0), config(1)];
    configs
        .iter_mut()
        .for_each(|config| adjust(&mut config.tcp));
    let mut world = World::new(seed, configs);
    world.faults = faults;
    let listener = world.hosts[1].listen(addr(1, 80), 8).unwrap();
    let client = world.hosts[0]
        .connect(world.now, None, addr(1, 80))
        .unwrap();
    let mut server = None;
    let mut apps = [App::new(total), App::new(total)];
    let done = world.run(Duration::from_secs(36_000), |world| {
        server = server.or_else(|| world.hosts[1].accept(listener));
        let ids = [Some(client), server];
        for host in 0..2 {
            if let Some(id) = ids[host] {
                apps[host].run(world.now, &mut world.hosts[host], id);
            }
        }
        apps.iter().all(|app| app.finished && app.closed)
    });
    let status = world.hosts[0].status(client);
    assert!(done, "seed {seed}: stuck at {}: {status:?}", world.now);
    assert!(apps.iter().all(|app| app.received == total), "seed {seed}");
    world.hosts[0].close(world.now, client);
    world.hosts[1].close(world.now, server.unwrap());
    world.run(Duration::from_secs(36_000), |world| {
        world.hosts.iter().all(|host| host.connection_count() == 0)
    });
    for host in &world.hosts {
        assert_eq!(
            host.connection_count(),
            0,
            "seed {seed}: a connection remains"
        );
    }
}

const EVERYTHING: Faults = Faults {
    loss: 10,
    duplication: 5,
    reordering: 20,
    corruption: 2,
};

#[test]
fn a_clean_path() {
    exchange(1, Faults::default(), 300_000, |_| {});
}

/// An idle connection keeps next to nothing: a hundred thousand of them must fit a host.
#[test]
fn an_idle_connection_gives_its_buffers_back() {
    let mut world = World::new(1, [config(0), config(1)]);
    let listener = world.hosts[1].listen(addr(1, 80), 8).unwrap();
    let client = world.hosts[0]
        .connect(world.now, None, addr(1, 80))
        .unwrap();
    world.run(Duration::from_secs(1), |_| false);
    let server = world.hosts[1].accept(listener).unwrap();
    world.hosts[0]
        .send(world.now, client, &[7; 50_000])
        .unwrap();
    world.run(Duration::from_millis(500), |_| false);
    let used = world.hosts[1].heap_size(server);
    let mut buffer = vec![0; 60_000];
    let received = world.hosts[1].recv(world.now, server, &mut buffer).unwrap();
    assert_eq!(received, 50_000);
    world.run(Duration::from_secs(3), |_| false);
    let left = [
        world.hosts[0].heap_size(client),
        world.hosts[1].heap_size(server),
    ];
    assert!(
        used >= 50_000 && left == [0, 0],
        "{used} octets, then {left:?}"
    );
    // And it goes on as if nothing had been.
    world.hosts[0].send(world.now, client, b"again").unwrap();
    world.run(Duration::from_secs(1), |_| false);
    assert_eq!(world.hosts[1].recv(world.now, server, &mut buffer), Ok(5));
}

#[test]
fn every_fault_and_many_seeds() {
    for seed in 0..300 {
        exchange(seed, EVERYTHING, 4_096, |_| {});
    }
}

#[test]
fn every_fault_and_more_octets() {
    for seed in 0..20 {
        exchange(seed, EVERYTHING, 100_000, |_| {});
    }
}

/// RFC 2385: whatever the path does to segments that are signed; one that was changed is none.
#[test]
fn every_fault_and_signatures() {
    for seed in 0..100 {
        exchange(seed, EVERYTHING, 20_000, |tcp| {
            let key = SignatureKey::new(b"between hosts").unwrap();
            tcp.signatures.set(addr(0, 0).ip(), 8, key).unwrap();
            tcp.timestamps = seed % 2 == 0;
            if seed % 3 == 0 {
                tcp.option_layout = OptionLayout::ScaleFirst;
            }
        });
    }
}

/// RFC 2385 §2.0: hosts that do not share a key have nothing to say to each other.
#[test]
fn with_different_keys_nothing_opens() {
    let mut configs = [config(0), config(1)];
    for (config, key) in configs.iter_mut().zip([&b"one"[..], b"another"]) {
        let key = SignatureKey::new(key).unwrap();
        let signatures = &mut config.tcp.signatures;
        signatures.set(addr(0, 0).ip(), 8, key).unwrap();
    }
    let mut world = World::new(1, configs);
    world.hosts[1].listen(addr(1, 80), 8).unwrap();
    let client = world.hosts[0]
        .connect(world.now, None, addr(1, 80))
        .unwrap();
    world.run(Duration::from_secs(10), |_| false);
    assert_eq!(world.hosts[0].status(client).state, State::SynSent);
    assert_eq!(world.hosts[1].connection_count(), 0);
    assert!(world.hosts[1].counters().wrong_signatures() >= 3);
}

#[test]
fn half_of_everything_is_lost() {
    let faults = Faults {
        loss: 50,
        ..Faults::default()
    };
    for seed in 0..50 {
        // Nobody gives up, however often the dice say no.
        exchange(seed, faults, 2_000, |tcp| {
            (tcp.r2, tcp.syn_retries, tcp.syn_ack_retries) = (100, 100, 100);
        });
    }
}

/// The sizes that a model checker uses, by configuration alone.
#[test]
fn segments_of_one_octet_and_buffers_of_two() {
    for seed in 0..100 {
        exchange(seed, EVERYTHING, 40, |tcp| {
            tcp.mss = Some(1);
            tcp.min_send_mss = 1;
            tcp.receive_buffer = 2;
            tcp.send_buffer = 2;
            tcp.timestamps = seed % 2 == 0;
            tcp.sack = seed % 3 == 0;
            tcp.window_scaling = false;
        });
    }
}

#[test]
fn without_any_option() {
    for seed in 0..50 {
        exchange(seed, EVERYTHING, 20_000, |tcp| {
            tcp.timestamps = false;
            tcp.sack = false;
            tcp.window_scaling = false;
        });
    }
}
