//! Recovery where nothing is amiss: an acknowledgment takes the oldest records off the scoreboard
//! and gives a sample of the round-trip time, and that is all (see
//! [`header_prediction`](crate::tcp::header_prediction)).

use core::time::Duration;

use super::Recovery;
use super::rate::Newest;
use super::scoreboard::Record;
use crate::tcp::congestion::RateSample;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// What an acknowledgment says that was expected.
pub(crate) struct News {
    /// Octets newly known to have arrived.
    pub(crate) octets: usize,
    /// The round-trip time of what left last among them.
    pub(crate) rtt: Duration,
    /// A sample of the delivery rate.
    pub(crate) rate: Option<RateSample>,
}

impl Recovery {
    /// With SACK: nothing is lost, reported beyond a gap, sent again or probed for, no recovery is
    /// under way, and nothing can turn out to have been for nothing.
    #[inline]
    pub(crate) fn is_calm(&self, una: Seq) -> bool {
        let counts = self.board.counts();
        let is_calm = |selective: &super::Selective| selective.is_calm(una);
        self.selective.as_deref().is_some_and(is_calm)
            && counts.sacked + counts.lost + counts.resent == 0
            && self.board.lost_octets() == 0
            && self.episode.is_none()
            && self.prr.is_none()
            && self.retries == 0
    }

    /// Where [`Recovery::is_calm`]: a segment acknowledges what had been acknowledged.
    #[inline]
    pub(crate) fn on_no_news(&mut self) {
        self.rate.end_app_limit();
    }

    /// Where [`Recovery::is_calm`]: SND.UNA was `una`, and becomes `ack`.
    #[inline]
    pub(crate) fn on_predicted_ack(&mut self, now: Instant, una: Seq, ack: Seq) -> News {
        let octets = ack - una;
        let newest = self.take_predicted_arrivals(now, octets, ack);
        // Whatever is in flight has a record.
        let rtt = now.since(newest.map_or(now, |newest| newest.sent()));
        self.rtt.sample(now, rtt);
        self.rto_at = self.rtt.expiry(now);
        if let Some(selective) = &mut self.selective {
            selective.probe.on_sample();
            selective.await_answer(now, &self.rtt, &self.board);
        }
        News {
            octets,
            rtt,
            rate: self.rate.sample(newest, self.rtt.min_rtt()),
        }
    }

    /// What has arrived leaves the scoreboard; rate and RACK hear of it. All of it left once, in the
    /// order in which it is acknowledged: what is newest says all.
    fn take_predicted_arrivals(&mut self, now: Instant, octets: usize, ack: Seq) -> Option<Newest> {
        let Recovery {
            board,
            rate,
            selective,
            ..
        } = self;
        let mut newest = None;
        let mut arrived = |record: &Record, octets| {
            let of_rate = (record.sent, record.snapshot, octets);
            rate.on_delivered(now, &mut newest, of_rate);
            if let Some(selective) = selective {
                selective.rack.on_delivered(now, record, None, None);
            }
        };
        if !board.acknowledge_in_order(ack, |newest| arrived(newest, octets)) {
            board.acknowledge(ack, |record| arrived(record, record.len()));
        }
        newest
    }
}
