"""Both machines behind one door, without driver, host or assembler."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from miden.status import Status
from tests.support.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

P = 2**64 - 2**32 + 1
EDGES = (0, 1, 2, 2**32 - 1, 2**32, 2**32 + 1, P - 2, P - 1)
U32_EDGES = (0, 1, 2, 2**31, 2**32 - 2, 2**32 - 1)
NOT_U32_EDGES = (2**32, 2**32 + 1, P - 1)

_MODULES = {"pure": ("miden.pure.code", "miden.pure.machine"), "core": ("miden._core.forest", "miden._core.processor")}

HAVE_CORE = find_spec("miden._core") is not None and all(find_spec(name) is not None for name in _MODULES["core"])
needs_core = pytest.mark.skipif(not HAVE_CORE, reason="the core is not built")
BACKENDS = ("pure", pytest.param("core", marks=needs_core))


class Backend:
    """One implementation of `miden.vm.machine`."""

    def __init__(self, name: str) -> None:
        code_module, machine_module = _MODULES[name]
        self.name = name
        self.Code: Any = import_module(code_module).Code
        self.Machine: Any = import_module(machine_module).Machine

    def code(self, forest: Columns) -> Any:
        return self.Code(*forest.columns())

    def machine(
        self,
        forest: Columns | Any,
        entrypoint: int | None = None,
        *,
        kernel: bytes = b"",
        stack: Sequence[int] = (),
        advice: Sequence[int] = (),
        max_cycles: int = 2**29,
        max_stack: int = 2**20,
        max_memory: int = 2**26,
        max_continuations: int = 2**24,
        debug: bool = False,
    ) -> Any:
        """Return a machine for the last node of a forest, or for `entrypoint`; `stack` is top first."""
        code = self.code(forest) if isinstance(forest, Columns) else forest
        if entrypoint is None:
            entrypoint = len(forest.records) - 1
        return self.Machine(
            code, entrypoint, kernel, list(stack), list(advice), max_cycles, max_stack, max_memory, max_continuations, debug
        )

    def run_block(self, text: str, **inputs: Any) -> Any:
        """Run one block of operations as far as it goes; return (status, machine)."""
        forest = Columns()
        forest.block(text)
        machine = self.machine(forest, **inputs)
        return Status(machine.run(2**29)), machine

    def result(self, text: str, stack: Sequence[int] = (), **inputs: Any) -> list[int]:
        """Run one block that must not stop before its END row; return the stack, top first, whatever its depth."""
        status, machine = self.run_block(text, stack=stack, **inputs)
        assert status in (Status.DONE, Status.OUTPUT_STACK_OVERFLOW), status
        stack_after: list[int] = machine.stack()
        return stack_after

    def fault(self, text: str, stack: Sequence[int] = (), **inputs: Any) -> tuple[Status, tuple[int, ...]]:
        """Run one block that must trap; return the status and the operands of the fault.

        Checks on the way what holds for every fault: the state is the one before the failing row, and running again
        changes nothing.
        """
        status, machine = self.run_block(text, stack=stack, **inputs)
        assert status >= Status.FAILED_ASSERTION, status
        before = self.machine(machine.code, 0, stack=stack, **inputs)
        assert before.run(machine.clk) == Status.BUDGET or machine.clk == inputs.get("max_cycles")
        assert machine.snapshot() == before.snapshot()
        assert machine.run(100) == status
        return status, tuple(machine.fault_values)


def padded(*top: int) -> list[int]:
    """Return sixteen elements: these, top first, and zeros."""
    return [*top, *[0] * (16 - len(top))]
