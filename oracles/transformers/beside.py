"""What the workloads beside the engine share: made-up tokens, the same as the engine's, and times."""

import time


def ids(count, shift):
    return [(7 * i * i + 13 * i + 3 * shift) % 40_000 + 100 for i in range(count)]


def timed(work):
    start, before = time.perf_counter(), time.process_time()
    result = work()
    return result, {"seconds": time.perf_counter() - start, "processor": time.process_time() - before}


def middle(once, repeats=3):
    """The result, and the median time, of some calls that give a result with its time."""
    results = [once() for _ in range(repeats)]
    results.sort(key=lambda pair: pair[1]["seconds"])
    return results[repeats // 2]
