"""What the gates are worth: base, LoRA, LoRA with SO(8) gates, OFT and RoAd at equal tokens, with intervals.

    python -m train.ablate --data data/miniature --seeds 1,2,3

Every variant trains on the same blocks in the same order, as long, over one base. The held-out documents are cut in
two: by the first part each variant's learning rate is chosen from one grid (with the first seed, as many tries for
each), on the second part all are tested, as they were trained and as they would be exported (merged, rounded, plain).
One run is one unit of work: a killed ablation does only what was not done. What comes out, data/ablation/<name>/
ablation.json and table.md, is what was measured, whichever way it falls; only `cpu_seconds` depend on a clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.base.errors import EmptyInputError, TrainingError
from corpus.base.progress import Progress
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.workspace import Workspace
from train import tiny_base
from train.ablate import table
from train.ablate.config import Config
from train.command import command
from train.data import dataset
from train.models import bases
from train.packing import tokens
from train.packing.tokens import Blocks

if TYPE_CHECKING:
    from torch import nn

    from train.checkpoint.snapshot import Group
    from train.loop import fit

__all__ = ["Config", "ablate", "halves", "main", "report", "unit"]


@dataclass(frozen=True)
class _Run:
    """One run of the ablation: a variant, a seed, a learning rate (none for the base, which is only measured)."""

    variant: str
    seed: int
    rate: float | None

    @property
    def name(self) -> str:
        return f"{self.variant}-seed-{self.seed}" + ("" if self.rate is None else f"-rate-{self.rate:g}")


def ablate(config: Config) -> dict[str, Any]:
    """Do what is not done yet; the whole result, as ablation.json has it.

    Raises InputError, EmptyInputError, CorruptFileError, LicenceError, TrainingError or StorageError, one line each.
    """
    from train.models import loading

    workspace = Workspace(config.data)
    paths = dataset.shards(workspace, config.include)
    dataset.select(paths, config.domain)  # before a base is made or hashed: what cannot work is said at once
    if config.base == bases.TINY:
        tiny_base.ensure(workspace, tiny_base.Shape(threads=config.threads))
    settings = config.settings() | {"base_sha256": bases.fingerprint(bases.resolve(config.base, workspace))}
    of_tokens = {key: settings[key] for key in ("base", "base_sha256", "domain", "include")}
    inputs = tokens.files(tokens.ensure(workspace, paths, of_tokens))
    settings["device"] = loading.device(config.device)

    seeds, learning = config.seeds, [variant for variant in config.variants if variant != "base"]
    tries = [_Run(variant, seeds[0], rate) for variant in learning for rate in config.grid()]
    tuning = _measure(workspace, config, tries, inputs, settings)
    best: dict[str, float] = {variant: _best(tuning, variant) for variant in learning}
    runs = [_Run(v, seed, best.get(v)) for v in config.variants for seed in (seeds if v in best else seeds[:1])]
    _measure(workspace, config, runs, inputs, settings)
    files = tuple(_path(workspace, config, run) for run in (*tries, *runs))
    outline = {"variants": list(config.variants), "seeds": list(seeds), "rates": list(config.grid())}
    of_table = settings | outline | {"runs": [run.name for run in runs], "tries": [run.name for run in tries]}
    task = Task("ablation-table", config.name, "train.ablate.ablation:report", (*inputs[:1], *files), of_table)
    run_tasks(workspace, [task], prune=False)
    result: dict[str, Any] = json.loads(_folder(workspace, config).joinpath("ablation.json").read_text("utf-8"))
    return result


def _measure(
    workspace: Workspace, config: Config, runs: Sequence[_Run], inputs: tuple[Path, ...], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The results of some runs, those made that are not there yet; each is booked as soon as it is done."""
    tasks = [
        Task(
            "ablation",
            f"{config.name}-{run.name}",
            "train.ablate.ablation:unit",
            inputs,
            {**settings, "variant": run.variant, "seed": run.seed, "rate": run.rate, "file": _relative(config, run)},
        )
        for run in runs
    ]
    with Progress("ablation", unit="runs") as progress:
        run_tasks(workspace, tasks, prune=False, progress=progress)
    return [json.loads(_path(workspace, config, run).read_text("utf-8")) for run in runs]


def _best(tuning: Sequence[Mapping[str, Any]], variant: str) -> float:
    """The rate with the lowest validation loss."""
    rate: float = min((row for row in tuning if row["variant"] == variant), key=lambda r: r["validation_loss"])["rate"]
    return rate


def unit(job: Job) -> None:
    """Stage function: streams of tokens and a base -> the losses of one variant with one seed and rate."""
    from train.ablate import variants
    from train.checkpoint.snapshot import Group
    from train.loop import fit
    from train.models import loading

    config, run = _config(job)
    streams = tokens.open_streams(job.inputs[0].parent)
    blocks, (validation, test) = _blocks(streams, config)
    base = bases.resolve(config.base, job.workspace)
    with fit.reproducible(run.seed, config.threads):
        plain = loading.load_model(base, config.quantization, config.dtype, config.device)
        base_loss = fit.mean_loss(plain, test, config.batch)
        model = variants.attach(plain, run.variant, config)
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        seen, began = 0, time.process_time()
        if run.rate is not None:
            plan = fit.Plan(config.steps, config.batch, config.warmup, run.seed)
            what = f"{run.variant}, seed {run.seed}, rate {run.rate:g}"
            metrics = _fit(model, blocks, [Group("adapter", trained, run.rate)], plan, what)
            seen = int(metrics[-1]["tokens"])
        row = {
            "variant": run.variant,
            "seed": run.seed,
            "rate": run.rate,
            "cpu_seconds": time.process_time() - began,
            "tokens": seen,
            "trainable": sum(parameter.numel() for parameter in trained.values()),
            "base_test_loss": base_loss,
            "validation_loss": fit.mean_loss(model, validation, config.batch),
            "test_loss": fit.mean_loss(model, test, config.batch),
        }
        row["exported_test_loss"] = fit.mean_loss(_exported(model, config.export_dtype), test, config.batch)
    _commit_text(job, str(job.config["file"]), _json(row))


def _fit(
    model: nn.Module, blocks: Blocks, groups: Sequence[Group], plan: fit.Plan, what: str
) -> list[dict[str, float]]:
    """Train; a run whose loss stops being a number says what to do about it here."""
    from train.loop import fit

    try:
        return fit.fit(model, blocks, groups, plan, what)
    except TrainingError as error:
        if error.exit_code > 128:  # stopped by a signal
            raise
        raise TrainingError(f"{what}: no finite loss with this learning rate; leave it out of --rates") from error


def report(job: Job) -> None:
    """Stage function: index of the tokens, tries and runs -> ablation.json and table.md."""
    from train import libraries

    config: Any = job.config
    tries, runs = len(config["tries"]), job.inputs[1:]
    tuning, measured = ([json.loads(path.read_text("utf-8")) for path in p] for p in (runs[:tries], runs[tries:]))
    rows = [row | {"seed": seed} for row in measured for seed in _seeds(row, config["seeds"])]
    streams = tokens.open_streams(job.inputs[0].parent)
    shape, _ = _config(job)
    _, (validation, test) = _blocks(streams, shape)
    base = bases.resolve(config["base"], job.workspace)
    left_out = ("base", "base_sha256", "runs", "tries", "variants", "seeds", "rates")
    result = {
        "config": {key: value for key, value in config.items() if key not in left_out},
        "base": {"name": base.name, "sha256": config["base_sha256"]},
        "seeds": config["seeds"],
        "rates": config["rates"],
        "tokens": {
            "trained": max(row["tokens"] for row in rows),
            "validation": validation.tokens,
            "test": test.tokens,
        },
        "data": {key: streams.report[key] for key in ("documents", "held_out_documents", "held_out_from", "licences")},
        "rows": rows,
        "tuning": tuning,
        "summary": table.summary(rows, tuning),
        "versions": libraries.versions(),
    }
    _commit_text(job, f"ablation/{job.name}/ablation.json", _json(result))
    _commit_text(job, f"ablation/{job.name}/table.md", table.table(result))


def _seeds(row: Mapping[str, Any], seeds: Sequence[int]) -> Sequence[int]:
    """The base is measured once, and is the same with every seed."""
    return seeds if row["rate"] is None else [row["seed"]]


def halves(stream: NDArray[Any], end: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """A stream cut in two behind the document's end that is nearest to its middle, so that no document is in both.

    Raises EmptyInputError where it holds a single document.
    """
    ends = np.flatnonzero(stream == end)[:-1] + 1
    if not len(ends):
        raise EmptyInputError(
            "one held-out document is not enough to choose a learning rate by one part and to test on another; "
            "harvest more, or choose another --domain"
        )
    cut = int(ends[np.abs(ends - len(stream) / 2).argmin()])
    return stream[:cut], stream[cut:]


def _blocks(streams: tokens.Streams, config: Config) -> tuple[Blocks, tuple[Blocks, Blocks]]:
    """To train on; to choose a rate by and to test on."""
    parts = [Blocks(part, config.block, streams.end) for part in halves(streams.held_out, streams.end)]
    validation, test = (part.at_most(config.held_out_blocks) for part in parts)
    return Blocks(streams.train, config.block, streams.end), (validation, test)


def _exported(model: nn.Module, dtype: str) -> nn.Module:
    """The model as train.export makes it: merged in float32, its numbers rounded to `dtype`; computed in float32."""
    import torch

    from train.gates import merge

    merge.dequantize(model.eval())
    merge.merge(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(getattr(torch, dtype)))
    return model


def _config(job: Job) -> tuple[Config, _Run]:
    """The configuration and the run that a task carries as plain JSON; of the table's task there is no run."""
    known = Config.__dataclass_fields__
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in job.config.items() if k in known}
    made: Any = job.config
    run = _Run(made.get("variant", ""), made.get("seed", 0), made.get("rate"))
    return Config(data=job.root, **values), run  # type: ignore[arg-type]


def _folder(workspace: Workspace, config: Config) -> Path:
    return workspace.path("ablation", config.name)


def _relative(config: Config, run: _Run) -> str:
    return f"ablation/{config.name}/runs/{run.name}.json"


def _path(workspace: Workspace, config: Config, run: _Run) -> Path:
    return workspace.path(_relative(config, run))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _commit_text(job: Job, relative: str, text: str) -> None:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    job.commit(relative, write)


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return command(
        Config,
        argv,
        lambda config: _answer(config, ablate(config)),
        section="ablate",
        description="Compare LoRA, SO(8) gates, OFT and RoAd on a workspace's dataset at equal tokens, with intervals.",
        example="python -m train.ablate --data data/miniature --seeds 1,2,3",
    )


def _answer(config: Config, result: Mapping[str, Any]) -> str:
    """The table for a person, or with --json the whole result for a machine."""
    folder = _folder(Workspace(config.data), config)
    if config.json:
        return json.dumps({"folder": str(folder), **result}) + "\n"
    return f"{table.table(result)}\nin {folder}: ablation.json, table.md\n"
