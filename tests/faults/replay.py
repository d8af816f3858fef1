"""Records what a process asks a file system to do, and makes the states that a power cut could leave.

The idea is that of crash-consistency checkers (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014);
the model is this one:

- A file is an inode; a folder maps names to inodes. A write or a truncation is pending until fsync or fdatasync of that
  file returns; creating, renaming, removing or making a name is pending until fsync of the folder that holds it. An
  fsync of a file says nothing about its name.
- At a cut everything that is not pending is there. Of the pending operations of one file any prefix may be there, any
  one may be missing, and any one may be torn: its first half is there. Operations on one folder are kept in order, so a
  prefix of them is there; folders do not wait for each other, nor for the data of their files.
- A rename is atomic within its folder. States vary one file or folder at a time while all others lost, or kept, all
  that is pending.

Only the recorder needs strace; one single-threaded process is recorded.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

CALLS = (
    "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,truncate,fallocate,rename,renameat,"
    "renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,sync,syncfs,sync_file_range"
)
Tree = dict[str, bytes]
"""Path below the root -> content; folders do not show."""


@dataclass(frozen=True)
class Op:
    """A recorded operation: write, truncate, sync, create, rename, unlink, mkdir or mark (a line on stdout)."""

    kind: str
    path: str = ""
    target: str = ""
    offset: int = -1  # of a write; -1: at the end of what this descriptor wrote
    data: bytes = b""
    size: int = 0


def record(strace: str, command: Sequence[str], root: Path, log: Path, environment: Mapping[str, str]) -> list[Op]:
    """Run a command under strace and give its operations below `root`, with its own lines on stdout as marks.

    Raises subprocess.CalledProcessError where it fails, ValueError for a call that the model does not know.
    """
    words = [strace, "-f", "-y", "-xx", "-s", "10000000", "-o", str(log), "-e", f"trace={CALLS}", *command]
    subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, timeout=120)
    return list(_Reader(root.resolve()).ops(log.read_text(encoding="ascii").splitlines()))


_SIMPLE = {
    "ftruncate": "truncate", "fsync": "sync", "fdatasync": "sync",
    "unlink": "unlink", "rmdir": "unlink", "unlinkat": "unlink", "mkdir": "mkdir",
}  # fmt: skip


class _Reader:
    """Turns lines of strace into operations below a root."""

    def __init__(self, root: Path) -> None:
        self.root = f"{root}/"
        self.position: dict[str, int] = {}
        self.unfinished: dict[str, str] = {}

    def ops(self, lines: Sequence[str]) -> Iterator[Op]:
        for line in lines:
            process, text = line.split(maxsplit=1)
            if text.endswith("<unfinished ...>"):
                self.unfinished[process] = text.removesuffix("<unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
            if resumed:
                text = self.unfinished.pop(process) + resumed[1]
            match = re.match(r"(\w+)\((.*)\)\s+= (\d+)", text)
            if match:
                yield from self._op(match[1], match[2], int(match[3]))

    def _inside(self, path: str) -> str | None:
        path = path.removesuffix(" (deleted)")
        return path.removeprefix(self.root) if path.startswith(self.root) else "" if path + "/" == self.root else None

    def _op(self, call: str, text: str, result: int) -> Iterator[Op]:
        strings = [bytes.fromhex(s.replace("\\x", "")) for s in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', text)]
        descriptor = re.match(r"(\d+)<((?:\\x[0-9a-f]{2})*)>", text)
        on = bytes.fromhex(descriptor[2].replace("\\x", "")).decode() if descriptor else ""
        if call == "write" and descriptor and descriptor[1] == "1":
            yield Op("mark", data=strings[0])
            return
        path = self._inside(on if descriptor else strings[0].decode() if strings else "")
        if path is None or result < 0:
            return
        if call in ("open", "openat", "creat"):
            name = self._inside(strings[0].decode())
            if name is not None and ("O_CREAT" in text or call == "creat"):
                yield from self._create(name, truncate="O_TRUNC" in text)
        elif call in ("write", "pwrite64"):
            at = int(text.rsplit(",", 1)[1]) if call == "pwrite64" else self.position.get(path, 0)
            yield Op("write", path, offset=at, data=strings[0][:result])
            if call == "write":
                self.position[path] = at + result
        elif call in ("rename", "renameat", "renameat2"):
            yield self._rename(path, strings[1].decode())
        elif call in _SIMPLE and (call != "unlinkat" or strings[0].startswith(b"/")):
            yield Op(_SIMPLE[call], path, size=int(text.rsplit(",", 1)[1]) if call == "ftruncate" else 0)
        else:
            raise ValueError(f"{call} on {path}: the model does not know it")

    def _create(self, name: str, *, truncate: bool) -> Iterator[Op]:
        self.position[name] = 0
        yield Op("create", name)
        if truncate:
            yield Op("truncate", name, size=0)

    def _rename(self, path: str, to: str) -> Op:
        target = self._inside(to)
        if target is None or PurePosixPath(target).parent != PurePosixPath(path).parent:
            raise ValueError(f"a rename to another folder: {path} -> {to}")
        return Op("rename", path, target)


def apply(content: bytes, op: Op, part: float = 1.0) -> bytes:
    """A file's content after a write (or its first part) or a truncation."""
    if op.kind == "truncate":
        return content[: op.size].ljust(op.size, b"\0")
    data = op.data[: int(len(op.data) * part)]
    content = content.ljust(op.offset, b"\0")
    return content[: op.offset] + data + content[op.offset + len(data) :]


@dataclass
class _File:
    """Content on the platter, and what was asked for since."""

    durable: bytes = b""
    pending: list[Op] = field(default_factory=list)

    def sync(self) -> None:
        self.durable, self.pending = self.prefix(len(self.pending)), []

    def prefix(self, length: int, *, without: int = -1, torn: int = -1) -> bytes:
        content = self.durable
        for number, op in enumerate(self.pending[:length]):
            if number != without:
                content = apply(content, op, 0.5 if number == torn else 1.0)
        return content

    def variants(self) -> Iterator[bytes]:
        for number in range(len(self.pending)):
            yield self.prefix(number)
            yield self.prefix(number + 1, torn=number)
            yield self.prefix(len(self.pending), without=number)
            yield self.prefix(len(self.pending), torn=number)


@dataclass
class _Folder:
    """Names on the platter, and what was asked for since; a name that leads to None is a folder of its own path."""

    durable: dict[str, _File | None] = field(default_factory=dict)
    pending: list[tuple[Op, _File | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.durable, self.pending = self.prefix(len(self.pending)), []

    def prefix(self, length: int) -> dict[str, _File | None]:
        names = dict(self.durable)
        for op, node in self.pending[:length]:
            name = PurePosixPath(op.path).name
            if op.kind in ("rename", "unlink"):
                names.pop(name, None)
            if op.kind != "unlink":
                names[PurePosixPath(op.target or op.path).name] = node
        return names


class Disk:
    """The model: what a cut may leave, after any number of operations."""

    def __init__(self, initial: Tree) -> None:
        self.folders: dict[str, _Folder] = {"": _Folder()}
        for path, content in initial.items():
            for parent in reversed(PurePosixPath(path).parents[:-1]):
                self._make(str(parent), None)
            self._make(path, _File(content))
        for folder in self.folders.values():
            folder.sync()

    def _parent(self, path: str) -> _Folder:
        parent = str(PurePosixPath(path).parent)
        return self.folders["" if parent == "." else parent]

    def _now(self, folder: _Folder) -> dict[str, _File | None]:
        return folder.prefix(len(folder.pending))

    def _node(self, path: str) -> _File | None:
        return self._now(self._parent(path)).get(PurePosixPath(path).name)

    def _make(self, path: str, node: _File | None) -> None:
        if PurePosixPath(path).name in self._now(self._parent(path)):
            return
        self._parent(path).pending.append((Op("create", path), node))
        if node is None:
            self.folders[path] = _Folder()

    def do(self, op: Op) -> None:
        """Take one operation in."""
        if op.kind == "create":
            self._make(op.path, _File())
        elif op.kind == "mkdir":
            self._make(op.path, None)
        elif op.kind in ("rename", "unlink"):
            self._parent(op.path).pending.append((op, self._node(op.path)))
        elif op.kind == "sync":
            (self.folders.get(op.path) or self._node(op.path) or _File()).sync()
        elif op.kind in ("write", "truncate"):
            node = self._node(op.path)
            if node is not None:
                node.pending.append(op)

    def cuts(self) -> Iterator[Tree]:
        """The states that a cut at this moment may leave."""
        files = {id(node): node for folder in self.folders.values() for node in self._every(folder)}
        for files_kept in (False, True):
            for names_kept in (False, True):
                contents = {key: one.prefix(len(one.pending) * files_kept) for key, one in files.items()}
                names = {path: one.prefix(len(one.pending) * names_kept) for path, one in self.folders.items()}
                yield self._tree(names, contents)
                for key, node in files.items():
                    for content in node.variants():
                        yield self._tree(names, {**contents, key: content})
                for path, folder in self.folders.items():
                    for length in range(1, len(folder.pending)):
                        yield self._tree({**names, path: folder.prefix(length)}, contents)

    def cut(self, chance: random.Random) -> Tree:
        """One of the states of `cuts`, by lot, for disks too large to go through them all."""
        files_kept, names_kept = chance.random() < 0.5, chance.random() < 0.5
        files = {id(node): node for folder in self.folders.values() for node in self._every(folder)}
        contents = {key: one.prefix(len(one.pending) * files_kept) for key, one in files.items()}
        names = {path: one.prefix(len(one.pending) * names_kept) for path, one in self.folders.items()}
        waiting = [key for key, node in files.items() if node.pending]
        folders = [path for path, folder in self.folders.items() if folder.pending]
        lot = chance.randrange(1 + 2 * len(waiting) + len(folders))
        if 0 < lot <= 2 * len(waiting):
            key = waiting[(lot - 1) // 2]
            node, number = files[key], chance.randrange(len(files[key].pending))
            contents[key] = chance.choice((
                lambda: node.prefix(number),
                lambda: node.prefix(number + 1, torn=number),
                lambda: node.prefix(len(node.pending), without=number),
                lambda: node.prefix(len(node.pending), torn=number),
            ))()  # fmt: skip
        elif lot:
            folder = folders[lot - 1 - 2 * len(waiting)]
            names[folder] = self.folders[folder].prefix(chance.randrange(len(self.folders[folder].pending) + 1))
        return self._tree(names, contents)

    @staticmethod
    def _every(folder: _Folder) -> Iterator[_File]:
        nodes = [*folder.durable.values(), *(node for _, node in folder.pending)]
        return (node for node in nodes if node is not None)

    @staticmethod
    def _tree(names: Mapping[str, Mapping[str, _File | None]], contents: Mapping[int, bytes]) -> Tree:
        tree: Tree = {}
        queue = [""]
        while queue:
            folder = queue.pop()
            for name, node in names[folder].items():
                path = f"{folder}/{name}" if folder else name
                if node is None:
                    queue.append(path)
                else:
                    tree[path] = contents[id(node)]
        return tree


def states(initial: Tree, ops: Sequence[Op]) -> Iterator[tuple[list[bytes], Tree]]:
    """Every state that a cut may leave, each once, with the marks that the process had printed by then."""
    disk, marks = Disk(initial), list[bytes]()
    seen: set[tuple[int, tuple[tuple[str, bytes], ...]]] = set()
    for op in [Op("mark"), *ops]:
        if op.data and op.kind == "mark":
            marks.append(op.data)
        disk.do(op)
        for tree in disk.cuts():
            key = (len(marks), tuple(sorted(tree.items())))
            if key not in seen:
                seen.add(key)
                yield list(marks), tree


def samples(initial: Tree, ops: Sequence[Op], number: int, chance: random.Random) -> Iterator[tuple[list[bytes], Tree]]:
    """That many states that a cut may leave, drawn evenly over syncs, changes of names, marks, and single writes."""
    events = [index for index, op in enumerate(ops) if op.kind not in ("write", "truncate")]
    writes = [index for index, op in enumerate(ops) if op.kind == "write"]
    at = Counter(chance.choice(events if turn % 3 else writes) for turn in range(number))
    disk, marks = Disk(initial), list[bytes]()
    for index, op in enumerate(ops):
        for _ in range(at[index]):  # the moment before this operation: all before it may still be pending
            yield list(marks), disk.cut(chance)
        if op.kind == "mark":
            marks.append(op.data)
        disk.do(op)
    yield list(marks), disk.cut(chance)
