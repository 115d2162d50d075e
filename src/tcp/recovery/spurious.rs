//! Detects spurious losses: what was sent again had only been delayed or overtaken, so the
//! reduction of the congestion window is undone.
//!
//! * By timestamps (RFC 3522, the Eifel detection): the first acknowledgment of new octets after a
//!   retransmission echoes a segment that left before it.
//! * By what a timeout did not resend (RFC 5682, F-RTO): after the first acknowledgment, new segments
//!   are sent in place of old ones. If then something is acknowledged that was not sent again, it was
//!   on its way all the time. With SACK (§3) that may be any segment; without (§2), only the next
//!   one.
//! * By duplicates (RFC 3708, with the D-SACK of RFC 2883): the peer reports that everything that was
//!   sent again has arrived twice.
//! * By what was never sent again: only the original can have arrived.

use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::report::Arrivals;
use super::{Acknowledgment, Recovery, Report};
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// Segments that step 2 of F-RTO sends (RFC 5682 §2.1 and §3.1, 2b).
const FORWARD_SEGMENTS: u8 = 2;

/// One reduction of the congestion window, and what may show that it was unnecessary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Episode {
    /// SND.UNA when it began, and SND.NXT when the window was last reduced.
    range: Range<Seq>,
    /// It began with a timeout.
    pub(super) by_timeout: bool,
    /// When the first retransmission was sent, if it is of the segment at SND.UNA: RetransmitTS of
    /// RFC 3522 §3.2. Kept until the first acknowledgment of new octets has decided.
    first_resent: Option<Instant>,
    /// Octets sent again that the peer has not reported as duplicates; `None` before there was one.
    unconfirmed: Option<usize>,
    forward: Forward,
}

/// The steps of F-RTO (RFC 5682 §2.1 and §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Forward {
    Off,
    /// Step 2: waiting for the acknowledgment of the segment that the timeout sent again, which
    /// ends here.
    Second {
        resent_to: Seq,
    },
    /// Step 3: this many new segments have been sent in place of old ones; the next acknowledgment
    /// decides.
    Third {
        sent: u8,
    },
}

impl Forward {
    /// A timeout sends the first segment of `range` again. `looks`: F-RTO examines it.
    fn new(range: &Range<Seq>, looks: bool) -> Forward {
        match looks {
            true => Forward::Second {
                resent_to: range.start,
            },
            false => Forward::Off,
        }
    }
}

/// What an acknowledgment tells about an [`Episode`].
#[derive(Clone, Debug)]
pub(super) struct Evidence<'a> {
    /// SEG.ACK; and whether it moved SND.UNA.
    pub(super) ack: Seq,
    pub(super) advances: bool,
    /// When the segment whose timestamp is echoed was sent, to the millisecond.
    pub(super) echo: Option<Instant>,
    /// What the peer reports as having arrived twice.
    pub(super) duplicate: Option<&'a Range<Seq>>,
    /// It is a duplicate acknowledgment, and all that the peer can say without SACK.
    pub(super) is_bare_duplicate: bool,
    /// Duplicates are ignored before new segments have left in place of old ones.
    pub(super) waits_for_new: bool,
    /// The end of something below SND.NXT of the episode that was sent once and is newly
    /// acknowledged: cumulatively, selectively.
    pub(super) original_acked: bool,
    pub(super) original_sacked: bool,
    /// Something was newly acknowledged selectively.
    pub(super) sacked: bool,
    /// Something is still marked as lost, and was not sent again.
    pub(super) lost: bool,
}

/// How a loss turned out to be spurious.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// By F-RTO.
    Forward,
    /// By an echo, by duplicates, or by what was never sent again.
    Echo,
}

impl Episode {
    /// The window is reduced while `range` is in flight. `forward`: F-RTO may examine it.
    pub(super) fn new(range: Range<Seq>, by_timeout: bool, forward: bool) -> Episode {
        Episode {
            forward: Forward::new(&range, forward),
            range,
            by_timeout,
            first_resent: None,
            unconfirmed: None,
        }
    }

    /// Another timeout of the same segment: earlier retransmissions still count.
    pub(super) fn on_timeout(&mut self, nxt: Seq, forward: bool) {
        self.by_timeout = true;
        self.range.end = nxt;
        self.forward = Forward::new(&self.range, forward);
    }

    /// The window is reduced once more, for the loss of what was sent since. If the first loss was
    /// spurious, this one need not be: both were only if everything that was sent again arrived
    /// twice.
    pub(super) fn on_lost_again(&mut self, nxt: Seq) {
        self.range.end = nxt;
        self.first_resent = None;
        self.forward = Forward::Off;
    }

    /// Hashes what decides the future. `timestamps`: it matters when something was sent again.
    pub(super) fn hash_canonical(&self, timestamps: bool, now: Instant, hasher: &mut impl Hasher) {
        (&self.range, self.by_timeout, self.unconfirmed, self.forward).hash(hasher);
        if timestamps {
            self.first_resent.map(|at| now.since(at)).hash(hasher);
        }
    }

    /// SND.NXT when it began: `recover`.
    pub(super) fn end(&self) -> Seq {
        self.range.end
    }

    /// Whether `echo` lies before any retransmission.
    fn precedes_resends(&self, echo: Instant) -> bool {
        self.first_resent
            .is_some_and(|resent| echo.as_millis() < resent.as_millis())
    }

    /// `range` was sent again.
    pub(super) fn on_resent(&mut self, now: Instant, range: &Range<Seq>) {
        let octets = range.end - range.start;
        // If SND.UNA was sent again before this began, the next acknowledgment does not answer the
        // present retransmission.
        if self.unconfirmed.is_none() && range.start == self.range.start {
            self.first_resent = Some(now);
        }
        let unconfirmed = self.unconfirmed.unwrap_or_default() + octets;
        self.unconfirmed = Some(unconfirmed.min(self.most_confirmable() + 1));
        match &mut self.forward {
            Forward::Off => {}
            Forward::Second { resent_to } => *resent_to = range.end.max(*resent_to),
            // There was nothing new to send (RFC 5682 §2.1 and §3.1, 2b).
            Forward::Third { .. } => self.forward = Forward::Off,
        }
    }

    /// Something was sent for the first time. Returns whether it was in place of old segments.
    pub(super) fn on_sent(&mut self) -> bool {
        match &mut self.forward {
            Forward::Third { sent } => {
                *sent = sent.saturating_add(1);
                true
            }
            Forward::Off | Forward::Second { .. } => false,
        }
    }

    /// Whether to send new segments in place of old ones.
    pub(super) fn wants_new(&self) -> bool {
        matches!(self.forward, Forward::Third { sent } if sent < FORWARD_SEGMENTS)
    }

    /// Whether nothing may be sent again until the next acknowledgment.
    pub(super) fn holds_resends(&self) -> bool {
        matches!(self.forward, Forward::Third { sent } if sent > 0)
    }

    /// An acknowledgment arrived. Returns what shows that the loss was spurious, if anything does.
    pub(super) fn refutation(&mut self, evidence: &Evidence<'_>) -> Option<Proof> {
        // Each test must see every acknowledgment.
        let eifel = self.is_refuted_by_timestamp(evidence);
        let duplicates = self.is_refuted_by_duplicates(evidence);
        // Acknowledgments that come together may refute a loss before anything has been sent again.
        let untouched = self.unconfirmed.is_none() && !evidence.lost;
        match self.is_refuted_by_forward(evidence) {
            true => Some(Proof::Forward),
            false => (eifel || duplicates || untouched).then_some(Proof::Echo),
        }
    }

    /// RFC 3522 §3.2, steps 4 and 5.
    fn is_refuted_by_timestamp(&mut self, evidence: &Evidence<'_>) -> bool {
        if !evidence.advances {
            return false;
        }
        let refuted = evidence.echo.is_some_and(|at| self.precedes_resends(at));
        self.first_resent = None;
        refuted
    }

    /// RFC 3708 §3, for a whole recovery.
    fn is_refuted_by_duplicates(&mut self, evidence: &Evidence<'_>) -> bool {
        let most = self.most_confirmable();
        let (Some(unconfirmed), Some(duplicate)) = (&mut self.unconfirmed, evidence.duplicate)
        else {
            return false;
        };
        let inside = self.range.start <= duplicate.start && duplicate.end <= self.range.end;
        if !inside || *unconfirmed == 0 || *unconfirmed > most {
            return false;
        }
        *unconfirmed = unconfirmed.saturating_sub(duplicate.end - duplicate.start);
        *unconfirmed == 0
    }

    /// Once everything has been sent again more than twice, duplicates are no longer counted:
    /// something was really lost.
    fn most_confirmable(&self) -> usize {
        2 * (self.range.end - self.range.start)
    }

    /// RFC 5682 §2.1 and §3.1.
    fn is_refuted_by_forward(&mut self, evidence: &Evidence<'_>) -> bool {
        match self.forward {
            Forward::Off => false,
            Forward::Second { resent_to } => {
                if evidence.original_sacked {
                    return true;
                }
                // 2a: the retransmission has filled the only gap, or everything was delayed; or it
                // is not what is acknowledged.
                let goes_on = (resent_to..self.range.end).contains(&evidence.ack);
                if evidence.advances && goes_on {
                    self.forward = Forward::Third { sent: 0 };
                } else if evidence.advances || evidence.is_bare_duplicate && !evidence.waits_for_new
                {
                    self.forward = Forward::Off;
                }
                false
            }
            Forward::Third { .. } => {
                if evidence.original_acked || evidence.original_sacked {
                    return true;
                }
                if evidence.sacked || evidence.advances || evidence.is_bare_duplicate {
                    // 3a: what lies between was really lost.
                    self.forward = Forward::Off;
                }
                false
            }
        }
    }
}

impl Recovery {
    /// Whether what was sent at `echo`, and has arrived, is the original for which the first timeout
    /// occurred, and not a retransmission.
    pub(crate) fn is_echo_of_original(&self, echo: Option<Instant>) -> bool {
        let episode = self.episode.as_ref();
        episode
            .zip(echo)
            .is_some_and(|(episode, at)| episode.precedes_resends(at))
    }

    /// Checks whether the last reduction of the window was spurious.
    pub(super) fn look_for_spurious_loss(
        &mut self,
        ack: &Acknowledgment,
        arrivals: &Arrivals,
        report: &mut Report,
    ) {
        // SACK would have reported an earlier arrival.
        let acked_is_proof = self.habits.acked_refutes_timeout && self.selective.is_some();
        let Some(episode) = &mut self.episode else {
            return;
        };
        let refutation = episode.refutation(&Evidence {
            ack: ack.ack,
            advances: ack.advances(),
            echo: ack.echo,
            duplicate: ack.sack.duplicate.as_ref(),
            is_bare_duplicate: ack.is_duplicate && self.selective.is_none(),
            waits_for_new: self.habits.forward_rto_outlasts_duplicates,
            original_acked: arrivals.original_acked,
            original_sacked: arrivals.original_sacked || acked_is_proof && arrivals.original_acked,
            sacked: arrivals.sacked,
            lost: self.board.lost_octets() > 0,
        });
        let Some(proof) = refutation else {
            return;
        };
        if episode.by_timeout {
            match self.habits.forgets_refuted_timeouts {
                // The timeout stays doubled until there is a sample.
                true => self.retries = 0,
                false => self.rtt.on_spurious_timeout(),
            }
            self.rto_at = ack.now + self.rtt.rto();
        }
        let by_timeout = episode.by_timeout;
        report.spurious = true;
        self.episode = None;
        (self.prr, self.shrinking) = (None, None);
        self.resend_at_once = false;
        match &mut self.selective {
            Some(selective) => {
                // The retransmitted segments were only late.
                if !by_timeout && ack.sack.duplicate.is_none() {
                    selective.see_reordering(ack);
                }
                selective.on_spurious();
                self.board.forget_losses();
            }
            None if self.habits.counts_duplicates => {
                self.on_spurious_counted(ack, proof);
                self.board.set_lost(None);
            }
            None => {
                self.newreno.on_spurious(ack.ack);
                self.board.set_lost(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: usize = 1000;

    fn seq(octets: usize) -> Seq {
        Seq::initial(300) + octets
    }

    /// SND.UNA moves to `ack`, for a segment sent at `echo`.
    fn evidence(ack: Seq, echo: u64) -> Evidence<'static> {
        Evidence {
            ack,
            advances: true,
            echo: Some(Instant::from_millis(echo)),
            duplicate: None,
            is_bare_duplicate: false,
            waits_for_new: false,
            original_acked: false,
            original_sacked: false,
            sacked: false,
            lost: true,
        }
    }

    /// RFC 3522 §3.2, steps 2 to 5: the segment at SND.UNA is sent again at 100 ms, and what is
    /// acknowledged next left at 90 ms, or with the retransmission.
    #[test]
    fn what_is_acknowledged_left_before_it_was_sent_again() {
        for (echo, refuted) in [(90, true), (100, false)] {
            let mut episode = Episode::new(seq(0)..seq(9 * SEGMENT), false, false);
            episode.on_resent(Instant::from_millis(100), &(seq(0)..seq(SEGMENT)));
            episode.on_resent(
                Instant::from_millis(101),
                &(seq(4 * SEGMENT)..seq(5 * SEGMENT)),
            );
            let evidence = evidence(seq(4 * SEGMENT), echo);
            assert_eq!(episode.refutation(&evidence).is_some(), refuted);
        }
    }

    /// RFC 5682 §2.1, §3.1, 2b: two new segments in place of old ones, and then the next acknowledgment decides.
    #[test]
    fn f_rto_sends_two_new_segments() {
        let mut episode = Episode::new(seq(0)..seq(9 * SEGMENT), true, true);
        episode.on_resent(Instant::from_millis(300), &(seq(0)..seq(SEGMENT)));
        assert!(!episode.wants_new(), "before the first acknowledgment");
        assert_eq!(episode.refutation(&evidence(seq(SEGMENT), 300)), None);
        for sent in 0..2 {
            assert!(episode.wants_new(), "{sent}");
            assert!(episode.on_sent());
        }
        assert!(!episode.wants_new() && episode.holds_resends());
    }

    /// RFC 3522 §3.2, step 2: the segment at SND.UNA was sent again in a recovery that was over
    /// before this one began. Its acknowledgment says nothing about the present retransmissions.
    #[test]
    fn what_an_earlier_recovery_sent_again_refutes_nothing() {
        let mut episode = Episode::new(seq(0)..seq(9 * SEGMENT), false, false);
        let found_now = seq(4 * SEGMENT)..seq(5 * SEGMENT);
        episode.on_resent(Instant::from_millis(100), &found_now);
        assert_eq!(episode.refutation(&evidence(found_now.start, 90)), None);
        assert_eq!(episode.refutation(&evidence(found_now.end, 100)), None);
    }

    /// RFC 3522 §3.2, steps 2 to 4: the echo of the first acknowledgment of something new decides, compared
    /// with the first retransmission; no duplicate does, and nothing later.
    #[test]
    fn the_first_acknowledgment_of_something_new_decides() {
        let resent = || {
            let mut episode = Episode::new(seq(0)..seq(9 * SEGMENT), true, false);
            episode.on_resent(Instant::from_millis(100), &(seq(0)..seq(SEGMENT)));
            episode
        };
        let mut episode = resent();
        assert_eq!(episode.refutation(&evidence(seq(SEGMENT), 100)), None);
        assert_eq!(episode.refutation(&evidence(seq(2 * SEGMENT), 90)), None);
        // It was sent again twice, and the first retransmission has arrived.
        let mut episode = resent();
        episode.on_resent(Instant::from_millis(150), &(seq(0)..seq(SEGMENT)));
        assert_eq!(episode.refutation(&evidence(seq(SEGMENT), 100)), None);
        let mut episode = resent();
        let duplicate = Evidence {
            advances: false,
            ..evidence(seq(0), 90)
        };
        assert_eq!(episode.refutation(&duplicate), None);
        let decides = episode.refutation(&evidence(seq(SEGMENT), 90));
        assert_eq!(decides, Some(Proof::Echo));
    }

    /// RFC 3708 §3: each retransmission must have made one duplicate. Other duplicates say nothing, and
    /// neither do any once more was sent again than that.
    #[test]
    fn copies_of_all_that_was_sent_again_refute_a_loss() {
        let segment = seq(0)..seq(SEGMENT);
        let resent = |end: usize, times: u64| {
            let mut episode = Episode::new(seq(0)..seq(end), false, false);
            for time in 1..=times {
                episode.on_resent(Instant::from_millis(100 * time), &segment);
            }
            episode
        };
        let says = |episode: &mut Episode, twice: &Range<Seq>| {
            let evidence = Evidence {
                advances: false,
                echo: None,
                duplicate: Some(twice),
                ..evidence(seq(0), 0)
            };
            episode.refutation(&evidence).is_some()
        };
        let mut episode = resent(9 * SEGMENT, 1);
        assert!(!says(&mut episode, &(seq(9 * SEGMENT)..seq(10 * SEGMENT))));
        assert!(says(&mut episode, &segment));
        let mut episode = resent(SEGMENT, 2);
        let answers = [(); 2].map(|()| says(&mut episode, &segment));
        assert_eq!(answers, [false, true]);
        let mut episode = resent(SEGMENT, 3);
        let answers = [(); 3].map(|()| says(&mut episode, &segment));
        assert_eq!(answers, [false; 3]);
    }
}
