"""Readers that misbehave, for the sandbox to end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
import time

from corpus.extract import Extracted
from corpus.extract.model import failure


def greedy() -> Extracted:
    """Asks for memory without end."""
    kept = []
    while True:
        kept.append(bytearray(2**26))


def burn() -> Extracted:
    """Computes without end."""
    while True:
        pass


def patient() -> Extracted:
    """Waits without end."""
    time.sleep(600)
    return failure("empty", "")


def crash() -> Extracted:
    """Reads where no memory is."""
    ctypes.string_at(1)
    return failure("empty", "")


def babble() -> Extracted:
    """Says something of its own on every socket that it finds."""
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, struct.pack("<QQ", 4, 0) + b"oops")
    return failure("empty", "")
