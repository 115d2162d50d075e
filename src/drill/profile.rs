//! Profiles: complete configurations of the stack for running scripts.

use core::fmt;
use core::net::IpAddr;

use super::variant::Variant;
use crate::bsd::System;
use crate::config::{
    Acceptance, AckWaits, Config, CongestionControl, CongestionHabits, EcnConfig, EcnMode,
    EcnOptions, Endings, FastOpenConfig, FastOpenKeys, FlowLabel, Habits, Handshakes, HoldSacks,
    IcmpTrust, Keepalive, MtuProbing, Nagle, OptionLayout, PacingConfig, PathMtuConfig, Persist,
    Push, QuickAcks, ReceiveGrowth, ReceiveRoom, RecoveryHabits, Resets, RetryLimit, RtoFloor,
    SendRoom, SendingHabits, SlowStartSigns, SocketOptions, Strangers, TcpConfig, UdpConfig,
    UdpOptions, UrgentPointer, UserTimeoutFrom, WindowTold, WindowUse, Windows,
};
use crate::time::Duration;

/// A behaviour for which scripts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The behaviour of Linux.
    #[default]
    Linux,
    /// The behaviour of FreeBSD.
    Freebsd,
    /// The defaults of this stack.
    Stubborn,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 3] = [Profile::Linux, Profile::Freebsd, Profile::Stubborn];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Linux => "linux",
            Profile::Freebsd => "freebsd",
            Profile::Stubborn => "stubborn",
        }
    }

    /// The profile with this name.
    pub fn from_name(name: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The initial definitions of words. FreeBSD's scripts distinguish what the standard requires
    /// from what FreeBSD does; here the standard counts. Linux's scripts use Fast Open cookies:
    /// those that Linux's own key and a key of zeros give for the addresses of a script.
    pub const fn definitions(self, variant: Variant) -> &'static [(&'static str, &'static str)] {
        match (self, variant) {
            (Profile::Freebsd, _) => &[("STANDARD", "")],
            (_, Variant::Ipv6) => &[
                ("CMSG_LEVEL_IP", "SOL_IPV6"),
                ("CMSG_TYPE_RECVERR", "IPV6_RECVERR"),
                ("TFO_COOKIE", "c1d1e9742a47a9bc"),
                ("TFO_COOKIE_ZERO", "82af1a8f9a205c34"),
            ],
            // An IPv6 socket behaves like one, whatever its packets are.
            (_, Variant::Ipv4MappedIpv6) => &[
                ("CMSG_LEVEL_IP", "SOL_IPV6"),
                ("CMSG_TYPE_RECVERR", "IPV6_RECVERR"),
                ("CODE", "host_unreachable"),
                ("TFO_COOKIE", "3021b9d889017eeb"),
                ("TFO_COOKIE_ZERO", "b7c12350a90dc8f5"),
            ],
            (_, Variant::Ipv4) => &[
                ("CMSG_LEVEL_IP", "SOL_IP"),
                ("CMSG_TYPE_RECVERR", "IP_RECVERR"),
                ("CODE", "host_unreachable"),
                ("TFO_COOKIE", "3021b9d889017eeb"),
                ("TFO_COOKIE_ZERO", "b7c12350a90dc8f5"),
            ],
        }
    }

    /// The system whose sockets a script finds.
    pub const fn system(self) -> System {
        match self {
            Profile::Freebsd => System::Freebsd,
            Profile::Linux | Profile::Stubborn => System::Linux,
        }
    }

    /// A host with these addresses and this MTU.
    pub fn config(self, address: IpAddr, mtu: usize) -> Config {
        let host = Config {
            mtu,
            ..Config::new([address])
        };
        match self {
            Profile::Linux => linux(host),
            Profile::Freebsd => freebsd(host),
            Profile::Stubborn => host,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which segments Linux accepts.
const LINUX_ACCEPTANCE: Acceptance = Acceptance {
    resets: Resets::AlsoBehindHeld,
    syns_reset: false,
    resets_with_syn: true,
    any_old_ack: false,
    timestamps_required: false,
    // 2^31 microseconds, of clocks that may tick as often.
    timestamp_lifetime: Duration::from_secs(2147),
    urgent_pointer: UrgentPointer::AtLeastOne,
    timestamp_slack: 1,
};

/// `rmem_max` and `wmem_max`.
const LINUX_MOST_BUFFER: usize = 4 << 20;
/// `rmem_default` and `wmem_default`: memory for datagrams.
const LINUX_DATAGRAMS: usize = 212_992;

/// How Linux delays acknowledgments.
const LINUX_WAITS: AckWaits = AckWaits {
    end_with_reading: true,
    hold_fin: false,
    hold_fin_after_text: true,
    answer_fin: false,
    hold_crossing: false,
    end_with_second: false,
    expect_answer: false,
    hold_smaller_window: true,
    end_early: true,
    follow_intervals: true,
    answers: 1,
    hold_sacks: Some(HoldSacks {
        most: 44,
        longest: Duration::from_millis(1),
    }),
};

/// Linux, with the settings that its own scripts begin with: `tcp_rmem` 4096 540000 15728640,
/// `tcp_wmem` 4096 262144 4194304, CUBIC, no slow start after idle, five retries of a SYN, no ECN,
/// no probes of the path MTU, Fast Open where a script asks for it, with a well-known key.
fn linux(host: Config) -> Config {
    let tcp = TcpConfig {
        // Half of `tcp_rmem` is window, half is overhead.
        initial_receive_buffer: 270_000,
        receive_buffer: 15 * 1024 * 1024,
        initial_send_buffer: 256 * 1024,
        fastest_path: None,
        send_buffer: 4 * 1024 * 1024,
        congestion_control: CongestionControl::Cubic,
        syn_retries: 5,
        syn_linear_retries: 4,
        syn_losses_forgiven: 1,
        syn_ack_retries: 5,
        nagle: Nagle::Small,
        quick_acks: QuickAcks::UntilAnswering,
        ack_waits: LINUX_WAITS,
        rto_floor: RtoFloor::Variation,
        max_persist: host.tcp.max_rto,
        windows: Windows {
            whole_segment_window: true,
            room: ReceiveRoom::Packets,
            least_scaled: LINUX_MOST_BUFFER,
            ..Windows::default()
        },
        user_timeout_from: UserTimeoutFrom::Retransmission,
        habits: habits(),
        socket: SocketOptions {
            flow_label: FlowLabel::ChangesAfterTimeouts,
            ..host.tcp.socket
        },
        time_wait_ignores_resets: false,
        acceptance: LINUX_ACCEPTANCE,
        tells_late_resets: true,
        slow_start_after_idle: false,
        max_burst: None,
        slow_start_limit: Some(u32::MAX),
        window_use: WindowUse::LastWindow,
        push: Push::SendEnd(2),
        pacing: PacingConfig {
            limit_paces_window: true,
            slows_halfway: true,
            counts_flight: true,
            ..PacingConfig::default()
        },
        ecn: linux_ecn(),
        path_mtu: linux_path_mtu(),
        ..host.tcp
    };
    Config {
        tcp,
        udp: linux_datagrams(&host.udp),
        fast_open: linux_fast_open(host.fast_open),
        most_receive_buffer: LINUX_MOST_BUFFER,
        most_send_buffer: LINUX_MOST_BUFFER,
        // On the loopback only.
        time_wait_reuse: None,
        resets_handshakes: false,
        ..host
    }
}

fn linux_fast_open(host: FastOpenConfig) -> FastOpenConfig {
    let key = [0xa1, 0xb2, 0xc3, 0xd4].map(|octet| [octet; 4]);
    FastOpenConfig {
        keys: Some(FastOpenKeys {
            current: key.concat().try_into().unwrap_or_default(),
            previous: None,
        }),
        black_hole_timeout: None,
        reserves_options: true,
        tries_experimental_option: true,
        retry_after: Duration::ZERO,
        ..host
    }
}

fn linux_datagrams(host: &UdpConfig) -> UdpConfig {
    UdpConfig {
        send_buffer: LINUX_DATAGRAMS / 2,
        socket: UdpOptions {
            receive_buffer: Some(LINUX_DATAGRAMS),
            ..host.socket
        },
        ..host.clone()
    }
}

/// Where Linux differs from the RFCs.
fn habits() -> Habits {
    Habits {
        handshakes: Handshakes {
            syn_follows_reset: true,
            bare_syn_ack: true,
            refuses_second_syn: true,
            answers_plainly: true,
            holds_fin: true,
            deferral_backs_off: true,
            zero_mss_is_none: true,
            crossing_offers_again: true,
            crossing_samples: true,
            unsampled_waits_longer: true,
            lost_syns_reduce: true,
        },
        icmp_trust: IcmpTrust {
            next_place: true,
            ends_handshakes: true,
            doubts_reassembly: true,
            any_path_mtu: true,
            ends_with_any_ack: true,
            unreachable_undoes_back_off: true,
        },
        recovery: linux_recovery(),
        congestion: CongestionHabits {
            timeout_keeps_ssthresh: true,
            recovery_reduces_once: true,
            reduces_from_cwnd: true,
            timeout_delivers_segment: true,
            grows_by_deliveries: true,
            idle_halves: true,
            reduces_whole_window: true,
            window_in_segments: true,
            marks_need_flight: true,
            counts_segments: true,
        },
        sending: SendingHabits {
            halves_windows: true,
            arrivals_end_parts: true,
            resends_in_window: true,
            fin_waits_for_window: true,
        },
        leaves_slow_start_at_once: Some(SlowStartSigns::default()),
        light_ending: true,
        acks_stay_in_window: true,
        doubts_smaller_windows: true,
        probes_count_from_answer: true,
        refuses_overruns: true,
        takes_recent_duplicates: true,
        ignores_unacknowledging: true,
        reports_fins: true,
        fins_give_way: true,
        resets_report: true,
        resets_across_fin: true,
        send_room: SendRoom::Packets,
        retry_limit: RetryLimit::Time,
    }
}

/// How Linux detects and repairs losses.
fn linux_recovery() -> RecoveryHabits {
    RecoveryHabits {
        more_duplicates: 0,
        counts_duplicates: true,
        smaller_window_is_duplicate: true,
        doubts_reneging: true,
        variation_lasts: true,
        dsack_needs_reordering: true,
        repairs_smaller_path: true,
        timers_wait_ticks: true,
        counts_no_segments: false,
        finds_lost_resends: false,
        samples_in_order: true,
        fixed_reordering_window: false,
        probe_needs_no_sample: true,
        probes_whole_segments: true,
        probes_nothing_forced: true,
        skipped_probe_rearms: true,
        resend_restarts_timer: true,
        acked_refutes_timeout: true,
        forward_rto_outlasts_duplicates: true,
        forgets_refuted_timeouts: true,
    }
}

/// Linux's path MTU discovery: only what routers report; `tcp_base_mss` 1024.
fn linux_path_mtu() -> PathMtuConfig {
    PathMtuConfig {
        probing: MtuProbing::Off,
        base: 1064,
        halves: true,
        limits_offer: true,
        ..PathMtuConfig::default()
    }
}

/// Linux's ECN: none, until a script asks for it.
fn linux_ecn() -> EcnConfig {
    EcnConfig {
        ask: EcnMode::Off,
        accept: EcnMode::Off,
        classic_attempts: 1,
        options: EcnOptions::Always,
        capable_throughout: true,
        proportional: true,
        refuses_capable_syns: true,
        ..EcnConfig::default()
    }
}

/// FreeBSD, with its base stack ("freebsd") and the settings that it comes with: what `sysctl
/// net.inet.tcp` says there.
fn freebsd(host: Config) -> Config {
    let config = Config {
        tcp: freebsd_connections(host.tcp.clone()),
        fast_open: FastOpenConfig {
            client: true,
            server: false,
            ..host.fast_open
        },
        strangers: Strangers {
            resets_overflows: true,
            takes_overflows: true,
            drops_syn_fin: false,
            // kern.ipc.soacceptqueue
            max_backlog: 128,
            ..Strangers::default()
        },
        ..host
    };
    freebsd_timers(config)
}

/// The order of its options, a window of 64 KiB that grows, a longest window of 2 MiB (shift 6),
/// buffers of whole segments; acknowledgments after 40 ms or with the second segment; losses found by
/// what is reported beyond them (RFC 6675), without RACK, tail loss probes or F-RTO; CUBIC without
/// HyStart++.
fn freebsd_connections(tcp: TcpConfig) -> TcpConfig {
    TcpConfig {
        option_layout: OptionLayout::ScaleFirst,
        max_burst: None,
        initial_receive_buffer: 64 * 1024,
        receive_buffer: 2 * 1024 * 1024,
        initial_send_buffer: 32 * 1024,
        fastest_path: None,
        send_buffer: 2 * 1024 * 1024,
        min_send_mss: 216,
        congestion_control: CongestionControl::Cubic,
        hystart: false,
        window_use: WindowUse::PeerWindow,
        habits: Habits {
            congestion: CongestionHabits {
                reduces_whole_window: true,
                ..CongestionHabits::default()
            },
            recovery: RecoveryHabits {
                finds_lost_resends: true,
                ..RecoveryHabits::default()
            },
            ..Habits::default()
        },
        rack: false,
        tail_loss_probe: false,
        forward_rto: false,
        windows: Windows {
            whole_segment_buffers: true,
            told: WindowTold::Room,
            growth: ReceiveGrowth::HalfMore,
            scales_for_largest: true,
            persist: Persist::AtLeast(Duration::from_secs(5)),
            ..Windows::default()
        },
        nagle: Nagle::Write,
        delayed_ack: Some(Duration::from_millis(40)),
        quick_acks: QuickAcks::Never,
        ack_waits: AckWaits {
            end_with_reading: false,
            expect_answer: false,
            end_with_second: true,
            answer_fin: true,
            ..AckWaits::default()
        },
        tells_late_resets: true,
        challenge_interval: Duration::ZERO,
        ecn: EcnConfig {
            ask: EcnMode::Off,
            accept: EcnMode::Classic,
            classic_attempts: 2,
            options: EcnOptions::Never,
            ..EcnConfig::default()
        },
        path_mtu: PathMtuConfig {
            probing: MtuProbing::Off,
            ..PathMtuConfig::default()
        },
        ..tcp
    }
}

/// A segment is retransmitted at most 12 times. The timeout is what the variation gives, at least 30
/// ms, plus 200 ms, and at most 64 s. An open has 75 s, a SYN-ACK three retransmissions. A closed
/// window is probed after 5 s to 60 s. A peer that is silent for two hours is probed eight times,
/// whether asked for or not.
fn freebsd_timers(host: Config) -> Config {
    let keepalive = Keepalive {
        count: 8,
        ..Keepalive::default()
    };
    let tcp = TcpConfig {
        min_rto: Duration::from_millis(30),
        rto_slop: Duration::from_millis(200),
        max_rto: Duration::from_secs(64),
        r2: 12,
        syn_retries: 12,
        syn_ack_retries: 3,
        orphan_retries: 12,
        endings: Endings {
            opening_timeout: Some(Duration::from_secs(75)),
            endures_errors: true,
            resets_given_up: true,
            resets_unread: false,
        },
        // Eight times 75 s, and it looks every 75 s.
        fin_wait_2_timeout: Some(Duration::from_secs(675)),
        keepalive,
        socket: SocketOptions {
            keepalive: Some(keepalive),
            ..host.tcp.socket
        },
        ..host.tcp
    };
    Config { tcp, ..host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_makes_sense_and_has_a_name() {
        for profile in Profile::ALL {
            let config = profile.config([192, 168, 0, 2].into(), 1500);
            assert_eq!(config.validate(), Ok(()), "{profile}");
            assert_eq!(Profile::from_name(profile.name()), Some(profile));
        }
        assert_eq!(Profile::from_name("windows"), None);
    }
}
