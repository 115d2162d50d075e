//! Recovery in the normal case: an acknowledgment only removes the oldest records from the
//! scoreboard and gives a sample of the round-trip time (see
//! [`header_prediction`](crate::tcp::header_prediction)).

use super::rate::Rate;
use super::scoreboard::Record;
use super::{Recovery, Rtt, Selective};
use crate::tcp::congestion::RateSample;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// What an expected acknowledgment brings.
pub(crate) struct News {
    /// Octets newly known to have arrived.
    pub(crate) octets: usize,
    /// The round-trip time of the last sent of them, in nanoseconds.
    pub(crate) rtt: u64,
    /// It gave a sample of the delivery rate: [`Recovery::last_rate`].
    pub(crate) samples_rate: bool,
}

impl Recovery {
    /// With SACK: nothing is lost, reported beyond a gap, sent again or probed for, no recovery is under
    /// way, and no reduction can turn out to be spurious. And the last acknowledged segment gives the
    /// sample of the round-trip time.
    #[inline]
    pub(crate) fn is_calm(&self, una: Seq) -> bool {
        let counts = self.board.counts();
        let is_calm = |selective: &Selective| selective.is_calm(una);
        self.selective.as_deref().is_some_and(is_calm)
            && !self.habits.variation_lasts
            && counts.sacked + counts.lost + counts.resent == 0
            && self.board.lost_octets() == 0
            && self.episode.is_none()
            && self.prr.is_none()
            && self.retries == 0
    }

    /// If [`Recovery::is_calm`]: a segment acknowledges nothing new.
    #[inline]
    pub(crate) fn on_no_news(&mut self) {
        self.rate.end_app_limit();
    }

    /// If [`Recovery::is_calm`]: SND.UNA was `una`, and becomes `ack`.
    //
    // Always inlined, like its caller.
    #[inline(always)]
    pub(crate) fn on_predicted_ack(&mut self, now: Instant, una: Seq, ack: Seq) -> News {
        let octets = ack - una;
        let mut arrivals = Arrivals {
            rtt: &mut self.rtt,
            rate: &mut self.rate,
            selective: self.selective.as_deref_mut(),
        };
        let news = match self.board.run_to(ack) {
            Some((run, newest)) => {
                let news = arrivals.take(now, newest, octets);
                self.board.acknowledge_run(run, ack);
                news
            }
            None => self.take_part_of_a_record(now, octets, ack),
        };
        self.rto_at = self.rtt.expiry(now);
        if let Some(selective) = &mut self.selective {
            selective.probe.on_sample();
            selective.await_answer(now, &self.rtt, &self.board);
        }
        news
    }

    #[cold]
    fn take_part_of_a_record(&mut self, now: Instant, octets: usize, ack: Seq) -> News {
        let mut newest = None;
        (self.board).acknowledge(ack, |record| newest = Some(record.clone()));
        let mut arrivals = Arrivals {
            rtt: &mut self.rtt,
            rate: &mut self.rate,
            selective: self.selective.as_deref_mut(),
        };
        match newest {
            Some(newest) => arrivals.take(now, &newest, octets),
            // This cannot happen: everything in flight has a record.
            None => News {
                octets,
                rtt: 0,
                samples_rate: false,
            },
        }
    }

    /// The last sample of the delivery rate.
    pub(crate) fn last_rate(&self) -> Option<RateSample> {
        self.rate.last()
    }
}

/// The parts that are told what has arrived.
struct Arrivals<'a> {
    rtt: &'a mut Rtt,
    rate: &'a mut Rate,
    selective: Option<&'a mut Selective>,
}

impl Arrivals<'_> {
    /// All of it was sent once, in the order of acknowledgment, so the newest record is enough.
    #[inline(always)]
    fn take(&mut self, now: Instant, newest: &Record, octets: usize) -> News {
        let rtt = now.nanos_since(newest.sent);
        if let Some(selective) = &mut self.selective {
            selective.rack.on_delivered_in_order(newest, rtt);
        }
        self.rtt.sample_nanos(now, rtt);
        let of_rate = (newest.sent, &newest.snapshot, octets);
        let samples_rate = (self.rate).deliver_in_order(now, of_rate, self.rtt.min_rtt_nanos());
        News {
            octets,
            rtt,
            samples_rate,
        }
    }
}
