"""What a message has paid for: actors read or updated, addresses resolved. Each costs once, unless a rollback takes it back."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.actors.address import Address


class AccessTracker:
    """Remembers accesses, with marks to go back to.

    >>> access = AccessTracker([1])
    >>> mark = access.begin()
    >>> access.record_read(100); access.record_update(101); access.revert(mark)
    >>> access.actors
    {1: True}
    """

    def __init__(self, preloaded: Iterable[int]) -> None:
        self.actors: dict[int, bool] = dict.fromkeys(preloaded, True)
        """ID -> whether its update was paid for; not in it: nothing was."""
        self._addresses: set[Address] = set()
        self._log: list[tuple[int | Address, bool | None]] = []

    def record_read(self, actor_id: int) -> None:
        """An actor was looked up."""
        if actor_id not in self.actors:
            self._log.append((actor_id, None))
            self.actors[actor_id] = False

    def record_update(self, actor_id: int) -> None:
        """An actor was changed."""
        before = self.actors.get(actor_id)
        if not before:
            self._log.append((actor_id, before))
            self.actors[actor_id] = True

    def knows_address(self, address: Address) -> bool:
        """Tell whether an address was resolved."""
        return address.id is not None or address in self._addresses

    def record_address(self, address: Address) -> None:
        """An address was resolved."""
        if not self.knows_address(address):
            self._log.append((address, None))
            self._addresses.add(address)

    def begin(self) -> int:
        """Return a mark."""
        return len(self._log)

    def revert(self, mark: int) -> None:
        """Forget all since a mark."""
        for key, before in reversed(self._log[mark:]):
            if not isinstance(key, int):
                self._addresses.discard(key)
            elif before is None:
                del self.actors[key]
            else:
                self.actors[key] = before
        del self._log[mark:]
