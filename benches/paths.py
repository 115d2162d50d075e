"""Runs transfers over paths with delay, loss and more, kernels and stubborn at either end, and
prints the table. Started by `scripts/bench paths`.

A *cell* is a path: `stubborn link` between two namespaces. A *pair* says whose TCP sends and whose
receives. One run is one pair on one cell, in fresh namespaces: the receiver connects, and what it
receives in a given time, counted from the first octets, is the figure. Where so few segments arrive
that chance decides, several runs go on at once, each on a path of its own. The runs go round: every
pair on a cell, then the next cell; then the next round. For each seed the nth datagram of each
direction has the same fate for all pairs.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import page
import plot
from namespaces import OUT, ROOT, Failure, say
from path import GRAIN, RATE, Path, check_kernel, result

# Seeds begin here: a path that swallows every ACK of the handshake measures nothing but that.
FATE = 100

PAIRS = {
    "kernel → kernel": ("kernel", "kernel"),
    "kernel → stubborn": ("kernel", "stubborn"),
    "stubborn → kernel": ("stubborn", "kernel"),
    "stubborn → stubborn": ("stubborn", "stubborn"),
}
REFERENCE = "kernel → kernel"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A path: what is wrong with it, and its round trip in milliseconds."""

    fault: str
    rtt: float
    options: tuple = ()

    def seconds(self, usual):
        """How long a run lasts: longer where few segments arrive."""
        return usual * 3 if self.fault in FEW else usual

    def abreast(self):
        """How many runs at once: several where fewest arrive, which leaves most of the machine idle."""
        return ABREAST if self.rtt >= 20 and self.fault in FEW else 1

    def words(self, seed):
        words = ["--rate", RATE, "--delay", f"{self.rtt / 2}ms", "--grain", GRAIN]
        return words + ["--seed", str(FATE + seed), *self.options]


RTTS = (1, 20, 100)
LOSSES = ("0", "0.1", "1", "3", "10")
FAULTS = {f"loss {loss} %": ("--there", f"loss={loss}%") for loss in LOSSES}
# Paths on which a run of the usual length may carry a few hundred segments.
FEW = ("loss 1 %", "loss 3 %", "loss 10 %")
ABREAST = 8
FAULTS["reordering 1 % by 3"] = ("--there", "reorder=1%/3")
FAULTS["ACK loss 50 %"] = ("--back", "loss=50%")
CELLS = [Cell(fault, rtt, options) for fault, options in FAULTS.items() for rtt in RTTS]
QUICK = [cell for cell in CELLS if cell.rtt == 20 and cell.fault not in ("loss 0.1 %", "loss 10 %")]


def one_run(cell, pair, seed, seconds):
    sender, receiver = PAIRS[pair]
    with contextlib.ExitStack() as stack:
        path = Path(stack, cell.words(seed))
        server = path.serve(stack, sender)
        child = path.receive(receiver, server, seconds)
        return {"mbit": result(child, seconds), "link": path.end()}


def rounds(options):
    """All runs, interleaved: a report of each."""
    reports = []
    for number in range(1, options.rounds + 1):
        for cell in options.cells:
            for pair in options.pairs:
                say(f"round {number}, {cell.fault}, {cell.rtt} ms, {pair}", end=": ")
                seconds, abreast = cell.seconds(options.seconds), cell.abreast()
                seeds = range((number - 1) * abreast + 1, number * abreast + 1)
                with ThreadPoolExecutor(abreast) as threads:
                    done = list(threads.map(lambda seed: attempt(cell, pair, seed, seconds), seeds))
                say(", ".join(f"{it['mbit']:.3g}" if "mbit" in it else it["failure"] for it in done))
                reports += done
    return reports


def attempt(cell, pair, seed, seconds):
    """One run, and what came of it."""
    report = {"fault": cell.fault, "rtt": cell.rtt, "pair": pair, "seed": seed}
    try:
        return report | one_run(cell, pair, seed, seconds)
    except Failure as failure:
        return report | {"failure": f"failed: {failure}"}


def of(reports, **wanted):
    """The figures of all runs that are as wanted."""
    fits = lambda report: all(report.get(name) == value for name, value in wanted.items())
    return [report["mbit"] for report in reports if fits(report) and "mbit" in report]


def table(results):
    """The results as Markdown."""
    reports, pairs = results["reports"], results["pairs"]
    lines = [
        f"Linux {results['machine']}, {results['date']}. Goodput in Mbit/s over a path of 100 Mbit/s: medians of "
        f"{results['rounds']} interleaved runs of {results['seconds']:g} s, least to most in brackets, and the ratio to the kernel "
        f"with itself. At 1 % loss and more a run is three times as long, and from 20 ms on there are {ABREAST} times as many, "
        f"{ABREAST} at once on as many paths. The queue before the bottleneck holds 1 BDP, and 64 KiB at least.",
        "",
        "| path | RTT | " + " | ".join(pairs) + " |",
        "|---|---:|" + "---:|" * len(pairs),
    ]
    below = []
    for fault, rtt in results["cells"]:
        reference = of(reports, fault=fault, rtt=rtt, pair=REFERENCE)
        columns = []
        for pair in pairs:
            figures = of(reports, fault=fault, rtt=rtt, pair=pair)
            if not figures:
                columns.append("failed")
                continue
            text = f"{statistics.median(figures):.3g} [{min(figures):.3g}–{max(figures):.3g}]"
            if pair != REFERENCE and reference:
                ratio = statistics.median(figures) / statistics.median(reference)
                text += f" **{ratio:.2f}×**"
                if ratio < 0.995:
                    below.append((ratio, f"{pair}, {fault}, {rtt} ms"))
            columns.append(text)
        lines.append(f"| {fault} | {rtt} ms | " + " | ".join(columns) + " |")
    words = "; ".join(f"{name}: {ratio:.2f}×" for ratio, name in sorted(below)) or "none"
    lines += ["", f"Below the kernel with itself: {words}."]
    return "\n".join(line for line in lines) + "\n"


def pictures(results):
    """A plot for each round trip: goodput over loss."""
    for rtt in RTTS:
        series = {}
        for pair in results["pairs"]:
            medians = []
            for loss in LOSSES:
                figures = of(results["reports"], fault=f"loss {loss} %", rtt=rtt, pair=pair)
                medians.append(statistics.median(figures) if figures else None)
            series[pair] = medians
        if any(value for values in series.values() for value in values):
            title = f"Goodput over loss: 100 Mbit/s, round trip {rtt} ms"
            labels = [f"{loss} %" for loss in LOSSES]
            yield f"paths-{rtt}ms.svg", plot.lines(title, labels, series, "loss", "Mbit/s")


def parse():
    parser = argparse.ArgumentParser(
        prog="scripts/bench paths", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--rounds", type=int, help="how often every run is done (3)")
    add("--seconds", type=float, help="how long one run lasts (5); three times as long where few segments arrive")
    add("--quick", action="store_true", help="a few paths, once, 2 s each")
    add("--cells", metavar="TEXT", help='only paths whose name holds this: "loss 1 %%, 20 ms"')
    add("--pairs", metavar="A,B", help="only pairs whose names hold one of these words")
    add("--docs", action="store_true", help="write the table and the plots into docs/, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2.0 if options.quick else 5.0)
    wanted = options.pairs.split(",") if options.pairs else [""]
    options.pairs = [pair for pair in PAIRS if any(word in pair for word in wanted)]
    cells = QUICK if options.quick else CELLS
    name = lambda cell: f"{cell.fault}, {cell.rtt} ms"
    options.cells = [cell for cell in cells if (options.cells or "") in name(cell)]
    if not options.cells or not options.pairs:
        parser.error("there is no such path, or no such pair")
    return options


def main():
    options = parse()
    check_kernel()
    begun = time.time()
    results = {
        "machine": f"{platform.release()}, {os.cpu_count()} CPUs",
        "date": time.strftime("%Y-%m-%d"),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "pairs": options.pairs,
        "cells": [(cell.fault, cell.rtt) for cell in options.cells],
        "reports": rounds(options),
    }
    text = table(results)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "paths.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUT / "paths.md").write_text(text)
    if options.docs:
        for name, picture in pictures(results):
            (ROOT / "docs" / name).write_text(picture)
        page.write("PATHS.md", "scripts/bench paths", text)
    print(text)
    say(f"took {time.time() - begun:.0f} s; written to target/bench/paths.json and paths.md")
    return any("failure" in report for report in results["reports"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench paths: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
