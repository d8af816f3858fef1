"""The rules: data in `labeling/rules/*.toml`, loaded and compiled once, matched deterministically.

A rule file holds `[words]` (named parts, used in patterns as `@name@`), `[contexts]` (named lists of patterns in which
a match is a mention, not the act) and `[[rule]]` tables:

    id         dotted name, unique over all files, e.g. "prompt.weapons.make"
    about      one sentence: what it looks for
    kinds      "document", "prompt" or both
    hazard     a code of labeling.taxonomy.Hazard
    verdict    a verdict stricter than ALLOW
    languages  "ja", "en" or both: the scripts a text must hold for the rule to be tried
    weight     0 to 1: how often a match is right, in our judgement
    patterns   regular expressions over the folded text (one character to one: NFKC and lower case)
    unless     contexts or patterns; a match near one (document: 100 code points, prompt: anywhere) is set aside
    min_matches  number of different strings that must match (default 1)
"""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.errors import ConfigError
from labeling import rules as rule_files
from labeling.policy import HAZARD_DOMAIN
from labeling.taxonomy import Hazard, Verdict

__all__ = ["Finding", "Rule", "Ruleset", "fold", "load_rules", "parse_rules"]

RULES_FOLDER = Path(rule_files.__file__).parent
_WINDOW = 100
_QUOTE = 40
_SPANS_A_RULE = 3
_NO_QUOTE = frozenset({Hazard.PRIVACY_PII, Hazard.SECRET, *HAZARD_DOMAIN})  # what is private, what is nsfw
_KEYS = frozenset(
    {"id", "about", "kinds", "hazard", "verdict", "languages", "weight", "patterns", "unless", "min_matches"}
)
_SCRIPTS = {"ja": re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]"), "en": re.compile(r"[a-z]")}


class _Folded(dict[int, str]):
    """The fold of each code point, found when first asked for."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        folded = unicodedata.normalize("NFKC", character).lower()
        self[point] = folded if len(folded) == 1 else character
        return self[point]


_FOLDED = _Folded()


@dataclass(frozen=True)
class Rule:
    """One compiled rule; the fields are those of its TOML table."""

    id: str
    about: str
    kinds: frozenset[str]
    hazard: Hazard
    verdict: Verdict
    languages: frozenset[str]
    weight: float
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    min_matches: int


@dataclass(frozen=True)
class Finding:
    """A rule that holds for a text, with the spans (code points, end exclusive) that made it hold."""

    rule: Rule
    spans: tuple[tuple[int, int], ...]

    def evidence(self, text: str) -> list[str]:
        """`rule[start:end] quote` for each span; no quote where the match is private or nsfw."""
        return [self._line(text, start, end) for start, end in self.spans[:_SPANS_A_RULE]]

    def _line(self, text: str, start: int, end: int) -> str:
        where = f"{self.rule.id}[{start}:{end}]"
        if self.rule.hazard in _NO_QUOTE:
            return where
        quote = " ".join(text[start:end].split())
        return f"{where} {quote if len(quote) <= _QUOTE else quote[: _QUOTE - 1] + '…'}"


@dataclass(frozen=True)
class Ruleset:
    """All rules in order of id, and the digest of the files they came from."""

    rules: tuple[Rule, ...]
    digest: str

    def find(self, text: str, kind: str) -> list[Finding]:
        """The rules of `kind` ("document" or "prompt") that hold for `text`, in order of id. Never raises on a text."""
        folded = fold(text)
        scripts = {name for name, script in _SCRIPTS.items() if script.search(folded)}
        found = []
        for rule in self.rules:
            if kind in rule.kinds and rule.languages & scripts:
                spans = tuple(_spans(rule, folded, kind))
                if len({folded[start:end] for start, end in spans}) >= rule.min_matches:
                    found.append(Finding(rule, spans))
        return found


def fold(text: str) -> str:
    """`text` in lower case and NFKC form, character by character, of the same length (so that spans stay true).

    >>> fold("ＡＢＣ ｱ ㍿")
    'abc ア ㍿'
    """
    return text.lower() if text.isascii() else text.translate(_FOLDED)


def _spans(rule: Rule, folded: str, kind: str) -> Iterator[tuple[int, int]]:
    for match in rule.pattern.finditer(folded):
        start, end = match.span()
        low, high = (max(0, start - _WINDOW), end + _WINDOW) if kind == "document" else (0, len(folded))
        if start < end and not (rule.unless and rule.unless.search(folded, low, min(high, len(folded)))):
            yield start, end


def parse_rules(name: str, data: Mapping[str, Any]) -> list[Rule]:
    """The rules of one file's `data`. Raises ConfigError naming file, rule and field for anything that does not fit."""
    words: dict[str, str] = {}
    for word, pattern in data.get("words", {}).items():
        words[word] = f"(?:{_expand(pattern, words, name)})"
    contexts = {key: [_expand(one, words, name) for one in value] for key, value in data.get("contexts", {}).items()}
    return [_rule(name, table, words, contexts) for table in data.get("rule", [])]


def _expand(pattern: str, words: Mapping[str, str], where: str) -> str:
    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise ConfigError(f"{where}: no word @{match[1]}@; define it under [words] before it is used")
        return words[match[1]]

    return re.sub(r"@([a-z_]+)@", word, pattern)


def _rule(name: str, table: Mapping[str, Any], words: Mapping[str, str], contexts: Mapping[str, list[str]]) -> Rule:
    where = f"{name}: rule {table.get('id', '?')}"
    if unknown := sorted(set(table) - _KEYS):
        raise ConfigError(f"{where}: unknown field {unknown[0]}; known are {', '.join(sorted(_KEYS))}")
    try:
        unless = [one for entry in table.get("unless", []) for one in contexts.get(entry, [entry])]
        verdict = Verdict(table["verdict"])
        rule = Rule(
            id=table["id"],
            about=table["about"],
            kinds=frozenset(table["kinds"]),
            hazard=Hazard(table["hazard"]),
            verdict=verdict,
            languages=frozenset(table["languages"]),
            weight=float(table["weight"]),
            pattern=_compile([_expand(one, words, where) for one in table["patterns"]]),
            unless=_compile([_expand(one, words, where) for one in unless]) if unless else None,
            min_matches=int(table.get("min_matches", 1)),
        )
    except (KeyError, ValueError, re.error) as error:
        raise ConfigError(f"{where}: {type(error).__name__}: {error}; see the fields in labeling/ruleset.py") from error
    if not (rule.kinds <= {"document", "prompt"} and rule.languages <= set(_SCRIPTS) and 0 < rule.weight <= 1):
        raise ConfigError(f"{where}: kinds, languages or weight out of range; see labeling/ruleset.py")
    if verdict is Verdict.ALLOW:
        raise ConfigError(f"{where}: a rule cannot allow; use `unless` to set a match aside")
    return rule


def _compile(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.MULTILINE)


@functools.cache
def load_rules(folder: Path = RULES_FOLDER) -> Ruleset:
    """The rules of every .toml file in `folder`, compiled once. Raises ConfigError for what does not fit."""
    rules: list[Rule] = []
    digest = hashlib.sha256()
    shared = _shared(folder)
    for path in sorted(folder.glob("*.toml")):
        raw = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + raw)
        data = tomllib.loads(raw.decode())
        merged = {
            "words": {**shared.get("words", {}), **data.get("words", {})},
            "contexts": {**shared.get("contexts", {}), **data.get("contexts", {})},
            "rule": data.get("rule", []),
        }
        rules += parse_rules(path.name, merged)
    ids = [rule.id for rule in rules]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ConfigError(f"{folder.name}: rule {twice[0]} is defined twice; give each its own id")
    return Ruleset(tuple(sorted(rules, key=lambda rule: rule.id)), digest.hexdigest())


def _shared(folder: Path) -> dict[str, Any]:
    path = folder / "_shared.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
