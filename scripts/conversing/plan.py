"""What a conversation is to be, drawn from one number: how it opens, its settings, and a list of steps."""

import random

from themes import THEMES, Theme

SYSCTLS = [
    (0.12, "tcp_congestion_control", ["reno"]),
    (0.08, "tcp_ecn", [1, 1, 2]),
    (0.04, "tcp_early_retrans", [0]),
    (0.04, "tcp_recovery", [0]),
    (0.04, "tcp_rmem", ["4096 20000 15728640", "4096 131072 6291456"]),
    (0.04, "tcp_wmem", ["4096 16384 4194304"]),
    (0.03, "tcp_comp_sack_nr", [0]),
    (0.03, "tcp_dsack", [0]),
    (0.03, "tcp_frto", [0]),
    (0.03, "tcp_invalid_ratelimit", [0]),
    (0.03, "tcp_min_tso_segs", [1, 4]),
    (0.03, "tcp_moderate_rcvbuf", [0]),
    (0.03, "tcp_sack", [0]),
    (0.03, "tcp_slow_start_after_idle", [1]),
    (0.03, "tcp_timestamps", [0]),
    (0.02, "tcp_fin_timeout", [1]),
    (0.02, "tcp_mtu_probing", [1, 2]),
    (0.02, "tcp_notsent_lowat", [4000]),
    (0.02, "tcp_orphan_retries", [1]),
    (0.02, "tcp_retries2", [3]),
    (0.02, "tcp_rfc1337", [1]),
    (0.02, "tcp_shrink_window", [1]),
    (0.02, "tcp_syn_retries", [1]),
    (0.02, "tcp_synack_retries", [1]),
    (0.02, "tcp_thin_linear_timeouts", [1]),
    (0.02, "tcp_window_scaling", [0]),
]

OPTIONS = [
    ("SOL_IP", "IP_MTU_DISCOVER", [0, 2]),
    ("SOL_IP", "IP_RECVERR", [1]),
    ("SOL_SOCKET", "SO_KEEPALIVE", [1]),
    ("SOL_SOCKET", "SO_LINGER", [0]),
    ("SOL_SOCKET", "SO_OOBINLINE", [1]),
    ("SOL_SOCKET", "SO_RCVBUF", [2000, 5000, 10000, 30000, 100000]),
    ("SOL_SOCKET", "SO_RCVLOWAT", [1, 500, 3000]),
    ("SOL_SOCKET", "SO_SNDBUF", [2000, 5000, 10000, 50000]),
    ("SOL_TCP", "TCP_CONGESTION", ["reno", "cubic"]),
    ("SOL_TCP", "TCP_CORK", [0, 1, 1]),
    ("SOL_TCP", "TCP_KEEPCNT", [1, 2]),
    ("SOL_TCP", "TCP_KEEPIDLE", [1]),
    ("SOL_TCP", "TCP_KEEPINTVL", [1]),
    ("SOL_TCP", "TCP_LINGER2", [1, -1]),
    ("SOL_TCP", "TCP_NODELAY", [0, 1, 1]),
    ("SOL_TCP", "TCP_NOTSENT_LOWAT", [1, 3000]),
    ("SOL_TCP", "TCP_QUICKACK", [0, 1]),
    ("SOL_TCP", "TCP_THIN_LINEAR_TIMEOUTS", [1]),
    ("SOL_TCP", "TCP_USER_TIMEOUT", [500, 1500, 3000]),
    ("SOL_TCP", "TCP_WINDOW_CLAMP", [2000, 5000, 20000]),
]
EARLY_OPTIONS = OPTIONS + [
    ("SOL_SOCKET", "SO_RCVBUF", [3000, 8000, 40000]),
    ("SOL_TCP", "TCP_DEFER_ACCEPT", [1]),
    ("SOL_TCP", "TCP_MAXSEG", [500, 1000]),
    ("SOL_TCP", "TCP_RTO_MAX_MS", [1000, 2000]),
    ("SOL_TCP", "TCP_SYNCNT", [1, 2]),
    ("SOL_TCP", "TCP_USER_TIMEOUT", [1500]),
]

OPENINGS = {
    "passive": 50,
    "active": 18,
    "with-text": 6,
    "syn-received": 6,
    "syn-sent": 6,
    "simultaneous": 4,
    "fast-passive": 3,
    "fast-active": 3,
}

# How often each step comes, and what a style of conversation multiplies.
STEPS = {
    "ack": 7, "badly_stamped": 0, "beyond": 0.5, "close": 0.7, "dsack": 0.6, "duplicate_ack": 1, "ecn": 0.4,
    "error": 0.3, "fill": 2, "fin": 1.2, "fin_misplaced": 0.4, "gap": 2, "get_option": 1.5, "info": 4, "ioctl": 1,
    "odd": 0.3, "old": 1.2, "option": 2, "overlap": 0.7, "poll": 1, "read": 4, "receive": 4, "reset": 0.5, "sack": 2,
    "shutdown": 1, "syn": 0.5, "text": 6, "urgent": 0.4, "wait": 2, "wait_long": 0.7, "window": 1.2, "write": 6,
}  # fmt: skip
STYLES = {
    "mixed": (20, {}),
    "loss": (16, {"write": 2.5, "receive": 3.5, "sack": 4, "dsack": 3, "duplicate_ack": 3, "text": 0.2, "gap": 0.1,
        "fill": 0.2, "old": 0.3, "read": 0.2, "fin": 0.3, "shutdown": 0.3, "close": 0.3, "info": 1.8}),
    "closing": (14, {"shutdown": 4, "close": 5, "fin": 4, "fin_misplaced": 4, "reset": 2, "text": 1.5}),
    "receiving": (14, {"text": 2.5, "gap": 2, "fill": 2, "read": 1.8, "write": 0.4, "receive": 0.5, "sack": 0.3,
        "old": 2, "overlap": 2}),
    "sending": (14, {"write": 2.5, "ack": 1.5, "receive": 2, "text": 0.3, "gap": 0.2, "fill": 0.2, "old": 0.3,
        "read": 0.3, "fin": 0.4}),
    "chaos": (8, {"reset": 4, "syn": 4, "urgent": 4, "beyond": 4, "odd": 6, "old": 2, "fin_misplaced": 3}),
    "windows": (8, {"window": 6, "write": 2.5, "wait_long": 2, "ack": 1.5}),
    "timestamps": (6, {}),
    "options": (5, {"option": 6, "get_option": 4, "ioctl": 3, "poll": 3}),
    "errors": (4, {"error": 25, "write": 2}),
}  # fmt: skip

# The most that the steps of one may wait for altogether.
LONGEST = 6.0


def draw(seed, version, theme=None):
    """The plan of a number; a version of IP may be asked for, and a theme, or that each has one ("all")."""
    r = random.Random(seed)
    versions = ["ipv4", "ipv4", "ipv6"]
    plan = {"seed": seed, "version": version or versions[seed % 3], "mtu": None}
    theme = list(THEMES)[seed % len(THEMES)] if theme == "all" else theme
    preferred = THEMES[theme] if theme else Theme()
    draw_peer(r, plan)
    sysctls = [*SYSCTLS, *preferred.sysctls]
    plan["sysctls"] = {name: str(r.choice(values)) for share, name, values in sysctls if r.random() < share}
    plan["ecn"] = r.choice([True, True, False]) if "tcp_ecn" in plan["sysctls"] else r.random() < 0.03
    plan["opening"] = choose(r, preferred.openings or OPENINGS)
    if plan["opening"].startswith("fast"):
        plan["sysctls"]["tcp_fastopen"] = "0x70403"
    style = choose(r, {name: share for name, (share, _) in STYLES.items()}) if not theme else "mixed"
    if style == "timestamps":
        plan["timestamps"] = plan["options"]
    plan["early"] = [draw_option(r, EARLY_OPTIONS) for _ in range(r.choice([0] * 7 + [1, 1, 2]))]
    draw_preferred(r, plan, preferred)
    draw_steps(r, plan, STYLES[style][1], preferred)
    plan["end"] = r.choice([0.06, 0.3, 0.6, 1.2])
    return plan


def choose(r, shares):
    return r.choices(list(shares), list(shares.values()))[0]


def draw_peer(r, plan):
    options = plan["options"] = r.random() >= 0.06
    plan["mss"] = r.choice([1460, 1460, 1460, 1000, 1000, 536, 700]) if options else 536
    plan["sack"] = options and r.random() < 0.8
    plan["timestamps"] = options and r.random() < 0.35
    plan["shift"] = r.choice([7, 7, 0, 2, 14]) if options and r.random() < 0.6 else None
    plan["syn_window"] = r.choice([65535, 32792, 29200, 29200, 5000, 1000])
    octets = r.choice([65535, 65535, 32792, 20000, 8000])
    field = min(65535, octets >> (plan["shift"] or 0))
    plan["window"] = max(1, field) if r.random() < 0.8 else r.choice([257, 1000, 65535])
    plan["round_trip"] = r.choice([0.02, 0.03, 0.05, 0.1, 0.1])


def draw_preferred(r, plan, theme):
    if plan["options"]:
        plan |= {name: r.choice(values) for name, values in theme.peer.items()}
    chosen = [draw_option(r, [option]) for share, option in theme.early if r.random() < share]
    plan["early"] += chosen


def draw_option(r, options):
    level, name, values = r.choice(options)
    return level, name, r.choice(values)


def draw_steps(r, plan, factors, theme):
    factors = factors | theme.factors
    shares = {name: share * factors.get(name, 1) for name, share in STEPS.items()} | theme.steps
    if plan["timestamps"]:
        shares["badly_stamped"] = 0.8
    if plan["ecn"]:
        shares["ecn"] = 4
    steps, total = [], 0
    for _ in range(r.randint(5, 25)):
        name = choose(r, shares)
        step = {"name": name, "wait": draw_wait(r, name), "seed": r.getrandbits(32)}
        if name == "option":
            options = theme.options if theme.options and r.random() < 0.6 else OPTIONS
            step["option"] = draw_option(r, options)
        total += step["wait"]
        if total > LONGEST:
            break
        steps.append(step)
    if plan["opening"] in ("syn-received", "syn-sent", "simultaneous") or plan["opening"].startswith("cookie"):
        opens = {"name": "open", "wait": 0.03, "seed": r.getrandbits(32)}
        steps.insert(min(len(steps), r.choice(range(5))), opens)
    plan["steps"] = steps


def draw_wait(r, name):
    if name == "wait":
        usual, spread = r.choice([0.05, 0.1, 0.25, 0.3, 0.5]), 0.15
    elif name == "wait_long":
        usual, spread = r.choice([0.7, 1.0, 1.5, 2.5]), 0.15
    else:
        usual, spread = r.choices([0, 0.003, 0.012, 0.03, 0.07, 0.15, 0.35], [40, 8, 14, 14, 10, 6, 3])[0], 0.2
    return round(usual * r.uniform(1 - spread, 1 + spread), 4)
