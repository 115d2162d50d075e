//! What is owed to the peer, and asked of it: acknowledgments (RFC 9293 §3.8.6.3) and probes (§3.8.4,
//! §3.8.6.1).

use super::Open;
use crate::config::QuickAcks;
use crate::tcp::ack_delay::AckTiming;
use crate::tcp::apart::AcksApart;
use crate::tcp::seq::Seq;
use crate::time::Instant;

/// Whether an acknowledgment is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::tcp) enum AckDue {
    No,
    /// With the next segment, or when [`Timer::DelayedAck`](crate::tcp::timers::Timer) expires.
    Delayed,
    /// At once.
    Now,
}

/// When to acknowledge (RFC 9293 §3.8.6.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::tcp) struct Acks {
    pub(in crate::tcp) due: AckDue,
    /// Acknowledgments that leave before the one that is due.
    pub(in crate::tcp) apart: AcksApart,
    /// Octets received since the last acknowledgment.
    pub(in crate::tcp) unacknowledged: usize,
    /// Segments since the last acknowledgment, up to two, after which the peer has no more for now:
    /// pushed, or not full.
    pub(in crate::tcp) ends: u8,
    /// The user answers what arrives, and the answers carry acknowledgments, until one has waited
    /// in vain.
    pub(in crate::tcp) answering: bool,
    /// Segments with text still to be acknowledged at once: a sender in slow start needs every
    /// acknowledgment, and a single line should not wait. If the user answers, the answer carries the
    /// acknowledgment instead. Starts again after a silence.
    pub(in crate::tcp) quick: u8,
    /// State for which only some [`AckWaits`](crate::config::AckWaits) have a use.
    pub(in crate::tcp) timing: Option<Box<AckTiming>>,
    /// When text last came.
    pub(in crate::tcp) received: Option<Instant>,
    /// When an unacceptable segment was last answered (RFC 5961 §7).
    pub(in crate::tcp) challenged: Option<Instant>,
    /// Whether the connection was already in its [light ending](crate::config::Habits::light_ending) when
    /// the last segment arrived: then answers have that form.
    pub(in crate::tcp) lightly: bool,
}

impl Acks {
    pub(super) fn new(open: &Open<'_>, rcv_nxt: Seq) -> Acks {
        Acks {
            due: AckDue::No,
            apart: AcksApart::default(),
            unacknowledged: 0,
            ends: 0,
            answering: open.is_answered,
            quick: match open.config.quick_acks {
                QuickAcks::Never => 0,
                QuickAcks::UntilSending | QuickAcks::UntilAnswering => QUICK_ACKS,
            },
            timing: AckTiming::of(&open.config.ack_waits, rcv_nxt),
            received: None,
            challenged: None,
            lightly: false,
        }
    }

    /// Whether arriving text is acknowledged at once.
    pub(in crate::tcp) fn at_once(&self) -> bool {
        self.quick > 0 && !self.answering
    }
}

/// Segments acknowledged at once at the start of a connection, and after a silence.
pub(in crate::tcp) const QUICK_ACKS: u8 = 16;

/// Probing: of a closed window, and of a silent peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::tcp) struct Probes {
    /// A probe must leave now.
    pub(in crate::tcp) due: bool,
    /// What the window allows must be sent even if it is little: the override timeout.
    pub(in crate::tcp) push_due: bool,
    /// The same, because the override timeout is over.
    pub(in crate::tcp) overdue: bool,
    /// Probes of the window so far: the exponent of the interval.
    pub(in crate::tcp) persisted: u32,
    /// Probes of the window that were not answered.
    pub(in crate::tcp) unanswered: u32,
    /// Keepalive probes that were not answered.
    pub(in crate::tcp) keepalives: u32,
    /// The octet that the last probe of the window carried: it does not count as sent unless the peer
    /// accepts it.
    pub(in crate::tcp) octet: Option<Seq>,
}
