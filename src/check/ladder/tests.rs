//! Searches every rung of the ladder, and finds what each one does not promise.

use super::catalogue::*;
use super::*;
use crate::check::{Found, explore};
use crate::link::PerfectFifoLink;

/// Visits every state, and expects this many.
#[track_caller]
fn exhausted<L: Link<Address = u8> + Clone + Eq + Hash>(mut model: Ladder<L>, states: u64) {
    let report = explore(&mut model, 5_000_000, &mut |_| {});
    if let Some(Found { what, trace }) = report.found {
        panic!("{what}\n{}", trace.join("\n"));
    }
    assert!(report.done > 0);
    assert_eq!(report.states, states, "depth {}", report.depth);
}

/// The violation that is found, and the number of steps to it.
#[track_caller]
fn found<L: Link<Address = u8> + Clone + Eq + Hash>(mut model: Ladder<L>) -> (String, usize) {
    let report = explore(&mut model, 5_000_000, &mut |_| {});
    let Found { what, trace } = report.found.expect("a violation");
    (what, trace.len())
}

#[test]
fn a_fair_loss_link_delivers_what_is_sent_again_and_again() {
    exhausted(fair_loss(), 341);
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
    exhausted(stubborn_twice(), 1_555);
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
    exhausted(perfect_once(), 1_193);
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
    exhausted(fifo_in_order(), 341);
}

#[test]
fn a_windowed_link_does_so_in_bounded_memory_whatever_its_user_takes() {
    exhausted(window_in_order(), 31_875);
}

#[test]
fn authentication_and_identifiers_keep_their_promises_over_a_hostile_network() {
    exhausted(authenticated_once(), 1_193);
}

#[test]
fn without_authentication_a_hostile_network_creates() {
    let mut model = Ladder::new(perfect);
    model.hostile = true;
    let (what, steps) = found(model);
    assert!(what.starts_with("no creation is broken"), "{what}");
    assert_eq!(steps, 2, "sent, received with another text");
}

fn without_storage(_: &Perfect<Bottom>) -> Perfect<Bottom> {
    perfect(0)
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
fn a_fifo_receiver_with_stable_storage_loses_no_promise() {
    exhausted(fifo_crashing(), 682);
}

#[test]
fn a_fifo_sender_that_forgets_what_it_sent_leaves_a_gap_for_ever() {
    let mut model = fifo_in_order();
    model.restart[0] = Some(fifo_with_storage);
    let (what, _) = found(model);
    assert!(what.starts_with("P8"), "all that follow wait: {what}");
}

#[test]
fn a_fifo_receiver_that_forgets_what_waits_waits_for_ever() {
    let mut model = fifo_in_order();
    model.restart[1] = Some(|before| PerfectFifoLink::new(with_storage(before.below())));
    let (what, _) = found(model);
    assert!(what.starts_with("P8"), "below, it was delivered: {what}");
}

#[test]
fn a_window_without_a_handshake_does_not_survive_its_receiver() {
    let mut model = Ladder::new(windowed);
    model.capacity = 3;
    model.restart[1] = Some(|_| windowed(1));
    let (what, _) = found(model);
    assert!(what.starts_with("P8"), "both wait for ever: {what}");
}
