"""Runs the benchmark's peers interleaved and prints the table. Started by scripts/bench.

A *peer* is what answers to the load: a stack behind a TUN interface, or the kernel behind a pair of
veth interfaces. A *job* is what the load does with it. One run is one job on one peer, in fresh
namespaces. The runs go round: every peer does a job, then the next job; then the next round. What
disturbs the machine for a while disturbs all peers alike, and the median forgets it.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time

import table
from namespaces import BIN, LEASH, OUT, Failure, Namespace, command, say, started
from table import Job

KERNEL, PEER = "10.0.0.1", "10.0.0.2"
INTERFACE = "tun0"
# The default queue of a TUN interface, in packets, said here because every peer's receive window
# is chosen to fit it: 500 segments are 724,000 octets.
QUEUE = 500
OFFLOADS = ["gro", "gso", "tso"]

# What the load does.
JOBS = {
    "in": Job("bulk, kernel to peer", "Gbit/s", "gbit_per_second", True, "discard"),
    "out": Job("bulk, peer to kernel", "Gbit/s", "gbit_per_second", True, "chargen"),
    "connections": Job("connect, 1 byte there and back, close", "1/s", "per_second", True, "echo"),
    "roundtrips": Job("1-byte round trip, median", "µs", "p50_us", False, "echo"),
    "roundtrips p99": Job("1-byte round trip, 99 %", "µs", "p99_us", False, "echo", "roundtrips"),
}

# Peers behind TUN: the command, given the service.
TUN = {
    "ceiling": lambda _: [BIN / "bench-ceiling", INTERFACE],
    "ceiling, ACK every 64th": lambda _: [BIN / "bench-ceiling", INTERFACE, "64"],
    "smoltcp 0.14": lambda service: [BIN / "bench-smoltcp", INTERFACE, PEER, service],
    "stubborn": lambda _: [BIN / "bench-stubborn", INTERFACE, PEER],
}
# Peers behind veth: whether the offloads are on.
VETH = {"kernel, veth, no offloads": False, "kernel, veth, offloads": True}
PEERS = [*TUN, *VETH]
# Peers that differ from another one in these jobs only.
ONLY = {"ceiling, ACK every 64th": ["in"]}


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


def behind_tun(stack, peer, service):
    kernel = Namespace(stack)
    kernel.run("ip", "tuntap", "add", "dev", INTERFACE, "mode", "tun")
    kernel.run("ip", "link", "set", INTERFACE, "mtu", 1500, "txqueuelen", QUEUE)
    kernel.address(INTERFACE, KERNEL)
    child = stack.enter_context(started(kernel.enter + TUN[peer](service), "ready"))
    return kernel, INTERFACE, child


def behind_veth(stack, peer):
    kernel, other = Namespace(stack), Namespace(stack)
    kernel.run("ip", "link", "add", "v0", "type", "veth", "peer", "v1", "netns", other.pid)
    for namespace, interface, address in [(kernel, "v0", KERNEL), (other, "v1", PEER)]:
        if not VETH[peer]:
            off = [word for offload in OFFLOADS for word in (offload, "off")]
            namespace.run("ethtool", "-K", interface, *off)
        namespace.address(interface, address)
    serve = [BIN / "bench-load", "serve", PEER]
    return kernel, "v0", stack.enter_context(started(other.enter + serve, "ready"))


def one_run(peer, job, seconds):
    """What the load reports of this job on this peer, and what went on beside it."""
    with contextlib.ExitStack() as stack:
        if peer in TUN:
            kernel, interface, child = behind_tun(stack, peer, JOBS[job].service)
        else:
            kernel, interface, child = behind_veth(stack, peer)
        kernel.await_carrier(interface)
        load = LEASH + kernel.enter + [str(BIN / "bench-load"), job, PEER, str(seconds)]
        processors = Processors(child)
        try:
            result = subprocess.run(load, capture_output=True, text=True, timeout=seconds + 20)
        except subprocess.TimeoutExpired:
            raise Failure(f"no end after {seconds + 20:g} s") from None
        if result.returncode:
            raise Failure(result.stderr.strip())
        return json.loads(result.stdout) | processors.used() | kernel.counters(interface)


def rounds(options):
    """All runs, interleaved: a report of each."""
    reports = [
        {"round": number, "job": job, "peer": peer}
        for number in range(1, options.rounds + 1)
        for job in options.jobs
        for peer in options.peers
        if job in ONLY.get(peer, JOBS)
    ]
    for count, report in enumerate(reports, 1):
        job, peer = report["job"], report["peer"]
        say(f"[{count}/{len(reports)}] round {report['round']}: {job:<12} {peer:<27}", end="")
        try:
            report |= one_run(peer, job, options.seconds)
            say(f"{report[JOBS[job].field]:>10,.2f} {JOBS[job].unit}")
        except Failure as failure:
            report["failure"] = str(failure)
            say(f"failed: {failure}")
    return reports


def core(options):
    """What the core alone costs: no device, no threads, no kernel."""
    say("the core alone: octets of heap, time and instructions a segment")
    program = str(BIN / "bench-core")
    heap = json.loads(command(program, "heap"))
    segments = [
        json.loads(line)
        for line in command(program, "segments", options.core_rounds).splitlines()
    ]
    for row in segments:
        row["instructions"] = None if options.quick else instructions(program, row["connections"])
    return {"heap": heap, "segments": segments}


def instructions(program, connections):
    """Instructions a segment: what a longer run executes more than a shorter one."""
    if shutil.which("valgrind") is None:
        return None

    def executed(segments):
        words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program]
        words += ["count", str(connections), str(segments)]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stderr
        return int(re.search(r"Collected : (\d+)", text).group(1))

    shorter, longer = 20_000, 60_000
    return (executed(longer) - executed(shorter)) / (longer - shorter)


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    runs = [job for job in JOBS if not JOBS[job].same_run_as]
    add = parser.add_argument
    add("--rounds", type=int, help="how often every run is done (5)")
    add("--seconds", type=float, help="how long one run lasts (3)")
    add("--quick", action="store_true", help="3 rounds of 0.4 s each; no valgrind")
    add("--peers", metavar="A,B", help="only peers whose names hold one of these words")
    add("--jobs", metavar="A,B", help=f"only these of {', '.join(runs)}")
    add("--no-core", action="store_true", help="without the figures of the core alone")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (0.4 if options.quick else 3.0)
    options.core_rounds = 5 if options.quick else 15
    wanted = options.peers.split(",") if options.peers else [""]
    options.peers = [peer for peer in PEERS if any(word in peer for word in wanted)]
    options.jobs = options.jobs.split(",") if options.jobs else runs
    unknown = set(options.jobs) - set(runs)
    if unknown or not options.peers:
        parser.error(f"there is no {', '.join(unknown) or 'such peer'}")
    return options


def main():
    options = parse()
    begun = time.time()
    results = {
        "machine": f"{platform.release()}, {os.cpu_count()} CPUs",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "reports": rounds(options),
        "core": None if options.no_core else core(options),
    }
    text = table.write(results, JOBS, options.peers)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUT / "results.md").write_text(text)
    print(text)
    say(f"took {time.time() - begun:.0f} s; written to target/bench/results.json and results.md")
    return any("failure" in report for report in results["reports"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
