//! What the two SYNs agree on: MSS, window scale, timestamps, SACK; and where a connection
//! starts (RFC 9293 §3.4.1, §3.7.1; RFC 7323 §2, §3; RFC 2018 §2).

use core::net::IpAddr;
use std::sync::Arc;

use super::buffers;
use super::segment::Segment;
use super::seq::Seq;
use super::tcb::Tcb;
use crate::config::{OptionLayout, SignatureKey, SignatureKeys, TcpConfig};
use crate::time::Instant;
use crate::wire::{Control, Layout, Options, TcpHeader};

/// What a connection must know about the network layer below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Octets of the IP and TCP headers without options.
    pub headers: usize,
    /// The longest text that fits one datagram of the interface: MTU less the IP and TCP headers
    /// without options (RFC 9293 §3.7.1, MMS_S and MMS_R less 20).
    pub mss: u16,
    /// The MSS of a peer that offers none (MUST-15): 536 for IPv4, 1220 for IPv6.
    pub default_mss: u16,
    /// Whether the datagrams are IPv6.
    pub is_ipv6: bool,
    /// The path MTU in octets that another connection has learnt, and when, if it is smaller than
    /// that of the interface.
    pub learnt: Option<(u16, Instant)>,
}

impl Path {
    /// RFC 9293 §3.7.1: for IPv4, the default of 576 less 40; for IPv6, 1280 less 60.
    pub fn new(mtu: usize, is_ipv6: bool) -> Path {
        let headers = if is_ipv6 { 60 } else { 40 };
        Path {
            headers,
            mss: mtu.saturating_sub(headers).clamp(1, 65_535) as u16,
            default_mss: if is_ipv6 { 1220 } else { 536 },
            is_ipv6,
            learnt: None,
        }
    }
}

/// What was agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Agreed {
    /// SEG.WND of the peer is shifted left by the first, ours right by the second.
    pub(super) window_scale: Option<(u8, u8)>,
    /// SACK may be used.
    pub(super) sack: bool,
    /// Timestamps are on every segment.
    pub(super) timestamps: bool,
    /// Every segment is signed (RFC 2385), and leaves alone. This is not negotiated, but known to
    /// both ends.
    pub(super) signed: bool,
}

impl Agreed {
    /// Before anything is agreed.
    pub(super) fn new(config: &TcpConfig, peer: IpAddr) -> Agreed {
        Agreed {
            signed: config.signatures.find(peer).is_some(),
            ..Agreed::default()
        }
    }

    /// Octets of the options that every segment has.
    pub(super) fn options(&self) -> usize {
        let timestamps = if self.timestamps { 12 } else { 0 };
        let signature = if self.signed { Options::SIGNATURE } else { 0 };
        timestamps + signature
    }
}

/// RFC 2385 §4.3: signatures leave little room for other options. As on Linux, timestamps give way to
/// SACK; in the order of FreeBSD a SYN has room for all, and segments with timestamps have none for SACK.
fn has_room_for_timestamps(config: &TcpConfig, signed: bool, sack: bool) -> bool {
    !(signed && sack) || config.option_layout == OptionLayout::ScaleFirst
}

/// The shift with which the largest possible receive buffer can be advertised (RFC 7323 §2.2).
pub(super) fn own_window_scale(config: &TcpConfig) -> u8 {
    let largest = match config.windows.scales_for_largest {
        true => config.receive_buffer,
        false => buffers::largest_receive_buffer(config),
    };
    let largest = match config.socket.receive_buffer {
        Some(_) => largest,
        None => largest.max(config.windows.least_scaled),
    };
    let clamp = config.socket.window_clamp.unwrap_or(usize::MAX);
    let largest = largest.min(clamp);
    (0..=14)
        .find(|shift| largest >> shift <= usize::from(u16::MAX))
        .unwrap_or(14)
}

/// The MSS option that we send: the longest text that we accept (RFC 9293 §3.7.1, MUST-67).
pub(super) fn own_mss(config: &TcpConfig, path: Path) -> u16 {
    config.mss.map_or(path.mss, |mss| mss.min(path.mss))
}

/// The order of the options of our SYN.
pub(super) fn layout(config: &TcpConfig) -> Layout {
    match config.option_layout {
        OptionLayout::TimestampsFirst | OptionLayout::WithoutOptions => Layout::TimestampsFirst,
        OptionLayout::ScaleFirst => Layout::ScaleFirst,
    }
}

impl Tcb {
    /// The options of our SYN, or of our SYN-ACK once the peer's SYN has arrived: then only what it
    /// offered, too. The Fast Open option is on the first one only (RFC 7413 §7.1).
    pub(super) fn syn_options(&self, now: Instant, is_first: bool) -> Options {
        let again = self.config.habits.handshakes.crossing_offers_again && !self.passive;
        let peer_spoke = self.rcv.irs.is_some() && !again;
        let (scale, sack, timestamps) = if peer_spoke {
            let agreed = &self.agreed;
            (
                agreed.window_scale.is_some(),
                agreed.sack,
                agreed.timestamps,
            )
        } else {
            let config = &self.config;
            // Whether the peer supports SACK is not known yet.
            let fits = has_room_for_timestamps(config, self.agreed.signed, true);
            (
                config.window_scaling,
                config.sack,
                config.timestamps && fits,
            )
        };
        let says_mss = self.config.option_layout != OptionLayout::WithoutOptions;
        Options {
            mss: says_mss.then(|| self.offered_mss()),
            window_scale: scale.then_some(self.rcv.shift),
            sack_permitted: sack,
            timestamps: timestamps.then(|| self.timestamps.option(now)),
            layout: layout(&self.config),
            fast_open: self.opening.option().filter(|_| is_first && says_mss),
            signature: self.agreed.signed,
            ..Options::default()
        }
    }

    /// The MSS option of our SYN.
    fn offered_mss(&self) -> u16 {
        let own = own_mss(&self.config, self.path);
        (self.path_mtu).offer(own, &self.config.path_mtu)
    }

    /// Agrees to what the peer's SYN offers, as far as we offer or would offer it, too.
    pub(super) fn take_syn_options(&mut self, now: Instant, header: &TcpHeader) {
        let offered = &header.options;
        let crosses = !self.passive && !header.control.has(Control::ACK);
        let keeps_own = crosses && self.config.habits.handshakes.crossing_offers_again;
        self.agreed.window_scale = offered
            .window_scale
            .or(keeps_own.then_some(0))
            .filter(|_| self.config.window_scaling)
            .map(|peer| (peer.min(14), self.rcv.shift));
        self.agreed.sack = offered.sack_permitted && self.config.sack;
        if self.agreed.sack {
            self.recovery.agree_on_sack(&self.config, self.snd.iss);
        }
        let fits = has_room_for_timestamps(&self.config, self.agreed.signed, self.agreed.sack);
        self.agreed.timestamps = offered.timestamps.is_some() && self.config.timestamps && fits;
        if let Some(timestamps) = offered.timestamps
            && self.agreed.timestamps
        {
            self.timestamps.start(now, timestamps.val);
        }
        // MUST-15, MUST-16; the floor guards against segments of a few octets.
        let zero_is_none = self.config.habits.handshakes.zero_mss_is_none;
        let said = offered.mss.filter(|mss| *mss > 0 || !zero_is_none);
        let assumed = self.opening.assumed_mss().filter(|_| !self.passive);
        let peer_mss = said.or(assumed).unwrap_or(self.path.default_mss);
        self.snd.peer_mss = peer_mss.max(self.config.min_send_mss);
        let largest = self.snd.peer_mss.min(own_mss(&self.config, self.path));
        let options = self.agreed.options();
        (self.path_mtu).limit(now, &self.config.path_mtu, largest, options);
        self.set_effective_mss();
    }

    /// The window of a SYN,ACK that crosses ours and began at `start`: see
    /// [`Handshakes::crossing_offers_again`](crate::config::Handshakes::crossing_offers_again).
    pub(super) fn take_crossing_window(&mut self, seg: &Segment<'_>, start: Seq) {
        let shift = self.agreed.window_scale.map_or(0, |(peer, _)| peer);
        self.snd.wnd = seg.wnd << shift;
        self.snd.wl1 = self.snd.wl1.min(start);
    }

    /// Before the peer's SYN, the octets of text that a segment would carry to a peer that offers no MSS
    /// (RFC 9293 MUST-15), besides the options that we offer; `None` afterwards.
    pub fn assumed_segment(&self) -> Option<u16> {
        let assumed = self
            .opening
            .assumed_mss()
            .filter(|_| self.opening.takes_text());
        let mss = assumed.unwrap_or(self.path.default_mss);
        let options = if self.config.timestamps { 12 } else { 0 };
        (self.rcv.irs.is_none()).then(|| mss.saturating_sub(options))
    }

    /// The key with which every segment is signed (RFC 2385).
    #[inline]
    pub fn signature_key(&self) -> Option<&SignatureKey> {
        match self.agreed.signed {
            true => self.config.signatures.find(self.tuple.remote.ip()),
            false => None,
        }
    }

    /// Sets the keys with which segments are signed and verified from now on.
    pub fn set_signatures(&mut self, now: Instant, keys: SignatureKeys) {
        self.agreed.signed = keys.find(self.tuple.remote.ip()).is_some();
        Arc::make_mut(&mut self.config).signatures = keys;
        if self.rcv.irs.is_some() {
            self.set_effective_mss();
        }
        self.settle(now);
        self.look_ahead();
    }

    /// Sets Eff.snd.MSS (RFC 9293 §3.7.1, MUST-16): what the peer accepts and the path carries,
    /// less the options that every segment has.
    pub(super) fn set_effective_mss(&mut self) {
        let text = self.path_mtu.text().saturating_sub(self.agreed.options());
        self.snd.mss = text.min(self.most_of_window()).max(1);
        self.congestion.set_mss(self.snd.mss);
        self.recovery.set_mss(self.snd.mss);
    }
}
