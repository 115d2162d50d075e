//! What the program's user says of the stack: words with commas between them.
//!
//! | word | |
//! |---|---|
//! | `local=ADDRESS` | an address of the stack; as often as it has some |
//! | `remote=ADDRESS` | an address of the test's end; nothing follows from it |
//! | `mtu=OCTETS` | the longest datagram |
//! | `profile=linux`, `profile=freebsd`, `profile=stubborn` | behave as the scripts of that system expect; `linux` if there is no such word |
//! | `net.ipv4.tcp_…=VALUE` | a setting of Linux, by its name |

use std::net::IpAddr;

use stubborn::bsd::System;
use stubborn::config::Config;
use stubborn::drill::{Profile, set_sysctl};

/// The addresses of a stack that is not told any: those of the program.
const ADDRESSES: [&str; 2] = ["192.168.0.1", "fd3d:a0b:17d6::1"];

/// The longest datagram, if nobody says otherwise.
const MTU: usize = 1500;

/// The configuration, and whose sockets the program finds.
///
/// # Errors
/// What is not understood.
pub(super) fn config(text: &str) -> Result<(Config, System), String> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let mut profile = Profile::default();
    let mut settings = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        let named = word.split_once('=');
        let (name, value) = named.ok_or_else(|| format!("{word}: no value"))?;
        match name {
            "local" => addresses.push(address(value)?),
            "remote" => drop(address(value)?),
            "profile" => {
                let known = Profile::from_name(value);
                profile = known.ok_or_else(|| format!("{value}: no profile"))?;
            }
            _ => settings.push((name, value)),
        }
    }
    if addresses.is_empty() {
        let program = ADDRESSES.iter().filter_map(|it| it.parse().ok());
        addresses.extend::<Vec<IpAddr>>(program.collect());
    }
    let first = addresses[0];
    let mut config = Config {
        addresses,
        ..profile.config(first, MTU)
    };
    // Whatever the order of the words, a setting counts more than a profile.
    for (name, value) in settings {
        match name {
            "mtu" => config.mtu = value.parse().map_err(|_| format!("{value}: no MTU"))?,
            _ => set_sysctl(&mut config, name, value)?,
        }
    }
    config.validate().map_err(|error| error.to_string())?;
    Ok((config, profile.system()))
}

/// An address; a prefix after it does not matter here.
fn address(value: &str) -> Result<IpAddr, String> {
    let bare = value.split('/').next().unwrap_or(value);
    bare.parse().map_err(|_| format!("{value}: no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip() -> IpAddr {
        [10, 0, 0, 1].into()
    }

    #[test]
    fn words_become_a_configuration() {
        let text = "local=10.0.0.1/16,local=fd00::1, remote=10.0.0.2,mtu=1400";
        let (known, system) = config(text).unwrap();
        let addresses: Vec<String> = known.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["10.0.0.1", "fd00::1"]);
        assert_eq!((known.mtu, system), (1400, System::Linux));
        let (known, system) = config("net.ipv4.tcp_syn_retries=2,profile=freebsd").unwrap();
        assert_eq!((known.tcp.syn_retries, system), (2, System::Freebsd));
        assert_eq!(
            known.tcp.option_layout,
            Profile::Freebsd.config(ip(), MTU).tcp.option_layout
        );
        assert_eq!(config("").unwrap().0.addresses.len(), 2);
        for wrong in [
            "local",
            "local=here",
            "mtu=-1",
            "colour=red",
            "mtu=1",
            "profile=tea",
        ] {
            assert!(config(wrong).is_err(), "{wrong}");
        }
    }
}
