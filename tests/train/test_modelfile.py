"""The Modelfile says what the tokenizer's chat template says, and names the tokens that end an answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gguf_samples import PHI35_TEMPLATE, tiny_model, tiny_tokenizer

from corpus.base.errors import TrainingError
from train.export import modelfile
from train.export.plain import CHAT_TEMPLATE

CHATS = (
    [("user", "条例とは")],
    [("system", "短く答える"), ("user", "a  b\n")],
    [("system", "s"), ("user", "u"), ("assistant", "{{ .Content }}"), ("user", "<|end|>")],
    [("user", "one"), ("user", "two")],
)


def filled(template: str, messages: list[tuple[str, str]]) -> str:
    """What Go's text/template makes of a template of ours: range over messages, an if of roles, two fields."""
    start, inner, end = re.fullmatch(
        r"(.*?)\{\{ range \.Messages \}\}(.*)\{\{ end \}\}\{\{ end \}\}(.*)", template, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    parts = re.split(r'\{\{ (?:else )?if eq \.Role "(\w+)" \}\}', inner)
    assert parts[0] == ""
    of_role = dict(zip(parts[1::2], parts[2::2], strict=True))
    turns = [words.join(of_role[role].split("{{ .Content }}")) for role, words in messages]
    return start + "".join(turns) + end


def parts_of(text: str) -> tuple[str, list[str], str]:
    """(template, stop words, num_ctx) of a Modelfile."""
    template = re.search(r'^TEMPLATE """(.*?)"""$', text, re.DOTALL | re.MULTILINE)
    context = re.search(r"^PARAMETER num_ctx (\d+)$", text, re.MULTILINE)
    assert template
    assert context
    return template[1], re.findall(r'^PARAMETER stop "(.*)"$', text, re.MULTILINE), context[1]


@pytest.mark.parametrize("jinja", [CHAT_TEMPLATE, PHI35_TEMPLATE, "{{ bos_token }}" + CHAT_TEMPLATE])
def test_ollama_sees_the_chats_that_transformers_makes(jinja: str) -> None:
    """For chats with and without system, of one turn and of more; stop words are the ends of turn and of text."""
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = jinja
    form = modelfile.chat_form(tokenizer)
    text = modelfile.render(tokenizer, tiny_model(), form, "model.gguf")
    template, stop, context = parts_of(text)
    assert text.splitlines()[1] == "FROM ./model.gguf"
    for chat in CHATS:
        messages = [{"role": role, "content": words} for role, words in chat]
        wanted = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert filled(template, chat) == wanted
    assert stop == ["<|end|>", "<|endoftext|>"]
    assert modelfile.end_of_turn(tokenizer, form) == tokenizer.convert_tokens_to_ids("<|end|>")
    assert context == "256"


def test_the_context_is_the_one_of_the_short_factors() -> None:
    """131072 positions would fill the memory, and LongRoPE would turn by factors that training never used."""
    model = tiny_model()
    model.config.max_position_embeddings = 1024
    assert parts_of(modelfile.render(tiny_tokenizer(), model, None, "model.gguf"))[2] == "256"


def test_ends_that_only_generation_knows_stop_too_and_without_chats_the_prompt_stands_alone() -> None:
    """Phi-3.5 names its ends in generation_config.json; a base without chat template completes text."""
    tokenizer, model = tiny_tokenizer(), tiny_model()
    tokenizer.chat_template = None
    generation: Any = model.generation_config
    user = tokenizer.convert_tokens_to_ids("<|user|>")
    generation.eos_token_id = [user, tokenizer.eos_token_id]
    form = modelfile.chat_form(tokenizer)
    assert form is None
    assert modelfile.end_of_turn(tokenizer, form) is None
    template, stop, _ = parts_of(modelfile.render(tokenizer, model, form, "model.gguf"))
    assert template == "{{ .Prompt }}"
    assert stop == ["<|user|>", "<|endoftext|>"]


@pytest.mark.parametrize(
    "jinja",
    [
        "{{ messages[-1]['content'] }}",
        "{% for message in messages %}{{ loop.index }}{{ message['content'] }}<|end|>{% endfor %}",
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHAT_TEMPLATE,
        "{% for message in messages %}{{ message['content'] }}{{ message['content'] }}{% endfor %}",
    ],
)
def test_a_form_that_go_would_not_say_is_refused(jinja: str) -> None:
    """Last turn alone, numbered turns, no system, words twice: better no Modelfile than a wrong one."""
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = jinja
    with pytest.raises(TrainingError, match="not one turn after the other"):
        modelfile.chat_form(tokenizer)
