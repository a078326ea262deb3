"""Asks a running `plumb serve` what the openai package can ask: python openai_client.py BASE_URL KEY MODEL

Written for openai 3.57.0; the version is printed. Nothing is asserted about what the model says, only that the client reads it.
"""

import sys

import openai

base, key, model = sys.argv[1:]
client = openai.OpenAI(base_url=base, api_key=key, max_retries=0)
print("openai", openai.__version__)

assert [m.id for m in client.models.list()] == [model]
assert client.models.retrieve(model).id == model

question = [{"role": "user", "content": "Name a colour."}]
how = dict(model=model, messages=question, max_tokens=8, temperature=0.7, seed=3)
whole = client.chat.completions.create(**how, n=2, logprobs=True, top_logprobs=2)
assert len(whole.choices) == 2 and whole.usage.completion_tokens > 0
assert all(len(t.top_logprobs) == 2 for c in whole.choices for t in c.logprobs.content)

pieces = list(client.chat.completions.create(**how, stream=True, stream_options={"include_usage": True}))
text = "".join(c.delta.content or "" for p in pieces for c in p.choices)
assert text == whole.choices[0].message.content, (text, whole)
assert pieces[-1].usage.prompt_tokens == whole.usage.prompt_tokens

# What was answered can be sent back as it came.
again = question + [whole.choices[0].message.model_dump(), {"role": "user", "content": "Another."}]
client.chat.completions.create(model=model, messages=again, max_tokens=1)

done = client.completions.create(model=model, prompt=["a", "bc"], echo=True, logprobs=2, max_tokens=0)
assert [c.text for c in done.choices] == ["a", "bc"]
assert done.choices[0].logprobs.token_logprobs[0] is None
read = "".join(p.choices[0].text for p in client.completions.create(model=model, prompt="ab", stream=True, max_tokens=4, seed=1))
assert read == client.completions.create(model=model, prompt="ab", max_tokens=4, seed=1).choices[0].text

def fails(kind, field=None, **body):
    try:
        client.completions.create(**{"model": model, "prompt": "a", **body})
    except kind as error:
        assert error.param == field, error
        return
    raise AssertionError(f"no {kind.__name__}: {body}")

fails(openai.NotFoundError, "model", model="none")
fails(openai.BadRequestError, "frequency_penalty", frequency_penalty=1)
fails(openai.BadRequestError, "steering", extra_body={"steering": {"scale": 2}})
try:
    openai.OpenAI(base_url=base, api_key="wrong", max_retries=0).models.list()
    raise AssertionError("a wrong key was let in")
except openai.AuthenticationError:
    pass
print("all as expected")
