//! Several stacks that form one host: which of them owns a flow.
//!
//! A device with several queues has a stack for each queue, a *shard*, which shares nothing with
//! the others. Every connection belongs to one shard, given by a keyed hash of its addresses and
//! ports, which is the same at all shards. So no shard keeps a list, and by whichever queue a
//! segment comes, it finds its connection, its listener's queue, or the one shard that may answer
//! it with a reset.
//!
//! | what arrives | its shard |
//! |---|---|
//! | a segment of a connection of this shard | this one: no hash is computed |
//! | another segment; an ICMP error that quotes one | by the hash of the four-tuple |
//! | a fragment | by the hash of the two addresses; once reassembled, the datagram goes on as above |
//! | queries of routers about groups | the first, which reports for all |
//! | anything else: UDP, echo requests and replies | that of the queue by which it came: such sockets are at every shard |
//!
//! A datagram for another shard becomes a [`Stray`], which the driver of the stacks takes there.

use core::hash::Hash;
use core::net::{IpAddr, SocketAddr};
use std::collections::VecDeque;

use super::{Secret, Stack};
use crate::tcp::FourTuple;
use crate::time::Instant;
use crate::wire::{Datagram, Form, IcmpMessage, Payload, Quote, protocol};

/// The most strays that wait to be taken; any more are lost, as if the path had lost them. The
/// driver looks for strays after every turn, and a turn does not receive more than this.
const MAX_STRAYS: usize = 128;

/// Which of a host's shards a stack is.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    index: usize,
    count: usize,
    secret: Secret,
}

impl Share {
    /// The `index`th of `count` shards; all have the same secret.
    ///
    /// # Panics
    /// If there is no such shard.
    pub(super) fn new(index: usize, count: usize, secret: Secret) -> Share {
        assert!(index < count, "shard {index} of {count}");
        Share {
            index,
            count,
            secret,
        }
    }

    /// The number of this shard, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The shard that owns a connection. Both ends of a connection of a host with itself have the same owner.
    pub fn owner(&self, local: SocketAddr, remote: SocketAddr) -> usize {
        self.choose((local.min(remote), local.max(remote)))
    }

    /// The shard that reassembles the fragments from one host to another.
    fn assembler(&self, source: IpAddr, destination: IpAddr) -> usize {
        self.choose((source, destination))
    }

    fn choose(&self, flow: impl Hash) -> usize {
        match self.count {
            1 => 0,
            count => (self.secret.share(flow) % count as u64) as usize,
        }
    }

    /// Whether a connection belongs to this shard.
    pub(super) fn owns(&self, tuple: &FourTuple) -> bool {
        self.owner(tuple.local, tuple.remote) == self.index
    }
}

/// A datagram that belongs to another shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The shard to which it belongs.
    pub owner: usize,
    /// The datagram as it came.
    pub datagram: Vec<u8>,
    /// The form in which it came.
    pub form: Form,
}

impl Stack {
    /// Which shard of its host this is.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// The shard to which a connection would belong; `None` if it could be any, because its port is still to be
    /// chosen.
    pub fn home(&self, local: Option<SocketAddr>, remote: SocketAddr) -> Option<usize> {
        let mut local = local.filter(|local| local.port() != 0)?;
        if local.ip().is_unspecified() {
            local.set_ip(self.own_address(remote.is_ipv4())?);
        }
        Some(self.share.owner(local, remote))
    }

    /// The next datagram that has arrived here but belongs to another shard, in the order of arrival.
    pub fn poll_stray(&mut self) -> Option<Stray> {
        self.strays.pop_front()
    }

    /// Takes a datagram that has arrived at another shard but belongs to this one. That shard has counted it.
    pub fn receive_stray(&mut self, now: Instant, stray: &Stray) {
        self.take(now, (&*stray.datagram).into(), stray.form);
        self.relieve_memory();
    }

    /// The shard to which a datagram belongs, if it is not this one.
    pub(super) fn elsewhere(&mut self, parsed: &Datagram<'_>) -> Option<usize> {
        if self.share.count == 1 {
            return None;
        }
        let (local, remote) = (parsed.ip.destination, parsed.ip.source);
        let owner = match &parsed.payload {
            Payload::Tcp(header, _) => self.owner(FourTuple {
                local: SocketAddr::new(local, header.destination_port),
                remote: SocketAddr::new(remote, header.source_port),
            }),
            Payload::Icmp(IcmpMessage::Error(_, quote)) if quote.protocol == protocol::TCP => {
                self.owner(quoted(quote))
            }
            Payload::Fragment(_) => self.share.assembler(remote, local),
            Payload::Membership(_) => 0,
            Payload::Icmp(_) | Payload::Udp(..) | Payload::Unknown { .. } | Payload::Nothing => {
                return None;
            }
        };
        Some(owner).filter(|owner| *owner != self.share.index)
    }

    /// The shard to which a connection belongs. One in the table of this shard is its own, without
    /// a hash.
    fn owner(&mut self, tuple: FourTuple) -> usize {
        match self.table.find(&tuple) {
            Some(_) => self.share.index,
            None => self.share.owner(tuple.local, tuple.remote),
        }
    }

    /// Queues a datagram for another shard.
    pub(super) fn hand_over(&mut self, owner: usize, datagram: &[u8], form: Form) {
        if self.strays.len() >= MAX_STRAYS {
            self.counters.strays_lost += 1;
            return;
        }
        self.counters.strays += 1;
        self.strays.push_back(Stray {
            owner,
            datagram: datagram.to_vec(),
            form,
        });
    }

    /// Counts a stray that the driver could not take to its owner.
    pub fn count_lost_stray(&mut self) {
        self.counters.strays_lost += 1;
    }
}

/// The connection whose segment an ICMP error quotes.
pub(super) fn quoted(quote: &Quote) -> FourTuple {
    FourTuple {
        local: SocketAddr::new(quote.source, quote.source_port),
        remote: SocketAddr::new(quote.destination, quote.destination_port),
    }
}

/// The strays of a stack.
pub(super) type Strays = VecDeque<Stray>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::stack::ConnId;
    use crate::tcp::{ConnectionError, State};
    use crate::wire::{IcmpError, Unreachable, icmp, ip};
    use std::net::Shutdown;

    const SHARDS: usize = 3;
    const NOW: Instant = Instant::ZERO;

    fn addr(host: u8, port: u16) -> SocketAddr {
        ([10, 0, 0, host], port).into()
    }

    /// A host of several shards, another of one, and a network that steers at random.
    struct World {
        shards: Vec<Stack>,
        peer: Stack,
        chance: u64,
    }

    impl World {
        fn new(seed: u64) -> World {
            let config = |host| Config::new([addr(host, 0).ip()]);
            let shard = |index| Stack::shard(config(1), Secret([1; 16]), index, SHARDS).unwrap();
            World {
                shards: (0..SHARDS).map(shard).collect(),
                peer: Stack::new(config(2), Secret([2; 16])).unwrap(),
                chance: seed,
            }
        }

        fn any_shard(&mut self) -> usize {
            self.chance = self
                .chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.chance >> 33) as usize % SHARDS
        }

        /// A datagram for the host arrives by a random queue.
        fn arrives(&mut self, datagram: &[u8]) {
            let shard = self.any_shard();
            self.arrives_at(shard, datagram);
        }

        fn arrives_at(&mut self, shard: usize, datagram: &[u8]) {
            self.shards[shard].receive(NOW, datagram);
            while let Some(index) = (0..SHARDS).find(|i| !self.shards[*i].strays.is_empty()) {
                let stray = self.shards[index].poll_stray().unwrap();
                assert_ne!(stray.owner, index);
                self.shards[stray.owner].receive_stray(NOW, &stray);
            }
        }

        /// Runs until no host has anything to send; packets of the peer are cut into pieces of
        /// `mtu`.
        fn run(&mut self, mtu: usize) {
            loop {
                let mut sent = 0;
                while let Some(packet) = self.peer.poll_transmit(NOW).map(|packet| packet.to_vec())
                {
                    sent += 1;
                    for piece in ip::fragments(packet, mtu, self.chance as u32).unwrap() {
                        self.arrives(&piece);
                    }
                }
                for shard in &mut self.shards {
                    while let Some(packet) = shard.poll_transmit(NOW).map(|packet| packet.to_vec())
                    {
                        sent += 1;
                        self.peer.receive(NOW, &packet);
                    }
                }
                if sent == 0 {
                    return;
                }
            }
        }

        fn counted(&self, counter: impl Fn(&crate::stack::Counters) -> u64) -> u64 {
            self.shards
                .iter()
                .map(|shard| counter(shard.counters()))
                .sum()
        }
    }

    /// Whichever queue each packet, or piece of one, comes by, connections of either side are
    /// established, carry text and end, and no segment is taken for a stranger's.
    #[test]
    fn a_network_that_steers_by_chance_breaks_nothing() {
        for (seed, mtu) in [(1, 1500), (2, 1500), (3, 576), (4, 576)] {
            let mut world = World::new(seed);
            let listeners: Vec<_> = (world.shards.iter_mut())
                .map(|shard| shard.listen(addr(1, 7), 64).unwrap())
                .collect();
            world.peer.listen(addr(2, 9), 64).unwrap();
            let opened: Vec<ConnId> = (0..30)
                .map(|_| world.peer.connect(NOW, None, addr(1, 7)).unwrap())
                .collect();
            let of_host: Vec<_> = (0..30)
                .map(|number| number % SHARDS)
                .map(|at| (at, world.shards[at].connect(NOW, None, addr(2, 9)).unwrap()))
                .collect();
            world.run(mtu);
            for id in &opened {
                assert_eq!(world.peer.status(*id).state, State::Established);
                assert_eq!(world.peer.send(NOW, *id, &[7; 1000]), Ok(1000));
            }
            for (at, id) in of_host {
                assert_eq!(world.shards[at].status(id).state, State::Established);
            }
            world.run(mtu);
            let mut accepted = [0; SHARDS];
            for (shard, listener) in listeners.into_iter().enumerate() {
                while let Some(id) = world.shards[shard].accept(listener) {
                    accepted[shard] += 1;
                    let mut text = [0; 2000];
                    assert_eq!(world.shards[shard].recv(NOW, id, &mut text), Ok(1000));
                    world.shards[shard]
                        .shutdown(NOW, id, Shutdown::Write)
                        .unwrap();
                }
            }
            assert_eq!(accepted.iter().sum::<i32>(), 30);
            assert!(accepted.iter().all(|count| *count > 2), "{accepted:?}");
            for id in opened {
                world.peer.shutdown(NOW, id, Shutdown::Write).unwrap();
            }
            world.run(mtu);
            assert_eq!(world.counted(|counters| counters.strangers), 0);
            assert_eq!(world.counted(|counters| counters.strays_lost), 0);
            assert!(world.counted(|counters| counters.strays) > 100);
        }
    }

    /// RFC 9293 §3.10.7.1: one reset, from the shard that owns the flow.
    #[test]
    fn a_stranger_is_reset_once() {
        let mut world = World::new(1);
        let id = world.peer.connect(NOW, None, addr(1, 81)).unwrap();
        world.run(1500);
        assert_eq!(world.peer.take_error(id), Some(ConnectionError::Refused));
        assert_eq!(world.counted(|counters| counters.strangers), 1);
    }

    #[test]
    fn an_icmp_error_finds_the_connection_that_it_quotes() {
        for wrong in 1..SHARDS {
            let mut world = World::new(1);
            let id = world.shards[0].connect(NOW, None, addr(2, 9)).unwrap();
            let syn = world.shards[0].poll_transmit(NOW).unwrap().to_vec();
            let unreachable = IcmpError::Unreachable(Unreachable::Port);
            let error = icmp::error(addr(2, 0).ip(), 64, unreachable, &syn).unwrap();
            world.arrives_at(wrong, &error);
            let told = world.shards[0].take_error(id);
            assert_eq!(told, Some(ConnectionError::Refused));
        }
    }

    #[test]
    fn a_connection_goes_where_it_is_at_home() {
        let mut world = World::new(1);
        let (local, remote) = (addr(1, 5000), addr(2, 9));
        let home = world.shards[0].home(Some(local), remote).unwrap();
        let anywhere = SocketAddr::new([0, 0, 0, 0].into(), 5000);
        for shard in &mut world.shards {
            assert_eq!(shard.home(Some(anywhere), remote), Some(home));
            assert_eq!(shard.home(None, remote), None);
            let index = shard.share().index();
            assert_eq!(
                shard.connect(NOW, Some(local), remote).is_ok(),
                index == home
            );
            // If it may choose the port, it chooses one that makes the flow its own.
            let id = shard.connect(NOW, None, remote).unwrap();
            let chosen = shard.local_addr(id);
            assert_eq!(shard.share().owner(chosen, remote), index);
        }
    }

    #[test]
    fn strays_have_a_bound() {
        let mut world = World::new(1);
        let shard = &mut world.shards[0];
        for _ in 0..MAX_STRAYS + 5 {
            shard.hand_over(1, b"datagram", Form::default());
        }
        assert_eq!(shard.strays.len(), MAX_STRAYS);
        assert_eq!(
            (shard.counters.strays, shard.counters.strays_lost),
            (128, 5)
        );
    }
}
