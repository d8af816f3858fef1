"""Text of data as tokens that are text: what a document, prompt or chat writes never becomes a control token.

A tokenizer finds its control tokens (`<|endoftext|>`, `<|end|>`, `<|assistant|>`) wherever their letters stand. In text
that others wrote they would close documents and turns and put words into the assistant's mouth. So text that holds one
goes through a copy of the tokenizer in disguise: the first letter of each such string is replaced by a Unicode
noncharacter (U+FDD0 and on, "not for interchange"), and the copy's normalizer puts it back after control tokens have
been looked for. What a chat's template writes is not in disguise and stays real; all other text is encoded as ever.

Control tokens are those that the tokenizer calls special and those of the form `<|...|>` or `</s>`. Others that it
marks as content, such as `<think>`, stay tokens of their own.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from corpus.base.errors import TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["PlainText"]

_MARKS = range(0xFDD0, 0xFDF0)
_LIKE_CONTROL = re.compile(r"<\|.+\|>|</?s>", re.DOTALL)


class PlainText:
    """What a tokenizer makes of text without ever reading a control token out of it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        named = set(tokenizer.all_special_tokens)
        found = {
            index: token.content
            for index, token in tokenizer.added_tokens_decoder.items()
            if token.content and (token.special or token.content in named or _LIKE_CONTROL.fullmatch(token.content))
        }
        unknown = tokenizer.unk_token_id  # what has no token gets this one: the letters alone tell of it
        self._unknown = found.get(unknown) if isinstance(unknown, int) else None
        self._ids = frozenset(found) - {unknown}
        self._strings = sorted(found.values())
        firsts = sorted({string[0] for string in self._strings})
        self._marks = {first: chr(mark) for first, mark in zip(firsts, _MARKS, strict=False)}
        if len(firsts) > len(self._marks):
            raise TrainingError("the tokenizer's control tokens begin with too many different letters to hide them all")
        wanted = "|".join(map(re.escape, self._strings))
        self._starts = re.compile(f"(?={wanted}).", re.DOTALL) if wanted else None
        self._copy: PreTrainedTokenizerBase | None = None

    def ids(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """The ids of each text, no start or end added. Raises TrainingError where one would be a control token."""
        found = self._encoded(self.tokenizer, texts)
        for place, (text, ids) in enumerate(zip(texts, found, strict=True)):
            if not self._ids.isdisjoint(ids) or (self._unknown and self._unknown in text):
                found[place] = self._hidden(text)
        return found

    def disguised(self, text: str) -> str:
        """The text with every control string in disguise, as `of_disguised` reads it; the same where it has none."""
        if self._starts is None or not any(string in text for string in self._strings):
            return text
        return self._starts.sub(lambda match: self._marks[match[0]], text)

    def of_disguised(self) -> PreTrainedTokenizerBase:
        """The tokenizer that takes disguises off behind the search for control tokens; a fast one's only."""
        if self._copy is None:
            self._copy = self._made()
        return self._copy

    def _hidden(self, text: str) -> Sequence[int]:
        """The ids of a text that holds what looks like a control token."""
        if getattr(self.tokenizer, "backend_tokenizer", None) is None:
            encoded: Any = self.tokenizer(text, add_special_tokens=False, verbose=False, split_special_tokens=True)
            ids: Sequence[int] = encoded["input_ids"]
        else:
            (ids,) = self._encoded(self.of_disguised(), [self.disguised(text)])
        if not self._ids.isdisjoint(ids):
            raise TrainingError("the tokenizer reads control tokens out of plain text, and cannot be kept from it")
        return ids

    def _encoded(self, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[Sequence[int]]:
        """By the tokenizer itself; where it is one of `tokenizers`, without places and masks."""
        backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            encoded: Any = tokenizer(list(texts), add_special_tokens=False, verbose=False)
            return list(encoded["input_ids"])
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = False  # a former call with split_special_tokens may have left it on
        made: Iterable[Any] = backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [each.ids for each in made]

    def _made(self) -> PreTrainedTokenizerBase:
        from tokenizers import Tokenizer

        tokenizer: Any = copy.deepcopy(self.tokenizer)
        parts = json.loads(tokenizer.backend_tokenizer.to_str())
        for token in parts["added_tokens"]:
            if token["content"] in self._strings:
                token["normalized"] = False  # else it would be looked for again behind the normalizer
        undress = [
            {"type": "Replace", "pattern": {"String": mark}, "content": first} for first, mark in self._marks.items()
        ]
        former = [parts["normalizer"]] if parts["normalizer"] else []
        parts["normalizer"] = {"type": "Sequence", "normalizers": undress + former}
        tokenizer._tokenizer = Tokenizer.from_str(json.dumps(parts, ensure_ascii=False))  # noqa: SLF001  no public way
        made: PreTrainedTokenizerBase = tokenizer
        return made
