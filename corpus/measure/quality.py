"""Quality measures: numbers about one text, with no opinion on them. Thresholds are data, in sql/policy.

The measures are those that published rules for Japanese and English corpora cut on (Gopher, Rae et al. 2021; Swallow,
Okazaki et al. 2024; FineWeb-2, Penedo et al. 2025; HojiChar), counted in characters, not words, so that one definition
holds for both languages.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa

from corpus.text.scripts import code_points, count_classes

_TOP: Final = 4  # code points of the n-gram whose most frequent one is measured
_REPEATED: Final = 10  # code points of the n-gram whose repeats are measured
_SHORT: Final = 10  # code points: a line below it is short
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)

_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_SENTENCE_END: Final = re.compile(
    r"(?<=[。！？])(?![」』）])|(?<=[。！？][」』）])|(?:(?<=[.!?．])|(?<=[.!?．][\"')\]”’]))(?=\s)|\n\s*\n"
)
_CLOSING: Final = '」』）)"”'
_ELLIPSES: Final = ("…", "...", "・・・", "。。。")
_BULLET: Final = re.compile(r"[・•‣◦●○■□◆◇▪▶※‐–—]|[-*+][\s]")
_MARKS: Final = frozenset('。．.!?！？…」』）)"”：:；;')


def _field(name: str, kind: pa.DataType, doc: str) -> pa.Field[Any]:
    return pa.field(name, kind, nullable=False, metadata={"doc": doc})


_COUNTS: Final = {
    "chars": "code points of the text",
    "lines": "lines that hold more than blanks",
    "paragraphs": "runs of lines between blank lines",
    "sentences": "sentences: up to 。！？, to .!? before a blank, or to a blank line; a single line break ends none",
    "longest_sentence": "code points of the longest sentence",
    "hiragana": "hiragana letters",
    "katakana": "katakana letters, with the long-vowel mark and half-width forms",
    "kanji": "kanji",
    "latin": "Latin letters, full-width ones included",
    "digits": "decimal digits, full-width ones included",
    "punctuation": "punctuation marks and symbols",
    "spaces": "blanks, line breaks and characters that show nothing",
    "foreign": "characters of scripts that neither language holds, and of Greek and Cyrillic",
    "broken": "controls, private use, U+FFFD: characters that no text should hold",
}
_SHARES: Final = {
    "mean_sentence": "mean length of a sentence in code points; 0 without any",
    "hiragana_share": "hiragana over visible characters (chars - spaces), 0 to 1",
    "japanese_share": "hiragana, katakana and kanji over visible characters, 0 to 1",
    "duplicate_line_share": "share of lines that repeat an earlier line",
    "duplicate_paragraph_share": "share of paragraphs that repeat an earlier one",
    "top_ngram_share": f"share of visible characters covered by the most frequent {_TOP}-gram of them, at most 1",
    "duplicate_ngram_share": f"share of the {_REPEATED}-grams of visible characters that repeat an earlier one",
    "ellipsis_line_share": "share of lines that end in an ellipsis: … or three dots",
    "bullet_line_share": "share of lines that begin with a bullet",
    "short_line_share": f"share of lines shorter than {_SHORT} code points",
    "punctuated_line_share": "share of lines that end in a mark: full stop, question, exclamation, colon, bracket",
}

MEASURES: Final = pa.schema(
    [
        _field("id", pa.string(), "document id"),
        _field("source", pa.string(), "source of the document"),
        *(_field(name, pa.int32(), doc) for name, doc in _COUNTS.items()),
        *(_field(name, pa.float32(), doc) for name, doc in _SHARES.items()),
    ],
    metadata={"table": "measures", "version": "1"},
)


def measure(text: str) -> dict[str, float]:
    """Return every measure of MEASURES (all but id and source) of one text; shares are 0 where nothing was counted."""
    classes = count_classes(text)
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    paragraphs = [part for part in map(str.strip, _PARAGRAPH.split(text)) if part]
    sentences = [len(part) for part in map(str.strip, _SENTENCE_END.split(text)) if part]
    visible = len(text) - classes["space"]
    top, repeated = _ngram_shares("".join(text.split()))
    return {
        "chars": len(text),
        "lines": len(lines),
        "paragraphs": len(paragraphs),
        "sentences": len(sentences),
        "longest_sentence": max(sentences, default=0),
        "hiragana": classes["hiragana"],
        "katakana": classes["katakana"],
        "kanji": classes["kanji"],
        "latin": classes["latin"],
        "digits": classes["digit"],
        "punctuation": classes["punctuation"] + classes["combining"],
        "spaces": classes["space"],
        "foreign": classes["other"] + classes["greek_cyrillic"],
        "broken": classes["broken"],
        "mean_sentence": _share(sum(sentences), len(sentences)),
        "hiragana_share": _share(classes["hiragana"], visible),
        "japanese_share": _share(classes["hiragana"] + classes["katakana"] + classes["kanji"], visible),
        "duplicate_line_share": _share(len(lines) - len(set(lines)), len(lines)),
        "duplicate_paragraph_share": _share(len(paragraphs) - len(set(paragraphs)), len(paragraphs)),
        "top_ngram_share": top,
        "duplicate_ngram_share": repeated,
        "ellipsis_line_share": _share(sum(line.rstrip(_CLOSING).endswith(_ELLIPSES) for line in lines), len(lines)),
        "bullet_line_share": _share(sum(_BULLET.match(line) is not None for line in lines), len(lines)),
        "short_line_share": _share(sum(len(line) < _SHORT for line in lines), len(lines)),
        "punctuated_line_share": _share(sum(line[-1] in _MARKS for line in lines), len(lines)),
    }


def measures(documents: pa.Table) -> pa.Table:
    """Return MEASURES for a table with the string columns id, source and text, row by row."""
    texts: list[Any] = documents["text"].to_pylist()
    rows = [measure(text) for text in texts]
    fields = list(MEASURES)[2:]
    numbers: list[Any] = [pa.array([row[field.name] for row in rows], field.type) for field in fields]
    kept: list[Any] = [pa.array(documents[name].to_pylist(), pa.string()) for name in ("id", "source")]
    return pa.Table.from_arrays([*kept, *numbers], schema=MEASURES)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _ngram_shares(dense: str) -> tuple[float, float]:
    """The shares of the most frequent 4-gram and of repeated 10-grams, over a text without blanks."""
    points = code_points(dense).astype(np.uint64)
    if points.size < _TOP:
        return 0.0, 0.0
    most = int(_runs(points, _TOP).max())
    top = min(1.0, most * _TOP / points.size)
    if points.size < _REPEATED:
        return top, 0.0
    count = points.size - _REPEATED + 1
    return top, (count - _runs(points, _REPEATED).size) / count


def _runs(points: np.ndarray[Any, np.dtype[np.uint64]], width: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """How often each distinct n-gram occurs, told apart by a 64-bit hash (a collision moves a share by one n-gram)."""
    count = points.size - width + 1
    keys = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        keys ^= points[place : place + count]
        keys *= _MULTIPLIER
        keys ^= keys >> np.uint64(32)
    keys.sort()
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return np.diff(np.append(starts, count))
