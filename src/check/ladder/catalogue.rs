//! The levels of the ladder, by name: what is exhausted.

use std::collections::BTreeMap;

use super::{ENDS, Ladder};
use crate::check::Subject;
use crate::link::properties::Promise;
use crate::link::{
    AuthenticatedLink, FairLossLink, Identifiers, Key, Link, PerfectFifoLink, PerfectLink,
    StubbornLink, WindowConfig, WindowedLink,
};
use crate::time::Duration;

pub(super) type Bottom = FairLossLink<u8>;
pub(super) type Stubborn = StubbornLink<Bottom>;
pub(super) type Perfect = PerfectLink<Stubborn>;
pub(super) type AuthenticatedPerfect = PerfectLink<StubbornLink<AuthenticatedLink<Bottom>>>;

/// Every level of the ladder.
pub(crate) fn subjects() -> Vec<Subject> {
    vec![
        Subject::new(
            "link-fair-loss",
            "what is sent again and again is delivered",
            fair_loss,
        ),
        Subject::new(
            "link-stubborn",
            "what is sent once is delivered again",
            stubborn,
        ),
        Subject::new("link-perfect", "each message once", perfect),
        Subject::new("link-fifo", "each message once, in order", fifo),
        Subject::new(
            "link-window",
            "the same in bounded memory; a user who takes them when it likes",
            windowed,
        ),
        Subject::new(
            "link-authenticated",
            "each message once over a network that forges",
            authenticated,
        ),
        Subject::new(
            "link-crash-storage",
            "each message once, though both ends crash, with stable storage",
            crash_with_storage,
        ),
        Subject::new(
            "link-crash-uuid",
            "each message once, though the sender crashes, with new UUIDs",
            crash_with_uuids,
        ),
    ]
}

fn bottom() -> Bottom {
    FairLossLink::new(100)
}

fn again<L: Link>(below: L) -> StubbornLink<L> {
    StubbornLink::new(below, Duration::ZERO)
}

pub(super) fn fair_loss() -> Ladder<Bottom> {
    let mut model = Ladder::new(|_| bottom());
    model.again = true;
    model
}

pub(super) fn stubborn() -> Ladder<Stubborn> {
    let mut model = Ladder::new(|_| again(bottom()));
    model.times = 2;
    model
}

pub(super) fn new_perfect() -> Perfect {
    PerfectLink::new(again(bottom()), Identifiers::counter())
}

pub(super) fn perfect() -> Ladder<Perfect> {
    let mut model = Ladder::new(|_| new_perfect());
    model.safety.push(Promise::NoDuplication);
    model
}

pub(super) fn fifo() -> Ladder<PerfectFifoLink<Perfect>> {
    let mut model = Ladder::new(|_| PerfectFifoLink::new(new_perfect()));
    model.safety.push(Promise::NoDuplication);
    model.safety.push(Promise::FifoDelivery);
    model
}

pub(super) fn new_window() -> WindowedLink<Bottom> {
    let config = WindowConfig {
        window: 2,
        period: Duration::ZERO,
        doublings: 0,
        reordering: None,
        peers: 1,
    };
    WindowedLink::new(bottom(), config)
}

pub(super) fn windowed() -> Ladder<WindowedLink<Bottom>> {
    let mut model = Ladder::new(|_| new_window());
    model.safety.push(Promise::NoDuplication);
    model.safety.push(Promise::FifoDelivery);
    model.lazy = true;
    model.capacity = 4;
    model
}

pub(super) fn authenticated() -> Ladder<AuthenticatedPerfect> {
    let mut model = Ladder::new(|end| {
        let keys = BTreeMap::from([(ENDS[1 - end], Key([7; 32]))]);
        let below = AuthenticatedLink::new(bottom(), ENDS[end], keys);
        PerfectLink::new(again(below), Identifiers::counter())
    });
    model.safety.push(Promise::NoDuplication);
    model.hostile = true;
    model
}

/// What was stored is still there; what was to be sent again is forgotten.
fn with_storage(before: &Perfect) -> Perfect {
    PerfectLink::recovered(again(bottom()), before.storage().clone())
}

fn with_new_uuids(_: &Perfect) -> Perfect {
    PerfectLink::new(again(bottom()), Identifiers::uuid([1; 16]))
}

pub(super) fn crash_with_storage() -> Ladder<Perfect> {
    let mut model = perfect();
    model.restart = [Some(with_storage), Some(with_storage)];
    model
}

pub(super) fn crash_with_uuids() -> Ladder<Perfect> {
    let mut model = perfect();
    model.restart[0] = Some(with_new_uuids);
    model
}
