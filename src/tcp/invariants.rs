//! What always holds for a connection, and its position in the sequence spaces: judges look at both
//! after every event.

use core::fmt;

use super::seq::Seq;
use super::state::State;
use super::tcb::{AckDue, FourTuple, Snd, Tcb};
use super::timers::Timer;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The connection.
    pub tuple: FourTuple,
    /// Its state.
    pub state: State,
    /// What should hold.
    pub invariant: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken {
            tuple,
            state,
            invariant,
        } = self;
        write!(f, "{tuple} in {state} breaks: {invariant}")
    }
}

impl std::error::Error for Broken {}

/// The position of a connection in both sequence spaces (RFC 9293 §3.3.1). All but the ISNs only
/// grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceSpace {
    /// ISS.
    pub iss: Seq,
    /// SND.UNA.
    pub snd_una: Seq,
    /// SND.NXT.
    pub snd_nxt: Seq,
    /// IRS; `None` before the peer's SYN.
    pub irs: Option<Seq>,
    /// RCV.NXT.
    pub rcv_nxt: Seq,
    /// RCV.NXT + RCV.WND, as last advertised.
    pub rcv_edge: Seq,
}

type Check = Result<(), &'static str>;

fn holds(condition: bool, invariant: &'static str) -> Check {
    match condition {
        true => Ok(()),
        false => Err(invariant),
    }
}

impl Tcb {
    /// Checks what always holds (P11), and that something will happen as long as there is something
    /// to do (P7). Debug builds, simulations and the model checker call it after every event.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        self.check_places()
            .and_then(|()| self.check_timers())
            .and_then(|()| self.check_outlook())
            .map_err(|invariant| Broken {
                tuple: self.tuple,
                state: self.state,
                invariant,
            })
    }

    /// Its position in both sequence spaces.
    pub fn sequence_space(&self) -> SequenceSpace {
        SequenceSpace {
            iss: self.snd.iss,
            snd_una: self.snd.una,
            snd_nxt: self.snd.nxt,
            irs: self.rcv.irs,
            rcv_nxt: self.rcv.nxt,
            rcv_edge: self.rcv.edge,
        }
    }

    fn check_places(&self) -> Check {
        let Snd { una, nxt, iss, .. } = self.snd;
        holds(iss <= una && una <= nxt, "ISS =< SND.UNA =< SND.NXT")?;
        holds(
            self.send_buffer.len() <= self.most_to_send()
                && self.recv_buffer.len() <= self.recv_buffer.capacity(),
            "no buffer holds more than its capacity",
        )?;
        if self.state != State::Closed && self.rcv.irs.is_some() {
            let fin = usize::from(self.fin_received());
            holds(self.rcv.nxt <= self.rcv.edge, "RCV.NXT lies in the window")?;
            holds(
                self.rcv.edge <= self.recv_buffer.limit() + fin,
                "the window that was advertised has room in the buffer",
            )?;
            holds(
                self.rcv.nxt == self.recv_buffer.next() + fin,
                "RCV.NXT lies after what has arrived in order",
            )?;
        }
        if let Some(fin) = self.snd.fin {
            holds(fin == self.send_buffer.end(), "our FIN follows our text")?;
            holds(nxt <= fin + 1, "nothing is sent beyond our FIN")
        } else if self.state.is_synchronized() {
            let end = self.send_buffer.end().max(iss + 1);
            holds(nxt <= end, "nothing is sent that the user did not give")
        } else {
            Ok(())
        }
    }

    /// What header prediction relies on.
    fn check_outlook(&self) -> Check {
        holds(
            self.steady == self.is_steady(),
            "whether anything is amiss is known",
        )
    }

    /// P7: a connection that waits for the peer has something to send, or a timer that will make
    /// it.
    fn check_timers(&self) -> Check {
        if matches!(self.state, State::Closed | State::Listen) {
            let runs = self.timers.next().is_some();
            return holds(!runs, "no timer runs where there is no connection");
        }
        let in_flight = self.flight_size() > 0;
        holds(
            in_flight == self.timers.awaits_acknowledgment(),
            "a timer of recovery runs while something is in flight, and only then",
        )?;
        holds(
            in_flight
                || !self.has_unsent()
                || self.timers.is_armed(Timer::Persist)
                || self.timers.is_armed(Timer::Pace)
                || self.would_send(),
            "data that waits leaves now, or a timer runs",
        )?;
        holds(
            !self.is_held_by_pacer()
                || self.timers.is_armed(Timer::Pace)
                || self.state == State::TimeWait,
            "what the pacer holds has its timer",
        )?;
        holds(
            self.acks.due != AckDue::Delayed || self.timers.is_armed(Timer::DelayedAck),
            "an acknowledgment that waits has its timer",
        )?;
        holds(
            self.acks.due == AckDue::Now
                || self.feedback.earlier_ack().is_none() && self.acks.apart.next().is_none(),
            "an acknowledgment that leaves before another has that other after it",
        )?;
        holds(
            self.state != State::TimeWait || self.timers.is_armed(Timer::Close),
            "TIME-WAIT has its timer",
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Pacing, TcpConfig};
    use crate::tcp::congestion::Controllers;
    use crate::tcp::tcb::Open;
    use crate::tcp::{Event, FastOpen, Path, Segment};
    use crate::time::{Duration, Instant};
    use crate::wire::{Control, Ecn, Options};

    impl Tcb {
        /// Breaks an invariant, which no event can do, to test that it is noticed.
        pub(crate) fn forget_timers(&mut self) {
            self.timers.disarm_all();
        }
    }

    /// An established connection, made by hand, with ten octets of text in flight.
    fn established() -> Tcb {
        let config = Arc::new(TcpConfig::default());
        let socket = |host| core::net::SocketAddr::from(([10, 0, 0, host], 7));
        let open = Open {
            config: &config,
            controller: Controllers::default().find_or_default(config.congestion_control),
            tuple: FourTuple {
                local: socket(1),
                remote: socket(2),
            },
            path: Path::new(1500, false),
            iss: 100,
            timestamp_offset: 0,
            defer_accept: None,
            is_answered: false,
            fast_open: FastOpen::default(),
        };
        let mut tcb = Tcb::new(Instant::ZERO, &open, Some(Seq::initial(300)));
        tcb.on(Event::ActiveOpen);
        tcb.on(Event::RcvSynAck);
        (tcb.snd.una, tcb.snd.nxt) = (tcb.snd.iss + 1, tcb.snd.iss + 11);
        tcb.snd.wnd = 1000;
        tcb.syn_due = false;
        tcb.send_buffer.push(&[0; 10], usize::MAX);
        let at = Instant::ZERO + Duration::from_secs(1);
        tcb.timers.arm(Timer::Retransmission, at);
        assert_eq!(tcb.check(), Ok(()));
        tcb
    }

    fn broken(breaks: impl Fn(&mut Tcb)) -> &'static str {
        let mut tcb = established();
        breaks(&mut tcb);
        tcb.check().unwrap_err().invariant
    }

    #[test]
    fn places_that_contradict_each_other() {
        assert_eq!(
            broken(|tcb| tcb.snd.una = tcb.snd.nxt + 1),
            "ISS =< SND.UNA =< SND.NXT"
        );
        assert_eq!(
            broken(|tcb| tcb.rcv.edge = tcb.rcv.nxt.before(1)),
            "RCV.NXT lies in the window"
        );
        assert_eq!(
            broken(|tcb| tcb.rcv.edge += 1 << 30),
            "the window that was advertised has room in the buffer"
        );
        assert_eq!(
            broken(|tcb| {
                tcb.rcv.nxt += 1;
                tcb.rcv.edge += 1;
            }),
            "RCV.NXT lies after what has arrived in order"
        );
        assert_eq!(
            broken(|tcb| tcb.snd.fin = Some(tcb.snd.una)),
            "our FIN follows our text"
        );
        assert_eq!(
            broken(|tcb| tcb.snd.nxt += 1),
            "nothing is sent that the user did not give"
        );
    }

    #[test]
    fn whoever_waits_has_a_timer() {
        assert_eq!(
            broken(|tcb| tcb.timers.disarm(Timer::Retransmission)),
            "a timer of recovery runs while something is in flight, and only then"
        );
        assert_eq!(
            broken(|tcb| {
                tcb.snd.nxt = tcb.snd.una;
                tcb.snd.wnd = 0;
                tcb.timers.disarm(Timer::Retransmission);
            }),
            "data that waits leaves now, or a timer runs"
        );
        assert_eq!(
            broken(|tcb| tcb.acks.due = AckDue::Delayed),
            "an acknowledgment that waits has its timer"
        );
        assert_eq!(
            broken(|tcb| {
                Arc::make_mut(&mut tcb.config).pacing.when = Pacing::Always;
                (tcb.recovery.rtt).sample(Instant::ZERO, Duration::from_millis(1));
                let start = tcb.snd.nxt;
                tcb.pace_departure(Instant::ZERO, &(start..start + 10), false);
                tcb.timers.disarm(Timer::Pace);
            }),
            "what the pacer holds has its timer"
        );
        assert_eq!(
            broken(|tcb| {
                let marked = Segment {
                    seq: tcb.rcv.nxt,
                    ack: Some(tcb.snd.una),
                    ctl: Control::ACK,
                    wnd: 0,
                    shift: 0,
                    up: 0,
                    options: Options::default(),
                    ecn: Ecn::Ce,
                    text: b"marked"[..].into(),
                    mss: 6,
                };
                // Text without a mark waits, and its acknowledgment must leave before that of this one.
                (tcb.feedback).on_counted_segment(&marked, Some(tcb.rcv.nxt));
            }),
            "an acknowledgment that leaves before another has that other after it"
        );
        assert_eq!(
            broken(|tcb| tcb.state = State::TimeWait),
            "TIME-WAIT has its timer"
        );
    }

    #[test]
    fn what_is_predicted_from_is_true() {
        let known = "whether anything is amiss is known";
        assert_eq!(broken(|tcb| tcb.steady = true), known);
        let steady = |tcb: &mut Tcb| {
            tcb.recovery.agree_on_sack(&tcb.config, tcb.snd.iss);
            tcb.look_ahead();
            assert!(tcb.steady);
        };
        assert_eq!(
            broken(|tcb| {
                steady(tcb);
                tcb.rcv.fin = Some(tcb.rcv.nxt + 7);
            }),
            known
        );
    }

    #[test]
    fn what_is_broken_is_said_in_one_line() {
        let mut tcb = established();
        tcb.timers.disarm_all();
        assert_eq!(
            tcb.check().unwrap_err().to_string(),
            "10.0.0.1:7 <-> 10.0.0.2:7 in ESTABLISHED breaks: a timer of recovery runs while \
             something is in flight, and only then"
        );
    }
}
