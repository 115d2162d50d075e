"""What only conversations with a theme have: Fast Open with cookies, marks, epoll, zero copy, lingering."""

import random
import select
import struct

from kernel import number
from peer import COOKIES, NOP
from steps import Conversation
from wire import ERRORS, Numbers

MSG_ERRQUEUE, MSG_ZEROCOPY = 0x2000, 0x4000000
# The cookie that the peer gives.
GIVEN = "0123456789abcdef"
EVENTS = ["EPOLLIN", "EPOLLOUT", "EPOLLRDHUP", "EPOLLPRI"]
TOLD = [*EVENTS, "EPOLLERR", "EPOLLHUP"]
ORIGINS = ["NONE", "LOCAL", "ICMP", "ICMP6", "TXSTATUS", "ZEROCOPY"]
MTUS = [1499, 1492, 1400, 1280, 1006, 600, 576, 552, 296, 68, 0, 9000]


class Special(Conversation):
    """A conversation of a theme."""

    def __init__(self, plan):
        super().__init__(plan)
        self.epoll = self.epoll_fd = None
        self.lingers = False

    # --- opening with Fast Open ---

    def open(self, r):
        opening = self.plan["opening"]
        if not opening.startswith("cookie"):
            return super().open(r)
        if opening == "cookie-again":
            self.open_before()
        fd = self.socket()
        for option in self.plan["early"]:
            self.set(fd, *option)
        if opening == "cookie-passive":
            self.listener = fd
            self.listen()
            return self.ask_with_cookie(r)
        self.is_active, self.fd, self.ports = True, fd, (8080, 0)
        return self.send_with_syn(r)

    def open_before(self):
        """A connection that brings the kernel a cookie, and ends."""
        fd = self.fd = self.socket()
        self.ports = (8080, 0)
        self.send_opening(fd, 10)
        self.wait(0.03)
        self.acked = self.kernel_top
        self.answer_with_cookie(self.acked, GIVEN)
        self.wait(0.03)
        self.send(".", 1, 0, self.kernel_top)
        self.succeed(f"close({fd})", self.sockets.pop(fd).close)
        self.wait(0.03)
        self.send("F.", 1, 0, self.kernel_top)
        self.wait(0.05)
        self.begin_again()

    def begin_again(self):
        """Another connection, of which nothing has passed."""
        self.next = self.top = self.kernel_next = self.kernel_top = self.acked = 1
        self.edge, self.kernel_stamp, self.read_up_to = 65535, 0, 0
        self.transmissions, self.ranges = [], []
        self.numbers = Numbers()

    def send_with_syn(self, r):
        made, fd, peer = self.sockets[self.fd], self.fd, (self.ends.remote, 8080)
        count = r.choice([1, 100, 1000, 1460, 3000])
        if r.random() < 0.3:
            self.set(fd, "SOL_TCP", "TCP_FASTOPEN_CONNECT", 1)
            self.succeed(f"connect({fd}, ..., ...)", lambda: made.connect(peer))
            self.call(f"write({fd}, ..., {count})", lambda: made.send(bytes(count)))
        else:
            self.send_opening(fd, count)
        self.wait(self.plan["round_trip"])

    def ask_with_cookie(self, r):
        right = COOKIES[self.plan["version"]]
        cookie = r.choice([right, right, right, "", "", "00" * 8, None])
        length = r.choice([0, 1, 100, 500, min(self.mss, 1400)])
        options = self.syn_options("S")
        if cookie is not None:
            options += [("FO", cookie) if cookie else ("FO",), *[NOP] * (-(2 + len(cookie) // 2) % 4)]
        self.send("S", 0, length, None, options, window=self.plan["syn_window"])
        self.advance(self.kernel_next)
        self.fd = self.accept(self.listener)

    def answer_with_cookie(self, ack, cookie):
        options = self.syn_options("S.")
        if cookie:
            options += [("FO", cookie), *[NOP] * (-(2 + len(cookie) // 2) % 4)]
        self.send("S.", 0, 0, ack, options, window=self.plan["syn_window"])

    def step_open(self, r):
        if not self.plan["opening"].startswith("cookie") or self.is_open:
            return super().step_open(r)
        self.is_open = True
        if not self.is_active:
            self.acked = r.choice([1, self.kernel_top])
            self.send(".", self.next, 0, self.acked)
            if self.fd is None:
                self.fd = self.accept(self.listener)
            return None
        top = self.kernel_top
        self.acked = r.choice([1, top, top, top, max(1, top // 2)])
        return self.answer_with_cookie(self.acked, r.choice([None, None, GIVEN, "fedcba98"]))

    # --- marks ---

    def send_syn(self, ack=None, length=0, cookie=None):
        """With "accurate" a SYN asks for Accurate ECN (RFC 9768), and the answer to one may be of any kind."""
        if self.plan["ecn"] != "accurate":
            return super().send_syn(ack, length, cookie)
        answers = ["SE.", "SEW.", "SW.", "SA.", "SWA.", "SEA.", "SEWA."]
        flags = "SEWA" if ack is None else random.Random(self.plan["seed"] + 1).choice(answers)
        return self.send(flags, 0, 0, ack, self.syn_options(flags), window=self.plan["syn_window"])

    def step_marked(self, r):
        """A router has marked what the peer sends, or the peer says so, or that it has sent less."""
        flags, mark = r.choice(["", "", "", "E", "E", "W"]), r.choice([None, "ect0", "ect0", "ce", "ce", "ect1"])
        self.acknowledge(r, 0.6)
        if r.random() < 0.5:
            return self.send(f"{flags}.", self.next, 0, self.acked, self.report(), ecn=mark)
        length = r.choice([1, 100, self.mss])
        length = min(length, 1400, max(1, self.edge - self.next))
        self.send_text(f"P{flags}.", self.next, length, self.acked, ecn=mark)
        return self.advance(self.next + length)

    # --- the path ---

    def step_path_error(self, r):
        """A router has no room for something in flight."""
        missing = self.unacknowledged()
        if not missing:
            return
        kind, code, words = next(it for it in ERRORS[self.plan["version"]] if it[2].endswith(("needed", "too_big")))
        mtu = r.choice(MTUS) + (0 if self.ends.is_ipv4 else 20)
        self.inject_error((kind, code, mtu), f"{words} mtu {mtu}", r.choice(missing), self.ports[::-1])

    # --- calls ---

    def step_epoll(self, r):
        if self.fd not in self.sockets:
            return
        if self.epoll is None:
            self.epoll, self.epoll_fd, self.next_fd = select.epoll(), self.next_fd, self.next_fd + 1
            self.succeed("epoll_create(1)", lambda: self.epoll_fd)
            self.change_interest(r, "ADD", self.epoll.register)
        elif r.random() < 0.25:
            self.change_interest(r, "MOD", self.epoll.modify)
        ready = []

        def wait():
            ready.extend(self.epoll.poll(0, 1))
            return len(ready)

        when = len(self.lines)
        count = self.call("epoll_wait", wait)
        names = "|".join(name for name in TOLD if ready and ready[0][1] & number(name))
        told = f"{{events={names}, fd={self.fd}}}" if ready else "{events=0, ptr=0}"
        self.retell(when, f"epoll_wait({self.epoll_fd}, {told}, 1, 0) = {count}")

    def change_interest(self, r, how, change):
        names = [name for name in EVENTS if r.random() < 0.6] + r.choice([["EPOLLET"], ["EPOLLET"], [], ["EPOLLONESHOT"]])
        mask = sum(map(number, names))
        text = f"epoll_ctl({self.epoll_fd}, EPOLL_CTL_{how}, {self.fd}, {{events={'|'.join(names) or 0}, fd={self.fd}}})"
        self.succeed(text, lambda: change(self.sockets[self.fd].fileno(), mask))

    def step_zero_copy(self, r):
        if self.fd not in self.sockets:
            return
        made, count = self.sockets[self.fd], r.choice([1, 100, 1000, 4000, 10000, 30000])
        text = f"send({self.fd}, ..., {count}, MSG_ZEROCOPY)"
        self.call(text, lambda: made.send(bytes(count), MSG_ZEROCOPY))

    def step_error_queue(self, r):
        if self.fd not in self.sockets:
            return
        made, when, found = self.sockets[self.fd], len(self.lines), []

        def receive():
            found.extend(made.recvmsg(0, 512, MSG_ERRQUEUE)[1:3])
            return 0

        result = self.call("recvmsg", receive)
        if result == 0:
            error, origin, kind, code, _, info, data = struct.unpack_from("IBBBBII", found[0][0][2])
            told = (
                f"{{msg_name(...)=..., msg_iov(1)=[{{..., 0}}], msg_flags=MSG_ERRQUEUE, "
                f"msg_control=[{{cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR, "
                f"cmsg_data={{ee_errno={error}, ee_origin=SO_EE_ORIGIN_{ORIGINS[origin]}, ee_type={kind}, "
                f"ee_code={code}, ee_info={info}, ee_data={data}}}}}]}}"
            )
            self.retell(when, f"recvmsg({self.fd}, {told}, MSG_ERRQUEUE) = 0")
        else:
            told = "{msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0}"
            self.retell(when, f"recvmsg({self.fd}, {told}, MSG_ERRQUEUE) = -1 EAGAIN (x)")

    def set(self, fd, level, name, value):
        if name == "SO_LINGER":
            self.lingers = isinstance(value, list) and value[0] and value[1] > 0
        super().set(fd, level, name, value)

    def step_close(self, r):
        if not self.lingers:
            return super().step_close(r)
        return self.call_waiting(f"close({self.fd})", self.sockets.pop(self.fd).close)
