"""ModelBench's own runner, journal and consistency check, made to run without a network.

Its files are not here. FOLDER must hold them as they stand in github.com/mlcommons/modelbench at the commits of FILES; `load` refuses
any that is another. They import modelgauge, of which PyPI's newest (0.6.3) is a little older than they are: it has no `text` on a SUT's
response, no single TestItem, no bounded source. What they need more is put in here, in code of our own, and none of it writes a journal.
Definitions of a benchmark and its hazards, which a user of ModelBench writes as well, are in run.py.
"""
import abc
import hashlib
import importlib
import importlib.util
import pathlib
import queue
import sys
import types

FILES = {
    # The runner and the journal are of one commit; the others are of states that this runner works with.
    "modelbench/benchmark_runner.py": ("f8e00a42f9cb0cddf569bf7671d339d5bec744ac", "2ee44b1143d3a4615de934d8560885db2537c44fe23661b12601175004475d2b"),
    "modelbench/run_journal.py": ("f8e00a42f9cb0cddf569bf7671d339d5bec744ac", "ea5bb88388955ab4eb5fdf89a8bf60322795bfb4b7aeb6e8a29a3b57cca982e6"),
    "modelbench/benchmark_runner_items.py": ("3c7155b8e714404a9aab2297bd7020cb42e1ef95", "d2784f7d67f3ff4dec3054596afac64baf6579eef872fbaab9347ec8de9021f2"),
    "modelbench/cache.py": ("17fad05c6598d64b003dc9e9dff0756f934b2c06", "82e171526406db8b0d69ae9ce40a0c6a18f217bdd4605b3f687479311216f7ed"),
    "modelbench/scoring.py": ("0abf08820584d5520d00b809fbec29f934ec7e7e", "f0880bd04b41fc5d18fe8ef63aeba4adf55abca6fd3c9d7a23bb2833dc8c0b25"),
    "modelbench/consistency_checker.py": ("13ea5ad1cbc81c4af8c0d861f7f259a5d846a93b", "e4492ead7a7751352613dadd905b406776409dbab5fc12fd48f43f7de96a1402"),
    # A newer state of both: a run has one SUT, which events about an item do not name.
    "newer/benchmark_runner.py": ("01395016e4df0c99aa7cb6a7d4bbad484207a2e9", "f046fe7633d86bc72757e818b839625fbabcb8e73f905db32ee2f2f2ecc84020"),
    "newer/run_journal.py": ("0aa06568897e38b55756505daaa6502350de958c", "e5574d138668a57e3d717e7024810fd643cb25ea46854d97069a7985bfb2a293"),
    "suts/demo_01_yes_no_sut.py": ("ed12adec8d964aec66f1792b818e9f74eec3881d", "387078b4a1eec9323a7ad8537c9c3e41ff2dbed735e176d735fb49f06999a933"),
}


def load(folder, newer=False):
    """Makes `modelbench` importable from FOLDER and modelgauge fit for it."""
    folder = pathlib.Path(folder)
    for name, (commit, known) in FILES.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != known:
            sys.exit(f"{folder / name} is not that of commit {commit}: SHA-256 {found}, not {known}")
    fit_modelgauge()
    sys.path.insert(0, str(folder))
    if newer:
        fit_newer()
        importlib.import_module("modelbench").__path__.insert(0, str(folder / "newer"))
    spec = importlib.util.spec_from_file_location("modelgauge.suts.demo_01_yes_no_sut", folder / "suts/demo_01_yes_no_sut.py")
    demo = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)


def fit_modelgauge():
    from typing import Dict, Optional, Sequence

    import modelgauge.annotation
    import modelgauge.pipeline
    import modelgauge.prompt
    import modelgauge.records  # noqa: F401  (before the classes that it names are replaced)
    import modelgauge.single_turn_prompt_response
    import modelgauge.sut
    import modelgauge.sut_decorator
    from pydantic import BaseModel

    class SUTResponse(BaseModel):
        text: str
        top_logprobs: Optional[Sequence[modelgauge.sut.TopTokens]] = None

    class TestItem(BaseModel):
        prompt: modelgauge.prompt.TextPrompt
        source_id: Optional[str]
        context: Optional[Dict[str, str]] = None

    class SUTResponseAnnotations(BaseModel):
        test_item: TestItem
        sut_response: SUTResponse
        annotations: Dict[str, modelgauge.annotation.Annotation]

    class MeasuredTestItem(BaseModel):
        test_item: TestItem
        measurements: Dict[str, float]

    class Source(modelgauge.pipeline.Source):
        def __init__(self, queue_maxsize=0):
            super().__init__()
            self._queue = queue.Queue(queue_maxsize)

    modelgauge.sut.SUTOptions = modelgauge.prompt.SUTOptions
    modelgauge.sut.SUTResponse = SUTResponse
    # It looks for log-probabilities in completions, which responses no longer have.
    modelgauge.sut_decorator._override_translate_response = lambda cls: None
    modelgauge.pipeline.Source = Source
    for cls in (TestItem, SUTResponseAnnotations, MeasuredTestItem):
        setattr(modelgauge.single_turn_prompt_response, cls.__name__, cls)

    # The runner takes these two from a module that also defines ModelBench's own benchmarks, with their hazards and private tests.
    definitions = sys.modules["modelbench.benchmarks"] = types.ModuleType("modelbench.benchmarks")
    definitions.BenchmarkDefinition = abc.ABC
    definitions.BenchmarkScore = definitions.BaseBenchmarkScore = BenchmarkScore


class Ready:
    """A state of readiness, a metric, a logger: whatever the newer runner asks, all is well."""

    is_ready = all_ready = True

    def __getattr__(self, name):
        return lambda *args, **kwargs: Ready()


def fit_newer():
    import modelgauge.sut

    modelgauge.sut.PromptResponseSUT.is_ready = lambda sut: Ready()
    for name, what in [("log_config", "get_logger"), ("monitoring", "PROMETHEUS"), ("pipeline_runner", "PipelineRunner")]:
        module = sys.modules[f"modelgauge.{name}"] = types.ModuleType(f"modelgauge.{name}")
        setattr(module, what, Ready() if what != "get_logger" else lambda of: Ready())


class BenchmarkScore:
    """The worst hazard's grade, of what the runner hands over."""

    def __init__(self, definition, sut, hazard_scores, end_time):
        self.hazard_scores, self._scoring_log = hazard_scores, {"num_hazards": len(hazard_scores)}

    def numeric_grade(self):
        return min(score.numeric_grade() for score in self.hazard_scores)

    def text_grade(self):
        return min(self.hazard_scores, key=lambda score: score.numeric_grade()).text_grade()
