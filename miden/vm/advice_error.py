"""The error of the advice provider, apart from it so that the Merkle store can raise it (processor.md section 5.4)."""

from __future__ import annotations

from miden.errors import ExecutionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AdviceError(ExecutionError):
    """A request the advice provider cannot serve; `kind` is ``AdviceError``.

    `facts["reason"]` is the reference's variant: MapKeyAlreadyPresent, MapKeyNotFound, StackReadFailed,
    InvalidMerkleTreeNodeIndex, MerkleStoreLookupFailed, MerkleStoreUpdateFailed.
    """

    def __init__(self, text: str, *, reason: str = "", facts: dict[str, Any] | None = None, hint: str | None = None) -> None:
        super().__init__(text, kind="AdviceError", facts={"reason": reason, **(facts or {})}, hint=hint)

    @property
    def reason(self) -> str:
        return str(self.facts["reason"])

    def as_update(self) -> AdviceError:
        """Return the same failure as seen by an update of the Merkle store."""
        text = self.message.replace("failed to lookup value in Merkle store", "Merkle store backend update failed", 1)
        return AdviceError(text, reason="MerkleStoreUpdateFailed", facts={k: v for k, v in self.facts.items() if k != "reason"})
