//! A deterministic simulator: real stacks and real datagrams in virtual time, and a judge that checks
//! every octet. One seed determines everything that happens in a [`World`].
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
//!
//! | file | what is in it |
//! |---|---|
//! | `world` | [`World`]: hosts, paths, applications, story; [`Scenario`] |
//! | `run` | runs a world, event by event |
//! | `queue`, `agenda` | the event queue; things to do, ordered by time |
//! | [`scenario`] | descriptions of worlds, as values; the built-in ones by name |
//! | `story`, `enact` | [`Happening`]: crashes, pauses, cuts, clock jumps; how they are carried out |
//! | `id` | hosts and paths, by number |
//! | `middle` | [`Middle`]: code on the path that changes datagrams |
//! | `host`, `held`, `port` | a stack with its applications; which application holds which connection; the end of a path, which is a device |
//! | [`app`] | [`App`](app::App): an application, and the calls it can make |
//! | [`apps`] | clients and servers, and what they do on a connection |
//! | [`octets`] | the data that is sent: a function of seed, stream and position |
//! | `judge`, `ends`, `diagnosis` | checks P1 to P11 after every event; which two ends form a connection |
//! | [`outcome`] | [`Outcome`]: the verdict, the hash, statistics |
//! | [`trace`] | the hash of everything that happened, and a record of the datagrams |
//! | [`samples`] | samples of connections: congestion window, round-trip time |
//! | [`diagram`], [`pcap`] | prints a record as a ladder diagram, and as a capture |
//! | `transfer` | one direction of a connection, read from a record |
//! | [`plot`] | draws a record and samples as pictures |
//! | [`recovery`] | measures loss recovery: timeouts and needless retransmissions |
//! | [`medium`], [`path`] | what happens to a datagram on its way |
//! | [`transit`] | the datagrams under way on a path, for use with another clock |
//! | [`random`] | random numbers from a seed |

mod agenda;
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
