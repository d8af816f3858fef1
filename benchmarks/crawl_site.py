"""A site on loopback for benchmarks/crawl.py: robots.txt, a year's page with all links, and the pages. Prints its port.

Usage: python -m benchmarks.crawl_site PAGES
"""

from __future__ import annotations

import asyncio
import sys

BASE = "/j/press/wp"
_SENTENCE = "この文は試験のために書かれた短い文であり、実在の文書とは何の関係もない。"


def answers(pages: int) -> dict[str, bytes]:
    """Path -> the whole answer; a page is about ten kilobytes of HTML."""
    names = [f"n{number:06d}" for number in range(pages)]
    links = "".join(f'<li><a href="html/{name}.html">第{name}節</a></li>' for name in names)
    made = {
        "/robots.txt": _answer(b"User-agent: *\nDisallow: /a/\n", "text/plain"),
        f"{BASE}/index.html": _page("防衛白書", f'<a href="{BASE}/wp2024/w2024_00.html">2024</a>'),
        f"{BASE}/wp2024/w2024_00.html": _page("2024年版", f"<ul>{links}</ul>"),
    }
    for name in names:
        body = "".join(f"<p>{_SENTENCE * 4}{name}の{part}番目の段落である。</p>" for part in range(20))
        crumbs = '<p id="breadcrumb">防衛白書トップ &gt; 第I部 試験の環境 &gt; 第1章 試験の章</p>'
        made[f"{BASE}/wp2024/html/{name}.html"] = _page(name, f'{crumbs}<div id="main"><h2>{name}の節</h2>{body}</div>')
    return made


def _page(title: str, body: str) -> bytes:
    head = f'<!DOCTYPE html><html lang="ja"><head><meta charset="UTF-8"><title>{title}</title></head>'
    return _answer(f"{head}<body>{body}</body></html>".encode(), "text/html; charset=UTF-8")


def _answer(body: bytes, kind: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(pages: int) -> None:
    """Answer until the process is ended."""
    made, missing = answers(pages), _answer(b"no such page", "text/plain", "404 Not Found")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(made.get(head.split(b" ", 2)[1].decode(), missing))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
