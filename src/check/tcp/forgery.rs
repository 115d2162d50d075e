//! Blind attacks (RFC 5961): what an adversary sends who knows the addresses and ports, but not
//! the sequence numbers. Each is just next to what would be accepted.

use core::net::SocketAddr;

use crate::tcp::{SequenceSpace, State};
use crate::wire::{Control, IpHeader, Options, Packet, TcpHeader, Text, protocol};

/// A forged segment, placed relative to what its victim expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forgery {
    /// RST in the window, but not at RCV.NXT (RFC 5961 §3).
    RstInWindow,
    /// RST just left of the window.
    RstLeft,
    /// RST far away.
    RstFar,
    /// SYN at RCV.NXT (RFC 5961 §4).
    SynInWindow,
    /// SYN far away.
    SynFar,
    /// SYN,ACK far away.
    SynAckFar,
    /// FIN at RCV.NXT with an acknowledgment of what was never sent (RFC 5961 §5).
    FinAckUnsent,
    /// Text at RCV.NXT with an acknowledgment of what was never sent.
    TextAckUnsent,
    /// Text at RCV.NXT with an acknowledgment from before ISS, a "ghost".
    TextGhostAck,
    /// Text far to the right of the window.
    TextFar,
    /// An acknowledgment of what was never sent.
    AckUnsent,
    /// A segment without any flag.
    Null,
}

impl Forgery {
    /// Every one.
    pub const ALL: [Forgery; 12] = [
        Forgery::RstInWindow,
        Forgery::RstLeft,
        Forgery::RstFar,
        Forgery::SynInWindow,
        Forgery::SynFar,
        Forgery::SynAckFar,
        Forgery::FinAckUnsent,
        Forgery::TextAckUnsent,
        Forgery::TextGhostAck,
        Forgery::TextFar,
        Forgery::AckUnsent,
        Forgery::Null,
    ];

    /// Whether the forged segment must change nothing in `state`. A SYN in SYN-SENT is a
    /// simultaneous open: no number in it could be wrong.
    pub(super) fn is_blind_in(self, state: State) -> bool {
        let is_syn = matches!(self, Forgery::SynInWindow | Forgery::SynFar);
        !(is_syn && state == State::SynSent)
    }

    /// The datagram from `sockets[0]` to `sockets[1]`, whose connection is at `space`.
    pub(super) fn datagram(
        self,
        sockets: [SocketAddr; 2],
        state: State,
        space: &SequenceSpace,
    ) -> Vec<u8> {
        const FAR: u32 = 0x4000_0000;
        let next = space.rcv_nxt.wire();
        let (una, unsent) = (space.snd_una.wire(), space.snd_nxt.wire().wrapping_add(7));
        let ghost = space.iss.wire().wrapping_sub(1);
        let ack = Control::ACK;
        // Before the peer's first segment there is no window: the adversary need only guess the
        // acknowledgment.
        let blind = if state == State::SynSent { unsent } else { una };
        let (seq, ack, control, text) = match self {
            Forgery::RstInWindow => (next.wrapping_add(1), blind, Control::RST, ""),
            Forgery::RstLeft => (next.wrapping_sub(1), blind, Control::RST, ""),
            Forgery::RstFar => (next.wrapping_add(FAR), unsent, Control::RST | ack, ""),
            Forgery::SynInWindow => (next, 0, Control::SYN, ""),
            Forgery::SynFar => (next.wrapping_add(FAR), 0, Control::SYN, ""),
            Forgery::SynAckFar => (next.wrapping_add(FAR), unsent, Control::SYN | ack, ""),
            Forgery::FinAckUnsent => (next, unsent, Control::FIN | ack, ""),
            Forgery::TextAckUnsent => (next, unsent, ack, "!"),
            Forgery::TextGhostAck => (next, ghost, ack, "!"),
            Forgery::TextFar => (next.wrapping_add(FAR), blind, ack, "!"),
            Forgery::AckUnsent => (next, unsent, ack, ""),
            Forgery::Null => (next, 0, Control::default(), ""),
        };
        let header = TcpHeader {
            source_port: sockets[0].port(),
            destination_port: sockets[1].port(),
            seq,
            ack,
            control,
            window: 8,
            urgent: 0,
            options: Options::default(),
        };
        let ip = IpHeader::new(sockets[0].ip(), sockets[1].ip(), protocol::TCP, 64);
        Packet::tcp(&ip, &header, Text::from(text.as_bytes())).to_vec()
    }
}
