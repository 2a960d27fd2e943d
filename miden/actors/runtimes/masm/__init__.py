"""Actors in Miden assembly: the runtime that runs them on the Miden VM. (fvm.md section 5.4.)

`asm/kernel.masm` is what an actor calls, and says how; `library` loads it and the library that actors are written with; `code`
loads an actor; `invocation` runs it; `boundary` answers what it asks.
"""

from __future__ import annotations

from miden.ipld.cid import MAST_FOREST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from miden.actors.kernel import Kernel
    from miden.actors.runtimes.masm.code import ActorCode
    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid
    from miden.vm.backends import Backend

__all__ = ["MasmRuntime", "actor_code"]

KEPT = 256
"""Codes that a runtime keeps loaded."""


class MasmRuntime:
    """Runs codes of the codec ``mast-forest``: libraries, packages and programs of the Miden VM.

    Parameters
    ----------
    backend
        ``core``, ``pure``, a `Backend`, or None for the best there is.
    """

    def __init__(self, backend: str | Backend | None = None) -> None:
        from miden.vm.backends import get_backend

        self.backend = get_backend(backend)
        self._codes: dict[Cid, ActorCode] = {}

    def claims(self, code: Cid, blocks: Blockstore) -> bool:
        """Tell whether this runtime runs a code."""
        return code.codec == MAST_FOREST

    def invoke(self, kernel: Kernel, code: Cid, params: int) -> int:
        """Run a code with the handle of its parameters, and return that of its result; 0 stands for none.

        Raises `Exit`, `OutOfGas` and `Fatal` as the kernel does, and `GuestTrap` when the actor breaks: with code 24 for an assertion
        that failed, else with code 4.
        """
        from miden.actors.runtimes.masm.invocation import Invocation

        return Invocation(kernel, self._code(code, kernel.machine.blocks), params, self.backend).invoke()

    def _code(self, cid: Cid, blocks: Blockstore) -> ActorCode:
        found = self._codes.get(cid)
        if found is None:
            from miden.actors.codes import Fatal
            from miden.actors.runtimes.masm.code import ActorCode

            data = blocks.get(cid)
            if data is None:
                raise Fatal(f"the code {cid} is not in the store", kind="CodeMissing")
            found = ActorCode(cid, data, self.backend)
            if len(self._codes) >= KEPT:
                del self._codes[next(iter(self._codes))]
            self._codes[cid] = found
        return found


def actor_code(path: str) -> tuple[Cid, bytes]:
    """Assemble the actor in a file and return its code: CID and block.

    Raises `AssemblyError` for a source that does not assemble, `OSError` for a file that cannot be read.
    """
    from pathlib import Path

    from miden.actors.runtimes.masm.library import assemble_actor
    from miden.ipld.mast import forest_cid

    data = assemble_actor(Path(path)).to_bytes()
    return forest_cid(data), data
