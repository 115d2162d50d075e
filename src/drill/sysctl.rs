//! What the settings of other systems mean here: those of Linux here, those of FreeBSD in
//! `freebsd`.

mod freebsd;

use crate::config::{
    AckWaits, Config, EcnMode, EcnOptions, FastOpenConfig, FastOpenKeys, FlowLabel, HoldSacks,
    MtuProbing, Push, ReceiveGrowth, SlowStartSigns, SynCookies, TcpConfig, UrgentPointer,
};
use crate::time::Duration;

/// Settings of Linux without an effect that a script could see here: they concern memory, queues
/// and offloads of the host, or what is remembered between runs, or are obsolete.
const WITHOUT_MEANING: &[&str] = &[
    "accept_dad",
    "accept_local",
    "accept_ra",
    "accept_ra_defrtr",
    "accept_ra_pinfo",
    "accept_redirects",
    "accept_source_route",
    "addr_gen_mode",
    "arp_accept",
    "arp_announce",
    "arp_filter",
    "arp_ignore",
    "arp_notify",
    "autoconf",
    "base_reachable_time_ms",
    "bpf_jit_enable",
    "busy_poll",
    "busy_read",
    "dad_transmits",
    "default_qdisc",
    "dev_weight",
    "disable_policy",
    "disable_xfrm",
    "enhanced_dad",
    "error_burst",
    "error_cost",
    "fib_multipath_hash_policy",
    "fib_multipath_use_neigh",
    "flow_limit_cpu_bitmap",
    "flow_limit_table_len",
    "flowlabel_consistency",
    "flush",
    "forwarding",
    "fwmark_reflect",
    "gc_elasticity",
    "gc_interval",
    "gc_min_interval",
    "gc_min_interval_ms",
    "gc_thresh",
    "gc_timeout",
    "gro_normal_batch",
    "high_order_alloc_disable",
    "icmp_echo_ignore_broadcasts",
    "icmp_ignore_bogus_error_responses",
    "icmp_msgs_burst",
    "icmp_msgs_per_sec",
    "icmp_ratelimit",
    "icmp_ratemask",
    "idgen_delay",
    "idgen_retries",
    "ignore_routes_with_linkdown",
    "inet_peer_maxttl",
    "inet_peer_minttl",
    "inet_peer_threshold",
    "ip6frag_high_thresh",
    "ip6frag_low_thresh",
    "ip_early_demux",
    "ip_forward",
    "ip_forward_update_priority",
    "ip_forward_use_pmtu",
    "ip_nonlocal_bind",
    "ip_unprivileged_port_start",
    "ipfrag_high_thresh",
    "ipfrag_low_thresh",
    "keep_addr_on_down",
    "log_martians",
    "max_addresses",
    "max_size",
    "max_skb_frags",
    "message_burst",
    "message_cost",
    "netdev_budget",
    "netdev_budget_usecs",
    "netdev_max_backlog",
    "netdev_tstamp_prequeue",
    "optimistic_dad",
    "optmem_max",
    "ping_group_range",
    "promote_secondaries",
    "proxy_arp",
    "ratelimit",
    "ratemask",
    "raw_l3mdev_accept",
    "redirect_load",
    "redirect_number",
    "redirect_silence",
    "route_localnet",
    "router_solicitation_delay",
    "router_solicitation_interval",
    "router_solicitations",
    "rp_filter",
    "rps_sock_flow_entries",
    "secure_redirects",
    "send_redirects",
    "shared_media",
    "skb_defer_max",
    "tcp_abc",
    "tcp_adv_win_scale",
    "tcp_allowed_congestion_control",
    "tcp_autocorking",
    "tcp_available_congestion_control",
    "tcp_available_ulp",
    "tcp_backlog_ack_defer",
    "tcp_child_ehash_entries",
    "tcp_comp_sack_slack_ns",
    "tcp_early_demux",
    "tcp_ehash_entries",
    "tcp_fack",
    "tcp_fastopen_cookies",
    "tcp_fwmark_accept",
    "tcp_l3mdev_accept",
    "tcp_limit_output_bytes",
    "tcp_low_latency",
    "tcp_max_orphans",
    "tcp_mem",
    "tcp_metrics_save",
    "tcp_no_metrics_save",
    "tcp_no_ssthresh_metrics_save",
    "tcp_plb_cong_thresh",
    "tcp_plb_idle_rehash_rounds",
    "tcp_plb_rehash_rounds",
    "tcp_plb_suspend_rto_sec",
    "tcp_probe_interval",
    "tcp_retrans_collapse",
    "tcp_tso_rtt_log",
    "tstamp_allow_data",
    "udp_child_hash_entries",
    "udp_early_demux",
    "udp_hash_entries",
    "udp_l3mdev_accept",
    "udp_mem",
    "udp_rmem_min",
    "udp_wmem_min",
    "use_optimistic",
    "use_tempaddr",
    "warnings",
];

/// Settings for which this stack has only one behaviour, with the values that mean it. With any
/// other value Linux would behave differently, and this stack would not: such a value is not
/// understood.
const FIXED: &[(&str, &[u64])] = &[
    ("beta", &[717]),
    ("bic_scale", &[41]),
    ("bindv6only", &[0]),
    ("disable_ipv6", &[0]),
    ("fast_convergence", &[1]),
    ("flowlabel_reflect", &[0]),
    ("icmp_echo_ignore_all", &[0]),
    ("initial_ssthresh", &[0]),
    ("ip_no_pmtu_disc", &[0]),
    ("min_adv_mss", &[256]),
    ("min_pmtu", &[552]),
    ("mtu_expires", &[600]),
    ("rmem_default", &[212_992]),
    ("tcp_ecn_option_beacon", &[3]),
    ("tcp_max_reordering", &[300]),
    ("tcp_migrate_req", &[0]),
    ("tcp_min_rtt_wlen", &[300]),
    ("tcp_friendliness", &[1]),
    ("tcp_mtu_probe_floor", &[48]),
    ("tcp_plb_enabled", &[0]),
    ("tcp_probe_threshold", &[8]),
    ("tcp_thin_dupack", &[0]),
    ("tcp_workaround_signed_windows", &[0]),
    ("wmem_default", &[212_992]),
    ("icmp_echo_enable_probe", &[0]),
    ("icmp_errors_use_inbound_ifaddr", &[0]),
    ("igmp_max_memberships", &[20]),
    ("ip_autobind_reuse", &[0]),
    ("tcp_tw_reuse_delay", &[1_000]),
    // More than a script ever reaches.
    ("tcp_challenge_ack_limit", &[1_000, 0x7fff_ffff]),
];

/// Changes a configuration as `sysctl key=value` would change the host.
///
/// # Errors
/// Why it cannot: the key is not known, or the value.
pub fn apply(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let key = key.replace('/', ".");
    let name = key.rsplit('.').next().unwrap_or(&key);
    if key.starts_with("net.inet.") || key.starts_with("net.inet6.") || key.starts_with("kern.") {
        return freebsd::apply(config, &key, value);
    }
    let refused = || format!("no support for sysctl {key}={value}");
    if WITHOUT_MEANING.contains(&name) {
        return Ok(());
    }
    if let Some((_, values)) = FIXED.iter().find(|(known, _)| *known == name) {
        let is_ours = number(value).is_some_and(|value| values.contains(&value));
        return is_ours.then_some(()).ok_or_else(refused);
    }
    connections(config, name, value)
        .or_else(|| path(config, name, value))
        .or_else(|| host(config, name, value))
        .ok_or_else(refused)
}

/// A number, perhaps hexadecimal.
fn number(value: &str) -> Option<u64> {
    let value = value.trim();
    match value.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => value.parse().ok(),
    }
}

fn flag(value: &str) -> Option<bool> {
    number(value).map(|number| number != 0)
}

fn count(value: &str) -> Option<u32> {
    number(value)?.try_into().ok()
}

fn seconds(value: &str) -> Option<Duration> {
    number(value).map(Duration::from_secs)
}

fn millis(value: &str) -> Option<Duration> {
    number(value).map(Duration::from_millis)
}

/// Least, default and most of `tcp_rmem` and `tcp_wmem`.
fn sizes(value: &str) -> Option<[usize; 3]> {
    let sizes: Option<Vec<usize>> = value
        .split_whitespace()
        .map(|size| size.parse().ok())
        .collect();
    sizes?.try_into().ok()
}

/// Settings of connections.
fn connections(config: &mut Config, name: &str, value: &str) -> Option<()> {
    let tcp = &mut config.tcp;
    match name {
        "tcp_timestamps" => tcp.timestamps = flag(value)?,
        "tcp_sack" => tcp.sack = flag(value)?,
        "tcp_dsack" => tcp.dsack = flag(value)?,
        "tcp_window_scaling" => tcp.window_scaling = flag(value)?,
        "tcp_shrink_window" => tcp.windows.may_shrink = flag(value)?,
        // The amount does not matter: the window has room for a segment in any case.
        "tcp_app_win" => drop(number(value).filter(|share| (1..32).contains(share))?),
        "tcp_moderate_rcvbuf" => {
            tcp.windows.growth = match flag(value)? {
                true => ReceiveGrowth::TwiceRead,
                false => ReceiveGrowth::Never,
            }
        }
        "tcp_thin_linear_timeouts" => tcp.socket.linear_timeouts = flag(value)?,
        "tcp_rmem" => {
            let [_, initial, most] = sizes(value)?;
            tcp.initial_receive_buffer = (initial / 2).max(1);
            tcp.receive_buffer = most.clamp(1, (1 << 30) - 1);
        }
        "tcp_wmem" => {
            let [_, initial, most] = sizes(value)?;
            tcp.initial_send_buffer = initial.max(1);
            tcp.send_buffer = most.clamp(1, (1 << 30) - 1);
        }
        "tcp_syn_retries" => tcp.syn_retries = count(value)?,
        "tcp_syn_linear_timeouts" => tcp.syn_linear_retries = count(value)?,
        "tcp_synack_retries" => tcp.syn_ack_retries = count(value)?,
        "tcp_retries1" => tcp.r1 = count(value)?,
        "tcp_retries2" => tcp.r2 = count(value)?,
        // Zero stands for the default.
        "tcp_orphan_retries" => {
            tcp.orphan_retries = Some(count(value)?).filter(|n| *n > 0).unwrap_or(8)
        }
        // This also bounds the interval of window probes.
        "tcp_rto_max_ms" => {
            tcp.max_rto = millis(value)?;
            tcp.max_persist = tcp.max_rto;
        }
        "tcp_rto_min_us" => tcp.min_rto = number(value).map(Duration::from_micros)?,
        "tcp_fin_timeout" => tcp.fin_wait_2_timeout = Some(seconds(value)?),
        "tcp_keepalive_time" => tcp.keepalive.idle = seconds(value)?,
        "tcp_keepalive_intvl" => tcp.keepalive.interval = seconds(value)?,
        "tcp_keepalive_probes" => tcp.keepalive.count = count(value)?,
        "tcp_invalid_ratelimit" => tcp.challenge_interval = millis(value)?,
        "tcp_rfc1337" => tcp.time_wait_ignores_resets = flag(value)?,
        "tcp_congestion_control" => tcp.congestion_control = value.trim().parse().ok()?,
        "tcp_min_tso_segs" => tcp.push = Push::SendEnd(count(value)?.max(1)),
        "tcp_tso_win_divisor" => tcp.gathered_parts = count(value)?,
        "tcp_notsent_lowat" => {
            let octets = number(value)?;
            tcp.socket.unsent_low_water = usize::try_from(octets).ok().filter(|o| *o < 1 << 30);
        }
        "tcp_pacing_ss_ratio" => tcp.pacing.slow_start_percent = count(value)?.max(100),
        "tcp_pacing_ca_ratio" => tcp.pacing.avoidance_percent = count(value)?.max(100),
        "tcp_stdurg" => tcp.acceptance.urgent_pointer = urgent_pointer(flag(value)?),
        "tcp_slow_start_after_idle" => tcp.slow_start_after_idle = flag(value)?,
        _ if name.starts_with("hystart") => return slow_start(tcp, name, value),
        _ => return acknowledgments(&mut tcp.ack_waits, name, value),
    }
    Some(())
}

/// Parameters of the module `tcp_cubic`.
fn slow_start(tcp: &mut TcpConfig, name: &str, value: &str) -> Option<()> {
    let signs = &mut tcp.habits.leaves_slow_start_at_once;
    match (name, signs) {
        ("hystart", _) => tcp.hystart = flag(value)?,
        // One bit is for trains of acknowledgments, one for delays: HyStart++ knows only these.
        ("hystart_detect", signs) => {
            let bits = number(value).filter(|bits| *bits < 4)?;
            match signs {
                Some(signs) => {
                    let gap = SlowStartSigns::default().train_gap;
                    signs.train_gap = signs.train_gap.or(gap).filter(|_| bits & 1 != 0);
                    signs.delay = bits & 2 != 0;
                }
                None => tcp.hystart = bits & 2 != 0,
            }
        }
        ("hystart_low_window", Some(signs)) => signs.low_window = count(value)?,
        ("hystart_ack_delta_us", Some(signs)) => {
            let gap = number(value).map(Duration::from_micros)?;
            signs.train_gap = signs.train_gap.map(|_| gap);
        }
        // HyStart++ does not have them: their defaults are accepted, and change nothing.
        ("hystart_low_window", None) => return (number(value)? == 16).then_some(()),
        ("hystart_ack_delta_us", None) => return (number(value)? == 2_000).then_some(()),
        _ => return None,
    }
    Some(())
}

/// Settings of acknowledgments.
fn acknowledgments(waits: &mut AckWaits, name: &str, value: &str) -> Option<()> {
    match name {
        "tcp_pingpong_thresh" => {
            waits.answers = count(value).filter(|times| (1..256).contains(times))?;
        }
        "tcp_comp_sack_nr" => held_sacks(waits).most = count(value)?,
        "tcp_comp_sack_delay_ns" => {
            held_sacks(waits).longest = number(value).map(Duration::from_nanos)?;
        }
        _ => return None,
    }
    Some(())
}

fn urgent_pointer(names_last: bool) -> UrgentPointer {
    match names_last {
        true => UrgentPointer::Last,
        false => UrgentPointer::AtLeastOne,
    }
}

/// How acknowledgments beyond a gap are held back. If they are not, the limit is zero.
fn held_sacks(waits: &mut AckWaits) -> &mut HoldSacks {
    waits.hold_sacks.get_or_insert(HoldSacks {
        most: 0,
        longest: Duration::ZERO,
    })
}

/// Settings of connections that concern the path: recovery, path MTU, ECN.
fn path(config: &mut Config, name: &str, value: &str) -> Option<()> {
    let tcp = &mut config.tcp;
    match name {
        "tcp_recovery" => {
            // The first bit turned RACK off, before Linux 6.17.
            let bits = number(value).filter(|bits| *bits < 8)?;
            tcp.habits.recovery.fixed_reordering_window = bits & 2 != 0;
            tcp.habits.recovery.counts_no_segments = bits & 4 != 0;
        }
        // RFC 5681 §3.2 has no threshold of less than three duplicates.
        "tcp_reordering" => {
            let more = number(value)?.checked_sub(3)?;
            tcp.habits.recovery.more_duplicates = u8::try_from(more).ok()?;
        }
        "tcp_early_retrans" => tcp.tail_loss_probe = number(value)? >= 3,
        "tcp_frto" => tcp.forward_rto = flag(value)?,
        "tcp_mtu_probing" => tcp.path_mtu.probing = probing(number(value)?)?,
        "tcp_base_mss" => {
            tcp.path_mtu.base = u16::try_from(number(value)?).ok()?.checked_add(40)?
        }
        "tcp_min_snd_mss" => tcp.min_send_mss = number(value)?.try_into().ok()?,
        "tcp_ecn" => (tcp.ecn.ask, tcp.ecn.accept) = ecn(number(value)?)?,
        "tcp_ecn_option" => {
            tcp.ecn.options = match number(value)? {
                0 => EcnOptions::Never,
                1 => EcnOptions::News,
                2 | 3 => EcnOptions::Always,
                _ => return None,
            }
        }
        "tcp_ecn_fallback" => {
            let (classic, accurate) = match flag(value)? {
                true => (1, 2),
                false => (u32::MAX, u32::MAX),
            };
            (tcp.ecn.classic_attempts, tcp.ecn.attempts) = (classic, accurate);
        }
        _ => return None,
    }
    Some(())
}

/// Settings of the host.
fn host(config: &mut Config, name: &str, value: &str) -> Option<()> {
    match name {
        "tcp_abort_on_overflow" => config.strangers.resets_overflows = flag(value)?,
        "rmem_max" => {
            config.most_receive_buffer = number(value)?.try_into().ok()?;
            config.tcp.windows.least_scaled = config.most_receive_buffer;
        }
        "wmem_max" => config.most_send_buffer = number(value)?.try_into().ok()?,
        "somaxconn" => config.strangers.max_backlog = number(value)?.try_into().ok()?,
        "tcp_max_syn_backlog" => config.max_half_open = number(value)?.try_into().ok()?,
        "tcp_max_tw_buckets" => config.max_time_wait = number(value)?.try_into().ok()?,
        "tcp_reflect_tos" => config.tcp.reflects_traffic_class = flag(value)?,
        // 2: on the loopback only.
        "tcp_tw_reuse" => {
            config.time_wait_reuse = match number(value)? {
                0 | 2 => None,
                1 => Some(Duration::from_secs(1)),
                _ => return None,
            }
        }
        // 1 to 3: labels, which a socket may turn off.
        "auto_flowlabels" => {
            let label = match number(value)? {
                0 => FlowLabel::None,
                1..=3 => config.tcp.socket.flow_label,
                _ => return None,
            };
            (config.tcp.socket.flow_label, config.udp.socket.flow_label) = (label, label);
        }
        "txrehash" => {
            config.tcp.socket.flow_label = match flag(value)? {
                true => FlowLabel::ChangesAfterTimeouts,
                false => FlowLabel::Constant,
            }
        }
        "ip_default_ttl" => config.hop_limit = number(value)?.try_into().ok()?,
        "ip_local_port_range" => {
            let (first, last) = value.trim().split_once(char::is_whitespace)?;
            config.ephemeral_ports = (first.parse().ok()?, last.trim().parse().ok()?);
        }
        "tcp_fastopen" => fast_open(&mut config.fast_open, number(value)?),
        "tcp_fastopen_key" => config.fast_open.keys = Some(fast_open_keys(value)?),
        "tcp_fastopen_blackhole_timeout_sec" => {
            config.fast_open.black_hole_timeout =
                seconds(value).map(|t| Some(t).filter(|t| !t.is_zero()))?;
        }
        "tcp_syncookies" => config.syn_cookies = cookies(number(value)?)?,
        _ => return None,
    }
    Some(())
}

fn cookies(value: u64) -> Option<SynCookies> {
    match value {
        0 => Some(SynCookies::Off),
        1 => Some(SynCookies::WhenFull),
        2 => Some(SynCookies::Always),
        _ => None,
    }
}

fn probing(value: u64) -> Option<MtuProbing> {
    match value {
        0 => Some(MtuProbing::Off),
        1 => Some(MtuProbing::OnBlackHole),
        2 => Some(MtuProbing::Always),
        _ => None,
    }
}

/// The ECN mode that is asked for, and the most that is accepted.
fn ecn(value: u64) -> Option<(EcnMode, EcnMode)> {
    use EcnMode::{Accurate, Classic, Off};
    match value {
        0 => Some((Off, Off)),
        1 => Some((Classic, Classic)),
        2 => Some((Off, Classic)),
        3 => Some((Accurate, Accurate)),
        4 => Some((Classic, Accurate)),
        5 => Some((Off, Accurate)),
        _ => None,
    }
}

fn fast_open(config: &mut FastOpenConfig, bits: u64) {
    config.client = bits & 1 != 0;
    config.server = bits & 2 != 0;
    config.client_without_cookie = bits & 4 != 0;
    config.server_without_cookie = bits & 0x200 != 0;
    config.all_listeners = bits & 0x400 != 0;
}

/// `a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`, perhaps two of them with a comma between.
fn fast_open_keys(value: &str) -> Option<FastOpenKeys> {
    let key = |text: &str| -> Option<[u8; 16]> {
        let mut octets = Vec::new();
        for word in text.trim().split('-') {
            octets.extend(u32::from_str_radix(word, 16).ok()?.to_le_bytes());
        }
        octets.try_into().ok()
    };
    match value.split_once(',') {
        None => Some(FastOpenKeys {
            current: key(value)?,
            previous: None,
        }),
        Some((current, previous)) => Some(FastOpenKeys {
            current: key(current)?,
            previous: Some(key(previous)?),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new([[10, 0, 0, 1].into()])
    }

    #[test]
    fn a_key_is_spelt_in_two_ways() {
        for key in ["net.ipv4.tcp_timestamps", "net/ipv4/tcp_timestamps"] {
            let mut config = config();
            assert_eq!(apply(&mut config, key, "0"), Ok(()));
            assert!(!config.tcp.timestamps);
        }
    }

    #[test]
    fn values_become_settings() {
        let mut config = config();
        let settings = [
            ("net.ipv4.tcp_rmem", "4096 131072 6291456"),
            ("net.ipv4.tcp_syn_retries", "2"),
            ("net.ipv4.tcp_rto_max_ms", "5000"),
            ("net.ipv4.tcp_congestion_control", "reno"),
            ("net.inet.tcp.delacktime", "100"),
            ("net.ipv4.tcp_retries2", "0x7"),
            ("net.ipv4.tcp_abort_on_overflow", "1"),
            ("net.ipv4.conf.all.rp_filter", "0"),
            ("net.core.default_qdisc", "fq"),
            ("net.ipv4.tcp_reordering", "6"),
            ("net.core.somaxconn", "10"),
        ];
        for (key, value) in settings {
            assert_eq!(apply(&mut config, key, value), Ok(()));
        }
        assert_eq!(config.tcp.initial_receive_buffer, 65_536);
        assert_eq!(config.tcp.receive_buffer, 6_291_456);
        assert_eq!((config.tcp.syn_retries, config.tcp.r2), (2, 7));
        assert_eq!(config.tcp.habits.recovery.more_duplicates, 3);
        assert_eq!(config.strangers.max_backlog, 10);
        assert!(config.strangers.resets_overflows);
        assert_eq!(config.tcp.max_rto, Duration::from_secs(5));
        assert_eq!(config.tcp.delayed_ack, Some(Duration::from_millis(100)));
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn nothing_is_in_two_tables() {
        for (name, values) in FIXED {
            assert!(!WITHOUT_MEANING.contains(name), "{name}");
            for value in values.iter().map(u64::to_string) {
                assert_eq!(apply(&mut config(), name, &value), Ok(()), "{name}");
                assert_eq!(connections(&mut config(), name, &value), None, "{name}");
                assert_eq!(path(&mut config(), name, &value), None, "{name}");
                assert_eq!(host(&mut config(), name, &value), None, "{name}");
            }
        }
    }

    #[test]
    fn what_nobody_knows_is_told() {
        let unknown = [
            ("net.ipv4.tcp_nonsense", "1"),
            ("net.ipv4.tcp_sack", "x"),
            // Known settings whose values are not supported.
            ("net.ipv4.tcp_reordering", "2"),
            ("net.ipv4.tcp_recovery", "8"),
            ("net.inet.tcp.cc.algorithm", "chd"),
        ];
        for (key, value) in unknown {
            let error = apply(&mut config(), key, value).unwrap_err();
            assert_eq!(error, format!("no support for sysctl {key}={value}"));
        }
    }
}
