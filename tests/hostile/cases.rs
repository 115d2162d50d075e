//! One connection, a segment or a few: each of these once broke it.

use std::time::Duration;

use stubborn::config::Keepalive;
use stubborn::tcp::{ConnectionError, Discard, Readiness, RecvError, State};
use stubborn::wire::{Options, Timestamps};

use super::raw::{ACK, FIN, IRS, RST, Raw, SYN, URG, config};

/// A reset ends a handshake whose SYN,ACK is in flight (RFC 9293 §3.10.7.4, second).
#[test]
fn a_reset_ends_a_half_open_connection() {
    let mut raw = Raw::passive(&config(), Options::default());
    assert_eq!(raw.sent().len(), 1);
    assert_eq!(raw.arrives(RST, 1, 0, b""), Some(Discard::Reset));
    assert_eq!(raw.tcb.state(), State::Listen);
    assert!(raw.passes(Duration::from_secs(600)).is_empty());
}

/// A FIN that contradicts text which is here already.
#[test]
fn a_fin_before_text_that_is_held_is_no_fin() {
    let mut raw = Raw::established(&config());
    raw.arrives(ACK, 5, 1, b"efgh");
    raw.arrives(FIN | ACK, 5, 1, b"");
    raw.arrives(ACK, 1, 1, b"abcd");
    let mut buffer = [0; 10];
    assert_eq!(raw.tcb.recv(raw.now, &mut buffer), Ok(8));
    assert_eq!(&buffer[..8], b"abcdefgh");
    assert_eq!(raw.tcb.state(), State::Established);
    raw.arrives(FIN | ACK, 9, 1, b"");
    assert_eq!(raw.tcb.state(), State::CloseWait);
}

/// The SYN again, and then the acknowledgment, before the SYN,ACK has left again.
#[test]
fn a_repeated_syn_is_forgotten_with_the_handshake() {
    let mut raw = Raw::passive(&config(), Options::default());
    raw.sent();
    raw.arrives(SYN, 0, 0, b"");
    raw.arrives(ACK, 1, 1, b"");
    let sent = raw.passes(Duration::from_secs(3600));
    assert!(sent.is_empty(), "{sent:?}");
    assert_eq!(raw.tcb.state(), State::Established);
}

/// The same, when both have opened at once and the user has closed already.
#[test]
fn a_repeated_syn_is_forgotten_by_who_has_closed() {
    let mut raw = Raw::active(&config());
    raw.sent();
    raw.arrives(SYN, 0, 0, b"");
    raw.sent();
    raw.arrives(SYN, 0, 0, b"");
    raw.tcb.close(raw.now).unwrap();
    raw.arrives(ACK, 1, 1, b"");
    assert_eq!(raw.tcb.state(), State::FinWait1);
    let sent = raw.sent();
    assert!(sent.iter().all(|sent| !sent.ctl.has(SYN)), "{sent:?}");
}

/// RFC 2883 §4: what arrives twice is reported in the first block.
#[test]
fn a_duplicate_is_reported() {
    let mut raw = Raw::established(&config());
    raw.arrives(ACK, 1, 1, b"abcd");
    raw.sent();
    raw.arrives(ACK, 1, 1, b"abcd");
    let sent = raw.sent();
    assert_eq!(sent.len(), 1);
    let sack = sent[0].options.sack;
    assert_eq!(sack.len(), 1, "{sack:?}");
    assert_eq!(sack.as_slice()[0].left, IRS.wrapping_add(1));
    assert_eq!(sack.as_slice()[0].right, IRS.wrapping_add(5));
    raw.arrives(ACK, 5, 1, b"efgh");
    assert!(raw.sent()[0].options.sack.is_empty(), "it is reported once");
}

/// The urgent pointer counts from SEG.SEQ, however much of the segment was here before.
#[test]
fn the_urgent_mark_of_a_segment_that_was_here_in_part() {
    let mut raw = Raw::established(&config());
    raw.arrives(ACK, 1, 1, b"abcd");
    raw.urgent_arrives(ACK | URG, 1, 1, 6, b"abcdefgh");
    assert_eq!(raw.tcb.urgent_mark(), Some(6));
}

/// RFC 5961 §5: a segment whose acknowledgment cannot be right changes nothing; least of all the
/// timestamp that later segments are measured by.
#[test]
fn a_bad_acknowledgment_does_not_poison_the_timestamps() {
    let mut config = config();
    config.timestamps = true;
    let mut raw = Raw::established(&config);
    raw.options.timestamps = Some(Timestamps {
        val: 1_000_000,
        ecr: 0,
    });
    assert_eq!(raw.arrives(ACK, 1, 1_000_000, b"x"), Some(Discard::BadAck));
    raw.options.timestamps = Some(Timestamps { val: 2, ecr: 0 });
    assert_eq!(raw.arrives(ACK, 1, 1, b"abcd"), None);
}

/// RFC 5961 §4: a SYN is challenged wherever it lies, and nothing of its segment is used.
#[test]
fn text_on_a_syn_is_never_taken_in_a_synchronized_state() {
    let mut raw = Raw::established(&config());
    assert_eq!(
        raw.arrives(SYN | ACK, 0, 1, b"abcd"),
        Some(Discard::SynChallenged)
    );
    let nothing = raw.tcb.recv(raw.now, &mut [0; 4]);
    assert_eq!(nothing, Err(RecvError::WouldBlock));
}

/// RFC 9293 §3.10.8: the user timeout counts from the SYN on.
#[test]
fn the_user_timeout_counts_from_the_syn() {
    let mut config = config();
    config.socket.user_timeout = Some(Duration::from_millis(700));
    let mut raw = Raw::active(&config);
    raw.passes(Duration::from_millis(699));
    assert_eq!(raw.tcb.state(), State::SynSent);
    raw.passes(Duration::from_millis(1));
    assert_eq!(raw.tcb.state(), State::Closed);
    assert_eq!(raw.tcb.take_error(), Some(ConnectionError::TimedOut));
}

/// A peer that takes a little at a time is not a peer that takes nothing.
#[test]
fn an_orphan_that_gets_on_slowly_is_not_given_up() {
    let mut raw = Raw::established(&config());
    raw.tcb.send(raw.now, &[b'x'; 1000]).unwrap();
    raw.sent();
    // Room for a hundred octets: too little to be worth it, until the override timeout.
    raw.window = 100;
    raw.arrives(ACK, 1, 1001, b"");
    raw.tcb.send(raw.now, &[b'y'; 1500]).unwrap();
    raw.tcb.release(raw.now);
    let mut taken = 1001;
    while raw.tcb.state() == State::FinWait1 {
        let sent = raw.passes(Duration::from_millis(100));
        if let Some(last) = sent.last() {
            taken = last.seq + last.text.len() as u32 + u32::from(last.ctl.has(FIN));
            raw.arrives(ACK, 1, taken, b"");
        }
    }
    assert_eq!((raw.tcb.state(), taken), (State::FinWait2, 2502));
}

/// Whoever waits for text or room is woken when neither will come.
#[test]
fn closing_wakes_those_who_wait() {
    let mut raw = Raw::established(&config());
    raw.tcb.take_readiness();
    raw.tcb.shut_read(raw.now);
    assert!(raw.tcb.take_readiness().has(Readiness::READABLE));
    raw.tcb.close(raw.now).unwrap();
    assert!(raw.tcb.take_readiness().has(Readiness::WRITABLE));
}

/// RFC 3042 §2: the first two duplicates let a new segment out each, and no more do without a
/// recovery.
#[test]
fn duplicates_without_recovery_do_not_open_the_window() {
    let mut raw = Raw::established(&config());
    raw.tcb.send(raw.now, &vec![b'x'; 200_000]).unwrap();
    let first = raw.sent();
    // After a timeout, all that was in flight is acknowledged: SND.UNA is `recover`.
    let sent = raw.passes(Duration::from_millis(1500));
    assert!(!sent.is_empty());
    let end = first.last().map(|last| last.seq + last.text.len() as u32);
    raw.arrives(ACK, 1, end.unwrap(), b"");
    raw.sent();
    let before = raw.tcb.status().in_flight;
    let mut new = 0;
    for _ in 0..40 {
        raw.arrives(ACK, 1, end.unwrap(), b"");
        new += raw.sent().len();
    }
    assert!(new <= 2, "{new} segments beyond {before} in flight");
}

/// Times of zero are answered at once, not for ever.
#[test]
fn a_keepalive_without_idle_time_ends() {
    let mut config = config();
    config.socket.keepalive = Some(Keepalive {
        idle: Duration::ZERO,
        interval: Duration::ZERO,
        count: 3,
    });
    let mut raw = Raw::established(&config);
    raw.tcb.send(raw.now, b"abcd").unwrap();
    raw.passes(Duration::from_secs(2));
}

/// Of two threads that send, one may find room while the other waits for more.
#[test]
fn a_small_success_does_not_send_others_to_sleep() {
    let mut config = config();
    config.send_buffer = 300;
    let mut raw = Raw::established(&config);
    assert_eq!(raw.tcb.send(raw.now, &[b'x'; 400]), Ok(300));
    raw.sent();
    raw.arrives(ACK, 1, 11, b"");
    raw.tcb.take_readiness();
    for data in [&b"y"[..], b""] {
        assert_eq!(raw.tcb.send(raw.now, data), Ok(data.len()));
    }
    raw.arrives(ACK, 1, 301, b"");
    assert!(raw.tcb.take_readiness().has(Readiness::WRITABLE));
}
