"""What `./run` does: harvest the embedded miniature of the five sources and take it the whole way to a trained adapter.

    ./run [--data DIR] [--workers N]

Everything it calls is what a user calls afterwards on the real sites: the same spiders, the same commands. Each step
is done once; run again at once and it says so.
"""

from __future__ import annotations

import fcntl
import os
import pkgutil
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.base.errors import HakushoError, HarvestError, InputError, TrainingError
from corpus.base.workspace import SOURCES, Workspace
from hakusho import stages

if TYPE_CHECKING:
    from corpus.base.manifest import Manifest
    from corpus.base.stages import StageReport

__all__ = ["build", "harvest", "main", "parts", "train"]

_STAGE = "miniature"  # units of this stage say which sources were harvested from which miniature
_STEPS = 30  # optimiser steps of the fine-tuning


def harvest(workspace: Workspace) -> str:
    """Harvest from the miniature on loopback the sources that are not up to date; one line on what was done.

    Raises InputError where the workspace holds another harvest, HarvestError where a spider fails.
    """
    from corpus.base.manifest import Manifest
    from hakusho.miniature.server import Miniature, fingerprint

    with Manifest(workspace) as manifest, _alone(workspace, manifest) as lock:
        keys = {source: _key(source, fingerprint()) for source in SOURCES}
        stale = [source for source in SOURCES if not _fresh(manifest, source, keys[source])]
        if stale:
            with Miniature() as miniature:
                for source in stale:
                    _forget_outdated(workspace, manifest, source, keys[source])
                    _crawl(workspace, source, miniature.base_url(source), lock)
                    _record(workspace, manifest, source, keys[source])
    return f"harvest: {f'{len(stale)} of {len(SOURCES)} sources harvested' if stale else 'up to date'}"


def _key(source: str, fingerprint: str) -> str:
    """What a harvest depends on: the miniature, and the code of everything that takes part."""
    from corpus.base.units import code_version, unit_key

    return unit_key(_STAGE, "", {"miniature": fingerprint, "code": [code_version(name) for name in parts(source)]}, [])


def parts(source: str) -> list[str]:
    """The modules that make a crawl of a source; Scrapy's settings name most of them only by a string."""
    import crawlers

    modules = pkgutil.walk_packages(crawlers.__path__, "crawlers.")
    others = ("crawlers.spiders.", "crawlers.commands.")  # each source has its own; other commands crawl nothing
    shared = [module.name for module in modules if not module.ispkg and not module.name.startswith(others)]
    return [f"crawlers.spiders.{source}", "crawlers.commands.crawl", *shared]


def _fresh(manifest: Manifest, source: str, key: str) -> bool:
    unit = manifest.unit(_STAGE, source)
    return unit is not None and unit.key == key and all(manifest.intact(path) for path in unit.outputs)


@contextmanager
def _alone(workspace: Workspace, manifest: Manifest) -> Iterator[int]:
    """Hold the workspace's marker, so that no other `./run`, nor a spider that outlived one, works in it meanwhile.

    Raises InputError where the workspace holds documents that are not the miniature's: made-up ones would falsify them.
    """
    foreign = [s for s in SOURCES if manifest.unit(_STAGE, s) is None and any(workspace.documents(s).glob("*.parquet"))]
    marker = workspace.path(".miniature")
    if foreign and not marker.exists():
        raise InputError(
            f"{workspace.root} holds a harvest of {', '.join(foreign)} that is not the miniature's; "
            "choose another folder: ./run --data DIR"
        )
    with marker.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            click.echo(f"another run is at work in {workspace.root}; waiting for it to end", err=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _forget_outdated(workspace: Workspace, manifest: Manifest, source: str, key: str) -> None:
    """Remove documents that other code or another miniature made; history stays, damage is left to the crawl."""
    unit = manifest.unit(_STAGE, source)
    if unit is None or unit.key == key:
        return
    manifest.drop_unit(_STAGE, source)
    manifest.forget([path for path in unit.outputs if not path.startswith("fetches/")])
    shutil.rmtree(workspace.documents(source) / ".parts", ignore_errors=True)


def _crawl(workspace: Workspace, source: str, base_url: str, lock: int) -> None:
    """One `scrapy crawl`, as a user would call it but for -a base_url; it holds the lock as long as it lives."""
    words = [sys.executable, "-m", "scrapy", "crawl", source, "-a", f"base_url={base_url}"]
    words += ["-s", f"HAKUSHO_DATA={workspace.root}", "-s", "DOWNLOAD_DELAY=0"]
    answer = subprocess.run(words, env=_environment(), pass_fds=(lock,), check=False)
    if answer.returncode:
        raise HarvestError(
            f"scrapy crawl {source} failed on the miniature (exit {answer.returncode}); see the lines above"
        )


def _record(workspace: Workspace, manifest: Manifest, source: str, key: str) -> None:
    from corpus.base.manifest import Unit

    files = [
        *workspace.documents(source).glob("*.parquet"),
        *workspace.fetches(source).glob("*.parquet"),
        *workspace.path("ledger", "extract").glob(f"{source}-*.parquet"),
    ]
    outputs = tuple(sorted(workspace.relative(path) for path in files))
    manifest.finish(Unit(_STAGE, source, key, outputs, 0, 0, {}), [])


def _environment() -> dict[str, str]:
    """For our own commands in a process of their own: found from any folder, and never stopped by what they print."""
    encoding = sys.stdout.encoding or "utf-8"
    return os.environ | {
        "SCRAPY_SETTINGS_MODULE": "crawlers.settings",
        "PYTHONIOENCODING": f"{encoding}:backslashreplace",
    }


def train(workspace: Workspace) -> str:
    """Fine-tune the tiny base on the law text of the dataset, as a user would call it. Raises TrainingError."""
    words = [sys.executable, "-m", "train.qlora", "--data", str(workspace.root), "--steps", str(_STEPS)]
    words += ["--dtype", "float32"]  # many CPUs have no instructions for bfloat16 and take four times as long
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
    data, shell = workspace.root, shlex.quote(str(workspace.root))
    return "\n".join(
        [
            f"documents   {data}/documents/<source>/*.parquet, their history in {data}/fetches",
            f"dataset     {data}/dataset   datasets.load_dataset({str(data / 'dataset')!r})",
            f"report      {data}/reports/report.html   open it in a browser",
            f"model       {data}/models/   adapter, gates, metadata.json, sample.txt",
            "",
            "Next, with .venv/bin on the PATH:",
            f'  hakusho sql --data {shell} "SELECT source, verdict, count(*) FROM labels GROUP BY ALL"',
            f"  hakusho why --data {shell} ID   everything about one document",
            "  export HAKUSHO_CONTACT=mailto:you@example.org   then the real sites, into ./data:",
            "  hakusho harvest pmda --limit 40   in the project's folder also: scrapy crawl pmda -a limit=40",
            "  hakusho curate && hakusho label && hakusho dataset build && hakusho report",
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
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that knows no Japanese
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
