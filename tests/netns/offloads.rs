//! An interface that stays when the program ends, and what it keeps for the next one.

use std::fmt::Debug;
use std::net::UdpSocket;
use std::time::Duration;

use nix::sys::signal::Signal;
use stubborn::link::{Batch, Device as _};
use stubborn::tun::TunDevice;
use stubborn::wire::{self, Checksum};
use tun_tap::{Iface, Mode};

use crate::harness::{Device, Lab, eventually, in_both_families};

in_both_families![
    a_device_that_is_dropped_leaves_no_offloads,
    a_program_that_ends_leaves_none,
    a_program_that_is_killed_leaves_them_to_the_next,
    one_of_several_queues_leaves_them_to_the_others,
];

const LIMIT: Duration = Duration::from_secs(10);
const TEXT: &[u8] = b"does anybody read this?";

/// The kernel sends a datagram over the interface.
fn send_one(lab: &Lab) {
    let socket = UdpSocket::bind((lab.kernel(), 0)).unwrap();
    socket.send_to(TEXT, lab.stack_at(9)).unwrap();
}

/// What `attach` gives, once the interface is free: a program that another test starts has the descriptors of
/// this process, too, until it has begun.
fn when_free<T, E: Debug>(mut attach: impl FnMut() -> Result<T, E>) -> T {
    let mut last = attach();
    eventually("the interface is free", LIMIT, || {
        if last.is_err() {
            last = attach();
        }
        last.is_ok()
    });
    last.unwrap()
}

fn open(lab: &Lab) -> TunDevice {
    when_free(|| match lab.device {
        Device::Offload => TunDevice::open(lab.tun()),
        Device::Plain => TunDevice::open_plain(lab.tun()),
    })
}

/// Whether a program that knows nothing of offloads gets from the kernel what it can use: with them
/// checksums are partial.
fn is_usable(lab: &Lab) -> bool {
    let interface = when_free(|| Iface::without_packet_info(lab.tun(), Mode::Tun));
    lab.wait_for_link();
    send_one(lab);
    let mut datagram = [0; 2000];
    loop {
        // The kernel looks for routers besides.
        let len = interface.recv(&mut datagram).unwrap();
        if datagram[..len].ends_with(TEXT) {
            return wire::parse(&datagram[..len]).is_ok();
        }
    }
}

fn a_device_that_is_dropped_leaves_no_offloads(lab: &Lab) {
    drop(open(lab));
    assert!(is_usable(lab));
}

fn a_program_that_ends_leaves_none(lab: &Lab) {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let program = lab.stubborn("echo", &[]);
        program.signal(signal);
        program.finish();
        assert!(is_usable(lab), "{signal}");
    }
}

fn a_program_that_is_killed_leaves_them_to_the_next(lab: &Lab) {
    let program = lab.stubborn("echo", &[]);
    program.signal(Signal::SIGKILL);
    program.finish();
    assert_eq!(is_usable(lab), lab.device == Device::Plain);
    drop(open(lab));
    assert!(is_usable(lab));
}

fn one_of_several_queues_leaves_them_to_the_others(lab: &Lab) {
    lab.remake_for_queues();
    let queues = match lab.device {
        Device::Offload => TunDevice::open_queues(lab.tun(), 2),
        Device::Plain => TunDevice::open_plain_queues(lab.tun(), 2),
    };
    let mut queues = queues.unwrap();
    lab.wait_for_link();
    drop(queues.remove(0));
    assert_eq!(
        is_partial(lab, &mut queues[0]),
        lab.device == Device::Offload
    );
}

/// Whether the checksum of a datagram that arrives is partial. One that the kernel puts into the queue that was
/// dropped is lost, as long as a program that another test starts has that, too (see [`when_free`]).
fn is_partial(lab: &Lab, device: &mut TunDevice) -> bool {
    let mut partial = None;
    eventually("a datagram arrives", LIMIT, || {
        send_one(lab);
        let mut batch = Batch::new(8, 2000);
        device.receive(&mut batch).unwrap();
        let mut arrivals = batch.arrivals();
        let found = arrivals.find(|(datagram, _)| datagram.ends_with(TEXT));
        partial = found.map(|(_, form)| matches!(form.checksum, Checksum::Partial(_)));
        partial.is_some()
    });
    partial.unwrap()
}
