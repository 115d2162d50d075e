//! The variables of the two sequence spaces (RFC 9293 §3.3.1).

use core::ops::Range;

use crate::config::TcpConfig;
use crate::tcp::handshake::{Path, own_window_scale};
use crate::tcp::receive_memory::ReceiveMemory;
use crate::tcp::seq::Seq;

/// The send sequence space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::tcp) struct Snd {
    /// SND.UNA: the oldest place not acknowledged.
    pub(in crate::tcp) una: Seq,
    /// SND.NXT: the next place to be sent. It never moves back.
    pub(in crate::tcp) nxt: Seq,
    /// SND.WND: how far beyond SND.UNA the peer lets us send, in octets.
    pub(in crate::tcp) wnd: usize,
    /// SND.UP: the place after the last urgent octet, while it is not acknowledged.
    pub(in crate::tcp) up: Option<Seq>,
    /// SND.WL1: SEG.SEQ of the segment that last updated SND.WND.
    pub(in crate::tcp) wl1: Seq,
    /// SND.WL2: SEG.ACK of that segment.
    pub(in crate::tcp) wl2: Seq,
    /// ISS: the initial send sequence number, the place of our SYN.
    pub(in crate::tcp) iss: Seq,
    /// MAX.SND.WND: the largest SND.WND so far (RFC 5961 §5.2; Max(SND.WND) of §3.8.6.2.1).
    pub(in crate::tcp) max_wnd: usize,
    /// The place after the last text that was sent in a segment that was not full, with
    /// [`Nagle::Small`](crate::config::Nagle::Small).
    pub(in crate::tcp) small: Seq,
    /// With [`Nagle::Write`](crate::config::Nagle::Write): SND.UNA when a SEND found nothing in flight, and where
    /// its text ends.
    pub(in crate::tcp) alone: Range<Seq>,
    /// The place of our FIN, once the user has closed: after the last octet of text.
    pub(in crate::tcp) fin: Option<Seq>,
    /// With [`Push::SendEnd`](crate::config::Push::SendEnd): our FIN left after all text. A segment
    /// that was full then does not carry it when it is sent again.
    pub(in crate::tcp) fin_alone: bool,
    /// SendMSS: what the peer's MSS option says.
    pub(in crate::tcp) peer_mss: u16,
    /// Eff.snd.MSS: the longest text in a segment that we send.
    pub(in crate::tcp) mss: usize,
}

impl Snd {
    pub(super) fn new(iss: Seq, rcv_nxt: Seq, path: Path, mss: usize) -> Snd {
        Snd {
            una: iss,
            nxt: iss,
            wnd: 0,
            up: None,
            wl1: rcv_nxt,
            wl2: iss,
            iss,
            max_wnd: 0,
            small: iss,
            alone: iss..iss,
            fin: None,
            fin_alone: false,
            peer_mss: path.default_mss,
            mss,
        }
    }
}

/// The receive sequence space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::tcp) struct Rcv {
    /// RCV.NXT: the next place expected.
    pub(in crate::tcp) nxt: Seq,
    /// RCV.NXT + RCV.WND: the right edge of the window that the peer was given. It never moves
    /// left.
    pub(in crate::tcp) edge: Seq,
    /// RCV.UP: the place after the last urgent octet. Meaningless once the user has read beyond it.
    pub(in crate::tcp) up: Option<Seq>,
    /// IRS: the initial receive sequence number, the place of the peer's SYN; `None` in SYN-SENT.
    pub(in crate::tcp) irs: Option<Seq>,
    /// The place of the peer's FIN, once it has arrived.
    pub(in crate::tcp) fin: Option<Seq>,
    /// Last.ACK.sent (RFC 7323 §4.3): the acknowledgment field of the last segment sent.
    pub(in crate::tcp) last_ack_sent: Seq,
    /// The longest text that arrived in one segment: what the peer considers full-sized.
    pub(in crate::tcp) mss: usize,
    /// Rcv.Wind.Shift (RFC 7323 §2.2): the window scale that our SYN offers.
    pub(in crate::tcp) shift: u8,
    /// The user has read to the end of the stream.
    pub(in crate::tcp) end_read: bool,
    /// The memory of received packets, if that counts.
    pub(in crate::tcp) memory: Option<Box<ReceiveMemory>>,
}

impl Rcv {
    pub(super) fn new(irs: Option<Seq>, nxt: Seq, config: &TcpConfig) -> Rcv {
        Rcv {
            nxt,
            edge: nxt,
            up: None,
            irs,
            fin: None,
            last_ack_sent: nxt,
            mss: 0,
            shift: own_window_scale(config),
            end_read: false,
            memory: None,
        }
    }
}
