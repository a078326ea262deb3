"""inspect_ai at the work of `cargo xtask bench endpoint`, against the same mock endpoint.

Asks every prompt of a CSV file (columns id, prompt) once with N samples in flight, scores each
answer, and prints one line of JSON: version, items, how many answers were exactly right, and
inspect_ai's own time. What it costs from outside (wall time, CPU, memory) is measured by whoever
starts it.

It runs inspect_ai as fast as we know how: no display, no realtime log, retries and adaptive
concurrency out of the way. Its log of samples stays on, for our journal keeps every answer too.
"""

import argparse
import csv
import json
import os
import time


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True, help="the mock's, ending in /v1")
    parser.add_argument("--model", default="mock-0")
    parser.add_argument("--items", required=True, help="CSV with the columns id and prompt")
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--max-tokens", type=int, default=8)
    parser.add_argument("--log-dir", required=True)
    return parser.parse_args()


MASK = (1 << 64) - 1
WORDS = ["plumb", "line", "level", "true", "wall", "stone", "cord", "bob"]


def reply(prompt: str, tokens: int) -> str:
    """What the mock answers: FNV-1a over the prompt and its length, mixed as in SplitMix64."""
    data = prompt.encode()
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK
    h = ((h ^ len(data)) * 0x100000001B3) & MASK
    h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & MASK
    h ^= h >> 31
    return " ".join([f"echo {h:016x}:"] + [WORDS[n % len(WORDS)] for n in range(tokens)])


def main() -> None:
    args = arguments()
    # The generic provider takes its address and key from the environment, by the provider's name.
    os.environ["MOCK_BASE_URL"] = args.base_url
    os.environ["MOCK_API_KEY"] = "none"

    import inspect_ai
    from inspect_ai import Task, eval as inspect_eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    with open(args.items, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    samples = [Sample(id=row["id"], input=row["prompt"], target=reply(row["prompt"], args.max_tokens)) for row in rows]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())

    started = time.perf_counter()
    [log] = inspect_eval(
        task,
        model=f"openai-api/mock/{args.model}",
        max_connections=args.in_flight,
        max_samples=args.in_flight,
        max_tokens=args.max_tokens,
        temperature=0.0,
        display="none",
        log_dir=args.log_dir,
        log_realtime=False,
    )
    seconds = time.perf_counter() - started

    answers = {str(sample.id): sample.output.completion for sample in log.samples or []}
    right = sum(answers.get(str(sample.id)) == sample.target for sample in samples)
    print(
        json.dumps(
            {
                "version": inspect_ai.__version__,
                "status": log.status,
                "in_flight": args.in_flight,
                "items": len(samples),
                "right": right,
                "seconds": round(seconds, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
