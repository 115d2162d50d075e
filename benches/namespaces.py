"""Network namespaces and programs in them, for the benchmarks."""

import contextlib
import json
import pathlib
import select
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "target/bench/build/release"
OUT = ROOT / "target/bench"

# Every child dies with this program, however it ends.
LEASH = ["setpriv", "--pdeathsig", "KILL", "--"]


class Failure(Exception):
    """A run that gave no figure, and why."""


def command(*words):
    """What a command prints."""
    return run_quietly(words).stdout


def run_quietly(words, timeout=None):
    """Runs a command that exits with 0 when it works."""
    words = list(map(str, words))
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(words)}: no end after {timeout} s") from None
    if result.returncode:
        raise Failure(f"{' '.join(words)}: {result.stderr.strip()}")
    return result


@contextlib.contextmanager
def started(words, ready):
    """A child that has said `ready`; killed at the end."""
    child = subprocess.Popen(
        LEASH + list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        readable, _, _ = select.select([child.stdout], [], [], 5)
        if not readable or child.stdout.readline().strip() != ready:
            raise Failure(f"{pathlib.Path(str(words[0])).name} did not start")
        yield child
    finally:
        child.kill()
        child.wait()


class Namespace:
    """A network namespace, which lives as long as the process that holds it."""

    def __init__(self, stack):
        hold = ["unshare", "--net", "sh", "-c", "echo held; exec cat"]
        self.pid = stack.enter_context(started(hold, "held")).pid
        self.enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        self.run("ip", "link", "set", "lo", "up")
        # Each connection leaves a port in TIME-WAIT; the kernel slows down when few are left.
        self.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535")

    def run(self, *words):
        return command(*self.enter, *words)

    def address(self, interface, address):
        self.run("ip", "address", "add", f"{address}/24", "dev", interface)
        self.run("ip", "link", "set", interface, "up")

    def await_carrier(self, interface):
        """The kernel notices a little later that somebody is at the other end; what it sends until
        then is lost."""
        for _ in range(500):
            if json.loads(self.run("ip", "-j", "link", "show", interface))[0]["qdisc"] != "noop":
                return
            time.sleep(0.01)
        raise Failure(f"{interface} has no carrier")

    def counters(self, interface):
        """What the interface's queue lost and what the kernel sent again."""
        link = json.loads(self.run("ip", "-s", "-j", "link", "show", interface))[0]
        names, values = [
            line.split()[1:]
            for line in self.run("cat", "/proc/net/snmp").splitlines()
            if line.startswith("Tcp:")
        ]
        again = int(dict(zip(names, values))["RetransSegs"])
        return {"queue_lost": link["stats64"]["tx"]["dropped"], "kernel_resent": again}


def say(text, end="\n"):
    print(text, end=end, file=sys.stderr, flush=True)
