"""Conversations about one thing: which openings, settings, options and steps they prefer."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Theme:
    """What one prefers; what it does not name is drawn as for all others."""

    openings: dict = dataclasses.field(default_factory=dict)
    # Values of the plan that are drawn from these.
    peer: dict = dataclasses.field(default_factory=dict)
    # As SYSCTLS of the plan, besides those.
    sysctls: tuple = ()
    # Options that are set before the handshake, each with its share; and those that steps set.
    early: tuple = ()
    options: tuple = ()
    # How often its own steps come, and what the others are multiplied by.
    steps: dict = dataclasses.field(default_factory=dict)
    factors: dict = dataclasses.field(default_factory=dict)


LINGERS = [[1, 0], [1, 1], [1, 1], [1, 2], [0, 1]]
CLOSING = {"close": 4, "shutdown": 2, "fin": 2, "write": 1.5, "info": 0.5}

THEMES = {
    "fast-open": Theme(
        openings={"cookie-passive": 5, "cookie-active": 4, "cookie-again": 3},
        sysctls=((1, "tcp_fastopen", ["0x403", "0x403", "0x70403", "0x603", "0x5", "0x2", "0x1"]),),
        early=((0.3, ("SOL_TCP", "TCP_FASTOPEN", [1, 5])), (0.1, ("SOL_TCP", "TCP_DEFER_ACCEPT", [1]))),
        factors={"error": 0, "option": 0.5},
    ),
    "marks": Theme(
        peer={"ecn": [True, True, True, "accurate"]},
        sysctls=((1, "tcp_ecn", [1, 2]), (0.1, "tcp_ecn_fallback", [0])),
        steps={"marked": 8},
        factors={"ecn": 6, "write": 1.5, "error": 0},
    ),
    "path": Theme(
        sysctls=((0.15, "tcp_mtu_probing", [1, 2]),),
        options=(("SOL_IP", "IP_MTU_DISCOVER", [0, 1, 2, 3]),),
        steps={"path_error": 5},
        factors={"write": 2, "receive": 1.5, "text": 0.5, "gap": 0.3},
    ),
    "idleness": Theme(
        early=(
            (0.8, ("SOL_SOCKET", "SO_KEEPALIVE", [1])),
            (0.8, ("SOL_TCP", "TCP_KEEPIDLE", [1, 2])),
            (0.8, ("SOL_TCP", "TCP_KEEPINTVL", [1])),
            (0.7, ("SOL_TCP", "TCP_KEEPCNT", [1, 2, 3])),
            (0.6, ("SOL_TCP", "TCP_USER_TIMEOUT", [300, 1000, 1500, 2500, 4000])),
        ),
        options=(
            ("SOL_TCP", "TCP_USER_TIMEOUT", [0, 300, 1000, 1500, 2500]),
            ("SOL_SOCKET", "SO_KEEPALIVE", [0, 1, 1]),
        ),
        steps={"wait_long": 9},
        factors={"option": 2, "window": 1.5, "text": 0.5, "gap": 0.5},
    ),
    "readiness": Theme(
        early=((0.6, ("SOL_TCP", "TCP_NOTSENT_LOWAT", [1, 1000, 3000, 10000])),),
        options=(
            ("SOL_TCP", "TCP_NOTSENT_LOWAT", [0, 1, 1000, 3000, 10000]),
            ("SOL_SOCKET", "SO_SNDBUF", [2000, 5000, 20000]),
            ("SOL_SOCKET", "SO_RCVLOWAT", [1, 100, 1000, 5000]),
        ),
        steps={"epoll": 12},
        factors={"write": 1.5, "read": 1.5, "poll": 2, "info": 0.5},
    ),
    "zero-copy": Theme(
        early=((0.9, ("SOL_SOCKET", "SO_ZEROCOPY", [1])),),
        steps={"zero_copy": 7, "error_queue": 5},
        factors={"write": 0.5, "poll": 2, "text": 0.5, "gap": 0.4},
    ),
    "lingering": Theme(
        early=((0.8, ("SOL_SOCKET", "SO_LINGER", LINGERS)),),
        options=(("SOL_SOCKET", "SO_LINGER", LINGERS), ("SOL_TCP", "TCP_LINGER2", [-1, 1, 2])),
        factors=CLOSING,
    ),
    "sizes": Theme(
        peer={
            "mss": [48, 88, 88, 216, 536, 1460, 8960, 65495],
            "shift": [0, 0, 14, 14, None],
            "timestamps": [False, False, True],
            "window": [65535, 65535, 20000, 1000, 100],
            "mtu": [None, None, 9000, 65515, 1300],
        },
        early=((0.15, ("SOL_TCP", "TCP_MAXSEG", [88, 500, 1460, 9000])),),
        factors={"write": 1.5, "ack": 1.5, "receive": 1.5},
    ),
}  # fmt: skip
