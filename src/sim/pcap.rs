//! A run as a capture file that Wireshark and tcpdump can read.

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, PcapResult, TsResolution};

use super::id::HostId;
use super::trace::{Happened, Record};
use crate::time::Duration;

/// The longest record: no IP datagram is longer.
const SNAPLEN: u32 = 65_535;

/// The datagrams in a record that `host` sent and received, as a pcap file (link type RAW,
/// nanoseconds; the world starts in 1970). Without a host: all datagrams, as they were sent.
pub fn capture(record: &Record, host: Option<HostId>) -> Vec<u8> {
    // Writing to memory cannot fail.
    write(record, host).unwrap_or_default()
}

fn write(record: &Record, host: Option<HostId>) -> PcapResult<Vec<u8>> {
    let header = PcapHeader {
        snaplen: SNAPLEN,
        datalink: DataLink::RAW,
        ts_resolution: TsResolution::NanoSecond,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(Vec::new(), header)?;
    for entry in &record.entries {
        let datagram = match &entry.what {
            Happened::Sent { datagram, .. } if host.is_none() || entry.host == host => datagram,
            Happened::Arrived(datagram) if host.is_some() && entry.host == host => datagram,
            _ => continue,
        };
        let at = Duration::from_nanos(entry.at.as_nanos());
        writer.write_packet(&PcapPacket::new(at, datagram.len() as u32, datagram))?;
    }
    Ok(writer.into_writer())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use pcap_file::pcap::PcapReader;

    #[test]
    fn a_host_has_what_it_sent_and_received_and_nobody_what_was_sent() {
        let mut record = Record::new(8);
        let sent = |datagram: &[u8]| Happened::Sent {
            datagram: datagram.to_vec(),
            copies: 1,
        };
        let at = Instant::from_nanos;
        record.push(at(1), Some(HostId(0)), None, sent(b"a"));
        record.push(at(2), Some(HostId(1)), None, sent(b"b"));
        record.push(at(3), None, None, Happened::Story("a story".to_owned()));
        record.push(
            at(1_000_000_004),
            Some(HostId(0)),
            None,
            Happened::Arrived(b"B".to_vec()),
        );
        let read = |host| {
            let file = capture(&record, host);
            let mut reader = PcapReader::new(&file[..]).unwrap();
            let mut found = Vec::new();
            while let Some(packet) = reader.next_packet() {
                let packet = packet.unwrap();
                found.push((packet.timestamp.as_nanos(), packet.data.into_owned()));
            }
            found
        };
        assert_eq!(read(None), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
        let of_the_first = [(1, b"a".to_vec()), (1_000_000_004, b"B".to_vec())];
        assert_eq!(read(Some(HostId(0))), of_the_first);
    }
}
