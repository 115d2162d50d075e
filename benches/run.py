"""Runs the benchmark's peers interleaved and prints the table. Started by scripts/bench.

One run is one job on one peer, in fresh namespaces. The runs go round: every peer does a job, then
the next job; then the next round. What disturbs the machine for a while disturbs all peers alike,
and the median forgets it.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import time

import core
import page
import pictures
import table
from catalogue import CURVES, INTERFACE, JOBS, KERNEL, PEER, PEERS, VETH, command_of
from namespaces import LEASH, OUT, ROOT, Failure, Namespace, say, started

# The queue of a TUN interface, in packets, for each flow. It is the default, said here because every
# peer's receive window is chosen to fit it: 500 segments are 724,000 octets. Nothing but this queue
# holds the kernel's sender back (behind veth, its small queues do), and what does not fit is lost.
QUEUE = 500


class Processors:
    """Who used the processors since this began."""

    def __init__(self, peer):
        self.peer = peer
        self.start = self.look()

    def look(self):
        ticks = os.sysconf("SC_CLK_TCK")
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, *_, steal, _, _ = (int(word) / ticks for word in file.readline().split()[1:])
        with open(f"/proc/{self.peer.pid}/stat", encoding="utf-8") as file:
            words = file.read().rpartition(")")[2].split()
        peer_user, peer_system = (int(word) / ticks for word in words[11:13])
        load = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = resource.getrusage(resource.RUSAGE_SELF)
        others = user + nice + steal - peer_user - load.ru_utime - own.ru_utime
        return time.monotonic(), peer_user + peer_system, others

    def used(self):
        """Seconds the peer used, and the share of all that others used: programs outside the
        kernel, and the host of a virtual machine."""
        elapsed, peer, others = (now - then for now, then in zip(self.look(), self.start))
        return {"peer_cpu": peer, "others": max(0.0, others / elapsed / os.cpu_count())}


def behind_tun(stack, flows):
    """A namespace with the interface, and how to enter the one of the peer: the same."""
    kernel = Namespace(stack)
    kernel.run("ip", "tuntap", "add", "dev", INTERFACE, "mode", "tun")
    kernel.run("ip", "link", "set", INTERFACE, "mtu", 1500, "txqueuelen", QUEUE * flows)
    kernel.address(INTERFACE, KERNEL)
    return kernel, INTERFACE, kernel.enter


def behind_veth(stack):
    """Two namespaces, joined by veth with every offload that it has by default."""
    kernel, other = Namespace(stack), Namespace(stack)
    kernel.run("ip", "link", "add", "v0", "type", "veth", "peer", "v1", "netns", other.pid)
    kernel.address("v0", KERNEL)
    other.address("v1", PEER)
    return kernel, "v0", other.enter


def one_run(peer, job, seconds):
    """What the load reports of this job on this peer, and what went on beside it."""
    first = str(min(os.sched_getaffinity(0)))
    pinned = ["taskset", "--cpu-list", first] if job.one_core else []
    with contextlib.ExitStack() as stack:
        place = behind_veth(stack) if peer == VETH else behind_tun(stack, job.flows)
        kernel, interface, enter = place
        child = stack.enter_context(started(enter + pinned + command_of(peer, job), "ready"))
        kernel.await_carrier(interface)
        load = LEASH + kernel.enter + pinned + list(map(str, job.words(seconds)))
        processors = Processors(child)
        try:
            result = subprocess.run(load, capture_output=True, text=True, timeout=seconds + 20)
        except subprocess.TimeoutExpired:
            raise Failure(f"no end after {seconds + 20:g} s") from None
        if result.returncode:
            raise Failure(result.stderr.strip())
        return json.loads(result.stdout) | processors.used() | kernel.counters(interface)


def plan(options):
    """All runs in their order: the round, the name of the job, the peer, and the seconds."""
    for number in range(1, options.rounds + 1):
        for name in options.jobs:
            for peer in JOBS[name].peers:
                if peer in options.peers:
                    yield number, name, peer, options.seconds
        if number <= options.curve_rounds:
            for name, job in CURVES.items():
                for peer in job.peers:
                    yield number, name, peer, options.curve_seconds


def rounds(options):
    """All runs: a report of each."""
    runs = list(plan(options))
    reports = []
    for count, (number, name, peer, seconds) in enumerate(runs, 1):
        job = JOBS.get(name) or CURVES[name]
        report = {"round": number, "job": name, "peer": peer}
        say(f"[{count}/{len(runs)}] round {number}: {name:<20} {peer:<16}", end="")
        try:
            report |= one_run(peer, job, seconds)
            say(f"{report[job.field]:>12,.2f} {job.unit}")
        except Failure as failure:
            report["failure"] = str(failure)
            say(f"failed: {failure}")
        reports.append(report)
    return reports


def chosen(words, names):
    """The names that begin with one of these words: all, if there are none."""
    begins = lambda name: any(f"{name} ".startswith(f"{word} ") for word in words.split(","))
    return [name for name in names if not words or begins(name.replace(",", ""))]


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--rounds", type=int, help="how often every run is done (5)")
    add("--seconds", type=float, help="how long one run lasts (1)")
    add("--quick", action="store_true", help="one round of 0.3 s each, without valgrind")
    add("--peers", metavar="A,B", help=f"only these: {', '.join(sorted({peer.partition(',')[0] for peer in PEERS}))}")
    add("--jobs", metavar="A,B", help=f"only these, and no curves: {', '.join(JOBS)}")
    add("--no-core", action="store_true", help="without the figures of the core alone")
    add("--docs", action="store_true", help="write the table and the pictures into docs/, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.3 if options.quick else 1.0)
    options.curve_rounds = 0 if options.jobs else 1 if options.quick else 2
    options.curve_seconds = options.seconds / 2
    options.peers = chosen(options.peers, PEERS)
    options.jobs = chosen(options.jobs, JOBS)
    if not options.peers or not options.jobs:
        parser.error("there is no such peer, or no such job")
    return options


def main():
    options = parse()
    begun = time.time()
    results = {
        "machine": f"{platform.release()}, {os.cpu_count()} CPUs",
        "date": time.strftime("%Y-%m-%d"),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "reports": rounds(options),
        "core": None if options.no_core else core.measure(options.quick),
    }
    text = table.write(results)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUT / "results.md").write_text(text)
    for name, picture in pictures.draw(results):
        (OUT / name).write_text(picture)
        if options.docs:
            (ROOT / "docs" / name).write_text(picture)
    if options.docs:
        page.write("PERFORMANCE.md", "scripts/bench", text)
    print(text)
    say(f"took {time.time() - begun:.0f} s; written to target/bench: results.json, results.md, *.svg")
    return any("failure" in report for report in results["reports"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
