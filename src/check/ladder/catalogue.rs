//! The rungs that are checked: each link with its promises.

use std::collections::BTreeMap;

use super::{ENDS, Ladder, Restart};
use crate::check::Subject;
use crate::link::properties::Promise;
use crate::link::{
    AuthenticatedLink, FairLossLink, Identifiers, Key, Link, PerfectFifoLink, PerfectLink,
    StubbornLink, WindowConfig, WindowedLink,
};
use crate::time::Duration;

pub(super) type Bottom = FairLossLink<u8>;
pub(super) type Perfect<L> = PerfectLink<StubbornLink<L>>;

pub(super) const ORDER: [Promise; 3] = [
    Promise::NoCreation,
    Promise::NoDuplication,
    Promise::FifoDelivery,
];

pub(super) fn bottom(_: usize) -> Bottom {
    FairLossLink::new(100)
}

pub(super) fn stubborn<L: Link>(below: L) -> StubbornLink<L> {
    StubbornLink::new(below, Duration::ZERO)
}

pub(super) fn perfect(_: usize) -> Perfect<Bottom> {
    PerfectLink::new(stubborn(bottom(0)), Identifiers::counter())
}

pub(super) fn fifo(end: usize) -> PerfectFifoLink<Perfect<Bottom>> {
    PerfectFifoLink::new(perfect(end))
}

pub(super) fn windowed(_: usize) -> WindowedLink<Bottom> {
    let config = WindowConfig {
        window: 2,
        period: Duration::ZERO,
        doublings: 0,
        reordering: None,
        peers: 1,
    };
    WindowedLink::new(bottom(0), config)
}

pub(super) fn authenticated(end: usize) -> Perfect<AuthenticatedLink<Bottom>> {
    let keys = BTreeMap::from([(ENDS[1 - end], Key([7; 32]))]);
    let below = AuthenticatedLink::new(bottom(0), ENDS[end], keys);
    PerfectLink::new(stubborn(below), Identifiers::counter())
}

/// The promises of a perfect link that survive a crash.
pub(super) fn crashing(
    sender: Option<Restart<Perfect<Bottom>>>,
    receiver: bool,
) -> Ladder<Perfect<Bottom>> {
    let mut model = Ladder::new(perfect);
    model.safety.push(Promise::NoDuplication);
    model.restart[0] = sender;
    if receiver {
        model.restart[1] = Some(with_storage);
    }
    model
}

pub(super) fn with_storage(before: &Perfect<Bottom>) -> Perfect<Bottom> {
    PerfectLink::recovered(stubborn(bottom(0)), before.storage().clone())
}

pub(super) fn with_new_uuids(_: &Perfect<Bottom>) -> Perfect<Bottom> {
    PerfectLink::new(stubborn(bottom(0)), Identifiers::uuid([1; 16]))
}

/// Each message that is sent again and again arrives.
pub(super) fn fair_loss() -> Ladder<Bottom> {
    Ladder {
        again: true,
        ..Ladder::new(bottom)
    }
}

/// Each message arrives, and arrives again.
pub(super) fn stubborn_twice() -> Ladder<StubbornLink<Bottom>> {
    Ladder {
        times: 2,
        ..Ladder::new(|end| stubborn(bottom(end)))
    }
}

/// Each message arrives once.
pub(super) fn perfect_once() -> Ladder<Perfect<Bottom>> {
    crashing(None, false)
}

/// Each message arrives once, and in order.
pub(super) fn fifo_in_order() -> Ladder<PerfectFifoLink<Perfect<Bottom>>> {
    Ladder {
        safety: ORDER.to_vec(),
        ..Ladder::new(fifo)
    }
}

/// The same, with a receiver that crashes.
pub(super) fn fifo_crashing() -> Ladder<PerfectFifoLink<Perfect<Bottom>>> {
    let mut model = fifo_in_order();
    model.restart[1] = Some(fifo_with_storage);
    model
}

pub(super) fn fifo_with_storage(
    before: &PerfectFifoLink<Perfect<Bottom>>,
) -> PerfectFifoLink<Perfect<Bottom>> {
    PerfectFifoLink::recovered(with_storage(before.below()), before.storage().clone())
}

/// The same with a window of two, and a user that takes messages when it likes.
pub(super) fn window_in_order() -> Ladder<WindowedLink<Bottom>> {
    Ladder {
        safety: ORDER.to_vec(),
        lazy: true,
        capacity: 4,
        ..Ladder::new(windowed)
    }
}

/// Each message arrives once, and no forged one arrives.
pub(super) fn authenticated_once() -> Ladder<Perfect<AuthenticatedLink<Bottom>>> {
    let mut model = Ladder::new(authenticated);
    model.safety.push(Promise::NoDuplication);
    model.hostile = true;
    model
}

/// Every rung, by name.
pub(in crate::check) fn subjects() -> Vec<Subject> {
    vec![
        Subject::new(
            "link-fair-loss",
            "four messages sent again and again arrive",
            fair_loss,
        ),
        Subject::new(
            "link-stubborn",
            "four messages arrive, and then again",
            stubborn_twice,
        ),
        Subject::new("link-perfect", "four messages arrive once", perfect_once),
        Subject::new(
            "link-perfect-crash",
            "the same, both processes crash, with stable storage",
            || crashing(Some(with_storage), true),
        ),
        Subject::new(
            "link-perfect-new-sender",
            "the same, the sender comes back with new identifiers and no storage",
            || crashing(Some(with_new_uuids), false),
        ),
        Subject::new(
            "link-fifo",
            "four messages arrive once and in order",
            fifo_in_order,
        ),
        Subject::new(
            "link-fifo-crash",
            "the same, the receiver crashes, with stable storage",
            fifo_crashing,
        ),
        Subject::new(
            "link-window",
            "the same in bounded memory, whatever the user takes",
            window_in_order,
        ),
        Subject::new(
            "link-authenticated",
            "four messages arrive once, and none that a hostile network made",
            authenticated_once,
        ),
    ]
}
