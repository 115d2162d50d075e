//! A connection in TIME-WAIT in little memory: what must be known about a connection that both
//! sides have closed and no user holds, for the 2 MSL in which an old segment or the peer's FIN may
//! still arrive (RFC 9293 §3.6.1, §3.10.7.4).
//!
//! A [`TimeWait`] is made from a [`Tcb`] that has nothing more to send, and becomes one again when
//! something arrives or the time is over. So the rules of the state, from RFC 9293, RFC 1337, RFC
//! 5961, RFC 6191 and RFC 7323, are written only once.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::congestion::Factory;
use super::fast_open::FastOpen;
use super::handshake::{Agreed, Path};
use super::recv_buffer::RecvBuffer;
use super::send_buffer::SendBuffer;
use super::seq::Seq;
use super::state::State;
use super::tcb::{AckDue, FourTuple, Open, Tcb};
use super::timers::Timer;
use super::timestamps::Timestamps;
use crate::config::{CongestionControl, TcpConfig};
use crate::time::{Duration, Instant};

/// A connection in TIME-WAIT without a user, in 96 octets. It lacks the deadline, which its owner keeps,
/// and the offset of its timestamp clock, which follows from the four-tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeWait {
    hosts: Hosts,
    /// The local port, the remote port.
    ports: (u16, u16),
    /// It came from LISTEN.
    passive: bool,
    agreed: Agreed,
    last_received: Instant,
    /// When an unacceptable segment was last answered (RFC 5961 §7); the end of time if none ever
    /// was.
    challenged: Instant,
    /// SND.UNA and SND.NXT, RCV.NXT.
    snd_nxt: u32,
    rcv_nxt: u32,
    /// How far ISS and IRS lie before them, as far as 32 bits can tell.
    sent: u32,
    received: u32,
    /// RCV.WND, as last advertised, and MAX.SND.WND.
    rcv_wnd: u32,
    max_snd_wnd: u32,
    /// TS.Recent, if timestamps were agreed.
    recent: u32,
    config: Arc<TcpConfig>,
}

/// Local and remote address, with the family stored only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hosts {
    V4([Ipv4Addr; 2]),
    V6([Ipv6Addr; 2]),
}

impl Hosts {
    fn new(local: IpAddr, remote: IpAddr) -> Hosts {
        let mapped = |address| match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        match (local, remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => Hosts::V4([local, remote]),
            (local, remote) => Hosts::V6([mapped(local), mapped(remote)]),
        }
    }

    fn addresses(&self) -> [IpAddr; 2] {
        match *self {
            Hosts::V4(both) => both.map(IpAddr::V4),
            Hosts::V6(both) => both.map(IpAddr::V6),
        }
    }
}

impl Tcb {
    /// Everything that decides what the connection will do, and when 2 MSL are over. `None` if it is
    /// not in TIME-WAIT, a user holds it, or it has something to send. With Accurate ECN it is
    /// always `None`, because each acknowledgment carries counters.
    pub fn to_time_wait(&self) -> Option<(TimeWait, Instant)> {
        let expires = self.timers.only(Timer::Close)?;
        let has_more_to_say = self.acks.due != AckDue::No
            || self.syn_due
            || self.reset_due
            || self.refuse.is_some()
            || self.probes.due
            || self.sack_count() > 0
            || !self.feedback.is_quiet();
        if self.state != State::TimeWait || !self.orphan || has_more_to_say {
            return None;
        }
        let FourTuple { local, remote } = self.tuple;
        let irs = self.rcv.irs?;
        let waiting = TimeWait {
            hosts: Hosts::new(local.ip(), remote.ip()),
            ports: (local.port(), remote.port()),
            passive: self.passive,
            agreed: self.agreed.clone(),
            last_received: self.last_received,
            challenged: self.acks.challenged.unwrap_or(Instant::FAR_FUTURE),
            snd_nxt: self.snd.nxt.wire(),
            rcv_nxt: self.rcv.nxt.wire(),
            sent: distance(self.snd.iss, self.snd.nxt),
            received: distance(irs, self.rcv.nxt),
            rcv_wnd: distance(self.rcv.nxt, self.true_edge()),
            max_snd_wnd: u32::try_from(self.snd.max_wnd).unwrap_or(u32::MAX),
            recent: self.timestamps.recent().unwrap_or_default(),
            config: Arc::clone(&self.config),
        };
        Some((waiting, expires))
    }
}

/// What a [`TimeWait`] does not hold itself, but needs to become a connection again ([`TimeWait::wake`]).
#[derive(Clone, Copy, Debug)]
pub struct WakeContext {
    /// When 2 MSL are over.
    pub expires: Instant,
    /// The offset of its timestamp clock (RFC 7323 §7.1).
    pub timestamp_offset: u32,
    /// The congestion controller, which would matter only if it sent text.
    pub controller: &'static dyn Factory,
    /// What the path can carry, which does not matter either.
    pub path: Path,
}

/// From one place to a later one, as far as 32 bits can tell.
fn distance(from: Seq, to: Seq) -> u32 {
    u32::try_from(to.saturating_since(from)).unwrap_or(u32::MAX)
}

impl TimeWait {
    /// The local and remote socket.
    pub fn tuple(&self) -> FourTuple {
        let [local, remote] = self.hosts.addresses();
        FourTuple {
            local: SocketAddr::new(local, self.ports.0),
            remote: SocketAddr::new(remote, self.ports.1),
        }
    }

    /// As [`Tcb::may_be_replaced`].
    pub fn may_be_replaced(&self, now: Instant, silence: Duration) -> bool {
        self.agreed.timestamps && now - self.last_received >= silence
    }

    /// The congestion controller, which would matter only if it sent text.
    pub fn congestion_control(&self) -> CongestionControl {
        self.config.congestion_control
    }

    /// Makes a full connection of it again, in TIME-WAIT.
    pub fn wake(&self, context: &WakeContext) -> Tcb {
        let config = &self.config;
        let (snd_nxt, rcv_nxt) = (Seq::initial(self.snd_nxt), Seq::initial(self.rcv_nxt));
        let open = Open {
            config,
            controller: context.controller,
            tuple: self.tuple(),
            path: context.path,
            iss: self.snd_nxt.wrapping_sub(self.sent),
            timestamp_offset: context.timestamp_offset,
            defer_accept: None,
            is_answered: false,
            fast_open: FastOpen::default(),
        };
        let then = self.last_received;
        let mut tcb = Tcb::new(then, &open, None);
        tcb.state = State::TimeWait;
        tcb.passive = self.passive;
        tcb.orphan = true;
        tcb.syn_due = false;
        tcb.agreed = self.agreed.clone();
        // Both FINs have been acknowledged, and are the last places.
        let (snd_fin, rcv_fin) = (snd_nxt.before(1), rcv_nxt.before(1));
        (tcb.snd.una, tcb.snd.nxt) = (snd_nxt, snd_nxt);
        tcb.snd.iss = snd_nxt.before(self.sent as usize);
        tcb.snd.fin = Some(snd_fin);
        tcb.snd.max_wnd = self.max_snd_wnd as usize;
        tcb.send_buffer = SendBuffer::new(tcb.send_buffer.capacity(), snd_fin);
        tcb.rcv.nxt = rcv_nxt;
        tcb.rcv.last_ack_sent = rcv_nxt;
        tcb.rcv.edge = rcv_nxt + self.rcv_wnd as usize;
        tcb.rcv.irs = Some(rcv_nxt.before(self.received as usize));
        tcb.rcv.fin = Some(rcv_fin);
        // The window stays what it was.
        let ranges = config.max_out_of_order_ranges;
        tcb.recv_buffer =
            RecvBuffer::new(self.rcv_wnd as usize, ranges, rcv_fin).report_duplicates(config.dsack);
        let recent = self.agreed.timestamps.then_some(self.recent);
        tcb.timestamps = Timestamps::resumed(context.timestamp_offset, recent, then);
        let challenged = Some(self.challenged);
        tcb.acks.challenged = challenged.filter(|at| *at < Instant::FAR_FUTURE);
        tcb.timers.arm(Timer::Close, context.expires);
        tcb
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tcp::congestion::Controllers;
    use crate::wire::{Control, Ecn, Options, TcpHeader, Timestamps as Option8};

    /// RFC 9293 §3.6.1 requires this state for minutes, so it must not take much memory.
    #[test]
    fn takes_96_octets() {
        assert_eq!(size_of::<TimeWait>(), 96);
    }

    fn controller() -> &'static dyn Factory {
        Controllers::default().find_or_default(CongestionControl::default())
    }

    const PORTS: (u16, u16) = (40_000, 7);

    /// Everything that one has to send reaches the other.
    fn carry(now: Instant, from: &mut Tcb, to: &mut Tcb) -> bool {
        let mut any = false;
        while let Some(segment) = from.poll_transmit(now) {
            let (header, text) = (segment.header(PORTS.0, PORTS.1), segment.text.to_vec());
            to.segment_arrives(now, Ecn::NotEct, &header, &text);
            any = true;
        }
        any
    }

    /// A connection that its user has closed first and released; the peer has closed, too.
    fn waiting(now: Instant, config: &TcpConfig) -> Tcb {
        let socket = |host, port| SocketAddr::from(([10, 0, 0, host], port));
        let open = Open {
            config: &Arc::new(config.clone()),
            controller: controller(),
            tuple: FourTuple {
                local: socket(1, PORTS.0),
                remote: socket(2, PORTS.1),
            },
            path: Path::new(1500, false),
            iss: u32::MAX - 10,
            timestamp_offset: 5,
            defer_accept: None,
            is_answered: false,
            fast_open: FastOpen::default(),
        };
        let mut client = Tcb::open_active(now, &open);
        let syn = client.poll_transmit(now).unwrap().header(PORTS.0, PORTS.1);
        let mut server = Tcb::open_passive(now, &open, Ecn::NotEct, &syn);
        let quiet = |client: &mut Tcb, server: &mut Tcb| {
            while carry(now, server, client) || carry(now, client, server) {}
        };
        quiet(&mut client, &mut server);
        client.send(now, b"some text").unwrap();
        quiet(&mut client, &mut server);
        client.release(now);
        quiet(&mut client, &mut server);
        client
    }

    /// The peer's FIN arrives.
    fn close_peer(now: Instant, tcb: &mut Tcb) {
        let fin = header(tcb, 0, 0, Control::FIN | Control::ACK, 0);
        tcb.segment_arrives(now, Ecn::NotEct, &fin, &[]);
        while tcb.poll_transmit(now).is_some() {}
    }

    /// A segment at these distances from what is expected.
    fn header(tcb: &Tcb, seq: i32, ack: i32, control: Control, timestamp: i32) -> TcpHeader {
        let recent = tcb.timestamps.recent();
        TcpHeader {
            source_port: PORTS.1,
            destination_port: PORTS.0,
            seq: tcb.rcv.nxt.wire().wrapping_add_signed(seq),
            ack: tcb.snd.nxt.wire().wrapping_add_signed(ack),
            control,
            window: 1000,
            options: Options {
                timestamps: recent.map(|recent| Option8 {
                    val: recent.wrapping_add_signed(timestamp),
                    ecr: 0,
                }),
                ..Options::default()
            },
            ..TcpHeader::default()
        }
    }

    /// All that leaves now.
    fn departures(now: Instant, tcb: &mut Tcb) -> Vec<TcpHeader> {
        let mut all = Vec::new();
        while let Some(segment) = tcb.poll_transmit(now) {
            all.push(segment.header(PORTS.0, PORTS.1));
        }
        all
    }

    #[derive(Clone, Copy, Debug)]
    struct Stray {
        after: Duration,
        seq: i32,
        ack: i32,
        control: Control,
        timestamp: i32,
        text: usize,
    }

    prop_compose! {
        fn any_stray()(
            millis in 0u64..9_000,
            places in (-20i32..20, -20i32..20, -2i32..3),
            control in 0u16..1 << 5,
            acknowledges in any::<bool>(),
            text in 0usize..4,
        ) -> Stray {
            let ack = if acknowledges { Control::ACK } else { Control::NONE };
            Stray {
                after: Duration::from_millis(millis),
                seq: places.0,
                ack: places.1,
                control: Control::from_bits(control) | ack,
                timestamp: places.2,
                text,
            }
        }
    }

    proptest! {
        /// Whatever arrives, a connection that rests in between behaves like one that is always
        /// awake: RFC 9293 §3.10.7.4, RFC 1337, RFC 5961, RFC 6191, RFC 7323.
        #[test]
        fn a_connection_at_rest_is_the_same_connection(
            strays in prop::collection::vec(any_stray(), 1..20),
            timestamps in any::<bool>(),
            sack in any::<bool>(),
            ignores_resets in any::<bool>(),
        ) {
            let config = TcpConfig {
                timestamps,
                sack,
                time_wait_ignores_resets: ignores_resets,
                ..TcpConfig::default()
            };
            let mut now = Instant::from_secs(1);
            let mut awake = waiting(now, &config);
            close_peer(now, &mut awake);
            prop_assert_eq!(awake.state(), State::TimeWait);
            let mut woken = awake.clone();
            prop_assert!(woken.to_time_wait().is_some());
            for stray in strays {
                now += stray.after;
                let silence = Duration::from_secs(1);
                // A report of old text waits for an acknowledgment, and until then the connection
                // cannot rest.
                if let Some((at_rest, expires)) = woken.to_time_wait() {
                    prop_assert_eq!(
                        at_rest.may_be_replaced(now, silence),
                        awake.may_be_replaced(now, silence)
                    );
                    woken = at_rest.wake(&WakeContext {
                        expires,
                        timestamp_offset: awake.timestamps.offset(),
                        controller: controller(),
                        path: awake.path,
                    });
                }
                prop_assert_eq!(woken.next_deadline(), awake.next_deadline());
                let segment = header(&awake, stray.seq, stray.ack, stray.control, stray.timestamp);
                prop_assert_eq!(
                    woken.may_be_reopened_by(&segment),
                    awake.may_be_reopened_by(&segment)
                );
                let text = &b"text"[..stray.text];
                let discards = [&mut woken, &mut awake].map(|tcb| {
                    tcb.handle_timeouts(now);
                    tcb.segment_arrives(now, Ecn::NotEct, &segment, text)
                });
                prop_assert_eq!(discards[0], discards[1], "{:?}", stray);
                prop_assert_eq!(departures(now, &mut woken), departures(now, &mut awake));
                prop_assert_eq!(woken.state(), awake.state());
                prop_assert_eq!(woken.is_finished(), awake.is_finished());
                prop_assert_eq!(woken.check(), Ok(()));
                if awake.state() != State::TimeWait {
                    break;
                }
                prop_assert_eq!(woken.to_time_wait(), awake.to_time_wait());
            }
        }
    }
}
