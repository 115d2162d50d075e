//! The properties of links, one by one, as functions over what was sent and what was delivered.
//!
//! They are the properties of Cachin, Guerraoui and Rodrigues, *Introduction to Reliable and Secure
//! Distributed Programming*, chapter 2. Each function judges one direction between two processes:
//! the messages that one sent to the other, in the order of sending, and those that the other
//! delivered from it, in the order of delivery. What a message is does not matter, as long as two
//! can be compared: the same functions judge the four links, and the octets of a TCP stream.
//!
//! | property | | link | function | kind |
//! |---|---|---|---|---|
//! | fair loss | FLL1 | fair-loss | [`fair_loss`] | liveness |
//! | finite duplication | FLL2 | fair-loss | [`finite_duplication`] | liveness |
//! | no creation | FLL3, SL2, PL3 | all | [`no_creation`] | safety |
//! | stubborn delivery | SL1 | stubborn | [`stubborn_delivery`] | liveness |
//! | reliable delivery | PL1 | perfect | [`reliable_delivery`] | liveness |
//! | no duplication | PL2 | perfect | [`no_duplication`] | safety |
//! | FIFO delivery | | perfect FIFO | [`fifo_delivery`] | safety |
//!
//! **Liveness in a finite run.** A safety property can be refuted by what has happened so far. A
//! liveness property speaks of what happens eventually, or infinitely often, and no finite run refutes
//! it. What is checked instead is a bound that implies it. The caller chooses the bound, because it knows how much
//! its medium loses and duplicates, and whether the run was long enough for everything that was
//! promised to happen. Each function says exactly what it checks.
//!
//! **Equal messages** are told apart by how often they occur: the k-th delivery of a message is the
//! delivery of the k-th one sent that equals it. So the functions also judge streams of octets.
//!
//! [`InOrder`] judges a stream while it runs, and remembers only what is in transit.

use core::fmt;
use std::collections::{BTreeMap, VecDeque};

/// A property that a link promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// FLL1: if both processes are correct, what is sent infinitely often is delivered infinitely often.
    FairLoss,
    /// FLL2: what is sent a finite number of times is not delivered infinitely often.
    FiniteDuplication,
    /// FLL3, SL2, PL3: what is delivered was sent before, by the process from which it is delivered.
    NoCreation,
    /// SL1: if both processes are correct, what is sent once is delivered infinitely often.
    StubbornDelivery,
    /// PL1: if both processes are correct, what is sent is eventually delivered.
    ReliableDelivery,
    /// PL2: no message is delivered more than once.
    NoDuplication,
    /// No message is delivered before all that were sent before it.
    FifoDelivery,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Promise::FairLoss => "fair loss",
            Promise::FiniteDuplication => "finite duplication",
            Promise::NoCreation => "no creation",
            Promise::StubbornDelivery => "stubborn delivery",
            Promise::ReliableDelivery => "reliable delivery",
            Promise::NoDuplication => "no duplication",
            Promise::FifoDelivery => "FIFO delivery",
        })
    }
}

/// A promise that was broken, and the message that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation<M> {
    /// Which promise.
    pub promise: Promise,
    /// The message: for [`Promise::FifoDelivery`] the one that came too early, else the one that
    /// came too often or not often enough.
    pub message: M,
    /// How often it was sent.
    pub sent: usize,
    /// How often it was delivered.
    pub delivered: usize,
    /// For [`Promise::FifoDelivery`]: the message that should have come first.
    pub missing: Option<M>,
}

impl<M: fmt::Debug> fmt::Display for Violation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation {
            promise,
            message,
            sent,
            delivered,
            missing,
        } = self;
        write!(f, "{promise} is broken: {message:?} was ")?;
        match missing {
            Some(missing) => write!(f, "delivered before {missing:?}, which was sent before it"),
            None => write!(f, "sent {sent} times and delivered {delivered} times"),
        }
    }
}

impl<M: fmt::Debug> std::error::Error for Violation<M> {}

/// How often a message was sent, and how often delivered.
#[derive(Clone, Copy, Default)]
struct Count {
    sent: usize,
    delivered: usize,
}

/// The first message, in the order of messages, for which `is_kept` does not hold.
fn for_each_message<M: Ord + Clone>(
    promise: Promise,
    sent: &[M],
    delivered: &[M],
    is_kept: impl Fn(Count) -> bool,
) -> Result<(), Violation<M>> {
    let mut counts: BTreeMap<&M, Count> = BTreeMap::new();
    for message in sent {
        counts.entry(message).or_default().sent += 1;
    }
    for message in delivered {
        counts.entry(message).or_default().delivered += 1;
    }
    match counts.into_iter().find(|&(_, count)| !is_kept(count)) {
        None => Ok(()),
        Some((message, count)) => Err(Violation {
            promise,
            message: message.clone(),
            sent: count.sent,
            delivered: count.delivered,
            missing: None,
        }),
    }
}

/// Fair loss (FLL1): what is sent again and again arrives again and again.
///
/// Checked: a message that was sent n times was delivered at least ⌊n / `of`⌋ times. If that holds
/// for one `of` however long the run, then what is sent infinitely often is delivered infinitely
/// often. The caller chooses `of` so that its medium practically never loses that many copies of
/// one message in a row: a medium that loses each copy with probability p does so with p^`of`.
/// Copies that are still under way do not count as sent. Where the medium duplicates, a duplicate
/// can make up for a loss: the function sees what arrived, not which copy it was.
///
/// # Errors
/// A message that was delivered less often.
///
/// # Panics
/// If `of` is zero.
pub fn fair_loss<M: Ord + Clone>(
    sent: &[M],
    delivered: &[M],
    of: usize,
) -> Result<(), Violation<M>> {
    for_each_message(Promise::FairLoss, sent, delivered, |count| {
        count.delivered >= count.sent / of
    })
}

/// Finite duplication (FLL2): the network does not multiply without end.
///
/// Checked: a message that was sent n times, and n > 0, was delivered at most n × `copies` times.
/// `copies` is the most that the medium makes of one packet, the original included.
///
/// # Errors
/// A message that was delivered more often.
pub fn finite_duplication<M: Ord + Clone>(
    sent: &[M],
    delivered: &[M],
    copies: usize,
) -> Result<(), Violation<M>> {
    for_each_message(Promise::FiniteDuplication, sent, delivered, |count| {
        count.sent == 0 || count.delivered <= count.sent.saturating_mul(copies)
    })
}

/// No creation (FLL3, SL2, PL3): every message that was delivered was sent.
///
/// Two lists cannot show that it was sent *before*. To check that, call this while the run goes on,
/// or use [`InOrder`], which sees the events one by one.
///
/// # Errors
/// A message that was delivered and never sent.
pub fn no_creation<M: Ord + Clone>(sent: &[M], delivered: &[M]) -> Result<(), Violation<M>> {
    for_each_message(Promise::NoCreation, sent, delivered, |count| {
        count.sent > 0 || count.delivered == 0
    })
}

/// Stubborn delivery (SL1): what is sent once is delivered without end.
///
/// Checked: a message that was sent n times was delivered at least n × `times` times. The caller
/// chooses `times` by the length of the run: how often the link has sent the message again, and
/// what its medium loses. It shows "without end" by a bound that grows with the run.
///
/// # Errors
/// A message that was delivered less often.
pub fn stubborn_delivery<M: Ord + Clone>(
    sent: &[M],
    delivered: &[M],
    times: usize,
) -> Result<(), Violation<M>> {
    for_each_message(Promise::StubbornDelivery, sent, delivered, |count| {
        count.delivered >= count.sent.saturating_mul(times)
    })
}

/// Reliable delivery (PL1): what is sent is eventually delivered.
///
/// Checked: a message that was sent n times was delivered at least n times. The caller judges at
/// the end of a run that went on long enough, and decides what "eventually" means, for example ten
/// simulated minutes after the last fault.
///
/// # Errors
/// A message that was delivered less often.
pub fn reliable_delivery<M: Ord + Clone>(sent: &[M], delivered: &[M]) -> Result<(), Violation<M>> {
    for_each_message(Promise::ReliableDelivery, sent, delivered, |count| {
        count.delivered >= count.sent
    })
}

/// No duplication (PL2): no message is delivered more than once.
///
/// Checked: a message that was sent n times was delivered at most n times. One that was never sent
/// may be delivered once here: [`no_creation`] finds it.
///
/// # Errors
/// A message that was delivered more often.
pub fn no_duplication<M: Ord + Clone>(sent: &[M], delivered: &[M]) -> Result<(), Violation<M>> {
    for_each_message(Promise::NoDuplication, sent, delivered, |count| {
        count.delivered <= count.sent.max(1)
    })
}

/// FIFO delivery: no message is delivered before all that were sent before it.
///
/// Checked at each delivery, exactly. A second delivery of a message, or one of a message that was
/// never sent, is no matter of order: [`no_duplication`] and [`no_creation`] find these.
///
/// # Errors
/// The first message that came too early, and one that should have come before it.
pub fn fifo_delivery<M: Ord + Clone>(sent: &[M], delivered: &[M]) -> Result<(), Violation<M>> {
    let mut places: BTreeMap<&M, VecDeque<usize>> = BTreeMap::new();
    for (place, message) in sent.iter().enumerate() {
        places.entry(message).or_default().push_back(place);
    }
    // All messages before this one are delivered, but it is not.
    let mut next = 0;
    for (before, message) in delivered.iter().enumerate() {
        let Some(place) = places.get_mut(message).and_then(VecDeque::pop_front) else {
            continue;
        };
        if place > next {
            let count = |list: &[M]| list.iter().filter(|other| *other == message).count();
            return Err(Violation {
                promise: Promise::FifoDelivery,
                message: message.clone(),
                sent: count(sent),
                delivered: count(&delivered[..=before]),
                missing: Some(sent[next].clone()),
            });
        }
        next += 1;
    }
    Ok(())
}

/// What a perfect FIFO link promises at every moment: no creation, no duplication, FIFO delivery.
///
/// # Errors
/// The first of them that is broken.
pub fn in_order_once<M: Ord + Clone>(sent: &[M], delivered: &[M]) -> Result<(), Violation<M>> {
    no_creation(sent, delivered)?;
    no_duplication(sent, delivered)?;
    fifo_delivery(sent, delivered)
}

/// Judges one direction of a perfect FIFO link while it runs: no creation, no duplication and FIFO
/// delivery at every step, reliable delivery at the end.
///
/// The three safety promises together say that what is delivered is a *prefix* of what was sent
/// (a test below shows that this is the same). So it is enough to remember what was sent and is not
/// yet delivered, and each delivery is compared with the oldest of it. A stream of many gigabytes
/// is judged with the memory of what is in transit. It also sees what lists do not show: a message
/// that was delivered before it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InOrder<M> {
    transit: VecDeque<M>,
    delivered: u64,
}

impl<M: Copy + Eq> InOrder<M> {
    /// Nothing is sent yet.
    pub fn new() -> InOrder<M> {
        InOrder {
            transit: VecDeque::new(),
            delivered: 0,
        }
    }

    /// These messages are sent, in this order, after all others.
    pub fn send(&mut self, messages: &[M]) {
        self.transit.extend(messages);
    }

    /// These messages are delivered, in this order.
    ///
    /// # Errors
    /// The first that is not the next: FIFO delivery is broken if it was sent later than what is
    /// due now, else no creation. (What was delivered is forgotten, so a duplicate is taken for a
    /// creation. The functions of this module, over the lists of a replay, tell them apart.)
    pub fn deliver(&mut self, messages: &[M]) -> Result<(), Violation<M>> {
        let (first, second) = self.transit.as_slices();
        let cut = first.len().min(messages.len());
        let is_prefix = first[..cut] == messages[..cut] && second.starts_with(&messages[cut..]);
        if is_prefix {
            self.transit.drain(..messages.len());
            self.delivered += messages.len() as u64;
            return Ok(());
        }
        for &message in messages {
            if self.transit.front() != Some(&message) {
                return Err(self.why_not(message));
            }
            self.transit.pop_front();
            self.delivered += 1;
        }
        Ok(())
    }

    fn why_not(&self, message: M) -> Violation<M> {
        let later = self.transit.iter().filter(|other| **other == message);
        let sent = later.count();
        Violation {
            promise: match sent {
                0 => Promise::NoCreation,
                _ => Promise::FifoDelivery,
            },
            message,
            sent,
            delivered: 1,
            missing: self.transit.front().filter(|_| sent > 0).copied(),
        }
    }

    /// How many messages were delivered.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// How many messages were sent and are not delivered.
    pub fn in_transit(&self) -> usize {
        self.transit.len()
    }

    /// Reliable delivery, at the end of a run.
    ///
    /// # Errors
    /// The oldest message that was not delivered.
    pub fn end(&self) -> Result<(), Violation<M>> {
        match self.transit.front() {
            None => Ok(()),
            Some(&message) => Err(Violation {
                promise: Promise::ReliableDelivery,
                message,
                sent: 1,
                delivered: 0,
                missing: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn broken<M>(judged: Result<(), Violation<M>>) -> Option<Promise> {
        judged.err().map(|violation| violation.promise)
    }

    #[test]
    fn fair_loss_needs_one_of_so_many() {
        assert_eq!(fair_loss(&[7; 9], &[7, 7, 7], 3), Ok(()));
        assert_eq!(
            fair_loss(&[7; 9], &[7, 7], 3),
            Err(Violation {
                promise: Promise::FairLoss,
                message: 7,
                sent: 9,
                delivered: 2,
                missing: None,
            })
        );
        assert_eq!(fair_loss(&[7, 8], &[], 3), Ok(()), "too few to judge");
        assert_eq!(
            broken(fair_loss(&[7, 8, 7, 8], &[7, 7, 7], 2)),
            Some(Promise::FairLoss),
            "one message does not stand in for another"
        );
    }

    #[test]
    fn finite_duplication_allows_so_many_copies() {
        assert_eq!(finite_duplication(&[7, 8], &[7, 7, 8], 2), Ok(()));
        assert_eq!(
            broken(finite_duplication(&[7, 8], &[7, 7, 7], 2)),
            Some(Promise::FiniteDuplication)
        );
        assert_eq!(
            finite_duplication(&[7], &[9, 9, 9], 1),
            Ok(()),
            "a creation is no duplicate"
        );
    }

    #[test]
    fn no_creation_finds_what_was_never_sent() {
        assert_eq!(no_creation(&[7, 8], &[8, 8, 7]), Ok(()));
        let violation = no_creation(&[7, 8], &[8, 9]).unwrap_err();
        assert_eq!(
            (violation.promise, violation.message),
            (Promise::NoCreation, 9)
        );
    }

    #[test]
    fn stubborn_delivery_counts() {
        assert_eq!(stubborn_delivery(&[7, 8], &[7, 8, 7, 8, 7], 2), Ok(()));
        assert_eq!(
            broken(stubborn_delivery(&[7, 8], &[7, 8, 7, 7, 7], 2)),
            Some(Promise::StubbornDelivery)
        );
    }

    #[test]
    fn reliable_delivery_misses_what_is_missing() {
        assert_eq!(reliable_delivery(&[7, 8], &[8, 7, 7]), Ok(()));
        assert_eq!(
            broken(reliable_delivery(&[7, 8], &[8])),
            Some(Promise::ReliableDelivery)
        );
        assert_eq!(
            broken(reliable_delivery(&[7, 7], &[7])),
            Some(Promise::ReliableDelivery),
            "sent twice"
        );
    }

    #[test]
    fn no_duplication_finds_the_second() {
        assert_eq!(no_duplication(&[7, 8, 7], &[7, 7]), Ok(()));
        assert_eq!(
            broken(no_duplication(&[7, 8], &[7, 8, 7])),
            Some(Promise::NoDuplication)
        );
        assert_eq!(
            broken(no_duplication(&[7], &[9, 9])),
            Some(Promise::NoDuplication)
        );
        assert_eq!(
            no_duplication(&[7], &[9]),
            Ok(()),
            "a creation is no duplicate"
        );
    }

    #[test]
    fn fifo_delivery_finds_what_comes_too_early() {
        assert_eq!(fifo_delivery(&[1, 2, 3], &[1, 2]), Ok(()));
        let violation = fifo_delivery(&[1, 2, 3], &[1, 3, 2]).unwrap_err();
        assert_eq!(violation.missing, Some(2));
        assert_eq!(
            violation.to_string(),
            "FIFO delivery is broken: 3 was delivered before 2, which was sent before it"
        );
        assert_eq!(
            broken(fifo_delivery(&[1, 2], &[2])),
            Some(Promise::FifoDelivery),
            "a gap"
        );
        assert_eq!(
            fifo_delivery(&[1, 2, 3], &[1, 2, 1, 3]),
            Ok(()),
            "a duplicate"
        );
        assert_eq!(fifo_delivery(&[1, 2], &[9, 1, 2]), Ok(()), "a creation");
        assert_eq!(
            broken(fifo_delivery(b"abab", b"aab")),
            Some(Promise::FifoDelivery),
            "the second a of the stream, before its first b"
        );
    }

    #[test]
    fn a_stream_is_judged_while_it_runs() {
        let mut judge = InOrder::new();
        judge.send(b"hello");
        assert_eq!(judge.deliver(b"hel"), Ok(()));
        assert_eq!((judge.delivered(), judge.in_transit()), (3, 2));
        assert_eq!(broken(judge.end()), Some(Promise::ReliableDelivery));
        let mut other = judge.clone();
        assert_eq!(broken(other.deliver(b"o")), Some(Promise::FifoDelivery));
        assert_eq!(broken(other.deliver(b"h")), Some(Promise::NoCreation));
        assert_eq!(judge.deliver(b"lo"), Ok(()));
        assert_eq!(judge.end(), Ok(()));
        assert_eq!(
            broken(judge.deliver(b"!")),
            Some(Promise::NoCreation),
            "before it is sent"
        );
        judge.send(b"!");
        assert_eq!(judge.deliver(b"!"), Ok(()));
    }

    #[test]
    fn a_violation_in_the_middle_of_a_delivery_is_found_where_it_is() {
        let mut judge = InOrder::new();
        judge.send(b"abcd");
        let violation = judge.deliver(b"abd").unwrap_err();
        assert_eq!((violation.message, violation.missing), (b'd', Some(b'c')));
        assert_eq!(judge.delivered(), 2);
    }

    /// Every list of at most `longest` of the messages 0, 1 and 2.
    fn all_lists(longest: usize) -> Vec<Vec<u8>> {
        let mut lists = vec![Vec::new()];
        let mut first = 0;
        for _ in 0..longest {
            let last = lists.len();
            for at in first..last {
                for message in 0..3 {
                    let longer = [&lists[at][..], &[message]].concat();
                    lists.push(longer);
                }
            }
            first = last;
        }
        lists
    }

    /// All 121 × 121 pairs of short lists; equal messages are in most of them.
    #[test]
    fn the_three_safety_promises_together_say_prefix() {
        let lists = all_lists(4);
        for sent in &lists {
            for delivered in &lists {
                let is_prefix = sent.starts_with(delivered);
                let name = format!("{sent:?} {delivered:?}");
                assert_eq!(in_order_once(sent, delivered).is_ok(), is_prefix, "{name}");
                let mut judge = InOrder::new();
                judge.send(sent);
                assert_eq!(judge.deliver(delivered).is_ok(), is_prefix, "{name}");
                if is_prefix {
                    let all = delivered.len() == sent.len();
                    assert_eq!(reliable_delivery(sent, delivered).is_ok(), all, "{name}");
                    assert_eq!(judge.end().is_ok(), all, "{name}");
                }
            }
        }
    }

    proptest! {
        /// The ring has wrapped, and deliveries are cut anywhere.
        #[test]
        fn where_a_stream_is_cut_does_not_matter(
            text in prop::collection::vec(any::<u8>(), 0..200),
            cuts in prop::collection::vec(0usize..20, 0..40),
        ) {
            let mut judge = InOrder::new();
            let (mut sent, mut delivered) = (0, 0);
            for pair in cuts.chunks(2) {
                let end = (sent + pair[0]).min(text.len());
                judge.send(&text[sent..end]);
                sent = end;
                let end = (delivered + pair[pair.len() - 1]).min(sent);
                prop_assert_eq!(judge.deliver(&text[delivered..end]), Ok(()));
                delivered = end;
                prop_assert_eq!(judge.in_transit(), sent - delivered);
            }
        }
    }
}
