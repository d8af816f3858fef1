"""Stage "signatures": what of a shard's documents the search needs again and again, beside the shard.

dedup/signatures/<shard>.parquet (SIGNATURES) and dedup/keys/<shard>.parquet, both in the order of the shard. What an
earlier run signed is not signed again: a signature depends on the text alone, so every text whose hash the former file
of the shard holds is taken over from there, as long as the code and the settings that made it are the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.base.errors import InputError
from corpus.base.shards import read_shard
from corpus.base.units import canonical, code_version
from corpus.dedup.bands import band_keys
from corpus.dedup.find import sign as sign_table
from corpus.dedup.pieces import read
from corpus.dedup.settings import DedupSettings
from corpus.dedup.tables import SIGNATURES, keys_schema, values
from corpus.dedup.versions import work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corpus.base.stages import Job

__all__ = ["run"]

_STAMP: Final = b"signed_by"
_BATCH: Final = 4096  # signatures in memory at once
_OF_TEXT: Final = ("length", "text_hash", "fold_hash", "signature")  # depend on the text alone


def run(job: Job) -> None:
    """Sign one piece; raises InputError for a document without id or text."""
    settings = DedupSettings(**{name: job.config[name] for name in ("bands", "rows", "seed")})  # type: ignore[arg-type]
    place = f"dedup/signatures/{job.name}.parquet"
    schema = SIGNATURES.with_metadata({**(SIGNATURES.metadata or {}), _STAMP: _stamp(settings)})
    if len(job.inputs) > 1:
        made: Iterator[pa.Table] = iter([_shard(job, settings, job.root / place)])
    else:
        columns, groups = cast("dict[str, str]", job.config["columns"]), cast("list[int]", job.config["groups"])
        made = (sign_table(table, settings) for table in read(job.inputs[0], columns, groups))
    job.commit_stream(place, schema, (table.cast(schema) for table in made))
    job.commit_stream(f"dedup/keys/{job.name}.parquet", keys_schema(settings.bands), _keys(job.root / place, settings))


def _shard(job: Job, settings: DedupSettings, former: Path) -> pa.Table:
    """Sign a shard of a workspace: only the texts that its former signatures do not hold are read and signed."""
    shard, documents = job.inputs
    facts = _facts(read_shard(shard, ["id", "source", "text_sha256"]), documents)
    hashes = [str(value)[:32] for value in values(facts, "text_sha256")]
    signed = _former(former, settings)
    known = set(values(signed, "text_hash"))
    fresh = [row for row, value in enumerate(hashes) if value not in known]
    if fresh:
        texts = read_shard(shard, ["id", "text"]).take(pa.array(fresh, pa.int64()))
        signed = pa.concat_tables([signed, sign_table(texts, settings).select(_OF_TEXT)])
    place = {value: row for row, value in enumerate(values(signed, "text_hash"))}
    for row, value in enumerate(hashes):
        if value not in place:
            raise InputError(
                f"{shard}: text_sha256 of {facts['id'][row]} is not that of its text; run hakusho curate again"
            )
    found = signed.take(pa.array([place[value] for value in hashes], pa.int64()))
    columns = [facts[name] if name in facts.column_names else found[name] for name in SIGNATURES.names]
    return pa.table(columns, schema=SIGNATURES)


def _former(path: Path, settings: DedupSettings) -> pa.Table:
    """What depends on a text alone, of a shard's former signatures; empty where they are of no use."""
    kinds = pa.schema([SIGNATURES.field(name) for name in _OF_TEXT])
    try:
        metadata = pq.read_schema(path).metadata or {}
        if metadata.get(_STAMP) != _stamp(settings):
            return kinds.empty_table()
        return read_shard(path, _OF_TEXT).cast(kinds)
    except (InputError, OSError, pa.ArrowException):
        return kinds.empty_table()  # a first run, or a file that was damaged: sign anew


def _stamp(settings: DedupSettings) -> bytes:
    told = {"code": code_version(sign_table.__module__), "slots": settings.num_perm, "seed": settings.seed}
    return hashlib.sha256(canonical(told)).hexdigest().encode()


def _facts(table: pa.Table, documents: Path) -> pa.Table:
    """The table with each document's revision and work."""
    rows = {row["id"]: row for row in read_shard(documents, ["id", "key", "revision"]).to_pylist()}
    ids, sources = values(table, "id"), values(table, "source")
    missing = next((key for key in ids if key not in rows), None)
    if missing is not None:
        raise InputError(f"{documents}: no document {missing}, which is normalised; run hakusho curate again")
    revisions = pa.array([rows[key]["revision"] for key in ids], pa.string())
    works = pa.array([work(source, rows[key]["key"]) for key, source in zip(ids, sources, strict=True)], pa.string())
    return table.append_column("revision", revisions).append_column("work", works)


def _keys(signed: Path, settings: DedupSettings) -> Iterator[pa.Table]:
    schema = keys_schema(settings.bands)
    with pq.ParquetFile(signed) as file:
        for batch in file.iter_batches(_BATCH):
            flat: Any = cast("Any", batch.column("signature")).flatten()
            slots = np.asarray(flat, dtype=np.uint32).reshape(batch.num_rows, settings.num_perm)
            keys = [pa.array(keys) for keys in band_keys(slots, settings.bands, settings.rows)]
            held = [batch.column(name) for name in ("id", "fold_hash", "revision", "work")]
            yield pa.table([*held, *keys], schema=schema)
