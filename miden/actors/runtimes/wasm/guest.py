"""One guest while it runs: its memory, its gas, and the kernel that it calls."""

from __future__ import annotations

from miden.actors.address import Address
from miden.actors.codes import ErrorNumber, SyscallError
from miden.errors import FormatError
from miden.ipld.cid import Cid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from miden.actors.kernel import Kernel
    from miden.actors.runtimes.wasm.engine import Instance

# No CID is longer: four varints and a digest of 64 bytes.
_CID_ROOM = 4 * 10 + 64


def refuse(message: str) -> NoReturn:
    """Refuse an argument of a guest."""
    raise SyscallError(ErrorNumber.ILLEGAL_ARGUMENT, message)


class Guest:
    """A guest between `start` and the end of its call.

    Until its module is instantiated a guest has no memory, so whatever its start function passes is refused.
    """

    __slots__ = ("charged_twice", "handed", "instance", "kernel", "memory", "memory_seen")

    def __init__(self, kernel: Kernel, instance: Instance) -> None:
        self.kernel = kernel
        self.instance = instance
        instance.guest = self
        self.memory = memoryview(b"")
        self.memory_seen = 0
        """Bytes of memory that were paid for."""
        self.handed = 0
        """Milligas handed to the guest by the last `refuel`."""
        self.charged_twice = 0

    # gas

    def refuel(self) -> None:
        """Hand the guest what is available."""
        self.charged_twice = 0
        self.handed = self.kernel.gas.refuel()
        self.instance.set_gas(self.handed)

    def settle(self) -> int:
        """Charge what the guest used since `refuel`, and return what it has left; raises `OutOfGas`."""
        instance = self.instance
        left = instance.get_gas()
        size = instance.memory_size()
        grown = 0
        if size != len(self.memory):
            self.memory = instance.memory()
            if size > self.memory_seen:
                grown = self.kernel.prices.memory_gas(size - self.memory_seen)
                self.memory_seen = size
        self.kernel.gas.settle(left - self.charged_twice, grown)
        return left

    def release(self) -> None:
        """Free the guest; its memory is gone."""
        self.memory = memoryview(b"")
        self.instance.close()

    # memory

    def check(self, offset: int, size: int) -> None:
        """Refuse a range that is not in memory."""
        if offset + size > len(self.memory):
            refuse(f"{size} bytes at {offset} are not all in memory")

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of memory; refuses a range that is not there."""
        self.check(offset, size)
        return bytes(self.memory[offset : offset + size])

    def write(self, offset: int, data: bytes) -> int:
        """Put bytes, at a place that was checked, and return how many."""
        self.memory[offset : offset + len(data)] = data
        return len(data)

    def read_cid(self, offset: int) -> Cid:
        """Return the CID at a place, which ends where it ends."""
        if offset > len(self.memory):
            refuse(f"a CID at {offset} is not in memory")
        try:
            return Cid.read(bytes(self.memory[offset : offset + _CID_ROOM]))[0]
        except FormatError as problem:
            refuse(f"no CID at {offset}: {problem.message}")

    def read_address(self, offset: int, size: int) -> Address:
        """Return the address that bytes of memory are."""
        data = self.read(offset, size)
        try:
            return Address.from_bytes(data)
        except FormatError as problem:
            refuse(f"no address at {offset}: {problem.message}")

    def read_text(self, offset: int, size: int) -> str:
        """Return UTF-8 text of memory."""
        try:
            return self.read(offset, size).decode()
        except UnicodeDecodeError:
            refuse(f"no UTF-8 at {offset}")
