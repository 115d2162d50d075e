//! Where hosts differ and RFCs leave them free: what waits for what, what is pushed, what the least
//! RTO bounds.

mod congestion;
mod recovery;
mod sending;

use core::time::Duration;

use super::{Handshakes, IcmpTrust};

pub use congestion::CongestionHabits;
pub use recovery::RecoveryHabits;
pub use sending::SendingHabits;

/// Where common hosts are not as their RFCs have it. Each default is the RFCs'; Linux has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Habits {
    /// What a handshake makes of what does not belong into it.
    pub handshakes: Handshakes,
    /// Which ICMP errors are believed.
    pub icmp_trust: IcmpTrust,
    /// What is taken for a loss, and what for none.
    pub recovery: RecoveryHabits,
    /// What the congestion window makes of losses, acknowledgments and silence.
    pub congestion: CongestionHabits,
    /// What may leave, and in which segments.
    pub sending: SendingHabits,
    /// A connection in TIME-WAIT, or in FIN-WAIT-2 when nobody holds it, judges what arrives by its place
    /// alone, as Linux has it, where such a connection is kept in little room: the acknowledgment field
    /// makes no difference, whatever is answered in TIME-WAIT and has one makes its time begin anew, with
    /// the TTL of the host, a SYN that may end TIME-WAIT may have a FIN, and a SYN at or beyond RCV.NXT ends
    /// FIN-WAIT-2 with a reset. And a FIN beyond a gap resets a connection that nobody holds, as the text
    /// would that precedes it. Default off: RFC 9293 §3.10.7.4, RFC 5961
    /// §4.2 and §5.2.
    pub light_ending: bool,
    /// Where a peer has taken back some of its window, and SND.NXT lies beyond it, acknowledgments and resets
    /// stand at the edge of the window, as in Linux, so that it takes them. Default off: at SND.NXT (RFC
    /// 9293 §3.10.7.4).
    pub acks_stay_in_window: bool,
    /// A window that is smaller than the last one counts only with new text or a new
    /// acknowledgment, or if it is closed, as in Linux. Default off: RFC 9293 §3.10.7.4.
    pub doubts_smaller_windows: bool,
    /// The interval to the next probe of a closed window counts from the answer to the last one, as in
    /// Linux. Default off: from the last one, as a retransmission's (RFC 9293 §3.8.6.1).
    pub probes_count_from_answer: bool,
    /// Text that ends beyond the window is refused, all of it, while other text waits to be read; otherwise as
    /// much is taken as the receive buffer holds, as in Linux since 6.17. Default off: what lies in the window
    /// is taken (RFC 9293 §3.10.7.4).
    pub refuses_overruns: bool,
    /// A FIN that lies beyond a gap is reported as selectively acknowledged, and as a duplicate if it comes
    /// again, though no text comes with it, as in Linux. Default off: reports are of text (RFC 2018 §3).
    pub reports_fins: bool,
    /// Text that begins before the peer's FIN, or at its place, and goes on beyond it resets the connection, as
    /// in Linux. Default off: what lies beyond a FIN is ignored (RFC 9293 §3.10.7.4, seventh).
    pub resets_across_fin: bool,
    /// A segment that ends at or before RCV.NXT, and not before what was acknowledged last, counts for what it
    /// newly acknowledges, though it brings nothing else, as in Linux. Default off: it is not acceptable (RFC 9293
    /// §3.10.7.4).
    pub takes_recent_duplicates: bool,
    /// For what there must be room in the send buffer. Default [`SendRoom::Octets`].
    pub send_room: SendRoom,
    /// What [`TcpConfig::r2`](super::TcpConfig::r2) and
    /// [`TcpConfig::orphan_retries`](super::TcpConfig::orphan_retries) count. Default
    /// [`RetryLimit::Retransmissions`].
    pub retry_limit: RetryLimit,
}

/// What the least RTO is a bound of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RtoFloor {
    /// Of the RTO, as in RFC 6298 §2.4.
    #[default]
    Whole,
    /// Of the term for the variation: RTO = SRTT + max(floor, 4 * RTTVAR), as Linux has it. A path
    /// longer than the floor then keeps a distance from its timeouts, however little its RTT varies.
    Variation,
}

/// What the room for SEND is counted in (RFC 9293 §3.9.1.2 leaves buffers to the host).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SendRoom {
    /// Octets of text: SEND takes what there is room for.
    #[default]
    Octets,
    /// What packets take in memory: twice the size that was asked for, and 832 octets beside the text of each.
    /// SEND fills the packet that waits, and begins another one if there is any room at all, or less waits to
    /// be sent than the user wants to; both have room again when packets take two thirds of it, and half as much
    /// waits. As Linux has it.
    Packets,
}

/// What R2 for data counts (RFC 9293 §3.8.3: a number of retransmissions, or a time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetryLimit {
    /// Retransmissions.
    #[default]
    Retransmissions,
    /// The time that so many would take if the RTO began with the least, counted from the first of them:
    /// on a longer path there are fewer. As Linux has it.
    Time,
}

/// For the acknowledgment of what a segment waits that is not full (RFC 9293 §3.7.4, RFC 896).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nagle {
    /// Of everything that was sent.
    #[default]
    Everything,
    /// Of the last segment that was not full (draft-minshall-nagle): the end of a long text does
    /// not wait. As Linux has it.
    Small,
    /// Of everything that was sent before its SEND: one that finds nothing in flight leaves whole. As in
    /// FreeBSD.
    Write,
}

/// Which segments say that what has come so far is to be handed on (RFC 9293 §3.9.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Push {
    /// Those that empty the queue of what is to be sent.
    #[default]
    QueueEnd,
    /// Those in which a SEND ends that nothing joined before it left, and those that end when half
    /// of the largest window there was has been given since the last push. They say so when they
    /// are sent again, too. And the last of several that leave together, as one packet that the
    /// device cuts: so many, or more on a path so fast or so short that it takes no longer than
    /// about a millisecond. Fewer than that wait for the next acknowledgment, if it is due, something left
    /// within the last millisecond, and the window lets out less than a third of itself. As Linux has it.
    SendEnd(u32),
}

/// From when the user timeout counts (RFC 9293 §3.9.1.1, RFC 5482).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UserTimeoutFrom {
    /// From when something was sent that is not acknowledged, or waits to be sent.
    #[default]
    Transmission,
    /// From when it was sent again for the first time, or the closed window probed; an OPEN counts from
    /// its SYN. As Linux has it.
    Retransmission,
}

/// How long the first 16 segments with text are acknowledged at once, since a sender that starts
/// slowly needs every acknowledgment (RFC 5681 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuickAcks {
    /// Until the user sends: from then on what is sent carries acknowledgments.
    #[default]
    UntilSending,
    /// But for while the user answers, within `delayed_ack` of text that came, and no acknowledgment
    /// has waited for an answer in vain; and 16 again after a silence longer than RTO (RFC 5681 §4.1). No
    /// more of them than the window has pairs of full-sized segments; two if it has none. And who asks for
    /// them with text unread waits for the next segment. As Linux has it.
    UntilAnswering,
    /// Never: the first waits like all others, as in FreeBSD.
    Never,
}

/// What an acknowledgment waits for, beside more text and the end of its time. RFC 9293 §3.8.6.3 bounds
/// the delay, and leaves open what ends it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckWaits {
    /// One of text waits no longer than until all text is read, if the peer has no more for now (its
    /// segment says PSH, or is not full) and the user does not answer. Off, it goes on waiting, as in
    /// FreeBSD. Default on.
    pub end_with_reading: bool,
    /// One of a FIN without text always waits: the user may close at once, and our FIN then carries it.
    /// Off, it waits only where one of text would. Default on.
    pub hold_fin: bool,
    /// One of a FIN always waits, once text has come, before it or with it: the user may be about to answer.
    /// And one of a FIN alone does not. Whatever `hold_fin` says: as in Linux. Default off.
    pub hold_fin_after_text: bool,
    /// One of a FIN never waits, whatever they say: as in FreeBSD. Default off.
    pub answer_fin: bool,
    /// When both sides open at once, one of the SYN,ACK that crosses ours waits for text: our own SYN,ACK
    /// has acknowledged as much (RFC 9293 §3.5, figure 7), and if it was lost, the peer's comes again and is
    /// challenged. Off, it leaves at once and reports the SYN as a duplicate, as in Linux. Default on.
    pub hold_crossing: bool,
    /// One of the first text of an accepted connection waits for an answer, if the last connection of that
    /// listener that its user let go of had one. Off, it leaves at once until the user sends, as in Linux;
    /// and so does one that says that half of the receive buffer is free, on any connection. Default on.
    pub expect_answer: bool,
    /// The second segment with text ends the wait of the first, however little is in them: as in FreeBSD. Off,
    /// two full-sized ones do (RFC 9293 SHLD-19). Default off.
    pub end_with_second: bool,
    /// Two full-sized segments end the wait only if the window is as large as when it was told last, or once
    /// some of them is read: who sends into a buffer that nobody reads need not be hurried. As in Linux. Off,
    /// they end it in any case (RFC 9293 SHLD-19). Default off.
    pub hold_smaller_window: bool,
    /// A segment with text that comes in the last quarter of the wait ends it, as in Linux. Default off.
    pub end_early: bool,
    /// How long one waits follows how often text comes: half of the last wait and the time since the last text,
    /// or half of [`TcpConfig::delayed_ack`](super::TcpConfig::delayed_ack), if that was less; twice as long once
    /// one has waited for all of its time. `delayed_ack` is the least, and RTO, the round trip, and 200 or 500 ms
    /// are the most. As in Linux. Default off.
    pub follow_intervals: bool,
    /// Those of text beyond a gap wait for others, as in Linux. Default none: each leaves at once (RFC 5681
    /// §4.2).
    pub hold_sacks: Option<HoldSacks>,
}

/// How acknowledgments of text beyond a gap wait for others, with SACK: the first three at one place leave at
/// once, and with more than two blocks none waits for another. They have a twentieth of a round trip, if one has
/// been measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoldSacks {
    /// So many may wait at most: the next is not held back.
    pub most: u32,
    /// None waits for longer.
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
            hold_sacks: None,
        }
    }
}
