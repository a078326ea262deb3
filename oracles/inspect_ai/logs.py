"""Logs of inspect_ai for the tests of its readers: one small evaluation with a canned model, in both formats.

Usage: logs.py FOLDER. Writes greetings.eval (the zip of today's releases) and greetings.json. Events and tracebacks are
taken out before inspect_ai writes the files again: they are large, and full of one machine's paths.
"""
import pathlib
import sys
import tempfile

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import (ChatMessageUser, ContentReasoning, ContentText, ChatMessageAssistant, ChatCompletionChoice,
                              ModelAPI, ModelOutput, ModelUsage, get_model, modelapi)
from inspect_ai.scorer import includes, match
from inspect_ai.solver import generate, solver, system_message


@modelapi(name="canned")
class Canned(ModelAPI):
    """Says what the last message asks for."""

    async def count_tokens(self, *args, **kwargs):
        return 1

    async def generate(self, input, tools, tool_choice, config):
        asked = input[-1].text
        if "goodbye" in asked:
            content = [ContentReasoning(reasoning="They want Italian."), ContentText(text="ciao 👋")]
            message = ChatMessageAssistant(content=content)
            output = ModelOutput(model="canned-1", choices=[ChatCompletionChoice(message=message, stop_reason="stop")])
        elif "long" in asked:
            output = ModelOutput.from_content("canned-1", "and so on and so", stop_reason="max_tokens")
        elif "filtered" in asked:
            output = ModelOutput.from_content("canned-1", "", stop_reason="content_filter")
        else:
            output = ModelOutput.from_content("canned-1", f"hello to you ({len(input)})")
        output.usage = ModelUsage(input_tokens=5, output_tokens=3, total_tokens=8)
        return output


@solver
def fails_for_broken():
    async def solve(state, generate):
        if state.sample_id == "broken":
            raise ValueError("made to fail")
        return state
    return solve


def main(folder):
    task = Task(
        name="greetings",
        dataset=[
            Sample(id="plain", input="Say hello.", target="hello", metadata={"kind": "short", "level": 1}),
            Sample(id="turns", input=[ChatMessageUser(content="Hi."), ChatMessageAssistant(content="Hey."),
                                      ChatMessageUser(content="Say hello again.")], target=["hello", "Hello"]),
            Sample(id="broken", input="This one fails.", target="hello"),
            Sample(id=4, input="Say goodbye: „ciao“ 👋", target="ciao", choices=["ciao", "salve"]),
            Sample(id="cut", input="Say something long.", target="end"),
            Sample(id="held", input="Say something filtered.", target="nothing"),
        ],
        solver=[system_message("Be friendly."), fails_for_broken(), generate()],
        scorer=[includes(), match()],
        epochs=2,
        fail_on_error=False,
    )
    with tempfile.TemporaryDirectory() as logs:
        [log] = eval(task, model=get_model("canned/canned-1"), log_dir=logs, display="none")
        log = read_eval_log(log.location)
    for sample in log.samples:
        sample.events, sample.attachments = [], {}
        if sample.error:
            sample.error.traceback = sample.error.traceback_ansi = ""
    log.eval.task_file = None
    log.eval.packages = {k: v for k, v in log.eval.packages.items() if k == "inspect_ai"}
    log.eval.revision = None
    for form in ("eval", "json"):
        write_eval_log(log, str(pathlib.Path(folder) / f"greetings.{form}"), format=form)


main(sys.argv[1])
