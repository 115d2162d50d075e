//! PSH, Nagle's algorithm, segments of full size (RFC 9293 §3.7.4, §3.9.1.2).

use stubborn::config::TcpConfig;
use stubborn::stack::Readiness;
use stubborn::tcp::SendError;

use crate::dialogue::{Dialogue, in_both_families, ms, plain};

fn nodelay() -> TcpConfig {
    let mut tcp = plain();
    tcp.socket.nodelay = true;
    tcp
}

/// MAY-16, SHLD-7: while something is outstanding, what is less than a segment is collected.
#[test]
fn nagle_collects_while_data_is_outstanding() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        d.sends(20).sends(30).nothing_more();
        d.until(ms(50)).arrives("<SEQ=101><ACK=311><CTL=ACK>");
        d.leaves("<SEQ=311><ACK=101><DATA=50><CTL=PSH,ACK>");
        // What fills a segment does not wait.
        d.sends(999)
            .sends(2)
            .leaves("<SEQ=361><ACK=101><DATA=1000><CTL=ACK>");
    });
}

/// MUST-17.
#[test]
fn nagle_can_be_switched_off() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, nodelay());
        d.sends(10)
            .leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
        d.sends(20)
            .leaves("<SEQ=311><ACK=101><DATA=20><CTL=PSH,ACK>");
        d.set(|options| options.nodelay = false);
        d.sends(30).nothing_more();
        d.set(|options| options.nodelay = true)
            .leaves("<SEQ=331><ACK=101><DATA=30><CTL=PSH,ACK>");
    });
}

/// SHLD-27, MUST-61: PSH stands where the queue ends, once, however often the user has sent.
#[test]
fn one_push_where_the_queue_ends() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, nodelay());
        d.sends_together(&[1000, 1000, 500])
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=2301><ACK=101><DATA=500><CTL=PSH,ACK>");
        d.sends_together(&[100, 100, 100])
            .leaves("<SEQ=2801><ACK=101><DATA=300><CTL=PSH,ACK>");
        // What is sent again ends where the queue does not.
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=ACK>");
    });
}

/// MUST-60: small text waits for an acknowledgment at most, and that comes or is asked for.
#[test]
fn small_text_never_waits_for_ever() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(1).leaves("<SEQ=301><ACK=101><DATA=1><CTL=PSH,ACK>");
        d.sends(1).nothing_more();
        d.until(ms(200))
            .leaves("<SEQ=301><ACK=101><DATA=1><CTL=ACK>");
        d.until(ms(250))
            .arrives("<SEQ=101><ACK=302><CTL=ACK>")
            .leaves("<SEQ=302><ACK=101><DATA=1><CTL=PSH,ACK>");
    });
}

/// SHLD-28.
#[test]
fn segments_are_full_when_there_is_enough() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends(5000);
        for seq in [301, 1301, 2301, 3301] {
            d.leaves(&format!("<SEQ={seq}><ACK=101><DATA=1000><CTL=ACK>"));
        }
        d.leaves("<SEQ=4301><ACK=101><DATA=1000><CTL=PSH,ACK>");
        d.arrives("<SEQ=101><ACK=5301><CTL=ACK>");
        d.sends(2500)
            .leaves("<SEQ=5301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=6301><ACK=101><DATA=1000><CTL=ACK>")
            .nothing_more();
        d.arrives("<SEQ=101><ACK=7301><CTL=ACK>")
            .leaves("<SEQ=7301><ACK=101><DATA=500><CTL=PSH,ACK>");
    });
}

/// SEND takes what there is room for; who was refused hears of it when a third of the buffer is
/// free, not for every octet.
#[test]
fn a_user_who_waits_for_room_is_told() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            send_buffer: 3000,
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        d.sends(2500).all_that_leaves();
        assert_eq!(d.send(1000), Ok(500));
        assert_eq!(d.send(1), Err(SendError::WouldBlock));
        d.readiness();
        d.arrives("<SEQ=101><ACK=1300><CTL=ACK>").all_that_leaves();
        assert!(d.readiness().is_none(), "999 octets are free");
        d.arrives("<SEQ=101><ACK=1301><CTL=ACK>").all_that_leaves();
        assert_eq!(d.readiness(), Readiness::WRITABLE);
        d.arrives("<SEQ=101><ACK=2301><CTL=ACK>").all_that_leaves();
        assert!(d.readiness().is_none(), "once");
    });
}
