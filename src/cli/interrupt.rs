//! Ctrl-C and SIGTERM: the first asks the program to end, the second ends it.

use std::process;
use std::thread;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Exit status of a program that was interrupted, as shells have it: 128 and the signal.
pub(crate) const INTERRUPTED: i32 = 128 + SIGINT;

/// The signals, caught from now on.
pub(crate) struct Interrupts(Signals);

impl Interrupts {
    /// Catches the signals.
    pub(crate) fn catch() -> anyhow::Result<Interrupts> {
        let signals = Signals::new([SIGINT, SIGTERM]).context("cannot catch signals")?;
        Ok(Interrupts(signals))
    }

    /// Does `first`, in a thread of its own, when the first signal comes. The next one ends the
    /// program at once.
    pub(crate) fn on_first(mut self, first: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
        let wait = move || {
            let mut signals = self.0.forever();
            let _ = signals.next();
            let impatient = thread::Builder::new().spawn(first);
            if impatient.is_err() || signals.next().is_some() {
                process::exit(INTERRUPTED);
            }
        };
        thread::Builder::new()
            .name("interrupts".to_owned())
            .spawn(wait)
            .context("cannot start a thread for signals")?;
        Ok(())
    }
}
