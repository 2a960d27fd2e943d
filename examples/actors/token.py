"""A token: balances of any number of holders, in a HAMT of bit width 8.

The state is ``[supply, link to the HAMT]``: its keys are IDs of actors as 8 bytes, its values balances as 8 bytes, big-endian.
"""

from __future__ import annotations

from miden.actors.codes import ExitCode
from miden.actors.runtimes.native import Actor, constructor, method
from miden.ipld.hamt import Hamt

BIT_WIDTH = 8


class Token(Actor):
    """Keeps balances."""

    name = "token"

    @constructor
    def issue(self, supply: int, owner: int) -> None:
        """Give all that there will ever be to an owner."""
        balances = Hamt(self.blocks, bit_width=BIT_WIDTH)
        balances.set(_bytes(owner), _bytes(supply))
        self.state = [supply, balances.flush()]

    @method
    def transfer(self, to: int, amount: int) -> None:
        """Move from the caller to another holder; 19 if the caller has less."""
        supply, link = self.state
        balances = Hamt(self.blocks, link, bit_width=BIT_WIDTH)
        left = _balance(balances, self.caller) - amount
        self.require(left >= 0, ExitCode.USR_INSUFFICIENT_FUNDS, f"{self.caller} has less than {amount}")
        if to != self.caller:
            received = _balance(balances, to) + amount
            balances.set(_bytes(self.caller), _bytes(left))
            balances.set(_bytes(to), _bytes(received))
            self.state = [supply, balances.flush()]
        self.emit({"from": self.caller, "to": to, "amount": amount})

    @method
    def balance_of(self, id: int) -> list[int]:
        """Return the balance of a holder, 0 for who is none."""
        return [_balance(Hamt(self.blocks, self.state[1], bit_width=BIT_WIDTH), id)]

    @method
    def supply(self) -> list[int]:
        """Return all that there is."""
        return [self.state[0]]


def _bytes(number: int) -> bytes:
    return number.to_bytes(8)


def _balance(balances: Hamt, holder: int) -> int:
    found = balances.get(_bytes(holder))
    return int.from_bytes(found) if isinstance(found, bytes) else 0
