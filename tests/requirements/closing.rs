//! Closing connections (RFC 9293 §3.6, §3.10.4, §3.10.5), TIME-WAIT, and reopening from it (RFC
//! 6191, RFC 1337).

use std::time::Duration;

use stubborn::config::{Config, SynCookies, TcpConfig};
use stubborn::tcp::{ConnectionError, Discard, RecvError, SendError, State};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

const RESET: Result<usize, RecvError> = Err(RecvError::Connection(ConnectionError::Reset));

/// SHLD-2: a reset may carry text, which is not delivered.
#[test]
fn a_reset_may_carry_text() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><DATA=5><CTL=RST>")
            .state_is(State::Closed);
        assert_eq!(d.receive(10), RESET);
    });
}

/// MUST-12: and what came before is read first, then the end, once or for ever.
#[test]
fn the_user_can_tell_a_close_from_a_reset() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=ACK>");
        d.reads(5);
        assert_eq!(d.receive(10), Ok(0));
        assert_eq!(d.receive(10), Ok(0), "for ever");
        assert_eq!(d.stack.take_error(d.id()), None);

        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.arrives("<SEQ=106><CTL=RST>").reads(5);
        assert_eq!(d.receive(10), RESET, "once");
        assert_eq!(d.receive(10), Ok(0));
    });
}

/// MAY-1: one direction is closed, the other goes on.
#[test]
fn a_connection_may_be_half_closed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.closes()
            .leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>")
            .state_is(State::FinWait1);
        let (now, id) = (d.now(), d.id());
        assert_eq!(d.stack.send(now, id, b"x"), Err(SendError::Closing));
        let again = d.stack.shutdown(now, id, std::net::Shutdown::Write);
        assert_eq!(again, Err(SendError::Closing));
        d.arrives("<SEQ=101><ACK=302><DATA=5><CTL=ACK>")
            .leaves("<SEQ=302><ACK=106><WND=9995><CTL=ACK>")
            .state_is(State::FinWait2);
        d.reads(5);
        d.until(secs(100_000))
            .arrives("<SEQ=106><ACK=302><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=302><ACK=112><WND=9989><CTL=ACK>")
            .state_is(State::TimeWait);
        d.reads(5);
        assert_eq!(d.receive(1), Ok(0));

        // The other way round: the peer closes, and we send on.
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>")
            .state_is(State::CloseWait);
        d.sends(10)
            .leaves("<SEQ=301><ACK=102><WND=9999><DATA=10><CTL=PSH,ACK>");
        d.closes()
            .leaves("<SEQ=311><ACK=102><WND=9999><CTL=FIN,ACK>")
            .state_is(State::LastAck);
        d.arrives("<SEQ=102><ACK=312><CTL=ACK>")
            .state_is(State::Closed);
    });
}

/// After `shutdown(Read)` what arrives is acknowledged and thrown away.
#[test]
fn reading_may_be_shut_down() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=500><CTL=ACK>")
            .leaves("<SEQ=301><ACK=601><WND=9500><CTL=ACK>");
        d.shuts_reading();
        assert_eq!(d.receive(10), Ok(0));
        let mut seq = 601;
        for _ in 0..20 {
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
            seq += 1000;
            d.leaves(&format!("<SEQ=301><ACK={seq}><CTL=ACK>"));
        }
        d.lets_go()
            .leaves(&format!("<SEQ=301><ACK={seq}><CTL=FIN,ACK>"));
    });
}

/// SHLD-3: if text is lost by closing, a reset says so.
#[test]
fn text_that_nobody_will_read_resets() {
    in_both_families(|family| {
        // Not read when the user lets go.
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.lets_go().leaves("<SEQ=301><ACK=106><CTL=RST,ACK>");
        assert_eq!(d.stack.connection_count(), 0);
        // Arriving afterwards: in FIN-WAIT-1 and in FIN-WAIT-2.
        for acked in [301, 302] {
            let mut d = Dialogue::established(family, plain());
            d.lets_go().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
            d.arrives(&format!("<SEQ=101><ACK={acked}><CTL=ACK>"))
                .discards();
            d.arrives(&format!("<SEQ=101><ACK={acked}><DATA=5><CTL=ACK>"))
                .leaves(&format!("<SEQ={acked}><CTL=RST>"))
                .state_is(State::Closed);
            assert_eq!(d.discards(), [Discard::TextAfterClose]);
            d.arrives("<SEQ=106><ACK=302><CTL=ACK>")
                .leaves("<SEQ=302><CTL=RST>");
        }
        // All read: no reset.
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.reads(5)
            .lets_go()
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=FIN,ACK>");
    });
}

/// SHLD-3 where both sides have closed: in CLOSING and in LAST-ACK, with our FIN in flight, and with text
/// of ours still to leave.
#[test]
fn text_that_nobody_will_read_resets_after_both_have_closed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=302><ACK=107><WND=9994><CTL=ACK>")
            .state_is(State::Closing);
        d.lets_go().leaves("<SEQ=302><ACK=107><CTL=RST,ACK>");
        assert_eq!(d.stack.connection_count(), 0);

        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><WND=0><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=ACK>");
        d.sends(10).closes().state_is(State::LastAck);
        d.lets_go().leaves("<SEQ=301><ACK=107><CTL=RST,ACK>");
        assert_eq!(d.stack.connection_count(), 0);

        // All read: the FIN is waited for as ever.
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=ACK>");
        d.reads(5)
            .closes()
            .leaves("<SEQ=301><ACK=107><WND=9994><CTL=FIN,ACK>");
        d.lets_go().nothing_more().state_is(State::LastAck);
    });
}

/// Letting go with a linger of zero resets, in every state in which the peer may wait for
/// something.
#[test]
fn a_linger_of_zero_resets() {
    in_both_families(|family| {
        let linger = |d: &mut Dialogue| {
            d.set(|options| options.linger = Some(Duration::ZERO));
        };
        let mut d = Dialogue::established(family, plain());
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        linger(&mut d);
        d.lets_go().leaves("<SEQ=311><ACK=101><CTL=RST,ACK>");

        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
        linger(&mut d);
        d.lets_go().leaves("<SEQ=301><ACK=102><CTL=RST,ACK>");

        // In SYN-RECEIVED after a simultaneous open.
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        linger(&mut d);
        d.lets_go().leaves("<SEQ=301><ACK=101><CTL=RST,ACK>");

        // In SYN-SENT there is nobody to tell yet.
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        linger(&mut d);
        d.lets_go().nothing_more();
        assert_eq!(d.stack.connection_count(), 0);
    });
}

/// Letting go with text that waits for windows: it all goes out, the FIN last.
#[test]
fn what_is_queued_goes_out_before_the_fin() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            initial_window: 2,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        d.sends(3500)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=ACK>");
        d.lets_go().nothing_more();
        d.arrives("<SEQ=101><ACK=2301><CTL=ACK>")
            .leaves("<SEQ=2301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=3301><ACK=101><DATA=500><CTL=FIN,PSH,ACK>");
        // What is lost of it is sent again, the FIN too.
        d.until(ms(200))
            .leaves("<SEQ=2301><ACK=101><DATA=1000><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=3301><CTL=ACK>")
            .leaves("<SEQ=3301><ACK=101><DATA=500><CTL=FIN,PSH,ACK>");
        d.arrives("<SEQ=101><ACK=3802><CTL=ACK>")
            .state_is(State::FinWait2);
    });
}

/// The FIN is sent again until it is acknowledged, in each state that waits for that.
#[test]
fn a_fin_is_sent_again() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.until(ms(200)).leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK>")
            .state_is(State::Closing);
        d.until(ms(600))
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK>");

        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
        d.closes()
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK>")
            .state_is(State::LastAck);
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK>");
    });
}

/// RFC 9293 §3.10.4: CLOSE in SYN-RECEIVED; the FIN may leave before our SYN is acknowledged,
/// and both are sent again.
#[test]
fn close_in_syn_received() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.closes()
            .leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>")
            .state_is(State::FinWait1);
        d.until(secs(1))
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>")
            .leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .state_is(State::FinWait1);
        d.arrives("<SEQ=101><ACK=302><CTL=ACK>")
            .state_is(State::FinWait2);
    });
}

/// RFC 9293 §3.10.4: but with text to send, CLOSE in SYN-RECEIVED waits until the connection is
/// established.
#[test]
fn close_in_syn_received_with_text_waits() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.sends(10)
            .closes()
            .nothing_more()
            .state_is(State::SynReceived);
        let (now, id) = (d.now(), d.id());
        assert_eq!(d.stack.send(now, id, b"x"), Err(SendError::Closing));
        let again = d.stack.shutdown(now, id, std::net::Shutdown::Write);
        assert_eq!(again, Err(SendError::Closing));
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=FIN,PSH,ACK>")
            .state_is(State::FinWait1);
        d.arrives("<SEQ=101><ACK=312><CTL=ACK>")
            .state_is(State::FinWait2);
    });
}

/// CLOSE in SYN-SENT deletes the connection (§3.10.4); what the peer answers is a stranger's.
#[test]
fn close_in_syn_sent() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.connect().leaves("<SEQ=300><CTL=SYN><MSS=1000>");
        d.closes().state_is(State::Closed);
        d.until(secs(10))
            .arrives("<SEQ=100><ACK=301><CTL=SYN,ACK>")
            .leaves("<SEQ=301><CTL=RST>");
    });
}

/// Two FINs of one stream contradict each other: where the first has said that it ends, it ends.
#[test]
fn the_first_fin_counts() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        for fin in [111, 121] {
            d.arrives(&format!("<SEQ={fin}><ACK=301><CTL=FIN,ACK>"))
                .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        }
        d.arrives("<SEQ=101><ACK=301><DATA=10><CTL=ACK>")
            .leaves("<SEQ=301><ACK=112><WND=9989><CTL=ACK>")
            .state_is(State::CloseWait);
        d.reads(10);
        assert_eq!(d.receive(1), Ok(0));
    });
}

/// ESTABLISHED, then closed by us first: TIME-WAIT since second 0, with SND.NXT = 302 and RCV.NXT =
/// 102. Somebody still listens if `listener`.
fn time_wait(family: Family, tcp: TcpConfig, listener: bool) -> Dialogue {
    let mut d = Dialogue::listening(family, tcp);
    d.opens();
    if !listener {
        d.closes_listener();
    }
    d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
        .leaves(ANSWER)
        .state_is(State::TimeWait);
    d
}

const ANSWER: &str = "<SEQ=302><ACK=102><WND=9999><CTL=ACK>";

/// MUST-13: 2 MSL, to the nanosecond; the peer's FIN starts it again, an old duplicate does not.
#[test]
fn time_wait_lasts_two_msl() {
    in_both_families(|family| {
        let just_before = |at: Duration| at - Duration::from_nanos(1);
        for msl in [1, 30, 120] {
            let tcp = TcpConfig {
                msl: secs(msl),
                ..plain()
            };
            let mut d = time_wait(family, tcp, false);
            d.until(just_before(secs(2 * msl)))
                .state_is(State::TimeWait);
            d.until(secs(2 * msl)).state_is(State::Closed);
        }
        let mut d = time_wait(family, plain(), false);
        d.until(secs(30))
            .arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
            .leaves(ANSWER);
        d.until(secs(59))
            .arrives("<SEQ=90><ACK=302><DATA=5><CTL=ACK>")
            .leaves(ANSWER);
        // Nor does a FIN that was never the peer's.
        d.arrives("<SEQ=90><ACK=302><CTL=FIN,ACK>").leaves(ANSWER);
        d.until(just_before(secs(90))).state_is(State::TimeWait);
        d.until(secs(90)).state_is(State::Closed);
        // For ever.
        let tcp = TcpConfig {
            msl: Duration::MAX,
            ..plain()
        };
        let mut d = time_wait(family, tcp, false);
        d.until(secs(1 << 30)).state_is(State::TimeWait);
    });
}

/// The user who lets go in TIME-WAIT, or whose connection ends there, leaves it as it is.
#[test]
fn time_wait_does_not_need_a_user() {
    in_both_families(|family| {
        let mut d = time_wait(family, plain(), false);
        d.lets_go().until(secs(59)).state_is(State::TimeWait);
        d.until(secs(60));
        assert_eq!(d.stack.connection_count(), 0);
    });
}

/// RFC 1337: no reset cuts TIME-WAIT short.
#[test]
fn time_wait_is_not_assassinated() {
    in_both_families(|family| {
        let mut d = time_wait(family, plain(), false);
        for seq in [100, 101, 102, 103, 5000] {
            d.arrives(&format!("<SEQ={seq}><CTL=RST>")).nothing_more();
            d.arrives(&format!("<SEQ={seq}><ACK=302><CTL=RST,ACK>"));
        }
        d.until(secs(59)).state_is(State::TimeWait);
    });
}

/// The oldest of too many gives way.
#[test]
fn connections_in_time_wait_are_bounded() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp = plain();
        config.max_time_wait = 2;
        let mut d = Dialogue::with(family, config);
        d.listen(8);
        for port in [1000, 1001, 1002] {
            d.as_port(port).opens();
            d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>").leaves(ANSWER);
            d.lets_go();
        }
        assert_eq!(d.stack.connection_count(), 2);
        d.as_port(1000).state_is(State::Listen);
        d.as_port(1001).state_is(State::TimeWait);
        d.as_port(1002).state_is(State::TimeWait);
    });
}

/// MAY-2: a SYN beyond the old numbers reopens a connection in TIME-WAIT, with an ISN beyond ours;
/// any other is answered, and changes nothing.
#[test]
fn a_syn_beyond_the_old_numbers_reopens_time_wait() {
    in_both_families(|family| {
        for (seq, reopens) in [
            (103u32, true),
            (50_000, true),
            (102 + (1 << 31) - 1, true),
            (102, false),
            (101, false),
            (102u32.wrapping_sub(1000), false),
        ] {
            let mut d = time_wait(family, plain(), true);
            let old = d.our_wire(302);
            d.until(secs(30))
                .arrives(&format!("<SEQ={seq}><CTL=SYN><MSS=1000>"));
            if reopens {
                let ack = seq + 1;
                let answer = format!("<SEQ=300><ACK={ack}><CTL=SYN,ACK><MSS=1000>");
                d.leaves(&answer).state_is(State::SynReceived);
                assert!(d.wire_iss().wrapping_sub(old).cast_signed() > 0);
                d.arrives(&format!("<SEQ={ack}><ACK=301><CTL=ACK>"))
                    .accept()
                    .state_is(State::Established);
            } else {
                d.leaves(ANSWER).state_is(State::TimeWait);
                d.until(secs(60)).state_is(State::Listen);
            }
        }
        // Nobody listens: nothing can be reopened.
        let mut d = time_wait(family, plain(), false);
        d.arrives("<SEQ=5000><CTL=SYN>")
            .leaves(ANSWER)
            .state_is(State::TimeWait);
    });
}

/// MUST-13: a SYN that cannot be taken opens nothing, and so the old connection stays in TIME-WAIT, and
/// answers the FIN of the peer.
#[test]
fn time_wait_stays_while_there_is_no_room_for_another() {
    in_both_families(|family| {
        let waiting = |change: fn(&mut Config)| {
            let mut config = Config::new([family.us()]);
            config.tcp = plain();
            change(&mut config);
            let mut d = Dialogue::with(family, config);
            d.listen(1).opens();
            d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>").leaves(ANSWER);
            d
        };
        let stays = |d: &mut Dialogue| {
            d.as_port(1000)
                .arrives("<SEQ=5000><CTL=SYN><MSS=1000>")
                .nothing_more()
                .state_is(State::TimeWait);
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>").leaves(ANSWER);
        };
        let opens = |d: &mut Dialogue| {
            d.as_port(1000)
                .arrives("<SEQ=5000><CTL=SYN><MSS=1000>")
                .leaves("<SEQ=300><ACK=5001><CTL=SYN,ACK><MSS=1000>")
                .state_is(State::SynReceived);
        };
        // The accept queue is full.
        let mut d = waiting(|_| {});
        d.as_port(1001).opens_and_waits();
        stays(&mut d);
        assert_eq!(d.stack.counters().listen_overflows, 1);
        d.as_port(1001).accept();
        opens(&mut d);
        // So is the queue of handshakes.
        let mut d = waiting(|config| config.max_half_open = 1);
        d.as_port(1001)
            .arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        stays(&mut d);
        d.as_port(1001)
            .arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .accept();
        opens(&mut d);
        // There are as many connections as there may be, one of which nobody has let go of.
        let mut d = waiting(|config| config.max_connections = 1);
        stays(&mut d);
        d.lets_go();
        opens(&mut d);
    });
}

/// MUST-13: nor does such a SYN keep the connection longer than 2 MSL, if nobody holds it and nothing else comes.
#[test]
fn time_wait_ends_though_a_syn_has_found_no_room() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.listen(1).opens();
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>").leaves(ANSWER);
        d.lets_go().as_port(1001).opens_and_waits();
        d.until(secs(30))
            .as_port(1000)
            .arrives("<SEQ=5000><CTL=SYN><MSS=1000>")
            .nothing_more()
            .state_is(State::TimeWait);
        d.until(secs(60));
        let left = d.stack.connections().map(|(_, state)| state);
        assert_eq!(left.collect::<Vec<_>>(), [State::Established]);
    });
}

/// MAY-2 (1): no cookie answers a SYN that reopens a connection, for its number would be none beyond
/// the old ones.
#[test]
fn no_cookie_reopens_time_wait() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp = plain();
        config.syn_cookies = SynCookies::Always;
        let mut d = Dialogue::with(family, config);
        d.listen(8).opens();
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>").leaves(ANSWER);
        let (old, sent) = (d.our_wire(302), d.stack.counters().cookies_sent);
        d.until(secs(30))
            .arrives("<SEQ=5000><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=5001><CTL=SYN,ACK><MSS=1000>")
            .state_is(State::SynReceived);
        assert!(d.wire_iss().wrapping_sub(old).cast_signed() > 0);
        assert_eq!(d.stack.counters().cookies_sent, sent);
        d.arrives("<SEQ=5001><ACK=301><CTL=ACK>")
            .accept()
            .state_is(State::Established);
    });
}

/// The new ISN lies beyond the old numbers even if the clock of ISNs does not say so, since so
/// much was sent.
#[test]
fn the_isn_of_a_reopened_connection_lies_beyond_the_old_numbers() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.opens();
        let iss = d.wire_iss();
        // In no time at all, 90,000 octets.
        let mut acked = 301;
        while acked < 90_000 {
            d.sends(10_000);
            for segment in d.all_that_leaves() {
                acked = segment.header.seq + segment.len as u32;
            }
            d.arrives(&format!("<SEQ=101><ACK={acked}><CTL=ACK>"));
        }
        let fin = acked + 1;
        d.closes()
            .leaves(&format!("<SEQ={acked}><ACK=101><CTL=FIN,ACK>"));
        d.arrives(&format!("<SEQ=101><ACK={fin}><CTL=FIN,ACK>"))
            .leaves(&format!("<SEQ={fin}><ACK=102><WND=9999><CTL=ACK>"));
        let old = d.our_wire(fin);
        d.until(ms(1)).arrives("<SEQ=5000><CTL=SYN><MSS=1000>");
        d.all_that_leaves();
        assert!(d.wire_iss().wrapping_sub(iss) > 90_000);
        assert!(d.wire_iss().wrapping_sub(old).cast_signed() > 0);
    });
}

/// SHLD-4: with timestamps, a newer one reopens, whatever the sequence number (RFC 6191 §2).
#[test]
fn a_newer_timestamp_reopens_time_wait() {
    in_both_families(|family| {
        for (syn, reopens) in [
            ("<SEQ=50><CTL=SYN><MSS=1000><TS=91,0>", true),
            ("<SEQ=5000><CTL=SYN><MSS=1000><TS=91,0>", true),
            ("<SEQ=5000><CTL=SYN><MSS=1000><TS=90,0>", true),
            ("<SEQ=102><CTL=SYN><MSS=1000><TS=90,0>", false),
            ("<SEQ=5000><CTL=SYN><MSS=1000><TS=89,0>", false),
            // Without one, the sequence number decides.
            ("<SEQ=5000><CTL=SYN><MSS=1000>", true),
            ("<SEQ=50><CTL=SYN><MSS=1000>", false),
        ] {
            let tcp = TcpConfig {
                timestamps: true,
                ..plain()
            };
            let mut d = Dialogue::listening(family, tcp);
            d.arrives("<SEQ=100><CTL=SYN><MSS=1000><TS=88,0>")
                .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000><TS=1000,88>");
            d.arrives("<SEQ=101><ACK=301><CTL=ACK><TS=89,1000>")
                .accept();
            d.closes()
                .leaves("<SEQ=301><ACK=101><CTL=FIN,ACK><TS=1000,89>");
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK><TS=90,1000>")
                .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK><TS=1000,90>");
            d.arrives(syn);
            d.all_that_leaves();
            let state = if reopens {
                State::SynReceived
            } else {
                State::TimeWait
            };
            assert_eq!(d.state(), state, "{syn}");
        }
    });
}

/// RFC 6191 §2 would let any timestamp reopen a connection that had none. Here the sequence number
/// decides, since old segments without timestamps are taken by a connection that has them.
#[test]
fn a_first_timestamp_reopens_nothing_by_itself() {
    in_both_families(|family| {
        for (seq, state) in [(50, State::TimeWait), (5000, State::SynReceived)] {
            let tcp = TcpConfig {
                timestamps: true,
                ..plain()
            };
            let mut d = time_wait(family, tcp, true);
            d.until(secs(30));
            d.arrives(&format!("<SEQ={seq}><CTL=SYN><MSS=1000><TS=91,0>"));
            d.all_that_leaves();
            d.state_is(state);
        }
    });
}

/// FIN-WAIT-2 without an end would let a silent peer hold memory for ever: it ends, once nobody
/// holds the connection, and the peer's FIN is a stranger's then.
#[test]
fn fin_wait_2_ends_once_nobody_holds_the_connection() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=302><CTL=ACK>")
            .until(secs(100_000))
            .state_is(State::FinWait2);
        d.lets_go();
        d.until(secs(100_059)).state_is(State::FinWait2);
        d.until(secs(100_060)).state_is(State::Closed);
        assert_eq!(d.stack.connection_count(), 0);
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
            .leaves("<SEQ=302><CTL=RST>");
        // Let go first, then acknowledged.
        let mut d = Dialogue::established(family, plain());
        d.lets_go().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.until(ms(100)).arrives("<SEQ=101><ACK=302><CTL=ACK>");
        d.until(ms(60_100)).state_is(State::Closed);
        // With no limit, it waits for ever.
        let tcp = TcpConfig {
            fin_wait_2_timeout: None,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        d.lets_go().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=302><CTL=ACK>")
            .until(secs(1_000_000))
            .state_is(State::FinWait2);
        // With none at all, the peer hears of it: whether it lets go before or after.
        let mut tcp = plain();
        tcp.fin_wait_2_timeout = Some(Duration::ZERO);
        let mut d = Dialogue::established(family, tcp.clone());
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=302><CTL=ACK>").lets_go();
        d.leaves("<SEQ=302><ACK=101><CTL=RST,ACK>");
        let mut d = Dialogue::established(family, tcp);
        d.lets_go().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=302><CTL=ACK>")
            .leaves("<SEQ=302><CTL=RST>")
            .state_is(State::Closed);
    });
}

/// NAPTHA: whatever state an orphan is in, a silent peer does not hold it for ever.
#[test]
fn no_orphan_outlives_a_silent_peer() {
    in_both_families(|family| {
        let ways: [fn(&mut Dialogue); 4] = [
            // FIN-WAIT-1, with text in flight.
            |d| {
                d.sends(10);
                d.all_that_leaves();
            },
            // CLOSING.
            |d| {
                d.closes();
                d.all_that_leaves();
                d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>");
            },
            // LAST-ACK.
            |d| {
                d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>");
                d.all_that_leaves();
                d.closes();
            },
            // The window is closed.
            |d| {
                d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>").sends(10);
            },
        ];
        for way in ways {
            let mut d = Dialogue::established(family, plain());
            way(&mut d);
            d.all_that_leaves();
            d.lets_go();
            d.all_that_leaves();
            while d.stack.connection_count() > 0 {
                d.until_deadline();
                d.all_that_leaves();
            }
            assert!(d.elapsed() < secs(180), "{:?}", d.elapsed());
        }
    });
}

/// RFC 9293 §3.10.5: what ABORT sends, and what the peer's next segment gets.
#[test]
fn abort_resets_and_forgets() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        d.aborts().leaves("<SEQ=311><ACK=101><CTL=RST,ACK>");
        assert_eq!(d.stack.connection_count(), 0);
        d.arrives("<SEQ=101><ACK=311><CTL=ACK>")
            .leaves("<SEQ=311><CTL=RST>");
        // The FIN has a number of its own.
        let mut d = Dialogue::established(family, plain());
        d.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        d.aborts().leaves("<SEQ=302><ACK=101><CTL=RST,ACK>");
    });
}

/// After the connection is gone, what is left of it is a stranger's: reset, but no reset for a
/// reset.
#[test]
fn a_late_segment_is_reset() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><CTL=RST>");
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><CTL=RST>");
        d.arrives("<SEQ=101><DATA=5><CTL=>")
            .leaves("<SEQ=0><ACK=106><CTL=RST,ACK>");
        d.arrives("<SEQ=101><CTL=RST>").nothing_more();
        d.arrives("<SEQ=101><ACK=301><CTL=RST,ACK>").nothing_more();
    });
}
