"""The server and its client: caching, ranges, hostile requests (R41), damage under a running server (R42), lying servers."""

from __future__ import annotations

import os
import random
import socket
import socketserver
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from miden.errors import FormatError, IntegrityError, NotFoundError, StorageError
from miden.store.envelope import object_id
from miden.store.keys import ObjectKey
from miden.store.opening import open_store
from miden.store.providers.http import HttpProvider, frame
from miden.store.providers.memory import MemoryProvider
from miden.store.store import ObjectStore
from tests.support.objects import block_forest, key_of, stored
from tests.support.store import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from miden.mast.forest import MastForest

REQUESTS = int(os.environ.get("MIDEN_HTTP_REQUESTS", "2000"))
"""Malformed requests, and ten times as many as requests to a damaged store; 100,000 before a release."""


def forests(count: int) -> list[MastForest]:
    return [block_forest(number, length=8) for number in range(count)]


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def served(client: httpx.Client) -> Iterator[tuple[str, ObjectStore, list[ObjectKey]]]:
    store = ObjectStore([MemoryProvider()])
    keys = [ObjectKey.code(root) for forest in forests(20) for root in store.insert(forest)]
    with serving(store) as url:
        yield url, store, keys


# -- what HTTP offers


def test_an_object_is_served_with_its_id_as_tag_and_may_be_kept_for_ever(
    client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]]
) -> None:
    url, store, keys = served
    for key in keys:
        answer = client.get(f"{url}/v1/objects/{key}")
        data = store.get_bytes(key)
        assert answer.status_code == 200
        assert answer.content == data
        assert answer.headers["etag"] == f'"{object_id(data).hex()}"'
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["accept-ranges"] == "bytes"
        head = client.head(f"{url}/v1/objects/{key}")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))


@pytest.mark.parametrize("pattern", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_already_gets_304_without_a_body(
    client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]], pattern: str
) -> None:
    url, store, keys = served
    tag = f'"{object_id(store.get_bytes(keys[0])).hex()}"'
    answer = client.get(f"{url}/v1/objects/{keys[0]}", headers={"if-none-match": pattern.format(tag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.get(f"{url}/v1/objects/{keys[0]}", headers={"if-none-match": '"another"'}).status_code == 200


def test_every_range_of_an_object(client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]]) -> None:
    url, store, keys = served
    data = store.get_bytes(keys[0])
    size = len(data)
    rng = random.Random(5)
    for _ in range(60):
        start, end = sorted((rng.randrange(size), rng.randrange(size + 20)))
        answer = client.get(f"{url}/v1/objects/{keys[0]}", headers={"range": f"bytes={start}-{end}"})
        assert (answer.status_code, answer.content) == (206, data[start : end + 1])
        assert answer.headers["content-range"] == f"bytes {start}-{min(end, size - 1)}/{size}"
        assert client.get(f"{url}/v1/objects/{keys[0]}", headers={"range": f"bytes={start}-"}).content == data[start:]
        if end:
            assert client.get(f"{url}/v1/objects/{keys[0]}", headers={"range": f"bytes=-{end}"}).content == data[-end:]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("bytes=0-0", 206),
        ("bytes=100000-", 416),
        ("bytes=-0", 416),
        ("bytes=5-2", 200),
        ("bytes=0-1,3-4", 200),
        ("lines=1-2", 200),
        ("bytes=", 200),
        ("bytes=-", 200),
        ("bytes=0x1-2", 200),
        ("bytes=99999999999999999999-", 200),
    ],
)
def test_odd_ranges(client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]], header: str, status: int) -> None:
    url, store, keys = served
    answer = client.get(f"{url}/v1/objects/{keys[0]}", headers={"range": header})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(store.get_bytes(keys[0]))}"


def test_a_range_of_another_version_is_answered_with_everything(
    client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]]
) -> None:
    url, store, keys = served
    tag = f'"{object_id(store.get_bytes(keys[0])).hex()}"'
    for condition, status in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200)):
        answer = client.get(f"{url}/v1/objects/{keys[0]}", headers={"range": "bytes=0-9", "if-range": condition})
        assert answer.status_code == status


def test_errors_are_json_with_a_kind(client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]]) -> None:
    url, _, keys = served
    for method, path, status, kind in (
        ("GET", "/v1/objects/0x" + "00" * 32, 404, "ObjectNotFound"),
        ("GET", "/v1/objects/nonsense", 400, "InvalidRoot"),
        ("GET", "/v1/keys?after=zz", 400, "InvalidRoot"),
        ("GET", "/nothing", 404, "HttpError"),
        ("DELETE", f"/v1/objects/{keys[0]}", 405, "HttpError"),
        ("PUT", f"/v1/objects/{keys[0]}", 405, "HttpError"),
        ("POST", "/v1/objects", 400, "InvalidRoot"),
    ):
        answer = client.request(method, url + path, content=b"123" if method == "POST" else None)
        assert answer.status_code == status
        assert answer.json()["error"]["kind"] == kind
        assert answer.headers["cache-control"] == "no-store"
    assert client.post(f"{url}/v1/objects", content=bytes(36 * 4097)).status_code == 413


def test_health_and_metrics(client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]]) -> None:
    url, _, keys = served
    assert client.get(f"{url}/healthz").json() == {"status": "ok"}
    for _ in range(3):
        client.get(f"{url}/v1/objects/{keys[0]}")
    client.get(f"{url}/v1/objects/0x" + "00" * 32)
    text = client.get(f"{url}/metrics").text
    assert 'miden_http_requests_total{endpoint="/v1/objects",status="200"} 3.0' in text
    assert 'miden_http_requests_total{endpoint="/v1/objects",status="404"} 1.0' in text
    assert "miden_cache_bodies_hits_total 2.0" in text
    assert 'miden_provider_found_total{provider="memory"} 1.0' in text
    assert "miden_http_seconds_bucket" in text


def test_no_more_requests_are_let_in_than_can_be_served() -> None:
    class Slow(MemoryProvider):
        def get(self, key: ObjectKey) -> bytes | None:
            entered.set()
            assert go.wait(30)
            return super().get(key)

    entered, go = threading.Event(), threading.Event()
    with serving(ObjectStore([Slow()]), max_requests=1) as url:
        statuses: list[int] = []
        absent = f"{url}/v1/objects/0x{'00' * 32}"
        waiting = threading.Thread(target=lambda: statuses.append(httpx.get(absent, trust_env=False).status_code))
        waiting.start()
        assert entered.wait(30)
        refused = httpx.get(f"{url}/healthz", trust_env=False)
        go.set()
        waiting.join(30)
    assert (refused.status_code, refused.json()["error"]["kind"], refused.headers["retry-after"]) == (503, "Overloaded", "1")
    assert statuses == [404]


# -- R41: hostile requests


METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"\x00", b"G" * 300, b"get", b"OPTIONS", b"PRI", b"")
PATHS = (
    b"/v1/objects/" + b"f" * 64,
    b"/v1/objects/../../etc/passwd",
    b"/v1/objects/%2e%2e%2f%00",
    b"/v1/objects/" + b"9" * 5000,
    b"/v1/objects",
    b"/v1/contains",
    b"/v1/keys?after=" + b"%ff" * 20,
    b"/v1/stat",
    b"/metrics",
    b"//",
    b"*",
    b"http://elsewhere/v1/stat",
    b"/\xff\xfe",
    b"/v1/objects/4294967296:0x" + b"0" * 64,
    b"/v1/objects/0x" + b"f" * 64,
)
HEADERS = (
    b"Range: bytes=" + b"9" * 400 + b"-",
    b"Range: bytes=0-,0-,0-,0-",
    b"If-None-Match: " + b'"x",' * 300,
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Expect: 100-continue",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"X: " + b"a" * 20000,
    b"\xff\xff: \xff",
    b": empty",
    b"no colon",
    b"Host: a\r\nHost: b",
    b"Connection: close",
)


def hostile_request(rng: random.Random) -> bytes:
    lines = [b" ".join((rng.choice(METHODS), rng.choice(PATHS), rng.choice((b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"", b"FTP/1.1"))))]
    lines += [b"Host: localhost"] * rng.randrange(2) + rng.choices(HEADERS, k=rng.randrange(4))
    data = bytearray(b"\r\n".join(lines) + b"\r\n\r\n" + rng.randbytes(rng.choice((0, 0, 7, 36, 500))))
    for _ in range(rng.choice((0, 0, 1, 3))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(len(data)) + 1]) if rng.random() < 0.2 else bytes(data)


def test_hostile_requests_are_answered_or_refused_and_the_server_lives(
    client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]]
) -> None:
    url, store, keys = served
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    rng = random.Random(41)
    surprises = []
    statuses: dict[bytes, int] = {}
    for number in range(REQUESTS):
        request = hostile_request(rng)
        with socket.create_connection(address, timeout=30) as connection:
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while len(answer) < 2**20 and (piece := connection.recv(65536)):
                    answer += piece
            except (ConnectionResetError, BrokenPipeError):
                answer = b""
        status = answer[9:12]
        statuses[status] = statuses.get(status, 0) + 1
        if status.startswith(b"5") and b'"kind"' not in answer:
            surprises.append((request, answer[:300]))
        if number % 500 == 0:
            assert client.get(f"{url}/v1/objects/{keys[0]}").content == store.get_bytes(keys[0])
    assert surprises == []
    assert statuses.get(b"500", 0) == 0
    assert statuses[b"400"] > REQUESTS / 20
    assert client.get(f"{url}/healthz").json() == {"status": "ok"}


def test_who_goes_away_before_the_end_is_no_error_of_the_server(
    client: httpx.Client, served: tuple[str, ObjectStore, list[ObjectKey]], caplog: pytest.LogCaptureFixture
) -> None:
    url, _, _ = served
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    for path in (b"/v1/objects", b"/v1/contains"):
        with socket.create_connection(address, timeout=30) as connection:
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 36\r\n\r\n" + bytes(5))
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1000) == b""  # nobody is there to be answered
    text = client.get(f"{url}/metrics").text
    for endpoint in ("/v1/objects", "/v1/contains"):
        assert f'miden_http_requests_total{{endpoint="{endpoint}",status="400"}} 1.0' in text
    assert caplog.records == []


# -- R42: damage under a running server


def test_what_is_damaged_on_disk_is_never_served_and_heals_from_a_copy(client: httpx.Client, tmp_path: Path) -> None:
    copy = MemoryProvider("copy", local=False)
    objects = forests(40)
    copy.put_many(map(stored, objects))
    store = open_store(tmp_path / "store", create=True, remotes=[copy])
    keys = [ObjectKey.code(root) for forest in objects for root in store.insert(forest)]
    expected = {key: store.get_bytes(key) for key in keys}
    lost = set(keys[::4])
    for key in lost:
        copy.remove([key])
    rng = random.Random(42)
    statuses: dict[int, int] = {}
    with serving(store, cache_bytes=1) as url:  # nothing is kept in memory: each request goes to the disk
        for number in range(REQUESTS // 10):
            if number % 10 == 0:
                _damage(tmp_path / "store" / "objects", rng)
            key = rng.choice(keys)
            answer = client.get(f"{url}/v1/objects/{key}")
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            if answer.status_code == 200:
                assert object_id(answer.content) == object_id(expected[key])
            else:
                assert key in lost  # all others are fetched again
                assert answer.status_code in (404, 503)
                assert answer.json()["error"]["kind"]
    assert statuses[200] > REQUESTS / 20
    assert statuses.get(503, 0) > 0
    assert store.counters.providers[str(tmp_path / "store")].refused > 0
    store.close()


def _damage(folder: Path, rng: random.Random) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        return
    path = rng.choice(paths)
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.chmod(0o644)
    path.write_bytes(data[: rng.randrange(1, len(data))] if rng.random() < 0.2 else data)


# -- servers that lie


@contextmanager
def lying(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that reads a request and then does as it likes."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                while b"\r\n\r\n" not in self.request.recv(65536):
                    pass
                answer(self.request)
            except OSError:  # the client has had enough
                pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(30)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"


def endless(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(bytes(65536))


def dripping(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    stop = threading.Event()
    while not stop.wait(0.02):
        connection.sendall(b"x")


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def cut(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n" + bytes(10))


def compressed(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")


def redirecting(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")


def failing(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")


def babbling(connection: socket.socket) -> None:
    connection.sendall(b"I am no server at all\r\n\r\n")


def nonsense(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 8\r\n\r\nnonsense")


LIARS = {
    endless: "AnswerTooLarge",
    dripping: "TooSlow",
    silent: "TooSlow",
    cut: "ConnectionFailed",
    compressed: "UnexpectedEncoding",
    redirecting: "UnexpectedStatus",
    failing: "UnexpectedStatus",
    babbling: "ConnectionFailed",
}


@pytest.mark.parametrize("answer", LIARS, ids=lambda answer: answer.__name__)
def test_a_lying_server_is_refused_in_time_and_the_next_one_is_asked(answer: Callable[[socket.socket], None]) -> None:
    honest = MemoryProvider("honest", local=False)
    [forest] = forests(1)
    honest.put_many([stored(forest)])
    key = key_of(forest)
    with lying(answer) as url:
        provider = HttpProvider(url, timeout=0.4, deadline=0.5, max_bytes=2**20)
        begin = time.monotonic()
        for ask in (lambda: provider.get(key), lambda: provider.get_many([key]), provider.stat, lambda: list(provider.keys())):
            with pytest.raises(StorageError) as caught:
                ask()
            assert caught.value.kind == LIARS[answer]
            assert caught.value.provider == url
        assert time.monotonic() - begin < 20
        store = ObjectStore([provider, honest])
        assert store.get(key) == forest
        with pytest.raises(NotFoundError) as missing:
            ObjectStore([provider]).get(key)
        assert url in missing.value.message
        store.close()


def test_a_server_that_sends_nonsense_is_not_believed() -> None:
    key = key_of(forests(1)[0])
    with lying(nonsense) as url:
        provider = HttpProvider(url)
        assert provider.get(key) == b"nonsense"
        with pytest.raises(IntegrityError, match="not it"):
            ObjectStore([provider]).get(key)
        for ask in (lambda: provider.get_many([key]), provider.stat, lambda: list(provider.keys())):
            with pytest.raises(FormatError):
                ask()
        provider.close()


def test_a_server_that_sends_what_was_not_asked_for_is_ignored() -> None:
    first, second = map(stored, forests(2))
    body = frame(second.keys, second.data)

    def other(connection: socket.socket) -> None:
        connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    with lying(other) as url:
        provider = HttpProvider(url)
        assert provider.get_many(first.keys) == {}
        provider.close()


@pytest.mark.parametrize("url", ["ftp://x", "x", "", "file:///etc/passwd"])
def test_a_place_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        HttpProvider(url)
    assert caught.value.kind == "UnknownLocation"


def test_a_client_that_was_closed_says_so() -> None:
    provider = HttpProvider("http://127.0.0.1:1")
    with pytest.raises(StorageError) as caught:
        provider.get(ObjectKey(0, bytes(32)))
    assert caught.value.kind == "ConnectionFailed"
    provider.close()
    with pytest.raises(StorageError) as caught:
        provider.get(ObjectKey(0, bytes(32)))
    assert caught.value.kind == "Closed"
