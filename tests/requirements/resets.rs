//! Resets where both sides have closed already (RFC 9293 §3.10.7.4, second).

use stubborn::config::TcpConfig;
use stubborn::tcp::{ConnectionError, State};

use crate::dialogue::{Dialogue, Family, in_both_families, plain};

/// Once in CLOSING and once in LAST-ACK, the latter with text that was not acknowledged: what the user
/// hears. Reading has ended before.
fn told(family: Family, tcp: &TcpConfig) -> [Option<ConnectionError>; 2] {
    let mut closing = Dialogue::established(family, tcp.clone());
    closing.closes().leaves("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    closing
        .arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
        .leaves("<SEQ=302><ACK=102><WND=9999><CTL=ACK>")
        .state_is(State::Closing);
    let mut last_ack = Dialogue::established(family, tcp.clone());
    last_ack
        .sends(10)
        .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
    last_ack
        .arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
        .leaves("<SEQ=311><ACK=102><WND=9999><CTL=ACK>");
    last_ack
        .closes()
        .leaves("<SEQ=311><ACK=102><WND=9999><CTL=FIN,ACK>")
        .state_is(State::LastAck);
    [closing, last_ack].map(|mut d| {
        d.arrives("<SEQ=102><CTL=RST>").state_is(State::Closed);
        assert_eq!(d.receive(1), Ok(0));
        let id = d.id();
        let error = d.stack.take_error(id);
        assert_eq!(d.stack.take_error(id), None, "once");
        error
    })
}

/// The RFC names no error: a peer that has closed may be gone before its last acknowledgment arrives.
/// Or what was sent last is lost: the common stacks tell of it, and so does this one, if asked.
#[test]
fn a_reset_after_both_have_closed_can_be_told() {
    in_both_families(|family| {
        assert_eq!(told(family, &plain()), [None; 2]);
        let tcp = TcpConfig {
            tells_late_resets: true,
            ..plain()
        };
        assert_eq!(told(family, &tcp), [Some(ConnectionError::Reset); 2]);
    });
}
