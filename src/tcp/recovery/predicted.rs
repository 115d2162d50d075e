//! Recovery where nothing is amiss: an acknowledgment takes the oldest records off the scoreboard
//! and gives a sample of the round-trip time, and that is all (see
//! [`header_prediction`](crate::tcp::header_prediction)).

use core::time::Duration;

use super::Recovery;
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
    pub(crate) fn is_calm(&self) -> bool {
        let counts = self.board.counts();
        let is_calm = |selective: &super::Selective| selective.is_calm();
        self.selective.as_deref().is_some_and(is_calm)
            && counts.sacked + counts.lost + counts.resent == 0
            && self.board.lost_octets() == 0
            && self.episode.is_none()
            && self.prr.is_none()
            && self.retries == 0
    }

    /// Where [`Recovery::is_calm`]: a segment acknowledges what had been acknowledged.
    pub(crate) fn on_no_news(&mut self) {
        self.rate.sample(None, None);
    }

    /// Where [`Recovery::is_calm`]: SND.UNA becomes `ack`.
    pub(crate) fn on_predicted_ack(&mut self, now: Instant, ack: Seq) -> News {
        let Recovery {
            board,
            rate,
            selective,
            ..
        } = self;
        let (mut octets, mut sent, mut newest) = (0, None, None);
        board.acknowledge(ack, |record| {
            octets += record.len();
            sent = sent.max(Some(record.sent));
            rate.on_delivered(
                now,
                &mut newest,
                (record.sent, record.snapshot, record.len()),
            );
            if let Some(selective) = selective {
                selective.rack.on_delivered(now, record, None, None);
            }
        });
        // Whatever is in flight has a record.
        let rtt = now.since(sent.unwrap_or(now));
        self.rtt.sample(now, rtt);
        self.rto_at = now + self.rtt.rto();
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
}
