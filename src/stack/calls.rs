//! The calls of users, by connection id: OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS.
//!
//! Every call that takes a [`ConnId`] panics if the id is no longer valid, because its user has released
//! the connection ([`Stack::close`], [`Stack::abort`]).

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::net::Shutdown;
use std::sync::Arc;

use super::Stack;
use super::error::{ConnectError, ListenError};
use super::id::{ConnId, ListenerId};
use crate::config::{ConfigError, ListenerConfig, SignatureKeys, SocketOptions, TcpConfig};
use crate::tcp::{
    ConnectionError, Draft, Loan, RecvError, SendError, SequenceSpace, State, Status, Tcb, Times,
};
use crate::time::Instant;
use crate::wire::{Kept, ip};

impl Stack {
    /// Passive OPEN on `local`. If its port is 0, the stack chooses one; if its address is unspecified, the
    /// listener is on all addresses of that family. At most `backlog` established connections, but at least one,
    /// wait to be accepted.
    ///
    /// # Errors
    /// If the address is taken or not one of this host.
    pub fn listen(&mut self, local: SocketAddr, backlog: usize) -> Result<ListenerId, ListenError> {
        let config = ListenerConfig {
            backlog,
            tcp: self.config.tcp.clone(),
            ..ListenerConfig::default()
        };
        self.listen_with(local, config)
    }

    /// As [`Stack::listen`], with a configuration for the listener.
    ///
    /// # Errors
    /// If the address is taken or not one of this host, or the configuration is invalid.
    pub fn listen_with(
        &mut self,
        local: SocketAddr,
        config: ListenerConfig,
    ) -> Result<ListenerId, ListenError> {
        config.validate().map_err(ListenError::Config)?;
        let has_family = self.own_address(local.is_ipv4()).is_some();
        if !has_family || !(local.ip().is_unspecified() || self.is_own(local.ip())) {
            return Err(ListenError::AddressNotAvailable);
        }
        let local = match local.port() {
            0 => {
                let port = self
                    .draw_port(|stack, port| !stack.listeners.has_port(port))
                    .ok_or(ListenError::AddressInUse)?;
                SocketAddr::new(local.ip(), port)
            }
            _ if self.listeners.is_taken(local, config.shares_address) => {
                return Err(ListenError::AddressInUse);
            }
            _ => local,
        };
        self.note_keys(&config.tcp.signatures);
        self.note_hops(&config.tcp.socket);
        self.saved_syns.note(config.saves_syns);
        let tcp = self.configs.opened_with(&config.tcp);
        Ok(self.listeners.insert(local, config, tcp))
    }

    /// The configuration of a listener; `None` if it was closed.
    pub fn listener_config(&self, listener: ListenerId) -> Option<&ListenerConfig> {
        self.listeners
            .get(listener)
            .map(|listener| &listener.config)
    }

    /// Replaces the configuration of a listener. Its handshakes under way and the
    /// connections in its queue stay as they are, even if the backlog is smaller now.
    ///
    /// # Errors
    /// If the configuration is invalid.
    pub fn configure_listener(
        &mut self,
        listener: ListenerId,
        config: ListenerConfig,
    ) -> Result<(), ConfigError> {
        config.validate()?;
        self.note_keys(&config.tcp.signatures);
        self.note_hops(&config.tcp.socket);
        self.saved_syns.note(config.saves_syns);
        let tcp = self.configs.opened_with(&config.tcp);
        if let Some(listener) = self.listeners.get_mut(listener) {
            (listener.config, listener.tcp) = (config, tcp);
        }
        Ok(())
    }

    /// The next established connection, if there is one. The user holds it from now on.
    #[must_use = "a connection that nobody holds is never closed"]
    pub fn accept(&mut self, listener: ListenerId) -> Option<ConnId> {
        let id = self.listeners.get_mut(listener)?.accept_queue.pop_front()?;
        self.table.get_mut(id).listener = None;
        Some(id)
    }

    /// How many connections wait for [`Stack::accept`].
    pub fn acceptable_count(&self, listener: ListenerId) -> usize {
        let listener = self.listeners.get(listener);
        listener.map_or(0, |listener| listener.accept_queue.len())
    }

    /// The address a listener listens on; `None` if it was closed.
    pub fn listener_addr(&self, listener: ListenerId) -> Option<SocketAddr> {
        self.listeners.get(listener).map(|listener| listener.local)
    }

    /// Closes a listener. Connections that were not accepted are reset; handshakes under way are reset or
    /// forgotten ([`Config::resets_handshakes`](crate::config::Config::resets_handshakes)).
    pub fn close_listener(&mut self, now: Instant, listener: ListenerId) {
        self.listeners.remove(listener);
        for slot in self.table.of_listener(listener) {
            if let Some(entry) = self.table.at_mut(slot) {
                entry.listener = None;
                match entry.acceptable || self.config.resets_handshakes {
                    true => entry.tcb.abort(),
                    false => entry.tcb.forget(),
                }
                entry.tcb.release(now);
                self.touched(slot);
            }
        }
    }

    /// Active OPEN. The stack chooses the local address if `local` is `None` or unspecified, and the local port if
    /// that is 0.
    ///
    /// # Errors
    /// If not even a SYN can be sent.
    pub fn connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<ConnId, ConnectError> {
        let config = self.configs.opened_with(&self.config.tcp);
        let (id, _) = self.open_active(now, local, remote, &config, None)?;
        Ok(id)
    }

    /// As [`Stack::connect`], with a configuration for the connection.
    ///
    /// # Errors
    /// If not even a SYN can be sent, or the configuration is invalid.
    pub fn connect_with(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        config: &TcpConfig,
    ) -> Result<ConnId, ConnectError> {
        config.validate().map_err(ConnectError::Config)?;
        let config = self.configs.opened_with(config);
        let (id, _) = self.open_active(now, local, remote, &config, None)?;
        Ok(id)
    }

    /// Active OPEN together with the first SEND (TCP Fast Open, RFC 7413): if a cookie of the peer is known, as much
    /// of `data` as fits goes on the SYN. Otherwise the SYN asks for a cookie, and
    /// the data follows when the connection is established. Returns how much was taken.
    ///
    /// # Errors
    /// As [`Stack::connect_with`].
    pub fn connect_sending(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        config: &TcpConfig,
        data: &[u8],
    ) -> Result<(ConnId, usize), ConnectError> {
        config.validate().map_err(ConnectError::Config)?;
        let config = self.configs.opened_with(config);
        self.open_active(now, local, remote, &config, Some(data))
    }

    fn open_active(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        config: &Arc<TcpConfig>,
        data: Option<&[u8]>,
    ) -> Result<(ConnId, usize), ConnectError> {
        let is_host = ip::is_host(remote.ip()) && !self.is_broadcast(remote.ip());
        if !is_host || remote.port() == 0 {
            return Err(ConnectError::NotAPeer);
        }
        if self.is_full() {
            return Err(ConnectError::TooManyConnections);
        }
        let tuple = self.choose_local(now, local, remote)?;
        if self.is_own(remote.ip()) {
            self.itself.begin();
        }
        self.note_keys(&config.signatures);
        self.note_hops(&config.socket);
        let old = self.replace(tuple);
        let mut open = self.open(now, config, tuple, old);
        if data.is_some() {
            open.fast_open = self.fast_open_client(now, config, &tuple);
        }
        let mut tcb = Tcb::open_active(now, &open);
        // A new connection can fail to take it only for lack of room.
        let taken = data.map_or(0, |data| tcb.send(now, data).unwrap_or(0));
        let id = self.insert(tcb, None);
        self.counters.opened += 1;
        self.touched(id.slot);
        Ok((id, taken))
    }

    /// SEND: takes as much of `data` as there is room for, and returns how much that was.
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send(&mut self, now: Instant, id: ConnId, data: &[u8]) -> Result<usize, SendError> {
        self.sending(id, |tcb| tcb.send(now, data))
    }

    /// Memory for a SEND whose text is written directly into it: see [`Tcb::draft`].
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn draft(&mut self, id: ConnId, most: usize) -> Result<Draft, SendError> {
        self.sending(id, |tcb| tcb.draft(most))
    }

    /// SEND of a draft: see [`Tcb::send_draft`].
    ///
    /// # Errors
    /// As [`Tcb::send_draft`].
    pub fn send_draft(
        &mut self,
        now: Instant,
        id: ConnId,
        draft: Draft,
    ) -> Result<usize, SendError> {
        self.sending(id, |tcb| tcb.send_draft(now, draft))
    }

    /// SEND, urgent: the last octet taken ends the urgent data (RFC 6093).
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send_urgent(
        &mut self,
        now: Instant,
        id: ConnId,
        data: &[u8],
    ) -> Result<usize, SendError> {
        self.sending(id, |tcb| tcb.send_urgent(now, data))
    }

    /// A SEND may allocate as much as the budget allows.
    fn sending<T>(&mut self, id: ConnId, send: impl FnOnce(&mut Tcb) -> T) -> T {
        let tcb = &mut self.table.get_mut(id).tcb;
        tcb.allow(self.memory.allowance());
        let taken = send(tcb);
        self.touched(id.slot);
        self.relieve_memory();
        taken
    }

    /// SEND of a part: see [`Tcb::send_part`].
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send_part(
        &mut self,
        now: Instant,
        id: ConnId,
        data: &[u8],
        more: bool,
    ) -> Result<usize, SendError> {
        self.sending(id, |tcb| tcb.send_part(now, data, more))
    }

    /// SEND of the last part of a record: see [`Tcb::send_record`].
    ///
    /// # Errors
    /// As [`Tcb::send`].
    pub fn send_record(
        &mut self,
        now: Instant,
        id: ConnId,
        data: &[u8],
    ) -> Result<usize, SendError> {
        self.sending(id, |tcb| tcb.send_record(now, data))
    }

    /// RECEIVE: copies what has arrived into `buffer`, and returns how much. If `buffer` is not empty, 0 means the end
    /// of the stream.
    ///
    /// # Errors
    /// As [`Tcb::recv`].
    pub fn recv(
        &mut self,
        now: Instant,
        id: ConnId,
        buffer: &mut [u8],
    ) -> Result<usize, RecvError> {
        let tcb = &mut self.table.get_mut(id).tcb;
        let taken = tcb.recv(now, buffer);
        // Unless the connection is ending, a read makes nothing due but an acknowledgment.
        let is_calm = tcb.state() == State::Established && !tcb.owes_ack();
        match taken {
            Ok(_) if is_calm => self.follow_up(id.slot),
            Ok(_) => self.touched(id.slot),
            Err(_) => {}
        }
        taken
    }

    /// RECEIVE of text in the memory into which it was received: see [`Tcb::recv_kept`].
    pub fn recv_kept(&mut self, now: Instant, id: ConnId, most: usize) -> Vec<Kept> {
        let parts = self.table.get_mut(id).tcb.recv_kept(now, most);
        if !parts.is_empty() {
            self.touched(id.slot);
        }
        parts
    }

    /// RECEIVE without a copy: see [`Tcb::lend`].
    ///
    /// # Errors
    /// As [`Tcb::lend`].
    pub fn lend(&mut self, id: ConnId) -> Result<Option<Loan>, RecvError> {
        let loan = self.table.get_mut(id).tcb.lend();
        if loan.is_ok() {
            self.touched(id.slot);
        }
        loan
    }

    /// Notes that part of the loan is consumed: see [`Tcb::consumed`].
    pub fn consumed(&mut self, now: Instant, id: ConnId, loan: &Loan) {
        self.table.get_mut(id).tcb.consumed(now, loan);
        self.touched(id.slot);
    }

    /// Ends a loan: see [`Tcb::take_back`].
    pub fn take_back(&mut self, now: Instant, id: ConnId, loan: Loan) {
        self.table.get_mut(id).tcb.take_back(now, loan);
        self.touched(id.slot);
        self.relieve_memory();
    }

    /// RECEIVE that consumes nothing: see [`Tcb::peek`].
    pub fn peek(&self, id: ConnId, ahead: usize, buffer: &mut [u8]) -> usize {
        self.table.get(id).tcb.peek(ahead, buffer)
    }

    /// The user has looked at what has arrived: see [`Tcb::look`].
    pub fn look(&mut self, now: Instant, id: ConnId) {
        self.table.get_mut(id).tcb.look(now);
        self.touched(id.slot);
    }

    /// Whether a good part of the send buffer is free.
    pub fn is_writable(&self, id: ConnId) -> bool {
        self.table.get(id).tcb.is_writable()
    }

    /// The number of octets to read before the end of the urgent data, if that is ahead of the reader.
    pub fn urgent_mark(&self, id: ConnId) -> Option<u64> {
        self.table.get(id).tcb.urgent_mark()
    }

    /// The last octet of urgent data, if it has come, even beyond a gap.
    pub fn urgent_octet(&self, id: ConnId) -> Option<u8> {
        self.table.get(id).tcb.urgent_octet()
    }

    /// Whether the urgent data ends just before the next octet to be read.
    pub fn is_at_mark(&self, id: ConnId) -> bool {
        self.table.get(id).tcb.is_at_mark()
    }

    /// CLOSE of one direction or both; the id stays valid. After `Read`, what arrives is discarded.
    ///
    /// # Errors
    /// `Closing` if sending was closed before.
    pub fn shutdown(&mut self, now: Instant, id: ConnId, how: Shutdown) -> Result<(), SendError> {
        let tcb = &mut self.table.get_mut(id).tcb;
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            tcb.shut_read(now);
        }
        let closed = match how {
            Shutdown::Write | Shutdown::Both => tcb.close(now),
            Shutdown::Read => Ok(()),
        };
        self.touched(id.slot);
        closed
    }

    /// Releases the connection: CLOSE, and it finishes in the background; or, with unread text or a linger
    /// of zero, ABORT. The id is no longer valid.
    pub fn close(&mut self, now: Instant, id: ConnId) {
        self.learn_of_answers(id);
        self.table.get_mut(id).tcb.release(now);
        self.touched(id.slot);
        self.relieve_memory();
    }

    /// Learns whether the user of a listener answers; it is expected to do the same on the next
    /// connection.
    fn learn_of_answers(&mut self, id: ConnId) {
        let tcb = &self.table.get(id).tcb;
        if let Some(is_answered) = tcb.is_answered()
            && let Some(id) = self.listeners.find(&tcb.tuple(), &self.secret)
            && let Some(listener) = self.listeners.get_mut(id)
        {
            listener.is_answered = is_answered;
        }
    }

    /// ABORT: resets the connection and releases it. The id is no longer valid.
    pub fn abort(&mut self, now: Instant, id: ConnId) {
        let tcb = &mut self.table.get_mut(id).tcb;
        tcb.abort();
        tcb.release(now);
        self.touched(id.slot);
    }

    /// Octets in order that the user has not read.
    pub(crate) fn readable(&self, id: ConnId) -> usize {
        self.table.get(id).tcb.readable()
    }

    /// When the octet `ahead` of the reader arrived, as far as is known.
    pub(crate) fn text_came(&self, id: ConnId, ahead: usize) -> Instant {
        self.table.get(id).tcb.text_came(ahead)
    }

    /// When the text that was read last arrived, as far as is known.
    pub(crate) fn read_text_came(&self, id: ConnId) -> Instant {
        self.table.get(id).tcb.read_text_came()
    }

    /// The least round-trip time of the last minutes; `None` before the first sample.
    pub(crate) fn min_rtt(&self, id: ConnId) -> Option<Duration> {
        self.table.get(id).tcb.min_rtt()
    }

    /// All octets of text received in order so far.
    pub(crate) fn bytes_received(&self, id: ConnId) -> u64 {
        self.table.get(id).tcb.bytes_received()
    }

    /// STATUS.
    pub fn status(&self, id: ConnId) -> Status {
        self.table.get(id).tcb.status()
    }

    /// Sets whether to acknowledge text at once from now on: see [`Tcb::quick_ack`]. Returns whether
    /// an acknowledgment was waiting.
    pub fn quick_ack(&mut self, now: Instant, id: ConnId, quick: bool) -> bool {
        let waited = self.table.get_mut(id).tcb.quick_ack(now, quick);
        self.touched(id.slot);
        waited
    }

    /// Whether text is acknowledged at once at present.
    pub fn is_quick(&self, id: ConnId) -> bool {
        self.table.get(id).tcb.is_quick()
    }

    /// Whether the user has opened the connection, and the peer has acknowledged the SYN.
    pub fn has_opened(&self, id: ConnId) -> bool {
        self.table.get(id).tcb.has_opened()
    }

    /// How long a connection was busy, and what limited it.
    pub fn times(&self, now: Instant, id: ConnId) -> Times {
        self.table.get(id).tcb.times(now)
    }

    /// What the clock of a connection's timestamps shows (RFC 7323 §5.4).
    pub fn timestamp_clock(&self, now: Instant, id: ConnId) -> u32 {
        self.table.get(id).tcb.timestamp_clock(now)
    }

    /// The positions of a connection in both sequence spaces.
    pub fn sequence_space(&self, id: ConnId) -> SequenceSpace {
        self.table.get(id).tcb.sequence_space()
    }

    /// Why the connection ended, unless that was taken.
    pub fn error(&self, id: ConnId) -> Option<ConnectionError> {
        self.table.get(id).tcb.error()
    }

    /// Takes the reason why the connection ended, or the last ICMP error about its path.
    pub fn take_error(&mut self, id: ConnId) -> Option<ConnectionError> {
        self.table.get_mut(id).tcb.take_error()
    }

    /// The local address and port.
    pub fn local_addr(&self, id: ConnId) -> SocketAddr {
        self.table.get(id).tcb.tuple().local
    }

    /// The peer's address and port.
    pub fn peer_addr(&self, id: ConnId) -> SocketAddr {
        self.table.get(id).tcb.tuple().remote
    }

    /// The socket options in force.
    pub fn options(&self, id: ConnId) -> SocketOptions {
        self.table.get(id).tcb.options()
    }

    /// Changes the socket options.
    pub fn set_options(&mut self, now: Instant, id: ConnId, options: SocketOptions) {
        self.note_hops(&options);
        let tcb = &mut self.table.get_mut(id).tcb;
        let config = self.configs.changed_to(tcb.config(), options);
        tcb.set_options(now, config);
        self.touched(id.slot);
    }

    /// Sets the keys with which a connection signs its segments from now on: see [`Tcb::set_signatures`].
    pub fn set_signatures(&mut self, now: Instant, id: ConnId, keys: SignatureKeys) {
        self.note_keys(&keys);
        self.table.get_mut(id).tcb.set_signatures(now, keys);
        self.touched(id.slot);
    }

    /// How many octets of [`Config::memory`] are in use: by connections in any state, with and without text
    /// ([`CONNECTION_AT_REST`](super::CONNECTION_AT_REST) octets each, or little more than a hundred in
    /// TIME-WAIT); by queues of UDP sockets; and by fragments that wait for others.
    ///
    /// | in use | what happens |
    /// |---|---|
    /// | half, by connections without text | the oldest in TIME-WAIT give way to new connections; if there are none, new connections are refused |
    /// | half | buffers stop growing |
    /// | three quarters | text beyond gaps and new connections are refused; connections that no user holds are reset, the largest first; UDP queues hold one datagram each |
    /// | all | every connection goes on with 2 KiB in each direction |
    ///
    /// UDP queues may take a quarter; beyond that, each holds one datagram. Fragments may take an eighth, and at
    /// most 4 MiB.
    ///
    /// [`Config::memory`]: crate::config::Config::memory
    pub fn memory_in_use(&self) -> usize {
        self.memory.used()
    }

    /// Octets on the heap for a connection's text.
    pub fn heap_size(&self, id: ConnId) -> usize {
        self.table.get(id).tcb.heap_size()
    }

    /// The addresses of this host.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.config.addresses
    }
}
