"""Reference values for plumb-stats, from scipy, statsmodels, scikit-learn and krippendorff.

Usage: make.py FOLDER. Writes one JSON file for each topic.
"""
import json
import pathlib
import sys
from importlib.metadata import version

import krippendorff
import numpy as np
import scipy.stats as st
import statsmodels.api as sm
from sklearn.metrics import accuracy_score, cohen_kappa_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

VERSIONS = {n: version(n) for n in ("numpy", "scipy", "statsmodels", "scikit-learn", "krippendorff")}


def proportions():
    rows = []
    for k, n in [(0, 1), (1, 1), (0, 30), (30, 30), (1, 30), (3, 10), (7, 450), (225, 450), (449, 450),
                 (20000, 43090), (17, 517080), (400000, 517080)]:
        for level in (0.8, 0.95, 0.999):
            alpha = 1 - level
            wilson = proportion_confint(k, n, alpha=alpha, method="wilson")
            exact = st.binomtest(k, n).proportion_ci(confidence_level=level, method="exact")
            tail = (1 - level) / 2
            jeffreys = (0.0 if k == 0 else st.beta.ppf(tail, k + .5, n - k + .5),
                        1.0 if k == n else st.beta.isf(tail, k + .5, n - k + .5))
            rows.append(dict(successes=k, trials=n, level=level, wilson=list(map(float, wilson)),
                             clopper_pearson=[float(exact.low), float(exact.high)], jeffreys=list(map(float, jeffreys))))
    pairs = []
    for a, b in [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((10, 10), (0, 20)), ((0, 30), (0, 30)), ((5, 450), (9, 440))]:
        for level in (0.9, 0.95):
            low, high = confint_proportions_2indep(*a, *b, compare="diff", method="newcomb", alpha=1 - level)
            pairs.append(dict(a=a, b=b, level=level, interval=[float(low), float(high)]))
    return dict(single=rows, newcombe=pairs)


def clustered(rng):
    """CR1 of contrasts of cell means: OLS on cell dummies with cluster covariance, times G/(G-1) alone."""
    cases = []
    for clusters, cells, shared in [(12, 1, .5), (25, 2, .8), (60, 3, .2), (40, 4, .0)]:
        effect = rng.normal(size=clusters)
        rows = []
        for g in range(clusters):
            for c in range(cells):
                for _ in range(rng.integers(1, 4)):
                    rows.append((g, c, round(float(shared * effect[g] + rng.normal() + .3 * c), 6)))
        g, c, y = (np.array(v) for v in zip(*rows))
        fit = sm.OLS(y, np.eye(cells)[c.astype(int)]).fit(cov_type="cluster",
                                                     cov_kwds=dict(groups=g, use_correction=False, df_correction=False))
        factor = clusters / (clusters - 1)
        contrasts = [np.eye(cells)[0], np.linspace(-1, 1.5, cells) if cells > 1 else np.array([2.0])]
        cases.append(dict(cells=cells, rows=rows, contrasts=[
            dict(weights=w.tolist(), estimate=float(w @ fit.params),
                 std_error=float(np.sqrt(factor * w @ fit.cov_params() @ w)),
                 t_interval=[float(w @ fit.params + s * st.t.ppf(.975, clusters - 1) * np.sqrt(factor * w @ fit.cov_params() @ w))
                             for s in (-1, 1)]) for w in contrasts]))
    return dict(cases=cases)


def bca(rng):
    """BCa and percentile bounds from given replicates, so that only the arithmetic is compared."""
    cases = []
    for n in (15, 40):
        data = np.round(rng.exponential(size=n), 6)
        values = np.mean(rng.choice(data, size=(999, n)), axis=1)
        cases.append(dict(data=data.tolist(), replicates=values.tolist(), bounds=[]))
        first = st.bootstrap((data,), np.mean, n_resamples=9, rng=0)
        first.bootstrap_distribution = values
        for level in (0.8, 0.95, 0.99):
            bounds = dict(level=level)
            for method, name in (("BCa", "bca"), ("percentile", "percentile")):
                r = st.bootstrap((data,), np.mean, n_resamples=0, bootstrap_result=first, confidence_level=level, method=method)
                bounds[name] = [float(r.confidence_interval.low), float(r.confidence_interval.high)]
            cases[-1]["bounds"].append(bounds)
    return dict(cases=cases, expanded=expanded())


def expanded():
    """Where Hesterberg (2015, American Statistician 69:371-386, section 5.2) reads the tails of replicates of few clusters."""
    cases = ((15, 14, .025), (60, 28, .025), (30, 29, .005), (60, 28, .975))
    return [dict(clusters=n, df=df, tail=p, read_at=float(st.norm.cdf(np.sqrt(n / (n - 1)) * st.t.ppf(p, df)))) for n, df, p in cases]


def multiplicity(rng):
    cases = [[0.01, 0.04, 0.03, 0.005], [0.05], [0.5, 0.5, 0.5], [1e-9, 0.9, 0.02, 0.02, 1.0, 0.0]]
    cases.append(np.round(rng.uniform(0, .2, size=25), 6).tolist())
    return dict(cases=[dict(p=p, holm=multipletests(p, method="holm")[1].tolist()) for p in cases])


def agreement(rng):
    cases = []
    for k, n, same in [(2, 50, .8), (3, 450, .6), (5, 200, .3), (4, 30, .0)]:
        a = rng.integers(0, k, size=n)
        b = np.where(rng.uniform(size=n) < same, a, rng.integers(0, k, size=n))
        cases.append(dict(categories=k, a=a.tolist(), b=b.tolist(), accuracy=float(accuracy_score(a, b)),
                          kappa=float(cohen_kappa_score(a, b)), linear=float(cohen_kappa_score(a, b, weights="linear")),
                          quadratic=float(cohen_kappa_score(a, b, weights="quadratic"))))
    alphas = []
    for k, units, raters, gaps in [(2, 40, 2, 0), (4, 60, 4, .3), (3, 25, 5, .5)]:
        base = rng.integers(0, k, size=units)
        table = np.where(rng.uniform(size=(raters, units)) < .6, base, rng.integers(0, k, size=(raters, units))).astype(float)
        table[rng.uniform(size=table.shape) < gaps] = np.nan
        value = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
        alphas.append(dict(categories=k, alpha=float(value),
                           units=[[int(v) for v in table[:, u] if not np.isnan(v)] for u in range(units)]))
    return dict(pairs=cases, alphas=alphas)


def distributions():
    """Seen through the intervals that use them: t quantiles at few and many degrees of freedom."""
    return dict(t=[dict(p=p, df=df, value=float(st.t.ppf(p, df))) for p in (.6, .9, .975, .9995) for df in (1, 2, 9, 29, 449, 43089)],
                normal=[dict(p=p, value=float(st.norm.ppf(p))) for p in (1e-12, 1e-4, .025, .3, .5, .9, .999, 1 - 1e-9)])


def main(folder):
    out = pathlib.Path(folder)
    rng = np.random.default_rng(20241)
    for name, values in [("proportions", proportions()), ("clustered", clustered(rng)), ("bca", bca(rng)),
                         ("multiplicity", multiplicity(rng)), ("agreement", agreement(rng)), ("distributions", distributions())]:
        (out / f"{name}.json").write_text(json.dumps(dict(made_by="oracles/stats/make.py", versions=VERSIONS, **values)) + "\n")


main(sys.argv[1])
