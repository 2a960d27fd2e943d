"""Packages and containers that lie: only `FormatError` and `IntegrityError` come out, soon, and without much memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.errors import FormatError, IntegrityError
from miden.isa import NodeKind
from miden.package.artifacts import load_artifact, sniff
from miden.package.container import Container
from miden.package.package import Package
from tests.support.mast_vectors import VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = miden.Library.from_bytes(bytes.fromhex(VECTORS["library"]["bytes_hex"]))
PROGRAM = miden.Program.from_bytes(bytes.fromhex(VECTORS["kernel_program_hex"]))
PACKAGE = bytes.fromhex(VECTORS["package_hex"])
FILES: list[tuple[str, Callable[[bytes], Any], bytes]] = [
    ("library-package", Package.from_bytes, PACKAGE),
    ("program-package", Package.from_bytes, Package("demo", PROGRAM, version="1.0.0").to_bytes()),
    ("container", Container.from_bytes, Container.wrap(PROGRAM, custom=[("note", b"hello")]).to_bytes()),
    ("compact-container", Container.from_bytes, Container.wrap(LIBRARY, compact=True).to_bytes()),
    ("package-container", Container.from_bytes, Container.wrap(Package.from_bytes(PACKAGE), compact=True).to_bytes()),
]
BY_NAME = pytest.mark.parametrize(("decode", "data"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])


def outcome(decode: Callable[[bytes], Any], data: bytes) -> Any:
    """Return what was decoded, or None if it was refused as it should be."""
    try:
        return decode(data)
    except FormatError as error:
        assert error.offset is not None, error
        assert 0 <= error.offset <= len(data) + 40 * data.count(b"\0"), error  # the compact form counts bytes of the whole one
        return None
    except IntegrityError:
        return None


def forest_of(decoded: Any) -> miden.MastForest:
    forest: miden.MastForest = (decoded.content if isinstance(decoded, Container) else decoded).forest
    return forest


@BY_NAME
def test_every_truncation_is_refused(decode: Callable[[bytes], Any], data: bytes) -> None:
    for size in range(len(data)):
        kept = outcome(decode, data[:size])
        # only a custom section at the very end may be missing without a trace
        assert kept is None or (isinstance(kept, Container) and kept.custom == [] and b"note" in data)


@BY_NAME
def test_every_flipped_bit_is_refused_or_leaves_the_code_alone(decode: Callable[[bytes], Any], data: bytes) -> None:
    original = decode(data)
    known = set(forest_of(original).digests)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        decoded = outcome(decode, bytes(changed))
        if decoded is not None:
            forest = forest_of(decoded)
            # what no digest covers: external nodes, advice, names, debug information
            assert {digest for node, digest in enumerate(forest.digests) if forest.kind(node) != NodeKind.EXTERNAL} <= known
            if isinstance(decoded, Package) and isinstance(decoded.artifact, miden.Library):
                assert decoded.digest == original.digest


@pytest.mark.parametrize(("decode", "data"), [row[1:] for row in FILES[2:]], ids=[row[0] for row in FILES[2:]])
def test_no_flipped_bit_of_an_artifact_gets_into_a_container(decode: Callable[[bytes], Any], data: bytes) -> None:
    original = decode(data)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        decoded = outcome(decode, bytes(changed))
        if decoded is not None:
            assert decoded.content == original.content
            assert decoded.identity == original.identity


@BY_NAME
def test_random_damage_is_refused_or_harmless(decode: Callable[[bytes], Any], data: bytes) -> None:
    generator = random.Random(8)
    for _ in range(1500):
        changed = bytearray(data)
        for _ in range(generator.randrange(1, 4)):
            at = generator.randrange(len(changed))
            match generator.randrange(4):
                case 0:
                    changed[at] = generator.randrange(256)
                case 1:
                    del changed[at : at + generator.randrange(1, 40)]
                case 2:
                    changed[at:at] = changed[at // 2 : at // 2 + generator.randrange(1, 40)]
                case _:
                    changed[at : at + 9] = generator.choice((b"\0" + b"\xff" * 8, b"\xff" * 9, b"\0" * 9))
            if not changed:
                break
        decoded = outcome(decode, bytes(changed))
        if decoded is not None:
            decoded.to_bytes()


@BY_NAME
def test_lengths_that_lie_cost_nothing(decode: Callable[[bytes], Any], data: bytes) -> None:
    tracemalloc.start()
    try:
        for at in range(0, len(data), 7):
            outcome(decode, data[:at] + b"\0" + (2**63).to_bytes(8, "little") + data[at + 9 :])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20


@BY_NAME
def test_trusted_damage_is_typed_too(decode: Callable[[bytes], Any], data: bytes) -> None:
    trusted = Container.from_trusted_bytes if data.startswith(b"\x89MIDEN") else Package.from_trusted_bytes
    generator = random.Random(9)
    for _ in range(500):
        changed = bytearray(data)
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
        outcome(trusted, bytes(changed))


def test_a_megabyte_of_sections_is_read_soon() -> None:
    head = Container.wrap(PROGRAM).to_bytes()
    many = head + b"\xc8\0\0\0\0\0\0\0\0" * 110_000
    start = time.perf_counter()
    assert len(Container.from_bytes(many).sections) == 110_002
    assert time.perf_counter() - start < 2


def test_sniffing_and_loading_survive_damage() -> None:
    generator = random.Random(10)
    for data in (row[2] for row in FILES):
        for _ in range(300):
            changed = bytearray(data)
            changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
            assert outcome(sniff, bytes(changed)) in (None, "masm", "forest", "program", "library", "kernel", "package", "container")
            outcome(load_artifact, bytes(changed))
