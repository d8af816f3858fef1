"""Settings of the stage `normalised` (section [text] of hakusho.toml)."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.base.errors import ConfigError
from corpus.text.scripts import GARBLED

__all__ = ["TextSettings"]


@dataclass(frozen=True)
class TextSettings:
    """Below or above which a text is dropped. Raises ConfigError out of range.

    A statute of one article has about 100 characters of Japanese, and a kanji or kana says what two or three Latin
    letters say: below 80 and 200 there are titles, stubs and notices of a removed page.
    """

    min_chars_ja: int = field(default=80, metadata={"help": "fewest characters of a Japanese text"})
    min_chars_en: int = field(default=200, metadata={"help": "fewest characters of an English text"})
    max_garbled: float = field(default=GARBLED, metadata={"help": "largest share of garbled characters, 0 to 1"})

    def __post_init__(self) -> None:
        if min(self.min_chars_ja, self.min_chars_en) < 1:
            raise ConfigError(
                "text.min_chars_ja and text.min_chars_en must be at least 1: an empty text is no document"
            )
        if not 0 <= self.max_garbled <= 1:
            raise ConfigError(f"text.max_garbled = {self.max_garbled}: need a share from 0 to 1")
