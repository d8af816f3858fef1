"""What `./run` does: harvest the embedded miniature of the five sources and take it the whole way to a trained adapter.

    ./run [--data DIR] [--workers N]

Everything it calls is what a user calls afterwards on the real sites: the same spiders, the same commands. Each step
is done once; run again at once and it says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.base.errors import HakushoError, HarvestError, InputError, TrainingError
from corpus.base.workspace import SOURCES, Workspace
from hakusho import stages

if TYPE_CHECKING:
    from corpus.base.manifest import Manifest
    from corpus.base.stages import StageReport
    from hakusho.miniature.server import Miniature

__all__ = ["build", "harvest", "main", "train"]

_STAGE = "miniature"  # units of this stage say which sources were harvested from which miniature
_STEPS = 30  # optimiser steps of the fine-tuning


def harvest(workspace: Workspace) -> str:
    """Harvest from the miniature on loopback the sources that are not up to date; one line on what was done.

    Raises InputError where the workspace holds another harvest, HarvestError where a spider fails.
    """
    from corpus.base.manifest import Manifest
    from hakusho.miniature.server import Miniature, fingerprint

    with Manifest(workspace) as manifest:
        _only_ours(workspace, manifest)
        keys = {source: _key(source, fingerprint()) for source in SOURCES}
        stale = [source for source in SOURCES if not _fresh(manifest, source, keys[source])]
        if stale:
            with Miniature() as miniature:
                for source in stale:
                    _harvest_one(workspace, manifest, miniature, source, keys[source])
    return f"harvest: {f'{len(stale)} of {len(SOURCES)} sources harvested' if stale else 'up to date'}"


def _key(source: str, fingerprint: str) -> str:
    from corpus.base.units import code_version, unit_key

    return unit_key(_STAGE, code_version(f"crawlers.spiders.{source}"), {"miniature": fingerprint}, [])


def _fresh(manifest: Manifest, source: str, key: str) -> bool:
    unit = manifest.unit(_STAGE, source)
    return unit is not None and unit.key == key and all(manifest.intact(path) for path in unit.outputs)


def _only_ours(workspace: Workspace, manifest: Manifest) -> None:
    """Mixing made-up documents into a real harvest would falsify it."""
    foreign = [s for s in SOURCES if manifest.unit(_STAGE, s) is None and any(workspace.documents(s).glob("*.parquet"))]
    started = workspace.path(".miniature")
    if foreign and not started.exists():
        raise InputError(
            f"{workspace.root} holds a harvest of {', '.join(foreign)} that is not the miniature's; "
            "choose another folder: ./run --data DIR"
        )
    started.touch()


def _harvest_one(workspace: Workspace, manifest: Manifest, miniature: Miniature, source: str, key: str) -> None:
    """One `scrapy crawl`, as a user would call it but for -a base_url."""
    from corpus.base.manifest import Unit

    for folder in (workspace.documents(source), workspace.fetches(source)):
        shutil.rmtree(folder, ignore_errors=True)
    for path in workspace.path("ledger", "extract").glob(f"{source}-*.parquet"):
        path.unlink()
    words = [sys.executable, "-m", "scrapy", "crawl", source, "-a", f"base_url={miniature.base_url(source)}"]
    words += ["-s", f"HAKUSHO_DATA={workspace.root}", "-s", "DOWNLOAD_DELAY=0"]
    answer = subprocess.run(words, env=_environment(), check=False)
    if answer.returncode:
        raise HarvestError(
            f"scrapy crawl {source} failed on the miniature (exit {answer.returncode}); see the lines above"
        )
    files = [
        *workspace.documents(source).glob("*.parquet"),
        *workspace.path("ledger", "extract").glob(f"{source}-*.parquet"),
    ]
    outputs = tuple(sorted(workspace.relative(path) for path in files))
    manifest.finish(Unit(_STAGE, source, key, outputs, 0, 0, {}), [])


def _environment() -> dict[str, str]:
    """The spiders are found wherever `./run` was started from."""
    return os.environ | {"SCRAPY_SETTINGS_MODULE": "crawlers.settings"}


def train(workspace: Workspace) -> str:
    """Fine-tune the tiny base on the law text of the dataset, as a user would call it. Raises TrainingError."""
    words = [sys.executable, "-m", "train.qlora", "--data", str(workspace.root), "--steps", str(_STEPS)]
    answer = subprocess.run(words, env=_environment(), check=False)
    if answer.returncode:
        raise TrainingError(f"python -m train.qlora failed (exit {answer.returncode}); see the lines above")
    return ""


def _timed(title: str, work: Callable[[], str]) -> None:
    began = time.monotonic()
    click.secho(f"== {title}", bold=True)
    line = work()
    click.echo(f"{line + '  ' if line else ''}({time.monotonic() - began:.1f} s)")


def build(workspace: Workspace, *, workers: int) -> None:
    """Curate, label, dataset and report, each with its lines on stdout."""
    _timed("curate", lambda: _lines(stages.curate(workspace, workers=workers)))
    _timed("label", lambda: _lines(stages.label(workspace, workers=workers)))
    _timed("dataset", lambda: _dataset(workspace))
    _timed("report", lambda: _report(workspace, workers))


def _lines(reports: Sequence[StageReport]) -> str:
    return "\n".join(report.line() for report in reports)


def _dataset(workspace: Workspace) -> str:
    from corpus.dataset.build import build

    return build(workspace).line()


def _report(workspace: Workspace, workers: int) -> str:
    from hakusho.report.run import collect, write
    from hakusho.report.text import table

    page = collect(workspace, threads=workers)
    changed = write(workspace, page)
    funnel = next(report for report in page.reports if report.name == "funnel")
    drops = funnel.columns.index("dropped")  # one long cell: its own line under the table is easier to read
    lines = [table(funnel.columns[:drops], [row[:drops] for row in funnel.rows]), "dropped by reason:"]
    lines += [f"  {row[0]}: {row[drops] or 'none'}" for row in funnel.rows]
    lines += [f"{check.state}: {check.title}, {check.offending} row(s)" for check in page.checks if check.offending]
    passed = sum(not check.offending for check in page.checks)
    state = "written" if changed else "up to date"
    return "\n".join([*lines, f"{passed} of {len(page.checks)} checks pass; report {state}"])


def _where(workspace: Workspace) -> str:
    data = workspace.root
    return "\n".join(
        [
            f"documents   {data}/documents/<source>/*.parquet, their history in {data}/fetches",
            f'dataset     {data}/dataset            datasets.load_dataset("{data}/dataset")',
            f"report      {data}/reports/report.html   open it in a browser",
            f"model       {data}/models/               adapter, gates, metadata.json, sample.txt",
            "",
            "Next, with .venv/bin on the PATH:",
            f'  hakusho sql --data {data} "SELECT source, verdict, count(*) FROM labels GROUP BY ALL"',
            f"  hakusho why --data {data} ID            everything about one document",
            "  export HAKUSHO_CONTACT=mailto:you@example.org    then the real sites, into ./data:",
            "  scrapy crawl pmda -a limit=40 && hakusho curate && hakusho label && hakusho report",
        ]
    )


@click.command()
@click.option("--data", default="data/miniature", show_default=True, metavar="DIR", help="Workspace for the miniature.")
@click.option(
    "--workers", default=lambda: os.cpu_count() or 1, type=click.IntRange(min=1), metavar="N", help="Worker processes."
)
def _command(data: str, workers: int) -> None:
    """Take the embedded miniature of the five sources the whole way, from robots.txt to a fine-tuned adapter.

    Example: ./run --data data/miniature --workers 2
    """
    workspace = Workspace(Path(data))
    began = time.monotonic()
    _timed("harvest the miniature (five spiders, a server on loopback)", lambda: harvest(workspace))
    build(workspace, workers=workers)
    _timed(f"train ({_STEPS} steps of QLoRA with SO(8) gates on a tiny model)", lambda: train(workspace))
    click.secho(f"== done in {time.monotonic() - began:.0f} s; where everything is", bold=True)
    click.echo(_where(workspace))


def main() -> None:
    """Run the command; an error of ours is one line and its exit status."""
    try:
        _command.main(prog_name="./run", standalone_mode=False)
    except HakushoError as error:
        click.echo(f"run: {error}", err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        click.echo(f"run: {error.format_message()}; see ./run --help", err=True)
        sys.exit(2)
    except click.exceptions.Abort:
        click.echo("run: stopped; start ./run again to go on", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
