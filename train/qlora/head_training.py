"""Heads in a run: their texts, their objective for the loop, and what is measured when it has ended.

Each step takes some labelled texts of every source there is (train.heads.labels), one pass of the model over them, and
the losses of train.heads.losses. The model's own verdict for the label of confidence is drawn from the safety head's
probabilities on the prompt as the model is then, in evaluation mode and without a gradient; what is drawn follows from
seed, step and row, and takes nothing from the run's random numbers. On held-out prompts it is the likeliest verdict.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from train.checkpoint.snapshot import Group
from train.heads.calibration import CLASSES, report
from train.heads.labels import SOURCES, Labelled, collect, documents, prompts
from train.heads.losses import IGNORED, NAMES, counts, losses
from train.heads.model import CALIBRATED, Heads, state
from train.loop.objective import Batch
from train.qlora.config import Config

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["HeadObjective", "HeadRun", "begin", "measure"]

_BATCH = 16  # texts at once where nothing is trained

Row = tuple[str, int]


@dataclass(frozen=True)
class HeadObjective:
    """The heads' losses on `number` texts of each source a step; `weighting`: one weight for each of NAMES.

    The gradient goes through the hidden state into whatever of the model is trained.
    """

    heads: Heads
    texts: Labelled
    number: int
    weighting: Sequence[float]
    seed: int

    def counts(self, batch: Batch, step: int) -> Mapping[str, int]:
        """Labels of each kind in this part of the step; examples for decorrelation."""
        rows = self._rows(batch, step)
        labels = _labels(self.texts, rows)
        labels["confidence"] = labels["safety"].where(torch.tensor(self._asked(rows)), torch.tensor(IGNORED))
        return counts(labels, len(rows))

    def weights(self, step: int) -> Mapping[str, float]:  # noqa: ARG002  the same at every step
        """As configured."""
        return dict(zip(NAMES, self.weighting, strict=True))

    def __call__(self, model: nn.Module, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """The losses that this part has labels for."""
        rows = self._rows(batch, step)
        labels = _labels(self.texts, rows)
        labels["confidence"] = self._judged(model, rows, labels["safety"], step)
        answers = self.heads(state(model, [self.texts.ids[source][row] for source, row in rows]))
        device = answers.safety.device
        return losses(answers, {name: values.to(device) for name, values in labels.items()})

    def _rows(self, batch: Batch, step: int) -> list[Row]:
        return self.texts.step(step, self.number, self.seed)[batch.part :: batch.parts]

    def _asked(self, rows: Sequence[Row]) -> list[bool]:
        """Which of the rows the model is asked for its own verdict on."""
        examples = [self.texts.examples[source][row] for source, row in rows]
        return [one.prompt and one.verdict is not None for one in examples]

    def _judged(self, model: nn.Module, rows: Sequence[Row], gold: Tensor, step: int) -> Tensor:
        """(n) labels of confidence: 1 where the verdict that the model draws is the gold one, 0 where it is not."""
        found = torch.full((len(rows),), IGNORED)
        asked = [place for place, wanted in enumerate(self._asked(rows)) if wanted]
        if not asked:
            return found
        training = model.training
        model.eval()
        with torch.no_grad():
            answers = self.heads(state(model, [self.texts.ids[rows[p][0]][rows[p][1]] for p in asked]))
        model.train(training)
        shares = answers.safety.double().softmax(-1).cumsum(-1).cpu()
        for place, share in zip(asked, shares, strict=True):
            drawn = random.Random(f"{self.seed} {step} {rows[place]}").random()
            said = min(int((share < drawn).sum()), len(share) - 1)
            found[place] = int(said == int(gold[place]))
        return found


@dataclass(frozen=True)
class HeadRun:
    """The heads of a run: what they descend, and the texts that nobody trains on."""

    objective: HeadObjective
    held_out: Labelled
    lr: float

    @property
    def heads(self) -> Heads:
        """What is trained."""
        return self.objective.heads

    def group(self) -> Group:
        """The heads as a part of checkpoints, with their learning rate."""
        return Group("heads", dict(self.heads.named_parameters()), self.lr)

    def finish(self, model: nn.Module) -> dict[str, Any]:
        """Calibrate the heads in place on half of the held-out texts; figures of the other half, for the metadata."""
        trained = self.objective.texts
        logits, labels = measure(model, self.heads, self.held_out)
        # two rows and two: a grounded answer and its corrupted twin, of one passage, stay in the same half
        fitting = torch.tensor([row // 2 % 2 == 0 for _, row in self.held_out.every()])
        self.heads.temperatures, figures = report(logits, labels, fitting)
        return {
            "parameters": sum(parameter.numel() for parameter in self.heads.parameters()),
            "trained_on": {source: len(trained.examples[source]) for source in SOURCES},
            "held_out": {source: len(self.held_out.examples[source]) for source in SOURCES},
            "figures": figures,
            "without_figures": [name for name in CLASSES if name not in figures],
        }


def begin(
    config: Config, model: nn.Module, features: int, tokenizer: PreTrainedTokenizerBase, inputs: Sequence[Path]
) -> HeadRun:
    """Fresh heads for a model whose hidden state has `features` numbers, and their texts.

    inputs: the file of prompts, where the configuration names one, then the dataset's shards. Raises what
    train.heads.labels raises, TrainingError where the state has no blocks of 8.
    """
    shards = inputs[1:] if config.prompts else inputs
    of_prompts = prompts(inputs[0]) if config.prompts else ([], [])
    of_documents = documents(shards, config.domain, config.heads_documents, config.seed)
    trained, held_out = (
        collect(tokenizer, {"prompts": asked, **others}, config.heads_tokens)
        for asked, others in zip(of_prompts, of_documents, strict=True)
    )
    heads = Heads(features, config.heads_tokens).to(next(model.parameters()).device)
    objective = HeadObjective(heads, trained, config.heads_batch, config.heads_weights, config.seed)
    return HeadRun(objective, held_out, config.heads_lr)


@torch.no_grad()
def measure(model: nn.Module, heads: Heads, texts: Labelled) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Logits and labels by head, on all these texts: (n, classes) or (n), and (n); the model's mode is restored."""
    rows = texts.every()
    training = model.training
    model.eval()
    parts: dict[str, list[Tensor]] = {name: [] for name in CALIBRATED}
    for start in range(0, len(rows), _BATCH):
        answers = heads(state(model, [texts.ids[source][row] for source, row in rows[start : start + _BATCH]]))
        for name, logits in parts.items():
            logits.append(answers.of(name).float().cpu())
    model.train(training)
    found = {name: torch.cat(logits) for name, logits in parts.items()}
    labels = _labels(texts, rows)
    prompt = torch.tensor([texts.examples[source][row].prompt for source, row in rows])
    judged = prompt & (labels["safety"] != IGNORED)
    right = (found["safety"].argmax(1) == labels["safety"]).long()
    return found, labels | {"confidence": right.where(judged, torch.tensor(IGNORED))}


def _labels(texts: Labelled, rows: Sequence[Row]) -> dict[str, Tensor]:
    """(n) class ids by head but for confidence, IGNORED where missing."""
    known = [texts.examples[source][row].labels for source, row in rows]
    return {
        name: torch.tensor([IGNORED if one[name] is None else one[name] for one in known], dtype=torch.long)
        for name in ("safety", "domain", "plausibility")
    }
