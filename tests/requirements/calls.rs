//! What each call of a user does in each state, and what it returns (RFC 9293 §3.10.1 to §3.10.6).

use std::net::{Shutdown, SocketAddr};

use stubborn::stack::ConnectError;
use stubborn::tcp::{RecvError, SendError, State};

use crate::dialogue::{Dialogue, Family, PORT, in_both_families, plain};

const SYN: &str = "<SEQ=300><CTL=SYN><MSS=1000>";
const CROSSING_SYN: &str = "<SEQ=100><CTL=SYN><MSS=1000>";
const ANSWER: &str = "<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>";
const FIN: &str = "<SEQ=301><ACK=101><CTL=FIN,ACK>";
const PEER_FIN: &str = "<SEQ=101><ACK=301><CTL=FIN,ACK>";

/// A connection in a state, which its user holds. Nothing waits to be read or sent.
fn stage(family: Family, state: State) -> Dialogue {
    let mut d = match state {
        State::SynSent | State::SynReceived => Dialogue::new(family, plain()),
        _ => Dialogue::established(family, plain()),
    };
    match state {
        State::Listen => unreachable!("a listener has calls of its own"),
        State::SynSent => d.connect().leaves(SYN),
        State::SynReceived => {
            d.connect().leaves(SYN);
            d.arrives(CROSSING_SYN).leaves(ANSWER)
        }
        State::Established => &mut d,
        State::FinWait1 => d.closes().leaves(FIN),
        State::FinWait2 => {
            d.closes().leaves(FIN);
            d.arrives("<SEQ=101><ACK=302><CTL=ACK>")
        }
        State::CloseWait => d
            .arrives(PEER_FIN)
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>"),
        State::Closing => {
            d.closes().leaves(FIN);
            d.arrives(PEER_FIN)
                .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK>")
        }
        State::LastAck => {
            d.arrives(PEER_FIN)
                .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
            d.closes()
                .leaves("<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK>")
        }
        State::TimeWait => {
            d.closes().leaves(FIN);
            d.arrives("<SEQ=101><ACK=302><CTL=FIN,ACK>")
                .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK>")
        }
        State::Closed => {
            d.arrives("<SEQ=101><CTL=RST>");
            // What became of it is told once.
            assert!(d.receive(1).is_err());
            &mut d
        }
    };
    assert_eq!(d.status().state, state, "STATUS");
    d
}

/// Does `test` with a connection in each state that it can be in while its user holds it.
fn in_every_state(test: impl Fn(Dialogue, State)) {
    in_both_families(|family| {
        for state in State::ALL {
            if state != State::Listen {
                test(stage(family, state), state);
            }
        }
    });
}

/// Whatever is to leave now does.
fn looks(d: &mut Dialogue) -> &mut Dialogue {
    assert_eq!(d.receive(0), Ok(0));
    d
}

/// §3.10.1: the connection exists already; but where it is closed, it may be opened again.
#[test]
fn open() {
    in_every_state(|mut d, state| {
        let local = SocketAddr::new(d.family.us(), PORT);
        let (now, remote) = (d.now(), d.stack.peer_addr(d.id()));
        let opened = d.stack.connect(now, Some(local), remote).map(|_| ());
        let expected = match state {
            State::Closed => Ok(()),
            _ => Err(ConnectError::AddressInUse),
        };
        assert_eq!(opened, expected, "{state}");
        assert_eq!(d.status().state, state, "the old one is what it was");
        // And so are its numbers: what leaves next, if anything, is of the new one.
        if state != State::Closed {
            looks(&mut d).nothing_more();
        }
    });
}

/// §3.10.2: taken before the handshake is over, too, and refused after CLOSE.
#[test]
fn send() {
    in_every_state(|mut d, state| {
        let expected = match state {
            State::SynSent | State::SynReceived | State::Established | State::CloseWait => Ok(1),
            _ => Err(SendError::Closing),
        };
        assert_eq!(d.send(1), expected, "{state}");
        looks(&mut d);
        match state {
            State::Established => d.leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>"),
            State::CloseWait => d.leaves("<SEQ=301><ACK=102><WND=9999><DATA=1><CTL=PSH,ACK>"),
            _ => d.nothing_more(),
        };
        assert_eq!(d.status().state, state);
    });
}

/// §3.10.3: waits as long as something may come; "connection closing" is the end of the stream.
#[test]
fn receive() {
    in_every_state(|mut d, state| {
        let expected = match state {
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2 => Err(RecvError::WouldBlock),
            _ => Ok(0),
        };
        assert_eq!(d.receive(10), expected, "{state}");
        d.nothing_more();
        assert_eq!(d.status().state, state);
    });
}

/// §3.10.4: a FIN, once; in SYN-SENT there is nothing to end.
#[test]
fn close() {
    in_every_state(|mut d, state| {
        let (now, id) = (d.now(), d.id());
        let closed = d.stack.shutdown(now, id, Shutdown::Write);
        let (expected, next, fin) = match state {
            State::SynSent => (Ok(()), State::Closed, None),
            State::SynReceived | State::Established => (Ok(()), State::FinWait1, Some(FIN)),
            State::CloseWait => {
                let fin = "<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK>";
                (Ok(()), State::LastAck, Some(fin))
            }
            _ => (Err(SendError::Closing), state, None),
        };
        assert_eq!(closed, expected, "{state}");
        looks(&mut d);
        match fin {
            Some(fin) => d.leaves(fin),
            None => d.nothing_more(),
        };
        assert_eq!(d.status().state, next, "{state}");
    });
}

/// §3.10.5: a reset where the peer may still wait for something; nothing is left of the connection.
#[test]
fn abort() {
    in_every_state(|mut d, state| {
        d.aborts();
        match state {
            State::SynReceived | State::Established => {
                d.leaves("<SEQ=301><ACK=101><CTL=RST,ACK>");
            }
            State::FinWait1 | State::FinWait2 => {
                d.leaves("<SEQ=302><ACK=101><CTL=RST,ACK>");
            }
            State::CloseWait => {
                d.leaves("<SEQ=301><ACK=102><CTL=RST,ACK>");
            }
            _ => {}
        }
        d.nothing_more();
        assert_eq!(d.stack.connection_count(), 0, "{state}");
    });
}
