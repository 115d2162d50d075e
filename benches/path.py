"""A path between two network namespaces, with the kernel's TCP or stubborn's at either end."""

import json
import shutil
import signal
import subprocess

from namespaces import BIN, LEASH, Failure, Namespace, started

RATE = "100mbit"
# How often the link looks: six times while a segment passes the bottleneck.
GRAIN = "20us"
# The queue of stubborn's TUN interface, in packets: more than any window here.
QUEUE = 2000


def priority(level):
    """So that what else the machine does delays nobody: where this user may."""
    words = ["chrt", "-f", str(level)]
    may = shutil.which("chrt") and subprocess.run(words + ["true"], capture_output=True)
    return words if may and may.returncode == 0 else []


class Path:
    """Two namespaces, and a `stubborn link` between them, which is the bottleneck."""

    # The kernel's ends of the path, and what is behind them: the kernel's address and stubborn's.
    SENDER, RECEIVER = "10.9.0.1", "10.9.0.2"
    BEHIND_SENDER = "10.8.1.1", "10.8.1.2"
    BEHIND_RECEIVER = "10.8.2.1", "10.8.2.2"

    def __init__(self, stack, words):
        middle, self.sender, self.receiver = (Namespace(stack) for _ in range(3))
        words = ["link", "--tun", "near", "--tun", "far", *words]
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
        for namespace, interface, _ in self.ends():
            namespace.await_carrier(interface)

    def ends(self):
        """The link's two ends, each in its namespace, and their addresses."""
        yield self.sender, "near", self.SENDER
        yield self.receiver, "far", self.RECEIVER

    def neighbour(self, namespace):
        """Who forwards to what is behind an end."""
        return self.receiver if namespace is self.sender else self.sender

    def put_behind(self, namespace, end, addresses):
        """A TUN interface for stubborn behind an end of the path: its address."""
        kernel, address = addresses
        namespace.run("ip", "tuntap", "add", "dev", "tun0", "mode", "tun")
        namespace.run("ip", "link", "set", "tun0", "txqueuelen", QUEUE)
        namespace.address("tun0", kernel)
        namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        network = kernel.rpartition(".")[0] + ".0/24"
        self.neighbour(namespace).run("ip", "route", "add", network, "via", end)
        return address

    def serve(self, stack, who):
        """Starts a sender: its address."""
        if who == "kernel":
            address, words = self.SENDER, [BIN / "bench-load", "serve", self.SENDER]
        else:
            address = self.put_behind(self.sender, self.SENDER, self.BEHIND_SENDER)
            words = [BIN / "bench-stubborn", "tun0", address]
        stack.enter_context(started(self.sender.enter + priority(10) + words, "ready"))
        return address

    def receive(self, who, server, seconds):
        """A receiver, running."""
        if who == "kernel":
            words = [BIN / "bench-load", "out", server, seconds]
        else:
            address = self.put_behind(self.receiver, self.RECEIVER, self.BEHIND_RECEIVER)
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


class FilteredPath(Path):
    """A path whose bottleneck is the kernel's: a token bucket filter on a router, between the sender and
    a link that only delays. (At the sender itself the kernel would not fill a queue of its own.)"""

    SENDER = "10.7.0.1"
    ROUTER, ROUTER_FAR = "10.7.0.2", "10.9.0.1"

    def __init__(self, stack, delay, queue):
        self.router = Namespace(stack)
        super().__init__(stack, ["--delay", delay])
        self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        peer = ["peer", "name", "eth0", "netns", self.sender.pid]
        self.router.run("ip", "link", "add", "eth0", "type", "veth", *peer)
        # The filter is to judge each segment by itself, as any other queue would.
        self.sender.run("ip", "link", "set", "eth0", "gso_max_segs", 1)
        self.router.address("eth0", self.ROUTER)
        self.sender.address("eth0", self.SENDER)
        self.sender.run("ip", "route", "add", "default", "via", self.ROUTER)
        self.receiver.run("ip", "route", "add", "default", "via", self.ROUTER_FAR)
        # The bucket holds a millisecond's worth: a timer that is late costs no rate.
        words = ["rate", RATE, "burst", 12000, "limit", queue]
        self.router.run("tc", "qdisc", "replace", "dev", "near", "root", "tbf", *words)

    def ends(self):
        yield self.router, "near", self.ROUTER_FAR
        yield self.receiver, "far", self.RECEIVER

    def neighbour(self, namespace):
        return self.router


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


def check_kernel():
    """The kernel's side is CUBIC, or there is nothing to compare."""
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
        known = file.read().split()
    if "cubic" not in known:
        raise Failure(f"this kernel has no CUBIC, only {', '.join(known)}")
