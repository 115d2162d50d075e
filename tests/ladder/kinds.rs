//! The links, the networks, and what became of messages: one run for each seed.

use std::collections::BTreeMap;
use std::time::Duration;

use stubborn::link::properties::{self, Promise};
use stubborn::link::{
    AuthenticatedLink, FairLossLink, Identifiers, Key, Link, PerfectFifoLink, PerfectLink,
    StubbornLink, WindowConfig, WindowedLink,
};
use stubborn::sim::medium::{
    Bursts, Corruption, Delay, Duplication, Jitter, Loss, Medium, Reordering,
};
use stubborn::sim::path::Path;
use stubborn::sim::random::Ratio;

use super::world::{AnyLink, ENDS, World};

pub(super) const PERIOD: Duration = Duration::from_millis(200);

/// A link of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    FairLoss,
    Stubborn,
    Perfect,
    PerfectFifo,
    Windowed,
    /// Fair loss, authenticated.
    Authenticated,
    /// The whole textbook ladder upon it.
    AuthenticatedFifo,
    /// The window upon it.
    AuthenticatedWindow,
}

use Kind::*;

pub(super) const KINDS: [Kind; 8] = [
    FairLoss,
    Stubborn,
    Perfect,
    PerfectFifo,
    Windowed,
    Authenticated,
    AuthenticatedFifo,
    AuthenticatedWindow,
];

const LONGEST: usize = 200;

fn stubborn<L: Link>(below: L) -> StubbornLink<L> {
    StubbornLink::new(below, PERIOD)
}

/// Identifiers are counters at one end and UUIDs at the other: a receiver knows both.
fn perfect<L: Link>(below: L, end: usize) -> PerfectLink<StubbornLink<L>> {
    let identifiers = match end {
        0 => Identifiers::counter(),
        _ => Identifiers::uuid([7; 16]),
    };
    PerfectLink::new(stubborn(below), identifiers)
}

fn windowed<L: Link>(below: L) -> WindowedLink<L> {
    let config = WindowConfig {
        window: 4,
        period: PERIOD,
        doublings: 2,
        reordering: Some(1),
        peers: 1,
    };
    WindowedLink::new(below, config)
}

impl Kind {
    /// The link of one end.
    pub(super) fn link(self, end: usize) -> AnyLink {
        let base = FairLossLink::new(LONGEST);
        let authenticated = || {
            let keys = BTreeMap::from([(ENDS[1 - end], Key([42; 32]))]);
            AuthenticatedLink::new(FairLossLink::new(LONGEST), ENDS[end], keys)
        };
        match self {
            FairLoss => Box::new(base),
            Stubborn => Box::new(stubborn(base)),
            Perfect => Box::new(perfect(base, end)),
            PerfectFifo => Box::new(PerfectFifoLink::new(perfect(base, end))),
            Windowed => Box::new(windowed(base)),
            Authenticated => Box::new(authenticated()),
            AuthenticatedFifo => Box::new(PerfectFifoLink::new(perfect(authenticated(), end))),
            AuthenticatedWindow => Box::new(windowed(authenticated())),
        }
    }

    /// Whether it stands on authentication.
    pub(super) fn is_authenticated(self) -> bool {
        matches!(
            self,
            Authenticated | AuthenticatedFifo | AuthenticatedWindow
        )
    }

    /// Its name in the tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            FairLoss => "FairLoss",
            Stubborn => "Stubborn on FairLoss",
            Perfect => "Perfect on Stubborn on FairLoss",
            PerfectFifo => "PerfectFifo on Perfect on Stubborn on FairLoss",
            Windowed => "Windowed on FairLoss",
            Authenticated => "Authenticated on FairLoss",
            AuthenticatedFifo => "PerfectFifo on Perfect on Stubborn on Authenticated on FairLoss",
            AuthenticatedWindow => "Windowed on Authenticated on FairLoss",
        }
    }

    /// What it promises over this network, as its file says.
    pub(super) fn promises(self, net: Net) -> &'static [Promise] {
        use Promise::{
            FifoDelivery, FiniteDuplication, NoCreation, NoDuplication, ReliableDelivery,
            StubbornDelivery,
        };
        if net == Net::Hostile && !self.is_authenticated() {
            return &[];
        }
        match self {
            FairLoss => &[Promise::FairLoss, FiniteDuplication, NoCreation],
            Authenticated => &[Promise::FairLoss, NoCreation],
            Stubborn => &[StubbornDelivery, NoCreation],
            Perfect => &[ReliableDelivery, NoDuplication, NoCreation],
            PerfectFifo | Windowed | AuthenticatedFifo | AuthenticatedWindow => {
                &[ReliableDelivery, NoDuplication, NoCreation, FifoDelivery]
            }
        }
    }

    /// Whether it delivers in the end what is sent once.
    pub(super) fn is_reliable(self) -> bool {
        !matches!(self, FairLoss | Authenticated)
    }
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Net {
    /// It loses, duplicates and reorders.
    Fair,
    /// It also flips bits, and somebody on it repeats and forges.
    Hostile,
}

/// The most copies that arrive of one packet, on [`Net::Fair`].
const COPIES: usize = 3;

/// Of this many copies of a message that are sent, one arrives: all are lost with a probability
/// below 0.45³⁰, less than one in ten billion.
const OF: usize = 30;

impl Net {
    pub(super) fn path(self) -> Path {
        let medium = Medium::new()
            .with(Loss::new(Ratio::percent(30)))
            .with(Bursts::new(
                Ratio::percent(5),
                Ratio::percent(50),
                Ratio::ALWAYS,
            ))
            .with(Delay::new(Duration::from_millis(5)))
            .with(Jitter::new(Duration::from_millis(5)))
            .with(
                Duplication::new(Ratio::percent(20))
                    .up_to(COPIES as u32 - 1)
                    .spread(Duration::from_millis(50)),
            )
            .with(Reordering::new(
                Ratio::percent(30),
                Duration::from_millis(300),
            ));
        Path::symmetric(match self {
            Net::Fair => medium,
            Net::Hostile => medium.with(Corruption::per_datagram(Ratio::percent(20))),
        })
    }
}

/// How many messages each end sends.
pub(super) const MESSAGES: usize = 8;

/// How often each message is sent over a link that promises fair loss: so often that it must
/// arrive.
const AGAIN: usize = 2 * OF;

/// The n-th message of an end: nobody else's, and no other one.
pub(super) fn message(end: usize, number: usize) -> Vec<u8> {
    format!("{end}:{number}").into_bytes()
}

/// Each end sends its messages over the link, and then time passes: until every message that the
/// link promises to deliver is there, and some time more.
pub(super) fn run(seed: u64, kind: Kind, net: Net) -> World {
    let links = [kind.link(0), kind.link(1)];
    let mut world = World::new(seed, net.path(), net == Net::Hostile, links);
    let rounds = match kind.is_reliable() {
        true => 1,
        false => AGAIN,
    };
    for number in 0..MESSAGES * rounds {
        for end in 0..2 {
            let message = message(end, number % MESSAGES);
            // A full window has room again when the other end has delivered.
            for _ in 0..600 {
                if world.send(end, &message) {
                    break;
                }
                world.pass(PERIOD);
            }
        }
        world.pass(Duration::from_millis(10));
    }
    if kind.is_reliable() {
        // Where nothing is promised, nobody waits for it long.
        let time = match kind.promises(net) {
            [] => Duration::from_secs(20),
            _ => Duration::from_secs(600),
        };
        world.pass_until(time, |world| {
            (0..2).all(|end| {
                properties::reliable_delivery(&world.sent[end], &world.delivered[end]).is_ok()
            })
        });
    }
    // Some time more, for what comes late and too often.
    world.pass(40 * PERIOD);
    world
}

/// How often a stubborn link delivers a message in the 40 periods after the last was sent, at
/// least: of 40 copies or more the network loses less than half, on average.
const STUBBORN: usize = 8;

/// The promises, in the order of the table.
pub(super) const PROMISES: [Promise; 7] = [
    Promise::FairLoss,
    Promise::FiniteDuplication,
    Promise::NoCreation,
    Promise::StubbornDelivery,
    Promise::ReliableDelivery,
    Promise::NoDuplication,
    Promise::FifoDelivery,
];

/// Whether a run has kept a promise, in both directions.
pub(super) fn keeps(world: &World, promise: Promise) -> bool {
    world
        .sent
        .iter()
        .zip(&world.delivered)
        .all(|(sent, delivered)| {
            let judged = match promise {
                Promise::FairLoss => properties::fair_loss(sent, delivered, OF),
                Promise::FiniteDuplication => {
                    properties::finite_duplication(sent, delivered, COPIES)
                }
                Promise::NoCreation => properties::no_creation(sent, delivered),
                Promise::StubbornDelivery => {
                    properties::stubborn_delivery(sent, delivered, STUBBORN)
                }
                Promise::ReliableDelivery => properties::reliable_delivery(sent, delivered),
                Promise::NoDuplication => properties::no_duplication(sent, delivered),
                Promise::FifoDelivery => properties::fifo_delivery(sent, delivered),
            };
            judged.is_ok()
        })
}
