"""Help for those who write actors: logs and artifacts, where the machine allows them."""

from __future__ import annotations

from miden.actors.codes import ErrorNumber
from miden.actors.kernel.base import KernelBase, fail, syscall

MAX_NAME = 256


class DebugCalls(KernelBase):
    """Calls of module ``debug``."""

    __slots__ = ()

    @syscall("debug")
    def enabled(self) -> bool:
        """Tell whether the machine listens."""
        return self.machine.context.debugging

    @syscall("debug")
    def log(self, text: str) -> None:
        """Log a text; nothing happens unless debugging is on."""
        if self.machine.context.debugging:
            self.calls.trace_log(text)

    @syscall("debug")
    def store_artifact(self, name: str, data: bytes) -> None:
        """Hand bytes to the outside under a name; raises ILLEGAL_ARGUMENT for a name that is no plain file name."""
        if not self.machine.context.debugging:
            return
        if not name or len(name.encode(errors="surrogatepass")) > MAX_NAME or name[0] == "." or "/" in name or "\\" in name:
            fail(ErrorNumber.ILLEGAL_ARGUMENT, f"an artifact cannot be named {name[:MAX_NAME]!r}")
        self.machine.externs.store_artifact(name, data)
