//! Packetdrill scripts, which say packet by packet what TCP must do: the `.pkt` language, and a runner
//! that checks the real stack against them in virtual time.
//!
//! The runner is pure: the text of a script goes in, a verdict comes out. `docs/DRILL.md` describes
//! the language.
//!
//! ```
//! use stubborn::drill::{Definitions, Settings, Variant, Verdict, parse, run};
//!
//! let script = "
//!     0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//!     +0  bind(3, ..., ...) = 0
//!     +0  listen(3, 1) = 0
//!     +0  < S 0:0(0) win 32792 <mss 1000>
//!     +0  > S. 0:0(0) ack 1 <...>
//! ";
//! let script = parse(script, &Definitions::default()).expect("it is well formed");
//! let report = run(&script, Variant::Ipv4, &Settings::default()).unwrap();
//! assert!(matches!(report.verdict, Verdict::Passed));
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `place` | line and column; errors at a place |
//! | `definitions` | `-D NAME=VALUE`, `#ifdef` |
//! | `lexer`, `text` | words, numbers, strings, times |
//! | `ast` | what a script says, as values |
//! | `parser/` | options, events, packets, calls |
//! | `code` | `%{ … }%` |
//! | `explain` | a script in words |
//! | `packet/` | packets made, read, translated, compared, shown |
//! | `variant` | IPv4, IPv6 or both |
//! | `setup` | the options of a script |
//! | `profile`, `sysctl` | how the stack behaves: configurations |
//! | `run/` | the runner |

mod ast;
mod code;
mod definitions;
mod explain;
mod lexer;
mod packet;
mod parser;
mod place;
mod profile;
mod run;
mod setup;
mod sysctl;
mod text;
mod variant;

pub use ast::Script;
pub use definitions::Definitions;
pub use explain::explain;
pub use parser::parse;
pub use place::{Place, SyntaxError};
pub use profile::Profile;
pub use run::{Captured, Failure, Report, Settings, Verdict, run};
pub use sysctl::apply as set_sysctl;
pub use variant::Variant;
