"""Runs a small task of inspect_ai against a running `plumb serve`: python inspect_client.py BASE_URL KEY MODEL LOGS

Written for inspect_ai 0.3.285; the version is printed. Asserted is what inspect_ai says of the run (all samples answered and scored, the
same answers again with the same seed, usage counted), and nothing about what the model says.
"""

import os
import sys

base, key, model, logs = sys.argv[1:]
os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"] = key, base
os.environ["INSPECT_DISPLAY"] = "none"

import inspect_ai
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message

print("inspect_ai", inspect_ai.__version__)
samples = [Sample(id=f"s{i}", input=f"Say the word {word}.", target=word) for i, word in enumerate(["one", "two", "three", "four"])]
config = GenerateConfig(temperature=0.8, seed=7, max_tokens=8, max_connections=4)
task = Task(dataset=MemoryDataset(samples), solver=[system_message("Be brief."), generate()], scorer=includes(), config=config)


def run():
    [log] = eval(task, model=f"openai/{model}", log_dir=logs, model_args={"responses_api": False})
    assert log.status == "success", log.error
    assert len(log.samples) == len(samples) and all(sample.scores for sample in log.samples)
    usage = list(log.stats.model_usage.values())
    assert usage and usage[0].output_tokens > 0 and usage[0].input_tokens > 0
    return {sample.id: sample.output.completion for sample in log.samples}


first = run()
assert first == run(), "a seed repeats the answers"
print("all as expected")
