"""Writes the apartments of the four experiments: python3 apartments.py

Bedrooms, bathrooms, square feet, true prices and the model's predictions of the test apartments are those that the paper's
experiments had (facts of Poursabzi-Sangdeh et al., arXiv 1802.07810). Everything else is ours: the other five features of
each apartment, all training apartments, and the coefficients of the model with eight features. They are chosen so that
the two models predict the same after rounding for every apartment but number 11, as in the experiments.
"""

import csv
from fractions import Fraction

# id: bedrooms, bathrooms, square feet, true price and prediction in steps of $100,000
TEST = {
    "0": (1, 1, 925, 9, 10), "1": (2, 1, 1080, 13, 12), "2": (3, 2, 1530, 25, 20), "3": (2, 2, 1140, 18, 16),
    "4": (1, 1, 540, 6, 6), "5": (0, 1, 540, 8, 6), "6": (2, 1, 1240, 10, 13), "7": (2, 2, 1240, 17, 17),
    "8": (2, 1, 1250, 16, 13), "9": (1, 1, 532, 5, 6), "10": (1, 2, 750, 6, 12), "11": (1, 3, 726, None, 15),
}
# Of experiment 4: 11 and 12 are other apartments there.
FOCUS = {"10": (1, 3, 726, None, 15), "11": (1, 1, 788, 12, 9), "12": (1, 3, 350, None, 11)}
# Ours.
TRAINING = {
    "t1": (1, 1, 610, 7), "t2": (2, 1, 905, 10), "t3": (2, 2, 1310, 17), "t4": (0, 1, 480, 5), "t5": (3, 2, 1720, 24),
    "t6": (1, 1, 830, 8), "t7": (2, 2, 1060, 16), "t8": (3, 3, 1850, 27), "t9": (1, 1, 700, 9), "t10": (2, 1, 1120, 11),
}
# The model with two features, in dollars; the one with eight adds small terms.
TWO = (-260000, {"baths": 350000, "sqft": 1000})
EIGHT = (-247000, {"baths": 350000, "sqft": 1000, "bedrooms": 500, "total_rooms": -500, "days": -120, "maintenance": -1,
                   "subway": 5000, "school": -5000})


def steps(dollars):
    """Nearest step of $100,000, halves up."""
    return int((Fraction(dollars) / 100000 + Fraction(1, 2)) // 1)


def predicted(model, features):
    return model[0] + sum(times * features[name] for name, times in model[1].items())


def features(at, bedrooms, baths, sqft, unlike=False):
    """The other five, made up: ordinary for an apartment of this size; `unlike` stayed on the market for long."""
    return {
        "bedrooms": bedrooms, "baths": baths, "sqft": sqft, "total_rooms": bedrooms + 2 + (sqft > 1500),
        "days": 460 if unlike else 25 + (at * 37) % 120, "maintenance": round(sqft * 0.9 / 10) * 10 + (at * 53) % 90,
        "subway": Fraction(80 + (at * 29) % 150, 1000), "school": Fraction(110 + (at * 61) % 300, 1000),
    }


COLUMNS = ["bedrooms", "baths", "sqft", "total_rooms", "days", "maintenance", "subway", "school"]


def write(name, rows, price, fee=1):
    with open(name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["id", "label", "set", *COLUMNS, "actual_price"])
        for at, (ident, label, group, size, actual) in enumerate(rows):
            f = features(at, *size, unlike=ident == "10" and size[1] == 2)
            two, eight = steps(predicted(TWO, f)), steps(predicted(EIGHT, f))
            assert (two == eight) != (ident == "10" and size[1] == 2), (ident, float(predicted(TWO, f)), float(predicted(EIGHT, f)))
            cells = [f"{float(f[c]):g}" if c != "maintenance" else f"{f[c] / fee:g}" for c in COLUMNS]
            out.writerow([ident, label, group, *cells, "" if actual is None else price(actual)])


def rows(test, training, labels={}):
    sets = {"10": "unusual", "11": "unusual"}
    for ident, (bedrooms, baths, sqft, actual, model) in test.items():
        two = steps(predicted(TWO, features(0, bedrooms, baths, sqft)))
        assert two == model, (ident, two, model)
        yield ident, labels.get(ident, (f"apartment {int(ident) + 1}",))[0], labels.get(ident, (0, sets.get(ident, "normal")))[1], (bedrooms, baths, sqft), actual
    for ident, (bedrooms, baths, sqft, actual) in training.items():
        yield ident, f"training apartment {ident[1:]}", "training", (bedrooms, baths, sqft), actual


if __name__ == "__main__":
    million = lambda actual: f"{actual / 10:g}"
    write("interpretability-1.csv", list(rows(TEST, TRAINING)), million)
    # A tenth of every price, fees too.
    write("interpretability-2.csv", list(rows(TEST, TRAINING)), lambda actual: str(actual * 10000), fee=10)
    write("interpretability-3.csv", list(rows(TEST, {})), million)
    four = {k: v for k, v in TEST.items() if k in ("0", "5", "7", "8", "9")} | FOCUS
    labels = {"10": ("three bathrooms, 726 sqft", "unusual"), "11": ("one bathroom, 788 sqft", "ordinary"),
              "12": ("three bathrooms, 350 sqft", "unusual")}
    write("interpretability-4.csv", list(rows(four, dict(list(TRAINING.items())[:5]), labels)), million)
