//! STATUS (RFC 9293 §3.10.6): what a user may see of a connection.

use core::time::Duration;

use super::recovery::RecoveryState;
use super::state::State;
use crate::config::EcnMode;
use crate::time::Instant;

/// Octets of text with each ECN codepoint except Not-ECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EcnOctets {
    /// ECT(0).
    pub ect0: u64,
    /// ECT(1).
    pub ect1: u64,
    /// CE: marked.
    pub ce: u64,
}

/// A snapshot of a connection, like `tcp_info` on other systems.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The state.
    pub state: State,
    /// Smoothed round-trip time (RFC 6298); `None` before the first sample.
    pub srtt: Option<Duration>,
    /// Round-trip time variation (RFC 6298).
    pub rttvar: Duration,
    /// The retransmission timeout that would be armed now, backoff included.
    pub rto: Duration,
    /// Congestion window, octets.
    pub cwnd: u64,
    /// Slow start threshold, octets.
    pub ssthresh: u64,
    /// SND.WND: what the peer lets us send beyond SND.UNA, octets.
    pub snd_wnd: u32,
    /// RCV.WND: what we let the peer send beyond RCV.NXT, octets.
    pub rcv_wnd: u32,
    /// Octets assumed to be in the network.
    pub in_flight: u64,
    /// The state of loss recovery.
    pub recovery: RecoveryState,
    /// Segments sent and not acknowledged.
    pub unacked: usize,
    /// Of these, selectively acknowledged.
    pub sacked: usize,
    /// Of these, marked as lost and not sent again yet. 0 without SACK.
    pub lost: usize,
    /// Of these, sent again and in flight. Tail loss probes do not count.
    pub resent: usize,
    /// How far the path reorders, in segments: the most by which a segment was overtaken; 0 if no reordering has been
    /// observed.
    pub reordering: usize,
    /// The least round-trip time of the last minutes; `None` before the first sample.
    pub min_rtt: Option<Duration>,
    /// Octets in the send buffer, sent and not.
    pub send_queue: usize,
    /// Of them, octets that have not been sent for the first time.
    pub unsent: usize,
    /// The user has closed: nothing more will be sent.
    pub closing: bool,
    /// The peer has closed, and all that it sent has arrived.
    pub fin_received: bool,
    /// The longest datagram that the path carries, as far as is known, octets.
    pub path_mtu: usize,
    /// Octets received in order and not read.
    pub recv_queue: usize,
    /// Capacity of the send buffer now, octets.
    pub send_buffer: usize,
    /// Capacity of the receive buffer now, octets; if packets count, half of what they may take.
    pub receive_buffer: usize,
    /// More about receiving.
    pub receiving: Receiving,
    /// The longest text in a segment that we send, octets.
    pub snd_mss: u16,
    /// Retransmitted segments, ever.
    pub retransmissions: u64,
    /// Retransmission timeouts, ever.
    pub timeouts: u64,
    /// Retransmissions of the segment at SND.UNA in a row.
    pub backoff: u32,
    /// How often the timeout, or the interval of probes, is doubled now.
    pub doublings: u32,
    /// Octets that the peer acknowledged, ever.
    pub bytes_acked: u64,
    /// Octets known to have arrived, acknowledged or only selectively; SYN and FIN count as one.
    pub bytes_delivered: u64,
    /// Segments known to have arrived, in the same way; SYN and FIN count if they were sent alone.
    pub segments_delivered: u64,
    /// The last measured delivery rate of the path, octets a second; `None` before text has arrived. If
    /// [segments are counted](crate::config::CongestionHabits::counts_segments), each counts as a full one,
    /// and the rate is the last one measured while the user sent enough, or a faster one since.
    pub delivery_rate: Option<u64>,
    /// While that was measured, the user sent less than the path could have carried.
    pub is_app_limited: bool,
    /// How often segments were seen to have overtaken each other. 0 without SACK.
    pub reorderings: u64,
    /// Segments that the peer reported as duplicates (RFC 2883), ever.
    pub duplicates: u64,
    /// Octets received in order, ever.
    pub bytes_received: u64,
    /// Segments that arrived for this connection; after a passive OPEN, its SYN, and those since it was
    /// established.
    pub segments_in: u64,
    /// Segments sent; after a passive OPEN, since it was established.
    pub segments_out: u64,
    /// Segments with text that arrived, ever.
    pub text_segments_in: u64,
    /// Segments with text sent, ever.
    pub text_segments_out: u64,
    /// Octets of text sent, those sent again included, ever.
    pub bytes_sent: u64,
    /// Octets of text sent again, ever.
    pub bytes_resent: u64,
    /// Segments that arrived beyond a gap, ever.
    pub beyond_gap: u64,
    /// When text last arrived, or, if packets are counted
    /// ([`ReceiveRoom::Packets`](crate::config::ReceiveRoom::Packets)), text in order; at first, when the
    /// connection was established.
    pub last_text_received: Instant,
    /// When an acknowledgment last arrived; at first, when the connection was opened.
    pub last_ack_received: Instant,
    /// The least round-trip time of the last seconds as the receiver of text sees it; `None` before
    /// the first sample.
    pub receiver_rtt: Option<Duration>,
    /// When text was last sent; at first, when the connection was opened.
    pub last_text_sent: Instant,
    /// The longest text that arrived in one segment, octets.
    pub rcv_mss: u16,
    /// The MSS that we offer, octets.
    pub advertised_mss: u16,
    /// For how long an acknowledgment may be delayed; with
    /// [`AckWaits::follow_intervals`](crate::config::AckWaits::follow_intervals) zero until text has
    /// arrived.
    pub ack_delay: Duration,
    /// Probes of a closed window, or of a silent peer, that were not answered.
    pub unanswered_probes: u32,
    /// The pacing rate of the congestion controller, or, if it has none, the one at which its window would be spread
    /// over a round trip, octets per second. `None`: no round trip is known.
    pub pacing_rate: Option<u64>,
    /// The connection uses timestamps.
    pub timestamps: bool,
    /// The connection uses selective acknowledgments.
    pub sack: bool,
    /// The form of ECN that was negotiated (RFC 3168, RFC 9768).
    pub ecn: EcnMode,
    /// A packet arrived that was ECN-capable or marked.
    pub ecn_seen: bool,
    /// Packets that arrived with a mark, as reported by the peer; in [`EcnMode::Classic`] an
    /// estimate.
    pub delivered_ce: u64,
    /// Octets of text that arrived with each codepoint, as reported by the peer; only in
    /// [`EcnMode::Accurate`], and if its options get through.
    pub delivered_octets: EcnOctets,
    /// Packets that arrived with a mark; only in [`EcnMode::Accurate`].
    pub received_ce: u64,
    /// Octets of text that arrived with each codepoint; only in [`EcnMode::Accurate`].
    pub received_octets: EcnOctets,
    /// Window scale of the peer and of ours, if the connection uses them.
    pub window_scale: Option<(u8, u8)>,
    /// Text on a SYN, ours or the peer's, was acknowledged with it (RFC 7413).
    pub syn_data: bool,
    /// It was opened by the peer's SYN with a valid Fast Open cookie, so it could be used before the handshake
    /// had ended.
    pub fast_open_child: bool,
}

/// More about receiving, besides the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receiving {
    /// The memory of received packets, octets; if only text counts, how much waits to be read.
    pub memory: usize,
    /// If packets count, the present upper bound of the window, octets.
    pub threshold: Option<usize>,
    /// If packets count, the last advertised window, octets, counted from what was acknowledged with it;
    /// before the peer's SYN, the first one. It may be larger than its field can express.
    pub told: Option<usize>,
    /// The largest window for the present size of the buffer, octets.
    pub clamp: Option<usize>,
    /// If packets count, what the peer's segments are expected to carry, octets.
    pub segment: Option<usize>,
    /// The most octets that the user has read in a round trip.
    pub most_read: usize,
}
