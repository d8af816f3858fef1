"""`hakusho extract`: local files to text with sections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hakusho.commands._shared import ExampleCommand, emit, json_option


@click.command(cls=ExampleCommand, example="hakusho extract laws/ report.pdf --out texts.jsonl")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR…", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Parquet or JSONL to write the rows to.")
@json_option
def command(paths: tuple[Path, ...], out: Path | None, *, as_json: bool) -> None:
    """Read files of any known format: law XML, package inserts, HTML, PDF, Wikipedia dumps, plain text.

    Writes a row a document: id, file, text, title, lang, outcome, reason, sections and more. Prints how many came out
    with which outcome; without --out that is all. Exit status 1 where no text came out of anything.
    """
    from collections import Counter

    from corpus.base.errors import EmptyInputError, UsageError
    from corpus.base.progress import Progress
    from corpus.base.shards import write_output
    from corpus.extract.files import find_files, rows_of, to_table
    from corpus.extract.sandbox import Sandbox

    if out is not None and out.suffix not in (".parquet", ".jsonl", ".ndjson"):
        raise UsageError(f"{out}: unknown kind of file {out.suffix!r}; name it .parquet or .jsonl")
    rows: list[dict[str, Any]] = []
    files = find_files(paths)
    with Sandbox() as sandbox, Progress("extract", total=len(files), unit="files", quiet=as_json) as progress:
        for name, path in files:
            rows.extend(rows_of(name, path, sandbox))
            progress.advance(note=name)
    outcomes = Counter(str(row["outcome"]) for row in rows)
    if out is not None:
        write_output(out, to_table(rows))
    result = {
        "files": len(files),
        "documents": len(rows),
        "outcomes": dict(sorted(outcomes.items())),
        "characters": sum(len(row["text"]) for row in rows),
        "out": str(out) if out else None,
    }
    emit(result, _human(rows, len(files), outcomes, out), as_json=as_json)
    if not outcomes["ok"]:
        why = next((f"{row['file']}: {row['outcome']}: {row['reason']}" for row in rows), "the files hold no documents")
        raise EmptyInputError(f"nothing could be extracted; {why}")


def _human(rows: list[dict[str, Any]], files: int, outcomes: dict[str, int], out: Path | None) -> str:
    lines = [
        f"{row['file']}: {row['outcome']}: {row['reason']}" for row in rows if row["outcome"] not in ("ok", "redirect")
    ]
    told = lines[:20] + ([f"… and {len(lines) - 20} more without text"] if len(lines) > 20 else [])
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    where = f"; see {out}" if out else "; --out FILE keeps the texts"
    return "\n".join([*told, f"{files} files, {len(rows)} documents: {counts}{where}"])
