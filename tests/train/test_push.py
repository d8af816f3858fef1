"""An upload: secrets first, then the hub's own client against a hub on loopback that keeps what it is sent."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpus.base.errors import InputError, TrainingError
from train.export import push

TOKEN = "rosebud-1941-of-the-test"
SECRET = "ghp_" + "a1" * 18


class Hub(ThreadingHTTPServer):
    """What the hub's client needs for small files: create, look up, say how to upload, commit."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.tokens: set[str] = set()
        self.asked = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    """Answers by path."""

    server: Hub

    def do_GET(self) -> None:
        """What a repository is."""
        self._heard()
        name = self.path.removeprefix("/api/models/").partition("?")[0].partition("/revision")[0]
        if name not in self.server.private:
            self._send({"error": "Repository not found"}, 404)
            return
        private = self.server.private[name]
        self._send({"_id": "1", "id": name, "modelId": name, "private": private, "sha": "0" * 40, "siblings": []})

    def do_POST(self) -> None:
        """Create, validate a card, preupload, commit."""
        body = self._heard()
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            if name.startswith("denied/"):
                self._send({"error": f"You may not write there, {TOKEN}"}, 403)
                return
            known = name in self.server.private
            self.server.private.setdefault(name, asked.get("visibility") == "private")
            self.server.repositories.setdefault(name, {})
            self._send({"url": f"{self.server.url}/{name}", "name": name}, 409 if known else 200)
        elif self.path == "/api/validate-yaml":
            self._send({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            names = [file["path"] for file in json.loads(body)["files"]]
            self._send({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        else:
            name = self.path.removeprefix("/api/models/").partition("/commit/")[0]
            for line in body.splitlines():
                part = json.loads(line)
                if part["key"] == "file":
                    content = base64.b64decode(part["value"]["content"])
                    self.server.repositories[name][part["value"]["path"]] = content
            self._send({"success": True, "commitOid": "1" * 40, "commitUrl": f"{self.server.url}/{name}/commit/1"})

    def _heard(self) -> bytes:
        if "/models/" in self.path or "/repos/" in self.path:  # not the client's questions about itself
            self.server.tokens.add(self.headers.get("Authorization", ""))
        self.server.asked += 1
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _send(self, answer: object, status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, named by HF_ENDPOINT, and a token for it."""
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What an export looks like: a card, numbers, a name that a pattern would misread."""
    there = tmp_path / "export"
    there.mkdir()
    (there / "README.md").write_text("---\nlibrary_name: transformers\n---\n# 法\n", encoding="utf-8")
    (there / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    (there / "odd[1].txt").write_text("odd\n", encoding="utf-8")
    return there


def content(folder: Path) -> dict[str, bytes]:
    """Name and bytes of every file."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_arrives_whole_in_a_private_repository(hub: Hub, folder: Path) -> None:
    """Every byte, with the token of HF_TOKEN, into a repository made for it; a second push finds it there."""
    for _ in range(2):
        pushed = push.push(folder, "org/law", private=True, dry_run=False)
        assert hub.repositories == {"org/law": content(folder)}
    assert hub.private == {"org/law": True}
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert pushed.url == f"{hub.url}/org/law"
    assert pushed.files == {name: len(data) for name, data in content(folder).items()}


def test_a_dry_run_lists_the_same_and_asks_nobody(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it need a token."""
    monkeypatch.delenv("HF_TOKEN")
    pushed = push.push(folder, "org/law", private=False, dry_run=True)
    assert pushed.files == {name: len(data) for name, data in content(folder).items()}
    assert (pushed.url, hub.asked) == ("", 0)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_secret_stops_it_before_anything_is_sent(hub: Hub, folder: Path, dry_run: bool) -> None:
    """File and line are named, the secret is not; the token in use counts as one."""
    (folder / "notes.txt").write_text(f"a\nkey {SECRET}\nand {TOKEN}\n", encoding="utf-8")
    with pytest.raises(
        TrainingError, match=r"notes\.txt, line 2: ghp_… \(40 characters\) and 1 more; nothing"
    ) as error:
        push.push(folder, "org/law", private=False, dry_run=dry_run)
    assert SECRET[4:] not in str(error.value)
    assert "rosebud" not in str(error.value)
    assert hub.asked == 0


def test_what_the_hub_would_not_do_is_one_line(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Refusal, a public repository where a private one was asked for, a link, no token; the token is never shown."""
    hub.private["org/open"] = False
    with pytest.raises(TrainingError, match="org/open is there already and public"):
        push.push(folder, "org/open", private=True, dry_run=False)
    with pytest.raises(TrainingError, match="the hub did not take denied/law") as error:
        push.push(folder, "denied/law", private=False, dry_run=False)
    assert "\n" not in str(error.value)
    assert TOKEN not in str(error.value)
    assert hub.repositories.get("org/open", {}) == {}
    link = folder / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(TrainingError, match="link is a link"):
        push.push(folder, "org/law", private=False, dry_run=True)
    link.unlink()
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(InputError, match="no token for the hub; set HF_TOKEN"):
        push.push(folder, "org/law", private=False, dry_run=False)
