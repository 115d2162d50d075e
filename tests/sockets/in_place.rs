//! Reading and writing where the text lies.

use std::fs::{self, File};
use std::io::{BufRead, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use stubborn::sockets::TcpStream;

use super::support::*;

const SHORT: Duration = Duration::from_millis(40);

/// Reads all until the end, `most` octets at a time.
fn consume_all(stream: &TcpStream, most: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut reader = stream.reader();
    loop {
        let text = reader.fill_buf().expect("text, or the end");
        let len = text.len().min(most);
        if len == 0 {
            return all;
        }
        all.extend_from_slice(&text[..len]);
        reader.consume(len);
    }
}

/// Writes `text` in place, `most` octets at a time.
fn write_all_in_place(stream: &TcpStream, text: &[u8], most: usize) {
    let mut rest = text;
    while !rest.is_empty() {
        let copy = |room: &mut [u8]| {
            let pairs = room.iter_mut().zip(rest);
            pairs.map(|(to, from)| *to = *from).count()
        };
        let len = stream.write_in_place(most.min(rest.len()), copy);
        rest = &rest[len.expect("room")..];
    }
}

/// Waits until this many octets have arrived that were not read.
fn await_arrival(stream: &TcpStream, octets: usize) {
    let start = Instant::now();
    while stream.status().recv_queue < octets {
        assert!(start.elapsed() < LONG / 2, "they do not arrive");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A file with this text, which goes with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &[u8]) -> Temporary {
        let name = format!("stubborn-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).expect("a place for files");
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn megabytes_in_pieces_of_any_size_octet_for_octet() {
    bounded(|| {
        // The rings go round several times; pieces end before, at and behind their ends.
        for (len, most) in [(40_000, 1), (3 << 20, 4093), (6 << 20, usize::MAX)] {
            let ends = connected();
            let sent = text(7, len);
            let writer = {
                let (opened, sent) = (ends.opened.clone(), sent.clone());
                thread::spawn(move || {
                    write_all_in_place(&opened, &sent, most.min(100_000));
                    opened.shutdown(Shutdown::Write).unwrap();
                })
            };
            assert!(consume_all(&ends.accepted, most) == sent, "{len} octets");
            writer.join().unwrap();
            let end = (&ends.accepted).read(&mut [0]);
            assert_eq!(end.unwrap(), 0);
        }
    });
}

#[test]
fn what_is_not_consumed_is_read_later() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"one line\nand the rest").unwrap();
        await_arrival(&ends.accepted, 21);
        let mut line = String::new();
        let mut reader = ends.accepted.reader();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "one line\n");
        // More arrives while the rest is lent.
        ends.opened.write_all(b", and more").unwrap();
        ends.opened.shutdown(Shutdown::Write).unwrap();
        drop(reader);
        assert_eq!(read_all(&ends.accepted).unwrap(), b"and the rest, and more");
    });
}

#[test]
fn nobody_else_reads_while_something_is_lent_and_everybody_writes() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"lent").unwrap();
        ends.opened.shutdown(Shutdown::Write).unwrap();
        let mut reader = ends.accepted.reader();
        assert_eq!(reader.fill_buf().unwrap(), b"lent");
        let read = (&ends.accepted).read(&mut [0; 4]);
        assert_eq!(kind(read), ErrorKind::ResourceBusy);
        let mut other = ends.accepted.reader();
        assert_eq!(kind(other.fill_buf()), ErrorKind::ResourceBusy);
        (&ends.accepted).write_all(b"an answer").unwrap();
        reader.consume(4);
        assert_eq!(reader.fill_buf().unwrap(), b"", "the end");
        assert_eq!(other.fill_buf().unwrap(), b"", "nothing is lent any more");
        drop((reader, other));
        ends.accepted.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&ends.opened).unwrap(), b"an answer");
    });
}

#[test]
fn the_window_opens_while_a_large_loan_is_consumed() {
    bounded(|| {
        let ends = connected();
        // It does not grow.
        let mut options = ends.accepted.options();
        options.receive_buffer = Some(512 * 1024);
        ends.accepted.set_options(options).unwrap();
        let len = 4 << 20;
        let writer = {
            let mut opened = ends.opened.clone();
            thread::spawn(move || {
                opened.write_all(&text(3, len)).unwrap();
                opened.shutdown(Shutdown::Write).unwrap();
            })
        };
        // The window is full, and all of it is lent at once.
        await_arrival(&ends.accepted, 400_000);
        let start = Instant::now();
        while ends.opened.status().snd_wnd > 0 {
            assert!(start.elapsed() < LONG / 2, "the window stays open");
            thread::sleep(Duration::from_millis(1));
        }
        let mut reader = ends.accepted.reader();
        let first = reader.fill_buf().unwrap().len();
        let before = ends.accepted.status().bytes_received;
        reader.consume(first);
        let second = reader.fill_buf().unwrap().len();
        reader.consume(second);
        let start = Instant::now();
        while ends.accepted.status().bytes_received == before {
            assert!(start.elapsed() < LONG / 2, "the peer learns of no room");
            thread::sleep(Duration::from_millis(1));
        }
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest == text(3, len)[first + second..]);
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_waits_as_long_as_a_read() {
    bounded(|| {
        let ends = connected();
        ends.accepted.set_read_timeout(Some(SHORT)).unwrap();
        let start = Instant::now();
        assert_eq!(
            kind(ends.accepted.reader().fill_buf()),
            ErrorKind::WouldBlock
        );
        assert!(start.elapsed() >= SHORT);
        ends.accepted.set_nonblocking(true);
        assert_eq!(
            kind(ends.accepted.reader().fill_buf()),
            ErrorKind::WouldBlock
        );

        ends.accepted.set_nonblocking(false);
        ends.accepted.set_write_timeout(Some(SHORT)).unwrap();
        let stuck = loop {
            // Nobody reads: the buffers fill.
            if let Err(error) = ends.accepted.write_in_place(1 << 20, |room| room.len()) {
                break error;
            }
        };
        assert_eq!(stuck.kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_loan_outlives_what_happens_to_the_connection() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"the last words").unwrap();
        await_arrival(&ends.accepted, 14);
        let mut reader = ends.accepted.reader();
        assert_eq!(reader.fill_buf().unwrap(), b"the last words");
        // A reset: the client lets go with a linger of zero.
        ends.opened.set_linger(Some(Duration::ZERO));
        drop(ends.opened);
        let start = Instant::now();
        while (&ends.accepted).write(b"x").is_ok() {
            assert!(start.elapsed() < LONG / 2, "no reset");
            thread::sleep(Duration::from_millis(1));
        }
        reader.consume(4);
        assert_eq!(reader.fill_buf().unwrap(), b"last words");
        // Reading is over.
        ends.accepted.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.fill_buf().unwrap(), b"last words");
        reader.consume(10);
        assert_eq!(reader.fill_buf().unwrap(), b"");
    });
}

#[test]
fn a_network_that_ends_takes_no_loan_back() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"text").unwrap();
        let mut reader = ends.accepted.reader();
        assert_eq!(reader.fill_buf().unwrap(), b"text");
        ends.server.shutdown(Duration::ZERO);
        reader.consume(1);
        assert_eq!(reader.fill_buf().unwrap(), b"ext");
        reader.consume(3);
        assert_eq!(kind(reader.fill_buf()), ErrorKind::NetworkDown);
    });
}

#[test]
fn dropping_a_stream_whose_reader_left_something_resets_it() {
    bounded(|| {
        let mut ends = connected();
        ends.opened.write_all(b"unread").unwrap();
        await_arrival(&ends.accepted, 6);
        {
            let mut reader = ends.accepted.reader();
            reader.fill_buf().unwrap();
            reader.consume(2);
        }
        assert_eq!(ends.accepted.status().recv_queue, 4);
        drop(ends.accepted);
        let end = ends.opened.read(&mut [0]);
        assert_eq!(kind(end), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_fill_that_panics_harms_only_itself() {
    bounded(|| {
        let mut ends = connected();
        let opened = &ends.opened;
        let panics = |fill: &dyn Fn()| {
            let call = || {
                opened.write_in_place(10, |_| {
                    fill();
                    10
                })
            };
            assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
        };
        panics(&|| panic!("a mistake of the user's"));
        let taken = opened.write_in_place(10, |room| {
            assert!(
                opened.take_error().is_none(),
                "the connection is free meanwhile"
            );
            room[0] = b'!';
            1
        });
        assert_eq!(taken.unwrap(), 1);
        ends.opened.write_all(b"goes on").unwrap();
        ends.opened.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&ends.accepted).unwrap(), b"!goes on");
    });
}

#[test]
fn a_file_is_sent_from_where_it_stands_to_its_end() {
    bounded(|| {
        let ends = connected();
        let sent = text(9, 1_000_000);
        let whole = Temporary::new("whole", &sent);
        let mut file = File::open(&whole.0).unwrap();
        file.seek(SeekFrom::Start(1000)).unwrap();
        let reading = {
            let accepted = ends.accepted.clone();
            thread::spawn(move || read_all(&accepted).unwrap())
        };
        assert_eq!(ends.opened.send_file(&file, 0).unwrap(), 0);
        assert_eq!(ends.opened.send_file(&file, 499_000).unwrap(), 499_000);
        assert_eq!(file.stream_position().unwrap(), 500_000);
        assert_eq!(ends.opened.send_file(&file, u64::MAX).unwrap(), 500_000);
        assert_eq!(ends.opened.send_file(&file, 1).unwrap(), 0, "the end");
        ends.opened.shutdown(Shutdown::Write).unwrap();
        assert!(reading.join().unwrap() == sent[1000..]);
    });
}

#[test]
fn a_file_that_cannot_be_read_sends_nothing_and_one_that_is_stuck_loses_nothing() {
    bounded(|| {
        let ends = connected();
        let directory = File::open(std::env::temp_dir()).unwrap();
        let refused = ends.opened.send_file(&directory, 10);
        assert_eq!(kind(refused), ErrorKind::IsADirectory);

        let sent = text(8, 4 << 20);
        let large = Temporary::new("large", &sent);
        let mut file = File::open(&large.0).unwrap();
        ends.opened.set_write_timeout(Some(SHORT)).unwrap();
        // Nobody reads.
        let first = ends.opened.send_file(&file, u64::MAX).unwrap();
        assert!(first > 0 && first < sent.len() as u64);
        assert_eq!(file.stream_position().unwrap(), first);
        let stuck = ends.opened.send_file(&file, u64::MAX);
        assert_eq!(kind(stuck), ErrorKind::WouldBlock);
        ends.opened.set_write_timeout(None).unwrap();
        let reading = {
            let accepted = ends.accepted.clone();
            thread::spawn(move || read_all(&accepted).unwrap())
        };
        let rest = ends.opened.send_file(&file, u64::MAX).unwrap();
        assert_eq!(first + rest, sent.len() as u64);
        ends.opened.shutdown(Shutdown::Write).unwrap();
        assert!(reading.join().unwrap() == sent);
    });
}
