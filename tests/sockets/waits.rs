//! Waiting, and not waiting.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::sockets::{TcpListener, TcpStream};

use super::support::*;

const SHORT: Duration = Duration::from_millis(40);

/// What `call` gives, which must come after about [`SHORT`].
fn after_short<T>(call: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = call();
    let took = start.elapsed();
    assert!(took >= SHORT, "after {took:?} already");
    assert!(took < LONG / 4, "only after {took:?}");
    answer
}

#[test]
fn every_wait_ends_with_its_timeout() {
    bounded(|| {
        let mut ends = connected();
        let mut buffer = [0; 10];

        ends.listener.set_accept_timeout(Some(SHORT)).unwrap();
        let accepted = after_short(|| ends.listener.accept());
        assert_eq!(kind(accepted), ErrorKind::WouldBlock);

        ends.opened.set_read_timeout(Some(SHORT)).unwrap();
        let read = after_short(|| ends.opened.read(&mut buffer));
        assert_eq!(kind(read), ErrorKind::WouldBlock);
        // The lead is another's, so that this thread parks.
        let other = ends.accepted.clone();
        let leading = thread::spawn(move || read_all(&other));
        let read = after_short(|| ends.opened.read(&mut buffer));
        assert_eq!(kind(read), ErrorKind::WouldBlock);

        ends.opened.set_write_timeout(Some(SHORT)).unwrap();
        ends.opened.write_all(b"done").unwrap();
        ends.opened.shutdown(Shutdown::Write).unwrap();
        assert_eq!(leading.join().unwrap().unwrap(), b"done");

        // Nobody reads: the buffers fill.
        ends.accepted.set_write_timeout(Some(SHORT)).unwrap();
        let chunk = vec![0; 1 << 20];
        let stuck = loop {
            let start = Instant::now();
            if let Err(error) = ends.accepted.write(&chunk) {
                assert!(start.elapsed() >= SHORT);
                break error;
            }
        };
        assert_eq!(stuck.kind(), ErrorKind::WouldBlock);
        let zero = ends.opened.set_read_timeout(Some(Duration::ZERO));
        assert_eq!(kind(zero), ErrorKind::InvalidInput);
    });
}

#[test]
fn threads_of_one_stack_time_out_while_another_leads() {
    bounded(|| {
        let ends = connected();
        let leader = ends.accepted.clone();
        let leading = thread::spawn(move || read_all(&leader));
        thread::sleep(SHORT);
        // The same stack: this one parks.
        ends.listener.set_accept_timeout(Some(SHORT)).unwrap();
        let accepted = after_short(|| ends.listener.accept());
        assert_eq!(kind(accepted), ErrorKind::WouldBlock);
        drop(ends.opened);
        assert_eq!(leading.join().unwrap().unwrap(), b"");
    });
}

#[test]
fn a_silent_host_is_given_up_after_the_timeout() {
    bounded(|| {
        let (left, _silent) = devices();
        let client = start(left, CLIENT);
        let connect = after_short(|| client.connect_timeout(addr("192.0.2.1:7"), SHORT));
        assert_eq!(kind(connect), ErrorKind::TimedOut);
        no_connection_remains(&client);
    });
}

/// As many as the listener was given room for.
#[test]
fn the_number_of_those_that_wait_to_be_accepted_is_bounded() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = server.listen_with_backlog(addr("192.0.2.1:7"), 2).unwrap();
        let connect = || client.connect_timeout(listener.local_addr(), SHORT * 10);
        let waiting = [connect().unwrap(), connect().unwrap()];
        assert_eq!(kind(connect()), ErrorKind::TimedOut);
        let (_, first) = listener.accept().unwrap();
        assert_eq!(first, waiting[0].local_addr());
        connect().unwrap();
    });
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    bounded(|| {
        let (_server, client) = hosts();
        for address in SERVER {
            let refused = TcpStream::connect(&client, (address, 81));
            assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
        }
        no_connection_remains(&client);
    });
}

#[test]
fn a_socket_that_does_not_block_says_so() {
    bounded(|| {
        let mut ends = connected();
        ends.listener.set_nonblocking(true);
        assert_eq!(kind(ends.listener.accept()), ErrorKind::WouldBlock);
        assert_eq!(kind(ends.listener.try_accept()), ErrorKind::WouldBlock);

        let mut buffer = [0; 10];
        assert_eq!(
            kind(ends.opened.try_read(&mut buffer)),
            ErrorKind::WouldBlock
        );
        ends.opened.set_nonblocking(true);
        assert_eq!(kind(ends.opened.read(&mut buffer)), ErrorKind::WouldBlock);
        assert_eq!(ends.opened.read(&mut []).unwrap(), 0, "nothing was asked");

        let chunk = text(1, 100_000);
        let mut written = 0;
        let full = loop {
            match ends.opened.write(&chunk) {
                Ok(len) => written += len,
                Err(error) => break error,
            }
            assert!(written < 64 << 20, "the buffers have no end");
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);

        // Nobody waits, yet all arrives: the background thread leads.
        ends.accepted.set_nonblocking(true);
        let mut received = 0;
        let start = Instant::now();
        while received < written {
            match ends.accepted.try_read(&mut vec![0; 100_000]) {
                Ok(len) => received += len,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            assert!(start.elapsed() < LONG / 2, "{received} of {written}");
        }
    });
}

#[test]
fn shutting_down_for_reading_wakes_the_reader() {
    bounded(|| {
        for leads in [true, false] {
            let ends = connected();
            let other = ends.listener;
            // A thread that already leads makes the reader park.
            let leading = (!leads).then(|| {
                let other = Arc::new(other);
                let accepting = Arc::clone(&other);
                let thread = thread::spawn(move || kind(accepting.accept()));
                thread::sleep(SHORT);
                (other, thread)
            });
            let mut reader = ends.accepted.clone();
            let reading = thread::spawn(move || reader.read(&mut [0; 10]));
            thread::sleep(SHORT);
            ends.accepted.shutdown(Shutdown::Read).unwrap();
            assert_eq!(reading.join().unwrap().unwrap(), 0);
            if let Some((listener, thread)) = leading {
                listener.close();
                assert_eq!(thread.join().unwrap(), ErrorKind::NotConnected);
            }
        }
    });
}

#[test]
fn an_accept_that_waits_leads_for_connections_that_do_not() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).unwrap();
        let accepting = thread::spawn(move || {
            let (first, _) = listener.accept().unwrap();
            let (second, _) = listener.accept().unwrap();
            (first, second)
        });
        let mut first = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
        // Acknowledged although its server's threads only wait for another connection.
        first.write_all(b"early").unwrap();
        let start = Instant::now();
        while first.status().bytes_acked < 5 {
            assert!(start.elapsed() < LONG / 2);
            thread::sleep(Duration::from_millis(1));
        }
        let _second = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
        let (mut accepted, _) = accepting.join().unwrap();
        let mut early = [0; 5];
        accepted.read_exact(&mut early).unwrap();
        assert_eq!(&early, b"early");
    });
}

/// Every octet is an exchange of its own, on more connections than there are processors: a wake-up
/// that is lost would end it here, and one that is needless is counted.
#[test]
fn no_wake_up_is_lost_and_hardly_one_is_needless() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).unwrap();
        let serving = thread::spawn({
            move || {
                let accepted = (0..8).map(|_| listener.accept().unwrap().0);
                let threads = accepted.map(|stream| thread::spawn(move || echo(stream)));
                let threads: Vec<_> = threads.collect();
                (threads.into_iter()).for_each(|thread| thread.join().unwrap().unwrap());
            }
        });
        let asking: Vec<_> = (0..8)
            .map(|_| {
                let mut stream = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
                stream.set_read_timeout(Some(LONG / 4)).unwrap();
                thread::spawn(move || {
                    for round in 0..500 {
                        let said = [round as u8];
                        stream.write_all(&said).unwrap();
                        let mut heard = [0];
                        stream.read_exact(&mut heard).unwrap();
                        assert_eq!(heard, said);
                    }
                })
            })
            .collect();
        asking.into_iter().for_each(|thread| thread.join().unwrap());
        serving.join().unwrap();
        for net in [server, client] {
            let waking = net.waking();
            assert!(waking.in_vain * 20 <= waking.parked, "{waking:?}");
        }
    });
}

/// Connections come several at once; many threads wait to accept, and one takes what it finds. Each
/// connection finds one of them: if a call to accept were lost, this would end here.
#[test]
fn each_connection_finds_one_of_many_who_accept() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).unwrap();
        let ask = || {
            for _ in 0..100 {
                let mut stream = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
                stream.set_read_timeout(Some(LONG / 4)).unwrap();
                stream.write_all(b"x").unwrap();
                stream.read_exact(&mut [0]).unwrap();
            }
        };
        let serve = || {
            while let Ok((stream, _)) = listener.accept() {
                echo(stream).unwrap();
            }
        };
        let take = || loop {
            match listener.try_accept() {
                Ok((stream, _)) => echo(stream).unwrap(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                Err(_) => break,
            }
        };
        thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(serve)));
            scope.spawn(take);
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().for_each(|thread| thread.join().unwrap());
            listener.close();
        });
    });
}

/// A thread that waits moves every packet of its connection itself: it is never woken by another.
#[test]
fn an_exchange_crosses_no_thread() {
    bounded(|| {
        let mut ends = connected();
        let serving = thread::spawn(move || echo(ends.accepted));
        let before = ends.client.waking();
        for _ in 0..200 {
            ends.opened.write_all(b"x").unwrap();
            ends.opened.read_exact(&mut [0]).unwrap();
        }
        assert_eq!(ends.client.waking().parked, before.parked);
        assert_eq!(ends.server.waking().in_vain, 0);
        drop(ends.opened);
        serving.join().unwrap().unwrap();
    });
}

/// However long the network is looked at before a thread sleeps, it gets its answers and times out.
#[test]
fn a_busy_wait_is_a_wait() {
    bounded(|| {
        for busy_poll in [Duration::from_micros(50), SHORT / 2, LONG / 60] {
            let (left, right) = devices();
            let [server, client] = [(left, SERVER), (right, CLIENT)].map(|(device, addresses)| {
                let config = stubborn::config::Config {
                    busy_poll,
                    ..config(addresses)
                };
                stubborn::sockets::Net::start(device, config).unwrap()
            });
            let mut ends = connect(server, client);
            ends.opened.set_read_timeout(Some(SHORT)).unwrap();
            let read = after_short(|| ends.opened.read(&mut [0; 10]));
            assert_eq!(kind(read), ErrorKind::WouldBlock);
            ends.opened.set_read_timeout(None).unwrap();
            let serving = thread::spawn(move || echo(ends.accepted));
            for _ in 0..100 {
                ends.opened.write_all(b"x").unwrap();
                ends.opened.read_exact(&mut [0]).unwrap();
            }
            drop(ends.opened);
            serving.join().unwrap().unwrap();
        }
    });
}
