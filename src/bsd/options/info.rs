//! `TCP_INFO`: what is reported about a socket.

use core::time::Duration;

use crate::bsd::Calls;
use crate::bsd::control::fin_is_acked;
use crate::bsd::errno::Errno;
use crate::bsd::linux::{
    TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
    TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT, TCPI_OPT_ECN, TCPI_OPT_ECN_SEEN,
    TCPI_OPT_SACK, TCPI_OPT_SYN_DATA, TCPI_OPT_TFO_CHILD, TCPI_OPT_TIMESTAMPS, TCPI_OPT_WSCALE,
};
use crate::bsd::stream::Role;
use crate::bsd::table::Fd;
use crate::bsd::tcp_info::TcpInfo;
use crate::config::{EcnMode, TcpConfig};
use crate::tcp::{FastOpenFailure, RecoveryState, State, Status, Times};
use crate::time::Instant;

impl Calls<'_> {
    /// `TCP_INFO`, as numbers.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` for other than TCP sockets.
    pub fn tcp_info(&self, fd: Fd) -> Result<TcpInfo, Errno> {
        let socket = self.stream(fd, Errno::EINVAL)?;
        Ok(match &socket.role {
            Role::Fresh => TcpInfo {
                // A socket that waits for the first text to connect has no connection yet, but on Linux is
                // in SYN-SENT.
                state: match socket.waits_for {
                    Some(_) => TCP_SYN_SENT as u8,
                    None => TCP_CLOSE as u8,
                },
                flags: 1,
                ..untried(&socket.config)
            },
            Role::Listening(ids) => {
                let waiting = ids.iter().map(|id| self.stack.acceptable_count(*id));
                let configs = ids.iter().filter_map(|id| self.stack.listener_config(*id));
                TcpInfo {
                    state: TCP_LISTEN as u8,
                    unacked: waiting.sum::<usize>() as u32,
                    sacked: configs
                        .map(|config| self.system.asked(config.backlog))
                        .max()
                        .unwrap_or(0) as u32,
                    // A socket without a connection has nothing else to report.
                    rto: 0,
                    snd_mss: 0,
                    snd_ssthresh: 0,
                    min_rtt: 0,
                    rttvar: 0,
                    ..untried(&socket.config)
                }
            }
            Role::Connection(id, _) => {
                let times = self.stack.times(self.now, *id);
                let limit = self.stack.options(*id).max_pacing_rate;
                let info = from_status(&self.stack.status(*id), &times, self.now);
                let failure = fast_open_failure(self.stack.fast_open_failure(*id));
                let assumed = self.stack.assumed_segment(*id);
                // This flag is for all text on the SYN, not for a part.
                let untrue = if failure > 0 { TCPI_OPT_SYN_DATA } else { 0 };
                TcpInfo {
                    flags: info.flags | failure << 1,
                    options: info.options & !(untrue as u8),
                    snd_mss: assumed.map_or(info.snd_mss, u32::from),
                    rcv_mss: assumed.map_or(info.rcv_mss, |_| LEAST_SEGMENT),
                    rcv_space: assumed.map_or(info.rcv_space, |_| 0),
                    pacing_rate: info.pacing_rate.min(limit.unwrap_or(u64::MAX)),
                    max_pacing_rate: limit.unwrap_or(u64::MAX),
                    // Linux counts the SYN of the side that opened.
                    bytes_acked: info.bytes_acked + u64::from(self.stack.has_opened(*id)),
                    ..info
                }
            }
        })
    }
}

/// The values of a socket that has sent nothing.
fn untried(config: &TcpConfig) -> TcpInfo {
    TcpInfo {
        rto: u32::try_from(config.initial_rto.as_micros()).unwrap_or(u32::MAX),
        snd_mss: 536,
        snd_ssthresh: 0x7fff_ffff,
        snd_cwnd: config.initial_window,
        rttvar: unsampled_variation(config.initial_rto),
        reordering: LEAST_REORDERING,
        pacing_rate: config.socket.max_pacing_rate.unwrap_or(u64::MAX),
        max_pacing_rate: config.socket.max_pacing_rate.unwrap_or(u64::MAX),
        min_rtt: u32::MAX,
        ..TcpInfo::default()
    }
}

/// RTTVAR of a connection without a sample: a quarter of the timeout, microseconds.
fn unsampled_variation(rto: Duration) -> u32 {
    u32::try_from((rto / 4).as_micros()).unwrap_or(u32::MAX)
}

/// RTTVAR, microseconds.
fn rttvar(status: &Status) -> u32 {
    match status.srtt {
        Some(_) => u32::try_from(status.rttvar.as_micros()).unwrap_or(u32::MAX),
        None => unsampled_variation(status.rto / (1 << status.doublings.min(16))),
    }
}

/// The results of STATUS in Linux's units: segments, microseconds, milliseconds.
fn from_status(status: &Status, times: &Times, now: Instant) -> TcpInfo {
    let mss = u64::from(status.snd_mss.max(1));
    let segments = |octets: u64| u32::try_from(octets.div_ceil(mss)).unwrap_or(u32::MAX);
    let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let millis = |then: Instant| u32::try_from((now - then).as_millis()).unwrap_or(u32::MAX);
    let (peer_scale, own_scale) = status.window_scale.unwrap_or((0, 0));
    let retries = status.backoff.min(255) as u8;
    TcpInfo {
        state: state(status.state),
        ca_state: recovery(status.recovery),
        retransmits: retries,
        probes: status.unanswered_probes.min(255) as u8,
        backoff: backoff(status),
        options: options(status),
        scales: peer_scale | (own_scale << 4),
        flags: u8::from(status.is_app_limited || status.delivery_rate.is_none()),
        rto: micros(status.rto),
        ato: micros(status.ack_delay),
        snd_mss: u32::from(status.snd_mss),
        rcv_mss: rcv_mss(status),
        unacked: unacked(status),
        sacked: status.sacked as u32,
        // What was lost and retransmitted counts as lost until it arrives.
        lost: of_text(status, status.lost + under_repair(status)),
        retrans: of_text(status, status.resent),
        last_data_sent: millis(status.last_text_sent),
        last_data_recv: millis(status.last_text_received),
        last_ack_recv: millis(status.last_ack_received),
        pmtu: status.path_mtu as u32,
        rcv_ssthresh: (status.receiving.threshold).map_or(status.rcv_wnd, |most| most as u32),
        rtt: micros(status.srtt.unwrap_or_default()),
        rttvar: rttvar(status),
        // Linux's value for a threshold that was never set.
        snd_ssthresh: segments(status.ssthresh).min(0x7fff_ffff),
        snd_cwnd: u32::try_from(status.cwnd / mss).unwrap_or(u32::MAX).max(1),
        advmss: u32::from(status.advertised_mss).saturating_sub(options_on_all(status)),
        reordering: reordering(status),
        rcv_rtt: status.receiver_rtt.map_or(0, micros),
        rcv_space: rcv_space(status),
        total_retrans: status.retransmissions as u32,
        pacing_rate: status.pacing_rate.unwrap_or(u64::MAX),
        max_pacing_rate: u64::MAX,
        // Linux counts our FIN, too.
        bytes_acked: status.bytes_acked + u64::from(status.closing && fin_is_acked(status)),
        // A FIN counts, too.
        bytes_received: status.bytes_received + u64::from(status.fin_received),
        segs_out: status.segments_out as u32,
        segs_in: status.segments_in as u32,
        // Our FIN counts too, if it waits behind text.
        notsent_bytes: (status.unsent + usize::from(status.closing && status.unsent > 0)) as u32,
        min_rtt: status.min_rtt.map_or(u32::MAX, micros),
        data_segs_in: status.text_segments_in as u32,
        data_segs_out: status.text_segments_out as u32,
        busy_time: times.busy.as_micros() as u64,
        rwnd_limited: times.window_limited.as_micros() as u64,
        sndbuf_limited: times.buffer_limited.as_micros() as u64,
        delivery_rate: status.delivery_rate.unwrap_or(0),
        delivered: status.segments_delivered as u32,
        bytes_sent: status.bytes_sent,
        bytes_retrans: status.bytes_resent,
        dsack_dups: status.duplicates as u32,
        reord_seen: status.reorderings as u32,
        rcv_ooopack: status.beyond_gap as u32,
        snd_wnd: status.snd_wnd,
        rcv_wnd: (status.receiving.told).map_or(status.rcv_wnd, |told| told as u32),
        ..timeouts(status, times)
    }
}

/// The values about timeouts.
fn timeouts(status: &Status, times: &Times) -> TcpInfo {
    let short = |count: u64| count.min(u64::from(u16::MAX)) as u16;
    TcpInfo {
        rehash: status.timeouts as u32,
        total_rto: short(status.timeouts),
        total_rto_recoveries: short(times.first_timeouts),
        total_rto_time: times.timed_out.as_millis() as u32,
        ..marks(status)
    }
}

/// The values about congestion marks.
fn marks(status: &Status) -> TcpInfo {
    TcpInfo {
        delivered_ce: status.delivered_ce as u32,
        received_ce: status.received_ce as u32,
        delivered_e1_bytes: status.delivered_octets.ect1 as u32,
        delivered_e0_bytes: status.delivered_octets.ect0 as u32,
        delivered_ce_bytes: status.delivered_octets.ce as u32,
        received_e1_bytes: status.received_octets.ect1 as u32,
        received_e0_bytes: status.received_octets.ect0 as u32,
        received_ce_bytes: status.received_octets.ce as u32,
        ..TcpInfo::default()
    }
}

/// The reordering that Linux assumes from the start, in segments.
const LEAST_REORDERING: u32 = 3;

/// What counts as lost although it was retransmitted: nothing, once it has turned out that nothing was
/// lost.
fn under_repair(status: &Status) -> usize {
    match status.recovery {
        RecoveryState::Recovery | RecoveryState::Loss => status.resent,
        _ => 0,
    }
}

fn recovery(state: RecoveryState) -> u8 {
    match state {
        RecoveryState::Open => 0,
        RecoveryState::Disorder => 1,
        RecoveryState::Reduced => 2,
        RecoveryState::Recovery => 3,
        RecoveryState::Loss => 4,
    }
}

fn state(state: State) -> u8 {
    (match state {
        State::Listen => TCP_LISTEN,
        State::SynSent => TCP_SYN_SENT,
        State::SynReceived => TCP_SYN_RECV,
        State::Established => TCP_ESTABLISHED,
        State::FinWait1 => TCP_FIN_WAIT1,
        State::FinWait2 => TCP_FIN_WAIT2,
        State::CloseWait => TCP_CLOSE_WAIT,
        State::Closing => TCP_CLOSING,
        State::LastAck => TCP_LAST_ACK,
        // By then, Linux's sockets have released the connection.
        State::TimeWait | State::Closed => TCP_CLOSE,
    }) as u8
}

/// If the receive buffer counts packets, the most that was read in a round trip, which decides its
/// growth; otherwise its size.
fn rcv_space(status: &Status) -> u32 {
    let octets = match status.receiving.threshold {
        Some(_) => status.receiving.most_read,
        None => status.receive_buffer,
    };
    u32::try_from(octets).unwrap_or(u32::MAX)
}

/// The segment size that Linux assumes before the peer has sent anything, in octets.
const LEAST_SEGMENT: u32 = 88;

/// The longest text of a received segment; before there is one, an estimate of at most 536 octets,
/// as for a peer without an MSS option.
fn rcv_mss(status: &Status) -> u32 {
    if let Some(segment) = status.receiving.segment {
        return segment as u32;
    }
    let expected = status.snd_mss.min(status.advertised_mss).min(536);
    u32::from(status.rcv_mss.max(expected))
}

/// `tcpi_fastopen_client_fail`: `TFO_COOKIE_UNAVAILABLE`, and so on.
fn fast_open_failure(failure: Option<FastOpenFailure>) -> u8 {
    match failure {
        None => 0,
        Some(FastOpenFailure::NoCookie) => 1,
        Some(FastOpenFailure::TextLeft) => 2,
        Some(FastOpenFailure::SynResent) => 3,
    }
}

/// The segments that are not acknowledged; none of a connection that is over.
fn unacked(status: &Status) -> u32 {
    match status.state {
        State::Closed => 0,
        // Our SYN,ACK does not count either, if text may be in flight with it.
        State::SynReceived if status.fast_open_child => (status.unacked as u32).saturating_sub(1),
        _ => status.unacked as u32,
    }
}

/// `segments` without our SYN,ACK, if text may be in flight with it and it was retransmitted.
fn of_text(status: &Status, segments: usize) -> u32 {
    let is_early = status.state == State::SynReceived && status.fast_open_child;
    let of_syn = usize::from(is_early && status.backoff > 0);
    segments.saturating_sub(of_syn) as u32
}

/// How often the timeout was doubled. Linux counts that of a SYN,ACK with Fast Open elsewhere; a connection
/// that is over has none.
fn backoff(status: &Status) -> u8 {
    match status.state {
        State::Closed => 0,
        State::SynReceived if status.fast_open_child => 0,
        _ => status.doublings.min(255) as u8,
    }
}

/// The reordering that was seen, and at least the initial value.
fn reordering(status: &Status) -> u32 {
    match status.reordering {
        reordering if reordering < LEAST_REORDERING as usize => LEAST_REORDERING,
        reordering => reordering as u32,
    }
}

/// The octets of the options that every segment carries.
fn options_on_all(status: &Status) -> u32 {
    if status.timestamps { 12 } else { 0 }
}

fn options(status: &Status) -> u8 {
    let agreed = [
        (status.timestamps, TCPI_OPT_TIMESTAMPS),
        (status.sack, TCPI_OPT_SACK),
        (status.window_scale.is_some(), TCPI_OPT_WSCALE),
        (status.ecn != EcnMode::Off, TCPI_OPT_ECN),
        (status.ecn_seen, TCPI_OPT_ECN_SEEN),
        (status.syn_data, TCPI_OPT_SYN_DATA),
        (status.fast_open_child, TCPI_OPT_TFO_CHILD),
    ];
    let bits = agreed.iter().filter(|(is, _)| *is).map(|(_, bit)| bit);
    bits.sum::<i32>() as u8
}
