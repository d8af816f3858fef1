"""The one exception tree.

    HakushoError                 exit status 1
    ├── UsageError               exit status 2: the call itself is wrong
    │   └── ConfigError          an unknown or unfit configuration value
    ├── InputError               something the user gave is missing or unreadable
    │   ├── CorruptFileError     a file is there and is not what it should be
    │   └── EmptyInputError      there is nothing to work on
    ├── StorageError             the disk refused: full, read-only, fsync failed
    ├── LedgerError              rows went missing, or a filter dropped everything
    ├── WorkerError              a worker process died again and again on one unit
    ├── LicenceError             rows whose licence does not allow this use
    ├── HarvestError             a crawl could not start or ended below what was asked
    └── TrainingError            a model could not be loaded, trained or saved

A message is one line and says what happened, where, and what to do about it.

>>> raise InputError("no such file: a.parquet; give a Parquet or JSONL file")
Traceback (most recent call last):
    ...
corpus.base.errors.InputError: no such file: a.parquet; give a Parquet or JSONL file
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "CorruptFileError",
    "EmptyInputError",
    "HakushoError",
    "HarvestError",
    "InputError",
    "LedgerError",
    "LicenceError",
    "StorageError",
    "TrainingError",
    "UsageError",
    "WorkerError",
]


class HakushoError(Exception):
    """The root: every error that a user can meet is one of these; `exit_code` is the process's exit status."""

    exit_code = 1


class UsageError(HakushoError):
    """The call is wrong: an unknown option, a contradiction."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration key is unknown or its value does not fit."""


class InputError(HakushoError):
    """Something the user named is missing or cannot be read."""


class CorruptFileError(InputError):
    """A file exists and is truncated, altered or of another format."""


class EmptyInputError(InputError):
    """There is nothing to work on, and nothing would come out of it."""


class StorageError(HakushoError):
    """The file system refused a write; nothing was committed."""


class LedgerError(HakushoError):
    """The books do not balance: `in` is not `kept + dropped`, or everything was dropped."""


class WorkerError(HakushoError):
    """A unit of work killed its worker process more often than is worth trying."""


class LicenceError(HakushoError):
    """Rows without a licence, or with one that forbids the use asked for."""


class HarvestError(HakushoError):
    """A crawl could not start, or brought nothing."""


class TrainingError(HakushoError):
    """A model could not be loaded, trained, saved or exported."""
