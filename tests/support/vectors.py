"""Read rows of `tests/vectors` and compare what the public API makes of them with what the reference made."""

from __future__ import annotations

import functools
import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import miden

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = Path(__file__).parents[1] / "vectors"
Row = dict[str, Any]


@functools.cache
def rows(name: str) -> list[Row]:
    """Return all rows of one file."""
    with gzip.open(VECTORS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def differences(row: Row, backend: str) -> Iterator[str]:
    """Yield one line for everything in which we differ from the reference."""
    if "op" in row:
        yield from _hash_differences(row, backend)
    elif "source" in row:
        yield from _program_differences(row, backend)
    else:
        yield from _format_differences(row)


def _plain(word: miden.Word) -> str:
    return word.to_hex().removeprefix("0x")


def _differ(what: str, got: object, expected: object) -> Iterator[str]:
    if got != expected:
        yield f"{what}: got {str(got)[:200]}, the reference has {str(expected)[:200]}"


def _hash_differences(row: Row, backend: str) -> Iterator[str]:
    if row["op"] == "hash_elements":
        yield from _differ("digest", _plain(miden.hash_elements(row["elements"])), row["digest"])
        return
    stack, want = (row["stack_in"], row["stack_out"]) if row["op"] == "hperm" else (row["a"] + row["b"], row["digest_top_first"])
    program = miden.Assembler().assemble_program(f"begin {row['op']} end")
    out = miden.execute(program, stack=miden.StackInputs.from_bottom(stack), backend=backend)
    yield from _differ(row["op"], list(out.stack)[: len(want)], want)


def _assemble(row: Row) -> tuple[miden.Program, list[Any], list[Any]]:
    """Return the program of a row, the libraries it was linked with, and all that its host must know."""
    kernel = miden.Assembler().assemble_kernel(row["kernel_source"]) if row.get("kernel_source") else None
    assembler = miden.Assembler(kernel=kernel)
    libraries: list[Any] = []
    for spec in row.get("libraries", ()):
        builder = miden.Assembler()
        for earlier in libraries:
            builder.link_library(earlier, kind="dynamic")
        libraries.append(builder.assemble_library(spec["modules"]))
        assembler.link_library(libraries[-1], kind=spec.get("link") or "dynamic")
    known = libraries if kernel is None else [*libraries, kernel]
    return assembler.assemble_program(row["source"]), libraries, known


def _forest_differences(forest: miden.MastForest, expect: Row) -> Iterator[str]:
    yield from _differ("digests", [_plain(digest) for digest in forest.digests], [node[1] for node in expect["nodes"]])
    if "roots" in expect:
        yield from _differ("roots", list(forest.roots), expect["roots"])


def _library_differences(library: Any, expect: Row) -> Iterator[str]:
    exports = {str(path).removeprefix("::"): word and _plain(word) for path, word in library.exports.items()}
    yield from _differ("library digest", _plain(library.digest), expect["digest"])
    yield from _differ("exports", exports, {path.removeprefix("::"): digest for path, digest in expect["exports"].items()})
    yield from _forest_differences(library.forest, expect)


def _program_differences(row: Row, backend: str) -> Iterator[str]:
    expect = row["expect"]
    try:
        program, libraries, known = _assemble(row)
    except miden.AssemblyError as error:
        if "error" not in expect:
            yield f"does not assemble: {error}"
        return
    if "error" in expect:
        yield f"assembles, the reference says: {expect['error'][:200]}"
        return
    for library, facts in zip(libraries, expect.get("libraries", ()), strict=False):
        yield from _library_differences(library, facts)
    yield from _forest_differences(program.forest, expect)
    yield from _differ("hash", _plain(program.hash), expect["hash"])
    yield from _differ("entrypoint", program.entrypoint, expect["entrypoint"])
    yield from _differ("kernel", [_plain(digest) for digest in program.kernel.procedures], expect.get("kernel", []))
    if "run" in row:
        yield from _run_differences(program, row, known, backend)
    if "stripped_forest" in expect:
        yield from _differ("stripped bytes", program.forest.strip_debug_info().to_bytes().hex(), expect["stripped_forest"])
    if "bytes" in expect:
        loaded = miden.Program.from_bytes(bytes.fromhex(expect["bytes"]))
        yield from _forest_differences(loaded.forest, expect)
        yield from _differ("round trip", loaded.to_bytes().hex(), expect["bytes"])


def _run_differences(program: miden.Program, row: Row, known: list[Any], backend: str) -> Iterator[str]:
    expect, inputs = row["expect"], row.get("run", {})
    stack = miden.StackInputs.from_bottom(inputs.get("stack", []))
    advice = miden.AdviceInputs.from_json(inputs)
    try:
        out = miden.execute(program, stack=stack, advice=advice, host=miden.Host(libraries=known), backend=backend)
    except miden.ExecutionError as error:
        if "run_error" not in expect:
            yield f"the run fails: {error}"
            return
        yield from _differ("error kind", error.kind, expect["run_error_kind"])
        at = re.search(r"clock cycle (\d+)", expect["run_error"])
        if at:
            yield from _differ("clock of the error", error.clk, int(at[1]))
        return
    if "run_error" in expect:
        yield f"the run succeeds, the reference says: {expect['run_error'][:200]}"
        return
    yield from _differ("stack", list(out.stack), expect["stack"])
    yield from _differ("cycles", out.cycles, expect["cycles"])
    yield from _differ("advice stack", list(out.advice_stack), expect.get("advice_stack_left", [])[::-1])
    if "memory" in expect:
        written = {address: value for address, value in out.memory(ctx=0).items() if value}
        yield from _differ("memory", written, {address: value for address, value in expect["memory"] if value})


def _format_differences(row: Row) -> Iterator[str]:
    expect = row["expect"]
    if "kernel_source" in row:
        kernel = miden.Assembler().assemble_kernel(row["kernel_source"])
        yield from _differ("kernel digests", [_plain(digest) for digest in kernel.forest.digests], [node[1] for node in expect["nodes"]])
        yield from _differ("round trip", miden.KernelLibrary.from_bytes(bytes.fromhex(expect["bytes"])).to_bytes().hex(), expect["bytes"])
    for spec, facts in zip(row.get("libraries", ()), expect.get("libraries", ()), strict=True):
        yield from _library_differences(miden.Assembler().assemble_library(spec["modules"]), facts)
        loaded = miden.Library.from_bytes(bytes.fromhex(facts["bytes"]))
        yield from _library_differences(loaded, facts)
        yield from _differ("round trip", loaded.to_bytes().hex(), facts["bytes"])
