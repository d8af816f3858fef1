"""Settings of the stage `labels` (section [labels] of hakusho.toml)."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.base.errors import ConfigError
from labeling.policy import DOMAIN_OVERRIDE, DOMAIN_THRESHOLD

__all__ = ["LabelSettings"]


@dataclass(frozen=True)
class LabelSettings:
    """What a user may turn; the rules and the policy are files of the project. Raises ConfigError out of range."""

    domain_threshold: float = field(
        default=DOMAIN_THRESHOLD, metadata={"help": "calibrated probability under which the classifier abstains"}
    )
    domain_override: float = field(
        default=DOMAIN_OVERRIDE, metadata={"help": "probability at which the topic of an encyclopaedia article wins"}
    )

    def __post_init__(self) -> None:
        for name in ("domain_threshold", "domain_override"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f"labels.{name} = {value}: need a probability from 0 to 1")
