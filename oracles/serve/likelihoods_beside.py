"""Whether the likelihoods of MMLU and TruthfulQA in a run are those of lm-eval's `hf` model on the same checkpoint, item by item.

    python likelihoods_beside.py RUN FOLDER MMLU TRUTHFULQA.csv

RUN is the folder of a run whose items come from the readers `mmlu` (five examples, options) and `truthfulqa` (mc2); FOLDER is its model for
transformers; MMLU has the folders `test` and `dev` as published. Prompts are made here once more, from the published files with lm-eval's own
template of MMLU, and must be those of the run: then lm-eval scores them. TruthfulQA is asked without the six examples of lm-eval's task, as the
reader says. Checked with lm-eval 0.4.13, transformers 5.24.0.
"""

import csv
import json
import math
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path

import yaml
import lm_eval
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import apply_template

LETTERS = {letter: place for places in ("ABCD", "0123") for place, letter in enumerate(places)}

run, folder, mmlu, truthfulqa = sys.argv[1:]
tasks = Path(lm_eval.__file__).parent / "tasks/mmlu/default"
template = yaml.safe_load((tasks / "_default_template_yaml").read_text())


def questions(topic, split):
    with open(Path(mmlu) / split / f"{topic}_{split}.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row[5] in LETTERS]  # not the header
    return [{"question": row[0], "choices": row[1:5], "answer": LETTERS[row[5]]} for row in rows]


def of_mmlu(topic, number):
    about = yaml.safe_load((tasks / f"mmlu_{topic}.yaml").read_text())["description"]
    letters = template["doc_to_choice"]
    shown = [
        f"{apply_template(template['doc_to_text'], one)} {letters[one['answer']]}\n\n" for one in questions(topic, "dev")[:5]
    ]
    doc = questions(topic, "test")[number]
    return about + "".join(shown) + apply_template(template["doc_to_text"], doc), [f" {letter}" for letter in letters], doc["answer"]


with open(truthfulqa, newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))


def of_truthfulqa(number):
    def split(text):
        return list(dict.fromkeys(answer.strip() for answer in text.split(";") if answer.strip()))

    row = rows[number]
    right = split(row["Correct Answers"])
    wrong = [answer for answer in split(row["Incorrect Answers"]) if answer not in right]
    return f"Q: {row['Question'].strip()}\nA:", [f" {answer}" for answer in right + wrong], len(right)


model = HFLM(pretrained=folder, dtype="float32", device="cpu", batch_size=1)
journal = sqlite3.connect(f"file:{run}/journal.plumb?mode=ro", uri=True)
scores = {}
for item, judge, measure, label, score in journal.execute("SELECT item, judge, measure, label, score FROM judgments"):
    scores[item, measure] = score if score is not None else label
gap = {"mmlu": 0.0, "truthfulqa": 0.0}
same = {"mmlu": [0, 0], "truthfulqa": [0, 0]}
share_gap = 0.0
trials = list(journal.execute("SELECT item, prompt, answer FROM trials WHERE outcome = 'answered'"))
if not trials:
    sys.exit(f"{run} has no answers")
for item, prompt, answer in trials:
    name, _, number = item.split("/")[-1].rpartition("-")
    which = "truthfulqa" if name.startswith("truthfulqa") else "mmlu"
    context, options, right = of_truthfulqa(int(number) - 1) if which == "truthfulqa" else of_mmlu(name, int(number) - 1)
    found = [log_probability for log_probability, _tokens, _bytes in json.loads(answer)["options"]]
    if prompt != context:
        sys.exit(f"{item}: the run asked {prompt!r}, lm-eval would ask {context!r}")
    asked = [Instance("loglikelihood", {}, (context, option), i) for i, option in enumerate(options)]
    theirs = [score for score, _ in model.loglikelihood(asked, disable_tqdm=True)]
    gap[which] = max([gap[which]] + [abs(a - b) for a, b in zip(found, theirs, strict=True)])
    best = max(range(len(theirs)), key=theirs.__getitem__)
    if which == "mmlu":
        agrees = max(range(len(found)), key=found.__getitem__) == best
    else:
        share = sum(map(math.exp, theirs[:right])) / sum(map(math.exp, theirs))
        share_gap = max(share_gap, abs(share - float(scores[item, "share"])))
        agrees = abs(share - float(scores[item, "share"])) < 1e-3
    same[which][0] += agrees
    same[which][1] += 1
print(f"lm-eval {version('lm_eval')}, transformers {version('transformers')}")
for which, (equal, all_) in same.items():
    if all_:
        print(f"{which}: {equal} of {all_} items equal, log-likelihoods differ by at most {gap[which]:.5f}")
print(f"MC2's shares differ by at most {share_gap:.6f}")
sys.exit(any(equal < all_ for equal, all_ in same.values()) or max(gap.values()) > 0.01)
