//! Ways in which common hosts detect and repair losses differently from the RFCs.

/// Differences from the RFCs in how losses are detected and repaired. By default all are off. Linux has all
/// of them, except those for which a setting or another system is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecoveryHabits {
    /// Without SACK, each duplicate acknowledgment counts as a report of one segment, although it is not
    /// known which. More reports than segments in flight mean that the path reorders, and from then on more
    /// of them are needed to show a loss. A retransmission after a partial acknowledgment waits for the
    /// window. A recovery, even after a timeout, lasts until more than `recover` is acknowledged. Off,
    /// three duplicates show a loss (RFC 5681 §3.2), a partial acknowledgment causes an immediate
    /// retransmission, and the acknowledgment of `recover` ends the recovery (RFC 6582 §3.2). Default off.
    pub counts_duplicates: bool,
    /// How many duplicates more than three, or segments reported beyond a gap, it takes to show a loss on a
    /// path that is not known to reorder (Linux's `tcp_reordering` is three more than this). Without effect
    /// if [`RecoveryHabits::counts_duplicates`] is off and there is no SACK. Default 0.
    pub more_duplicates: u8,
    /// An acknowledgment of nothing new counts as a duplicate even if its window is smaller than before, unless that
    /// is closed; but not if text of the peer has come since the last one. Off, the window of a duplicate must be
    /// that of the last segment (RFC 5681 §2, (e)). Default off.
    pub smaller_window_is_duplicate: bool,
    /// The variation of the RTT that the RTO is made of is the largest of a round trip, falls by a quarter in each, and
    /// hardly grows when the RTT has become shorter; and an acknowledgment of several segments samples the RTT of the
    /// first. Off, the variation is the average deviation, and the last segment is sampled (RFC 6298 §2.3). Default off.
    pub variation_lasts: bool,
    /// If the peer acknowledges everything up to a range that it had reported by SACK, but not that range (it
    /// seems to have reneged), it gets half a round trip, and at least 10 ms, to acknowledge it; then all of it is
    /// sent again, and what it had reported is no sign of reordering. Off, the first segment is sent again at once, and the rest after a timeout (RFC 2018 §8).
    /// Default off.
    pub doubts_reneging: bool,
    /// D-SACKs widen the reordering window only if reordering has been observed. Off, they always do (RFC 8985
    /// §6.2, step 4). Default off.
    pub dsack_needs_reordering: bool,
    /// The reordering window always applies, however many segments are reported beyond a gap, as in Linux if
    /// `tcp_recovery` has bit 4. Off, until reordering is observed, three such segments make that window zero (RFC
    /// 8985 §6.2, step 4). Default off.
    pub counts_no_segments: bool,
    /// Without RACK, a retransmission counts as lost once something arrives that was sent after it, and beyond what
    /// was in flight when the recovery began, as in FreeBSD (`net.inet.tcp.sack.lrd`). Off, only the RTO shows
    /// that (RFC 6675 §5.1). Default off.
    pub finds_lost_resends: bool,
    /// RACK.rtt is that of the last segment that an acknowledgment covers, or, if it covers none, of the
    /// last that it reports. Without timestamps, an acknowledgment that covers anything retransmitted gives
    /// no RTT sample, even if that was reported before. With timestamps, an acknowledgment of our SYN
    /// always gives one, even if the first of several SYNs is echoed, or a SYN cookie, whose timestamp is
    /// up to 63 ms too old. Off, what is reported comes first, since it usually left last (RFC 8985 §6.2,
    /// step 2); what was reported before does not matter, and such echoes give no sample. Default off.
    pub samples_in_order: bool,
    /// D-SACKs never widen the reordering window, as in Linux if `tcp_recovery` has bit 2. Default off.
    pub fixed_reordering_window: bool,
    /// The reordering timer, and that of a probe for the tail of several segments, take 3 ms longer: two
    /// ticks of a clock of 1,000 Hz, and the rest of one. What arrives in that time is not considered lost.
    /// After text was sent, a probe leaves at the latest when the RTO is over, counted from when the
    /// segment at SND.UNA was sent. Off, they expire exactly (RFC 8985 §6.2, step 5, and §7.2). Default
    /// off.
    pub timers_wait_ticks: bool,
    /// When segments are sent again because the path MTU has decreased, or because the text of a SYN was not taken
    /// (Fast Open), the connection behaves as after a timeout until everything that was in flight is acknowledged, but
    /// keeps its congestion window. Off, no recovery begins, since nothing was lost to congestion (RFC 1191 §6.4).
    /// Default off.
    pub repairs_smaller_path: bool,
    /// A tail loss probe may follow another without an RTT sample in between, and a duplicate
    /// acknowledgment shows that a probe was unnecessary even if nothing is in flight any more. Off, no
    /// probe may follow (RFC 8985 §7.3), and an acknowledgment that arrives then is not a duplicate (RFC
    /// 5681 §2). Default off.
    pub probe_needs_no_sample: bool,
    /// A tail loss probe is new text only if the window has room for the whole segment. If the last segment
    /// has become too long, its beginning is retransmitted. Off, it is as much as the window takes, or the
    /// end of the last segment (RFC 8985 §7.3). Default off.
    pub probes_whole_segments: bool,
    /// Text that the override timeout has forced into a small window (RFC 9293 §3.8.6.2.1) is not followed by a tail
    /// loss probe, but by the retransmission timeout; nor is the end of a handshake of Fast Open before which text has
    /// left. Off, they are (RFC 8985 §7.2). Default off.
    pub probes_nothing_forced: bool,
    /// If a tail loss probe cannot be sent, because what was sent last lies beyond the peer's window, or because an
    /// earlier one is unanswered while new text is sent or acknowledged, the RTO counts
    /// from when the segment at SND.UNA was sent. Off, as without probes, from the last acknowledgment of new text or
    /// transmission (RFC 6298 §5). Default off.
    pub skipped_probe_rearms: bool,
    /// Without SACK, a retransmission at SND.UNA during a recovery restarts the retransmission timer. Off,
    /// only acknowledgments do (RFC 6298 §5.3). With SACK it always does. Default off.
    pub resend_restarts_timer: bool,
    /// With SACK, an acknowledgment of more than a timeout has retransmitted shows at once that the timeout was
    /// spurious. Off, two new segments must have been sent before (RFC 5682 §3.1, step 2). Default off.
    pub acked_refutes_timeout: bool,
    /// Without SACK, a duplicate acknowledgment that arrives before F-RTO has sent new text is ignored. Off, it means
    /// that the timeout was not spurious (RFC 5682 §2.1, step 2). Default off.
    pub forward_rto_outlasts_duplicates: bool,
    /// A spurious timeout does not count towards R1 and R2, and the RTO stays doubled until there is an RTT sample. Off,
    /// it counts until SND.UNA moves (RFC 9293 §3.8.3), and the RTO is what was estimated (RFC 4015 §3.5).
    /// Default off.
    pub forgets_refuted_timeouts: bool,
}
