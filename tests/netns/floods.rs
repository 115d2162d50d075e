//! What strangers send to the stack through the kernel, from addresses that are not theirs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrLike, SockaddrStorage,
    connect, getsockopt, sendto, setsockopt, socket, sockopt,
};
use stubborn::wire::{Control, IpHeader, Packet, TcpHeader, Text, ip, protocol};

use crate::harness::{Device, Lab, in_both_families, run, stop_recording};
use crate::many::{client, resident, say};

in_both_families![
    a_flood_of_syns_leaves_clients_alone,
    a_flood_of_fragments_leaves_clients_alone,
    a_peer_of_tiny_segments_is_served,
];

/// Datagrams in a millisecond: of SYNs 250,000 a second and of fragments 100,000, or as many as an
/// unoptimised stack has time for. What is more than that the queue of the interface loses, of clients
/// and of strangers alike.
const SYNS: u32 = if cfg!(debug_assertions) { 10 } else { 250 };
const FRAGMENTS: u32 = if cfg!(debug_assertions) { 10 } else { 100 };

/// A flood takes all the time that the processors have: two at once would starve each other's stack.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Clients, one after the other, while the flood lasts.
const CLIENTS: usize = 100;

/// Where the stranger of a number is: RFC 2544 and RFC 3849 have addresses that are nobody's.
fn stranger(to: IpAddr, number: u32) -> IpAddr {
    match to {
        IpAddr::V4(_) => {
            let [_, _, high, low] = number.to_be_bytes();
            Ipv4Addr::new(198, 18, high, low).into()
        }
        IpAddr::V6(_) => {
            let prefix = 0x2001_0db8_u128 << 96;
            Ipv6Addr::from(prefix | u128::from(number)).into()
        }
    }
}

/// A SYN to port 7, each from another stranger.
fn syn(to: IpAddr, number: u32) -> Vec<u8> {
    let header = TcpHeader {
        source_port: 1024 + (number >> 16) as u16,
        destination_port: 7,
        seq: number.wrapping_mul(0x9e37_79b9),
        control: Control::SYN,
        window: 1000,
        ..TcpHeader::default()
    };
    let ip = IpHeader::new(stranger(to, number), to, protocol::TCP, 64);
    Packet::tcp(&ip, &header, Text::EMPTY).to_vec()
}

/// The first fragment of a datagram of which nothing follows, each from another stranger.
fn fragment(to: IpAddr, number: u32) -> Vec<u8> {
    let ip = IpHeader::new(stranger(to, number), to, protocol::UDP, 64);
    let mut pieces = ip::fragments(ip.datagram(&[7; 1400]), 1280, number).unwrap();
    pieces.swap_remove(0)
}

/// `rate` datagrams in a millisecond, until nobody wants any more: how many.
fn flood(to: IpAddr, rate: u32, of: fn(IpAddr, u32) -> Vec<u8>, goes_on: &AtomicBool) -> u32 {
    let family = match to {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    let protocol = SockProtocol::Raw;
    let raw = socket(family, SockType::Raw, SockFlag::empty(), protocol).unwrap();
    let there = SockaddrStorage::from(SocketAddr::new(to, 0));
    let mut sent = 0;
    while goes_on.load(Ordering::Relaxed) {
        for number in sent..sent + rate {
            // What the queue has no room for is lost.
            let datagram = of(to, number);
            let _ = sendto(raw.as_raw_fd(), &datagram, &there, MsgFlags::empty());
        }
        sent += rate;
        thread::sleep(Duration::from_millis(1));
    }
    sent
}

/// Clients open connections and are answered, one after the other, while strangers send `rate`
/// datagrams in a millisecond: how many those were, and by how many KiB the stack has grown.
fn clients_among_strangers(lab: &Lab, rate: u32, of: fn(IpAddr, u32) -> Vec<u8>) -> (u32, usize) {
    // One that failed does not fail the others.
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let stack = lab.stubborn("echo", &[]);
    let before = resident(&stack);
    let goes_on = AtomicBool::new(true);
    let sent = thread::scope(|scope| {
        let flooding = scope.spawn(|| flood(lab.stack(), rate, of, &goes_on));
        for number in 0..CLIENTS {
            say(&mut client(lab), number);
            thread::sleep(Duration::from_millis(10));
        }
        goes_on.store(false, Ordering::Relaxed);
        flooding.join().unwrap()
    });
    let grown = resident(&stack).saturating_sub(before);
    stack.signal(nix::sys::signal::Signal::SIGINT);
    let ended = stack.finish();
    let summary = format!("connections: {CLIENTS}, ");
    assert!(ended.errors.contains(&summary), "{}", ended.errors);
    (sent, grown)
}

/// THREATS 5: strangers fill the queue of handshakes many times over.
fn a_flood_of_syns_leaves_clients_alone(lab: &Lab) {
    let (sent, _) = clients_among_strangers(lab, SYNS, syn);
    assert!(sent > 4_096, "{sent} SYNs are no flood");
}

/// THREATS 12: strangers send the first fragments of ever other datagrams, more than the 4 MiB that there
/// are for them; an allocator takes some more for this many pieces.
fn a_flood_of_fragments_leaves_clients_alone(lab: &Lab) {
    let (sent, grown) = clients_among_strangers(lab, FRAGMENTS, fragment);
    assert!(sent > 4_096, "{sent} fragments are no flood");
    assert!((2 << 10..16 << 10).contains(&grown), "{grown} KiB");
}

/// THREATS 10: a peer that takes as little in a segment as the kernel lets a program ask for.
fn a_peer_of_tiny_segments_is_served(lab: &Lab) {
    const LEAST: u32 = 88;
    let _stack = lab.stubborn("echo", &[]);
    let recorder = lab.record("tiny.pcap");
    let there = SockaddrStorage::from(lab.stack_at(7));
    let family = there.family().unwrap();
    let peer = socket(family, SockType::Stream, SockFlag::empty(), None).unwrap();
    setsockopt(&peer, sockopt::TcpMaxSeg, &LEAST).unwrap();
    connect(peer.as_raw_fd(), &there).unwrap();
    let mut peer = TcpStream::from(peer);
    for number in 0..200 {
        say(&mut peer, number);
    }
    let mss = getsockopt(&peer, sockopt::TcpMaxSeg).unwrap();
    assert!(mss <= LEAST, "{mss}");
    stop_recording(recorder);
    // A device that cuts shows what it is to cut.
    if lab.device == Device::Plain {
        let lengths = text_lengths(&lab.file("tiny.pcap"), lab.stack());
        // Each segment has timestamps.
        assert_eq!(lengths.into_iter().max(), Some(LEAST as usize - 12));
    }
}

/// Octets of text in each segment from `host`, as tcpdump shows them.
fn text_lengths(file: &Path, host: IpAddr) -> Vec<usize> {
    let words = ["-n", "-Z", "root", "-r", file.to_str().unwrap(), "src"];
    let text = run("tcpdump", &[&words[..], &[&host.to_string()]].concat());
    let length = |line: &str| line.rsplit_once("length ").unwrap().1.parse().unwrap();
    text.lines().map(length).collect()
}
