//! Reading and writing.

use std::io::{BufRead, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::config::{CongestionControl, Keepalive, SocketOptions};
use stubborn::sockets::{TcpListener, TcpStream};
use stubborn::tcp::State;

use super::support::*;

#[test]
fn echo_in_both_families() {
    bounded(|| {
        let (server, client) = hosts();
        for address in SERVER {
            let listener = TcpListener::bind(&server, (address, 0)).unwrap();
            let address = listener.local_addr();
            assert_ne!(address.port(), 0, "the stack has chosen a port");
            let serving = thread::spawn(move || echo(listener.accept().unwrap().0));
            let mut stream = TcpStream::connect(&client, address).unwrap();
            assert_eq!(stream.peer_addr(), address);
            for len in [1, 10, 1000, 100_000] {
                let sent = text(len as u64, len);
                stream.write_all(&sent).unwrap();
                let mut back = vec![0; len];
                stream.read_exact(&mut back).unwrap();
                assert!(back == sent, "{len} octets come back changed");
            }
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read_all(&stream).unwrap(), b"");
            serving.join().unwrap().unwrap();
        }
        no_connection_remains(&server);
        no_connection_remains(&client);
    });
}

/// One call takes all pieces, as far as there is room.
#[test]
fn a_write_of_several_pieces_is_one() {
    bounded(|| {
        let ends = connected();
        let pieces = [&b"he"[..], b"", b"llo"].map(IoSlice::new);
        assert_eq!((&ends.opened).write_vectored(&pieces).unwrap(), 5);
        assert_eq!((&ends.opened).write_vectored(&pieces[1..2]).unwrap(), 0);
        assert_eq!((&ends.opened).write_vectored(&[]).unwrap(), 0);
        // More than there is room for: it ends in the middle of a piece, or between two.
        let long = text(1, 30_000_000);
        let pieces: Vec<_> = long.chunks(7_777).map(IoSlice::new).collect();
        let taken = (&ends.opened).write_vectored(&pieces).unwrap();
        assert!((7_778..long.len()).contains(&taken), "{taken}");
        ends.opened.shutdown(Shutdown::Write).unwrap();
        let arrived = read_all(&ends.accepted).unwrap();
        assert!(arrived[..5] == *b"hello" && arrived[5..] == long[..taken]);
    });
}

#[test]
fn the_other_direction_works_after_a_half_close() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"question").unwrap();
        ends.opened.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&ends.accepted).unwrap(), b"question");
        assert_eq!(ends.accepted.status().state, State::CloseWait);
        let answer = text(1, 300_000);
        let writer = thread::spawn({
            let (mut accepted, answer) = (ends.accepted.clone(), answer.clone());
            move || {
                accepted.write_all(&answer).unwrap();
                accepted.shutdown(Shutdown::Write).unwrap();
            }
        });
        assert!(read_all(&ends.opened).unwrap() == answer);
        writer.join().unwrap();
        let again = ends.opened.write(b"more");
        assert_eq!(kind(again), ErrorKind::BrokenPipe);
    });
}

#[test]
fn both_directions_at_once_octet_for_octet() {
    bounded(|| {
        let ends = connected();
        let texts = [text(1, 6 << 20), text(2, 6 << 20)].map(Arc::new);
        let streams = [ends.opened.clone(), ends.accepted.clone()];
        let threads: Vec<_> = (0..2)
            .flat_map(|side| {
                let (mut out, sent) = (streams[side].clone(), Arc::clone(&texts[side]));
                let (input, expected) = (streams[side].clone(), Arc::clone(&texts[1 - side]));
                let writer = thread::spawn(move || {
                    out.write_all(&sent).unwrap();
                    out.shutdown(Shutdown::Write).unwrap();
                });
                let reader = thread::spawn(move || {
                    assert!(read_all(&input).unwrap() == *expected, "changed on the way");
                });
                [writer, reader]
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        // The peer's user has everything; its last acknowledgment may still be under way.
        let start = Instant::now();
        while ends.opened.status().bytes_acked < 6 << 20 && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(1));
        }
        let status = ends.opened.status();
        assert_eq!(status.bytes_acked, 6 << 20);
        assert_eq!(status.bytes_received, 6 << 20);
        assert!(status.srtt.is_some());
    });
}

#[test]
fn many_threads_on_one_stack_and_nothing_left_behind() {
    bounded(|| {
        const CONNECTIONS: u64 = 32;
        let (server, client) = hosts();
        let listener = Arc::new(TcpListener::bind(&server, (SERVER[0], 7)).unwrap());
        let acceptors: Vec<_> = (0..4)
            .map(|_| {
                let listener = Arc::clone(&listener);
                thread::spawn(move || {
                    let mut served = Vec::new();
                    while let Ok((stream, _)) = listener.accept() {
                        served.push(thread::spawn(move || echo(stream).unwrap()));
                    }
                    let count = served.len();
                    served.into_iter().for_each(|thread| thread.join().unwrap());
                    count
                })
            })
            .collect();
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|seed| {
                let client = client.clone();
                thread::spawn(move || {
                    let mut stream = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
                    for round in 0..4 {
                        let sent = text(seed * 10 + round, 20_000);
                        stream.write_all(&sent).unwrap();
                        let mut back = vec![0; sent.len()];
                        stream.read_exact(&mut back).unwrap();
                        assert!(back == sent, "connection {seed}, round {round}");
                    }
                })
            })
            .collect();
        clients
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        listener.close();
        let served: usize = acceptors
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        assert_eq!(served as u64, CONNECTIONS);
        no_connection_remains(&server);
        no_connection_remains(&client);
    });
}

#[test]
fn a_thread_writes_while_another_waits_to_read_the_same_stream() {
    bounded(|| {
        let ends = connected();
        let serving = thread::spawn(move || echo(ends.accepted));
        let mut reader = ends.opened.clone();
        let reading = thread::spawn(move || {
            let mut back = vec![0; 1000];
            reader.read_exact(&mut back).unwrap();
            back
        });
        let mut writer = ends.opened;
        for octet in 0..1000 {
            writer.write_all(&[octet as u8]).unwrap();
            if octet % 100 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let expected: Vec<u8> = (0..1000).map(|octet| octet as u8).collect();
        assert!(reading.join().unwrap() == expected);
        drop(writer);
        serving.join().unwrap().unwrap();
    });
}

#[test]
fn urgent_data_is_read_in_line_up_to_its_mark() {
    bounded(|| {
        let mut ends = connected();
        assert_eq!(ends.accepted.urgent_mark(), None);
        assert_eq!(ends.opened.send_urgent(b"stop!").unwrap(), 5);
        ends.opened.write_all(b"and go on").unwrap();
        ends.opened.shutdown(Shutdown::Write).unwrap();
        let mut first = [0; 4];
        ends.accepted.read_exact(&mut first).unwrap();
        assert_eq!(ends.accepted.urgent_mark(), Some(1));
        assert!(!ends.accepted.at_mark());
        let mut last = [0; 100];
        let len = ends.accepted.read(&mut last).unwrap();
        assert_eq!(&last[..len], b"!", "a read ends at the mark");
        assert!(ends.accepted.at_mark());
        assert_eq!(ends.accepted.urgent_mark(), None);
        assert_eq!(read_all(&ends.accepted).unwrap(), b"and go on");
    });
}

/// MUST-33: whoever reads on as long as a mark is ahead comes to an end, though what was announced never arrives.
#[test]
fn no_urgent_mark_lies_beyond_the_end_of_the_stream() {
    bounded(|| {
        let (server, client) = hosts();
        let narrow = server.listen_with(addr_of(SERVER[0], 0), |listener| {
            listener.tcp.receive_buffer = 5000;
        });
        let narrow = narrow.unwrap();
        let mut opened = TcpStream::connect(&client, narrow.local_addr()).unwrap();
        let (mut accepted, _) = narrow.accept().unwrap();
        // More than the window has room for.
        let len = 10_000;
        opened.write_all(&text(5, len)).unwrap();
        assert_eq!(opened.send_urgent(b"!").unwrap(), 1);
        while accepted.urgent_mark().is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(accepted.urgent_mark(), Some(len as u64 + 1));
        opened.set_linger(Some(Duration::ZERO));
        drop(opened);
        while accepted.status().state != State::Closed {
            thread::sleep(Duration::from_millis(5));
        }
        let mut read = 0;
        while let Some(ahead) = accepted.urgent_mark() {
            assert_eq!(ahead, accepted.status().recv_queue as u64);
            read += accepted.read(&mut [0; 999]).unwrap();
        }
        assert!(read > 0 && read < len, "{read}");
        assert_eq!(kind(accepted.read(&mut [0])), ErrorKind::ConnectionReset);
    });
}

#[test]
fn options_are_those_that_were_set() {
    bounded(|| {
        let ends = connected();
        let stream = &ends.opened;
        stream.set_nodelay(true);
        stream
            .set_user_timeout(Some(Duration::from_secs(9)))
            .unwrap();
        stream.set_keepalive(Some(Keepalive::default())).unwrap();
        stream.set_linger(Some(Duration::ZERO));
        let refused = [
            stream.set_user_timeout(Some(Duration::ZERO)),
            stream.set_keepalive(Some(Keepalive {
                interval: Duration::ZERO,
                ..Keepalive::default()
            })),
        ];
        assert_eq!(refused.map(kind), [ErrorKind::InvalidInput; 2]);
        let options = stream.options();
        assert!(options.nodelay);
        assert_eq!(options.user_timeout, Some(Duration::from_secs(9)));
        assert_eq!(options.keepalive, Some(Keepalive::default()));
        assert_eq!(options.linger, Some(Duration::ZERO));
        assert!(stream.take_error().is_none());

        let wanted = SocketOptions {
            traffic_class: 0x20,
            receive_buffer: Some(30_000),
            ..options
        };
        stream.set_options(wanted).unwrap();
        assert_eq!(stream.options(), wanted);
        let senseless = SocketOptions {
            window_clamp: Some(0),
            ..wanted
        };
        assert_eq!(kind(stream.set_options(senseless)), ErrorKind::InvalidInput);
        assert_eq!(stream.options(), wanted);
    });
}

/// What was looked at is there as before; the end of the stream can be seen as well.
#[test]
fn peeking_takes_nothing() {
    bounded(|| {
        let mut ends = connected();
        let mut buffer = [0; 8];
        ends.accepted.set_nonblocking(true);
        assert_eq!(kind(ends.accepted.peek(&mut buffer)), ErrorKind::WouldBlock);
        ends.accepted.set_nonblocking(false);

        ends.opened.write_all(b"hello").unwrap();
        assert_eq!(ends.accepted.peek(&mut buffer).unwrap(), 5);
        assert_eq!(ends.accepted.peek(&mut buffer[..2]).unwrap(), 2);
        assert_eq!(&buffer[..5], b"hello");
        let reader = ends.accepted.clone();
        let mut reader = reader.reader();
        assert_eq!(reader.fill_buf().unwrap(), b"hello");
        assert_eq!(
            kind(ends.accepted.peek(&mut buffer)),
            ErrorKind::ResourceBusy
        );
        drop(reader);

        ends.opened.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&ends.accepted).unwrap(), b"hello");
        assert_eq!(ends.accepted.peek(&mut buffer).unwrap(), 0);
    });
}

/// A connection has a configuration of its own from its SYN on.
#[test]
fn a_connection_can_be_opened_in_a_way_of_its_own() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[0], 0)).unwrap();
        let local = addr("192.0.2.2:1234");
        let opened = client.connect_with(listener.local_addr(), |opening| {
            opening.local = Some(local);
            opening.tcp.mss = Some(700);
            opening.tcp.congestion_control = CongestionControl::Reno;
        });
        let opened = opened.unwrap();
        assert_eq!(opened.local_addr(), local);
        assert_eq!(opened.congestion_control(), "reno");
        let accepted = listener.accept().unwrap().0;
        // What fits, but for timestamps.
        assert_eq!(accepted.status().snd_mss, 700 - 12);

        let senseless = client.connect_with(listener.local_addr(), |opening| {
            opening.tcp.socket.window_clamp = Some(0);
        });
        assert_eq!(kind(senseless), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_connection_can_be_opened_from_an_address_and_port() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[1], 80)).unwrap();
        let local = addr("[2001:db8::2]:1234");
        let stream = client.connect_from(local, listener.local_addr()).unwrap();
        assert_eq!(stream.local_addr(), local);
        assert_eq!(listener.accept().unwrap().1, local);
        let again = client.connect_from(local, listener.local_addr());
        assert_eq!(kind(again), ErrorKind::AddrInUse);
        let foreign = client.connect_from(addr("[2001:db8::3]:1"), listener.local_addr());
        assert_eq!(kind(foreign), ErrorKind::AddrNotAvailable);
    });
}

/// Nothing of it goes through the device.
#[test]
fn a_host_can_connect_to_itself() {
    bounded(|| {
        let (server, _client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).unwrap();
        let mut opened = TcpStream::connect(&server, (SERVER[0], 7)).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let sent = text(5, 300_000);
        let copy = sent.clone();
        let writer = thread::spawn(move || opened.write_all(&copy).map(|()| drop(opened)));
        assert!(read_all(&accepted).unwrap() == sent);
        writer.join().unwrap().unwrap();
        let refused = TcpStream::connect(&server, (SERVER[0], 8));
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn addresses_that_cannot_be_had_are_refused_at_once() {
    bounded(|| {
        let (server, _client) = hosts();
        let _first = TcpListener::bind(&server, (SERVER[0], 80)).unwrap();
        let bind = |address: &str| kind(TcpListener::bind(&server, address));
        assert_eq!(bind("192.0.2.1:80"), ErrorKind::AddrInUse);
        assert_eq!(bind("192.0.2.9:80"), ErrorKind::AddrNotAvailable);
        let connect = |address: &str| kind(TcpStream::connect(&server, address));
        assert_eq!(connect("224.0.0.1:80"), ErrorKind::InvalidInput);
        assert_eq!(connect("192.0.2.7:0"), ErrorKind::InvalidInput);
    });
}
