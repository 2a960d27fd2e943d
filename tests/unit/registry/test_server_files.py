"""R42: ranges, conditions and caching as HTTP has them, and nothing wrong is ever sent after damage on the disk.

MIDEN_REQUESTS sets how many requests are sent while files are being damaged.
"""

from __future__ import annotations

import os
import random
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx
import pytest

from miden.errors import InputError
from miden.registry.server import catalog as catalog_module
from miden.registry.server.app import Settings
from miden.registry.server.verifying import verify_catalog
from tests.support.packages import package_bytes
from tests.support.registry_server import RunningRegistry, make_catalog, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = int(os.environ.get("MIDEN_REQUESTS", "300"))
PACKAGES = {name: package_bytes(name, value=number) for number, name in enumerate(("one", "two", "three", "four", "five"))}
DIGESTS = {sha256(data).hexdigest(): data for data in PACKAGES.values()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path, settings=Settings(cache=0, rate=0, publish_rate=0)) as running:
        for data in PACKAGES.values():
            running.catalog.publish(data)
        yield running


@pytest.fixture
def http(server: RunningRegistry) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def file_of(server: RunningRegistry, digest: str) -> Path:
    return server.catalog.folder / "files" / digest[:2] / digest


def damage(path: Path, generator: random.Random) -> None:
    """Change a file as a bad disk does, the times of it included or not."""
    facts = path.stat()
    data = bytearray(path.read_bytes())
    kind = generator.randrange(4)
    if kind == 0:
        data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    elif kind == 1:
        del data[generator.randrange(len(data)) :]
    elif kind == 2:
        data += b"more"
    else:
        data = bytearray(len(data))
    path.chmod(0o644)
    path.write_bytes(data)
    if generator.randrange(2):
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_no_damaged_package_is_ever_sent(server: RunningRegistry, http: httpx.Client) -> None:
    """Files are damaged while they are asked for: every body has the hash it was asked for by, or there is none and a 503.

    A damaged file is set aside; publishing the same bytes again mends it.
    """
    generator = random.Random(7)
    wrong = refused = mended = 0
    for number in range(REQUESTS):
        digest = generator.choice(list(DIGESTS))
        if number % 20 == 0 and file_of(server, digest).exists():
            damage(file_of(server, digest), generator)
        answer = http.get(f"/v1/files/{digest}")
        if answer.status_code == 503:
            refused += 1
            assert answer.json()["error"]["kind"] == "Damaged"
            assert answer.headers["retry-after"]
            if refused % 3 == 0:
                answer = http.post(
                    "/v1/packages", content=b"\0\0\0\0" + DIGESTS[digest], headers={"authorization": f"Bearer {server.token}"}
                )
                assert answer.status_code == 200
                mended += 1
                assert http.get(f"/v1/files/{digest}").content == DIGESTS[digest]
        else:
            wrong += answer.status_code != 200 or sha256(answer.content).hexdigest() != digest
    assert wrong == 0
    assert refused > REQUESTS / 50
    assert mended > 0
    assert list((server.catalog.folder / "damaged").iterdir())


def test_without_the_hash_a_damaged_package_would_be_sent(
    server: RunningRegistry, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = next(iter(DIGESTS))
    path = file_of(server, digest)
    path.chmod(0o644)
    path.write_bytes(b"x" * len(DIGESTS[digest]))
    monkeypatch.setattr(catalog_module, "sha256", lambda data=b"": type("Any", (), {"hexdigest": lambda self: digest})())
    assert http.get(f"/v1/files/{digest}").content == b"x" * len(DIGESTS[digest])


def test_what_is_in_memory_is_right_whatever_happens_to_the_disk(tmp_path: Path) -> None:
    with running_registry(tmp_path) as server, httpx.Client(base_url=server.url) as http:
        entry, _ = server.catalog.publish(PACKAGES["one"])
        assert http.get(f"/v1/files/{entry.sha256}").content == PACKAGES["one"]
        file_of(server, entry.sha256).unlink()
        assert http.get(f"/v1/files/{entry.sha256}").content == PACKAGES["one"]


def test_a_damaged_index_file_is_not_sent(server: RunningRegistry, http: httpx.Client) -> None:
    with server.catalog.database.writing() as connection:
        path = connection.execute("SELECT value FROM settings WHERE name = 'target index/one'").fetchone()[0]
        connection.execute("UPDATE targets SET data = ? WHERE path = ?", (b"damaged", path))
    answer = http.get(f"/v1/targets/{path}")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "Damaged")


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    """Pages of the database are overwritten: an error with a code, and afterwards the check says so."""
    from miden.errors import MidenError
    from miden.registry.server.catalog import Catalog

    catalog = make_catalog(tmp_path / "registry")
    for data in PACKAGES.values():
        catalog.publish(data)
    catalog.close()
    path = tmp_path / "registry" / "registry.db"
    data = bytearray(path.read_bytes())
    for at in range(3 * 4096, len(data), 4096):
        data[at : at + 64] = os.urandom(64)
    path.write_bytes(data)
    try:
        damaged = Catalog(tmp_path / "registry")
        problems = verify_catalog(damaged, tmp_path / "state").problems
        damaged.close()
    except MidenError as error:
        assert error.kind == "DamagedDatabase"
    else:
        assert problems


@pytest.mark.parametrize("failure", [OSError(28, "no space left"), InputError("no key", kind="MissingKey")])
def test_what_still_holds_is_served_if_nothing_can_be_signed(
    server: RunningRegistry, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """A full disk or missing keys stop publishing, not reading."""

    def fail(*_arguments: object, **_more: object) -> None:
        raise failure

    monkeypatch.setattr(server.catalog, "refresh", fail)
    monkeypatch.setattr(server.catalog, "_repository", fail)
    client = server.client()
    entry = client.versions("one")[0]
    assert client.fetch(entry) == PACKAGES["one"]
    answer = http.post("/v1/packages", content=b"\0\0\0\0" + package_bytes("new"), headers={"authorization": f"Bearer {server.token}"})
    assert answer.status_code in (503, 507)
    assert answer.json()["error"]["kind"] in ("DiskFull", "MissingKey")
    assert server.catalog.counts() == (5, 5)


RANGES = {
    "bytes=0-": (206, slice(0, None)),
    "bytes=5-9": (206, slice(5, 10)),
    "bytes=-10": (206, slice(-10, None)),
    "bytes=10-99999999": (206, slice(10, None)),
    "bytes=99999999-": (416, None),
    "bytes=-0": (416, None),
    "bytes=9-5": (200, slice(None)),
    "bytes=a-b": (200, slice(None)),
    "bytes=0-1,3-4": (200, slice(None)),
    "lines=0-1": (200, slice(None)),
    "bytes=-": (200, slice(None)),
}


@pytest.mark.parametrize("span", RANGES)
def test_ranges(server: RunningRegistry, http: httpx.Client, span: str) -> None:
    digest, data = next(iter(DIGESTS.items()))
    answer = http.get(f"/v1/files/{digest}", headers={"range": span})
    status, part = RANGES[span]
    assert answer.status_code == status
    if part is None:
        assert answer.headers["content-range"] == f"bytes */{len(data)}"
        return
    assert answer.content == data[part]
    if status == 206:
        start = data.index(data[part])
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(data[part]) - 1}/{len(data)}"


def test_conditions_and_caching(server: RunningRegistry, http: httpx.Client) -> None:
    digest, data = next(iter(DIGESTS.items()))
    url = f"/v1/files/{digest}"
    answer = http.get(url)
    assert answer.headers["etag"] == f'"{digest}"'
    assert "immutable" in answer.headers["cache-control"]
    for known in (f'"{digest}"', f'W/"{digest}"', f'"x", "{digest}"', "*"):
        again = http.get(url, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert http.get(url, headers={"if-none-match": '"other"'}).content == data
    assert http.get(url, headers={"range": "bytes=0-1", "if-range": '"other"'}).status_code == 200
    assert http.get(url, headers={"range": "bytes=0-1", "if-range": f'"{digest}"'}).status_code == 206
    head = http.head(url)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")
    timestamp = http.get("/v1/metadata/timestamp.json")
    assert timestamp.headers["cache-control"] == "no-cache"
    assert http.get("/v1/metadata/timestamp.json", headers={"if-none-match": timestamp.headers["etag"]}).status_code == 304
    index = http.get("/v1/index/one")
    assert http.get("/v1/index/one", headers={"if-none-match": index.headers["etag"]}).status_code == 304
    server.catalog.publish(package_bytes("one", "2.0.0"))
    assert http.get("/v1/index/one", headers={"if-none-match": index.headers["etag"]}).status_code == 200


def test_a_large_package_is_sent_in_pieces(tmp_path: Path) -> None:
    from miden.package.package import Section
    from tests.support.packages import make_package

    package = make_package("large")
    noise = random.Random(1).randbytes(2**20)
    large = type(package)("large", package.artifact, version="1.0.0", sections=[Section("noise", noise)]).to_bytes()
    with running_registry(tmp_path) as server:
        entry = server.client().publish(large)
        assert server.client("other").fetch(entry) == large


def test_the_check_of_a_registry_finds_every_damage_and_goes_on(server: RunningRegistry, tmp_path: Path) -> None:
    assert verify_catalog(server.catalog, tmp_path / "state") == (5, 5, [])
    for name in ("one", "three"):
        path = file_of(server, sha256(PACKAGES[name]).hexdigest())
        path.chmod(0o644)
        path.write_bytes(PACKAGES["five"])
    with server.catalog.database.writing() as connection:
        connection.execute("UPDATE versions SET line = replace(line, '\"yanked\":null', '\"yanked\":\"x\"') WHERE name = 'four'")
        connection.execute("UPDATE log_entries SET data = '{}' WHERE position = 1")
    problems = verify_catalog(server.catalog, tmp_path / "state2").problems
    assert {(problem.where, problem.kind) for problem in problems} == {
        ("log", "LogRewritten"),
        ("one 1.0.0", "Damaged"),
        ("three 1.0.0", "Damaged"),
        ("four", "IndexMismatch"),
    }
