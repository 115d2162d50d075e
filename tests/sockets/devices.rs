//! Devices that lose, fail and promise what they do not have.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use stubborn::config::CongestionControl;
use stubborn::link::{Device, DeviceError};
use stubborn::sockets::Net;
use stubborn::tcp::congestion::{Controller, Factory, Start};
use stubborn::wire::Packet;

use super::support::*;

/// Of a thousand calls one is lost and one fails, or up to five hundred: with what the other side
/// does to it, of a round trip nine in ten come to nothing then. Timeouts are short, for they are
/// what time is spent with.
#[test]
fn text_is_whole_over_devices_that_lose_and_fail() {
    for (per_thousand, octets) in [
        (1, 200_000),
        (10, 200_000),
        (50, 100_000),
        (100, 20_000),
        (200, 5_000),
        (350, 2_000),
        (500, 500),
    ] {
        bounded(move || text_is_whole_where_calls_fail(per_thousand, octets));
    }
}

/// A host on a device that may fail, which tries again soon.
fn impatient(device: impl stubborn::driver::PollDevice + 'static, addresses: [&str; 2]) -> Net {
    let mut config = config(addresses);
    config.tcp.initial_rto = Duration::from_millis(20);
    config.tcp.min_rto = Duration::from_millis(10);
    config.tcp.max_rto = Duration::from_millis(50);
    (config.tcp.syn_retries, config.tcp.syn_ack_retries) = (1_000, 1_000);
    config.tcp.r2 = 1_000;
    Net::start(device, config).expect("the configuration makes sense")
}

fn text_is_whole_where_calls_fail(per_thousand: u64, octets: usize) {
    let (left, right) = devices();
    let some = |fails: bool| {
        let mut calls = 0u64;
        move |_| {
            calls += 1;
            let draw = (calls.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 1000;
            match draw < per_thousand {
                true if fails => Err(DeviceError::Io(io::Error::other("a passing fault"))),
                hit => Ok(!hit),
            }
        }
    };
    let server = impatient(
        Faulty {
            device: left,
            fault: some(false),
        },
        SERVER,
    );
    let client = impatient(
        Faulty {
            device: right,
            fault: some(true),
        },
        CLIENT,
    );
    let mut ends = connect(server, client);
    let serving = thread::spawn(move || echo(ends.accepted));
    let sent = text(7, octets);
    let mut writer = ends.opened.clone();
    let writing = thread::spawn({
        let sent = sent.clone();
        move || {
            writer.write_all(&sent).expect("written");
            writer.shutdown(Shutdown::Write).expect("closed");
        }
    });
    let mut back = Vec::new();
    ends.opened.read_to_end(&mut back).expect("all of it");
    assert!(back == sent);
    writing.join().expect("no panic");
    serving.join().expect("no panic").expect("echoed");
}

/// How often a device that promises and gives nothing is asked while somebody waits for 300 ms.
fn asked_in_vain(halved: bool) -> u64 {
    let (left, mut right) = devices();
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let device = Faulty {
        device: left,
        fault: move |call| {
            if call == Call::Receive {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(call == Call::Send)
        },
    };
    let net = match halved {
        true => start(Halved::new(device), SERVER),
        false => start(device, SERVER),
    };
    let listener = net.listen(addr("192.0.2.1:7")).expect("a free port");
    listener
        .set_accept_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout");
    let sent = right.send(Packet::borrowed(b"never taken"));
    assert!(sent.is_ok() && listener.accept().is_err());
    asked.load(Ordering::Relaxed)
}

#[test]
fn a_device_that_promises_and_gives_nothing_is_not_asked_without_end() {
    bounded(|| {
        let times = asked_in_vain(false);
        // Some at once, then after 1, 2, 4, 8 … ms.
        assert!((6..60).contains(&times), "{times} times in 300 ms");
        // Where there is one processor only, it may be asked for 50 µs before it promises anything.
        let times = asked_in_vain(true);
        assert!((6..600).contains(&times), "{times} times in 300 ms");
    });
}

#[test]
fn a_failing_device_is_tried_again_until_it_works() {
    bounded(|| {
        let (left, right) = devices();
        let start_of_test = Instant::now();
        let device = Faulty {
            device: left,
            fault: move |_| match start_of_test.elapsed() < Duration::from_millis(50) {
                true => Err(DeviceError::Io(io::Error::other("no memory"))),
                false => Ok(true),
            },
        };
        let (server, client) = (start(device, SERVER), start(right, CLIENT));
        let mut ends = connect(server, client);
        ends.opened.write_all(b"through").unwrap();
        let mut buffer = [0; 7];
        ends.accepted.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"through");
    });
}

/// A host whose device panics at `call` once it is armed, and what arms it. `halved`: it is used while
/// the stack is not locked.
fn armed_hosts(call: Call, halved: bool) -> (Net, Net, Arc<AtomicBool>) {
    let (left, right) = devices();
    let armed = Arc::new(AtomicBool::new(false));
    let trigger = Arc::clone(&armed);
    let device = Faulty {
        device: left,
        fault: move |now| {
            if now == call && trigger.load(Ordering::Relaxed) {
                std::panic::resume_unwind(Box::new("a mistake in the device"));
            }
            Ok(true)
        },
    };
    let server = match halved {
        true => start(Halved::new(device), SERVER),
        false => start(device, SERVER),
    };
    (server, start(right, CLIENT), armed)
}

#[test]
fn a_panic_of_the_lead_wakes_everybody() {
    for halved in [false, true] {
        bounded(move || {
            let (server, client, armed) = armed_hosts(Call::Receive, halved);
            let mut ends = connect(server, client);
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let mut stream = ends.accepted.clone();
                    thread::spawn(move || stream.read(&mut [0; 10]).is_err())
                })
                .collect();
            thread::sleep(Duration::from_millis(20));
            armed.store(true, Ordering::Relaxed);
            ends.opened.write_all(b"x").unwrap();
            let answers: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
            // The one that led panicked; the others were told.
            assert!(answers.iter().filter(|answer| answer.is_err()).count() <= 1);
            assert!(answers.into_iter().flatten().all(|failed| failed));
            assert_eq!(kind(ends.accepted.write(b"x")), io::ErrorKind::Other);
            // What cannot fail answers: it was the device that panicked, not the stack.
            ends.accepted.set_nodelay(true);
            assert!(ends.accepted.options().nodelay);
            assert_eq!(
                ends.accepted.status().state,
                stubborn::tcp::State::Established
            );
        });
    }
}

#[test]
fn a_panic_of_another_thread_wakes_the_lead() {
    for halved in [false, true] {
        bounded(move || {
            let (server, client, armed) = armed_hosts(Call::Send, halved);
            let ends = connect(server, client);
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let mut stream = ends.accepted.clone();
                    thread::spawn(move || kind(stream.read(&mut [0; 10])))
                })
                .collect();
            thread::sleep(Duration::from_millis(20));
            armed.store(true, Ordering::Relaxed);
            let mut writer = ends.accepted.clone();
            let writing = thread::spawn(move || writer.write_all(b"x"));
            assert!(writing.join().is_err(), "it panicked");
            for thread in threads {
                assert_eq!(thread.join().unwrap(), io::ErrorKind::Other);
            }
        });
    }
}

/// What there is much of is written by a thread that nobody waits for; where there is one processor
/// only, by the user.
#[test]
fn a_panic_of_the_thread_that_writes_wakes_everybody() {
    bounded(|| {
        let (server, client, armed) = armed_hosts(Call::Send, true);
        let ends = connect(server, client);
        let mut reader = ends.accepted.clone();
        let reading = thread::spawn(move || kind(reader.read(&mut [0; 10])));
        thread::sleep(Duration::from_millis(20));
        armed.store(true, Ordering::Relaxed);
        let mut writer = ends.accepted.clone();
        let writing = thread::spawn(move || kind(writer.write_all(&text(1, 1 << 24))));
        assert_eq!(reading.join().unwrap(), io::ErrorKind::Other);
        // Told, or the one that panicked.
        assert!((writing.join()).map_or(true, |kind| kind == io::ErrorKind::Other));
    });
}

/// A congestion controller of the user's that cannot be made.
#[derive(Debug)]
struct Broken;

impl Factory for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn start(&self, _: &Start) -> Box<dyn Controller> {
        std::panic::resume_unwind(Box::new("a mistake in the controller"))
    }
}

/// Nothing touches a stack that panicked: closing and ending do not panic again.
#[test]
fn after_a_panic_of_the_stack_everything_can_still_be_closed() {
    bounded(|| {
        let (server, client) = hosts();
        server.add_congestion_control(&Broken).unwrap();
        // The other end stays: were it dropped, the reader might come to the end before the panic.
        let Connected {
            accepted,
            listener,
            opened: _opened,
            ..
        } = connect(server.clone(), client);
        let waiting = thread::spawn({
            let mut stream = accepted.clone();
            move || kind(stream.read(&mut [0; 10]))
        });
        let broken = CongestionControl::Custom("broken");
        assert!(catch_unwind(|| accepted.set_congestion_control(broken)).is_err());
        assert_eq!(waiting.join().unwrap(), io::ErrorKind::Other);
        assert_eq!(kind(listener.accept()), io::ErrorKind::Other);
        assert_eq!(
            kind(accepted.shutdown(Shutdown::Write)),
            io::ErrorKind::Other
        );
        drop((accepted, listener));
        assert_eq!(server.shutdown(LONG).reset, 0);
    });
}
