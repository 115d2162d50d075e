"""The kernel's TCP behind a TUN device in a namespace of its own, and a script of all that passes."""

import array
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

from wire import Ends, Numbers, Segment

# What scripts find with the profile of Linux (docs/DRILL.md).
SYSCTLS = {
    "tcp_ecn": "0",
    "tcp_fastopen": "1",
    "tcp_fastopen_key": "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4",
    "tcp_invalid_ratelimit": "500",
    "tcp_min_tso_segs": "2",
    "tcp_mtu_probing": "0",
    "tcp_no_metrics_save": "1",
    "tcp_pacing_ss_ratio": "200",
    "tcp_rmem": "4096 540000 15728640",
    "tcp_slow_start_after_idle": "0",
    "tcp_syn_retries": "5",
    "tcp_timestamps": "1",
    "tcp_wmem": "4096 262144 4194304",
}

# What the language names and Python does not.
NAMES = {
    "IP_MTU_DISCOVER": 10,
    "IP_RECVERR": 11,
    "IPV6_MTU_DISCOVER": 23,
    "IPV6_RECVERR": 25,
    "SIOCINQ": 0x541B,
    "SIOCOUTQ": 0x5411,
    "SIOCOUTQNSD": 0x894B,
    "SOL_IP": 0,
    "SOL_IPV6": 41,
    "SO_ZEROCOPY": 60,
    "TCP_FASTOPEN_CONNECT": 30,
    "TCP_NOTSENT_LOWAT": 25,
    "TCP_RTO_MAX_MS": 44,
    "TCP_THIN_LINEAR_TIMEOUTS": 16,
}

# struct tcp_info, to the last field that is asked for.
INFO_LAYOUT = "<8B24I4Q6I4Q2I2Q4I"
INFO = (
    "state ca_state retransmits probes backoff options scales flags rto ato snd_mss rcv_mss unacked sacked lost "
    "retrans fackets last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu rcv_ssthresh rtt rttvar "
    "snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans pacing_rate max_pacing_rate "
    "bytes_acked bytes_received segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out delivery_rate "
    "busy_time rwnd_limited sndbuf_limited delivered delivered_ce bytes_sent bytes_retrans dsack_dups reord_seen "
    "rcv_ooopack snd_wnd"
).split()
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001
SO_TIMESTAMPNS, SO_RCVBUFFORCE, SO_ATTACH_FILTER = 35, 33, 26
ETH_P_ALL = 3
# Scripts let a packet leave so much earlier or later: the kernel's timers have ticks, and the machine other work.
TOLERANCE = 0.036
# What the kernel sends so long after something else, a timer has sent.
TIMER = 0.15
# A timer that runs for so long has ticks that are so much longer.
COARSE, COARSE_TICK = 2.0, 0.26


def number(name):
    """What a name of the socket interface stands for."""
    found = NAMES.get(name)
    return int(next(getattr(it, name) for it in (socket, select) if hasattr(it, name))) if found is None else found


def hold_timestamps():
    """Once any socket asks for them, packets are stamped when they leave; the first one alone is not."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return held


class Kernel:
    """Makes calls, sends packets to the kernel, and writes down these and what the kernel sends."""

    def __init__(self, version, sysctls, mtu=None):
        self.ends, self.numbers = Ends(version, mtu), Numbers()
        self.sysctls, self.lines = sysctls, []
        self.sockets, self.next_fd = {}, 3
        self.waiting, self.waited = None, []
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "no namespace")
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN_NO_PI))
        self.configure()
        self.listen_in()
        self.poll = select.poll()
        self.poll.register(self.tap, select.POLLIN)
        self.poll.register(self.tun, select.POLLIN)
        self.start = self.acted = time.time()

    def configure(self):
        ends = self.ends
        address = f"addr add {ends.local}/{ends.prefix} dev tun0{'' if ends.is_ipv4 else ' nodad'}"
        # A device that speaks IPv6 asks for routers.
        if ends.is_ipv4:
            set_sysctl("ipv6/conf/default/disable_ipv6", "1")
        lines = ["link set lo up", f"link set tun0 mtu {ends.mtu} up", address, f"route add {ends.remote} dev tun0"]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
        # An address of IPv6 takes a moment.
        time.sleep(0 if ends.is_ipv4 else 0.1)
        for name, value in (SYSCTLS | self.sysctls).items():
            set_sysctl(f"ipv4/{name}", value)

    def listen_in(self):
        """What the kernel sends is seen as it leaves, with the time at which it does; what it gets is not cloned for
        this, which would change what it takes in memory.
        """
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        # ld type; jeq PACKET_OUTGOING; ret all; ret 0
        program = [(0x28, 0, 0, 0xFFFFF004), (0x15, 0, 1, 4), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
        code = b"".join(struct.pack("HBBI", *step) for step in program)
        held = ctypes.create_string_buffer(code, len(code))
        described = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(held))
        self.tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.tap.bind(("tun0", ETH_P_ALL))
        self.tap.setblocking(False)

    # --- time ---

    def wait(self, seconds):
        """Lets so much time pass since something was done last."""
        end = max(self.acted + seconds, time.time())
        while True:
            self.drain()
            left = end - time.time()
            if left <= 0:
                break
            self.poll.poll(max(1, int(left * 1000)) if left > 0.001 else 0)
        self.acted = time.time()

    def drain(self):
        """Writes down what the kernel has sent."""
        while True:
            try:
                octets, ancillary, _, _ = self.tap.recvmsg(1 << 17, 256)
            except BlockingIOError:
                break
            when = time.time()
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack("qq", data[:16])
                    when = seconds + nanoseconds * 1e-9
            found = self.ends.segment_in(octets)
            if found:
                segment = Segment.decode(*found, self.numbers)
                self.write_down(when, f"> {segment}")
                self.sent(segment)
        try:
            while True:
                os.read(self.tun, 1 << 17)
        except BlockingIOError:
            pass

    def sent(self, segment):
        """What the peer learns of a segment of the kernel."""

    def write_down(self, when, text):
        self.lines.append((when, len(self.lines), text))

    def act(self, when):
        self.acted = when
        self.drain()

    # --- packets ---

    def inject(self, segment, ports):
        when = time.time()
        self.write_down(when, f"< {segment}")
        os.write(self.tun, segment.encode(self.ends, ports, self.numbers))
        self.act(when)

    def inject_error(self, kind, words, quoted, ports):
        """`kind`: type, code and MTU."""
        when, end = time.time(), quoted[1]
        length = max(0, end - quoted[0])
        self.write_down(when, f"< icmp {words} [{quoted[0]}:{quoted[0] + length}({length})]")
        first = struct.pack("!HHI", *ports, quoted[0] + (self.numbers.isn or 0) & 0xFFFFFFFF)
        head = first + struct.pack("!IHHHH", 0, 0x5010, 0, 0, 0)
        os.write(self.tun, self.ends.error(*kind, head + (b"" if self.ends.is_ipv4 else bytes(length))))
        self.act(when)

    # --- calls ---

    def call(self, text, function):
        """Makes a call and writes down what it returns."""
        when = time.time()
        try:
            value = result = function()
        except OSError as error:
            value, result = -1, f"-1 {errno.errorcode[error.errno]} (x)"
        self.write_down(when, f"{text} = {result}")
        self.act(when)
        return value

    def call_waiting(self, text, function):
        """Makes a call that may wait, while others go on."""
        self.waiting = threading.Thread(target=self.wait_in_call, args=(time.time(), text, function))
        self.waiting.start()
        # It begins at once.
        time.sleep(0.0005)
        self.act(time.time())

    def wait_in_call(self, when, text, function):
        result = function() or 0
        self.waited.append((when, time.time(), f"{text} = {result}"))

    def await_call(self):
        """Writes down what the call that waits has returned."""
        if self.waiting:
            self.waiting.join()
        for when, end, text in self.waited:
            self.lines.append((when, 0, (end, text)))

    def retell(self, at, text):
        """Says what a call has returned, which its line could not say before."""
        self.lines[at] = (*self.lines[at][:2], text)

    def succeed(self, text, function):
        """Makes a call that returns 0."""
        return self.call(text, lambda: function() or 0)

    def add(self, made):
        made.setblocking(False)
        fd, self.next_fd = self.next_fd, self.next_fd + 1
        self.sockets[fd] = made
        return fd

    def socket(self):
        made = socket.socket(socket.AF_INET if self.ends.is_ipv4 else socket.AF_INET6, socket.SOCK_STREAM)
        # What scripts find; a namespace may not have it for all its sockets.
        if "tcp_congestion_control" not in self.sysctls:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        fd = self.call("socket(..., SOCK_STREAM, IPPROTO_TCP)", lambda: self.add(made))
        self.not_blocking(fd)
        return fd

    def not_blocking(self, fd):
        self.write_down(time.time(), f"fcntl({fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0")

    def accept(self, listener):
        fd = self.call(f"accept({listener}, ..., ...)", lambda: self.add(self.sockets[listener].accept()[0]))
        if fd < 0:
            return None
        self.not_blocking(fd)
        return fd

    def set_option(self, fd, level, name, value):
        made = self.sockets[fd]
        match name:
            case "SO_LINGER":
                onoff, seconds = value if isinstance(value, list) else (1, 0)
                text, packed = f"{{onoff={onoff}, linger={seconds}}}, 8", struct.pack("ii", onoff, seconds)
            case "TCP_CONGESTION":
                text, packed = f'"{value}", {len(value)}', value.encode()
            case _:
                text, packed = f"[{value}], 4", value
        code = number(name) if name != "TCP_CONGESTION" else 13
        self.succeed(
            f"setsockopt({fd}, {level}, {name}, {text})", lambda: made.setsockopt(number(level), code, packed)
        )

    def get_option(self, fd, level, name):
        when, made = time.time(), self.sockets[fd]
        try:
            value, result = made.getsockopt(number(level), number(name)), 0
        except OSError as error:
            value, result = 0, f"-1 {errno.errorcode[error.errno]} (x)"
        self.write_down(when, f"getsockopt({fd}, {level}, {name}, [{value}], [4]) = {result}")
        self.act(when)

    def ioctl(self, fd, name):
        when, found, made = time.time(), array.array("i", [0]), self.sockets[fd]
        try:
            result = fcntl.ioctl(made.fileno(), number(name), found)
        except OSError as error:
            result = f"-1 {errno.errorcode[error.errno]} (x)"
        self.write_down(when, f"ioctl({fd}, {name}, [{found[0]}]) = {result}")
        self.act(when)

    def poll_socket(self, fd):
        when, asked = time.time(), ("POLLIN", "POLLPRI", "POLLOUT", "POLLRDHUP")
        poll = select.poll()
        poll.register(self.sockets[fd].fileno(), sum(map(number, asked)))
        ready = poll.poll(0)
        names = [name for name in (*asked, "POLLERR", "POLLHUP") if ready and ready[0][1] & number(name)]
        events, found = "|".join(asked), "|".join(names) or "0"
        self.write_down(when, f"poll([{{fd={fd}, events={events}, revents={found}}}], 1, 0) = {len(ready)}")
        self.act(when)

    def info(self, fd, names):
        """What TCP_INFO says; the retransmission timeout, as near as ticks let it be."""
        when = time.time()
        octets = self.sockets[fd].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
        values = dict(zip(INFO, struct.unpack_from(INFO_LAYOUT, octets)))
        for name in names:
            self.write_down(when, f"%{{ assert tcpi_{name} == {values[name]} }}%")
        rto = values["rto"]
        self.write_down(when, f"%{{ assert abs(tcpi_rto - {rto}) <= {8000 + rto // 8} }}%")
        self.act(when)

    # --- the script ---

    def script(self, title):
        """All that has passed. Its last line fails, so that the run shows all that it saw."""
        text = [f"// policy: {title}", f"--tolerance_usecs={TOLERANCE * 1e6:.0f}", "--tcp_ts_ecr_scaled"]
        text += ["" if self.ends.given_mtu is None else f"--mtu={self.ends.given_mtu}", ""]
        if self.sysctls:
            text.append(f"0 `sysctl -q {' '.join(map(quoted, self.sysctls.items()))}`")
        lines = sorted(self.lines, key=lambda it: it[:2])
        start, last, before = lines[0][0], lines[0][0], ""
        sent = start
        for when, _, line in lines:
            if isinstance(line, tuple):
                text.append(f"{when - start:.6f}...{line[0] - start:.6f} {line[1]}")
                last, before = when, ""
                continue
            # The kernel's timers are late, the longer the more, and one counts from the other.
            counts_on = line.startswith(">") and before.startswith(">") and when - last > TIMER
            time_told = f"+{when - last:.6f}" if counts_on else f"{when - start:.6f}" if when > start else "0"
            if line.startswith(">"):
                if when - sent > COARSE and when - last > 0.005:
                    earliest = max(last, when - COARSE_TICK) - start
                    time_told = f"{earliest:.6f}~{when - start:.6f}"
                sent = when
            text.append(f"{time_told} {line}")
            last, before = when, line
        return "\n".join([*text, f"{last - start + 0.0001:.6f} %{{ assert 7 == 8 }}%", ""])


def quoted(setting):
    name, value = setting
    return f'net.ipv4.{name}="{value}"' if " " in value else f"net.ipv4.{name}={value}"


def set_sysctl(path, value):
    with open(f"/proc/sys/net/{path}", "w") as file:
        file.write(value)
