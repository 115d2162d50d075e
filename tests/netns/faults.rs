//! A link that loses, and a link that goes away and comes back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::{Device, Lab, eventually, in_both_families, pattern};

in_both_families![
    one_percent_is_lost_each_way,
    ten_percent_is_lost_each_way,
    the_interface_goes_down_and_comes_back,
    a_peer_behind_a_dead_link_is_given_up,
];

const LIMIT: Duration = Duration::from_secs(60);

/// A transfer to the stack and from it, at once, over one connection.
#[derive(Default)]
struct Transfer {
    /// Octets to send each way, at least.
    least: usize,
    /// Goes on beyond that until told otherwise.
    goes_on: AtomicBool,
    /// Octets received, on both ends together.
    received: AtomicUsize,
}

/// The period of what is sent: a prime, so that no piece of it looks like another.
const PERIOD: usize = 1_000_003;

impl Transfer {
    fn of(least: usize) -> Transfer {
        Transfer {
            least,
            ..Transfer::default()
        }
    }

    fn run(&self, lab: &Lab) {
        let net = lab.net();
        let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
        let ours = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        ours.set_read_timeout(Some(LIMIT)).unwrap();
        theirs.set_read_timeout(Some(LIMIT)).unwrap();
        let text = pattern(0, PERIOD);
        let text = &text;
        let sent = thread::scope(|scope| {
            let ours_sent = scope.spawn(|| {
                let sent = self.write(&ours, text);
                ours.shutdown(Shutdown::Write).unwrap();
                sent
            });
            let theirs_sent = scope.spawn(|| {
                let sent = self.write(&theirs, text);
                theirs.shutdown(Shutdown::Write).unwrap();
                sent
            });
            scope.spawn(|| self.read(&theirs, text));
            self.read(&ours, text);
            ours_sent.join().unwrap() + theirs_sent.join().unwrap()
        });
        assert_eq!(self.received.load(Ordering::Relaxed), sent);
    }

    /// Writes the text again and again until it is enough. Gives how much it was.
    fn write(&self, mut stream: impl Write, text: &[u8]) -> usize {
        let mut sent = 0;
        for piece in text.chunks(4 * 1024).cycle() {
            stream.write_all(piece).unwrap();
            sent += piece.len();
            if sent >= self.least && !self.goes_on.load(Ordering::Relaxed) {
                break;
            }
        }
        sent
    }

    /// Reads to the end, which must be of the text again and again.
    fn read(&self, mut stream: impl Read, text: &[u8]) {
        let mut buffer = vec![0; 4 * 1024];
        let mut place = 0;
        while let len @ 1.. = stream.read(&mut buffer).unwrap() {
            let (mut rest, mut whole) = (&buffer[..len], true);
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(PERIOD - place));
                whole &= now == &text[place..place + now.len()];
                place = (place + now.len()) % PERIOD;
                rest = later;
            }
            assert!(whole, "other octets than were sent");
            self.received.fetch_add(len, Ordering::Relaxed);
        }
    }
}

/// That there was something to recover from. What is lost of a stack with offloads is super-segments,
/// whole: there are fewer.
fn assert_lost(lab: &Lab) {
    let least = match lab.device {
        Device::Offload => [10, 1],
        Device::Plain => [10, 10],
    };
    let lost = lab.lost();
    assert!(lost[0] >= least[0] && lost[1] >= least[1], "{lost:?}");
}

fn one_percent_is_lost_each_way(lab: &Lab) {
    lab.lose(1);
    Transfer::of(10 * 1024 * 1024).run(lab);
    assert_lost(lab);
}

fn ten_percent_is_lost_each_way(lab: &Lab) {
    lab.lose(10);
    Transfer::of(1024 * 1024).run(lab);
    assert_lost(lab);
}

fn the_interface_goes_down_and_comes_back(lab: &Lab) {
    let transfer = Transfer::of(8 * 1024 * 1024);
    transfer.goes_on.store(true, Ordering::Relaxed);
    let received = || transfer.received.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let running = scope.spawn(|| transfer.run(lab));
        let go_on_from = |octets| {
            let on = || received() > octets || running.is_finished();
            eventually("the transfer goes on", LIMIT, on);
            assert!(!running.is_finished(), "it ended before it was told to");
        };
        go_on_from(1024 * 1024);
        lab.set_link("down");
        thread::sleep(Duration::from_secs(1));
        let stopped = received();
        thread::sleep(Duration::from_millis(500));
        assert_eq!(received(), stopped, "over an interface that is down?");
        lab.set_link("up");
        go_on_from(stopped);
        transfer.goes_on.store(false, Ordering::Relaxed);
    });
}

fn a_peer_behind_a_dead_link_is_given_up(lab: &Lab) {
    let net = lab.net();
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let mut ours = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    let (_theirs, _): (TcpStream, _) = listener.accept().unwrap();
    ours.set_user_timeout(Some(Duration::from_secs(2))).unwrap();
    ours.set_read_timeout(Some(LIMIT)).unwrap();
    lab.lose(100);
    ours.write_all(b"is anybody there?").unwrap();
    let error = ours.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    lab.lose_no_more();
}
