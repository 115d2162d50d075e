//! Every level of the ladder exhausted; and what each does not promise, found.

use std::collections::BTreeMap;

use super::*;
use crate::check::{Found, explore};
use crate::link::{
    AuthenticatedLink, FairLossLink, Identifiers, Key, PerfectFifoLink, PerfectLink, StubbornLink,
    WindowConfig, WindowedLink,
};
use crate::time::Duration;

type Bottom = FairLossLink<u8>;
type Perfect<L> = PerfectLink<StubbornLink<L>>;

const ORDER: [Promise; 3] = [
    Promise::NoCreation,
    Promise::NoDuplication,
    Promise::FifoDelivery,
];

fn bottom(_: usize) -> Bottom {
    FairLossLink::new(100)
}

fn stubborn<L: Link>(below: L) -> StubbornLink<L> {
    StubbornLink::new(below, Duration::ZERO)
}

fn perfect(_: usize) -> Perfect<Bottom> {
    PerfectLink::new(stubborn(bottom(0)), Identifiers::counter())
}

fn fifo(end: usize) -> PerfectFifoLink<Perfect<Bottom>> {
    PerfectFifoLink::new(perfect(end))
}

fn windowed(_: usize) -> WindowedLink<Bottom> {
    let config = WindowConfig {
        window: 2,
        period: Duration::ZERO,
        doublings: 0,
        reordering: None,
        peers: 1,
    };
    WindowedLink::new(bottom(0), config)
}

fn authenticated(end: usize) -> Perfect<AuthenticatedLink<Bottom>> {
    let keys = BTreeMap::from([(ENDS[1 - end], Key([7; 32]))]);
    let below = AuthenticatedLink::new(bottom(0), ENDS[end], keys);
    PerfectLink::new(stubborn(below), Identifiers::counter())
}

/// Visits every state, and there are so many.
#[track_caller]
fn exhausted<L: Link<Address = u8> + Clone + Eq + Hash>(mut model: Ladder<L>, states: u64) {
    let report = explore(&mut model, 5_000_000, |_| {});
    if let Some(Found { what, trace }) = report.found {
        panic!("{what}\n{}", trace.join("\n"));
    }
    assert!(report.done > 0);
    assert_eq!(report.states, states, "depth {}", report.depth);
}

/// What is found wrong, and by how many steps.
#[track_caller]
fn found<L: Link<Address = u8> + Clone + Eq + Hash>(mut model: Ladder<L>) -> (String, usize) {
    let report = explore(&mut model, 5_000_000, |_| {});
    let Found { what, trace } = report.found.expect("a violation");
    (what, trace.len())
}

#[test]
fn a_fair_loss_link_delivers_what_is_sent_again_and_again() {
    let mut model = Ladder::new(bottom);
    model.again = true;
    exhausted(model, 341);
}

#[test]
fn a_fair_loss_link_does_not_deliver_reliably() {
    let (what, _) = found(Ladder::new(bottom));
    assert!(
        what.starts_with("P7"),
        "sent, lost, and that was all: {what}"
    );
}

#[test]
fn a_stubborn_link_delivers_everything_again() {
    let mut model = Ladder::new(|end| stubborn(bottom(end)));
    model.times = 2;
    exhausted(model, 1_555);
}

#[test]
fn a_stubborn_link_duplicates() {
    let mut model = Ladder::new(|end| stubborn(bottom(end)));
    model.safety.push(Promise::NoDuplication);
    let (what, steps) = found(model);
    assert!(what.starts_with("no duplication is broken"), "{what}");
    assert_eq!(steps, 3, "sent, received, received");
}

#[test]
fn a_perfect_link_delivers_everything_once() {
    let mut model = Ladder::new(perfect);
    model.safety.push(Promise::NoDuplication);
    exhausted(model, 1_193);
}

#[test]
fn a_perfect_link_reorders() {
    let mut model = Ladder::new(perfect);
    model.safety = ORDER.to_vec();
    let (what, steps) = found(model);
    assert!(what.starts_with("FIFO delivery is broken"), "{what}");
    assert_eq!(steps, 3, "sent, sent, the second received");
}

#[test]
fn a_perfect_fifo_link_delivers_everything_once_and_in_order() {
    let mut model = Ladder::new(fifo);
    model.safety = ORDER.to_vec();
    exhausted(model, 341);
}

#[test]
fn a_windowed_link_does_so_in_bounded_memory_whatever_its_user_takes() {
    let mut model = Ladder::new(windowed);
    model.safety = ORDER.to_vec();
    model.lazy = true;
    model.capacity = 4;
    exhausted(model, 31_875);
}

#[test]
fn authentication_and_identifiers_keep_their_promises_over_a_hostile_network() {
    let mut model = Ladder::new(authenticated);
    model.safety.push(Promise::NoDuplication);
    model.hostile = true;
    exhausted(model, 1_193);
}

#[test]
fn without_authentication_a_hostile_network_creates() {
    let mut model = Ladder::new(perfect);
    model.hostile = true;
    let (what, steps) = found(model);
    assert!(what.starts_with("no creation is broken"), "{what}");
    assert_eq!(steps, 2, "sent, received with another text");
}

/// What a crash leaves of the promises of a perfect link.
fn crashing(sender: Option<Restart<Perfect<Bottom>>>, receiver: bool) -> Ladder<Perfect<Bottom>> {
    let mut model = Ladder::new(perfect);
    model.safety.push(Promise::NoDuplication);
    model.restart[0] = sender;
    if receiver {
        model.restart[1] = Some(with_storage);
    }
    model
}

fn with_storage(before: &Perfect<Bottom>) -> Perfect<Bottom> {
    PerfectLink::recovered(stubborn(bottom(0)), before.storage().clone())
}

fn without_storage(_: &Perfect<Bottom>) -> Perfect<Bottom> {
    perfect(0)
}

fn with_new_uuids(_: &Perfect<Bottom>) -> Perfect<Bottom> {
    PerfectLink::new(stubborn(bottom(0)), Identifiers::uuid([1; 16]))
}

#[test]
fn with_stable_storage_no_promise_is_lost_in_a_crash() {
    exhausted(crashing(Some(with_storage), true), 13_948);
}

#[test]
fn a_sender_that_forgets_its_counter_is_taken_for_its_past() {
    let (what, _) = found(crashing(Some(without_storage), false));
    assert!(
        what.starts_with("P8"),
        "what it sends now is not delivered: {what}"
    );
}

#[test]
fn a_sender_with_new_uuids_needs_no_storage() {
    exhausted(crashing(Some(with_new_uuids), false), 6_974);
}

#[test]
fn a_receiver_that_forgets_delivers_again() {
    let mut model = crashing(None, false);
    model.restart[1] = Some(without_storage);
    let (what, steps) = found(model);
    assert!(what.starts_with("no duplication is broken"), "{what}");
    assert_eq!(steps, 4, "sent, received, crashed, received");
}

#[test]
fn a_window_without_a_handshake_does_not_survive_its_receiver() {
    let mut model = Ladder::new(windowed);
    model.capacity = 3;
    model.restart[1] = Some(|_| windowed(1));
    let (what, _) = found(model);
    assert!(what.starts_with("P8"), "both wait for ever: {what}");
}
