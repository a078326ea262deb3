# How answers are compared with those of the reference solution, in the manner of EvalPlus 0.3.1. Runs in the tester, which
# no sample reaches. `PLUMB_PROBLEM`, `PLUMB_ENTRY`, `PLUMB_REFERENCE`, `PLUMB_INPUTS` (JSON) and `PLUMB_TOLERANCE` come before.
import builtins as _builtins
import copy as _copy
import json as _json
import math as _math

# MBPP's inputs were written with tuples and sets, which JSON has not: which problems need what (EvalPlus 0.3.1).
_PARTS = {2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809}
_PARTS_OF_PARTS = {63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780}
_PARTS_OF_FIRST = {75, 413, 444, 753}
_SECOND = {106, 750}
_FIRST = {250, 307, 405, 446, 617, 720, 763, 808}
_BOTH = {259, 401, 445}
_ALL = {580, 615, 791}
# Their answers are compared as sets, or only for being there.
_SETS = {"similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
         "intersection_array", "find_dissimilar", "Diff"}
_THERE = {"check_str", "text_match_three", "text_starta_endb"}


def _all_tuples(value):
    return tuple(map(_all_tuples, value)) if isinstance(value, list) else value


def _as_written(number, given):
    if number in _PARTS:
        return [tuple(part) for part in given]
    if number in _PARTS_OF_PARTS:
        return [[tuple(inner) for inner in part] for part in given]
    if number in _PARTS_OF_FIRST:
        return [[tuple(inner) for inner in given[0]], given[1]]
    if number in _SECOND:
        return [given[0], tuple(given[1])]
    if number in _FIRST:
        return [tuple(given[0])] + given[1:]
    if number in _BOTH:
        return [tuple(tuple(inner) for inner in part) for part in given]
    if number in _ALL:
        return _all_tuples(given)
    if number == 115:
        return [[set(part) if isinstance(part, list) and part else {} for part in given[0]]]
    if number == 124:
        return (float(given[0]), complex(given[1]))
    if number == 252:
        return [complex(given[0])]
    if number == 278:
        return [tuple(tuple(part) if isinstance(part, list) else part for part in given[0])]
    if number == 722:
        return [{key: tuple(value) for key, value in given[0].items()}] + given[1:]
    return given


def _prepared():
    held = _builtins.__dict__.setdefault("__plumb_expected__", {})
    key = (PLUMB_PROBLEM, PLUMB_INPUTS)
    if key not in held:
        name, _, number = PLUMB_PROBLEM.rpartition("/")
        inputs = _json.loads(PLUMB_INPUTS)
        if name == "Mbpp":
            inputs = [_as_written(int(number), given) for given in inputs]
        space = {"__name__": "reference"}
        exec(compile(PLUMB_REFERENCE, "<reference>", "exec"), space)
        entry = space[PLUMB_ENTRY]
        held[key] = inputs, [entry(*_copy.deepcopy(given)) for given in inputs]
    return held[key]


def _floats(value):
    if isinstance(value, (list, tuple)) and value:
        return all(isinstance(part, float) for part in value)
    return isinstance(value, float)


def _near(got, wanted, tolerance):
    if isinstance(wanted, (list, tuple)):
        return (isinstance(got, (list, tuple)) and len(got) == len(wanted)
                and all(_near(g, w, tolerance) for g, w in zip(got, wanted)))
    if got == wanted:
        return True
    if not isinstance(wanted, (int, float, complex)) or not isinstance(got, (int, float, complex)):
        return False
    return abs(got - wanted) <= tolerance + 1e-7 * abs(wanted)


def _surface(edge, height):
    return round(edge ** 2 + 2 * edge * _math.sqrt((edge / 2) ** 2 + height ** 2))


def _digits(a, b):
    a, b = str(a), str(b)
    wide = max(len(a), len(b))
    return sum(abs(int(x) - int(y)) for x, y in zip(a.zfill(wide), b.zfill(wide)))


def _special(got, wanted, given):
    """Whether a problem with several right answers has one; None where equality decides."""
    if PLUMB_PROBLEM.startswith("Mbpp/"):
        if PLUMB_ENTRY == "are_equivalent":
            return True
        if PLUMB_ENTRY == "sum_div" and got == 0:
            return True
        if PLUMB_ENTRY == "surface_Area":
            return got == wanted or abs(got - _surface(*given)) <= PLUMB_TOLERANCE
        if PLUMB_ENTRY == "digit_distance_nums":
            return got == wanted or got == _digits(*given)
        if PLUMB_ENTRY in _SETS:
            return set(got) == set(wanted)
        if PLUMB_ENTRY in _THERE:
            return got == wanted if isinstance(got, bool) else wanted == (got is not None)
    if PLUMB_ENTRY == "find_zero" and PLUMB_PROBLEM.startswith("HumanEval/"):
        coefficients = given[0]
        return abs(sum(c * _math.pow(got, power) for power, c in enumerate(coefficients))) <= PLUMB_TOLERANCE
    return None


def plumb_case(candidate, at):
    inputs, expected = _prepared()
    given, wanted = inputs[at], expected[at]
    got = candidate(*_copy.deepcopy(given))
    special = _special(got, wanted, given)
    if special is not None:
        assert special, "input %d: the answer is not among the right ones" % at
        return
    tolerance = PLUMB_TOLERANCE or (1e-6 if _floats(wanted) else 0)
    if got == wanted:
        return
    assert tolerance and type(got) is type(wanted) and _near(got, wanted, tolerance), "input %d: another answer" % at
