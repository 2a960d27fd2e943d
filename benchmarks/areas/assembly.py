"""Assembling a large tree of sources, and the examples: from text, and looked up in a build cache."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ROOT, Case, nanoseconds

import miden
from miden.assembly.parser import parse_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Setting

    from miden.assembly.ast import Module

TITLE = "Assembly"
NAMESPACE = "bench"
PIECES = (
    "dup.{a} movup.{b} add",
    "push.{c} add movdn.{b}",
    "dup.{a} dup.{b} eq if.true add.{a} else mul.{b} end",
    "dup.{a} u32split drop dup.{b} u32split drop u32wrapping_add movup.5 drop",
    "push.LIMIT mem_store.{c}",
    "loc_store.{e} loc_load.{f}",
    "repeat.3 swap.{b} add.1 end",
    "padw mem_loadw_be.{d} dropw",
    'dup.{a} eq.{a} drop push.1 assert.err="value {c} is out of range"',
)


def module(index: int, size: int) -> str:
    """Return about `size` bytes of a module whose procedures call earlier ones and those of the module before it."""
    numbers = random.Random(index)
    lines = [f"use {NAMESPACE}::m{index - 1:03d}" if index else "", f"const LIMIT = {1000 + index} * 3", ""]
    total = 0
    for count in range(10**6):
        if total >= size:
            break
        text = [f"#! Does the work of step {count}.", "#!", "#! Inputs:  [a, b, ...]", "#! Outputs: [c, d, ...]"]
        text += ["@locals(8)", f"pub proc step_{count}"]
        for _ in range(12):
            values = {key: numbers.randrange(2, 7) for key in "abef"} | {key: 4 * numbers.randrange(1000) for key in "cd"}
            text.append(f"    {numbers.choice(PIECES).format(**values)}  # {numbers.randrange(10**6)}")
        if count:
            text.append(f"    exec.step_{numbers.randrange(count)}" if count % 3 == 0 else f"    call.step_{numbers.randrange(count)}")
        if index and count < 5:
            text.append(f"    exec.m{index - 1:03d}::step_{count}")
        lines += [*text, "end", ""]
        total += sum(map(len, text)) + len(text) + 5
    return "\n".join(lines)


def write_tree(folder: Path, size: int, modules: int) -> int:
    """Write a tree of modules and return its bytes."""
    total = 0
    for index in range(modules):
        text = module(index, size // modules)
        (folder / f"m{index:03d}.masm").write_text(text, encoding="utf-8")
        total += len(text)
    return total


def tree_cases(setting: Setting, folder: Path, size: int) -> Iterator[Case]:
    """Yield the tree assembled from its files, and looked up."""
    reference = setting.reference
    step = {"make": "library", "name": "tree", "path": str(folder), "namespace": NAMESPACE}

    def cold() -> miden.Library:
        return miden.Assembler().assemble_library(miden.read_modules(folder, NAMESPACE))

    library = cold()
    if reference and reference.ask("plan", steps=[step])["steps"][0]["digest"] != library.digest.to_bytes().hex():
        raise SystemExit("the digests of the tree differ")
    cache = miden.BuildCache(folder / "cache")

    def cached() -> miden.Library:
        return miden.CachedAssembler(cache).assemble_library(miden.read_modules(folder, NAMESPACE))

    if cached() != library or cached() != library or cache.hits != 1:
        raise SystemExit("the build cache returns something else than the assembler")

    def theirs() -> float:
        assert reference is not None
        return min(float(reference.ask("plan", steps=[step])["steps"][0]["ns"]) for _ in range(2))

    def parse() -> list[Module]:
        return [parse_module(text) for text in miden.read_modules(folder, NAMESPACE).values()]

    name = f"tree of {size / 1e6:.2g} MB"
    other = theirs if reference else None
    yield Case(f"{name}, from files", lambda: nanoseconds(cold, 1), other, "of its time", 8.0, unit="tree")
    yield Case(f"{name}, reading and parsing alone", lambda: nanoseconds(parse, 1), None, "absolute", unit="tree")
    yield Case(f"{name}, again, from the build cache", lambda: nanoseconds(cached, 3), other, "of its time", 1.0, unit="tree")


def examples_cases(setting: Setting, folder: Path) -> Iterator[Case]:
    """Yield all examples assembled one after the other, and looked up."""
    reference = setting.reference
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("*.masm"))]
    programs = [miden.assemble(text) for text in texts]
    if reference:
        for text, program in zip(texts, programs, strict=True):
            if reference.ask("program", source=text)["hash"] != program.hash.to_bytes().hex():
                raise SystemExit(f"the hash of an example differs: {text[:60]!r}")
    cache = miden.BuildCache(folder)
    for text in texts:
        miden.CachedAssembler(cache).assemble_program(text)

    def ours() -> list[miden.Program]:
        return [miden.assemble(text) for text in texts]

    def cached() -> list[miden.Program]:
        return [miden.CachedAssembler(cache).assemble_program(text) for text in texts]

    if cached() != programs:
        raise SystemExit("the build cache returns something else than the assembler")

    def theirs() -> float:
        assert reference is not None
        return min(sum(float(reference.ask("program", source=text)["assemble_ns"]) for text in texts) for _ in range(3))

    other = theirs if reference else None
    yield Case(f"{len(texts)} examples", lambda: nanoseconds(ours), other, "of its time", 8.0, unit="set")
    yield Case(f"{len(texts)} examples, from the build cache", lambda: nanoseconds(cached), other, "of its time", 1.0, unit="set")


def collect(setting: Setting) -> Iterator[Case]:
    """Yield the tree, then the examples."""
    _folders.append(tempfile.TemporaryDirectory(prefix="miden-bench-"))
    folder = Path(_folders[-1].name)
    (folder / "tree").mkdir()
    size = write_tree(folder / "tree", setting.size(1_000_000, 20_000), setting.size(40, 3))
    yield from tree_cases(setting, folder / "tree", size)
    yield from examples_cases(setting, folder / "examples")


_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Kept until the process ends: the cases that use them outlive `collect`."""
