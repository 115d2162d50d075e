//! Super-segments: what would leave as several segments at once leaves as one, which the device cuts;
//! and what a device has put together arrives as one. On the wire nobody sees a difference.

use std::num::NonZero;
use std::time::Duration;

use proptest::prelude::*;
use stubborn::config::{EcnConfig, EcnMode, TcpConfig};
use stubborn::wire::{Control, Cut, Kind, Offload, Payload, offload, parse};

use crate::dialogue::{Dialogue, Family, in_both_families, ms, plain};

fn nodelay() -> TcpConfig {
    let mut tcp = plain();
    tcp.socket.nodelay = true;
    tcp
}

fn established(family: Family, tcp: TcpConfig) -> Dialogue {
    let mut d = Dialogue::established(family, tcp);
    d.offload = Offload::FULL;
    d
}

/// With SACK agreed, and a window that nothing here fills.
fn with_sack(family: Family) -> Dialogue {
    let tcp = TcpConfig {
        sack: true,
        ..nodelay()
    };
    let mut d = Dialogue::listening(family, tcp);
    d.offload = Offload::FULL;
    d.arrives("<SEQ=100><CTL=SYN><MSS=1000><SACKP><WND=50000>");
    d.leaves_something();
    d.arrives("<SEQ=101><ACK=301><CTL=ACK><WND=50000>").accept();
    d
}

#[test]
fn what_may_leave_at_once_leaves_as_one() {
    in_both_families(|family| {
        let mut d = established(family, nodelay());
        d.sends(3500)
            .leaves("<SEQ=301><ACK=101><DATA=3500><CTL=PSH,ACK>");
        // The FIN goes with the last of the text.
        d.until(ms(50)).arrives("<SEQ=101><ACK=3801><CTL=ACK>");
        d.sends_together(&[2000, 300])
            .leaves("<SEQ=3801><ACK=101><DATA=2300><CTL=PSH,ACK>");
        d.closes().leaves("<SEQ=6101><ACK=101><CTL=FIN,ACK>");
    });
}

/// Nagle's algorithm holds back the part that is no segment, as it would by itself.
#[test]
fn the_end_of_a_super_segment_waits_if_it_would_alone() {
    in_both_families(|family| {
        let mut d = established(family, plain());
        d.sends(3500)
            .leaves("<SEQ=301><ACK=101><DATA=3000><CTL=ACK>");
        d.until(ms(50)).arrives("<SEQ=101><ACK=3301><CTL=ACK>");
        d.leaves("<SEQ=3301><ACK=101><DATA=500><CTL=PSH,ACK>");
    });
}

/// The peer's window and the congestion window let out whole segments.
#[test]
fn windows_are_kept() {
    in_both_families(|family| {
        let mut d = established(family, nodelay());
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><WND=2600>");
        d.sends(9000)
            .leaves("<SEQ=301><ACK=101><DATA=2000><CTL=ACK>");
        d.until(ms(50))
            .arrives("<SEQ=101><ACK=2301><CTL=ACK><WND=50000>");
        let left: usize = d.all_that_leaves().iter().map(|segment| segment.len).sum();
        assert_eq!(left, 7000);
    });
}

/// The urgent pointer of a super-segment would be wrong in all segments but the first.
#[test]
fn urgent_data_leaves_segment_by_segment() {
    in_both_families(|family| {
        let mut d = established(family, nodelay());
        d.sends_urgent(2500)
            .leaves("<SEQ=301><ACK=101><DATA=1000><CTL=URG,ACK><UP=2500>")
            .leaves("<SEQ=1301><ACK=101><DATA=1000><CTL=URG,ACK><UP=1500>")
            .leaves("<SEQ=2301><ACK=101><DATA=500><CTL=PSH,URG,ACK><UP=500>");
    });
}

/// What SACK reports would be said again with each segment of a super-segment.
#[test]
fn what_sack_reports_leaves_segment_by_segment() {
    in_both_families(|family| {
        let mut d = with_sack(family);
        d.arrives("<SEQ=111><ACK=301><WND=50000><DATA=10><CTL=ACK>")
            .leaves("<SEQ=301><ACK=101><CTL=ACK><SACK=111:121>");
        d.sends(1976)
            .leaves("<SEQ=301><ACK=101><DATA=988><CTL=ACK><SACK=111:121>")
            .leaves("<SEQ=1289><ACK=101><DATA=988><CTL=PSH,ACK><SACK=111:121>");
    });
}

/// RFC 3168 §6.1.2: CWR is on the first segment after a reduction, and on no other.
#[test]
fn what_tells_of_a_reduction_leaves_alone() {
    in_both_families(|family| {
        let ecn = EcnConfig {
            accept: EcnMode::Classic,
            ..EcnConfig::OFF
        };
        let tcp = TcpConfig { ecn, ..nodelay() };
        let mut d = Dialogue::listening(family, tcp);
        d.offload = Offload::FULL;
        d.arrives("<SEQ=100><CTL=SYN,ECE,CWR><MSS=1000><WND=50000>");
        d.leaves_something();
        d.arrives("<SEQ=101><ACK=301><CTL=ACK><WND=50000>").accept();
        d.sends(8000).leaves_something();
        d.until(ms(50))
            .arrives("<SEQ=101><ACK=8301><CTL=ECE,ACK><WND=50000>");
        let left = d.sends(4000).all_that_leaves();
        let left: Vec<_> = (left.iter())
            .map(|it| (it.header.seq, it.len, it.header.control.has(Control::CWR)))
            .collect();
        assert_eq!(left, [(8301, 1000, true), (9301, 3000, false)]);
    });
}

/// RFC 2018, RFC 8985 §6.2: of a super-segment that has left as one, only what is missing leaves again,
/// segment by segment.
#[test]
fn what_is_lost_of_a_super_segment_is_sent_again() {
    in_both_families(|family| {
        let mut d = with_sack(family);
        d.sends(8000)
            .leaves("<SEQ=301><ACK=101><DATA=8000><CTL=PSH,ACK>");
        d.until(ms(5))
            .arrives("<SEQ=101><ACK=2301><CTL=ACK><WND=50000><SACK=4301:8301>");
        d.leaves("<SEQ=2301><ACK=101><DATA=1000><CTL=ACK>")
            .leaves("<SEQ=3301><ACK=101><DATA=1000><CTL=ACK>");
        assert_eq!(d.status().sacked, 4);
        d.until(ms(10))
            .arrives("<SEQ=101><ACK=8301><CTL=ACK><WND=50000>");
        assert_eq!(d.status().unacked, 0);
    });
}

/// SHLD-19: two full-sized segments are acknowledged at once, also if they arrive as one; one is
/// not.
#[test]
fn a_super_segment_is_acknowledged_at_once() {
    in_both_families(|family| {
        let tcp = TcpConfig {
            delayed_ack: Some(ms(40)),
            ..plain()
        };
        let mut d = Dialogue::established(family, tcp);
        // Every segment of a sender that begins is acknowledged at once.
        let mut seq = 101;
        while {
            d.arrives(&format!("<SEQ={seq}><ACK=301><DATA=100><CTL=ACK>"));
            seq += 100;
            !d.all_that_leaves().is_empty()
        } {}
        d.reads((seq - 101) as usize).all_that_leaves();
        d.until_deadline().all_that_leaves();
        let before = d.status().text_segments_in;
        d.arrives_as_one(&format!("<SEQ={seq}><ACK=301><DATA=1000><CTL=ACK>"), 1000);
        d.until_deadline().all_that_leaves();
        let seq = seq + 1000;
        d.arrives_as_one(&format!("<SEQ={seq}><ACK=301><DATA=3500><CTL=ACK>"), 1000);
        let left = d.all_that_leaves();
        assert_eq!((left.len(), left[0].header.ack), (1, seq + 3500));
        assert_eq!(d.status().text_segments_in, before + 1 + 4);
    });
}

/// A step of a conversation.
#[derive(Clone, Debug)]
enum Step {
    /// The user sends this much.
    Send(usize),
    /// This much of what is in flight is acknowledged, in tenths, and this much beyond reported.
    Acknowledge(u32, Option<(u32, u32)>),
    /// Time passes.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let block = proptest::option::of((0..30u32, 1..30u32));
    prop_oneof![
        3 => (1..9000usize).prop_map(Step::Send),
        4 => (0..=10u32, block).prop_map(|(tenths, block)| Step::Acknowledge(tenths, block)),
        2 => (1..300u64).prop_map(Step::Wait),
    ]
}

/// A segment on the wire: when it left, its place, octets of text, control bits.
type Seen = (Duration, u32, usize, Control);

/// A conversation, and the segments that were on the wire.
struct Run {
    d: Dialogue,
    seen: Vec<Seen>,
    una: u32,
    nxt: u32,
}

impl Run {
    /// What has left, as the device cuts it.
    fn look(&mut self) {
        let (at, zero) = (self.d.elapsed(), self.d.our_wire(0));
        let mut see = |bytes: &[u8]| {
            let Payload::Tcp(header, text) = parse(bytes).unwrap().payload else {
                panic!("no segment");
            };
            let seq = header.seq.wrapping_sub(zero);
            self.nxt = self.nxt.max(seq + text.len() as u32);
            self.seen.push((at, seq, text.len(), header.control));
        };
        let size = NonZero::new(1000).unwrap();
        let by = Cut {
            kind: Kind::Tcp,
            size,
        };
        for bytes in self.d.all_that_leaves_of_any_kind() {
            assert!(offload::cut(&bytes, by, &mut see));
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Send(len) => _ = self.d.send(len),
            Step::Acknowledge(tenths, block) => {
                let ack = self.una + (self.nxt - self.una) * tenths / 10;
                self.una = ack;
                let block = block.and_then(|(start, len)| {
                    let start = ack + 1 + start * 500;
                    let end = (start + len * 500).min(self.nxt);
                    (start < end).then(|| format!("<SACK={start}:{end}>"))
                });
                let block = block.unwrap_or_default();
                let written = format!("<SEQ=101><ACK={ack}><CTL=ACK><WND=50000>{block}");
                self.d.arrives(&written);
            }
            Step::Wait(millis) => {
                let end = self.d.elapsed() + ms(millis);
                while let Some(due) = self.d.stack.next_deadline()
                    && self.d.elapsed() + (due - self.d.now()) <= end
                {
                    self.d.until_deadline();
                    self.look();
                }
                self.d.until(end);
            }
        }
        self.look();
    }
}

/// What is on the wire in a conversation.
fn seen(steps: &[Step], offload: Offload) -> Vec<Seen> {
    let mut d = with_sack(Family::V4);
    d.offload = offload;
    let mut run = Run {
        d,
        seen: Vec::new(),
        una: 301,
        nxt: 301,
    };
    steps.iter().for_each(|step| run.take(step));
    run.seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is acknowledged, reported and lost: with super-segments the same segments are on the wire,
    /// at the same moments, as without.
    #[test]
    fn nobody_sees_a_difference_on_the_wire(steps in prop::collection::vec(step(), 1..40)) {
        let (with, without) = (seen(&steps, Offload::FULL), seen(&steps, Offload::NONE));
        let differ = with.iter().zip(&without).find(|(with, without)| with != without);
        prop_assert_eq!(differ, None);
        prop_assert_eq!(with.len(), without.len());
    }
}
