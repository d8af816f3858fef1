"""A made-up corpus with known near copies: half Japanese, half English, from a seed and nothing else.

Words are invented from syllables, kana and kanji, and drawn by Zipf's law; documents hold some 2 kB of UTF-8. Into
them are planted groups of copies of all sizes, exact and edited, whose Jaccard is measured afterwards over code-point
5-grams after NFKC, lower case and single blanks (unicodedata, none of Hakusho's own code), and copies in other widths
and in old kanji (旧字体), whose Jaccard that way is not 1 although their words are the same.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Corpus", "jaccard", "make", "plain"]

_KANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ"
_KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンガギグゲゴバビブ"
_PARTICLES = ["は", "が", "を", "に", "の", "で", "と", "も", "から", "まで", "による", "について", "として"]
_ENDS = ["する。", "した。", "である。", "とする。", "による。", "がある。", "を定める。", "と認める。"]
_ONSETS = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "pl", "th", "ch", ""]
_NUCLEI = ["a", "e", "i", "o", "u", "ea", "io", "ou"]
_CODAS = ["", "", "n", "r", "s", "t", "l", "nd", "ng", "ction", "ment", "ly"]
_VOCABULARY = 12_000
# Group sizes and how many groups of each there are among 10,000 documents.
_GROUPS = ((2, 700), (3, 180), (4, 90), (6, 40), (10, 16), (25, 5), (80, 1), (250, 1))
_VARIANTS = 250  # pairs of each kind of other spelling among 10,000 documents


@dataclass
class Corpus:
    """Documents in a fixed shuffled order, and pairs of rows that are copies: left, right, Jaccard, language, kind."""

    texts: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    pairs: list[tuple[int, int, float, str, str]] = field(default_factory=list)

    @property
    def megabytes(self) -> float:
        """Size of the texts in UTF-8, in 10^6 bytes."""
        return sum(len(text.encode()) for text in self.texts) / 1e6

    def write(self, path: Path) -> None:
        """Write the documents as Parquet: id, text, lang."""
        ids = [f"d{row:08d}" for row in range(len(self.texts))]
        table = pa.table({"id": ids, "text": self.texts, "lang": self.languages})
        pq.write_table(table, path, compression="zstd", compression_level=3, row_group_size=10_000)


def plain(text: str) -> str:
    """The text as the truth sees it."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def jaccard(left: str, right: str) -> float:
    """Jaccard of the code-point 5-grams of two plain texts."""
    ours, theirs = ({text[i : i + 5] for i in range(max(1, len(text) - 4))} for text in (left, right))
    return len(ours & theirs) / len(ours | theirs)


class _Writer:
    """Invents text of one language."""

    def __init__(self, language: str, rng: np.random.Generator) -> None:
        self.language, self.rng = language, rng
        self.words = np.array(self._vocabulary(), dtype=object)
        weights = 1.0 / np.arange(1, len(self.words) + 1)
        self.weights = np.cumsum(weights / weights.sum())

    def _vocabulary(self) -> list[str]:
        count = _VOCABULARY * 2
        if self.language == "en":
            syllables = [onset + nucleus + coda for onset in _ONSETS for nucleus in _NUCLEI for coda in _CODAS]
            made = set(self._joined(syllables, count, 1, 3))
        else:
            kanji = [
                bytes([0x80 | row, 0x80 | cell]).decode("euc_jp") for row in range(48, 79) for cell in range(33, 127)
            ]
            made = set(self._joined(kanji, count, 1, 3))
            made.update(word + "ー" for word in self._joined(list(_KATAKANA), 1500, 2, 4))
            made.update(self._joined(list(_KANA), 1500, 2, 3))
        ordered = sorted(made)
        return [ordered[number] for number in self.rng.permutation(len(ordered))[:_VOCABULARY]]

    def _joined(self, parts: list[str], count: int, least: int, most: int) -> list[str]:
        """Words of `least` to `most` parts each."""
        sizes = self.rng.integers(least, most + 1, count).tolist()
        picks = self.rng.integers(0, len(parts), (count, most)).tolist()
        return ["".join(parts[one] for one in pick[:size]) for pick, size in zip(picks, sizes, strict=True)]

    def draw(self, count: int) -> list[str]:
        """Words by Zipf's law."""
        return list(self.words[np.searchsorted(self.weights, self.rng.random(count))])

    def sentence(self) -> str:
        """One sentence."""
        words = self.draw(int(self.rng.integers(6, 16)))
        if self.language == "en":
            return f"{' '.join(words).capitalize()}. "
        particles = self.rng.integers(0, len(_PARTICLES), len(words) - 1)
        joined = "".join(word + _PARTICLES[number] for word, number in zip(words[:-1], particles, strict=True))
        number = f"第{self.rng.integers(1, 99)}条" if self.rng.random() < 0.2 else ""
        return number + joined + words[-1] + _ENDS[int(self.rng.integers(len(_ENDS)))]

    def document(self, size: int) -> list[str]:
        """Sentences of some `size` bytes in all."""
        made: list[str] = []
        length = 0
        while length < size:
            made.append(self.sentence())
            length += len(made[-1].encode())
        return made

    def edited(self, sentences: list[str], share: float) -> list[str]:
        """A copy in which about `share` of the text is new: sentences replaced, dropped and added."""
        out: list[str] = []
        for sentence in sentences:
            chance = self.rng.random()
            if chance >= share:
                out.append(sentence)
            elif chance < share * 0.6:
                out.append(self.sentence())
            elif chance < share * 0.8:
                out += [sentence, self.sentence()]
        return out or sentences[:1]


def _wide(text: str) -> str:
    """ASCII in full width, katakana in half width: the same words in other widths."""
    half = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF71, 0xFF9E)}
    voiced = {unicodedata.normalize("NFKC", kana + "ﾞ"): kana + "ﾞ" for kana in half.values()}
    table: dict[str, Any] = {**{key: value for key, value in voiced.items() if len(key) == 1}, **half, "ー": "ｰ"}
    table |= {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
    return text.translate(str.maketrans(table))


def _old(text: str, old: dict[int, int]) -> str:
    """The text in old kanji."""
    return text.translate(old)


def make(documents: int, seed: int = 1, size: int = 2000) -> Corpus:
    """Make a corpus of about `documents` documents of `size` bytes."""
    from corpus.text.variants import VARIANTS

    rng = np.random.default_rng(seed)
    old = {new: variant for variant, new in reversed(VARIANTS.items()) if variant < 0x10000}
    texts: list[tuple[str, str]] = []
    planted: list[tuple[int, int, str]] = []
    for language in ("ja", "en"):
        writer = _Writer(language, rng)
        start, half = len(texts), documents // 2
        for group_size, groups in _GROUPS:
            for _ in range(round(groups * half / 10_000) or (1 if documents >= 10_000 else 0)):
                _plant(writer, group_size, size, texts, planted)
        kinds = ("width", "old kanji") if language == "ja" else ("width",)
        for kind in kinds:
            for _ in range(round(_VARIANTS * half / 10_000)):
                text = "".join(writer.document(size))
                planted.append((len(texts), len(texts) + 1, kind))
                texts += [(text, language), (_wide(text) if kind == "width" else _old(text, old), language)]
        while len(texts) - start < half:
            texts.append(("".join(writer.document(int(size * rng.lognormal(-0.1, 0.45)))), language))
    return _shuffled(texts, planted, rng)


def _plant(
    writer: _Writer, members: int, size: int, texts: list[tuple[str, str]], planted: list[tuple[int, int, str]]
) -> None:
    base = writer.document(size)
    first = len(texts)
    texts.append(("".join(base), writer.language))
    for _ in range(members - 1):
        share = 0.0 if writer.rng.random() < 0.15 else float(writer.rng.beta(1.1, 3.0)) * 0.6
        texts.append(("".join(writer.edited(base, share)), writer.language))
    rows = range(first, first + members)
    pairs = combinations(rows, 2) if members <= 10 else ((first, row) for row in rows[1:])
    planted += [(left, right, "copy") for left, right in pairs]


def _shuffled(texts: list[tuple[str, str]], planted: list[tuple[int, int, str]], rng: np.random.Generator) -> Corpus:
    order = rng.permutation(len(texts))
    place = np.empty(len(texts), dtype=np.int64)
    place[order] = np.arange(len(texts))
    made = Corpus([texts[row][0] for row in order], [texts[row][1] for row in order])
    for left, right, kind in planted:
        value = jaccard(plain(texts[left][0]), plain(texts[right][0]))
        one, other = sorted((int(place[left]), int(place[right])))
        made.pairs.append((one, other, value, texts[left][1], kind))
    return made
