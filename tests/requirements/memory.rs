//! The memory of all connections together has a bound (THREATS 11, 17, 31, 32): who holds more
//! makes room for who holds less, and what was acknowledged is never thrown away.

use stubborn::config::{Config, SendRoom};
use stubborn::stack::{CONNECTION_AT_REST, ConnId};
use stubborn::tcp::{Discard, SendError, State};

use crate::dialogue::{Dialogue, Family, PEER_PORT, in_both_families, ms, plain};

/// What each connection may have in each direction, whatever the budget.
const LEAST: usize = 2048;

/// A host that listens, with a budget for the text of this many connections.
fn host(family: Family, text: usize, connections: usize) -> Dialogue {
    let mut config = Config::new([family.us()]);
    config.memory = text + connections * CONNECTION_AT_REST;
    config.tcp = plain();
    config.tcp.receive_buffer = 60_000;
    config.tcp.socket.nodelay = true;
    let mut d = Dialogue::with(family, config);
    d.listen(20_000);
    d
}

/// The peer opens from a port, and the connection is accepted. Its receive window is 60,000 octets.
fn opens_from(d: &mut Dialogue, port: u16) -> ConnId {
    d.as_port(port).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
    d.all_that_leaves();
    d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
    d.id()
}

/// From three quarters on what lies beyond a gap is refused, and asked for again; what comes in
/// order is taken, and everything that was acknowledged is read.
#[test]
fn text_beyond_gaps_is_refused_first() {
    in_both_families(|family| {
        let mut d = host(family, 64 << 10, 2);
        let hoarder = opens_from(&mut d, 1001);
        // 32 KiB are allocated for what lies that far ahead, and another 32 KiB would be too much.
        d.arrives("<SEQ=30101><ACK=301><DATA=1000><CTL=ACK>");
        d.all_that_leaves();
        assert!((32 << 10..33 << 10).contains(&d.stack.heap_size(hoarder)));
        let other = opens_from(&mut d, 1002);
        d.arrives("<SEQ=20101><ACK=301><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><WND=60000><CTL=ACK>");
        assert_eq!(d.discards(), [Discard::NoMemory]);
        assert!(d.stack.heap_size(other) < 1 << 10);
        for index in 0..10 {
            let seq = 101 + 1000 * index;
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
            let answer = d.leaves_something();
            assert_eq!(answer.header.ack, seq + 1000);
        }
        d.reads(10_000).all_that_leaves();
        assert!(d.stack.memory_in_use() <= d.stack.config().memory);
        d.stack.abort(d.now(), hoarder);
        d.aborts().all_that_leaves_of_any_kind();
        assert_eq!(d.stack.memory_in_use(), 0);
    });
}

/// With all of it in use a connection still gets its least, in both directions: a part of a long
/// segment counts, without its FIN.
#[test]
fn every_connection_goes_on() {
    in_both_families(|family| {
        let mut d = host(family, 16 << 10, 4);
        let ids: Vec<ConnId> = (1000..1004).map(|port| opens_from(&mut d, port)).collect();
        // The first takes all there is.
        d.conn = Some(ids[0]);
        d.as_port(1000);
        assert_eq!(d.stack.send(d.now(), ids[0], &[0; 8000]), Ok(8000));
        d.arrives("<SEQ=101><ACK=301><DATA=3000><CTL=ACK>");
        d.all_that_leaves_of_any_kind();
        for (index, id) in ids.iter().enumerate().skip(1) {
            d.conn = Some(*id);
            d.as_port(1000 + index as u16);
            assert_eq!(d.stack.send(d.now(), *id, &[0; 5000]), Ok(LEAST));
            d.arrives("<SEQ=101><ACK=301><DATA=3000><CTL=FIN,ACK>");
            d.all_that_leaves_of_any_kind();
            let status = d.status();
            assert_eq!((status.recv_queue, status.fin_received), (LEAST, false));
            d.arrives("<SEQ=2149><ACK=301><DATA=952><CTL=FIN,ACK>");
            d.all_that_leaves_of_any_kind();
            assert_eq!(d.status().recv_queue, LEAST, "until it is read");
            let mut buffer = [0; 5000];
            assert_eq!(d.stack.recv(d.now(), *id, &mut buffer), Ok(LEAST));
            d.arrives("<SEQ=2149><ACK=301><DATA=952><CTL=FIN,ACK>");
            d.all_that_leaves_of_any_kind();
            assert_eq!(d.status().recv_queue, 952);
            assert!(d.status().fin_received);
        }
        let beyond = 3 * (2 * LEAST + 1000);
        assert!(d.stack.memory_in_use() <= d.stack.config().memory + beyond);
        let again = d.stack.send(d.now(), ids[1], &[0; 9]);
        assert_eq!(again, Err(SendError::WouldBlock));
        d.stack.abort_all();
        d.all_that_leaves_of_any_kind();
    });
}

/// So it is with every kind of SEND: of a part, which is what descriptors do, and of a record's end.
#[test]
fn every_kind_of_send_keeps_to_the_budget() {
    in_both_families(|family| {
        let mut d = host(family, 16 << 10, 3);
        let ids: Vec<ConnId> = (1000..1003).map(|port| opens_from(&mut d, port)).collect();
        d.as_port(1000);
        assert_eq!(
            d.stack.send_part(d.now(), ids[0], &[0; 8000], false),
            Ok(8000)
        );
        d.arrives("<SEQ=101><ACK=301><DATA=3000><CTL=ACK>");
        d.all_that_leaves_of_any_kind();
        let now = d.now();
        assert_eq!(d.stack.send_part(now, ids[1], &[0; 5000], true), Ok(LEAST));
        assert_eq!(d.stack.send_record(now, ids[2], &[0; 5000]), Ok(LEAST));
        d.all_that_leaves_of_any_kind();
        assert!(d.stack.memory_in_use() <= d.stack.config().memory + 2 * (LEAST + 1000));
        d.stack.abort_all();
        d.all_that_leaves_of_any_kind();
    });
}

/// And so it is where packets count, and a SEND may take more than the size that was asked for.
#[test]
fn packets_keep_to_the_budget() {
    in_both_families(|family| {
        let mut config = Config::new([family.us()]);
        config.memory = (100 << 10) + CONNECTION_AT_REST;
        config.tcp = plain();
        config.tcp.habits.send_room = SendRoom::Packets;
        config.tcp.socket.send_buffer = Some(90_000);
        let mut d = Dialogue::with(family, config);
        d.listen(20_000);
        opens_from(&mut d, 1001);
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
        // A whole block, and there is no room for another.
        let taken = d.stack.send(d.now(), d.id(), &vec![7; 1 << 20]);
        assert_eq!(taken, Ok(64 << 10));
        d.all_that_leaves_of_any_kind();
        assert!(d.stack.memory_in_use() <= d.stack.config().memory);
        d.aborts().all_that_leaves_of_any_kind();
    });
}

/// New connections are refused while memory is short: a SYN vanishes, an OPEN fails.
#[test]
fn new_connections_are_refused() {
    in_both_families(|family| {
        let mut d = host(family, (16 << 10) - 1, 1);
        let hoarder = opens_from(&mut d, 1001);
        assert_eq!(d.send(9000), Ok(8 << 10));
        d.until(ms(1)).all_that_leaves();
        d.arrives("<SEQ=101><ACK=301><DATA=3000><CTL=ACK>");
        d.all_that_leaves();
        assert!(d.stack.memory_in_use() > (12 << 10) + CONNECTION_AT_REST);
        d.as_port(1002)
            .arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .nothing_more();
        assert_eq!(d.stack.counters().memory_refusals, 1);
        d.as_port(1001).arrives("<SEQ=3101><ACK=8493><CTL=ACK>");
        d.all_that_leaves();
        assert!(d.stack.heap_size(hoarder) < 6 << 10, "given back at once");
        d.as_port(1002).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        assert!(!d.all_that_leaves().is_empty());
    });
}

/// THREATS, sockstress: connections whose users have let go of them make room for others, the
/// largest first; those that are held stay.
#[test]
fn orphans_make_room() {
    in_both_families(|family| {
        let mut d = host(family, 64 << 10, 3);
        for (port, octets) in [(1001, 5_000), (1002, 10_000), (1003, 20_000)] {
            opens_from(&mut d, port);
            // A window of zero holds all of it.
            d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
            assert_eq!(d.stack.send(d.now(), d.id(), &vec![7; octets]), Ok(octets));
            if port < 1003 {
                d.stack.close(d.now(), d.id());
            }
            d.until(ms(u64::from(port) - 1000))
                .all_that_leaves_of_any_kind();
        }
        // 8, 16 and 32 KiB are more than three quarters.
        assert_eq!(d.stack.counters().orphans_reset, 1);
        let expected = (8 + 32) << 10..(8 + 32 + 2) << 10;
        let text = d.stack.memory_in_use() - 2 * CONNECTION_AT_REST;
        assert!(expected.contains(&text), "{text}");
        d.as_port(1003).state_is(State::Established);
        d.as_port(1002).state_is(State::Listen);
        d.as_port(1001).state_is(State::FinWait1);
        d.stack.abort_all();
        d.stack.close(d.now(), d.id());
        d.until(ms(4)).all_that_leaves_of_any_kind();
        assert_eq!(d.stack.memory_in_use(), 0);
    });
}

/// THREATS 31: ten thousand connections, each with as much text beyond gaps as its window allows:
/// the budget holds, and a connection that behaves is served all the while.
#[test]
fn ten_thousand_hoarders_stay_within_the_budget() {
    const MEMORY: usize = 16 << 20;
    let mut d = host(Family::V4, MEMORY, 0);
    let served = opens_from(&mut d, PEER_PORT);
    let mut most = 0;
    let mut next = 101;
    for port in 2000..12_000 {
        d.as_port(port).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        if !d.all_that_leaves().is_empty() {
            d.arrives("<SEQ=101><ACK=301><CTL=ACK>");
            for ahead in [900, 9_000, 50_000] {
                let seq = 101 + ahead;
                d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"));
                d.all_that_leaves();
            }
        }
        most = most.max(d.stack.memory_in_use());
        if port % 100 == 0 {
            d.conn = Some(served);
            d.as_port(PEER_PORT)
                .arrives(&format!("<SEQ={next}><ACK=301><DATA=1000><CTL=ACK>"));
            next += 1000;
            d.all_that_leaves();
            d.reads(1000).all_that_leaves();
        }
    }
    assert!(most <= MEMORY / 4 * 3 + 4096 + CONNECTION_AT_REST, "{most}");
    assert!(d.stack.counters().memory_refusals > 9_000);
    assert_eq!(next, 101 + 100 * 1000, "all of it was taken");
}

/// What a peer says on the connection from `port`, and that it is taken.
fn progresses(d: &mut Dialogue, id: ConnId, port: u16, next: &mut u32) {
    d.conn = Some(id);
    d.as_port(port)
        .arrives(&format!("<SEQ={next}><ACK=301><DATA=1000><CTL=ACK>"));
    *next += 1000;
    d.all_that_leaves();
    assert_eq!(d.stack.recv(d.now(), id, &mut [0; 2000]), Ok(1000));
    d.all_that_leaves();
}

/// THREATS 32: connections that nothing is said on take half of the budget at most. Beyond it a
/// SYN vanishes, those that exist make progress, and each that ends makes room for another.
#[test]
fn idle_connections_take_half_of_the_budget() {
    in_both_families(|family| {
        let mut d = host(family, 0, 200);
        let served = opens_from(&mut d, PEER_PORT);
        let mut next = 101;
        let mut idle = Vec::new();
        for port in 2000..3000 {
            d.as_port(port).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
            if !d.all_that_leaves().is_empty() {
                d.arrives("<SEQ=101><ACK=301><CTL=ACK>").accept();
                idle.push(d.id());
            }
            if port % 100 == 0 {
                progresses(&mut d, served, PEER_PORT, &mut next);
            }
        }
        assert_eq!(idle.len(), 99);
        assert_eq!(d.stack.counters().memory_refusals, 1000 - 99);
        let half = d.stack.config().memory / 2;
        assert!(d.stack.memory_in_use() <= half + LEAST);
        // The peer of one ends it.
        d.as_port(2000).arrives("<SEQ=101><CTL=RST>");
        d.stack.close(d.now(), idle[0]);
        d.as_port(5000).arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        assert_eq!(d.all_that_leaves().len(), 1);
        d.as_port(5001)
            .arrives("<SEQ=100><CTL=SYN><MSS=1000>")
            .nothing_more();
        d.stack.abort_all();
    });
}

/// RFC 9293 §3.6.1: a SYN ends no connection in TIME-WAIT where all that connections may take is taken.
#[test]
fn time_wait_stays_where_the_budget_of_connections_is_taken() {
    in_both_families(|family| {
        let mut d = host(family, 0, 200);
        opens_from(&mut d, PEER_PORT);
        d.lets_go().all_that_leaves();
        d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
            .all_that_leaves();
        let idle: Vec<_> = (2000..2100).map(|port| opens_from(&mut d, port)).collect();
        let reopens = |d: &mut Dialogue| {
            d.as_port(PEER_PORT)
                .arrives("<SEQ=5000><CTL=SYN><MSS=1000>")
                .all_that_leaves()
                .len()
        };
        assert_eq!(reopens(&mut d), 0);
        d.state_is(State::TimeWait);
        d.as_port(2000).arrives("<SEQ=101><CTL=RST>");
        d.stack.close(d.now(), idle[0]);
        assert_eq!(reopens(&mut d), 1);
        d.state_is(State::SynReceived);
        d.stack.abort_all();
    });
}

/// THREATS 18: what waits in TIME-WAIT counts, and gives way to new connections, the oldest first.
#[test]
fn time_wait_makes_room() {
    in_both_families(|family| {
        let mut d = host(family, 0, 200);
        for port in 2000..6000 {
            opens_from(&mut d, port);
            d.lets_go().all_that_leaves();
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
                .all_that_leaves();
            d.state_is(State::TimeWait);
            assert!(d.stack.memory_in_use() <= 101 * CONNECTION_AT_REST);
        }
        assert_eq!(d.stack.counters().memory_refusals, 0);
        let waiting = d.stack.connection_count();
        assert!((1000..4000).contains(&waiting), "{waiting}");
        d.as_port(2000).state_is(State::Listen);
        d.as_port(5999).state_is(State::TimeWait);
    });
}
