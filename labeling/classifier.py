"""The domain classifier: fastText over passages written for this project, calibrated on held-out folds of them.

Features are the text alone (never source or URL). The raw softmax of fastText is over-confident; one temperature, found
on predictions for passages the model had not seen, corrects it (Guo et al. 2017, "On Calibration of Modern Neural
Networks"). The seeds are few and clean, so on other text the score stays optimistic: `hakusho classifier eval`
measures by how much.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.errors import CorruptFileError, InputError, TrainingError
from labeling import seeds as seed_files
from labeling.features import features, size
from labeling.fit import PREFIX
from labeling.policy import DOMAIN_WORDS
from labeling.taxonomy import DOMAINS, Domain

__all__ = ["PARAMETERS", "SEEDS", "DomainClassifier", "Prediction", "fit_temperature", "load_seeds", "temper", "train"]

SEEDS = Path(seed_files.__file__).parent / "domain.jsonl"
PARAMETERS: dict[str, Any] = {
    "dim": 16,
    "epoch": 150,
    "lr": 0.8,
    "wordNgrams": 2,
    "minn": 3,
    "maxn": 6,
    "bucket": 100_000,
    "loss": "softmax",
}
_FOLDS = 5
_TEMPERATURES = [0.5 + 0.05 * step for step in range(151)]  # 0.5 to 8
_FLOOR = 1e-9


@dataclass(frozen=True)
class Prediction:
    """The likeliest domain of a text and the calibrated probability of every domain (they sum to 1)."""

    domain: Domain
    probabilities: Mapping[Domain, float]

    @property
    def score(self) -> float:
        """Calibrated probability of `domain`, 0 to 1."""
        return self.probabilities[self.domain]


_UNKNOWN = Prediction(Domain.GENERAL, dict.fromkeys(DOMAINS, 1 / len(DOMAINS)))


def load_seeds(path: Path = SEEDS) -> list[tuple[Domain, str]]:
    """(domain, text) of each training passage. Raises InputError, CorruptFileError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot read the seed passages {path}: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            found.append((Domain(row["domain"]), str(row["text"])))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFileError(f"{path}: line {number}: need domain and text ({error})") from error
    if missing := sorted(set(DOMAINS) - {domain for domain, _ in found}):
        raise InputError(f"{path}: no passage for domain {missing[0]}; each domain needs some")
    return found


def train(folder: Path, seeds: Path = SEEDS) -> dict[str, object]:
    """Train on `seeds` and write domain.bin and domain.json into `folder`; returns what domain.json says.

    The same seeds give the same bytes. Raises TrainingError where fastText fails twice, InputError, CorruptFileError.
    """
    lines = [[str(domain), features(text)] for domain, text in load_seeds(seeds)]
    with tempfile.TemporaryDirectory() as name:
        job, held = Path(name, "job.json"), Path(name, "held.json")
        job.write_text(json.dumps({"lines": lines, "folds": _FOLDS, "parameters": PARAMETERS}), encoding="utf-8")
        _fit(job, folder / "domain.bin", held)
        held_out = [(label, dict(row)) for label, row in json.loads(held.read_text(encoding="utf-8"))]
    temperature = fit_temperature(held_out)
    card: dict[str, object] = {
        "labels": [str(domain) for domain in DOMAINS],
        "parameters": PARAMETERS,
        "passages": len(lines),
        "seeds_sha256": hashlib.sha256(seeds.read_bytes()).hexdigest(),
        "temperature": temperature,
        "held_out_accuracy": round(
            sum(max(row, key=row.__getitem__) == label for label, row in held_out) / len(lines), 4
        ),
        "held_out_nll": round(_loss(held_out, temperature), 4),
    }
    text = json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "domain.json").write_text(text, encoding="utf-8")
    return card


def _fit(job: Path, model: Path, held: Path) -> None:
    """Run labeling.fit in a fresh process; once more where fastText met NaN, which is not the data's fault."""
    here = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])}
    command = [sys.executable, "-m", "labeling.fit", str(job), str(model), str(held)]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if "NaN" not in done.stderr:
            break
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    raise TrainingError(f"fastText could not train the domain classifier: {last}")


def temper(row: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Probabilities p^(1/T) normalised to 1; scores above 1 (fastText's rounding) count as 1, missing ones as none.

    >>> temper({"a": 0.8, "b": 0.2}, 1.0)
    {'a': 0.8, 'b': 0.2}
    """
    powers = {name: min(1.0, max(_FLOOR, p)) ** (1 / temperature) for name, p in row.items()}
    total = sum(powers.values())
    return {name: power / total for name, power in powers.items()}


def fit_temperature(held_out: Sequence[tuple[str, Mapping[str, float]]]) -> float:
    """The temperature on a fixed grid with the least negative log-likelihood of (true label, probabilities) pairs."""
    losses = {round(temperature, 2): _loss(held_out, temperature) for temperature in _TEMPERATURES}
    return min(losses, key=losses.__getitem__)


def _loss(held_out: Sequence[tuple[str, Mapping[str, float]]], temperature: float) -> float:
    return -sum(math.log(temper(row, temperature).get(label, _FLOOR)) for label, row in held_out) / len(held_out)


class DomainClassifier:
    """A trained classifier, loaded from the folder that `train` filled."""

    def __init__(self, model: Any, temperature: float) -> None:
        self._model, self._temperature = model, temperature

    @classmethod
    def load(cls, folder: Path) -> DomainClassifier:
        """Load domain.bin and domain.json. Raises InputError (one is missing), CorruptFileError (one is unreadable)."""
        import fasttext  # type: ignore[import-untyped]

        for name in ("domain.bin", "domain.json"):
            if not (folder / name).is_file():
                raise InputError(f"no classifier in {folder} ({name} is missing); run hakusho classifier train")
        fasttext.FastText.eprint = lambda *_: None  # a warning about a long-settled API, on every load
        try:
            card = json.loads((folder / "domain.json").read_text(encoding="utf-8"))
            return cls(fasttext.load_model(str(folder / "domain.bin")), float(card["temperature"]))
        except (ValueError, KeyError, TypeError, RuntimeError, MemoryError) as error:
            message = f"{folder}: the classifier cannot be read ({error}); run hakusho classifier train"
            raise CorruptFileError(message) from error

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The prediction for each text; all domains alike where it has too few words. Never raises on a text."""
        lines = [features(text) for text in texts]
        if not lines:
            return []
        # Only the list form of predict works with every build of fastText and numpy 2.
        names, scores = self._model.predict(lines, k=len(DOMAINS))
        # fastText has an opinion on the shortest line, even on the empty one; we have none.
        return [
            self._prediction(row, found) if size(line) >= DOMAIN_WORDS else _UNKNOWN
            for line, row, found in zip(lines, names, scores, strict=True)
        ]

    def _prediction(self, names: Sequence[str], scores: Sequence[float]) -> Prediction:
        row = {name.removeprefix(PREFIX): float(p) for name, p in zip(names, scores, strict=True)}
        tempered = temper({domain: row.get(domain, 0.0) for domain in DOMAINS}, self._temperature)
        probabilities = {domain: tempered[domain] for domain in DOMAINS}
        return Prediction(max(DOMAINS, key=probabilities.__getitem__), probabilities)
