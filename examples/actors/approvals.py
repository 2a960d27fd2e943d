"""Approval by several: value leaves this actor when enough of its signers agree.

The state is ``[threshold, [signer...], next id, [[id, to, value, [approver...]]...]]``; all actors by their IDs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from miden.actors.codes import FIRST_USER_EXIT_CODE, ExitCode, SyscallError
from miden.actors.methods import SEND
from miden.actors.runtimes.native import Actor, constructor, method

MAX_SIGNERS = 16
MAX_PENDING = 16


class Approvals(Actor):
    """Holds value for a group of signers."""

    name = "approvals"

    @constructor
    def found(self, threshold: int, signers: list[int]) -> None:
        """Set who signs and how many it takes; 16 unless they are distinct, in ascending order, and not too few or too many."""
        ascending = all(one < after for one, after in pairwise(signers))
        fits = 0 < threshold <= len(signers) <= MAX_SIGNERS
        self.require(ascending and fits, ExitCode.USR_ILLEGAL_ARGUMENT, "the rules are none")
        self.state = [threshold, signers, 0, []]

    @method
    def propose(self, to: int, value: int) -> list[int]:
        """Propose to send value, and approve of it; 18 for who is no signer, 20 while 16 proposals wait. Returns its number."""
        threshold, signers, number, pending = state = self.state
        self._only(signers)
        self.require(len(pending) < MAX_PENDING, ExitCode.USR_ILLEGAL_STATE, "too many proposals wait")
        state[2] = number + 1
        if threshold > 1:
            pending.append([number, to, value, [self.caller]])
        self.state = state
        self.emit({"proposed": number})
        if threshold == 1:
            self._execute(number, to, value)
        return [number]

    @method
    def approve(self, id: int) -> list[int]:
        """Approve of a proposal; 17 for an unknown one, 18 for who may not or did so before. The last one needed executes it."""
        threshold, signers, _, pending = state = self.state
        self._only(signers)
        index = next((index for index, proposal in enumerate(pending) if proposal[0] == id), None)
        if index is None:
            self.abort(ExitCode.USR_NOT_FOUND, f"there is no proposal {id}")
        _, to, value, approvers = pending[index]
        self.require(self.caller not in approvers, ExitCode.USR_FORBIDDEN, f"{self.caller} approved before")
        approvers.append(self.caller)
        decided = len(approvers) >= threshold
        if decided:
            del pending[index]
        self.state = state
        if decided:
            self._execute(id, to, value)
        else:
            self.emit({"approved": id})
        return [int(decided)]

    @method
    def pending(self) -> list[Any]:
        """Return the proposals that wait."""
        proposals: list[Any] = self.state[3]
        return proposals

    def _only(self, signers: list[int]) -> None:
        self.require(self.caller in signers, ExitCode.USR_FORBIDDEN, f"{self.caller} is no signer")

    def _execute(self, number: int, to: int, value: int) -> None:
        """Send what was decided, after the state is written: who is sent to may call back."""
        try:
            exit_code = self.send(to, SEND, value=value).exit_code
        except SyscallError:
            exit_code = ExitCode.USR_INSUFFICIENT_FUNDS
        if exit_code:
            self.abort(exit_code if exit_code >= FIRST_USER_EXIT_CODE else ExitCode.USR_INSUFFICIENT_FUNDS, "the transfer failed")
        self.emit({"executed": number})
