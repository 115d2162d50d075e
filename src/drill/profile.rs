//! How the stack behaves when scripts run: whole configurations, and nothing else.

use core::fmt;
use core::net::IpAddr;

use super::variant::Variant;
use crate::bsd::System;
use crate::config::{
    AckWaits, Config, CongestionControl, EcnConfig, EcnMode, EcnOptions, FastOpenConfig,
    FastOpenKeys, MtuProbing, Nagle, OptionLayout, PathMtuConfig, Push, QuickAcks, Resets,
    RtoFloor, TcpConfig, UserTimeoutFrom, WindowUse,
};
use crate::time::Duration;

/// A way of behaving that scripts are written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What scripts for Linux find there.
    #[default]
    Linux,
    /// What scripts for FreeBSD find there.
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

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What words stand for, unless somebody says otherwise. FreeBSD's scripts say what the
    /// standard asks for, and apart from it what FreeBSD does: here the standard counts. Linux's
    /// find the Fast Open cookies that its own key and a key of zeros give to the addresses of a
    /// script.
    pub const fn definitions(self, variant: Variant) -> &'static [(&'static str, &'static str)] {
        match (self, variant) {
            (Profile::Freebsd, _) => &[("STANDARD", "")],
            (_, Variant::Ipv6) => &[
                ("CMSG_LEVEL_IP", "SOL_IPV6"),
                ("CMSG_TYPE_RECVERR", "IPV6_RECVERR"),
                ("TFO_COOKIE", "c1d1e9742a47a9bc"),
                ("TFO_COOKIE_ZERO", "82af1a8f9a205c34"),
            ],
            // A socket of IPv6 speaks as one, whatever its packets are.
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

    /// Whose sockets a script finds.
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

/// What acknowledgments of Linux wait for.
const LINUX_WAITS: AckWaits = AckWaits {
    end_with_reading: true,
    hold_fin: false,
    hold_crossing: false,
    expect_answer: false,
};

/// Linux, with the settings that its own scripts begin with: `tcp_rmem` 4096 540000 15728640,
/// `tcp_wmem` 4096 262144 4194304, CUBIC, no slow start after idle, five retries of a SYN, no ECN,
/// no probes of the path MTU, Fast Open for who asks, with a key that everybody knows.
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
        whole_segment_window: true,
        user_timeout_from: UserTimeoutFrom::Retransmission,
        time_wait_ignores_resets: false,
        resets: Resets::AlsoBehindHeld,
        tells_late_resets: true,
        reduces_whole_window: true,
        window_in_segments: true,
        linux_recovery: true,
        doubts_smaller_windows: true,
        slow_start_after_idle: false,
        max_burst: None,
        slow_start_limit: Some(u32::MAX),
        window_use: WindowUse::LastWindow,
        push: Push::SendEnd(2),
        ecn: EcnConfig {
            ask: EcnMode::Off,
            accept: EcnMode::Off,
            classic_attempts: 1,
            options: EcnOptions::Always,
            capable_throughout: true,
            proportional: true,
            ..EcnConfig::default()
        },
        path_mtu: PathMtuConfig {
            probing: MtuProbing::Off,
            ..PathMtuConfig::default()
        },
        ..host.tcp
    };
    let key = [0xa1, 0xb2, 0xc3, 0xd4].map(|octet| [octet; 4]);
    let fast_open = FastOpenConfig {
        keys: Some(FastOpenKeys {
            current: key.concat().try_into().unwrap_or_default(),
            previous: None,
        }),
        black_hole_timeout: None,
        reserves_options: true,
        ..host.fast_open
    };
    Config {
        tcp,
        fast_open,
        // On the loopback only.
        time_wait_reuse: None,
        resets_handshakes: false,
        ..host
    }
}

/// FreeBSD: the order of its options, a window of 64 KiB that grows, a longest window of 2 MiB
/// (shift 6), buffers of whole segments, acknowledgments after 40 ms, a SYN that is sent again after
/// 1 s, 2.2 s more, 4.2 s more and so on.
fn freebsd(host: Config) -> Config {
    let tcp = TcpConfig {
        option_layout: OptionLayout::ScaleFirst,
        max_burst: None,
        initial_receive_buffer: 64 * 1024,
        receive_buffer: 2 * 1024 * 1024,
        initial_send_buffer: 32 * 1024,
        fastest_path: None,
        send_buffer: 2 * 1024 * 1024,
        congestion_control: CongestionControl::Cubic,
        whole_segment_buffers: true,
        delayed_ack: Some(Duration::from_millis(40)),
        ack_waits: AckWaits {
            end_with_reading: false,
            hold_fin: false,
            expect_answer: false,
            ..AckWaits::default()
        },
        tells_late_resets: true,
        // What the variation gives, at least 30 ms, and 200 ms on top of it; 64 s at most.
        min_rto: Duration::from_millis(30),
        rto_slop: Duration::from_millis(200),
        max_rto: Duration::from_secs(64),
        syn_retries: 12,
        path_mtu: PathMtuConfig {
            probing: MtuProbing::Off,
            ..PathMtuConfig::default()
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
