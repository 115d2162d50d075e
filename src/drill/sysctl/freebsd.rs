//! What the settings of FreeBSD mean here.

use super::{count, flag, millis, number};
use crate::config::{Config, CongestionControl, EcnMode, Resets, SynCookies, TcpConfig};

/// What this stack does in one way only: the values that stand for it.
const FIXED: [(&str, &[u64]); 27] = [
    ("abc_l_var", &[2]),
    ("blackhole", &[0]),
    ("cc.abe", &[0]),
    ("do_lrd", &[0]),
    ("do_prr", &[1]),
    ("drop_synfin", &[0]),
    ("fast_finwait2_recycle", &[0]),
    ("icmp_may_rst", &[1]),
    ("insecure_ack", &[0]),
    ("insecure_syn", &[0]),
    // Of a peer that names no MSS, RFC 9293 MUST-15 says what is assumed.
    ("mssdflt", &[536]),
    ("v6mssdflt", &[1220]),
    ("newcwv", &[0]),
    ("nolocaltimewait", &[0]),
    ("path_mtu_discovery", &[1]),
    ("pmtud_blackhole_detection", &[0]),
    ("recvbuf_auto", &[1]),
    ("reass.new_limit", &[0]),
    ("rexmit_drop_options", &[0]),
    ("rfc3042", &[1]),
    ("rfc3390", &[1]),
    ("rfc3465", &[1]),
    ("rfc6675_pipe", &[1]),
    ("sack.revised", &[1]),
    ("sendbuf_auto", &[1]),
    ("tolerate_missing_ts", &[1]),
    ("ts_offset_per_conn", &[1]),
];

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
    choices(config, name, value)
        .or_else(|| sizes(&mut config.tcp, name, value))
        .ok_or_else(refused)
}

/// What is done, and what is not.
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
            tcp.resets = match flag(value)? {
                true => Resets::InWindow,
                false => Resets::Exact,
            };
        }
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
        // 1: asked for and agreed to; 2: agreed to; 3: Accurate ECN.
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
        "functions_default" => return (value.trim() == "freebsd").then_some(()),
        // Nothing is remembered from one run to the next, and nothing is offloaded.
        "hostcache.enable"
        | "hostcache.purgenow"
        | "hostcache.purge"
        | "tso"
        | "kern.ipc.maxsockbuf"
        | "log_debug" => {}
        _ => return None,
    }
    Some(())
}

/// How long, how often, how much.
fn sizes(tcp: &mut TcpConfig, name: &str, value: &str) -> Option<()> {
    match name {
        "delacktime" => tcp.delayed_ack = Some(millis(value)?),
        "finwait2_timeout" => tcp.fin_wait_2_timeout = Some(millis(value)?),
        "keepidle" => tcp.keepalive.idle = millis(value)?,
        "keepintvl" => tcp.keepalive.interval = millis(value)?,
        "keepcnt" => tcp.keepalive.count = count(value)?,
        "persmax" => tcp.max_persist = millis(value)?,
        "msl" => tcp.msl = millis(value)?,
        "rexmit_min" => tcp.min_rto = millis(value)?,
        "rexmit_slop" => tcp.rto_slop = millis(value)?,
        "rexmit_initial" => tcp.initial_rto = millis(value)?,
        "initcwnd_segments" => tcp.initial_window = count(value)?.max(1),
        "recvspace" => tcp.initial_receive_buffer = number(value)?.max(1) as usize,
        "sendspace" => tcp.initial_send_buffer = number(value)?.max(1) as usize,
        "minmss" => tcp.min_send_mss = number(value)?.try_into().ok()?,
        _ => return None,
    }
    Some(())
}

/// What is asked for, and the most that is agreed to.
fn ecn(value: u64) -> Option<(EcnMode, EcnMode)> {
    match value {
        0 => Some((EcnMode::Off, EcnMode::Off)),
        1 => Some((EcnMode::Classic, EcnMode::Classic)),
        2 => Some((EcnMode::Off, EcnMode::Classic)),
        3 => Some((EcnMode::Accurate, EcnMode::Accurate)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fixed_is_in_one_table() {
        for (name, values) in FIXED {
            let mut config = Config::new([[10, 0, 0, 1].into()]);
            for value in values {
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
        ] {
            let key = format!("net.inet.tcp.{name}");
            assert_eq!(apply(&mut config, &key, value), Ok(()), "{name}");
        }
        assert_eq!(config.tcp.ecn.ask, EcnMode::Classic);
        assert!(config.tcp.socket.keepalive.is_some());
        assert_eq!(config.syn_cookies, SynCookies::Always);
    }
}
