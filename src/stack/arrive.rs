//! A datagram arrives: finds its connection or listener, and answers one that is for neither. How a
//! SYN opens a connection is in `opening`.

use core::net::{IpAddr, SocketAddr};

use super::Stack;
use super::id::ConnId;
use crate::config::ClosedPorts;
use crate::tcp::{Discard, FourTuple, MayFollow, State, reset_for};
use crate::time::Instant;
use crate::wire::{
    self, Arrived, Checksum, Control, Cut, Datagram, Ecn, Form, IpHeader, Kind, Landed, Malformed,
    Payload, Plain, Refusal, TcpHeader, Text, ip, protocol,
};

/// A segment, and the connection that it names.
pub(super) struct Arrival<'a> {
    pub(super) tuple: FourTuple,
    pub(super) traffic_class: u8,
    pub(super) header: &'a TcpHeader,
    pub(super) text: Arrived<'a>,
    /// Octets of text in each segment, if it is a super-segment.
    pub(super) mss: usize,
}

impl Arrival<'_> {
    /// The ECN field of its datagram.
    #[inline]
    pub(super) const fn ecn(&self) -> Ecn {
        Ecn::of(self.traffic_class)
    }
}

impl Stack {
    /// A datagram arrives.
    pub fn receive(&mut self, now: Instant, datagram: &[u8]) {
        self.receive_as(now, datagram, Form::default());
    }

    /// A datagram arrives as a device with offloads hands it over: it may be a super-segment, and its checksum may
    /// be incomplete.
    #[inline]
    pub fn receive_as(&mut self, now: Instant, datagram: &[u8], form: Form) {
        self.receive_arrived(now, datagram.into(), form);
    }

    /// As [`Stack::receive_as`], but the text may stay in the memory in which it arrived.
    pub fn receive_arrived(&mut self, now: Instant, datagram: Arrived<'_>, form: Form) {
        self.counters.datagrams_in += 1;
        // What follows is compiled for each version of IP, and has no branches for the other.
        match datagram.first().is_some_and(|first| first >> 4 == 4) {
            true => {
                let plain = Plain::read_whole_ipv4(datagram.octets(), form.checksum);
                self.take_read(now, datagram, plain, form);
            }
            false => self.take_ipv6(now, datagram, form),
        }
        self.relieve_memory();
    }

    #[inline(never)]
    fn take_ipv6(&mut self, now: Instant, datagram: Arrived<'_>, form: Form) {
        let plain = Plain::read_whole_ipv6(datagram.octets(), form.checksum);
        self.take_read(now, datagram, plain, form);
    }

    /// Takes a datagram that was parsed as plain, if it is.
    #[inline(always)]
    fn take_read<'a>(
        &mut self,
        now: Instant,
        datagram: Arrived<'a>,
        plain: Option<Plain<'a>>,
        form: Form,
    ) {
        match plain {
            Some(plain) if self.takes_plain(now, datagram, plain, form.cut) => {}
            // Its checksum has been verified, and is not computed again.
            Some(_) if form.checksum == Checksum::Complete => {
                let checksum = Checksum::Verified;
                self.take(now, datagram, Form { checksum, ..form });
            }
            _ => self.take(now, datagram, form),
        }
    }

    /// A plain datagram arrives. If it is what its connection expects next, the connection takes
    /// it, and there is nothing else to do. Otherwise does nothing and returns `false`.
    #[inline(always)]
    fn takes_plain<'a>(
        &mut self,
        now: Instant,
        datagram: Arrived<'a>,
        plain: Plain<'a>,
        cut: Option<Cut>,
    ) -> bool {
        // Destructured, because only the header has to lie in memory.
        let Plain {
            sockets,
            ecn,
            header,
            text,
        } = plain;
        let Some(slot) = self.table.find_key(sockets.into()) else {
            return false;
        };
        // What this host sends to itself does not come this way.
        if self.is_with_itself(slot) {
            return false;
        }
        let Some(entry) = (self.table.at_mut(slot)).filter(|it| it.listener.is_none()) else {
            return false;
        };
        let (text, mss) = (datagram.part(text), mss(text.len(), cut));
        entry.tcb.allow(self.memory.allowance());
        let expected = entry.tcb.expects_plain(now, ecn, &header, text, mss);
        let Some(MayFollow { answer, allocation }) = expected else {
            return false;
        };
        // Memory allocated in order to send is charged once there is nothing more to send.
        let allocation = allocation || entry.sending;
        // Most acknowledgments let nothing leave.
        if answer {
            self.queue_to_send(slot);
        }
        self.follow(slot, allocation);
        true
    }

    /// A datagram has arrived, and its text begins in the buffer of a reader that waits for it. If it is what that
    /// connection expects next, the text in that buffer counts as read. Otherwise nothing is done and the answer is
    /// `false`: the caller puts the datagram together and passes it to [`Stack::receive`].
    #[must_use = "if it is not taken, it has still to be received"]
    pub fn receive_landed(&mut self, now: Instant, id: ConnId, datagram: &Landed<'_>) -> bool {
        let Landed {
            headers,
            text,
            rest,
            form,
        } = *datagram;
        let whole = Text::new(text, rest.octets());
        let Some(plain) = Plain::read_apart(headers, whole, form.checksum) else {
            return false;
        };
        let is_for_it = (self.table).find_key(plain.sockets.into()) == Some(id.slot);
        if !is_for_it || self.is_with_itself(id.slot) {
            return false;
        }
        let allowance = self.memory.allowance();
        let tcb = &mut self.table.get_mut(id).tcb;
        tcb.allow(allowance);
        let mss = mss(whole.len(), form.cut);
        let is_taken = tcb.expects_landed(now, plain.ecn, &plain.header, text.len(), rest, mss);
        if is_taken {
            self.counters.datagrams_in += 1;
            self.counters.landed += 1;
            self.touched(id.slot);
            self.relieve_memory();
        }
        is_taken
    }

    /// How many octets of headers the next datagram for a connection is expected to have, if its text can be
    /// received into the buffer of a reader: see [`Stack::receive_landed`]. `None` also if the last datagram was
    /// for another connection.
    pub fn headers_of_landing(&self, id: ConnId) -> Option<usize> {
        let entry = self.table.get(id);
        match self.table.is_latest(id.slot) {
            true => entry.tcb.headers_of_landing(),
            false => None,
        }
    }

    /// If memory is short, connections that no user holds make room for others.
    #[inline]
    pub(super) fn relieve_memory(&mut self) {
        while let Some(slot) = self.memory.largest_orphan() {
            let Some(entry) = self.table.at_mut(slot) else {
                return;
            };
            entry.tcb.abort();
            self.counters.orphans_reset += 1;
            self.touched(slot);
        }
    }

    /// Whether an address can be that of another host, which may be answered.
    pub(super) fn is_sender(&self, address: IpAddr) -> bool {
        ip::is_host(address) && !self.is_own(address) && !self.is_broadcast(address)
    }

    fn dispatch(&mut self, now: Instant, parsed: &Datagram<'_>, datagram: Arrived<'_>, form: Form) {
        let (ip, cut) = (&parsed.ip, form.cut);
        if !self.is_own(ip.destination) || !self.is_sender(ip.source) {
            return self.arrives_for_others(now, parsed, datagram, cut);
        }
        match parsed.payload {
            Payload::Tcp(ref header, _) if self.refuses_hops(ip, header) => {}
            Payload::Tcp(ref header, _) if self.refuses_signature(ip, header, &datagram) => {}
            Payload::Tcp(ref header, text) => {
                self.tcp_arrives(now, ip, header, datagram.part(text), mss(text.len(), cut));
                if self.saved_syns.may_want(header.control) {
                    let headers = datagram.len().saturating_sub(text.len());
                    self.save_syn(&tuple(ip, header), &datagram.octets()[..headers]);
                }
            }
            Payload::Icmp(message) => self.icmp_arrives(now, ip, message, datagram.octets()),
            Payload::Membership(ref message) => self.membership_arrives(now, ip, message),
            Payload::Udp(ref header, text) => {
                self.udp_arrives(now, ip, header, text, &datagram, form);
            }
            Payload::Unknown { answer } => self.answer_with_error(now, answer, &datagram),
            Payload::Fragment(fragment) => self.fragment_arrives(now, ip, fragment),
            Payload::Nothing => {}
        }
    }

    /// Takes a datagram, either as it came or reassembled.
    pub(super) fn take(&mut self, now: Instant, datagram: Arrived<'_>, form: Form) {
        match wire::parse_as(datagram.octets(), form.checksum) {
            Ok(parsed) => match self.elsewhere(&parsed) {
                Some(owner) => self.hand_over(owner, &datagram, form),
                None => self.dispatch(now, &parsed, datagram, form),
            },
            Err(refusal) if matches!(form.checksum, Checksum::Partial(_)) => {
                self.take_completed(now, &datagram, form, refusal);
            }
            Err(refusal) => self.refuse(now, refusal, &datagram),
        }
    }

    /// A datagram whose checksum was wrong may be right once the partial checksum is completed: in
    /// a tunnel, the inner datagram's checksum is the partial one.
    fn take_completed(&mut self, now: Instant, datagram: &[u8], form: Form, refusal: Refusal) {
        let is_checksum = matches!(
            refusal.reason,
            Malformed::TcpChecksum | Malformed::UdpChecksum
        );
        if !is_checksum {
            return self.refuse(now, refusal, datagram);
        }
        let mut whole = datagram.to_vec();
        form.complete(&mut whole);
        let checksum = Checksum::Complete;
        self.take(now, (&*whole).into(), Form { checksum, ..form });
    }

    fn refuse(&mut self, now: Instant, refusal: Refusal, datagram: &[u8]) {
        self.counters.count_malformed(refusal.reason);
        // A datagram that claims to come from this host is forged: see `dispatch`.
        let is_forged = ip::source(datagram).is_some_and(|source| self.is_own(source));
        if let Some(error) = refusal.answer.filter(|_| !is_forged) {
            self.answer_with_error(now, error, datagram);
        }
    }

    pub(super) fn tcp_arrives(
        &mut self,
        now: Instant,
        ip: &IpHeader,
        header: &TcpHeader,
        text: Arrived<'_>,
        mss: usize,
    ) {
        let tuple = tuple(ip, header);
        let arrival = Arrival {
            tuple,
            traffic_class: ip.traffic_class,
            header,
            text,
            mss,
        };
        let Some(slot) = self.table.find(&tuple).or_else(|| self.wake(&tuple)) else {
            return self.no_connection(now, &arrival);
        };
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        if entry.listener.is_none() && !header.control.has(Control::SYN) {
            return self.connection_takes(now, slot, &arrival);
        }
        // RFC 6191: a SYN may open a new incarnation of a connection in TIME-WAIT.
        let is_syn = entry.tcb.is_new_syn(header.control);
        if is_syn
            && entry.tcb.may_be_reopened_by(header)
            && let Some(listener) = self.listeners.find(&tuple, &self.secret)
        {
            return self.reopen(now, slot, listener, &arrival);
        }
        // A handshake cannot end while its listener has no room: the peer tries again.
        let waits_for_room = entry
            .listener
            .filter(|_| !entry.acceptable && !header.control.any(Control::RST | Control::SYN));
        if let Some(listener) = waits_for_room
            && self.listeners.get(listener).is_some_and(|l| l.is_full())
        {
            self.counters.listen_overflows += 1;
            if self.config.strangers.resets_overflows && header.control.has(Control::ACK) {
                entry.tcb.forget();
                entry.tcb.release(now);
                self.touched(slot);
                self.reset_stranger(now, &tuple, header, arrival.text.len());
            }
            return;
        }
        // Its SYN was answered with a cookie, arrived again, and was then answered normally.
        if let Some(listener) = waits_for_room
            && !self
                .table
                .at(slot)
                .is_some_and(|entry| entry.tcb.expects(header.ack))
            && self.open_by_cookie(now, listener, &arrival)
        {
            return;
        }
        self.connection_takes(now, slot, &arrival);
    }

    /// A segment is for the connection in `slot`.
    fn connection_takes(&mut self, now: Instant, slot: u32, arrival: &Arrival<'_>) {
        let Some(entry) = self.table.at_mut(slot) else {
            return;
        };
        entry.tcb.allow(self.memory.allowance());
        let Arrival {
            header, text, mss, ..
        } = *arrival;
        let ecn = arrival.ecn();
        let was_opening = entry.tcb.state() == State::SynSent;
        let discard = (entry.tcb).super_segment_arrives(now, ecn, header, text, mss);
        let overrun = entry.tcb.take_overrun();
        let has_opened = was_opening && entry.tcb.state() != State::SynSent;
        if let Some(reason) = discard {
            self.counters.count_discarded(reason);
        }
        if let Some(overrun) = overrun {
            self.counters.count_overrun(overrun);
        }
        if has_opened {
            self.take_cookie(&arrival.tuple, header);
        }
        if discard == Some(Discard::SynRefused) {
            self.reset_stranger(now, &arrival.tuple, header, text.len());
        }
        self.follow_fast_open(now, slot, discard == Some(Discard::Reset));
        self.touched(slot);
    }

    /// LISTEN (RFC 9293 §3.10.7.2), or CLOSED (§3.10.7.1).
    fn no_connection(&mut self, now: Instant, arrival: &Arrival<'_>) {
        let Arrival {
            tuple,
            header,
            text,
            ..
        } = *arrival;
        let control = header.control;
        // Port zero is never bound, and cannot be answered.
        if header.source_port == 0 || header.destination_port == 0 {
            self.counters.strangers += 1;
            return;
        }
        match self.listeners.find(&tuple, &self.secret) {
            // First: a reset could not be valid. Fourth: anything else is dropped.
            Some(_) if control.has(Control::RST) => self.counters.strangers += 1,
            // Third: a SYN.
            Some(_)
                if self.config.strangers.drops_syn_fin
                    && control.has(Control::SYN | Control::FIN)
                    && !control.has(Control::ACK) =>
            {
                self.counters.strangers += 1;
            }
            Some(listener) if control.has(Control::SYN) && !control.has(Control::ACK) => {
                self.open_passive(now, listener, arrival, None);
            }
            Some(_) if !control.has(Control::ACK) => self.counters.strangers += 1,
            Some(listener) if self.open_by_cookie(now, listener, arrival) => {}
            // Second: an ACK is bad, with or without a listener.
            listener => {
                self.counters.strangers += 1;
                let is_ignored = match self.config.strangers.closed_ports {
                    ClosedPorts::Reset => false,
                    ClosedPorts::IgnoreSyn => control.has(Control::SYN),
                    ClosedPorts::Ignore => true,
                };
                if is_ignored && listener.is_none() {
                    return;
                }
                self.reset_stranger(now, &tuple, header, text.len());
            }
        }
    }

    /// `<SEQ=SEG.ACK><CTL=RST>`, or `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>`.
    fn reset_stranger(
        &mut self,
        now: Instant,
        tuple: &FourTuple,
        header: &TcpHeader,
        text_len: usize,
    ) {
        let Some(reset) = reset_for(header, text_len) else {
            return;
        };
        let (local, remote) = (tuple.local.ip(), tuple.remote.ip());
        if !self.reset_limiter.allows(now, remote) {
            self.counters.replies_suppressed += 1;
            return;
        }
        let mut ip = IpHeader::new(local, remote, protocol::TCP, self.config.hop_limit);
        ip.flow_label = self.flow_label(tuple, self.config.tcp.socket.flow_label);
        self.reply_segment(&ip, tuple, &reset);
    }

    /// Queues a datagram; one that is too long for the interface (the reply to a long echo
    /// request) goes in fragments.
    pub(super) fn reply(&mut self, datagram: Vec<u8>) {
        let Some(datagram) = self.keep_own(datagram) else {
            return;
        };
        let mtu = self.config.mtu;
        let identification = match datagram.len() > mtu {
            true => self.identifications.draw(),
            false => 0,
        };
        let Ok(pieces) = ip::fragments(datagram, mtu, identification) else {
            return;
        };
        for piece in pieces {
            if !self.replies.push(piece) {
                self.counters.replies_suppressed += 1;
            }
        }
    }
}

/// How much text each segment has of those that a device has merged into one with `text` octets.
fn mss(text: usize, cut: Option<Cut>) -> usize {
    let cut = cut.filter(|cut| cut.kind == Kind::Tcp);
    cut.map_or(text, |cut| cut.size.get().into())
}

/// The four-tuple of the connection that a segment names.
pub(super) fn tuple(ip: &IpHeader, header: &TcpHeader) -> FourTuple {
    FourTuple {
        local: SocketAddr::new(ip.destination, header.destination_port),
        remote: SocketAddr::new(ip.source, header.source_port),
    }
}
