"""What the core alone costs: no device, no threads, no kernel."""

import concurrent.futures
import json
import os
import re
import shutil

from namespaces import BIN, Failure, command, run_quietly, say

PROGRAM = BIN / "bench-core"
# smoltcp's, for the same steps.
SMOLTCP = BIN / "bench-smoltcp-core"
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
        "smoltcp": [],
    }
    if not quick and shutil.which("valgrind"):
        say("the core alone: instructions a segment")
        single = [step for step in STEPS if step != "all"]
        wanted = [(step, 1) for step in single]
        wanted += [("all", connections) for connections in reversed(IN_TURN)]
        # What is counted does not depend on what else runs.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            ours = pool.map(lambda pair: instructions(*pair), wanted)
            smoltcps = pool.map(instructions_of_smoltcp, single)
            figures["instructions"] = [count for count in ours if count]
            figures["smoltcp"] = [count for count in smoltcps if count]
    return figures


def instructions(step, connections):
    """Instructions a segment of this step."""
    turns = max(connections, TURNS)
    return count(step, connections, turns, [PROGRAM, "instructions", step, connections, turns])


def instructions_of_smoltcp(step):
    """The same of smoltcp."""
    return count(step, 1, TURNS, [SMOLTCP, step, TURNS])


def count(step, connections, turns, program):
    """Instructions a segment, as callgrind counts them in all of these turns; `None`: it took too
    long."""
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    words += ["--toggle-collect=*::counted*", *program]
    try:
        output = run_quietly(words, PATIENCE).stderr
    except Failure as failure:
        say(f"    {failure}")
        return None
    collected = int(re.search(r"Collected : (\d+)", output).group(1))
    number = collected / turns / STEPS[step]
    say(f"    {program[0].name}: {step}, {connections:,} connections: {number:,.0f}")
    return {"step": step, "connections": connections, "a_segment": number}
