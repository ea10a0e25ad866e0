"""As much of S3 as is needed, on this machine alone: put (also conditional), get (also of a range), head, list, delete."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class LoopbackS3(ThreadingHTTPServer):
    """Objects in memory, by ``/bucket/key``; ``puts`` are the keys in the order they were put, ``got`` the bytes that were read."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.got: Counter[str] = Counter()
        self.fails_after: int | None = None
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving() -> Iterator[LoopbackS3]:
    with LoopbackS3() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoopbackS3

    def log_message(self, format: str, *args: object) -> None:
        pass

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path)

    def answer(self, code: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self) -> None:
        content = self.body()
        with self.server.lock:
            there = self.server.objects.get(self.key)
            if self.server.fails_after is not None:
                self.server.fails_after -= 1
                if self.server.fails_after < 0:
                    return self.answer(403)
            if self.headers.get("If-None-Match") == "*" and there is not None:
                return self.answer(412)
            wanted = self.headers.get("If-Match")
            if wanted is not None and (there is None or wanted != etag(there)):
                return self.answer(412)
            self.server.objects[self.key] = content
            self.server.puts.append(self.key)
        return self.answer(200, ETag=etag(content))

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            return self.listing(query.get("prefix", [""])[0])
        with self.server.lock:
            content = self.server.objects.get(self.key)
        if content is None:
            return self.answer(404)
        about = {"ETag": etag(content), "Last_Modified": "Fri, 27 Nov 2026 12:00:00 GMT"}
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if part:
            start, end = int(part[1]), int(part[2]) + 1
            self.server.got[self.key] += len(content[start:end])
            return self.answer(
                206, content[start:end], Content_Range=f"bytes {start}-{end - 1}/{len(content)}", **about
            )
        self.server.got[self.key] += len(content)
        return self.answer(200, content, **about)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        with self.server.lock:
            self.server.objects.pop(self.key, None)
        self.answer(204)

    def do_POST(self) -> None:
        keys = re.findall(r"<Key>(.*?)</Key>", self.body().decode())
        with self.server.lock:
            for key in keys:
                self.server.objects.pop(f"{self.key.rstrip('/')}/{key}", None)
        gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self.answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def listing(self, prefix: str) -> None:
        root = self.key.rstrip("/") + "/"
        with self.server.lock:
            found = sorted((k[len(root) :], v) for k, v in self.server.objects.items() if k.startswith(root + prefix))
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-27T12:00:00.000Z</LastModified>"
            f"<ETag>{escape(etag(value))}</ETag><Size>{len(value)}</Size></Contents>"
            for key, value in found
        )
        self.answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode())
