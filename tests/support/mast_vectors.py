"""What the reference makes of blocks, nodes, decorators and files: `tests/vectors/mast_vectors.json`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "mast_vectors.json").read_text(encoding="utf-8"))
BLOCKS: list[dict[str, Any]] = VECTORS["blocks"]


def operations_of(pairs: list[list[Any]]) -> list[tuple[int, int | None]]:
    """Return operations as (opcode, value) from a row of the vectors."""
    return [(opcode, None if value is None else int(value)) for opcode, value in pairs]


def code_of(pairs: list[list[Any]]) -> tuple[bytes, list[int]]:
    """Return opcodes and immediates from a row of the vectors; opcodes that take an error code have one there."""
    operations = operations_of(pairs)
    return bytes(opcode for opcode, _ in operations), [value for _, value in operations if value is not None]


def files() -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    """Iterate over (name, kind, bytes, facts) of all files the reference wrote: programs, libraries, kernels."""
    for index, program in enumerate(VECTORS["programs"]):
        yield f"program-{index}", "program", bytes.fromhex(program["bytes_hex"]), {"hash": program["hash"].removeprefix("0x")}
    yield "kernel-program", "program", bytes.fromhex(VECTORS["kernel_program_hex"]), {}
    library = VECTORS["library"]
    yield "library", "library", bytes.fromhex(library["bytes_hex"]), {"digest": library["digest"].removeprefix("0x")}
    with gzip.open(FOLDER / "formats.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for number, row in enumerate(rows):
        kind = "program" if "source" in row else "kernel" if "kernel_source" in row else "library"
        if "bytes" in row["expect"]:
            yield f"row-{number}", kind, bytes.fromhex(row["expect"]["bytes"]), row["expect"]
        for index, facts in enumerate(row["expect"].get("libraries", ())):
            if "bytes" in facts:
                yield f"row-{number}-library-{index}", "library", bytes.fromhex(facts["bytes"]), facts


FILES = list(files())
