//! A world: hosts, the paths between them, and one clock.

use core::net::IpAddr;

use super::app::App;
use super::ends::Conn;
use super::host::Host;
use super::id::{HostId, LinkId};
use super::judge::Judge;
use super::middle::Middle;
use super::outcome::Outcome;
use super::path::{Arrival, Direction, Path};
use super::port::Port;
use super::queue::{Queue, Upcoming};
use super::random::Random;
use super::samples::Samples;
use super::story::Happening;
use super::trace::{Record, Trace};
use crate::config::Config;
use crate::link::Batch;
use crate::tcp::State;
use crate::time::{Duration, Instant};
use crate::wire::Offload;

/// Sets up a world: hosts, paths, applications, story. This happens before every run, so a world
/// may depend on what the scenario draws from [`World::random`].
pub trait Scenario {
    /// Sets up an empty world.
    fn build(&self, world: &mut World);
}

impl<F: Fn(&mut World)> Scenario for F {
    fn build(&self, world: &mut World) {
        self(world);
    }
}

/// When the faults of a world end, by default.
pub const HEAL_AT: Instant = Instant::from_secs(600);

/// How long after the last fault a world may take to complete.
///
/// A connection that lost its last segment just before then waits for a timer that has backed off
/// to at most 120 s (`max_rto`; `max_persist` is less). It can need one such wait for its SYN, its
/// text, its FIN and a window probe, on both sides: eight waits. Twenty leave room for the
/// applications. A peer that crashed silently is given up after `r2` such waits: sixteen. Slow
/// applications need more: [`World::patience`].
pub const PATIENCE: Duration = Duration::from_secs(20 * 120);

/// How long after a crash of its peer a connection that still sends may take to notice: `r2`
/// retransmissions (15), each after at most `max_rto` (120 s), and the first timeout.
pub const HALF_OPEN_BOUND: Duration = Duration::from_secs(16 * 120);

/// The most octets that an application sends or receives in one call.
const SCRATCH: usize = 64 * 1024;

/// The most datagrams that a host receives at once.
pub(super) const BATCH: usize = 32;

/// How many buffers of former datagrams are kept for reuse.
const SPARE: usize = 1024;

/// A path and where it leads.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) path: Path,
    /// The host and port at each end: where [`Direction::Back`] leads, and [`Direction::There`].
    pub(super) near: (HostId, u32),
    pub(super) far: (HostId, u32),
    pub(super) is_cut: bool,
    pub(super) middle: Option<Box<dyn Middle>>,
}

/// A simulated world. Its seed determines everything that happens in it.
///
/// The module [`sim`](super) has an example.
#[derive(Debug)]
pub struct World {
    pub(super) seed: u64,
    pub(super) now: Instant,
    pub(super) queue: Queue,
    pub(super) hosts: Vec<Host>,
    pub(super) links: Vec<Link>,
    pub(super) story: Vec<Happening>,
    pub(super) triggers: Vec<(HostId, State, Happening)>,
    pub(super) judge: Judge,
    pub(super) trace: Trace,
    pub(super) samples: Option<Samples>,
    pub(super) random: Random,
    /// The random numbers of the paths: nothing else draws from this stream.
    pub(super) weather: Random,
    pub(super) heal_at: Instant,
    pub(super) patience: Duration,
    pub(super) half_open_bound: Duration,
    /// The time of the last planned disturbance.
    pub(super) disturbed_at: Instant,
    pub(super) completed_at: Option<Instant>,
    pub(super) datagrams: u64,
    pub(super) lost: u64,
    pub(super) batch: Batch,
    pub(super) scratch: Vec<u8>,
    pub(super) arrivals: Vec<Arrival>,
    /// What the code in the middle of a path has let pass.
    pub(super) onward: Vec<Vec<u8>>,
    pub(super) spare: Vec<Vec<u8>>,
    pub(super) half_open: Vec<Conn>,
}

impl World {
    /// An empty world, whose randomness derives from `seed`.
    pub fn new(seed: u64) -> World {
        let random = Random::new(seed);
        let mut world = World {
            seed,
            now: Instant::ZERO,
            queue: Queue::default(),
            hosts: Vec::new(),
            links: Vec::new(),
            story: Vec::new(),
            triggers: Vec::new(),
            judge: Judge::default(),
            trace: Trace::new(),
            samples: None,
            weather: random.clone(),
            random,
            heal_at: HEAL_AT,
            patience: PATIENCE,
            half_open_bound: HALF_OPEN_BOUND,
            disturbed_at: Instant::ZERO,
            completed_at: None,
            datagrams: 0,
            lost: 0,
            batch: Batch::new(BATCH, 1536),
            scratch: vec![0; SCRATCH],
            arrivals: Vec::new(),
            onward: Vec::new(),
            spare: Vec::new(),
            half_open: Vec::new(),
        };
        world.reset(seed);
        world
    }

    /// Empties the world and gives it another seed. Its memory is reused.
    pub fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.now = Instant::ZERO;
        self.queue.clear(&mut self.spare);
        self.hosts.clear();
        self.links.clear();
        self.story.clear();
        self.triggers.clear();
        self.judge.reset(seed);
        self.trace = Trace::new();
        self.samples = None;
        self.random = Random::new(seed);
        self.weather = self.random.fork("weather");
        self.heal_at = HEAL_AT;
        self.patience = PATIENCE;
        self.half_open_bound = HALF_OPEN_BOUND;
        self.disturbed_at = Instant::ZERO;
        self.completed_at = None;
        (self.datagrams, self.lost) = (0, 0);
        self.spare.truncate(SPARE);
    }

    /// Resets the world, lets `scenario` set it up, and runs it.
    pub fn play(&mut self, seed: u64, scenario: &(impl Scenario + ?Sized)) -> Outcome {
        self.reset(seed);
        scenario.build(self);
        self.run()
    }

    /// Sets the name of the scenario, for reports.
    pub fn named(&mut self, scenario: &str) {
        self.judge.scenario = scenario.to_owned();
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Random numbers for setting the world up.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Adds a host.
    ///
    /// # Panics
    /// If there are more than 65,535.
    pub fn host(&mut self, config: Config) -> HostId {
        let index = u16::try_from(self.hosts.len()).expect("a world has few hosts");
        let id = HostId(index);
        let random = self.random.fork_index(u64::from(index));
        self.hosts.push(Host::new(id, config, random));
        id
    }

    /// Turns on offloads for a host: super-segments cross its ports. Call this before adding its paths.
    pub fn offload(&mut self, host: HostId) {
        self.host_mut(host).offload = Offload::FULL;
    }

    /// Installs an application on a host. It starts when the host starts.
    pub fn app(&mut self, host: HostId, app: impl App + 'static) {
        self.host_mut(host).install(Box::new(app));
    }

    /// Adds a path between two hosts, the first at its near end. Each host gets a port at its end, through
    /// which it sends to the other's addresses. The first port of a host also takes everything for other
    /// addresses.
    pub fn link(&mut self, near: HostId, far: HostId, path: Path) -> LinkId {
        let link = LinkId(self.links.len() as u32);
        let behind_far = self.host_mut(far).addresses();
        let behind_near = self.host_mut(near).addresses();
        let near_port = self.add_port(near, link, Direction::There, behind_far);
        let far_port = self.add_port(far, link, Direction::Back, behind_near);
        self.links.push(Link {
            path,
            near: (near, near_port),
            far: (far, far_port),
            is_cut: false,
            middle: None,
        });
        link
    }

    fn add_port(
        &mut self,
        host: HostId,
        link: LinkId,
        direction: Direction,
        behind: Vec<IpAddr>,
    ) -> u32 {
        let host = self.host_mut(host);
        let mtu = host.config.mtu;
        let mut port = Port::new(link.0, direction, mtu, behind);
        port.offload = host.offload;
        host.ports.push(port);
        (host.ports.len() - 1) as u32
    }

    /// Lets the host at the far end of a path also send to `address` through it: the outside address of a
    /// NAT at the near end.
    pub fn reach(&mut self, link: LinkId, address: IpAddr) {
        let (host, port) = self.links[link.0 as usize].far;
        self.host_mut(host).ports[port as usize]
            .behind
            .push(address);
    }

    /// Puts a [`Middle`] on a path, which sees and may change every datagram.
    pub fn middle(&mut self, link: LinkId, middle: impl Middle + 'static) {
        self.links[link.0 as usize].middle = Some(Box::new(middle));
    }

    /// Schedules an event of the story for the time `at`.
    pub fn at(&mut self, at: Instant, happening: Happening) {
        self.disturbed_at = self.disturbed_at.max(at);
        self.story.push(happening);
        let story = (self.story.len() - 1) as u32;
        self.queue.push(at, Upcoming::Story(story));
    }

    /// Schedules an event of the story for the first time that a connection of `host` enters `state`.
    pub fn when(&mut self, host: HostId, state: State, happening: Happening) {
        self.triggers.push((host, state, happening));
    }

    /// Sets when the faults of the paths end. Default [`HEAL_AT`].
    pub fn heal_at(&mut self, at: Instant) {
        self.heal_at = at;
    }

    /// Sets how long after the last fault the world may take to complete. Default [`PATIENCE`].
    pub fn patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Sets how long after a crash of its peer a connection that still sends may take to notice. Default
    /// [`HALF_OPEN_BOUND`].
    pub fn half_open_bound(&mut self, bound: Duration) {
        self.half_open_bound = bound;
    }

    /// Allows connections to be reset, refused or given up: in this world that is not a failure. The
    /// outcome counts them.
    pub fn may_fail(&mut self) {
        self.judge.may_fail = true;
    }

    /// Keeps a record of at most `limit` datagrams, for [`World::record`].
    pub fn keep_record(&mut self, limit: usize) {
        self.trace.record = Some(Record::new(limit));
    }

    /// The record, if one is kept.
    pub fn record(&self) -> Option<&Record> {
        self.trace.record.as_ref()
    }

    /// Keeps at most `limit` samples of the state of connections, for [`World::samples`].
    pub fn keep_samples(&mut self, limit: usize) {
        self.samples = Some(Samples::new(limit));
    }

    /// The samples, if any are kept.
    pub fn samples(&self) -> Option<&Samples> {
        self.samples.as_ref()
    }

    /// The hosts, in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> {
        (0..self.hosts.len() as u16).map(HostId)
    }

    /// The world's time.
    pub fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn host_mut(&mut self, host: HostId) -> &mut Host {
        &mut self.hosts[usize::from(host.0)]
    }
}
