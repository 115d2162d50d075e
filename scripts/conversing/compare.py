"""Holds recorded conversations to the stack, and says how the first difference of each looks."""

import json
import pathlib
import re
import subprocess

# An answer of the kernel that comes so much later was held up by other work of the machine.
LATE = 0.005

# So much later a timer of the kernel may expire.
TOLERANCE = 0.036

# So many scripts a run of `stubborn drill`, which tells at the end what each saw.
BATCH = 25


def run(stubborn, scripts, with_info):
    """The kind of the first difference of each script, and what the stack said of it; `None` if there is none."""
    found = {}
    for at in range(0, len(scripts), BATCH):
        batch = scripts[at : at + BATCH]
        for version in ("ipv4", "ipv6"):
            of_version = [it for it in batch if version in it.name]
            found |= run_batch(stubborn, of_version, version, with_info) if of_version else {}
    return found


def run_batch(stubborn, scripts, version, with_info):
    names = {path.name: path for path in scripts}
    paths = scripts if with_info else [without_info(path) for path in scripts]
    command = [stubborn, "drill", "--quiet", "--ip-version", version, *paths]
    said = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = {}
    for told in re.split(r"\n(?=FAILED |SKIPPED |BROKEN |\d+ scripts)", said.stdout):
        head = re.match(r"(FAILED|SKIPPED|BROKEN)\s+(\S+?\.pkt)", told)
        if head:
            path = names[pathlib.Path(head[2]).name]
            found[path] = (kind(told, with_times(path)), told)
    # Each script fails in its last line at the latest.
    return {path: found.get(path, ("no answer", said.stderr)) for path in scripts}


def without_info(path):
    """A copy of the script that says nothing of TCP_INFO; its lines are where they were."""
    lines = path.read_text().split("\n")
    copy = path.parent / "wire" / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text("\n".join("" if "tcpi_" in line else line for line in lines))
    return copy


def with_times(path):
    """The lines of a script, each with its time since the beginning."""
    lines, last = [], 0.0
    for line in path.read_text().split("\n"):
        found = re.match(r"(\+?)(\d+(?:\.\d+)?)(?:(?:\.\.\.|~)[\d.]+)? ", line)
        if found:
            last = float(found[2]) + (last if found[1] else 0.0)
            line = f"{last:.6f} {line[found.end() :]}"
        lines.append(line)
    return lines


def kind(told, script):
    """What differs first, as few words as tell one cause from another; `None` if nothing does."""
    if not told.startswith("FAILED"):
        return "skipped: " + told.split("\n")[0].split(": ", 1)[-1][:60]
    line = int(re.match(r"FAILED\s+\S+?\.pkt:(\d+)", told)[1])
    at = script[line - 1]
    trace = [it.strip() for it in told.split("what happened:")[-1].split("\n") if re.match(r"\s*[\d.]+ > ", it)]
    if "assert 7 == 8" in at:
        return kind_at_end(trace, script)
    if not trace:
        return "unreadable: " + told.split(": ", 1)[-1].split("\n")[0][:60]
    reason = told.split("\n")[1].strip()
    actual = re.search(r"actual: ([\d.]+) (> .*)", told)
    if actual and is_race(float(actual[1]), actual[2], script[line - 1 :]):
        return "race"
    if has_crossed(trace, script[: line - 1]):
        return "race"
    sent = float(actual[1]) if actual and "early" in reason else None
    if was_late(trace, script[: line - 1], sent):
        return "late"
    cause, when = cause_before(script[: line - 1])
    waited = " after a while" if time_of(at) - when > 0.015 else ""
    asserted = re.search(r"assert (?:abs\()?tcpi_(\w+)", reason)
    if asserted:
        return f"tcpi_{asserted[1]}, at {cause}"
    if "another packet" in reason:
        fields = re.findall(r"^\s*(flags|win|ack|seq|options|length|urg|ip|ecn)\b[\w ]*:", told, re.M)
        return f"{'+'.join(sorted(set(fields)))} of {shape(at)}, here {shape(actual[2])}, at {cause}{waited}"
    for word in ("early", "late"):
        if word in reason:
            return f"{shape(at)} {word}, at {cause}{waited}"
    what = shape(at) if " > " in at else re.sub(r"\d+", "N", at.split(" ", 1)[1])[:50]
    return f"{what}: {re.sub(r'[0-9.]+', 'N', reason)[:60]}, at {cause}{waited}"


def kind_at_end(trace, script):
    """What the script does not say: packets that are left over, and other echoes of timestamps."""
    extra = [it for it in trace if "nobody asked" in it]
    if extra and time_of(script[-1] or script[-2]) - time_of(extra[0]) < TOLERANCE:
        return "race"
    if extra:
        return f"another {shape(extra[0])} at the end"
    expected = [it for it in script if re.match(r"[\d.]+ > ", it)]
    for told, here in zip(reversed(expected), reversed(trace)):
        echoes = [re.search(r"ecr (\d+)", it) for it in (told, here)]
        if all(echoes) and echoes[0][1] != echoes[1][1]:
            return f"echo of {shape(told)}"
    return None


def is_race(when, packet, script):
    """Whether the kernel sent the same a little later: something else has come between."""
    def same(text):
        return re.sub(r" win \d+| ack \d+|\[[\w ]+\] | <[^>]*>$", "", text).strip()

    for line in script:
        later = re.match(r"([\d.]+) (> .*)", line)
        if later and 0.002 < float(later[1]) - when < 0.05 and same(later[2]) == same(packet):
            return True
    return False


def has_crossed(trace, script):
    """Whether something came between the times at which the kernel and the stack sent one of the last packets."""
    causes = [time_of(line) for line in script if re.match(r"[\d.]+ (?!>|%)", line)]
    told = [time_of(line) for line in script if re.match(r"[\d.]+ > ", line)]
    pairs = list(zip(told, map(time_of, trace)))[-4:]
    return any(min(pair) + 0.001 < cause < max(pair) - 0.00005 for pair in pairs for cause in causes)


def was_late(trace, script, sent):
    """Whether the kernel was held up: what the stack sent at once when something came, and what it `sent` too early at
    last, the kernel sent later.
    """
    causes = {f"{time_of(line):.6f}" for line in script if re.match(r"[\d.]+ (?!>|%)", line)}
    told = [time_of(line) for line in script if re.match(r"[\d.]+ > ", line)]
    here = [time_of(line) for line in trace]
    held_up = any(b - a > LATE and f"{a:.6f}" in causes for b, a in zip(told, here))
    return held_up or (sent is not None and f"{sent:.6f}" in causes)


def cause_before(script):
    """What was done last, and when."""
    for line in reversed(script):
        done = re.match(r"([\d.]+) (?:< (icmp )?(.*)|(?!>|%)(\w+)\()", line)
        if done:
            what = done[4] or (f"ICMP {done[3].split(' [')[0]}" if done[2] else f"the peer's {shape('> ' + done[3])}")
            return what, float(done[1])
    return "the beginning", 0.0


def time_of(line):
    found = re.match(r"[\d.]+", line)
    return float(found[0]) if found else 0.0


def shape(packet):
    """What a packet is, in a word."""
    found = re.search(r"> (?:\[\w+\] )?([-FSRPUEWA.]+) -?\d+:-?\d+\((\d+)\)", packet)
    if not found:
        return "nothing"
    flags, length = found[1], int(found[2])
    if "S" in flags:
        return "SYN,ACK" if "." in flags else "SYN"
    if "R" in flags:
        return "RST"
    end = "FIN" if "F" in flags else ""
    rest = "text" if length else "" if end else "SACK" if "sack " in packet else "ACK"
    return f"{end} {rest}".strip()


def coarse(found):
    """Kinds that may be one when steps are left out."""
    return found and found.replace(" after a while", "")


def smaller(plan):
    """Plans with something less than this one."""
    steps = plan["steps"]
    for width in sorted({max(1, len(steps) // part) for part in (2, 4, len(steps) or 1)}, reverse=True):
        for at in range(0, len(steps), width):
            yield plan | {"steps": steps[:at] + steps[at + width :]}
    for name in plan["sysctls"]:
        yield plan | {"sysctls": {key: value for key, value in plan["sysctls"].items() if key != name}}
    for at in range(len(plan["early"])):
        yield plan | {"early": plan["early"][:at] + plan["early"][at + 1 :]}
    plain = {"timestamps": False, "sack": False, "shift": None, "ecn": False, "opening": "passive", "mss": 1000}
    for name, value in plain.items():
        if plan[name] != value and plan["options"]:
            yield plan | {name: value}


def weight(plan):
    """What makes a plan long: its settings, and above all its steps."""
    settings = json.dumps([plan[name] for name in ("sysctls", "early", "opening", "timestamps", "shift", "sack")])
    return len(plan["steps"]) * 1000 + len(settings)
