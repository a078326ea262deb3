"""Reference values of correlations, from scipy.

Usage: correlation.py FOLDER. Writes correlation.json.
"""
import json
import pathlib
import sys
import warnings
from importlib.metadata import version

import numpy as np
import scipy.stats as st

warnings.simplefilter("ignore")
VERSIONS = {n: version(n) for n in ("numpy", "scipy")}
ALL = {
    "pearson": lambda x, y: float(st.pearsonr(x, y).statistic),
    "spearman": lambda x, y: float(st.spearmanr(x, y).statistic),
    "kendall": lambda x, y: float(st.kendalltau(x, y, variant="b").statistic),
}


def pair(kind, n, rng):
    x = rng.normal(size=n)
    y = 0.6 * x + rng.normal(size=n)
    if kind == "rounded":
        x, y = np.round(x, 1), np.round(y, 1)
    if kind == "rating":
        x, y = np.round(x, 2), np.clip(np.round(y + 2), 0, 4)
    if kind == "binary":
        x, y = (x > 0).astype(float), np.clip(np.round(y + 2), 0, 4)
    if kind == "shifted":
        x, y = 1e6 + x, -1e-6 * y
    return np.round(x, 9) + 0.0, y


def points(rng):
    cases = []
    for kind in ("plain", "rounded", "rating", "binary", "shifted"):
        for n in (2, 3, 10, 100, 700):
            x, y = pair(kind, n, rng)
            values = {name: of(x, y) for name, of in ALL.items()}
            values = {name: None if np.isnan(v) else v for name, v in values.items()}
            cases.append(dict(kind=kind, x=x.tolist(), y=y.tolist(), **values))
    return cases


def clustered(rng):
    cases = []
    for kind, clusters in [("plain", 12), ("rating", 30), ("binary", 25)]:
        cluster = np.sort(rng.integers(0, clusters, size=6 * clusters))
        cluster = np.unique(cluster, return_inverse=True)[1]
        clusters = int(cluster.max()) + 1
        x, y = pair(kind, len(cluster), rng)
        case = dict(kind=kind, x=x.tolist(), y=y.tolist(), cluster=cluster.tolist(), replicates=[])
        for _ in range(6):
            times = np.bincount(rng.integers(0, clusters, size=clusters), minlength=clusters)
            rows = np.repeat(np.arange(len(x)), times[cluster])
            case["replicates"].append(dict(times=times.tolist(), **{k: of(x[rows], y[rows]) for k, of in ALL.items()}))
        case["jackknife_std_error"], case["fisher_t"] = {}, {}
        for name, of in ALL.items():
            out = np.array([of(x[cluster != c], y[cluster != c]) for c in range(clusters)])
            error = np.sqrt((clusters - 1) / clusters * ((out - out.mean()) ** 2).sum())
            case["jackknife_std_error"][name] = float(error)
            r, half = of(x, y), st.t.ppf(.975, clusters - 1) * error
            case["fisher_t"][name] = [float(np.tanh(np.arctanh(r) + sign * half / (1 - r * r))) for sign in (-1, 1)]
        cases.append(case)
    return cases


def bootstrap(rng):
    cases = []
    for kind, n in [("plain", 60), ("rating", 90)]:
        a, y = pair(kind, n, rng)
        b = np.round(0.5 * a + rng.normal(size=n), 3)
        case = dict(kind=kind, a=a.tolist(), b=b.tolist(), y=y.tolist())
        for name, of in ALL.items():
            statistics = dict(correlation=lambda a, b, y: of(a, y), difference=lambda a, b, y: of(a, y) - of(b, y))
            case[name] = {}
            for what, statistic in statistics.items():
                r = st.bootstrap((a, b, y), statistic, paired=True, vectorized=False, n_resamples=20_000, method="BCa", rng=3)
                case[name][what] = dict(estimate=statistic(a, b, y), low=float(r.confidence_interval.low),
                                        high=float(r.confidence_interval.high))
        cases.append(case)
    return cases


def main(folder):
    rng = np.random.default_rng(77)
    values = dict(points=points(rng), clustered=clustered(rng), bootstrap=bootstrap(rng))
    out = dict(made_by="oracles/stats/correlation.py", versions=VERSIONS, **values)
    (pathlib.Path(folder) / "correlation.json").write_text(json.dumps(out) + "\n")


main(sys.argv[1])
