//! Tests that the model can fail: each promise is broken once. A model so small that its numbers
//! are known tests the counts.

use super::host::Host;
use super::*;
use crate::check::{Found, Report, explore};
use crate::tcp::ConnectionError;

const BASE: Configuration = Configuration::BASE;

/// At most one datagram under way, and users that send nothing.
const TINY: Configuration = Configuration {
    name: "tiny",
    scripts: [
        Script {
            octets: 0,
            ..BASE.scripts[0]
        },
        Script {
            octets: 0,
            ..BASE.scripts[1]
        },
    ],
    room: 1,
    ..BASE
};

/// Each user waits for the end of the other's stream.
const WAITING: Configuration = {
    let mut waiting = TINY;
    waiting.scripts[0].closes_last = true;
    waiting.scripts[1].closes_last = true;
    waiting
};

fn search(configuration: Configuration) -> Report {
    explore(&mut Tcp::new(configuration), 200_000, &mut |_| {})
}

#[track_caller]
fn found(configuration: Configuration) -> Found {
    search(configuration).found.expect("a finding")
}

#[test]
fn a_tiny_model_is_exhausted() {
    let report = search(TINY);
    assert_eq!(report.found, None);
    assert_eq!(
        (report.states, report.transitions, report.depth),
        (277, 838, 17)
    );
    assert!(report.done > 0);
}

#[test]
fn p7_users_who_wait_for_each_other_are_found() {
    let Found { what, trace } = found(WAITING);
    assert!(what.starts_with("P7"), "{what}");
    let end = trace.last().expect("a way");
    assert!(end.starts_with("ESTABLISHED "), "{end}");
    assert!(end.ends_with(" ESTABLISHED"), "{end}");
}

/// The same with keepalive, over a network that loses nothing: probes and answers go on forever
/// without reaching the goal.
#[test]
fn p8_users_whose_hosts_probe_for_ever_are_found() {
    let Found { what, .. } = found(Configuration {
        keepalive: true,
        patient: true,
        loses: false,
        room: 3,
        ..WAITING
    });
    assert!(what.starts_with("P8"), "{what}");
}

/// The client never learns of the crash, because it sends nothing.
#[test]
fn p9_a_crash_that_nobody_discovers_is_found() {
    let mut configuration = Configuration {
        crashes: [0, 1],
        syn_ack_retries: Some(1),
        ..TINY
    };
    configuration.scripts[0].closes_last = true;
    let Found { what, trace } = found(configuration);
    assert!(what.starts_with("P7"), "{what}");
    let end = trace.last().expect("a way");
    assert!(end.starts_with("ESTABLISHED "), "{end}");
    assert!(end.ends_with(" LISTEN"), "{end}");
}

/// The violation of two hosts that have just started, after `change`.
fn violation(configuration: &Configuration, change: impl FnOnce(&mut [Host; 2])) -> String {
    let mut model = Tcp::new(configuration.clone());
    let mut world = model.initial();
    let mut hosts = world.hosts.map(|id| model.hosts.get(id).clone());
    change(&mut hosts);
    let mut sides = 0..;
    world.hosts = hosts.map(|host| model.hosts.number(sides.next().unwrap_or(0), host));
    model.violation(&world).unwrap_or_default()
}

#[test]
fn nothing_is_wrong_at_the_start() {
    assert_eq!(violation(&BASE, |_| {}), "");
}

#[test]
fn p1_more_octets_than_were_sent_are_found() {
    let what = violation(&BASE, |hosts| {
        (hosts[0].user.from, hosts[0].user.received) = (Some(0), 1);
    });
    assert_eq!(what, "P1: 1 octets read, 0 sent");
}

#[test]
fn p4_an_end_that_comes_too_early_is_found() {
    let early = violation(&BASE, |hosts| {
        (hosts[0].user.ended, hosts[1].user.sent) = (true, 2);
        hosts[1].user.closed = true;
    });
    assert_eq!(early, "P4: the end after 0 of 2 octets");
    let open = violation(&BASE, |hosts| hosts[0].user.ended = true);
    assert_eq!(open, "P4: the end after 0 of 0 octets");
}

#[test]
fn p5_a_half_open_connection_that_stays_so_is_found() {
    let what = violation(&WAITING, |[client, server]| {
        client.call(Call::Open, &WAITING);
        for datagram in client.settle(&WAITING) {
            server.receive(&datagram);
        }
        for datagram in server.settle(&WAITING) {
            client.receive(&datagram);
        }
        // The handshake's last acknowledgment is lost.
        client.settle(&WAITING);
        server.forget_timers();
    });
    assert_eq!(what, "P5: ESTABLISHED and SYN-RECEIVED for ever");
}

#[test]
fn p6_a_failure_that_nobody_caused_is_found() {
    let fails = |hosts: &mut [Host; 2]| hosts[0].user.error = Some(ConnectionError::Reset);
    let what = violation(&BASE, fails);
    assert!(what.starts_with("P6, P12: nobody broke it"), "{what}");
    let mut aborting = BASE;
    aborting.scripts[1].aborts = true;
    assert_eq!(violation(&aborting, fails), "", "an abort resets the peer");
}
