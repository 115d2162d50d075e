//! The path of a scenario: a medium for each direction, made of parts, and a NAT.

use serde::Deserialize;
use stubborn::sim::medium::nat::Nat;
use stubborn::sim::medium::{
    BlackHole, Bursts, Corruption, Delay, Duplication, Jitter, Loss, Mangling, Marking, Medium,
    Mtu, Queue, RateLimit, Reordering, Stall, TooLong, WordSwap,
};
use stubborn::sim::path::Path;
use stubborn::sim::scenario::Family;
use stubborn::time::Instant;

use crate::cli::units::{Octets, Probability, Rate, Time};

/// The most copies that a part may make of a datagram: more would only fill memory.
const MOST_COPIES: u32 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathTable {
    there: Vec<PartName>,
    back: Option<Vec<PartName>>,
    nat: Option<NatTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NatTable {
    idle_timeout: Option<Time>,
    #[serde(default)]
    rebinds_at: Vec<Time>,
}

/// The parts of a medium, by their names in a file.
#[derive(Clone, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
enum PartName {
    Delay(Time),
    Jitter(Time),
    Stall {
        from: Time,
        until: Time,
    },
    Loss(Probability),
    Bursts {
        worsens: Probability,
        recovers: Probability,
        loss: Probability,
        loss_when_good: Option<Probability>,
    },
    BlackHole {
        from: Time,
        until: Time,
    },
    Duplication {
        ratio: Probability,
        most: Option<u32>,
        spread: Option<Time>,
    },
    Reordering {
        ratio: Probability,
        most: Time,
    },
    Corruption {
        per_datagram: Option<Probability>,
        per_bit: Option<Probability>,
    },
    WordSwap(Probability),
    RateLimit {
        rate: Rate,
        queue: QueueSize,
        marks_above: Option<QueueSize>,
    },
    Marking(Probability),
    Mangling(ManglingName),
    Mtu {
        octets: usize,
        reports: bool,
        #[serde(default)]
        then: Vec<MtuChange>,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum QueueSize {
    Octets(Octets),
    Time(Time),
}

impl From<QueueSize> for Queue {
    fn from(size: QueueSize) -> Queue {
        match size {
            QueueSize::Octets(octets) => Queue::Octets(octets.0),
            QueueSize::Time(time) => Queue::Time(time.0),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ManglingName {
    ClearsField,
    MarksEverything,
    ClearsFlags,
    ClearsFlagsLater,
    StripsOption,
    DropsSyns,
    DropsOption,
}

impl From<ManglingName> for Mangling {
    fn from(name: ManglingName) -> Mangling {
        match name {
            ManglingName::ClearsField => Mangling::ClearsField,
            ManglingName::MarksEverything => Mangling::MarksEverything,
            ManglingName::ClearsFlags => Mangling::ClearsFlags,
            ManglingName::ClearsFlagsLater => Mangling::ClearsFlagsLater,
            ManglingName::StripsOption => Mangling::StripsOption,
            ManglingName::DropsSyns => Mangling::DropsSyns,
            ManglingName::DropsOption => Mangling::DropsOption,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct MtuChange {
    at: Time,
    octets: usize,
}

impl PathTable {
    pub(super) fn path(&self, family: Family) -> Result<Path, String> {
        let there = medium(&self.there)?;
        let back = medium(self.back.as_ref().unwrap_or(&self.there))?;
        let path = Path::new(there, back);
        let Some(table) = &self.nat else {
            return Ok(path);
        };
        let mut nat = Nat::new([family.public()]);
        if let Some(timeout) = table.idle_timeout {
            nat = nat.idle_timeout(timeout.0);
        }
        for at in &table.rebinds_at {
            nat = nat.rebind_at(at.moment());
        }
        Ok(path.with_nat(nat))
    }
}

fn medium(parts: &[PartName]) -> Result<Medium, String> {
    let mut medium = Medium::new();
    for part in parts {
        medium = part.add_to(medium)?;
    }
    Ok(medium)
}

impl PartName {
    fn add_to(&self, medium: Medium) -> Result<Medium, String> {
        Ok(match self {
            PartName::Delay(time) => medium.with(Delay::new(time.0)),
            PartName::Jitter(time) => medium.with(Jitter::new(time.0)),
            PartName::Stall { from, until } => {
                medium.with(Stall::new(from.moment(), until.moment()))
            }
            PartName::Loss(ratio) => medium.with(Loss::new(ratio.0)),
            PartName::Bursts {
                worsens,
                recovers,
                loss,
                loss_when_good,
            } => {
                let bursts = Bursts::new(worsens.0, recovers.0, loss.0);
                let when_good = loss_when_good.map_or_else(Default::default, |ratio| ratio.0);
                medium.with(bursts.also_when_good(when_good))
            }
            PartName::BlackHole { from, until } => {
                medium.with(BlackHole::new(from.moment(), until.moment()))
            }
            PartName::Duplication {
                ratio,
                most,
                spread,
            } => {
                let most = most.unwrap_or(1);
                if most == 0 {
                    return Err("a duplication without a copy".to_owned());
                }
                if most > MOST_COPIES {
                    return Err(format!("more than {MOST_COPIES} copies of a datagram"));
                }
                let spread = spread.map_or_else(Default::default, |time| time.0);
                medium.with(Duplication::new(ratio.0).up_to(most).spread(spread))
            }
            PartName::Reordering { ratio, most } => medium.with(Reordering::new(ratio.0, most.0)),
            PartName::Corruption {
                per_datagram,
                per_bit,
            } => corruption(medium, *per_datagram, *per_bit)?,
            PartName::WordSwap(ratio) => medium.with(WordSwap::new(ratio.0)),
            PartName::RateLimit {
                rate,
                queue,
                marks_above,
            } => {
                let limit = RateLimit::new(rate.0, (*queue).into());
                medium.with(match marks_above {
                    Some(threshold) => limit.marking_above((*threshold).into()),
                    None => limit,
                })
            }
            PartName::Marking(ratio) => medium.with(Marking::new(ratio.0)),
            PartName::Mangling(name) => medium.with(Mangling::from(*name)),
            PartName::Mtu {
                octets,
                reports,
                then,
            } => medium.with(mtu(*octets, *reports, then)?),
        })
    }
}

/// Refuses damage that no checksum detects: a receiver could not tell it from what was sent.
fn corruption(
    medium: Medium,
    per_datagram: Option<Probability>,
    per_bit: Option<Probability>,
) -> Result<Medium, String> {
    let part = match (per_datagram, per_bit) {
        (Some(ratio), None) => Corruption::per_datagram(ratio.0),
        (None, Some(ratio)) => Corruption::per_bit(ratio.0),
        _ => return Err("corruption is per-datagram or per-bit: one of them".to_owned()),
    };
    Ok(medium.with(part.detectable()))
}

fn mtu(octets: usize, reports: bool, then: &[MtuChange]) -> Result<Mtu, String> {
    let too_long = match reports {
        true => TooLong::IsReported,
        false => TooLong::Vanishes,
    };
    let mut mtu = Mtu::new(octets, too_long);
    let mut last = Instant::ZERO;
    for change in then {
        if change.at.moment() <= last {
            return Err("changes of an MTU stand in the order of their times".to_owned());
        }
        last = change.at.moment();
        mtu = mtu.then(last, change.octets);
    }
    Ok(mtu)
}
