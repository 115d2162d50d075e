//! What the settings of other systems mean here.

use crate::config::{Config, EcnMode, FastOpenConfig, FastOpenKeys, MtuProbing, SynCookies};
use crate::time::Duration;

/// Linux has these, and here nothing follows from them: they are about memory, queues of the host
/// or offloads, or about what this stack does in one way only.
const WITHOUT_MEANING: [&str; 34] = [
    "ip_no_pmtu_disc",
    "ip_nonlocal_bind",
    "tcp_abc",
    "tcp_adv_win_scale",
    "tcp_app_win",
    "tcp_autocorking",
    "tcp_available_congestion_control",
    "tcp_ecn_fallback",
    "tcp_ecn_option_beacon",
    "tcp_fack",
    "tcp_frto",
    "tcp_dsack",
    "tcp_limit_output_bytes",
    "tcp_low_latency",
    "tcp_max_orphans",
    "tcp_max_reordering",
    "tcp_mem",
    "tcp_min_snd_mss",
    "tcp_min_tso_segs",
    "tcp_moderate_rcvbuf",
    "tcp_no_metrics_save",
    "tcp_no_ssthresh_metrics_save",
    "tcp_orphan_retries_max",
    "tcp_reordering",
    "tcp_retrans_collapse",
    "tcp_stdurg",
    "tcp_thin_linear_timeouts",
    "tcp_tso_rtt_log",
    "tcp_tso_win_divisor",
    "tcp_tw_reuse",
    "tcp_workaround_signed_windows",
    "rmem_max",
    "wmem_max",
    "somaxconn",
];

/// Changes a configuration as `sysctl key=value` would change the host.
///
/// # Errors
/// Why it cannot: the key is not known, or the value.
pub fn apply(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let key = key.replace('/', ".");
    let name = key.rsplit('.').next().unwrap_or(&key);
    if key.starts_with("net.inet.") || key.starts_with("kern.") {
        return freebsd(config, &key, value);
    }
    if WITHOUT_MEANING.contains(&name) {
        return Ok(());
    }
    match linux(config, name, value) {
        Some(()) => Ok(()),
        None => Err(format!("no support for sysctl {key}={value}")),
    }
}

fn number(value: &str) -> Option<u64> {
    value.trim().parse().ok()
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

fn linux(config: &mut Config, name: &str, value: &str) -> Option<()> {
    let tcp = &mut config.tcp;
    match name {
        "tcp_timestamps" => tcp.timestamps = flag(value)?,
        "tcp_sack" => tcp.sack = flag(value)?,
        "tcp_window_scaling" => tcp.window_scaling = flag(value)?,
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
        "tcp_orphan_retries" => tcp.orphan_retries = count(value)?,
        "tcp_rto_max_ms" => tcp.max_rto = millis(value)?,
        "tcp_rto_min_us" => tcp.min_rto = number(value).map(Duration::from_micros)?,
        "tcp_fin_timeout" => tcp.fin_wait_2_timeout = Some(seconds(value)?),
        "tcp_invalid_ratelimit" => tcp.challenge_interval = millis(value)?,
        "tcp_congestion_control" => tcp.congestion_control = value.trim().parse().ok()?,
        "tcp_notsent_lowat" => {
            let octets = number(value)?;
            tcp.socket.unsent_low_water = usize::try_from(octets).ok().filter(|o| *o < 1 << 30);
        }
        "tcp_pacing_ss_ratio" => tcp.pacing.slow_start_percent = count(value)?.max(100),
        "tcp_pacing_ca_ratio" => tcp.pacing.avoidance_percent = count(value)?.max(100),
        "tcp_max_syn_backlog" => config.max_half_open = number(value)? as usize,
        "tcp_max_tw_buckets" => config.max_time_wait = number(value)? as usize,
        "ip_default_ttl" => config.hop_limit = number(value)?.try_into().ok()?,
        "tcp_slow_start_after_idle" => tcp.slow_start_after_idle = flag(value)?,
        "tcp_recovery" => tcp.rack = number(value)? & 1 != 0,
        "tcp_early_retrans" => tcp.tail_loss_probe = number(value)? >= 3,
        "tcp_mtu_probing" => tcp.path_mtu.probing = probing(number(value)?)?,
        "tcp_base_mss" => {
            tcp.path_mtu.base = u16::try_from(number(value)?).ok()?.checked_add(40)?
        }
        "tcp_ecn" => (tcp.ecn.ask, tcp.ecn.accept) = ecn(number(value)?)?,
        "tcp_ecn_option" => tcp.ecn.options = flag(value)?,
        "tcp_fastopen" => fast_open(&mut config.fast_open, bits(value)?),
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

/// What is asked for, and the most that is agreed to.
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

/// A number, perhaps hexadecimal.
fn bits(value: &str) -> Option<u64> {
    match value.trim().strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => number(value),
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

fn freebsd(config: &mut Config, key: &str, value: &str) -> Result<(), String> {
    let tcp = &mut config.tcp;
    let name = key.strip_prefix("net.inet.tcp.").unwrap_or(key);
    let done = match name {
        "rfc1323" => flag(value).map(|on| {
            tcp.timestamps = on;
            tcp.window_scaling = on;
        }),
        "sack.enable" => flag(value).map(|on| tcp.sack = on),
        "delacktime" => millis(value).map(|delay| tcp.delayed_ack = Some(delay)),
        "delayed_ack" => flag(value).map(|on| {
            tcp.delayed_ack = tcp.delayed_ack.filter(|_| on);
        }),
        "msl" => millis(value).map(|msl| tcp.msl = msl),
        "rexmit_min" => millis(value).map(|least| tcp.min_rto = least),
        "rexmit_initial" => millis(value).map(|first| tcp.initial_rto = first),
        "initcwnd_segments" => count(value).map(|segments| tcp.initial_window = segments.max(1)),
        "recvspace" => number(value).map(|size| tcp.initial_receive_buffer = size.max(1) as usize),
        "sendspace" => number(value).map(|size| tcp.initial_send_buffer = size.max(1) as usize),
        "mssdflt"
        | "v6mssdflt"
        | "minmss"
        | "hostcache.enable"
        | "hostcache.purgenow"
        | "hostcache.purge"
        | "cc.algorithm"
        | "tso"
        | "kern.ipc.maxsockbuf"
        | "log_debug"
        | "recvbuf_auto"
        | "sendbuf_auto"
        | "functions_default" => Some(()),
        _ => None,
    };
    done.ok_or_else(|| format!("no support for sysctl {key}={value}"))
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
        ];
        for (key, value) in settings {
            assert_eq!(apply(&mut config, key, value), Ok(()));
        }
        assert_eq!(config.tcp.initial_receive_buffer, 65_536);
        assert_eq!(config.tcp.receive_buffer, 6_291_456);
        assert_eq!(config.tcp.syn_retries, 2);
        assert_eq!(config.tcp.max_rto, Duration::from_secs(5));
        assert_eq!(config.tcp.delayed_ack, Some(Duration::from_millis(100)));
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn what_nobody_knows_is_told() {
        for (key, value) in [("net.ipv4.tcp_nonsense", "1"), ("net.ipv4.tcp_sack", "x")] {
            let error = apply(&mut config(), key, value).unwrap_err();
            assert_eq!(error, format!("no support for sysctl {key}={value}"));
        }
    }
}
