//! What strangers send to the stack through the kernel, from addresses that are not theirs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, sendto, socket,
};
use stubborn::wire::{Control, IpHeader, Packet, TcpHeader, Text, protocol};

use crate::harness::{Lab, in_both_families};
use crate::many::{client, say};

in_both_families![a_flood_of_syns_leaves_clients_alone];

/// SYNs in a millisecond: 250,000 a second, or as many as an unoptimised stack has time for. What
/// is more than that the queue of the interface loses, of clients and of strangers alike.
const RATE: u32 = if cfg!(debug_assertions) { 10 } else { 250 };

/// Clients, one after the other, while the flood lasts.
const CLIENTS: usize = 100;

/// SYNs to port 7, each from another stranger, until nobody wants any more: how many.
fn flood(to: IpAddr, goes_on: &AtomicBool) -> u32 {
    let (family, from): (_, fn(u32) -> IpAddr) = match to {
        // RFC 2544 and RFC 3849: nobody's addresses.
        IpAddr::V4(_) => (AddressFamily::Inet, |number| {
            let [_, _, high, low] = number.to_be_bytes();
            Ipv4Addr::new(198, 18, high, low).into()
        }),
        IpAddr::V6(_) => (AddressFamily::Inet6, |number| {
            let prefix = 0x2001_0db8_u128 << 96;
            Ipv6Addr::from(prefix | u128::from(number)).into()
        }),
    };
    let protocol = SockProtocol::Raw;
    let raw = socket(family, SockType::Raw, SockFlag::empty(), protocol).unwrap();
    let there = SockaddrStorage::from(SocketAddr::new(to, 0));
    let mut sent = 0;
    while goes_on.load(Ordering::Relaxed) {
        for number in sent..sent + RATE {
            let header = TcpHeader {
                source_port: 1024 + (number >> 16) as u16,
                destination_port: 7,
                seq: number.wrapping_mul(0x9e37_79b9),
                control: Control::SYN,
                window: 1000,
                ..TcpHeader::default()
            };
            let ip = IpHeader::new(from(number), to, protocol::TCP, 64);
            let datagram = Packet::tcp(&ip, &header, Text::EMPTY).to_vec();
            // What the queue has no room for is lost.
            let _ = sendto(raw.as_raw_fd(), &datagram, &there, MsgFlags::empty());
        }
        sent += RATE;
        thread::sleep(Duration::from_millis(1));
    }
    sent
}

/// THREATS 5: clients open connections and are answered while strangers fill the queue of handshakes
/// many times over.
fn a_flood_of_syns_leaves_clients_alone(lab: &Lab) {
    let stack = lab.stubborn("echo", &[]);
    let goes_on = AtomicBool::new(true);
    let sent = thread::scope(|scope| {
        let flooding = scope.spawn(|| flood(lab.stack(), &goes_on));
        for number in 0..CLIENTS {
            say(&mut client(lab), number);
            thread::sleep(Duration::from_millis(10));
        }
        goes_on.store(false, Ordering::Relaxed);
        flooding.join().unwrap()
    });
    assert!(sent > 4_096, "{sent} SYNs are no flood");
    stack.signal(nix::sys::signal::Signal::SIGINT);
    let ended = stack.finish();
    let summary = format!("connections: {CLIENTS}, ");
    assert!(ended.errors.contains(&summary), "{}", ended.errors);
}
