//! Urgent data (RFC 9293 §3.8.5, RFC 6093): in line, with its end marked.

use stubborn::config::UrgentPointer;
use stubborn::stack::Readiness;
use stubborn::wire::Control;

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain};

/// MUST-30, MUST-62: the pointer names the octet after the last urgent one, both ways.
#[test]
fn the_urgent_pointer_names_the_octet_after() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.sends_urgent(3)
            .leaves("<SEQ=301><ACK=101><UP=3><DATA=3><CTL=PSH,URG,ACK>");
        d.arrives("<SEQ=101><ACK=304><UP=3><DATA=5><CTL=URG,ACK>")
            .leaves("<SEQ=304><ACK=106><WND=9995><CTL=ACK>");
        assert_eq!(d.stack.urgent_mark(d.id()), Some(3));
        // One RECEIVE does not read across the mark.
        assert_eq!(d.receive(10), Ok(3));
        assert_eq!(d.stack.urgent_mark(d.id()), None);
        assert_eq!(d.receive(10), Ok(2));
    });
}

/// MUST-31, sending: every segment before the end of the urgent data points at it, or as far as
/// sixteen bits can.
#[test]
fn urgent_data_of_any_length_is_announced() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.initial_window = 200;
        let mut d = Dialogue::listening(family, tcp);
        d.arrives("<SEQ=100><WND=65535><CTL=SYN><MSS=1000>")
            .leaves("<SEQ=300><ACK=101><CTL=SYN,ACK><MSS=1000>");
        d.arrives("<SEQ=101><ACK=301><WND=65535><CTL=ACK>").accept();
        d.sends_urgent(70_000);
        let end = 301 + 70_000;
        let mut seq = 301;
        let mut sent = d.all_that_leaves();
        d.arrives("<SEQ=101><ACK=60301><WND=65535><CTL=ACK>");
        sent.extend(d.all_that_leaves());
        sent.extend(d.sends(1000).all_that_leaves());
        for segment in &sent {
            assert_eq!(segment.header.seq, seq, "in order");
            let is_urgent = segment.header.control.has(Control::URG);
            assert_eq!(is_urgent, seq < end, "{segment}");
            if is_urgent {
                let expected = (end - seq).min(65_535);
                assert_eq!(u32::from(segment.header.urgent), expected, "{segment}");
            }
            seq += segment.len as u32;
        }
        assert_eq!(seq, end + 1000);
    });
}

/// §3.8.5, MUST-66: urgent data that a closed window holds back is told of with every segment that
/// leaves meanwhile, the probes included; and where the peer hears it: beside each probe at SND.NXT, for a
/// probe stands before the window.
#[test]
fn urgent_data_is_announced_though_the_window_is_closed() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
        d.sends_urgent(70_000).nothing_more();
        let announces = "<SEQ=301><ACK=101><UP=65535><CTL=URG,ACK>";
        let probe = "<SEQ=300><ACK=101><UP=65535><CTL=URG,ACK>";
        for at in [200, 600] {
            d.until(ms(at)).leaves(announces).leaves(probe);
            d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
        }
        // So does an acknowledgment; and where nothing is left to be told, none does.
        d.arrives("<SEQ=101><ACK=301><WND=0><DATA=5><CTL=ACK>")
            .leaves("<SEQ=301><ACK=106><WND=9995><UP=65535><CTL=URG,ACK>");
        let mut d = Dialogue::established(family, plain());
        d.sends_urgent(3)
            .leaves("<SEQ=301><ACK=101><UP=3><DATA=3><CTL=PSH,URG,ACK>");
        d.arrives("<SEQ=101><ACK=301><DATA=5><CTL=ACK>")
            .leaves("<SEQ=304><ACK=106><WND=9995><CTL=ACK>");
        // Once all of it has arrived, a probe stands alone.
        d.arrives("<SEQ=106><ACK=304><WND=0><CTL=ACK>");
        d.sends(3).nothing_more();
        d.until(ms(200))
            .leaves("<SEQ=303><ACK=106><WND=9995><CTL=ACK>")
            .nothing_more();
    });
}

/// RFC 9293 §3.10.5: a reset says nothing of urgent data.
#[test]
fn a_reset_announces_nothing() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><WND=0><CTL=ACK>");
        d.sends_urgent(3).nothing_more();
        d.aborts();
        let reset = d.leaves_something();
        assert_eq!(reset.header.control, Control::RST | Control::ACK);
        assert_eq!((reset.header.seq, reset.header.urgent), (301, 0));
    });
}

/// MUST-31, receiving: 70,000 octets, announced by pointers that cannot reach their end.
#[test]
fn urgent_data_of_any_length_is_received() {
    in_both_families(|family| {
        let mut tcp = plain();
        tcp.receive_buffer = 65_000;
        let mut d = Dialogue::established(family, tcp);
        for index in 0..70u32 {
            let seq = 101 + 1000 * index;
            let up = (70_101 - seq).min(65_535);
            d.arrives(&format!(
                "<SEQ={seq}><ACK=301><UP={up}><DATA=1000><CTL=URG,ACK>"
            ));
            d.all_that_leaves();
            let left = u64::from(up);
            assert_eq!(
                d.stack.urgent_mark(d.id()),
                Some(left),
                "{}",
                d.transcript()
            );
            d.reads(1000);
            d.all_that_leaves();
        }
        assert_eq!(d.stack.urgent_mark(d.id()), None);
    });
}

/// Of what is thrown away, since nobody reads any more, no mark is ahead; nor does one stand there.
#[test]
fn what_nobody_reads_has_no_mark() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.shuts_reading();
        d.arrives("<SEQ=101><ACK=301><UP=3><DATA=5><CTL=URG,ACK>");
        d.all_that_leaves();
        assert_eq!(d.stack.urgent_mark(d.id()), None);
        // And one that is still ahead.
        d.arrives("<SEQ=106><ACK=301><UP=8><DATA=5><CTL=URG,ACK>");
        d.all_that_leaves();
        assert_eq!(d.stack.urgent_mark(d.id()), Some(3));
    });
}

/// A segment that comes again, with more behind it, names no place that it did not name before: what its pointer
/// names has been read.
#[test]
fn urgent_data_that_comes_again_is_no_other() {
    for pointer in [
        UrgentPointer::Following,
        UrgentPointer::AtLeastOne,
        UrgentPointer::Last,
    ] {
        in_both_families(|family| {
            for up in [0, 1, 3, 4, 5] {
                let mut tcp = plain();
                tcp.acceptance.urgent_pointer = pointer;
                let mut d = Dialogue::established(family, tcp);
                d.arrives(&format!("<SEQ=101><ACK=301><UP={up}><DATA=5><CTL=URG,ACK>"));
                d.all_that_leaves();
                let names = d.stack.urgent_mark(d.id());
                // A read ends at the mark.
                let first = names.map_or(5, |mark| mark.min(5)) as usize;
                for len in [first, 5 - first] {
                    d.reads(len);
                    d.all_that_leaves();
                }
                let beyond = names.is_some_and(|mark| mark > 5).then_some(1);
                assert_eq!(d.stack.urgent_mark(d.id()), beyond, "{pointer:?}, {up}");
                d.arrives(&format!("<SEQ=101><ACK=301><UP={up}><DATA=9><CTL=URG,ACK>"));
                d.all_that_leaves();
                assert_eq!(d.stack.urgent_mark(d.id()), beyond, "{pointer:?}, {up}");
            }
        });
    }
}

/// No pointer, on a segment of whatever length, touches the stream (CVE-2019-12255 and others).
#[test]
fn every_pointer_leaves_the_stream_as_it_is() {
    let mut d = Dialogue::established(Family::V4, plain());
    let mut seq = 101u32;
    for len in [0, 1, 5, 700] {
        for up in (0..=65_535).step_by(if len == 0 { 1 } else { 97 }) {
            d.arrives(&format!(
                "<SEQ={seq}><ACK=301><UP={up}><DATA={len}><CTL=URG,ACK>"
            ));
            d.all_that_leaves();
            seq += len;
            let mut read = 0;
            while read < len as usize {
                read += d.receive(1000).unwrap();
            }
            d.all_that_leaves();
        }
    }
}

/// MUST-32: once when there is some, and whenever the mark advances; and not otherwise.
#[test]
fn the_user_hears_when_the_mark_appears_and_when_it_advances() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        let mut hears = |segment: &str| {
            d.readiness();
            d.arrives(segment);
            d.all_that_leaves();
            let hears = d.readiness().has(Readiness::STATE);
            (hears, d.stack.urgent_mark(d.id()))
        };
        let at = |seq, up| format!("<SEQ={seq}><ACK=301><UP={up}><DATA=1><CTL=URG,ACK>");
        assert_eq!(hears(&at(101, 3)), (true, Some(3)));
        assert_eq!(hears(&at(101, 3)), (false, Some(3)), "again");
        assert_eq!(hears(&at(102, 2)), (false, Some(3)), "the same place");
        assert_eq!(hears(&at(103, 7)), (true, Some(9)), "it advances");
        assert_eq!(hears(&at(104, 4)), (false, Some(9)), "it does not go back");
        assert_eq!(d.receive(10), Ok(4));
        d.arrives("<SEQ=105><ACK=301><DATA=20><CTL=ACK>");
        d.all_that_leaves();
        assert_eq!(d.receive(100), Ok(5), "to the mark");
        assert_eq!(d.receive(100), Ok(15));
        d.readiness();
        d.arrives("<SEQ=125><ACK=301><UP=1><DATA=1><CTL=URG,ACK>");
        d.all_that_leaves();
        assert!(d.readiness().has(Readiness::STATE), "a new one");
    });
}

/// MUST-33.
#[test]
fn the_user_can_ask_how_much_urgent_data_is_left() {
    in_both_families(|family| {
        let mut d = Dialogue::established(family, plain());
        d.arrives("<SEQ=101><ACK=301><UP=8><DATA=20><CTL=URG,ACK>");
        d.all_that_leaves();
        d.reads(3);
        assert_eq!(d.stack.urgent_mark(d.id()), Some(5));
        d.reads(5);
        assert_eq!(d.stack.urgent_mark(d.id()), None);
        // At or before what has been read: no mark.
        d.arrives("<SEQ=121><ACK=301><UP=0><DATA=1><CTL=URG,ACK>");
        d.all_that_leaves();
        assert_eq!(d.stack.urgent_mark(d.id()), None);
    });
}
