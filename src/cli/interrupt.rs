//! Ctrl-C and SIGTERM: the first signal asks the program to end, the second ends it.

use std::process;
use std::thread;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Added to a signal's number, this is the exit status of a program that the signal ended, as in
/// shells.
const BY_SIGNAL: i32 = 128;

/// The signals, caught from now on.
pub(crate) struct Interrupts(Signals);

impl Interrupts {
    /// Catches the signals.
    pub(crate) fn catch() -> anyhow::Result<Interrupts> {
        let signals = Signals::new([SIGINT, SIGTERM]).context("cannot catch signals")?;
        Ok(Interrupts(signals))
    }

    /// Calls `first`, in a thread of its own, when the first signal comes, with the exit status for that
    /// signal. The next signal ends the program at once.
    pub(crate) fn on_first(
        mut self,
        first: impl FnOnce(i32) + Send + 'static,
    ) -> anyhow::Result<()> {
        let wait = move || {
            let mut statuses = self.0.forever().map(|signal| BY_SIGNAL + signal);
            let Some(status) = statuses.next() else {
                return;
            };
            if thread::Builder::new().spawn(move || first(status)).is_err() {
                process::exit(status);
            }
            if let Some(status) = statuses.next() {
                process::exit(status);
            }
        };
        thread::Builder::new()
            .name("interrupts".to_owned())
            .spawn(wait)
            .context("cannot start a thread for signals")?;
        Ok(())
    }
}
