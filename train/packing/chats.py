"""Chats to train on: read, written out by a template, packed whole into blocks; only what the assistant says is learnt.

A file holds one chat a line, `{"messages": [{"role": "user", "content": "..."}, ...]}`. The base's own template is
used where it marks what the assistant says ({% generation %}), else the one below, which is Phi-3's with marks. Chats
go into blocks by best fit decreasing (Johnson, "Near-optimal bin packing algorithms", 1973): none is cut that fits.
Positions begin anew with every chat, from which transformers makes a mask that keeps chats of one block apart.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.base.errors import EmptyInputError, InputError
from train.data.plain import PlainText
from train.packing.tokens import Blocks

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["TEMPLATE", "ChatBlocks", "Encoded", "WithChats", "encode", "pack", "read"]

TEMPLATE: Final = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
)
_ROLES = ("system", "user", "assistant")
_SURROGATE = re.compile("[\ud800-\udfff]")  # what "\\ud800" alone becomes, and no tokenizer takes
_GENERATION = re.compile(r"{%[-+]?\s*generation\s*[-+]?%}")  # as Jinja reads it, with white space kept or not
_COMMENT = re.compile("{#.*?#}", re.DOTALL)

Message = dict[str, str]


@dataclass(frozen=True)
class Encoded:
    """A chat's tokens, and which of them the assistant says: both (tokens,)."""

    ids: NDArray[np.int32]
    said: NDArray[np.bool_]


@dataclass(frozen=True)
class ChatBlocks:
    """Chats in blocks of equal length. ids, labels, positions: (blocks, length) int32; labels are -100 off the answers.

    Padding has the end token, no labels, and positions of its own.
    """

    ids: NDArray[np.int32]
    labels: NDArray[np.int32]
    positions: NDArray[np.int32]
    tokens: int

    def __len__(self) -> int:
        return len(self.ids)

    def fill(self) -> float:
        """Share of the blocks that is no padding."""
        return self.tokens / self.ids.size if self.ids.size else 0.0


@dataclass(frozen=True)
class WithChats(Blocks):
    """The blocks of a stream of documents, and behind them those of chats."""

    chats: ChatBlocks = field(kw_only=True)

    def __len__(self) -> int:
        return super().__len__() + len(self.chats)

    @property
    def tokens(self) -> int:
        """Tokens of both without padding."""
        return super().tokens + self.chats.tokens

    def take(self, places: Iterable[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Blocks by their place: ids and labels, both (places, length) int32."""
        border = super().__len__()
        parts = [
            super(WithChats, self).take([place])
            if place < border
            else (self.chats.ids[place - border, None], self.chats.labels[place - border, None])
            for place in places
        ]
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([labels for _, labels in parts])

    def positions(self, places: Iterable[int]) -> NDArray[np.int32]:
        """Places in the document block, or in the chat: (places, length) int32."""
        border, plain = super().__len__(), np.arange(self.length, dtype=np.int32)
        return np.stack([plain if place < border else self.chats.positions[place - border] for place in places])


def read(paths: Iterable[Path]) -> list[list[Message]]:
    """The chats of these files, in order.

    Raises InputError for a file that cannot be read and for a row that is no chat (file, line and reason), and
    EmptyInputError where there is none.
    """
    chats = []
    for path in paths:
        for number, line in _lines(path):
            try:
                chats.append(_chat(line))
            except ValueError as error:
                raise InputError(f"{path}:{number}: {error}; mend the row or take it out") from error
    if not chats:
        raise EmptyInputError("no chats in the files of --chats; give at least one row")
    return chats


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers. Only a line feed ends one: others may stand in JSON.

    A byte order mark at the beginning is no part of the text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no readable text in UTF-8 ({error}); give JSONL of chats") from error


def _chat(line: str) -> list[Message]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"no JSON ({error})") from error
    except RecursionError as error:
        raise ValueError("no chat: JSON nested too deeply") from error
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not messages:
        raise ValueError("no list 'messages'")
    for place, message in enumerate(messages, 1):
        if not isinstance(message, dict) or not all(isinstance(message.get(key), str) for key in ("role", "content")):
            raise ValueError(f"message {place} has no text 'role' and 'content'")
        if message["role"] not in _ROLES:
            raise ValueError(f"message {place}: role {message['role']!r} is none of {', '.join(_ROLES)}")
        if _SURROGATE.search(message["content"]):
            raise ValueError(f"message {place}: half of a surrogate pair, which is no text")
    if not any(message["role"] == "assistant" and message["content"] for message in messages):
        raise ValueError("the assistant says nothing, so there is nothing to learn")
    return [{key: message[key] for key in ("role", "content")} for message in messages]


def encode(chats: Sequence[Sequence[Message]], tokenizer: PreTrainedTokenizerBase) -> list[Encoded]:
    """Chats as tokens by the tokenizer's template, each closed by its end token, which is not learnt.

    Control tokens are the template's alone: where a message writes one, that is text (train.data.plain).
    """
    own = tokenizer.chat_template
    marked = isinstance(own, str) and _GENERATION.search(_COMMENT.sub("", own))
    template = own if marked else TEMPLATE
    end: Any = tokenizer.eos_token_id
    plain = PlainText(tokenizer)
    found = []
    for chat in chats:
        hidden = [message | {"content": plain.disguised(message["content"])} for message in chat]
        reader = tokenizer if hidden == list(chat) else plain.of_disguised()
        made: Any = reader.apply_chat_template(
            hidden, chat_template=template, return_dict=True, return_assistant_tokens_mask=True, tokenize=True
        )
        ids = np.array([*made["input_ids"], end], dtype=np.int32)
        found.append(Encoded(ids, np.array([*made["assistant_masks"], 0], dtype=bool)))
    return found


def pack(chats: Sequence[Encoded], length: int, end: int) -> ChatBlocks:
    """Chats in blocks of `length` tokens. One that is longer is cut, and a part without an answer left out."""
    parts = [
        Encoded(chat.ids[at : at + length], chat.said[at : at + length])
        for chat in chats
        for at in range(0, len(chat.ids), length)
        if chat.said[at + 1 : at + length].any()  # the first token of a part is predicted by none
    ]
    blocks = _best_fit([len(part.ids) for part in parts], length)
    ids = np.full((len(blocks), length), end, dtype=np.int32)
    labels = np.full_like(ids, -100)
    positions = np.zeros_like(ids)
    for row, members in enumerate(blocks):
        at = 0
        for member in members:
            part = parts[member]
            here = slice(at, at + len(part.ids))
            ids[row, here] = part.ids
            labels[row, here] = np.where(part.said, part.ids, -100)
            labels[row, at] = -100  # nor may the chat before it predict it
            positions[row, here] = np.arange(len(part.ids))
            at += len(part.ids)
        positions[row, at:] = np.arange(length - at)
    return ChatBlocks(ids, labels, positions, sum(len(part.ids) for part in parts))


def _best_fit(sizes: Sequence[int], length: int) -> list[list[int]]:
    """Which parts share a block: the largest first, each where it leaves the least room, else into a new one."""
    blocks: list[list[int]] = []
    room: list[tuple[int, int]] = []  # what is left in a block, and its number; sorted
    for member in sorted(range(len(sizes)), key=lambda one: (-sizes[one], one)):
        at = bisect_left(room, (sizes[member], -1))
        if at == len(room):
            blocks.append([])
            left, block = length, len(blocks) - 1
        else:
            left, block = room.pop(at)
        blocks[block].append(member)
        insort(room, (left - sizes[member], block))
    return blocks
