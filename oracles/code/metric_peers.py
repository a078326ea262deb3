"""Similarity metrics by the Python libraries that define them, with the time each takes on one thread.

    PYTHONHASHSEED=0 python metric_peers.py < PAIRS.jsonl

Standard input has JSON lines with `reference` and `candidate`. Standard output gets one JSON object: versions, and for each metric a
value a pair and the seconds of the processor: of the fastest pass over all pairs in a quarter of a second, or of one that takes longer.
Objects that a library lets one keep between calls are kept. rapidfuzz has calls for many pairs, too: `many` has the seconds of the
faster of them, `cpdist` (pair by pair) and `cdist` (a reference with all its candidates).
"""

import itertools
import json
import logging
import sys
import time
from importlib.metadata import version

import numpy
from codebleu import calc_codebleu
from rapidfuzz.distance import Indel, Levenshtein
from rapidfuzz.process import cdist, cpdist
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF


def fastest(work):
    """The seconds of the fastest pass, and what it gave."""
    spent, least = 0.0, float("inf")
    while spent < 0.25:
        began = time.process_time()
        values = work()
        took = time.process_time() - began
        spent, least = spent + took, min(least, took)
    return least, values


def main():
    logging.disable(logging.CRITICAL)
    pairs = [(p["reference"], p["candidate"]) for p in map(json.loads, sys.stdin)]
    bleu, chrf, rouge = BLEU(effective_order=True), CHRF(), RougeScorer(["rougeL"])
    codes = {}

    def codebleu(reference, candidate):
        scores = calc_codebleu([reference], [candidate], "python")
        codes.setdefault("codebleu-keywords", []).append(scores["weighted_ngram_match_score"])
        codes.setdefault("codebleu-syntax", []).append(scores["syntax_match_score"])
        return scores["codebleu"]

    metrics = {
        "edit": Levenshtein.normalized_similarity,
        "indel": Indel.normalized_similarity,
        "sacrebleu": lambda r, c: bleu.sentence_score(c, [r]).score,
        "chrf": lambda r, c: chrf.sentence_score(c, [r]).score,
        "rouge-l": lambda r, c: rouge.score(r, c)["rougeL"].fmeasure,
        "codebleu": codebleu,
    }
    out = {"versions": {n: version(n) for n in ("rapidfuzz", "sacrebleu", "rouge-score", "codebleu")}, "metrics": {}}
    for name, metric in metrics.items():
        took, values = fastest(lambda metric=metric: [metric(r, c) for r, c in pairs])
        out["metrics"][name] = {"seconds": took, "values": values}
    groups = [(r, [c for _, c in same]) for r, same in itertools.groupby(pairs, lambda pair: pair[0])]
    references, candidates = [r for r, _ in pairs], [c for _, c in pairs]
    for name, scorer in (("edit", metrics["edit"]), ("indel", metrics["indel"])):
        ways = (
            lambda: cpdist(references, candidates, scorer=scorer, dtype=numpy.float64),
            lambda: [cdist([r], some, scorer=scorer, dtype=numpy.float64) for r, some in groups],
        )
        out["metrics"][name]["many"] = min(fastest(way)[0] for way in ways)
    out["parts"] = codes
    print(json.dumps(out))


main()
