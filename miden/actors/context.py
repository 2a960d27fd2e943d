"""What a machine is told about its network, and which codes it knows by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from miden.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.ipld.cid import Cid

GUARDED_VERSION = 21
"""The first network version that scans links and checks them."""
MAX_CALL_DEPTH = 1024


@dataclass(frozen=True)
class MachineContext:
    """The facts of an epoch. Amounts are in the smallest unit of the token.

    `network_version` chooses between the rules of versions 18 to 20 (links are neither scanned nor checked) and those of 21 and
    later.
    """

    epoch: int = 0
    timestamp: int = 0
    """Seconds since 1970."""
    base_fee: int = 0
    """What each gas costs at least; it is burnt."""
    network_version: int = GUARDED_VERSION
    chain_id: int = 0
    circulating_supply: int = 0
    tracing: bool = False
    """Whether receipts have traces."""
    debugging: bool = False
    """Whether logs and artifacts of actors are listened to."""
    max_call_depth: int = MAX_CALL_DEPTH

    @property
    def guarded(self) -> bool:
        """Whether links are scanned and checked."""
        return self.network_version >= GUARDED_VERSION


@dataclass(frozen=True)
class Manifest:
    """Codes that the machine knows by name, numbered from 1 in this order.

    Of the names, it uses ``account`` (made for keys that receive), ``placeholder`` (made for f4 addresses that receive),
    ``ethaccount`` (what a placeholder that sends becomes), ``init`` and ``system``.

    >>> Manifest().account is None
    True
    """

    codes: tuple[tuple[str, Cid], ...] = ()
    account: Cid | None = field(init=False, default=None, repr=False)
    placeholder: Cid | None = field(init=False, default=None, repr=False)
    ethaccount: Cid | None = field(init=False, default=None, repr=False)
    _names: dict[str, Cid] = field(init=False, default_factory=dict, repr=False, compare=False)
    _numbers: dict[Cid, int] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._names.update(self.codes)
        self._numbers.update((code, number) for number, (_, code) in enumerate(self.codes, 1))
        for name in ("account", "placeholder", "ethaccount"):
            object.__setattr__(self, name, self._names.get(name))

    @classmethod
    def of(cls, codes: Iterable[tuple[str, Cid]]) -> Manifest:
        """Make a manifest of names and codes."""
        return cls(tuple(codes))

    def code(self, name: str) -> Cid:
        """Return a code by its name; raises `InputError`."""
        if name not in self._names:
            raise InputError(f"no builtin actor is named {name!r}; there are {', '.join(self._names) or 'none'}", kind="UnknownActor")
        return self._names[name]

    def code_of(self, number: int) -> Cid | None:
        """Return a code by its number, or None."""
        return self.codes[number - 1][1] if 0 < number <= len(self.codes) else None

    def type_of(self, code: Cid) -> int:
        """Return the number of a code, 0 for one that is not here."""
        return self._numbers.get(code, 0)

    def name_of(self, code: Cid) -> str | None:
        """Return the name of a code, or None."""
        number = self._numbers.get(code)
        return None if number is None else self.codes[number - 1][0]
