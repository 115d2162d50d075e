//! One connection: RFC 9293 §3.10, pure.
//!
//! A [`Tcb`] takes segments, calls and times, and gives segments back. It reads no clock, waits for
//! nothing and knows nothing of bytes on a wire.
//!
//! | file | RFC 9293 | what is in it |
//! |---|---|---|
//! | `seq` | §3.4 | [`Seq`]: a place in the sequence space, 64 bits wide |
//! | `segment` | §3.3.1 | [`Segment`]: SEG.SEQ, SEG.ACK, …; the reset for strangers (§3.10.7.1) |
//! | `state` | §3.3.2 | [`State`], [`Event`] and every [`Arrow`] of figure 5 |
//! | `tcb` | §3.3.1 | [`Tcb`]: SND.UNA, RCV.NXT, … |
//! | `invariants` | | what always holds between them: [`Tcb::check`] |
//! | `calls` | §3.10.1–6 | OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS; ICMP (§3.9.2.2) |
//! | `input` | §3.10.7 | SEGMENT ARRIVES |
//! | `discard` | §3.10.7 | why a segment was not used |
//! | `header_prediction` | | the same, for segments that were expected |
//! | `acknowledge` | §3.10.7.4, fifth | what an acknowledgment does |
//! | `text` | §3.10.7.4, seventh | what text does |
//! | `ack_delay` | §3.8.6.3 | for how long an acknowledgment waits |
//! | `apart` | §3.8.6.3 | acknowledgments that one for a whole batch does not replace |
//! | `held_sacks` | RFC 5681 §4.2 | acknowledgments beyond a gap that are held back for a moment |
//! | `icmp_trust` | RFC 5927 §4 | which ICMP errors are believed |
//! | `resets` | RFC 5961 §3 | which resets are believed |
//! | `plan` | §3.7, §3.8 | what the next segment carries: decided, and nothing changed |
//! | `output` | §3.7, §3.8 | it counts as sent, and is built |
//! | `windows` | §3.8.6 | the windows that we advertise |
//! | `receive_memory`, `receive_room` | §3.8.6 | windows by what packets take in memory |
//! | `nagle` | §3.7.4, §3.8.6.2.1 | when less than a full segment is worth sending |
//! | `timers`, `timeouts` | §3.10.8 | the deadlines, and what each expiry does |
//! | `time_wait` | §3.6.1 | a connection in TIME-WAIT, in little room |
//! | `handshake` | §3.4.1, §3.7.1 | what two SYNs agree on |
//! | `fast_open` | RFC 7413 | text on a SYN |
//! | `deferral` | | handshakes that wait for text |
//! | `stateless` | RFC 4987 | handshakes of which nothing is kept |
//! | `timestamps` | RFC 7323 | RTT samples and PAWS |
//! | `ecn/` | RFC 3168, RFC 9768 | marks in place of losses |
//! | `send_buffer`, `recv_buffer` | §3.10.2–3 | what waits for the peer, what waits for the user |
//! | `kept` | §3.10.3 | what waits for the user where it arrived |
//! | `draft` | §3.10.2 | what the user makes where it will lie |
//! | `loan` | §3.10.3 | what the user looks at where it lies |
//! | `boundaries` | §3.9.1.2 | where pushes and records end |
//! | `together` | | what leaves as one packet, and what waits for that |
//! | `buffers` | §3.8.6 | how large the two are |
//! | `path_mtu` | §3.7.2 | how long datagrams may be: ICMP (RFC 1191, 8201), probes (RFC 8899) |
//! | `memory` | | what it may allocate, as the host allows |
//! | `recovery/` | §3.8.1 | what was lost, what to send again |
//! | `stats` | §3.10.6 | what is counted for STATUS |
//! | `canonical` | – | what tells one connection from another, for model checkers |
//! | `congestion/` | §3.8.2 | how much may be in flight: [`congestion::Controller`] |
//! | `control` | §3.8.2 | when a controller starts, and starts again |
//! | `usage` | – | whether the congestion window is in use |
//! | `pacing` | – | how fast it leaves |
//! | `burst` | – | how much one acknowledgment lets out |

mod ack_delay;
mod acknowledge;
mod apart;
mod boundaries;
mod buffers;
mod burst;
mod calls;
mod canonical;
pub mod congestion;
mod control;
mod deferral;
mod discard;
mod draft;
mod ecn;
mod error;
mod fast_open;
mod handshake;
mod header_prediction;
mod held_sacks;
mod icmp_trust;
mod input;
mod invariants;
mod kept;
mod loan;
mod memory;
mod nagle;
mod output;
mod overrun;
mod pacing;
mod packets;
mod path_mtu;
mod plan;
mod ranges;
mod readiness;
mod receive_memory;
mod receive_room;
mod recovery;
mod recv_buffer;
mod resets;
mod ring;
mod segment;
mod send_buffer;
mod seq;
mod state;
pub mod stateless;
mod stats;
mod status;
mod tcb;
mod text;
mod time_wait;
mod timeouts;
mod timers;
mod timestamps;
mod together;
mod usage;
mod windows;

pub use discard::Discard;
pub use draft::Draft;
pub use error::{ConnectionError, RecvError, SendError};
pub use fast_open::{FastOpen, FastOpenOutcome};
pub use handshake::Path;
pub use header_prediction::MayFollow;
pub use invariants::{Broken, SequenceSpace};
pub use loan::Loan;
pub use memory::Allowance;
pub use output::Departure;
pub use readiness::Readiness;
pub use recovery::RecoveryState;
pub use segment::{Segment, reset_for};
pub use seq::Seq;
pub use state::{ARROWS, Arrow, Event, State};
pub use stats::{Overrun, Times};
pub use status::{EcnOctets, Receiving, Status};
pub use tcb::{FourTuple, Open, Tcb};
pub use time_wait::{TimeWait, Waking};
pub use timers::Timer;
