"""Streams of tokens on disk, and blocks cut out of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from train_samples import law_rows, write

from corpus.base.errors import CorruptFileError
from corpus.base.workspace import Workspace
from train.data import dataset
from train.models import bases, loading
from train.models.bases import Base
from train.packing import tokens
from train.packing.tokens import Blocks, stream


@given(st.lists(st.lists(st.integers(3, 99), max_size=30), min_size=1, max_size=12), st.integers(2, 17))
def test_packing_loses_nothing(documents: list[list[int]], length: int) -> None:
    """Blocks hold every token once, in order, each document closed; labels leave out only the padding.

    No block is without a token to predict: an end that would stand alone in the last one is left out.
    """
    blocks = Blocks(stream(documents, 1), length, 1)
    ids, labels = blocks.take(range(len(blocks)))
    wanted = [token for document in documents for token in (*document, 1)]
    if len(wanted) % length == 1:
        wanted.pop()
    assert ids.shape == labels.shape == (len(blocks), length)
    assert ids.ravel()[: len(wanted)].tolist() == wanted
    assert labels.ravel()[: len(wanted)].tolist() == wanted
    assert (labels.ravel()[len(wanted) :] == -100).all()
    assert ids.size - len(wanted) < length
    assert blocks.tokens == len(wanted)
    assert (labels[:, 1:] != -100).any(axis=1).all()


def test_fewer_blocks_at_even_distances() -> None:
    """at_most takes so many blocks from beginning to end, or all; tokens counts those alone."""
    blocks = Blocks(stream([list(range(3, 3 + 99))], 1), 10, 1)
    some = blocks.at_most(3)
    assert some.take(range(3))[0][:, 0].tolist() == [3, 43, 93]
    assert some.tokens == 30
    assert np.array_equal(blocks.at_most(100).take(range(10))[0], blocks.take(range(10))[0])


def settings(base: Base) -> dict[str, object]:
    """The configuration of the streams of the law text."""
    sha256 = bases.fingerprint(base)
    return {"base": str(base.folder), "base_sha256": sha256, "domain": "law_policy", "include": []}


def test_streams_hold_each_document_and_are_made_once(
    make_workspace: Callable[[str], Workspace], small_base: Base
) -> None:
    """The stream decodes to the documents in the order of the shard; nothing is redone until a shard changes."""
    workspace = make_workspace("w")
    paths = dataset.shards(workspace)
    folder = tokens.ensure(workspace, paths, settings(small_base))
    streams = tokens.open_streams(folder)
    assert streams.train.dtype == np.dtype("<u2")
    tokenizer = loading.load_tokenizer(small_base)
    texts = [text + "<|endoftext|>" for text in dataset.texts(paths, {str(r["id"]) for r in law_rows(10)})]
    assert len(texts) == streams.report["documents"] == 10
    assert tokenizer.decode(streams.train.tolist()) == "".join(texts)
    own = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    assert streams.train.tolist() == [token for document in own for token in document]
    assert (streams.held_out == streams.end).sum() == streams.report["held_out_documents"] == 2
    made = [path.stat().st_mtime_ns for path in tokens.files(folder)]
    tokens.ensure(workspace, paths, settings(small_base))
    assert [path.stat().st_mtime_ns for path in tokens.files(folder)] == made
    write(workspace, "data", "train", law_rows(4))
    assert tokens.open_streams(tokens.ensure(workspace, paths, settings(small_base))).report["documents"] == 4
    (folder / "index.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorruptFileError, match="no readable streams"):
        tokens.open_streams(folder)
