"""A run's metrics for TensorBoard, beside metrics.jsonl, which stays the truth.

The event files carry clock times and are no result: they lie in models/<run>/tensorboard for the eye, are appended to
while the run goes and may be deleted. A run that goes on from a checkpoint says from which step on it tells anew, so
that TensorBoard shows each step once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Board"]


class Board:
    """Writes each line of metrics as scalars under the line's names; the file is made with the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def tell(self, line: Mapping[str, float]) -> None:
        """Add the metrics of a step."""
        step = int(line["step"])
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder), purge_step=step)
        for name, value in line.items():
            if name != "step":
                self._writer.add_scalar(name, value, step)
