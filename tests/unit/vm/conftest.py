"""Programs from operations in text, run by the driver: no assembler is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from miden.mast.builder import ForestBuilder
from miden.mast.program import Program
from miden.vm.processor import execute
from tests.support.columns import parse_operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from miden.vm.outputs import ExecutionOutput


def block_program(text: str) -> Program:
    """Return a program of one basic block: ``push.5 emit drop``."""
    builder = ForestBuilder()
    builder.add_root(builder.add_block(*parse_operations(text)))
    return Program(builder.build(), 0)


class Run(Protocol):
    def __call__(self, text: str, **options: Any) -> ExecutionOutput: ...


@pytest.fixture
def program() -> Callable[[str], Program]:
    return block_program


@pytest.fixture
def run(backend: str) -> Run:
    """Run one block of operations on each backend in turn."""

    def run(text: str, **options: Any) -> ExecutionOutput:
        return execute(block_program(text), backend=backend, **options)

    return run
