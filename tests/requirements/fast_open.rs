//! TCP Fast Open (RFC 7413): text on SYNs.

use std::net::SocketAddr;

use stubborn::config::{Config, FastOpenConfig, FastOpenKeys, TcpConfig};
use stubborn::stack::Event;
use stubborn::tcp::{ConnectionError, RecvError, SendError, State};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain, secs};

const SYN: &str = "<SEQ=300><CTL=SYN><MSS=1000>";
const ASKING: &str = "<SEQ=300><CTL=SYN><MSS=1000><FO>";
const WITH_TEXT: &str = "<SEQ=300><DATA=10><CTL=SYN><MSS=1000><FO=0011223344556677>";
const ALL_TAKEN: &str = "<SEQ=100><ACK=311><CTL=SYN,ACK><MSS=900>";
const SYN_TAKEN: &str = "<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900>";
const ACK: &str = "<SEQ=311><ACK=101><CTL=ACK>";

fn config(family: Family, change: impl FnOnce(&mut FastOpenConfig)) -> Config {
    let mut config = Config::new([family.us()]);
    config.tcp = plain();
    change(&mut config.fast_open);
    config
}

// The client.

/// A client that has got a cookie from the peer, with whom it has no connection any more.
fn client_with(family: Family, change: impl FnOnce(&mut FastOpenConfig)) -> Dialogue {
    let mut d = Dialogue::with(family, config(family, change));
    d.connects_sending(0).leaves_something();
    d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900><FO=0011223344556677>")
        .leaves("<SEQ=301><ACK=101><CTL=ACK>");
    d.aborts().all_that_leaves();
    d
}

fn client(family: Family) -> Dialogue {
    client_with(family, |_| {})
}

/// RFC 7413 §4.2.1: without a cookie the SYN asks for one, and the text follows the handshake.
#[test]
fn a_first_syn_asks_for_a_cookie() {
    in_both_families(|family| {
        let mut d = Dialogue::with(family, config(family, |_| {}));
        let remote = SocketAddr::new(family.peer(), 80);
        assert!(!d.stack.can_fast_open(d.now(), remote));
        d.connects_sending(10).leaves(ASKING);
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900><FO=0011223344556677>")
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        assert!(d.stack.can_fast_open(d.now(), remote));
        assert!(!d.status().syn_data);
        // Who only connects asks for nothing.
        let mut d = Dialogue::with(family, config(family, |_| {}));
        d.connect().leaves(SYN);
    });
}

/// RFC 7413 §4.2.2: with a cookie the text goes with the SYN; the SYN,ACK acknowledges it.
#[test]
fn with_a_cookie_the_text_goes_with_the_syn() {
    in_both_families(|family| {
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.sends(5).arrives(ALL_TAKEN);
        d.leaves("<SEQ=311><ACK=101><DATA=5><CTL=PSH,ACK>");
        assert!(d.status().syn_data);
        d.arrives("<SEQ=101><ACK=316><DATA=20><CTL=ACK>")
            .leaves("<SEQ=316><ACK=121><WND=9980><CTL=ACK>");
        d.reads(20);
        // The SYN,ACK may carry text itself.
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives("<SEQ=100><ACK=311><DATA=20><CTL=SYN,ACK><MSS=900>")
            .leaves("<SEQ=311><ACK=121><WND=9980><CTL=ACK>");
        d.reads(20);
    });
}

/// RFC 7413 §4.1.3, §4.2.2: a SYN carries no more than the peer's MSS, which the cookie came with,
/// less the options.
#[test]
fn a_syn_carries_no_more_than_the_mss_that_is_remembered() {
    in_both_families(|family| {
        let mut d = client(family);
        d.connects_sending(2000)
            .leaves("<SEQ=300><DATA=884><CTL=SYN><MSS=1000><FO=0011223344556677>");
        d.arrives("<SEQ=100><ACK=1185><CTL=SYN,ACK><MSS=900>");
        d.leaves("<SEQ=1185><ACK=101><DATA=900><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=2085><CTL=ACK>")
            .leaves("<SEQ=2085><ACK=101><DATA=216><CTL=PSH,ACK>");
        // Without Fast Open for the peer's host nothing is remembered: the default of the family.
        let blindly = |fast_open: &mut FastOpenConfig| fast_open.client_without_cookie = true;
        let mut d = Dialogue::with(family, config(family, blindly));
        d.connects_sending(2000);
        let default = match family {
            Family::V4 => 536 - 4,
            Family::V6 => 1220 - 4,
        };
        assert_eq!(d.leaves_something().len, default);
    });
}

/// RFC 7413 §4.2.2: what the SYN,ACK does not acknowledge is sent again at once, and no loss.
#[test]
fn text_that_the_syn_ack_does_not_take_is_sent_again() {
    in_both_families(|family| {
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(SYN_TAKEN)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        assert!(!d.status().syn_data);
        assert_eq!(d.status().cwnd, 10 * 900);
        d.arrives("<SEQ=101><ACK=311><CTL=ACK>");
        assert_eq!(d.status().in_flight, 0);
        // Or what it acknowledges of it in part.
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives("<SEQ=100><ACK=305><CTL=SYN,ACK><MSS=900>")
            .leaves("<SEQ=305><ACK=101><DATA=6><CTL=PSH,ACK>");
        assert!(d.status().syn_data);
        // What it cannot acknowledge is refused as ever.
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives("<SEQ=100><ACK=312><CTL=SYN,ACK><MSS=900>")
            .leaves("<SEQ=312><CTL=RST>")
            .state_is(State::SynSent);
        d.arrives(ALL_TAKEN).leaves(ACK);
    });
}

/// RFC 7413 §7.1: a SYN that is sent again is a plain one, and its text waits for the handshake.
#[test]
fn a_syn_that_is_sent_again_is_plain() {
    in_both_families(|family| {
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.until(secs(1)).leaves(SYN);
        d.until(secs(3)).leaves(SYN);
        d.arrives(SYN_TAKEN)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        d.arrives("<SEQ=101><ACK=311><CTL=ACK>");
        // It was the answer that was lost.
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.until(secs(1)).leaves(SYN);
        d.arrives(ALL_TAKEN).leaves(ACK);
    });
}

/// RFC 7413 §4.1.3.1: a peer that did not answer, or did not take the text, is spoken to without
/// Fast Open for a while, and for longer each time; once it works the count starts again.
#[test]
fn what_failed_is_not_tried_for_a_while() {
    in_both_families(|family| {
        let mut d = client(family);
        let mut at = secs(0);
        for pause in [secs(60), secs(120), secs(240)] {
            d.connects_sending(10).leaves(WITH_TEXT);
            at += secs(1);
            d.until(at).leaves(SYN);
            d.aborts().connects_sending(10).leaves(SYN);
            d.aborts();
            d.until(at + pause - ms(1)).connects_sending(10).leaves(SYN);
            d.aborts();
            at += pause;
            d.until(at);
        }
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(ALL_TAKEN).leaves(ACK);
        d.arrives("<SEQ=101><ACK=311><DATA=1><CTL=ACK>")
            .leaves("<SEQ=311><ACK=102><WND=9999><CTL=ACK>");
        d.reads(1).aborts().all_that_leaves();
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(SYN_TAKEN).all_that_leaves();
        d.aborts().all_that_leaves();
        d.until(at + secs(59)).connects_sending(10).leaves(SYN);
        d.aborts();
        d.until(at + secs(60))
            .connects_sending(10)
            .leaves(WITH_TEXT);
        d.aborts();
    });
}

/// After a connection that began with Fast Open was dead after its handshake, nobody is spoken to
/// with it for a while.
#[test]
fn a_black_hole_turns_it_off() {
    in_both_families(|family| {
        let elsewhere = SocketAddr::new(family.peer(), 9);
        // Nothing comes through: the third timeout.
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(ALL_TAKEN).leaves(ACK);
        d.sends(10);
        for _ in 0..4 {
            assert!(d.stack.can_fast_open(d.now(), elsewhere));
            d.all_that_leaves();
            d.until_something_leaves();
            if d.status().backoff == 3 {
                break;
            }
        }
        d.all_that_leaves();
        let off_at = d.elapsed();
        assert!(!d.stack.can_fast_open(d.now(), elsewhere));
        d.aborts().all_that_leaves();
        d.until(off_at + secs(3600) - ms(1));
        assert!(!d.stack.can_fast_open(d.now(), elsewhere));
        d.until(off_at + secs(3600));
        // A reset before anything has come; and the second time lasts twice as long.
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(ALL_TAKEN).leaves(ACK);
        d.arrives("<SEQ=101><CTL=RST>").lets_go();
        let off_at = d.elapsed();
        d.until(off_at + secs(7200) - ms(1));
        assert!(!d.stack.can_fast_open(d.now(), elsewhere));
        d.until(off_at + secs(7200));
        assert!(d.stack.can_fast_open(d.now(), elsewhere));
        // It can be left out.
        let never = |fast_open: &mut FastOpenConfig| fast_open.black_hole_timeout = None;
        let mut d = client_with(family, never);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(ALL_TAKEN).leaves(ACK);
        d.arrives("<SEQ=101><CTL=RST>").lets_go();
        assert!(d.stack.can_fast_open(d.now(), elsewhere));
    });
}

/// The settings of a client.
#[test]
fn a_client_may_do_without() {
    in_both_families(|family| {
        let off = |fast_open: &mut FastOpenConfig| fast_open.client = false;
        let mut d = Dialogue::with(family, config(family, off));
        d.connects_sending(10).leaves(SYN);
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900><FO=0011223344556677>")
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        let blindly = |fast_open: &mut FastOpenConfig| fast_open.client_without_cookie = true;
        let mut d = Dialogue::with(family, config(family, blindly));
        d.connects_sending(10)
            .leaves("<SEQ=300><DATA=10><CTL=SYN><MSS=1000>");
        d.arrives(ALL_TAKEN).leaves(ACK);
        let experimental = |fast_open: &mut FastOpenConfig| fast_open.experimental_option = true;
        let mut d = Dialogue::with(family, config(family, experimental));
        d.connects_sending(10)
            .leaves("<SEQ=300><CTL=SYN><MSS=1000><XFO>");
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900><XFO=01020304>")
            .all_that_leaves();
        d.aborts().all_that_leaves();
        d.connects_sending(10)
            .leaves("<SEQ=300><DATA=10><CTL=SYN><MSS=1000><XFO=01020304>");
    });
}

/// The cookies that a client keeps are bounded: the one that was not used for the longest time
/// makes room.
#[test]
fn cookies_are_bounded() {
    let mut all = config(Family::V4, |fast_open| fast_open.cookies = 2);
    all.addresses.push(Family::V6.us());
    let mut d = Dialogue::with(Family::V4, all);
    let get_cookie = |d: &mut Dialogue, family: Family| {
        d.family = family;
        d.to(family.us()).connects_sending(0).leaves(ASKING);
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900><FO=0011223344556677>")
            .all_that_leaves();
        d.aborts().all_that_leaves();
    };
    get_cookie(&mut d, Family::V4);
    get_cookie(&mut d, Family::V6);
    let peers = ["10.0.0.2:9", "[fd00::2]:9"].map(|text| text.parse().unwrap());
    let known = |d: &Dialogue| peers.map(|peer| d.stack.can_fast_open(d.now(), peer));
    assert_eq!(known(&d), [true, true]);
    let mut one = config(Family::V4, |fast_open| fast_open.cookies = 1);
    one.addresses.push(Family::V6.us());
    let mut d = Dialogue::with(Family::V4, one);
    get_cookie(&mut d, Family::V4);
    get_cookie(&mut d, Family::V6);
    assert_eq!(known(&d), [false, true]);
}

/// Both sides open at once: text on a SYN is not taken then, and is sent again.
#[test]
fn a_simultaneous_open_sends_the_text_again() {
    in_both_families(|family| {
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives("<SEQ=100><CTL=SYN><MSS=900>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>")
            .state_is(State::Established);
    });
}

/// Once text has come back through a connection, its end is no black hole.
#[test]
fn a_reset_after_text_is_no_black_hole() {
    in_both_families(|family| {
        let mut d = Dialogue::with(family, config(family, |_| {}));
        let remote = SocketAddr::new(family.peer(), 80);
        d.connects_sending(0).leaves(ASKING);
        d.arrives("<SEQ=100><ACK=301><CTL=SYN,ACK><MSS=900><FO=0011223344556677>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.arrives("<SEQ=106><CTL=RST>");
        assert!(d.stack.can_fast_open(d.now(), remote));
    });
}

/// RFC 7413 §4.1.3: a cookie comes with a SYN,ACK. One on a SYN that crosses ours is one that the peer has
/// got here, and good for nothing there.
#[test]
fn a_cookie_on_a_crossing_syn_is_not_kept() {
    in_both_families(|family| {
        let crossing = "<SEQ=100><CTL=SYN><MSS=900><FO=8899aabbccddeeff>";
        let answer = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";
        let mut d = Dialogue::with(family, config(family, |_| {}));
        let remote = SocketAddr::new(family.peer(), 80);
        d.connects_sending(0).leaves(ASKING);
        d.arrives(crossing).leaves(answer);
        assert!(!d.stack.can_fast_open(d.now(), remote));
        // Nor does it take the place of one.
        let mut d = client(family);
        d.connects_sending(10).leaves(WITH_TEXT);
        d.arrives(crossing).leaves(answer);
        d.aborts().all_that_leaves();
        d.connects_sending(10).leaves(WITH_TEXT);
    });
}

// The server.

const KEY: [u8; 16] = *b"a key of cookies";

/// A listener that takes text on SYNs, from at most three at once; and a cookie of it.
fn server_with(family: Family, change: impl FnOnce(&mut FastOpenConfig)) -> (Dialogue, String) {
    let with_key = |fast_open: &mut FastOpenConfig| {
        fast_open.keys = Some(FastOpenKeys {
            current: KEY,
            previous: None,
        });
        change(fast_open);
    };
    let mut d = Dialogue::with(family, config(family, with_key));
    d.listen_with(|listener| listener.fast_open = 3);
    (d, cookie_of(family))
}

/// SipHash-2-4 by [`KEY`] over the octets of the peer's address and then of ours, the lowest first,
/// as another implementation of it has them.
fn cookie_of(family: Family) -> String {
    match family {
        Family::V4 => "0c1a502f968fd651".to_owned(),
        Family::V6 => "04062e6080b5f90e".to_owned(),
    }
}

fn server(family: Family) -> (Dialogue, String) {
    server_with(family, |_| {})
}

const SYN_ACK: &str = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";
/// Five octets of text have been taken from the SYN.
const TEXT_ACK: &str = "<SEQ=300><ACK=106><WND=9995><CTL=SYN,ACK><MSS=1000>";

fn syn(cookie: &str) -> String {
    format!("<SEQ=100><DATA=5><CTL=SYN><MSS=1000><FO={cookie}>")
}

/// RFC 7413 §4.2.1: whoever asks gets a cookie, for its address, and no more than that.
#[test]
fn a_cookie_is_given_to_who_asks() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        d.arrives("<SEQ=100><DATA=5><CTL=SYN><MSS=1000><FO>")
            .leaves(&format!("{SYN_ACK}<FO={cookie}>"));
        d.state_is(State::SynReceived);
        assert_eq!(d.events(), []);
        // In kind; and only on the first SYN,ACK.
        d.as_port(1001)
            .arrives("<SEQ=100><CTL=SYN><MSS=1000><XFO>")
            .leaves(&format!("{SYN_ACK}<XFO={cookie}>"));
        d.until(secs(1));
        for segment in [d.datagram_leaves(), d.datagram_leaves()] {
            assert_eq!(segment.len(), family.headers() + 4);
        }
        // Nobody is given one where nobody asked for Fast Open, on either side.
        d.as_port(1002)
            .arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves(SYN_ACK);
        let mut d = Dialogue::listening(family, plain());
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000><FO>")
            .leaves(SYN_ACK);
    });
}

/// RFC 7413 §4.2.2: text that comes with a good cookie is read at once, and answered before the
/// handshake has ended.
#[test]
fn text_with_a_good_cookie_is_taken() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        assert_eq!(d.events(), [Event::Acceptable(d.listener.unwrap())]);
        d.accept().state_is(State::SynReceived).reads(5);
        assert!(d.status().syn_data && d.status().fast_open_child);
        assert_eq!(d.receive(1), Err(RecvError::WouldBlock));
        // Small text does not wait for the acknowledgment of our SYN.
        d.sends(10)
            .leaves("<SEQ=301><ACK=106><WND=9995><DATA=10><CTL=PSH,ACK>");
        d.sends(3000);
        d.leaves("<SEQ=311><ACK=106><WND=9995><DATA=1000><CTL=ACK>");
        d.leaves("<SEQ=1311><ACK=106><WND=9995><DATA=1000><CTL=ACK>");
        d.leaves("<SEQ=2311><ACK=106><WND=9995><DATA=1000><CTL=PSH,ACK>");
        d.arrives("<SEQ=106><ACK=301><CTL=ACK>")
            .state_is(State::Established);
        d.arrives("<SEQ=106><ACK=3311><DATA=5><CTL=ACK>")
            .leaves("<SEQ=3311><ACK=111><WND=9990><CTL=ACK>");
        d.reads(5);
        assert_eq!(d.stack.counters().fast_open_accepted, 1);
    });
}

/// A SYN with a good cookie and no text opens the connection early too.
#[test]
fn a_cookie_without_text_counts() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        d.arrives(&format!("<SEQ=100><CTL=SYN><MSS=1000><FO={cookie}>"))
            .leaves(SYN_ACK);
        d.accept().sends(10);
        d.leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        assert!(!d.status().syn_data && d.status().fast_open_child);
        d.arrives("<SEQ=101><ACK=311><CTL=ACK>")
            .state_is(State::Established);
    });
}

/// RFC 7413 §4.2.2: a wrong cookie takes nothing, and gets the right one.
#[test]
fn text_with_a_wrong_cookie_is_not_taken() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        for wrong in ["0011223344556677", "00112233", &cookie[..8]] {
            d.arrives(&syn(wrong))
                .leaves(&format!("{SYN_ACK}<FO={cookie}>"));
            assert_eq!(d.events(), []);
            d.arrives("<SEQ=101><CTL=RST>");
        }
        d.arrives(&syn(&cookie[..8]))
            .leaves(&format!("{SYN_ACK}<FO={cookie}>"));
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.accept().reads(5);
        assert!(!d.status().syn_data && !d.status().fast_open_child);
    });
}

/// RFC 7413 §4.1.2: keys change; the last one is good for a while.
#[test]
fn a_cookie_of_the_previous_key_is_taken_and_replaced() {
    in_both_families(|family| {
        let (mut d, old) = server(family);
        d.stack.set_fast_open_keys(FastOpenKeys {
            current: *b"the key of today",
            previous: Some(KEY),
        });
        d.arrives(&syn(&old));
        let syn_ack = d.leaves_something();
        assert_eq!(syn_ack.header.ack, 106);
        let fresh = syn_ack.header.options.fast_open.unwrap().cookie.unwrap();
        assert_ne!(fresh.to_string(), old);
        d.as_port(1001)
            .arrives(&syn(&fresh.to_string()))
            .leaves(TEXT_ACK);
        d.stack.set_fast_open_keys(FastOpenKeys {
            current: *b"that of tomorrow",
            previous: Some(*b"the key of today"),
        });
        d.as_port(1002).arrives(&syn(&old));
        assert_eq!(d.leaves_something().header.ack, 101);
    });
}

/// RFC 7413 §5.1: this many await the end of their handshake, and no more; one that its peer has
/// reset counts for a minute.
#[test]
fn connections_opened_early_are_bounded() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        for port in [1000, 1001, 1002] {
            d.as_port(port).arrives(&syn(&cookie)).leaves(TEXT_ACK);
        }
        d.as_port(1003).arrives(&syn(&cookie)).leaves(SYN_ACK);
        d.arrives("<SEQ=101><CTL=RST>");
        // One whose handshake ends makes room at once; one that is reset, later.
        d.as_port(1000).arrives("<SEQ=106><ACK=301><CTL=ACK>");
        d.as_port(1003).arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.as_port(1001).arrives("<SEQ=106><CTL=RST>");
        d.as_port(1004).arrives(&syn(&cookie)).leaves(SYN_ACK);
        d.arrives("<SEQ=101><CTL=RST>");
        d.as_port(1002).arrives("<SEQ=106><ACK=301><CTL=ACK>");
        d.as_port(1003).arrives("<SEQ=106><ACK=301><CTL=ACK>");
        for port in [1005, 1006] {
            d.as_port(port).arrives(&syn(&cookie)).leaves(TEXT_ACK);
            d.arrives("<SEQ=106><ACK=301><CTL=ACK>");
        }
        d.until(secs(60)).all_that_leaves_of_any_kind();
        for port in [1007, 1008, 1009] {
            d.as_port(port).arrives(&syn(&cookie)).leaves(TEXT_ACK);
        }
    });
}

/// One that the user has let go makes room like any other.
#[test]
fn a_connection_that_was_aborted_counts_no_more() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        for port in [1000, 1001, 1002, 1003, 1004] {
            d.as_port(port).arrives(&syn(&cookie)).leaves(TEXT_ACK);
            d.accept().aborts();
            d.leaves("<SEQ=301><ACK=106><CTL=RST,ACK>");
        }
        assert_eq!(d.stack.connection_count(), 0);
    });
}

/// A reset in SYN-RECEIVED ends what the user may hold already, with an error.
#[test]
fn a_reset_before_the_handshake_ends_is_told() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.accept().arrives("<SEQ=106><CTL=RST>");
        d.reads(5);
        let reset = ConnectionError::Reset;
        assert_eq!(d.receive(1), Err(RecvError::Connection(reset)));
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.arrives("<SEQ=106><CTL=RST>").accept();
        let (now, id) = (d.now(), d.id());
        let sent = d.stack.send(now, id, b"x");
        assert_eq!(sent, Err(SendError::Connection(reset)));
    });
}

/// While the handshake goes on, only the SYN,ACK is sent again, without what belongs to Fast Open;
/// the text that followed it waits for the peer.
#[test]
fn only_the_syn_ack_is_sent_again() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.accept()
            .sends(10)
            .leaves("<SEQ=301><ACK=106><WND=9995><DATA=10><CTL=PSH,ACK>");
        for at in [1, 3] {
            d.until(secs(at)).leaves(TEXT_ACK);
        }
        // The peer's SYN may come again too, as a plain one.
        d.arrives("<SEQ=100><CTL=SYN><MSS=1000>").leaves(TEXT_ACK);
        d.arrives("<SEQ=106><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><DATA=10><CTL=PSH,ACK>");
        d.arrives("<SEQ=106><ACK=311><CTL=ACK>");
        // Another SYN is no reason to give it up.
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.accept().arrives("<SEQ=5000><CTL=SYN>");
        d.leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>")
            .state_is(State::SynReceived);
        // It is given up like any handshake.
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.accept();
        while d.state() == State::SynReceived {
            d.until_deadline().all_that_leaves();
        }
        assert_eq!(d.elapsed(), secs(63));
        d.reads(5);
        let timed_out = RecvError::Connection(ConnectionError::TimedOut);
        assert_eq!(d.receive(1), Err(timed_out));
    });
}

/// The user may have said all, and closed, before the handshake ends.
#[test]
fn an_early_answer_may_be_the_last() {
    in_both_families(|family| {
        let answered = || {
            let (mut d, cookie) = server(family);
            d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
            d.accept().reads(5).sends(10);
            d.leaves("<SEQ=301><ACK=106><WND=9995><DATA=10><CTL=PSH,ACK>");
            d.closes()
                .leaves("<SEQ=311><ACK=106><WND=9995><CTL=FIN,ACK>");
            d
        };
        let mut d = answered();
        d.arrives("<SEQ=106><ACK=301><CTL=ACK>")
            .state_is(State::FinWait1);
        d.arrives("<SEQ=106><ACK=312><CTL=ACK>")
            .state_is(State::FinWait2);
        let mut d = answered();
        d.arrives("<SEQ=106><ACK=312><CTL=ACK>")
            .state_is(State::FinWait2);
        let mut d = answered();
        d.arrives("<SEQ=106><ACK=312><CTL=FIN,ACK>")
            .leaves("<SEQ=312><ACK=107><WND=9994><CTL=ACK>")
            .state_is(State::TimeWait);
        // With nothing to say.
        let (mut d, cookie) = server(family);
        d.arrives(&syn(&cookie)).leaves(TEXT_ACK);
        d.accept().reads(5).closes();
        d.leaves("<SEQ=301><ACK=106><WND=9995><CTL=FIN,ACK>");
        d.until(secs(1)).leaves(TEXT_ACK);
        d.leaves("<SEQ=301><ACK=106><WND=9995><CTL=FIN,ACK>");
        d.arrives("<SEQ=106><ACK=301><CTL=ACK>")
            .state_is(State::FinWait1);
        d.arrives("<SEQ=106><ACK=302><CTL=ACK>")
            .state_is(State::FinWait2);
    });
}

/// The settings of a server.
#[test]
fn a_server_may_do_without() {
    in_both_families(|family| {
        let (mut d, cookie) = server_with(family, |fast_open| fast_open.server = false);
        d.arrives(&syn(&cookie)).leaves(SYN_ACK);

        let blindly = |fast_open: &mut FastOpenConfig| fast_open.server_without_cookie = true;
        let (mut d, cookie) = server_with(family, blindly);
        d.arrives("<SEQ=100><DATA=5><CTL=SYN><MSS=1000>")
            .leaves(TEXT_ACK);
        d.as_port(1001)
            .arrives(&syn("0011223344556677"))
            .leaves(&format!("{TEXT_ACK}<FO={cookie}>"));
        d.as_port(1002)
            .arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .leaves(SYN_ACK);

        let mut all = config(family, |fast_open| {
            fast_open.all_listeners = true;
            fast_open.server_without_cookie = true;
        });
        all.tcp = TcpConfig {
            send_buffer: 1000,
            ..plain()
        };
        let mut d = Dialogue::with(family, all);
        d.listen(1);
        d.arrives("<SEQ=100><DATA=5><CTL=SYN><MSS=1000>")
            .leaves(TEXT_ACK);
        d.accept().as_port(1001);
        d.arrives("<SEQ=100><DATA=5><CTL=SYN><MSS=1000>")
            .leaves(SYN_ACK);
    });
}

/// A receive buffer that is smaller than the text takes what it has room for.
#[test]
fn text_beyond_the_window_is_not_taken() {
    in_both_families(|family| {
        let (mut d, cookie) = server(family);
        d.configure(|listener| listener.tcp.receive_buffer = 3);
        d.arrives(&syn(&cookie))
            .leaves("<SEQ=300><ACK=104><WND=0><CTL=SYN,ACK><MSS=1000>");
        d.accept().reads(3);
        d.arrives("<SEQ=104><ACK=301><CTL=ACK>")
            .state_is(State::Established);
        d.all_that_leaves();
    });
}
