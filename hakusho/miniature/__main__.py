"""`python -m hakusho.miniature`: serve the miniature until Ctrl-C and say where."""

from __future__ import annotations

import argparse
import sys
import threading

from hakusho.miniature import SOURCES, Miniature


def main() -> None:
    """Serve on loopback and print one line a source: its name and the value of base_url."""
    argparse.ArgumentParser(
        prog="python -m hakusho.miniature",
        description="Serve the miniature of the five sources on loopback until Ctrl-C; print source and base_url.",
        epilog='Example: python -m hakusho.miniature, then scrapy crawl egov -a base_url="…" -s DOWNLOAD_DELAY=0',
    ).parse_args()
    with Miniature() as miniature:
        for source in SOURCES:
            sys.stdout.write(f"{source}\t{miniature.base_url(source)}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
