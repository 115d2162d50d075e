//! A link that loses, and a link that goes away and comes back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::{Lab, eventually, in_both_families, pattern};

in_both_families![
    one_percent_is_lost_each_way,
    ten_percent_is_lost_each_way,
    the_interface_goes_down_and_comes_back,
    a_peer_behind_a_dead_link_is_given_up,
];

const LIMIT: Duration = Duration::from_secs(60);

/// Sends so many octets to the stack and from it, at once, over one connection.
fn both_ways(lab: &Lab, len: usize, progress: &AtomicUsize) {
    let net = lab.net();
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let ours = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    ours.set_read_timeout(Some(LIMIT)).unwrap();
    theirs.set_read_timeout(Some(LIMIT)).unwrap();
    let text = pattern(0, len);
    let write = |mut stream: &mut dyn Write| {
        for piece in text.chunks(4 * 1024) {
            stream.write_all(piece).unwrap();
        }
        Write::flush(&mut stream).unwrap();
    };
    let read = |stream: &mut dyn Read| {
        let mut received = vec![0; len];
        for piece in received.chunks_mut(4 * 1024) {
            stream.read_exact(piece).unwrap();
            progress.fetch_add(piece.len(), Ordering::Relaxed);
        }
        assert!(received == text);
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            write(&mut &ours);
            ours.shutdown(std::net::Shutdown::Write).unwrap();
        });
        scope.spawn(|| {
            write(&mut &theirs);
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let theirs_read = scope.spawn(|| read(&mut &theirs));
        read(&mut &ours);
        theirs_read.join().unwrap();
    });
    assert_eq!((&ours).read(&mut [0]).unwrap(), 0);
    assert_eq!((&theirs).read(&mut [0]).unwrap(), 0);
}

fn one_percent_is_lost_each_way(lab: &Lab) {
    lab.lose(1);
    both_ways(lab, 10 * 1024 * 1024, &AtomicUsize::new(0));
    assert!(lab.lost().iter().all(|&lost| lost > 10), "{:?}", lab.lost());
}

fn ten_percent_is_lost_each_way(lab: &Lab) {
    lab.lose(10);
    both_ways(lab, 1024 * 1024, &AtomicUsize::new(0));
    assert!(lab.lost().iter().all(|&lost| lost > 10), "{:?}", lab.lost());
}

fn the_interface_goes_down_and_comes_back(lab: &Lab) {
    const LEN: usize = 32 * 1024 * 1024;
    let progress = AtomicUsize::new(0);
    thread::scope(|scope| {
        let transfer = scope.spawn(|| both_ways(lab, LEN, &progress));
        let at = |octets: usize| {
            eventually("the transfer goes on", LIMIT, || {
                progress.load(Ordering::Relaxed) > octets || transfer.is_finished()
            });
        };
        at(LEN / 8);
        lab.set_link("down");
        thread::sleep(Duration::from_secs(1));
        let stopped = progress.load(Ordering::Relaxed);
        assert!(
            stopped < 2 * LEN,
            "the transfer ended too early for the test"
        );
        thread::sleep(Duration::from_millis(500));
        assert_eq!(
            progress.load(Ordering::Relaxed),
            stopped,
            "over an interface that is down?"
        );
        lab.set_link("up");
    });
    assert_eq!(progress.load(Ordering::Relaxed), 2 * LEN);
}

fn a_peer_behind_a_dead_link_is_given_up(lab: &Lab) {
    let net = lab.net();
    let listener = TcpListener::bind(lab.kernel_at(9000)).unwrap();
    let mut ours = net.connect_timeout(lab.kernel_at(9000), LIMIT).unwrap();
    let (_theirs, _): (TcpStream, _) = listener.accept().unwrap();
    ours.set_user_timeout(Some(Duration::from_secs(2)));
    ours.set_read_timeout(Some(LIMIT)).unwrap();
    lab.lose(100);
    ours.write_all(b"is anybody there?").unwrap();
    let error = ours.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    lab.lose_no_more();
}
