//! Ways in which the congestion window of common hosts differs from the RFCs.

use core::time::Duration;

/// Differences from the RFCs in how the congestion window reacts to losses, acknowledgments and silence. By
/// default all are off; Linux has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CongestionHabits {
    /// A timeout during a recovery, or while the window is being reduced for marks, keeps ssthresh, because the window
    /// has been reduced already. Off, ssthresh is reduced once more (RFC 5681 §3.1). Default off.
    pub timeout_keeps_ssthresh: bool,
    /// With SACK, a recovery reduces the window once, whatever is lost during it. Off, the loss of a
    /// retransmission, or of anything sent since the window was reduced, is a further sign of congestion (RFC 5681
    /// §4.3, RFC 8985 §3.4). Default off.
    pub recovery_reduces_once: bool,
    /// Proportional Rate Reduction starts from cwnd. Off, it starts from what was in flight (RecoverFS
    /// of RFC 9937 §6.2). Default off.
    pub reduces_from_cwnd: bool,
    /// A recovery that the reordering timer begins counts a segment as delivered at its beginning. Off, nothing has
    /// been delivered then (RFC 9937 §6.1). Default off.
    pub timeout_delivers_segment: bool,
    /// The window grows by everything that an acknowledgment newly shows to have arrived, even if retransmitted,
    /// provided that it moves SND.UNA or the path is known to reorder. Off, it grows by what is cumulatively
    /// acknowledged (RFC 5681 §3.1, RFC 3465). Default off.
    pub grows_by_deliveries: bool,
    /// Idleness halves the window once per RTO, down to the initial window (RFC 2861 §3.1). Off,
    /// the window is the initial window after one RTO (RFC 5681 §4.1). Default off.
    pub idle_halves: bool,
    /// ECE is ignored while nothing is in flight. Off, it always counts (RFC 3168 §6.1.2). Default off.
    pub marks_need_flight: bool,
    /// What is in flight and what has arrived is counted in segments, however small they are, and the
    /// window has room for whole segments. An acknowledgment of a part of a segment restarts no timer, and
    /// gives no sample of the round trip or of the delivery rate; that of the rest counts as reordering, if the
    /// segment was sent alone, and once. Whether the user limits the delivery rate
    /// is checked at each SEND. Off, octets are counted (RFC 5681 §2, RFC 3465), and this is checked at
    /// each acknowledgment, too. Default off.
    pub counts_segments: bool,
    /// A loss reduces the whole congestion window, as RFC 9438 §4.6 allows; FreeBSD does so, too. Off, it
    /// reduces only as much of the window as was in use (RFC 5681 §3.1, equation 4). Default off.
    pub reduces_whole_window: bool,
    /// ssthresh and CUBIC's curve are whole segments, the curve rounded towards its flat part, and the
    /// curve waits while nothing is in flight (see
    /// [`CubicInSegments`](crate::tcp::congestion::CubicInSegments)). The acknowledgment that ends a
    /// recovery lets the window grow, so it rises a little earlier. An acknowledgment of several windows
    /// lets Reno's window grow by a segment for each. The first window is `initial_window` segments,
    /// however long they are. Off, windows are computed to the octet (RFC 5681, RFC 9438), Reno's grows by
    /// one segment, and the first window is bounded in octets (RFC 6928 §2). Default off.
    pub window_in_segments: bool,
}

/// Signs that the congestion window has reached what the path can carry, by which slow start ends at once: HyStart of
/// S. Ha and I. Rhee, "Taming the elephants: New TCP slow start", Computer Networks 55 (2011). RFC 9406 has only the
/// second of them, and lets Conservative Slow Start follow. The defaults are those of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlowStartSigns {
    /// Smaller windows are not judged, in segments. Default 16.
    pub low_window: u32,
    /// Acknowledgments that follow each other at intervals of at most this form a train. One that takes longer than half
    /// the least round trip has filled the path. `None`: trains are no sign. Default 2 ms.
    pub train_gap: Option<Duration>,
    /// Nine round trips of a round that are all longer than the least by an eighth of it (4 to 16 ms). Default true.
    pub delay: bool,
}

impl Default for SlowStartSigns {
    fn default() -> SlowStartSigns {
        SlowStartSigns {
            low_window: 16,
            train_gap: Some(Duration::from_millis(2)),
            delay: true,
        }
    }
}
