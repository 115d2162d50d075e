//! Echo sockets: what their users see.

use std::io::{ErrorKind, Result};
use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::driver::memory;
use stubborn::link::{Batch, Device};
use stubborn::sockets::{EchoSocket, Net, asynchronous};
use stubborn::stack::DatagramError;
use stubborn::wire::{IcmpError, Packet, icmp};

use super::executor::{Tasks, block_on};
use super::support::*;

const SHORT: Duration = Duration::from_millis(40);

fn ip(address: &str) -> IpAddr {
    address.parse().expect("an address")
}

fn bound(net: &Net, address: &str) -> EchoSocket {
    EchoSocket::bind(net, ip(address), 0).expect("a socket")
}

#[test]
fn hosts_are_asked_and_answer() {
    bounded(|| {
        for family in [0, 1] {
            let (_server, client) = hosts();
            let socket = bound(&client, CLIENT[family]);
            socket.connect(ip(SERVER[family])).unwrap();
            assert_eq!(socket.peer_addr().unwrap(), ip(SERVER[family]));
            let mut buffer = [0; 2000];
            for sequence in 0..1000 {
                let len = 1 + usize::from(sequence) % socket.max_data();
                let said = text(sequence.into(), len);
                socket.send(sequence, &said).unwrap();
                let reply = socket.recv(&mut buffer).unwrap();
                assert_eq!((reply.sequence, reply.len), (sequence, said.len()));
                assert!(buffer[..reply.len] == said, "request {sequence}");
                assert_eq!(reply.remote, ip(SERVER[family]));
                assert_eq!(reply.local, ip(CLIENT[family]));
                assert_eq!((reply.hop_limit, reply.traffic_class), (64, 0));
            }
            let counted = client.counters().echo;
            assert_eq!((counted.received, counted.sent), (1000, 1000));
        }
    });
}

/// Requests and replies come by any queue, and an identifier is one socket's at all of them.
#[test]
fn a_host_of_several_shards_asks_and_answers() {
    bounded(|| {
        let (near, queues) = memory::queues(1500, 3, 1).unwrap();
        let many = Net::start_queues(queues, config(SERVER)).unwrap();
        let one = start(near, CLIENT);
        for (asking, asked, from) in [(&many, CLIENT[0], SERVER[0]), (&one, SERVER[0], CLIENT[0])] {
            let socket = bound(asking, from);
            socket.set_read_timeout(Some(LONG)).unwrap();
            let taken = EchoSocket::bind(asking, ip(from), socket.identifier());
            assert_eq!(kind(taken), ErrorKind::AddrInUse);
            for sequence in 0..200 {
                socket.send_to(sequence, b"data", ip(asked)).unwrap();
                let reply = socket.recv(&mut [0; 9]).unwrap();
                assert_eq!((reply.remote, reply.sequence), (ip(asked), sequence));
            }
            let identifier = socket.identifier();
            drop(socket);
            EchoSocket::bind(asking, ip(from), identifier).unwrap();
        }
    });
}

#[test]
fn threads_share_a_socket() {
    bounded(|| {
        let (_server, client) = hosts();
        let socket = bound(&client, "0.0.0.0");
        let hearing = thread::spawn({
            let socket = socket.clone();
            move || {
                let sequence = |_| socket.recv(&mut [0; 9]).map(|reply| reply.sequence);
                (0..300).map(sequence).collect::<Result<Vec<u16>>>()
            }
        });
        for sequence in 0..300 {
            socket.send_to(sequence, b"", ip(SERVER[0])).unwrap();
        }
        let heard = hearing.join().unwrap().unwrap();
        assert_eq!(heard, (0..300).collect::<Vec<u16>>());
    });
}

#[test]
fn a_wait_ends_with_its_timeout_and_a_call_that_does_not_wait_says_so() {
    bounded(|| {
        let (_server, client) = hosts();
        let socket = bound(&client, CLIENT[0]);
        socket.set_read_timeout(Some(SHORT)).unwrap();
        let start = Instant::now();
        assert_eq!(kind(socket.recv(&mut [])), ErrorKind::WouldBlock);
        assert!(start.elapsed() >= SHORT);
        socket.set_nonblocking(true);
        assert_eq!(kind(socket.recv(&mut [])), ErrorKind::WouldBlock);
        assert_eq!(
            kind(socket.set_read_timeout(Some(Duration::ZERO))),
            ErrorKind::InvalidInput
        );
    });
}

#[test]
fn refusals_have_their_kinds_and_their_words() {
    bounded(|| {
        let (_server, client) = hosts();
        let socket = EchoSocket::bind(&client, ip(CLIENT[0]), 7).unwrap();
        assert_eq!(
            (socket.local_addr(), socket.identifier()),
            (ip(CLIENT[0]), 7)
        );
        let taken = EchoSocket::bind(&client, ip(CLIENT[0]), 7).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        assert_eq!(taken.to_string(), "the identifier 7 is in use already");
        let stranger = EchoSocket::bind(&client, ip("192.0.2.9"), 8);
        assert_eq!(kind(stranger), ErrorKind::AddrNotAvailable);
        assert_eq!(kind(socket.peer_addr()), ErrorKind::NotConnected);
        assert_eq!(kind(socket.send(1, b"")), ErrorKind::NotConnected);
        let all = socket.send_to(1, b"", ip("255.255.255.255"));
        assert_eq!(kind(all), ErrorKind::PermissionDenied);
        let nobody = socket.connect(ip("0.0.0.0")).unwrap_err();
        assert_eq!(nobody.kind(), ErrorKind::InvalidInput);
        let said = nobody.to_string();
        assert_eq!(said, "0.0.0.0: the remote address cannot be a peer");
        assert_eq!(kind(socket.set_ttl(0)), ErrorKind::InvalidInput);
        let long = vec![0; socket.max_data() + 1];
        let too_long = socket.send_to(1, &long, ip(SERVER[0]));
        assert_eq!(kind(too_long), ErrorKind::InvalidInput);
        socket.set_fragments(true);
        socket.send_to(1, &long, ip(SERVER[0])).unwrap();
        let reply = socket.recv(&mut []).unwrap();
        assert_eq!(reply.len, long.len());
    });
}

/// As `stubborn ping` does it: any error, of a socket that is not connected.
#[test]
fn an_error_says_who_and_what() {
    bounded(|| {
        let (near, mut far) = memory::pair(1500).unwrap();
        let client = start(near, CLIENT);
        let socket = bound(&client, CLIENT[0]);
        socket.send_to(9, b"data", ip("198.51.100.1")).unwrap();
        let mut batch = Batch::new(8, 1500);
        while batch.is_empty() {
            far.receive(&mut batch).unwrap();
            thread::yield_now();
        }
        let quoted = batch.iter().next().unwrap();
        let router = ip("192.0.2.77");
        let error = IcmpError::HopLimitExceeded;
        let message = icmp::error(router, 64, error, quoted).unwrap();
        far.send(Packet::borrowed(&message)).unwrap();
        far.flush().unwrap();
        let failed = socket.recv(&mut []).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::HostUnreachable);
        let inner = failed.get_ref().unwrap().downcast_ref::<DatagramError>();
        let failure = inner.unwrap().echo.unwrap();
        assert_eq!((failure.sequence, failure.offender), (9, router));
        assert_eq!(failure.error, error);
        assert!(socket.take_error().is_none());
    });
}

#[test]
fn tasks_ask_and_hear() {
    bounded(|| {
        let (_server, client) = hosts();
        let socket = asynchronous::EchoSocket::bind(&client, ip("0.0.0.0"), 0).unwrap();
        assert_eq!(kind(socket.try_recv(&mut [])), ErrorKind::WouldBlock);
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            for sequence in 0..100 {
                let reply = socket.recv(&mut [0; 9]).await.unwrap();
                assert_eq!((reply.sequence, reply.len), (sequence, 4));
            }
        });
        tasks.spawn(async {
            for sequence in 0..100 {
                let to = ip(SERVER[0]);
                socket.send_to(sequence, b"data", to).await.unwrap();
            }
        });
        tasks.run();
        socket.connect(ip(SERVER[0])).unwrap();
        block_on(socket.send(7, b"")).unwrap();
        // The same socket, for threads.
        let threads = EchoSocket::from(socket.clone());
        assert_eq!(threads.recv(&mut []).unwrap().sequence, 7);
        socket.try_send_to(8, b"", ip(SERVER[0])).unwrap();
        assert_eq!(block_on(socket.recv(&mut [])).unwrap().sequence, 8);
        assert_eq!(socket.get_ref().identifier(), threads.identifier());
    });
}
