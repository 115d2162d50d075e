//! Windows: the peer's and ours, closed, shrunk and scaled; probes; silly windows (RFC 9293 §3.8.6).

use stubborn::config::{Persist, TcpConfig};
use stubborn::stack::Readiness;
use stubborn::tcp::{ConnectionError, RecvError, State};

use super::recovery::{reno, with_sack};
use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

fn nodelay() -> TcpConfig {
    let mut tcp = plain();
    tcp.socket.nodelay = true;
    tcp
}

/// MUST-1: 0xFFFF and 0x8000 are large windows, not small negative ones.
#[test]
fn the_window_is_unsigned() {
    in_both_families(|family| {
        for (wnd, segments) in [(0xffff, 65), (0x8000, 32)] {
            let tcp = TcpConfig {
                initial_window: 100,
                ..plain()
            };
            let mut d = Dialogue::listening(family, tcp);
            d.arrives(&format!("<SEQ=100><WND={wnd}><CTL=SYN><MSS=1000>"))
                .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
            d.arrives(&format!("<SEQ=101><ACK=301><WND={wnd}><CTL=ACK>"))
                .accept();
            assert_eq!(d.status().snd_wnd, wnd);
            d.sends(100_000);
            for index in 0..segments {
                let seq = 301 + 1000 * index;
                d.leaves(&format!("<SEQ={seq}><ACK=101><DATA=1000><CTL=ACK>"));
            }
            d.nothing_more();
        }
    });
}

/// REC-1: a window of nearly a gibibyte, which needs 32 bits; RFC 7323 §2.2, §2.3: the window of
/// a SYN is not scaled, and a shift above 14 counts as 14.
#[test]
fn a_scaled_window_is_what_it_says() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            window_scaling: true,
            ..plain()
        };
        for shift in [14, 15] {
            let mut d = Dialogue::new(family, tcp.clone());
            d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000><WS=0>");
            d.arrives(&format!(
                "<SEQ=100><ACK=301><WND=65535><CTL=SYN,ACK><WS={shift}>"
            ))
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
            assert_eq!(d.status().snd_wnd, 65_535);
            d.arrives("<SEQ=101><ACK=301><WND=65535><CTL=ACK>");
            assert_eq!(d.status().snd_wnd, 65_535 << 14);
            assert_eq!(d.status().window_scale, Some((14, 0)));
        }
    });
}

/// RFC 7323 §2.2, when both sides have called: the scale is known by then, and still not applied.
#[test]
fn the_window_of_a_syn_ack_is_not_scaled_after_a_simultaneous_open() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            window_scaling: true,
            ..plain()
        };
        let mut d = Dialogue::new(family, tcp);
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000><WS=0>");
        d.arrives("<SEQ=100><WND=1000><CTL=SYN><WS=3>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><WS=0>");
        d.arrives("<SEQ=100><ACK=301><WND=1000><CTL=SYN,ACK><WS=3>")
            .state_is(State::Established);
        assert_eq!(d.status().snd_wnd, 1000);
        d.arrives("<SEQ=101><ACK=301><WND=1000><CTL=ACK>");
        assert_eq!(d.status().snd_wnd, 8000);
    });
}

/// The window of a SYN may be closed and the last segment of the handshake open it.
#[test]
fn the_last_ack_of_the_handshake_opens_the_window() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><WND=0><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><WND=500><CTL=ACK>").accept();
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
    });
}

/// SHLD-14: whatever arrives and is read, the right edge never moves left. (The dialogue checks it
/// of every segment.)
#[test]
fn the_right_edge_never_moves_left() {
    in_both_families(|family| {
        for receive_buffer in [10_000, 1_000_001] {
            let tcp = TcpConfig {
                receive_buffer,
                initial_receive_buffer: receive_buffer,
                window_scaling: true,
                ..plain()
            };
            let mut d = Dialogue::listening(family, tcp);
            d.arrives("<SEQ=100><CTL=SYN><MSS=1000><WS=3>");
            d.all_that_leaves();
            d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
            let mut number = 7u32;
            for _ in 0..3000 {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let next = 101 + d.status().bytes_received as u32;
                let ahead = [0, 0, 0, 777, 5_000][number as usize >> 8 & 3];
                let len = number >> 20 & 0x3ff;
                let seq = next + ahead;
                d.arrives(&format!("<SEQ={seq}><ACK=301><DATA={len}><CTL=ACK>"));
                d.all_that_leaves();
                if number >> 12 & 3 == 0 {
                    let read = d.receive(number as usize >> 14 & 0xfff);
                    assert!(read.is_ok() || read == Err(RecvError::WouldBlock));
                    d.all_that_leaves();
                }
            }
            assert!(d.status().bytes_received > 100_000);
        }
    });
}

/// RFC 7323 §2.4: a scaled window cannot say every number, so an acknowledgment may seem to take
/// some octets back; what an earlier one gave counts.
#[test]
fn what_a_scaled_window_gave_counts() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            receive_buffer: 100_000,
            window_scaling: true,
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000><WS=0>")
            .leaves("<SEQ=300><ACK=101><WND=65535><CTL=SYN,ACK><MSS=1000><WS=1>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
        d.arrives("<SEQ=101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1101><WND=49500><CTL=ACK>");
        // An edge of 100,101: two octets more and 98,999 are left, of which the field says 98,998.
        d.arrives("<SEQ=1101><ACK=301><DATA=1><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1102><WND=49499><CTL=ACK>");
        d.arrives("<SEQ=1102><ACK=301><DATA=60000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=61102><WND=19499><CTL=ACK>");
        d.arrives("<SEQ=61102><ACK=301><DATA=38999><CTL=ACK>")
            .leaves("<SEQ=301><ACK=100101><WND=0><CTL=ACK>");
    });
}

/// A window that is too small for its scale shows as closed, and opens at once when the user reads.
#[test]
fn a_window_below_its_scale_shows_as_closed_and_opens_again() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            receive_buffer: 1_000_000,
            initial_receive_buffer: 1_000_000,
            window_scaling: true,
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000><WS=0>")
            .leaves("<SEQ=300><ACK=101><WND=65535><CTL=SYN,ACK><MSS=1000><WS=4>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
        let mut seq = 101;
        while seq < 999_101 {
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
            seq += 1000;
            d.leaves_something();
        }
        // Of the window, a multiple of sixteen, ten octets are left.
        let len = d.status().rcv_wnd - 10;
        d.arrives(&format!("<SEQ={seq}><ACK=301><DATA={len}><CTL=ACK>"));
        let ack = seq + len;
        d.leaves(&format!("<SEQ=301><ACK={ack}><WND=0><CTL=ACK>"));
        assert_eq!(d.status().rcv_wnd, 10);
        // A whole segment opens it, even if the field cannot say all of it.
        d.reads(1000);
        let opened = d.leaves_something();
        assert!((60..=64).contains(&opened.header.window), "{opened}");
    });
}

/// Three segments are in flight when the window shrinks to the first of them.
fn shrunk(family: Family) -> Dialogue {
    let tcp = TcpConfig { r2: 3, ..nodelay() };
    let mut d = Dialogue::established(family, tcp);
    d.sends_together(&[3000])
        .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>")
        .leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=ACK>")
        .leaves("<SEQ=2301><ACK=101><DATA=1000><CTL=PSH,ACK>");
    d.arrives("<SEQ=101><ACK=301><WND=1000><CTL=ACK>");
    d
}

/// SHLD-15, SHLD-16, MAY-7.
#[test]
fn a_window_that_shrank_holds_new_text_and_not_old() {
    in_both_families(|family| {
        let mut d = shrunk(family);
        d.sends(1000).nothing_more();
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>");
        // What was sent before the window shrank may be sent again, whatever the window says.
        d.arrives("<SEQ=101><ACK=1301><WND=0><CTL=ACK>")
            .leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=2301><ACK=101><DATA=1000><CTL=ACK>")
            .nothing_more();
        d.arrives("<SEQ=101><ACK=3301><CTL=ACK>")
            .leaves("<SEQ=3301><ACK=101><DATA=1000><CTL=PSH,ACK>");
    });
}

/// SHLD-17, with R2 at three retransmissions.
#[test]
fn text_beyond_a_window_that_shrank_times_nothing_out() {
    in_both_families(|family| {
        let mut d = shrunk(family);
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=1301><WND=0><CTL=ACK>");
        d.all_that_leaves();
        for _ in 0..20 {
            d.until_something_leaves();
            d.leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=ACK>");
            d.arrives("<SEQ=101><ACK=1301><WND=0><CTL=ACK>")
                .state_is(State::Established);
            d.all_that_leaves();
        }
        // A peer that is silent is another matter.
        for _ in 0..3 {
            d.until_something_leaves();
            d.all_that_leaves();
        }
        d.until_deadline().state_is(State::Closed);
        let error = Some(ConnectionError::TimedOut);
        assert_eq!(d.stack.take_error(d.id()), error);
    });
}

/// MUST-34: whatever windows and acknowledgments come, nothing new leaves beyond SND.UNA+SND.WND.
#[test]
fn a_usable_window_below_zero_does_no_harm() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, nodelay());
        let (mut number, mut una, mut nxt, mut edge) = (1u32, 301, 301, 10_301);
        for _ in 0..2000 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match (number >> 28, d.stack.next_deadline()) {
                (0..4, Some(_)) => d.until_deadline(),
                _ if d.status().send_queue < 50_000 => d.sends(5000),
                _ => &mut d,
            };
            for segment in d.all_that_leaves() {
                let end = segment.header.seq + segment.len as u32;
                assert!(end <= nxt || end <= edge, "{}", d.transcript());
                nxt = nxt.max(end);
            }
            una += (number >> 16) % (nxt - una + 1);
            let wnd = [0, 1, 500, 3000, 65_535][(number >> 8) as usize % 5];
            edge = una + wnd;
            d.arrives(&format!("<SEQ=101><ACK={una}><WND={wnd}><CTL=ACK>"));
            for segment in d.all_that_leaves() {
                let end = segment.header.seq + segment.len as u32;
                assert!(end <= nxt || end <= edge, "{}", d.transcript());
                nxt = nxt.max(end);
            }
        }
        assert!(una > 500_000, "it goes on: {una}");
    });
}

/// The peer has closed its window, and 100 octets wait since second 1.
fn closed(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::established(family, tcp);
    d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
    d.until(secs(1)).sends(100).nothing_more();
    d
}

const PROBE: &str = "<SEQ=300><ACK=101><CTL=ACK>";
const STILL_CLOSED: &str = "<SEQ=101><ACK=301><WND=0><CTL=ACK>";

/// MUST-36, SHLD-29: at SND.UNA-1, without text, one RTO after it matters.
#[test]
fn a_zero_window_is_probed_after_one_rto() {
    in_both_families(|family| {
        let mut d = closed(family, plain());
        d.until(ms(1200)).leaves(PROBE);
        d.until(ms(1300))
            .arrives("<SEQ=101><ACK=301><WND=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=100><CTL=PSH,ACK>");
    });
}

/// RFC 6298 §3: an octet that left with one probe after the other tells nothing of the round trip.
#[test]
fn the_octet_of_a_probe_gives_no_sample() {
    in_both_families(|family| {
        let mut tcp = reno();
        tcp.windows.persist = Persist::AtLeast(secs(5));
        let mut d = with_sack(family, tcp);
        let (srtt, rto) = (d.status().srtt, d.status().rto);
        assert_eq!(srtt, Some(ms(100)));
        d.arrives(STILL_CLOSED).sends(100).nothing_more();
        for _ in 0..2 {
            d.until_something_leaves();
            d.leaves("<SEQ=301><ACK=101><DATA=1><CTL=ACK>");
        }
        d.until(d.elapsed() + ms(100))
            .arrives("<SEQ=101><ACK=302><WND=0><CTL=ACK>");
        assert_eq!((d.status().srtt, d.status().rto), (srtt, rto));
    });
}

/// There is no probe without anything to send.
#[test]
fn a_zero_window_without_text_is_not_probed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives(STILL_CLOSED).until(secs(100_000));
    });
}

/// SHLD-30: up to `max_persist`.
#[test]
fn probes_back_off_exponentially() {
    in_both_families(|family| {
        let mut d = closed(family, plain());
        for at in [
            1200, 1600, 2400, 4000, 7200, 13_600, 26_400, 52_000, 103_200, 163_200, 223_200,
        ] {
            d.until(ms(at)).leaves(PROBE).arrives(STILL_CLOSED);
        }
        // A window that opens and closes again is probed from the start.
        d.until(secs(250))
            .arrives("<SEQ=101><ACK=301><WND=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=100><CTL=PSH,ACK>");
        d.arrives("<SEQ=101><ACK=401><WND=0><CTL=ACK>").sends(1);
        d.until(ms(250_200)).leaves("<SEQ=400><ACK=101><CTL=ACK>");
    });
}

/// MUST-37; and who does not answer, or whom nobody waits for any more, is given up.
#[test]
fn a_peer_that_answers_probes_keeps_the_connection() {
    in_both_families(|family| {
        let mut d = closed(family, plain());
        while d.elapsed() < secs(24 * 3600) {
            d.until_something_leaves();
            d.leaves(PROBE).arrives(STILL_CLOSED);
        }
        d.state_is(State::Established)
            .arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=100><CTL=PSH,ACK>");

        let mut d = closed(family, TcpConfig { r2: 3, ..plain() });
        for at in [1200, 1600, 2400] {
            d.until(ms(at)).leaves(PROBE);
        }
        d.until(ms(4000)).state_is(State::Closed);
        let error = Some(ConnectionError::TimedOut);
        assert_eq!(d.stack.take_error(d.id()), error);

        let mut d = closed(family, plain());
        d.lets_go();
        for _ in 0..8 {
            d.until_something_leaves();
            d.leaves(PROBE).arrives(STILL_CLOSED);
        }
        d.until_deadline();
        assert_eq!(d.stack.connection_count(), 0, "an orphan");
        assert!(d.elapsed() <= secs(120));
    });
}

/// MUST-35: a window that closes over what is in flight; retransmission asks, and after it the
/// probe.
#[test]
fn a_window_that_shrank_to_zero_is_probed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(1000)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,ACK>");
        d.arrives(STILL_CLOSED);
        for at in [200, 600, 1400, 3000] {
            d.until(ms(at))
                .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=PSH,ACK>");
            d.arrives(STILL_CLOSED);
        }
        d.until(secs(4))
            .arrives("<SEQ=101><ACK=1301><WND=0><CTL=ACK>");
        d.sends(1).nothing_more();
        d.until_something_leaves();
        d.leaves("<SEQ=1300><ACK=101><CTL=ACK>");
    });
}

/// Our window is closed: ten thousand octets have come, and nobody reads.
fn full(family: Family) -> Dialogue {
    let mut d = Dialogue::established(family, plain());
    for index in 0..10u32 {
        let seq = 101 + 1000 * index;
        d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
        let (ack, wnd) = (seq + 1000, 9000 - 1000 * index);
        d.leaves(&format!("<SEQ=301><ACK={ack}><WND={wnd}><CTL=ACK>"));
    }
    d
}

/// MAY-8: and each probe gets an answer.
#[test]
fn our_window_stays_closed_as_long_as_nobody_reads() {
    in_both_families(|family| {
        let mut d = full(family);
        let still_closed = "<SEQ=301><ACK=10101><WND=0><CTL=ACK>";
        for minute in 1..=60 {
            d.until(secs(60 * minute));
            d.arrives("<SEQ=10101><ACK=301><DATA=1><CTL=ACK>")
                .leaves(still_closed);
            d.arrives("<SEQ=10100><ACK=301><CTL=ACK>")
                .leaves(still_closed);
        }
        assert_eq!(d.status().recv_queue, 10_000);
    });
}

/// MUST-66.
#[test]
fn rst_urg_and_ack_count_with_a_closed_window() {
    in_both_families(|family| {
        let mut d = full(family);
        d.sends(10)
            .leaves("<SEQ=301><ACK=10101><WND=0><DATA=10><CTL=PSH,ACK>");
        d.arrives("<SEQ=10101><ACK=311><CTL=ACK>");
        assert_eq!(d.status().bytes_acked, 10);
        d.readiness();
        d.arrives("<SEQ=10101><ACK=311><UP=5><DATA=5><CTL=URG,ACK>")
            .leaves("<SEQ=311><ACK=10101><WND=0><CTL=ACK>");
        assert!(d.readiness().has(Readiness::STATE));
        assert_eq!(d.stack.urgent_mark(d.id()), Some(10_005));
        d.arrives("<SEQ=10102><CTL=RST>")
            .state_is(State::Established);
        d.arrives("<SEQ=10101><CTL=RST>").state_is(State::Closed);
        d.reads(10_000);
        let reset = Err(RecvError::Connection(ConnectionError::Reset));
        assert_eq!(d.receive(1), reset);
    });
}

/// MUST-39: the window opens by a segment or by half the buffer, and at once if it was closed.
#[test]
fn our_window_opens_by_a_segment_or_half_the_buffer() {
    in_both_families(|family| {
        let mut d = full(family);
        d.reads(999).nothing_more();
        d.reads(1).leaves("<SEQ=301><ACK=10101><WND=1000><CTL=ACK>");
        // It is small still: each further segment is worth an acknowledgment of its own.
        d.reads(999).nothing_more();
        d.reads(1).leaves("<SEQ=301><ACK=10101><WND=2000><CTL=ACK>");
        // Now it holds nobody up: the next segment tells, or half the buffer.
        d.reads(1000).nothing_more();
        d.arrives("<SEQ=10101><ACK=301><DATA=1><CTL=ACK>")
            .leaves("<SEQ=301><ACK=10102><WND=2999><CTL=ACK>");
        d.reads(4000).nothing_more();
        d.reads(1000)
            .leaves("<SEQ=301><ACK=10102><WND=7999><CTL=ACK>");

        // Half of a buffer that is no larger than a segment.
        let tcp = TcpConfig {
            receive_buffer: 1000,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        d.arrives("<SEQ=101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1101><WND=0><CTL=ACK>");
        d.reads(499).nothing_more();
        d.reads(1).leaves("<SEQ=301><ACK=1101><WND=500><CTL=ACK>");
    });
}

/// MUST-38: a small window is not filled with a small segment, (1) to (3) of §3.8.6.2.1, until the
/// override timeout, (4).
#[test]
fn silly_windows_are_not_filled() {
    in_both_families(|family| {
        // (1) a segment of full size; (3) half the largest window.
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><WND=999><CTL=ACK>")
            .sends(5000)
            .nothing_more();
        d.arrives("<SEQ=101><ACK=301><WND=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>");
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><WND=1600><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><WND=799><CTL=ACK>")
            .accept()
            .sends(5000)
            .nothing_more();
        d.arrives("<SEQ=101><ACK=301><WND=800><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=800><CTL=ACK>");
        // (2) all that there is.
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><WND=999><CTL=ACK>")
            .sends(999)
            .leaves("<SEQ=301><ACK=101><DATA=999><CTL=PSH,ACK>");
    });
}

/// MUST-38, (4): the override timeout is between 0.1 s and 1 s, each time.
#[test]
fn a_small_window_is_filled_after_the_override_timeout() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><WND=100><CTL=ACK>")
            .sends(5000)
            .nothing_more();
        for index in 0..10u32 {
            let seq = 301 + 100 * index;
            d.until(ms(200 * (u64::from(index) + 1)));
            d.leaves(&format!("<SEQ={seq}><ACK=101><DATA=100><CTL=ACK>"));
            let ack = seq + 100;
            d.arrives(&format!("<SEQ=101><ACK={ack}><WND=100><CTL=ACK>"));
        }
    });
}

/// However long the window was closed, and however little it opens: the interval between probes is over, and the
/// next is the first again.
#[test]
fn a_window_that_opens_a_little_ends_the_interval_between_probes() {
    in_both_families(|family| {
        let closed_for_long = || {
            let mut d = Dialogue::established(family, plain());
            d.arrives(STILL_CLOSED).until(secs(1)).sends(5000);
            for at in [1200, 1600, 2400, 4000, 7200] {
                d.until(ms(at)).leaves(PROBE).arrives(STILL_CLOSED);
            }
            d.until(secs(8))
                .arrives("<SEQ=101><ACK=301><WND=100><CTL=ACK>")
                .nothing_more();
            d
        };
        let mut d = closed_for_long();
        d.until(ms(8200))
            .leaves("<SEQ=301><ACK=101><DATA=100><CTL=ACK>");

        let mut d = closed_for_long();
        d.arrives(STILL_CLOSED);
        for at in [8200, 8600] {
            d.until(ms(at)).leaves(PROBE).arrives(STILL_CLOSED);
        }
    });
}

/// A segment that is larger than the window is cut only if nothing is in flight.
#[test]
fn acknowledgments_make_no_small_segments() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, nodelay());
        d.arrives("<SEQ=101><ACK=301><WND=1500><CTL=ACK>")
            .sends(5000)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>")
            .nothing_more();
        d.arrives("<SEQ=101><ACK=1301><WND=1500><CTL=ACK>")
            .leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=ACK>");
    });
}

/// §3.10.7.4, first: what lies beyond the window is cut off, and with it the FIN behind it. The
/// stream does not end where the window does.
#[test]
fn a_fin_behind_text_that_is_cut_off_does_not_count() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=10001><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=10101><WND=0><CTL=ACK>")
            .state_is(State::Established);
        d.reads(10_000)
            .leaves("<SEQ=301><ACK=10101><WND=10000><CTL=ACK>");
        assert_eq!(d.receive(10), Err(RecvError::WouldBlock));
        d.arrives("<SEQ=10101><ACK=301><DATA=1><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=10103><WND=9998><CTL=ACK>")
            .state_is(State::CloseWait);
        d.reads(1);
        assert_eq!(d.receive(10), Ok(0));
    });
}

/// §3.10.7.4, fifth: SND.WL1 keeps the window of a segment that was overtaken from counting.
#[test]
fn the_window_of_a_segment_that_was_overtaken_does_not_count() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=106><ACK=301><WND=500><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        assert_eq!(d.status().snd_wnd, 500);
        d.arrives("<SEQ=101><ACK=301><WND=9000><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK>");
        assert_eq!(d.status().snd_wnd, 500);
        d.arrives("<SEQ=111><ACK=301><WND=9000><CTL=ACK>");
        assert_eq!(d.status().snd_wnd, 9000);
    });
}
