"""The child process that trains fastText: `python -m labeling.fit JOB.json MODEL.bin HELD_OUT.json`.

JOB.json: {"lines": [[label, text], ...], "folds": K, "parameters": {...}}. The final model is trained first, in a fresh
process, with one thread and a fixed seed: the only way that gives the same bytes again (several threads race, and
some builds of fastText start from uninitialised memory). Then one model a fold predicts the lines it did not see, for
the calibration: HELD_OUT.json is [[label, {label: probability}], ...] in the order of the lines.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["PREFIX", "main"]

PREFIX = "__label__"


def main(arguments: Sequence[str]) -> None:
    """Train as the module says; raises what fastText raises (the parent turns it into a TrainingError)."""
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    lines: list[tuple[str, str]] = [(label, text) for label, text in job["lines"]]
    _train(lines, job["parameters"]).save_model(arguments[1])
    held_out: list[Any] = [None] * len(lines)
    for fold in range(job["folds"]):
        model = _train([line for i, line in enumerate(lines) if i % job["folds"] != fold], job["parameters"])
        for i in range(fold, len(lines), job["folds"]):
            names, scores = model.predict([lines[i][1]], k=-1)
            row = {name.removeprefix(PREFIX): float(p) for name, p in zip(names[0], scores[0], strict=True)}
            held_out[i] = [lines[i][0], row]
    Path(arguments[2]).write_text(json.dumps(held_out), encoding="utf-8")


def _train(lines: Sequence[tuple[str, str]], parameters: dict[str, Any]) -> Any:
    import fasttext  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        path.write_text("".join(f"{PREFIX}{label} {text}\n" for label, text in lines), encoding="utf-8")
        return fasttext.train_supervised(str(path), thread=1, seed=1, verbose=0, **parameters)


if __name__ == "__main__":
    main(sys.argv[1:])
