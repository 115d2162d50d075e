//! Many seeds, on all cores.

use std::cell::RefCell;
use std::fs;
use std::io::IsTerminal;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stubborn::sim::World;

use super::super::output;
use super::chosen::Chosen;
use super::report::Report;

/// Runs a world for each seed. A failure is reported at once, in a line on standard
/// error.
pub(super) fn run(scenario: &Chosen, seeds: &Range<u64>, jobs: usize) -> Report {
    let campaign = Campaign {
        scenario,
        end: seeds.end,
        next: AtomicU64::new(seeds.start),
        step: step(seeds, jobs),
        bar: progress_bar(seeds),
    };
    let hook = panic::take_hook();
    panic::set_hook(Box::new(note_panic));
    let mut report = Report::new(&scenario.identity);
    report.covers(seeds);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| campaign.work())).collect();
        for worker in workers {
            if let Ok(part) = worker.join() {
                report.absorb(part);
            }
        }
    });
    panic::set_hook(hook);
    campaign.bar.finish_and_clear();
    report
}

struct Campaign<'a> {
    scenario: &'a Chosen,
    end: u64,
    /// The first seed that no thread has taken yet.
    next: AtomicU64,
    /// How many seeds a thread takes at a time.
    step: u64,
    bar: ProgressBar,
}

/// How many seeds a thread takes at a time: enough to make the atomic step cheap,
/// and few enough that all threads finish at about the same time.
fn step(seeds: &Range<u64>, jobs: usize) -> u64 {
    ((seeds.end - seeds.start) / (jobs as u64 * 50)).clamp(1, 100)
}

fn progress_bar(seeds: &Range<u64>) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(seeds.end - seeds.start), target);
    let template = "{wide_bar} {human_pos}/{human_len} worlds, {per_sec}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Campaign<'_> {
    fn work(&self) -> Report {
        let start = Clock::start();
        let mut report = Report::new(&self.scenario.identity);
        let mut world = World::new(0);
        while let Some(seeds) = self.take() {
            for seed in seeds.clone() {
                self.play(seed, &mut world, &mut report);
            }
            self.bar.inc(seeds.end - seeds.start);
        }
        report.took(start.elapsed());
        report
    }

    /// The next seeds, if there are any left.
    fn take(&self) -> Option<Range<u64>> {
        let after = |first: u64| first.saturating_add(self.step).min(self.end);
        let relaxed = Ordering::Relaxed;
        let first = self
            .next
            .fetch_update(relaxed, relaxed, |first| Some(after(first)));
        first
            .ok()
            .filter(|first| *first < self.end)
            .map(|first| first..after(first))
    }

    fn play(&self, seed: u64, world: &mut World, report: &mut Report) {
        let run = AssertUnwindSafe(|| world.play(seed, self.scenario));
        let what = match panic::catch_unwind(run) {
            Ok(outcome) => {
                report.add(&outcome);
                outcome.failure().map(ToString::to_string)
            }
            Err(_) => {
                // A world that panicked cannot be used again.
                *world = World::new(0);
                let what = PANIC.take();
                report.add_panic(seed, &what);
                let scenario = &self.scenario.argument;
                Some(format!(
                    "panic: {what}, seed {seed}; replay: stubborn sim --replay {seed} {scenario}"
                ))
            }
        };
        if let Some(what) = what {
            self.bar.suspend(|| output::complain(what));
        }
    }
}

thread_local! {
    /// The message of the last panic of this thread.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn note_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let fixed = payload.downcast_ref::<&str>().copied();
    let made = payload.downcast_ref::<String>().map(String::as_str);
    let message = fixed.or(made).unwrap_or("of no known kind");
    let place = info.location().map(|place| format!(" ({place})"));
    let what = format!("{message}{}", place.unwrap_or_default());
    PANIC.set(what.replace('\n', " "));
}

/// This thread's processor time if the system tells it, otherwise elapsed time.
struct Clock {
    processor: Option<Duration>,
    time: Instant,
}

impl Clock {
    fn start() -> Clock {
        Clock {
            processor: processor_time(),
            time: Instant::now(),
        }
    }

    fn elapsed(&self) -> Duration {
        match (self.processor, processor_time()) {
            (Some(start), Some(now)) => now.saturating_sub(start),
            _ => self.time.elapsed(),
        }
    }
}

/// Linux: the first number of /proc/thread-self/schedstat, in nanoseconds.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seeds: Range<u64>, jobs: usize) -> Report {
        let scenario = Chosen::new("everything").unwrap();
        run(&scenario, &seeds, jobs).without_time()
    }

    /// The sum of all trace hashes, and so every trace, does not depend on which
    /// thread ran which seed, or when.
    #[test]
    fn any_number_of_threads_finds_the_same() {
        assert_eq!(report(3..30, 1), report(3..30, 4));
    }

    #[test]
    fn the_last_seeds_there_are() {
        assert_eq!(report(u64::MAX - 3..u64::MAX, 4).worlds, 3);
    }

    #[test]
    fn parts_add_up_to_the_whole_in_any_order() {
        let whole = report(0..30, 2);
        let mut sum = report(20..30, 2);
        sum.merge(report(0..7, 1)).unwrap();
        sum.merge(report(7..20, 1)).unwrap();
        assert_eq!(sum, whole);
        assert!(whole.worlds == 30 && whole.failed() == 0);
    }

    #[test]
    fn a_step_is_never_nothing() {
        assert_eq!(step(&(0..1), 64), 1);
        assert_eq!(step(&(0..u64::MAX), 1), 100);
    }
}
