"""Reference values of metrics against ratings: scipy, pandas, scikit-learn, pingouin, krippendorff, statsmodels.

Usage: align.py FOLDER. Writes aligned.json: one made-up table of outputs, rated by some of five raters each, and every
number on the data as they are and in replicates whose rows are written out.
"""
import json
import pathlib
import sys
import warnings
from importlib.metadata import version

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import scipy.stats as st
import statsmodels.formula.api as smf
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from statsmodels.stats.anova import anova_lm

warnings.simplefilter("ignore")
NAMES = ("numpy", "scipy", "pandas", "scikit-learn", "pingouin", "krippendorff", "statsmodels")
VERSIONS = {n: version(n) for n in NAMES}
COEFFICIENTS = {
    "pearson": lambda x, y: float(st.pearsonr(x, y).statistic),
    "spearman": lambda x, y: float(st.spearmanr(x, y).statistic),
    "kendall": lambda x, y: float(st.kendalltau(x, y, variant="b").statistic),
}
METRICS = ["m0", "m1", "m2"]


def table(rng, problems=24, systems=3, raters=5):
    rows, ratings = [], []
    severity = rng.normal(scale=0.5, size=raters)
    for problem in range(problems):
        hard = rng.normal()
        for system in range(systems):
            good = rng.normal() - 0.5 * hard + 0.4 * system
            m0 = round(float(good + rng.normal()), 4)
            m1 = round(float(good + 0.7 * rng.normal()), 1)
            m2 = float(good + 0.5 * rng.normal() > 0.3)
            output = len(rows)
            rows.append(dict(output=output, problem=problem, m0=m0, m1=m1, m2=m2))
            for rater in sorted(rng.choice(raters, size=rng.integers(2, raters + 1), replace=False)):
                value = int(np.clip(np.round(2 + good + severity[rater] + 0.6 * rng.normal()), 0, 4))
                ratings.append(dict(output=output, rater=int(rater), value=value))
    return pd.DataFrame(rows), pd.DataFrame(ratings)


def written_out(outputs, ratings, problem_times, rater_times):
    """Rows of a replicate: copies of a problem are other problems, copies of a rater rate again."""
    parts = []
    for rater, times in enumerate(rater_times):
        parts += [ratings[ratings.rater == rater]] * int(times)
    drawn = pd.concat(parts)
    long, items = [], []
    for problem, times in enumerate(problem_times):
        own = outputs[outputs.problem == problem]
        for copy in range(int(times)):
            joined = own.merge(drawn, on="output")
            joined["copy"] = f"{problem}-{copy}"
            long.append(joined)
    long = pd.concat(long)
    items = long.groupby(["copy", "output", "problem", *METRICS], as_index=False).value.mean()
    return items, long


def pairs(x, y, groups=None):
    apart = right = alike = every = 0
    for i in range(len(x)):
        for j in range(i):
            if groups is not None and groups[i] != groups[j]:
                continue
            a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
            every += 1
            alike += a == b
            if b != 0:
                apart += 1
                right += 1.0 if a == b else 0.5 if a == 0 else 0.0
    return right / apart, alike / every


def one_rater(items, long, rater_times):
    # The others' mean leaves out every copy of the rater.
    total = n = 0
    for rater, times in enumerate(rater_times):
        if not times:
            continue
        own = long[long.rater == rater].drop_duplicates(["copy", "output"])
        others = long[long.rater != rater].groupby(["copy", "output"]).value.mean().rename("others").reset_index()
        both = own.merge(others, on=["copy", "output"])
        if len(both) > 1 and both.value.nunique() > 1 and both.others.nunique() > 1:
            total += times * len(both) * COEFFICIENTS["pearson"](both.value, both.others)
            n += times * len(both)
    return float(total / n)


def cross_validated(items, folds, metrics):
    blended, best = np.zeros(len(items)), np.zeros(len(items))
    where = np.array([folds[p] for p in items.problem])
    for fold in range(max(folds) + 1):
        train, test = items[where != fold], items[where == fold]
        blended[where == fold] = LinearRegression().fit(train[metrics], train.value).predict(test[metrics])
        name = max(metrics, key=lambda m: abs(COEFFICIENTS["pearson"](train[m], train.value)))
        best[where == fold] = LinearRegression().fit(train[[name]], train.value).predict(test[[name]])
    of = COEFFICIENTS["pearson"]
    return of(blended, items.value), of(best, items.value)


def numbers(outputs, ratings, problem_times, rater_times, subset, folds):
    items, long = written_out(outputs, ratings, problem_times, rater_times)
    long = long.assign(centred=long.value - long.groupby("rater").value.transform("mean"))
    own = lambda frame, column: frame[column] - frame.groupby("copy")[column].transform("mean")
    out = {}
    for m in METRICS:
        for name, of in COEFFICIENTS.items():
            out[f"{m} item {name}"] = of(items[m], items.value)
            out[f"{m} rating {name}"] = of(long[m], long.centred)
        out[f"{m} within pearson"] = COEFFICIENTS["pearson"](own(items, m), own(items, "value"))
        ranked = items.assign(**{c: items.groupby("copy")[c].rank() for c in (m, "value")})
        out[f"{m} within spearman"] = COEFFICIENTS["pearson"](own(ranked, m), own(ranked, "value"))
        out[f"{m} item pairs"], out[f"{m} item alike"] = pairs(items[m].values, items.value.values)
        out[f"{m} within pairs"], out[f"{m} within alike"] = pairs(items[m].values, items.value.values, items["copy"].values)
        part = items[items.output.isin(subset)]
        out[f"{m} subset pearson"] = COEFFICIENTS["pearson"](part[m], part.value)
        out[f"{m} subset kendall"] = COEFFICIENTS["kendall"](part[m], part.value)
        out[f"{m} finds"] = float(roc_auc_score(part.value <= 1.5, -part[m]))
        out[f"{m} mean"] = float(part[m].mean())
    out["mean rating"] = float(items.value.mean())
    out["rated"] = float((part.value >= 2.5).mean())
    out["quadrant"] = float((part.value < 2.5).sum() / len(items))
    out["one rater"] = one_rater(items, long, rater_times)
    out["blended"], out["best single"] = cross_validated(items, folds, METRICS)
    return {k: float(v) for k, v in out.items()}


def reliability(outputs, ratings, crossed):
    out = {}
    wide = ratings.pivot(index="rater", columns="output", values="value").values
    out["alpha_interval"] = float(krippendorff.alpha(reliability_data=wide, level_of_measurement="interval"))
    out["alpha_ordinal"] = float(krippendorff.alpha(reliability_data=wide, level_of_measurement="ordinal"))
    if crossed:
        icc = pingouin.intraclass_corr(data=ratings, targets="output", raters="rater", ratings="value")
        icc = icc.set_index("Type").ICC
        one = [k for k in icc.index if k in ("ICC3", "ICC(C,1)")][0]
        many = [k for k in icc.index if k in ("ICC3k", "ICC(C,k)")][0]
        out["of_one"], out["of_mean"] = float(icc[one]), float(icc[many])
        out["cronbach"] = float(pingouin.cronbach_alpha(data=pd.DataFrame(wide.T))[0])
    else:
        anova = anova_lm(smf.ols("value ~ C(output)", ratings).fit())
        between, within = anova.mean_sq.iloc[0], anova.mean_sq.iloc[1]
        k = ratings.groupby("output").size()
        size = (k.sum() - (k**2).sum() / k.sum()) / (len(k) - 1)
        of_units = (between - within) / size
        out["of_one"] = float(of_units / (of_units + within))
        out["of_mean"] = float(of_units / (of_units + within * (1 / k).mean()))
    return dict(crossed=crossed, ratings=ratings[["output", "rater", "value"]].values.tolist(), **out)


def main(folder):
    rng = np.random.default_rng(20)
    outputs, ratings = table(rng)
    problems, raters = outputs.problem.nunique(), 5
    subset = outputs.output[outputs.m1 < 0.8].tolist()
    folds = rng.permutation(np.arange(problems) % 4).tolist()
    replicates = [(np.ones(problems, int), np.ones(raters, int))]
    for _ in range(5):
        draw = lambda n: np.bincount(rng.integers(0, n, size=n), minlength=n)
        replicates.append((draw(problems), draw(raters)))
    cases = [
        dict(problems=p.tolist(), raters=r.tolist(), **{"values": numbers(outputs, ratings, p, r, subset, folds)})
        for p, r in replicates
    ]
    everyone = [
        dict(output=o, rater=r, value=int(np.clip(round(2 + g + 0.3 * r + rng.normal()), 0, 4)))
        for o, g in enumerate(rng.normal(size=20)) for r in range(4)
    ]
    out = dict(
        made_by="oracles/stats/align.py", versions=VERSIONS, outputs=outputs.values.tolist(), subset=subset, folds=folds,
        ratings=ratings.values.tolist(), replicates=cases,
        reliability=[reliability(outputs, ratings, False), reliability(None, pd.DataFrame(everyone), True)],
    )
    (pathlib.Path(folder) / "aligned.json").write_text(json.dumps(out) + "\n")


main(sys.argv[1])
