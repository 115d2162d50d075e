"""The figures of a run of the benchmark, and how they compare with what is to be reached."""

import dataclasses
import statistics

from catalogue import CEILINGS, FLOWS, JAIN, JOBS, STUBBORN, TARGETS, WAYS


@dataclasses.dataclass
class Sample:
    """What all rounds gave."""

    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    def __str__(self):
        if len(self.values) == 1:
            return figure(self.median)
        return f"{figure(self.median)} ({figure(min(self.values))}–{figure(max(self.values))})"


def figure(value):
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"


def sample(results, job, peer, field):
    """The figures of this job on this peer, if there are any."""
    of_peer = lambda report: (report["job"], report["peer"]) == (job, peer) and field in report
    values = [report[field] for report in results["reports"] if of_peer(report)]
    return Sample(values) if values else None


@dataclasses.dataclass
class Row:
    """One figure beside what it is to reach."""

    title: str
    # The figure with its unit and spread; what it is compared with, and that one's figure.
    ours: str
    beside: str
    other: str
    # What is judged, and what it must be: at least the limit, or at most.
    value: float
    limit: float
    at_least: bool
    # What is judged is a multiple of the other figure.
    is_ratio: bool
    # The same figure without a stack.
    ceiling: str = ""

    @property
    def reached(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def margin(self):
        """How far it is beyond the limit, as a share; below zero: how much is missing."""
        factor = self.value / self.limit
        return (factor if self.at_least else 1 / factor) - 1

    @property
    def judged(self):
        return f"{figure(self.value)} ×" if self.is_ratio else f"{self.value:,.4g}"

    @property
    def to_reach(self):
        limit = f"{self.limit:g}" if self.limit < 1000 else f"{self.limit:,.0f}"
        return f"{'≥' if self.at_least else '≤'} {limit}" + (" ×" if self.is_ratio else "")


def rows(results):
    """What of the targets can be judged."""
    found = [compare(results, target) for target in TARGETS]
    found += [fairness(results, way) for way in WAYS]
    return [row for row in found if row] + core_rows(results["core"])


def compare(results, target):
    job = JOBS[target.job]
    ours = sample(results, target.job, target.peer, target.figure)
    other_job, other_peer = target.against
    other = sample(results, other_job, other_peer, target.figure)
    if not ours or not other:
        return None
    same_job = other_job == target.job
    return Row(
        title=target.title,
        ours=f"{ours} {job.unit}",
        beside=other_peer if same_job else JOBS[other_job].title,
        other=str(other),
        value=ours.median / other.median,
        limit=target.factor,
        at_least=job.more_is_better,
        is_ratio=True,
        ceiling=ceilings(results, target),
    )


def ceilings(results, target):
    """The figure of those that do the same job without being a stack."""
    parts = []
    for peer in CEILINGS:
        found = sample(results, target.job, peer, target.figure)
        if found:
            manner = peer.partition(", ")[2]
            parts.append(f"{manner}: {figure(found.median)}" if manner else figure(found.median))
    return "; ".join(parts)


def fairness(results, way):
    job = f"{way} {FLOWS}"
    index = sample(results, job, STUBBORN, "jain")
    title = f"{JOBS[job].title}: Jain's index"
    return absolute(title, index, index.median, JAIN, True) if index else None


def absolute(title, ours, value, limit, at_least=False):
    """A row that is compared with a number."""
    return Row(title, str(ours), "", "", value, limit, at_least, False)


# What the core alone may cost: MiB, octets, shares, and instructions a segment.
IDLE_MIB, TIME_WAIT_OCTETS, AMONG_OTHERS, FLAT = 256, 128, 0.95, 1.1
INSTRUCTIONS = {
    "data-arrives": ("text in order arrives, instructions", 1200),
    "verified-data-arrives": ("the same, its checksum verified by the device", 1200),
    "ack-arrives": ("an acknowledgment arrives, instructions", 800),
}


def core_rows(core):
    """What the core alone costs."""
    if not core:
        return []
    idle, closed, among = core["idle"], core["time_wait"], core["among"]
    mib = idle["resident"] / 2**20
    entry = closed["heap"] / closed["connections"]
    # Only disturbance makes a round slower: the least of all is compared.
    alone_ns, among_ns = min(among["alone_ns"]), min(among["among_ns"])
    found = [
        absolute(f"{idle['connections']:,} idle connections, MiB", f"{mib:.0f} MiB", mib, IDLE_MIB),
        Row(
            title=f"a busy connection among {among['connections']:,} idle",
            ours=f"{among_ns} ns a segment",
            beside="alone",
            other=f"{alone_ns} ns",
            value=alone_ns / among_ns,
            limit=AMONG_OTHERS,
            at_least=True,
            is_ratio=True,
        ),
        absolute("an entry in TIME-WAIT, octets", f"{entry:.0f} octets", entry, TIME_WAIT_OCTETS),
    ]
    for step, (title, limit) in INSTRUCTIONS.items():
        for row in core["instructions"]:
            if row["step"] == step:
                number = row["a_segment"]
                found.append(absolute(title, f"{number:,.0f} instructions", number, limit))
    return found + flatness(core["instructions"])


def flatness(instructions):
    """What a segment costs with few connections and with many, each in turn."""
    whole = [row for row in instructions if row["step"] == "all"]
    if not whole:
        return []
    least, *_, most = sorted(whole, key=lambda row: row["a_segment"])
    counts = sorted(row["connections"] for row in whole)
    return [
        Row(
            title=f"a segment with {counts[0]:,} to {counts[-1]:,} connections",
            ours=f"{most['a_segment']:,.0f} instructions",
            beside=f"the least, with {least['connections']:,}",
            other=f"{least['a_segment']:,.0f}",
            value=most["a_segment"] / least["a_segment"],
            limit=FLAT,
            at_least=False,
            is_ratio=True,
        )
    ]
