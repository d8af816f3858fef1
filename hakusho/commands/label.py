"""`hakusho label`: a verdict and a domain for each document of the workspace, or of any Parquet or JSONL file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hakusho.commands._shared import ExampleCommand, emit, executor_option, keep_inputs, workspace_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from corpus.base.executor import Executor
    from corpus.base.workspace import Workspace

_EXAMPLE = "hakusho label prompts.jsonl --task prompt --out labelled.jsonl"


@click.command(cls=ExampleCommand, example=_EXAMPLE)
@click.argument("source", required=False, metavar="[IN]", type=click.Path(path_type=Path))
@click.option(
    "--task",
    "kind",
    type=click.Choice(["document", "prompt"]),
    help="What the rows of IN are: texts for training (default), or requests to be answered.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="OUT", help="Parquet or JSONL file to write.")
@workspace_options
@executor_option
def command(
    source: Path | None,
    kind: str | None,
    out: Path | None,
    workspace: Workspace,
    workers: int,
    executor: Executor,
    settings: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Give each document a verdict and a domain, with the rules that decided and where they matched.

    Verdicts are ALLOW, ESCALATION, DENY and REFUSE; the rows of IN are not dropped, whatever the verdict.

    IN is Parquet or JSONL with the columns id and text; its columns are kept and the labels added (columns of the same
    names are replaced, ids become text). Columns source and licence, where there, are priors and never features.
    Without IN: the masked text of the workspace. The classifier is trained on first use and kept in the workspace,
    which --data names.
    """
    from corpus.base.errors import UsageError
    from hakusho.settings import check

    check(settings)
    if source is None:
        if out is not None or kind is not None:
            raise UsageError("--task and --out go with IN; the workspace's own labels always lie in its labels folder")
        _of_workspace(workspace, workers, executor, settings, as_json=as_json)
        return
    if out is None:
        raise UsageError("label IN needs --out OUT, the Parquet or JSONL file to write")
    _of_file(source, kind or "document", out, workspace, settings, as_json=as_json)


def _of_workspace(
    workspace: Workspace, workers: int, executor: Executor, settings: Sequence[str], *, as_json: bool
) -> None:
    from hakusho.stages import label, summary

    reports = label(workspace, workers=workers, executor=executor, settings=settings, quiet=as_json)
    emit(summary(reports), "\n".join(report.line() for report in reports), as_json=as_json)


def _of_file(
    source: Path, kind: str, out: Path, workspace: Workspace, settings: Sequence[str], *, as_json: bool
) -> None:
    import pyarrow as pa

    from corpus.base.errors import UsageError
    from corpus.base.shards import read_input, write_output
    from hakusho.settings import section
    from hakusho.stages import run_stage
    from labeling.classifier import DomainClassifier
    from labeling.label import COLUMNS, Labeler
    from labeling.settings import LabelSettings
    from labeling.stage import MODEL, train_task

    if out.suffix not in (".parquet", ".jsonl", ".ndjson"):
        raise UsageError(f"{out}: unknown kind of file {out.suffix!r}; name it .parquet or .jsonl")
    keep_inputs("--out", [out], [source])
    table = read_input(source)
    chosen = LabelSettings(**section("labels", settings))
    run_stage(workspace, [train_task()], workers=1, quiet=as_json)
    labeler = Labeler(kind, DomainClassifier.load(workspace.path(*MODEL)), chosen)
    texts = [str(text) for text in table.column("text").to_pylist()]
    labels = labeler.label(texts, _strings(table, "source"), _strings(table, "licence"))
    added = pa.Table.from_pylist([label.row() for label in labels], schema=COLUMNS)
    kept = table.select([name for name in table.column_names if name not in COLUMNS.names])
    for field in COLUMNS:
        kept = kept.append_column(field, added.column(field.name))
    write_output(out, kept)
    verdicts, domains = Counter(map(str, (one.verdict for one in labels))), Counter(str(one.domain) for one in labels)
    result: dict[str, Any] = {
        "rows": len(labels),
        "task": kind,
        "verdicts": dict(sorted(verdicts.items())),
        "domains": dict(sorted(domains.items())),
        "abstained": sum(one.abstained for one in labels),
        "policy_version": labels[0].policy_version,
        "out": str(out),
    }
    counts = ", ".join(f"{number} {name}" for name, number in sorted(verdicts.items()))
    emit(result, f"{len(labels)} rows labelled ({counts}); see {out}", as_json=as_json)


def _strings(table: pa.Table, name: str) -> list[str | None] | None:
    """A column of strings as a list; None where the input has no such column."""
    if name not in table.column_names:
        return None
    return [value if isinstance(value, str) else None for value in table.column(name).to_pylist()]
