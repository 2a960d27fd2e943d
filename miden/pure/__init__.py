"""The machine in pure Python: the executable specification of processor.md sections 1 to 3, written to be read.

It computes nothing with `miden._core`, so it is the second witness of every test, and the backend of an
installation without a compiler. Reading order:

`state`      what a run changes, and how to touch the stack
`ops`        one function per operation, a module per family
`memory`     words by context and address
`blocks`     how operations fall into batches, and what padding costs
`code`       a forest, checked
`traversal`  nodes and continuations: the control flow
`machine`    the protocol of `miden.vm.machine` around all that
`stops`      how an operation faults, or asks the driver for something
"""

from __future__ import annotations

from miden.pure.code import Code
from miden.pure.machine import Machine

__all__ = ["Code", "Machine"]
