"""CodeBLEU of the pairs in similarity.jsonl.gz, from the package codebleu.

Usage: make_codebleu.py FOLDER. Reads FOLDER/similarity.jsonl.gz, writes FOLDER/codebleu.jsonl.gz: one line a pair, in
the same order. Data flow depends on the seed of Python's hash, so it is computed with SEEDS of them, each in its own
process; where they differ, all values found are given.

    make_codebleu.py --golden GOLDEN.jsonl.gz     lists the rows of a file of `ref` and `hyp` whose data flow differs
"""
import gzip
import json
import logging
import os
import pathlib
import subprocess
import sys
from importlib.metadata import version

SEEDS = range(12)
NAMES = ("codebleu", "tree-sitter", "tree-sitter-python")
PARTS = {"codebleu-keywords": "weighted_ngram_match_score", "codebleu-syntax": "syntax_match_score",
         "codebleu-flow": "dataflow_match_score", "codebleu": "codebleu"}


def one_seed(pairs):
    from codebleu import calc_codebleu
    logging.disable(logging.CRITICAL)
    for ref, hyp in pairs:
        scores = calc_codebleu([ref], [hyp], "python")
        print(json.dumps({name: scores[of] for name, of in PARTS.items()}), flush=False)


def all_seeds(pairs):
    """For each pair, what each seed gives."""
    by_seed = []
    for seed in SEEDS:
        done = subprocess.run([sys.executable, __file__, "--one-seed"], input=json.dumps(pairs), text=True, check=True,
                              stdout=subprocess.PIPE, env=os.environ | {"PYTHONHASHSEED": str(seed)})
        by_seed.append([json.loads(line) for line in done.stdout.splitlines()])
    return list(zip(*by_seed))


def united(values):
    return {name: [v[name] for v in values][0] if len({v[name] for v in values}) == 1
            else sorted({v[name] for v in values}) for name in PARTS}


def lines(path):
    return [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]


def main(folder):
    out = pathlib.Path(folder)
    pairs = [(row["reference"], row["candidate"]) for row in lines(out / "similarity.jsonl.gz")[1:]]
    header = dict(made_by="oracles/code/make_codebleu.py", seeds=len(SEEDS),
                  versions={name: version(name) for name in NAMES} | {"python": sys.version.split()[0]})
    rows = [header] + [united(values) for values in all_seeds(pairs)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (out / "codebleu.jsonl.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if sys.argv[1] == "--one-seed":
    one_seed(json.load(sys.stdin))
elif sys.argv[1] == "--golden":
    found = [united(values) for values in all_seeds([(row["ref"], row["hyp"]) for row in lines(sys.argv[2])])]
    print([at for at, row in enumerate(found) if isinstance(row["codebleu-flow"], list)])
else:
    main(sys.argv[1])
