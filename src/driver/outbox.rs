//! Packets that have left the stack and are yet to be written to the device.
//!
//! A write does more than hand a packet over: within the call the kernel receives it, and may wake a
//! reader, or cut and queue the next sixty segments. So nothing is written while the stack is locked.
//! Departing packets are moved into the [`Outbox`] under the lock, in order, and the thread that moved
//! them writes them after unlocking. Threads that come meanwhile leave their packets to the one that is
//! writing, and go on.
//!
//! There is one sending half, and only the thread that has it, in a [`Hand`], writes, so no packet
//! overtakes another. Many short packets go to a thread that only writes, unless many threads serve
//! connections that come and go, and these packets are their answers. Acknowledgments of text go to it if
//! more waits to be received than a turn takes. A single request or response stays in its thread.
//!
//! All this is useful only with a second processor. With a single processor there is no outbox: packets are
//! written under the lock, which saves locking it once more.
//!
//! Long text is not copied: its blocks are held until it is written. The thread that let it depart writes
//! it, because the text is in the cache of its processor, and because otherwise a third thread would run
//! besides it and the one that receives.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::link::{DeviceError, Run, Sender};

/// While more octets than this wait to be written, nothing departs.
const LIMIT: usize = 512 * 1024;

/// If more short packets than this depart together, there is much to write.
const MUCH: usize = 2;

/// This many of them are enough for the thread to begin.
const TOGETHER: usize = 16;

/// After this many rounds of writing, a user's thread leaves to the writing thread what others have
/// left meanwhile.
const ROUNDS: usize = 4;

/// What waits to be written, and the sending half of the device while no thread writes.
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    /// The writing thread is called, or should end.
    called: Condvar,
    /// How many octets wait.
    waiting: AtomicUsize,
}

struct Queue {
    run: Run,
    /// Memory for the next one.
    spare: Run,
    sender: Option<Box<dyn Sender>>,
    /// The writing thread is called, and has not begun yet.
    called: bool,
    /// The last packets taken include long text.
    has_long: bool,
    /// Something would have departed if there had been room.
    was_full: bool,
    ended: bool,
    /// The thread that had the sending half may never give it back.
    failed: bool,
}

/// How much will have to be written soon, judged by what has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// What has arrived does not tell.
    Unknown,
    /// Many short datagrams have arrived, to be answered; or more than a turn takes.
    Much,
    /// Text has arrived. Its acknowledgment is best written at once: the sender waits for it, waking the
    /// writing thread would take longer, and the segments that the kernel then cuts and queues are in the
    /// cache of the processor that will read them. Or many threads write, each a little.
    Little,
}

/// The sending half, and what its holder has to write.
pub(super) struct Hand {
    sender: Box<dyn Sender>,
    run: Run,
}

impl Outbox {
    /// An outbox, which needs a thread that calls [`Outbox::next`] in a loop.
    pub(super) fn new(sender: Box<dyn Sender>) -> Outbox {
        Outbox {
            queue: Mutex::new(Queue {
                run: Run::default(),
                spare: Run::default(),
                sender: Some(sender),
                called: false,
                has_long: false,
                was_full: false,
                ended: false,
                failed: false,
            }),
            called: Condvar::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Whether anything may depart. If not, the writing thread learns from [`Outbox::write`] that
    /// there is room again.
    pub(super) fn has_room(&self) -> bool {
        if self.waiting.load(Ordering::Relaxed) <= LIMIT {
            return true;
        }
        let mut queue = self.lock();
        queue.was_full = queue.run.octets() > LIMIT;
        !queue.was_full
    }

    /// Takes what has departed, in the order of departure, because the stack is locked. If this
    /// returns a hand, the caller must [write](Outbox::write) it when the lock is free. `outlook`:
    /// what will follow.
    pub(super) fn take(&self, run: &mut Run, outlook: Outlook) -> Option<Hand> {
        if run.is_empty() {
            return None;
        }
        let mut queue = self.lock();
        let queue = &mut *queue;
        let is_long = run.short() < run.len();
        // A short packet behind long text is the end of that text.
        let is_behind = mem::replace(&mut queue.has_long, is_long);
        let is_much = match outlook {
            Outlook::Much => true,
            Outlook::Unknown => run.len() > MUCH,
            Outlook::Little => false,
        };
        let is_much = is_much && !is_long && !is_behind;
        let is_for_thread = queue.called || is_much;
        if !is_for_thread && let Some(sender) = queue.sender.take() {
            let run = mem::replace(run, mem::take(&mut queue.spare));
            return Some(Hand { sender, run });
        }
        self.leave(queue, run);
        None
    }

    /// If many short datagrams depart, gives the first part to the writing thread while the rest is
    /// still departing.
    pub(super) fn begin(&self, run: &mut Run) {
        if run.len() >= TOGETHER && run.short() == run.len() {
            self.leave(&mut self.lock(), run);
        }
    }

    /// Leaves `run` to the thread that is writing, or else calls the writing thread.
    fn leave(&self, queue: &mut Queue, run: &mut Run) {
        queue.run.append(run);
        self.waiting.store(queue.run.octets(), Ordering::Relaxed);
        // The thread that has the sending half looks again before it gives it back.
        if queue.sender.is_some() {
            self.call(queue);
        }
    }

    fn call(&self, queue: &mut Queue) {
        if !mem::replace(&mut queue.called, true) {
            self.called.notify_one();
        }
    }

    /// Writes what is in hand and what has come since. Returns whether there was no room for a
    /// while: then more may be ready to depart. `by_thread`: the caller is the writing thread,
    /// which has time.
    ///
    /// # Errors
    /// If the device cannot go on; what was to be written is lost.
    pub(super) fn write(&self, hand: Hand, by_thread: bool) -> Result<bool, DeviceError> {
        let Hand {
            mut sender,
            mut run,
        } = hand;
        let mut rounds = 0;
        loop {
            let written = run.send(&mut *sender);
            rounds += 1;
            let mut queue = self.lock();
            if written.is_err() {
                queue.run = Run::default();
            }
            self.waiting.store(0, Ordering::Relaxed);
            let is_done = queue.run.is_empty();
            let is_enough = !by_thread && rounds == ROUNDS;
            if !is_done && !is_enough {
                mem::swap(&mut queue.run, &mut run);
                continue;
            }
            queue.sender = Some(sender);
            queue.spare = run;
            if !is_done {
                self.waiting.store(queue.run.octets(), Ordering::Relaxed);
                self.call(&mut queue);
            } else if queue.ended {
                self.called.notify_one();
            }
            let had_no_room = is_done && mem::take(&mut queue.was_full);
            return written.map(|()| had_no_room);
        }
    }

    /// For the writing thread: sleeps until there is something for it to write. `None`: it may end.
    pub(super) fn next(&self) -> Option<Hand> {
        let mut queue = self.lock();
        loop {
            if queue.called
                && let Some(sender) = queue.sender.take()
            {
                queue.called = false;
                self.waiting.store(0, Ordering::Relaxed);
                let spare = mem::take(&mut queue.spare);
                let run = mem::replace(&mut queue.run, spare);
                return Some(Hand { sender, run });
            }
            if queue.failed || (queue.ended && queue.sender.is_some()) {
                return None;
            }
            let woken = self.called.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing departs any more: the writing thread may end when everything is written.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.called.notify_one();
    }

    /// As [`Outbox::end`], but at once: a thread has panicked, perhaps while writing.
    pub(super) fn fail(&self) {
        self.lock().failed = true;
        self.called.notify_one();
    }

    /// Ignores poisoning: nothing done under this lock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Block, Form, Packet, Text};
    use std::sync::{Arc, OnceLock, mpsc};
    use std::thread;

    /// Reports what it sends.
    struct Told(mpsc::Sender<Vec<u8>>);

    impl Sender for Told {
        fn send(&mut self, packet: Packet<'_>) -> Result<(), DeviceError> {
            self.0.send(packet.to_vec()).unwrap();
            Ok(())
        }
    }

    /// An outbox, and what is sent from it.
    fn outbox() -> (Outbox, mpsc::Receiver<Vec<u8>>) {
        let (sent, arrived) = mpsc::channel();
        (Outbox::new(Box::new(Told(sent))), arrived)
    }

    fn run(datagrams: &[&[u8]]) -> Run {
        let mut run = Run::default();
        (datagrams.iter()).for_each(|datagram| run.push(&Packet::borrowed(datagram)));
        run
    }

    fn numbers(arrived: &mpsc::Receiver<Vec<u8>>) -> Vec<u8> {
        arrived.try_iter().map(|datagram| datagram[0]).collect()
    }

    #[test]
    fn whoever_has_something_writes_it_and_what_others_leave_meanwhile() {
        let (outbox, arrived) = outbox();
        let first = outbox
            .take(&mut run(&[&[1], &[2]]), Outlook::Unknown)
            .unwrap();
        assert!(outbox.take(&mut run(&[&[3]]), Outlook::Much).is_none());
        assert!(outbox.take(&mut run(&[&[4]]), Outlook::Unknown).is_none());
        assert!(outbox.take(&mut Run::default(), Outlook::Unknown).is_none());
        assert!(!outbox.write(first, false).unwrap());
        assert_eq!(numbers(&arrived), [1, 2, 3, 4]);
        assert!(outbox.take(&mut run(&[&[5]]), Outlook::Unknown).is_some());
    }

    #[test]
    fn what_there_is_much_of_is_for_the_thread_and_nothing_overtakes_it() {
        let (outbox, arrived) = outbox();
        assert!(
            outbox
                .take(&mut run(&[&[1], &[2], &[3]]), Outlook::Unknown)
                .is_none()
        );
        assert!(outbox.take(&mut run(&[&[4]]), Outlook::Unknown).is_none());
        let hand = outbox.next().unwrap();
        assert!(outbox.take(&mut run(&[&[5]]), Outlook::Unknown).is_none());
        assert!(!outbox.write(hand, true).unwrap());
        assert_eq!(numbers(&arrived), [1, 2, 3, 4, 5]);
        assert!(
            outbox.take(&mut run(&[&[6]]), Outlook::Much).is_none(),
            "more comes"
        );
        assert!(outbox.next().is_some());
    }

    /// Acknowledgments of super-segments are few, and the sender waits for them.
    #[test]
    fn what_answers_long_text_is_not_for_the_thread() {
        let (outbox, arrived) = outbox();
        let mut answers = run(&[&[1], &[2], &[3], &[4]]);
        let hand = outbox.take(&mut answers, Outlook::Little).unwrap();
        assert!(!outbox.write(hand, false).unwrap());
        assert_eq!(numbers(&arrived), [1, 2, 3, 4]);
    }

    #[test]
    fn long_text_and_its_end_are_written_by_whoever_let_them_depart() {
        let block = Block::from([7; 8192]);
        let text = Text::in_blocks((&block, 0..8192), (&block, 0..0));
        let long = || {
            let mut run = Run::default();
            (0..TOGETHER).for_each(|_| run.push(&Packet::new_in(Form::default(), &[1], text)));
            run
        };
        let (outbox, arrived) = outbox();
        for (departing, is_written) in [
            (&mut long(), true),
            (&mut run(&[&[2]]), true),
            (&mut run(&[&[3]]), false),
            (&mut long(), false),
        ] {
            outbox.begin(departing);
            let hand = outbox.take(departing, Outlook::Much);
            assert_eq!(hand.is_some(), is_written);
            if let Some(hand) = hand {
                assert!(!outbox.write(hand, false).unwrap());
            }
        }
        let hand = outbox.next().unwrap();
        assert!(!outbox.write(hand, true).unwrap());
        assert_eq!(
            numbers(&arrived),
            [&[1; TOGETHER][..], &[2, 3], &[1; TOGETHER]].concat()
        );
        let hand = outbox.take(&mut long(), Outlook::Much).unwrap();
        assert!(!outbox.write(hand, false).unwrap());
        let mut many = run(&[&[4][..]; TOGETHER]);
        outbox.begin(&mut many);
        assert!(many.is_empty() && outbox.next().is_some(), "for the thread");
    }

    /// With every datagram that is written, another one is left in the outbox.
    #[derive(Clone, Default)]
    struct Endless {
        outbox: Arc<OnceLock<Outbox>>,
        sent: Arc<AtomicUsize>,
    }

    impl Sender for Endless {
        fn send(&mut self, _: Packet<'_>) -> Result<(), DeviceError> {
            self.sent.fetch_add(1, Ordering::Relaxed);
            let outbox = self.outbox.get().unwrap();
            assert!(outbox.take(&mut run(&[&[0]]), Outlook::Unknown).is_none());
            Ok(())
        }
    }

    #[test]
    fn who_only_wanted_to_send_something_of_his_own_does_not_write_for_ever() {
        let endless = Endless::default();
        let outbox = Outbox::new(Box::new(endless.clone()));
        let outbox = endless.outbox.get_or_init(|| outbox);
        let hand = outbox.take(&mut run(&[&[0]]), Outlook::Unknown).unwrap();
        assert!(!outbox.write(hand, false).unwrap());
        assert_eq!(endless.sent.load(Ordering::Relaxed), ROUNDS);
        assert!(outbox.next().is_some(), "the thread goes on");
    }

    #[test]
    fn the_thread_begins_while_much_departs() {
        let (outbox, _arrived) = outbox();
        let mut departing = Run::default();
        for _ in 0..TOGETHER {
            assert_eq!(outbox.waiting.load(Ordering::Relaxed), 0);
            departing.push(&Packet::borrowed(&[0; 1000]));
            outbox.begin(&mut departing);
        }
        assert!(departing.is_empty() && outbox.next().is_some());
    }

    #[test]
    fn what_waits_is_bounded_and_whoever_makes_room_is_told() {
        let (outbox, _arrived) = outbox();
        let hand = outbox.take(&mut run(&[&[0]]), Outlook::Unknown).unwrap();
        let mut count = 0;
        while outbox.has_room() {
            assert!(
                outbox
                    .take(&mut run(&[&[0; 1000]]), Outlook::Unknown)
                    .is_none()
            );
            count += 1;
        }
        assert_eq!(count, LIMIT / 1000 + 1);
        assert!(
            outbox.write(hand, false).unwrap(),
            "something waits for room"
        );
        assert!(outbox.has_room());
        let hand = outbox.take(&mut run(&[&[0]]), Outlook::Unknown).unwrap();
        assert!(!outbox.write(hand, false).unwrap());
    }

    #[test]
    fn the_thread_ends_when_nothing_is_left() {
        let (outbox, arrived) = outbox();
        let hand = outbox.take(&mut run(&[&[1]]), Outlook::Unknown).unwrap();
        assert!(outbox.take(&mut run(&[&[2]]), Outlook::Unknown).is_none());
        outbox.end();
        let outbox = Arc::new(outbox);
        let far = Arc::clone(&outbox);
        let thread = thread::spawn(move || far.next().is_none());
        outbox.write(hand, false).unwrap();
        assert!(thread.join().unwrap());
        assert_eq!(numbers(&arrived), [1, 2]);
    }
}
