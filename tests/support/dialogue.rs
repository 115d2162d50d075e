//! A dialogue: one real [`Stack`] in virtual time, and a peer that says what the test says.
//!
//! ```text
//! let mut d = Dialogue::established(family, plain());
//! d.sends(10).leaves("<SEQ=301><ACK=101><DATA=10><CTL=PSH,ACK>");
//! d.until(ms(50)).arrives("<SEQ=101><ACK=311><CTL=ACK>");
//! ```
//!
//! Every segment goes through the bytes of the wire, both ways. What leaves must be what the test
//! says it is, field by field, octet by octet, to the nanosecond, and nothing else: whatever the
//! test does not name is an error. On the side, what must hold of every datagram is checked of
//! every datagram (see [`Dialogue::inspect`]).
//!
//! Sequence numbers are written as RFC 9293 writes them, whatever they are on the wire: our ISS is
//! 300 (it is learnt from our SYN), the peer's 100. Our clock of timestamps shows 1000 on the first
//! SYN. Time starts at 0.
//!
//! The octets of both streams are a pattern: text is right if it is what belongs in its place.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses a part of it"
)]

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::num::NonZero;
use std::time::Duration;

use stubborn::config::{Config, CongestionControl, ListenerConfig, SocketOptions, TcpConfig};
use stubborn::stack::{ConnId, Event, ListenerId, Readiness, Secret, Stack};
use stubborn::tcp::{Discard, Loan, RecvError, SendError, State, Status};
use stubborn::time::Instant;
use stubborn::wire::{
    self, Control, Cut, Ecn, Form, IpHeader, Kind, Landed, Offload, Packet, Payload, TcpHeader,
    Text, offload, protocol,
};

#[path = "notation.rs"]
pub mod notation;

use notation::{Notation, WINDOW};

/// Our initial sequence number, as it is written.
pub const ISS: u32 = 300;
/// The peer's.
pub const ISN: u32 = 100;
/// What our clock of timestamps shows on the first SYN, as it is written.
pub const CLOCK: u32 = 1000;
/// Our port, and the one of the peer, unless the test says [`Dialogue::as_port`].
pub const PORT: u16 = 80;
pub const PEER_PORT: u16 = 1000;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// Runs a test over IPv4 and over IPv6.
pub fn in_both_families(test: impl Fn(Family)) {
    test(Family::V4);
    test(Family::V6);
}

impl Family {
    fn address(self, v4: &str, v6: &str) -> IpAddr {
        match self {
            Family::V4 => v4.parse().unwrap(),
            Family::V6 => v6.parse().unwrap(),
        }
    }

    /// The address of the stack.
    pub fn us(self) -> IpAddr {
        self.address("10.0.0.1", "fd00::1")
    }

    /// The address of the peer.
    pub fn peer(self) -> IpAddr {
        self.address("10.0.0.2", "fd00::2")
    }

    /// Octets of IP and TCP header without options.
    pub fn headers(self) -> usize {
        match self {
            Family::V4 => 40,
            Family::V6 => 60,
        }
    }
}

/// A connection without options and without delays: segments of 1,000 octets, buffers of 10,000
/// in and 100,000 out, and the windows of RFC 5681.
pub fn plain() -> TcpConfig {
    TcpConfig {
        mss: Some(1000),
        receive_buffer: usize::from(WINDOW),
        send_buffer: 100_000,
        window_scaling: false,
        timestamps: false,
        sack: false,
        delayed_ack: None,
        congestion_control: CongestionControl::Reno,
        ..TcpConfig::default()
    }
}

/// The octet in a place of a stream: `place` counts from the first one after the SYN.
fn octet(stream: u8, place: u32) -> u8 {
    (place.wrapping_mul(2_654_435_761) >> 11) as u8 ^ stream
}

fn pattern(stream: u8, place: u32, len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|index| octet(stream, place.wrapping_add(index)))
        .collect()
}

const OURS: u8 = 0;
const THEIRS: u8 = 0xa5;

/// What a conversation with one port of the peer has come to.
#[derive(Clone, Copy, Debug, Default)]
struct Talk {
    /// What is 0 in our numbers, and in the peer's, as they stand on the wire.
    our_zero: u32,
    their_zero: u32,
    /// What is 0 on our clock of timestamps.
    clock_zero: u32,
    knows_clock: bool,
    /// The rightmost edge of the window that we gave, on the wire, and our window scale.
    edge: Option<u32>,
    our_scale: Option<u8>,
    peer_scales: bool,
}

/// See the module.
pub struct Dialogue {
    pub stack: Stack,
    pub family: Family,
    /// The connection that calls are for.
    pub conn: Option<ConnId>,
    pub listener: Option<ListenerId>,
    /// What the device does in the stack's place.
    pub offload: Offload,
    start: Instant,
    now: Instant,
    /// Our address and the port of the peer.
    address: IpAddr,
    port: u16,
    isn: u32,
    talks: BTreeMap<u16, Talk>,
    /// What has left and the test has not named yet.
    left: VecDeque<Vec<u8>>,
    /// Octets that the user has sent and received.
    sent: u32,
    read: u32,
    discarded: Vec<u64>,
    told: Readiness,
    events: Vec<Event>,
    record: Vec<String>,
}

impl Dialogue {
    /// A host that nobody has spoken to, with nothing open.
    pub fn new(family: Family, tcp: TcpConfig) -> Dialogue {
        let mut config = Config::new([family.us()]);
        config.tcp = tcp;
        Dialogue::with(family, config)
    }

    /// A host whose first address is [`Family::us`].
    pub fn with(family: Family, config: Config) -> Dialogue {
        // Not zero: there was a time before the test.
        Dialogue::starting(family, config, Instant::from_secs(1_000_000), ISN)
    }

    /// The same at a time when our ISS is `iss` on the wire, with a peer whose ISN is `isn`.
    pub fn at_numbers(family: Family, config: Config, iss: u32, isn: u32) -> Dialogue {
        // The ISN clock ticks every four microseconds (RFC 9293 §3.4.1), so any number has its
        // time; which, shows a connection made at another time.
        let start = Instant::from_secs(1_000_000);
        let mut probe = Dialogue::starting(family, config.clone(), start, isn);
        probe.connect();
        let wire_iss = probe.segment_left().0.seq;
        let ticks = iss.wrapping_sub(wire_iss);
        let start = start + Duration::from_micros(4) * ticks;
        Dialogue::starting(family, config, start, isn)
    }

    fn starting(family: Family, config: Config, start: Instant, isn: u32) -> Dialogue {
        let stack = Stack::new(config, Secret(*b"an open secret..")).unwrap();
        let mut dialogue = Dialogue {
            stack,
            family,
            conn: None,
            listener: None,
            offload: Offload::NONE,
            start,
            now: start,
            address: family.us(),
            port: PEER_PORT,
            isn,
            talks: BTreeMap::new(),
            left: VecDeque::new(),
            sent: 0,
            read: 0,
            discarded: vec![0; Discard::ALL.len()],
            told: Readiness::NONE,
            events: Vec::new(),
            record: vec![format!("{family:?}")],
        };
        dialogue.talk();
        dialogue
    }

    /// LISTEN on [`PORT`].
    pub fn listening(family: Family, tcp: TcpConfig) -> Dialogue {
        let mut dialogue = Dialogue::new(family, tcp);
        dialogue.listen(8);
        dialogue
    }

    /// ESTABLISHED at time 0, from a passive OPEN: SND.NXT = 301, RCV.NXT = 101, the peer's MSS
    /// 1000 and window [`WINDOW`]. Nobody listens any more.
    pub fn established(family: Family, tcp: TcpConfig) -> Dialogue {
        let mut dialogue = Dialogue::listening(family, tcp);
        dialogue.opens().closes_listener();
        dialogue
    }

    /// The peer opens, without options but its MSS, and the connection is accepted.
    #[track_caller]
    pub fn opens(&mut self) -> &mut Self {
        self.opens_and_waits().accept()
    }

    /// The peer opens, without options but its MSS, and the connection is not accepted yet.
    #[track_caller]
    pub fn opens_and_waits(&mut self) -> &mut Self {
        self.arrives("<SEQ=100><CTL=SYN><MSS=1000>");
        let syn_ack = self.leaves_something();
        assert_eq!(syn_ack.header.control, Control::SYN | Control::ACK);
        self.arrives("<SEQ=101><ACK=301><CTL=ACK>")
    }

    /// Passive OPEN.
    #[track_caller]
    pub fn listen(&mut self, backlog: usize) -> &mut Self {
        let local = SocketAddr::new(self.family.us(), PORT);
        self.listener = Some(self.stack.listen(local, backlog).unwrap());
        self.note("LISTEN");
        self
    }

    /// Passive OPEN on [`PORT`] by a listener that differs as `change` says.
    #[track_caller]
    pub fn listen_with(&mut self, change: impl FnOnce(&mut ListenerConfig)) -> &mut Self {
        let mut config = ListenerConfig {
            tcp: self.stack.config().tcp.clone(),
            ..ListenerConfig::default()
        };
        change(&mut config);
        let local = SocketAddr::new(self.family.us(), PORT);
        self.listener = Some(self.stack.listen_with(local, config).unwrap());
        self.note("LISTEN");
        self
    }

    /// Changes how the listener behaves.
    #[track_caller]
    pub fn configure(&mut self, change: impl FnOnce(&mut ListenerConfig)) -> &mut Self {
        let listener = self.listener.expect("a listener");
        let mut config = self.stack.listener_config(listener).unwrap().clone();
        change(&mut config);
        self.stack.configure_listener(listener, config).unwrap();
        self
    }

    /// Takes the next connection from the accept queue: calls are for it from now on.
    #[track_caller]
    pub fn accept(&mut self) -> &mut Self {
        let listener = self.listener.expect("a listener");
        let id = self.stack.accept(listener);
        self.conn = Some(id.unwrap_or_else(|| self.fail("nothing to accept")));
        (self.sent, self.read) = (0, 0);
        self.note("accept");
        self
    }

    /// Active OPEN, from [`PORT`] to the peer.
    #[track_caller]
    pub fn connect(&mut self) -> &mut Self {
        let local = SocketAddr::new(self.family.us(), PORT);
        let remote = SocketAddr::new(self.family.peer(), self.port);
        self.note("OPEN");
        let id = self.stack.connect(self.now, Some(local), remote).unwrap();
        self.conn = Some(id);
        (self.sent, self.read) = (0, 0);
        self.collect();
        self
    }

    /// Active OPEN together with a SEND, from [`PORT`] to the peer.
    #[track_caller]
    pub fn connects_sending(&mut self, len: usize) -> &mut Self {
        let local = SocketAddr::new(self.family.us(), PORT);
        let remote = SocketAddr::new(self.family.peer(), self.port);
        self.call(&format!("OPEN, SEND {len}"));
        let (data, tcp) = (pattern(OURS, 0, len), self.stack.config().tcp.clone());
        let opened = (self.stack).connect_sending(self.now, Some(local), remote, &tcp, &data);
        let (id, taken) = opened.unwrap();
        self.conn = Some(id);
        (self.sent, self.read) = (taken as u32, 0);
        self.collect();
        self
    }

    /// From now on the peer speaks from, and is spoken to at, another port.
    pub fn as_port(&mut self, port: u16) -> &mut Self {
        self.port = port;
        self.talk();
        self
    }

    /// From now on the peer speaks to another of our addresses.
    pub fn to(&mut self, address: IpAddr) -> &mut Self {
        self.address = address;
        self
    }

    /// SEND: the next `len` octets of our stream, as many as are taken.
    #[track_caller]
    pub fn send(&mut self, len: usize) -> Result<usize, SendError> {
        let data = pattern(OURS, self.sent, len);
        let taken = self.stack.send(self.now, self.id(), &data);
        self.sent += taken.unwrap_or(0) as u32;
        taken
    }

    /// SEND: the next `len` octets of our stream, all of which must be taken.
    #[track_caller]
    pub fn sends(&mut self, len: usize) -> &mut Self {
        self.sends_together(&[len])
    }

    /// Several SENDs, and only then may something leave.
    #[track_caller]
    pub fn sends_together(&mut self, lens: &[usize]) -> &mut Self {
        self.call(&format!("SEND {lens:?}"));
        for &len in lens {
            let taken = self.send(len);
            assert_eq!(taken, Ok(len), "{}", self.transcript());
        }
        self.collect();
        self
    }

    /// SEND, urgent.
    #[track_caller]
    pub fn sends_urgent(&mut self, len: usize) -> &mut Self {
        self.call(&format!("SEND {len}, urgent"));
        let data = pattern(OURS, self.sent, len);
        let taken = self.stack.send_urgent(self.now, self.id(), &data);
        assert_eq!(taken, Ok(len), "{}", self.transcript());
        self.sent += len as u32;
        self.collect();
        self
    }

    /// RECEIVE with a buffer of `room` octets: what comes must be the next of the peer's stream.
    #[track_caller]
    pub fn receive(&mut self, room: usize) -> Result<usize, RecvError> {
        self.call(&format!("RECEIVE {room}"));
        let mut buffer = vec![0; room];
        let taken = self.stack.recv(self.now, self.id(), &mut buffer);
        if let Ok(len) = taken {
            assert!(
                buffer[..len] == pattern(THEIRS, self.read, len),
                "the text is not what was sent: {}",
                self.transcript()
            );
            self.read += len as u32;
        }
        self.collect();
        taken
    }

    /// RECEIVE gives exactly `len` octets, with room for more.
    #[track_caller]
    pub fn reads(&mut self, len: usize) -> &mut Self {
        let taken = self.receive(len);
        assert_eq!(taken, Ok(len), "{}", self.transcript());
        self
    }

    /// RECEIVE without a copy: exactly `len` octets are lent.
    #[track_caller]
    pub fn borrows(&mut self, len: usize) -> Loan {
        self.call(&format!("RECEIVE {len}, lent"));
        let loan = self.stack.lend(self.id());
        let loan = loan.expect("no error").expect("not the end");
        assert!(
            loan.text().to_vec() == pattern(THEIRS, self.read, len),
            "the text is not what was sent: {}",
            self.transcript()
        );
        self.collect();
        loan
    }

    /// `count` octets of a loan are consumed.
    #[track_caller]
    pub fn consumes(&mut self, loan: &mut Loan, count: usize) -> &mut Self {
        self.call(&format!("{count} octets consumed"));
        loan.consume(count);
        self.read += count as u32;
        self.stack.consumed(self.now, self.id(), loan);
        self.collect();
        self
    }

    /// A loan is given back.
    #[track_caller]
    pub fn gives_back(&mut self, loan: Loan) -> &mut Self {
        self.call("loan given back");
        self.stack.take_back(self.now, self.id(), loan);
        self.collect();
        self
    }

    /// CLOSE: of our direction.
    #[track_caller]
    pub fn closes(&mut self) -> &mut Self {
        self.call("CLOSE");
        let closed = self.stack.shutdown(self.now, self.id(), Shutdown::Write);
        assert_eq!(closed, Ok(()), "{}", self.transcript());
        self.collect();
        self
    }

    /// The user reads no more.
    #[track_caller]
    pub fn shuts_reading(&mut self) -> &mut Self {
        self.call("no more RECEIVE");
        let closed = self.stack.shutdown(self.now, self.id(), Shutdown::Read);
        assert_eq!(closed, Ok(()), "{}", self.transcript());
        self.collect();
        self
    }

    /// The user lets go of the connection.
    #[track_caller]
    pub fn lets_go(&mut self) -> &mut Self {
        self.call("CLOSE, and let go");
        self.stack.close(self.now, self.id());
        self.conn = None;
        self.collect();
        self
    }

    /// ABORT.
    #[track_caller]
    pub fn aborts(&mut self) -> &mut Self {
        self.call("ABORT");
        self.stack.abort(self.now, self.id());
        self.conn = None;
        self.collect();
        self
    }

    /// The listener is closed.
    #[track_caller]
    pub fn closes_listener(&mut self) -> &mut Self {
        self.call("CLOSE of the listener");
        let listener = self.listener.take().expect("a listener");
        self.stack.close_listener(self.now, listener);
        self.collect();
        self
    }

    /// Changes the socket options.
    #[track_caller]
    pub fn set(&mut self, change: impl FnOnce(&mut SocketOptions)) -> &mut Self {
        let mut options = self.stack.options(self.id());
        change(&mut options);
        self.call(&format!("{options:?}"));
        self.stack.set_options(self.now, self.id(), options);
        self.collect();
        self
    }

    /// A segment arrives.
    #[track_caller]
    pub fn arrives(&mut self, written: &str) -> &mut Self {
        self.arrive_together(&[written])
    }

    /// Segments arrive, and only then may something leave.
    #[track_caller]
    pub fn arrive_together(&mut self, written: &[&str]) -> &mut Self {
        self.nothing_more();
        for written in written {
            let segment = Notation::read(written);
            let place = segment.header.seq.wrapping_sub(ISN + 1);
            let syn = u32::from(segment.header.control.has(Control::SYN));
            let text = pattern(THEIRS, place.wrapping_add(syn), segment.len);
            self.deliver(&segment, &text);
        }
        self.collect();
        self
    }

    /// A super-segment of segments with `mss` octets each arrives, as a device puts it together.
    #[track_caller]
    pub fn arrives_as_one(&mut self, written: &str, mss: u16) -> &mut Self {
        self.nothing_more();
        let segment = Notation::read(written);
        self.note(&format!("--> {segment}"));
        let place = segment.header.seq.wrapping_sub(ISN + 1);
        let text = pattern(THEIRS, place, segment.len);
        let bytes = self.datagram(&segment, &text);
        let size = NonZero::new(mss).expect("segments with text");
        let form = Form {
            cut: Some(Cut {
                kind: Kind::Tcp,
                size,
            }),
            ..Form::default()
        };
        self.stack.receive_as(self.now, &bytes, form);
        self.collect();
        self
    }

    /// A segment arrives, and before anything leaves `count` octets are read.
    #[track_caller]
    pub fn arrives_and_is_read(&mut self, written: &str, count: usize) -> &mut Self {
        let segment = Notation::read(written);
        let place = segment.header.seq.wrapping_sub(ISN + 1);
        self.deliver(&segment, &pattern(THEIRS, place, segment.len));
        self.reads(count)
    }

    /// A segment arrives, and the first `count` octets of its text lie in the buffer of a reader that
    /// waits for them. Says whether they count as read; if not, nothing has happened.
    pub fn lands(&mut self, written: &str, count: usize) -> bool {
        self.nothing_more();
        let segment = Notation::read(written);
        self.note(&format!("--> {segment}, {count} octets with their reader"));
        let place = segment.header.seq.wrapping_sub(ISN + 1);
        let text = pattern(THEIRS, place, segment.len);
        let bytes = self.datagram(&segment, &text);
        let Some(headers) = self.stack.headers_of_landing(self.id()) else {
            return false;
        };
        let (headers, text) = bytes.split_at(headers);
        let (text, rest) = text.split_at(count);
        let datagram = Landed {
            headers,
            text,
            rest: rest.into(),
            form: Form::default(),
        };
        let is_taken = self.stack.receive_landed(self.now, self.id(), &datagram);
        self.read += if is_taken { count as u32 } else { 0 };
        self.collect();
        is_taken
    }

    /// A segment arrives whose text is not what the peer's stream has in its place.
    #[track_caller]
    pub fn arrives_with(&mut self, written: &str, text: &[u8]) -> &mut Self {
        self.nothing_more();
        self.deliver(&Notation::read(written), text);
        self.collect();
        self
    }

    fn deliver(&mut self, segment: &Notation, text: &[u8]) {
        self.note(&format!("--> {segment}"));
        let bytes = self.datagram(segment, text);
        self.stack.receive(self.now, &bytes);
    }

    fn datagram(&mut self, segment: &Notation, text: &[u8]) -> Vec<u8> {
        let header = self.on_the_wire(&segment.header);
        let mut ip = IpHeader::new(self.family.peer(), self.address, protocol::TCP, 64);
        ip.traffic_class = segment.ecn.on(0);
        Packet::tcp(&ip, &header, Text::from(text)).to_vec()
    }

    /// A segment from the peer as it is on the wire, for tests that change it.
    pub fn as_bytes(&mut self, written: &str) -> Vec<u8> {
        let segment = Notation::read(written);
        let syn = u32::from(segment.header.control.has(Control::SYN));
        let place = segment.header.seq.wrapping_sub(ISN + 1).wrapping_add(syn);
        self.datagram(&segment, &pattern(THEIRS, place, segment.len))
    }

    /// A datagram of any kind arrives.
    #[track_caller]
    pub fn datagram_arrives(&mut self, bytes: &[u8]) -> &mut Self {
        self.nothing_more();
        self.note(&format!("--> a datagram of {} octets", bytes.len()));
        self.stack.receive(self.now, bytes);
        self.collect();
        self
    }

    /// This segment leaves now, and it is the next one to do so.
    #[track_caller]
    pub fn leaves(&mut self, written: &str) -> &mut Self {
        let expected = Notation::read(written);
        if self.left.is_empty() {
            self.fail(&format!("nothing leaves\nexpected  <-- {expected}"));
        }
        let left = self.leaves_something();
        if left != expected {
            self.fail(&format!("it should be\n          <-- {expected}"));
        }
        self
    }

    /// This segment leaves now, whatever window it gives.
    #[track_caller]
    pub fn tells(&mut self, written: &str) -> &mut Self {
        let expected = Notation::read(written);
        if self.left.is_empty() {
            self.fail(&format!("nothing leaves\nexpected  <-- {expected}"));
        }
        let mut left = self.leaves_something();
        left.header.window = WINDOW;
        if left != expected {
            self.fail(&format!("it should be\n          <-- {expected}"));
        }
        self
    }

    /// The next segment that leaves now, whatever it is.
    #[track_caller]
    pub fn leaves_something(&mut self) -> Notation {
        let (header, text, ecn) = self.segment_left();
        self.learn(&header);
        let shown = self.as_written(&header);
        let segment = Notation {
            ecn,
            ..Notation::of(&shown, text.len())
        };
        let port = match header.destination_port {
            port if port == self.port => String::new(),
            port => format!(" to port {port}"),
        };
        self.note(&format!("<-- {segment}{port}"));
        if !port.is_empty() {
            self.fail(&format!("it should go to port {}", self.port));
        }
        let syn = u32::from(header.control.has(Control::SYN));
        let place = shown.seq.wrapping_add(syn).wrapping_sub(ISS + 1);
        if text != pattern(OURS, place, text.len()) {
            self.fail("its text is not what was sent");
        }
        segment
    }

    /// All segments that leave now, whatever they are.
    #[track_caller]
    pub fn all_that_leaves(&mut self) -> Vec<Notation> {
        let mut all = Vec::new();
        while !self.left.is_empty() {
            all.push(self.leaves_something());
        }
        all
    }

    /// All datagrams that leave now, whatever they are, as they are.
    pub fn all_that_leaves_of_any_kind(&mut self) -> Vec<Vec<u8>> {
        self.left.drain(..).collect()
    }

    /// All segments that leave now, whatever they are: the ports they go to.
    #[track_caller]
    pub fn all_that_leaves_to_any_port(&mut self) -> Vec<u16> {
        let mut ports = Vec::new();
        while !self.left.is_empty() {
            ports.push(self.segment_left().0.destination_port);
        }
        ports
    }

    /// The next datagram that leaves now, as it is.
    #[track_caller]
    pub fn datagram_leaves(&mut self) -> Vec<u8> {
        let bytes = self.left.pop_front();
        bytes.unwrap_or_else(|| self.fail("nothing leaves"))
    }

    #[track_caller]
    fn segment_left(&mut self) -> (TcpHeader, Vec<u8>, Ecn) {
        let bytes = self.datagram_leaves();
        match wire::parse(&bytes) {
            Ok(datagram) => match datagram.payload {
                Payload::Tcp(header, text) => (header, text.to_vec(), datagram.ip.ecn()),
                other => self.fail(&format!("{other:?} is no segment")),
            },
            Err(refusal) => self.fail(&format!("malformed: {refusal:?}")),
        }
    }

    /// Nothing leaves now, or nothing more. Said before every step and at the end anyway.
    #[track_caller]
    pub fn nothing_more(&mut self) -> &mut Self {
        if !self.left.is_empty() {
            let segment = self.leaves_something();
            self.fail(&format!("{segment} should not leave"));
        }
        self
    }

    /// Time passes until `at`, counted from the start. What falls due before must send nothing;
    /// what falls due then is done.
    #[track_caller]
    pub fn until(&mut self, at: Duration) -> &mut Self {
        let end = self.start + at;
        assert!(self.now <= end, "time goes on");
        while let Some(due) = self.stack.next_deadline().filter(|due| *due <= end) {
            self.nothing_more();
            self.now = self.now.max(due);
            self.stack.handle_timeouts(self.now);
            self.collect();
            if self.now == end && !self.left.is_empty() {
                return self;
            }
        }
        if self.now < end {
            self.nothing_more();
            self.now = end;
            self.stack.handle_timeouts(end);
            self.collect();
        }
        self
    }

    /// Time passes until something falls due, which is done.
    #[track_caller]
    pub fn until_deadline(&mut self) -> &mut Self {
        self.nothing_more();
        let due = self.stack.next_deadline();
        let due = due.unwrap_or_else(|| self.fail("nothing will ever fall due"));
        self.now = self.now.max(due);
        self.stack.handle_timeouts(self.now);
        self.collect();
        self
    }

    /// Time passes until the next segment leaves: when that is.
    #[track_caller]
    pub fn until_something_leaves(&mut self) -> Duration {
        self.nothing_more();
        while self.left.is_empty() {
            self.until_deadline();
        }
        self.elapsed()
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// The state of the connection with the peer; held by a user or not.
    pub fn state(&self) -> State {
        let of_this_port = self.stack.connections().filter(|(tuple, _)| {
            tuple.remote.port() == self.port && tuple.remote.ip() == self.family.peer()
        });
        let open = of_this_port
            .map(|(_, state)| state)
            .find(|state| *state != State::Closed);
        match (open, self.listener) {
            (Some(state), _) => state,
            (None, Some(_)) => State::Listen,
            (None, None) => State::Closed,
        }
    }

    #[track_caller]
    pub fn state_is(&mut self, expected: State) -> &mut Self {
        let state = self.state();
        self.note(&state.to_string());
        if state != expected {
            self.fail(&format!("it should be {expected}"));
        }
        self
    }

    /// STATUS.
    #[track_caller]
    pub fn status(&self) -> Status {
        self.stack.status(self.id())
    }

    /// What the user has been told since this was asked last.
    pub fn readiness(&mut self) -> Readiness {
        std::mem::take(&mut self.told)
    }

    /// All events since this was asked last.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Why segments were discarded since this was asked last.
    pub fn discards(&mut self) -> Vec<Discard> {
        let mut reasons = Vec::new();
        for (reason, before) in Discard::ALL.into_iter().zip(&mut self.discarded) {
            let now = self.stack.counters().discarded(reason);
            let since = now - std::mem::replace(before, now);
            reasons.extend((0..since).map(|_| reason));
        }
        reasons
    }

    /// Our ISS as it is on the wire.
    pub fn wire_iss(&self) -> u32 {
        self.talks[&self.port].our_zero.wrapping_add(ISS)
    }

    /// The moment, as the stack counts.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The connection that calls are for.
    #[track_caller]
    pub fn id(&self) -> ConnId {
        self.conn.expect("a connection")
    }

    /// The number on the wire of one of ours.
    pub fn our_wire(&self, seq: u32) -> u32 {
        seq.wrapping_add(self.talks[&self.port].our_zero)
    }

    /// Takes what leaves, and what the users are told.
    fn collect(&mut self) {
        while let Some(packet) = (self.stack).poll_transmit_for(self.now, self.offload) {
            let (bytes, cut) = (packet.to_vec(), packet.form().cut);
            self.inspect(&bytes);
            assert!(cut.is_none() || bytes.len() <= self.offload.longest);
            let mut longest = bytes.len();
            if let Some(by) = cut {
                longest = 0;
                let whole = offload::cut(&bytes, by, |it| longest = longest.max(it.len()));
                assert!(whole, "a super-segment that cannot be cut");
            }
            let mtu = self.stack.config().mtu;
            assert!(longest <= mtu, "longer than the MTU");
            self.left.push_back(bytes);
        }
        while let Some(event) = self.stack.poll_event() {
            self.events.push(event);
            if let Event::Connection(id, readiness) = event
                && Some(id) == self.conn
            {
                self.told |= readiness;
            }
        }
    }

    /// What holds of every datagram: its lengths and checksums are right; an IPv4 one must not be
    /// fragmented. Of every segment: its options are in the order in which Linux has them, those of a SYN on a SYN only
    /// (MUST-65), and the right edge of the window never moves left (SHLD-14), but for what a
    /// scaled window cannot say (RFC 7323 §2.4).
    fn inspect(&mut self, bytes: &[u8]) {
        let datagram = match wire::parse(bytes) {
            Ok(datagram) => datagram,
            Err(refusal) => self.fail(&format!("malformed: {refusal:?}")),
        };
        let ip = &datagram.ip;
        assert!(ip.dont_fragment, "{ip:?}");
        let Payload::Tcp(header, text) = datagram.payload else {
            return;
        };
        let again = Packet::tcp(ip, &header, Text::from(text)).to_vec();
        assert!(again == bytes, "written otherwise: {header:?}");
        if let Some(talk) = self.talks.get_mut(&header.destination_port) {
            let moved_left = talk.moves_left(&header);
            assert!(!moved_left, "the edge moves left: {}", self.transcript());
        }
    }

    /// The conversation with the current port.
    fn talk(&mut self) -> &mut Talk {
        let their_zero = self.isn.wrapping_sub(ISN);
        self.talks.entry(self.port).or_insert(Talk {
            their_zero,
            ..Talk::default()
        })
    }

    /// What our SYN tells of our numbers.
    fn learn(&mut self, header: &TcpHeader) {
        let talk = self.talk();
        if header.control.has(Control::SYN) {
            talk.our_zero = header.seq.wrapping_sub(ISS);
        }
        if let Some(timestamps) = header.options.timestamps
            && !talk.knows_clock
        {
            talk.clock_zero = timestamps.val.wrapping_sub(CLOCK);
            talk.knows_clock = true;
        }
    }

    fn on_the_wire(&mut self, written: &TcpHeader) -> TcpHeader {
        let port = self.port;
        let talk = self.talk();
        if written.control.has(Control::SYN) {
            talk.peer_scales = written.options.window_scale.is_some();
        }
        let talk = *talk;
        let mut header = TcpHeader {
            source_port: port,
            destination_port: PORT,
            seq: written.seq.wrapping_add(talk.their_zero),
            ack: written.ack.wrapping_add(talk.our_zero),
            ..*written
        };
        if let Some(timestamps) = &mut header.options.timestamps
            && timestamps.ecr != 0
        {
            timestamps.ecr = timestamps.ecr.wrapping_add(talk.clock_zero);
        }
        let mut blocks = wire::SackBlocks::default();
        for block in written.options.sack.as_slice() {
            blocks.push(wire::SackBlock {
                left: block.left.wrapping_add(talk.our_zero),
                right: block.right.wrapping_add(talk.our_zero),
            });
        }
        header.options.sack = blocks;
        header
    }

    fn as_written(&mut self, header: &TcpHeader) -> TcpHeader {
        let talk = *self.talk();
        // A stranger's reset starts at 0, whatever that is.
        let is_strange = matches!(self.state(), State::Listen | State::Closed);
        let is_literal = header.seq == 0 && header.control.has(Control::RST) && is_strange;
        let mut shown = *header;
        if !is_literal {
            shown.seq = header.seq.wrapping_sub(talk.our_zero);
        }
        if header.control.has(Control::ACK) {
            shown.ack = header.ack.wrapping_sub(talk.their_zero);
        }
        if let Some(timestamps) = &mut shown.options.timestamps {
            timestamps.val = timestamps.val.wrapping_sub(talk.clock_zero);
        }
        let mut blocks = wire::SackBlocks::default();
        for block in header.options.sack.as_slice() {
            blocks.push(wire::SackBlock {
                left: block.left.wrapping_sub(talk.their_zero),
                right: block.right.wrapping_sub(talk.their_zero),
            });
        }
        shown.options.sack = blocks;
        shown
    }

    /// A call of the user begins.
    #[track_caller]
    fn call(&mut self, what: &str) {
        self.nothing_more();
        self.note(what);
    }

    fn note(&mut self, what: &str) {
        let at = Instant::ZERO + self.elapsed();
        self.record.push(format!("{at:#}  {what}"));
    }

    /// All that has happened so far.
    pub fn transcript(&self) -> String {
        let skipped = self.record.len().saturating_sub(40);
        format!("\n{}\n", self.record[skipped..].join("\n"))
    }

    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        panic!("{}{what}", self.transcript())
    }
}

impl Talk {
    /// Whether the window that a segment of ours gives ends before one that we gave.
    fn moves_left(&mut self, header: &TcpHeader) -> bool {
        if header.control.has(Control::SYN) {
            self.our_scale = header.options.window_scale;
            self.edge = None;
        }
        if !header.control.has(Control::ACK) || header.control.has(Control::RST) {
            return false;
        }
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        let is_scaled = self.peer_scales && !header.control.has(Control::SYN);
        let shift = self.our_scale.filter(|_| is_scaled).unwrap_or(0);
        let edge = header.ack.wrapping_add(u32::from(header.window) << shift);
        let farthest = self.edge.unwrap_or(edge);
        let short = farthest.wrapping_sub(edge).cast_signed();
        if short < 0 {
            self.edge = Some(edge);
        } else {
            self.edge = Some(farthest);
        }
        short >= 1 << shift
    }
}

impl Drop for Dialogue {
    /// Nothing may leave at the end that the test has not named.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.nothing_more();
        }
    }
}
