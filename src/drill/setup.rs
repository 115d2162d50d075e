//! The options of a script.

use core::net::IpAddr;

use super::ast::{Command, Script, Setting};
use super::packet::Addresses;
use super::place::Place;
use super::profile::Profile;
use super::text::micros_of;
use super::variant::Variant;

/// The result of the options of a script and of the command line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) variant: Variant,
    pub(super) addresses: Addresses,
    pub(super) bind_port: u16,
    pub(super) connect_port: u16,
    /// The MTU of the interface, in octets.
    pub(super) mtu: usize,
    /// The length to which injected text is cut; 0: what the MTU has room for.
    pub(super) mss: usize,
    pub(super) tolerance_micros: u64,
    /// In thousandths of a per cent.
    pub(super) tolerance_millipercent: u64,
    /// A tick of timestamps, in microseconds; 0: they are not compared.
    pub(super) tick_micros: u64,
    pub(super) scaled_echo: bool,
    /// Packets are compared one by one.
    pub(super) strict: bool,
    /// The secret for `md5 valid`.
    pub(super) md5_secret: Option<Vec<u8>>,
    /// Commands that run before everything else.
    pub(super) init_scripts: Vec<Command>,
    /// Only the syntax counts.
    pub(super) dry_run: bool,
    /// The profile of the script, which overrides the command line.
    pub(super) profile: Option<Profile>,
}

/// Options without meaning for a stack in virtual time.
const WITHOUT_MEANING: [&str; 15] = [
    "speed",
    "netmask_ip",
    "verbose",
    "debug",
    "is_anyip",
    "tun_dev",
    "persistent_tun_dev",
    "local_linklocal_ip",
    "gateway_linklocal_ip",
    "no_cleanup",
    "code_command",
    "code_format",
    "code_sockopt",
    "send_omit_free",
    "psp_udp_port",
];

impl Setup {
    /// The default setup. An IPv6 header is 20 octets longer, so the MTU is too, and the same text
    /// fits.
    fn new(variant: Variant) -> Setup {
        let (local, remote, gateway): (IpAddr, IpAddr, IpAddr) = match variant {
            Variant::Ipv6 => (
                [0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, 1].into(),
                [0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1].into(),
                [0xfd3d, 0x0a0b, 0x17d6, 0x8888, 0, 0, 0, 1].into(),
            ),
            Variant::Ipv4 | Variant::Ipv4MappedIpv6 => (
                [192, 168, 0, 1].into(),
                [192, 0, 2, 1].into(),
                [192, 168, 0, 2].into(),
            ),
        };
        Setup {
            variant,
            addresses: Addresses {
                local,
                remote,
                gateway,
            },
            bind_port: 8080,
            connect_port: 8080,
            mtu: if variant.is_ipv6() { 1520 } else { 1500 },
            mss: 0,
            tolerance_micros: 4_000,
            tolerance_millipercent: 12_500,
            tick_micros: 0,
            scaled_echo: false,
            strict: false,
            md5_secret: None,
            init_scripts: Vec::new(),
            dry_run: false,
            profile: None,
        }
    }

    /// The setup for a script's options; `None`: they exclude the variant. `more` are the options
    /// of the command line, which take precedence.
    ///
    /// # Errors
    /// An unknown option, or a value that makes no sense: the script cannot be run.
    pub(super) fn of(
        script: &Script,
        variant: Variant,
        more: &[(String, String)],
    ) -> Result<Option<Setup>, String> {
        let mut setup = Setup::new(variant);
        for Setting { place, name, value } in &script.options {
            match setup.take(name, value.as_deref()) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(reason) => return Err(format!("{place}: {reason}")),
            }
        }
        for (name, value) in more {
            if !setup.take(name, Some(value))? {
                return Ok(None);
            }
        }
        Ok(Some(setup))
    }

    /// Whether options of the command line make sense in this variant.
    pub(super) fn check(options: &[(String, String)], variant: Variant) -> Result<(), String> {
        let mut setup = Setup::new(variant);
        (options.iter()).try_for_each(|(name, value)| setup.take(name, Some(value)).map(drop))
    }

    /// Takes an option; returns whether the script is still for this variant.
    fn take(&mut self, name: &str, value: Option<&str>) -> Result<bool, String> {
        let wrong = |meant: &str| wrong(name, value, meant);
        let number = |most: u64| {
            let number: Option<u64> = value.and_then(|value| value.parse().ok());
            let meant = || wrong(&format!("a number from 0 to {most}"));
            number.filter(|n| *n <= most).ok_or_else(meant)
        };
        match name {
            "ip_version" => {
                let wanted = value.and_then(Variant::from_name);
                let wanted = wanted.ok_or_else(|| wrong("ipv4, ipv6 or ipv4-mapped-ipv6"))?;
                return Ok(wanted == self.variant);
            }
            "bind_port" => self.bind_port = number(65_535)? as u16,
            "connect_port" => self.connect_port = number(65_535)? as u16,
            "mtu" => {
                let longer = if self.variant.is_ipv6() { 20 } else { 0 };
                self.mtu = number(65_515)? as usize + longer;
            }
            "mss" => self.mss = number(65_535)? as usize,
            "tolerance_usecs" => self.tolerance_micros = whole(name, value)?,
            "tolerance_percent" => {
                let millipercent = value.and_then(thousandths);
                self.tolerance_millipercent =
                    millipercent.ok_or_else(|| wrong("per cent: 12.5"))?;
            }
            "tcp_ts_tick_usecs" => self.tick_micros = number(1_000_000)?,
            "tcp_ts_ecr_scaled" => self.scaled_echo = value != Some("0"),
            "strict_segments" => self.strict = value != Some("0"),
            "tcp_md5_secret" => {
                let secret = value.filter(|secret| !secret.is_empty());
                let secret = secret.ok_or_else(|| wrong("a secret"))?;
                self.md5_secret = Some(secret.as_bytes().to_vec());
            }
            // A difference from the script is a failure all the same: its author wants to know.
            "non_fatal" => {
                let kinds = value.unwrap_or_default().split(',');
                let mut others = kinds.filter(|kind| !matches!(*kind, "packet" | "syscall"));
                if others.next().is_some() {
                    return Err(wrong("packet, syscall or both"));
                }
            }
            "init_scripts" => {
                let command = |path: &str| Command {
                    place: Place { line: 1, column: 1 },
                    text: path.to_owned(),
                };
                self.init_scripts = value.unwrap_or_default().split(',').map(command).collect();
            }
            "dry_run" => self.dry_run = true,
            "profile" => {
                let profile = value.and_then(Profile::from_name);
                self.profile = Some(profile.ok_or_else(|| wrong("linux, freebsd or stubborn"))?);
            }
            "local_ip" => self.addresses.local = self.address(name, value)?,
            "remote_ip" => self.addresses.remote = self.address(name, value)?,
            "gateway_ip" => self.addresses.gateway = self.address(name, value)?,
            _ if WITHOUT_MEANING.contains(&name) => {}
            _ => return Err(format!("the option --{name} is not known here")),
        }
        Ok(true)
    }

    /// An address, possibly followed by a prefix length.
    fn address(&self, name: &str, value: Option<&str>) -> Result<IpAddr, String> {
        let text = value.map(|value| value.split('/').next().unwrap_or(value));
        let address: Option<IpAddr> = text.and_then(|text| text.parse().ok());
        let fits = |address: &IpAddr| address.is_ipv6() == self.variant.is_ipv6();
        let meant = if self.variant.is_ipv6() {
            "an address of IPv6"
        } else {
            "an address of IPv4"
        };
        address
            .filter(fits)
            .ok_or_else(|| wrong(name, value, meant))
    }
}

/// Microseconds; a fraction is ignored.
fn whole(name: &str, value: Option<&str>) -> Result<u64, String> {
    let is_fraction = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    let whole = value.map(|value| match value.split_once('.') {
        Some((whole, part)) if is_fraction(part) => whole,
        _ => value,
    });
    let number: Option<u64> = whole.and_then(|whole| whole.parse().ok());
    let number = number.filter(|number| *number <= 1_000_000_000);
    number.ok_or_else(|| wrong(name, value, "a number from 0 to 1000000000"))
}

fn wrong(name: &str, value: Option<&str>, meant: &str) -> String {
    match value {
        Some(value) => format!("the option --{name} cannot be {value}: {meant} is meant"),
        None => format!("the option --{name} needs a value: {meant}"),
    }
}

/// `12.5` is 12500.
fn thousandths(text: &str) -> Option<u64> {
    micros_of(text).map(|micros| micros / 1_000)
}

#[cfg(test)]
mod tests {
    use super::super::definitions::Definitions;
    use super::super::parser::parse;
    use super::*;

    fn setup(options: &str, variant: Variant) -> Result<Option<Setup>, String> {
        let script = parse(&format!("{options}\n0 `true`"), &Definitions::default()).unwrap();
        Setup::of(&script, variant, &[("mss".to_owned(), "7".to_owned())])
    }

    #[test]
    fn the_command_line_wins() {
        let setup = setup(
            "--mss=1000\n--mtu=1300\n--tolerance_percent=1.5",
            Variant::Ipv6,
        );
        let setup = setup.unwrap().unwrap();
        assert_eq!((setup.mss, setup.mtu), (7, 1320));
        assert_eq!(setup.tolerance_millipercent, 1_500);
    }

    #[test]
    fn a_script_may_be_for_one_family_only() {
        let only = |variant| {
            setup("--ip_version=ipv4_mapped_ipv6", variant)
                .unwrap()
                .is_some()
        };
        assert!(only(Variant::Ipv4MappedIpv6));
        assert!(!only(Variant::Ipv4) && !only(Variant::Ipv6));
    }

    #[test]
    fn values_as_people_write_them() {
        let options = "--local_ip=\"192.168.0.9\"\n--tolerance_usecs=5000.5\n--strict_segments=0";
        let setup = setup(options, Variant::Ipv4).unwrap().unwrap();
        assert_eq!(setup.addresses.local, IpAddr::from([192, 168, 0, 9]));
        assert_eq!((setup.tolerance_micros, setup.strict), (5_000, false));
    }

    #[test]
    fn what_nobody_knows_is_told() {
        let rows = [
            ("--colour=red", "1:1: the option --colour is not known here"),
            (
                "--verbose\n--mtu=x",
                "2:1: the option --mtu cannot be x: a number from 0 to 65515 is meant",
            ),
            (
                "--mtu",
                "1:1: the option --mtu needs a value: a number from 0 to 65515",
            ),
            (
                "--ip_version=ipv5",
                "1:1: the option --ip_version cannot be ipv5: ipv4, ipv6 or ipv4-mapped-ipv6 is \
                 meant",
            ),
            (
                "--local_ip=fd00::1",
                "1:1: the option --local_ip cannot be fd00::1: an address of IPv4 is meant",
            ),
        ];
        for (options, expected) in rows {
            assert_eq!(setup(options, Variant::Ipv4), Err(expected.to_owned()));
        }
    }
}
