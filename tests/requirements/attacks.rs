//! Blind attacks (RFC 5961), floods, reflection: what strangers, who cannot see the numbers of a
//! connection, must not achieve.

use std::time::Duration;

use stubborn::config::TcpConfig;
use stubborn::tcp::{Discard, State};

use crate::dialogue::{Dialogue, Family, PEER_PORT, in_both_families, ms, plain, secs};

const CHALLENGE: &str = "<SEQ=301><ACK=101><CTL=ACK>";

/// N-4, N-5, RFC 5961 §3: of all places in the window only the left edge resets.
#[test]
fn a_blind_reset_resets_nothing() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        let mut answers = 0;
        for seq in 102..10_101 {
            d.arrives(&format!("<SEQ={seq}><CTL=RST>"));
            answers += d.all_that_leaves().len();
        }
        assert_eq!(answers, 1, "a challenge, at most so often");
        for seq in [100, 99, 10_101, 10_102, 1 << 31, u32::MAX] {
            d.arrives(&format!("<SEQ={seq}><CTL=RST>")).nothing_more();
        }
        d.state_is(State::Established);
        // The peer answers the challenge with a reset that counts, if it means it.
        d.until(secs(1))
            .arrives("<SEQ=5000><CTL=RST>")
            .leaves(CHALLENGE);
        d.arrives("<SEQ=101><CTL=RST>").state_is(State::Closed);
    });
}

/// N-6, RFC 5961 §4: a SYN gets a challenge wherever it stands, whatever comes with it.
#[test]
fn a_blind_syn_resets_nothing() {
    in_both_families(|family| {
        for syn in [
            "<SEQ=0><CTL=SYN>",
            "<SEQ=100><CTL=SYN>",
            "<SEQ=101><CTL=SYN>",
            "<SEQ=5000><CTL=SYN>",
            "<SEQ=10101><CTL=SYN>",
            "<SEQ=2147483749><CTL=SYN>",
            "<SEQ=101><ACK=301><CTL=SYN,ACK>",
            "<SEQ=101><ACK=301><DATA=5><CTL=SYN,ACK>",
            "<SEQ=100><ACK=301><DATA=5><CTL=SYN,ACK>",
            "<SEQ=100><DATA=5><CTL=SYN>",
        ] {
            let mut d = Dialogue::established(family, plain());
            d.arrives(syn)
                .leaves(CHALLENGE)
                .state_is(State::Established);
            d.arrives(syn).nothing_more();
            assert_eq!(d.status().bytes_received, 0, "{syn}");
        }
    });
}

/// MAY-12, N-7, RFC 5961 §5: text counts only with an acknowledgment of what we have sent, and not
/// of too long ago.
#[test]
fn acks_outside_the_range_are_refused() {
    in_both_families(|family| {
        // 20,000 octets have been acknowledged; the largest window has been 10,000.
        let sent = || {
            let mut d = Dialogue::established(family, plain());
            for ack in [10_301, 20_301] {
                d.sends(10_000).all_that_leaves();
                d.arrives(&format!("<SEQ=101><ACK={ack}><CTL=ACK>"));
            }
            d
        };
        for (ack, is_taken) in [
            (20_301, true),
            (10_301, true),
            (10_300, false),
            (20_302, false),
            (301, false),
            (20_301 + (1u32 << 31), false),
        ] {
            let mut d = sent();
            d.arrives(&format!("<SEQ=101><ACK={ack}><DATA=5><CTL=ACK>"));
            match is_taken {
                true => d.leaves("<SEQ=20301><ACK=106><WND=9995><CTL=ACK>"),
                false => d.leaves("<SEQ=20301><ACK=101><CTL=ACK>"),
            };
            assert_eq!(d.status().bytes_received, 5 * u64::from(is_taken), "{ack}");
        }
        // Before our SYN nothing was ever ours, however large the window.
        for (ack, is_taken) in [(301, true), (300, false), (299, false)] {
            let mut d = Dialogue::established(family, plain());
            d.arrives(&format!("<SEQ=101><ACK={ack}><DATA=5><CTL=ACK>"))
                .all_that_leaves();
            assert_eq!(d.status().bytes_received, 5 * u64::from(is_taken), "{ack}");
        }
    });
}

/// THREATS 3: of 4,096 acknowledgments from all over the sequence space none brings text, since
/// none is of what may have been sent.
#[test]
fn a_guessed_acknowledgment_brings_no_text() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(10_000).all_that_leaves();
        d.arrives("<SEQ=101><ACK=10301><CTL=ACK>");
        // None of them lies in the ten thousand octets that may have been sent.
        for ack in (0..=u32::MAX).step_by(1 << 20) {
            d.arrives(&format!("<SEQ=101><ACK={ack}><DATA=1><CTL=ACK>"));
            d.all_that_leaves();
            assert_eq!(d.status().bytes_received, 0, "{ack}");
        }
        d.arrives("<SEQ=101><ACK=10301><DATA=1><CTL=ACK>")
            .leaves("<SEQ=10301><ACK=102><WND=9999><CTL=ACK>");
    });
}

/// RFC 5961 §7: at most one challenge per interval, whatever provokes it.
#[test]
fn challenges_are_limited() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        let provocations = [
            "<SEQ=101><CTL=SYN>",
            "<SEQ=5000><CTL=RST>",
            "<SEQ=101><ACK=5000><CTL=ACK>",
            "<SEQ=50000><ACK=301><CTL=ACK>",
            "<SEQ=90><CTL=>",
        ];
        let mut challenges = 0;
        for step in 0..1000 {
            d.until(ms(10 * step));
            for provocation in provocations {
                d.arrives(provocation);
                challenges += d.all_that_leaves().len();
            }
        }
        assert_eq!(challenges, 20, "in ten seconds");
    });
}

/// CVE-2016-5696: each connection has a limit of its own, so that nobody can count another's: when
/// the victim is challenged does not depend on what an attacker provokes, however he goes about it.
#[test]
fn what_one_connection_is_asked_does_not_show_in_another() {
    let seeds = if cfg!(debug_assertions) { 4 } else { 500 };
    in_both_families(|family| {
        for seed in 0..seeds {
            let challenges = |with_attacker: bool| {
                let mut d = Dialogue::listening(family, plain());
                d.opens().as_port(1001).opens();
                let mut of_victim = Vec::new();
                for step in 0..100u64 {
                    let noise = (seed * 100 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    d.until(ms(21 * step + noise % 20));
                    if with_attacker {
                        for place in 0..noise % 16 {
                            d.as_port(1001)
                                .arrives(&format!("<SEQ={}><CTL=RST>", 5000 + place))
                                .all_that_leaves();
                        }
                    }
                    d.as_port(PEER_PORT).arrives("<SEQ=5000><CTL=RST>");
                    of_victim.push(d.all_that_leaves().len());
                }
                of_victim
            };
            assert_eq!(challenges(true), challenges(false), "seed {seed}");
        }
    });
}

/// What carries text is always answered: the peer waits for it, and a limit would stall its
/// recovery.
#[test]
fn text_is_answered_without_limit() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        for _ in 0..100 {
            d.arrives("<SEQ=90><ACK=301><DATA=5><CTL=ACK>")
                .leaves(CHALLENGE);
        }
    });
}

/// THREATS 14: an acknowledgment of what was never sent moves nothing.
#[test]
fn an_optimistic_ack_gains_nothing() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(20_000).all_that_leaves();
        let before = d.status();
        for beyond in [10_302, 20_301, 100_000, 301 + (1u32 << 31)] {
            d.arrives(&format!("<SEQ=101><ACK={beyond}><CTL=ACK>"))
                .all_that_leaves();
        }
        let after = d.status();
        assert_eq!((after.cwnd, after.bytes_acked), (before.cwnd, 0));
        assert_eq!(d.discards().last(), Some(&Discard::BadAck));
    });
}

/// THREATS 14: a receiver that acknowledges whatever may be under way, a thousand times faster than
/// anything could arrive, gets what its window allows; and what it makes the congestion window
/// is what fits into the send buffer twice.
#[test]
fn a_lying_receiver_gets_what_its_window_allows() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        let mut sent = 301;
        for step in 0..200 {
            d.until(Duration::from_micros(10 * step));
            for segment in d.all_that_leaves() {
                sent = sent.max(segment.header.seq + segment.len as u32);
            }
            d.arrives(&format!("<SEQ=101><ACK={sent}><WND=65535><CTL=ACK>"));
            for segment in d.all_that_leaves() {
                sent = sent.max(segment.header.seq + segment.len as u32);
            }
            let _ = d.send(100_000);
            let status = d.status();
            assert!(status.in_flight <= 65_535, "{status:?}");
            assert!(status.cwnd <= 2 * 100_000, "{status:?}");
        }
        assert!(sent > 1_000_000, "{sent}");
        d.all_that_leaves();
    });
}

/// CVE-2018-5390: an octet in every second place costs no more than the window and a bounded number
/// of ranges.
#[test]
fn text_in_many_pieces_is_bounded() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            sack: true,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        for round in 0..2 {
            for place in (102..10_101).step_by(2) {
                d.arrives(&format!("<SEQ={place}><ACK=301><DATA=1><CTL=ACK>"));
                assert_eq!(d.all_that_leaves().len(), 1, "round {round}");
            }
        }
        assert!(d.stack.heap_size(d.id()) <= 2 * 10_000);
        d.arrives("<SEQ=101><ACK=301><DATA=10000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=10101><WND=0><CTL=ACK>");
        d.reads(10_000).all_that_leaves();
    });
}

/// THREATS 34: resets to strangers have a limit that cannot be counted; and a reset is never
/// answered.
#[test]
fn resets_to_strangers_are_limited() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        let mut counts = Vec::new();
        for tenth in 0..20 {
            d.until(ms(100 * tenth));
            let mut resets = 0;
            for _ in 0..300 {
                d.arrives("<SEQ=1><ACK=1><CTL=ACK>");
                resets += d.all_that_leaves().len();
                d.arrives("<SEQ=1><ACK=1><CTL=RST,ACK>").nothing_more();
            }
            counts.push(resets);
        }
        // Half of what all strangers get together.
        assert!(counts.iter().all(|count| (25..=50).contains(count)));
        counts.sort_unstable();
        counts.dedup();
        assert!(counts.len() > 8, "{counts:?}");
        let suppressed = d.stack.counters().replies_suppressed;
        assert!(suppressed > 20 * 200, "{suppressed}");
    });
}

/// THREATS 16: two sides that disagree about everything do not talk for ever.
#[test]
fn disagreement_is_no_storm() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        // The peer answers each of our acknowledgments with one that we cannot accept.
        let mut said = 0;
        for step in 0..1000 {
            d.until(ms(10 * step));
            let mut to_answer = 1;
            while to_answer > 0 {
                d.arrives("<SEQ=60000><ACK=301><CTL=ACK>");
                let answers = d.all_that_leaves().len();
                said += answers;
                to_answer += answers;
                to_answer -= 1;
            }
        }
        assert_eq!(said, 20, "in ten seconds");
    });
}

/// A peer with segments of one octet cannot make us send as many (THREATS 10): the floor is 48.
#[test]
fn tiny_segments_have_a_floor() {
    in_both_families(|family: Family| {
        let mut d = Dialogue::listening(
            family,
            TcpConfig {
                mss: None,
                ..plain()
            },
        );
        for (port, mss) in [(1000, 0), (1001, 1), (1002, 47)] {
            d.as_port(port)
                .arrives(&format!("<SEQ=100><CTL=SYN><MSS={mss}>"))
                .all_that_leaves();
            d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
            d.sends(4800);
            let lens: Vec<usize> = d.all_that_leaves().iter().map(|s| s.len).collect();
            assert_eq!(lens, [48; 10]);
        }
    });
}

/// THREATS 17 (CVE-2008-4609): the peers of connections whose users have closed keep their windows
/// shut and answer every probe. All of them are given up within two minutes.
#[test]
fn windows_that_stay_shut_do_not_keep_orphans() {
    const CONNECTIONS: u16 = if cfg!(debug_assertions) { 200 } else { 10_000 };
    let mut d = Dialogue::listening(Family::V4, plain());
    let ports = 2000..2000 + CONNECTIONS;
    for port in ports.clone() {
        d.as_port(port).opens();
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
        d.sends(2000).lets_go().all_that_leaves();
    }
    assert_eq!(d.stack.connection_count(), usize::from(CONNECTIONS));
    while d.stack.connection_count() > 0 {
        assert!(d.elapsed() < secs(120), "{}", d.stack.connection_count());
        d.until_deadline();
        for port in d.all_that_leaves_to_any_port() {
            d.as_port(port)
                .arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
        }
    }
    assert_eq!(d.stack.memory_in_use(), 0);
}
