"""How many programs a second this machine can fork, compile and run, with nothing else: a floor for any executor that does so.

    python fork_floor.py HumanEval.jsonl.gz [--workers 2] [--rounds 4]

Each worker is a warm interpreter that forks for every reference solution with its tests (problem 75 left out); the child compiles, runs
and ends at once. No isolation, no limits, no result but the exit code.
"""

import argparse
import gzip
import json
import os
import time


def work(programs, rounds):
    for _ in range(rounds):
        for program in programs:
            child = os.fork()
            if child == 0:
                exec(compile(program, "program", "exec"), {})
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if status != 0:
                raise SystemExit(f"a reference solution failed: {status}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("problems")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    problems = [json.loads(line) for line in gzip.open(args.problems)]
    programs = [
        f"{p['prompt']}{p['canonical_solution']}\n{p['test']}\ncheck({p['entry_point']})\n"
        for p in problems
        if p["task_id"] != "HumanEval/75"
    ]
    began = time.perf_counter()
    workers = []
    for _ in range(args.workers):
        worker = os.fork()
        if worker == 0:
            work(programs, args.rounds)
            os._exit(0)
        workers.append(worker)
    for worker in workers:
        if os.waitpid(worker, 0)[1] != 0:
            raise SystemExit("a worker failed")
    count = len(programs) * args.rounds * args.workers
    print(f"{count} programs, {count / (time.perf_counter() - began):.0f}/s on {args.workers} workers")


main()
