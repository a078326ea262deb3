"""Writes the generations that people rate, and the metrics that are held against them: python3 code_value.py

Tasks, references and generations are ours, written for this example; they stand where a run's generations would stand. Each
generation is run against its task's test here, and its similarity to the reference is the ratio of difflib. As many are drawn
from each stratum (passes or not, similar or not), and each carries the weight that its stratum's share of all generations
calls for. Identical generations of a task are one item.
"""

import csv
import difflib
import random

# task, reference, [generations], test
TASKS = [
    ("add", "Return the sum of two numbers.", "def f(a, b):\n    return a + b", ["def f(x, y):\n    total = x\n    total += y\n    return total", "def f(a, b):\n    return a * b"], "f(2, 3) == 5"),
    ("last", "Return the last element of a list.", "def f(xs):\n    return xs[-1]", ["def f(items):\n    return items[len(items) - 1]", "def f(xs):\n    return xs[0]"], "f([1, 2]) == 2"),
    ("even", "Tell whether a number is even.", "def f(n):\n    return n % 2 == 0", ["def f(number):\n    if number & 1:\n        return False\n    return True", "def f(n):\n    return n % 2 == 1"], "f(4) and not f(3)"),
    ("flat", "Turn a list of lists into one list.", "def f(xss):\n    return [x for xs in xss for x in xs]", ["def f(lists):\n    out = []\n    for part in lists:\n        out.extend(part)\n    return out", "def f(xss):\n    return [xs for xs in xss]"], "f([[1], [2]]) == [1, 2]"),
    ("count", "Count the vowels of a text.", "def f(s):\n    return sum(c in 'aeiou' for c in s.lower())", ["def f(text):\n    vowels = 0\n    for letter in text:\n        if letter.lower() in 'aeiou':\n            vowels += 1\n    return vowels", "def f(s):\n    return sum(c in 'aeiou' for c in s)"], "f('Area') == 3"),
    ("rev", "Turn a text round.", "def f(s):\n    return s[::-1]", ["def f(text):\n    return ''.join(reversed(text))", "def f(s):\n    return s[::1]"], "f('ab') == 'ba'"),
    ("max", "Return the largest of three numbers.", "def f(a, b, c):\n    return max(a, b, c)", ["def f(a, b, c):\n    largest = a\n    if b > largest:\n        largest = b\n    if c > largest:\n        largest = c\n    return largest", "def f(a, b, c):\n    return max(a, b)"], "f(1, 2, 3) == 3"),
    ("uniq", "Remove repeats from a list and keep its order.", "def f(xs):\n    return list(dict.fromkeys(xs))", ["def f(items):\n    seen = []\n    for item in items:\n        if item not in seen:\n            seen.append(item)\n    return seen", "def f(xs):\n    return sorted(set(xs))"], "f([2, 1, 2]) == [2, 1]"),
    ("fact", "Return the factorial of a number.", "def f(n):\n    return 1 if n < 2 else n * f(n - 1)", ["def f(number):\n    product = 1\n    for k in range(2, number + 1):\n        product *= k\n    return product", "def f(n):\n    return 0 if n < 2 else n * f(n - 1)"], "f(4) == 24"),
    ("words", "Count the words of a text.", "def f(s):\n    return len(s.split())", ["def f(text):\n    count, inside = 0, False\n    for c in text + ' ':\n        if c.isspace():\n            count += inside\n            inside = False\n        else:\n            inside = True\n    return count", "def f(s):\n    return len(s.split(' '))"], "f('a  b') == 2"),
    ("pal", "Tell whether a text reads the same backwards.", "def f(s):\n    return s == s[::-1]", ["def f(text):\n    return all(text[i] == text[-1 - i] for i in range(len(text)))", "def f(s):\n    return s[0] == s[-1]"], "f('aba') and not f('abca')"),
    ("gcd", "Return the greatest common divisor.", "def f(a, b):\n    while b:\n        a, b = b, a % b\n    return a", ["def f(a, b):\n    d = min(a, b)\n    while a % d or b % d:\n        d -= 1\n    return d", "def f(a, b):\n    while b:\n        a, b = b, a // b\n    return a"], "f(12, 18) == 6"),
    ("mean", "Return the mean of a list.", "def f(xs):\n    return sum(xs) / len(xs)", ["def f(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)", "def f(xs):\n    return sum(xs) // len(xs)"], "f([1, 2]) == 1.5"),
    ("prime", "Tell whether a number is prime.", "def f(n):\n    return n > 1 and all(n % k for k in range(2, n))", ["def f(number):\n    if number < 2:\n        return False\n    k = 2\n    while k * k <= number:\n        if number % k == 0:\n            return False\n        k += 1\n    return True", "def f(n):\n    return all(n % k for k in range(2, n))"], "f(7) and not f(1)"),
    ("zip", "Pair up two lists, as long as the shorter one.", "def f(a, b):\n    return list(zip(a, b))", ["def f(left, right):\n    pairs = []\n    for i in range(min(len(left), len(right))):\n        pairs.append((left[i], right[i]))\n    return pairs", "def f(a, b):\n    return list(zip(b, a))"], "f([1], [2, 3]) == [(1, 2)]"),
    ("clamp", "Keep a number between two bounds.", "def f(x, low, high):\n    return max(low, min(x, high))", ["def f(x, low, high):\n    if x < low:\n        return low\n    if x > high:\n        return high\n    return x", "def f(x, low, high):\n    return min(low, max(x, high))"], "f(5, 0, 3) == 3"),
    ("fib", "Return the nth Fibonacci number, the first two being 0 and 1.", "def f(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a", ["def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)", "def f(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return b"], "f(6) == 8"),
    ("inv", "Swap keys and values of a dictionary.", "def f(d):\n    return {v: k for k, v in d.items()}", ["def f(mapping):\n    out = {}\n    for key in mapping:\n        out[mapping[key]] = key\n    return out", "def f(d):\n    return {k: v for k, v in d.items()}"], "f({1: 2}) == {2: 1}"),
    ("cap", "Begin every word with a capital letter.", "def f(s):\n    return ' '.join(w.capitalize() for w in s.split(' '))", ["def f(text):\n    words = []\n    for word in text.split(' '):\n        words.append(word[:1].upper() + word[1:].lower())\n    return ' '.join(words)", "def f(s):\n    return s.capitalize()"], "f('ab cd') == 'Ab Cd'"),
    ("range", "Return the difference of the largest and the least number.", "def f(xs):\n    return max(xs) - min(xs)", ["def f(values):\n    ordered = sorted(values)\n    return ordered[-1] - ordered[0]", "def f(xs):\n    return xs[-1] - xs[0]"], "f([2, 1, 5, 3]) == 4"),
]
PRACTICE = [
    ("double", "Return twice a number.", "def f(x):\n    return 2 * x", "def f(x):\n    return x + x"),
    ("first", "Return the first element of a list.", "def f(xs):\n    return xs[0]", "def f(xs):\n    return xs[1]"),
]
SIMILAR = 0.75
EACH = 10


GIVES_UP = "def f(*args):\n    # I do not know how to do this.\n    return None"


def passes(code, test):
    space = {}
    exec(code, space)  # our own code, a few lines above
    return bool(eval(test, space))


if __name__ == "__main__":
    rows = []
    for task, words, reference, generations, test in TASKS:
        # A third one: every other time the reference with a remark, else a program that gives up.
        third = reference + "  # done" if TASKS.index((task, words, reference, generations, test)) % 2 else GIVES_UP
        # Identical generations are one item.
        for at, code in enumerate(dict.fromkeys([*generations, third])):
            similarity = difflib.SequenceMatcher(None, reference, code, autojunk=False).ratio()
            rows.append({
                "id": f"{task}-{'abc'[at]}", "problem": task, "task": words, "code": code, "reference": reference,
                "pass": int(passes(code, test)), "similarity": round(similarity, 2),
            })
    strata = {}
    for row in rows:
        row["stratum"] = ("passes" if row["pass"] else "fails") + (" similar" if row["similarity"] >= SIMILAR else " unlike")
        strata.setdefault(row["stratum"], []).append(row)
    drawn = random.Random(5)
    sampled = []
    for name, members in sorted(strata.items()):
        chosen = drawn.sample(members, min(EACH, len(members)))
        for row in chosen:
            row["weight"] = len(members) / len(chosen)
        sampled += chosen
    mean = sum(row["weight"] for row in sampled) / len(sampled)
    for row in sampled:
        row["weight"] = round(row["weight"] / mean, 4)
    rows = sorted(sampled, key=lambda row: row["id"])
    assert len({row["problem"] for row in rows}) == len(TASKS)
    with open("code-value.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["id", "label", "set", "problem", "task", "code", "reference", "weight"])
        for row in rows:
            out.writerow([row["id"], row["id"], "rated", row["problem"], row["task"], row["code"], row["reference"], row["weight"]])
        for task, words, reference, code in PRACTICE:
            out.writerow([f"practice-{task}", f"practice {task}", "practice", f"practice {task}", words, code, reference, ""])
    with open("code-value-scores.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["id", "problem", "stratum", "weight", "pass", "similarity"])
        for row in rows:
            out.writerow([row[k] for k in ("id", "problem", "stratum", "weight", "pass", "similarity")])
