//! The user's calls except SEND ([`sending`](super::sending)): OPEN, RECEIVE, CLOSE, ABORT, STATUS (RFC
//! 9293 §3.10.1 to §3.10.6).

use std::sync::Arc;

use super::error::{ConnectionError, RecvError, SendError};
use super::loan::Loan;
use super::readiness::Readiness;
use super::recovery::RecoveryState;
use super::seq::Seq;
use super::state::{Event, State};
use super::status::Status;
use super::tcb::{AckDue, Open, Tcb};
use crate::config::TcpConfig;
use crate::time::{Duration, Instant};
use crate::wire::{Ecn, Kept, TcpHeader};

impl Tcb {
    /// OPEN, active (§3.10.1): SYN-SENT, and a SYN to send.
    pub fn open_active(now: Instant, open: &Open<'_>) -> Tcb {
        let mut tcb = Tcb::new(now, open, None);
        tcb.on(Event::ActiveOpen);
        tcb.settle(now);
        tcb
    }

    /// A SYN arrives for a listener (§3.10.7.2, third), in a datagram with this ECN field:
    /// SYN-RECEIVED, and a SYN,ACK to send.
    /// Text and FIN on the SYN are not taken; the peer sends them again.
    pub fn open_passive(now: Instant, open: &Open<'_>, ecn: Ecn, syn: &TcpHeader) -> Tcb {
        let mut tcb = Tcb::new(now, open, Some(Seq::initial(syn.seq)));
        tcb.passive = true;
        tcb.state = State::Listen;
        tcb.stats.segments_in = 1;
        tcb.take_peer_syn(now, syn);
        tcb.feedback.on_syn(syn.control, ecn, false);
        tcb.on(Event::RcvSyn);
        tcb.settle(now);
        tcb
    }

    /// RECEIVE (§3.10.3): `Ok(0)` is the end of the stream, if `buffer` is not empty. One call
    /// does not read across the urgent mark, so that the user can tell where it is.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is here yet; the reason why the connection ended, once, after
    /// what had arrived before.
    pub fn recv(&mut self, now: Instant, buffer: &mut [u8]) -> Result<usize, RecvError> {
        let most = buffer.len().min(self.readable_at_once());
        let taken = self.recv_buffer.read(&mut buffer[..most]);
        if taken > 0 {
            self.rcv.end_read |= taken < buffer.len() && self.fin_received();
            self.on_read(now);
            return Ok(taken);
        }
        match buffer.is_empty() {
            true => Ok(0),
            false => self.end_of_stream().map(|()| 0),
        }
    }

    /// RECEIVE of what is next, if it lies in the memory in which it arrived: at most `most`
    /// octets, in parts. They count as read, and the caller may copy them later. Empty if only
    /// [`Tcb::recv`] can return what is next.
    pub fn recv_kept(&mut self, now: Instant, most: usize) -> Vec<Kept> {
        if self.recv_buffer.len_aside() == 0 {
            return Vec::new();
        }
        let most = most.min(self.readable_at_once());
        let parts = self.recv_buffer.read_kept(most);
        if !parts.is_empty() {
            self.on_read(now);
        }
        parts
    }

    /// How far one call may read: not across the urgent mark.
    fn readable_at_once(&self) -> usize {
        match self.urgent_mark() {
            Some(ahead) => ahead as usize,
            None => usize::MAX,
        }
    }

    /// There is nothing to be read: `Ok` if that is the end of the stream.
    fn end_of_stream(&mut self) -> Result<(), RecvError> {
        if self.recv_buffer.is_lent() {
            return Err(RecvError::Lent);
        }
        self.rcv.end_read |= self.fin_received();
        if self.read_shut || self.fin_received() {
            return Ok(());
        }
        if let Some(error) = self.take_final_error() {
            return Err(RecvError::Connection(error));
        }
        match self.state {
            State::Closed => Ok(()),
            _ => Err(RecvError::WouldBlock),
        }
    }

    /// RECEIVE without a copy: lends what has arrived in order, with the memory it lies in, until
    /// [`Tcb::take_back`]. `None` is the end of the stream. Like RECEIVE it does not go across the
    /// urgent mark.
    ///
    /// What is lent counts as unread, and the window opens as it is consumed. While a loan is out,
    /// other calls find nothing to read.
    ///
    /// # Errors
    /// `Lent` if a loan is out; otherwise as [`Tcb::recv`].
    pub fn lend(&mut self) -> Result<Option<Loan>, RecvError> {
        let most = self.readable_at_once();
        match self.recv_buffer.lend(most) {
            Some(loan) => Ok(Some(loan)),
            None => self.end_of_stream().map(|()| None),
        }
    }

    /// The reader has consumed some of the loan that is out, and goes on with the rest.
    pub fn consumed(&mut self, now: Instant, loan: &Loan) {
        self.recv_buffer.consumed(loan);
        self.on_read(now);
    }

    /// The reader gives the loan back. What it has not consumed can be read again.
    pub fn take_back(&mut self, now: Instant, loan: Loan) {
        self.recv_buffer.take_back(loan);
        self.on_read(now);
    }

    /// RECEIVE that consumes nothing: text in order, starting `ahead` octets beyond the reader.
    /// Returns how much; 0 if there is none.
    pub fn peek(&self, ahead: usize, buffer: &mut [u8]) -> usize {
        self.recv_buffer.peek(ahead, buffer)
    }

    /// The user has looked at what has arrived without reading it: an acknowledgment that was held back
    /// because the user had not read may leave
    /// ([`AckWaits::hold_smaller_window`](crate::config::AckWaits::hold_smaller_window)).
    pub fn look(&mut self, now: Instant) {
        if self.owes_held_ack() {
            self.acks.due = AckDue::Now;
            self.settle(now);
        }
    }

    /// The user has made room.
    pub(super) fn on_read(&mut self, now: Instant) {
        self.size_receive_buffer(now);
        self.yield_memory();
        if self.owes_window_update() || self.owes_ack_of_read() {
            self.acks.due = AckDue::Now;
        }
        self.settle(now);
    }

    /// Whether an acknowledgment is to leave now, as it may be after a read.
    pub fn owes_ack(&self) -> bool {
        self.acks.due == AckDue::Now
    }

    /// How many octets lie before the end of the urgent data (MUST-33); `None` if none is ahead
    /// of the reader.
    pub fn urgent_mark(&self) -> Option<u64> {
        let ahead = self.rcv.up?.saturating_since(self.recv_buffer.read_place());
        (ahead > 0).then_some(ahead as u64)
    }

    /// The last octet of urgent data, if it has arrived and is unread, even beyond a gap.
    pub fn urgent_octet(&self) -> Option<u8> {
        self.recv_buffer.octet_at(self.rcv.up?.before(1))
    }

    /// Whether the urgent data ends where the reader stands.
    pub fn is_at_mark(&self) -> bool {
        self.rcv.up == Some(self.recv_buffer.read_place())
    }

    /// CLOSE (§3.10.4): no more SENDs; the FIN follows what was sent before.
    ///
    /// # Errors
    /// `Closing` if the user has closed already.
    pub fn close(&mut self, now: Instant) -> Result<(), SendError> {
        match self.state {
            State::Listen | State::SynSent => self.end(Event::Close, None),
            _ if self.snd.fin.is_some() => return Err(SendError::Closing),
            State::SynReceived | State::Established | State::CloseWait => {
                // What was sent in SYN-RECEIVED leaves in ESTABLISHED, and the FIN after it.
                let waits = self.send_buffer.len() > 0 || self.holds_fin();
                if self.state != State::SynReceived || !waits {
                    self.on(Event::Close);
                }
                self.snd.fin = Some(self.send_buffer.end());
                self.readiness |= Readiness::WRITABLE;
                self.settle(now);
            }
            State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => return Err(SendError::Closing),
        }
        Ok(())
    }

    /// See [`Handshakes::holds_fin`](crate::config::Handshakes::holds_fin).
    pub(super) fn holds_fin(&self) -> bool {
        let may_be_used = !self.passive || self.is_open_early();
        self.config.habits.handshakes.holds_fin && may_be_used && !self.orphan
    }

    /// The user reads no more: what has arrived and what arrives is thrown away, but
    /// acknowledged.
    pub fn shut_read(&mut self, now: Instant) {
        self.read_shut = true;
        self.readiness |= Readiness::READABLE;
        self.recv_buffer.discard();
        self.on_read(now);
    }

    /// ABORT (§3.10.5): a reset if the peer may still wait for something, and nothing else.
    pub fn abort(&mut self) {
        match self.state {
            State::Closed => return,
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait => {
                self.tell_window_in_reset();
                self.set_reset_apart();
                self.reset_due = true;
            }
            State::Listen | State::SynSent | State::Closing | State::LastAck | State::TimeWait => {}
        }
        self.forget();
    }

    /// ABORT without a reset; the peer learns of it when it sends something.
    pub fn forget(&mut self) {
        self.end(Event::Abort, Some(ConnectionError::Aborted));
        self.recv_buffer.discard();
        self.recv_buffer.settle();
    }

    /// The user releases the connection, which goes on by itself until both sides are done. With text
    /// that was not read ([`Endings::resets_unread`](crate::config::Endings::resets_unread)), or a
    /// linger of zero, it is aborted: the peer must not believe that everything arrived (RFC 9293
    /// §3.6.1, SHLD-3, and RFC 2525 §2.17).
    pub fn release(&mut self, now: Instant) {
        let linger_zero = self.config.socket.linger == Some(Duration::ZERO);
        let unread =
            self.recv_buffer.len() > 0 && !self.read_shut && self.config.endings.resets_unread;
        self.orphan = true;
        if (linger_zero || unread) && self.state != State::TimeWait {
            self.tell_window_without_unread();
            // Once both sides have closed, ABORT sends nothing; but the peer must learn that text was
            // lost.
            self.reset_due |= unread && matches!(self.state, State::Closing | State::LastAck);
            self.abort();
        } else if self.state.takes_data() {
            // Cannot fail in these states.
            let _ = self.close(now);
        }
        self.limit_fin_wait_2(now);
        self.recv_buffer.discard();
        if self.state == State::TimeWait {
            self.recv_buffer.settle();
        }
    }

    /// An ICMP error about the path (§3.9.2.2, RFC 5927) that quotes a segment which [is in
    /// flight](Tcb::is_in_flight). Before the connection is established it ends the connection,
    /// afterwards it is only a hint (MUST-56: soft errors never abort).
    pub fn on_icmp_error(&mut self, error: ConnectionError) {
        match self.state {
            State::SynSent if error.is_refusal() || !self.config.endings.endures_errors => {
                self.end(Event::GiveUp, Some(error));
            }
            State::SynReceived if self.error_ends_crossing() => {
                self.end(Event::GiveUp, Some(error));
            }
            _ => {
                self.soft_error = Some(error);
                self.readiness |= Readiness::STATE;
            }
        }
    }

    /// An ICMP error says that the network or host cannot be reached, and quotes the segment with this
    /// sequence number: see [`IcmpTrust::unreachable_undoes_back_off`](crate::config::IcmpTrust).
    pub fn on_path_broken(&mut self, now: Instant, seq: u32) {
        let is_next = self.snd.una.near(seq) == self.snd.una;
        let undoes = self.config.habits.icmp_trust.unreachable_undoes_back_off;
        // If the error has ended the connection, nothing is sent again.
        let goes_on = self.state != State::Closed;
        if undoes && is_next && goes_on && self.recovery.retries() > 0 {
            self.recovery.on_path_broken(now);
            self.arm_recovery_timer();
        }
    }

    /// Whether this sequence number is in flight, so that an error that names it comes from a host
    /// that has seen it (RFC 5927 §4).
    pub fn is_in_flight(&self, seq: u32) -> bool {
        let seq = self.snd.una.near(seq);
        self.snd.una <= seq && seq < self.snd.nxt
    }

    /// Whether a SYN that arrives in TIME-WAIT may open a new connection (RFC 9293 MAY-2, RFC
    /// 6191 §2): its timestamp, or without one its sequence number, lies beyond the old ones.
    pub fn may_be_reopened_by(&self, syn: &TcpHeader) -> bool {
        if self.state != State::TimeWait {
            return false;
        }
        let seq_is_greater = self.rcv.nxt.near(syn.seq) > self.rcv.nxt;
        match (syn.options.timestamps, self.timestamps.recent()) {
            (Some(offered), Some(recent)) if self.agreed.timestamps => {
                let newer = offered.val.wrapping_sub(recent).cast_signed();
                newer > 0 || (newer == 0 && seq_is_greater)
            }
            _ => seq_is_greater,
        }
    }

    /// Whether an active OPEN may take over from this connection in TIME-WAIT: both sides have used
    /// timestamps, which tell old segments from new ones, and nothing has arrived for this long.
    pub fn may_be_replaced(&self, now: Instant, silence: Duration) -> bool {
        self.state == State::TimeWait
            && self.agreed.timestamps
            && now - self.last_received >= silence
    }

    /// SND.NXT on the wire: a new incarnation must start beyond it (RFC 6191 §2, MUST-8).
    pub fn snd_nxt(&self) -> u32 {
        self.snd.nxt.wire()
    }

    /// Takes the reason why the connection ended, or the last ICMP error about its path.
    pub fn take_error(&mut self) -> Option<ConnectionError> {
        self.take_final_error().or_else(|| self.soft_error.take())
    }

    /// Why the connection ended, unless that was taken.
    pub fn error(&self) -> Option<ConnectionError> {
        self.error
    }

    pub(super) fn take_final_error(&mut self) -> Option<ConnectionError> {
        self.error.take()
    }

    /// How it behaves.
    pub fn config(&self) -> &Arc<TcpConfig> {
        &self.config
    }

    /// Changes the socket options, and adjusts timers. Turning Nagle's algorithm off sends what waits,
    /// corked or not. `config` is [its own](Tcb::config) with other options, so that connections whose
    /// options change alike can share it.
    pub fn set_options(&mut self, now: Instant, config: Arc<TcpConfig>) {
        let (before, options) = (self.config.socket, config.socket);
        self.config = config;
        match (before.keepalive, options.keepalive) {
            (Some(before), Some(after)) => self.change_keepalive(now, &before, &after),
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => self.arm_keepalive(now),
        }
        if before.user_timeout != options.user_timeout {
            self.timers.disarm(super::timers::Timer::User);
        }
        if before.window_clamp != options.window_clamp {
            self.clamp_receive_memory();
        }
        if self.config.socket.nodelay && !before.nodelay && self.has_unsent() {
            self.probes.push_due = true;
        }
        self.size_send_buffer();
        self.wake_writer();
        self.resize_receive_buffer(now);
        self.settle(now);
        self.look_ahead();
    }

    /// Whether the user of an accepted connection answers what arrives; `None` if nothing has
    /// arrived, or the listener must not learn from it.
    pub fn is_answered(&self) -> Option<bool> {
        let tells = self.passive
            && self.config.ack_waits.expect_answer
            && self.config.delayed_ack.is_some()
            && self.acks.received.is_some();
        tells.then_some(self.acks.answering)
    }

    /// What the clock of our timestamps shows (RFC 7323 §5.4).
    pub fn timestamp_clock(&self, now: Instant) -> u32 {
        self.timestamps.option(now).val
    }

    fn recovery_state(&self) -> RecoveryState {
        let state = self.recovery.state();
        let may_be = matches!(state, RecoveryState::Open | RecoveryState::Disorder);
        match may_be && self.feedback.has_reduced_for(self.snd.una) {
            true => RecoveryState::Reduced,
            false => state,
        }
    }

    /// The least round-trip time of the last minutes; `None` before the first sample.
    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.recovery.rtt.min_rtt()
    }

    /// All octets of text received in order so far.
    pub(crate) fn bytes_received(&self) -> u64 {
        let first = self.rcv.irs.map_or(self.rcv.nxt, |irs| irs + 1);
        self.recv_buffer.next().saturating_since(first) as u64
    }

    /// Octets in order that the user has not read.
    pub(crate) fn readable(&self) -> usize {
        self.recv_buffer.len()
    }

    /// Whether the user has opened the connection, and the peer has acknowledged the SYN.
    pub fn has_opened(&self) -> bool {
        !self.passive && self.snd.una > self.snd.iss
    }

    /// STATUS (§3.10.6).
    pub fn status(&self) -> Status {
        let (segments, history) = (self.recovery.counts(), self.recovery.history());
        Status {
            state: self.state,
            srtt: self.recovery.rtt.srtt(),
            rttvar: self.recovery.rtt.rttvar(),
            rto: self.rto_told(),
            cwnd: self.recovery.window(self.congestion.window()),
            ssthresh: self.congestion.ssthresh(),
            snd_wnd: self.snd.wnd as u32,
            rcv_wnd: self.rcv.edge.saturating_since(self.rcv.nxt) as u32,
            in_flight: self.recovery.in_flight(self.snd.una, self.snd.nxt) as u64,
            recovery: self.recovery_state(),
            unacked: segments.unacked,
            sacked: segments.sacked,
            lost: segments.lost,
            resent: segments.resent.saturating_sub(self.recovery.probes()),
            reordering: self.reordering(),
            min_rtt: self.recovery.rtt.min_rtt(),
            send_queue: self.send_buffer.len(),
            unsent: self.unsent(),
            closing: self.snd.fin.is_some(),
            fin_received: self.fin_received(),
            path_mtu: (self.path_mtu).known(self.path.headers + usize::from(self.path.mss)),
            recv_queue: self.recv_buffer.len(),
            send_buffer: self.send_buffer.capacity(),
            receive_buffer: self.receive_capacity(),
            receiving: self.receiving(),
            snd_mss: self.snd.mss as u16,
            retransmissions: self.stats.retransmissions,
            timeouts: self.stats.timeouts(),
            backoff: self.recovery.retries(),
            bytes_acked: self.stats.bytes_acked,
            bytes_delivered: self.recovery.delivered(),
            segments_delivered: self.as_segments(history.segments_delivered),
            delivery_rate: history.rate.map(|rate| rate.per_second),
            is_app_limited: history.rate.is_some_and(|rate| rate.is_app_limited),
            reorderings: history.reorderings,
            duplicates: self.stats.duplicates,
            bytes_received: self.bytes_received(),
            segments_in: self.stats.segments_in,
            segments_out: self.stats.segments_out - self.sent_before(),
            text_segments_in: self.stats.text_segments_in,
            text_segments_out: self.stats.text_segments_out,
            bytes_sent: self.stats.bytes_sent,
            bytes_resent: self.stats.bytes_resent,
            beyond_gap: self.stats.beyond_gap,
            last_text_received: self.stats.last_text_received,
            last_ack_received: self.stats.last_ack_received,
            receiver_rtt: self.receiver_round_trip(),
            last_text_sent: self.last_sent,
            rcv_mss: self.rcv.mss as u16,
            advertised_mss: super::handshake::own_mss(&self.config, self.path),
            ack_delay: self.ack_delay_told(),
            unanswered_probes: self.probes.unanswered.max(self.probes.keepalives),
            doublings: self.doublings(),
            pacing_rate: (self.congestion.pacing_rate()).or_else(|| self.rate_of_window()),
            timestamps: self.agreed.timestamps,
            sack: self.agreed.sack,
            ecn: self.feedback.mode(),
            ecn_seen: self.stats.ecn_seen,
            delivered_ce: self.stats.delivered_ce,
            delivered_octets: self.feedback.delivered(),
            received_ce: self.feedback.received().0,
            received_octets: self.feedback.received().1,
            window_scale: self.agreed.window_scale,
            syn_data: self.opening.syn_text_taken,
            fast_open_child: self.opening.is_child,
        }
    }
}
