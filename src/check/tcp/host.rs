//! One host of the model: a real stack, and a user that follows a script.

use core::hash::Hash;
use core::net::{IpAddr, SocketAddr};
use std::net::Shutdown;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::configuration::{Configuration, Script};
use super::forgery::Forgery;
use crate::stack::{ConnId, ListenerId, Secret, Stack};
use crate::tcp::{ConnectionError, RecvError, State};
use crate::time::Instant;
use crate::wire::{self, Control, Payload, TcpHeader};

/// The port at which the passive side listens.
pub(super) const SERVER_PORT: u16 = 80;
/// The port from which the active side connects.
pub(super) const CLIENT_PORT: u16 = 4000;

/// What a user can do: the calls of RFC 9293 §3.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// OPEN, active.
    Open,
    /// SEND: one octet.
    Send,
    /// RECEIVE: one octet.
    Receive,
    /// CLOSE.
    Close,
    /// ABORT.
    Abort,
}

impl Call {
    /// Every call.
    pub(super) const ALL: [Call; 5] = [
        Call::Open,
        Call::Send,
        Call::Receive,
        Call::Close,
        Call::Abort,
    ];
}

/// What a user has done and seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct User {
    pub(super) sent: u8,
    pub(super) received: u8,
    /// The incarnation of the peer that sent the octets received so far.
    pub(super) from: Option<u8>,
    /// The user has read the end of the stream.
    pub(super) ended: bool,
    pub(super) closed: bool,
    /// The user has released the connection, and will not have another.
    pub(super) released: bool,
    pub(super) error: Option<ConnectionError>,
}

/// A host. Each step works on a clone.
#[derive(Clone, Debug)]
pub(super) struct Host {
    side: usize,
    pub(super) incarnation: u8,
    stack: Stack,
    /// Every host has its own clock: nothing couples the clocks.
    now: Instant,
    listener: Option<ListenerId>,
    connection: Option<ConnId>,
    pub(super) user: User,
    /// The right edge of the window that was advertised last.
    edge: Option<u32>,
    /// The promise that this host has broken.
    pub(super) fault: Option<String>,
}

/// The address of a side, with a port.
pub(super) fn address(configuration: &Configuration, side: usize) -> SocketAddr {
    let ip: IpAddr = match configuration.ipv6 {
        true => [0xfd00, 0, 0, 0, 0, 0, 0, side as u16 + 1].into(),
        false => [10, 0, 0, side as u8 + 1].into(),
    };
    let active = !configuration.scripts[side].listens;
    SocketAddr::new(ip, if active { CLIENT_PORT } else { SERVER_PORT })
}

/// The octet that an incarnation of a side sends at a place of its stream: different for each.
pub(super) fn octet(side: usize, incarnation: u8, place: u8) -> u8 {
    (side as u8) << 7 | (incarnation & 7) << 4 | place & 15
}

impl Host {
    /// A host that has just started.
    pub(super) fn start(configuration: &Configuration, side: usize, incarnation: u8) -> Host {
        let own = address(configuration, side);
        let config = configuration.config(own.ip(), side, incarnation);
        let stack = Stack::new(config, Secret([side as u8 + 1; 16]));
        let mut stack = stack.unwrap_or_else(|error| unreachable!("the checker's own: {error}"));
        stack.watch();
        let listens = configuration.scripts[side].listens;
        let listener = listens.then(|| stack.listen(own, 1).ok()).flatten();
        Host {
            side,
            incarnation,
            stack,
            now: Instant::from_secs(1_000),
            listener,
            connection: None,
            user: User::default(),
            edge: None,
            fault: None,
        }
    }

    /// A hash that is equal for two hosts that behave alike from now on.
    pub(super) fn fingerprint(&self) -> u128 {
        let mut hasher = SipHasher13::new();
        self.stack.fingerprint(self.now).hash(&mut hasher);
        (self.incarnation, self.listener, self.connection.is_some()).hash(&mut hasher);
        (&self.user, self.edge, &self.fault).hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    /// The state of the connection; LISTEN or CLOSED if there is none.
    pub(super) fn state(&self) -> State {
        let connection = self.stack.connections().last();
        match (connection, self.listener) {
            (Some((_, state)), _) => state,
            (None, Some(_)) => State::Listen,
            (None, None) => State::Closed,
        }
    }

    /// Whether the user is done, and the stack has forgotten the connection.
    pub(super) fn is_done(&self) -> bool {
        self.user.released && self.stack.connection_count() == 0
    }

    /// Whether this host never had a connection, and none is being opened.
    pub(super) fn is_idle(&self) -> bool {
        self.connection.is_none() && self.stack.connection_count() == 0
    }

    /// Whether a timer is armed.
    pub(super) fn has_timer(&self) -> bool {
        self.stack.next_expiry().is_some()
    }

    /// Lets the next timer expire, if one is armed.
    pub(super) fn expire(&mut self) {
        if let Some(expiry) = self.stack.next_expiry() {
            self.now = self.now.max(expiry);
            self.stack.handle_timeouts(self.now);
        }
    }

    /// Receives a datagram.
    pub(super) fn receive(&mut self, datagram: &[u8]) {
        self.stack.receive(self.now, datagram);
    }

    /// Receives a datagram with one bit flipped: tries every bit.
    pub(super) fn receive_corrupted(&mut self, datagram: &[u8]) {
        for bit in 0..datagram.len() * 8 {
            let mut corrupted = datagram.to_vec();
            corrupted[bit / 8] ^= 1 << (bit % 8);
            self.ignore(bit, &corrupted);
        }
    }

    /// Receives a damaged datagram. A checksum shows the damage, so nothing may happen.
    fn ignore(&mut self, bit: usize, corrupted: &[u8]) {
        let before = self.fingerprint();
        self.receive(corrupted);
        let answers = self.stack.poll_transmit(self.now).is_some();
        if answers || self.fingerprint() != before {
            self.fault = Some(format!("P1: bit {bit} was flipped, and nobody noticed"));
        }
    }

    /// Receives a datagram that an adversary forged.
    pub(super) fn meet(&mut self, forgery: Forgery, configuration: &Configuration) {
        let Some(id) = self.connection else {
            return;
        };
        let (own, peer) = (self.side, 1 - self.side);
        let sockets = [peer, own].map(|side| address(configuration, side));
        let (state, space) = (self.state(), self.stack.sequence_space(id));
        if forgery.is_blind_in(state) {
            self.withstand(forgery, &forgery.datagram(sockets, state, &space));
        }
    }

    /// P12: a forged datagram may be answered, but must change nothing.
    fn withstand(&mut self, forgery: Forgery, datagram: &[u8]) {
        let Some(id) = self.connection else {
            return;
        };
        let before = (self.state(), self.stack.sequence_space(id));
        self.receive(datagram);
        let after = (self.state(), self.stack.sequence_space(id));
        if before != after {
            self.fault = Some(format!(
                "P12: {forgery:?} moved {} to {}, {:?} to {:?}",
                before.0, after.0, before.1, after.1
            ));
        }
    }

    /// Makes a call of the user, if the script allows it.
    pub(super) fn call(&mut self, call: Call, configuration: &Configuration) {
        let script = &configuration.scripts[self.side];
        match (call, self.connection) {
            (Call::Open, None) if script.opens && !self.user.released => {
                let (own, peer) = (self.side, 1 - self.side);
                let local = Some(address(configuration, own));
                let remote = address(configuration, peer);
                self.connection = self.stack.connect(self.now, local, remote).ok();
            }
            (Call::Send, Some(id)) if self.user.sent < script.octets && !self.user.closed => {
                let octet = octet(self.side, self.incarnation, self.user.sent);
                if self.stack.send(self.now, id, &[octet]).is_ok() {
                    self.user.sent += 1;
                }
            }
            (Call::Receive, Some(id)) if !self.user.ended && self.user.error.is_none() => {
                self.read(id);
            }
            (Call::Close, Some(id)) if !self.user.closed && self.may_close(id, script) => {
                let closed = self.stack.shutdown(self.now, id, Shutdown::Write);
                self.user.closed = closed.is_ok();
            }
            (Call::Abort, Some(id)) if script.aborts => {
                self.stack.abort(self.now, id);
                self.let_go();
            }
            _ => {}
        }
    }

    fn may_close(&self, id: ConnId, script: &Script) -> bool {
        let all_sent = self.user.sent == script.octets;
        let heard = self.user.ended || !script.closes_last;
        let synchronized = self.stack.status(id).state.is_synchronized();
        script.closes_early || (all_sent && heard && synchronized)
    }

    fn read(&mut self, id: ConnId) {
        let mut buffer = [0];
        match self.stack.recv(self.now, id, &mut buffer) {
            Ok(0) => self.user.ended = true,
            Ok(_) => self.take(buffer[0]),
            Err(RecvError::WouldBlock | RecvError::Lent) => {}
            Err(RecvError::Connection(error)) => self.user.error = Some(error),
        }
    }

    /// P1 to P3 and P10: the octet must be the next one of one incarnation of the peer.
    fn take(&mut self, octet: u8) {
        let incarnation = *self.user.from.get_or_insert(octet >> 4 & 7);
        let expected = self::octet(1 - self.side, incarnation, self.user.received);
        if octet != expected {
            self.fault = Some(format!(
                "P1-P3, P10: octet {} is {octet:#04x}, and {expected:#04x} was sent",
                self.user.received
            ));
        }
        self.user.received += 1;
    }

    fn let_go(&mut self) {
        self.connection = None;
        self.user.released = true;
    }

    /// Runs after every step: accepts a connection, releases one that is over, makes the calls that
    /// a hasty user makes at once, and returns the datagrams that leave.
    pub(super) fn settle(&mut self, configuration: &Configuration) -> Vec<Vec<u8>> {
        if let Some(listener) = self.listener
            && let Some(id) = self.stack.accept(listener)
        {
            self.connection = Some(id);
            // The user wants only one connection: a late SYN must not open a second.
            self.stack.close_listener(self.now, listener);
            self.listener = None;
        }
        if configuration.scripts[self.side].hasty {
            self.do_everything(configuration);
        }
        self.leave_if_over();
        while self.stack.poll_event().is_some() {}
        if let Some(broken) = self.stack.broken() {
            self.fault = Some(format!("P11: {broken}"));
        }
        self.transmit()
    }

    /// Makes the calls SEND, RECEIVE and CLOSE until none of them changes anything.
    fn do_everything(&mut self, configuration: &Configuration) {
        loop {
            let before = self.user.clone();
            for call in [Call::Send, Call::Receive, Call::Close] {
                self.call(call, configuration);
            }
            if self.user == before {
                return;
            }
        }
    }

    /// What arrived before the peer's FIN can be read, no matter how the connection ended afterwards. A
    /// connection that ended without a FIN has failed, and its user is told why.
    fn leave_if_over(&mut self) {
        let Some(id) = self.connection else {
            return;
        };
        let status = self.stack.status(id);
        let has_ended = status.state == State::Closed && (self.user.ended || !status.fin_received);
        if has_ended && !self.user.ended && self.user.error.is_none() {
            self.user.error = self.stack.take_error(id);
            // CLOSE in SYN-SENT deletes the connection (RFC 9293 §3.10.4).
            let was_deleted = self.stack.sequence_space(id).irs.is_none();
            if self.user.error.is_none() && !was_deleted {
                self.fault = Some("P6: it has ended, and nobody is told why".to_owned());
            }
        }
        if has_ended || self.user.error.is_some() || (self.user.ended && self.user.closed) {
            self.stack.close(self.now, id);
            self.let_go();
        }
    }

    /// The datagrams that leave now.
    fn transmit(&mut self) -> Vec<Vec<u8>> {
        let mut leaving = Vec::new();
        while let Some(packet) = self.stack.poll_transmit(self.now) {
            let datagram = packet.to_vec();
            match wire::parse(&datagram).map(|parsed| parsed.payload) {
                Ok(Payload::Tcp(header, _)) => self.check_edge(&header),
                other => self.fault = Some(format!("P1: {other:?} left")),
            }
            leaving.push(datagram);
        }
        leaving
    }

    /// P11: the right edge of the window never moves left (RFC 9293 SHLD-14).
    fn check_edge(&mut self, header: &TcpHeader) {
        let control = header.control;
        if control.has(Control::RST) || !control.has(Control::ACK) || control.has(Control::SYN) {
            return;
        }
        let edge = header.ack.wrapping_add(u32::from(header.window));
        if let Some(last) = self.edge
            && edge.wrapping_sub(last).cast_signed() < 0
        {
            self.fault = Some(format!(
                "P11: the window's edge moved from {last} to {edge}"
            ));
        }
        self.edge = Some(edge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::SequenceSpace;

    impl Host {
        /// Makes the stack break an invariant, which no step can do.
        pub(in crate::check::tcp) fn forget_timers(&mut self) {
            self.stack.forget_timers();
        }
    }

    /// Each user waits for the end of the other's stream, so that both stay in ESTABLISHED.
    const SMALL: Configuration = {
        let mut small = Configuration::BASE;
        small.scripts[0].closes_last = true;
        small.scripts[1].closes_last = true;
        small
    };

    /// Two hosts whose connection is established; the client's octet is on its way.
    fn established() -> ([Host; 2], Vec<Vec<u8>>) {
        let [mut client, mut server] = [0, 1].map(|side| Host::start(&SMALL, side, 0));
        client.call(Call::Open, &SMALL);
        let syn = client.settle(&SMALL);
        let syn_ack = deliver(&mut server, &syn);
        let text = deliver(&mut client, &syn_ack);
        deliver(&mut server, &text[..1]);
        for host in [&client, &server] {
            assert_eq!(host.state(), State::Established);
        }
        ([client, server], text)
    }

    fn deliver(host: &mut Host, datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
        datagrams.iter().for_each(|datagram| host.receive(datagram));
        host.settle(&SMALL)
    }

    fn fault(host: &Host) -> &str {
        host.fault.as_deref().unwrap_or("none")
    }

    #[test]
    fn octets_that_are_not_the_next_are_found() {
        let ([client, _], _) = established();
        let taken = |octets: &[u8]| {
            let mut host = client.clone();
            octets.iter().for_each(|octet| host.take(*octet));
            fault(&host).to_owned()
        };
        let [first, second] = [0, 1].map(|place| octet(1, 0, place));
        assert_eq!(taken(&[first, second]), "none");
        for (wrong, octets) in [
            ("P1: of nobody", [first, octet(0, 0, 1)]),
            ("P2: a second time", [first, first]),
            ("P3: too early", [second, first]),
            ("P10: of the next incarnation", [first, octet(1, 1, 1)]),
        ] {
            assert!(taken(&octets).starts_with("P1-P3, P10"), "{wrong}");
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed_and_two_that_a_checksum_cannot_see_are_found() {
        let ([_, server], text) = established();
        let text = text.last().expect("a segment");
        let mut host = server.clone();
        host.receive_corrupted(text);
        assert_eq!(fault(&host), "none");

        // The window and the urgent pointer are swapped: the sum stays the same.
        let mut swapped = text.clone();
        let (window, urgent) = (20 + 14, 20 + 18);
        for octet in 0..2 {
            swapped.swap(window + octet, urgent + octet);
        }
        assert_ne!(&swapped, text);
        let mut host = server.clone();
        host.ignore(0, &swapped);
        assert!(fault(&host).starts_with("P1: bit 0"), "{}", fault(&host));
    }

    /// What [`Forgery::datagram`] makes if the victim's connection is at `space`.
    fn forged(host: &Host, forgery: Forgery, space: &SequenceSpace) -> Vec<u8> {
        let sockets = [1 - host.side, host.side].map(|side| address(&SMALL, side));
        forgery.datagram(sockets, host.state(), space)
    }

    #[test]
    fn a_forgery_beside_the_right_number_moves_nothing_and_one_at_it_does() {
        let ([client, _], _) = established();
        let id = client.connection.expect("a connection");
        let space = client.stack.sequence_space(id);
        for forgery in Forgery::ALL {
            let mut host = client.clone();
            host.withstand(forgery, &forged(&client, forgery, &space));
            assert_eq!(fault(&host), "none", "{forgery:?}");
        }
        // The forged segment is one to the right of RCV.NXT. With this space, it is at RCV.NXT.
        let right = SequenceSpace {
            rcv_nxt: space.rcv_nxt.before(1),
            ..space
        };
        let mut host = client.clone();
        let reset = forged(&client, Forgery::RstInWindow, &right);
        host.withstand(Forgery::RstInWindow, &reset);
        let expected = "P12: RstInWindow moved ESTABLISHED to CLOSED";
        assert!(fault(&host).starts_with(expected), "{}", fault(&host));
        // Text at RCV.NXT with a correct acknowledgment.
        let right = SequenceSpace {
            iss: space.snd_una + 1,
            ..space
        };
        let mut host = client.clone();
        let text = forged(&client, Forgery::TextGhostAck, &right);
        host.withstand(Forgery::TextGhostAck, &text);
        let expected = "P12: TextGhostAck moved ESTABLISHED to ESTABLISHED";
        assert!(fault(&host).starts_with(expected), "{}", fault(&host));
    }

    /// In LAST-ACK, our FIN is acknowledged before the user has read anything.
    #[test]
    fn what_came_before_the_end_is_read_after_it() {
        let mut slow = SMALL;
        (slow.scripts[0].closes_last, slow.scripts[1].closes_last) = (false, false);
        slow.scripts[1].hasty = false;
        let [mut client, mut server] = [0, 1].map(|side| Host::start(&slow, side, 0));
        let carry = |to: &mut Host, datagrams: Vec<Vec<u8>>| {
            datagrams.iter().for_each(|datagram| to.receive(datagram));
            to.settle(&slow)
        };
        client.call(Call::Open, &slow);
        let mut leaving = client.settle(&slow);
        for _ in 0..3 {
            let answers = carry(&mut server, leaving);
            leaving = carry(&mut client, answers);
        }
        for call in [Call::Send, Call::Close] {
            server.call(call, &slow);
        }
        let last = server.settle(&slow);
        assert_eq!(server.state(), State::LastAck);
        leaving = carry(&mut client, last);
        carry(&mut server, leaving);
        for read in [0, 1] {
            assert_eq!((server.user.received, server.user.released), (read, false));
            server.call(Call::Receive, &slow);
            server.settle(&slow);
        }
        assert!(server.user.ended && server.user.released);
        assert_eq!(fault(&server), "none");
    }

    #[test]
    fn an_end_that_nobody_is_told_of_is_found() {
        let ([mut client, _], _) = established();
        let id = client.connection.expect("a connection");
        client.stack.abort_all();
        client.stack.take_error(id);
        client.leave_if_over();
        assert_eq!(fault(&client), "P6: it has ended, and nobody is told why");
    }

    #[test]
    fn an_edge_that_moves_left_is_found() {
        let ([mut client, _], text) = established();
        let parsed = wire::parse(&text[0]).expect("a segment");
        let Payload::Tcp(mut header, _) = parsed.payload else {
            unreachable!("hosts send TCP");
        };
        client.check_edge(&header);
        assert_eq!(fault(&client), "none");
        header.window -= 1;
        client.check_edge(&header);
        assert!(fault(&client).starts_with("P11: the window's edge"));
    }

    #[test]
    fn what_the_stack_finds_broken_is_found() {
        let ([mut client, _], _) = established();
        client.forget_timers();
        client.settle(&SMALL);
        assert!(fault(&client).starts_with("P11: 10.0.0.1:4000"));
    }
}
