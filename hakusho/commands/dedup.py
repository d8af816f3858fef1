"""`hakusho dedup`: exact and near duplicates, of the workspace or of any Parquet or JSONL files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, emit, executor_option, workspace_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.base.executor import Executor
    from corpus.base.workspace import Workspace

_EXAMPLE = "hakusho dedup corpus.parquet more.jsonl.gz --out deduped --threshold 0.8 --id-column url"


@click.command(cls=ExampleCommand, example=_EXAMPLE)
@click.argument("inputs", nargs=-1, metavar="[IN]...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder for the tables.")
@click.option("--id-column", metavar="NAME", help="Column of IN that holds the ids (default: id).")
@click.option("--text-column", metavar="NAME", help="Column of IN that holds the texts (default: text).")
@click.option("--threshold", type=float, metavar="X", help="Exact Jaccard that makes a copy (default: 0.7).")
@click.option("--bands", type=int, metavar="N", help="Bands of the signature (default: 16).")
@click.option("--rows", type=int, metavar="N", help="Slots in a band that must all agree (default: 8).")
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Evaluation set (Parquet or JSONL): what holds an item of it is named in contaminated.parquet. Repeatable.",
)
@click.option("--against-column", metavar="NAME", help="Column of the evaluation sets to compare (default: text).")
@click.option("--write-kept", is_flag=True, help="Write each file of IN again, without what goes, to DIR/kept.")
@click.option(
    "--memory", default="1GiB", show_default=True, metavar="SIZE", help="Most that one join takes; it spills."
)
@workspace_options
@executor_option
def command(
    inputs: tuple[Path, ...],
    out: Path | None,
    id_column: str | None,
    text_column: str | None,
    against: tuple[Path, ...],
    against_column: str | None,
    memory: str,
    workspace: Workspace,
    workers: int,
    executor: Executor,
    settings: tuple[str, ...],
    *,
    write_kept: bool,
    as_json: bool,
    **options: float | None,
) -> None:
    """Find exact and near duplicates; every near one is verified by its exact Jaccard.

    IN is Parquet or JSONL (also .gz or .zst), or folders of them, with columns for id and text (source, revision and
    work, where there, help to choose which copy stays). Writes duplicates.parquet (id, keeper, jaccard, cluster, rule:
    the documents to leave out), clusters.parquet (id, cluster: every document) and versions.parquet to --out; the
    signatures stay in DIR/work, so that a later call with more files signs only those. hakusho why ID --search DIR
    shows a pair. Without IN: the normalised documents of the workspace.
    """
    from corpus.base.errors import UsageError
    from hakusho.commands._shared import size_in_bytes
    from hakusho.settings import check

    check(settings)
    words = [*settings, *(f"dedup.{key}={value}" for key, value in options.items() if value is not None)]
    words += [f"decontamination.against={','.join(str(path.absolute()) for path in against)}"] if against else []
    words += [f"decontamination.text_column={against_column}"] if against_column else []
    limit = size_in_bytes("--memory", memory)
    if inputs and out is None:
        raise UsageError("dedup IN needs --out DIR, the folder for duplicates.parquet and clusters.parquet")
    if inputs and out is not None:
        columns = {"id": id_column or "id", "text": text_column or "text"}
        _of_files(inputs, out, columns, words, executor, limit, write_kept=write_kept, as_json=as_json)
        return
    for name, value in (("--out", out), ("--id-column", id_column), ("--text-column", text_column)):
        if value is not None:
            raise UsageError(f"{name} goes with IN; the workspace's own tables always lie in its dedup folder")
    if write_kept:
        raise UsageError("--write-kept goes with IN; hakusho dataset build writes what the workspace keeps")
    from hakusho.stages import dedup, summary

    reports = dedup(workspace, workers=workers, executor=executor, memory=limit, settings=words, quiet=as_json)
    emit(summary(reports), "\n".join(report.line() for report in reports), as_json=as_json)


def _of_files(
    inputs: tuple[Path, ...],
    out: Path,
    columns: dict[str, str],
    words: Sequence[str],
    executor: Executor,
    memory: int,
    *,
    write_kept: bool,
    as_json: bool,
) -> None:
    from corpus.dedup.pieces import COLUMNS
    from corpus.dedup.settings import DedupSettings
    from hakusho.dedup_files import Search, search
    from hakusho.settings import section

    chosen = DedupSettings(**section("dedup", words))
    against = section("decontamination", words)
    wanted = Search(inputs, out, {**COLUMNS, **columns}, chosen, against, executor, memory, write_kept)
    result = search(wanted, quiet=as_json)
    held = f"; {result['contaminated']} hold items of evaluation sets" if against["against"] else ""
    human = (
        f"{result['documents']} documents, {result['kept']} kept: {result['exact_duplicates']} exact and "
        f"{result['near_duplicates']} near duplicates and {result['versions']} older versions, in "
        f"{result['clusters']} clusters{held}; see {out}/duplicates.parquet and {out}/clusters.parquet"
    )
    emit(result, human, as_json=as_json)
