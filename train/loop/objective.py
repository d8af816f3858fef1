"""What a step descends: named losses, each a mean over things that are counted before the pass.

An objective is anything with the three methods of `Objective`; the loop takes a sequence of them and knows none by
name. A loss is a mean over some things of a batch (predicted tokens, triples of positions, labelled examples). Because
they are counted beforehand, the parts of a batch that is taken piece by piece, or on several machines, are weighted so
that the gradient is that of the whole: one piece of 8 blocks and 8 pieces of one give the same, but for rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from train.loop.losses import pet_weight, second_difference, triples
from train.packing.tokens import Blocks

__all__ = ["Batch", "LanguageModel", "Objective", "forward", "take"]


@dataclass(frozen=True)
class Batch:
    """Some blocks, where the model is: the part `part` (from 0) of the `parts` that make a step.

    ids: (blocks, length) int64. labels: the same shape, -100 where nothing is to be predicted (padding, prompts).
    end: the token that closes a document. positions: (blocks, length) int64, None: counted from each block's start.
    extra: labels of other kinds, by name.
    """

    ids: Tensor
    labels: Tensor
    end: int
    positions: Tensor | None = None
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    part: int = 0
    parts: int = 1


class Objective(Protocol):
    """Losses by name. All three methods name the same ones, and no two objectives of a run share a name.

    Whatever an objective draws must follow from its own state, the batch and the step, so that a resumed run does the
    same. One with examples of its own may leave the batch's ids alone and take the part `batch.part` of `batch.parts`
    of what it has for the step. Each step's metrics get each loss under its name, before weighting, and its weight.
    """

    def counts(self, batch: Batch, step: int) -> Mapping[str, int]:
        """Over how many things each loss is a mean in this part; one that is a mean over nothing is left out."""

    def weights(self, step: int) -> Mapping[str, float]:
        """How much each loss counts in what is descended, at `step` (from 0)."""

    def __call__(self, model: nn.Module, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """The losses, each () floating with its gradient: means over this part."""


@dataclass(frozen=True)
class LanguageModel:
    """Cross-entropy of the next token ("loss", nats a predicted token), with PET ("pet") where it has weights.

    steps: of the whole run, for the three phases. pet: their weights (train.loop.losses), none: off.
    """

    steps: int = 1
    pet: tuple[float, ...] = ()

    def counts(self, batch: Batch, step: int) -> Mapping[str, int]:  # noqa: ARG002  the same at every step
        """Predicted tokens, and triples of positions."""
        found = {"loss": int((batch.labels[:, 1:] != -100).sum())}
        return found | ({"pet": int(triples(batch.ids, batch.labels, batch.end).sum())} if self.pet else {})

    def weights(self, step: int) -> Mapping[str, float]:
        """One for the language model, PET's by its phase."""
        return {"loss": 1.0} | ({"pet": pet_weight(step, self.steps, self.pet)} if self.pet else {})

    def __call__(self, model: nn.Module, batch: Batch, step: int) -> Mapping[str, Tensor]:  # noqa: ARG002
        """Both from one pass."""
        output = forward(model, batch, hidden=bool(self.pet))
        found: dict[str, Tensor] = {"loss": output.loss}
        if self.pet:
            counted = triples(batch.ids, batch.labels, batch.end)
            found["pet"] = second_difference(output.hidden_states[-1], counted)
        return found


def forward(model: nn.Module, batch: Batch, *, hidden: bool = False) -> Any:
    """Answer with `loss`, the mean over predicted tokens (the model shifts the labels and leaves out -100).

    `hidden`: also with hidden_states, each (blocks, length, features), the last one last.
    """
    placed = {} if batch.positions is None else {"position_ids": batch.positions}
    return model(input_ids=batch.ids, labels=batch.labels, use_cache=False, output_hidden_states=hidden, **placed)


def take(model: nn.Module, blocks: Blocks, places: Iterable[int], part: int = 0, parts: int = 1) -> Batch:
    """Some blocks as a batch, where the model is."""
    device = next(model.parameters()).device
    places = list(places)
    ids, labels = (torch.from_numpy(array).long().to(device) for array in blocks.take(places))
    placed = blocks.positions(places)
    positions = None if placed is None else torch.from_numpy(placed).long().to(device)
    return Batch(ids, labels, blocks.pad, positions, part=part, parts=parts)
