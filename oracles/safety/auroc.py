"""Areas under ROC curves with DeLong's standard error, by scikit-learn and confidenceinterval.

Usage: auroc.py OUT_FOLDER.
"""
import json
import pathlib
import random
import sys
from importlib.metadata import version

from confidenceinterval import roc_auc_score
from scipy.stats import norm
from sklearn.metrics import roc_auc_score as sklearn_auc


def main(out):
    random.seed(11)
    cases = []
    for n, shift, places in [(40, 1.0, 3), (200, 0.5, 1), (120, 0.0, 0), (60, 1.5, 2)]:
        truth = [int(random.random() < 0.4) for _ in range(n)]
        score = [round(random.gauss(shift * t, 1.0), places) for t in truth]
        area, (low, high) = roc_auc_score(truth, score, confidence_level=0.95)
        # The package counts in single precision.
        assert abs(area - sklearn_auc(truth, score)) < 1e-5
        # The package clips its bounds to 0 and 1; the lower one is free in these cases.
        cases.append({"truth": truth, "score": score, "area": sklearn_auc(truth, score),
                      "std_error": (area - low) / norm.ppf(0.975)})
    record = {"made_by": "oracles/safety/auroc.py", "confidenceinterval": version("confidenceinterval"),
              "scikit-learn": version("scikit-learn"), "cases": cases}
    (pathlib.Path(out) / "auroc.json").write_text(json.dumps(record) + "\n")


main(*sys.argv[1:])
