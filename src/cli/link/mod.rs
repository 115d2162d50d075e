//! `stubborn link`: a path of the simulator between two TUN interfaces, on the real clock.

mod way;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use stubborn::driver::{Relay, RelayError};
use stubborn::sim::path::Path;
use stubborn::sim::transit::Transit;
use stubborn::tun::TunDevice;

use super::interrupt::Interrupts;
use super::output::{self, counted};
use super::units::seed;
use way::Way;

const EXAMPLES: &str = "\
Examples:
  As root: 100 Mbit/s, a round trip of 50 ms, 1 % lost; then give each interface to a namespace
  of its own, with an address, and try it:
      stubborn link --tun a0 --tun b0 --rate 100mbit --delay 25ms --loss 1%

      ip netns add a; ip link set a0 netns a
      ip -n a address add 10.9.0.1/24 dev a0; ip -n a link set a0 up
      ip netns add b; ip link set b0 netns b
      ip -n b address add 10.9.0.2/24 dev b0; ip -n b link set b0 up
      ip netns exec a ping 10.9.0.2

  Lose half of the datagrams on the way back, and none on the way there:
      stubborn link --tun a0 --tun b0 --rate 100mbit --delay 10ms --back loss=50%

--there is the direction from the first interface to the second. The impairments are those of
`stubborn sim`. Ctrl-C ends the link and prints what became of the datagrams.
";

/// How many datagrams the kernel may queue for an interface: more than any window needs, so that
/// all losses happen on the path.
const KERNEL_QUEUE: u32 = 10_000;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LinkArgs {
    /// A TUN interface, given twice: one that exists, or a name for a new one (which needs root)
    #[arg(long, value_name = "NAME", required = true)]
    tun: Vec<String>,

    #[command(flatten)]
    both: Way,

    /// Impairments that differ from the first interface to the second: loss=1%,delay=5ms
    #[arg(long, value_name = "CHANGES", value_parser = way::changes)]
    there: Option<Way>,

    /// Impairments that differ in the opposite direction
    #[arg(long, value_name = "CHANGES", value_parser = way::changes)]
    back: Option<Way>,

    /// The seed of all random decisions
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true, default_value = "0")]
    seed: u64,

    /// The precision: the link is served at most this often, and datagrams may be this late
    #[arg(long, value_name = "TIME", value_parser = way::some_time, default_value = "100us")]
    grain: Duration,

    /// End after this time: 10s
    #[arg(long = "for", value_name = "TIME", value_parser = way::some_time)]
    time: Option<Duration>,
}

/// Runs `stubborn link`.
pub(crate) fn run(args: &LinkArgs) -> anyhow::Result<()> {
    let [near, far] = &args.tun[..] else {
        bail!("a link has two ends: give --tun twice");
    };
    if near == far {
        bail!("a link has two ends: {near} cannot be both");
    }
    // The MTU does not matter here: this is to report errors before the interfaces exist.
    path(args, 1500)?;
    let interrupts = Interrupts::catch()?;
    let devices = [open(near)?, open(far)?];
    let names = devices.each_ref().map(|device| device.name().to_owned());
    let mtu = mtu(&devices)?;
    let transit = Transit::new(path(args, mtu)?, args.seed);
    let [near, far] = devices.map(Box::new);
    let relay = Relay::new(near, far, transit).context("cannot start the link")?;
    let mut relay = relay.with_grain(args.grain);
    let stop = relay.stopper();
    interrupts.on_first(move |_| stop.stop())?;
    output::complain(format_args!(
        "a link between {} and {}; Ctrl-C ends it",
        names[0], names[1]
    ));
    let result = relay.run(args.time);
    output::complain(Summary(&relay));
    result.map_err(|RelayError { device, error }| anyhow!(error).context(names[device].clone()))
}

fn open(name: &str) -> anyhow::Result<TunDevice> {
    let device = TunDevice::open_plain(name).context("cannot open the interface")?;
    if let Err(error) = device.set_queue_len(KERNEL_QUEUE) {
        let error = anyhow!(error);
        log::warn!("the kernel may lose datagrams in front of the link: {error:#}");
    }
    Ok(device)
}

/// The longest datagram that both interfaces take.
fn mtu(devices: &[TunDevice; 2]) -> anyhow::Result<usize> {
    let mtus = devices.each_ref().map(TunDevice::mtu);
    match mtus[0] == mtus[1] {
        true => Ok(mtus[0]),
        false => bail!(
            "the MTUs of the interfaces differ: {} and {}: set one of them with `ip link set`",
            mtus[0],
            mtus[1]
        ),
    }
}

fn path(args: &LinkArgs, mtu: usize) -> anyhow::Result<Path> {
    let way = |changes: &Option<Way>| match changes {
        Some(changes) => changes.clone().over(&args.both),
        None => args.both.clone(),
    };
    let (there, back) = (way(&args.there), way(&args.back));
    let round_trip = there.delay().saturating_add(back.delay());
    let medium = |way: Way| way.medium(round_trip, mtu).map_err(anyhow::Error::msg);
    Ok(Path::new(medium(there)?, medium(back)?))
}

/// What became of the datagrams.
struct Summary<'a>(&'a Relay);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transit = self.0.transit();
        for (name, medium) in [
            ("there", transit.path().there()),
            ("back", transit.path().back()),
        ] {
            let counts = medium.counts();
            write!(
                f,
                "{name}: {}, {} lost, {} found the queue full, {} held back; ",
                counted(counts.entered, "datagram"),
                counts.lost,
                counts.overflowed,
                counts.held_back
            )?;
        }
        if transit.crowded_out() > 0 {
            write!(f, "no memory for {}; ", transit.crowded_out())?;
        }
        let punctuality = self.0.punctuality();
        write!(
            f,
            "{} of {} left more than 1 ms late, the latest by {:.1} ms",
            punctuality.late,
            punctuality.left,
            punctuality.latest.as_secs_f64() * 1e3
        )
    }
}
