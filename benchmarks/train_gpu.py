"""Steps on a GPU at Phi-3.5-mini's true shape, with random weights: time, memory, and what torch.compile adds.

    python -m benchmarks.train_gpu --budget 500 --out train_gpu.json
    python -m benchmarks.train_gpu --device cpu --shape tiny        # to try it out

Needs torch, transformers, peft, numpy, pyarrow and safetensors; bitsandbytes for the rows over NF4. The result is
written after every measurement, so that one which is cut short loses nothing, and none is begun when the budget of
seconds is spent. What fails, as torch.compile may, is kept as such. Peak memory is what all tensors of a variant, and
of the base below it, take at once; other variants that wait for their turn are not counted.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before CUDA starts: deterministic checks need it

import torch
from torch._dynamo.utils import counters

from benchmarks.common import keep, versions
from benchmarks.train_checks import CHECKS, check
from benchmarks.train_step import (
    PHI,
    SMALL,
    TINY,
    VARIANTS,
    Shape,
    Step,
    forget,
    in_turns,
    make_base,
    make_variant,
    quantized,
    summary,
)
from train.gates import so8

_SHAPES = {"phi": PHI, "small": SMALL, "tiny": TINY}


@dataclass(frozen=True)
class Setting:
    """What three variants are compared in."""

    precision: str
    compiled: bool
    checkpointing: bool

    def name(self) -> str:
        """For the result and the eye."""
        extras = [name for name, on in (("compiled", self.compiled), ("checkpointing", self.checkpointing)) if on]
        return ", ".join((self.precision, *extras))


_SETTINGS = [  # what is wanted most comes first: a budget may end anywhere
    Setting("bf16", False, False),
    Setting("nf4", False, False),
    Setting("nf4", False, True),
    Setting("bf16", True, False),
    Setting("nf4", True, False),
    Setting("bf16", False, True),
    Setting("nf4", True, True),
    Setting("bf16", True, True),
]


class Run:
    """A benchmark under way: its result, where that goes, and how long there is."""

    def __init__(self, device: str, shape: Shape, budget: float, repeats: int, out: Path) -> None:
        self.device, self.shape, self.repeats, self.out = device, shape, repeats, out
        self.started, self.budget = time.monotonic(), budget
        self.result: dict[str, Any] = {
            "device": _device(device),
            "versions": versions(("torch", "transformers", "peft", "bitsandbytes", "triton")),
            "shape": asdict(shape),
            "repeats": repeats,
            "checks": {},
            "settings": {},
            "not_begun": [],
        }
        self.bases: dict[str, Any] = {}
        self.base_bytes: dict[str, int] = {}

    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def tell(self, text: str) -> None:
        """A line for the eye; and the result so far, on disk."""
        sys.stderr.write(f"{self.spent():7.1f} s  {text}\n")
        keep(self.out.stem, self.result | {"seconds": round(self.spent(), 1)}, self.out.parent)

    def check_all(self) -> None:
        """Every check of benchmarks.train_checks."""
        for name in CHECKS:
            self.result["checks"][name] = check(name, self.device)
            self.tell(f"{name}: {self.result['checks'][name]}")
            forget()

    def parts(self) -> None:
        """Milliseconds, forward and backward, of what a gate is made of, for every gate of the shape."""
        blocks = self.shape.hidden // so8.BLOCK
        every = 2 * self.shape.layers * blocks
        theta = (torch.randn(every, so8.COORDINATES, device=self.device) * 0.05).requires_grad_()
        size = (self.shape.batch * self.shape.tokens, self.shape.hidden)
        features = torch.randn(size, dtype=torch.bfloat16, device=self.device).requires_grad_()
        one = so8.rotation(theta[:blocks]).detach().requires_grad_()
        tried: dict[str, Callable[[], torch.Tensor]] = {
            "all rotations": lambda: so8.rotation(theta),
            "all rotations, Cayley": lambda: so8.rotation(theta, method="cayley"),
            "all rotations, torch's matrix_exp": lambda: torch.linalg.matrix_exp(so8.generator(theta)),
            "one turn": lambda: so8.turn(one, features),
            "one turn, 8 blocks at once": lambda: _wide_turn(one, features),
        }
        steps = {name: functools.partial(_there_and_back, make) for name, make in tried.items()}
        for step in steps.values():
            step()
        seconds = in_turns(steps, self.repeats, 5, wait=self._wait)
        self.result["parts_ms"] = {name: round(1000 * statistics.median(v), 4) for name, v in seconds.items()}
        self.tell(f"parts: {self.result['parts_ms']}")

    def measure_all(self, only: Sequence[str] = ()) -> None:
        """Every setting, or those alone, as far as the budget goes."""
        for setting in [one for one in _SETTINGS if not only or one.name() in only]:
            if self.spent() > self.budget:
                self.result["not_begun"].append(setting.name())
                continue
            try:
                self._measure(setting)
            except Exception as error:  # noqa: BLE001  kept as the setting's result
                self.result["settings"][setting.name()] = {"failed": _short(error)}
            forget()
            self.tell(f"{setting.name()}: done")

    def _base(self, precision: str) -> Any:
        if "bf16" not in self.bases:
            self.bases["bf16"], self.base_bytes["bf16"] = self._weighed(lambda: make_base(self.shape, self.device))
        if precision not in self.bases:
            base, extra = self._weighed(lambda: quantized(self.bases["bf16"]))
            self.bases[precision] = base
            shared = sum(p.nbytes for n, p in base.named_parameters() if "embed_tokens" in n or "lm_head" in n)
            self.base_bytes[precision] = extra + shared
        return self.bases[precision]

    def _weighed(self, make: Callable[[], Any]) -> tuple[Any, int]:
        before = self._allocated()
        made = make()
        return made, self._allocated() - before

    def _measure(self, setting: Setting) -> None:
        """Warm the variants up one by one, weigh them, then time them in turns."""
        base = self._base(setting.precision)
        rows: dict[str, dict[str, Any]] = {}
        self.result["settings"][setting.name()] = rows
        steps: dict[str, Step] = {}
        for name in VARIANTS:
            if self.spent() > self.budget:
                rows[name] = {"failed": "not begun: the budget was spent"}
                continue
            try:
                steps[name], rows[name] = self._prepared(base, name, setting)
            except Exception as error:  # noqa: BLE001  torch.compile fails where it likes; the others go on
                rows[name] = {"failed": _short(error)}
                forget()
            self.tell(f"{setting.name()}, {name}: {rows[name]}")
        each = 3 if self.device == "cuda" else 1
        seconds = in_turns(steps, self.repeats, each, wait=self._wait)
        for name, told in summary(seconds, self.shape.tokens * self.shape.batch).items():
            rows[name] |= told
            if name != VARIANTS[0] and "peak_bytes" in rows.get(VARIANTS[0], {}):
                rows[name]["memory_ratio"] = round(rows[name]["peak_bytes"] / rows[VARIANTS[0]]["peak_bytes"], 4)

    def _prepared(self, base: Any, name: str, setting: Setting) -> tuple[Step, dict[str, Any]]:
        """A variant after three steps, and what they told: seconds of the first, bytes at the peak of the last."""
        before, graphs = self._allocated(), counters["stats"]["unique_graphs"]
        model = make_variant(base, name, checkpointing=setting.checkpointing, compiled=setting.compiled)
        step = Step(model, self.shape)
        start = time.perf_counter()
        losses = [step()]
        self._wait()
        first = time.perf_counter() - start
        losses.append(step())
        self._wait()
        resting = self._allocated()
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        losses.append(step())
        self._wait()
        row: dict[str, Any] = {
            "trainable": step.trainable(),
            "first_step_seconds": round(first, 2),
            "compiled_graphs": counters["stats"]["unique_graphs"] - graphs,
            "losses": [round(loss, 4) for loss in losses],
        }
        if self.device == "cuda":
            moving = torch.cuda.max_memory_allocated() - resting
            row["peak_bytes"] = self.base_bytes[setting.precision] + (resting - before) + moving
        return step, row

    def _allocated(self) -> int:
        return torch.cuda.memory_allocated() if self.device == "cuda" else 0

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def _device(device: str) -> dict[str, Any]:
    if device != "cuda":
        return {"name": device}
    of = torch.cuda.get_device_properties(0)
    return {"name": of.name, "memory_bytes": of.total_memory, "processors": of.multi_processor_count}


def _there_and_back(make: Callable[[], torch.Tensor]) -> None:
    made = make()
    made.backward(torch.ones_like(made))


def _wide_turn(rotations: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """`so8.turn` by larger matrices: 8 blocks side by side on one diagonal."""
    count = len(rotations) // 8
    wide = features.new_zeros(count, 8, 8, 8, 8)
    place = torch.arange(8, device=features.device)
    wide[:, place, :, place, :] = rotations.to(features.dtype).view(count, 8, 8, 8).transpose(0, 1)
    parts = features.view(len(features), count, 64).transpose(0, 1)
    return torch.bmm(parts, wide.view(count, 64, 64).mT).transpose(0, 1).flatten(1)


def _short(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]} ({Path(where.filename).name}:{where.lineno})"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--shape", choices=sorted(_SHAPES), default="phi")
    parser.add_argument("--budget", type=float, default=3600, help="begin no measurement after so many seconds")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "train_gpu.json")
    parser.add_argument("--only", action="append", default=[], choices=[setting.name() for setting in _SETTINGS])
    parser.add_argument("--no-checks", action="store_true")
    given = parser.parse_args()
    run = Run(given.device, _SHAPES[given.shape], given.budget, given.repeats, given.out)
    if not given.no_checks:
        run.check_all()
        run.parts()
    run.measure_all(given.only)
    run.tell(f"kept in {given.out}")


if __name__ == "__main__":
    main()
