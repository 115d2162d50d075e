//! One connection, as a pure state machine: RFC 9293 §3.10.
//!
//! A [`Tcb`] takes segments, user calls and times, and returns segments. It reads no clock, never
//! blocks and knows nothing about bytes on a wire. Its driver
//!
//! * passes in what arrives ([`Tcb::segment_arrives`]) and the calls of its user ([`Tcb::send`],
//!   [`Tcb::recv`], [`Tcb::close`], …),
//! * then takes what has to leave, until there is nothing more ([`Tcb::poll_transmit`]), and what
//!   the user may want to know ([`Tcb::take_readiness`]),
//! * and comes back at [`Tcb::next_deadline`] ([`Tcb::handle_timeouts`]).
//!
//! A [`Stack`](crate::stack::Stack) does that for many connections.
//!
//! ```
//! use std::sync::Arc;
//! use stubborn::config::TcpConfig;
//! use stubborn::tcp::congestion::Controllers;
//! use stubborn::tcp::{FastOpen, FourTuple, Open, Path, State, Tcb};
//! use stubborn::time::Instant;
//! use stubborn::wire::Ecn;
//!
//! let config = Arc::new(TcpConfig::default());
//! let now = Instant::ZERO;
//! let open = |local: &str, remote: &str, iss| Open {
//!     config: &config,
//!     controller: Controllers::default().find_or_default(config.congestion_control),
//!     tuple: FourTuple {
//!         local: local.parse().unwrap(),
//!         remote: remote.parse().unwrap(),
//!     },
//!     path: Path::new(1500, false),
//!     iss,
//!     timestamp_offset: 0,
//!     defer_accept: None,
//!     is_answered: false,
//!     fast_open: FastOpen::default(),
//! };
//!
//! // RFC 9293 §3.5, figure 6.
//! let mut client = Tcb::open_active(now, &open("192.0.2.1:40000", "192.0.2.2:7", 100));
//! let syn = client.poll_transmit(now).unwrap();
//! assert_eq!(syn.to_string(), "<SEQ=100><CTL=SYN>");
//!
//! let open = open("192.0.2.2:7", "192.0.2.1:40000", 300);
//! let mut server = Tcb::open_passive(now, &open, Ecn::NotEct, &syn.header(40000, 7));
//! let syn_ack = server.poll_transmit(now).unwrap();
//! assert_eq!(syn_ack.to_string(), "<SEQ=300><ACK=101><CTL=SYN,ACK>");
//!
//! client.segment_arrives(now, Ecn::NotEct, &syn_ack.header(7, 40000), &[]);
//! assert_eq!(client.state(), State::Established);
//! ```
//!
//! Terms, here and everywhere below: *text* is the data that segments carry (RFC 9293's word), a
//! *place* a position in the sequence space ([`Seq`]), *the user* the program on this side, *the
//! peer* the host on the other; a connection that *no user holds* has been released by its user,
//! and finishes by itself (an orphan).
//!
//! | file | RFC 9293 | what is in it |
//! |---|---|---|
//! | `seq` | §3.4 | [`Seq`]: a place in the sequence space, 64 bits wide |
//! | `segment` | §3.3.1 | [`Segment`]: SEG.SEQ, SEG.ACK, …; the reset in answer to a segment of no connection (§3.10.7.1) |
//! | `state` | §3.3.2 | [`State`], [`Event`] and every [`Arrow`] of figure 5 |
//! | `tcb` | §3.3.1 | [`Tcb`]: SND.UNA, RCV.NXT, … |
//! | `invariants` | | what always holds between these variables: [`Tcb::check`] |
//! | `calls` | §3.10.1–6 | OPEN, RECEIVE, CLOSE, ABORT, STATUS; ICMP (§3.9.2.2) |
//! | `sending` | §3.10.2 | SEND |
//! | `send_room` | | how much SEND takes if packets count, as in Linux |
//! | `input` | §3.10.7 | SEGMENT ARRIVES |
//! | `discard` | §3.10.7 | why a segment was not used |
//! | `header_prediction` | | the fast path for expected segments, with the same result |
//! | `acceptable` | §3.10.7.4, first | whether a segment lies in the window, and the answer if it does not |
//! | `acknowledge` | §3.10.7.4, fifth | what an acknowledgment does |
//! | `text` | §3.10.7.4, seventh | what text does |
//! | `ack_delay` | §3.8.6.3 | delayed acknowledgments: for how long |
//! | `apart` | §3.8.6.3 | acknowledgments that a single one for a whole batch would not replace |
//! | `held_sacks` | RFC 5681 §4.2 | acknowledgments beyond a gap that are held back for a moment |
//! | `icmp_trust` | RFC 5927 §4 | which ICMP errors are believed |
//! | `resets` | RFC 5961 §3 | which resets are believed |
//! | `fins` | §3.10.7.4, eighth | FINs that other text or another FIN contradicts |
//! | `overrun` | §3.10.7.4, first | segments that end beyond the window |
//! | `recent` | §3.10.7.4, first | recent duplicates: what counts of segments that bring nothing |
//! | `plan` | §3.7, §3.8 | decides what the next segment carries, and changes nothing |
//! | `output` | §3.7, §3.8 | notes that segment as sent, and builds it |
//! | `windows` | §3.8.6 | the windows that we advertise |
//! | `packet_memory` | | the memory that a packet takes, as in Linux |
//! | `receive_memory`, `receive_room`, `receive_rounds` | §3.8.6 | windows computed, as in Linux, from the memory that packets take, and from what is read in a round trip |
//! | `nagle` | §3.7.4, §3.8.6.2.1 | whether less than a full segment may be sent |
//! | `timers`, `timeouts` | §3.10.8 | the deadlines, and what each expiry does |
//! | `time_wait` | §3.6.1 | a connection in TIME-WAIT, in little memory |
//! | `handshake` | §3.4.1, §3.7.1 | what two SYNs agree on |
//! | `fast_open` | RFC 7413 | text on a SYN |
//! | `deferral` | | handshakes that end only when text arrives (`defer_accept`) |
//! | `stateless` | RFC 4987 | handshakes without state, for SYN cookies |
//! | `timestamps` | RFC 7323 | RTT samples and PAWS |
//! | `ecn/` | RFC 3168, RFC 9768 | explicit congestion notification: marks instead of losses |
//! | `send_buffer`, `recv_buffer` | §3.10.2–3 | text to be sent or not yet acknowledged; text to be read |
//! | `ring`, `ranges` | | octets addressed by their places, and sets of places |
//! | `kept` | §3.10.3 | text to be read that stays in the memory into which it was received |
//! | `draft` | §3.10.2 | memory of the send buffer into which the user writes text directly |
//! | `loan` | §3.10.3 | memory of the receive buffer that is lent to the user |
//! | `boundaries` | §3.9.1.2 | where records end, and what is pushed |
//! | `packets` | | text in packets, as Linux keeps it |
//! | `together` | | when packets leave, and leave again |
//! | `buffers` | §3.8.6 | how large the two buffers are |
//! | `path_mtu` | §3.7.2 | how long datagrams may be: ICMP (RFC 1191, 8201), probes (RFC 8899) |
//! | `memory` | | how much the host lets the connection allocate |
//! | `recovery/` | §3.8.1 | what was lost, what to send again |
//! | `status`, `stats` | §3.10.6 | STATUS: what a user may see of a connection, and what is counted for that |
//! | `error`, `readiness` | | what can go wrong for a user, and what a user may wait for |
//! | `canonical` | – | a hash of all that decides the future, for model checkers |
//! | `congestion/` | §3.8.2 | how much may be in flight: [`congestion::Controller`] |
//! | `control` | §3.8.2 | when a congestion controller starts, and when it starts again |
//! | `usage` | – | whether the congestion window is in use |
//! | `pacing` | – | how fast text leaves |
//! | `burst` | – | how much text one acknowledgment lets out |

mod acceptable;
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
mod fins;
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
mod packet_memory;
mod packets;
mod path_mtu;
mod plan;
mod ranges;
mod readiness;
mod receive_memory;
mod receive_room;
mod receive_rounds;
mod recent;
mod recovery;
mod recv_buffer;
mod resets;
mod ring;
mod segment;
mod send_buffer;
mod send_room;
mod sending;
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
pub use fast_open::{FastOpen, FastOpenFailure, FastOpenOutcome};
pub use handshake::Path;
pub use header_prediction::MayFollow;
pub use invariants::{Broken, SequenceSpace};
pub use loan::Loan;
pub use memory::Allowance;
pub use output::Departure;
pub(crate) use packet_memory::memory_of;
pub use readiness::Readiness;
pub use recovery::RecoveryState;
pub use segment::{Segment, reset_for};
pub use seq::Seq;
pub use state::{ARROWS, Arrow, Event, State};
pub use stats::{Overrun, Times};
pub use status::{EcnOctets, Receiving, Status};
pub use tcb::{FourTuple, Open, Tcb};
pub use time_wait::{TimeWait, WakeContext};
pub use timers::Timer;
