//! What the sockets are for.

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer};

/// What one call reads or writes at most, in octets: as in the other peers.
const CHUNK: usize = 128 * 1024;

/// Sockets that listen at once. smoltcp has no backlog: a SYN that finds no socket listening is
/// reset, and a socket listens again only when its connection is closed for good.
const SOCKETS: usize = 32;

#[derive(Clone, Copy)]
enum Kind {
    Echo,
    Discard,
    Chargen,
}

/// One service with its sockets.
pub struct Service {
    kind: Kind,
    sockets: Vec<SocketHandle>,
    chunk: Vec<u8>,
}

impl Service {
    /// The service of that name.
    pub fn named(name: &str) -> Option<Service> {
        let kind = match name {
            "echo" => Kind::Echo,
            "discard" => Kind::Discard,
            "chargen" => Kind::Chargen,
            _ => return None,
        };
        Some(Service {
            kind,
            sockets: Vec::new(),
            chunk: vec![b'.'; CHUNK],
        })
    }

    /// Makes the sockets. The receive buffer fits the interface's queue of 500 packets.
    pub fn open(&mut self, sockets: &mut SocketSet<'_>) {
        let (count, receive, send) = match self.kind {
            Kind::Echo => (SOCKETS, 4096, 4096),
            Kind::Discard => (2, 512 * 1024, 4096),
            Kind::Chargen => (2, 4096, 512 * 1024),
        };
        for _ in 0..count {
            let buffer = |size| SocketBuffer::new(vec![0; size]);
            let mut socket = Socket::new(buffer(receive), buffer(send));
            socket.set_nagle_enabled(false);
            self.sockets.push(sockets.add(socket));
        }
    }

    /// Does what the sockets allow; whether that was anything.
    pub fn turn(&mut self, sockets: &mut SocketSet<'_>) -> bool {
        let port = match self.kind {
            Kind::Echo => 7,
            Kind::Discard => 9,
            Kind::Chargen => 19,
        };
        let mut busy = false;
        for &handle in &self.sockets {
            let socket = sockets.get_mut::<Socket<'_>>(handle);
            if !socket.is_open() {
                socket.listen(port).expect("a closed socket may listen");
                continue;
            }
            busy |= match self.kind {
                Kind::Echo => echo(socket),
                Kind::Discard => discard(socket, &mut self.chunk),
                Kind::Chargen => chargen(socket, &self.chunk),
            };
            // The peer has closed, and has everything.
            if !socket.may_recv() && socket.may_send() && socket.send_queue() == 0 {
                socket.close();
            }
        }
        busy
    }
}

fn echo(socket: &mut Socket<'_>) -> bool {
    let mut buffer = [0; 2048];
    let room = socket.send_capacity() - socket.send_queue();
    let limit = room.min(buffer.len());
    match socket.recv_slice(&mut buffer[..limit]) {
        Ok(length) if length > 0 => socket.send_slice(&buffer[..length]).is_ok(),
        _ => false,
    }
}

fn discard(socket: &mut Socket<'_>, chunk: &mut [u8]) -> bool {
    matches!(socket.recv_slice(chunk), Ok(length) if length > 0)
}

fn chargen(socket: &mut Socket<'_>, chunk: &[u8]) -> bool {
    matches!(socket.send_slice(chunk), Ok(length) if length > 0)
}
