//! A world in a box: real stacks, real datagrams, virtual time, and a judge. What happens depends
//! on a seed only.
//!
//! | file | what is in it |
//! |---|---|
//! | `world` | [`World`]: hosts, paths, applications, story; [`Scenario`] |
//! | `run` | what a world does with its next event |
//! | `queue` | what will happen, in order |
//! | [`scenario`] | what worlds are to be, as values; the built-in ones by name |
//! | `story`, `enact` | [`Happening`]: crashes, pauses, cuts, clock jumps; what they do |
//! | `id` | hosts and paths, by number |
//! | `middle` | [`Middle`]: somebody on the path who changes datagrams |
//! | `host`, `held`, `port` | a stack with its applications, and which holds what; a path's end, which is a device |
//! | [`app`] | [`App`](app::App), and what one can call |
//! | [`apps`] | clients and servers, and what they do on a connection |
//! | [`octets`] | what travels: a function of seed, stream and place |
//! | `judge`, `ends`, `diagnosis` | P1 to P11, after every event; whom each end belongs to |
//! | [`outcome`] | [`Outcome`]: the verdict, the hash, what was counted |
//! | [`trace`] | the hash of everything, and the record of datagrams |
//! | [`samples`] | how connections stood: congestion window, round-trip time |
//! | [`diagram`], [`pcap`] | a record as a ladder, and as a capture |
//! | `transfer` | a direction of a connection, read from a record |
//! | [`plot`] | a record and samples as pictures of a transfer |
//! | [`recovery`] | loss recovery, measured: timeouts and needless retransmissions |
//! | [`medium`], [`path`] | what happens to a datagram on its way |
//! | [`transit`] | what is under way on a path, for whoever has another clock |
//! | [`random`] | chance from a seed |
//!
//! ```
//! use std::time::Duration;
//! use stubborn::config::Config;
//! use stubborn::sim::World;
//! use stubborn::sim::apps::{Behaviour, Client, Server};
//! use stubborn::sim::medium::{Delay, Loss, Medium};
//! use stubborn::sim::path::Path;
//! use stubborn::sim::random::Ratio;
//!
//! let mut world = World::new(42);
//! let a = world.host(Config::new([[10, 0, 0, 1].into()]));
//! let b = world.host(Config::new([[10, 0, 0, 2].into()]));
//! let medium = Medium::new()
//!     .with(Delay::new(Duration::from_millis(5)))
//!     .with(Loss::new(Ratio::percent(10)));
//! world.link(a, b, Path::symmetric(medium));
//! world.app(b, Server::new(7, Behaviour::exchange(4096)));
//! world.app(a, Client::new("10.0.0.2:7".parse()?, Behaviour::exchange(4096)));
//!
//! let outcome = world.run();
//! assert_eq!(outcome.failure(), None);
//! assert_eq!(outcome.tally.delivered, 2 * 4096);
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

pub mod app;
pub mod apps;
mod diagnosis;
pub mod diagram;
mod enact;
mod ends;
mod held;
mod host;
mod id;
mod judge;
pub mod medium;
mod middle;
pub mod octets;
pub mod outcome;
pub mod path;
pub mod pcap;
pub mod plot;
mod port;
mod queue;
pub mod random;
pub mod recovery;
mod run;
pub mod samples;
pub mod scenario;
mod story;
pub mod trace;
mod transfer;
pub mod transit;
mod world;

pub use id::{HostId, LinkId};
pub use middle::Middle;
pub use outcome::{Failure, Outcome, Property, Tally, Verdict};
pub use story::Happening;
pub use world::{HALF_OPEN_BOUND, HEAL_AT, PATIENCE, Scenario, World};
