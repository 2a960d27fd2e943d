"""Assemble and run through the public API, the same way in every test that needs no more than that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import miden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BACKENDS = ("core", "pure")


def run_source(
    source: str, *, backend: str, stack: Sequence[int] = (), advice: Mapping[str, object] | None = None
) -> miden.ExecutionOutput:
    """Run a program; `stack` is given top first, `advice` has the keys of an `.inputs` file."""
    program = miden.Assembler().assemble_program(source)
    return miden.execute(
        program,
        stack=miden.StackInputs.from_bottom(list(reversed(stack))),
        advice=miden.AdviceInputs.from_json(advice or {}),
        backend=backend,
    )


def example_source(name: str) -> str:
    """Return the text of ``examples/NAME.masm``."""
    return (EXAMPLES / f"{name}.masm").read_text(encoding="utf-8")


def example_inputs(name: str) -> dict[str, list[object]]:
    """Return the parsed ``examples/NAME.inputs``."""
    document: dict[str, list[object]] = json.loads((EXAMPLES / f"{name}.inputs").read_text(encoding="utf-8"))
    return document


def require_backend(name: str) -> None:
    """Skip the test that runs now if a backend cannot be had here: the core where no compiler built it."""
    try:
        miden.get_backend(name)
    except miden.BackendError as error:
        pytest.skip(str(error))
