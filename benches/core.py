"""What the core alone costs: no device, no threads, no kernel."""

import json
import re
import shutil
import subprocess

from namespaces import BIN, command, say

PROGRAM = BIN / "bench-core"


def measure(quick):
    """Octets of heap, time and instructions a segment."""
    say("the core alone: octets of heap, time and instructions a segment")
    heap = json.loads(command(PROGRAM, "heap"))
    lines = command(PROGRAM, "segments", 5 if quick else 15).splitlines()
    segments = [json.loads(line) for line in lines]
    for row in segments:
        row["instructions"] = None if quick else instructions(row["connections"])
    return {"heap": heap, "segments": segments}


def instructions(connections):
    """Instructions a segment: what a longer run executes more than a shorter one."""
    if shutil.which("valgrind") is None:
        return None

    def executed(segments):
        words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(PROGRAM)]
        words += ["count", str(connections), str(segments)]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stderr
        return int(re.search(r"Collected : (\d+)", text).group(1))

    shorter, longer = 20_000, 60_000
    return (executed(longer) - executed(shorter)) / (longer - shorter)
