"""Deduplication as stages over shards: sign, join, part, gather, verify, settle.

    signatures   a shard            -> dedup/signatures/<shard>, dedup/keys/<shard>   one column of keys a band
    bands        a band x prefix    -> dedup/bands/<band>-<prefix>, exact             who shares a key (SQL, spills)
    candidates   all of these       -> dedup/candidates                               union-find, not verified yet
    gathered     some shards        -> dedup/gathered/<group>                         candidates and texts by part
    verified     a part             -> dedup/verified/<part>                          corpus.dedup.find on one part
    dedup        all parts          -> dedup/duplicates, clusters, versions, ledger   (SQL, spills)

Documents that share no band, directly or over others, are never compared, so what one part finds is what a search over
everything finds. Parts and tasks are cut by the documents alone, never by the number of workers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from corpus.base.errors import EmptyInputError
from corpus.base.shards import read_shard, row_count
from corpus.base.sqlfiles import digest
from corpus.base.stages import Task
from corpus.dedup.pieces import COLUMNS
from corpus.dedup.settings import DedupSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from corpus.base.workspace import Workspace

__all__ = ["MEMORY", "Piece", "pieces_of", "tasks"]

MEMORY: Final = 1 << 30
"""Bytes that one relational step takes before it spills."""

ROWS: Final = 50_000  # documents a task of bands or gathering looks at, at least, where there are so many
GROUPS: Final = 2_000  # tasks of gathering at most, each of so many more documents
PREFIX: Final = 50_000_000  # documents a key prefix: a band of more is cut into several tasks


@dataclass(frozen=True)
class Piece:
    """Documents that are signed as one unit: a Parquet file, or the row groups [first, after the last) of one.

    `columns` says what id, text, source, revision and work are called there. `documents`, for a shard of a workspace,
    is the shard that knows its documents' keys and revisions.
    """

    name: str
    path: Path
    columns: Mapping[str, str] = field(default_factory=lambda: dict(COLUMNS))
    groups: tuple[int, ...] = ()
    documents: Path | None = None


def pieces_of(workspace: Workspace) -> list[Piece]:
    """Return the normalised shards of a workspace. Raises EmptyInputError where it holds none."""
    shards = workspace.shards("normalised")
    if not shards:
        raise EmptyInputError(f"no normalised documents in {workspace.root}: harvest, then run hakusho curate")
    found = []
    for shard in shards:
        source, _, part = shard.stem.rpartition("-")
        found.append(Piece(shard.stem, shard, documents=workspace.documents(source) / f"{part}.parquet"))
    return found


def tasks(
    workspace: Workspace,
    settings: DedupSettings | None = None,
    pieces: Sequence[Piece] | None = None,
    *,
    memory: int = MEMORY,
) -> Iterator[list[Task]]:
    """Yield the tasks of each stage in turn; run them before the next is asked for, since it reads what they made.

    Without `pieces` the normalised shards of the workspace are searched. Raises EmptyInputError where there are none.
    """
    chosen = settings or DedupSettings()
    held = list(pieces_of(workspace) if pieces is None else pieces)
    if not held:
        raise EmptyInputError("no documents to search; give files with at least one")
    yield [_sign(piece, chosen) for piece in held]
    keys = [workspace.path("dedup", "keys", f"{piece.name}.parquet") for piece in held]
    yield (joins := list(_joins(keys, chosen, memory)))
    bands = [workspace.path("dedup", "bands", f"{join.name}.parquet") for join in joins]
    exact = workspace.path("dedup", "bands", "exact.parquet")
    yield [Task("candidates", "all", "corpus.dedup.join:part", (exact, *bands), {}, memory)]
    candidates = workspace.path("dedup", "candidates.parquet")
    groups = list(_groups(workspace, held))
    yield [_gather(workspace, candidates, number, group) for number, group in enumerate(groups)]
    gathered = tuple(workspace.path("dedup", "gathered", f"{number:05d}.parquet") for number in range(len(groups)))
    yield (checks := list(_verify(candidates, gathered, chosen)))
    verified = [
        workspace.path("dedup", "verified", f"{check.name}-{table}.parquet")
        for table in ("duplicates", "clusters")
        for check in checks
    ]
    yield [Task("dedup", "all", "corpus.dedup.settle:run", (*keys, *verified), {"sql": digest("dedup")}, memory)]


def _sign(piece: Piece, chosen: DedupSettings) -> Task:
    # A changed threshold must not sign anything again.
    config: dict[str, object] = {"bands": chosen.bands, "rows": chosen.rows, "seed": chosen.seed}
    config |= {"columns": dict(piece.columns), "groups": list(piece.groups)}
    inputs = (piece.path,) if piece.documents is None else (piece.path, piece.documents)
    return Task("signatures", piece.name, "corpus.dedup.sign:run", inputs, config)


def _joins(keys: Sequence[Path], chosen: DedupSettings, memory: int) -> Iterator[Task]:
    """One task a band and key prefix; few documents are not worth a task a band, and make one."""
    rows = sum(map(row_count, keys))
    prefixes = -(-rows // PREFIX) or 1
    step = chosen.bands if rows < ROWS else 1
    for first in range(0, chosen.bands, step):
        for prefix in range(prefixes):
            config = {
                "bands": [first, first + step],
                "prefix": prefix,
                "prefixes": prefixes,
                "exact": prefix == first == 0,
                "sql": digest("dedup"),
            }
            yield Task("bands", f"{first:04d}-{prefix:04d}", "corpus.dedup.join:run", tuple(keys), config, memory)


def _groups(workspace: Workspace, pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    sizes = [row_count(workspace.path("dedup", "keys", f"{piece.name}.parquet")) for piece in pieces]
    least = max(ROWS, sum(sizes) // GROUPS)
    group: list[Piece] = []
    rows = 0
    for piece, size in zip(pieces, sizes, strict=True):
        group.append(piece)
        rows += size
        if rows >= least:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _gather(workspace: Workspace, candidates: Path, number: int, group: Sequence[Piece]) -> Task:
    signed = [workspace.path("dedup", "signatures", f"{piece.name}.parquet") for piece in group]
    config = {"columns": [dict(piece.columns) for piece in group], "groups": [list(piece.groups) for piece in group]}
    inputs = (candidates, *signed, *(piece.path for piece in group))
    return Task("gathered", f"{number:05d}", "corpus.dedup.gather:run", inputs, config)


def _verify(candidates: Path, gathered: tuple[Path, ...], chosen: DedupSettings) -> Iterator[Task]:
    most: Any = pc.max(read_shard(candidates, ["part"])["part"])
    for part in range((most.as_py() or 0) + 1):
        config = {**asdict(chosen), "part": part}
        yield Task("verified", f"{part:05d}", "corpus.dedup.gather:verify", gathered, config)
