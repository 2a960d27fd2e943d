"""The registry of a server without its server: kills, re-signing, many names."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from miden.errors import InputError, IntegrityError, NotFoundError
from miden.registry.server.catalog import Catalog
from miden.registry.server.verifying import CatalogTransport, verify_catalog
from miden.registry.trust.client import TrustedRegistry
from miden.registry.trust.repository import SignedRepository, Target, index_path
from tests.support.packages import package_bytes
from tests.support.programs import ROOT
from tests.support.registry_server import ORIGIN, make_catalog, offline_keys
from tests.support.signed_registry import OWN, MemoryStore, World, key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.loopback import Reply

KILLS = 300 if os.environ.get("MIDEN_CROWDS") == "full" else 10

PUBLISHER = """
import sys
from miden.registry.server.catalog import Catalog
from tests.support.packages import package_bytes
catalog = Catalog(sys.argv[1])
for line in sys.stdin:
    number = int(line)
    if number % 3 == 2:
        catalog.yank("math", f"1.0.{number - 1}", f"reason {number}")
    else:
        catalog.publish(package_bytes("math", f"1.0.{number}", value=number))
    print(number, flush=True)
"""


def test_a_publisher_that_is_killed_leaves_a_whole_registry(tmp_path: Path) -> None:
    """`kill -9` at a random moment of publishing and yanking: what was acknowledged is there, and everything is signed."""
    generator = random.Random(11)
    catalog = make_catalog(tmp_path / "registry")
    number = 0
    between = 0
    for kill in range(KILLS):
        command = [sys.executable, "-c", PUBLISHER, str(tmp_path / "registry")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            send_one(process, number)
            acknowledged = int(process.stdout.readline())  # it runs: from here on time counts
            end = time.monotonic() + generator.uniform(0, 0.08)
            pending: list[int] = []
            while time.monotonic() < end:
                if not pending:
                    pending.append(acknowledged + 1)
                    send_one(process, pending[0])
                if select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                    acknowledged = int(process.stdout.readline())
                    pending.clear()
            process.send_signal(signal.SIGKILL)
            process.wait()
        found = {item.entry.version: item.entry for item in catalog.versions("math")}
        for done in range(number, acknowledged + 1):
            if done % 3 == 2:
                assert found[f"1.0.{done - 1}"].yanked == f"reason {done}"
            else:
                assert f"1.0.{done}" in found
        next_is_there = f"1.0.{acknowledged + 1}" in found
        between += bool(pending)
        number = acknowledged + (2 if next_is_there else 1)
        if kill % 10 == 9 or kill == KILLS - 1:
            names, versions, problems = verify_catalog(catalog, tmp_path / f"state-{kill}")
            assert problems == []
            assert (names, versions) == (1, len(found))
    assert between > KILLS / 3  # most kills came while something was being done
    catalog.close()


def send_one(process: subprocess.Popen[str], number: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{number}\n")
    process.stdin.flush()


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of signing fails in turn: the registry is as before, and publishing works afterwards."""
    catalog = make_catalog(tmp_path / "registry")
    catalog.publish(package_bytes("first"))
    original = SignedRepository._save
    steps = 0

    def failing(at: int) -> None:
        count = 0

        def save(self: SignedRepository, role: str, version: int, data: bytes, *, keep: bool = True) -> None:
            nonlocal count, steps
            count += 1
            steps = max(steps, count)
            if count == at:
                raise OSError(28, "no space left")
            original(self, role, version, data, keep=keep)

        monkeypatch.setattr(SignedRepository, "_save", save)

    for at in range(1, 5):
        failing(at)
        with pytest.raises(OSError, match="no space"):
            catalog.publish(package_bytes("second"))
        assert catalog.counts() == (1, 1)
        assert catalog.checkpoint().size == 1
        assert verify_catalog(catalog, tmp_path / f"state-{at}").problems == []
    failing(-1)
    catalog.publish(package_bytes("second"))
    assert steps == 4  # bin, registry, snapshot, timestamp
    assert verify_catalog(catalog, tmp_path / "state").problems == []
    catalog.close()


def test_what_is_half_over_is_signed_again() -> None:
    world = World()

    def versions() -> dict[str, int]:
        return dict(world.store.newest)

    before = versions()
    assert not world.repository.refresh()
    assert versions() == before
    expected = {
        timedelta(hours=13): {"timestamp"},
        timedelta(days=4): {"timestamp", "snapshot"},
        timedelta(days=16): {"timestamp", "snapshot", "registry", "packages", *(role for role in before if role.startswith("packages-"))},
    }
    for passed, roles in expected.items():
        world.offset = passed
        assert world.repository.refresh()
        after = versions()
        assert {role for role in after if after[role] != before[role]} == roles
        before = after


COUNTS = ("SELECT count(*) FROM metadata", "SELECT count(*) FROM targets")


def test_what_was_superseded_long_ago_is_forgotten(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path / "registry")
    for number in range(5):
        catalog.publish(package_bytes("math", f"1.0.{number}"))
    with catalog.database.writing() as connection:
        before = [connection.execute(count).fetchone()[0] for count in COUNTS]
        connection.execute("UPDATE metadata SET made = 0")
        connection.execute("UPDATE targets SET made = 0")
    catalog.refresh()
    with catalog.database.reading() as connection:
        after = [connection.execute(count).fetchone()[0] for count in COUNTS]
    assert before[0] > after[0]
    assert (before[1], after[1]) == (11, 2)  # five index files and six checkpoints
    assert verify_catalog(catalog, tmp_path / "state").problems == []
    catalog.close()


class WorldTransport:
    """Files of a world, without HTTP."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fetched = 0

    def chunks(self, path: str) -> Iterator[bytes]:
        from miden.errors import NetworkError

        reply: Reply = self.world.answer(f"/{path}", {})
        if reply.status != 200:
            raise NetworkError("no", status=reply.status)
        self.fetched += len(reply.body)
        yield reply.body

    def read(self, path: str, *, limit: int) -> bytes:
        return b"".join(self.chunks(path))


def test_a_client_refreshes_a_registry_of_ten_thousand_names_in_time(tmp_path: Path) -> None:
    """64 bins: what a client reads for one name is a small part, and takes less than 150 ms of processor time."""
    world = World()
    world.store = MemoryStore()
    signers = {role: [key(f"{role}-0")] for role in (*OWN, "registry", "packages")}
    world.repository = SignedRepository(world.store, signers, world.clock)
    pinned = world.repository.create()
    files = {index_path(f"package-{number}"): Target(100, f"{number:064x}") for number in range(10_000)}
    files[index_path("wanted")] = world.put(index_path("wanted"), b"found")
    checkpoint = world.checkpoint().to_bytes()
    files["log/checkpoint"] = world.put("log/checkpoint", checkpoint)
    world.repository.set_targets(files)
    world.repository.commit()
    transport = WorldTransport(world)
    best = 1e9
    for attempt in range(3):
        client = TrustedRegistry(transport, tmp_path / f"state-{attempt}", pinned)
        began = time.process_time()
        client.refresh()
        assert client.download(index_path("wanted")) == b"found"
        best = min(best, time.process_time() - began)
    assert best < 0.15
    assert transport.fetched / 3 < 100_000  # of 1.3 MB that all bins have


def test_names_that_clash_or_look_alike_are_refused(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path / "registry")
    catalog.publish(package_bytes("acme/math"))
    for name, kind in (("Acme/math", "NameClash"), ("acme/rnath", "NameTooSimilar"), ("acrne/math", "NameTooSimilar")):
        with pytest.raises(InputError) as caught:
            catalog.publish(package_bytes(name))
        assert caught.value.kind == kind
    catalog.publish(package_bytes("acme/maths"))
    assert [found.name for found in catalog.names()] == ["acme/math", "acme/maths"]
    assert catalog.names("100%") == catalog.names("_") == []  # what is searched for is no pattern
    catalog.close()


def test_the_description_is_that_of_the_highest_version(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path / "registry")
    for version, text in (("1.0.0", "first"), ("2.0.0", "second"), ("1.5.0", "patch")):
        catalog.publish(package_bytes("math", version, description=text))
    [found] = catalog.names("second")
    assert (found.version, found.description) == ("2.0.0", "second")
    catalog.close()


def test_only_who_signed_may_change_a_claim(tmp_path: Path) -> None:
    """What publishers sign is held against what they send: no other file may change, no version may be skipped."""
    from hashlib import sha256

    from miden.registry.index import describe
    from miden.registry.trust.entries import index_file
    from miden.registry.trust.publishing import sign_next
    from miden.registry.trust.signing import generate_key, public_pem

    catalog = make_catalog(tmp_path / "registry")
    signer = generate_key()
    (tmp_path / "key.pub").write_bytes(public_pem(signer.public_key))
    catalog.claim("acme/*", [tmp_path / "key.pub"], 1, offline_keys(catalog))
    for scope in ("../x", "acme/x/*", "*", "acme/*/*", ""):
        with pytest.raises(InputError):
            catalog.claim(scope, [tmp_path / "key.pub"], 1, offline_keys(catalog))
    data = package_bytes("acme/math")
    line = index_file([describe(data)])
    target = Target(len(line), sha256(line).hexdigest())
    good = sign_next(None, {index_path("acme/math"): target}, [signer])
    more = sign_next(None, {index_path("acme/math"): target, index_path("acme/other"): target}, [signer])
    wrong = sign_next(None, {index_path("acme/math"): Target(1, "0" * 64)}, [signer])
    later = sign_next(good, {index_path("acme/math"): target}, [signer])
    stranger = sign_next(None, {index_path("acme/math"): target}, [generate_key()])
    facts = json.loads(good)
    facts["signed"]["expires"] = "2020-01-01T00:00:00Z"
    tampered = json.dumps(facts).encode()
    refused = {more: "InvalidMetadata", wrong: "InvalidMetadata", later: "VersionConflict", stranger: "UnsignedMetadata"}
    for signed, kind in {**refused, tampered: "UnsignedMetadata", b"{}": "InvalidMetadata", b"\xff": "InvalidMetadata"}.items():
        with pytest.raises(IntegrityError) as caught:
            catalog.publish(data, signed=signed)
        assert caught.value.kind == kind
        assert catalog.counts() == (0, 0)
    catalog.publish(data, signed=good)
    assert catalog.counts() == (1, 1)
    catalog.close()


def test_a_folder_without_a_registry_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        Catalog(tmp_path)
    assert caught.value.kind == "RegistryNotFound"


def test_two_processes_see_what_the_other_did(tmp_path: Path) -> None:
    first = make_catalog(tmp_path / "registry")
    second = Catalog(tmp_path / "registry")
    first.publish(package_bytes("math"))
    second.publish(package_bytes("other"))
    assert first.counts() == second.counts() == (2, 2)
    assert first.checkpoint() == second.checkpoint()
    assert TrustedRegistry(CatalogTransport(first), tmp_path / "state", first.metadata("root") or b"", ORIGIN).download("index/other")
    first.close()
    second.close()
