"""What a run may use: cycles, stack, memory, advice, continuations, fetches, time.

A run that reaches one of its limits ends with a `LimitError` whose `kind` names it; nothing is ever killed.
"""

from __future__ import annotations

from miden.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_CYCLES = 2**32 - 1
"""Largest `max_cycles`: clock cycles and context ids are 32-bit numbers."""

_DEFAULTS: dict[str, int] = {
    "max_cycles": 2**29,
    "max_stack": 2**20,
    "max_memory": 2**26,
    "max_advice": 2**26,
    "max_continuations": 2**22,
    "max_fetches": 10**4,
    "max_fetched_bytes": 2**28,
}
_LEAST = {**dict.fromkeys(_DEFAULTS, 0), "max_cycles": 1, "max_stack": 16, "max_continuations": 1}
_MOST = {
    **dict.fromkeys(_DEFAULTS, 2**31),
    **dict.fromkeys(("max_memory", "max_advice", "max_fetched_bytes"), 2**40),
    "max_cycles": MAX_CYCLES,
}


class Limits:
    """Limits of one run; immutable, all keyword arguments.

    Attributes
    ----------
    max_cycles
        Clock cycles (rows of the trace). A run of exactly this many succeeds. Default 2**29, the reference's ceiling.
    max_stack
        Elements of the operand stack, the overflow of all callers included. Default 2**20.
    max_memory
        Elements of memory over all contexts. Default 2**26 (512 MiB).
    max_advice
        Bytes of advice that the run may hold beyond what it was given: 8 for an element of the stack or of a map
        value, 128 more for a map entry, 256 for a node of the Merkle store. Default 2**26 (64 MiB; the reference
        has no limit and dies).
    max_continuations
        Records of the continuation stack, that is nesting of nodes and calls. Default 2**22.
    max_fetches
        Distinct digests that the host is asked for. Default 10,000.
    max_fetched_bytes
        Size of the forests that the host gives (`MastForest.nbytes`), each counted once. Default 2**28 (256 MiB).
    deadline
        Seconds of wall-clock time spent running, None for no limit. Looked at every few milliseconds.

    Raises
    ------
    InputError
        If a value is not a number in its range.

    Examples
    --------
    >>> Limits(max_cycles=1000).max_cycles
    1000
    >>> Limits().replace(deadline=1.5).deadline
    1.5
    """

    __slots__ = ("deadline", "max_advice", "max_continuations", "max_cycles", "max_fetched_bytes", "max_fetches", "max_memory", "max_stack")

    max_cycles: int
    max_stack: int
    max_memory: int
    max_advice: int
    max_continuations: int
    max_fetches: int
    max_fetched_bytes: int
    deadline: float | None

    def __init__(
        self,
        *,
        max_cycles: int = _DEFAULTS["max_cycles"],
        max_stack: int = _DEFAULTS["max_stack"],
        max_memory: int = _DEFAULTS["max_memory"],
        max_advice: int = _DEFAULTS["max_advice"],
        max_continuations: int = _DEFAULTS["max_continuations"],
        max_fetches: int = _DEFAULTS["max_fetches"],
        max_fetched_bytes: int = _DEFAULTS["max_fetched_bytes"],
        deadline: float | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "max_cycles", _checked("max_cycles", max_cycles))
        put(self, "max_stack", _checked("max_stack", max_stack))
        put(self, "max_memory", _checked("max_memory", max_memory))
        put(self, "max_advice", _checked("max_advice", max_advice))
        put(self, "max_continuations", _checked("max_continuations", max_continuations))
        put(self, "max_fetches", _checked("max_fetches", max_fetches))
        put(self, "max_fetched_bytes", _checked("max_fetched_bytes", max_fetched_bytes))
        put(self, "deadline", None if deadline is None else _checked_deadline(deadline))

    def replace(self, **changes: Any) -> Limits:
        """Return a copy with some limits changed."""
        return Limits(**{**self.to_dict(), **changes})

    def to_dict(self) -> dict[str, Any]:
        """Return the limits by name."""
        return {name: getattr(self, name) for name in (*_DEFAULTS, "deadline")}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"limits are immutable: use replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("limits are immutable")

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Limits) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self.to_dict().values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.to_dict(),)

    def __repr__(self) -> str:
        changed = [f"{name}={value}" for name, value in self.to_dict().items() if value != _DEFAULTS.get(name)]
        return f"Limits({', '.join(changed)})"


def _rebuild(values: dict[str, Any]) -> Limits:
    return Limits(**values)


def _checked(name: str, value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} must be an integer, found {type(value).__name__}", kind="InvalidLimit")
    number: int = value.__index__()
    if not _LEAST[name] <= number <= _MOST[name]:
        raise InputError(f"{name} must be in {_LEAST[name]}..{_MOST[name]}, found {number}", kind="InvalidLimit")
    return number


def _checked_deadline(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"deadline must be a number of seconds, found {type(value).__name__}", kind="InvalidLimit")
    if not 0 < value < 1e9:
        raise InputError(f"deadline must be more than 0 and less than 1e9 seconds, found {value}", kind="InvalidLimit")
    return float(value)


DEFAULT_LIMITS = Limits()
"""What a run gets that asks for nothing else."""
