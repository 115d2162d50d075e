//! What the tests stand on: an interface of their own, programs beside it, a time limit.

mod apart;
mod lab;
mod process;

use std::env;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use libtest_mimic::{Completion, Failed, Trial};

pub(crate) use apart::{Apart, TUN};
pub(crate) use lab::{Device, Family, Lab, stop_recording};
pub(crate) use process::{Ended, PATIENCE, Running, run};

/// The most a test may take, in an unoptimised build beside others.
const LIMIT: Duration = Duration::from_secs(120);

/// Whether this is a namespace for the tests; otherwise why not, and how to get there.
pub(crate) fn namespace() -> Result<(), &'static str> {
    match env::var_os("STUBBORN_NETNS") {
        Some(_) => Ok(()),
        None => Err(
            "not in a network namespace of its own: run `scripts/netns cargo test --test netns` \
             (or scripts/test, which runs everything)",
        ),
    }
}

/// A trial for each family and device of each test: the function's name is the test's name.
macro_rules! in_both_families {
    ($($test:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            let mut trials = Vec::new();
            $(trials.extend($crate::harness::both(module_path!(), stringify!($test), $test));)+
            trials
        }
    };
}
pub(crate) use in_both_families;

/// The trials of a test: both families, each on both devices.
pub(crate) fn both(module: &str, name: &str, test: fn(&Lab)) -> Vec<Trial> {
    let module = module.rsplit("::").next().unwrap_or(module);
    let mut trials = Vec::new();
    for family in [Family::V4, Family::V6] {
        for device in [Device::Offload, Device::Plain] {
            let name = format!("{module}::{name}::{family}::{device}");
            let title = name.clone();
            let trial = move || in_namespace(title, family, device, test);
            trials.push(Trial::ignorable_test(name, trial));
        }
    }
    trials
}

fn in_namespace(
    title: String,
    family: Family,
    device: Device,
    test: fn(&Lab),
) -> Result<Completion, Failed> {
    if let Err(reason) = namespace() {
        return skipped(reason);
    }
    let (done, outcome) = mpsc::channel();
    let body = move || {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let lab = Lab::new(&title, family, device);
            test(&lab);
        }));
        // Nobody listens any more once the time is up.
        let _ = done.send(ended);
    };
    thread::Builder::new().spawn(body)?;
    match outcome.recv_timeout(LIMIT) {
        Ok(Ok(())) => Ok(Completion::Completed),
        Ok(Err(panic)) => match panic.downcast_ref() {
            Some(Skipped(reason)) => skipped(reason),
            None => Err(words_of(panic.as_ref()).into()),
        },
        Err(_) => Err(format!("did not end within {} s", LIMIT.as_secs()).into()),
    }
}

/// What a test ends with that cannot run here.
struct Skipped(&'static str);

/// Ends a test for which something is missing here.
pub(crate) fn skip(reason: &'static str) -> ! {
    resume_unwind(Box::new(Skipped(reason)))
}

/// In CI what cannot run has failed.
fn skipped(reason: &str) -> Result<Completion, Failed> {
    match env::var("CI").as_deref() {
        Ok("true") => Err(format!("SKIPPED in CI: {reason}").into()),
        _ => Ok(Completion::ignored_with(format!("SKIPPED: {reason}"))),
    }
}

/// What a panic said.
fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(words), _) => words.clone(),
        (None, Some(words)) => (*words).to_owned(),
        (None, None) => "panicked".to_owned(),
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// If it does not within `limit`: `what` was expected.
pub(crate) fn eventually(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < limit,
            "not within {} s: {what}",
            limit.as_secs_f32()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// Closing `stream` resets the connection.
pub(crate) fn reset_when_closed(stream: &TcpStream) {
    let linger = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(stream, sockopt::Linger, &linger).unwrap();
}

/// Octets that show where they belong: a wrong, missing or doubled octet does not go unnoticed.
pub(crate) fn pattern(from: u64, len: usize) -> Vec<u8> {
    // A multiplicative hash of the place of each group of eight octets.
    let octet = |place: u64| {
        let word = (place / 8 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        word.rotate_left(29).to_le_bytes()[(place % 8) as usize]
    };
    (from..from + len as u64).map(octet).collect()
}
