"""Promises about files: what is believed, what is refused, and at what cost. (ecosystem.md section 4.2, R17 to R19, R22, R26.)

Small figures by default; MIDEN_EXAMPLES gives the number of hostile cases (the promise is 200,000), MIDEN_SEED others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import miden
from miden.errors import FormatError, IntegrityError
from miden.hashing import HAVE_CORE
from miden.isa import OP, NodeKind
from miden.mast.advice_map import AdviceMap
from miden.mast.commitments import content_commitment, roots_commitment
from miden.mast.versions import CURRENT
from miden.package.container import Container, identity_of
from miden.package.package import Package
from tests.support.hostile import LARGEST, Decoder, cases, decoders, judge
from tests.support.mast_vectors import VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("MIDEN_EXAMPLES", "4000"))
SEED = os.environ.get("MIDEN_SEED", "0")

PROGRAM = bytes.fromhex(VECTORS["kernel_program_hex"])
LIBRARY = bytes.fromhex(VECTORS["library"]["bytes_hex"])
PACKAGE = bytes.fromhex(VECTORS["package_hex"])
THREE: list[tuple[str, Callable[[bytes], Any], bytes]] = [
    ("program", miden.Program.from_bytes, PROGRAM),
    ("library", miden.Library.from_bytes, LIBRARY),
    ("package", Package.from_bytes, PACKAGE),
]


# --- R17: digests are recomputed


def code_of(found: Any) -> tuple[object, ...]:
    """Return what runs: nodes with their digests, operations, immediates."""
    return found.forest.node_bytes, found.forest.operation_bytes, found.forest.immediate_bytes


def entries_of(found: Any) -> tuple[object, ...]:
    """Return where it can be entered: hash or digest, roots, kernel."""
    artifact = found.artifact if isinstance(found, Package) else found
    if isinstance(artifact, miden.Program):
        return artifact.hash, artifact.entrypoint, artifact.forest.roots, tuple(artifact.kernel)
    return artifact.digest, artifact.forest.roots


def what_changed(original: Any, found: Any) -> str:
    """Say what a flipped bit that was not refused has changed."""
    if code_of(found) != code_of(original):
        changed = [node for node, digest in enumerate(original.forest.digests) if found.forest.digests[node] != digest]
        external = all(found.forest.kind(node) == original.forest.kind(node) == NodeKind.EXTERNAL for node in changed)
        return "digest of an external root" if changed and external else "CODE"
    if entries_of(found) != entries_of(original):
        return "roots or kernel"
    if found.forest.advice_map != original.forest.advice_map:
        return "advice map"
    return "debug information" if found.forest != original.forest else "names"


@pytest.mark.parametrize(("name", "decode", "data"), THREE, ids=[row[0] for row in THREE])
def test_r17_no_flipped_bit_changes_code_under_the_same_hash(name: str, decode: Callable[[bytes], Any], data: bytes) -> None:
    original = decode(data)
    pinned = identity_of(original)
    table: Counter[str] = Counter()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found = decode(bytes(flipped))
        except (FormatError, IntegrityError):
            table["refused"] += 1
            continue
        table[what_changed(original, found)] += 1
        assert identity_of(found).content != pinned.content, bit
    shares = ", ".join(f"{what} {count} ({100 * count / (8 * len(data)):.1f} %)" for what, count in table.most_common())
    print(f"{name}: {8 * len(data)} flips of one bit: {shares}")  # noqa: T201
    assert table["CODE"] == 0


def test_r17_digests_are_those_of_the_code() -> None:
    for decoder in decoders()[:4]:
        for data in decoder.files[:10]:
            found = decoder.read(data)
            forest = found if isinstance(found, miden.MastForest) else found.forest
            rebuilt = CURRENT.digests(forest.node_bytes, forest.operation_bytes, forest.immediate_bytes)
            assert rebuilt == b"".join(digest.to_bytes() for digest in forest.digests)


# --- R18: two commitments


def library_of(source: str) -> miden.Library:
    return miden.Assembler().assemble_library({"demo::m": source})


def test_r18_the_second_commitment_covers_decorators() -> None:
    plain, traced = library_of("pub proc f push.1 add end"), library_of("pub proc f push.1 trace.7 add end")
    assert roots_commitment(plain.forest) == roots_commitment(traced.forest)
    assert content_commitment(plain.forest) != content_commitment(traced.forest)


def test_r18_the_second_commitment_covers_what_is_hidden_behind_external_nodes() -> None:
    whole = library_of("proc g push.3 end pub proc f call.g end").forest
    (root,) = whole.roots[-1:]
    builder = miden.ForestBuilder()
    builder.add_root(builder.add_call(builder.add_external(whole.digest_bytes(whole.children(root)[0]))))
    hidden = builder.build()
    assert hidden.digest_bytes(hidden.roots[0]) == whole.digest_bytes(root)
    assert content_commitment(hidden) != content_commitment(whole)


def test_r18_the_second_commitment_covers_the_advice_map() -> None:
    def forest(value: int) -> miden.MastForest:
        builder = miden.ForestBuilder()
        builder.add_root(builder.add_block(bytes([OP["ADD"]])))
        builder.advice_map = AdviceMap({miden.Word((1, 2, 3, 4)): (value,)})
        return builder.build()

    assert roots_commitment(forest(1)) == roots_commitment(forest(2))
    assert content_commitment(forest(1)) != content_commitment(forest(2))


@pytest.mark.parametrize("compact", [False, True])
def test_r18_a_container_pins_both(compact: bool) -> None:
    library = library_of("pub proc f push.1 trace.7 add end")
    data = Container.wrap(library, compact=compact).to_bytes()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found = Container.from_bytes(bytes(flipped))
        except (FormatError, IntegrityError):
            continue
        assert found.content == library, bit


# --- R19: an object is (MAST version, root)


def test_r19_an_object_of_another_version_is_never_served() -> None:
    data = Container.wrap(library_of("pub proc f push.1 end")).to_bytes()
    at = data.index(bytes.fromhex(identity_of(Container.from_bytes(data).content).root.to_hex()[2:])) - 4
    for version in (*range(1, 40), *(1 << bit for bit in range(6, 32)), 2**32 - 1):
        with pytest.raises(FormatError) as caught:
            Container.from_bytes(data[:at] + version.to_bytes(4, "little") + data[at + 4 :])
        assert caught.value.kind == "UnsupportedMastVersion"


def test_r19_the_version_is_part_of_the_key() -> None:
    identity = identity_of(library_of("pub proc f push.1 end"))
    assert identity.key == (identity.mast_version, identity.root)


# --- R22: malformed bytes


def corpus(cases: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.hostile", str(cases), SEED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout)
    print(done.stdout)  # noqa: T201
    return report


def check_corpus(report: dict[str, Any], cases: int) -> None:
    assert report["cases"] >= cases
    assert report["slowest_seconds"] < 2
    assert report["memory_growth"] < 64 * 2**20 + 4 * LARGEST
    assert all(counted["refused"] > counted["read"] for counted in report["counts"].values())


@pytest.mark.skipif(not HAVE_CORE, reason="in Python alone this takes minutes")
def test_r22_malformed_bytes_give_typed_errors_only() -> None:
    check_corpus(corpus(CASES), CASES)


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.skipif(not HAVE_CORE, reason="in Python alone this takes hours")
def test_r22_two_hundred_thousand_malformed_files_give_typed_errors_only() -> None:
    cases = max(200_000, CASES)
    check_corpus(corpus(cases), cases)


def megabyte() -> list[Decoder]:
    """Return good files of about a megabyte."""
    builder = miden.ForestBuilder()
    previous = None
    for number in range(12_000):
        block = builder.add_block(bytes([OP["PUSH"], OP["ADD"]]), [number])
        previous = block if previous is None else builder.add_join(previous, block)
        if number % 10 == 0:
            builder.add_root(previous)
    forest = builder.build()
    program = miden.Program(forest, forest.roots[-1])
    package = Package("large", program)
    return [
        Decoder("forest", miden.MastForest.from_bytes, [forest.to_bytes()]),
        Decoder("program", miden.Program.from_bytes, [program.to_bytes()]),
        Decoder("package", Package.from_bytes, [package.to_bytes()]),
        Decoder("container", Container.from_bytes, [Container.wrap(program).to_bytes()]),
        Decoder("compact container", Container.from_bytes, [Container.wrap(program, compact=True).to_bytes()]),
    ]


@pytest.mark.skipif(not HAVE_CORE, reason="the bar is that of the core")
def test_r22_a_megabyte_takes_less_than_a_second_and_little_memory() -> None:
    import random

    rng = random.Random(SEED)
    slowest, most = 0.0, 0.0
    for decoder in megabyte():
        for data in [decoder.files[0], *cases(rng, decoder, 12)]:
            began = time.process_time()
            judge(decoder, data)
            slowest = max(slowest, time.process_time() - began)
        tracemalloc.start()
        decoder.read(decoder.files[0])
        most = max(most, tracemalloc.get_traced_memory()[1] / len(decoder.files[0]))
        tracemalloc.stop()
    print(f"slowest {slowest:.3f} s, at most {most:.1f} times the input")  # noqa: T201
    assert slowest < 1
    assert most < 24  # the compact form, whose digests are not in the input; 4 for the others


# --- R26: decompression bombs


def test_r26_only_two_modules_decompress_and_each_has_its_bound() -> None:
    """What they refuse is tested with the liars of the store and with a message vector that unpacks to too much."""
    names = {"zlib", "gzip", "bz2", "lzma", "zstandard", "zipfile", "tarfile", "backports", "compression"}
    found = set()
    for file in (ROOT / "miden").rglob("*.py"):
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
        if {words[1].split(".")[0] for words in lines if len(words) > 1 and words[0] in ("import", "from")} & names:
            found.add(file.relative_to(ROOT).as_posix())
    assert found == {"miden/store/zstd.py", "miden/actors/vectors.py"}
