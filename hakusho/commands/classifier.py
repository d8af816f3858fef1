"""`hakusho classifier`: train the domain classifier, or measure it (and the rules) on labelled rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option, set_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.base.workspace import Workspace
    from labeling.evaluate import Judged


@click.group(epilog="Example: hakusho classifier train && hakusho classifier eval gold.jsonl")
def command() -> None:
    """Train or evaluate the domain classifier."""


@command.command(cls=ExampleCommand, example="hakusho classifier train --data data")
@data_option
@json_option
def train(workspace: Workspace, *, as_json: bool) -> None:
    """Train on the passages that come with Hakusho and calibrate on held-out folds; skipped where up to date."""
    import json

    from hakusho.stages import run_stage
    from labeling.stage import MODEL, train_task

    report = run_stage(workspace, [train_task()], workers=1, quiet=as_json)
    folder = workspace.path(*MODEL)
    card = json.loads((folder / "domain.json").read_text(encoding="utf-8"))
    human = (
        f"{report.line()}; {card['passages']} passages, held-out accuracy {card['held_out_accuracy']}, "
        f"temperature {card['temperature']}; see {folder}"
    )
    emit({"done": report.done, "folder": str(folder), **card}, human, as_json=as_json)


@command.command("eval", cls=ExampleCommand, example="hakusho classifier eval gold.jsonl --task domain --json")
@click.argument("gold", type=click.Path(path_type=Path), metavar="GOLD")
@click.option(
    "--task",
    "task",
    type=click.Choice(["domain", "document", "prompt"]),
    default="domain",
    help="What the column label holds: domains (default), or verdicts on documents or prompts.",
)
@data_option
@set_option
@json_option
def evaluate(gold: Path, task: str, workspace: Workspace, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Accuracy, macro-F1, calibration error and confusion on GOLD, with n and 95 % Wilson intervals.

    GOLD is Parquet or JSONL with id, text and label; a column alt may hold a list of other labels that are right, a
    column kind (document or prompt) picks the rows of that task. Only the text is looked at.
    """
    from corpus.base.errors import InputError
    from corpus.base.shards import read_input
    from hakusho.settings import check
    from labeling import evaluate as measure
    from labeling.taxonomy import DOMAINS, VERDICTS

    check(settings)
    table = read_input(gold)
    if "label" not in table.column_names:
        raise InputError(f"{gold}: no column label; there are {', '.join(table.column_names)}")
    rows: list[dict[str, Any]] = table.to_pylist()
    if task != "domain" and "kind" in table.column_names:
        rows = [row for row in rows if row["kind"] == task]
    known: Sequence[str] = DOMAINS if task == "domain" else VERDICTS
    for row in rows:
        if row["label"] not in known:
            raise InputError(f"{gold}: row {row['id']}: label {row['label']!r} is none of {', '.join(known)}")
    figures = measure.evaluate(_judge(rows, task, workspace, settings, quiet=as_json))
    emit({"task": task, "gold": str(gold), **figures}, _human(figures), as_json=as_json)


def _judge(
    rows: Sequence[dict[str, Any]], task: str, workspace: Workspace, settings: Sequence[str], *, quiet: bool
) -> list[Judged]:
    from hakusho.settings import section
    from hakusho.stages import run_stage
    from labeling.classifier import DomainClassifier
    from labeling.evaluate import Judged
    from labeling.label import Labeler
    from labeling.settings import LabelSettings
    from labeling.stage import MODEL, train_task

    run_stage(workspace, [train_task()], workers=1, quiet=quiet)
    classifier = DomainClassifier.load(workspace.path(*MODEL))
    labeler = Labeler(
        "document" if task == "domain" else task, classifier, LabelSettings(**section("labels", settings))
    )
    found = []
    for row, label in zip(rows, labeler.label([row["text"] for row in rows]), strict=True):
        also = frozenset(row.get("alt") or ())
        said, score = (
            (label.domain_content, label.content_score) if task == "domain" else (label.verdict, label.verdict_score)
        )
        found.append(Judged(row["label"], str(said), score, also, abstained=task == "domain" and label.abstained))
    return found


def _human(figures: dict[str, Any]) -> str:
    lines = [f"n = {figures['n']}"]
    for name in ("accuracy", "acceptable", "coverage", "precision"):
        one = figures[name]
        lines.append(
            f"{name:<11} {one['value']:.3f}  (95 % {one['low']:.3f} to {one['high']:.3f}, {one['hits']}/{one['n']})"
        )
    lines += [f"macro-F1    {figures['macro_f1']:.3f}", f"ECE         {figures['ece']:.3f}", "", "gold -> predicted"]
    for gold, said in figures["confusion"].items():
        lines.append(f"  {gold:<16} " + ", ".join(f"{name} {number}" for name, number in said.items()))
    return "\n".join(lines)
