//! The windows that a receiver tells, how its buffer grows, and how the closed window of a peer is probed.

use core::time::Duration;

use super::ConfigError;

/// What a connection does about windows, where RFC 9293 leaves it free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Once the handshake has shown how long segments are, both buffers have room for whole ones.
    /// Default off; FreeBSD: 65,536 octets become 65,700.
    pub whole_segment_buffers: bool,
    /// The window is at most as many whole segments as the buffer has room for, and the first one so many,
    /// though the field of a SYN cannot say it. Default off; Linux: of 20,000 octets, 18,980 are offered.
    pub whole_segment_window: bool,
    /// Which window is told when. Default [`WindowTold::Steps`].
    pub told: WindowTold,
    /// When and how the receive buffer grows. Default [`ReceiveGrowth::TwiceRead`].
    pub growth: ReceiveGrowth,
    /// The window scale is that of [`TcpConfig::receive_buffer`](super::TcpConfig::receive_buffer), whatever
    /// size the user has asked for, as in FreeBSD. Default off.
    pub scales_for_largest: bool,
    /// What there must be room for in the receive buffer. Default [`ReceiveRoom::Octets`].
    pub room: ReceiveRoom,
    /// Where packets count, a scaled window that was given is taken back if packets have taken more memory than
    /// was expected, as Linux does it if it is told to (RFC 7323 §2.4 has reasons not to). Default off: its
    /// right edge never moves left (RFC 9293 §3.8.6).
    pub may_shrink: bool,
    /// When a closed window of the peer is probed, and with what. Default [`Persist::Rto`].
    pub persist: Persist,
}

impl Windows {
    /// Probes at no distance would never end.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.persist {
            Persist::AtLeast(Duration::ZERO) => Err(ConfigError::Zero("windows.persist")),
            Persist::AtLeast(_) | Persist::Rto => Ok(()),
        }
    }
}

/// Which window an acknowledgment tells, and when the reader makes one leave that tells a larger
/// window (RFC 9293 §3.8.6.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WindowTold {
    /// The right edge stays until it can move by a segment or half the buffer. A window with less than two
    /// segments left is told once it moves, a larger one once half the buffer has become free.
    #[default]
    Steps,
    /// What the buffer has room for, but less than a segment and a quarter of the buffer is none. A larger
    /// one is told once it is larger by two segments, and by a quarter of the buffer, or less than an
    /// eighth was left, or the buffer holds eight segments at most; and once half the buffer has become
    /// free; but not while an acknowledgment waits. Scaled, it is rounded up; and a reset tells none. As
    /// in FreeBSD.
    Room,
}

/// What the receive buffer has room for (RFC 9293 §3.8.6 leaves buffers to the host).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReceiveRoom {
    /// Octets of text.
    #[default]
    Octets,
    /// What packets take in memory, which is twice as many octets: the window is what text is expected in
    /// the rest, by the share that text had in the memory of the longest segment; and it grows, from the first
    /// one on, with what arrives. What finds no room is dropped, once small packets are copied
    /// together. As Linux has it.
    Packets,
}

/// When the receive buffer grows, while nobody has fixed its size, and by how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReceiveGrowth {
    /// To twice what was read in a round trip, and what slow start brings next (dynamic right-sizing).
    #[default]
    TwiceRead,
    /// By half, once seven eighths of it were read in a round trip: as in FreeBSD.
    HalfMore,
    /// It does not.
    Never,
}

/// How far apart probes of a closed window are (RFC 9293 §3.8.6.1), always bounded by
/// [`TcpConfig::max_persist`](super::TcpConfig::max_persist).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Persist {
    /// RTO, and twice as far after each (SHLD-29, SHLD-30).
    #[default]
    Rto,
    /// 4 SRTT + 8 RTTVAR, twice as far after each, with the slop of RTO on top; at least so long, and not
    /// sooner of a window that is too small to be used. Above zero. And each probe carries the next octet of text. As
    /// in FreeBSD, with 5 s.
    AtLeast(Duration),
}
