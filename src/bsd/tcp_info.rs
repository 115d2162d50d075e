//! `struct tcp_info` of Linux.

macro_rules! tcp_info {
    ($($name:ident: $kind:ty, $text:literal;)*) => {
        /// `struct tcp_info` as Linux lays it out on x86-64: the fields in their order, without
        /// gaps.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct TcpInfo {
            $(#[doc = $text] pub $name: $kind,)*
        }

        impl TcpInfo {
            /// The octets of the structure.
            pub fn octets(&self) -> Vec<u8> {
                let mut octets = Vec::new();
                $(octets.extend(self.$name.to_le_bytes());)*
                octets
            }

            /// Its fields, by name.
            pub fn fields(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), u64::from(self.$name))),*]
            }
        }
    };
}

tcp_info! {
    state: u8, "`TCP_ESTABLISHED`, …";
    ca_state: u8, "Open 0, Disorder 1, CWR 2, Recovery 3, Loss 4.";
    retransmits: u8, "Retransmission timeouts in a row.";
    probes: u8, "Probes of a closed window, or keepalives, without an answer.";
    backoff: u8, "How often the timeout, or the interval of probes, was doubled.";
    options: u8, "`TCPI_OPT_…`: what was agreed on.";
    scales: u8, "Window scales: the peer's in the lower four bits, ours in the upper.";
    flags: u8, "Bit 0: the last sample of the delivery rate was limited by the application, or none is of text; and two bits: what Fast Open failed for.";
    rto: u32, "Retransmission timeout, microseconds.";
    ato: u32, "How long an acknowledgment waits, microseconds.";
    snd_mss: u32, "The longest text that a segment carries, octets.";
    rcv_mss: u32, "The longest text that came, octets.";
    unacked: u32, "Segments in flight; of a listener, connections that wait.";
    sacked: u32, "Of them, those that a selective acknowledgment covers; of a listener, the backlog.";
    lost: u32, "Of them, those that count as lost.";
    retrans: u32, "Of them, those that were sent again.";
    fackets: u32, "Nothing, any more.";
    last_data_sent: u32, "Since text was last sent, milliseconds.";
    last_ack_sent: u32, "Nothing.";
    last_data_recv: u32, "Since text last came, milliseconds.";
    last_ack_recv: u32, "Since an acknowledgment last came, milliseconds.";
    pmtu: u32, "Path MTU, octets.";
    rcv_ssthresh: u32, "The most that the window may be now, octets.";
    rtt: u32, "Smoothed round-trip time, microseconds.";
    rttvar: u32, "Its variation, microseconds.";
    snd_ssthresh: u32, "Slow start threshold, segments.";
    snd_cwnd: u32, "Congestion window, segments.";
    advmss: u32, "The MSS that we say, octets.";
    reordering: u32, "How far segments may overtake each other, segments.";
    rcv_rtt: u32, "Round-trip time as a receiver sees it, microseconds.";
    rcv_space: u32, "The most that was read in a round trip, or the receive buffer, octets.";
    total_retrans: u32, "Segments sent again, ever.";
    pacing_rate: u64, "Octets a second, whether the connection is paced or not; all ones: not known yet.";
    max_pacing_rate: u64, "The most octets a second; all ones: no limit.";
    bytes_acked: u64, "Octets that the peer acknowledged, ever.";
    bytes_received: u64, "Octets received in order, ever.";
    segs_out: u32, "Segments sent, ever; SYN,ACKs of a passive open do not count.";
    segs_in: u32, "Segments received, ever.";
    notsent_bytes: u32, "Octets that wait to be sent for the first time.";
    min_rtt: u32, "The least round-trip time of the last minutes, microseconds.";
    data_segs_in: u32, "Segments with text received, ever.";
    data_segs_out: u32, "Segments with text sent, ever.";
    delivery_rate: u64, "Octets a second that the peer received lately.";
    busy_time: u64, "How long something was under way, microseconds.";
    rwnd_limited: u64, "Of it, how long the peer's window was the limit.";
    sndbuf_limited: u64, "Of it, how long the send buffer was the limit.";
    delivered: u32, "Segments that arrived at the peer, ever.";
    delivered_ce: u32, "Of them, those that were marked on the way (ECN).";
    bytes_sent: u64, "Octets of text sent, those sent again included, ever.";
    bytes_retrans: u64, "Octets of text sent again, ever.";
    dsack_dups: u32, "Segments that the peer reports to have come twice, ever.";
    reord_seen: u32, "How often segments were seen to overtake each other.";
    rcv_ooopack: u32, "Segments received beyond a gap, ever.";
    snd_wnd: u32, "SND.WND, octets.";
    rcv_wnd: u32, "RCV.WND, octets.";
    rehash: u32, "How often a timeout made Linux choose another way: all timeouts, ever.";
    total_rto: u16, "Retransmission timeouts, ever.";
    total_rto_recoveries: u16, "Of them, the first of several in a row.";
    total_rto_time: u32, "From then until what was in flight was acknowledged, ever, milliseconds.";
    received_ce: u32, "Segments received that were marked (RFC 9768).";
    delivered_e1_bytes: u32, "Octets that arrived with ECT(1) (RFC 9768).";
    delivered_e0_bytes: u32, "Octets that arrived with ECT(0).";
    delivered_ce_bytes: u32, "Octets that arrived with CE.";
    received_e1_bytes: u32, "Octets received with ECT(1).";
    received_e0_bytes: u32, "Octets received with ECT(0).";
    received_ce_bytes: u32, "Octets received with CE.";
    accecn_fail_mode: u16, "Why AccECN is not in use.";
    accecn_opt_seen: u16, "Whether its options pass.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_lie_where_linux_has_them() {
        let info = TcpInfo {
            snd_cwnd: 0x0102_0304,
            bytes_acked: 5,
            busy_time: 6,
            bytes_sent: 7,
            ..TcpInfo::default()
        };
        let octets = info.octets();
        assert_eq!(octets.len(), 280);
        assert_eq!(octets[80..84], [4, 3, 2, 1]);
        assert_eq!((octets[120], octets[168], octets[200]), (5, 6, 7));
    }
}
