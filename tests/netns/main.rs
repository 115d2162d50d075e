//! The stack against the kernel's TCP and UDP and the tools that everybody has.
//!
//! The tests need a network namespace and TUN interfaces: `scripts/netns cargo test --test netns`.
//! Elsewhere they are skipped, and say so; in CI (`CI=true`) that is a failure. In them the
//! kernel is one end of an interface and the stack, the `stubborn` program or the library, is the
//! other. Every test has an interface and a network of its own and runs in each family, once with
//! the offloads of the interface and once without.
//!
//! | file | what it shows |
//! |---|---|
//! | `harness` | the interface, programs beside it, captures, faults |
//! | `tools` | nc, socat, curl, Python's HTTP server, ping |
//! | `program` | the `stubborn` program: its services, errors, signals and exit status |
//! | `captures` | what tcpdump and tshark think of our packets |
//! | `bulk` | 100 MiB each way, and both ways at once |
//! | `endings` | half-close, refused, reset, killed |
//! | `many` | 1,000 connections at once and 10,000 in sequence, without a leak |
//! | `queues` | several queues: 64 flows at once, both ways |
//! | `offloads` | an interface that stays, and what it keeps |
//! | `windows` | readers that sleep |
//! | `faults` | loss, and an interface that goes down and comes back |
//! | `floods` | SYNs of strangers, as fast as the kernel sends them |
//! | `segments` | super-segments that the kernel cuts, on a path that loses segments |
//! | `signs` | urgent data and keepalive |
//! | `signatures` | RFC 2385, signed by both |
//! | `ladder` | the ladder of links over our UDP, between two namespaces, at 30 % loss |
//! | `link` | `stubborn link` between two namespaces: delay, loss, reordering |
//! | `groups` | groups and broadcasts: socat, the kernel, and what routers are told |
//! | `ping` | `stubborn ping`: the kernel's answers, and its errors |
//! | `udp` | UDP: nc, socat, the kernel's sockets, refusals, sizes |
//!
//! `STUBBORN_CAPTURE=1` records every test's packets beside its other files, in `target/tmp/netns`,
//! where those of a failed test stay.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; a failed expectation is its message"
)]

mod bulk;
mod captures;
mod endings;
mod faults;
mod floods;
mod groups;
mod harness;
mod ladder;
mod link;
mod many;
mod offloads;
mod ping;
mod program;
mod queues;
mod segments;
mod signatures;
mod signs;
mod tools;
mod udp;
mod windows;

use std::process::ExitCode;
use std::thread;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most tests wait most of the time, for timers and for programs.
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(2 * processors);
    if !arguments.list
        && let Err(reason) = harness::namespace()
    {
        eprintln!("\nSKIPPED, all of tests/netns: {reason}\n");
    }
    let trials = [
        tools::trials(),
        program::trials(),
        captures::trials(),
        bulk::trials(),
        endings::trials(),
        many::trials(),
        queues::trials(),
        offloads::trials(),
        windows::trials(),
        faults::trials(),
        floods::trials(),
        groups::trials(),
        signs::trials(),
        signatures::trials(),
        udp::trials(),
        ping::trials(),
        segments::trials(),
        ladder::trials(),
        link::trials(),
    ];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}
