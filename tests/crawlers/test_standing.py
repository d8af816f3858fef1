"""Revisions: a page that changes is a new document that names the one before it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import crawl_sites as sites
import pyarrow as pa
import pytest
from crawl_sites import at, crawl, documents, table

from corpus.base.commit import sha256_bytes
from corpus.base.schemas import DOCUMENTS, FETCHES, document_id
from corpus.base.shards import write_shard
from corpus.base.workspace import Workspace
from crawlers.standing import stand
from hakusho.report.why import why

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def standing(data: Path) -> dict[str, tuple[str | None, str | None, list[str]]]:
    """The table: id -> (supersedes, superseded_by, reservations)."""
    rows = table(data / "standing").to_pylist()
    return {row["id"]: (row["supersedes"], row["superseded_by"], row["reservations"]) for row in rows}


def world(data: Path, seen: list[tuple[str, int, dict[str, object]]], keys: dict[str, str], seed: int = 0) -> Workspace:
    """A workspace whose history saw bodies on days, (body, day, columns), and whose documents are body -> key."""
    workspace = Workspace(data)
    usual = dict.fromkeys(FETCHES.names) | {"status": 200, "bytes": 1, "documents": 1, "retries": 0}
    rows = [usual | {"time": DAY + timedelta(days=day), "raw_sha256": sha256_bytes(body.encode())} | more
            for body, day, more in seen]  # fmt: skip
    for row in rows:
        row.update({name: "" for name in FETCHES.names if row[name] is None and not FETCHES.field(name).nullable})
    random.Random(seed).shuffle(rows)
    for number, row in enumerate(rows):
        write_shard(workspace.fetches("mod") / f"{number}.parquet", pa.Table.from_pylist([row], schema=FETCHES))
    for body, key in keys.items():
        sha = sha256_bytes(body.encode())
        name = document_id("mod", key, sha)
        row = dict.fromkeys(DOCUMENTS.names, "") | {"id": name, "source": "mod", "key": key, "url": key, "rights": [],
              "raw_sha256": sha, "container_sha256": None, "sections": [], "kept_share": 1.0, "garbled_share": 0.0,
              "reservations": []}  # fmt: skip
        path = workspace.documents("mod") / f"{name[0]}.parquet"
        old = table(path.parent).to_pylist() if path.exists() else []
        old = [each for each in old if each["id"][0] == name[0]]
        write_shard(path, pa.Table.from_pylist(sorted([*old, row], key=lambda one: one["id"]), schema=DOCUMENTS))
    stand(workspace, "mod")
    return workspace


def name(body: str, key: str = "k") -> str:
    """The id of a document."""
    return document_id("mod", key, sha256_bytes(body.encode()))


@pytest.mark.parametrize("seed", range(4))
def test_the_newest_is_what_was_seen_last(tmp_path: Path, seed: int) -> None:
    """Whatever the order of the files: a, then b, then a again by a 304; c stands alone and has nothing to say."""
    seen = [("a", 1, {}), ("b", 2, {}), ("a", 3, {"status": 304}), ("c", 1, {})]
    world(tmp_path, seen, {"a": "k", "b": "k", "c": "other"}, seed)
    assert standing(tmp_path) == {name("a"): (name("b"), None, []), name("b"): (None, name("a"), [])}


def test_three_revisions_name_each_other_in_order(tmp_path: Path) -> None:
    """Each names the one before it and the one after it."""
    world(tmp_path, [("a", 3, {}), ("b", 1, {}), ("c", 2, {})], {"a": "k", "b": "k", "c": "k"})
    assert standing(tmp_path) == {
        name("b"): (None, name("c"), []),
        name("c"): (name("b"), name("a"), []),
        name("a"): (name("c"), None, []),
    }


def test_a_header_counts_as_last_said(tmp_path: Path) -> None:
    """The newest answer decides; a 304 that is silent leaves it, one that speaks changes it."""
    noai = {"x_robots_tag": "noai"}
    world(tmp_path, [("a", 1, noai), ("a", 2, {"status": 304}), ("b", 1, noai), ("b", 2, {}),
                     ("c", 1, {}), ("c", 2, {"status": 304, "tdm_reservation": "1", "tdm_place": "well-known"})],
          {"a": "a", "b": "b", "c": "c"})  # fmt: skip
    assert standing(tmp_path) == {
        name("a", "a"): (None, None, ["header:noai"]),
        name("c", "c"): (None, None, ["well-known:tdm-reservation=1"]),
    }


def test_a_changed_page_is_a_new_revision_and_why_says_so(tmp_path: Path) -> None:
    """Two crawls with a change between them: two rows of one key, one of which took the other's place."""
    site = sites.mod(2)
    page = site.answers["/j/press/wp/wp2024/html/n102.html"]
    with site.serve():
        assert crawl("mod", tmp_path / "w", *at(site)).code == 0
        assert not (tmp_path / "w" / "standing" / "mod.parquet").exists()
        first = {row["key"]: row["id"] for row in documents(tmp_path / "w", "mod")}["2024/n102"]
        page.body = page.body.replace(b"</p></div>", f"<br>{sites.JA}</p></div>".encode())
        assert crawl("mod", tmp_path / "w", *at(site)).code == 0
    ids = [row["id"] for row in documents(tmp_path / "w", "mod") if row["key"] == "2024/n102"]
    second = next(iter(set(ids) - {first}))
    assert len(ids) == 2
    assert standing(tmp_path / "w") == {first: (None, second, []), second: (first, None, [])}
    told = why(Workspace(tmp_path / "w"), str(second))
    assert told["standing"] == {"supersedes": first, "superseded_by": None, "reservations": []}
    assert told["fetches"][0]["robots_rule"] is None
    assert (tmp_path / "w" / str(told["fetches"][0]["robots_file"])).is_file()
