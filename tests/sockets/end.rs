//! How a network ends.

use std::future::pending;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::link::{Batch, Device, DeviceError};
use stubborn::sockets::{Net, TcpListener, TcpStream, asynchronous};
use stubborn::tcp::Discard;

use super::executor::{Counter, Tasks, block_on, poll, yield_now};
use super::support::*;

#[test]
fn a_device_that_closes_wakes_everybody() {
    bounded(|| {
        let (server, client, mute) = hosts_with_mute();
        let listener = Arc::new(TcpListener::bind(&server, (SERVER[0], 7)).unwrap());
        let opened = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
        let (accepted, _) = listener.accept().unwrap();

        let readers = (0..2).map(|_| {
            let mut stream = accepted.clone();
            thread::spawn(move || kind(stream.read(&mut [0; 10])))
        });
        let acceptors = (0..2).map(|_| {
            let listener = Arc::clone(&listener);
            thread::spawn(move || kind(listener.accept()))
        });
        let connecting = {
            let server = server.clone();
            thread::spawn(move || kind(server.connect(addr("192.0.2.77:7"))))
        };
        let waiting: Vec<_> = readers.chain(acceptors).chain([connecting]).collect();
        thread::sleep(Duration::from_millis(30));

        // The client's host ends without a word, and with it the other end of the device.
        mute.store(true, Ordering::Relaxed);
        let summary = client.shutdown(Duration::ZERO);
        assert_eq!(summary.reset, 1);
        drop((client, opened));
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), ErrorKind::NetworkDown);
        }
        let mut accepted = accepted;
        assert_eq!(kind(accepted.write(b"x")), ErrorKind::NetworkDown);
        assert_eq!(
            kind(server.listen(addr("0.0.0.0:0"))),
            ErrorKind::NetworkDown
        );
        let connect = server.connect(addr("192.0.2.2:7"));
        assert_eq!(kind(connect), ErrorKind::NetworkDown);
    });
}

#[test]
fn what_had_arrived_can_be_read_after_the_device_is_closed() {
    bounded(|| {
        let (server, client, mute) = hosts_with_mute();
        let Connected {
            server: _server,
            client,
            listener: _listener,
            mut accepted,
            mut opened,
        } = connect(server, client);
        opened.write_all(b"just in time").unwrap();
        let start = Instant::now();
        while opened.status().bytes_acked < 12 {
            assert!(start.elapsed() < LONG / 2);
            thread::sleep(Duration::from_millis(1));
        }
        mute.store(true, Ordering::Relaxed);
        client.shutdown(Duration::ZERO);
        drop((client, opened));
        let mut buffer = [0; 12];
        accepted.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"just in time");
        let end = accepted.read(&mut buffer);
        assert_eq!(kind(end), ErrorKind::NetworkDown);
    });
}

#[test]
fn shutting_down_waits_for_what_is_on_its_way() {
    bounded(|| {
        let mut ends = connected();
        let sent = text(5, 400_000);
        ends.opened.write_all(&sent).unwrap();
        let reading = {
            let accepted = ends.accepted;
            // The FIN of its own follows when the stream is dropped.
            thread::spawn(move || read_all(&accepted))
        };
        let summary = ends.client.shutdown(LONG);
        assert_eq!(summary.reset, 0);
        assert!(reading.join().unwrap().unwrap() == sent);
        let write = ends.opened.write(b"x");
        assert_eq!(kind(write), ErrorKind::NetworkDown);
        let read = ends.opened.read(&mut [0; 1]);
        assert_eq!(kind(read), ErrorKind::NetworkDown);
        assert_eq!(
            kind(ends.client.connect(addr("192.0.2.1:7"))),
            ErrorKind::NetworkDown
        );
    });
}

#[test]
fn shutting_down_is_done_as_soon_as_all_have_finished() {
    bounded(|| {
        let Connected {
            server,
            client,
            accepted,
            opened,
            listener,
        } = connected();
        let serving = thread::spawn(move || echo(accepted));
        let start = Instant::now();
        let summary = client.shutdown(LONG);
        assert_eq!(summary.reset, 0);
        assert!(summary.traffic.datagrams_out > 3 && summary.traffic.octets_in > 100);
        assert!(start.elapsed() < LONG / 2);
        serving.join().unwrap().unwrap();
        let summary = server.shutdown(LONG);
        assert_eq!(summary.reset, 0);
        assert_eq!(kind(listener.accept()), ErrorKind::NetworkDown);
        drop(opened);
    });
}

#[test]
fn shutting_down_resets_what_is_not_done_in_time() {
    bounded(|| {
        let mut ends = connected();
        let summary = ends.client.shutdown(Duration::from_millis(30));
        assert_eq!(summary.reset, 1);
        assert!(summary.to_string().ends_with("; 1 connection was reset"));
        let again = ends.client.shutdown(LONG);
        assert_eq!(again.reset, 0, "nothing is left the second time");
        // The FIN, then the reset.
        assert_eq!(ends.accepted.read(&mut [0; 1]).unwrap(), 0);
        let start = Instant::now();
        while ends.accepted.write(b"x").is_ok() {
            assert!(start.elapsed() < LONG / 2);
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// RFC 9293 §3.10.5: ABORT in TIME-WAIT deletes the TCB.
#[test]
fn no_connection_outlives_the_network_in_time_wait() {
    bounded(|| {
        let (left, right) = devices();
        let mut patient = config(CLIENT);
        patient.tcp.msl = LONG;
        let client = Net::start(right, patient).unwrap();
        let Connected {
            client,
            accepted,
            opened,
            ..
        } = connect(start(left, SERVER), client);
        opened.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&accepted).unwrap(), b"");
        drop(accepted);
        assert_eq!(read_all(&opened).unwrap(), b"");
        drop(opened);
        assert_eq!(client.connection_count(), 1, "it is in TIME-WAIT");
        assert_eq!(client.shutdown(Duration::ZERO).reset, 0);
        assert_eq!(client.connection_count(), 0);
    });
}

/// Its connections stay when the device has closed, because what had arrived can still be read.
#[test]
fn no_connection_outlives_the_network_after_its_device() {
    bounded(|| {
        let (server, client, mute) = hosts_with_mute();
        let Connected {
            server,
            client,
            accepted,
            opened,
            ..
        } = connect(server, client);
        mute.store(true, Ordering::Relaxed);
        client.shutdown(Duration::ZERO);
        drop((client, opened));
        assert_eq!(kind((&accepted).read(&mut [0; 1])), ErrorKind::NetworkDown);
        drop(accepted);
        assert_eq!(server.connection_count(), 1);
        assert_eq!(server.shutdown(Duration::ZERO).reset, 1);
        assert_eq!(server.connection_count(), 0);
    });
}

/// More connections than resets leave in one go.
const MANY: usize = 400;

/// So many connections, their ends at `client` and at `server`.
fn many_connections(server: &Net, client: &Net) -> (Vec<TcpStream>, Vec<TcpStream>) {
    let listener = server.listen(addr("192.0.2.1:7")).expect("a free port");
    let connections = (0..MANY).map(|_| {
        let opened = client.connect(addr("192.0.2.1:7")).expect("a connection");
        (opened, listener.accept().expect("the same").0)
    });
    connections.unzip()
}

/// Though they are more than leave in one go, and wait for one another.
#[test]
fn all_connections_are_reset_however_many() {
    bounded(|| {
        let (left, right) = devices();
        let (server, client) = (start(left, SERVER), start(right, CLIENT));
        let (opened, accepted) = many_connections(&server, &client);
        assert_eq!(client.shutdown(Duration::ZERO).reset, MANY);
        drop(opened);
        // A connection is gone when its reset has left.
        assert_eq!(client.connection_count(), 0);
        drop(accepted);
    });
}

/// Whoever drops the last handle leaves it to the network to end: what has not finished after some seconds is reset,
/// all of it, whether what departs is written beside the lock or under it.
#[test]
fn the_last_handle_resets_what_does_not_finish() {
    let resets_all = |server: Net, client: Net| {
        let (opened, accepted) = many_connections(&server, &client);
        drop((client, opened));
        // Nobody closes here: the client's connections wait in FIN-WAIT-2.
        let resets = || server.counters().discarded(Discard::Reset);
        let start = Instant::now();
        while resets() < MANY as u64 {
            assert!(start.elapsed() < LONG / 2, "{} of {MANY}", resets());
            thread::sleep(Duration::from_millis(5));
        }
        drop(accepted);
    };
    bounded(move || {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (server, client) = hosts();
                resets_all(server, client);
            });
            let (server, client, _) = hosts_with_mute();
            resets_all(server, client);
        });
    });
}

#[test]
fn the_last_handle_releases_the_device() {
    bounded(|| {
        let (left, mut right) = devices();
        let net = start(left, SERVER);
        let listener = net.listen(addr("192.0.2.1:7")).unwrap();
        drop(net);
        thread::sleep(Duration::from_millis(20));
        let mut batch = Batch::new(8, 1500);
        assert!(right.receive(&mut batch).is_ok(), "the listener holds it");
        drop(listener);
        let start = Instant::now();
        while !matches!(right.receive(&mut batch), Err(DeviceError::Closed)) {
            assert!(start.elapsed() < LONG / 2, "the device is still held");
            thread::sleep(Duration::from_millis(1));
            batch.clear();
        }
    });
}

#[test]
fn text_on_its_way_arrives_after_the_last_handle_is_dropped() {
    bounded(|| {
        let Connected {
            server: _server,
            client,
            listener: _listener,
            accepted,
            mut opened,
        } = connected();
        let sent = text(6, 400_000);
        opened.write_all(&sent).unwrap();
        drop((client, opened));
        assert!(read_all(&accepted).unwrap() == sent);
    });
}

#[test]
fn a_task_can_wait_for_the_end() {
    bounded(|| {
        let Connected {
            server,
            client,
            accepted,
            opened,
            ..
        } = connected();
        let sent = text(5, 400_000);
        (&opened).write_all(&sent).unwrap();
        let accepted = asynchronous::TcpStream::from(accepted);
        let mut tasks = Tasks::default();
        tasks.spawn(async {
            let summary = asynchronous::shutdown(&client, pending()).await;
            assert_eq!(summary.reset, 0);
            assert!(summary.traffic.octets_out > 400_000);
        });
        tasks.spawn(async {
            let mut arrived = vec![0; sent.len()];
            accepted.read_exact(&mut arrived).await.unwrap();
            assert!(arrived == sent);
            assert_eq!(accepted.read(&mut [0; 1]).await.unwrap(), 0);
            accepted.shutdown(Shutdown::Write).unwrap();
        });
        tasks.run();
        assert_eq!(kind((&opened).write(b"x")), ErrorKind::NetworkDown);
        drop(server);
    });
}

/// What has not finished when the grace ends is reset; what is dropped before that ends nothing.
#[test]
fn a_task_waits_for_the_end_as_long_as_it_likes() {
    bounded(|| {
        let ends = connected();
        let task = Arc::new(Counter::default());
        let mut dropped = Box::pin(asynchronous::shutdown(&ends.client, pending()));
        assert!(poll(dropped.as_mut(), &task).is_pending());
        drop(dropped);
        // Closed, but there.
        assert_eq!((&ends.accepted).read(&mut [0; 1]).unwrap(), 0);
        assert_eq!(ends.client.connection_count(), 1);
        let over = async { yield_now().await };
        let summary = block_on(asynchronous::shutdown(&ends.client, over));
        assert_eq!(summary.reset, 1);
        let again = block_on(asynchronous::shutdown(&ends.client, pending()));
        assert_eq!(again.reset, 0, "nothing is left the second time");
        assert_eq!(task.woken(), 0);
    });
}
