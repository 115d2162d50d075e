//! Users who do what makes no sense: sizes of nothing and of everything, times of nothing and of ages, calls from
//! within calls, and any call at any moment from many threads and tasks. Nothing may panic, hang or be lost, and the
//! network must go on for others.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::future::Future;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use stubborn::config::{Keepalive, SocketOptions};
use stubborn::sockets::{Net, TcpListener, TcpStream, UdpSocket, asynchronous};

use super::executor::block_on;
use super::support::*;

const SHORT: Duration = Duration::from_millis(20);

/// The network still does what it is for.
fn goes_on(server: &Net, client: &Net) {
    let listener = TcpListener::bind(server, (SERVER[1], 0)).unwrap();
    let mut opened = TcpStream::connect(client, listener.local_addr()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let serving = thread::spawn(move || echo(accepted));
    let said = text(7, 10_000);
    opened.write_all(&said).unwrap();
    let mut heard = vec![0; said.len()];
    opened.read_exact(&mut heard).unwrap();
    assert_eq!(heard, said);
    drop(opened);
    serving.join().unwrap().unwrap();
}

#[test]
fn a_reader_that_claims_to_have_consumed_everything_there_is_has() {
    bounded(|| {
        let mut ends = connected();
        ends.accepted.write_all(b"abc").unwrap();
        let mut reader = ends.opened.reader();
        assert_eq!(reader.fill_buf().unwrap(), b"abc");
        reader.consume(1);
        reader.consume(usize::MAX);
        reader.consume(usize::MAX);
        ends.accepted.write_all(b"d").unwrap();
        assert_eq!(reader.fill_buf().unwrap(), b"d");
        reader.consume(0);
        drop(reader);
        assert_eq!(ends.opened.read(&mut [0; 9]).unwrap(), 1);
    });
}

/// What `fill` writes by other calls comes before what it writes in place.
#[test]
fn a_write_may_make_any_call() {
    bounded(|| {
        let ends = connected();
        let stream = &ends.opened;
        let copy = |room: &mut [u8], text: &[u8]| {
            room[..text.len()].copy_from_slice(text);
            text.len()
        };
        let len = stream.write_in_place(10, |room| {
            assert_eq!((&*stream).write(b"one ").unwrap(), 4);
            let nested = stream.write_in_place(usize::MAX, |room| copy(room, b"two "));
            assert_eq!(nested.unwrap(), 4);
            assert_eq!(kind(stream.try_read(&mut [0; 9])), ErrorKind::WouldBlock);
            stream.set_nodelay(true);
            drop(stream.clone());
            copy(room, b"three ")
        });
        assert_eq!(len.unwrap(), 6);
        let claimed = stream.write_in_place(5, |room| {
            copy(room, b"four ");
            usize::MAX
        });
        assert_eq!(claimed.unwrap(), 5, "no more than there is");
        assert_eq!(stream.write_in_place(5, |_| 0).unwrap(), 0);
        let panicked = AssertUnwindSafe(|| stream.write_in_place(5, |_| panic!("a test")));
        assert!(catch_unwind(panicked).is_err());
        let closed = stream.write_in_place(5, |room| {
            stream.shutdown(Shutdown::Write).unwrap();
            room.len()
        });
        assert_eq!(kind(closed), ErrorKind::BrokenPipe);
        assert_eq!(read_all(&ends.accepted).unwrap(), b"one two three four ");
        goes_on(&ends.server, &ends.client);
    });
}

#[test]
fn sizes_of_nothing_and_of_everything() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(ends.opened.read(&mut []).unwrap(), 0);
        assert_eq!(ends.opened.peek(&mut []).unwrap(), 0);
        assert_eq!(ends.opened.write(&[]).unwrap(), 0);
        assert_eq!(ends.opened.write_vectored(&[]).unwrap(), 0);
        assert_eq!(ends.opened.write_in_place(0, |_| 9).unwrap(), 0);
        let mut large = vec![0; 64 << 20];
        assert_eq!(kind(ends.opened.read(&mut large)), ErrorKind::WouldBlock);
        ends.accepted.write_all(b"abc").unwrap();
        assert_eq!(ends.opened.peek(&mut large).unwrap(), 3);
        assert_eq!(ends.opened.read(&mut large).unwrap(), 3);
        assert_eq!(ends.opened.send_urgent(&[]).unwrap(), 0);

        let any = UdpSocket::bind(&ends.server, addr_of(SERVER[0], 0)).unwrap();
        let to = any.local_addr();
        let socket = UdpSocket::bind(&ends.client, addr("0.0.0.0:0")).unwrap();
        for fragments in [false, true] {
            socket.set_fragments(fragments);
            let most = socket.max_datagram();
            assert_eq!(socket.send_to(&large[..most], to).unwrap(), most);
            assert_eq!(any.recv_from(&mut []).unwrap().0, 0, "the rest is lost");
            for len in [most + 1, 65_536, large.len()] {
                let refused = socket.send_to(&large[..len], to);
                assert_eq!(kind(refused), ErrorKind::InvalidInput, "{len}");
            }
        }
        assert_eq!(socket.send_to(&[], to).unwrap(), 0);
        assert_eq!(any.peek_from(&mut large).unwrap().0, 0);
        assert_eq!(any.recv_from(&mut large).unwrap().0, 0);
        for backlog in [0, usize::MAX] {
            let listener = ends
                .server
                .listen_with_backlog(addr_of(SERVER[0], 0), backlog);
            let address = listener.as_ref().unwrap().local_addr();
            TcpStream::connect(&ends.client, address).unwrap();
        }
        goes_on(&ends.server, &ends.client);
    });
}

#[test]
fn times_of_nothing_and_of_ages() {
    bounded(|| {
        let mut ends = connected();
        let ages = Some(Duration::MAX);
        let connect = |time| {
            ends.client
                .connect_timeout(ends.listener.local_addr(), time)
        };
        // As in the standard library: nothing leaves.
        assert_eq!(kind(connect(Duration::ZERO)), ErrorKind::InvalidInput);
        assert_eq!(ends.client.connection_count(), 1);
        drop(connect(Duration::MAX).unwrap());
        ends.opened.set_read_timeout(ages).unwrap();
        ends.opened.set_write_timeout(ages).unwrap();
        ends.listener.set_accept_timeout(ages).unwrap();
        ends.opened.set_user_timeout(ages).unwrap();
        ends.opened.set_linger(ages);
        for (idle, interval, count) in [
            (Duration::MAX, Duration::MAX, u32::MAX),
            (Duration::ZERO, Duration::from_nanos(1), u32::MAX),
        ] {
            let keepalive = Keepalive {
                idle,
                interval,
                count,
            };
            ends.opened.set_keepalive(Some(keepalive)).unwrap();
            ends.opened.write_all(b"abc").unwrap();
            ends.accepted.read_exact(&mut [0; 3]).unwrap();
            thread::sleep(SHORT);
        }
        ends.opened.set_keepalive(None).unwrap();
        ends.accepted.write_all(b"abc").unwrap();
        assert_eq!(ends.opened.read(&mut [0; 9]).unwrap(), 3);
        // It waits for the peer, and no longer.
        ends.opened.write_all(b"abc").unwrap();
        drop(ends.opened);
        assert_eq!(read_all(&ends.accepted).unwrap(), b"abc");
        drop(ends.accepted);
        goes_on(&ends.server, &ends.client);
        drop(ends.listener);
        assert_eq!(ends.server.shutdown(Duration::MAX).reset, 0);
        ends.client.shutdown(Duration::ZERO);
    });
}

#[test]
fn options_of_nothing_and_of_everything() {
    bounded(|| {
        for size in [0, 1, usize::MAX] {
            let Connected {
                server,
                client,
                listener: _listener,
                accepted,
                mut opened,
            } = connected();
            let options = SocketOptions {
                receive_buffer: Some(size),
                send_buffer: Some(size),
                unsent_low_water: Some(size),
                window_clamp: Some(size.max(1)),
                // A pace of an octet a second is one.
                max_pacing_rate: Some((size as u64).max(1_000_000)),
                syn_retries: Some(size as u32),
                traffic_class: size as u8,
                ..SocketOptions::default()
            };
            opened.set_options(options).unwrap();
            accepted.set_options(options).unwrap();
            let serving = thread::spawn(move || echo(accepted));
            let said = text(3, 100);
            opened.set_nodelay(true);
            for octet in said.chunks(7) {
                opened.write_all(octet).unwrap();
                let mut heard = vec![0; octet.len()];
                opened.read_exact(&mut heard).unwrap();
                assert_eq!(heard, octet);
            }
            drop(opened);
            serving.join().unwrap().unwrap();
            goes_on(&server, &client);
        }
    });
}

/// RFC 1122 §3.2.1.7: nothing is sent with a TTL of zero.
#[test]
fn a_ttl_of_zero_is_refused() {
    bounded(|| {
        let ends = connected();
        let options = SocketOptions {
            hop_limit: Some(0),
            ..ends.opened.options()
        };
        assert_eq!(
            kind(ends.opened.set_options(options)),
            ErrorKind::InvalidInput
        );
        let to = ends.listener.local_addr();
        let opened = (ends.client).connect_with(to, |opening| opening.tcp.socket = options);
        assert_eq!(kind(opened), ErrorKind::InvalidInput);
        let at = addr_of(SERVER[0], 0);
        let listens = (ends.server).listen_with(at, |listener| listener.tcp.socket = options);
        assert_eq!(kind(listens), ErrorKind::InvalidInput);
        goes_on(&ends.server, &ends.client);
    });
}

/// Threads set options of one socket, each another: none loses what it has set.
#[test]
fn threads_set_options_side_by_side() {
    bounded(|| {
        let (server, _client) = hosts();
        let socket = UdpSocket::bind(&server, addr_of(SERVER[0], 0)).unwrap();
        let each = |set: &dyn Fn(bool), has: &dyn Fn() -> bool| {
            for round in 0..200_000 {
                let value = round % 2 == 0;
                set(value);
                assert_eq!(has(), value, "in round {round}");
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                each(&|it| socket.set_fragments(it), &|| {
                    socket.options().fragments
                })
            });
            each(&|it| socket.set_broadcast(it), &|| socket.broadcast());
        });
    });
}

/// Any call of a stream, at any moment. Whatever it answers, it answers.
fn any_call(stream: &TcpStream, chance: &mut Chance, buffer: &mut [u8]) {
    let most = chance.below(buffer.len());
    let mut writer = stream;
    match chance.below(20) {
        0..4 => drop(stream.try_read(&mut buffer[..most])),
        4..8 => drop(stream.try_write(&buffer[..most])),
        8 => drop(stream.peek(&mut buffer[..most])),
        9 => drop((&*stream).read(&mut buffer[..most])),
        10 => drop(writer.write(&buffer[..most])),
        11 => {
            let mut reader = stream.reader();
            let len = reader.fill_buf().map_or(0, <[u8]>::len);
            reader.consume(len / 2);
        }
        12 => drop(stream.write_in_place(most, |room| room.len())),
        13 => drop(stream.send_urgent(&buffer[..most.min(3)])),
        14 => stream.set_nodelay(most.is_multiple_of(2)),
        15 => drop(stream.set_options(SocketOptions {
            receive_buffer: Some(most),
            send_buffer: Some(most),
            ..stream.options()
        })),
        16 => {
            let _ = (stream.status(), stream.at_mark(), stream.urgent_mark());
        }
        17 => drop(stream.clone()),
        18 => drop(stream.take_error()),
        _ if most == 0 => drop(stream.shutdown(Shutdown::Both)),
        _ => drop(stream.set_congestion_control("reno".parse().unwrap())),
    }
}

/// Many threads call whatever they like on the two ends of a few connections, and let go of them at any moment.
#[test]
fn any_calls_from_many_threads() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).unwrap();
        listener.set_accept_timeout(Some(SHORT)).unwrap();
        for round in 1..=6 {
            let opened = TcpStream::connect(&client, listener.local_addr()).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            let threads: Vec<_> = (0..8_u64)
                .map(|number| {
                    let stream = if number % 2 == 0 { &opened } else { &accepted };
                    let stream = stream.clone();
                    stream.set_read_timeout(Some(SHORT / 10)).unwrap();
                    stream.set_write_timeout(Some(SHORT / 10)).unwrap();
                    thread::spawn(move || {
                        let mut chance = Chance::new(round * 1000 + number);
                        let mut buffer = vec![number as u8; 20_000];
                        let begun = Instant::now();
                        while begun.elapsed() < 10 * SHORT {
                            any_call(&stream, &mut chance, &mut buffer);
                        }
                        if number % 3 == 0 {
                            stream.set_linger(Some(Duration::ZERO));
                        }
                    })
                })
                .collect();
            drop((opened, accepted));
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        }
        goes_on(&server, &client);
        drop(listener);
        no_connection_remains(&client);
        no_connection_remains(&server);
    });
}

/// Listeners and UDP sockets are opened, used and closed by many threads at the same few ports.
#[test]
fn any_sockets_from_many_threads() {
    bounded(|| {
        let (server, client) = hosts();
        thread::scope(|scope| {
            for number in 0..8_u64 {
                let (server, client) = (&server, &client);
                scope.spawn(move || {
                    let mut chance = Chance::new(number);
                    let begun = Instant::now();
                    while begun.elapsed() < 25 * SHORT {
                        let port = 7 + chance.below(3) as u16;
                        any_socket(server, client, &mut chance, port);
                    }
                });
            }
        });
        goes_on(&server, &client);
        no_connection_remains(&client);
        no_connection_remains(&server);
    });
}

fn any_socket(server: &Net, client: &Net, chance: &mut Chance, port: u16) {
    let address = addr_of(SERVER[chance.below(2)], port);
    match chance.below(5) {
        0 => {
            if let Ok(listener) = server.listen_with_backlog(address, chance.below(3)) {
                let _ = listener.set_accept_timeout(Some(SHORT / 10));
                let accepted = listener.accept();
                listener.close();
                drop((accepted, listener.accept()));
            }
        }
        1 => {
            if let Ok(mut stream) = client.connect_timeout(address, SHORT / 4) {
                let _ = stream.write(b"anything");
            }
        }
        2 => {
            let sent = client.connect_sending(address, b"anything");
            drop(sent.map(|(stream, _)| stream.try_read(&mut [0; 9])));
        }
        3 => {
            if let Ok(socket) = UdpSocket::bind(server, address) {
                let _ = socket.set_read_timeout(Some(SHORT / 10));
                let _ = socket.connect(addr_of(CLIENT[0], port));
                let _ = socket.send(b"anything");
                drop(socket.recv_from(&mut [0; 9]));
            }
        }
        _ => {
            if let Ok(socket) = UdpSocket::bind(client, addr_of(CLIENT[0], port)) {
                let _ = socket.send_to(b"anything", address);
                let _ = socket.connect(address);
                drop((socket.send(b"more"), socket.take_error()));
            }
        }
    }
}

/// Polls as often as chance says, then lets go.
fn poll_some<T>(future: impl Future<Output = T>, chance: &mut Chance) {
    let mut future: Pin<Box<dyn Future<Output = T>>> = Box::pin(future);
    for _ in 0..chance.below(4) {
        let mut context = Context::from_waker(Waker::noop());
        if future.as_mut().poll(&mut context).is_ready() {
            return;
        }
    }
}

/// Futures of all kinds are begun, polled a few times and dropped, by tasks that nobody wakes.
#[test]
fn any_futures_polled_and_dropped() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = asynchronous::TcpListener::bind(&server, addr_of(SERVER[0], 7)).unwrap();
        let address = listener.local_addr();
        let opened = block_on(asynchronous::TcpStream::connect(&client, address)).unwrap();
        let (accepted, _) = block_on(listener.accept()).unwrap();
        let socket = asynchronous::UdpSocket::bind(&server, addr_of(SERVER[0], 9)).unwrap();
        thread::scope(|scope| {
            for number in 0..4_u64 {
                let (listener, opened, accepted) = (&listener, &opened, &accepted);
                let (client, socket) = (&client, &socket);
                scope.spawn(move || {
                    let mut chance = Chance::new(number);
                    let mut buffer = vec![0; 20_000];
                    let begun = Instant::now();
                    while begun.elapsed() < 25 * SHORT {
                        let stream = [opened, accepted][chance.below(2)];
                        let most = chance.below(buffer.len());
                        let chance = &mut chance;
                        match chance.below(11) {
                            0 => poll_some(stream.read(&mut buffer[..most]), chance),
                            1 => poll_some(stream.write(&buffer[..most]), chance),
                            2 => poll_some(stream.peek(&mut buffer[..most]), chance),
                            3 => poll_some(stream.readable(), chance),
                            4 => poll_some(stream.writable(), chance),
                            5 => poll_some(stream.read_exact(&mut buffer[..most]), chance),
                            6 => poll_some(stream.write_all(&buffer[..most]), chance),
                            7 => poll_some(listener.accept(), chance),
                            8 => {
                                let connect = asynchronous::TcpStream::connect(client, address);
                                poll_some(connect, chance);
                            }
                            9 => poll_some(socket.recv_from(&mut buffer[..most]), chance),
                            _ => {
                                let to = addr_of(SERVER[0], 9);
                                poll_some(socket.send_to(&buffer[..most], to), chance);
                            }
                        }
                    }
                });
            }
        });
        goes_on(&server, &client);
        drop((opened, accepted, listener));
        no_connection_remains(&client);
        no_connection_remains(&server);
    });
}

/// A waker that uses the socket that it was waiting for, and lets go of another.
struct Nosy {
    stream: TcpStream,
    other: Mutex<Option<TcpStream>>,
    woken: AtomicUsize,
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _ = self.stream.try_read(&mut [0; 1]);
        let _ = self.stream.try_write(b"x");
        drop(self.other.lock().map(|mut other| other.take()));
        self.woken.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_waker_may_make_any_call() {
    bounded(|| {
        let mut ends = connected();
        let other = TcpStream::connect(&ends.client, ends.listener.local_addr()).unwrap();
        let waker = Arc::new(Nosy {
            stream: ends.opened.clone(),
            other: Mutex::new(Some(other)),
            woken: AtomicUsize::new(0),
        });
        let stream = asynchronous::TcpStream::from(ends.opened.clone());
        let mut buffer = [0; 9];
        for round in 1..=10 {
            let polled = stream.poll_read(
                &mut Context::from_waker(&Waker::from(Arc::clone(&waker))),
                &mut buffer,
            );
            assert!(matches!(polled, Poll::Pending), "{polled:?}");
            ends.accepted.write_all(b"a").unwrap();
            while waker.woken.load(Ordering::Relaxed) < round {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let mut heard = [0; 10];
        ends.accepted.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"xxxxxxxxxx");
        goes_on(&ends.server, &ends.client);
    });
}

/// Panics when it is woken.
struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("a test");
    }
}

/// Whether the background thread wakes it, or a thread that waits for something else: the others are woken, and
/// somebody still receives.
#[test]
fn a_waker_that_panics_stops_nobody_else() {
    bounded(|| {
        for others_wait in [false, true] {
            let ends = connected();
            let waiting = others_wait.then(|| {
                let listener = ends.listener;
                thread::spawn(move || listener.accept().map(drop))
            });
            thread::sleep(SHORT);
            let stream = asynchronous::TcpStream::from(ends.opened.clone());
            let panicking = Waker::from(Arc::new(Panicking));
            let mut buffer = [0; 9];
            let polled = stream.poll_read(&mut Context::from_waker(&panicking), &mut buffer);
            assert!(matches!(polled, Poll::Pending), "{polled:?}");
            let mut reader = ends.opened.clone();
            let reading = thread::spawn(move || reader.read(&mut [0; 9]));
            thread::sleep(SHORT);
            (&ends.accepted).write_all(b"abc").unwrap();
            assert_eq!(reading.join().unwrap().unwrap(), 3);
            goes_on(&ends.server, &ends.client);
            ends.server.shutdown(Duration::ZERO);
            if let Some(waiting) = waiting {
                assert!(waiting.join().unwrap().is_err());
            }
            ends.client.shutdown(Duration::ZERO);
        }
    });
}
