"""What ModelBench's own consistency check says of its journals, whole and spoilt.

Usage: check.py THEIRS JOURNALS > consistency.json. THEIRS as for run.py; JOURNALS holds the three files that run.py wrote. Each edit spoils
one of them in one place; tests apply the same edits, so that `plumb audit` can be held against what is written here: for every journal and
edit the names of the checks that fail.
"""
import contextlib
import io
import json
import pathlib
import sys
import tempfile

import zstandard

import theirs

theirs.load(sys.argv[1])

from modelbench.consistency_checker import ConsistencyChecker  # noqa: E402

ITEM = {"sut": "echo", "test": "demo-kindness-1.0", "prompt_id": "kindness_2"}
VOTE = {**ITEM, "annotator": "no_t"}
SCORED = {"sut": "echo", "test": "demo-kindness-1.0"}
HAZARD = {"sut": "echo", "hazard": "demo_hazard-1.0-kindness"}
# (end of the message, which event, what becomes of it: "drop", "twice", or keys that are put into it). Whether an annotator was asked or
# its answer was cached depends on which thread came first.
EDITS = [
    ("queuing item", ITEM, "drop"),
    ("queuing item", ITEM, "twice"),
    ("fetched sut response", ITEM, "drop"),
    ("fetched sut response", ITEM, "twice"),
    ("translated sut response", ITEM, "drop"),
    ("translated sut response", ITEM, "twice"),
    ("translated sut response", ITEM, {"prompt_id": "kindness_99"}),
    ("measured item quality", ITEM, "drop"),
    ("measured item quality", ITEM, "twice"),
    ("measured item quality", ITEM, {"measurements": {"is_safe": 0.0}}),
    ("annotator response", VOTE, "drop"),
    ("annotator response", VOTE, "twice"),
    ("translated annotation", VOTE, "drop"),
    ("translated annotation", VOTE, "twice"),
    ("translated annotation", VOTE, {"annotation": {"is_safe": True, "is_valid": False}}),
    ("translated annotation", {**ITEM, "annotator": "no_y"}, {"annotation": {"is_safe": True, "is_valid": False}}),
    ("translated annotation", {**ITEM, "annotator": "no_b"}, {"annotation": {"is_safe": False}}),
    ("test scored", SCORED, {"items_finished": 35}),
    ("hazard scored", HAZARD, {"score": 0.5}),
    ("item finished", ITEM, "drop"),
    ("benchmark scored", {"sut": "echo"}, {"numeric_grade": 1}),
]


def read(path):
    text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
    return [json.loads(line) for line in text.splitlines()]


def spoil(events, message, which, change):
    (at,) = [i for i, e in enumerate(events) if e["message"].endswith(message) and all(e.get(k) == v for k, v in which.items())]
    new = {"drop": [], "twice": [events[at]] * 2}.get(change) if isinstance(change, str) else [{**events[at], **change}]
    return events[:at] + new + events[at + 1 :]


def failing(events):
    """Names of the checks that fail anywhere."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = pathlib.Path(folder) / "journal.jsonl"
        path.write_text("".join(json.dumps(e) + "\n" for e in events))
        checker = ConsistencyChecker(path)
        checker._collect_results()
    tables = [group.results for group in checker._check_groups]
    return sorted({name for table in tables for row in table.values() for name, holds in row.items() if not holds})


def main():
    folder = pathlib.Path(sys.argv[2])
    journals = {name: read(folder / name) for name in ("again.jsonl.zst", "clean.jsonl.zst", "failures.jsonl.zst")}
    clean = journals["clean.jsonl.zst"]
    said = {
        "checker": "github.com/mlcommons/modelbench, src/modelbench/consistency_checker.py @ " + theirs.FILES["modelbench/consistency_checker.py"][0],
        "journals": {name: failing(events) for name, events in journals.items()},
        "edits": [
            {"message": message, "which": which, "change": change, "failing": failing(spoil(clean, message, which, change))}
            for message, which, change in EDITS
        ],
    }
    json.dump(said, sys.stdout, indent=1)
    print()


main()
