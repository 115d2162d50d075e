//! The socket under test: which connection the packets of a script belong to.

use core::net::SocketAddr;

use super::super::packet::{Content, FlowLabels, Numbers, Observed, control};

/// The stage of a socket's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing.
    New,
    /// It listens: a packet that arrives makes a child.
    Listening,
    /// It connects: the SYN that follows will show its local port.
    Connecting,
    /// Both ends are known.
    Known,
    /// It was disconnected: the reset of the old connection still belongs to it, and it may
    /// connect again.
    Left,
}

/// A socket of a script.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    /// The descriptor in the script, if the script has one.
    pub(super) fd: Option<i64>,
    pub(super) stage: Stage,
    pub(super) is_udp: bool,
    /// It was opened by connect.
    pub(super) active: bool,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Remote and local port in the script, where it gives them.
    pub(super) ports: Option<(u16, u16)>,
    pub(super) numbers: Numbers,
    pub(super) flow_labels: FlowLabels,
    /// The SYNs that the peer has sent: ISN and octets of text.
    pub(super) syns: Vec<(u32, u32)>,
    /// The stack's SYN-ACK has been seen, and the connection is not accepted yet.
    pub(super) acceptable: bool,
    /// The wire number after the last octet that was injected.
    pub(super) injected: u32,
}

impl Socket {
    pub(super) fn new(local: SocketAddr, remote: SocketAddr) -> Socket {
        Socket {
            fd: None,
            stage: Stage::New,
            is_udp: false,
            active: false,
            local,
            remote,
            ports: None,
            numbers: Numbers::default(),
            flow_labels: FlowLabels::default(),
            syns: Vec::new(),
            acceptable: false,
            injected: 0,
        }
    }

    /// Whether a packet of the stack belongs to it.
    fn owns(&self, packet: &Observed) -> bool {
        if let Content::Icmp { .. } = packet.content {
            return packet.destination == self.remote.ip();
        }
        let Some((local, remote)) = packet.ends() else {
            return false;
        };
        match self.stage {
            Stage::Known | Stage::Left => (local, remote) == (self.local, self.remote),
            Stage::Connecting => {
                let is_syn = packet
                    .segment()
                    .is_some_and(|segment| segment.has(control::SYN) && !segment.has(control::ACK));
                is_syn && remote == self.remote
            }
            Stage::New => self.is_udp && remote == self.remote,
            Stage::Listening => false,
        }
    }
}

/// All sockets of a script. One is under test: its packets are seen, unless they name others by
/// their ports.
#[derive(Clone, Debug, Default)]
pub(super) struct Sockets {
    all: Vec<Socket>,
    current: Option<usize>,
}

impl Sockets {
    /// Adds a socket, which is now the one under test.
    pub(super) fn push(&mut self, socket: Socket) -> &mut Socket {
        self.current = Some(self.all.len());
        self.all.push(socket);
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    pub(super) fn current(&self) -> Option<&Socket> {
        self.current.and_then(|at| self.all.get(at))
    }

    /// The socket with these ports in the script (remote, local), or else the one under test.
    pub(super) fn chosen(&mut self, ports: Option<(u16, u16)>) -> Option<&mut Socket> {
        let by_ports = ports.and_then(|_| self.all.iter().rposition(|s| s.ports == ports));
        let at = match ports {
            Some((remote, local)) => by_ports.or_else(|| {
                // A connection that is being opened gets the ports of its first packet.
                let fits = |socket: &Socket| {
                    socket.ports.is_none()
                        && (socket.stage == Stage::Connecting
                            || (socket.local.port(), socket.remote.port()) == (local, remote))
                };
                self.all.iter().rposition(fits)
            }),
            None => self.current,
        }?;
        self.all.get_mut(at)
    }

    /// The socket that was made last.
    pub(super) fn newest(&mut self) -> Option<&mut Socket> {
        self.all.last_mut()
    }

    pub(super) fn by_fd(&mut self, fd: i64) -> Option<&mut Socket> {
        self.all.iter_mut().rev().find(|s| s.fd == Some(fd))
    }

    /// Whether any socket listens.
    pub(super) fn has_listener(&self) -> bool {
        self.all.iter().any(|s| s.stage == Stage::Listening)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Socket> {
        self.all.iter()
    }

    /// Marks as accepted the child with this peer, or else the newest one.
    pub(super) fn accepted(&mut self, peer: SocketAddr, fd: i64) {
        let by_peer = self
            .all
            .iter()
            .rposition(|s| s.acceptable && s.remote == peer);
        let newest = self.all.iter().rposition(|s| s.acceptable);
        if let Some(socket) = by_peer.or(newest).and_then(|at| self.all.get_mut(at)) {
            socket.acceptable = false;
            socket.fd = Some(fd);
        }
    }

    /// Notes a packet of the stack: a SYN-ACK makes a child that can be accepted.
    pub(super) fn note(&mut self, packet: &Observed) {
        let Some(segment) = packet.segment() else {
            return;
        };
        if !segment.has(control::SYN) || !segment.has(control::ACK) {
            return;
        }
        let ends = packet.ends();
        let owner = self.all.iter_mut().rev().find(|s| {
            s.fd.is_none() && s.stage == Stage::Known && ends == Some((s.local, s.remote))
        });
        if let Some(socket) = owner {
            socket.acceptable = true;
        }
    }
}

/// Whether the packet belongs to the chosen socket. If that is connecting, the packet shows its
/// port.
pub(super) fn claim(socket: &mut Socket, packet: &Observed) -> bool {
    if !socket.owns(packet) {
        return false;
    }
    if let Some((local, remote)) = packet.ends() {
        socket.local = local;
        socket.remote = remote;
        if socket.stage != Stage::Left {
            socket.stage = Stage::Known;
        }
    }
    true
}
