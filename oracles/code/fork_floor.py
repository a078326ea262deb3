"""What a fork and a compilation cost: the bound of every executor that forks a warm interpreter for each sample.

    python -S -s fork_floor.py PROBLEMS.jsonl --workers 2 --rounds 4

For each canonical solution a child of a warm interpreter compiles it, runs it and the tests, which were compiled once, and ends.
Nothing else is done: no limits, no namespaces, no filter, nobody who judges from outside, no verdict but the exit status. Each
worker has a processor of its own where there are as many. HumanEval/75 is left out, as in the bench that this stands beside. The
last line of standard output has the figures.
"""

import argparse
import collections
import gc
import gzip
import heapq
import itertools
import json
import math
import os
import random
import re
import string
import time
import typing

# What the solutions import, so that no child pays for it.
WARM = (collections, heapq, itertools, math, random, re, string, typing)


def problems(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as file:
        return [p for p in map(json.loads, file) if p["task_id"] != "HumanEval/75"]


def passes(source, check, entry):
    space = {}
    exec(compile(source, "<sample>", "exec"), space)
    exec(check, space)
    space["check"](space[entry])


def work(tasks, rounds):
    """Runs all samples `rounds` times; samples a second, and how many of them failed."""
    wrong, begun = 0, time.monotonic()
    for source, check, entry in tasks * rounds:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                passes(source, check, entry)
                status = 0
            finally:
                os._exit(status)
        wrong += os.waitpid(pid, 0)[1] != 0
    return len(tasks) * rounds / (time.monotonic() - begun), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("problems")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    tasks = [
        (p["prompt"] + p["canonical_solution"] + "\n", compile(p["test"], "<tests>", "exec"), p["entry_point"])
        for p in problems(args.problems)
    ]
    # The first compilation makes the types of syntax trees; the first run fills caches.
    for task in tasks[:3]:
        passes(*task)
    gc.collect()
    gc.freeze()
    gc.disable()
    processors = sorted(os.sched_getaffinity(0))
    ends = []
    for worker in range(args.workers):
        read_end, write_end = os.pipe()
        ends.append(read_end)
        if os.fork() == 0:
            if args.workers <= len(processors):
                os.sched_setaffinity(0, {processors[worker]})
            os.write(write_end, json.dumps(work(tasks, args.rounds)).encode())
            os._exit(0)
    told = [json.loads(os.read(end, 4096)) for end in ends]
    print(json.dumps({"per_second": sum(rate for rate, _ in told), "failed": sum(wrong for _, wrong in told)}))


main()
