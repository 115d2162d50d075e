//! Where common hosts find and repair losses another way than their RFCs.

/// What is taken for a loss, and what for none. Each default is the RFCs'; Linux has them all, but where it says
/// so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecoveryHabits {
    /// Without SACK, each duplicate acknowledgment counts as if it had reported a segment, only that nobody
    /// knows which. More of them than segments can have arrived say that the path reorders, and from then on
    /// it takes more to show a loss; what a partial acknowledgment shows to be lost waits for the window;
    /// and a repair lasts until more than `recover` is acknowledged, as after a timeout. Off, three show a
    /// loss (RFC 5681 §3.2), what a partial acknowledgment shows leaves at once, and the acknowledgment of
    /// `recover` ends the recovery (RFC 6582 §3.2). Default off.
    pub counts_duplicates: bool,
    /// An acknowledgment of nothing new is a duplicate though the window is smaller than before, if it is
    /// not closed; and is none if text of the peer has come since. Off, the window of a duplicate is that of
    /// the last segment (RFC 5681 §2, (e)). Default off.
    pub smaller_window_is_duplicate: bool,
    /// A peer that acknowledges up to what it had reported, and not that, has half a round trip, and 10 ms
    /// at least, to do so; then all of it is sent again. Off, the first segment is sent again at once, and
    /// after a timeout so is the rest (RFC 2018 §8). Default off.
    pub doubts_reneging: bool,
    /// D-SACKs widen the reordering window only where reordering was seen. Off, they do anyway (RFC 8985
    /// §6.2, step 4). Default off.
    pub dsack_needs_reordering: bool,
    /// However many segments are reported beyond it, a segment is lost only once it was overtaken for as long as the
    /// reordering window says, as on Linux if `tcp_recovery` has 4. Off, three of them make that window zero, until
    /// reordering is seen (RFC 8985 §6.2, step 4). Default off.
    pub counts_no_segments: bool,
    /// D-SACKs never widen the reordering window, as on Linux if `tcp_recovery` has 2. Default off.
    pub fixed_reordering_window: bool,
    /// What is sent again because the path carries less counts as after a timeout until all that was in flight is
    /// acknowledged, though the congestion window stays what it was. Off, nothing has been lost to congestion,
    /// and no recovery begins (RFC 1191 §6.4). Default off.
    pub repairs_smaller_path: bool,
    /// A tail loss probe may follow another with no RTT sample in between. Off, it must not (RFC 8985
    /// §7.3). Default off.
    pub probe_needs_no_sample: bool,
    /// When no tail loss probe leaves, since what was sent last lies beyond the peer's window, RTO counts
    /// from when the segment at SND.UNA left. Off, from when it was acknowledged or sent last, as without
    /// such probes (RFC 6298 §5). Default off.
    pub skipped_probe_rearms: bool,
    /// Without SACK, what is sent again at SND.UNA by a recovery starts the retransmission timer anew. Off,
    /// only acknowledgments do (RFC 6298 §5.3). With SACK it does so in any case. Default off.
    pub resend_restarts_timer: bool,
    /// With SACK, an acknowledgment of more than a timeout has sent again refutes it at once. Off, not
    /// before two new segments have left (RFC 5682 §3.1, step 2). Default off.
    pub acked_refutes_timeout: bool,
    /// Without SACK, a duplicate that comes before F-RTO has sent something new says nothing. Off, it says
    /// that the timeout was right (RFC 5682 §2.1, step 2). Default off.
    pub forward_rto_outlasts_duplicates: bool,
    /// A timeout that was refuted does not count towards R1 and R2. Off, it does until SND.UNA moves (RFC
    /// 9293 §3.8.3). Default off.
    pub forgets_refuted_timeouts: bool,
    /// That net or host cannot be reached, ICMP says so of the segment at SND.UNA, takes back one doubling
    /// of the timeout: RFC 6069, which is experimental. Default off.
    pub unreachable_undoes_back_off: bool,
}
