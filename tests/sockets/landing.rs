//! Text that is received into the buffer of a user who waits for it.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use stubborn::driver::memory;
use stubborn::sockets::{TcpListener, TcpStream};

use super::support::{CLIENT, SERVER, bounded, start, text};

/// Octets of a datagram: long enough for its text to land.
const MTU: usize = 32_000;

/// Streams at once, of this many octets, each read into a large buffer by a thread of its own: whichever
/// leads, and whatever comes in between for others, each gets its own text, in order.
fn streams_arrive_whole(streams: u64, octets: usize) -> u64 {
    let (left, right) = memory::pair(MTU).expect("descriptors");
    let (server, client) = (start(left, SERVER), start(right, CLIENT));
    let listener = TcpListener::bind(&server, (SERVER[0], 7)).expect("a listener");
    let threads: Vec<_> = (0..streams)
        .flat_map(|seed| {
            let mut opened =
                TcpStream::connect(&client, listener.local_addr()).expect("a connection");
            let (mut accepted, _) = listener.accept().expect("the connection");
            let sent = text(seed, octets);
            let expected = sent.clone();
            let writer = thread::spawn(move || {
                opened.write_all(&sent).expect("it is open");
                opened.shutdown(Shutdown::Write).expect("it is open");
                // Until the other end is closed, too.
                assert!(matches!(opened.read(&mut [0]), Ok(0)));
            });
            let reader = thread::spawn(move || {
                let (mut buffer, mut received) = (vec![0; 100_000], Vec::new());
                loop {
                    match accepted.read(&mut buffer).expect("text, or the end") {
                        0 => break,
                        len => received.extend_from_slice(&buffer[..len]),
                    }
                }
                assert!(received == expected, "stream {seed} was changed on the way");
            });
            [writer, reader]
        })
        .collect();
    for thread in threads {
        thread.join().expect("its text is right");
    }
    server.counters().landed
}

#[test]
fn text_lands_and_is_what_was_sent() {
    bounded(|| {
        let landed = streams_arrive_whole(1, 8 << 20);
        assert!(landed > 0, "nothing landed");
    });
}

#[test]
fn text_of_several_streams_lands_with_whom_it_is_for() {
    bounded(|| {
        streams_arrive_whole(4, 4 << 20);
    });
}

/// Readers of long text take turns. One goes away amid its turn, one sleeps for a while after each read,
/// and one reads where the text lies: the others get theirs, and so do these.
#[test]
fn who_does_not_use_its_turn_holds_nobody_up() {
    const OCTETS: usize = 4 << 20;
    bounded(|| {
        let (left, right) = memory::pair(MTU).expect("descriptors");
        let (server, client) = (start(left, SERVER), start(right, CLIENT));
        let listener = TcpListener::bind(&server, (SERVER[0], 7)).expect("a listener");
        let mut threads = Vec::new();
        for number in 0..6 {
            let mut opened =
                TcpStream::connect(&client, listener.local_addr()).expect("a connection");
            let (mut accepted, _) = listener.accept().expect("the connection");
            threads.push(thread::spawn(move || {
                // The first is reset.
                let written = opened.write_all(&text(number, OCTETS));
                assert!(written.is_ok() || number == 0);
            }));
            threads.push(thread::spawn(move || {
                let mut buffer = vec![0; 100_000];
                let mut left = if number == 0 { OCTETS / 4 } else { OCTETS };
                while left > 0 {
                    let len = match number {
                        2 => io::copy(&mut accepted.reader().take(200_000), &mut io::sink())
                            .expect("text") as usize,
                        _ => accepted.read(&mut buffer).expect("text"),
                    };
                    left = left.saturating_sub(len);
                    if number == 1 {
                        thread::sleep(Duration::from_millis(5));
                    }
                }
            }));
        }
        for thread in threads {
            thread.join().expect("its text comes");
        }
    });
}
