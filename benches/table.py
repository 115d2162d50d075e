"""The benchmark's results as Markdown."""

import statistics

STUBBORN, SMOLTCP, VETH = "stubborn", "smoltcp 0.14", "kernel, veth, no offloads"
# Idle, established: the most heap a connection may hold, in octets.
HEAP_GOAL = 4096


def write(results, jobs, second, peers):
    """The whole report."""
    medians = {}
    parts = [heading(results)]
    for job in jobs:
        source = next((first for first, other in second.items() if other == job), job)
        samples = collect(results["reports"], source, jobs[job][2], peers)
        if samples:
            medians[job] = {peer: statistics.median(values) for peer, values in samples.items()}
            parts.append(section(jobs[job], samples, medians[job]))
    parts += failures(results["reports"])
    if results["core"]:
        parts.append(core(results["core"]))
    parts.append(goals(results, medians))
    return "\n\n".join(parts) + "\n"


def heading(results):
    return (
        f"# Benchmark\n\nLinux {results['machine']}. Medians of {results['rounds']} interleaved runs "
        f"of {results['seconds']:g} s, least to most in brackets. One flow, IPv4, MTU 1500, plain TUN "
        "(one packet a system call), the kernel on CUBIC. *In* is kernel to peer, *out* is peer to "
        "kernel."
    )


def collect(reports, job, field, peers):
    samples = {}
    for peer in peers:
        values = [r[field] for r in reports if r["job"] == job and r["peer"] == peer and field in r]
        if values:
            samples[peer] = values
    return samples


def section(job, samples, medians):
    title, unit, _, more, _ = job
    ceilings = [value for peer, value in medians.items() if peer.startswith("ceiling")]
    best = (max if more else min)(ceilings) if ceilings else None
    references = [medians.get(VETH), best, medians.get(SMOLTCP)]
    rows = []
    for peer, values in samples.items():
        middle = medians[peer]
        spread = f"{figure(middle)} ({figure(min(values))}–{figure(max(values))})"
        rows.append([peer, spread, *(ratio(middle, reference) for reference in references)])
    names = [f"{unit}", "÷ kernel veth", "÷ ceiling", "÷ smoltcp"]
    better = "more is better" if more else "less is better"
    return f"## {title} ({better})\n\n" + grid(["peer", *names], rows)


def failures(reports):
    failed = [r for r in reports if "failure" in r]
    if not failed:
        return []
    lines = [f"* {r['peer']}, {r['job']}, round {r['round']}: {r['failure']}" for r in failed]
    return ["## Runs that failed\n\n" + "\n".join(lines)]


def core(figures):
    heap = figures["heap"]
    rows = [
        [
            f"{row['connections']:,}",
            f"{statistics.median(row['nanoseconds']):.0f} "
            f"({min(row['nanoseconds']):.0f}–{max(row['nanoseconds']):.0f})",
            "–" if row["instructions"] is None else f"{row['instructions']:.0f}",
        ]
        for row in figures["segments"]
    ]
    names = ["connections", "ns a segment", "instructions a segment"]
    return (
        "## The core alone, in memory\n\n"
        f"Heap of an idle established connection: {heap['octets_per_connection']:.0f} octets "
        f"(mean of {heap['connections']:,}).\n\n" + grid(names, rows)
    )


def goals(results, medians):
    lines = []
    for job in ("in", "out"):
        figures = medians.get(job, {})
        if STUBBORN in figures and SMOLTCP in figures:
            value = figures[STUBBORN] / figures[SMOLTCP]
            lines.append(goal(value >= 1, f"bulk {job}: {value:.2f} × smoltcp, at least 1"))
    if results["core"]:
        octets = results["core"]["heap"]["octets_per_connection"]
        lines.append(goal(octets <= HEAP_GOAL, f"idle connection: {octets:.0f} of {HEAP_GOAL} octets"))
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
