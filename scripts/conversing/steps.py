"""Conversations: each step is a call or what the peer does, and its own number says how."""

import random
import time

from peer import COOKIES, Peer
from wire import ERRORS

# How long the steps of a conversation may take, in seconds, and after how many resets it ends.
LONGEST, RESETS = 8, 2
INFO_SAID = (
    "state ca_state retransmits probes backoff options unacked sacked lost retrans snd_cwnd snd_ssthresh snd_mss "
    "rcv_mss reordering total_retrans bytes_acked bytes_received segs_in notsent_bytes data_segs_in data_segs_out "
    "delivered delivered_ce bytes_sent bytes_retrans dsack_dups reord_seen rcv_ooopack snd_wnd"
).split()
ASKED = [
    ("SOL_IP", "IP_MTU_DISCOVER"),
    ("SOL_SOCKET", "SO_ERROR"),
    ("SOL_SOCKET", "SO_RCVBUF"),
    ("SOL_SOCKET", "SO_RCVLOWAT"),
    ("SOL_SOCKET", "SO_SNDBUF"),
    ("SOL_TCP", "TCP_DEFER_ACCEPT"),
    ("SOL_TCP", "TCP_LINGER2"),
    ("SOL_TCP", "TCP_MAXSEG"),
    ("SOL_TCP", "TCP_NODELAY"),
    ("SOL_TCP", "TCP_QUICKACK"),
    ("SOL_TCP", "TCP_USER_TIMEOUT"),
    ("SOL_TCP", "TCP_WINDOW_CLAMP"),
]
# Steps that need a connection that is still held.
CALLS = ("close", "get_option", "info", "ioctl", "option", "poll", "read", "shutdown", "write")
MSG_OOB, MSG_PEEK, MSG_MORE, MSG_FASTOPEN = 1, 2, 0x8000, 0x20000000


class Conversation(Peer):
    """A plan as it is carried out."""

    def __init__(self, plan):
        super().__init__(plan)
        self.listener = self.fd = None
        self.is_active = self.is_open = False

    def hold_conversation(self):
        r = random.Random(self.plan["seed"])
        self.open(r)
        began = time.time()
        for step in self.plan["steps"]:
            if time.time() - began > LONGEST or self.resets > RESETS:
                break
            self.wait(step["wait"])
            self.take(step)
        self.wait(self.plan["end"])
        # What shows in which state it ended.
        if self.fd in self.sockets:
            self.info(self.fd, ["state", "ca_state", "snd_cwnd"])
        self.send_text("P.", self.next, 1, self.acked)
        self.wait(0.06)
        self.await_call()

    def take(self, step):
        if step["name"] in CALLS and self.fd not in self.sockets:
            if self.fd is None:
                self.fd = self.accept(self.listener)
            return
        self.step = step
        getattr(self, f"step_{step['name']}")(random.Random(step["seed"]))

    # --- opening ---

    def open(self, r):
        opening = self.plan["opening"]
        fd = self.socket()
        for option in self.plan["early"]:
            self.set(fd, *option)
        if opening in ("active", "simultaneous", "syn-sent", "fast-active"):
            self.is_active, self.fd, self.ports = True, fd, (8080, 0)
            self.open_actively(opening)
        else:
            self.listener = fd
            self.listen()
            self.open_passively(opening, r)

    def open_actively(self, opening):
        made, peer = self.sockets[self.fd], (self.ends.remote, 8080)
        if opening == "fast-active":
            self.send_opening(self.fd, 1000)
        else:
            self.succeed(f"connect({self.fd}, ..., ...)", lambda: made.connect(peer))
        self.wait(self.plan["round_trip"])
        if opening == "simultaneous":
            self.send_syn()
        elif opening != "syn-sent":
            self.send_syn(ack=1)
            self.is_open = True

    def send_opening(self, fd, count):
        """Opens with text on the SYN; or without, where the system lets no client do so."""
        made, peer = self.sockets[fd], (self.ends.remote, 8080)
        text = f"sendto({fd}, ..., {count}, MSG_FASTOPEN, ..., ...)"
        self.call(text, lambda: made.sendto(bytes(count), MSG_FASTOPEN, peer))
        if not int(self.plan["sysctls"].get("tcp_fastopen", "1"), 0) & 1:
            self.succeed(f"connect({fd}, ..., ...)", lambda: made.connect(peer))

    def listen(self):
        made = self.sockets[self.listener]
        self.set(self.listener, "SOL_SOCKET", "SO_REUSEADDR", 1)
        self.succeed(f"bind({self.listener}, ..., ...)", lambda: made.bind((self.ends.local, 8080)))
        self.succeed(f"listen({self.listener}, 1)", lambda: made.listen(1))

    def open_passively(self, opening, r):
        if opening == "fast-passive":
            self.send_syn(length=r.randint(100, 500), cookie=COOKIES[self.plan["version"]])
            self.advance(self.kernel_next)
            self.fd = self.accept(self.listener)
        else:
            self.send_syn()
        if opening == "syn-received":
            return
        self.wait(self.plan["round_trip"])
        self.is_open = True
        if opening == "with-text":
            self.send_text("P.", 1, 300, 1)
            self.advance(301)
        else:
            self.send(".", self.next, 0, 1)
        if self.fd is None:
            self.fd = self.accept(self.listener)

    def step_open(self, r):
        if self.is_open:
            return
        self.is_open = True
        if not self.is_active:
            self.send(".", 1, 0, 1)
            if self.fd is None:
                self.fd = self.accept(self.listener)
        elif self.plan["opening"] == "simultaneous" and r.random() < 0.5:
            self.send(".", 1, 0, 1)
        else:
            self.send_syn(ack=1)

    # --- calls ---

    def step_write(self, r):
        fd, made = self.fd, self.sockets[self.fd]
        mss = self.mss
        count = r.choice([1, 10, 100, 500, mss, mss, 1000, 2 * mss, 3000, 5000, 10000, 20000, 40000])
        flags, text = r.choices([(0, ""), (MSG_OOB, "MSG_OOB"), (MSG_MORE, "MSG_MORE")], [84, 8, 8])[0]
        text = f"send({fd}, ..., {count}, {text})" if flags else f"write({fd}, ..., {count})"
        self.call(text, lambda: made.send(bytes(count), flags))

    def step_read(self, r):
        fd, made = self.fd, self.sockets[self.fd]
        count = r.choice([1, 10, 500, 2000, 100000, 100000, 100000])
        if r.random() < 0.1:
            self.call(f"recv({fd}, ..., {count}, MSG_PEEK)", lambda: len(made.recv(count, MSG_PEEK)))
        else:
            self.call(f"read({fd}, ..., {count})", lambda: len(made.recv(count)))

    def step_shutdown(self, r):
        made = self.sockets[self.fd]
        how, name = r.choices([(1, "SHUT_WR"), (0, "SHUT_RD"), (2, "SHUT_RDWR")], [75, 13, 12])[0]
        self.succeed(f"shutdown({self.fd}, {name})", lambda: made.shutdown(how))

    def step_close(self, r):
        self.succeed(f"close({self.fd})", self.sockets.pop(self.fd).close)

    def step_option(self, r):
        self.set(self.fd, *self.step["option"])

    def set(self, fd, level, name, value):
        self.set_option(fd, *self.of_version(level, name), value)

    def of_version(self, level, name):
        """The options of IP have names of their own in IPv6."""
        if level == "SOL_IP" and not self.ends.is_ipv4:
            return "SOL_IPV6", name.replace("IP_", "IPV6_")
        return level, name

    def step_get_option(self, r):
        self.get_option(self.fd, *self.of_version(*r.choice(ASKED)))

    def step_info(self, r):
        self.info(self.fd, INFO_SAID)

    def step_ioctl(self, r):
        self.ioctl(self.fd, r.choice(["SIOCINQ", "SIOCOUTQ", "SIOCOUTQNSD"]))

    def step_poll(self, r):
        self.poll_socket(self.fd)

    # --- what the peer sends ---

    def length(self, r):
        full = min(self.mss, 1440)
        return r.choice([1, 10, 100, 100, 500, full, full, full, 1400])

    def step_text(self, r):
        """Text in order; almost always no more than the window takes."""
        length, push = self.length(r), r.choice(["P.", "."])
        for _ in range(r.choice([1] * 7 + [6, 7, 7])):
            if self.has_ended and self.next >= self.top:
                break
            fitting = length if r.random() < 0.05 else min(length, self.edge - self.next)
            if fitting <= 0 and r.random() < 0.5:
                break
            fitting = fitting if fitting > 0 else length
            self.send_text(push, self.next, fitting, self.acknowledge(r))
            self.advance(self.next + fitting)

    def step_gap(self, r):
        """Text beyond a gap, or beyond what lies there."""
        length = self.length(r)
        width = r.choice([1, 100, self.mss, self.mss, 3 * self.mss])
        behind = bool(self.held) and r.random() < 0.6
        first = self.held[-1][1] if behind else self.next
        first += 0 if behind and r.random() < 0.5 else width
        self.send_text(r.choice(["P.", "."]), first, length, self.acknowledge(r))
        self.hold(first, first + length)

    def step_fill(self, r):
        """Text into the first gap: up to what lies beyond it, less, more, or only its end."""
        if not self.held:
            return self.step_text(r)
        first, (begin, end), full = self.next, self.held[0], min(self.mss, 1440)
        match r.choices(["up to", "less", "more", "end"], [60, 15, 15, 10])[0]:
            case "up to":
                length = min(full, begin - first)
            case "less":
                length = max(1, min(full, begin - first) // 2)
            case "more":
                length = min(full, end - first)
            case "end":
                length = min(full, begin - first)
                first = begin - length
        if length <= 0:
            return
        self.send_text(r.choice(["P.", "."]), first, length, self.acknowledge(r))
        if first <= self.next:
            self.advance(first + length)
        else:
            self.hold(first, first + length)

    def step_old(self, r):
        """Text that was sent before, or a part of it."""
        if not self.texts:
            return
        first, end = r.choice(self.texts)
        match r.choices(["same", "end", "earlier"], [5, 3, 2])[0]:
            case "end":
                first += (end - first) // 3
            case "earlier":
                first, end = max(1, first - 1), end - 1
        self.send_text(r.choice(["P.", "."]), first, end - first, self.acknowledge(r))

    def step_overlap(self, r):
        """Old text and new in one segment."""
        if self.next < 2:
            return
        first = self.next - min(self.next - 1, r.choice([1, 50, 500]))
        end = min(self.next + r.choice([1, 100, 500]), first + 1400)
        self.send_text("P.", first, end - first, self.acknowledge(r))
        self.advance(max(self.next, end))

    def step_beyond(self, r):
        """Text about the edge of the window, or far beyond it."""
        first = max(0, self.edge) + r.choice([-100, -1, 0, 1, 1000, 100000])
        self.send(r.choice(["P.", "."]), first, r.choice([1, 100, 500, 1000]), self.acknowledge(r))

    def step_fin(self, r):
        if self.has_ended:
            return self.send("F.", self.top - 1, 0, self.acknowledge(r))
        if self.held and r.random() < 0.7:
            return None
        length = r.choice([0, 0, 100])
        flags, first = "FP." if length else "F.", self.top if self.held else self.next
        self.send_text(flags, first, length, self.acknowledge(r))
        self.has_ended = True
        if self.held:
            self.hold(first, first + length + 1)
        else:
            self.advance(first + length + 1)
        return None

    def step_fin_misplaced(self, r):
        window = self.edge - self.next
        first = max(0, self.next + r.choice([100, -1, -10, 1, window, window + 1]))
        self.send("F.", first, r.choice([0, 0, 100]), self.acknowledge(r))

    def step_urgent(self, r):
        length = r.choice([1, 10, 100, 500])
        urgent = r.choice([length, 1, length + 10, max(1, length // 2)])
        self.send_text("PU.", self.next, length, self.acknowledge(r), urgent=urgent)
        self.advance(self.next + length)

    # --- what the peer acknowledges ---

    def step_ack(self, r):
        missing, ack = self.unacknowledged(), self.kernel_top
        match r.choices(["all", "some", "part", "same", "old", "beyond"], [49, 30, 7, 6, 5, 3])[0]:
            case "some" if missing:
                ack = r.choice(missing)[1]
            case "part" if missing:
                ack = sum(r.choice(missing)) // 2
            case "same":
                ack = self.acked
            case "old":
                return self.send_ack(max(1, self.acked - r.randint(1, 2000)))
            case "beyond":
                return self.send_ack(self.kernel_top + r.choice([1, 500, 70000]))
        self.acked = max(self.acked, ack)
        self.join_acked()
        return self.send_ack()

    def join_acked(self):
        """What was reported beyond a gap is acknowledged with what fills it."""
        self.join_reported()
        if self.reported and self.reported[0][0] <= self.acked:
            self.acked = max(self.acked, self.reported[0][1])

    def step_receive(self, r):
        """A receiver as it should be, of what has come since, some of which was lost."""
        lost, every, pause = r.choice([0, 0, 0.1, 0.25, 0.5]), r.choice([1, 1, 2]), r.choice([0, 0, 0.002, 0.011])
        came = self.transmissions[self.read_up_to :][:40]
        self.read_up_to, waiting = len(self.transmissions), 0
        for index, span in enumerate(came):
            is_last = index == len(came) - 1
            if r.random() < lost and not is_last:
                continue
            is_old = span[1] <= self.acked or any(it[0] <= span[0] and span[1] <= it[1] for it in self.reported)
            self.reported.append(span)
            self.join_acked()
            if self.acked == self.kernel_top - 1:
                self.acked = self.kernel_top
            waiting += 1
            report = self.report(span)
            if not is_old and not report and waiting % every and not is_last:
                continue
            if pause:
                self.wait(pause)
            self.send_ack(newest=span, duplicate=span if is_old else None)

    def step_sack(self, r):
        """Something beyond what is acknowledged has come: of one segment, of several, or of a part."""
        spans = sorted(span for span in self.ranges if span[0] > self.acked)
        if not self.plan["sack"] or not spans:
            return self.step_duplicate_ack(r)
        at = r.randrange(len(spans))
        first, end = spans[at][0], spans[min(len(spans) - 1, at + r.choice([0, 0, 0, 1, 2, 5]))][1]
        if r.random() < 0.2:
            first += r.randrange(end - first)
        self.reported.append((first, end))
        return self.send_ack(newest=(first, end))

    def step_dsack(self, r):
        old = sorted(span for span in self.ranges if span[1] <= self.acked)
        if old and r.random() < 0.7:
            duplicate = r.choice(old)
        elif self.reported:
            first, end = self.reported[-1]
            duplicate = (first, min(end, first + self.mss))
        else:
            return
        if self.plan["sack"]:
            self.send_ack(duplicate=duplicate)

    def step_duplicate_ack(self, r):
        for _ in range(r.randint(1, 4)):
            self.send_ack()

    def step_window(self, r):
        """Another window: closed, smaller, larger, of about a segment."""
        window, shift = self.window, self.plan["shift"] or 0
        small = [max(1, it) for it in (window // 2, window // 10, window - 1, 2 * self.mss >> shift, 500 >> shift)]
        large = [min(65535, it) for it in (2 * window, 65535, window + 1)]
        self.window = r.choice([0, 0, 1, *small, *large, self.plan["window"]])
        self.acknowledge(r, 0.4)
        self.send_ack()

    # --- what should not come ---

    def step_reset(self, r):
        window = self.edge - self.kernel_next
        offset = r.choice([0, 0, 1, -1, 100, window, window + 1, window - 1, -1000])
        first = max(0, self.kernel_next + offset)
        if r.random() < 0.6:
            self.send("R", first, window=r.choice([0, self.window]))
        else:
            self.send("R.", first, r.choice([0] * 9 + [10]), self.acked, window=0)

    def step_syn(self, r):
        first = r.choice([0, 0, self.kernel_next, self.kernel_next + 100, self.edge, self.edge + 10, 1])
        flags = r.choice(["S", "S", "S", "S", "S.", "S.", "SF"])
        ack = self.acked if "." in flags else None
        self.send(flags, first, r.choice([0] * 9 + [10]), ack, self.syn_options(flags))

    def step_odd(self, r):
        flags = r.choice(["-", "P", "F", ".", "FR.", "U.", "FPUEW.", "FP", "FS."])
        first = max(0, r.choice([self.next, self.next, self.next - 1, self.edge]))
        ack = self.acked if "." in flags else None
        self.send(flags, first, r.choice([0, 0, 10]), ack, urgent=int("U" in flags))

    def step_ecn(self, r):
        """Congestion that a router marked, or the peer reports."""
        if r.random() < 0.35:
            self.acknowledge(r, 0.5)
            self.send("E.", self.next, 0, self.acked)
            return
        flags, mark = r.choice([("P.", "ce"), ("P.", "ect0"), ("PW.", "ect0")])
        self.send_text(flags, self.next, 100, self.acknowledge(r), ecn=mark)
        self.advance(self.next + 100)

    def step_badly_stamped(self, r):
        stamp = r.choice(["old", "older", "none", "no echo", "old echo", "future"])
        if r.random() < 0.5:
            self.acknowledge(r, 0.6)
            return self.send(".", self.next, 0, self.acked, stamp=stamp)
        self.send_text("P.", self.next, 100, self.acknowledge(r), stamp=stamp)
        return None if "old" in stamp[:5] and "echo" not in stamp else self.advance(self.next + 100)

    def step_error(self, r):
        """A router reports an error: of what waits for an acknowledgment, or of what cannot be."""
        kind, code, words = r.choice(ERRORS[self.plan["version"]])
        last = self.ranges[-1] if self.ranges else (self.acked, self.acked)
        oldest = next(iter(self.unacknowledged()), last)
        top = self.kernel_top
        past, coming = (max(0, self.acked - 1000), max(1, self.acked - 500)), (top + 1000, top + 1500)
        quoted = r.choice([oldest, oldest, last, (top, top), past, coming])
        if top == 1 and not self.is_open:
            quoted = (0, 0)
        mtu = 0
        if words.endswith(("frag_needed", "packet_too_big")):
            mtu = r.choice([1400, 1000, 600, 296, 1200, 1500]) + (0 if self.ends.is_ipv4 else 20)
            words += f" mtu {mtu}"
        self.inject_error((kind, code, mtu), words, quoted, self.ports[::-1])

    # --- time ---

    def step_wait(self, r):
        """Only waits."""

    step_wait_long = step_wait
