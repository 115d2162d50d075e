//! One connection, a segment or a few: each of these once broke it.

use std::time::Duration;

use stubborn::tcp::{Discard, State};
use stubborn::wire::Options;

use super::raw::{ACK, RST, Raw, SYN, config};

/// A reset ends a handshake whose SYN,ACK is in flight (RFC 9293 §3.10.7.4, second).
#[test]
fn a_reset_ends_a_half_open_connection() {
    let mut raw = Raw::passive(&config(), Options::default());
    assert_eq!(raw.sent().len(), 1);
    assert_eq!(raw.arrives(RST, 1, 0, b""), Some(Discard::Reset));
    assert_eq!(raw.tcb.state(), State::Listen);
    assert!(raw.passes(Duration::from_secs(600)).is_empty());
}
