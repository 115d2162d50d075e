//! A thread that writes what there is much of.
//!
//! A write to a TUN descriptor does more than hand a datagram over: the kernel receives it there
//! and then, and what follows from it is done on the writer's time. An acknowledgment of sixty
//! segments makes the kernel's sender cut and queue the next sixty before `write` returns. That
//! is a good part of what a bulk transfer costs; with a thread of its own it takes place beside
//! what the stack does.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The most octets that wait to be written; whoever brings more waits until there is room.
const LIMIT: usize = 512 * 1024;

/// Datagrams handed over together: so few that the thread starts early, so many that it is
/// seldom waited for.
const TOGETHER: usize = 16;

/// The near end of the thread. Dropping it waits until everything is written.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Not handed over yet.
    pushed: Run,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which calls `write` with one datagram after the other.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(mut write: impl FnMut(&[u8]) + Send + 'static) -> io::Result<Writer> {
        let shared = Arc::new(Shared::default());
        let far = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("tun writer".to_owned())
            .spawn(move || far.run(&mut write))?;
        Ok(Writer {
            shared,
            pushed: Run::default(),
            thread: Some(thread),
        })
    }

    /// Whether everything has been written: what is written elsewhere now overtakes nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.shared.unwritten.load(Ordering::Acquire) == 0
    }

    /// Takes one datagram, in pieces. It is written after those before it, soon after the next
    /// [`Writer::flush`] at the latest.
    pub(super) fn push<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) {
        self.shared.unwritten.fetch_add(1, Ordering::Relaxed);
        self.pushed.push(pieces);
        if self.pushed.len() >= TOGETHER {
            self.flush();
        }
    }

    /// Hands over what was taken.
    pub(super) fn flush(&mut self) {
        if self.pushed.len() == 0 {
            return;
        }
        let mut queue = self.shared.lock();
        while queue.waiting.octets.len() > LIMIT {
            queue = wait(&self.shared.taken, queue);
        }
        queue.waiting.append(&mut self.pushed);
        let asleep = mem::take(&mut queue.asleep);
        drop(queue);
        if asleep {
            self.shared.filled.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flush();
        self.shared.lock().ended = true;
        self.shared.filled.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panics only if writing did, which its own message has told.
            let _ = thread.join();
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write, or nothing will come any more.
    filled: Condvar,
    /// There is room again.
    taken: Condvar,
    /// Datagrams pushed and not written yet.
    unwritten: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Run,
    asleep: bool,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the near end is dropped and nothing is left.
    fn run(&self, write: &mut impl FnMut(&[u8])) {
        let mut run = Run::default();
        loop {
            let mut queue = self.lock();
            while queue.waiting.len() == 0 {
                if queue.ended {
                    return;
                }
                queue.asleep = true;
                queue = wait(&self.filled, queue);
            }
            mem::swap(&mut queue.waiting, &mut run);
            drop(queue);
            self.taken.notify_one();
            run.iter().for_each(&mut *write);
            self.unwritten.fetch_sub(run.len(), Ordering::Release);
            run.clear();
        }
    }
}

/// A lock that was poisoned is as good as any: nothing is done under it that could panic halfway.
fn wait<'a>(event: &Condvar, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
    event.wait(queue).unwrap_or_else(PoisonError::into_inner)
}

/// Datagrams one behind the other.
#[derive(Debug, Default)]
struct Run {
    octets: Vec<u8>,
    ends: Vec<usize>,
}

impl Run {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) {
        for piece in pieces {
            self.octets.extend_from_slice(piece);
        }
        self.ends.push(self.octets.len());
    }

    /// Moves all of `other` to the end, and leaves it empty.
    fn append(&mut self, other: &mut Run) {
        if self.len() == 0 {
            mem::swap(self, other);
        } else {
            other.iter().for_each(|datagram| self.push([datagram]));
        }
        other.clear();
    }

    /// Forgets the datagrams, keeps the memory.
    fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.octets[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn everything_is_written_once_and_in_order() {
        let (written, seen) = mpsc::channel();
        let mut writer = Writer::start(move |datagram| {
            written.send(datagram.to_vec()).unwrap();
        })
        .unwrap();
        assert!(writer.is_idle());
        for number in 0..1000u32 {
            writer.push([&number.to_be_bytes()[..]]);
            if number % 37 == 0 {
                writer.flush();
            }
        }
        drop(writer);
        let seen: Vec<_> = seen.into_iter().collect();
        let expected: Vec<_> = (0..1000u32).map(|n| n.to_be_bytes().to_vec()).collect();
        assert!(seen == expected, "{} datagrams", seen.len());
    }

    #[test]
    fn it_is_idle_only_when_all_is_written() {
        let (go, gate) = mpsc::channel();
        let mut writer = Writer::start(move |_| gate.recv().unwrap()).unwrap();
        writer.push([&b"one"[..]]);
        assert!(!writer.is_idle(), "taken, not even handed over");
        writer.flush();
        assert!(!writer.is_idle(), "the write has not returned");
        go.send(()).unwrap();
        while !writer.is_idle() {
            thread::yield_now();
        }
    }

    /// What waits is bounded: whoever brings more waits, and goes on when there is room.
    #[test]
    fn whoever_brings_too_much_waits() {
        let (go, gate) = mpsc::channel();
        let mut writer = Writer::start(move |_| gate.recv().unwrap()).unwrap();
        let shared = Arc::clone(&writer.shared);
        let producer = thread::spawn(move || {
            (0..2000).for_each(|_| writer.push([&[0; 1000][..]]));
        });
        let waiting = || shared.lock().waiting.octets.len();
        while waiting() <= LIMIT {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(20));
        let most = waiting();
        assert!(!producer.is_finished());
        (0..2000).for_each(|_| go.send(()).unwrap());
        producer.join().unwrap();
        assert!(most <= LIMIT + TOGETHER * 1000, "{most} octets waited");
    }
}
