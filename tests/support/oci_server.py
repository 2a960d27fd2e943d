"""A registry of containers on this machine: as much of OCI distribution as pushing and pulling needs, checked as it asks."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class Containers:
    """Blobs by digest, manifests by (repository, tag)."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.url = ""
        self.password: str | None = None


@contextmanager
def serve_containers() -> Iterator[Containers]:
    """Run such a registry."""
    state = Containers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def handle_any(self) -> None:
            data = self.body()
            parts = urlsplit(self.path)
            if state.password is not None and self.headers.get("Authorization") != state.password:
                self.reply(401, b"{}", WWW_Authenticate='Basic realm="test"')
                return
            repository, _, rest = parts.path.removeprefix("/v2/").partition("/blobs/")
            if rest:
                self.blob(repository, rest, data, parse_qs(parts.query))
                return
            repository, _, tag = parts.path.removeprefix("/v2/").partition("/manifests/")
            if tag:
                self.manifest(repository, tag, data)
                return
            if parts.path == "/v2/_catalog":
                self.reply(200, json.dumps({"repositories": sorted({name for name, _ in state.manifests})}).encode())
                return
            repository = parts.path.removeprefix("/v2/").removesuffix("/tags/list")
            tags = [tag for name, tag in state.manifests if name == repository]
            self.reply(200 if tags else 404, json.dumps({"name": repository, "tags": tags}).encode())

        def blob(self, repository: str, rest: str, data: bytes, query: dict[str, list[str]]) -> None:
            if self.command == "POST" and rest == "uploads/":
                self.reply(202, Location=f"/v2/{repository}/blobs/uploads/1?state=x")
            elif self.command == "PUT" and "digest" in query:
                digest = f"sha256:{sha256(data).hexdigest()}"
                if digest == query["digest"][0]:
                    state.blobs[digest] = data
                self.reply(201 if digest == query["digest"][0] else 400)
            else:
                self.reply(200 if rest in state.blobs else 404, state.blobs.get(rest, b""))

        def manifest(self, repository: str, tag: str, data: bytes) -> None:
            if self.command == "PUT":
                facts = json.loads(data)
                known = all(item["digest"] in state.blobs for item in (facts["config"], *facts["layers"]))
                if known:
                    state.manifests[repository, tag] = data
                self.reply(201 if known else 404)
            else:
                self.reply(200 if (repository, tag) in state.manifests else 404, state.manifests.get((repository, tag), b""))

        do_GET = do_HEAD = do_PUT = do_POST = handle_any  # noqa: N815  named by the protocol

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"oci://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
