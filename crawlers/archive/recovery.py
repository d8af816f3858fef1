"""After a kill or a power cut: what was written and not booked is mended, found again, or forgotten.

The archive loses its torn tails, and its answers that were not booked are found. A file of the history that has its
name but is in no transaction goes: what its rows tell is read out of the archive once more, and written once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.base.commit import record_of, storage_errors, sweep
from crawlers.archive.reader import notes, repair

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace
    from crawlers.frontier.queue import Frontier

__all__ = ["recover"]


def recover(workspace: Workspace, source: str, frontier: Frontier) -> int:
    """Mend the archive of a source and give the frontier its answers; requests in flight that have none.

    Only files that no run closed are looked at, from where the frontier knows them on. Raises StorageError.
    """
    store = frontier.store
    closed = {record.path for record in store.manifest.files()}
    known = store.archives()
    for path in sorted(workspace.path("raw", source).glob("*.warc.gz")):
        name = workspace.relative(path)
        if path not in closed and repair(workspace, path, known.get(name, 0)):
            found = [
                (noted.note["request"], (name, noted.offset))
                for noted in notes(path, known.get(name, 0)) if noted.note.get("request")
            ]  # fmt: skip
            store.take_archive(record_of(path), found)
    _forget_history(workspace, source, frontier, {workspace.relative(path) for path in closed})
    frontier.answers = store.answers()
    return max(0, frontier.standing.under_way - len(frontier.answers))


def _forget_history(workspace: Workspace, source: str, frontier: Frontier, booked: set[str]) -> None:
    """Remove what runs of this very harvest wrote of the history and did not book; no other crawl has these names."""
    sweep(workspace.fetches(source))
    for run in frontier.store.runs():
        for path in workspace.fetches(source).glob(f"{run}-*.parquet"):
            if workspace.relative(path) not in booked:
                with storage_errors(path):
                    path.unlink()
