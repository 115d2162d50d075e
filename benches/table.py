"""The benchmark's results as Markdown."""

import dataclasses
import statistics

STUBBORN, SMOLTCP, VETH = "stubborn", "smoltcp 0.14", "kernel, veth, no offloads"
# Established: the most heap a connection may hold, in octets.
HEAP_GOAL = 4096
# One busy connection among many: the most a segment may cost, compared with few. (The least of all
# rounds is compared: only disturbance makes a round slower.)
GROWTH_GOAL = 1.2
# The more others use of the processors, the less the figures are worth: where to say so.
DISTURBED = 0.05


@dataclasses.dataclass
class Job:
    """What the load does: its figure, the field of the load's report, whether more is better."""

    title: str
    unit: str
    field: str
    more: bool
    service: str
    same_run_as: str | None = None


def write(results, jobs, peers):
    """The whole report."""
    reports = results["reports"]
    medians = {}
    parts = [heading(results)]
    for name, job in jobs.items():
        runs = by_peer(reports, job.same_run_as or name, job.field, peers)
        if runs:
            medians[name] = {
                peer: statistics.median(run[job.field] for run in of_peer)
                for peer, of_peer in runs.items()
            }
            parts.append(section(job, runs, medians[name]))
    parts += failures(reports)
    if results["core"]:
        parts.append(core(results["core"]))
    parts.append(goals(results, medians))
    return "\n\n".join(parts) + "\n"


def heading(results):
    others = [run["others"] for run in results["reports"] if "others" in run]
    text = (
        f"# Benchmark\n\nLinux {results['machine']}. Medians of {results['rounds']} interleaved runs "
        f"of {results['seconds']:g} s, least to most in brackets. One flow, IPv4, MTU 1500, plain TUN "
        "(one packet a system call), the kernel on CUBIC. *In* is kernel to peer, *out* is peer to "
        "kernel. CPU is what the peer's process used, for a gigabyte."
    )
    if others and max(others) > DISTURBED:
        text += (
            f" **Not a quiet machine: others used {statistics.median(others):.0%} of the processors, "
            f"up to {max(others):.0%}.**"
        )
    return text


def by_peer(reports, job, field, peers):
    runs = {}
    for peer in peers:
        found = [run for run in reports if (run["job"], run["peer"]) == (job, peer) and field in run]
        if found:
            runs[peer] = found
    return runs


def section(job, runs, medians):
    ceilings = [value for peer, value in medians.items() if peer.startswith("ceiling")]
    best = (max if job.more else min)(ceilings, default=None)
    references = [medians.get(VETH), best, medians.get(SMOLTCP)]
    bulk = job.unit == "Gbit/s"
    rows = []
    for peer, of_peer in runs.items():
        values = [run[job.field] for run in of_peer]
        spread = f"{figure(medians[peer])} ({figure(min(values))}–{figure(max(values))})"
        row = [peer, spread, *(ratio(medians[peer], reference) for reference in references)]
        rows.append(row + ([cost(peer, of_peer)] if bulk else []))
    names = ["peer", job.unit, "÷ kernel veth", "÷ ceiling", "÷ smoltcp"]
    names += ["CPU s/GB"] if bulk else []
    better = "more is better" if job.more else "less is better"
    return f"## {job.title} ({better})\n\n" + grid(names, rows) + losses(runs)


def cost(peer, runs):
    """The kernel does the work of its own TCP on nobody's account."""
    if peer.startswith("kernel"):
        return "–"
    return f"{statistics.median(run['peer_cpu'] / run['octets'] * 1e9 for run in runs):.2f}"


def losses(runs):
    """A receive window that does not fit the interface's queue shows here."""
    lost = {peer: sum(run["queue_lost"] for run in of_peer) for peer, of_peer in runs.items()}
    parts = [f"{peer} {count:,}" for peer, count in lost.items() if count]
    return f"\n\nPackets that the kernel's interface lost: {'; '.join(parts)}." if parts else ""


def failures(reports):
    failed = [r for r in reports if "failure" in r]
    if not failed:
        return []
    lines = [f"* {r['peer']}, {r['job']}, round {r['round']}: {r['failure']}" for r in failed]
    return ["## Runs that failed\n\n" + "\n".join(lines)]


def core(figures):
    heap = figures["heap"]
    spread = lambda values: f"{statistics.median(values):.0f} ({min(values)}–{max(values)})"
    rows = [
        [
            f"{row['connections']:,}",
            spread(row["one_busy_ns"]),
            spread(row["all_in_turn_ns"]),
            "–" if row["instructions"] is None else f"{row['instructions']:,.0f}",
        ]
        for row in figures["segments"]
    ]
    names = ["connections", "ns, one busy", "ns, all in turn", "instructions, all in turn"]
    return (
        "## The core alone, in memory\n\n"
        f"Heap of an established connection, all that it adds: {heap['octets_per_connection']:,} "
        f"octets before it has carried anything, {heap['octets_after_traffic']:,} once it has and is "
        f"idle again (mean of {heap['connections']:,}).\n\nCost of a segment, sent and received: two "
        "full ones and the acknowledgment that answers them make a turn. With all connections in turn, "
        "none finds its memory in the processor's cache: time grows where instructions do not.\n\n"
        + grid(names, rows)
    )


def goals(results, medians):
    lines = []
    for job in ("in", "out"):
        figures = medians.get(job, {})
        if STUBBORN in figures and SMOLTCP in figures:
            value = figures[STUBBORN] / figures[SMOLTCP]
            lines.append(goal(value >= 1, f"bulk {job}: {value:.2f} × smoltcp, at least 1"))
    if results["core"]:
        heap = results["core"]["heap"]
        for name, when in [("octets_per_connection", "new"), ("octets_after_traffic", "used")]:
            text = f"idle connection, {when}: {heap[name]:,} octets, at most {HEAP_GOAL:,}"
            lines.append(goal(heap[name] <= HEAP_GOAL, text))
        few, *_, many = results["core"]["segments"]
        growth = min(many["one_busy_ns"]) / min(few["one_busy_ns"])
        text = (
            f"a segment with {many['connections']:,} connections costs {growth:.2f} × one with "
            f"{few['connections']}, at most {GROWTH_GOAL}"
        )
        lines.append(goal(growth <= GROWTH_GOAL, text))
    return "## Goals\n\n" + ("\n".join(lines) or "Nothing was run that they speak of.")


def goal(reached, text):
    return f"* {'reached' if reached else 'MISSED'}: {text}"


def ratio(value, reference):
    return f"{value / reference:.2f}" if reference else "–"


def figure(value):
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"


def grid(names, rows):
    """A Markdown table whose source reads well too."""
    widths = [max(len(row[column]) for row in [names, *rows]) for column in range(len(names))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(names), rule, *map(line, rows)])
