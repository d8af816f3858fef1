"""How good heads are on texts that nobody trained on, and the temperatures that make their probabilities honest.

A temperature divides the logits of a head; it is the one with the least negative log-likelihood on half of the held-out
texts, found by L-BFGS (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). Every figure is of the other
half, before and after, so that no temperature is praised on what it was fitted to. The expected calibration error takes
bins of equal mass (Nixon et al., "Measuring Calibration in Deep Learning", CVPR Workshops 2019): bins of equal width
leave most of them empty where a head is sure. Intervals are percentiles of 1000 bootstrap resamples of the texts, less
their bias: a text drawn twice makes a bin look more extreme, so resampled errors are too large on the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labeling.taxonomy import DOMAINS, VERDICTS
from train.heads.losses import IGNORED, negative_log_likelihood

__all__ = ["CLASSES", "brier", "calibration_error", "fit_temperature", "interval", "macro_f1", "report"]

CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "safety": tuple(map(str, VERDICTS)),
    "domain": tuple(map(str, DOMAINS)),
    "plausibility": ("corrupted", "grounded"),
    "confidence": ("wrong", "right"),
}
_BINS = 10
_RESAMPLES = 1000
_LIMITS = (0.05, 20.0)  # of a temperature: on a handful of texts that are all told right the best one is 0

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature for logits (n, classes), or (n) of a yes, and labels (n); 1 where there are none.

    Between 0.05 and 20: where a head is right on all texts, or worse than chance, the optimum lies beyond.
    """
    if not len(labels):
        return 1.0
    exact = logits.detach().double()
    logarithm = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logarithm], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = negative_log_likelihood(exact / logarithm.exp(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    low, high = map(math.log, _LIMITS)
    found = float(logarithm.detach())
    return 1.0 if math.isnan(found) else math.exp(min(high, max(low, found)))


def calibration_error(confidences: Floats, right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence and accuracy over at most ten bins of equal mass, weighted by their rows."""
    order = np.argsort(confidences, kind="stable")
    bins = np.array_split(order, min(_BINS, len(order)))
    return float(sum(abs(confidences[b].sum() - right[b].sum()) for b in bins) / len(order))


def brier(probabilities: Floats, labels: Ids) -> float:
    """Mean over texts of the squared distance to the true class: (n, classes) probabilities, (n) ids; 0 to 2."""
    wanted = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - wanted).sum(1).mean())


def macro_f1(predicted: Ids, labels: Ids) -> float:
    """Mean F1 over the classes that the labels hold."""
    scores = []
    for label in np.unique(labels):
        hits = np.sum((predicted == label) & (labels == label))
        scores.append(2 * hits / (np.sum(predicted == label) + np.sum(labels == label)))
    return float(np.mean(scores))


def interval(figure: Callable[[Ids], float], n: int) -> list[float]:
    """The 95 % interval of a figure, 0 to 1, of n rows, a function of the rows that count; the same every time."""
    rng = np.random.default_rng(1)
    values = np.array([figure(rng.integers(0, n, n)) for _ in range(_RESAMPLES)])
    unbiased = values - (values.mean() - figure(np.arange(n)))
    return [round(float(value), 4) for value in np.percentile(unbiased, [2.5, 97.5]).clip(0, 1)]


def report(
    logits: Mapping[str, Tensor], labels: Mapping[str, Tensor], fitting: Tensor
) -> tuple[dict[str, float], dict[str, Any]]:
    """Temperatures, and the figures of each head that has labels outside `fitting`, (n) bool.

    logits: by head, (n, classes) or (n). labels: by head, (n), IGNORED where missing. Macro-F1 with its interval, and
    recall with n of each class that the labels hold; calibration error and Brier score before and after.
    """
    temperatures, figures = {}, {}
    for name, classes in CLASSES.items():
        known = labels[name] != IGNORED
        fit, rest = known & fitting, known & ~fitting
        temperatures[name] = fit_temperature(logits[name][fit], labels[name][fit])
        if bool(rest.any()):
            told = _figures(logits[name][rest], labels[name][rest], temperatures[name], classes)
            figures[name] = {"fitted_on": int(fit.sum()), "temperature": temperatures[name], **told}
    return temperatures, figures


def _figures(logits: Tensor, labels: Tensor, temperature: float, classes: Sequence[str]) -> dict[str, Any]:
    gold = labels.numpy().astype(np.int64)
    before, after = (_probabilities(logits, t) for t in (1.0, temperature))
    said = before.argmax(1)
    right = said == gold
    found: dict[str, Any] = {
        "n": len(gold),
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(macro_f1(said, gold), 4),
        "macro_f1_interval": interval(lambda rows: macro_f1(said[rows], gold[rows]), len(gold)),
        "recall": {
            name: {"value": round(float(right[gold == place].mean()), 4), "n": int((gold == place).sum())}
            for place, name in enumerate(classes)
            if (gold == place).any()
        },
    }
    for when, probabilities in (("before", before), ("after", after)):
        sure = probabilities.max(1)
        found[f"ece_{when}"] = round(calibration_error(sure, right), 4)
        found[f"brier_{when}"] = round(brier(probabilities, gold), 4)
    sure = after.max(1)
    found["ece_after_interval"] = interval(lambda rows: calibration_error(sure[rows], right[rows]), len(gold))
    return found


def _probabilities(logits: Tensor, temperature: float) -> Floats:
    exact = logits.detach().double() / temperature
    both = torch.stack([torch.zeros_like(exact), exact], dim=1) if exact.ndim == 1 else exact
    found: Floats = both.softmax(1).numpy()
    return found
