"""What a user may set about the dataset."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.base.config import nearest
from corpus.base.errors import ConfigError
from corpus.dataset.reservations import WORDS

__all__ = ["DatasetSettings"]


@dataclass(frozen=True)
class DatasetSettings:
    """How large a shard grows (it is closed at whichever bound comes first), and what keeps a document out.

    Raises ConfigError for a bound under 1, or a statement that is none of corpus.dataset.reservations.
    """

    shard_rows: int = field(default=20_000, metadata={"help": "most rows of a shard"})
    shard_bytes: int = field(
        default=64 << 20, metadata={"help": "most bytes of text of a shard; a longer text stands alone"}
    )
    reserved: tuple[str, ...] = field(
        default=WORDS, metadata={"help": "statements of page, header or site on its use that keep a document out"}
    )

    def __post_init__(self) -> None:
        for name in ("shard_rows", "shard_bytes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"dataset {name} is {getattr(self, name)}: give a number of 1 or more")
        for word in self.reserved:
            if word not in WORDS:
                raise ConfigError(f"dataset reserved: no such statement {word!r}; {nearest(word, list(WORDS))}")
