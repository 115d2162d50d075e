//! Acknowledging: when (RFC 9293 §3.8.6.3, RFC 5681 §4.2), and with what (RFC 2018, RFC 2883).

use stubborn::config::{AckWaits, Config, ConfigError, TcpConfig};
use stubborn::stack::{Secret, Stack};
use stubborn::tcp::State;

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

/// MUST-58, MUST-59: segments that arrive together are acknowledged together.
#[test]
fn several_segments_get_one_ack() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrive_together(&[
            "<SEQ=101><ACK=301><DATA=1000><CTL=ACK>",
            "<SEQ=1101><ACK=301><DATA=1000><CTL=ACK>",
            "<SEQ=2101><ACK=301><DATA=1000><CTL=ACK>",
        ])
        .leaves("<SEQ=301><ACK=3101><WND=7000><CTL=ACK>");
        // And with what there is to send anyway.
        d.sends(10)
            .leaves("<SEQ=301><ACK=3101><WND=7000><DATA=10><CTL=PSH,ACK>");
    });
}

/// SHLD-31: in whatever order it comes.
#[test]
fn text_beyond_a_gap_is_kept() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        for seq in [201, 401, 301] {
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=100><CTL=ACK>"))
                .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        }
        d.arrives("<SEQ=101><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=501><WND=9600><CTL=ACK>");
        d.reads(400);
    });
}

/// Of octets that come twice the first counts: what differs later changes nothing.
#[test]
fn the_first_copy_of_an_octet_counts() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=111><ACK=301><DATA=10><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        // Over both ends of what is there, and in its middle.
        d.arrives_with("<SEQ=113><ACK=301><DATA=5><CTL=ACK>", b"wrong")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=301><DATA=30><CTL=ACK>")
            .leaves("<SEQ=301><ACK=131><WND=9970><CTL=ACK>");
        d.arrives_with("<SEQ=121><ACK=301><DATA=10><CTL=ACK>", b"wrong once")
            .leaves("<SEQ=301><ACK=131><WND=9970><CTL=ACK>");
        d.reads(30);
    });
}

/// A hundred duplicates beyond a gap do not keep the segment out that fills it.
#[test]
fn a_flood_beyond_a_gap_does_not_keep_the_next_segment_out() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        for _ in 0..100 {
            d.arrives("<SEQ=1101><ACK=301><DATA=1000><CTL=ACK>")
                .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        }
        d.arrives("<SEQ=101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=2101><WND=8000><CTL=ACK>");
        d.reads(2000).all_that_leaves();
        // Nor do two hundred tiny ones.
        for index in 0..200 {
            let (seq, ack) = (2101 + index, 2102 + index);
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1><CTL=ACK>"));
            let last = d.all_that_leaves().pop().unwrap();
            assert_eq!(last.header.ack, ack);
        }
        d.reads(200);
    });
}

fn sack() -> TcpConfig {
    TcpConfig {
        sack: true,
        ..plain()
    }
}

/// ESTABLISHED with SACK.
fn with_sack(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    d.arrives("<SEQ=100><CTL=SYN><MSS=1000><SACKP>")
        .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><SACKP>");
    d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
    d.closes_listener();
    d
}

/// MAY-13, RFC 2018 §4: at once; the block that grew last is the first, then the others, the
/// latest first; as many as there is room for.
#[test]
fn text_beyond_a_gap_is_acknowledged_at_once() {
    in_both_families(|family| {
        let mut d = with_sack(family, sack());
        for (seq, blocks) in [
            (201, "201:301"),
            (401, "401:501,201:301"),
            (601, "601:701,401:501,201:301"),
            (801, "801:901,601:701,401:501,201:301"),
            (1001, "1001:1101,801:901,601:701,401:501"),
            // One that grows comes first again, with all of it.
            (301, "201:501,1001:1101,801:901,601:701"),
            (501, "201:701,1001:1101,801:901"),
        ] {
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=100><CTL=ACK>"));
            d.leaves(&format!("<SEQ=301><ACK=101><CTL=ACK><SACK={blocks}>"));
        }
        d.arrives("<SEQ=101><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=701><WND=9400><CTL=ACK><SACK=1001:1101,801:901>");
        // RFC 2883 §4: what the text that fills the gap has in common with what was held came twice.
        d.arrives("<SEQ=701><ACK=301><DATA=300><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1101><WND=9000><CTL=ACK><SACK=801:901>");
        d.reads(1000);
    });
}

/// RFC 2883 §4: what came twice is reported once, before the other blocks: by example.
#[test]
fn duplicates_are_reported() {
    in_both_families(|family| {
        // §4.1.1, a duplicate segment.
        let mut d = with_sack(family, sack());
        d.arrives("<SEQ=101><ACK=301><DATA=500><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=301><DATA=500><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK><SACK=101:601>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK>");
        // §4.1.2 and §4.1.3, with a gap: the duplicate, then what lies beyond it.
        d.arrives("<SEQ=1101><ACK=301><DATA=500><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK><SACK=1101:1601>");
        d.arrives("<SEQ=101><ACK=301><DATA=500><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK><SACK=101:601,1101:1601>");
        // §4.2.1, part of it new: the part that is not.
        d.arrives("<SEQ=401><ACK=301><DATA=300><CTL=ACK>")
            .leaves("<SEQ=301><ACK=701><WND=9400><CTL=ACK><SACK=401:601,1101:1601>");
        // §4.1.3: the duplicate lies beyond the gap; its whole block follows.
        d.arrives("<SEQ=1101><ACK=301><DATA=500><CTL=ACK>")
            .leaves("<SEQ=301><ACK=701><WND=9400><CTL=ACK><SACK=1101:1601,1101:1601>");
        d.arrives("<SEQ=2101><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=701><WND=9400><CTL=ACK><SACK=2101:2201,1101:1601>");
    });
}

/// RFC 2018 §4, RFC 5681 §4.2: of segments that arrive together each that begins a block has an
/// acknowledgment of its own: so each is reported, and, while others follow, in three of them.
#[test]
fn every_block_is_reported_though_they_come_together() {
    in_both_families(|family| {
        let mut d = with_sack(family, sack());
        let segments = [201, 401, 501, 601, 801, 1001, 1201, 1401];
        let segments = segments.map(|seq| format!("<SEQ={seq}><ACK=301><DATA=100><CTL=ACK>"));
        d.arrive_together(&segments.each_ref().map(String::as_str));
        for blocks in [
            "201:301",
            // 501 continues what 401 began, and 601 that.
            "401:701,201:301",
            "801:901,401:701,201:301",
            "1001:1101,801:901,401:701,201:301",
            "1201:1301,1001:1101,801:901,401:701",
            "1401:1501,1201:1301,1001:1101,801:901",
        ] {
            d.leaves(&format!("<SEQ=301><ACK=101><CTL=ACK><SACK={blocks}>"));
        }
        // One more has the room of the last.
        d.arrive_together(&[
            "<SEQ=1601><ACK=301><DATA=100><CTL=ACK>",
            "<SEQ=101><ACK=301><DATA=100><CTL=ACK>",
        ]);
        let blocks = "1601:1701,1401:1501,1201:1301,1001:1101";
        d.leaves(&format!(
            "<SEQ=301><ACK=301><WND=9800><CTL=ACK><SACK={blocks}>"
        ));
    });
}

/// What a gap that closes meanwhile would hide was true before: it is told with what was
/// acknowledged then, or it would look like a duplicate (RFC 2883 §4).
#[test]
fn a_block_is_reported_beside_what_was_acknowledged_then() {
    in_both_families(|family| {
        let mut d = with_sack(family, sack());
        d.arrive_together(&[
            "<SEQ=201><ACK=301><DATA=100><CTL=ACK>",
            "<SEQ=401><ACK=301><DATA=100><CTL=ACK>",
            "<SEQ=101><ACK=301><DATA=100><CTL=ACK>",
        ]);
        d.leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=201:301>");
        d.leaves("<SEQ=301><ACK=301><WND=9800><CTL=ACK><SACK=401:501>");
    });
}

/// RFC 2883 §4: an acknowledgment reports one duplicate. Those that continue each other are one.
#[test]
fn every_duplicate_is_reported_though_they_come_together() {
    in_both_families(|family| {
        let mut d = with_sack(family, sack());
        d.arrives("<SEQ=101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1101><WND=9000><CTL=ACK>");
        d.arrives("<SEQ=1201><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=1101><WND=9000><CTL=ACK><SACK=1201:1301>");
        let segments = [101, 201, 401, 1201, 801];
        let segments = segments.map(|seq| format!("<SEQ={seq}><ACK=301><DATA=100><CTL=ACK>"));
        d.arrive_together(&segments.each_ref().map(String::as_str));
        for blocks in ["101:301", "401:501", "1201:1301", "801:901"] {
            d.leaves(&format!(
                "<SEQ=301><ACK=1101><WND=9000><CTL=ACK><SACK={blocks},1201:1301>"
            ));
        }
    });
}

/// RFC 5681 §4.2: a peer without SACK counts duplicate acknowledgments, one for each segment.
#[test]
fn segments_beyond_a_gap_are_counted_though_they_come_together() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrive_together(&[
            "<SEQ=101><ACK=301><DATA=100><CTL=ACK>",
            "<SEQ=301><ACK=301><DATA=100><CTL=ACK>",
            "<SEQ=401><ACK=301><DATA=100><CTL=ACK>",
            "<SEQ=501><ACK=301><DATA=100><CTL=ACK>",
        ]);
        for _ in 0..4 {
            d.leaves("<SEQ=301><ACK=201><WND=9900><CTL=ACK>");
        }
        // A super-segment is as many as it was cut into.
        d.arrives_as_one("<SEQ=701><ACK=301><DATA=300><CTL=ACK>", 100);
        for _ in 0..3 {
            d.leaves("<SEQ=301><ACK=201><WND=9900><CTL=ACK>");
        }
        // What fills the gap is acknowledged once.
        d.arrives("<SEQ=201><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK>");
    });
}

/// THREATS: however many pieces come together, no more acknowledgments wait than there may be.
#[test]
fn what_a_burst_asks_for_is_bounded() {
    in_both_families(|family| {
        let mut d = with_sack(family, sack());
        let segments: Vec<String> = (0..100)
            .map(|index| format!("<SEQ={}><ACK=301><DATA=1><CTL=ACK>", 103 + 2 * index))
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        d.arrive_together(&segments);
        assert_eq!(d.all_that_leaves().len(), 1 + 32);
        let held = d.stack.heap_size(d.id());
        d.arrives("<SEQ=103><ACK=301><DATA=1><CTL=ACK>")
            .all_that_leaves();
        assert_eq!(
            d.stack.heap_size(d.id()),
            held,
            "those that left take no memory"
        );
    });
}

/// RFC 2018 §8 lets a receiver forget: beyond this many pieces, the farthest goes.
#[test]
fn pieces_beyond_gaps_are_bounded() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            max_out_of_order_ranges: 3,
            ..sack()
        };
        let mut d = with_sack(family, tcp);
        for seq in [201, 401, 601] {
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=100><CTL=ACK>"))
                .all_that_leaves();
        }
        let held = d.stack.heap_size(d.id());
        d.arrives("<SEQ=801><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=601:701,401:501,201:301>");
        d.arrives("<SEQ=501><ACK=301><DATA=1><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=401:502,601:701,201:301>");
        d.arrives("<SEQ=151><ACK=301><DATA=10><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=151:161,401:502,201:301>");
        assert_eq!(d.stack.heap_size(d.id()), held, "whatever has come");
    });
}

/// Acknowledgments wait, whatever the user reads.
fn delayed() -> TcpConfig {
    TcpConfig {
        delayed_ack: Some(ms(40)),
        ack_waits: AckWaits {
            end_with_reading: false,
            ..AckWaits::default()
        },
        ..plain()
    }
}

/// ESTABLISHED with delayed acknowledgments, and past the first segments, which are not delayed:
/// the user has answered.
fn with_delay(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::established(family, tcp);
    d.sends(1).leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
    d.arrives("<SEQ=101><ACK=302><CTL=ACK>");
    d
}

/// SHLD-18: after the delay, or with what leaves before.
#[test]
fn a_single_segment_is_acknowledged_after_the_delay() {
    in_both_families(|family| {
        let mut d = with_delay(family, delayed());
        d.until(secs(1))
            .arrives("<SEQ=101><ACK=302><DATA=1000><CTL=ACK>")
            .nothing_more();
        d.until(ms(1040))
            .leaves("<SEQ=302><ACK=1101><WND=9000><CTL=ACK>");
        d.until(secs(2))
            .arrives("<SEQ=1101><ACK=302><DATA=500><CTL=ACK>");
        d.until(ms(2010))
            .sends(10)
            .leaves("<SEQ=302><ACK=1601><WND=8500><DATA=10><CTL=PSH,ACK>");
        d.arrives("<SEQ=1601><ACK=312><CTL=ACK>");
        d.until(secs(3));
    });
}

/// MUST-40: the configuration refuses a delay of half a second.
#[test]
fn no_acknowledgment_is_delayed_by_half_a_second() {
    let config = |millis| {
        let mut config = Config::new([Family::V4.us()]);
        config.tcp.delayed_ack = Some(ms(millis));
        config
    };
    let made = |millis| Stack::new(config(millis), Secret([0; 16])).map(|_| ());
    assert_eq!(made(500), Err(ConfigError::DelayedAck));
    assert_eq!(made(499), Ok(()));
    in_both_families(|family| {
        let tcp = TcpConfig {
            delayed_ack: Some(ms(499)),
            ..plain()
        };
        let mut d = with_delay(family, tcp);
        d.arrives("<SEQ=101><ACK=302><DATA=1><CTL=ACK>");
        d.until(ms(499))
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK>");
    });
}

/// SHLD-19: at least every second segment of full size, or as many octets.
#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    in_both_families(|family| {
        let mut d = with_delay(family, delayed());
        let mut seq = 101;
        for len in [1000, 1000, 1000, 1000, 500, 500, 999, 1] {
            d.arrives(&format!("<SEQ={seq}><ACK=302><DATA={len}><CTL=ACK>"));
            seq += len;
            let at_once = [2101, 4101, 6101].contains(&seq);
            match d.all_that_leaves()[..] {
                [ref ack] => assert!(at_once && ack.header.ack == seq, "{ack}"),
                [] => assert!(!at_once, "{seq}"),
                _ => panic!("{}", d.transcript()),
            }
            d.reads(len as usize).nothing_more();
        }
    });
}

/// RFC 9293 §3.8.6.3 bounds the delay. Its reason is gone when the user has read all there is, if the
/// peer has no more for now, and nobody answers: what is pushed, or is not full, is acknowledged then.
#[test]
fn what_is_pushed_is_acknowledged_when_it_is_read() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            ack_waits: AckWaits::default(),
            ..delayed()
        };
        let mut d = Dialogue::established(family, tcp);
        // Past the first segments, which are not delayed.
        for index in 0..16 {
            d.arrives(&format!(
                "<SEQ={}><ACK=301><DATA=10><CTL=ACK>",
                101 + 10 * index
            ));
            d.leaves_something();
        }
        d.reads(160).nothing_more();
        d.until(secs(1))
            .arrives("<SEQ=261><ACK=301><DATA=1000><CTL=PSH,ACK>")
            .nothing_more();
        // Not all of it: more may be on its way until the user comes back.
        d.reads(600).nothing_more();
        d.reads(400)
            .leaves("<SEQ=301><ACK=1261><WND=10000><CTL=ACK>");
        // A full segment that is not pushed says that more follows.
        d.until(secs(2))
            .arrives("<SEQ=1261><ACK=301><DATA=1000><CTL=ACK>")
            .reads(1000)
            .nothing_more();
        d.until(ms(2040))
            .leaves("<SEQ=301><ACK=2261><WND=10000><CTL=ACK>");
        // What is not full needs no PSH.
        d.until(secs(3))
            .arrives("<SEQ=2261><ACK=301><DATA=10><CTL=ACK>")
            .reads(10)
            .leaves("<SEQ=301><ACK=2271><WND=9990><CTL=ACK>");
    });
}

/// While the user answers, the answer carries the acknowledgment (SHLD-18), until one has waited for it
/// in vain; but two ends are acknowledged when they are read.
#[test]
fn who_answers_acknowledges_with_the_answer() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            ack_waits: AckWaits::default(),
            ..delayed()
        };
        let mut d = with_delay(family, tcp);
        d.until(secs(1))
            .arrives("<SEQ=101><ACK=302><DATA=10><CTL=PSH,ACK>")
            .reads(10)
            .nothing_more();
        d.until(ms(1010))
            .sends(10)
            .leaves("<SEQ=302><ACK=111><WND=9990><DATA=10><CTL=PSH,ACK>");
        d.arrives("<SEQ=111><ACK=312><CTL=ACK>").until(secs(2));
        for seq in [111, 121] {
            d.arrives(&format!("<SEQ={seq}><ACK=312><DATA=10><CTL=PSH,ACK>"))
                .nothing_more();
        }
        d.reads(20).leaves("<SEQ=312><ACK=131><WND=9970><CTL=ACK>");
        d.until(secs(3))
            .arrives("<SEQ=131><ACK=312><DATA=10><CTL=PSH,ACK>")
            .reads(10)
            .nothing_more();
        d.until(ms(3040))
            .leaves("<SEQ=312><ACK=141><WND=9960><CTL=ACK>");
        d.until(secs(4))
            .arrives("<SEQ=141><ACK=312><DATA=10><CTL=PSH,ACK>")
            .reads(10)
            .leaves("<SEQ=312><ACK=151><WND=9950><CTL=ACK>");
    });
}

/// Where a listener's user answered on the last connection, the first text of the next waits for an answer
/// as well (SHLD-18); if one waits in vain, text is acknowledged at once again, there and on the next.
#[test]
fn who_has_answered_before_is_expected_to_answer() {
    in_both_families(|family| {
        for expect_answer in [true, false] {
            let ack_waits = AckWaits {
                expect_answer,
                ..AckWaits::default()
            };
            let mut d = Dialogue::listening(
                family,
                TcpConfig {
                    ack_waits,
                    ..delayed()
                },
            );
            for (port, at_once, answers) in [
                (1000, true, true),
                (1001, !expect_answer, true),
                (1002, !expect_answer, false),
                (1003, true, false),
            ] {
                d.as_port(port)
                    .arrives("<SEQ=100><CTL=SYN><MSS=1000>")
                    .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
                d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
                d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=PSH,ACK>");
                if at_once {
                    d.leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK>");
                }
                d.reads(10).nothing_more();
                let answer = if answers { 10 } else { 0 };
                if answers {
                    d.sends(10)
                        .leaves("<SEQ=301><ACK=111><WND=9990><DATA=10><CTL=PSH,ACK>");
                } else if !at_once {
                    let later = d.elapsed() + ms(40);
                    d.until(later)
                        .leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK>");
                }
                let fin = format!("<SEQ=111><ACK={}><CTL=FIN,ACK>", 301 + answer);
                d.arrives(&fin).lets_go().leaves(&format!(
                    "<SEQ={}><ACK=112><WND=9989><CTL=FIN,ACK>",
                    301 + answer
                ));
                d.arrives(&format!("<SEQ=112><ACK={}><CTL=ACK>", 302 + answer));
            }
        }
    });
}

/// At the start of a connection each segment is acknowledged at once, until the user answers: a
/// sender that starts slowly needs it.
#[test]
fn the_first_segments_are_acknowledged_at_once() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, delayed());
        for index in 0..16 {
            let (seq, ack) = (101 + 10 * index, 111 + 10 * index);
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=10><CTL=ACK>"));
            assert_eq!(d.leaves_something().header.ack, ack);
        }
        d.arrives("<SEQ=261><ACK=301><DATA=10><CTL=ACK>")
            .nothing_more();
        d.until(ms(40))
            .leaves("<SEQ=301><ACK=271><WND=9830><CTL=ACK>");
    });
}

/// RFC 5681 §4.2: what lies beyond a gap, or fills one, is acknowledged at once, delay or not.
#[test]
fn gaps_are_not_delayed() {
    in_both_families(|family| {
        let mut d = with_delay(family, delayed());
        d.arrives("<SEQ=111><ACK=302><DATA=10><CTL=ACK>")
            .leaves("<SEQ=302><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=302><DATA=5><CTL=ACK>")
            .leaves("<SEQ=302><ACK=106><WND=9995><CTL=ACK>");
        d.arrives("<SEQ=106><ACK=302><DATA=5><CTL=ACK>")
            .leaves("<SEQ=302><ACK=121><WND=9980><CTL=ACK>");
        // And an old duplicate.
        d.arrives("<SEQ=101><ACK=302><DATA=5><CTL=ACK>")
            .leaves("<SEQ=302><ACK=121><WND=9980><CTL=ACK>");
    });
}

/// A sender that has sent again what was lost has a small window, and sends only as it hears: once a gap is filled,
/// each segment is acknowledged at once as at the start, until the user answers.
#[test]
fn after_a_gap_segments_are_acknowledged_at_once_again() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, delayed());
        let ten_octets = |seq: u32, ack: u32| format!("<SEQ={seq}><ACK={ack}><DATA=10><CTL=ACK>");
        for seq in (101..261).step_by(10) {
            d.arrives(&ten_octets(seq, 301)).leaves_something();
        }
        d.arrives(&ten_octets(261, 301)).nothing_more();
        d.arrives(&ten_octets(281, 301))
            .leaves("<SEQ=301><ACK=271><WND=9830><CTL=ACK>");
        d.arrives(&ten_octets(271, 301))
            .leaves("<SEQ=301><ACK=291><WND=9810><CTL=ACK>");
        for seq in (291..451).step_by(10) {
            d.arrives(&ten_octets(seq, 301));
            assert_eq!(d.leaves_something().header.ack, seq + 10);
        }
        d.arrives(&ten_octets(451, 301)).nothing_more();
        // What the user answers needs no acknowledgment of its own.
        d.sends(1)
            .leaves("<SEQ=301><ACK=461><WND=9640><DATA=1><CTL=PSH,ACK>");
        d.arrives(&ten_octets(471, 302))
            .leaves("<SEQ=302><ACK=461><WND=9640><CTL=ACK>");
        d.arrives(&ten_octets(461, 302))
            .leaves("<SEQ=302><ACK=481><WND=9620><CTL=ACK>");
        d.arrives(&ten_octets(481, 302)).nothing_more();
    });
}

/// A FIN may wait for the user to close too: one segment then acknowledges it and closes.
#[test]
fn our_fin_carries_the_acknowledgment_of_the_peers() {
    in_both_families(|family| {
        let mut d = with_delay(family, delayed());
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
            .state_is(State::CloseWait)
            .nothing_more();
        d.until(ms(10))
            .closes()
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=FIN,ACK>");
        d.arrives("<SEQ=102><ACK=303><CTL=ACK>")
            .state_is(State::Closed);
        // Otherwise it is acknowledged after the delay.
        let mut d = with_delay(family, delayed());
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>");
        d.until(ms(40))
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK>");
        // With the last text there is nothing to wait for.
        let mut d = with_delay(family, delayed());
        d.arrives("<SEQ=101><ACK=302><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=302><ACK=107><WND=9994><CTL=ACK>");
    });
}

/// RFC 9293 §3.10.7.4, eighth: nothing follows a FIN, so one before text that is here contradicts it, and does
/// not count.
#[test]
fn a_fin_before_text_that_is_here_does_not_count() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=201><ACK=301><DATA=50><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=151><ACK=301><CTL=FIN,ACK>")
            .all_that_leaves();
        d.arrives("<SEQ=101><ACK=301><DATA=100><CTL=ACK>")
            .leaves("<SEQ=301><ACK=251><WND=9850><CTL=ACK>")
            .state_is(State::Established);
        d.reads(150);
        d.arrives("<SEQ=251><ACK=301><CTL=FIN,ACK>")
            .tells("<SEQ=301><ACK=252><CTL=ACK>")
            .state_is(State::CloseWait);
    });
}

/// What begins before the window and ends beyond it is trimmed on both sides: all that it has room for counts.
#[test]
fn a_segment_that_covers_the_window_fills_it() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.receive_buffer = 100;
        let mut d = Dialogue::established(family, tcp);
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK>")
            .leaves("<SEQ=301><ACK=111><WND=90><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=301><DATA=150><CTL=ACK>")
            .leaves("<SEQ=301><ACK=201><WND=0><CTL=ACK>");
        d.reads(100);
        d.all_that_leaves();
    });
}
