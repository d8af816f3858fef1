"""Bytes to text: one reader a format, and `extract`, which finds the right one by content.

A reader is a pure function of bytes. Hostile and broken input gives an outcome, never an exception.
"""

from corpus.extract.dispatch import extract
from corpus.extract.model import Extracted, Section

__all__ = ["Extracted", "Section", "extract"]
