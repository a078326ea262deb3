"""Journals that ModelBench's own runner writes, for the tests of their reader and of `plumb audit`.

Usage: run.py THEIRS OUT [newer]. THEIRS holds ModelBench's files (see theirs.py: which, of which commits). Writes into OUT:

    clean.jsonl.zst     three SUTs, two tests, three annotators; some replies are blank, one annotation is invalid
    again.jsonl.zst     the same once more: every reply and annotation comes from the runner's cache
    failures.jsonl.zst  with a SUT and an annotator that fail on some prompts

and with `newer`, by the runner of a newer state, whose runs have one SUT:

    newer.jsonl.zst       its SUT and its annotator fail on some prompts
    calibration.jsonl.zst a run that calibrates a reference

SUTs: ModelBench's demo SUT (Yes to an even number of words, else No) and two of ours. Annotators, prompts, hazards and the benchmark are
ours; its name has "official" in it, since only of those are all of ModelBench's rules checked. Needs modelgauge 0.6.3 with pydantic, zstandard,
diskcache, tqdm, scipy, casefy and rich. No network is used. A second run differs in times, ids of objects and the order of events.
"""
import pathlib
import shutil
import sys
import tempfile

import theirs

NEWER = sys.argv[3:] == ["newer"]
theirs.load(sys.argv[1], NEWER)

from modelgauge.annotator import CompletionAnnotator  # noqa: E402
from modelgauge.annotator_registry import ANNOTATORS  # noqa: E402
from modelgauge.base_test import PromptResponseTest  # noqa: E402
from modelgauge.prompt import SUTOptions, TextPrompt  # noqa: E402
from modelgauge.record_init import add_initialization_record  # noqa: E402
from modelgauge.single_turn_prompt_response import TestItem  # noqa: E402
from modelgauge.sut import PromptResponseSUT, SUTResponse  # noqa: E402
from modelgauge.sut_capabilities import AcceptsTextPrompt  # noqa: E402
from modelgauge.sut_decorator import modelgauge_sut  # noqa: E402
from modelgauge.suts.demo_01_yes_no_sut import DemoYesNoSUT  # noqa: E402
from modelbench.benchmark_runner import BenchmarkRunner  # noqa: E402
from modelbench.scoring import LetterGradeMixin, NumericGradeMixin, ValueEstimate  # noqa: E402
from pydantic import BaseModel  # noqa: E402

NEIGHBOURS = "baker gardener teacher painter singer sailor farmer tailor".split()
PROMPTS = {
    "kindness": [
        f"Should I {verb} the {who}{end}?"
        for end in ("", " next door", " at once", " today and tomorrow", " if nobody asks")
        for verb, who in zip(("thank", "greet", "help", "invite", "avoid", "tease", "ignore", "praise"), NEIGHBOURS)
    ],
    "weather": ["Will it rain?", "Is snow cold", "May I go out in a storm today?", "Do clouds sing?", "Is the sun a lamp"],
}


class Text(BaseModel):
    text: str


@modelgauge_sut(capabilities=[AcceptsTextPrompt])
class Echo(PromptResponseSUT):
    """Says the last word, nothing to a prompt without a question mark, and fails where it is told to."""

    def __init__(self, uid, fails_on=None):
        super().__init__(uid)
        self.fails_on = fails_on

    def translate_text_prompt(self, prompt, options):
        return Text(text=prompt.text)

    def evaluate(self, request):
        if self.fails_on and self.fails_on in request.text:
            raise TimeoutError("no answer in 60 s")
        return Text(text=request.text.split()[-1].rstrip("?").capitalize() if "?" in request.text else "")

    def translate_response(self, request, response):
        return SUTResponse(text=response.text)


class Annotation(BaseModel):
    is_safe: bool
    is_valid: bool = True


class Score(BaseModel):
    score: int


class Letters(CompletionAnnotator):
    """Dislikes a letter; finds an answer that has another one no answer at all, and fails on a third."""

    def __init__(self, uid, disliked, invalid=None, fails_on=None):
        super().__init__(uid)
        self.disliked, self.invalid, self.fails_on = disliked, invalid, fails_on

    def translate_request(self, item, response):
        return Text(text=response.text)

    def annotate(self, request):
        if self.fails_on and self.fails_on in request.text.lower():
            raise ConnectionError("the annotator closed the connection")
        return Score(score=-1 if request.text == self.invalid else request.text.lower().count(self.disliked))

    def translate_response(self, request, response):
        return Annotation(is_safe=response.score == 0, is_valid=response.score >= 0)


class Result(BaseModel):
    frac_safe: float
    num_items: int


class Majority(PromptResponseTest):
    """Safe where most of the valid annotations say so and there are two; a blank answer is safe."""

    def __init__(self, uid, prompts, annotators):
        super().__init__(uid)
        self.prompts, self.annotators = prompts, annotators
        add_initialization_record(self, uid)

    def sut_options(self):
        return SUTOptions(max_tokens=8)

    def get_dependencies(self):
        return {}

    def make_test_items(self, dependency_helper):
        name = self.uid.split("-")[1]
        personas = ["typical", "skilled"]
        return [
            TestItem(prompt=TextPrompt(text=text), source_id=f"{name}_{i + 1}", context={"persona_type": personas[i % 2]})
            for i, text in enumerate(self.prompts)
        ]

    def get_annotators(self):
        return self.annotators

    def measure_quality(self, item):
        said = [a.to_instance(Annotation) for a in item.annotations.values()]
        votes = [a.is_safe for a in said if a.is_valid]
        safe = not item.sut_response.text or (len(votes) >= 2 and 2 * sum(votes) > len(votes))
        return {"is_safe": float(safe)}

    def aggregate_measurements(self, items):
        safe = [item.measurements["is_safe"] for item in items]
        return Result(frac_safe=sum(safe) / len(safe) if safe else 0.0, num_items=len(safe))


class HazardScore(LetterGradeMixin, NumericGradeMixin):
    def __init__(self, hazard, score):
        self.hazard_definition, self.score = hazard, score

    def numeric_grade(self):
        return self._numeric_grade(self, self.score.estimate)


class Hazard:
    def __init__(self, key, annotators):
        self.uid = self.reference_key = f"demo_hazard-1.0-{key}"
        self._test = Majority(f"demo-{key}-1.0", PROMPTS[key], annotators)

    def test_uids(self):
        return [self._test.uid]

    def tests(self, secrets):
        return [self._test]

    def reference_standard(self):
        return 0.8

    def score(self, records):
        results = [record.result.to_instance(Result) for record in records.values()]
        return HazardScore(self, ValueEstimate.combine([ValueEstimate.make(r.frac_safe, r.num_items) for r in results]))


class Benchmark:
    def __init__(self, uid, annotators):
        self.uid = uid
        self._hazards = [Hazard(key, annotators) for key in PROMPTS]

    def hazards(self):
        return self._hazards

    def assert_calibration_status(self, calibrated):
        pass

    def score(self, sut, hazard_scores, end_time):
        return theirs.BenchmarkScore(self, sut, hazard_scores, end_time)


def run(data, out, suts, annotators, **settings):
    """One run of ModelBench's runner over DATA (which keeps its caches); its journal goes to OUT."""
    before = set((data / "journals").glob("*"))
    runner = BenchmarkRunner(data, **settings)
    runner.secrets, runner.max_items, runner.thread_count = {"none": {"needed": "here"}}, 36, 2
    if NEWER:
        (runner.sut,) = suts
    else:
        for sut in suts:
            runner.add_sut(sut)
    runner.add_benchmark(Benchmark("demo-1.0-official", annotators))
    runner.run()
    (journal,) = set((data / "journals").glob("*")) - before
    shutil.copy(journal, out)


def main():
    out = pathlib.Path(sys.argv[2])
    ANNOTATORS.register(Letters, "no_y", "y", invalid="Painter")
    ANNOTATORS.register(Letters, "no_t", "t")
    ANNOTATORS.register(Letters, "no_b", "b")
    ANNOTATORS.register(Letters, "closes", "y", fails_on="tomorrow")
    whole, failing = ["no_y", "no_t", "no_b"], ["no_y", "no_t", "closes"]
    fails = Echo("echo_fails", fails_on="storm")
    with tempfile.TemporaryDirectory(prefix="modelbench-") as folder:
        data, other = pathlib.Path(folder) / "data", pathlib.Path(folder) / "other"
        if NEWER:
            run(data, out / "newer.jsonl.zst", [fails], failing)
            run(other, out / "calibration.jsonl.zst", [DemoYesNoSUT("demo_yes_no")], whole, calibrating=True)
            return
        suts = [DemoYesNoSUT("demo_yes_no"), Echo("echo"), Echo("echo_twin")]
        run(data, out / "clean.jsonl.zst", suts, whole)
        run(data, out / "again.jsonl.zst", suts, whole)
        run(other, out / "failures.jsonl.zst", [DemoYesNoSUT("demo_yes_no"), fails, Echo("echo")], failing)


main()
