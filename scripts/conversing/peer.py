"""What the peer of a conversation knows: what has passed in both directions, and how its segments look."""

import time

from kernel import Kernel
from wire import NO_ECHO, Segment

# TCP_FASTOPEN_KEY of kernel.SYSCTLS gives these addresses this cookie.
COOKIES = {"ipv4": "3021b9d889017eeb", "ipv6": "c1d1e9742a47a9bc"}
NOP = ("nop",)
# The clock of the peer's timestamps, in milliseconds.
FIRST_STAMP = 100_000


class Peer(Kernel):
    """Sends segments that fit what has passed, or do not."""

    def __init__(self, plan):
        super().__init__(plan["version"], plan["sysctls"], plan.get("mtu"))
        self.plan = plan
        # SND.NXT of the peer, the end of all it has sent, what it sent last, and what of this lies beyond gaps.
        self.next = self.top = 1
        self.texts, self.held = [], []
        self.has_ended = False
        # RCV.NXT of the kernel and the edge of its window, as last said.
        self.kernel_next, self.edge, self.shift, self.resets = 1, 65535, 0, 0
        # What the kernel sent: every time, each range once, its end, how much of it was received.
        self.transmissions, self.ranges, self.kernel_top, self.read_up_to = [], [], 1, 0
        # What the peer acknowledges and reports.
        self.acked, self.reported = 1, []
        self.window, self.stamp_offset, self.kernel_stamp = plan["window"], 0, 0
        # Its port, and that of the kernel.
        self.ports = (41000, 8080)

    @property
    def mss(self):
        return self.plan["mss"]

    @property
    def reports(self):
        """Whether SACK was agreed to."""
        return self.plan["sack"] and self.plan["sysctls"].get("tcp_sack") != "0"

    def sent(self, segment):
        stamp = next((option[2] for option in segment.options if option[0] == "TS"), None)
        self.kernel_stamp = self.kernel_stamp if stamp is None else stamp
        if segment.has("R"):
            self.resets += 1
            return
        end = segment.seq + segment.length + segment.has("F")
        if segment.has("S"):
            shift = next((option[1] for option in segment.options if option[0] == "wscale"), 0)
            self.shift = shift if self.plan["shift"] is not None else 0
            self.ports = (self.ports[0], segment.ports[0])
            self.edge, end = segment.window, segment.length + 1
        self.kernel_top = max(self.kernel_top, end)
        if segment.length:
            first = max(segment.seq, 1)
            span = (first, first + segment.length)
            self.transmissions += [span] if not segment.has("S") else []
            self.ranges += [span] if span not in self.ranges else []
        if segment.ack is not None and segment.ack >= self.kernel_next:
            self.kernel_next = segment.ack
            self.edge = segment.ack + (segment.window << (0 if segment.has("S") else self.shift))

    # --- segments ---

    def send(self, flags, seq, length=0, ack=None, options=(), stamp="now", window=None, **fields):
        """Sends a segment; its timestamp is put before what it reports."""
        window = self.window if window is None else window
        options = list(options)
        told = self.timestamp(flags, stamp) if "S" not in flags else None
        if told:
            options = [NOP, NOP, told, *options]
        self.inject(Segment(flags, seq, length, ack, window, options=options, **fields), self.ports)

    def timestamp(self, flags, stamp="now"):
        agreed = self.plan["timestamps"] and (self.kernel_stamp or "S" in flags)
        if stamp == "none" or not agreed:
            return None
        value = FIRST_STAMP + self.stamp_offset + int((time.time() - self.start) * 1000)
        echo = self.kernel_stamp if "." in flags and self.kernel_stamp else NO_ECHO
        match stamp:
            case "old":
                value -= 5000
            case "older":
                value -= 70000
            case "future":
                value, self.stamp_offset = value + 20000, self.stamp_offset + 20000
            case "no echo":
                echo = NO_ECHO
            case "old echo" if echo != NO_ECHO:
                echo = max(100, echo - 1000)
        return "TS", "val", value, "ecr", echo

    def send_syn(self, ack=None, length=0, cookie=None):
        plan = self.plan
        flags = "S" + ("" if not plan["ecn"] else "E" if ack is not None else "EW") + ("" if ack is None else ".")
        options = self.syn_options(flags)
        if cookie:
            options += [("FO", cookie), *[NOP] * (-(2 + len(cookie) // 2) % 4)]
        self.send(flags, 0, length, ack, options, window=plan["syn_window"])

    def syn_options(self, flags):
        plan, stamp = self.plan, self.timestamp(flags)
        if not plan["options"]:
            return []
        options = [("mss", plan["mss"])]
        if plan["sack"]:
            options += [("sackOK",), *([stamp] if stamp else [NOP, NOP])]
        elif stamp:
            options += [NOP, NOP, stamp]
        return options + ([NOP, ("wscale", plan["shift"])] if plan["shift"] is not None else [])

    def send_text(self, flags, seq, length, ack, **fields):
        self.send(flags, seq, length, ack, **fields)
        if length:
            self.texts = [*self.texts[-11:], (seq, seq + length)]

    def advance(self, end):
        """Text in order up to `end`, and what it joins."""
        self.top = max(self.top, end)
        for first, last in sorted(self.held):
            if first <= end:
                self.held.remove((first, last))
                end = max(end, last)
        self.next = end

    def hold(self, first, last):
        """Text beyond a gap."""
        self.held = sorted([*self.held, (first, last)])
        self.top = max(self.top, last)

    # --- acknowledgments ---

    def acknowledge(self, r, share=0.3):
        """What an acknowledgment says: as a rule the same as the last."""
        if r.random() < share:
            self.acked = max(self.acked, self.kernel_top)
        return self.acked

    def join_reported(self):
        joined = []
        for first, last in sorted(self.reported):
            if last <= self.acked:
                continue
            first = max(first, self.acked)
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        self.reported = joined

    def report(self, newest=None, duplicate=None):
        """The SACK option, with what came last first."""
        self.join_reported()
        if not self.reports:
            return []
        blocks = self.reported[::-1]
        if newest:
            blocks.sort(key=lambda block: not block[0] <= newest[0] < block[1])
        blocks = ([duplicate] if duplicate else []) + blocks
        blocks = [f"{first}:{last}" for first, last in blocks[: 3 if self.plan["timestamps"] else 4]]
        return [NOP, NOP, ("sack", *blocks)] if blocks else []

    def send_ack(self, ack=None, newest=None, duplicate=None):
        ack = self.acked if ack is None else ack
        self.send(".", self.next, 0, ack, self.report(newest, duplicate))

    def unacknowledged(self):
        return sorted(span for span in self.ranges if span[1] > self.acked)
