"""`hakusho dedup`: exact and near duplicates, of the workspace or of any Parquet or JSONL file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hakusho.commands._shared import ExampleCommand, emit, workspace_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.base.workspace import Workspace

_EXAMPLE = "hakusho dedup corpus.parquet more.jsonl --out deduped --threshold 0.8"


@click.command(cls=ExampleCommand, example=_EXAMPLE)
@click.argument("inputs", nargs=-1, metavar="[IN]...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder for the tables.")
@click.option("--threshold", type=float, metavar="X", help="Exact Jaccard that makes a copy (default: 0.7).")
@click.option("--bands", type=int, metavar="N", help="Bands of the signature (default: 16).")
@click.option("--rows", type=int, metavar="N", help="Slots in a band that must all agree (default: 8).")
@workspace_options
def command(
    inputs: tuple[Path, ...],
    out: Path | None,
    workspace: Workspace,
    workers: int,
    settings: tuple[str, ...],
    *,
    as_json: bool,
    **options: float | None,
) -> None:
    """Find exact and near duplicates; every near one is verified by its exact Jaccard.

    IN is Parquet or JSONL with the columns id and text (source and revision, where there, help to choose which copy
    stays). Writes duplicates.parquet (id, keeper, jaccard, cluster, rule: the documents to leave out) and
    clusters.parquet (id, cluster: every document) to --out. Without IN: the normalised documents of the workspace.
    """
    from corpus.base.errors import UsageError
    from hakusho.settings import check

    check(settings)
    words = [*settings, *(f"dedup.{key}={value}" for key, value in options.items() if value is not None)]
    if inputs and out is None:
        raise UsageError("dedup IN needs --out DIR, the folder for duplicates.parquet and clusters.parquet")
    if not inputs and out is not None:
        raise UsageError("--out goes with IN; the workspace's own tables always lie in its dedup folder")
    if inputs and out is not None:
        _of_files(inputs, out, words, as_json=as_json)
        return
    from hakusho.stages import dedup, summary

    reports = dedup(workspace, workers=workers, settings=words, quiet=as_json)
    emit(summary(reports), "\n".join(report.line() for report in reports), as_json=as_json)


def _of_files(inputs: tuple[Path, ...], out: Path, words: Sequence[str], *, as_json: bool) -> None:
    from collections import Counter

    from corpus.base.shards import read_input, write_shard
    from corpus.dedup.find import find, join_inputs, sign, texts_of
    from corpus.dedup.settings import DedupSettings
    from corpus.dedup.tables import values
    from hakusho.settings import section

    chosen = DedupSettings(**section("dedup", words))
    documents = join_inputs([read_input(path, ("source", "revision", "work")) for path in inputs])
    found = find(sign(documents, chosen), texts_of([documents]), chosen)
    rules: Counter[str] = Counter(values(found.duplicates, "rule"))
    for name, table in (("duplicates", found.duplicates), ("clusters", found.clusters)):
        write_shard(out / f"{name}.parquet", table)
    result: dict[str, Any] = {
        "documents": documents.num_rows,
        "clusters": len(set(values(found.clusters, "cluster"))),
        "exact_duplicates": rules["exact_duplicate"],
        "near_duplicates": rules["near_duplicate"],
        "kept": documents.num_rows - found.duplicates.num_rows,
        "out": str(out),
    }
    human = (
        f"{result['documents']} documents, {result['kept']} kept: {result['exact_duplicates']} exact and "
        f"{result['near_duplicates']} near duplicates, in {result['clusters']} clusters; "
        f"see {out}/duplicates.parquet and {out}/clusters.parquet"
    )
    emit(result, human, as_json=as_json)
