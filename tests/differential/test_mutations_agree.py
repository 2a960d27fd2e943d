"""Damaged sources and damaged files are accepted here when the reference accepts them, and mean the same.

Sources are those of the vectors with words deleted, doubled, exchanged, and numbers set to edges; files are the reference's own
with bytes changed. What it refuses is refused; what it reads has the same nodes here, but for the bytes that
`docs/compatibility.md` lists, which we refuse. Needs the reference harness named by MIDEN_REFERENCE; MIDEN_SEED and
MIDEN_EXAMPLES choose the cases.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
from typing import TYPE_CHECKING, Any

import pytest

import miden
from tests.support.reference import PATH, SKIP_REASON, Reference
from tests.support.vectors import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = int(os.environ.get("MIDEN_EXAMPLES", "300"))
SEED = int(os.environ.get("MIDEN_SEED", "0"))
MEMORY = 4 << 30
"""Bytes that the reference may have: it believes the counts of a file before it looks for what they count."""

PANIC = {"error": "panic"}
NUMBERS = ["0", "1", "16", "31", "32", "65536", "4294967295", "4294967296", "18446744069414584320", "18446744069414584321", "0xff", "A"]
FIELDS = (0, 1, 2, 127, 255, 2**31, 2**32 - 1)
STRICTER = {
    "CyclicForest", "DigestMismatch", "DuplicateKey", "DuplicateRoot", "InvalidNode", "InvalidOperation", "InvalidSpan", "InvalidString",
    "InvalidValue", "TrailingBytes", "UnsortedKernel",
}  # fmt: skip

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not PATH, reason=SKIP_REASON)]


class Restarted:
    """A harness with little memory, started again when it dies."""

    def __init__(self) -> None:
        self._reference: Reference | None = None

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        if self._reference is None:
            self._reference = Reference()
            resource.prlimit(self._reference.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            return self._reference.ask(op, **fields)
        except (json.JSONDecodeError, BrokenPipeError):
            self.close()
            return PANIC

    def close(self) -> None:
        if self._reference is not None:
            self._reference.__exit__(None, None, None)
            self._reference = None


@pytest.fixture(scope="module")
def reference() -> Iterator[Restarted]:
    harness = Restarted()
    yield harness
    harness.close()


def damaged_source(rng: random.Random, text: str, words: list[str]) -> str:
    parts = re.findall(r"\s+|[^\s.]+|\.", text)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(len(parts))
        numbers = [i for i, part in enumerate(parts) if part[0].isdigit()]
        match rng.choice(("delete", "double", "exchange", "word", "number", "number", "number")):
            case "delete":
                parts[place] = " "
            case "double":
                parts[place] += " " + parts[place]
            case "exchange":
                other = rng.randrange(len(parts))
                parts[place], parts[other] = parts[other], parts[place]
            case "word":
                parts[place] = f" {rng.choice(words)} "
            case _ if numbers:
                parts[rng.choice(numbers)] = rng.choice(NUMBERS)
    return rng.choice(("", "const A = 0 ", "const A = [1,2,3,4] ")) + "".join(parts)


def damaged_bytes(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                changed[place] = rng.randrange(256)
            case 2:
                changed[place : place + 4] = rng.choice(FIELDS).to_bytes(4, "little")
            case 3:
                del changed[place : place + rng.choice((1, 4, 8))]
            case _:
                changed[place:place] = bytes(rng.choice((1, 4)))
        changed = changed or bytearray(1)
    return bytes(changed)


def test_damaged_sources_are_what_the_reference_makes_of_them(reference: Restarted) -> None:
    sources = [row["source"] for name in ("instructions", "advice", "syntax", "special") for row in rows(name) if row["source"].strip()]
    words = sorted({word for source in sources for word in source.split() if not word.startswith("repeat")})
    accepted = 0
    for seed in range(SEED, SEED + CASES):
        rng = random.Random(seed)
        source = damaged_source(rng, rng.choice(sources), words)
        if re.search(r"repeat\W+\w{4}", source):
            continue
        expect = reference.ask("program", source=source, bytes=True)
        if "error" in expect:
            with pytest.raises(miden.AssemblyError):
                miden.assemble(source, core=False)
        else:
            assert miden.assemble(source, core=False).to_bytes().hex() == expect["bytes"], (seed, source)
            accepted += 1
    assert accepted > CASES // 20


def test_damaged_files_are_read_as_the_reference_reads_them(reference: Restarted) -> None:
    files: list[tuple[str, bytes]] = []
    for row in rows("formats"):
        files += [("load_library", bytes.fromhex(library["bytes"])) for library in row["expect"].get("libraries", ())]
        if "source" in row:
            files.append(("load_program", bytes.fromhex(row["expect"]["bytes"])))
    read = 0
    for seed in range(SEED, SEED + CASES):
        rng = random.Random(seed)
        op, data = rng.choice(files)
        data = damaged_bytes(rng, data)
        expect = reference.ask(op, hex=data.hex())
        try:
            made = miden.Program.from_bytes(data) if op == "load_program" else miden.Library.from_bytes(data)
        except miden.MidenError as error:
            assert "error" in expect or error.kind in STRICTER, (seed, error)
            continue
        assert "error" not in expect, (seed, expect)
        assert [word.to_hex()[2:] for word in made.forest.digests] == [node[1] for node in expect["nodes"]], seed
        read += 1
    assert read > CASES // 20
