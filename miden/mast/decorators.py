"""Decorators: facts and requests attached to operations and nodes, which change neither digests nor cycles.

Three kinds: `AsmOp` names the instruction that operations come from, `DebugOp` asks the host to print state,
`TraceOp` tells the host that a point was reached. (mast.md section 6.2.)

``fingerprint`` is the byte string whose hash the reference uses to tell decorators apart: equal fingerprints mean
equal decorators there, even where the parts differ, because parts are joined without separators.
"""

from __future__ import annotations

from miden.numbered import Numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Location: TypeAlias = tuple[str, int, int]


class DebugKind(Numbered):
    """What a `DebugOp` prints, numbered as in the file format (mast.md section 7.5); arguments in brackets."""

    STACK_ALL = 1
    """The operand stack."""
    STACK_TOP = 2
    """The top of the operand stack [count]."""
    MEM_ALL = 3
    """The memory of the context."""
    MEM_INTERVAL = 4
    """Memory cells [first, last]."""
    LOCAL_INTERVAL = 5
    """Locals of the procedure [first, last, number of locals]."""
    ADV_STACK_TOP = 6
    """The top of the advice stack [count]; 0 is all of it."""


class AsmOp:
    """The instruction that the next `cycles` operations of a block, or a whole node, were made from.

    Attributes
    ----------
    location
        (uri, start, end) with byte offsets into the source text, or None.
    context
        Path of the procedure.
    op
        Text of the instruction.
    cycles
        Number of operations, modulo 256 as the file format has a byte for it.
    should_break
        Whether a debugger stops here.
    """

    __slots__ = ("context", "cycles", "location", "op", "should_break")

    def __init__(self, location: Location | None, context: str, op: str, cycles: int = 0, should_break: bool = False) -> None:
        self.location = location
        self.context = context
        self.op = op
        self.cycles = cycles & 0xFF
        self.should_break = should_break

    def with_cycles(self, cycles: int) -> AsmOp:
        """Return a copy with another number of cycles."""
        return AsmOp(self.location, self.context, self.op, cycles, self.should_break)

    @property
    def fingerprint(self) -> bytes:
        """Bytes that tell this decorator from others."""
        suffix = self.context.encode() + self.op.encode() + bytes((self.cycles, self.should_break))
        if self.location is None:
            return suffix
        uri, start, end = self.location
        return uri.encode() + start.to_bytes(4, "little") + end.to_bytes(4, "little") + suffix

    def _key(self) -> tuple[object, ...]:
        return self.location, self.context, self.op, self.cycles, self.should_break

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsmOp) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"AsmOp({self.location!r}, {self.context!r}, {self.op!r}, cycles={self.cycles}, should_break={self.should_break})"


class DebugOp:
    """A request to the host to print state.

    >>> str(DebugOp(DebugKind.MEM_INTERVAL, 0, 8))
    'mem.0.8'
    """

    __slots__ = ("args", "kind")

    def __init__(self, kind: DebugKind, *args: int) -> None:
        self.kind = DebugKind(kind)
        self.args = args

    @property
    def fingerprint(self) -> bytes:
        """Bytes that tell this decorator from others; the number of locals is not among them."""
        return str(self).encode()

    def __str__(self) -> str:
        args = self.args[:2] if self.kind == DebugKind.LOCAL_INTERVAL else self.args
        return ".".join((_DEBUG_NAMES[self.kind], *map(str, args)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DebugOp) and (self.kind, self.args) == (other.kind, other.args)

    def __hash__(self) -> int:
        return hash((self.kind, self.args))

    def __repr__(self) -> str:
        return f"DebugOp({', '.join([f'DebugKind.{self.kind.name}', *map(str, self.args)])})"


_DEBUG_NAMES = {
    DebugKind.STACK_ALL: "stack",
    DebugKind.STACK_TOP: "stack",
    DebugKind.MEM_ALL: "mem",
    DebugKind.MEM_INTERVAL: "mem",
    DebugKind.LOCAL_INTERVAL: "local",
    DebugKind.ADV_STACK_TOP: "adv_stack",
}


class TraceOp:
    """A message to the host that this point was reached."""

    __slots__ = ("id",)

    def __init__(self, id: int) -> None:
        self.id = id

    @property
    def fingerprint(self) -> bytes:
        """Bytes that tell this decorator from others."""
        return self.id.to_bytes(4, "little")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TraceOp) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"TraceOp({self.id})"


if TYPE_CHECKING:
    Decorator: TypeAlias = AsmOp | DebugOp | TraceOp


def fingerprint_digest(decorator: Decorator) -> bytes:
    """Return the 32 bytes by which the reference knows a decorator: BLAKE3 of its fingerprint.

    >>> fingerprint_digest(TraceOp(7)) == fingerprint_digest(TraceOp(7))
    True
    """
    from blake3 import blake3

    digest: bytes = blake3(decorator.fingerprint).digest()
    return digest
