//! UDP sockets: what their users see.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::config::UdpOptions;
use stubborn::sockets::{Net, TcpListener, TcpStream, UdpSocket};
use stubborn::stack::{DatagramError, UdpSendError, Undelivered};

use super::support::*;

const SHORT: Duration = Duration::from_millis(40);

/// A socket of the server at port 7, and one of the client that is connected to it.
struct Joined {
    server: Net,
    client: Net,
    echo: UdpSocket,
    socket: UdpSocket,
}

fn joined(family: usize) -> Joined {
    let (server, client) = hosts();
    let echo = UdpSocket::bind(&server, (SERVER[family], 7)).expect("a socket");
    let socket = UdpSocket::bind(&client, (CLIENT[family], 0)).expect("a socket");
    socket.connect(echo.local_addr()).expect("a peer");
    Joined {
        server,
        client,
        echo,
        socket,
    }
}

/// Sends back what it hears until somebody sends nothing.
fn echo(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 2000];
    loop {
        let (len, from) = socket.recv_from(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        assert_eq!(socket.send_to(&buffer[..len], from)?, len);
    }
}

#[test]
fn datagrams_go_there_and_back() {
    bounded(|| {
        for family in [0, 1] {
            let ends = joined(family);
            let serving = thread::spawn(move || echo(&ends.echo));
            let mut buffer = [0; 2000];
            for round in 0..1000 {
                let said = text(round, 1 + round as usize % ends.socket.max_datagram());
                assert_eq!(ends.socket.send(&said).unwrap(), said.len());
                let len = ends.socket.recv(&mut buffer).unwrap();
                assert!(buffer[..len] == said, "round {round}");
            }
            ends.socket.send(b"").unwrap();
            serving.join().unwrap().unwrap();
            let counted = ends.server.counters().udp;
            assert_eq!((counted.received, counted.sent), (1001, 1000));
        }
    });
}

#[test]
fn many_threads_share_sockets() {
    bounded(|| {
        let (server, client) = hosts();
        let service = UdpSocket::bind(&server, "192.0.2.1:7").unwrap();
        let served: Vec<_> = (0..3)
            .map(|_| service.clone())
            .map(|socket| thread::spawn(move || echo(&socket)))
            .collect();
        let asking: Vec<_> = (0..4)
            .map(|number| {
                let socket = UdpSocket::bind(&client, "0.0.0.0:0").unwrap();
                socket.set_read_timeout(Some(LONG)).unwrap();
                thread::spawn(move || {
                    for round in 0..200 {
                        let said = text(number * 1000 + round, 100);
                        socket.send_to(&said, "192.0.2.1:7").unwrap();
                        let mut buffer = [0; 200];
                        let (len, from) = socket.recv_from(&mut buffer).unwrap();
                        assert_eq!((&buffer[..len], from), (&said[..], addr("192.0.2.1:7")));
                    }
                })
            })
            .collect();
        asking.into_iter().for_each(|thread| thread.join().unwrap());
        let last = UdpSocket::bind(&client, "0.0.0.0:0").unwrap();
        // Each ends with one of these.
        for _ in &served {
            last.send_to(b"", "192.0.2.1:7").unwrap();
        }
        (served.into_iter()).for_each(|thread| thread.join().unwrap().unwrap());
        assert_eq!(server.counters().udp.received, 803);
    });
}

#[test]
fn a_wait_ends_with_its_timeout_and_a_call_that_does_not_wait_says_so() {
    bounded(|| {
        let ends = joined(0);
        let mut buffer = [0; 10];
        ends.echo.set_read_timeout(Some(SHORT)).unwrap();
        let start = Instant::now();
        assert_eq!(
            kind(ends.echo.recv_from(&mut buffer)),
            ErrorKind::WouldBlock
        );
        assert!(start.elapsed() >= SHORT);
        let zero = ends.echo.set_read_timeout(Some(Duration::ZERO));
        assert_eq!(kind(zero), ErrorKind::InvalidInput);
        ends.socket.set_nonblocking(true);
        assert_eq!(kind(ends.socket.recv(&mut buffer)), ErrorKind::WouldBlock);
        ends.socket.set_nonblocking(false);
        ends.socket.send(b"hello").unwrap();
        for _ in 0..2 {
            let (len, from) = ends.echo.peek_from(&mut buffer).unwrap();
            assert_eq!(
                (&buffer[..len], from),
                (&b"hello"[..], ends.socket.local_addr())
            );
        }
        let received = ends.echo.recv_datagram(&mut buffer[..2]).unwrap();
        assert_eq!((&buffer[..2], received.len), (&b"he"[..], 5));
        assert_eq!(received.local, ends.echo.local_addr().ip());
    });
}

/// Whoever waits is woken: a thread that leads, and one that has let another lead.
#[test]
fn a_datagram_wakes_whoever_waits() {
    bounded(|| {
        let ends = joined(0);
        let other = UdpSocket::bind(&ends.server, "192.0.2.1:8").unwrap();
        let (heard, hearing) = mpsc::channel();
        for socket in [ends.echo.clone(), other] {
            let heard = heard.clone();
            thread::spawn(move || {
                let mut buffer = [0; 10];
                let (len, _) = socket.recv_from(&mut buffer).unwrap();
                heard
                    .send((socket.local_addr(), buffer[..len].to_vec()))
                    .unwrap();
            });
            thread::sleep(SHORT);
        }
        // The one that does not lead first.
        for (port, said) in [(8, b"second"), (7, b"leader")] {
            let to = SocketAddr::new(SERVER[0].parse().unwrap(), port);
            ends.client_sends(said, to);
            assert_eq!(hearing.recv().unwrap(), (to, said.to_vec()));
        }
    });
}

impl Joined {
    fn client_sends(&self, text: &[u8], to: SocketAddr) {
        let socket = UdpSocket::bind(&self.client, "0.0.0.0:0").expect("a socket");
        socket.send_to(text, to).expect("room");
    }
}

/// Port unreachable comes back through both stacks, and wakes who waits.
#[test]
fn nobody_there_is_connection_refused() {
    bounded(|| {
        for family in [0, 1] {
            let (_server, client) = hosts();
            let nobody = SocketAddr::new(SERVER[family].parse().unwrap(), 9);
            let socket = UdpSocket::bind(&client, (CLIENT[family], 0)).unwrap();
            socket.connect(nobody).unwrap();
            socket.send(b"anybody?").unwrap();
            let refused = socket.recv(&mut [0; 10]).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let said = refused.to_string();
            assert!(said.contains(&nobody.to_string()), "{said}");

            let open = UdpSocket::bind(&client, (CLIENT[family], 0)).unwrap();
            open.send_to(b"anybody?", nobody).unwrap();
            let start = Instant::now();
            let error = loop {
                if let Some(error) = open.take_error() {
                    break error;
                }
                assert!(start.elapsed() < LONG);
                thread::sleep(Duration::from_millis(1));
            };
            let inner = error.get_ref().unwrap().downcast_ref::<DatagramError>();
            let expected = DatagramError {
                remote: nobody,
                reason: Undelivered::Refused,
                echo: None,
            };
            assert_eq!(inner, Some(&expected));
            assert!(open.take_error().is_none());
        }
    });
}

#[test]
fn refusals_have_their_kinds() {
    bounded(|| {
        let ends = joined(0);
        let (server, socket) = (&ends.server, &ends.socket);
        let bind = |address: &str| kind(UdpSocket::bind(server, addr(address)));
        assert_eq!(bind("192.0.2.1:7"), ErrorKind::AddrInUse);
        assert_eq!(bind("192.0.2.9:7"), ErrorKind::AddrNotAvailable);
        let most = socket.max_datagram();
        assert_eq!(most, 1472);
        let long = socket.send(&vec![0; most + 1]).unwrap_err();
        assert_eq!(long.kind(), ErrorKind::InvalidInput);
        let inner = long.get_ref().unwrap().downcast_ref::<UdpSendError>();
        assert_eq!(inner, Some(&UdpSendError::TooLong { most }));
        for address in ["0.0.0.0:7", "127.0.0.1:7", "[2001:db8::1]:7"] {
            let sent = ends.echo.send_to(b"x", addr(address));
            assert_eq!(kind(sent), ErrorKind::InvalidInput, "{address}");
            let connected = ends.echo.connect(addr(address));
            assert_eq!(kind(connected), ErrorKind::InvalidInput, "{address}");
        }
        assert_eq!(kind(ends.echo.send(b"x")), ErrorKind::NotConnected);
        assert_eq!(kind(ends.echo.peer_addr()), ErrorKind::NotConnected);
        assert_eq!(socket.peer_addr().unwrap(), addr("192.0.2.1:7"));
        assert_eq!(kind(socket.set_ttl(0)), ErrorKind::InvalidInput);
        socket.set_ttl(3).unwrap();
        socket.set_traffic_class(0xb8);
        let options = socket.options();
        assert_eq!((options.hop_limit, options.traffic_class), (Some(3), 0xb8));
    });
}

/// All options at once, those included that have no call of their own.
#[test]
fn options_are_replaced_together_or_not_at_all() {
    bounded(|| {
        let ends = joined(0);
        let wanted = UdpOptions {
            hop_limit: Some(3),
            path_mtu: true,
            receive_buffer: Some(10_000),
            ..UdpOptions::default()
        };
        ends.socket.set_options(wanted).unwrap();
        assert_eq!(ends.socket.options(), wanted);
        let nowhere = UdpOptions {
            hop_limit: Some(0),
            ..UdpOptions::default()
        };
        let refused = ends.socket.set_options(nowhere);
        assert_eq!(kind(refused), ErrorKind::InvalidInput);
        assert_eq!(ends.socket.options(), wanted);
    });
}

/// The port is free when the last handle is gone; what was sent has left.
#[test]
fn dropping_frees_the_port() {
    bounded(|| {
        let ends = joined(0);
        let clone = ends.echo.clone();
        drop(ends.echo);
        let again = UdpSocket::bind(&ends.server, "192.0.2.1:7");
        assert_eq!(kind(again), ErrorKind::AddrInUse);
        drop(clone);
        let again = UdpSocket::bind(&ends.server, "192.0.2.1:7").unwrap();
        ends.socket.send(b"last words").unwrap();
        drop(ends.socket);
        let mut buffer = [0; 20];
        assert_eq!(again.recv(&mut buffer).unwrap(), 10);
    });
}

/// Who waits when the network ends learns of it; and a device that is closed still gives what has
/// been received.
#[test]
fn the_end_of_the_network_ends_every_wait() {
    bounded(|| {
        let ends = joined(0);
        let waiting = ends.echo.clone();
        let waiting = thread::spawn(move || kind(waiting.recv(&mut [0; 10])));
        thread::sleep(SHORT);
        ends.server.shutdown(Duration::from_secs(1));
        assert_eq!(waiting.join().unwrap(), ErrorKind::NetworkDown);
        assert_eq!(
            kind(ends.echo.send_to(b"x", "192.0.2.2:9")),
            ErrorKind::NetworkDown
        );
        let bound = UdpSocket::bind(&ends.server, "192.0.2.1:9");
        assert_eq!(kind(bound), ErrorKind::NetworkDown);
    });
}

/// Both kinds of sockets on one stack, busy at once.
#[test]
fn streams_and_datagrams_share_the_stack() {
    bounded(|| {
        let ends = joined(0);
        let listener = TcpListener::bind(&ends.server, "192.0.2.1:7").unwrap();
        let streaming = thread::spawn(move || super::support::echo(listener.accept().unwrap().0));
        let serving = thread::spawn(move || echo(&ends.echo));
        let mut stream = TcpStream::connect(&ends.client, "192.0.2.1:7").unwrap();
        let written = text(1, 5_000_000);
        let (mut writer, sent) = (stream.clone(), written.clone());
        let writing = thread::spawn(move || {
            io::Write::write_all(&mut writer, &sent).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let asking = thread::spawn(move || {
            ends.socket.set_read_timeout(Some(SHORT)).unwrap();
            let mut answers = 0;
            for _ in 0..500 {
                ends.socket.send(b"ping").unwrap();
                // The device in memory loses what it has no room for.
                answers += usize::from(ends.socket.recv(&mut [0; 10]).is_ok());
            }
            ends.socket.send(b"").unwrap();
            answers
        });
        let mut read = Vec::new();
        io::Read::read_to_end(&mut stream, &mut read).unwrap();
        assert!(read == written, "{} octets", read.len());
        writing.join().unwrap();
        streaming.join().unwrap().unwrap();
        assert!(asking.join().unwrap() > 250);
        drop(serving);
    });
}

/// As with the standard library: groups are joined, and broadcasts asked for.
#[test]
fn datagrams_go_to_many() {
    bounded(|| {
        let (server, client) = hosts();
        let (group, any) = (Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::UNSPECIFIED);
        let hearer = UdpSocket::bind(&server, (any, 7)).unwrap();
        let sender = UdpSocket::bind(&client, (any, 0)).unwrap();
        let foreign = hearer.join_multicast_v4(&group, &Ipv4Addr::new(9, 9, 9, 9));
        assert_eq!(foreign.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        hearer.join_multicast_v4(&group, &any).unwrap();
        let again = hearer.join_multicast_v4(&group, &any).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AddrInUse);
        let all = Ipv4Addr::BROADCAST;
        let refused = sender.send_to(b"x", (all, 7)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        sender.set_broadcast(true);
        assert!(sender.broadcast() && !hearer.broadcast());
        sender.set_multicast_ttl(3);
        let mut buffer = [0; 9];
        for (to, ttl) in [(group, 3), (all, 64)] {
            sender.send_to(b"hello", (to, 7)).unwrap();
            let received = hearer.recv_datagram(&mut buffer).unwrap();
            assert_eq!((received.len, received.local), (5, to.into()));
            assert_eq!(received.marks.hop_limit, Some(ttl));
        }
        hearer.leave_multicast_v4(&group, &any).unwrap();
        let left = hearer.leave_multicast_v4(&group, &any).unwrap_err();
        assert_eq!(left.kind(), ErrorKind::AddrNotAvailable);
    });
}

/// A sender is named, and heard; the others are not.
#[test]
fn senders_to_a_group_are_named() {
    bounded(|| {
        let (server, client) = hosts();
        let any = Ipv4Addr::UNSPECIFIED;
        let hearer = UdpSocket::bind(&server, (any, 7)).unwrap();
        let sender = UdpSocket::bind(&client, (any, 0)).unwrap();
        let [named, other, channel]: [IpAddr; 3] =
            [CLIENT[0], "192.0.2.77", "232.1.2.3"].map(|text| text.parse().unwrap());
        let group = Ipv4Addr::new(239, 1, 2, 3);
        let kind = |answer: io::Result<()>| answer.unwrap_err().kind();
        let refused = hearer.join_multicast_v4(&Ipv4Addr::new(232, 1, 2, 3), &any);
        assert_eq!(kind(refused), ErrorKind::InvalidInput);
        hearer.join_source(channel, named).unwrap();
        let again = hearer.join_source(channel, named);
        assert_eq!(kind(again), ErrorKind::AddrInUse);
        let blocked = hearer.block_source(channel, other);
        assert_eq!(kind(blocked), ErrorKind::InvalidInput);
        hearer.join_multicast_v4(&group, &any).unwrap();
        hearer.block_source(group.into(), named).unwrap();
        let mut buffer = [0; 9];
        for (to, text) in [(IpAddr::from(group), b"not heard"), (channel, b"are heard")] {
            sender.send_to(text, (to, 7)).unwrap();
        }
        let received = hearer.recv_datagram(&mut buffer).unwrap();
        assert_eq!((&buffer, received.local), (b"are heard", channel));
        hearer.unblock_source(group.into(), named).unwrap();
        hearer.leave_source(channel, named).unwrap();
        let left = hearer.leave_source(channel, named);
        assert_eq!(kind(left), ErrorKind::AddrNotAvailable);
        sender.send_to(b"x", (channel, 7)).unwrap();
        sender.send_to(b"y", (group, 7)).unwrap();
        assert_eq!(hearer.recv(&mut buffer).unwrap(), 1);
        assert_eq!(buffer[0], b'y');
    });
}

/// The same of IPv6; and what a socket sends comes back to it, unless it does not want that.
#[test]
fn datagrams_come_back_from_a_group() {
    bounded(|| {
        let (_server, client) = hosts();
        let group = "ff15::7".parse().unwrap();
        let socket = UdpSocket::bind(&client, "[::]:7").unwrap();
        socket.join_multicast_v6(&group, 0).unwrap();
        let wrong = socket.join_multicast_v6(&group, 7).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::AddrNotAvailable);
        for (comes_back, said) in [(true, b"one"), (false, b"two"), (true, b"3rd")] {
            socket.set_multicast_loop(comes_back);
            socket.send_to(said, (group, 7)).unwrap();
        }
        let mut buffer = [0; 3];
        for expected in [b"one", b"3rd"] {
            socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer, expected);
        }
        socket.leave_multicast_v6(&group, 1).unwrap();
    });
}
