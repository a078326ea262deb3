"""Reference values for paired yes/no outcomes: McNemar's test of statsmodels, and Tango's score interval computed
another way than in plumb-stats: the nuisance probability by numerical maximisation of the trinomial likelihood
(scipy), not by its closed form, and the bounds by Brent's method.

Usage: paired.py FOLDER. Writes paired.json.
"""
import json
import pathlib
import sys
from importlib.metadata import version

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar


def score(n, gained, lost, null):
    """(estimate − null) / its standard error under the null value, with P(lost) at its constrained maximum."""
    def minus_log_likelihood(q):
        p = q + null
        rest = 1 - p - q
        terms = [(gained, p), (lost, q), (n - gained - lost, rest)]
        if any(k > 0 and x <= 0 for k, x in terms) or any(x < -1e-15 for _, x in terms):
            return 1e300
        return -sum(k * np.log(x) for k, x in terms if k > 0)

    low, high = max(0, -null), (1 - null) / 2
    q = minimize_scalar(minus_log_likelihood, bounds=(low, high), method="bounded",
                        options=dict(xatol=1e-15, maxiter=2000)).x
    # The bounded search stays inside; a maximum on the bound is tried by hand.
    q = min([q, low, high], key=minus_log_likelihood)
    variance = n * (2 * q + null * (1 - null))
    return (gained - lost - n * null) / np.sqrt(max(variance, 1e-300))


cases = []
for n, gained, lost in [(1600, 86, 150), (44, 1, 5), (30, 0, 0), (200, 3, 0), (50, 20, 25), (1000, 1, 1), (12, 12, 0)]:
    estimate = (gained - lost) / n
    case = dict(units=n, gained=gained, lost=lost, difference=estimate)
    if gained + lost:
        table = [[n - gained - lost, gained], [lost, 0]]
        case["mcnemar"] = float(mcnemar(table, exact=False, correction=False).pvalue)
    case["interval"] = {}
    for level in (0.9, 0.95):
        z = norm.ppf(1 - (1 - level) / 2)
        f = lambda d, target: score(n, gained, lost, d) - target
        low = -1.0 if estimate == -1 else brentq(lambda d: f(d, z), -1 + 1e-9, estimate - 1e-12)
        high = 1.0 if estimate == 1 else brentq(lambda d: f(d, -z), estimate + 1e-12, 1 - 1e-9)
        case["interval"][str(level)] = [low, high]
    case["p_greater"] = {str(null): float(norm.sf(score(n, gained, lost, null))) for null in (-0.2, -0.05, 0.1)}
    cases.append(case)
versions = {name: version(name) for name in ("numpy", "scipy", "statsmodels")}
out = pathlib.Path(sys.argv[1]) / "paired.json"
out.write_text(json.dumps(dict(versions=versions, cases=cases), indent=1) + "\n")
