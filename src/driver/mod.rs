//! Runs a [`Stack`](crate::stack::Stack) with real time, threads and the operating system.
//!
//! | file | what it holds |
//! |---|---|
//! | `clock` | [`Clock`]: real time as [`time::Instant`](crate::time::Instant) |
//! | `poll_device` | [`PollDevice`]: what a device must be for a thread to wait for it |
//! | `shard` | [`Shard`]: a stack, its device and its clock; one [`turn`](Shard::turn) moves a batch |
//! | `intake` | receives from the device, while the stack is not locked |
//! | `attempt`, `reading` | what a thread waits for, and where text may land meanwhile |
//! | `closed` | why a stack or a listener has ended |
//! | `start` | making shards from a configuration: [`StartError`] |
//! | `shared` | what all threads of one shard share, under one lock: the shard and its waiters |
//! | `shared/` | parts of that: `leading`, which thread leads; `readers`, `writers`, which threads are called to read or write |
//! | `engine` | one shard running: the lock, the background thread, and threads that wait and *lead* |
//! | `turn` | a turn of the lead: waits for the device, receives, and hands up what has arrived |
//! | `lead` | which thread leads |
//! | `background` | the background thread of a shard, which leads when no user does |
//! | `outbox` | packets that have left the stack and are yet to be written to the device |
//! | `futures` | what a future does where a thread would sleep |
//! | `runtime` | all shards of a host, and waiting for any of them |
//! | `mail` | datagrams that arrived at the wrong shard, on their way to the right one |
//! | `turns` | readers of long text take turns, while more arrives than they all could take |
//! | `writers` | writers of long text take turns |
//! | `shares` | fair shares among connections that take turns |
//! | `waiters` | which threads and futures wait for what |
//! | `waking` | statistics: how often threads slept, and how often in vain |
//! | `parker` | a thread that sleeps until it is woken or a time comes |
//! | `poller` | poll(2) on the device, on the wake-up descriptor and on the mailbox |
//! | `alarm` | tells the background thread that no user leads any more |
//! | `exchange` | detects request and response traffic, where a turn may stop after one datagram |
//! | `crowd` | detects connections that come and go, several at once |
//! | `busy` | whether it is worth polling for a while before sleeping |
//! | `lock` | a mutex that a busy thread cannot hog |
//! | `memory` | [`memory::pair`], [`memory::queues`]: devices joined to each other, for tests and examples |
//! | `pcap` | [`Recorder`]: a device that records what another sends and receives |
//! | `relay` | [`Relay`]: a path of the simulator between two devices, on the real clock |
//!
//! # The lead
//!
//! At any time one thread, the *lead*, waits for datagrams and deadlines and gives the stack its *turns*. A
//! user's thread that has to wait for its socket becomes the lead, unless another user's thread already is.
//! So a single thread that reads or writes a stream handles all packets of that stream itself: without
//! wake-ups, without contention for the lock, and with everything in its own cache. While no user's thread
//! waits, a background thread leads (`alarm` calls it). A lead that waits for something idle (a listener,
//! say) passes the lead on once many events in a row were for others. A thread that sends much without ever
//! waiting also does turns. An asynchronous task never leads. On a host with several shards, the background
//! thread of each is always its lead.
//!
//! When more long text arrives for many connections at once than their readers can take, the
//! readers take turns at leading (`turns`), because text for the lead's own connection is received
//! straight into its buffer.
//!
//! # Writing
//!
//! Nothing is written to the device under the lock of the stack, unless there is only one processor.
//! The thread that let a packet depart writes it after unlocking, or leaves it to a thread that only
//! writes, if there is much to write (`outbox`).

mod alarm;
mod attempt;
mod background;
mod busy;
mod clock;
mod closed;
mod crowd;
mod engine;
mod exchange;
mod futures;
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
pub(crate) use waiters::{Key, Place};
pub use waking::Waking;
