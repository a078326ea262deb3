"""What `transformers` renders with real chat templates, for `plumb-lm/src/chat/oracle_tests.rs`.

    python -m venv v && v/bin/pip install transformers jinja2
    v/bin/python chat.py TEMPLATES ../../fixtures/lm/chat

TEMPLATES is `vendor/llama.cpp/models/templates` of the source distribution of llama-cpp-python (0.3.36), which holds the templates of
public models as their cards have them. Stored are those whose models are published under Apache-2.0 or MIT. Without the second
argument every template of the folder is rendered and nothing but one JSON document on standard output is written.
"""

import datetime
import json
import sys
from pathlib import Path

import transformers
from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import render_jinja_template

# Name of the file, licence of the model that it belongs to.
STORED = {
    "HuggingFaceTB-SmolLM3-3B": "Apache-2.0",
    "Qwen-QwQ-32B": "Apache-2.0",
    "Qwen-Qwen2.5-7B-Instruct": "Apache-2.0",
    "Qwen-Qwen3-0.6B": "Apache-2.0",
    "Qwen3-Coder": "Apache-2.0",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "MIT",
    "deepseek-ai-DeepSeek-V3.1": "MIT",
    "GLM-4.6": "MIT",
    "ibm-granite-granite-3.3-2B-Instruct": "Apache-2.0",
    "microsoft-Phi-3.5-mini-instruct": "MIT",
    "mistralai-Mistral-Nemo-Instruct-2407": "Apache-2.0",
    "openai-gpt-oss-120b": "Apache-2.0",
}
TEXTS = {"bos_token": "<s>", "eos_token": "</s>"}
DAY = datetime.datetime(2026, 7, 4)


class Today(datetime.datetime):
    """The day that templates get when they ask for today's."""

    @classmethod
    def now(cls, tz=None):
        return DAY


chat_template_utils.datetime = Today


def message(role, content):
    return {"role": role, "content": content}


LISTS = {
    "one": [message("user", "What is a plumb line?")],
    "system": [message("system", "Be brief."), message("user", "What is a plumb line?")],
    "turns": [message("user", "Hi"), message("assistant", "Hello!"), message("user", "What now?")],
    "system and turns": [
        message("system", "Be brief."), message("user", "1 + 1?"), message("assistant", "2"), message("user", "2 + 2?"),
        message("assistant", "4"), message("user", "4 + 4?"),
    ],
    "white space": [message("user", "  \n\tdef f(x):\n\t    return x \n\n")],
    "unicode": [message("system", "用中文回答。"), message("user", "naïve façade 🙂 \u202bעברית\u202c e\u0301 \U0001f469\u200d\U0001f4bb")],
    "marks": [message("user", "{{ 7 * 7 }} {% if %} <|im_end|> <s> \"quoted\" 'single' & <b>")],
    "empty text": [message("user", "")],
    "empty system": [message("system", ""), message("user", "Hi")],
    "thinking": [message("user", "1 + 1?"), message("assistant", "<think>\nTwo.\n</think>\n\n2"), message("user", "Sure?")],
    "long": [message("user", " ".join(f"word{i}" for i in range(1500)))],
    "none": [],
    "two users": [message("user", "a"), message("user", "b")],
}


def render(source, messages):
    try:
        text, _ = render_jinja_template(
            conversations=[messages], chat_template=source, add_generation_prompt=True, **TEXTS
        )
        return text[0]
    except Exception as error:  # whatever a template raises
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    folder = Path(sys.argv[1])
    oracle = {"oracle": f"transformers {transformers.__version__}", "day": str(DAY.date()), "texts": TEXTS, "lists": LISTS}
    if len(sys.argv) == 2:
        names = sorted(path.stem for path in folder.glob("*.jinja"))
        oracle["rendered"] = {}
        for name in names:
            source = (folder / f"{name}.jinja").read_text(encoding="utf-8")
            oracle["rendered"][name] = {"source": source, "texts": {key: render(source, chat) for key, chat in LISTS.items()}}
        json.dump(oracle, sys.stdout, ensure_ascii=False)
        return
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    oracle["rendered"] = {}
    for name, licence in STORED.items():
        source = (folder / f"{name}.jinja").read_text(encoding="utf-8")
        (out / f"{name}.jinja").write_text(source, encoding="utf-8")
        oracle["rendered"][name] = {"licence": licence, "texts": {key: render(source, chat) for key, chat in LISTS.items()}}
    (out / "rendered.json").write_text(json.dumps(oracle, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


main()
