//! The transmission control block: the variables of one connection under their names in
//! RFC 9293 §3.3.1.

mod acks;
mod spaces;

use core::fmt;
use core::net::SocketAddr;
use std::sync::Arc;

use super::ack_delay::AckTiming;
use super::boundaries::Boundaries;
use super::buffers::{self, RightSizing};
use super::burst::Burst;
use super::congestion::{Factory, Governor};
use super::control::first_start;
use super::deferral::Deferral;
use super::ecn::Feedback;
use super::error::ConnectionError;
use super::fast_open::{FastOpen, Opening};
use super::handshake::{Agreed, Path, own_mss};
use super::memory::Allowance;
use super::pacing::Pacer;
use super::path_mtu::PathMtu;
use super::readiness::Readiness;
use super::recovery::Recovery;
use super::recv_buffer::RecvBuffer;
use super::send_buffer::SendBuffer;
use super::seq::Seq;
use super::state::{Event, State};
use super::stats::{Overrun, Stats};
use super::timers::{Timer, Timers};
use super::timestamps::Timestamps;
use super::usage::Usage;
use crate::config::{SocketOptions, TcpConfig};
use crate::time::{Duration, Instant};

pub(super) use acks::{AckDue, Acks, Probes, QUICK_ACKS};
pub(super) use spaces::{Rcv, Snd};

/// What identifies a connection: the local and the remote socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourTuple {
    /// Address and port of this host.
    pub local: SocketAddr,
    /// Address and port of the peer.
    pub remote: SocketAddr,
}

impl fmt::Display for FourTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <-> {}", self.local, self.remote)
    }
}

/// What an OPEN needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Open<'a> {
    /// The configuration of the connection, which connections share.
    pub config: &'a Arc<TcpConfig>,
    /// The source of its congestion controller.
    pub controller: &'static dyn Factory,
    /// Its local and remote socket.
    pub tuple: FourTuple,
    /// What the network layer carries.
    pub path: Path,
    /// ISS: the initial send sequence number (RFC 6528).
    pub iss: u32,
    /// The offset of our timestamp clock (RFC 7323 §7.1).
    pub timestamp_offset: u32,
    /// How long a passive OPEN waits for text before it accepts a bare acknowledgment of its SYN
    /// ([`ListenerConfig::defer_accept`](crate::config::ListenerConfig::defer_accept)).
    pub defer_accept: Option<Duration>,
    /// Whether the user is expected to answer the first text: its acknowledgment waits for that
    /// ([`AckWaits::expect_answer`](crate::config::AckWaits::expect_answer)).
    pub is_answered: bool,
    /// TCP Fast Open (RFC 7413).
    pub fast_open: FastOpen,
}

/// One connection. A value: the same calls with the same times and segments lead to the same
/// result.
#[derive(Clone, Debug)]
pub struct Tcb {
    /// Shared by most connections of a host.
    pub(super) config: Arc<TcpConfig>,
    pub(super) tuple: FourTuple,
    pub(super) path: Path,
    pub(super) state: State,
    /// It came from LISTEN.
    pub(super) passive: bool,
    pub(super) snd: Snd,
    pub(super) rcv: Rcv,
    pub(super) send_buffer: SendBuffer,
    /// Where pushes and records end in the text to be sent.
    pub(super) boundaries: Boundaries,
    pub(super) recv_buffer: RecvBuffer,
    pub(super) right_sizing: RightSizing,
    pub(super) path_mtu: PathMtu,
    /// What the host allows it to allocate.
    pub(super) allowance: Allowance,
    pub(super) agreed: Agreed,
    pub(super) timestamps: Timestamps,
    pub(super) feedback: Feedback,
    pub(super) recovery: Recovery,
    pub(super) congestion: Governor,
    /// How much of its window is in use.
    pub(super) usage: Usage,
    /// The source of its congestion controller.
    pub(super) factory: &'static dyn Factory,
    pub(super) pacer: Pacer,
    pub(super) burst: Burst,
    pub(super) timers: Timers,
    pub(super) acks: Acks,
    pub(super) probes: Probes,
    /// How it was opened, if by Fast Open.
    pub(super) opening: Opening,
    /// The handshake waits for text.
    pub(super) deferral: Option<Box<Deferral>>,
    /// Our SYN or SYN-ACK must leave now, for the first time or because the peer's arrived again.
    pub(super) syn_due: bool,
    /// A reset with this sequence number must leave now: the answer, during the handshake, to an
    /// acknowledgment of something never sent.
    pub(super) refuse: Option<Seq>,
    /// The connection was aborted: a reset must leave now.
    pub(super) reset_due: bool,
    /// The user has released it.
    pub(super) orphan: bool,
    /// The user has shut down reading.
    pub(super) read_shut: bool,
    /// The last SEND was a part, with more to follow.
    pub(super) parted: bool,
    /// New text may wait for the next acknowledgment, so that more of it leaves together.
    pub(super) gathers: bool,
    /// SEND took less than it was given: the user waits for room.
    pub(super) starved: bool,
    /// Why the connection ended; taken by the call that reports it.
    pub(super) error: Option<ConnectionError>,
    /// An ICMP error about the path, which explains a later timeout (RFC 9293 §3.9.2.2).
    pub(super) soft_error: Option<ConnectionError>,
    pub(super) readiness: Readiness,
    /// When something last arrived.
    pub(super) last_received: Instant,
    /// When text was last sent.
    pub(super) last_sent: Instant,
    pub(super) stats: Stats,
    /// See [`Tcb::is_steady`].
    pub(super) steady: bool,
}

impl Tcb {
    /// A control block in CLOSED, with initial values.
    pub(super) fn new(now: Instant, open: &Open<'_>, irs: Option<Seq>) -> Tcb {
        let Open { config, path, .. } = *open;
        let iss = Seq::initial(open.iss);
        let rcv_nxt = irs.map_or(Seq::initial(0), |irs| irs + 1);
        let mss = usize::from(own_mss(config, path));
        let start = first_start(now, config, mss, iss);
        Tcb {
            config: Arc::clone(config),
            tuple: open.tuple,
            path: Path {
                learnt: None,
                ..path
            },
            state: State::Closed,
            passive: false,
            snd: Snd::new(iss, rcv_nxt, path, mss),
            rcv: Rcv::new(irs, rcv_nxt, config),
            boundaries: Boundaries::default(),
            usage: Usage::new(iss),
            send_buffer: SendBuffer::new(buffers::first_send_buffer(config), iss + 1),
            recv_buffer: RecvBuffer::new(
                buffers::first_receive_buffer(config),
                config.max_out_of_order_ranges,
                rcv_nxt,
            )
            .report_duplicates(config.dsack),
            right_sizing: RightSizing::new(now, config, mss),
            path_mtu: PathMtu::new(&config.path_mtu, path, own_mss(config, path), iss),
            allowance: Allowance::UNLIMITED,
            agreed: Agreed::new(config, open.tuple.remote.ip()),
            timestamps: Timestamps::new(open.timestamp_offset),
            feedback: Feedback::new(config.ecn),
            recovery: Recovery::new(now, config, iss),
            congestion: Governor::new(open.controller.start(&start)),
            factory: open.controller,
            pacer: Pacer::new(now),
            burst: Burst::default(),
            timers: Timers::default(),
            acks: Acks::new(open, rcv_nxt),
            probes: Probes::default(),
            opening: Opening::new(open),
            deferral: (open.defer_accept).map(|wait| Box::new(Deferral::new(now, wait))),
            syn_due: true,
            refuse: None,
            reset_due: false,
            orphan: false,
            read_shut: false,
            parted: false,
            gathers: false,
            starved: false,
            error: None,
            soft_error: None,
            readiness: Readiness::NONE,
            last_received: now,
            last_sent: now,
            stats: Stats::new(now),
            steady: false,
        }
    }

    /// Follows the arrow of the diagram that `event` names.
    pub(super) fn on(&mut self, event: Event) {
        let Some(next) = self.state.on(event) else {
            debug_assert!(false, "no arrow for {event} from {}", self.state);
            return;
        };
        log::info!("{}: {} -- {event} --> {next}", self.tuple, self.state);
        self.state = next;
        self.readiness |= Readiness::STATE;
        self.look_ahead();
    }

    /// CLOSED: forgets what will not be sent any more; text that the user has not read stays.
    pub(super) fn end(&mut self, event: Event, error: Option<ConnectionError>) {
        self.on(event);
        self.error = error;
        self.timers.disarm_all();
        self.send_buffer.clear();
        self.recv_buffer.settle();
        self.readiness |= Readiness::READABLE | Readiness::WRITABLE;
    }

    /// Gives up: the peer can no longer be reached.
    pub(super) fn give_up(&mut self) {
        self.stats.gave_up_alone = self.orphan;
        self.reset_due |= self.config.endings.resets_given_up && self.state.is_synchronized();
        let error = self.soft_error.unwrap_or(ConnectionError::TimedOut);
        self.end(Event::GiveUp, Some(error));
    }

    /// TIME-WAIT: only the timer matters now.
    pub(super) fn start_time_wait(&mut self, now: Instant) {
        self.timers.disarm_all();
        self.start_two_msl(now);
        self.send_buffer.clear();
        self.recv_buffer.settle();
        self.recovery.shrink();
    }

    /// TIME-WAIT ends two MSL from now (MUST-13).
    pub(super) fn start_two_msl(&mut self, now: Instant) {
        let two_msl = self.config.msl.saturating_mul(2);
        self.timers.arm(Timer::Close, now + two_msl);
    }

    /// SND.UNA + SND.WND: the first place that the peer does not let us send.
    pub(super) fn snd_edge(&self) -> Seq {
        self.snd.una + self.snd.wnd
    }

    /// Whether the peer's FIN, and so everything before it, has been received.
    pub(super) fn fin_received(&self) -> bool {
        self.rcv.fin.is_some_and(|fin| fin < self.rcv.nxt)
    }

    /// Whether our FIN has been acknowledged.
    pub(super) fn fin_acknowledged(&self) -> bool {
        self.snd.fin.is_some_and(|fin| fin < self.snd.una)
    }

    /// Whether text or a FIN waits to be sent for the first time.
    pub(super) fn has_unsent(&self) -> bool {
        (self.state.sends_text() || self.is_open_early())
            && (self.send_buffer.end() > self.snd.nxt
                || self.snd.fin.is_some_and(|fin| fin >= self.snd.nxt))
    }

    /// Octets of sequence space sent and not acknowledged.
    pub(super) fn flight_size(&self) -> usize {
        self.snd.nxt - self.snd.una
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The local and remote socket.
    #[inline]
    pub fn tuple(&self) -> FourTuple {
        self.tuple
    }

    /// Whether the connection came from a passive OPEN.
    pub fn is_passive(&self) -> bool {
        self.passive
    }

    /// When the next timer expires.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// As [`Tcb::next_deadline`], for a caller that replaces all earlier deadlines by this one.
    pub fn settle_deadline(&mut self) -> Option<Instant> {
        self.timers.settle()
    }

    /// When to look at this connection, for a caller that still has an earlier deadline registered. It may
    /// be before the next timer expires, but never after.
    #[inline]
    pub fn look_by(&self) -> Option<Instant> {
        self.timers.look_by()
    }

    /// Whether a timer may expire before the deadline that the caller was given last, so that it must ask for a new
    /// one.
    #[inline]
    pub fn take_sooner(&mut self) -> bool {
        self.timers.take_sooner()
    }

    /// What has become worth trying since the last call.
    pub fn take_readiness(&mut self) -> Readiness {
        core::mem::take(&mut self.readiness)
    }

    /// The socket options in force.
    pub fn options(&self) -> SocketOptions {
        self.config.socket
    }

    /// The least TTL or hop limit that arriving segments may have: see
    /// [`SocketOptions::min_hop_limit`](crate::config::SocketOptions).
    pub fn min_hop_limit(&self) -> u8 {
        self.config.socket.min_hop_limit
    }

    /// TTL or hop limit of departing segments; `None`: that of the host.
    pub fn hop_limit(&self) -> Option<u8> {
        match self.state == State::TimeWait && self.ends_lightly() {
            true => None,
            false => self.config.socket.hop_limit,
        }
    }

    /// Whether the user has released the connection.
    pub fn is_orphan(&self) -> bool {
        self.orphan
    }

    /// Ends TIME-WAIT early: the host has too many, or a new incarnation takes over (RFC 6191).
    pub fn end_time_wait(&mut self) {
        if self.state == State::TimeWait {
            self.end(Event::Timeout, None);
        }
    }

    /// Whether it was given up, because the peer did not answer, after its user had released it.
    pub fn gave_up_alone(&self) -> bool {
        self.stats.gave_up_alone
    }

    /// How many segments were sent again, and how often the retransmission timer expired.
    pub fn repeated(&self) -> (u64, u64) {
        (self.stats.retransmissions, self.stats.timeouts())
    }

    /// Takes how the last segment exceeded the window.
    pub fn take_overrun(&mut self) -> Option<Overrun> {
        self.stats.overrun.take()
    }

    /// Whether no user holds the connection, it is closed, and nothing more has to be sent for it.
    pub fn is_finished(&self) -> bool {
        self.orphan && self.is_silent()
    }

    /// Whether the connection is closed and nothing more has to be sent for it.
    pub fn is_silent(&self) -> bool {
        matches!(self.state, State::Closed | State::Listen)
            && !self.reset_due
            && self.refuse.is_none()
    }

    /// Octets on the heap.
    #[inline(always)]
    pub fn heap_size(&self) -> usize {
        let timing = self
            .acks
            .timing
            .as_ref()
            .map_or(0, |_| size_of::<AckTiming>());
        self.buffers_size() + timing + self.stats.allocated()
    }

    /// Octets on the heap that can be given back while nothing is held.
    #[inline]
    pub(super) fn buffers_size(&self) -> usize {
        self.send_buffer.allocated()
            + self.recv_buffer.allocated()
            + self.recv_buffer.allocated_for_loans()
            + self.recovery.allocated()
            + self.acks.apart.allocated()
            + (self.rcv.memory.as_ref()).map_or(0, |memory| memory.allocated())
    }
}
