"""Runtimes: what runs the code of actors. All of them bind to the same kernel, so actors of one call those of another.

`native` runs actors written in Python, `masm` those of the Miden VM, `wasm` those in WebAssembly.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from miden.actors.kernel import Kernel
    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid

    class Runtime(Protocol):
        """Runs the code of actors of one kind."""

        def claims(self, code: Cid, blocks: Blockstore) -> bool:
            """Tell whether this runtime runs a code."""

        def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
            """Run a code with the handle of its parameters, and return the handle of its return value; 0 stands for none.

            Before each call of the kernel that the guest makes, a runtime charges for it with `Kernel.enter`.

            Raises
            ------
            Exit
                From `Kernel.exit`, to be let through.
            OutOfGas, Fatal
                From the kernel, to be let through.
            GuestTrap
                When the guest breaks.
            """
