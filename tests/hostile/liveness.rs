//! Once the faults stop, everything completes, whoever the users are and however little room
//! there is; and nothing remains.

use std::time::Duration;

use super::app::End;
use super::exchange::Exchange;
use super::world::{Faults, every_seed};

const FAITHFUL: &[End] = &[End::Orderly, End::Orderly, End::Answers];
const ALL: &[End] = &[
    End::Orderly,
    End::Answers,
    End::Hasty,
    End::Leaves,
    End::Aborts,
];

fn any_faults(exchange: &mut Exchange) -> Faults {
    let random = &mut exchange.world.random;
    let most = random.pick(&[0, 5, 30, 60]);
    Faults {
        loss: random.below(most + 1),
        duplication: random.below(most + 1),
        reordering: random.below(most + 1),
        corruption: random.below(most + 1) / 4,
    }
}

fn run(seed: u64) {
    let ends = if seed.is_multiple_of(3) {
        ALL
    } else {
        FAITHFUL
    };
    let mut exchange = Exchange::any(seed, ends, false);
    exchange.world.faults = any_faults(&mut exchange);
    exchange.connect();
    // Faults and blackouts, for a while.
    for _ in 0..4 {
        let time = exchange.world.random.pick(&[10, 300, 3_000, 20_000]);
        let until = exchange.world.now + Duration::from_millis(time);
        if exchange.runs(until, Exchange::nothing_remains, |_| {}) {
            break;
        }
        let usual = exchange.world.faults;
        exchange.world.faults.loss = exchange.world.random.pick(&[0, 100]);
        let until = until + Duration::from_millis(time);
        exchange.runs(until, Exchange::nothing_remains, |_| {});
        exchange.world.faults = usual;
    }
    exchange.world.faults = Faults::default();
    let until = exchange.world.now + Duration::from_secs(100_000);
    let done = exchange.runs(until, Exchange::nothing_remains, |_| {});
    assert!(done, "stuck {}", exchange.state());
    exchange.check();
    for host in &exchange.world.hosts {
        assert_eq!(host.next_deadline(), None);
    }
}

#[test]
fn everything_completes_once_the_faults_stop() {
    every_seed(0..150, run);
}
