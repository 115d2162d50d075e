"""Two flows at once through one bottleneck: how kernels and stubborn share it.

Started by `scripts/bench shares`. Both senders are on CUBIC, a kernel receives, and the path has
100 Mbit/s, a round trip of 20 ms and a queue of one bandwidth-delay product that drops what finds it
full. There are three such queues, for it matters what clock a queue has: that of a `stubborn link`
which looks every 20 µs, six times while a segment passes; that of one which looks every 100 µs, as it
does by default; and a token bucket filter of the kernel's, with a link behind it that only delays. The
flow named first begins some milliseconds earlier. The runs go round: every pair at each queue, then
the next round.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import time

import page
from namespaces import OUT, Failure, say
from path import GRAIN, RATE, FilteredPath, Path, check_kernel, result

DELAY = "10ms"
# A bandwidth-delay product, in octets: what `stubborn link` calls 1bdp.
QUEUE = 100_000_000 // 8 * 20 // 1000


def link(grain):
    """A path whose bottleneck is the link's, which looks this often."""
    words = ["--rate", RATE, "--delay", DELAY, "--queue", "1bdp", "--grain", grain]
    return lambda stack, seed: Path(stack, [*words, "--seed", str(seed)])


BOTTLENECKS = {
    "link, every 20 µs": link(GRAIN),
    "link, every 100 µs": link("100us"),
    "the kernel's tbf": lambda stack, seed: FilteredPath(stack, DELAY, QUEUE),
}
PAIRS = [("stubborn", "kernel"), ("kernel", "stubborn"), ("kernel", "kernel")]


def one_run(bottleneck, pair, seed, seconds):
    """What each flow gets, in Mbit/s."""
    with contextlib.ExitStack() as stack:
        path = BOTTLENECKS[bottleneck](stack, seed)
        servers = [path.serve(stack, who) for who in dict.fromkeys(pair)]
        children = [path.receive("kernel", server, seconds) for server in (servers * 2)[:2]]
        return [result(child, seconds) for child in children]


def rounds(options):
    """All runs, interleaved: a report of each."""
    reports = []
    for number in range(1, options.rounds + 1):
        for bottleneck in BOTTLENECKS:
            for pair in PAIRS:
                report = {"round": number, "bottleneck": bottleneck, "pair": pair}
                say(f"round {number}, {bottleneck}: {', '.join(pair)}", end=": ")
                try:
                    report["mbit"] = one_run(bottleneck, pair, number, options.seconds)
                    say(" and ".join(f"{mbit:.1f}" for mbit in report["mbit"]))
                except Failure as failure:
                    report["failure"] = str(failure)
                    say(f"failed: {failure}")
                reports.append(report)
    return reports


def ratios(reports, bottleneck, pair):
    """How much the first flow of a pair got beside the second, run by run."""
    of = [r for r in reports if (r["bottleneck"], r["pair"]) == (bottleneck, pair)]
    flows = [report["mbit"] for report in of if "mbit" in report]
    return [first / second for first, second in flows]


def row(bottleneck, flows, shares):
    """A row of the table."""
    if not shares:
        return f"| {bottleneck} | {flows} | 0 | failed | | |"
    alike = sum(0.8 <= share <= 1.25 for share in shares)
    return (
        f"| {bottleneck} | {flows} | {len(shares)} | {statistics.median(shares):.2f} | "
        f"{min(shares):.2f}–{max(shares):.2f} | {alike} of {len(shares)} |"
    )


def table(results):
    """The results as Markdown."""
    lines = [
        f"Linux {results['machine']}, {results['date']}. Interleaved runs of {results['seconds']:g} s. "
        "*Alike*: neither flow has less than four fifths of the other.",
        "",
        "| bottleneck | first / second | runs | median | least to most | alike |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for bottleneck in BOTTLENECKS:
        shares = {pair: ratios(results["reports"], bottleneck, pair) for pair in PAIRS}
        lines += [row(bottleneck, " / ".join(pair), shares[pair]) for pair in PAIRS]
        either = shares[PAIRS[0]] + [1 / share for share in shares[PAIRS[1]]]
        lines.append(row(bottleneck, "**stubborn / kernel, whoever began**", either))
    return "\n".join(lines) + "\n"


def parse():
    parser = argparse.ArgumentParser(
        prog="scripts/bench shares", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--rounds", type=int, help="how often every run is done (5)")
    add("--seconds", type=float, help="how long one run lasts (30)")
    add("--quick", action="store_true", help="one round of 3 s each")
    add("--docs", action="store_true", help="write the table into docs/RECOVERY.md, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (3.0 if options.quick else 30.0)
    return options


def main():
    options = parse()
    check_kernel()
    begun = time.time()
    results = {
        "machine": f"{platform.release()}, {os.cpu_count()} CPUs",
        "date": time.strftime("%Y-%m-%d"),
        "seconds": options.seconds,
        "reports": rounds(options),
    }
    text = table(results)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "shares.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUT / "shares.md").write_text(text)
    if options.docs:
        page.write("RECOVERY.md", "scripts/bench shares", text)
    print(text)
    say(f"took {time.time() - begun:.0f} s; written to target/bench/shares.json and shares.md")
    return any("failure" in report for report in results["reports"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench shares: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
