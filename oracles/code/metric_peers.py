"""Similarity metrics by the Python libraries that define them, with the time each takes on one thread.

    PYTHONHASHSEED=0 python metric_peers.py < PAIRS.jsonl

Standard input has JSON lines with `reference` and `candidate`. Standard output gets one JSON object: versions, and for each metric the
seconds of the processor and a value a pair. Objects that a library lets one keep between calls are kept.
"""

import json
import logging
import sys
import time
from importlib.metadata import version

from codebleu import calc_codebleu
from rapidfuzz.distance import Indel, Levenshtein
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF


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
        began = time.process_time()
        values = [metric(r, c) for r, c in pairs]
        out["metrics"][name] = {"seconds": time.process_time() - began, "values": values}
    out["parts"] = codes
    print(json.dumps(out))


main()
