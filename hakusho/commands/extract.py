"""`hakusho extract`: local files, or the raw archive of a harvest, to text with sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from hakusho.commands._shared import ExampleCommand, emit, json_option, keep_inputs, workers_option

_ROWS, _CHARACTERS = 500, 4_000_000  # that are written at once: memory must not grow with the file read
_SHOWN = 20  # files without text that are named


@click.command(
    cls=ExampleCommand,
    example="hakusho extract laws/ report.pdf --out texts.jsonl\nhakusho extract egov mod --archive data --into again",
)
@click.argument("words", nargs=-1, metavar="FILE|DIR|WARC…|SOURCE…")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Parquet or JSONL to write the rows to.")
@click.option(
    "--archive", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DATA",
    help="Rebuild the documents of this workspace from its raw archive, without the network.",
)  # fmt: skip
@click.option(
    "--into", type=click.Path(path_type=Path), metavar="DIR",
    help="With --archive: the workspace to write to (default: the same; rows of newer readers replace older ones).",
)  # fmt: skip
@workers_option
@json_option
def command(
    words: tuple[str, ...], out: Path | None, archive: Path | None, into: Path | None, workers: int, *, as_json: bool
) -> None:
    """Read files of any known format: law XML, package inserts, HTML, PDF, Wikipedia dumps, zips, WARC, plain text.

    Writes a row a document: id, file, text, title, lang, outcome, reason, sections and more. Prints how many came out
    with which outcome; without --out that is all. Exit status 1 where no text came out of anything.

    With --archive, the documents of a harvest (of all its sources, or those named) are made anew out of data/raw;
    --workers is for files.
    """
    from corpus.base.errors import UsageError

    if archive is not None:
        if out is not None:
            raise UsageError("--out is for files; with --archive the documents go to --into DIR")
        _rebuild(archive, into, words, as_json=as_json)
    elif into is not None:
        raise UsageError("--into goes with --archive DATA; for files name the output with --out FILE")
    elif not words:
        raise UsageError("name files or folders to read, or a workspace with --archive DATA")
    else:
        _read_files([Path(word) for word in words], out, workers, as_json=as_json)


@dataclass
class _Told:
    """What is told of the rows, which themselves go to the file as they come."""

    outcomes: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    without: list[str] = field(default_factory=list)  # the first of them
    failed: int = 0
    first: str = "the files hold no documents"

    def note(self, row: dict[str, Any]) -> None:
        """Count a row."""
        line = f"{row['file']}: {row['outcome']}: {row['reason']}"
        self.first = self.first if self.outcomes else line
        self.outcomes[str(row["outcome"])] += 1
        self.characters += len(row["text"])
        if row["outcome"] not in ("ok", "redirect"):
            self.failed += 1
            self.without += [line] if len(self.without) < _SHOWN else []


def _read_files(paths: list[Path], out: Path | None, workers: int, *, as_json: bool) -> None:
    from corpus.base.errors import EmptyInputError, UsageError
    from corpus.base.progress import Progress
    from corpus.extract.files import find_files, read_files
    from corpus.extract.sandbox import Sandbox

    if out is not None and out.suffix not in (".parquet", ".jsonl", ".ndjson"):
        raise UsageError(f"{out}: unknown kind of file {out.suffix!r}; name it .parquet or .jsonl")
    told = _Told()
    files = find_files(paths)
    keep_inputs("--out", [out] if out else [], (path for _, path in files))
    places = {name: place for place, (name, _) in enumerate(files)}  # so many are done where the file's first row comes
    with Sandbox(workers) as sandbox, Progress("extract", total=len(files), unit="files", quiet=as_json) as progress:

        def rows() -> Iterator[dict[str, Any]]:
            for row in read_files(files, sandbox, workers):
                told.note(row)
                progress.advance(places[row["file"]] - progress.done, note=row["file"])
                yield row
            progress.advance(len(files) - progress.done)

        _write(rows(), out)
    result = {
        "files": len(files),
        "documents": told.outcomes.total(),
        "outcomes": dict(sorted(told.outcomes.items())),
        "characters": told.characters,
        "out": str(out) if out else None,
    }
    emit(result, _human(told, len(files), out), as_json=as_json)
    if not told.outcomes["ok"]:
        raise EmptyInputError(f"nothing could be extracted; {told.first}")


def _write(rows: Iterator[dict[str, Any]], out: Path | None) -> None:
    """The rows to their file as they come, so that a dump need not fit into memory."""
    from corpus.base.shards import stream_output
    from corpus.extract.files import EXTRACTED, to_table

    if out is None:
        for _ in rows:
            pass
    else:
        stream_output(out, EXTRACTED, map(to_table, _batches(rows)))


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows by the hundred, fewer where they are long."""
    batch: list[dict[str, Any]] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row["text"])
        if len(batch) == _ROWS or characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _human(told: _Told, files: int, out: Path | None) -> str:
    more = told.failed - len(told.without)
    lines = told.without + ([f"… and {more} more without text"] if more else [])
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(told.outcomes.items()))
    where = f"; see {out}" if out else "; --out FILE keeps the texts"
    return "\n".join([*lines, f"{files} files, {told.outcomes.total()} documents: {counts}{where}"])


def _rebuild(archive: Path, into: Path | None, sources: tuple[str, ...], *, as_json: bool) -> None:
    """Every source of the archive, or those named, one after the other."""
    from dataclasses import asdict
    from functools import partial

    from corpus.base.errors import EmptyInputError
    from corpus.base.progress import Progress
    from corpus.base.workspace import Workspace
    from crawlers.archive.replay import rebuild
    from crawlers.plan import spider_class

    workspace, target = Workspace(archive), Workspace(into or archive)
    there = sorted(path.name for path in workspace.path("raw").glob("*") if any(path.glob("*.warc.gz")))
    for source in sources:
        spider_class(source)
    if not there:
        raise EmptyInputError(f"{workspace.path('raw')}: no archive here (raw/SOURCE/*.warc.gz); harvest first")
    made = []
    for source in dict.fromkeys(sources or there):
        files = len(list(workspace.path("raw", source).glob("*.warc.gz")))
        with Progress(source, total=files, unit="files", quiet=as_json) as progress:
            made.append(rebuild(workspace, source, target, tell=partial(progress.advance, 1)))
    lines = [f"{one.source}: {one.documents} documents out of {one.answers} answers, {one.dropped} records dropped"
             for one in made]  # fmt: skip
    lines += [f"{one.source}: not read: {why}" for one in made for why in one.unread[:20]]
    lines.append(f"see {target.root / 'documents'}")
    emit({"into": str(target.root), "sources": [asdict(one) for one in made]}, "\n".join(lines), as_json=as_json)
