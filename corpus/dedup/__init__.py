"""Exact and near duplicates: signatures, bands, verified edges, clusters, and which copy stays."""

from corpus.dedup.minhash import signatures
from corpus.dedup.shingles import shingle_hash, shingles

__all__ = ["shingle_hash", "shingles", "signatures"]
