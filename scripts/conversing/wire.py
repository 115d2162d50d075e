"""Packets: as octets, and as the script language writes them (docs/DRILL.md)."""

import dataclasses
import ipaddress
import struct

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128, "A": 256}
ECN = {None: 0, "ect1": 1, "ect0": 2, "ce": 3}
# As scripts write what echoes no timestamp.
NO_ECHO = "0!"
TCP, ICMP, ICMPV6 = 6, 1, 58

# Type, code, and the words for them.
ERRORS = {
    "ipv4": [
        (3, 0, "unreachable net_unreachable"),
        (3, 1, "unreachable host_unreachable"),
        (3, 2, "unreachable protocol_unreachable"),
        (3, 3, "unreachable port_unreachable"),
        (3, 4, "unreachable frag_needed"),
        (3, 4, "unreachable frag_needed"),
        (3, 5, "unreachable source_route_failed"),
        (3, 9, "unreachable net_prohibited"),
        (3, 13, "unreachable packet_filtered"),
        (11, 0, "time_exceeded"),
        (12, 0, "parameter_problem"),
        (4, 0, "source_quench"),
    ],
    "ipv6": [
        (1, 0, "unreachable no_route"),
        (1, 1, "unreachable admin_prohibited"),
        (1, 3, "unreachable address_unreachable"),
        (1, 4, "unreachable port_unreachable"),
        (2, 0, "packet_too_big"),
        (2, 0, "packet_too_big"),
        (3, 0, "time_exceeded"),
        (4, 1, "parameter_problem unknown_next_header"),
    ],
}


@dataclasses.dataclass
class Ends:
    """The two addresses, as a run of `stubborn drill` has them, and the packets between them."""

    version: str
    # Of the device, for IPv4: with IPv6 it is so much longer as the header is.
    given_mtu: int | None = None

    def __post_init__(self):
        self.is_ipv4 = self.version == "ipv4"
        self.local, self.prefix = ("192.168.0.1", 16) if self.is_ipv4 else ("fd3d:a0b:17d6::1", 64)
        self.remote = "192.0.2.1" if self.is_ipv4 else "fd3d:fa7b:d17d::1"
        # The same text fits.
        self.header = 20 if self.is_ipv4 else 40
        self.mtu = (self.given_mtu or 1500) + self.header - 20

    def packet(self, protocol, payload, ecn=None, checksum_at=None, outgoing=False):
        """A packet of the peer, or one of ours as an error quotes it."""
        ends = [ipaddress.ip_address(it).packed for it in (self.remote, self.local)]
        source, destination = reversed(ends) if outgoing else ends
        if checksum_at is not None:
            pseudo = source + destination + struct.pack("!HH", protocol, len(payload))
            summed = (b"" if protocol == ICMP else pseudo) + payload
            field = struct.pack("!H", checksum(summed))
            payload = payload[:checksum_at] + field + payload[checksum_at + 2 :]
        if self.is_ipv4:
            length, fragments = 20 + len(payload), 0x4000 if outgoing else 0
            head = struct.pack("!BBHHHBBH", 0x45, ECN[ecn], length, 1, fragments, 64, protocol, 0)
            field = struct.pack("!H", checksum(head + source + destination))
            return head[:10] + field + source + destination + payload
        word = 6 << 28 | ECN[ecn] << 20
        return struct.pack("!IHBB", word, len(payload), protocol, 64) + source + destination + payload

    def error(self, kind, code, mtu, quoted):
        """An error that a router reports of the packet with these first octets of TCP."""
        protocol = ICMP if self.is_ipv4 else ICMPV6
        rest = struct.pack("!HH", 0, mtu) if self.is_ipv4 else struct.pack("!I", mtu)
        body = struct.pack("!BBH", kind, code, 0) + rest + self.packet(TCP, quoted, outgoing=True)
        return self.packet(protocol, body, checksum_at=2)

    def segment_in(self, octets):
        """The segment of a packet that the kernel sent, and how it is marked; `None` if there is none."""
        if self.is_ipv4:
            end, mark, protocol = int.from_bytes(octets[2:4], "big"), octets[1] & 3, octets[9]
        else:
            end, mark, protocol = 40 + int.from_bytes(octets[4:6], "big"), octets[1] >> 4 & 3, octets[6]
        words = {number: word for word, number in ECN.items()}
        return (octets[self.header : end], words[mark]) if protocol == TCP else None


def checksum(octets):
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + b"\0" * (len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def signed(number):
    return (number + 0x80000000 & 0xFFFFFFFF) - 0x80000000


@dataclasses.dataclass
class Numbers:
    """What numbers of a script count from. The peer's begin at 0."""

    isn: int | None = None
    stamp: int | None = None

    def told_stamp(self, live):
        """Timestamps of the kernel, as told: the first is 100."""
        if self.stamp is None:
            self.stamp = live - 100
        return live - self.stamp & 0xFFFFFFFF

    def live_stamp(self, told):
        return told + self.stamp & 0xFFFFFFFF if told != NO_ECHO and self.stamp is not None else 0


@dataclasses.dataclass
class Segment:
    """A segment; its numbers are those of the script."""

    flags: str
    seq: int = 0
    length: int = 0
    ack: int | None = None
    window: int = 0
    urgent: int = 0
    options: list = dataclasses.field(default_factory=list)
    ecn: str | None = None
    ports: tuple = ()
    # The sequence number is the one on the wire.
    is_live: bool = False

    def has(self, flag):
        return flag in self.flags

    def __str__(self):
        mark = f"[{self.ecn}] " if self.ecn else ""
        live = "!" if self.is_live else ""
        text = f"{mark}{self.flags} {self.seq}:{self.seq + self.length}({self.length}){live}"
        if self.ack is not None:
            text += f" ack {self.ack}"
        text += f" win {self.window}"
        if self.urgent:
            text += f" urg {self.urgent}"
        told = ",".join(" ".join(map(str, option)) for option in self.options)
        return f"{text} <{told}>" if told else text

    def encode(self, ends, ports, numbers):
        """The packet, from the peer."""
        isn = numbers.isn or 0
        options = b"".join(encode_option(option, numbers) for option in self.options)
        flags = sum(FLAGS[flag] for flag in self.flags if flag != "-")
        offset = (20 + len(options)) // 4 << 12
        seq = self.seq & 0xFFFFFFFF
        ack = 0 if self.ack is None else self.ack + isn & 0xFFFFFFFF
        head = struct.pack("!HHII", *ports, seq, ack)
        head += struct.pack("!HHHH", offset | flags, self.window, 0, self.urgent)
        return ends.packet(TCP, head + options + bytes(self.length), self.ecn, checksum_at=16)

    @staticmethod
    def decode(octets, ecn, numbers):
        """What the kernel sent."""
        source, destination, seq, ack, bits, window, _, urgent = struct.unpack_from("!HHIIHHHH", octets)
        offset, flags = (bits >> 12) * 4, bits & 0x1FF
        if numbers.isn is None and flags & FLAGS["S"]:
            numbers.isn = seq
        told = signed(seq - (numbers.isn or 0))
        # A reset that only answers counts from 0, or stands there.
        is_live = bool(flags & FLAGS["R"]) and seq == 0
        if flags & FLAGS["R"] and (numbers.isn is None or abs(told) > 1 << 29 or is_live):
            told = seq
        return Segment(
            "".join(flag for flag in "FSRPUEWA." if flags & FLAGS[flag]) or "-",
            0 if flags & FLAGS["S"] else told,
            len(octets) - offset,
            signed(ack) if flags & FLAGS["."] else None,
            window,
            urgent if flags & FLAGS["U"] else 0,
            list(decode_options(octets[20:offset], numbers)),
            ecn,
            (source, destination),
            is_live,
        )


def encode_option(option, numbers):
    kind, *value = option
    match kind:
        case "nop":
            return b"\1"
        case "mss":
            return struct.pack("!BBH", 2, 4, *value)
        case "wscale":
            return bytes([3, 3, *value])
        case "sackOK":
            return b"\4\2"
        case "sack":
            edges = [int(edge) for block in value for edge in block.split(":")]
            packed = [struct.pack("!I", edge + (numbers.isn or 0) & 0xFFFFFFFF) for edge in edges]
            return bytes([5, 2 + 4 * len(edges)]) + b"".join(packed)
        case "TS":
            return b"\x08\x0a" + struct.pack("!II", value[1], numbers.live_stamp(value[3]))
        case "FO":
            cookie = bytes.fromhex(value[0]) if value else b""
            return bytes([34, 2 + len(cookie)]) + cookie
    raise ValueError(option)


def decode_options(octets, numbers):
    at = 0
    while at < len(octets):
        kind = octets[at]
        if kind < 2:
            yield ("eol", "nop")[kind],
            at += 1
            continue
        length = octets[at + 1]
        yield decode_option(kind, octets[at + 2 : at + length], numbers)
        at += length


def decode_option(kind, value, numbers):
    match kind:
        case 2:
            return "mss", int.from_bytes(value, "big")
        case 3:
            return "wscale", value[0]
        case 4:
            return ("sackOK",)
        case 5:
            edges = [signed(edge) for edge, in struct.iter_unpack("!I", value)]
            return "sack", *(f"{left}:{right}" for left, right in zip(edges[::2], edges[1::2]))
        case 8:
            stamp, echo = struct.unpack("!II", value)
            return "TS", "val", numbers.told_stamp(stamp), "ecr", echo
        case 34:
            return ("FO", value.hex()) if value else ("FO",)
        case 172 | 174:
            names = ("e0b", "ceb", "e1b") if kind == 172 else ("e1b", "ceb", "e0b")
            fields = (int.from_bytes(value[at : at + 3], "big") for at in range(0, len(value), 3))
            return "ECN", *(word for pair in zip(names, fields) for word in pair)
    return f"{kind:#x}", f"0x{value.hex()}"
