"""What the core alone costs: no device, no threads, no kernel."""

import concurrent.futures
import json
import os
import re
import shutil

from namespaces import BIN, Failure, command, run_quietly, say

PROGRAM = BIN / "bench-core"
MANY = 100_000

# Steps of a turn, and how many segments each is about.
STEPS = {"data-arrives": 2, "verified-data-arrives": 2, "ack-arrives": 1, "all": 3}

# Turns in which the instructions of a step are counted, at least: on one connection for a step,
# on so many in turn for a whole turn.
TURNS = 2_000
IN_TURN = (10, 1_000, 10_000, MANY)

# The longest that one count may take, in seconds. What takes longer has no figure.
PATIENCE = 150


def measure(quick):
    """Memory and time; instructions too, unless it must be quick or there is no valgrind."""
    say("the core alone: memory and time")
    run = lambda *words: json.loads(command(PROGRAM, *words))
    figures = {
        "idle": run("idle", MANY),
        "time_wait": run("time-wait", MANY),
        "among": run("among", MANY, 5 if quick else 15),
        "instructions": [],
    }
    if not quick and shutil.which("valgrind"):
        say("the core alone: instructions a segment")
        wanted = [("data-arrives", 1), ("verified-data-arrives", 1), ("ack-arrives", 1)]
        wanted += [("all", connections) for connections in reversed(IN_TURN)]
        # What is counted does not depend on what else runs.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(lambda pair: instructions(*pair), wanted)
            figures["instructions"] = [count for count in counts if count]
    return figures


def instructions(step, connections):
    """Instructions a segment of this step, as callgrind counts them; `None`: it took too long."""
    turns = max(connections, TURNS)
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    words += ["--toggle-collect=*step::counted*", PROGRAM, "instructions", step, connections, turns]
    try:
        output = run_quietly(words, PATIENCE).stderr
    except Failure as failure:
        say(f"    {failure}")
        return None
    collected = int(re.search(r"Collected : (\d+)", output).group(1))
    number = collected / turns / STEPS[step]
    say(f"    {step}, {connections:,} connections: {number:,.0f}")
    return {"step": step, "connections": connections, "a_segment": number}
