//! Behaviour in which common hosts differ from each other, or from the RFCs, as settings.

mod congestion;
mod recovery;
mod sending;

use core::time::Duration;

use super::{Handshakes, IcmpTrust};

pub use congestion::{CongestionHabits, SlowStartSigns};
pub use recovery::RecoveryHabits;
pub use sending::SendingHabits;

/// Ways in which common hosts depart from the RFCs. By default all are off, which is what the RFCs say;
/// with the `linux` profile of scripts nearly all are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Habits {
    /// How a handshake treats unexpected segments.
    pub handshakes: Handshakes,
    /// Which ICMP errors are believed.
    pub icmp_trust: IcmpTrust,
    /// What counts as a loss, and how losses are repaired.
    pub recovery: RecoveryHabits,
    /// How the congestion window reacts to losses, acknowledgments and silence.
    pub congestion: CongestionHabits,
    /// What may leave, and in which segments.
    pub sending: SendingHabits,
    /// What ends the slow start of CUBIC in whole segments ([`CongestionHabits::window_in_segments`]) at once, where
    /// `hystart` is on. `None`: longer round trips, by way of Conservative Slow Start (RFC 9406). Default `None`.
    pub leaves_slow_start_at_once: Option<SlowStartSigns>,
    /// A connection in TIME-WAIT, or in FIN-WAIT-2 without a user, judges segments by their sequence number
    /// alone, as in Linux, which keeps such connections in a reduced form. The acknowledgment field is not
    /// checked. In TIME-WAIT, an answered segment with an acknowledgment restarts 2 MSL. Answers have the
    /// TTL of the host. A SYN that ends TIME-WAIT may have a FIN. A SYN at or beyond RCV.NXT ends
    /// FIN-WAIT-2 with a reset. A FIN beyond a gap resets a connection without a user, just as the missing
    /// text would. TIME-WAIT does not echo the timestamps of text. FIN-WAIT-2 holds nothing beyond gaps,
    /// and answers resets outside the window. Default off: RFC 9293 §3.10.7.4, RFC 5961 §3.2, §4.2 and
    /// §5.2.
    pub light_ending: bool,
    /// If the peer has shrunk its window so that SND.NXT lies beyond it, acknowledgments and resets have the
    /// sequence number of the window's edge, as in Linux, so that the peer accepts them. Default off: SND.NXT (RFC
    /// 9293 §3.10.7.4).
    pub acks_stay_in_window: bool,
    /// A smaller window than before is accepted only with new text or a new acknowledgment, or if it is
    /// zero. The window of a new acknowledgment counts even if text beyond it has arrived before. As in
    /// Linux. Default off: RFC 9293 §3.10.7.4.
    pub doubts_smaller_windows: bool,
    /// The time to the next probe of a closed window, or to the next segment into a window that is too small, counts
    /// from the last acknowledgment, except one that comes with text in order and acknowledges nothing new, as in
    /// Linux. Default off: from the last probe, as for retransmissions (RFC 9293 §3.8.6.1).
    pub probes_count_from_answer: bool,
    /// A segment that ends beyond the window is refused entirely if text, or the end of the stream, waits
    /// to be read. Otherwise as much of it is accepted as the receive buffer holds. If it begins where the
    /// window ends, only its acknowledgment is accepted. As in Linux since 6.17. Default off: the part in
    /// the window is accepted (RFC 9293 §3.10.7.4).
    pub refuses_overruns: bool,
    /// A FIN without text beyond a gap is reported by SACK, and by D-SACK if it arrives again, as in Linux.
    /// The acknowledgment of a FIN in order reports nothing, except in FIN-WAIT-1 or FIN-WAIT-2: if the FIN
    /// was reported there before, it is reported once more. Default off: only text is reported (RFC 2018
    /// §3).
    pub reports_fins: bool,
    /// A FIN beyond a gap gives way to text over its place, and to another FIN before it. Text beyond the
    /// FIN is held until everything before the FIN has arrived. A FIN in order, or after text in order,
    /// counts regardless of what is held. As in Linux. Default off: the first FIN counts, and what
    /// arrives beyond it is ignored (RFC 9293 §3.10.7.4, seventh).
    pub fins_give_way: bool,
    /// The reset that a user's CLOSE causes reports what lies beyond gaps by SACK, has URG before urgent
    /// data, and ECE like an acknowledgment, as in Linux. Default off: only acknowledgments do (RFC 2018
    /// §4, RFC 9293 §3.8.5, RFC 3168 §6.1.3).
    pub resets_report: bool,
    /// Text that extends from before or at the peer's FIN to beyond it resets the connection, as
    /// in Linux. Default off: text beyond a FIN is ignored (RFC 9293 §3.10.7.4, seventh).
    pub resets_across_fin: bool,
    /// If a duplicate segment ends between our last acknowledgment and RCV.NXT, its acknowledgment is
    /// processed and its timestamp is echoed; an empty one is not answered, and a reset there is
    /// challenged. As in Linux. Default off: such a segment is not acceptable (RFC 9293 §3.10.7.4).
    pub takes_recent_duplicates: bool,
    /// In a synchronized state, a segment without ACK, RST and SYN is dropped silently, wherever it lies, as in
    /// Linux. Default off: one outside the window is answered (RFC 9293 §3.10.7.4, first).
    pub ignores_unacknowledging: bool,
    /// How the room in the send buffer is counted. Default [`SendRoom::Octets`].
    pub send_room: SendRoom,
    /// What [`TcpConfig::r2`](super::TcpConfig::r2) and
    /// [`TcpConfig::orphan_retries`](super::TcpConfig::orphan_retries) count. Default
    /// [`RetryLimit::Retransmissions`].
    pub retry_limit: RetryLimit,
}

/// What [`TcpConfig::min_rto`](super::TcpConfig::min_rto) is the lower bound of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RtoFloor {
    /// The RTO, as in RFC 6298 §2.4.
    #[default]
    Whole,
    /// The term for the variation: RTO = SRTT + max(floor, 4 * RTTVAR), as in Linux. So even if the RTT
    /// is longer than the floor and hardly varies, the RTO is not close to it.
    Variation,
}

/// How the room for SEND is counted (RFC 9293 §3.9.1.2 leaves buffers to the host).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendRoom {
    /// In octets of text: SEND takes as much as there is room for.
    #[default]
    Octets,
    /// In the memory that packets take: their text and 832 octets each, of which there may be twice the size of the
    /// buffer. SEND fills the last packet that waits to be sent, and begins another if there is any room at all.
    /// [`SocketOptions::unsent_low_water`](super::SocketOptions::unsent_low_water) limits it likewise. A user that
    /// waits is woken when packets take less than two thirds of the memory, and less than half of that low-water
    /// mark waits. Unless the user asked for a size, there is room for the packets of two congestion windows, of at
    /// least ten segments as long as the peer takes. As in Linux.
    Packets,
}

/// How R2 for data is measured (RFC 9293 §3.8.3: in retransmissions, or in time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryLimit {
    /// In retransmissions.
    #[default]
    Retransmissions,
    /// In the time that this many retransmissions would take if the first RTO were the least, counted from the first
    /// retransmission. On a longer path there are fewer of them. As in Linux.
    Time,
}

/// For which acknowledgments a segment that is not full waits (Nagle's algorithm: RFC 9293 §3.7.4, RFC 896).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nagle {
    /// That of everything that was sent.
    #[default]
    Everything,
    /// That of the last segment that was not full (draft-minshall-nagle), so the end of a long text does
    /// not wait. As in Linux.
    Small,
    /// That of everything sent before its SEND: a SEND that finds nothing in flight is sent completely. As in
    /// FreeBSD.
    Write,
}

/// Which segments have PSH, which asks the receiver to deliver what has arrived (RFC 9293 §3.9.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Push {
    /// Those that empty the send queue.
    #[default]
    QueueEnd,
    /// Text is kept in packets, which the device cuts into segments, as in Linux. A packet is sent and
    /// retransmitted as one: as much of it as may leave, but at most this many segments, or more if the
    /// path is fast or short enough to send them within about a millisecond. The last segment of a packet
    /// has PSH if a SEND ends there and no other has filled the packet up, if half of the largest window so
    /// far was given since the last push, and if it is one of several. A packet of several segments waits
    /// for the next acknowledgment if one is due, something left within the last millisecond, and little of
    /// the window may be sent ([`TcpConfig::gathered_parts`](super::TcpConfig::gathered_parts)); and of one
    /// that the peer's window cuts, less than a segment leaves, too, unless a small segment is in flight.
    SendEnd(u32),
}

/// When the user timeout starts to run (RFC 9293 §3.9.1.1, RFC 5482).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserTimeoutFrom {
    /// When text is sent, or starts to wait to be sent.
    #[default]
    Transmission,
    /// At the first retransmission, or the first probe of a closed window; for an OPEN, when its SYN is sent. As in
    /// Linux.
    Retransmission,
}

/// How long the first 16 segments with text are acknowledged at once, because a sender with a small window
/// needs every acknowledgment: at the start (RFC 5681 §3.1), and when it may have had a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuickAcks {
    /// Until the user sends; from then on its text carries the acknowledgments. Once a gap is filled
    /// (RFC 5681 §4.2), 16 segments again.
    #[default]
    UntilSending,
    /// Except while the user answers within `delayed_ack` of the text that arrived, and no acknowledgment
    /// has waited for an answer in vain. After a silence longer than the RTO, 16 segments again (RFC 5681
    /// §4.1). At most as many as the window has pairs of full-sized segments, or two if it has none. If the
    /// user asks for quick acknowledgments while text is unread, they begin with the next segment. As in
    /// Linux.
    UntilAnswering,
    /// Not at all: the first acknowledgment is delayed like all others, as in FreeBSD.
    Never,
}

/// What ends the delay of an acknowledgment, besides more text and its timer. RFC 9293 §3.8.6.3 bounds
/// the delay, and leaves open what ends it sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckWaits {
    /// The acknowledgment of text leaves once all text is read, if the peer has no more for now (its
    /// segment has PSH, or is not full) and the user does not answer. Off, it is delayed further, as in
    /// FreeBSD. Default on.
    pub end_with_reading: bool,
    /// The acknowledgment of a FIN without text is always delayed, because the user may close at once, and our FIN
    /// then carries it. Off, it is delayed only if one of text would be. Default on.
    pub hold_fin: bool,
    /// Replaces `hold_fin`: the acknowledgment of a FIN is always delayed if text has arrived before or
    /// with it, because the user may be about to answer; otherwise it is delayed by a tick, 1 ms. As in
    /// Linux. Default off.
    pub hold_fin_after_text: bool,
    /// Overrides both: the acknowledgment of a FIN is never delayed. As in FreeBSD. Default off.
    pub answer_fin: bool,
    /// When both sides open at once, the acknowledgment of the SYN,ACK that crosses ours is delayed, because our own
    /// SYN,ACK has acknowledged the same (RFC 9293 §3.5, figure 7); if that was lost, the peer sends its SYN,ACK again
    /// and is challenged. Off, it leaves at once and reports the SYN as a duplicate, as in Linux. Default on.
    pub hold_crossing: bool,
    /// The acknowledgment of the first text of an accepted connection is delayed until the answer, if the last
    /// released connection of the same listener had answered. Off, acknowledgments leave at once until the user sends,
    /// as in Linux; and so does one that says that half of the receive buffer is free, on any connection. Default on.
    pub expect_answer: bool,
    /// Every second segment with text is acknowledged at once, however short they are, as in FreeBSD. Off, only two
    /// full-sized segments end the delay (RFC 9293 SHLD-19). Default off.
    pub end_with_second: bool,
    /// Two full-sized segments end the delay only if the window is as large as last advertised, or once
    /// some of their text is read or peeked at, since there is no hurry while the user does not read.
    /// As in Linux. Off, they always end it (RFC 9293 SHLD-19). Default off.
    pub hold_smaller_window: bool,
    /// A segment with text that arrives in the last quarter of the delay ends it, as in Linux. Default off.
    pub end_early: bool,
    /// The delay adapts to how often text arrives: it is half of the last delay plus the time since the
    /// last text, or half of [`TcpConfig::delayed_ack`](super::TcpConfig::delayed_ack) if that time was
    /// less. It doubles once a delay has run its full time. It is at least `delayed_ack`, and at most the
    /// RTO, the round trip, and 200 or 500 ms. As in Linux. Default off.
    pub follow_intervals: bool,
    /// With [`QuickAcks::UntilAnswering`], this is how often the user has
    /// to answer before acknowledgments wait for answers, as in Linux with `tcp_pingpong_thresh`. 0 counts
    /// as 1. Default 1.
    pub answers: u32,
    /// Acknowledgments of text beyond a gap are compressed: they wait for others, as in Linux. Default `None`: each
    /// leaves at once (RFC 5681 §4.2).
    pub hold_sacks: Option<HoldSacks>,
}

/// How acknowledgments of text beyond a gap are compressed, with SACK. The first three for the same gap leave at
/// once, and so does each one with more than two blocks. Others wait for a twentieth of the round trip, if that has
/// been measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoldSacks {
    /// The most that may wait: the next one leaves.
    pub most: u32,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for AckWaits {
    fn default() -> AckWaits {
        AckWaits {
            end_with_reading: true,
            hold_fin: true,
            hold_fin_after_text: false,
            answer_fin: false,
            hold_crossing: true,
            expect_answer: true,
            end_with_second: false,
            hold_smaller_window: false,
            end_early: false,
            follow_intervals: false,
            answers: 1,
            hold_sacks: None,
        }
    }
}
