//! Real time, threads and the operating system around a [`Stack`](crate::stack::Stack).
//!
//! | file | what it holds |
//! |---|---|
//! | `clock` | [`Clock`]: real time as [`time::Instant`](crate::time::Instant) |
//! | `poll_device` | [`PollDevice`]: what a device must be for a thread to wait for it |
//! | `shard` | [`Shard`]: a stack, its device and its clock; one [`turn`](Shard::turn) moves a batch |
//! | `intake` | what a device receives into, and receiving while the stack is not locked |
//! | `attempt`, `reading` | what a wait is for, and where text may land meanwhile |
//! | `closed` | why a stack or a listener is of no use any more |
//! | `start` | making shards from a configuration: [`StartError`] |
//! | `shared` | what all threads of one shard share, under one lock: the shard, who waits, who leads |
//! | `engine` | one shard running: the lock, the background thread, and threads that wait and *lead* |
//! | `turn` | a turn of the lead: waiting for the device, receiving, handing up |
//! | `lead` | who leads |
//! | `background` | the background thread of a shard, which leads when no user does |
//! | `outbox` | what has departed and is not written yet |
//! | `runtime` | all shards of a host, and waiting for any of them |
//! | `mail` | what arrived at the wrong shard, on its way to the right one |
//! | `turns` | readers of long text take turns, while more arrives than they all could take |
//! | `waiters` | who waits for what |
//! | `waking` | how often threads slept, and how often in vain |
//! | `parker` | a thread that sleeps until it is woken or a time comes |
//! | `poller` | poll(2) on the device, on a kick and on what other shards hand over |
//! | `alarm` | what tells the background thread that no user leads any more |
//! | `exchange` | when a turn may leave it at one datagram |
//! | `crowd` | when connections come and go, several at once |
//! | `busy` | when it is worth looking again and again before sleeping |
//! | `lock` | a mutex that a busy thread cannot hog |
//! | `memory` | [`memory::pair`], [`memory::queues`]: devices joined to each other, for tests and examples |
//! | `pcap` | [`Recorder`]: a device that records what another sends and receives |
//! | `relay` | [`Relay`]: a path of the simulator between two devices, on the real clock |
//!
//! # One lead, whoever has it
//!
//! Somebody must wait for datagrams and deadlines: the *lead*. A thread that has to wait for its
//! socket takes the lead, if no other such thread has it, and does the turns itself. So one
//! thread that reads or writes a stream moves every packet of it alone: no wake-up, no lock
//! contended, no other thread's cache. A background thread leads when no socket is waited for (an
//! `alarm` calls it). A thread that waits for something idle (a listener, say) leaves the lead to
//! the next that waits once many events in a row were for others. A thread that sends much without
//! ever waiting does turns as well. Of several shards, each has its background thread as its lead
//! for good.
//!
//! Where long text comes for many connections at once, more than their readers can take, these take
//! turns at leading (`turns`): who leads has the text of his connection in his buffer as it is received.
//!
//! # Who writes
//!
//! Nothing is written under the lock: whoever has made something depart writes it right after, or
//! leaves it to a thread that only writes, if there is a second processor and much to write
//! (`outbox`).

mod alarm;
mod attempt;
mod background;
mod busy;
mod clock;
mod closed;
mod crowd;
mod engine;
mod exchange;
mod intake;
mod lead;
mod lock;
mod mail;
pub mod memory;
mod outbox;
mod parker;
mod pcap;
mod poll_device;
mod poller;
mod reading;
mod relay;
mod runtime;
mod shard;
mod shared;
mod shares;
mod start;
mod turn;
mod turns;
mod waiters;
mod waking;
mod writers;

pub(crate) use attempt::{Attempt, WaitError};
pub use clock::Clock;
pub(crate) use closed::Closed;
pub(crate) use engine::Engine;
pub use pcap::Recorder;
pub use poll_device::PollDevice;
pub(crate) use reading::Room;
pub use relay::{Punctuality, Relay, RelayError, Stop};
pub(crate) use runtime::Runtime;
pub use shard::{Shard, Traffic, Turn};
pub(crate) use shared::Shared;
pub use start::StartError;
pub(crate) use waiters::Key;
pub use waking::Waking;
