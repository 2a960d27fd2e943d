"""Packages in a registry of containers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from miden.errors import InputError, IntegrityError, MidenError, NetworkError, NotFoundError
from miden.field import Word
from miden.registry.backends import WritableRegistry, open_registry
from miden.registry.backends.oci import OciRegistry
from miden.registry.http import Budget
from miden.registry.index import check_package
from tests.support.loopback import Reply, serve_raw, serve_replies
from tests.support.oci_server import Containers, serve_containers
from tests.support.packages import package_bytes

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Iterator
    from pathlib import Path

QUICK = Budget(connect=1, idle=1, total=1, minimum_rate=10_000, grace=0.2)


@pytest.fixture
def containers() -> Iterator[Containers]:
    with serve_containers() as running:
        yield running


@pytest.fixture
def registry(containers: Containers) -> Iterator[OciRegistry]:
    made = OciRegistry(f"{containers.url}/packages", "containers", budget=QUICK)
    yield made
    made.close()


def test_what_is_published_can_be_fetched(registry: OciRegistry, containers: Containers) -> None:
    data = package_bytes("acme/Big_Math", "1.0.0-rc.1+x", {"acme/base": "^1"})
    entry = registry.publish(data)
    registry.publish(package_bytes("acme/Big_Math", "1.1.0", value=2))
    registry.publish(package_bytes("other"))
    other = open_registry(f"{containers.url}/packages", "again")
    assert isinstance(other, WritableRegistry)
    assert [found.version for found in other.versions("acme/Big_Math")] == ["1.0.0-rc.1+x", "1.1.0"]
    assert other.versions("acme/big-math") == other.versions("nothing") == []
    assert check_package(entry, other.fetch(entry)).to_bytes() == data
    assert other.names() == ["acme/Big_Math", "other"]
    assert other.names("math") == ["acme/Big_Math"]
    assert [found.id for found in other.provides(next(iter(entry.exports.values())))] == [entry.id, ("other", "1.0.0")]
    assert other.provides(Word.from_hex("0x" + "11" * 32)) == []
    assert ("packages/acme/big-math", "1.0.0-rc.1_x") in containers.manifests
    other.close()


def test_a_version_never_changes(registry: OciRegistry) -> None:
    first = registry.publish(package_bytes("math"))
    assert registry.publish(package_bytes("math")) == first
    with pytest.raises(IntegrityError) as caught:
        registry.publish(package_bytes("math", value=2))
    assert caught.value.kind == "VersionExists"
    with pytest.raises(InputError) as clash:
        registry.publish(package_bytes("Math"))
    assert clash.value.kind == "NameClash"


def test_a_yanked_version_says_why(registry: OciRegistry) -> None:
    entry = registry.publish(package_bytes("math"))
    registry.yank("math", "1.0.0", "unsound")
    assert [found.yanked for found in registry.versions("math")] == ["unsound"]
    registry.fetch(entry)
    registry.yank("math", "1.0.0", None)
    assert registry.versions("math") == [entry]
    with pytest.raises(NotFoundError):
        registry.yank("math", "2.0.0", "x")


def test_a_blob_that_was_changed_is_refused(registry: OciRegistry, containers: Containers) -> None:
    entry = registry.publish(package_bytes("math"))
    size = len(containers.blobs[f"sha256:{entry.sha256}"])
    containers.blobs[f"sha256:{entry.sha256}"] = b"x" * size
    with pytest.raises(IntegrityError) as caught:
        registry.fetch(entry)
    assert caught.value.kind == "PackageMismatch"
    containers.blobs[f"sha256:{entry.sha256}"] = b"x" * (size + 1)
    with pytest.raises(NetworkError) as long:
        registry.fetch(entry)
    assert long.value.kind == "TooLong"


def test_a_tag_that_holds_another_package_is_refused(registry: OciRegistry, containers: Containers) -> None:
    for name in ("math", "other"):
        registry.publish(package_bytes(name))
    containers.manifests["packages/math", "1.0.0"] = containers.manifests["packages/other", "1.0.0"]
    registry.refresh()
    with pytest.raises(IntegrityError) as caught:
        registry.versions("math")
    assert caught.value.kind == "PackageMismatch"
    manifest = json.loads(containers.manifests["packages/other", "1.0.0"])
    manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json"
    containers.manifests["packages/other", "1.0.0"] = json.dumps(manifest).encode()
    with pytest.raises(MidenError):
        registry.versions("other")


def test_what_was_fetched_is_kept(containers: Containers, tmp_path: Path) -> None:
    registry = OciRegistry(f"{containers.url}/packages", "c", cache=tmp_path / "cache", budget=QUICK)
    entry = registry.publish(package_bytes("math"))
    data = registry.fetch(entry)
    containers.blobs.clear()
    assert registry.fetch(entry) == data
    registry.close()
    offline = OciRegistry(f"{containers.url}/packages", "c", cache=tmp_path / "cache", offline=True)
    assert offline.fetch(entry) == data
    with pytest.raises(NetworkError) as caught:
        offline.versions("math")
    assert caught.value.kind == "Offline"
    offline.close()


def test_logging_in(containers: Containers) -> None:
    containers.password = "Basic " + base64.b64encode(b"me:secret").decode()
    stranger = OciRegistry(containers.url, "c", budget=QUICK)
    with pytest.raises(MidenError):
        stranger.publish(package_bytes("math"))
    stranger.close()
    known = OciRegistry(containers.url, "c", token="me:secret", budget=QUICK)  # noqa: S106
    known.publish(package_bytes("math"))
    known.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"x" * 2**21),
        Reply(b"[" * 10_000),
        Reply(b'{"tags": 5}'),
        Reply(b'{"tags": ["' + b"a" * 500 + b'"]}'),
        Reply(b'{"tags": ["../../x"]}'),
        Reply(status=500),
        Reply(status=302, headers={"Location": "file:///etc/passwd"}),
        Reply(status=302, headers={"Location": "/again"}),
        Reply(b"", length=10**9),
    ],
    ids=["long", "deep", "type", "tag", "traversal", "status", "file", "loop", "cut"],
)
def test_a_hostile_registry_is_refused(reply: Reply) -> None:
    with serve_replies(lambda path, headers: reply) as url:
        registry = OciRegistry(url.replace("http", "oci"), "h", budget=QUICK)
        with pytest.raises(MidenError):
            registry.versions("math")
        registry.close()


def test_a_slow_registry_is_left() -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b"x")

    with serve_raw(drip) as url:
        registry = OciRegistry(url.replace("http", "oci"), "h", budget=Budget(connect=1, idle=1, total=0.3, minimum_rate=10**7, grace=0.1))
        with pytest.raises(NetworkError) as caught:
            registry.versions("math")
        assert caught.value.kind == "TooSlow"
        registry.close()


@pytest.mark.parametrize("location", ["oci://", "oci://user:x@host/", "oci://host/../x", "oci://host/UPPER", "http://host/"])
def test_only_locations_that_are_safe_are_taken(location: str) -> None:
    with pytest.raises(InputError) as caught:
        OciRegistry(location, "x")
    assert caught.value.kind == "InvalidUrl"


def test_a_name_that_no_repository_can_have_is_refused(registry: OciRegistry) -> None:
    with pytest.raises(InputError) as caught:
        registry.publish(package_bytes("_private"))
    assert caught.value.kind == "InvalidName"
