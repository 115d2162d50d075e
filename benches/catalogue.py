"""What the benchmark does, with whom, and what is to be reached.

A *peer* is what answers to the load: a stack behind a TUN interface, or the kernel behind a pair of
veth interfaces. A *job* is what the load does with it. A *target* compares two figures of one job.
"""

import dataclasses

from namespaces import BIN

KERNEL, PEER = "10.0.0.1", "10.0.0.2"
INTERFACE = "tun0"

# The peers.
VETH = "kernel, veth"
CEILING, COPYING, THREADS = "ceiling", "ceiling, copying", "ceiling, threads"
STUBBORN, LENT = "stubborn", "stubborn, lent"
PLAIN_CEILING, PLAIN_COPYING = "ceiling, plain", "ceiling, plain, copying"
SMOLTCP, PLAIN_STUBBORN = "smoltcp, plain", "stubborn, plain"
PLAIN = (PLAIN_CEILING, PLAIN_COPYING, SMOLTCP, PLAIN_STUBBORN)
PEERS = [VETH, CEILING, COPYING, THREADS, STUBBORN, LENT, *PLAIN]
WITH_OFFLOADS = {
    "in": (VETH, CEILING, STUBBORN, LENT),
    "out": (VETH, CEILING, COPYING, STUBBORN),
}
# With many flows or connections a sockets API has a thread behind each.
MANY = (VETH, CEILING, THREADS, STUBBORN)
# Those that move packets and are no stack: what any stack over TUN can reach.
CEILINGS = (CEILING, COPYING, THREADS, PLAIN_CEILING, PLAIN_COPYING)

# What one call reads or writes, in octets, and how many flows there are at once.
CHUNK, FLOWS = 128 * 1024, 64
CHUNKS = (64, 256, 1024, 4096, 16 * 1024, CHUNK)
COUNTS = (1, 4, 16, FLOWS)


@dataclasses.dataclass(frozen=True)
class Job:
    """What the load does."""

    title: str
    # Its first word to the load, and the field of the load's report that is the figure.
    load: str
    field: str
    unit: str
    peers: tuple
    chunk: int = CHUNK
    flows: int = 1
    # Load and peer on one processor, which they share with the kernel's work for them.
    one_core: bool = False

    @property
    def more_is_better(self):
        return self.unit != "µs"

    @property
    def is_bulk(self):
        return self.load in ("in", "out")

    @property
    def service(self):
        return {"in": "discard", "out": "chargen"}.get(self.load, "echo")

    def words(self, seconds):
        words = [BIN / "bench-load", self.load, PEER, seconds]
        return words + [self.chunk, self.flows] if self.is_bulk else words


WAYS = {"in": "kernel to peer", "out": "peer to kernel"}


def bulk(way, peers, title="one flow", **different):
    return Job(f"{title}, {WAYS[way]}", way, "gbit_per_second", "Gbit/s", peers, **different)


def jobs():
    """Every job by its name."""
    found = {}
    for way in WAYS:
        found[way] = bulk(way, WITH_OFFLOADS[way])
    for way in WAYS:
        found[f"{way} plain"] = bulk(way, PLAIN, "one flow, plain TUN")
    for way in WAYS:
        found[f"{way} {FLOWS}"] = bulk(way, MANY, f"{FLOWS} flows at once", flows=FLOWS)
    for name, one_core in [("one core", True), ("unpinned", False)]:
        for job, title, field, unit, peers in [
            ("roundtrips", "1-byte round trip, median", "p50_us", "µs", (VETH, CEILING, STUBBORN)),
            ("connections", "connect, 1 byte, close", "per_second", "1/s", MANY),
        ]:
            found[f"{job} {name}"] = Job(
                f"{title}, {name}", job, field, unit, peers, one_core=one_core
            )
    found["datagrams"] = Job(
        "UDP echo, one core", "datagrams", "per_second", "1/s", (VETH, STUBBORN), one_core=True
    )
    return found


JOBS = jobs()

# Curves: throughput over the size of a call, and over the number of flows.
CURVE_PEERS = {"chunk": (VETH, STUBBORN), "flows": (VETH, STUBBORN, CEILING)}
CURVES = {
    f"{way} {kind} {value}": bulk(way, CURVE_PEERS[kind], f"{kind} {value}", **{kind: value})
    for way in WAYS
    for kind, values in [("chunk", CHUNKS), ("flows", COUNTS)]
    for value in values
}


@dataclasses.dataclass(frozen=True)
class Target:
    """`peer` on `job` is to have at least (or, for what is better small, at most) `factor` times
    what `against` (a job and a peer) has."""

    title: str
    job: str
    peer: str
    against: tuple
    factor: float
    field: str | None = None

    @property
    def figure(self):
        return self.field or JOBS[self.job].field


def targets():
    for way in WAYS:
        for reference, factor in [(VETH, 0.8), (CEILING, 0.75)]:
            yield Target(f"one flow, {WAYS[way]}", way, STUBBORN, (way, reference), factor)
    for way in WAYS:
        job = f"{way} plain"
        for reference, factor in [(PLAIN_CEILING, 0.9), (SMOLTCP, 1.0)]:
            title = f"one flow, plain TUN, {WAYS[way]}"
            yield Target(title, job, PLAIN_STUBBORN, (job, reference), factor)
    for where in ("one core", "unpinned"):
        job = f"roundtrips {where}"
        for percent in ("p50", "p99"):
            title = f"1-byte round trip, {percent}, {where}"
            yield Target(title, job, STUBBORN, (job, VETH), 1.0, f"{percent}_us")
    for where in ("one core", "unpinned"):
        job = f"connections {where}"
        yield Target(JOBS[job].title, job, STUBBORN, (job, VETH), 1.0)
    for way in WAYS:
        job = f"{way} {FLOWS}"
        yield Target(JOBS[job].title, job, STUBBORN, (way, STUBBORN), 0.9)
    yield Target(JOBS["datagrams"].title, "datagrams", STUBBORN, ("datagrams", VETH), 0.8)


TARGETS = list(targets())

# The least that Jain's index of fairness may be among the flows at once.
JAIN = 0.95


# What the ceiling has in flight on each of many flows, in octets: the best that was found. What all
# have together should not leave the processor's cache before it is read.
FLIGHT = 256 * 1024


def ceiling(job, *options):
    flight = ["--flight", FLIGHT] if job.flows > 1 else []
    return [BIN / "bench-ceiling", *options, *flight, INTERFACE, "offload", 1]


def plain_ceiling(*options):
    return [BIN / "bench-ceiling", *options, INTERFACE, "plain", 64]


def stubborn(*options):
    return [BIN / "bench-stubborn", *options, INTERFACE, PEER]


# What starts a peer behind TUN, given the job.
COMMANDS = {
    CEILING: ceiling,
    COPYING: lambda job: ceiling(job, "--copy"),
    THREADS: lambda job: ceiling(job, "--threads"),
    STUBBORN: lambda job: stubborn("--chunk", job.chunk),
    LENT: lambda job: stubborn("--lend"),
    PLAIN_CEILING: lambda job: plain_ceiling(),
    PLAIN_COPYING: lambda job: plain_ceiling("--copy"),
    SMOLTCP: lambda job: [BIN / "bench-smoltcp", INTERFACE, PEER, job.service],
    PLAIN_STUBBORN: lambda job: stubborn("--plain", "--chunk", job.chunk),
}


def command_of(peer, job):
    """What starts `peer` for `job`, in the namespace where it belongs."""
    if peer == VETH:
        return [BIN / "bench-load", "serve", PEER, job.chunk]
    return COMMANDS[peer](job)
