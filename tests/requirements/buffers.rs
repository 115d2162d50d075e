//! How large the buffers are: right-sizing as the path asks, what the user says, and how much may
//! wait unsent.

use stubborn::config::TcpConfig;
use stubborn::stack::Readiness;
use stubborn::tcp::{RecvError, SendError};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain};

/// The buffer starts with 20,000 octets and may grow to a million.
fn growing(timestamps: bool) -> TcpConfig {
    TcpConfig {
        receive_buffer: 1_000_000,
        initial_receive_buffer: 20_000,
        window_scaling: true,
        timestamps,
        ..plain()
    }
}

/// A connection of which the peer sees a round trip of 100 ms, and so do we.
fn far_peer(family: Family, tcp: TcpConfig) -> Dialogue {
    peer_at(family, tcp, 100)
}

/// A connection whose handshake takes this many milliseconds.
fn peer_at(family: Family, tcp: TcpConfig, millis: u64) -> Dialogue {
    let timestamps = tcp.timestamps;
    let mut d = Dialogue::listening(family, tcp);
    let syn = if timestamps { "<TS=1,0>" } else { "" };
    d.arrives(&format!("<SEQ=100><CTL=SYN><MSS=1000><WS=0>{syn}"));
    d.all_that_leaves();
    let ack = if timestamps { "<TS=101,1000>" } else { "" };
    d.until(ms(millis));
    d.arrives(&format!("<SEQ=101><ACK=301><CTL=ACK>{ack}"))
        .accept();
    d
}

/// In each round trip this many segments of 1,000 octets arrive, one after the other, each with the
/// timestamp that left a round trip ago, and the user reads `reads` octets of each at once. Returns
/// the capacity after each round trip.
fn round_trips(d: &mut Dialogue, segments: &[u32], reads: usize, stamped: bool) -> Vec<usize> {
    let mut at = d.elapsed();
    let mut capacities = Vec::new();
    let mut seq = 101 + d.status().bytes_received as u32;
    for count in segments {
        let spacing = ms(100) / *count;
        for _ in 0..*count {
            at += spacing;
            d.until(at);
            d.all_that_leaves();
            let echo = 1000 + at.as_millis() as u32 - 100;
            let stamp = match stamped {
                true => format!("<TS={},{echo}>", 1 + at.as_millis()),
                false => String::new(),
            };
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>{stamp}"));
            seq += 1000;
            d.all_that_leaves();
            if reads > 0 {
                assert_eq!(d.receive(reads), Ok(reads));
                d.all_that_leaves();
            }
        }
        capacities.push(d.status().receive_buffer);
    }
    capacities
}

/// What the user reads in a round trip, twice, and more while it grows; at most what the
/// configuration allows. With timestamps and without.
#[test]
fn the_receive_buffer_grows_with_what_is_read_in_a_round_trip() {
    in_both_families(|family| {
        for timestamps in [true, false] {
            let mut d = far_peer(family, growing(timestamps));
            let slow_start = [10, 20, 40, 80, 160, 320];
            let capacities = round_trips(&mut d, &slow_start, 1000, timestamps);
            // Always room for twice what has just come, and never a window that the peer fills.
            for (count, capacity) in slow_start.iter().zip(&capacities) {
                let wanted = (2000 * *count as usize).clamp(20_000, 1_000_000);
                assert!(
                    (wanted..=4 * wanted + 40_000).contains(capacity),
                    "{count} segments, timestamps {timestamps}: {capacities:?}"
                );
            }
            let last = round_trips(&mut d, &[640, 1000, 1000], 1000, timestamps);
            assert_eq!(last.last(), Some(&1_000_000));
        }
    });
}

/// As much in every round trip: no growth beyond what that asks for.
#[test]
fn the_receive_buffer_stays_when_as_much_is_read_as_before() {
    in_both_families(|family| {
        let mut d = far_peer(family, growing(true));
        let capacities = round_trips(&mut d, &[30; 20], 1000, true);
        assert!(capacities[19] <= 4 * 30_000 + 32_000, "{capacities:?}");
        assert_eq!(capacities[5], capacities[19]);
    });
}

/// A user who reads a tenth of what comes makes nothing grow.
#[test]
fn a_slow_reader_makes_nothing_grow() {
    in_both_families(|family| {
        let mut d = far_peer(family, growing(true));
        let capacities = round_trips(&mut d, &[5, 5, 5, 5], 100, true);
        assert_eq!(capacities, [20_000; 4]);
    });
}

/// Text that had to wait in a queue comes at once, and is read as fast as the user can: that says
/// nothing of the path. Its round trip is what the handshake has shown, not how long the queue is.
#[test]
fn what_comes_out_of_a_queue_makes_nothing_grow() {
    in_both_families(|family| {
        let mut d = peer_at(family, growing(true), 1);
        let mut seq = 101;
        for at in (30..300).step_by(30) {
            d.until(ms(at));
            d.all_that_leaves();
            for _ in 0..18 {
                let stamp = format!("<TS={},{}>", 101 + at, 1000 + at - 30);
                d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>{stamp}"));
                d.all_that_leaves();
                seq += 1000;
            }
            for later in [0, 1] {
                d.until(ms(at + later)).reads(9000).all_that_leaves();
            }
        }
        assert_eq!(d.status().receive_buffer, 20_000);
    });
}

/// The size that the user gives is the size, in either direction, from then on.
#[test]
fn a_size_that_the_user_gives_stays() {
    in_both_families(|family| {
        let mut d = far_peer(family, growing(true));
        d.set(|options| options.receive_buffer = Some(50_000));
        d.all_that_leaves();
        assert_eq!(d.status().receive_buffer, 50_000);
        let capacities = round_trips(&mut d, &[40, 40, 40], 1000, true);
        assert_eq!(capacities, [50_000; 3]);
        d.set(|options| options.send_buffer = Some(3000));
        assert_eq!(d.send(5000), Ok(3000));
        d.set(|options| options.send_buffer = Some(1000));
        d.all_that_leaves();
        assert_eq!(d.send(1), Err(SendError::WouldBlock));
        d.set(|options| options.send_buffer = None);
        assert_eq!(d.send(20_000), Ok(20_000), "as much as it starts with");
        d.aborts().all_that_leaves();
    });
}

/// SHLD-14: a smaller buffer takes nothing back that the peer was given; it shows as the window is
/// used up.
#[test]
fn a_smaller_receive_buffer_takes_no_window_back() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.set(|options| options.receive_buffer = Some(2000));
        assert_eq!(d.status().rcv_wnd, 10_000);
        for index in 0..10 {
            let seq = 101 + 1000 * index;
            let left = 9000 - 1000 * index;
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
            d.leaves(&format!(
                "<SEQ=301><ACK={}><WND={left}><CTL=ACK>",
                seq + 1000
            ));
        }
        d.reads(8000).nothing_more();
        d.reads(1000)
            .leaves("<SEQ=301><ACK=10101><WND=1000><CTL=ACK>");
        d.reads(1000)
            .leaves("<SEQ=301><ACK=10101><WND=2000><CTL=ACK>");
        assert_eq!(d.receive(1), Err(RecvError::WouldBlock));
    });
}

/// The window of a SYN,ACK is what the configuration says, and the next one what there is room for.
#[test]
fn the_first_window_is_what_the_configuration_says() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            initial_receive_window: 3000,
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><WND=3000><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
        d.arrives("<SEQ=101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1101><WND=9000><CTL=ACK>");
    });
}

/// Two congestion windows fit the send buffer, from what it starts with to what it may be.
#[test]
fn the_send_buffer_grows_with_the_congestion_window() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            initial_send_buffer: 10_000,
            send_buffer: 50_000,
            initial_window: 2,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        assert_eq!(d.send(100_000), Ok(10_000));
        let (mut acked, mut before) = (301, 10_000);
        for round in 1..=12 {
            d.until(ms(10 * round));
            let sent: usize = d.all_that_leaves().iter().map(|s| s.len).sum();
            acked += sent as u32;
            d.arrives(&format!("<SEQ=101><ACK={acked}><WND=65535><CTL=ACK>"));
            let left: usize = d.all_that_leaves().iter().map(|s| s.len).sum();
            acked += left as u32;
            let status = d.status();
            let twice = (2 * status.cwnd as usize).clamp(before, 50_000);
            assert_eq!(status.send_buffer, twice);
            before = twice;
            let room = status.send_buffer - status.send_queue;
            assert_eq!(d.send(100_000), Ok(room));
        }
        assert_eq!(before, 50_000);
        d.until(ms(130)).all_that_leaves();
        d.aborts().all_that_leaves();
    });
}

/// On a short path it grows to what the fastest path would carry in two of the shortest round trips,
/// and becomes as small again when a shorter one is seen.
#[test]
fn on_a_short_path_the_send_buffer_holds_what_the_fastest_path_would_carry() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            initial_send_buffer: 10_000,
            fastest_path: Some(1_000_000),
            ..plain()
        };
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.until(ms(10)).arrives("<SEQ=101><ACK=301><CTL=ACK>");
        d.accept().closes_listener();
        let mut acked = 301;
        for (round, expected) in [(10, 20_000), (6, 12_000), (2, 10_000), (50, 10_000)] {
            for _ in 0..12 {
                while d.send(1000).is_ok() {}
                // What the last acknowledgment let out, and a little later what was sent now.
                let mut sent = d.all_that_leaves();
                sent.extend(d.until(d.elapsed() + ms(1)).all_that_leaves());
                acked += sent.iter().map(|segment| segment.len as u32).sum::<u32>();
                d.until(d.elapsed() + ms(round));
                d.arrives(&format!("<SEQ=101><ACK={acked}><WND=65535><CTL=ACK>"));
            }
            assert_eq!(d.status().send_buffer, expected);
        }
        d.all_that_leaves();
        d.aborts().all_that_leaves();
    });
}

/// TCP_NOTSENT_LOWAT of other systems: SEND takes no more than may wait, and its user is told when
/// a good part of that has left.
#[test]
fn little_waits_unsent_if_the_user_wants_so() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.socket.unsent_low_water = Some(6000);
        tcp.initial_window = 4;
        let mut d = Dialogue::established(family, tcp);
        d.readiness();
        // What leaves at once does not wait.
        assert_eq!(d.send(100_000), Ok(10_000));
        d.until(ms(1));
        for index in 0..4 {
            let seq = 301 + 1000 * index;
            d.leaves(&format!("<SEQ={seq}><ACK=101><DATA=1000><CTL=ACK>"));
        }
        assert_eq!(d.send(1), Err(SendError::WouldBlock));
        // The user is woken when less than half of it waits.
        for (ack, unsent) in [(1301, 4000), (2301, 2000)] {
            assert!(!d.readiness().has(Readiness::WRITABLE), "{ack}");
            d.arrives(&format!("<SEQ=101><ACK={ack}><CTL=ACK>"));
            assert_eq!(d.all_that_leaves().len(), 2);
            assert_eq!(d.status().unsent, unsent);
        }
        assert!(d.readiness().has(Readiness::WRITABLE));
        assert_eq!(d.send(100_000), Ok(4000));
        d.aborts().all_that_leaves();
    });
}

/// RFC 9293 §3.8.6: what is lent has not been read; the window opens as it is consumed.
#[test]
fn the_window_opens_as_a_loan_is_consumed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        for index in 0..6 {
            let (seq, left) = (101 + 1000 * index, 9000 - 1000 * index);
            let ack = seq + 1000;
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
            d.leaves(&format!("<SEQ=301><ACK={ack}><WND={left}><CTL=ACK>"));
        }
        let mut loan = d.borrows(6000);
        d.nothing_more();
        assert_eq!(d.status().recv_queue, 6000);
        d.arrives("<SEQ=6101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=7101><WND=3000><CTL=ACK>");
        assert_eq!(d.receive(1), Err(RecvError::Lent));
        // As after any read, half the buffer is worth an acknowledgment.
        d.consumes(&mut loan, 4000).nothing_more();
        d.consumes(&mut loan, 1500)
            .leaves("<SEQ=301><ACK=7101><WND=8500><CTL=ACK>");
        d.gives_back(loan).nothing_more();
        assert_eq!(d.status().recv_queue, 1500);
        d.reads(1500).nothing_more();
        assert_eq!(d.receive(1), Err(RecvError::WouldBlock));
    });
}

/// The end of the stream comes after what is lent, and an error after what has arrived.
#[test]
fn a_loan_ends_at_the_urgent_mark_and_the_stream_after_the_last_loan() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><UP=4><DATA=10><CTL=URG,ACK>")
            .all_that_leaves();
        d.arrives("<SEQ=111><ACK=301><CTL=FIN,ACK>")
            .all_that_leaves();
        let mut loan = d.borrows(4);
        assert_eq!(d.receive(1), Err(RecvError::Lent), "not the end");
        d.consumes(&mut loan, 4).gives_back(loan);
        let mut loan = d.borrows(6);
        d.consumes(&mut loan, 6).gives_back(loan);
        assert_eq!(d.receive(1), Ok(0));
    });
}
