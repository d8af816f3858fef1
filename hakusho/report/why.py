"""The whole story of one document: where it came from, what each stage did with it, and why it is where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.base.errors import InputError
from hakusho.database import connect, query
from hakusho.report.difference import difference

if TYPE_CHECKING:
    import duckdb

    from corpus.base.workspace import Workspace

__all__ = ["parts", "tell", "why"]

_SHOWN = 50  # entries of a part that are told; --json gives all

_NAMED = """
SELECT id FROM documents
WHERE id = $name OR key = $name OR url = $name OR source || ':' || key = $name
   OR (length($name) >= 4 AND starts_with(id, $name))
   OR coalesce(container_sha256, raw_sha256) IN (
       SELECT raw_sha256 FROM fetches WHERE url = $name OR final_url = $name)
ORDER BY id
"""
_DOCUMENT = """
SELECT id, source, key, revision, url, title, lang, length(text) AS chars, raw_sha256, container_sha256, content_type,
       licence, licence_evidence, attribution, rights, reservations, extractor, extractor_version, kept_share,
       garbled_share
FROM documents WHERE id = $id
"""
_FETCHES = """
SELECT f.time, f.run, f.url, f.final_url, f.status, f.outcome, f.bytes, f.etag, f.last_modified,
  f.asked_url, f.robots_rule, f.robots_line, f.robots_sha256,
  'robots/' || f.source || '/' || f.robots_sha256 || '.txt' AS robots_file,
  f.x_robots_tag, f.tdm_reservation, f.tdm_policy, f.tdm_place
FROM fetches AS f INNER JOIN documents AS d ON coalesce(d.container_sha256, d.raw_sha256) = f.raw_sha256
WHERE d.id = $id ORDER BY f.time, f.url
"""
_STANDING = "SELECT supersedes, superseded_by, reservations FROM standing WHERE id = $id"
_LEDGER = """
SELECT l.stage, l.unit, l.outcome, l.reason, l.detail FROM ledger AS l
WHERE l.id = $id OR l.id = (SELECT source || ':' || key FROM documents WHERE id = $id)
ORDER BY list_position(['extract', 'normalised', 'measures', 'pii', 'dedup', 'decontamination', 'labels', 'dataset'],
           l.stage) NULLS LAST,
         l.stage, l.unit
"""
_DUPLICATES = """
SELECT 'copy of' AS relation, keeper AS id, jaccard, rule, cluster FROM duplicates WHERE id = $id
UNION ALL SELECT 'kept over', id, jaccard, rule, cluster FROM duplicates WHERE keeper = $id
ORDER BY relation, id
"""
_CLUSTER = """
SELECT id FROM clusters WHERE cluster = (SELECT cluster FROM clusters WHERE id = $id) AND id <> $id ORDER BY id
"""
_VERSIONS = """
SELECT other.id, other.revision, other.newest = other.id AS newest FROM versions AS mine
INNER JOIN versions AS other ON mine.work = other.work
WHERE mine.id = $id AND other.id <> $id ORDER BY other.revision, other.id
"""
_CONTAMINATED = "SELECT * EXCLUDE (id) FROM contaminated WHERE id = $id"
_BOILERPLATE = "SELECT * EXCLUDE (id, source) FROM boilerplate_documents WHERE id = $id"
_TEXT = "SELECT text FROM normalised WHERE id = $id"
_LABELS = "SELECT * EXCLUDE (id, source) FROM labels WHERE id = $id"
_SPANS = 'SELECT type, action, start, "end" FROM spans WHERE id = $id ORDER BY start, "end"'
_MEASURES = "SELECT measure, value FROM measure_values WHERE id = $id ORDER BY measure"
_DATASET = "SELECT config, split, n_chars, pii_masked FROM dataset WHERE id = $id"
_ATTRIBUTION = "SELECT retrieved_at, harvested_url, rehearsal FROM attribution WHERE id = $id"
_NO_DOCUMENT_FETCHES = """
SELECT time, source, url, status, purpose, outcome, reason, robots_rule, robots_line, robots_sha256 FROM fetches
WHERE url = $name OR final_url = $name ORDER BY time, url
"""
_NO_DOCUMENT_LEDGER = """
SELECT stage, unit, id, outcome, reason, detail FROM ledger
WHERE id = $name OR (stage = 'extract' AND substr(id, strpos(id, ':') + 1) = $name) ORDER BY stage, unit, id
"""


def why(workspace: Workspace, name: str) -> dict[str, Any]:
    """Everything known about a document, by its id, a prefix of it (4 characters or more), its key or a URL.

    For a key or URL that gave no document: its fetches and the lines of the ledger that say why. Raises InputError
    where nothing is known by that name, or more than one document.
    """
    with connect(workspace) as connection:
        ids = [row[0] for row in query(connection, _NAMED, {"name": name}).rows]
        exact = [key for key in ids if key == name]
        if len(ids) > 1 and not exact:
            more = f", … ({len(ids)} in all)" if len(ids) > 5 else ""
            raise InputError(f"{name!r} names {len(ids)} documents; choose one: {', '.join(ids[:5])}{more}")
        return _document(connection, (exact or ids)[0]) if ids else _no_document(connection, name)


def _document(connection: duckdb.DuckDBPyConnection, key: str) -> dict[str, Any]:
    def rows(sql: str) -> list[dict[str, Any]]:
        return query(connection, sql, {"id": key}).records()

    def one(sql: str) -> dict[str, Any] | None:
        return next(iter(rows(sql)), None)

    pairs = rows(_DUPLICATES)
    return {
        "document": one(_DOCUMENT),
        "standing": one(_STANDING),
        "fetches": rows(_FETCHES),
        "ledger": rows(_LEDGER),
        "duplicates": pairs,
        "difference": _difference(connection, key, pairs[0]["id"]) if pairs else [],
        "versions": rows(_VERSIONS),
        "contaminated": one(_CONTAMINATED),
        "boilerplate": one(_BOILERPLATE),
        "cluster": [row["id"] for row in rows(_CLUSTER)],
        "labels": one(_LABELS),
        "personal_data": rows(_SPANS),
        "measures": {row["measure"]: row["value"] for row in rows(_MEASURES)},
        "dataset": one(_DATASET),
        "attribution": one(_ATTRIBUTION),
    }


def _difference(connection: duckdb.DuckDBPyConnection, key: str, other: str) -> list[str]:
    """What the document and the first of its pair do not share; nothing where a text is gone."""
    texts = [query(connection, _TEXT, {"id": one}).rows for one in (key, other)]
    return difference(texts[0][0][0], texts[1][0][0]) if all(texts) else []


def _no_document(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    fetches = query(connection, _NO_DOCUMENT_FETCHES, {"name": name}).records()
    lines = query(connection, _NO_DOCUMENT_LEDGER, {"name": name}).records()
    if not fetches and not lines:
        raise InputError(
            f"nothing is known of {name!r}; give a document id (4 or more of its first characters do), a source's key, "
            "or a URL"
        )
    return {"document": None, "fetches": fetches, "ledger": lines}


def tell(story: dict[str, Any]) -> str:
    """The story as text: a heading a part, a line a fact; empty parts are left out, the outcome stands first."""
    return "\n".join([_outcome(story), *parts(story)])


def parts(story: dict[str, Any]) -> list[str]:
    """The lines of each part that is not empty, under its heading."""
    lines: list[str] = []
    for part, value in story.items():
        if not value:
            continue
        lines += ["", part.replace("_", " ")]
        if isinstance(value, dict):
            lines += [f"  {name}: {_show(fact)}" for name, fact in value.items() if fact not in (None, "", [])]
        else:
            lines += [f"  {_sentence(item)}" for item in value[:_SHOWN]]
            lines += [f"  … {len(value) - _SHOWN} more"] if len(value) > _SHOWN else []
    return lines


def _outcome(story: dict[str, Any]) -> str:
    drops = [line for line in story["ledger"] if line["outcome"] == "dropped"]
    if story["document"] is None:
        last = drops[-1] if drops else story["fetches"][-1] if story["fetches"] else story["ledger"][-1]
        return f"no document: {last['reason'] or last['outcome']}"
    if story["dataset"]:
        return f"in the dataset: configuration {story['dataset']['config']}, split {story['dataset']['split']}"
    if drops:
        detail = f" ({drops[-1]['detail']})" if drops[-1]["detail"] else ""
        return f"not in the dataset: dropped at {drops[-1]['stage']}, {drops[-1]['reason']}{detail}"
    return "not in the dataset: not all stages have run"


def _sentence(item: Any) -> str:
    if not isinstance(item, dict):
        return _show(item)
    return ", ".join(f"{name} {_show(fact)}" for name, fact in item.items() if fact not in (None, "", []))


def _show(fact: Any) -> str:
    if isinstance(fact, list):
        return "; ".join(map(_show, fact))
    if isinstance(fact, float):
        return f"{fact:.4g}"
    return " ".join(str(fact).split())
