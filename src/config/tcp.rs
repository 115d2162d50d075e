//! How a connection behaves: the settings of TCP.

use core::time::Duration;

use super::{
    Acceptance, AckWaits, ConfigError, CongestionControl, EcnConfig, Endings, Habits, Keepalive,
    Nagle, OptionLayout, PacingConfig, PathMtuConfig, Push, QuickAcks, RtoFloor, SignatureKeys,
    SocketOptions, UserTimeoutFrom, WindowUse, Windows,
};

/// The least [`TcpConfig::max_sent_records`].
const LEAST_SENT_RECORDS: usize = 16;

/// How a connection behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// The MSS that this host offers (RFC 9293 §3.7.1): the most octets of text that it takes in one
    /// segment. At least 1. Default `None`: as many as fit the MTU.
    pub mss: Option<u16>,
    /// The least MSS, in octets, with which this host sends, whatever the peer's MSS option says: a guard
    /// against tiny segments. Default 48.
    pub min_send_mss: u16,
    /// The largest capacity of the receive buffer, in octets: the most text that is received and not read.
    /// At least 1. Default 16 MiB: twice what 1 Gbit/s over 60 ms takes.
    pub receive_buffer: usize,
    /// The capacity with which the receive buffer starts, in octets. From there it grows up to
    /// `receive_buffer` as the path requires (dynamic right-sizing); if it is not less than
    /// `receive_buffer`, the size is fixed. At least 1. Default 512 KiB: a window that fits the default
    /// queue (500 packets) of a TUN interface, whose short round trips require no more.
    pub initial_receive_buffer: usize,
    /// The most octets that the window of our SYN or SYN-ACK offers, which is not scaled (RFC 7323 §2.2).
    /// Later segments offer what the buffer has room for. At least 1. Default 65,535.
    pub initial_receive_window: u16,
    /// Which windows are advertised, and how the receive buffer grows.
    pub windows: Windows,
    /// The largest capacity of the send buffer, in octets. At least 1. Default 8 MiB.
    pub send_buffer: usize,
    /// The capacity with which the send buffer starts, in octets. From there it grows up to `send_buffer`,
    /// so that it holds two congestion windows; if it is not less than `send_buffer`, the size is fixed. At
    /// least 1. Default 512 KiB.
    pub initial_send_buffer: usize,
    /// The rate of the fastest path, in octets per second: beyond `initial_send_buffer`, the send buffer
    /// grows to no more than such a path carries in two of the shortest round trips. On a path within one machine the
    /// congestion window also counts what the peer's user has not read yet, and a buffer that follows it no
    /// longer fits into the caches. `None`: no such limit. At least 1. Default 12.5e9, 100 Gbit/s, which only
    /// matters where the round trip is shorter than 0.3 ms.
    pub fastest_path: Option<u64>,
    /// The order of the options of a SYN, which makes no difference to a receiver. Default
    /// [`OptionLayout::TimestampsFirst`].
    pub option_layout: OptionLayout,
    /// How the path MTU is found.
    pub path_mtu: PathMtuConfig,
    /// Offer and accept window scaling (RFC 7323 §2). Default on.
    pub window_scaling: bool,
    /// Offer and accept timestamps (RFC 7323 §3). Default on.
    pub timestamps: bool,
    /// Offer and accept selective acknowledgments (RFC 2018). Default on.
    pub sack: bool,
    /// With SACK, report duplicates (D-SACK, RFC 2883). Default on.
    pub dsack: bool,
    /// The longest delay of an acknowledgment of text, less than 500 ms (RFC 9293 MUST-40). `None`:
    /// acknowledgments are not delayed. Default 40 ms.
    pub delayed_ack: Option<Duration>,
    /// For which acknowledgments Nagle's algorithm waits. Default [`Nagle::Everything`].
    pub nagle: Nagle,
    /// When the user timeout starts to run. Default [`UserTimeoutFrom::Transmission`].
    pub user_timeout_from: UserTimeoutFrom,
    /// Which segments have PSH. Default [`Push::QueueEnd`].
    pub push: Push,
    /// With [`Push::SendEnd`], a packet waits for the acknowledgment that is due only while less than the
    /// window divided by this number may be sent; 0: while no more than three segments may. As in Linux
    /// with `tcp_tso_win_divisor`. Default 3.
    pub gathered_parts: u32,
    /// How long, at the start of a connection, segments with text are acknowledged at once. Default
    /// [`QuickAcks::UntilSending`].
    pub quick_acks: QuickAcks,
    /// What else, besides more text and the end of `delayed_ack`, ends the delay of an acknowledgment.
    pub ack_waits: AckWaits,
    /// The RTO before the first RTT sample (RFC 6298 §2.1). Above zero. Default 1 s.
    pub initial_rto: Duration,
    /// The lower bound of the RTO. RFC 6298 §2.4 says 1 s. Default 200 ms, as in common stacks.
    pub min_rto: Duration,
    /// What `min_rto` is a lower bound of. Default [`RtoFloor::Whole`].
    pub rto_floor: RtoFloor,
    /// A constant added to every RTO but the first, after doubling. Default 0; FreeBSD has 200 ms.
    pub rto_slop: Duration,
    /// The upper bound of the RTO (RFC 6298 §2.5: at least 60 s). Default 120 s.
    pub max_rto: Duration,
    /// With SACK, detect losses by time (RACK, RFC 8985). Off, by how much has been reported beyond
    /// them (RFC 6675). Default on.
    pub rack: bool,
    /// With SACK, probe for the loss of the last segments of a flight (TLP, RFC 8985 §7). Default on.
    pub tail_loss_probe: bool,
    /// After a retransmission timeout, send new text to find out whether the timeout was
    /// spurious (F-RTO, RFC 5682). Default on.
    pub forward_rto: bool,
    /// For how long the peer may delay the acknowledgment of a single segment: TLP.max_ack_delay of RFC
    /// 8985 §7.2. Default 200 ms.
    pub peer_ack_delay: Duration,
    /// The most records of segments in the network. Beyond it, neighbouring records are merged, and losses are
    /// located less exactly. A record takes about 100 octets. At least 16. Default 16,384.
    pub max_sent_records: usize,
    /// R1: after this many retransmissions of one segment, the path is suspected (RFC 9293
    /// MUST-20, SHLD-10: at least 3). Default 3.
    pub r1: u32,
    /// R2 for data: after this many retransmissions of one segment, the connection is given up
    /// (RFC 9293 MUST-20, SHLD-11: at least 100 s of them). Default 15.
    pub r2: u32,
    /// R2 for our SYN (RFC 9293 MUST-23: at least 3 minutes of them). Default 7: given up after
    /// 247 s, since `max_rto` bounds the last interval.
    pub syn_retries: u32,
    /// Retransmissions of our SYN, before those of `syn_retries`, after which the timeout is not doubled.
    /// Default 0 (RFC 6298 §5.5). Linux has 4, and a `syn_retries` of 6: its SYNs are sent again
    /// after 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s, and given up after 131 s.
    pub syn_linear_retries: u32,
    /// How often our SYN or SYN-ACK may be retransmitted before the initial window is reduced to one
    /// segment. Default 0 (RFC 6928 §2); Linux has 1, because the answer may just have been slow.
    pub syn_losses_forgiven: u32,
    /// R2 for the SYN-ACK of a passive open. Default 5: given up after 63 s.
    pub syn_ack_retries: u32,
    /// The segments of a passive open have the traffic class of its SYN, except for the ECN bits,
    /// whatever the listener's [`SocketOptions::traffic_class`] is, until the user sets another.
    /// Default off.
    pub reflects_traffic_class: bool,
    /// The ways in which it behaves like common hosts rather than as the RFCs say. Default: none.
    pub habits: Habits,
    /// MSL: how long a segment may live in the network (RFC 9293 §3.4.2: 2 minutes). Default
    /// 30 s, as in common stacks, so that TIME-WAIT lasts 60 s.
    pub msl: Duration,
    /// A reset does not end TIME-WAIT, because it may be an old duplicate (RFC 1337 §3, F1). Default
    /// on.
    pub time_wait_ignores_resets: bool,
    /// Which segments are accepted, where an RFC leaves that open or common hosts differ.
    pub acceptance: Acceptance,
    /// A reset in CLOSING or LAST-ACK is reported as an error, as in common stacks, because what was sent
    /// last may not have arrived. Off, it is not (RFC 9293 §3.10.7.4, second): both sides have closed, and
    /// the peer may have gone before its last acknowledgment got through. Default off.
    pub tells_late_resets: bool,
    /// What ends a connection prematurely, and who is told.
    pub endings: Endings,
    /// How long FIN-WAIT-2 may last once no user holds the connection. Zero: it is reset
    /// at once. `None`: for ever. Default 60 s.
    pub fin_wait_2_timeout: Option<Duration>,
    /// The keepalive parameters of a connection whose user turns keepalive on without choosing any. Whether
    /// keepalive is on is in [`SocketOptions::keepalive`].
    pub keepalive: Keepalive,
    /// The longest time between two probes of a zero window (RFC 9293 §3.8.6.1). Above zero.
    /// Default 60 s.
    pub max_persist: Duration,
    /// Once no user holds the connection, it is aborted after this many unanswered retransmissions or
    /// answered zero-window probes. Default 8.
    pub orphan_retries: u32,
    /// The initial congestion window, in segments. If the MSS exceeds 1,460 octets, it is no more octets than
    /// this many segments of 1,460, but at least two segments (RFC 6928 §2). Default 10.
    pub initial_window: u32,
    /// The longest burst, in segments. Unless the connection is paced, one acknowledgment lets out no more
    /// than it shows to have arrived plus this (or what the window lets out in a millisecond, if that is
    /// more); and after idleness no more than this leaves at once (RFC 6582 §3.2, step 3; RFC 4015 §3.1,
    /// step 9). `None`: as much as the window allows. Above zero. Default 10.
    pub max_burst: Option<u32>,
    /// After being idle for longer than the RTO, a connection starts again from the initial window (RFC
    /// 5681 §4.1). Default on.
    pub slow_start_after_idle: bool,
    /// The most segments by which one acknowledgment increases the congestion window in slow start. At
    /// least 1. `None`: 2, but 1 while a timeout is repaired (RFC 3465 §2.3), and 8 in CUBIC's first slow start (RFC
    /// 9406 §4.2). Default `None`; Linux has no limit.
    pub slow_start_limit: Option<u32>,
    /// CUBIC's first slow start may end before anything is lost (HyStart++, RFC 9406). Default on.
    pub hystart: bool,
    /// When the congestion window counts as being in use. Default [`WindowUse::InFlight`].
    pub window_use: WindowUse,
    /// The congestion controller. Default [`CongestionControl::Cubic`] (RFC 9438 §1).
    pub congestion_control: CongestionControl,
    /// Congestion window validation (RFC 7661), for Reno, CUBIC and DCTCP: a congestion window that is not
    /// in use is kept for five minutes and then halved; a loss leaves half of the part that was in use; and
    /// a connection does not start again from the initial window after idleness. Default off, since RFC
    /// 7661 is experimental.
    pub window_validation: bool,
    /// Pacing: whether and how what is sent is spread over time.
    pub pacing: PacingConfig,
    /// Explicit congestion notification.
    pub ecn: EcnConfig,
    /// Header prediction: expected segments take a fast path, with the same result. Default on; turn it off
    /// to compare the two.
    pub header_prediction: bool,
    /// The least time between two challenge ACKs of one connection, or two ACKs in answer to unacceptable
    /// segments without text (RFC 5961 §7). Default 500 ms.
    pub challenge_interval: Duration,
    /// Fast Open without cookies: text is sent on SYNs, and accepted on SYNs from any host (the
    /// cookies of RFC 7413 §3 prevent that). Default off.
    pub fast_open_without_cookie: bool,
    /// The ISS of every connection, instead of an unpredictable one (RFC 6528). Only for
    /// simulations and model checkers: on a real network, an attacker could guess sequence
    /// numbers. Default `None`.
    pub fixed_iss: Option<u32>,
    /// The most ranges of text held beyond a gap. Beyond it, the farthest is dropped. At least 1. Default
    /// 512.
    pub max_out_of_order_ranges: usize,
    /// The peers with which segments are signed with MD5 (RFC 2385), and the keys. Default: none.
    pub signatures: SignatureKeys,
    /// The options that a user may change on an open socket.
    pub socket: SocketOptions,
}

impl Default for TcpConfig {
    fn default() -> TcpConfig {
        TcpConfig {
            mss: None,
            min_send_mss: 48,
            receive_buffer: 16 * 1024 * 1024,
            initial_receive_buffer: 512 * 1024,
            initial_receive_window: u16::MAX,
            windows: Windows::default(),
            send_buffer: 8 * 1024 * 1024,
            initial_send_buffer: 512 * 1024,
            fastest_path: Some(12_500_000_000),
            option_layout: OptionLayout::TimestampsFirst,
            path_mtu: PathMtuConfig::default(),
            window_scaling: true,
            timestamps: true,
            sack: true,
            dsack: true,
            delayed_ack: Some(Duration::from_millis(40)),
            nagle: Nagle::Everything,
            user_timeout_from: UserTimeoutFrom::Transmission,
            push: Push::QueueEnd,
            gathered_parts: 3,
            quick_acks: QuickAcks::UntilSending,
            ack_waits: AckWaits::default(),
            initial_rto: Duration::from_secs(1),
            min_rto: Duration::from_millis(200),
            rto_slop: Duration::ZERO,
            max_rto: Duration::from_secs(120),
            rto_floor: RtoFloor::Whole,
            rack: true,
            tail_loss_probe: true,
            forward_rto: true,
            peer_ack_delay: Duration::from_millis(200),
            max_sent_records: 16_384,
            r1: 3,
            r2: 15,
            syn_retries: 7,
            syn_linear_retries: 0,
            syn_losses_forgiven: 0,
            syn_ack_retries: 5,
            reflects_traffic_class: false,
            habits: Habits::default(),
            msl: Duration::from_secs(30),
            time_wait_ignores_resets: true,
            acceptance: Acceptance::default(),
            tells_late_resets: false,
            endings: Endings::default(),
            fin_wait_2_timeout: Some(Duration::from_secs(60)),
            keepalive: Keepalive::default(),
            max_persist: Duration::from_secs(60),
            orphan_retries: 8,
            initial_window: 10,
            max_burst: Some(10),
            slow_start_after_idle: true,
            slow_start_limit: None,
            hystart: true,
            window_use: WindowUse::InFlight,
            congestion_control: CongestionControl::Cubic,
            window_validation: false,
            pacing: PacingConfig::default(),
            ecn: EcnConfig::default(),
            header_prediction: true,
            challenge_interval: Duration::from_millis(500),
            fast_open_without_cookie: false,
            fixed_iss: None,
            max_out_of_order_ranges: 512,
            signatures: SignatureKeys::default(),
            socket: SocketOptions::default(),
        }
    }
}

impl TcpConfig {
    /// Checks that every value is in its range, and that the values make sense together.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.path_mtu.validate()?;
        self.windows.validate()?;
        self.endings.validate()?;
        let positive = [
            (self.receive_buffer, "receive_buffer"),
            (self.initial_receive_buffer, "initial_receive_buffer"),
            (
                usize::from(self.initial_receive_window),
                "initial_receive_window",
            ),
            (self.send_buffer, "send_buffer"),
            (self.initial_send_buffer, "initial_send_buffer"),
            (self.fastest_path.unwrap_or(1) as usize, "fastest_path"),
            (self.max_out_of_order_ranges, "max_out_of_order_ranges"),
            (usize::from(self.mss.unwrap_or(1)), "mss"),
            (usize::from(self.min_send_mss), "min_send_mss"),
            (self.initial_window as usize, "initial_window"),
            (self.max_burst.unwrap_or(1) as usize, "max_burst"),
            (self.ecn.attempts as usize, "ecn.attempts"),
            (self.ecn.classic_attempts as usize, "ecn.classic_attempts"),
            (
                self.slow_start_limit.unwrap_or(1) as usize,
                "slow_start_limit",
            ),
            (self.max_persist.as_nanos().min(1) as usize, "max_persist"),
        ];
        if let Some((_, name)) = positive.iter().find(|(value, _)| *value == 0) {
            return Err(ConfigError::Zero(name));
        }
        if self.max_sent_records < LEAST_SENT_RECORDS {
            return Err(ConfigError::SentRecords);
        }
        // RFC 7323 §2.3: a window is less than 2^30 octets.
        if self.receive_buffer >= 1 << 30 || self.send_buffer >= 1 << 30 {
            return Err(ConfigError::BufferTooLarge);
        }
        let least = self.min_rto.min(self.initial_rto);
        if least.is_zero() || self.min_rto > self.max_rto {
            return Err(ConfigError::RtoBounds);
        }
        // RFC 9293 MUST-40.
        if self
            .delayed_ack
            .is_some_and(|delay| delay >= Duration::from_millis(500))
        {
            return Err(ConfigError::DelayedAck);
        }
        self.keepalive.validate()?;
        self.socket.validate()?;
        self.pacing.validate()
    }
}
