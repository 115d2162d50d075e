//! Writers of long text over a short path, which take turns.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use stubborn::driver::memory;
use stubborn::sockets::{TcpListener, TcpStream};

use super::support::{CLIENT, SERVER, bounded, start, text};

/// Octets of a datagram.
const MTU: usize = 32_000;

/// What each writes, in octets: more than it takes to have turns.
const OCTETS: usize = 6 << 20;

/// Octets of a write.
const LEN: usize = 128 * 1024;

/// Writes all that there is to write, in the manner of the one with this number.
fn write(stream: &mut TcpStream, number: u64, text: &[u8]) {
    if number == 2 {
        stream
            .set_write_timeout(Some(Duration::from_micros(300)))
            .expect("it is not zero");
    }
    for mut rest in text.chunks(LEN) {
        while !rest.is_empty() {
            match stream.write(rest) {
                Ok(len) => rest = &rest[len..],
                Err(error) if number == 2 => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                Err(error) => {
                    assert_eq!(number, 3, "{error}");
                    return;
                }
            }
        }
        if number == 1 {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// One goes away amid its turn and stays open, one sleeps after each write, one has no patience, and one is
/// reset: the others write all they have, and so do these, but the last.
#[test]
fn who_does_not_use_its_turn_to_write_holds_nobody_up() {
    bounded(|| {
        let (left, right) = memory::pair(MTU).expect("descriptors");
        let (server, client) = (start(left, SERVER), start(right, CLIENT));
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).expect("a listener");
        let (gone, stays) = mpsc::channel::<()>();
        let mut stays = Some(stays);
        let mut threads = Vec::new();
        for number in 0..6 {
            let mut opened =
                TcpStream::connect(&client, listener.local_addr()).expect("a connection");
            let (mut accepted, _) = listener.accept().expect("the connection");
            // The first stays open then, and of what the fourth writes only half is read.
            let written = if number == 0 { OCTETS / 2 } else { OCTETS };
            let read = if number == 3 { OCTETS / 2 } else { written };
            let stays = stays.take();
            threads.push(thread::spawn(move || {
                write(&mut opened, number, &text(number, written));
                if let Some(stays) = stays {
                    // Until all others have ended.
                    assert!(stays.recv().is_err());
                }
                // The one that is reset cannot.
                let _ = opened.shutdown(Shutdown::Write);
                let _ = opened.read(&mut [0]);
            }));
            threads.push(thread::spawn(move || {
                let mut received = vec![0; read];
                accepted.read_exact(&mut received).expect("text");
                assert!(received == text(number, read), "stream {number}");
            }));
        }
        let mut threads = threads.into_iter();
        let first = threads.next();
        threads.for_each(|thread| thread.join().expect("its text comes"));
        drop(gone);
        first
            .expect("the first of all")
            .join()
            .expect("its text has come");
    });
}
