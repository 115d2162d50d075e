//! Every host state that was ever seen, stored once, and the result of each step from it.
//!
//! The state of the whole world is then a few small numbers. Most of its steps have been
//! computed before, because the same host meets the same datagram in many worlds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Kind;
use super::configuration::Configuration;
use super::coverage::Coverage;
use super::host::Host;
use super::step::{DatagramId, Step};

/// A host, by number.
pub(super) type HostId = u32;
/// The host after a step, and the datagrams that leave.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) host: HostId,
    pub(super) leaving: Box<[DatagramId]>,
}

/// All hosts and datagrams of one configuration.
pub(super) struct Hosts {
    configuration: Configuration,
    hosts: Vec<(usize, Host)>,
    host_ids: HashMap<(usize, u128), HostId>,
    datagrams: Vec<(usize, Vec<u8>)>,
    datagram_ids: HashMap<(usize, Vec<u8>), DatagramId>,
    outcomes: HashMap<(HostId, Step), Outcome>,
    pub(super) coverage: Coverage,
}

impl Hosts {
    pub(super) fn new(configuration: Configuration) -> Hosts {
        Hosts {
            configuration,
            hosts: Vec::new(),
            host_ids: HashMap::new(),
            datagrams: Vec::new(),
            datagram_ids: HashMap::new(),
            outcomes: HashMap::new(),
            coverage: Coverage::default(),
        }
    }

    pub(super) fn get(&self, id: HostId) -> &Host {
        &self.hosts[id as usize].1
    }

    /// The datagram and the side it goes to.
    pub(super) fn datagram(&self, id: DatagramId) -> (usize, &[u8]) {
        let (to, datagram) = &self.datagrams[usize::from(id)];
        (*to, datagram)
    }

    /// A host that has just started.
    pub(super) fn start(&mut self, side: usize, incarnation: u8) -> HostId {
        let mut host = Host::start(&self.configuration, side, incarnation);
        host.settle(&self.configuration);
        self.number(side, host)
    }

    /// The number of a datagram to `side`.
    pub(super) fn number_datagram(&mut self, to: usize, datagram: Vec<u8>) -> DatagramId {
        let next = DatagramId::try_from(self.datagrams.len());
        // The last number is reserved: it stands for an empty place in the bag.
        let next = next.ok().filter(|id| *id != DatagramId::MAX);
        let next = next.expect("a small model has few datagrams");
        match self.datagram_ids.entry((to, datagram)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.datagrams.push(new.key().clone());
                *new.insert(next)
            }
        }
    }

    pub(super) fn number(&mut self, side: usize, host: Host) -> HostId {
        let next = self.hosts.len() as HostId;
        let id = *self
            .host_ids
            .entry((side, host.fingerprint()))
            .or_insert(next);
        if id == next {
            self.hosts.push((side, host));
        }
        id
    }

    /// The result of `step` for a host.
    pub(super) fn step(&mut self, id: HostId, step: Step) -> Outcome {
        if let Some(known) = self.outcomes.get(&(id, step)) {
            return known.clone();
        }
        let outcome = self.compute(id, step);
        self.outcomes.insert((id, step), outcome.clone());
        outcome
    }

    fn compute(&mut self, id: HostId, step: Step) -> Outcome {
        let (side, before) = &self.hosts[id as usize];
        let (side, from, mut host) = (*side, before.state(), before.clone());
        let configuration = &self.configuration;
        let datagram = match step {
            Step::Deliver(id) | Step::DeliverCorrupted(id) => self.datagram(id).1,
            _ => &[],
        };
        // A panic in the core is a finding, reported with the path that leads to it.
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            match step {
                Step::Deliver(_) => host.receive(datagram),
                Step::DeliverCorrupted(_) => host.receive_corrupted(datagram),
                Step::Forge(forgery) => host.meet(forgery, configuration),
                Step::Expire => host.expire(),
                Step::Call(call) => host.call(call, configuration),
                Step::Crash => host = Host::start(configuration, side, host.incarnation + 1),
            }
            host.settle(configuration)
        }));
        let leaving = attempt.unwrap_or_else(|panic| {
            host.fault = Some(panic_message(&*panic));
            Vec::new()
        });
        self.coverage
            .note(from, Kind::of(step, datagram), host.state());
        let leaving = leaving
            .into_iter()
            .map(|datagram| self.number_datagram(1 - side, datagram))
            .collect();
        let host = self.number(side, host);
        Outcome { host, leaving }
    }
}

fn panic_message(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("(no message)"))
}
