//! Where the congestion window of common hosts is not what their RFCs make of it.

/// What the congestion window makes of losses, acknowledgments and silence. Each default is the RFCs'; Linux
/// has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CongestionHabits {
    /// A timeout during a recovery, or while the window shrinks for marks, keeps ssthresh: the window has
    /// been reduced for that. Off, it is reduced once more (RFC 5681 §3.1). Default off.
    pub timeout_keeps_ssthresh: bool,
    /// With SACK, a recovery is one sign of congestion, whatever is lost in it. Off, the loss of a
    /// retransmission, or of what left since the window was reduced, is another one (RFC 5681 §4.3, RFC
    /// 8985 §3.4). Default off.
    pub recovery_reduces_once: bool,
    /// Proportional Rate Reduction takes the window down from cwnd. Off, from what was in flight (RecoverFS
    /// of RFC 9937 §6.2). Default off.
    pub reduces_from_cwnd: bool,
    /// The window grows by what an acknowledgment newly shows to have arrived, reported before or not, and
    /// sent twice or not, if it moves SND.UNA or the path is known to reorder. Off, by what it acknowledges
    /// (RFC 5681 §3.1, RFC 3465). Default off.
    pub grows_by_deliveries: bool,
    /// An idle time halves the window for each RTO in it, down to the initial window (RFC 2861 §3.1). Off,
    /// after one RTO it is the initial window (RFC 5681 §4.1). Default off.
    pub idle_halves: bool,
}
