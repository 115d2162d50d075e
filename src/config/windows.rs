//! The windows that are advertised, how the receive buffer grows, and how a closed window of the peer is probed.

use core::time::Duration;

use super::ConfigError;

/// How a connection handles windows, where RFC 9293 leaves it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Once the handshake has determined the MSS, the sizes of both buffers are rounded up to whole segments.
    /// Default off; on in FreeBSD, where 65,536 octets become 65,700.
    pub whole_segment_buffers: bool,
    /// The window is rounded down to whole segments; and the first one is as large as the buffer allows, though the
    /// window field of a SYN cannot express that. Default off; on in Linux, where 18,980 of 20,000 octets are offered.
    pub whole_segment_window: bool,
    /// The first window is at most this many segments of our size, and grows from there if `room` is
    /// [`ReceiveRoom::Packets`], as in Linux with `initrwnd` of a route. Default: as large as the buffer
    /// allows.
    pub first_segments: Option<u32>,
    /// Which window is advertised, and when. Default [`WindowTold::Steps`].
    pub told: WindowTold,
    /// When and how the receive buffer grows. Default [`ReceiveGrowth::TwiceRead`].
    pub growth: ReceiveGrowth,
    /// The window scale is that of [`TcpConfig::receive_buffer`](super::TcpConfig::receive_buffer), whatever
    /// size the user has asked for, as in FreeBSD. Default off.
    pub scales_for_largest: bool,
    /// The window scale fits a buffer of at least this many octets, unless the user has asked for a size,
    /// as in Linux with `rmem_max`. Default 0.
    pub least_scaled: usize,
    /// How the room in the receive buffer is counted. Default [`ReceiveRoom::Octets`].
    pub room: ReceiveRoom,
    /// With [`ReceiveRoom::Packets`], a scaled window shrinks if packets have taken more memory than
    /// expected, as in Linux with `tcp_shrink_window` (RFC 7323 §2.4 has reasons against it). Default off: the
    /// right edge never moves left (RFC 9293 §3.8.6).
    pub may_shrink: bool,
    /// When a closed window of the peer is probed, and with what. Default [`Persist::Rto`].
    pub persist: Persist,
}

impl Windows {
    /// Probes without an interval between them would never stop.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.persist {
            Persist::AtLeast(Duration::ZERO) => Err(ConfigError::Zero("windows.persist")),
            Persist::AtLeast(_) | Persist::Rto => Ok(()),
        }
    }
}

/// Which window an acknowledgment advertises, and when reading causes a window update (RFC 9293 §3.8.6.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowTold {
    /// The right edge stays until it can move by a segment or half the buffer. If less than two segments of
    /// window are left, a window update is sent as soon as the edge moves; otherwise, once half the buffer has
    /// become free.
    #[default]
    Steps,
    /// The room in the buffer; but if that is less than a segment and a quarter of the buffer, 0. A window update is
    /// sent once the window has grown by two segments and either by a quarter of the buffer, or from less than an
    /// eighth of it, or in a buffer of at most eight segments; and once half the buffer has become
    /// free; but not while an acknowledgment is delayed. When scaled, the window is rounded up; a reset has
    /// a window of 0. As in FreeBSD.
    Room,
}

/// How the room in the receive buffer is counted (RFC 9293 §3.8.6 leaves buffers to the host).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiveRoom {
    /// In octets of text.
    #[default]
    Octets,
    /// In the memory that packets take, of which there is twice the size of the buffer. The window is the amount of
    /// text expected to fit the rest, by the share that text had in the memory of the longest segment; and it grows
    /// with what arrives, starting from the first window. If there is no room, small packets are copied together,
    /// and then packets are dropped. As in Linux.
    Packets,
}

/// When and by how much the receive buffer grows, unless the user has fixed its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiveGrowth {
    /// To twice what was read in a round trip, plus what slow start brings next (dynamic right-sizing).
    #[default]
    TwiceRead,
    /// By half, once seven eighths of it were read in a round trip, as in FreeBSD.
    HalfMore,
    /// Never.
    Never,
}

/// The interval between probes of a closed window (RFC 9293 §3.8.6.1), which
/// [`TcpConfig::max_persist`](super::TcpConfig::max_persist) always bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Persist {
    /// The RTO, doubled after each probe (SHLD-29, SHLD-30).
    #[default]
    Rto,
    /// 4 SRTT + 8 RTTVAR, doubled after each probe, plus the slop of the RTO, and at least this long, which is above
    /// zero. A window too small to be used is not probed sooner either. Each probe carries the next octet of text. As
    /// in FreeBSD, with 5 s.
    AtLeast(Duration),
}
