//! One connection, a segment or a few: each of these once broke it.

use std::time::Duration;

use stubborn::tcp::{Discard, State};
use stubborn::wire::Options;

use super::raw::{ACK, FIN, RST, Raw, SYN, config};

/// A reset ends a handshake whose SYN,ACK is in flight (RFC 9293 §3.10.7.4, second).
#[test]
fn a_reset_ends_a_half_open_connection() {
    let mut raw = Raw::passive(&config(), Options::default());
    assert_eq!(raw.sent().len(), 1);
    assert_eq!(raw.arrives(RST, 1, 0, b""), Some(Discard::Reset));
    assert_eq!(raw.tcb.state(), State::Listen);
    assert!(raw.passes(Duration::from_secs(600)).is_empty());
}

/// A FIN that contradicts text which is here already.
#[test]
fn a_fin_before_text_that_is_held_is_no_fin() {
    let mut raw = Raw::established(&config());
    raw.arrives(ACK, 5, 1, b"efgh");
    raw.arrives(FIN | ACK, 5, 1, b"");
    raw.arrives(ACK, 1, 1, b"abcd");
    let mut buffer = [0; 10];
    assert_eq!(raw.tcb.recv(raw.now, &mut buffer), Ok(8));
    assert_eq!(&buffer[..8], b"abcdefgh");
    assert_eq!(raw.tcb.state(), State::Established);
    raw.arrives(FIN | ACK, 9, 1, b"");
    assert_eq!(raw.tcb.state(), State::CloseWait);
}
