"""Runs transfers over paths with delay, loss and more, kernels and stubborn at either end, and
prints the table. Started by `scripts/bench paths`.

A *cell* is a path: `stubborn link` between two namespaces. A *pair* says whose TCP sends and whose
receives. One run is one pair on one cell, in fresh namespaces: the receiver connects, and what it
receives in a given time, counted from the first octets, is the figure. The runs go round: every
pair on a cell, then the next cell; then the next round. Within a round the nth datagram of each
direction has the same fate for all pairs.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time

import plot
from namespaces import BIN, LEASH, OUT, ROOT, Failure, Namespace, command, say, started

RATE = "100mbit"
# The kernel's ends of the path, and stubborn's addresses behind them.
SENDER, RECEIVER = "10.9.0.1", "10.9.0.2"
BEHIND = {SENDER: ("10.8.1.1", "10.8.1.2"), RECEIVER: ("10.8.2.1", "10.8.2.2")}
# Seeds begin here: a path that swallows every ACK of the handshake measures nothing but that.
FATE = 100
# The queue of stubborn's TUN interface, in packets: more than any window here.
QUEUE = 2000

PAIRS = {
    "kernel → kernel": ("kernel", "kernel"),
    "kernel → stubborn": ("kernel", "stubborn"),
    "stubborn → kernel": ("stubborn", "kernel"),
    "stubborn → stubborn": ("stubborn", "stubborn"),
}
REFERENCE = "kernel → kernel"
# Two flows at once through one bottleneck, and how long.
SHARED = {
    "stubborn beside the kernel": ("stubborn", "kernel"),
    "the kernel beside itself": ("kernel", "kernel"),
}
SHARED_SECONDS = 20


@dataclasses.dataclass(frozen=True)
class Cell:
    """A path: what is wrong with it, and its round trip in milliseconds."""

    fault: str
    rtt: float
    options: tuple = ()

    def seconds(self, usual):
        """How long a run lasts: longer where so few segments arrive that chance decides."""
        return usual * 3 if self.rtt >= 20 and self.fault in FEW else usual

    def words(self, seed):
        words = ["--rate", RATE, "--delay", f"{self.rtt / 2}ms", "--seed", str(FATE + seed)]
        return words + list(self.options)


RTTS = (1, 20, 100)
LOSSES = ("0", "0.1", "1", "3", "10")
FAULTS = {f"loss {loss} %": ("--there", f"loss={loss}%") for loss in LOSSES}
# Paths on which a run of the usual length would carry a few hundred segments.
FEW = ("loss 1 %", "loss 3 %", "loss 10 %")
FAULTS["reordering 1 % by 3"] = ("--there", "reorder=1%/3")
FAULTS["ACK loss 50 %"] = ("--back", "loss=50%")
CELLS = [Cell(fault, rtt, options) for fault, options in FAULTS.items() for rtt in RTTS]
QUICK = [cell for cell in CELLS if cell.rtt == 20 and cell.fault not in ("loss 0.1 %", "loss 10 %")]


def priority(level):
    """So that what else the machine does delays nobody: where this user may."""
    words = ["chrt", "-f", str(level)]
    may = shutil.which("chrt") and subprocess.run(words + ["true"], capture_output=True)
    return words if may and may.returncode == 0 else []


class Path:
    """Two namespaces, and a link between them."""

    def __init__(self, stack, cell, seed):
        middle, self.sender, self.receiver = (Namespace(stack) for _ in range(3))
        words = ["link", "--tun", "near", "--tun", "far", *cell.words(seed)]
        words = middle.enter + priority(20) + [str(BIN / "stubborn"), *words]
        self.link = subprocess.Popen(LEASH + words, stderr=subprocess.PIPE, text=True)
        self.summary = None
        stack.callback(self.end)
        if "Ctrl-C" not in (line := self.link.stderr.readline()):
            raise Failure(f"the link did not start: {line.strip()}")
        for namespace, interface, address in self.ends():
            # Neighbours and routers have nothing to say here: only TCP draws lots.
            namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            middle.run("ip", "link", "set", interface, "netns", namespace.pid)
            namespace.address(interface, address)
        self.sender.await_carrier("near")
        self.receiver.await_carrier("far")

    def ends(self):
        yield self.sender, "near", SENDER
        yield self.receiver, "far", RECEIVER

    def other(self, namespace):
        return self.receiver if namespace is self.sender else self.sender

    def put_behind(self, namespace, end):
        """A TUN interface for stubborn behind an end of the path: its address."""
        kernel, address = BEHIND[end]
        namespace.run("ip", "tuntap", "add", "dev", "tun0", "mode", "tun")
        namespace.run("ip", "link", "set", "tun0", "txqueuelen", QUEUE)
        namespace.address("tun0", kernel)
        namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        network = kernel.rpartition(".")[0] + ".0/24"
        self.other(namespace).run("ip", "route", "add", network, "via", end)
        return address

    def serve(self, stack, who):
        """Starts a sender: its address."""
        if who == "kernel":
            address, words = SENDER, [BIN / "bench-load", "serve", SENDER]
        else:
            address = self.put_behind(self.sender, SENDER)
            words = [BIN / "bench-stubborn", "tun0", address]
        stack.enter_context(started(self.sender.enter + priority(10) + words, "ready"))
        return address

    def receive(self, who, server, seconds):
        """A receiver, running."""
        if who == "kernel":
            words = [BIN / "bench-load", "out", server, seconds]
        else:
            address = self.put_behind(self.receiver, RECEIVER)
            words = [BIN / "bench-stubborn", "tun0", address, "out", server, seconds]
        words = LEASH + self.receiver.enter + priority(10) + list(map(str, words))
        pipe = subprocess.PIPE
        return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True)

    def end(self):
        """Ends the link: what it says of its datagrams."""
        if self.summary is None:
            self.link.send_signal(signal.SIGINT)
            try:
                self.summary = self.link.communicate(timeout=10)[1].strip().removeprefix("stubborn: ")
            except subprocess.TimeoutExpired:
                self.link.kill()
                self.link.communicate()
                raise Failure("the link did not end") from None
        return self.summary


def result(child, seconds):
    """What a receiver reports, in Mbit/s."""
    try:
        # Of the time before the first octets, some may be that of lost SYNs.
        output, errors = child.communicate(timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise Failure("no end") from None
    if child.returncode:
        raise Failure(errors.strip())
    return json.loads(output)["gbit_per_second"] * 1000


def one_run(cell, pair, seed, seconds):
    sender, receiver = PAIRS[pair]
    with contextlib.ExitStack() as stack:
        path = Path(stack, cell, seed)
        server = path.serve(stack, sender)
        child = path.receive(receiver, server, seconds)
        return {"mbit": result(child, seconds), "link": path.end()}


def shared_run(names, seed, seconds):
    """Two flows at once on a path of 20 ms without loss: what each gets."""
    with contextlib.ExitStack() as stack:
        path = Path(stack, Cell("shared", 20, ("--queue", "1bdp")), seed)
        servers = [SENDER, SENDER]
        servers[1] = path.serve(stack, "kernel")
        if names[0] == "stubborn":
            servers[0] = path.serve(stack, "stubborn")
        children = [path.receive("kernel", server, seconds) for server in servers]
        return [result(child, seconds) for child in children]


def rounds(options):
    """All runs, interleaved: a report of each."""
    reports = []
    for number in range(1, options.rounds + 1):
        for cell in options.cells:
            for pair in options.pairs:
                report = {"round": number, "fault": cell.fault, "rtt": cell.rtt, "pair": pair}
                attempt(report, lambda: one_run(cell, pair, number, cell.seconds(options.seconds)))
                reports.append(report)
        for title, names in SHARED.items() if options.shared else ():
            report = {"round": number, "shared": title}
            attempt(report, lambda: {"mbit": shared_run(names, number, SHARED_SECONDS)})
            reports.append(report)
    return reports


def attempt(report, run):
    say(" ".join(f"{value}" for value in report.values()), end=": ")
    try:
        report |= run()
        say(report["mbit"])
    except Failure as failure:
        report["failure"] = str(failure)
        say(f"failed: {failure}")


def of(reports, **wanted):
    """The figures of all runs that are as wanted."""
    fits = lambda report: all(report.get(name) == value for name, value in wanted.items())
    return [report["mbit"] for report in reports if fits(report) and "mbit" in report]


def table(results):
    """The results as Markdown."""
    reports, pairs = results["reports"], results["pairs"]
    lines = [
        f"Linux {results['machine']}, {results['date']}. Goodput in Mbit/s over a path of 100 Mbit/s: medians of "
        f"{results['rounds']} interleaved runs of {results['seconds']:g} s (three times as long where few segments arrive), least to most in brackets, and the ratio "
        "to the kernel with itself. The queue before the bottleneck holds 1 BDP, and 64 KiB at least.",
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
    lines += ["", shared_text(reports)]
    words = "; ".join(f"{name}: {ratio:.2f}×" for ratio, name in sorted(below)) or "none"
    lines += ["", f"Below the kernel with itself: {words}."]
    return "\n".join(line for line in lines) + "\n"


def shared_text(reports):
    """The flows that share a bottleneck."""
    lines = []
    for title in SHARED:
        flows = of(reports, shared=title)
        if flows:
            ours, theirs = (statistics.median(column) for column in zip(*flows))
            lines.append(
                f"Sharing a bottleneck of 100 Mbit/s, 20 ms, 1 BDP for {SHARED_SECONDS} s, {title}: "
                f"{ours:.1f} and {theirs:.1f} Mbit/s, {ours / theirs:.2f}×."
            )
    return " ".join(lines)


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
    add("--seconds", type=float, help="how long one run lasts (5); three times so long where few segments arrive")
    add("--quick", action="store_true", help="a few paths, once, 2 s each")
    add("--cells", metavar="TEXT", help='only paths whose name holds this: "loss 1 %%, 20 ms"')
    add("--pairs", metavar="A,B", help="only pairs whose names hold one of these words")
    add("--docs", action="store_true", help="write the table and the plots into docs/, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2.0 if options.quick else 5.0)
    options.shared = not options.quick and not options.cells
    wanted = options.pairs.split(",") if options.pairs else [""]
    options.pairs = [pair for pair in PAIRS if any(word in pair for word in wanted)]
    cells = QUICK if options.quick else CELLS
    name = lambda cell: f"{cell.fault}, {cell.rtt} ms"
    options.cells = [cell for cell in cells if (options.cells or "") in name(cell)]
    if not options.cells or not options.pairs:
        parser.error("there is no such path, or no such pair")
    return options


def check_kernel():
    """The kernel's side is CUBIC, or there is nothing to compare."""
    known = command("sysctl", "-n", "net.ipv4.tcp_available_congestion_control").split()
    if "cubic" not in known:
        raise Failure(f"this kernel has no CUBIC, only {', '.join(known)}")


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
        write_docs(text)
    print(text)
    say(f"took {time.time() - begun:.0f} s; written to target/bench/paths.json and paths.md")
    return any("failure" in report for report in results["reports"])


BEGIN, END = "<!-- scripts/bench paths --docs writes from here -->", "<!-- to here -->"


def write_docs(text):
    """Puts the table where docs/PATHS.md has its place."""
    page = ROOT / "docs/PATHS.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench paths: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
