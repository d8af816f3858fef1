"""Runs `scrapy crawl` again and again, each in a child of a process that has imported everything once.

A crawl of a tiny site takes less time than its imports; a fork has them already, and is a process like any other: its
own reactor, its own exit status. One JSON line a crawl on stdin ({"words", "folder", "environment", "out", "err"}), one
with its exit status on stdout. Settings read the environment when they are imported, so that is left to the children.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
import warnings

import pandas as pd  # noqa: F401 - pyarrow does where it is at hand
import scrapy.cmdline
import scrapy.commands
import scrapy.core
import scrapy.downloadermiddlewares
import scrapy.extensions
import scrapy.pipelines
import scrapy.spidermiddlewares

import crawlers

_SETTINGS = "crawlers.settings"
_PACKAGES = (crawlers, scrapy.commands, scrapy.core, scrapy.downloadermiddlewares, scrapy.extensions, scrapy.pipelines,
             scrapy.spidermiddlewares)  # fmt: skip


def main() -> None:
    """Serve until stdin ends."""
    with warnings.catch_warnings(action="ignore"):  # some of Scrapy's parts say that they are old; nothing uses them
        for package in _PACKAGES:
            for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if found.name != _SETTINGS and "http2" not in found.name:
                    importlib.import_module(found.name)
    assert _SETTINGS not in sys.modules, "it has read the environment of this process"
    assert "twisted.internet.reactor" not in sys.modules, "a reactor does not survive a fork"
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if not child:
            _crawl(**wanted)
        sys.stdout.write(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) + "\n")
        sys.stdout.flush()


def _crawl(*, words: list[str], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    """Become the crawl, and leave as it does."""
    for target, path in ((0, os.devnull), (1, out), (2, err)):
        file = os.open(path, os.O_RDONLY if target == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, target)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["scrapy", *words]
    scrapy.cmdline.execute()
    sys.exit()


if __name__ == "__main__":
    main()
