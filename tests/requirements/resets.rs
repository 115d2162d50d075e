//! Resets where both sides have closed already (RFC 9293 §3.10.7.4, second).

use stubborn::tcp::{ConnectionError, State};

use crate::dialogue::{Dialogue, in_both_families, plain};

/// The RFC names no error for CLOSING and LAST-ACK. But the peer has not acknowledged our last
/// octets, so they may be lost; as on the common stacks, the user can find out. Reading has ended
/// before.
#[test]
fn a_reset_after_both_have_closed_is_told() {
    in_both_families(|family| {
        let text = "<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>";
        let mut d = Dialogue::established(family, plain());
        d.sends(10).leaves(text).closes();
        d.leaves("<SEQ=311><ACK=101><CTL=FIN,ACK>");
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=312><ACK=102><WND=9999><CTL=ACK>")
            .state_is(State::Closing);
        d.arrives("<SEQ=102><CTL=RST>").state_is(State::Closed);
        assert_eq!(d.receive(1), Ok(0));
        let id = d.id();
        assert_eq!(d.stack.take_error(id), Some(ConnectionError::Reset));

        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><CTL=FIN,ACK>")
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=ACK>");
        d.closes()
            .leaves("<SEQ=301><ACK=102><WND=9999><CTL=FIN,ACK>")
            .state_is(State::LastAck);
        d.arrives("<SEQ=102><CTL=RST>").state_is(State::Closed);
        assert_eq!(d.receive(1), Ok(0));
        let id = d.id();
        assert_eq!(d.stack.take_error(id), Some(ConnectionError::Reset));
        assert_eq!(d.stack.take_error(id), None);
    });
}
