//! What `%{ }%` may ask for: the fields of `TCP_INFO`, `SO_MEMINFO`, and constants.

use super::state::Run;
use super::{Stop, failed};
use crate::bsd::TcpInfo;
use crate::bsd::linux::{self, SO_MEMINFO, SOL_SOCKET};

/// Constants that only code has.
const CONSTANTS: [(&str, i128); 7] = [
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    ("TCPI_OPT_USEC_TS", 64),
    ("TCPI_OPT_TFO_CHILD", 128),
];

/// Additional fields that scripts use: parts of bit fields of the struct. Each with its name, the field it
/// is part of, its first bit and its number of bits.
const PARTS: [(&str, &str, u32, u32); 4] = [
    ("snd_wscale", "scales", 0, 4),
    ("rcv_wscale", "scales", 4, 4),
    ("delivery_rate_app_limited", "flags", 0, 1),
    ("fastopen_client_fail", "flags", 1, 2),
];

/// The values at one moment.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// Only of TCP.
    info: Option<TcpInfo>,
    memory: Vec<u32>,
}

/// Why a name cannot be asked for.
pub(super) fn unknown(name: &str) -> Option<String> {
    let nothing = Values {
        info: Some(TcpInfo::default()),
        memory: vec![0; 9],
    };
    match nothing.get(name) {
        Some(_) => None,
        None => Some(format!("the name {name} is not known in code")),
    }
}

impl Values {
    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<i128> {
        if let Some(field) = name.strip_prefix("tcpi_") {
            let mut parts = PARTS.iter();
            let part = parts.find(|(known, ..)| *known == field);
            let (whole, first, bits) = part.map_or((field, 0, 64), |it| (it.1, it.2, it.3));
            let fields = self.info.as_ref()?.fields();
            let (_, value) = fields.iter().find(|(known, _)| *known == whole)?;
            let mask = u64::MAX >> (64 - bits);
            return Some(i128::from(value >> first & mask));
        }
        if name.starts_with("SK_MEMINFO_") {
            let place = usize::try_from(linux::number(name)?).ok()?;
            return self.memory.get(place).map(|value| i128::from(*value));
        }
        let constant = CONSTANTS.iter().find(|(known, _)| *known == name);
        let constant = constant.map(|(_, value)| *value);
        constant.or_else(|| linux::number(name).map(i128::from))
    }
}

impl Run<'_> {
    /// The current values of the socket under test.
    pub(super) fn values(&mut self) -> Result<Values, Stop> {
        let fd = self.sockets.current().and_then(|socket| socket.fd);
        let Some(fd) = fd.and_then(|fd| self.files.socket(fd)) else {
            return failed("the socket under test has no descriptor");
        };
        let mut calls = self.host.calls();
        let memory = calls
            .getsockopt(fd, SOL_SOCKET, SO_MEMINFO)
            .unwrap_or_default();
        Ok(Values {
            info: calls.tcp_info(fd).ok(),
            memory: memory
                .chunks_exact(4)
                .map(|word| word.try_into().map_or(0, u32::from_le_bytes))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_memory_and_constants() {
        let values = Values {
            info: Some(TcpInfo {
                scales: 0x87,
                flags: 0b101,
                snd_cwnd: 10,
                ..TcpInfo::default()
            }),
            memory: vec![1, 2, 3],
        };
        assert_eq!(values.get("tcpi_snd_cwnd"), Some(10));
        assert_eq!(values.get("tcpi_snd_wscale"), Some(7));
        assert_eq!(values.get("tcpi_rcv_wscale"), Some(8));
        assert_eq!(values.get("tcpi_delivery_rate_app_limited"), Some(1));
        assert_eq!(values.get("tcpi_fastopen_client_fail"), Some(2));
        assert_eq!(values.get("SK_MEMINFO_RCVBUF"), Some(2));
        assert_eq!(values.get("TCP_CA_Loss"), Some(4));
        assert_eq!(values.get("TCP_ESTABLISHED"), Some(1));
        assert_eq!(values.get("tcpi_nonsense"), None);
        assert!(unknown("tcpi_nonsense").is_some());
        assert_eq!(unknown("tcpi_rtt"), None);
    }
}
