//! What dropping, closing and lingering do.

use std::io::{ErrorKind, Read, Write};
use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::sockets::{TcpListener, TcpStream};

use super::support::*;

#[test]
fn what_was_written_arrives_after_the_stream_is_dropped() {
    bounded(|| {
        let Connected {
            server,
            client,
            accepted,
            mut opened,
            ..
        } = connected();
        let sent = text(3, 500_000);
        opened.write_all(&sent).unwrap();
        drop(opened);
        assert!(read_all(&accepted).unwrap() == sent);
        drop(accepted);
        no_connection_remains(&server);
        no_connection_remains(&client);
    });
}

#[test]
fn a_clone_keeps_the_connection() {
    bounded(|| {
        let mut ends = connected();
        let clone = ends.opened.clone();
        drop(ends.opened);
        ends.accepted.write_all(b"still here").unwrap();
        let mut buffer = [0; 10];
        (&clone).read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"still here");
        drop(clone);
        assert_eq!(read_all(&ends.accepted).unwrap(), b"");
    });
}

#[test]
fn unread_text_resets_the_peer() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"never read").unwrap();
        let start = Instant::now();
        while ends.accepted.status().recv_queue == 0 {
            assert!(start.elapsed() < LONG / 2);
            thread::sleep(Duration::from_millis(1));
        }
        drop(ends.accepted);
        let read = ends.opened.read(&mut [0; 10]);
        assert_eq!(kind(read), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_linger_of_zero_resets() {
    bounded(|| {
        let mut ends = connected();
        ends.accepted.set_linger(Some(Duration::ZERO));
        drop(ends.accepted);
        let read = ends.opened.read(&mut [0; 10]);
        assert_eq!(kind(read), ErrorKind::ConnectionReset);
        drop(ends.opened);
        no_connection_remains(&ends.server);
        no_connection_remains(&ends.client);
    });
}

#[test]
fn lingering_waits_until_the_peer_has_everything() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.set_linger(Some(LONG));
        let sent = text(4, 300_000);
        ends.opened.write_all(&sent).unwrap();
        let id_is_gone = thread::spawn(move || drop(ends.opened));
        assert!(read_all(&ends.accepted).unwrap() == sent);
        id_is_gone.join().unwrap();
        let status = ends.accepted.status();
        assert_eq!(status.bytes_received, sent.len() as u64);
    });
}

#[test]
fn lingering_ends_with_a_reset_when_its_time_is_over() {
    bounded(|| {
        let mut ends = connected();
        let linger = Duration::from_millis(40);
        ends.opened.set_linger(Some(linger));
        // More than the peer's buffer: it cannot have everything while nobody reads.
        ends.opened.set_nonblocking(true);
        while ends.opened.write(&[0; 100_000]).is_ok() {}
        let start = Instant::now();
        drop(ends.opened);
        let took = start.elapsed();
        assert!(took >= linger && took < LONG / 4, "{took:?}");
        let read = read_all(&ends.accepted);
        assert_eq!(kind(read), ErrorKind::ConnectionReset);
        no_connection_remains(&ends.client);
    });
}

/// Text that nobody has read is lost: the peer hears of that, and of no end, however long closing may wait.
#[test]
fn who_leaves_text_unread_does_not_linger() {
    bounded(|| {
        let mut ends = connected();
        ends.accepted.write_all(b"unread").unwrap();
        while ends.opened.status().recv_queue == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        ends.opened.set_linger(Some(LONG));
        drop(ends.opened);
        let read = read_all(&ends.accepted);
        assert_eq!(kind(read), ErrorKind::ConnectionReset);
    });
}

#[test]
fn closing_a_listener_wakes_who_waits_and_resets_who_was_not_accepted() {
    bounded(|| {
        let (server, client) = hosts();
        let listener = Arc::new(TcpListener::bind(&server, (SERVER[0], 7)).unwrap());
        let mut waiting = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();
        let _served = listener.accept().unwrap();
        let mut unaccepted = TcpStream::connect(&client, (SERVER[0], 7)).unwrap();

        listener.close();
        let read = unaccepted.read(&mut [0; 10]);
        assert_eq!(kind(read), ErrorKind::ConnectionReset);
        assert_eq!(kind(listener.accept()), ErrorKind::NotConnected);
        let refused = TcpStream::connect(&client, (SERVER[0], 7));
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);

        // An accepted connection outlives its listener, and the port can be had again.
        waiting.write_all(b"x").unwrap();
        let again = Arc::new(TcpListener::bind(&server, (SERVER[0], 7)).unwrap());
        let acceptors: Vec<_> = (0..3)
            .map(|_| {
                let again = Arc::clone(&again);
                thread::spawn(move || kind(again.accept()))
            })
            .collect();
        thread::sleep(Duration::from_millis(20));
        again.close();
        for acceptor in acceptors {
            assert_eq!(acceptor.join().unwrap(), ErrorKind::NotConnected);
        }
    });
}

#[test]
fn a_thread_that_panics_leaves_no_connection_behind() {
    bounded(|| {
        let Connected {
            server,
            client,
            accepted,
            mut opened,
            ..
        } = connected();
        let panicked = thread::spawn(move || {
            opened.write_all(b"half a mess").unwrap();
            let _kept = opened;
            std::panic::resume_unwind(Box::new("the user's own mistake"));
        });
        assert_eq!(read_all(&accepted).unwrap(), b"half a mess");
        assert!(panicked.join().is_err());
        drop(accepted);
        no_connection_remains(&server);
        no_connection_remains(&client);
    });
}

/// What a user's function does while a listener is being opened is nobody else's business.
#[test]
fn a_change_of_a_listener_may_panic_and_use_the_network() {
    bounded(|| {
        let (server, _client) = hosts();
        let local = addr("192.0.2.1:7");
        let mistaken = catch_unwind(|| {
            server.listen_with(local, |_| {
                std::panic::resume_unwind(Box::new("the user's own mistake"))
            })
        });
        assert!(mistaken.is_err());
        let listener = server.listen_with(local, |listener| {
            listener.backlog = 1 + server.connection_count();
        });
        assert_eq!(listener.unwrap().local_addr(), local);
    });
}
