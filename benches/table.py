"""The benchmark's results as Markdown."""

import statistics

from catalogue import JOBS, PEERS, STUBBORN, VETH
from figures import INSTRUCTIONS, figure, rows, sample

# The more others use of the processors, the less the figures are worth: where to say so.
DISTURBED = 0.05


def write(results):
    """The whole report."""
    parts = [heading(results), targets(results), everything(results)]
    parts += losses(results) + failures(results)
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(results):
    others = [run["others"] for run in results["reports"] if "others" in run]
    text = (
        f"Linux {results['machine']}, {results['date']}. Medians of {results['rounds']} interleaved "
        f"runs of {results['seconds']:g} s, least to most in brackets; IPv4, MTU 1500, the kernel on "
        "CUBIC."
    )
    if others and max(others) > DISTURBED:
        text += (
            f" **Not a quiet machine: others used {statistics.median(others):.0%} of the processors, "
            f"up to {max(others):.0%}.**"
        )
    return text


def targets(results):
    """What is to be reached, and whether it is."""
    cells = [
        [
            row.title,
            row.ours,
            f"{row.beside}: {row.other}" if row.beside else "",
            row.ceiling,
            row.judged,
            row.to_reach,
            "yes" if row.reached else "**no**",
        ]
        for row in rows(results)
    ]
    names = ["figure", "stubborn", "compared with", "ceiling", "is", "to reach", "reached"]
    return grid(names, cells) if cells else ""


def everything(results):
    """Every job on every peer."""
    cells = []
    for name, job in JOBS.items():
        for peer in (peer for peer in PEERS if peer in job.peers):
            values = sample(results, name, peer, job.field)
            if values:
                cells.append([job.title, peer, f"{values} {job.unit}", besides(results, name, peer)])
    cells += instructions(results["core"])
    return grid(["job", "peer", "figure", "besides"], cells) if cells else ""


def instructions(core):
    """What a segment takes of the core, beside what it takes of smoltcp's."""
    peers = {"instructions": STUBBORN, "smoltcp": "smoltcp"} if core else {}
    return [
        [title, peer, f"{row['a_segment']:,.0f} instructions", ""]
        for step, (title, _) in INSTRUCTIONS.items()
        for kind, peer in peers.items()
        for row in core[kind]
        if row["step"] == step
    ]


def besides(results, name, peer):
    """What else the runs say."""
    parts = []
    job = JOBS[name]
    of_peer = lambda run: (run["job"], run["peer"]) == (name, peer)
    runs = [run for run in results["reports"] if of_peer(run)]
    # The kernel does the work of its own TCP on nobody's account.
    cpu = [run["peer_cpu"] / run["octets"] * 1e9 for run in runs if run.get("octets")]
    if cpu and peer != VETH:
        parts.append(f"{statistics.median(cpu):.3f} CPU s/GB")
    fair = sample(results, name, peer, "jain")
    if fair and job.flows > 1:
        parts.append(f"Jain's index {figure(fair.median)}")
    tail = sample(results, name, peer, "p99_us")
    if tail:
        parts.append(f"99 %: {figure(tail.median)} µs")
    return ", ".join(parts)


def losses(results):
    """A receive window that does not fit the interface's queue shows here."""
    lost = {}
    for run in results["reports"]:
        if run.get("queue_lost"):
            key = f"{run['peer']}, {run['job']}"
            lost[key] = lost.get(key, 0) + run["queue_lost"]
    parts = "; ".join(f"{key}: {count:,}" for key, count in lost.items())
    return [f"Packets that the kernel's interface lost: {parts}."] if parts else []


def failures(results):
    failed = [run for run in results["reports"] if "failure" in run]
    if not failed:
        return []
    lines = [f"* {r['peer']}, {r['job']}, round {r['round']}: {r['failure']}" for r in failed]
    return ["Runs that failed:\n\n" + "\n".join(lines)]


def grid(names, cells):
    """A Markdown table whose source reads well too."""
    widths = [max(len(row[column]) for row in [names, *cells]) for column in range(len(names))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(names), rule, *map(line, cells)])
