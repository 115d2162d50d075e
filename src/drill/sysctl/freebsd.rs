//! What the settings of FreeBSD mean here.

use super::{count, flag, millis, number};
use crate::config::{
    ClosedPorts, Config, CongestionControl, EcnMode, ReceiveGrowth, Resets, SynCookies, TcpConfig,
};
use crate::time::Duration;

/// Settings for which this stack has only one behaviour, with the values that mean it. With any other
/// value FreeBSD would behave differently, and this stack would not: such a value is not understood.
const FIXED: &[(&str, &[u64])] = &[
    ("abc_l_var", &[2]),
    ("cc.abe", &[0]),
    ("cc.newreno.beta", &[50]),
    ("cc.newreno.beta_ecn", &[80]),
    ("ecn.generalized", &[0]),
    ("ecn.option", &[0]),
    ("fastopen.psk_enable", &[0]),
    ("do_prr", &[1]),
    ("do_prr_conservative", &[0]),
    ("icmp_may_rst", &[1]),
    ("maxunacktime", &[0]),
    // RFC 9293 MUST-15 says what to assume for a peer without an MSS option.
    ("mssdflt", &[536]),
    ("v6mssdflt", &[1220]),
    ("newcwv", &[0]),
    ("path_mtu_discovery", &[1]),
    ("pmtud_blackhole_detection", &[0]),
    ("persmin", &[5_000]),
    ("reass.new_limit", &[0]),
    ("rexmit_drop_options", &[0]),
    ("rfc3042", &[1]),
    ("rfc3390", &[1]),
    ("rfc3465", &[1]),
    ("rfc6675_pipe", &[1]),
    ("sack.revised", &[1]),
    ("soreceive_stream", &[0]),
    ("syncache.rst_on_sock_fail", &[1]),
    ("ts_offset_per_conn", &[1]),
    ("udp_tunneling_port", &[0]),
];

/// `sendbuf_max`, unless a script sets it.
const LARGEST_SEND_BUFFER: usize = 2 * 1024 * 1024;

/// Settings of FreeBSD without an effect that a script could see here: they concern memory, logs and
/// offloads of the host, what is remembered between runs, connections within the host, and black hole
/// detection, which is off.
const WITHOUT_MEANING: &[&str] = &[
    "ack_war_cnt",
    "ack_war_timewindow",
    "blackhole_local",
    "do_tcpdrain",
    "cc.hystartplusplus.bblogs",
    "fastopen.autokey",
    "fastopen.maxkeys",
    "fastopen.maxpsks",
    "fastopen.ccache_bucket_limit",
    "fastopen.ccache_buckets",
    "fastopen.path_disable_time",
    "functions_inherit_listen_socket_stack",
    "hostcache.cachelimit",
    "hostcache.enable",
    "hostcache.expire",
    "hostcache.prune",
    "hostcache.purge",
    "hostcache.purgenow",
    "hostcache.bucketlimit",
    "isn_reseed_interval",
    "kern.ipc.maxsockbuf",
    "kern.timecounter.alloweddeviation",
    "log_debug",
    "log_in_vain",
    "log.log_verbose",
    "map_limit",
    "maxtcptw",
    "msl_local",
    "nolocaltimewait",
    "per_cpu_timers",
    "pmtud_blackhole_mss",
    "v6pmtud_blackhole_mss",
    "reass.maxqueuelen",
    "sack.globalmaxholes",
    "sack.maxholes",
    "recvbuf_inc",
    "sendbuf_inc",
    "reass.maxsegments",
    "require_unique_port",
    "sack.tso",
    "sendbuf_auto_lowat",
    "split_limit",
    "syncache.bucketlimit",
    "syncache.cachelimit",
    "syncache.see_other",
    "udp_tunneling_overhead",
    "tso",
];

/// Event logging, and the alternative stacks that a socket would have to select, which is not
/// possible here.
const OTHER_STACKS: [&str; 3] = ["bb.", "bbr.", "rack."];

/// Changes a configuration as `sysctl key=value` would change a host.
///
/// # Errors
/// Why it cannot: the key is not known, or the value.
pub(super) fn apply(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let name = key.strip_prefix("net.inet.tcp.").unwrap_or(key);
    let refused = || format!("no support for sysctl {key}={value}");
    if let Some((_, values)) = FIXED.iter().find(|(known, _)| *known == name) {
        let is_ours = number(value).is_some_and(|value| values.contains(&value));
        return is_ours.then_some(()).ok_or_else(refused);
    }
    if WITHOUT_MEANING.contains(&name) || OTHER_STACKS.iter().any(|it| name.starts_with(it)) {
        return Ok(());
    }
    choices(config, name, value)
        .or_else(|| host(config, name, value))
        .or_else(|| sizes(&mut config.tcp, name, value))
        .ok_or_else(refused)
}

/// Settings that turn behaviour on or off.
fn choices(config: &mut Config, name: &str, value: &str) -> Option<()> {
    let tcp = &mut config.tcp;
    match name {
        "rfc1323" => {
            tcp.timestamps = flag(value)?;
            tcp.window_scaling = tcp.timestamps;
        }
        "sack.enable" => tcp.sack = flag(value)?,
        "delayed_ack" => {
            let on = flag(value)?;
            tcp.delayed_ack = tcp.delayed_ack.filter(|_| on);
        }
        "insecure_rst" => {
            tcp.acceptance.resets = match flag(value)? {
                true => Resets::InWindow,
                false => Resets::Exact,
            };
        }
        "do_lrd" | "sack.lrd" => tcp.habits.recovery.finds_lost_resends = flag(value)?,
        "insecure_syn" => tcp.acceptance.syns_reset = flag(value)?,
        "insecure_ack" => tcp.acceptance.any_old_ack = flag(value)?,
        "tolerate_missing_ts" => tcp.acceptance.timestamps_required = !flag(value)?,
        // How long FIN-WAIT-2 lasts when the user is gone: `finwait2_timeout`, or the time of
        // keepalive.
        "fast_finwait2_recycle" => {
            let timeout = if flag(value)? { 60 } else { 675 };
            tcp.fin_wait_2_timeout = Some(Duration::from_secs(timeout));
        }
        // FreeBSD supports only the header part of Accurate ECN, too.
        "ecn.enable" => (tcp.ecn.ask, tcp.ecn.accept) = ecn(number(value)?)?,
        "always_keepalive" => {
            let on = flag(value)?;
            tcp.socket.keepalive = on.then_some(tcp.keepalive);
        }
        "cc.algorithm" => {
            tcp.congestion_control = match value.trim() {
                "newreno" => CongestionControl::Reno,
                "cubic" => CongestionControl::Cubic,
                "dctcp" => CongestionControl::Dctcp,
                _ => return None,
            };
        }
        "recvbuf_auto" => {
            tcp.windows.growth = match flag(value)? {
                true => ReceiveGrowth::HalfMore,
                false => ReceiveGrowth::Never,
            };
        }
        "sendbuf_auto" => {
            tcp.send_buffer = match flag(value)? {
                true => tcp.send_buffer.max(LARGEST_SEND_BUFFER),
                false => tcp.initial_send_buffer,
            };
        }
        "functions_default" => return (value.trim() == "freebsd").then_some(()),
        _ => return None,
    }
    Some(())
}

/// Settings of listeners and of the host.
fn host(config: &mut Config, name: &str, value: &str) -> Option<()> {
    match name {
        "blackhole" => {
            config.strangers.closed_ports = match number(value)? {
                0 => ClosedPorts::Reset,
                1 => ClosedPorts::IgnoreSyn,
                2 => ClosedPorts::Ignore,
                _ => return None,
            };
        }
        "kern.ipc.soacceptqueue" | "kern.ipc.somaxconn" => {
            config.strangers.max_backlog = number(value)?.try_into().ok()?;
        }
        "drop_synfin" => config.strangers.drops_syn_fin = flag(value)?,
        "syncookies_only" => {
            if flag(value)? {
                config.syn_cookies = SynCookies::Always;
            }
        }
        "syncookies" => {
            config.syn_cookies = match flag(value)? {
                true => SynCookies::WhenFull,
                false => SynCookies::Off,
            };
        }
        "fastopen.client_enable" => config.fast_open.client = flag(value)?,
        "fastopen.server_enable" => config.fast_open.server = flag(value)?,
        "fastopen.acceptany" => config.fast_open.server_without_cookie = flag(value)?,
        "net.inet.ip.ttl" | "net.inet6.ip6.hlim" => {
            config.hop_limit = number(value)?.try_into().ok()?
        }
        // 0: no limit.
        "net.inet.icmp.icmplim" | "net.inet6.icmp6.errppslimit" => {
            let limit = count(value)?;
            config.replies_per_second = if limit == 0 { 1_000_000 } else { limit };
        }
        _ => return None,
    }
    Some(())
}

/// Settings that are times, numbers and sizes.
fn sizes(tcp: &mut TcpConfig, name: &str, value: &str) -> Option<()> {
    match name {
        "delacktime" => tcp.delayed_ack = Some(millis(value)?),
        "finwait2_timeout" => tcp.fin_wait_2_timeout = Some(millis(value)?),
        "keepidle" => tcp.keepalive.idle = millis(value)?,
        "keepintvl" => tcp.keepalive.interval = millis(value)?,
        "keepcnt" => tcp.keepalive.count = count(value)?,
        "keepinit" => tcp.endings.opening_timeout = Some(millis(value)?),
        "retries" => {
            tcp.r2 = count(value)?;
            (tcp.syn_retries, tcp.orphan_retries) = (tcp.r2, tcp.r2);
        }
        "syncache.rexmtlimit" => tcp.syn_ack_retries = count(value)?,
        // This many SYNs after the first one ask for ECN, too.
        "ecn.maxretries" => tcp.ecn.classic_attempts = count(value)?.checked_add(1)?,
        "persmax" => tcp.max_persist = millis(value)?,
        "msl" => tcp.msl = millis(value)?,
        "rexmit_min" => tcp.min_rto = millis(value)?,
        "rexmit_slop" => tcp.rto_slop = millis(value)?,
        "rexmit_initial" => tcp.initial_rto = millis(value)?,
        "initcwnd_segments" => tcp.initial_window = count(value)?.max(1),
        "recvbuf_max" => tcp.receive_buffer = buffer(value)?,
        "sendbuf_max" => tcp.send_buffer = buffer(value)?,
        "recvspace" => tcp.initial_receive_buffer = number(value)?.max(1) as usize,
        "sendspace" => {
            let grows = tcp.send_buffer > tcp.initial_send_buffer;
            tcp.initial_send_buffer = number(value)?.max(1) as usize;
            if !grows {
                tcp.send_buffer = tcp.initial_send_buffer;
            }
        }
        "minmss" => tcp.min_send_mss = number(value)?.try_into().ok()?,
        _ => return None,
    }
    Some(())
}

/// The most that a buffer grows to, in octets.
fn buffer(value: &str) -> Option<usize> {
    let octets = usize::try_from(number(value)?).ok()?;
    Some(octets.clamp(1, (1 << 30) - 1))
}

/// The ECN mode that is asked for, and the most that is accepted. 1: RFC 3168; 2: RFC 3168 only if the
/// peer asks; 3 and 4: the same with Accurate ECN.
fn ecn(value: u64) -> Option<(EcnMode, EcnMode)> {
    match value {
        0 => Some((EcnMode::Off, EcnMode::Off)),
        1 => Some((EcnMode::Classic, EcnMode::Classic)),
        2 => Some((EcnMode::Off, EcnMode::Classic)),
        3 => Some((EcnMode::Accurate, EcnMode::Accurate)),
        4 => Some((EcnMode::Off, EcnMode::Accurate)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fixed_is_in_one_table() {
        for (name, values) in FIXED {
            assert!(!WITHOUT_MEANING.contains(name), "{name}");
            let mut config = Config::new([[10, 0, 0, 1].into()]);
            for value in *values {
                let key = format!("net.inet.tcp.{name}");
                assert_eq!(
                    apply(&mut config, &key, &value.to_string()),
                    Ok(()),
                    "{name}"
                );
                assert!(apply(&mut config, &key, "99").is_err(), "{name}");
            }
        }
    }

    #[test]
    fn settings_become_what_this_stack_has() {
        let mut config = Config::new([[10, 0, 0, 1].into()]);
        for (name, value) in [
            ("ecn.enable", "1"),
            ("always_keepalive", "1"),
            ("syncookies_only", "1"),
            ("keepinit", "9000"),
            ("retries", "3"),
            ("drop_synfin", "0"),
            ("fast_finwait2_recycle", "1"),
        ] {
            let key = format!("net.inet.tcp.{name}");
            assert_eq!(apply(&mut config, &key, value), Ok(()), "{name}");
        }
        assert_eq!(config.tcp.ecn.ask, EcnMode::Classic);
        assert!(config.tcp.socket.keepalive.is_some());
        assert_eq!(config.syn_cookies, SynCookies::Always);
        assert_eq!(
            config.tcp.endings.opening_timeout,
            Some(Duration::from_secs(9))
        );
        assert_eq!((config.tcp.r2, config.tcp.syn_retries), (3, 3));
        assert!(!config.strangers.drops_syn_fin);
        let minute = Some(Duration::from_secs(60));
        assert_eq!(config.tcp.fin_wait_2_timeout, minute);
    }
}
