//! `SOF_TIMESTAMPING_OPT_STATS`: what a connection had done at the time of a timestamp. As on Linux,
//! these are netlink attributes, each with its length and number (`TCP_NLA_…`).

use super::linux::{
    TCP_NLA_BUSY, TCP_NLA_BYTES_NOTSENT, TCP_NLA_BYTES_RETRANS, TCP_NLA_BYTES_SENT,
    TCP_NLA_CA_STATE, TCP_NLA_DATA_SEGS_OUT, TCP_NLA_DELIVERED, TCP_NLA_DELIVERED_CE,
    TCP_NLA_DELIVERY_RATE, TCP_NLA_DELIVERY_RATE_APP_LMT, TCP_NLA_DSACK_DUPS, TCP_NLA_EDT,
    TCP_NLA_MIN_RTT, TCP_NLA_PACING_RATE, TCP_NLA_RECUR_RETRANS, TCP_NLA_REHASH,
    TCP_NLA_REORD_SEEN, TCP_NLA_REORDERING, TCP_NLA_RWND_LIMITED, TCP_NLA_SND_CWND,
    TCP_NLA_SND_SSTHRESH, TCP_NLA_SNDBUF_LIMITED, TCP_NLA_SNDQ_SIZE, TCP_NLA_SRTT,
    TCP_NLA_TIMEOUT_REHASH, TCP_NLA_TOTAL_RETRANS,
};
use super::tcp_info::TcpInfo;
use crate::time::Instant;

/// The state of a connection at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    pub(super) info: TcpInfo,
    /// Octets that the peer has not acknowledged, sent or not.
    pub(super) send_queue: usize,
}

impl Snapshot {
    /// The attributes, in Linux's order. `before` is the state of the connection when the packet
    /// arrived that caused the timestamp: Linux reports an acknowledgment before it updates the
    /// windows and the round-trip time. `departed`: when the send left.
    pub(super) fn attributes(&self, before: &TcpInfo, departed: Instant) -> Vec<u8> {
        let now = &self.info;
        let mut list = List::default();
        list.long(TCP_NLA_BUSY, now.busy_time);
        list.long(TCP_NLA_RWND_LIMITED, now.rwnd_limited);
        list.long(TCP_NLA_SNDBUF_LIMITED, now.sndbuf_limited);
        list.long(TCP_NLA_DATA_SEGS_OUT, now.data_segs_out.into());
        list.long(TCP_NLA_TOTAL_RETRANS, now.total_retrans.into());
        list.long(TCP_NLA_PACING_RATE, before.pacing_rate);
        list.long(TCP_NLA_DELIVERY_RATE, before.delivery_rate);
        list.int(TCP_NLA_SND_CWND, before.snd_cwnd);
        list.int(TCP_NLA_REORDERING, before.reordering);
        list.int(TCP_NLA_MIN_RTT, before.min_rtt);
        list.octet(TCP_NLA_RECUR_RETRANS, before.retransmits);
        list.octet(TCP_NLA_DELIVERY_RATE_APP_LMT, before.flags & 1);
        list.int(TCP_NLA_SND_SSTHRESH, before.snd_ssthresh);
        list.int(TCP_NLA_DELIVERED, now.delivered);
        list.int(TCP_NLA_DELIVERED_CE, now.delivered_ce);
        list.int(
            TCP_NLA_SNDQ_SIZE,
            u32::try_from(self.send_queue).unwrap_or(u32::MAX),
        );
        list.octet(TCP_NLA_CA_STATE, before.ca_state);
        list.long(TCP_NLA_BYTES_SENT, now.bytes_sent);
        list.long(TCP_NLA_BYTES_RETRANS, now.bytes_retrans);
        list.int(TCP_NLA_DSACK_DUPS, now.dsack_dups);
        list.int(TCP_NLA_REORD_SEEN, now.reord_seen);
        list.int(TCP_NLA_SRTT, before.rtt);
        list.short(TCP_NLA_TIMEOUT_REHASH, now.rehash as u16);
        list.int(TCP_NLA_BYTES_NOTSENT, now.notsent_bytes);
        list.long(TCP_NLA_EDT, departed.as_nanos());
        list.int(TCP_NLA_REHASH, now.rehash);
        list.octets
    }
}

/// A list of attributes.
#[derive(Debug, Default)]
struct List {
    octets: Vec<u8>,
}

impl List {
    /// Adds an attribute: length and number, two octets each, and the value, padded to a multiple
    /// of four.
    fn put(&mut self, kind: i32, value: &[u8]) {
        self.octets.extend((4 + value.len() as u16).to_le_bytes());
        self.octets.extend((kind as u16).to_le_bytes());
        self.octets.extend(value);
        let end = self.octets.len().next_multiple_of(4);
        self.octets.resize(end, 0);
    }

    fn octet(&mut self, kind: i32, value: u8) {
        self.put(kind, &[value]);
    }

    fn short(&mut self, kind: i32, value: u16) {
        self.put(kind, &value.to_le_bytes());
    }

    fn int(&mut self, kind: i32, value: u32) {
        self.put(kind, &value.to_le_bytes());
    }

    fn long(&mut self, kind: i32, value: u64) {
        self.put(kind, &value.to_le_bytes());
    }
}

/// The attributes of a list, as numbers and values. A truncated attribute is left out.
pub fn attributes(octets: &[u8]) -> Vec<(i32, u64)> {
    let mut found = Vec::new();
    let mut rest = octets;
    while let [a, b, c, d, after @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*a, *b]));
        let kind = i32::from(u16::from_le_bytes([*c, *d]));
        let value = len.checked_sub(4).and_then(|len| after.get(..len));
        let Some(value) = value else {
            break;
        };
        let number = value
            .iter()
            .rev()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet));
        found.push((kind, number));
        rest = octets_behind(rest, len);
    }
    found
}

fn octets_behind(list: &[u8], len: usize) -> &[u8] {
    list.get(len.next_multiple_of(4)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_lead_back_and_lie_at_multiples_of_four() {
        let info = TcpInfo {
            busy_time: 7,
            snd_cwnd: 10,
            ca_state: 3,
            ..TcpInfo::default()
        };
        let before = TcpInfo {
            snd_cwnd: 9,
            ca_state: 2,
            ..info
        };
        let snapshot = Snapshot {
            info,
            send_queue: 5,
        };
        let octets = snapshot.attributes(&before, Instant::from_secs(1));
        assert_eq!(octets[..8], [12, 0, TCP_NLA_BUSY as u8, 0, 7, 0, 0, 0]);
        assert!(octets.len().is_multiple_of(4));
        let found = attributes(&octets);
        assert_eq!(found.len(), 26);
        for (kind, value) in [
            (TCP_NLA_BUSY, 7),
            (TCP_NLA_SND_CWND, 9),
            (TCP_NLA_CA_STATE, 2),
            (TCP_NLA_SNDQ_SIZE, 5),
            (TCP_NLA_EDT, 1_000_000_000),
        ] {
            assert!(found.contains(&(kind, value)), "{kind}");
        }
        assert_eq!(attributes(&octets[..octets.len() - 1]).len(), 25);
        assert_eq!(attributes(&[3, 0, 1, 0]), []);
    }
}
