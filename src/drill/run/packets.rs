//! Packets injected, and packets expected.

use core::net::SocketAddr;

use super::super::ast::{Body, Options, Packet, SeqNumber, Tcp, TcpOption};
use super::super::packet::{Comparison, Content, Observed, Route, build, control, merge, show};
use super::ladder::seconds;
use super::socket::{Socket, Stage, claim};
use super::state::{Due, Run};
use super::{Stop, Wrong, failed};
use crate::time::{Duration, Instant};
use crate::wire::sign;

/// Whether a packet has a signature that is valid.
fn is_signed(packet: &Packet) -> bool {
    match &packet.body {
        Body::Tcp(tcp) => match &tcp.options {
            Options::These(options) => options.contains(&TcpOption::ValidSignature),
            Options::Any => false,
        },
        Body::Udp { .. } | Body::Icmp(_) => false,
    }
}

impl Run<'_> {
    /// Gives the stack a packet.
    pub(super) fn inject(&mut self, packet: &Packet, text: &str) -> Result<(), Stop> {
        let (setup, next_port) = (self.setup.clone(), self.next_port);
        if self.makes_child(packet) {
            let remote_port = packet.ports.map_or(next_port, |(source, _)| source);
            let local_port = packet.ports.map_or(setup.bind_port, |(_, port)| port);
            let mut child = Socket::new(
                SocketAddr::new(setup.addresses.local, local_port),
                SocketAddr::new(setup.addresses.remote, remote_port),
            );
            child.ports = packet.ports;
            child.stage = Stage::Known;
            if let Body::Tcp(tcp) = &packet.body {
                child.numbers.learn_remote(number(tcp.seq));
            }
            self.next_port = next_port.wrapping_add(1).max(49_152);
            self.sockets.push(child);
        }
        let Some(socket) = self.sockets.chosen(packet.ports) else {
            return failed("there is no socket that the packet could be for");
        };
        let is_tcp = matches!(packet.body, Body::Tcp(_));
        if is_tcp && !matches!(socket.stage, Stage::Known | Stage::Left) {
            return failed("no connection is known yet that the packet could be for");
        }
        if let Body::Tcp(tcp) = &packet.body
            && tcp.control & control::SYN != 0
        {
            socket.syns.push((number(tcp.seq), tcp.len));
            if socket.active {
                // The peer's SYN gives its ISN; SYNs after its SYN-ACK, or after the stack's, do not.
                socket.numbers.learn_remote(number(tcp.seq));
                socket.active = tcp.control & control::ACK == 0;
            }
        }
        let route = Route {
            local: socket.local,
            remote: socket.remote,
            gateway: setup.addresses.gateway,
            mss: setup.mss,
            scaled_echo: setup.scaled_echo,
        };
        let mut datagrams = match build(packet, &route, &socket.numbers) {
            Ok(datagrams) => datagrams,
            Err(message) => return failed(message),
        };
        if is_signed(packet) {
            let Some(secret) = &setup.md5_secret else {
                return failed("md5 valid needs --tcp_md5_secret");
            };
            for datagram in &mut datagrams {
                sign(datagram, secret);
            }
        }
        if let Body::Tcp(tcp) = &packet.body {
            let has_syn = tcp.control & control::SYN != 0;
            let seq = socket.numbers.remote_to_live(number(tcp.seq), has_syn);
            let fin = u32::from(tcp.control & (control::SYN | control::FIN) != 0);
            socket.injected = seq.wrapping_add(tcp.len).wrapping_add(fin);
        }
        self.ladder.push(self.host.now, ' ', text);
        self.host.inject(&datagrams);
        self.note_sent();
        self.try_pending()
    }

    /// Whether a packet begins a connection of its own: one to a listener, or to no socket.
    fn makes_child(&mut self, packet: &Packet) -> bool {
        if !matches!(packet.body, Body::Tcp(_)) {
            return false;
        }
        match packet.ports {
            None => match self.sockets.current() {
                None => self.sockets.is_empty(),
                Some(socket) => socket.stage == Stage::Listening,
            },
            Some(_) => self.sockets.has_listener() && self.sockets.chosen(packet.ports).is_none(),
        }
    }

    /// Notes the stack's SYN-ACKs, which make children that can be accepted.
    pub(super) fn note_sent(&mut self) {
        for packet in &self.host.sniffed {
            self.sockets.note(packet);
        }
    }

    /// The first packet seen from the socket to which the script's packet belongs. Other packets
    /// stay, since they may belong to other sockets.
    pub(super) fn take_sniffed(&mut self, packet: &Packet) -> Option<Observed> {
        self.note_sent();
        let ports = packet
            .ports
            .map(|(source, destination)| (destination, source));
        let socket = self.sockets.chosen(ports)?;
        let at = (self.host.sniffed.iter()).position(|seen| claim(socket, seen))?;
        socket.ports = socket.ports.or(ports);
        self.host.sniffed.remove(at)
    }

    /// Compares the next packet of the stack with the script.
    pub(super) fn expect(&mut self, packet: &Packet, due: Due) -> Result<(), Stop> {
        let until = self.patience(due);
        let Some(first) = self.next_packet(packet, until)? else {
            let message = match due.any {
                true => "no packet is sent".to_owned(),
                false => format!("no packet is sent until {}", seconds(until)),
            };
            return failed(message);
        };
        let whole = self.whole(packet, first, until)?;
        let ports = packet
            .ports
            .map(|(source, destination)| (destination, source));
        let tick = self.setup.tick_micros;
        // Timestamps count from the start.
        let tolerance = self.tolerance(self.host.now, Instant::ZERO);
        let Some(socket) = self.sockets.chosen(ports) else {
            return failed("there is no socket");
        };
        if let (Body::Tcp(tcp), Some(segment)) = (&packet.body, whole.segment()) {
            learn(socket, tcp, segment.control, segment.seq, segment.ack);
        }
        learn_stamp(socket, packet, &whole);
        let mut comparison = Comparison {
            numbers: &socket.numbers,
            flow_labels: &mut socket.flow_labels,
            tick,
            stamp_tolerance: tolerance.as_micros() as u64,
            found: Vec::new(),
        };
        comparison.packets(packet, &whole);
        let found = comparison.found;
        let shown = show(&whole, &socket.numbers);
        self.ladder.push(whole.at, '>', &shown);
        let differences: Vec<String> = found.iter().map(ToString::to_string).collect();
        self.judge(due, &whole, shown, differences)
    }

    fn judge(
        &mut self,
        due: Due,
        whole: &Observed,
        shown: String,
        differences: Vec<String>,
    ) -> Result<(), Stop> {
        let wrong = |message: String, differences| {
            Err(Stop::Failed(Wrong {
                message,
                actual: Some(format!("{} > {shown}", seconds(whole.at))),
                differences,
                elsewhere: None,
            }))
        };
        if !differences.is_empty() {
            return wrong("another packet is sent".to_owned(), differences);
        }
        if due.any {
            return Ok(());
        }
        let span = match due.from == due.to {
            true => seconds(due.from),
            false => format!("{} to {}", seconds(due.from), seconds(due.to)),
        };
        let (early, late) = (due.from.since(whole.at), whole.at.since(due.to));
        if early > due.tolerance {
            return wrong(
                format!("it is sent too early by {early:?}: {span} is its time"),
                differences,
            );
        }
        if late > due.tolerance {
            return wrong(
                format!("it is sent too late by {late:?}: {span} was its time"),
                differences,
            );
        }
        Ok(())
    }

    /// Merges pieces that together have the length that the script gives.
    fn whole(
        &mut self,
        packet: &Packet,
        first: Observed,
        until: Instant,
    ) -> Result<Observed, Stop> {
        let Body::Tcp(tcp) = &packet.body else {
            return Ok(first);
        };
        let piece = first.len();
        let mut whole = first;
        while !self.setup.strict && whole.len() > 0 && whole.len() < tcp.len as usize {
            let until = until.max(self.host.now + Duration::from_secs(2));
            let Some(next) = self.next_packet(packet, until)? else {
                return Ok(whole);
            };
            whole = match merge(&whole, &next, piece) {
                Ok(merged) => merged,
                Err(why) => {
                    let numbers = self.sockets.current().map(|s| s.numbers.clone());
                    let numbers = numbers.unwrap_or_default();
                    return Err(Stop::Failed(Wrong {
                        message: format!("the text is sent in pieces that are not one: {why}"),
                        actual: Some(format!(
                            "> {}, then > {}",
                            show(&whole, &numbers),
                            show(&next, &numbers)
                        )),
                        ..Wrong::default()
                    }));
                }
            };
        }
        Ok(whole)
    }

    /// Lets the peer reset every connection that the script has made.
    pub(super) fn reset_everything(&mut self) {
        let setup = self.setup.clone();
        let known: Vec<Socket> = self.sockets.iter().cloned().collect();
        for socket in known
            .iter()
            .filter(|s| s.stage == Stage::Known && !s.is_udp)
        {
            let reset = Packet {
                direction: super::super::ast::Direction::In,
                outer: Vec::new(),
                ip: super::super::ast::IpInfo::default(),
                ports: None,
                body: Body::Tcp(Tcp {
                    control: control::RST,
                    seq: SeqNumber::Absolute(socket.injected),
                    len: 0,
                    ack: 0,
                    ack_absolute: true,
                    window: Some(0),
                    urgent: 0,
                    options: Options::These(Vec::new()),
                    diagnosis: None,
                }),
            };
            let route = Route {
                local: socket.local,
                remote: socket.remote,
                gateway: setup.addresses.gateway,
                mss: setup.mss,
                scaled_echo: false,
            };
            let datagrams = build(&reset, &route, &socket.numbers).unwrap_or_default();
            self.host.inject(&datagrams);
        }
    }
}

fn number(seq: SeqNumber) -> u32 {
    match seq {
        SeqNumber::Relative(seq) | SeqNumber::Absolute(seq) => seq,
        SeqNumber::Any => 0,
    }
}

/// The stack's SYN gives its ISN; its SYN-ACK also shows which of the peer's SYNs it answers.
fn learn(socket: &mut Socket, tcp: &Tcp, control: u16, seq: u32, ack: u32) {
    if control & control::SYN == 0 || tcp.control & control::SYN == 0 {
        return;
    }
    socket.numbers.learn_local(number(tcp.seq), seq);
    if control & control::ACK != 0 {
        // It may also acknowledge text on the SYN.
        let answered = |(isn, len): &(u32, u32)| ack.wrapping_sub(isn.wrapping_add(1)) <= *len;
        if let Some((isn, _)) = socket.syns.iter().rev().copied().find(|syn| answered(syn)) {
            socket.numbers.learn_remote(isn);
            socket.active = false;
        }
    }
}

/// The timestamp of an expected packet: in the script and on the wire.
fn stamps(packet: &Packet, whole: &Observed) -> Option<(u32, u32)> {
    let (Body::Tcp(tcp), Content::Tcp(segment)) = (&packet.body, &whole.content) else {
        return None;
    };
    let Options::These(options) = &tcp.options else {
        return None;
    };
    let script = options.iter().find_map(|option| match option {
        TcpOption::Timestamps { val, .. } => *val,
        _ => None,
    })?;
    let sent = segment.options();
    let (_, data) = sent
        .iter()
        .find(|(kind, data)| *kind == 8 && data.len() == 8)?;
    Some((script, u32::from_be_bytes(*data.first_chunk()?)))
}

fn learn_stamp(socket: &mut Socket, packet: &Packet, whole: &Observed) {
    if let Some((script, live)) = stamps(packet, whole) {
        socket.numbers.learn_stamp(script, live);
    }
}
