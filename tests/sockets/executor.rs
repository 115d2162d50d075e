//! An executor of one thread, which polls only tasks that are woken, and counts.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use super::support::LONG;

/// Tasks, which run while [`Tasks::run`] does.
#[derive(Default)]
pub(super) struct Tasks<'a> {
    ready: Arc<Ready>,
    tasks: Vec<Option<Task<'a>>>,
    polls: usize,
}

struct Task<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    call: Arc<Call>,
}

/// The numbers of those to poll.
#[derive(Default)]
struct Ready {
    queue: Mutex<VecDeque<usize>>,
    any: Condvar,
}

struct Call {
    number: usize,
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            self.ready.lock().push_back(self.number);
            self.ready.any.notify_one();
        }
    }
}

impl<'a> Tasks<'a> {
    pub(super) fn spawn(&mut self, future: impl Future<Output = ()> + 'a) {
        let call = Arc::new(Call {
            number: self.tasks.len(),
            is_queued: AtomicBool::new(false),
            ready: Arc::clone(&self.ready),
        });
        Arc::clone(&call).wake();
        let future = Box::pin(future);
        self.tasks.push(Some(Task { future, call }));
    }

    /// Until all have ended, which must not take long. Returns how often any was polled.
    pub(super) fn run(mut self) -> usize {
        let mut left = self.tasks.len();
        while left > 0 {
            let number = self.ready.next();
            let Some(task) = &mut self.tasks[number] else {
                continue;
            };
            task.call.is_queued.store(false, Ordering::Release);
            self.polls += 1;
            let waker = Waker::from(Arc::clone(&task.call));
            let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_ready() {
                self.tasks[number] = None;
                left -= 1;
            }
        }
        self.polls
    }
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.queue.lock().expect("no panic")
    }

    fn next(&self) -> usize {
        let start = Instant::now();
        let mut queue = self.lock();
        loop {
            if let Some(number) = queue.pop_front() {
                return number;
            }
            let left = LONG.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "no task is woken");
            queue = self.any.wait_timeout(queue, left).expect("no panic").0;
        }
    }
}

/// The answer of a future.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let answer = Cell::new(None);
    let mut tasks = Tasks::default();
    tasks.spawn(async { answer.set(Some(future.await)) });
    tasks.run();
    answer.into_inner().expect("it has ended")
}

/// The answers of two futures that run side by side in one task.
pub(super) async fn both<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    let (mut one, mut other) = (None, None);
    std::future::poll_fn(move |context| {
        if one.is_none()
            && let Poll::Ready(answer) = first.as_mut().poll(context)
        {
            one = Some(answer);
        }
        if other.is_none()
            && let Poll::Ready(answer) = second.as_mut().poll(context)
        {
            other = Some(answer);
        }
        match (one.take(), other.take()) {
            (Some(one), Some(other)) => Poll::Ready((one, other)),
            (first, second) => {
                (one, other) = (first, second);
                Poll::Pending
            }
        }
    })
    .await
}

/// Lets the other tasks of the executor have their turn.
pub(super) async fn yield_now() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts how often it is woken.
#[derive(Default)]
pub(super) struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Counter {
    pub(super) fn woken(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Waits until it has been woken this often.
    pub(super) fn reaches(&self, count: usize) {
        let start = Instant::now();
        while self.woken() < count {
            assert!(start.elapsed() < LONG, "woken {} times", self.woken());
            std::thread::yield_now();
        }
    }
}

/// Polls once, on behalf of `task`.
pub(super) fn poll<F: Future + ?Sized>(
    future: Pin<&mut F>,
    task: &Arc<Counter>,
) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(task));
    future.poll(&mut Context::from_waker(&waker))
}
