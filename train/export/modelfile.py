"""The form of a model's chats, found out from its chat template, and the Ollama Modelfile that says the same.

Ollama takes templates of Go's text/template, the tokenizer has Jinja. Instead of translating one into the other, chats
of marks are rendered and what stands around each mark is read off; chats made up of those pieces must then be exactly
what the Jinja template makes, or there is no Modelfile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpus.base.errors import TrainingError
from train.export import gguf_tokenizer

if TYPE_CHECKING:
    from transformers import Phi3ForCausalLM, PreTrainedTokenizerBase

__all__ = ["FILE", "ChatForm", "chat_form", "end_of_turn", "render", "stops"]

FILE = "Modelfile"
_MARKS = {"system": "\ue000", "user": "\ue001", "assistant": "\ue002"}  # private use: in no template
_CHATS = (("user",), ("system", "user"), ("user", "assistant", "user"), ("system", "user", "assistant", "user"))


@dataclass(frozen=True)
class ChatForm:
    """What stands at the start of a chat, before and after each role's words, and before the answer."""

    start: str
    before: dict[str, str]
    after: dict[str, str]
    answer: str

    def text(self, messages: Sequence[tuple[str, str]]) -> str:
        """A chat of (role, words) up to where the answer begins."""
        turns = "".join(f"{self.before[role]}{words}{self.after[role]}" for role, words in messages)
        return f"{self.start}{turns}{self.answer}"

    def template(self, start: str) -> str:
        """The same in Go's text/template, as Ollama fills it, from a start on."""
        turns = "".join(
            f'{{{{ {"if" if number == 0 else "else if"} eq .Role "{role}" }}}}'
            f"{self.before[role]}{{{{ .Content }}}}{self.after[role]}"
            for number, role in enumerate(self.before)
        )
        return f"{start}{{{{ range .Messages }}}}{turns}{{{{ end }}}}{{{{ end }}}}{self.answer}"


def chat_form(tokenizer: PreTrainedTokenizerBase) -> ChatForm | None:
    """The form of a tokenizer's chats; none where it has no chat template. Raises TrainingError for any other form."""
    if tokenizer.chat_template is None:
        return None
    form = _read_off(tokenizer)
    for chat in _CHATS:
        if form.text([(role, _MARKS[role]) for role in chat]) != _rendered(tokenizer, chat):
            raise _no_form()
    if any(word in form.template(form.start) for word in ('"""', "{{{")):
        raise _no_form()
    return form


def stops(tokenizer: PreTrainedTokenizerBase, model: Phi3ForCausalLM, form: ChatForm | None) -> list[int]:
    """Ids of the tokens that end an answer: the one that closes a turn first, then the ends of text."""
    generation: Any = model.generation_config
    ends = [generation.eos_token_id, model.config.eos_token_id, tokenizer.eos_token_id]
    ids = [*_special(tokenizer, form.after["assistant"])] if form else []
    for end in ends:
        ids += end if isinstance(end, list) else [end] if end is not None else []
    return list(dict.fromkeys(ids))


def end_of_turn(tokenizer: PreTrainedTokenizerBase, form: ChatForm | None) -> int | None:
    """Id of the token that closes an answer, where the form of the chats has one."""
    return next(iter(_special(tokenizer, form.after["assistant"])), None) if form else None


def render(tokenizer: PreTrainedTokenizerBase, model: Phi3ForCausalLM, form: ChatForm | None, gguf: str) -> str:
    """The Modelfile of a GGUF beside it.

    Its context is what the model was first made for: up to there LongRoPE uses its short factors, as in training, and
    the memory of attention stays small; who needs more can raise it.
    """
    words = tokenizer.convert_ids_to_tokens(stops(tokenizer, model, form))
    config: Any = model.config
    template = form.template("" if gguf_tokenizer.adds_start(tokenizer) else form.start) if form else "{{ .Prompt }}"
    context = min(config.max_position_embeddings, config.original_max_position_embeddings)
    lines = [
        "# ollama create NAME -f Modelfile",
        f"FROM ./{gguf}",
        f'TEMPLATE """{template}"""',
        *(f'PARAMETER stop "{word}"' for word in words),
        f"PARAMETER num_ctx {context}",
    ]
    return "\n".join(lines) + "\n"


def _read_off(tokenizer: PreTrainedTokenizerBase) -> ChatForm:
    """The pieces around the marks, if they are where one turn after the other would put them."""
    head, user_to_answer = _pieces(tokenizer, "user")
    _, user_to_user, _ = _pieces(tokenizer, "user", "user")
    start_to_system, system_to_user, _ = _pieces(tokenizer, "system", "user")
    _, user_to_assistant, assistant_to_user, _ = _pieces(tokenizer, "user", "assistant", "user")
    bos = str(tokenizer.bos_token or "")
    start = bos if head.startswith(bos) else ""
    before_user = head.removeprefix(start)
    after_user = user_to_user.removesuffix(before_user)
    return ChatForm(
        start,
        {
            "system": start_to_system.removeprefix(start),
            "user": before_user,
            "assistant": user_to_assistant.removeprefix(after_user),
        },
        {
            "system": system_to_user.removesuffix(before_user),
            "user": after_user,
            "assistant": assistant_to_user.removesuffix(before_user),
        },
        user_to_answer.removeprefix(after_user),
    )


def _pieces(tokenizer: PreTrainedTokenizerBase, *chat: str) -> list[str]:
    """What stands around the marks of a chat."""
    text = _rendered(tokenizer, chat)
    if [char for char in text if char in _MARKS.values()] != [_MARKS[role] for role in chat]:
        raise _no_form()
    return re.split("|".join(_MARKS.values()), text)


def _rendered(tokenizer: PreTrainedTokenizerBase, chat: Sequence[str]) -> str:
    from jinja2 import TemplateError

    messages = [{"role": role, "content": _MARKS[role]} for role in chat]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    except TemplateError as error:
        raise _no_form() from error


def _special(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of the special tokens in a text."""
    ids: Any = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [number for number in ids if number in tokenizer.added_tokens_decoder]


def _no_form() -> TrainingError:
    return TrainingError(
        "the tokenizer's chat template is not one turn after the other, so no Ollama Modelfile says the same; "
        "export without --gguf and write one by hand"
    )
