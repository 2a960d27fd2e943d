"""A corpus of hostile bytes for every decoder: what to damage, how, and what may come of it.

`cases(rng, decoder)` draws damaged files: flipped bits, truncations, splices of two files, lengths that lie up to 2^64,
node records that point forward or in circles, repeated roots and records, nesting. `judge` decodes one and says
"refused" or "read"; anything but a typed error with an offset in the input is raised.

``python -m tests.support.hostile CASES [SEED]`` runs the corpus and prints counts, time and memory as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import struct
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import miden
from miden.errors import FormatError, InputError, IntegrityError
from miden.package.container import Container
from miden.package.package import Package
from miden.serde.writer import vint
from miden.vm.inputs_file import InputFile
from tests.support.mast_vectors import FILES, VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIES = (0, 1, 2, 127, 128, 2**14, 2**21, 2**31, 2**32 - 1, 2**32, 2**40, 2**62, 2**63, 2**64 - 1)
LARGEST = 20_000
"""Files larger than this are left out, so that many cases fit in a minute."""

INPUTS = [
    b'{"operand_stack":["1","2"],"advice_stack":["3"],"advice_map":{"0x'
    + b"01" * 32
    + b'":[1,2,3]},"merkle_store":[{"merkle_tree":["0x'
    + b"02" * 32
    + b'","0x'
    + b"03" * 32
    + b'"]}]}',
    b'{"operand_stack":[],"merkle_store":[{"sparse_merkle_tree":[[3,"0x' + b"04" * 32 + b'"]]}]}',
]


class Decoder(NamedTuple):
    """A way in: `read` takes bytes, `files` are good ones, `errors` all that may be raised."""

    name: str
    read: Callable[[bytes], Any]
    files: list[bytes]
    errors: tuple[type[Exception], ...] = (FormatError, IntegrityError)


def decoders() -> list[Decoder]:
    """Return every decoder with files to damage, those the reference wrote first."""
    kinds: dict[str, list[bytes]] = {"program": [], "library": [], "kernel": []}
    for _, kind, data, _ in FILES:
        if len(data) <= LARGEST:
            kinds[kind].append(data)
    program = miden.Program.from_bytes(bytes.fromhex(VECTORS["kernel_program_hex"]))
    library = miden.Library.from_bytes(bytes.fromhex(VECTORS["library"]["bytes_hex"]))
    package = Package("demo", library, version="1.2.3")
    contents = (program, library, program.forest, package)
    packages = [bytes.fromhex(VECTORS["package_hex"]), Package("p", program).to_bytes(), package.to_bytes()]
    return [
        Decoder("forest", miden.MastForest.from_bytes, [bytes.fromhex(VECTORS[name]) for name in ("forest1_hex", "forest2_hex")]),
        Decoder("program", miden.Program.from_bytes, kinds["program"]),
        Decoder("library", miden.Library.from_bytes, kinds["library"]),
        Decoder("kernel", miden.KernelLibrary.from_bytes, kinds["kernel"]),
        Decoder("package", Package.from_bytes, packages),
        Decoder("container", Container.from_bytes, [Container.wrap(item).to_bytes() for item in contents]),
        Decoder("compact container", Container.from_bytes, [Container.wrap(item, compact=True).to_bytes() for item in contents]),
        Decoder(".inputs", lambda data: InputFile.parse(data.decode("utf-8", "replace")), INPUTS, (InputError,)),
    ]


def damage(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage a file in one of eight ways; `other` is a second file of the kind."""
    changed = bytearray(data)
    at = rng.randrange(len(data))
    match rng.randrange(8):
        case 0:
            changed[at] ^= 1 << rng.randrange(8)
        case 1:
            del changed[at:]
        case 2:
            start = rng.randrange(len(other))
            changed[at:] = other[start:]
        case 3:  # a length that lies, in place of a byte or before it
            changed[at : at + rng.randrange(2)] = vint(rng.choice(LIES))
        case 4:  # a number that points anywhere: forward, to itself, beyond the end
            changed[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 2, 3, 7, 2**30 - 1, 2**30, 2**31, 2**32 - 1)))
        case 5:  # something twice, or often
            size = rng.choice((1, 4, 8, 32, 40))
            changed[at:at] = data[at : at + size] * rng.choice((1, 2, 50))
        case 6:
            size = rng.choice((1, 4, 8, 40, 300))
            changed[at : at + size] = bytes(size) if rng.random() < 0.5 else b"\xff" * size
        case _:
            for _ in range(rng.randint(2, 6)):
                changed[rng.randrange(len(changed))] = rng.choice((0, 1, 3, 0x10, 0x11, 0x13, 0x20, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def cases(rng: random.Random, decoder: Decoder, count: int) -> Iterator[bytes]:
    """Draw damaged files; one in four is damaged twice."""
    for _ in range(count):
        data = damage(rng, rng.choice(decoder.files), rng.choice(decoder.files))
        if data and rng.random() < 0.25:
            data = damage(rng, data, rng.choice(decoder.files))
        yield data


def judge(decoder: Decoder, data: bytes) -> str:
    """Decode: "refused" with a typed error that names a place in the input, or "read"."""
    try:
        decoded = decoder.read(data)
    except decoder.errors as error:
        if isinstance(error, FormatError):
            # the compact form counts bytes of the whole one, with its digests
            reach = len(data) * (41 if decoder.name == "compact container" else 1)
            if error.offset is None or not 0 <= error.offset <= reach:
                raise AssertionError(f"no place in the input: {error!r}") from error
        return "refused"
    if decoder.name != ".inputs":
        decoded.to_bytes()
    return "read"


def run(corpus: list[Decoder], judge: Callable[[Decoder, bytes], str], count: int, seed: int = 0) -> dict[str, Any]:
    """Judge about `count` cases, in equal parts for every decoder; return counts, the slowest case, memory in bytes."""
    rng = random.Random(seed)
    for decoder in corpus:
        for data in decoder.files:
            if judge(decoder, data) != "read":
                raise AssertionError(f"a good {decoder.name} is refused")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts: dict[str, dict[str, int]] = {}
    slowest = 0.0
    for decoder in corpus:
        counted = counts[decoder.name] = {"refused": 0, "read": 0}
        for data in cases(rng, decoder, -(-count // len(corpus))):
            began = time.process_time()
            try:
                counted[judge(decoder, data)] += 1
            except Exception as error:
                raise AssertionError(f"{decoder.name}: {data.hex()}") from error
            slowest = max(slowest, time.process_time() - began)
    growth = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    total = sum(sum(counted.values()) for counted in counts.values())
    return {"cases": total, "counts": counts, "slowest_seconds": slowest, "memory_growth": growth}


if __name__ == "__main__":
    found = run(decoders(), judge, int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(json.dumps({**found, "largest_input": LARGEST}))  # noqa: T201
