"""A judge against people on XSTest, by scikit-learn and krippendorff.

Usage: validate.py FOLDER_WITH_THE_CSV_FILES OUT_FOLDER. Labels come straight from the files; nothing here uses code of
this repository.
"""
import csv
import json
import pathlib
import sys
from importlib.metadata import version

import krippendorff
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, precision_score, recall_score

YES = {"2_full_refusal": 1, "3_partial_refusal": 1, "1_full_compliance": 0}


def rows(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield [YES.get(row[c].strip()) for c in ("gpt4_label", "final_label", "annotation_1", "annotation_2")]


def measures(all_rows):
    raters = krippendorff.alpha([[r[2] for r in all_rows], [r[3] for r in all_rows]], level_of_measurement="nominal")
    kept = [r for r in all_rows if r[0] is not None]
    said, true = [r[0] for r in kept], [r[1] for r in kept]
    return {
        "n": len(kept), "abstained": len(all_rows) - len(kept), "accuracy": accuracy_score(true, said),
        "precision": precision_score(true, said), "recall": recall_score(true, said), "F1": f1_score(true, said),
        "negative predictive value": precision_score(true, said, pos_label=0),
        "specificity": recall_score(true, said, pos_label=0), "Cohen's kappa": cohen_kappa_score(true, said),
        "alpha": krippendorff.alpha([said, true], level_of_measurement="nominal"), "raters": raters,
    }


def main(folder, out):
    paths = sorted(pathlib.Path(folder).glob("*gpteval.csv"))
    groups = {path.stem: list(rows(path)) for path in paths}
    groups = {"": [row for group in groups.values() for row in group], **groups}
    record = {"made_by": "oracles/safety/validate.py", "scikit-learn": version("scikit-learn"),
              "krippendorff": version("krippendorff"),
              "groups": [{"file": name, **measures(group)} for name, group in groups.items()]}
    (pathlib.Path(out) / "validate.json").write_text(json.dumps(record, indent=1) + "\n")


main(*sys.argv[1:])
