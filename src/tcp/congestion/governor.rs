//! A connection's controller, and a copy of its last answers: each segment needs its window several
//! times, and only calls that tell the controller something can change it.

use core::num::NonZeroU64;
use core::time::Duration;

use super::{Ack, Answer, Controller, Loss, LostSegment};
use crate::time::Instant;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Governor {
    controller: Box<dyn Controller>,
    /// [`Controller::window`].
    window: u64,
    /// [`Controller::ssthresh`].
    ssthresh: u64,
    /// [`Controller::pacing_rate`], of which 0 counts as 1.
    pacing_rate: Option<NonZeroU64>,
    /// [`Controller::looks_at_rate`].
    looks_at_rate: bool,
}

impl Governor {
    pub(crate) fn new(controller: Box<dyn Controller>) -> Governor {
        let Answer {
            window,
            ssthresh,
            pacing_rate,
        } = controller.answer();
        Governor {
            window,
            ssthresh,
            pacing_rate: pacing_rate.map(at_least_one),
            looks_at_rate: controller.looks_at_rate(),
            controller,
        }
    }

    /// cwnd, in octets.
    #[inline]
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// ssthresh, in octets.
    #[inline]
    pub(crate) fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    /// See [`Controller::looks_at_rate`].
    #[inline]
    pub(crate) fn looks_at_rate(&self) -> bool {
        self.looks_at_rate
    }

    /// See [`Controller::pacing_rate`].
    #[inline]
    pub(crate) fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate.map(NonZeroU64::get)
    }

    /// See [`Controller::counts_marks`].
    pub(crate) fn counts_marks(&self) -> bool {
        self.controller.counts_marks()
    }

    /// See [`Controller::governs_recovery`].
    pub(crate) fn governs_recovery(&self) -> bool {
        self.controller.governs_recovery()
    }

    /// See [`Controller::fingerprint`].
    pub(crate) fn fingerprint(&self, now: Instant, most: u64) -> u64 {
        self.controller.fingerprint(now, most)
    }

    /// Tells the controller something, and copies its answers.
    #[inline]
    fn tell(&mut self, told: impl FnOnce(&mut dyn Controller)) {
        told(&mut *self.controller);
        let answer = self.controller.answer();
        self.keep(answer);
    }

    #[inline]
    fn keep(&mut self, answer: Answer) {
        self.window = answer.window;
        self.ssthresh = answer.ssthresh;
        self.pacing_rate = answer.pacing_rate.map(at_least_one);
    }

    /// See [`Controller::on_ack`].
    #[inline]
    pub(crate) fn on_ack(&mut self, ack: &Ack) {
        let answer = self.controller.answer_to(ack);
        self.keep(answer);
    }

    /// See [`Controller::on_congestion`].
    pub(crate) fn on_congestion(&mut self, loss: &Loss) {
        self.tell(|controller| controller.on_congestion(loss));
    }

    /// See [`Controller::on_congestion_again`].
    pub(crate) fn on_congestion_again(&mut self, loss: &Loss) {
        self.tell(|controller| controller.on_congestion_again(loss));
    }

    /// See [`Controller::on_ecn`].
    pub(crate) fn on_ecn(&mut self, mark: &Loss) {
        self.tell(|controller| controller.on_ecn(mark));
    }

    /// See [`Controller::on_timeout`].
    pub(crate) fn on_timeout(&mut self, loss: &Loss, first: bool) {
        self.tell(|controller| controller.on_timeout(loss, first));
    }

    /// See [`Controller::on_spurious`].
    pub(crate) fn on_spurious(&mut self, now: Instant) {
        self.tell(|controller| controller.on_spurious(now));
    }

    /// See [`Controller::on_settled`].
    pub(crate) fn on_settled(&mut self) {
        self.tell(|controller| controller.on_settled());
    }

    /// See [`Controller::on_segment_lost`].
    pub(crate) fn on_segment_lost(&mut self, segment: &LostSegment) {
        self.tell(|controller| controller.on_segment_lost(segment));
    }

    /// See [`Controller::on_flight`].
    pub(crate) fn on_flight(&mut self, now: Instant, silence: Duration) {
        self.tell(|controller| controller.on_flight(now, silence));
    }

    /// See [`Controller::on_restart`].
    pub(crate) fn on_restart(&mut self, now: Instant) {
        self.tell(|controller| controller.on_restart(now));
    }

    /// See [`Controller::on_idle`].
    pub(crate) fn on_idle(&mut self) {
        self.tell(|controller| controller.on_idle());
    }

    /// See [`Controller::take_over`].
    pub(crate) fn take_over(&mut self, window: u64, ssthresh: u64) {
        self.tell(|controller| controller.take_over(window, ssthresh));
    }

    /// See [`Controller::set_mss`].
    pub(crate) fn set_mss(&mut self, mss: usize) {
        self.tell(|controller| controller.set_mss(mss));
    }
}

fn at_least_one(rate: u64) -> NonZeroU64 {
    NonZeroU64::new(rate).unwrap_or(NonZeroU64::MIN)
}
