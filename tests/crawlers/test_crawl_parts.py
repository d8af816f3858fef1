"""The shared parts by themselves: arguments, hosts, contact, rows and their settling, files in pieces."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from crawl_sites import fetches, hashes, ledger
from hypothesis import given, settings
from hypothesis import strategies as st
from scrapy.http import Request, Response

from corpus.base.errors import ConfigError, HakushoError, UsageError
from corpus.base.schemas import DOCUMENTS
from corpus.base.workspace import Workspace
from corpus.extract import Extracted, Section
from crawlers.arguments import Route, Site, read
from crawlers.booking import misfit
from crawlers.bulk import BulkFile
from crawlers.documents import Parts, document_row, settle
from crawlers.history import FetchLog
from crawlers.identity import contact, user_agent
from crawlers.items import Found, Record
from crawlers.origins import Origins
from crawlers.spiders.pmda import next_version

HOSTS = ("a.example.jp", "b.example.jp")
ROUTES = {"main": Route(HOSTS[:1], "main"), "other": Route(HOSTS, "other", feed="a feed")}
SITE = Site("test", HOSTS, ("ja", "en"), ROUTES, lambda *_: ("main",))


@pytest.mark.parametrize(
    ("given_words", "message"),
    [
        ({"limi": "3"}, "no argument 'limi'; did you mean limit?"),
        ({"limit": "0"}, "limit='0'"),
        ({"limit": "-1"}, "limit='-1'"),
        ({"limit": "٣"}, "is no number"),
        ({"lang": "fr"}, "no lang 'fr'"),
        ({"route": "othr"}, "did you mean other?"),
        ({"sinc": "2026-01-01"}, "did you mean since?"),
        ({"since": "2026-1-1"}, "since='2026-1-1' is no day"),
        ({"since": "9999-01-01"}, "lies in the future"),
        ({"since": "2026-01-01"}, "route=main has no feed of changes for since=2026-01-01; take route=other"),
        ({"route": "all,other"}, "route=all stands alone"),
        ({"base_url": "ftp://x"}, "no http(s) URL"),
        ({"base_url": ""}, "name a URL"),
        ({"base_url": "http://127.0.0.1:99999"}, "no http(s) URL"),
        ({"base_url": "c.example.jp=http://127.0.0.1:1"}, "no host 'c.example.jp'"),
        ({"base_url": "b.example.jp=http://127.0.0.1:1"}, "this route asks a.example.jp"),
    ],
)
def test_a_wrong_argument_names_the_right_word(given_words: dict[str, str], message: str) -> None:
    """Each wrong argument is a UsageError of one line."""
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        read(SITE, given_words)
    assert "\n" not in str(error.value)


def test_arguments_have_defaults() -> None:
    """Nothing given: no limit, all languages, the first route, the live hosts."""
    arguments = read(SITE, {})
    assert (arguments.limit, arguments.langs, arguments.routes) == (None, ("ja", "en"), ("main",))
    assert arguments.origins.live


@given(st.sampled_from(["limit", "lang", "route", "base_url"]), st.text("[:/=,@ahtp\n1٣", max_size=12))
def test_a_strange_value_is_one_line(name: str, tail: str) -> None:
    """Any text is refused with our own error, on one line."""
    with pytest.raises(HakushoError) as error:
        read(SITE, {name: f"http://[{tail}"})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("base", "live"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://localhost", False),
        ("http://10.0.0.1", True),
    ],
)
def test_only_loopback_is_not_live(base: str, live: bool) -> None:
    """Anything but loopback needs a contact."""
    assert Origins.read(HOSTS, base).live is live


def test_hosts_are_mapped_and_nothing_else_can_be_asked() -> None:
    """A base_url maps what it names; unnamed hosts, other ports, schemes and users are out of reach."""
    origins = Origins.read(HOSTS, "a.example.jp=http://127.0.0.1:8000/x/")
    assert origins.target("https://a.example.jp/p/q?r=1") == "http://127.0.0.1:8000/x/p/q?r=1"
    assert origins.site_url("http://127.0.0.1:8000/x/p", "https://a.example.jp/") == "https://a.example.jp/p"
    assert origins.site_url("http://127.0.0.1:8000/xy", "https://a.example.jp/") == "http://127.0.0.1:8000/xy"
    for url in (
        "https://b.example.jp/", "https://a.example.jp:8443/", "ftp://a.example.jp/", "file:///etc/passwd",
        "https://u@a.example.jp/", "http://169.254.169.254/", "https://a.example.jp.evil.example/", "https://a.example.jp:x/",
    ):  # fmt: skip
        assert not origins.knows(url)
        with pytest.raises(UsageError):
            origins.target(url)


@given(st.sampled_from(["/", "/a/b.html", "/wiki/%E7%89%B9?x=1&y=%20", "/p;q=1?z"]))
def test_mapping_there_and_back_changes_nothing(path: str) -> None:
    """site_url undoes target."""
    origins = Origins.read(HOSTS, "http://127.0.0.1:8000/base")
    url = f"https://a.example.jp{path}"
    assert origins.site_url(origins.target(url), url) == url


@pytest.mark.parametrize("address", ["mailto:a@example.org", "a.b+c@mail.example.org", "https://example.org/bot"])
def test_a_contact_is_taken(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Mail and web addresses, as they are."""
    monkeypatch.setenv("HAKUSHO_CONTACT", address)
    assert user_agent(live=True) == f"HakushoBot/0.1 (+{address})"


@pytest.mark.parametrize("address", ["me", "a@b", "https://localhost", "a@example.org) evil", "a@example.org\r\nX: y"])
def test_what_is_no_contact_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """No invented address, and nothing that could break a header."""
    monkeypatch.setenv("HAKUSHO_CONTACT", address)
    with pytest.raises(ConfigError):
        contact()


def test_the_environment_stands_above_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """HAKUSHO_CONTACT wins; without both a live harvest is refused."""
    monkeypatch.delenv("HAKUSHO_CONTACT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="HAKUSHO_CONTACT"):
        user_agent(live=True)
    (tmp_path / "hakusho.toml").write_text('contact = "mailto:file@example.org"\n')
    assert contact() == "mailto:file@example.org"
    monkeypatch.setenv("HAKUSHO_CONTACT", "mailto:env@example.org")
    assert contact() == "mailto:env@example.org"


def row(key: str, raw: bytes = b"raw", container: str | None = None) -> dict[str, object]:
    """A documents row."""
    record = Record(key, f"https://a.example.jp/{key}", "PDL-1.0", "evidence", "credit", "ja", title="題")
    extracted = Extracted(
        "ok", text="本文", title="t", lang="ja", sections=(Section("body", "章", 1, 0, 2),), kept_share=1.0
    )
    return document_row("mod", Found(record, raw, "text/html", container), extracted)


def test_a_row_is_a_function_of_its_input() -> None:
    """The id follows key and bytes; the site's title stands above the text's; the text's language above the site's."""
    one = row("k")
    assert one == row("k") != row("k", b"other")
    assert (one["title"], one["lang"], list(one)) == ("題", "ja", DOCUMENTS.names)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_settling_does_not_depend_on_order_or_parts(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Parts in any order, settled at once or one by one, with a row twice, give the same files."""
    batches = [
        ([row("a"), row("b")], [("x", "http_404", "")]),
        ([row("a", container="f" * 64), row("c")], [("y", "repealed", "2"), ("b", "http_503", "")]),
        ([row("d", b"new")], [("y", "repealed", "1")]),
        ([], [("d", "network_error", ""), ("x", "encrypted", "")]),
    ]
    made = []
    for name, numbers, at_once in (("one", range(4), True), ("two", order, False)):
        workspace = Workspace(tmp_path / name)
        for number in numbers:
            Parts(workspace, "mod").write(f"part{number if at_once else 9 - number}", *batches[number])
            if not at_once:
                settle(workspace, "mod")
        settle(workspace, "mod")
        made.append(hashes(workspace.root, "documents", "ledger"))
        assert not list(workspace.root.rglob("part*"))
    assert made[0] == made[1]
    booked = ledger(tmp_path / "two")
    assert {key: value for key, value in booked.items() if value[0] == "kept"} == {
        f"mod:{key}": ("kept", "") for key in "abcd"
    }
    assert (booked["mod:x"], booked["mod:y"]) == (("dropped", "encrypted"), ("dropped", "repealed"))


def test_shards_are_sorted_and_named_by_id(tmp_path: Path) -> None:
    """A shard holds the ids that begin with its name, in order, once each."""
    workspace = Workspace(tmp_path)
    Parts(workspace, "mod").write("p", [row(f"k{n % 40}") for n in range(80)], [])
    assert settle(workspace, "mod") == 1
    seen = 0
    for path in workspace.documents("mod").glob("*.parquet"):
        ids = pq.ParquetFile(path).read(columns=["id"]).column("id").to_pylist()
        assert ids == sorted(set(ids))
        assert {str(one)[0] for one in ids} == {path.stem}
        seen += len(ids)
    assert seen == 40
    assert settle(workspace, "mod") == 0


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_pieces_read_as_one_stream(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], sizes: list[int]
) -> None:
    """A file in pieces reads and seeks like the file itself."""
    file = BulkFile(Workspace(tmp_path_factory.mktemp("bulk")), "wikipedia", "x.bz2")
    whole = b""
    for piece in pieces:
        file.add(len(whole), piece)
        whole += piece
    twin = io.BytesIO(whole)
    with file.open() as stream:
        assert (stream.read(3), stream.seek(0)) == (whole[:3], 0)
        assert [stream.read(size) for size in sizes] == [twin.read(size) for size in sizes]
    assert file.size == len(whole)


def test_a_gap_ends_the_file(tmp_path: Path) -> None:
    """Pieces after a missing one do not count."""
    file = BulkFile(Workspace(tmp_path), "wikipedia", "x.bz2")
    file.add(0, b"abc")
    file.add(6, b"ghi")
    assert file.size == 3
    file.discard()
    assert (file.size, list(tmp_path.rglob("*.piece"))) == (0, [])


@pytest.mark.parametrize(
    ("raw", "form", "fits"),
    [
        (b"", "", False), (b" \n", "xml", False), (b"\xef\xbb\xbf<?xml?><Law/>", "xml", True), (b"<Law/>", "xml", True),
        (b"\n<!DOCTYPE HTML><html>", "xml", False), (b"<HTML>", "xml", False), (b"junk %PDF-1.4", "pdf", True),
        (b"<html>", "pdf", False), (b"PK\x03\x04", "zip", True), (b"<html>", "zip", False), (b"plain", "html", False),
        (b"anything", "", True),
    ],
)  # fmt: skip
def test_bytes_of_another_form_are_told(raw: bytes, form: str, fits: bool) -> None:
    """A maintenance page with status 200 is no law, no PDF and no zip."""
    assert (misfit(raw, form) == "") is fits


def test_the_next_version_keeps_its_width() -> None:
    """Versions are counted as they are written."""
    assert [next_version(n) for n in ("X_7_04", "X_7_09", "X_7_99", "X")] == ["X_7_05", "X_7_10", "X_7_100", ""]


def test_an_undecided_fetch_is_not_written_before_its_outcome(tmp_path: Path) -> None:
    """A row whose document is still being read waits for its outcome; the others go to disk; none is written twice."""
    log = FetchLog(Workspace(tmp_path), "mod", "run")
    rows = []
    for number in range(250):
        request = Request(f"https://a.example.jp/{number}", meta={"purpose": "document"})
        rows.append(log.answer(request, Response(request.url, body=b"x", status=404 if number else 200)))
    log.write()
    log.committed()
    assert len(fetches(tmp_path, "mod")) == 249
    rows[0].close("garbled", "why")
    log.write(all_rows=True)
    log.committed()
    written = fetches(tmp_path, "mod")
    assert len({row["url"] for row in written}) == len(written) == 250
    assert [(row["url"][-2:], row["reason"]) for row in written if row["outcome"] == "garbled"] == [("/0", "why")]
    assert log.totals() == {"http_error": 249, "garbled": 1}
