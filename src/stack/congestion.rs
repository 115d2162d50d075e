//! Which congestion controllers there are, and which one a connection has.

use super::{ConnId, Stack};
use crate::config::{CongestionControl, TimerBounds, UnknownCongestionControl};
use crate::tcp::congestion::{DuplicateName, Factory};
use crate::time::Instant;

impl Stack {
    /// Changes the bounds of RTO, and how long an acknowledgment waits: see
    /// [`Tcb::set_timer_bounds`](crate::tcp::Tcb::set_timer_bounds).
    pub fn set_timer_bounds(&mut self, now: Instant, id: ConnId, bounds: TimerBounds) {
        self.table.get_mut(id).tcb.set_timer_bounds(now, bounds);
        self.touched(id.slot);
    }

    /// Registers a custom congestion controller: from now on [`CongestionControl::Custom`] with its name
    /// selects it.
    ///
    /// # Errors
    /// If one of that name is known already.
    pub fn add_congestion_control(
        &mut self,
        factory: &'static dyn Factory,
    ) -> Result<(), DuplicateName> {
        self.controllers.add(factory)
    }

    /// The name of the congestion controller that a connection has.
    pub fn congestion_control(&self, id: ConnId) -> &'static str {
        self.table.get(id).tcb.congestion_control()
    }

    /// Gives a connection another congestion controller, which starts from the window of the last one.
    ///
    /// # Errors
    /// If it has not been registered.
    pub fn set_congestion_control(
        &mut self,
        now: Instant,
        id: ConnId,
        kind: CongestionControl,
    ) -> Result<(), UnknownCongestionControl> {
        let factory = self
            .controllers
            .find(kind)
            .ok_or(UnknownCongestionControl)?;
        let tcb = &mut self.table.get_mut(id).tcb;
        if tcb.congestion_control() != factory.name() {
            tcb.set_congestion_control(now, factory);
            self.touched(id.slot);
        }
        Ok(())
    }
}
