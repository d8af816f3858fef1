"""What the peers of the race do, each as its own documentation has it, with 16 bands of 8 rows and one core.

Run by the Python of the peers' own environment, so it knows nothing of Hakusho: `python dedup_peers.py NAME IN OUT`.
A contestant reads Parquet (id, text, lang) and gives each document the number of its cluster; all reading is inside
its time, imports and the loading of word models are outside.
"""

import json
import os
import resource
import struct
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow.parquet as pq

BANDS, ROWS, THRESHOLD = 16, 8, 0.7


class _Union:
    """Union-find; the least number is the root."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def find(self, item: int) -> int:
        """The root of an item."""
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, left: int, right: int) -> None:
        """Make one set of two."""
        low, high = sorted((self.find(left), self.find(right)))
        self.parent[high] = low

    def roots(self) -> list[int]:
        """The root of every item."""
        return [self.find(item) for item in range(len(self.parent))]


def read(path: str) -> list[str]:
    """The texts."""
    return pq.read_table(path, columns=["text"])["text"].to_pylist()


def grams(text: str) -> set[str]:
    """Code-point 5-grams of the text after NFKC, lower case and single blanks."""
    text = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def datasketch(path: str, hashfunc: Callable[[bytes], int] | None = None) -> list[int]:
    """Its MinHash of the race's 5-grams, one lookup a document, not verified."""
    from datasketch import MinHash, MinHashLSH

    texts = read(path)
    lsh, sets = MinHashLSH(num_perm=128, params=(BANDS, ROWS)), _Union(len(texts))
    words = {"hashfunc": hashfunc} if hashfunc else {}
    for row, text in enumerate(texts):
        made = MinHash(num_perm=128, **words)
        made.update_batch([gram.encode() for gram in grams(text)])
        for other in lsh.query(made):
            sets.join(row, other)
        lsh.insert(row, made, check_duplication=False)
    return sets.roots()


def datasketch_xxhash(path: str) -> list[int]:
    """With a faster hash of each shingle than its SHA-1."""
    import xxhash

    return datasketch(path, xxhash.xxh32_intdigest)


def rensa(path: str, tokens: Callable[[str], Iterable[str]] = grams) -> list[int]:
    """As datasketch above."""
    from rensa import RMinHash, RMinHashLSH

    texts = read(path)
    lsh, sets = RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=BANDS), _Union(len(texts))
    for row, text in enumerate(texts):
        made = RMinHash(num_perm=128, seed=42)
        made.update(list(tokens(text)))
        for other in lsh.query(made):
            sets.join(row, other)
        lsh.insert(row, made)
    return sets.roots()


def rensa_words(path: str) -> list[int]:
    """As its README has it."""
    return rensa(path, str.split)


def datatrove(path: str, tokens: Callable[[str], list[str]] | None = None) -> list[int]:
    """Its four stages, one task each, English and Japanese apart, each with its own word tokenizer."""
    table = pq.read_table(path)
    languages = table["lang"].to_pylist()
    roots = list(range(table.num_rows))
    for language, code in (("en", "eng"), ("ja", "jpn")):
        rows = [row for row, one in enumerate(languages) if one == language]
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "in").mkdir()
            pq.write_table(table.take(rows).select(["id", "text"]), f"{folder}/in/part.parquet")
            sizes = _datatrove_stages(folder, code, tokens)
        first: dict[int, int] = {}
        for place, cluster in sizes:
            roots[rows[place]] = first.setdefault(cluster, rows[place])
    return roots


def _datatrove_stages(folder: str, code: str, tokens: Callable[[str], list[str]] | None) -> list[tuple[int, int]]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    config = MinhashConfig(n_grams=5, num_buckets=BANDS, hashes_per_bucket=ROWS)
    sign = MinhashDedupSignature(f"{folder}/signatures", config=config, language=code)
    if tokens:
        sign.get_shingles = lambda text: _datatrove_grams(sign, tokens(text))
    stages = [
        ([ParquetReader(f"{folder}/in"), sign], 1),
        ([MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)], BANDS),
        ([MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config, save_cluster_id=True)], 1),
        ([ParquetReader(f"{folder}/in"), MinhashDedupFilter(f"{folder}/remove"), ParquetWriter(f"{folder}/out")], 1),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        for rank in range(tasks):
            executor = LocalPipelineExecutor(
                pipeline,
                tasks=tasks,
                workers=1,
                local_tasks=1,
                local_rank_offset=rank,
                logging_dir=f"{folder}/log{number}",
            )
            executor.run()
    name = Path(folder, "remove", "000000.clusters")
    data = name.read_bytes() if name.exists() else b""
    return list(struct.iter_unpack("<2I", data))


def _datatrove_grams(sign, grams_: list[str]):  # the stage's own hash of each shingle
    import numpy as np

    return np.fromiter((sign._hash_func(gram) for gram in grams_), dtype=np.uint64).reshape(-1, 1)  # noqa: SLF001


def datatrove_grams(path: str) -> list[int]:
    """The same with its tokenizer replaced by the race's own 5-grams."""
    return datatrove(path, lambda text: list(grams(text)))


def text_dedup(path: str) -> list[int]:
    """Its own command, run inside this process: words split at what is no letter, 5-grams of them."""
    from text_dedup import minhash

    with tempfile.TemporaryDirectory() as folder:
        words = ["--path", "parquet", "--data_files", path, "--split", "train", "--column", "text", "--output"]
        words += [f"{folder}/out", "--cache_dir", f"{folder}/cache", "--num_perm", "128", "--b", str(BANDS), "--r"]
        words += [str(ROWS), "--ngram", "5", "--min_length", "0", "--num_proc", "1", "--threshold", str(THRESHOLD)]
        minhash.main(words, standalone_mode=False)
    return [minhash.uf.find(row) for row in range(pq.read_metadata(path).num_rows)]


def _warm_datatrove() -> None:
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    load_word_tokenizer("eng").word_tokenize("one two")
    load_word_tokenizer("jpn").word_tokenize("白書を読む。")


CONTESTANTS = {
    "datasketch": (datasketch, ("datasketch",), None),
    "datasketch + xxhash": (datasketch_xxhash, ("datasketch", "xxhash"), None),
    "rensa": (rensa, ("rensa",), None),
    "rensa, split()": (rensa_words, ("rensa",), None),
    "datatrove": (datatrove, ("datatrove.executor", "datatrove.pipeline.dedup.minhash"), _warm_datatrove),
    "datatrove, 5-grams": (datatrove_grams, ("datatrove.executor", "datatrove.pipeline.dedup.minhash"), None),
    "text-dedup": (text_dedup, ("text_dedup.minhash",), None),
}


def main(name: str, path: str, out: str) -> None:
    """Run one contestant."""
    import importlib

    function, modules, warm = CONTESTANTS[name]
    for module in modules:
        importlib.import_module(module)
    if warm:
        warm()
    times, start = os.times(), time.perf_counter()
    roots = function(path)
    now = os.times()
    cpu = sum(now[:4]) - sum(times[:4])
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    result = {"cpu": cpu, "wall": time.perf_counter() - start, "peak_mb": peak * 1024 / 1e6, "roots": roots}
    Path(out).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
