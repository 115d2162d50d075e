//! Listeners: the handshakes under way, the accept queue, strangers.

use std::net::SocketAddr;

use stubborn::config::{Config, ConfigError, ListenerConfig, SynCookies, TcpConfig};
use stubborn::stack::{Event, ListenError, Readiness};
use stubborn::tcp::{ConnectionError, Discard, RecvError, State};

use crate::dialogue::{Dialogue, PEER_PORT, in_both_families, ms, plain, secs};

const SYN: &str = "<SEQ=100><CTL=SYN><MSS=1000>";
const SYN_ACK: &str = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";
const ACK: &str = "<SEQ=101><ACK=301><CTL=ACK>";

/// A listener answers more SYNs than its backlog; but while its accept queue is full, no handshake
/// ends and none begins: both peers try again.
#[test]
fn a_full_accept_queue_makes_peers_try_again() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.listen(1);
        for port in [1000, 1001, 1002] {
            d.as_port(port).arrives(SYN).leaves(SYN_ACK);
        }
        d.as_port(1000).arrives(ACK).state_is(State::Established);
        d.as_port(1001).arrives(ACK).state_is(State::SynReceived);
        d.as_port(1003).arrives(SYN).nothing_more();
        assert_eq!(d.stack.counters().listen_overflows, 2);
        // The SYN,ACK of whoever waits is sent again; the peer answers again.
        d.until(secs(1));
        let mut again = d.all_that_leaves_to_any_port();
        again.sort_unstable();
        assert_eq!(again, [1001, 1002]);
        d.as_port(1000).accept();
        d.as_port(1001).arrives(ACK).state_is(State::Established);
        d.accept();
        // And whoever was not answered is, when it asks again.
        d.as_port(1003).arrives(SYN).leaves(SYN_ACK);
        d.arrives(ACK).state_is(State::Established).accept();
        // While the queue is full, text is not taken either: it comes again with the last ACK.
        d.as_port(1002)
            .arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>");
        d.leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.accept().reads(5);
    });
}

/// Handshakes under way have a limit of their own; one that fails makes room.
#[test]
fn half_open_connections_are_bounded() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp = plain();
        config.max_half_open = 2;
        config.syn_cookies = SynCookies::Off;
        let mut d = Dialogue::with(family, config);
        d.listen(8);
        d.as_port(1000).arrives(SYN).leaves(SYN_ACK);
        d.as_port(1001).arrives(SYN).leaves(SYN_ACK);
        d.as_port(1002).arrives(SYN).nothing_more();
        d.as_port(1000)
            .arrives("<SEQ=101><CTL=RST>")
            .state_is(State::Listen);
        d.as_port(1002).arrives(SYN).leaves(SYN_ACK);
        d.as_port(1003).arrives(SYN).nothing_more();
        // One that ends well makes room too.
        d.as_port(1001).arrives(ACK).accept();
        d.as_port(1003).arrives(SYN).leaves(SYN_ACK);
    });
}

/// All connections together have a limit.
#[test]
fn connections_are_bounded() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp = plain();
        config.max_connections = 1;
        let mut d = Dialogue::with(family, config);
        d.listen(8);
        d.arrives(SYN).leaves(SYN_ACK);
        d.as_port(1001).arrives(SYN).nothing_more();
        let remote = SocketAddr::new(family.peer(), 9);
        let now = d.now();
        let full = Err(stubborn::stack::ConnectError::TooManyConnections);
        assert_eq!(d.stack.connect(now, None, remote), full);
        assert_eq!(d.stack.counters().listen_overflows, 1);
    });
}

/// A SYN flood costs a bounded number of entries and one answer each; they are gone when their
/// time is over, and whoever comes then is served.
#[test]
fn a_syn_flood_is_bounded_and_passes() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.tcp = plain();
        config.max_half_open = 100;
        config.syn_cookies = SynCookies::Off;
        let mut d = Dialogue::with(family, config);
        d.listen(8);
        let mut answers = 0;
        for port in 10_000..20_000 {
            d.as_port(port).arrives(SYN);
            answers += d.all_that_leaves().len();
        }
        assert_eq!((answers, d.stack.connection_count()), (100, 100));
        while d.stack.next_deadline().is_some() {
            d.until_deadline();
            d.all_that_leaves_of_any_kind();
        }
        assert_eq!(d.stack.connection_count(), 0);
        d.as_port(PEER_PORT).opens();
    });
}

/// R2 of a SYN,ACK: sent six times, given up after 63 s; nobody is told.
#[test]
fn a_syn_ack_is_sent_again_and_given_up() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        for at in [1, 3, 7, 15, 31] {
            d.until(secs(at)).leaves(SYN_ACK);
        }
        d.until(ms(62_999)).state_is(State::SynReceived);
        d.until(secs(63)).state_is(State::Listen);
        assert_eq!(d.events(), []);
        // The SYN again brings it back at once, whatever its timer.
        let mut d = Dialogue::listening(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.until(ms(500)).arrives(SYN).leaves(SYN_ACK);
    });
}

/// Closing a listener resets whoever was not accepted, established or not.
#[test]
fn closing_a_listener_resets_who_was_not_accepted() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.opens();
        d.as_port(1001).arrives(SYN).leaves(SYN_ACK);
        d.arrives(ACK).state_is(State::Established);
        d.as_port(1002).arrives(SYN).leaves(SYN_ACK);
        d.closes_listener();
        let reset = "<SEQ=301><ACK=101><CTL=RST,ACK>";
        d.as_port(1001).leaves(reset).state_is(State::Closed);
        d.as_port(1002).leaves(reset).state_is(State::Closed);
        d.as_port(PEER_PORT).state_is(State::Established);
        // Their next segments are strangers'.
        d.as_port(1001)
            .arrives("<SEQ=101><ACK=301><CTL=ACK>")
            .leaves("<SEQ=301><CTL=RST>");
    });
}

/// As on Linux, if it is asked for: handshakes are forgotten with their listener, and what their
/// peers answer is a stranger's; who waits to be accepted is reset all the same.
#[test]
fn closing_a_listener_may_forget_handshakes() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        (config.tcp, config.resets_handshakes) = (plain(), false);
        let mut d = Dialogue::with(family, config);
        d.listen(2);
        d.as_port(1001).arrives(SYN).leaves(SYN_ACK);
        d.arrives(ACK).state_is(State::Established);
        d.as_port(1002).arrives(SYN).leaves(SYN_ACK);
        d.closes_listener();
        d.as_port(1001).leaves("<SEQ=301><ACK=101><CTL=RST,ACK>");
        d.as_port(1002).nothing_more().state_is(State::Closed);
        assert_eq!(d.stack.connection_count(), 0);
        d.arrives(ACK).leaves("<SEQ=301><CTL=RST>");
    });
}

/// A connection that ended before it was accepted is accepted all the same: its text, then why.
#[test]
fn what_ended_in_the_accept_queue_can_be_accepted() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        d.arrives("<SEQ=106><CTL=RST>").accept().reads(5);
        let reset = Err(RecvError::Connection(ConnectionError::Reset));
        assert_eq!(d.receive(1), reset);
        d.lets_go();
        assert_eq!(d.stack.connection_count(), 0);
    });
}

/// An acknowledgment that nobody asked for is a stranger's, however full the listener.
#[test]
fn an_unexpected_ack_to_a_listener_is_reset() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.listen(1);
        d.opens_and_waits();
        d.as_port(1001)
            .arrives("<SEQ=101><ACK=4711><CTL=ACK>")
            .leaves("<SEQ=4711><CTL=RST>");
        // 65,536 guesses, none of which opens anything.
        for guess in 0..1u32 << 16 {
            let ack = guess.wrapping_mul(65_537);
            d.arrives(&format!("<SEQ=101><ACK={ack}><CTL=ACK>"));
            d.all_that_leaves();
        }
        assert_eq!(d.stack.connection_count(), 1);
    });
}

/// RFC 9293 §3.10.7.4, first: in SYN-RECEIVED too an old duplicate gets an acknowledgment, and the
/// handshake goes on.
#[test]
fn an_old_duplicate_does_not_disturb_the_handshake() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrives("<SEQ=90><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives("<SEQ=10200><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK>");
        d.arrives(ACK).accept();
    });
}

/// What the user set for connections holds for those that are accepted.
#[test]
fn accepted_connections_behave_as_configured() {
    in_both_families(|family| {
        let mut tcp = TcpConfig {
            min_rto: secs(1),
            ..plain()
        };
        tcp.socket.nodelay = true;
        let mut d = Dialogue::established(family, tcp);
        assert!(d.stack.options(d.id()).nodelay);
        d.sends(1).leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.sends(1).leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.until(secs(1))
            .leaves("<SEQ=301><ACK=101><DATA=2><CTL=PSH,ACK>");
    });
}

/// A listener has a configuration of its own, which what it accepts inherits, and which can be
/// changed while it listens.
#[test]
fn every_listener_has_a_configuration_of_its_own() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.listen_with(|listener| {
            listener.tcp.mss = Some(700);
            listener.tcp.receive_buffer = 5000;
        });
        d.arrives(SYN)
            .leaves("<SEQ=300><ACK=101><WND=5000><CTL=SYN,ACK><MSS=700>");
        d.configure(|listener| listener.tcp.mss = Some(600));
        d.as_port(1001)
            .arrives(SYN)
            .leaves("<SEQ=300><ACK=101><WND=5000><CTL=SYN,ACK><MSS=600>");
        // What is under way stays as it was.
        d.as_port(PEER_PORT).arrives(ACK).accept();
        d.sends(700)
            .leaves("<SEQ=301><ACK=101><WND=5000><DATA=700><CTL=PSH,ACK>");
        let (listener, mut bad) = (d.listener.unwrap(), ListenerConfig::default());
        bad.tcp.receive_buffer = 0;
        let zero = ConfigError::Zero("receive_buffer");
        let changed = d.stack.configure_listener(listener, bad.clone());
        assert_eq!(changed, Err(zero));
        let local = SocketAddr::new(family.us(), 81);
        let listening = d.stack.listen_with(local, bad);
        assert_eq!(listening, Err(ListenError::Config(zero)));
    });
}

/// LISTEN again with another backlog: more room lets a handshake end, less throws nobody out.
#[test]
fn the_backlog_of_a_listener_can_be_changed() {
    in_both_families(|family| {
        let mut d = Dialogue::new(family, plain());
        d.listen(1);
        for port in [1000, 1001, 1002] {
            d.as_port(port).arrives(SYN).leaves(SYN_ACK);
        }
        d.as_port(1000).arrives(ACK).state_is(State::Established);
        d.as_port(1001).arrives(ACK).state_is(State::SynReceived);
        d.configure(|listener| listener.backlog = 2);
        d.arrives(ACK).state_is(State::Established);
        d.configure(|listener| listener.backlog = 1);
        d.as_port(1002).arrives(ACK).state_is(State::SynReceived);
        d.accept().as_port(1002).arrives(ACK);
        d.state_is(State::SynReceived);
        d.accept().arrives(ACK).state_is(State::Established);
    });
}

/// TCP_DEFER_ACCEPT: the listener's user hears of a connection when there is something to read.
#[test]
fn a_listener_may_wait_for_text() {
    in_both_families(|family| {
        let deferring = || {
            let mut d = Dialogue::new(family, plain());
            d.listen_with(|listener| listener.defer_accept = Some(secs(5)));
            d.arrives(SYN).leaves(SYN_ACK);
            d
        };
        let mut d = deferring();
        d.until(ms(100)).arrives(ACK).state_is(State::SynReceived);
        assert_eq!(d.discards(), [Discard::Deferred]);
        assert_eq!(d.events(), []);
        // Our SYN,ACK has arrived: it is not sent again.
        d.until(secs(4))
            .arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        assert_eq!(d.events(), [Event::Acceptable(d.listener.unwrap())]);
        d.accept().reads(5);
        // Until that has happened, it is.
        let mut d = deferring();
        d.until(secs(1)).leaves(SYN_ACK);
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
        d.accept().state_is(State::CloseWait);
        // When the time is over, the SYN,ACK asks for another acknowledgment, which counts.
        let mut d = deferring();
        d.arrives(ACK).until(ms(4999)).state_is(State::SynReceived);
        d.until(secs(5)).leaves(SYN_ACK);
        d.arrives(ACK).state_is(State::Established).accept();
        // A peer that does not answer it is given up like any other.
        let mut d = deferring();
        d.arrives(ACK);
        while d.state() == State::SynReceived {
            d.until_deadline().all_that_leaves();
        }
        assert_eq!(d.elapsed(), secs(5 + 2 + 4 + 8 + 16 + 32));
        assert_eq!(d.events(), []);
    });
}

/// The listener's user is told that there is a connection; of what becomes of it, nobody, until it
/// is accepted.
#[test]
fn events_of_a_connection_begin_when_it_is_accepted() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        let acceptable = Event::Acceptable(d.listener.unwrap());
        d.arrives(SYN).leaves(SYN_ACK);
        assert_eq!(d.events(), []);
        d.arrives(ACK);
        assert_eq!(d.events(), [acceptable]);
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><CTL=ACK>");
        assert_eq!(d.events(), []);
        d.accept()
            .arrives("<SEQ=106><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=111><WND=9990><CTL=ACK>");
        let readable = Event::Connection(d.id(), Readiness::READABLE);
        assert_eq!(d.events(), [readable]);
        // Nor of one that nobody holds any more.
        d.reads(10).lets_go().all_that_leaves();
        d.events();
        d.arrives("<SEQ=111><ACK=302><CTL=FIN,ACK>")
            .all_that_leaves();
        assert_eq!(d.events(), []);
    });
}

/// What a host counts.
#[test]
fn a_host_counts() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.opens().sends(10).all_that_leaves();
        d.until(ms(200)).all_that_leaves();
        d.as_port(1001)
            .arrives("<SEQ=1><CTL=RST>")
            .arrives("<SEQ=1><CTL=FIN>")
            .arrives("<SEQ=1><ACK=1><CTL=ACK>")
            .all_that_leaves();
        let counters = d.stack.counters();
        assert_eq!((counters.accepted, counters.opened), (1, 0));
        assert_eq!((counters.strangers, counters.retransmissions), (3, 0));
        assert_eq!((counters.datagrams_in, counters.datagrams_out), (5, 4));
        // Retransmissions count when their connection is gone.
        d.as_port(PEER_PORT).arrives("<SEQ=101><CTL=RST>").lets_go();
        assert_eq!(d.stack.counters().retransmissions, 1);
        d.closes_listener().connect().all_that_leaves();
        assert_eq!(d.stack.counters().opened, 1);
    });
}

/// The peer's SYN has come again, and then, before it was answered, the acknowledgment of the first answer.
#[test]
fn an_answer_that_is_acknowledged_does_not_leave_again() {
    in_both_families(|family| {
        let mut d = Dialogue::listening(family, plain());
        d.arrives(SYN).leaves(SYN_ACK);
        d.arrive_together(&[SYN, ACK]);
        d.nothing_more().state_is(State::Established);
    });
}
