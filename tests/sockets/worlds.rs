//! Worlds of threads. A seed decides how two hosts are joined (one queue or several, whole devices or halves, datagrams
//! lost or not), how many connections there are, and how each of their ends reads and writes: waiting, for a time, not at
//! all, without copies, or as a task. Every text must arrive whole, every thread must come to its end, and no connection
//! may remain. In some worlds a host ends in the middle of it, or one of those who use a connection resets it. There, what
//! arrives must be the beginning of the text.
//!
//! The threads run as the scheduler has them, so a world that has failed need not fail again.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use stubborn::config::{Config, Keepalive, SocketOptions, TcpConfig};
use stubborn::driver::memory;
use stubborn::sockets::{Net, TcpListener, TcpStream, asynchronous};

use super::executor::{block_on, both};
use super::support::*;

const MOMENT: Duration = Duration::from_millis(1);

/// How an end writes or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// One call waits until it is done, however long.
    Waits,
    /// One call waits for a millisecond at a time.
    WaitsAMoment,
    /// No call waits.
    Tries,
    /// What is written or read lies where it is.
    InPlace,
    /// Several pieces a call; or first what there is, and then the same again.
    Twice,
}

const WAYS: [Way; 5] = [
    Way::Waits,
    Way::WaitsAMoment,
    Way::Tries,
    Way::InPlace,
    Way::Twice,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Everything comes to its natural end.
    Undisturbed,
    /// Connections are reset, and a host may end.
    Disturbed,
}

impl Kind {
    /// The peer has ended its text, and these octets have not come.
    fn check_missing(self, due: &[u8]) {
        // A host that ends closes what its users write.
        assert!(
            due.is_empty() || self == Kind::Disturbed,
            "{} octets are missing",
            due.len()
        );
    }
}

/// What one end of a connection does.
#[derive(Clone, Debug)]
struct End {
    kind: Kind,
    /// Both at once, as one task; else each on a thread.
    is_task: bool,
    writes: Way,
    reads: Way,
    /// What decides on the text that it sends.
    text: u64,
    len: usize,
    /// Octets a call, at most.
    most: usize,
    /// Octets of each buffer, if not the usual ones.
    buffers: Option<usize>,
    /// It resets the connection at some moment, if it gets there.
    resets: bool,
}

impl End {
    fn draw(chance: &mut Chance, text: u64, kind: Kind) -> End {
        let most = chance.pick(&[1, 1_000, 10_000, 200_000]);
        let longest = chance.pick(&[2, 3_000, 100_000]).min(2_000 * most);
        End {
            kind,
            is_task: chance.below(3) == 0,
            writes: chance.pick(&WAYS),
            reads: chance.pick(&WAYS),
            text,
            len: chance.below(longest),
            most: most.max(8),
            buffers: (chance.below(2) == 0).then(|| 2_000 + chance.below(100_000)),
            resets: kind == Kind::Disturbed && chance.below(4) == 0,
        }
    }

    fn text(&self) -> Vec<u8> {
        text(self.text, self.len)
    }
}

/// The scheduler decides; now and then it is helped to decide otherwise.
fn pause(chance: &mut Chance) {
    match chance.below(256) {
        0 => thread::sleep(Duration::from_micros(chance.below(3000) as u64)),
        1..16 => thread::yield_now(),
        _ => {}
    }
}

/// `None`: not yet.
fn taken<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(taken) => Ok(Some(taken)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            thread::yield_now();
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Both of the threads that use this end come to an end, and the last handle resets the connection.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_linger(Some(Duration::ZERO));
    stream.shutdown(Shutdown::Both)
}

fn write(mut stream: &TcpStream, way: Way, piece: &[u8]) -> io::Result<usize> {
    match way {
        Way::Waits | Way::WaitsAMoment => stream.write(piece),
        Way::Tries => stream.try_write(piece),
        Way::InPlace => stream.write_in_place(piece.len(), |room| {
            let len = room.len().min(piece.len());
            room[..len].copy_from_slice(&piece[..len]);
            len
        }),
        Way::Twice => {
            let (first, second) = piece.split_at(piece.len() / 2);
            stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])
        }
    }
}

fn write_all(stream: &TcpStream, end: &End, chance: &mut Chance) -> io::Result<()> {
    if end.writes == Way::WaitsAMoment {
        stream.set_write_timeout(Some(MOMENT))?;
    }
    let text = end.text();
    let mut left = &text[..];
    while !left.is_empty() {
        pause(chance);
        if end.resets && chance.below(20) == 0 {
            return reset(stream);
        }
        let piece = &left[..1 + chance.below(left.len().min(end.most))];
        if let Some(written) = taken(write(stream, end.writes, piece))? {
            assert!(0 < written && written <= piece.len(), "{written} written");
            left = &left[written..];
        }
    }
    stream.shutdown(Shutdown::Write)
}

/// Reads once: how many of the octets that are due have come, none if that was the last.
fn read(mut stream: &TcpStream, end: &End, buffer: &mut [u8], due: &[u8]) -> io::Result<usize> {
    let len = match end.reads {
        Way::Waits | Way::WaitsAMoment => stream.read(buffer)?,
        Way::Tries => stream.try_read(buffer)?,
        Way::InPlace => {
            let mut reader = stream.reader();
            let lent = reader.fill_buf()?;
            let len = lent.len().min(buffer.len());
            buffer[..len].copy_from_slice(&lent[..len]);
            reader.consume(len);
            len
        }
        Way::Twice => {
            let len = stream.peek(buffer)?;
            let again = stream.read(&mut buffer[..len])?;
            // But the thread that writes may have shut the reading side meanwhile, to reset the connection.
            assert!(
                again == len || end.resets && again == 0,
                "{len} octets were seen, {again} are there"
            );
            again
        }
    };
    assert!(due.starts_with(&buffer[..len]), "other octets than sent");
    Ok(len)
}

fn read_to_end(stream: &TcpStream, end: &End, text: &[u8], chance: &mut Chance) -> io::Result<()> {
    if end.reads == Way::WaitsAMoment {
        stream.set_read_timeout(Some(MOMENT))?;
    }
    let mut due = text;
    let mut buffer = vec![0; end.most];
    loop {
        pause(chance);
        let most = 1 + chance.below(buffer.len());
        match taken(read(stream, end, &mut buffer[..most], due))? {
            Some(0) => break,
            Some(_) if end.resets && chance.below(20) == 0 => return reset(stream),
            Some(len) => due = &due[len..],
            None => {}
        }
    }
    end.kind.check_missing(due);
    Ok(())
}

/// Writes and reads at the same time, as one task.
fn run_as_task(stream: TcpStream, end: &End, peer: &End, chance: &mut Chance) -> io::Result<()> {
    let stream = asynchronous::TcpStream::from(stream);
    let (sent, due) = (end.text(), peer.text());
    let mut sizes = Chance::new(chance.below(1 << 30) as u64);
    let writing = async {
        let mut left = &sent[..];
        while !left.is_empty() {
            let piece = &left[..1 + chance.below(left.len().min(end.most))];
            let written = match end.writes {
                Way::Tries => {
                    stream.writable().await?;
                    taken(stream.try_write(piece))?.unwrap_or(0)
                }
                _ => stream.write(piece).await?,
            };
            left = &left[written..];
        }
        stream.shutdown(Shutdown::Write)
    };
    let reading = async {
        let mut due = &due[..];
        let mut buffer = vec![0; end.most];
        loop {
            let most = 1 + sizes.below(buffer.len());
            let read = match end.reads {
                Way::Tries => {
                    stream.readable().await?;
                    taken(stream.try_read(&mut buffer[..most]))?
                }
                _ => Some(stream.read(&mut buffer[..most]).await?),
            };
            match read {
                Some(0) => break,
                Some(len) => {
                    assert!(due.starts_with(&buffer[..len]), "other octets than sent");
                    due = &due[len..];
                }
                None => {}
            }
        }
        end.kind.check_missing(due);
        Ok(())
    };
    let (written, read) = block_on(both(writing, reading));
    written.and(read)
}

fn run_end(stream: TcpStream, end: &End, peer: &End, seed: u64) -> io::Result<()> {
    let mut chance = Chance::new(seed);
    if let Some(size) = end.buffers {
        let options = SocketOptions {
            receive_buffer: Some(size),
            send_buffer: Some(size),
            ..stream.options()
        };
        stream.set_options(options)?;
    }
    stream.set_nodelay(chance.below(2) == 0);
    if end.is_task {
        return run_as_task(stream, end, peer, &mut chance);
    }
    let mut other = Chance::new(seed ^ 0x5555);
    let writer = stream.clone();
    thread::scope(|scope| {
        let writing = scope.spawn(move || write_all(&writer, end, &mut other));
        let read = read_to_end(&stream, end, &peer.text(), &mut chance);
        writing.join().unwrap().and(read)
    })
}

/// A host that has ended does not always say so.
fn give_up_soon(config: &mut TcpConfig) {
    (config.initial_rto, config.max_rto) = (20 * MOMENT, 100 * MOMENT);
    config.fin_wait_2_timeout = Some(500 * MOMENT);
    config.socket.user_timeout = Some(500 * MOMENT);
    config.socket.keepalive = Some(Keepalive {
        idle: 100 * MOMENT,
        interval: 100 * MOMENT,
        count: 3,
    });
}

/// Two hosts, whose round trips are short and whose retransmissions therefore come soon.
fn join(chance: &mut Chance, kind: Kind) -> (Net, Net) {
    let soon = |addresses| {
        let mut config = config(addresses);
        config.tcp.min_rto = 5 * MOMENT;
        config.tcp.msl = 5 * MOMENT;
        if kind == Kind::Disturbed {
            give_up_soon(&mut config.tcp);
        }
        config
    };
    let (server, client): (Config, Config) = (soon(SERVER), soon(CLIENT));
    let mtu = chance.pick(&[1280, 1500, 9000, 65_535]);
    let queues = chance.pick(&[1, 1, 2, 3]);
    let (near, mut far) = memory::queues(mtu, queues, chance.below(1000) as u64).unwrap();
    let lost_of_a_thousand = chance.pick(&[0, 0, 5, 30]);
    let mut losses = Chance::new(chance.below(1000) as u64);
    let near = Faulty {
        device: near,
        fault: move |call| Ok(call == Call::Receive || losses.below(1000) >= lost_of_a_thousand),
    };
    let client = match chance.below(2) {
        0 => Net::start(near, client),
        _ => Net::start(Halved::new(near), client),
    };
    let server = match (far.len(), chance.below(2)) {
        (1, 0) => Net::start(Halved::new(far.remove(0)), server),
        _ => Net::start_queues(far, server),
    };
    (server.unwrap(), client.unwrap())
}

/// The client's end: it connects, says which connection it is, and goes on.
fn open(client: &Net, to: SocketAddr, number: usize, ends: &[End; 2], seed: u64) -> io::Result<()> {
    let mut stream = client.connect_timeout(to, LONG / 2)?;
    stream.write_all(&[number as u8])?;
    run_end(stream, &ends[0], &ends[1], seed)
}

/// The server's end of any connection.
fn accept(listener: &TcpListener, connections: &[[End; 2]], seed: u64) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut number = [0];
    stream.read_exact(&mut number)?;
    let [peer, end] = &connections[usize::from(number[0])];
    run_end(stream, end, peer, seed ^ u64::from(number[0]) << 32)
}

/// A host ends, some time after the others have begun.
fn end_one(hosts: [&Net; 2], chance: &mut Chance) {
    thread::sleep(chance.below(30) as u32 * MOMENT);
    let grace = chance.pick(&[0, 1, 50]) * MOMENT;
    chance.pick(&hosts).shutdown(grace);
}

fn world(seed: u64, kind: Kind) {
    let mut chance = Chance::new(seed);
    let (server, client) = join(&mut chance, kind);
    let listener = TcpListener::bind(&server, (chance.pick(&SERVER), 7)).unwrap();
    let connections: Vec<[End; 2]> = (0..1 + chance.below(8) as u64)
        .map(|number| {
            let text = seed * 1000 + 2 * number;
            [text, text + 1].map(|text| End::draw(&mut chance, text, kind))
        })
        .collect();
    if kind == Kind::Disturbed {
        // A client that has ended no longer connects.
        listener.set_accept_timeout(Some(500 * MOMENT)).unwrap();
    }
    let settle = |result: io::Result<()>| match kind {
        Kind::Undisturbed => result.unwrap(),
        Kind::Disturbed => drop(result),
    };
    thread::scope(|scope| {
        for (number, ends) in connections.iter().enumerate() {
            let (listener, client, connections) = (&listener, &client, &connections);
            scope.spawn(move || settle(accept(listener, connections, seed)));
            let seed = seed ^ (number as u64) << 16;
            scope.spawn(move || settle(open(client, listener.local_addr(), number, ends, seed)));
        }
        if kind == Kind::Disturbed {
            scope.spawn(|| end_one([&server, &client], &mut chance));
        }
    });
    drop(listener);
    for host in [&client, &server] {
        if !is_down(host) {
            no_connection_remains(host);
        }
    }
}

/// The host has ended, or its device is gone.
fn is_down(net: &Net) -> bool {
    match net.listen(addr("0.0.0.0:0")) {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::NetworkDown,
    }
}

#[test]
fn every_text_arrives_whole_however_it_is_written_and_read() {
    crate::seeds::every_seed("SOCKETS_SEEDS", 0..60, |seed| {
        bounded(move || world(seed, Kind::Undisturbed));
    });
}

#[test]
fn every_thread_comes_to_its_end_whatever_ends_first() {
    crate::seeds::every_seed("SOCKETS_SEEDS", 0..60, |seed| {
        bounded(move || world(seed, Kind::Disturbed));
    });
}
