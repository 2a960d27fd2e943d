"""Hash 1 MB with every hash procedure of the core library, ours and the reference's, on our machine.

usage: python benchmarks/corelib_hashes.py [--reference PATH] [--megabytes N] [--rounds N] [--only TEXT] [--json]

Procedures that hash memory get one message; those that hash elements on the stack are called in a loop, on what they
returned, until as many bytes have gone in. Cycles and time are those of the program less those of the same program without
the hashing; the loop around calls is part of both. Time is the best of a few rounds, in which both libraries take turns.
The reference's library comes from the harness (`--reference PATH` or MIDEN_REFERENCE); without it only ours is measured.
Digests are compared, between the libraries and with what other libraries say, before anything is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness import Reference
from miden import AdviceInputs, Assembler, Library, Processor, Program
from miden.corelib import core_library
from miden.corelib.handlers import CORE_EVENTS
from miden.corelib.handlers.hashes import keccak256
from miden.corelib.handlers.packed import pack
from miden.hashing import hash_elements
from miden.vm.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HASHES = "::miden::core::crypto::hashes::"
COUNTER = 2**30
"""Where a loop counts."""

LOAD = """
    push.0 padw padw padw
    push.1
    while.true
        adv_pipe
        dup.12 neq.{end}
    end
    dropw dropw dropw drop
"""
"""Takes a message from the advice stack to memory, from address 0."""


class Work(NamedTuple):
    """One procedure and what it is measured on."""

    name: str
    size: int
    """Bytes that one call hashes, 0 if it hashes a message in memory."""
    arguments: str = ""
    """MASM before the call, with {bytes}, {elements} and {end}."""
    result: int = 8
    """Elements of the digest."""
    expect: Callable[[bytes], Sequence[int]] | None = None


def _big_endian(digest: bytes) -> list[int]:
    return [int.from_bytes(digest[at : at + 4], "big") for at in range(0, len(digest), 4)]


WORKS = (
    Work("blake3::hash", 32),
    Work("blake3::merge", 64),
    Work("sha256::hash", 32),
    Work("sha256::merge", 64),
    Work("sha256::hash_bytes", 0, "push.{bytes}.0", 8, lambda data: _big_endian(hashlib.sha256(data).digest())),
    Work("sha512::hash_bytes", 0, "push.{bytes}.0", 16, lambda data: pack(hashlib.sha512(data).digest())),
    Work("keccak256::hash", 32),
    Work("keccak256::merge", 64),
    Work("keccak256::hash_bytes", 0, "push.{bytes}.0", 8, lambda data: pack(keccak256(data))),
    Work("rpo256::hash", 32, result=4),
    Work("rpo256::merge", 64, result=4),
    Work("rpo256::hash_elements", 0, "push.{elements}.0", 4, lambda data: hash_elements(pack(data))[::-1]),
    Work("rpo256::pad_and_hash_elements", 0, "push.{elements}.0", 4, lambda data: hash_elements(pack(data))[::-1]),
    Work("rpo256::hash_words", 0, "push.{end}.0", 4, lambda data: hash_elements(pack(data))[::-1]),
    Work("rpo256::hash_double_words", 0, "push.{end}.0", 4, lambda data: hash_elements(pack(data))[::-1]),
)


def sources(work: Work, length: int) -> tuple[str, str]:
    """Return the program that hashes, and the one without the hashing."""
    call = f"exec.{HASHES}{work.name}"
    if not work.size:
        values = {"bytes": length, "elements": length // 4, "end": length // 4}
        load = LOAD.format(**values)
        return f"begin {load} {work.arguments.format(**values)} {call} {keep(work.result)} end", f"begin {load} end"
    # a call that takes twice what it returns gets its digest twice; the zeros below keep the stack from getting deeper
    again = f"repeat.{work.result} dup.{work.result - 1} end" if work.size == 64 else ""
    count = f"mem_load.{COUNTER} sub.1 dup.0 mem_store.{COUNTER} neq.0"
    start = f"padw padw padw padw push.{length // work.size} mem_store.{COUNTER} {again} push.1"
    return f"begin {start} while.true {call} {again} {count} end {keep(work.result)} end", f"begin {start} drop {keep(0)} end"


def keep(count: int) -> str:
    """Return MASM that stores a digest where it is looked for, first element lowest, and drops more than can be left."""
    store = " ".join(f"mem_storew_le.{COUNTER + 4 + at} dropw" for at in range(0, count, 4))
    return f"{store} repeat.16 dropw end"


class Measured(NamedTuple):
    """Cycles, seconds and digest of one program."""

    cycles: int
    seconds: float
    digest: tuple[int, ...]


class Side:
    """A core library, ready to run programs that use it."""

    def __init__(self, library: Library) -> None:
        self._assembler = Assembler()
        self._assembler.link_library(library)
        self._host = Host([library], {row.name: row.handler for row in CORE_EVENTS.values()})
        self._programs: dict[str, Program] = {}

    def run(self, source: str, advice: AdviceInputs, result: int) -> Measured:
        """Run a program once."""
        program = self._programs.get(source) or self._programs.setdefault(source, self._assembler.assemble_program(source))
        processor = Processor(program, [], advice, self._host)
        start = time.process_time()
        processor.run()
        seconds = time.process_time() - start
        memory = processor.output().memory(0)
        return Measured(processor.clk, seconds, tuple(memory.get(COUNTER + 4 + at, 0) for at in range(result)))


def message(work: Work, data: bytes) -> AdviceInputs:
    """Return the advice that a program takes its message from."""
    if work.size:
        return AdviceInputs()
    if work.name.startswith("sha256"):
        words = _big_endian(data)
        return AdviceInputs(stack=[words[at + 3 - 2 * (at % 4)] for at in range(len(words))])
    return AdviceInputs(stack=pack(data))


def measure(work: Work, sides: dict[str, Side], data: bytes, rounds: int) -> dict[str, dict[str, float]]:
    """Measure one procedure on every side; stop if a digest is not the same everywhere."""
    hashing, nothing = sources(work, len(data))
    advice = message(work, data)
    best: dict[str, tuple[float, float, int]] = {}
    digests = set()
    for _ in range(rounds):
        for name, side in sides.items():
            full, empty = side.run(hashing, advice, work.result), side.run(nothing, advice, work.result)
            digests.add(full.digest)
            before = best.get(name, (float("inf"), float("inf"), 0))
            best[name] = min(before[0], full.seconds), min(before[1], empty.seconds), full.cycles - empty.cycles
    if work.expect:
        digests.add(tuple(work.expect(data)))
    if len(digests) != 1:
        raise SystemExit(f"{work.name}: digests differ: {digests}")
    return {
        name: {"cycles_per_byte": cycles / len(data), "megabytes_per_second": len(data) / (full - empty) / 1e6}
        for name, (full, empty, cycles) in best.items()
    }


def main() -> None:
    """Print a row for each procedure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default=os.environ.get("MIDEN_REFERENCE"), metavar="PATH", help="the harness")
    parser.add_argument("--megabytes", type=float, default=1.0, metavar="N", help="how much to hash (a megabyte is 2^20 bytes)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="only procedures whose name has this text")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    length = max(64, int(arguments.megabytes * 2**20) // 64 * 64)
    data = random.Random(1).randbytes(length)
    sides = {"ours": Side(core_library())}
    if arguments.reference:
        with Reference(arguments.reference) as reference:
            sides["theirs"] = Side(Library.from_bytes(bytes.fromhex(reference.ask("corelib", bytes=True)["bytes"])))
    rows = {}
    if not arguments.json:
        print(f"{length:,} bytes; cycles per byte and MB/s of each library on our machine")
        print(f"{'procedure':<32}" + "".join(f"{name + ' c/B':>14}{'MB/s':>10}" for name in sides) + f"{'cycles':>10}")
    for work in WORKS:
        if arguments.only not in work.name:
            continue
        rows[work.name] = row = measure(work, sides, data, arguments.rounds)
        if not arguments.json:
            text = "".join(f"{row[name]['cycles_per_byte']:>14.2f}{row[name]['megabytes_per_second']:>10.2f}" for name in sides)
            ratio = f"{row['ours']['cycles_per_byte'] / row['theirs']['cycles_per_byte']:>10.3f}" if "theirs" in row else ""
            print(f"{work.name:<32}{text}{ratio}", flush=True)
    if arguments.json:
        print(json.dumps({"bytes": length, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
