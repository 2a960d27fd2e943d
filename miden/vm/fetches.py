"""What a run fetches: it asks its host for forests by procedure root, and counts them against its limits."""

from __future__ import annotations

from miden.errors import ExecutionError, LimitError, NotFoundError
from miden.field import Word
from miden.isa import NodeKind
from miden.mast.nodes import DIGEST_OFFSET, NODE_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from miden.mast.forest import MastForest
    from miden.vm.host import Host
    from miden.vm.options import Limits


class Fetches:
    """The forests that one run has been given.

    Attributes
    ----------
    count
        Digests that the host was asked for.
    bytes
        Size of the forests that came back, each counted once.
    forests
        These forests, by identity.
    machine
        The machine, if it has links: what it takes of them counts as fetched.
    """

    __slots__ = ("_limits", "bytes", "count", "forests", "machine")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.forests: dict[int, MastForest] = {}
        self.machine: Any = None
        self.count = 0
        self.bytes = 0

    def ask(self, host: Host, digest: bytes, *, external: bool) -> MastForest:
        """Return the forest of a procedure root.

        Raises
        ------
        LimitError
            Of kind ``FetchLimitExceeded`` or ``FetchedBytesLimitExceeded``.
        ExecutionError
            If the host has no such forest: of kind ``ObjectNotFound`` if it has a store, which was asked too.
        """
        limits = self._limits
        if self.machine is not None:
            count, size = self.machine.links_left
            self.count, self.bytes = limits.max_fetches - count, limits.max_fetched_bytes - size
        if self.count >= limits.max_fetches:
            text = f"the host may be asked for at most {limits.max_fetches} procedures"
            raise LimitError(text, kind="FetchLimitExceeded", facts=_facts(digest), hint="raise Limits.max_fetches")
        try:
            forest = host.get_forest(Word.from_bytes(digest))
        except NotFoundError as error:
            raise _not_in_store(digest, error, external=external) from error
        if forest is None:
            raise _not_found(digest, external=external)
        self.count += 1
        if id(forest) not in self.forests:
            self.forests[id(forest)] = forest
            self.bytes += forest.nbytes
            if self.bytes > limits.max_fetched_bytes:
                text = f"the procedures of the host may take at most {limits.max_fetched_bytes} bytes, this one makes it {self.bytes}"
                raise LimitError(text, kind="FetchedBytesLimitExceeded", facts=_facts(digest), hint="raise Limits.max_fetched_bytes")
        if self.machine is not None:
            self.machine.links_left = limits.max_fetches - self.count, limits.max_fetched_bytes - self.bytes
        return forest


def _facts(digest: bytes) -> dict[str, object]:
    return {"digest": "0x" + digest.hex()}


def _not_found(digest: bytes, *, external: bool) -> ExecutionError:
    """Return the reference's error for a root that no host knows."""
    if external:
        text = f"no MAST forest contains the procedure with root digest 0x{digest.hex()}"
        hint = "give the host the library that has this procedure"
        return ExecutionError(text, kind="NoMastForestWithProcedure", facts=_facts(digest), hint=hint)
    text = f"failed to execute the dynamic code block provided by the stack with root 0x{digest.hex()}; the block could not be found"
    hint = "the word at the address must be the digest of a procedure root"
    return ExecutionError(text, kind="DynamicNodeNotFound", facts=_facts(digest), hint=hint)


def _not_in_store(digest: bytes, error: NotFoundError, *, external: bool) -> ExecutionError:
    asked = ", ".join(error.asked) or "no provider"
    facts = {**_facts(digest), "request": "external" if external else "dynamic", "asked": list(error.asked)}
    text = f"the procedure with root 0x{digest.hex()} is not in the store; asked: {asked}"
    return ExecutionError(text, kind="ObjectNotFound", facts=facts, hint=error.hint or "put the library that has it into the store")


def external_digests(forest: MastForest, limit: int) -> list[bytes]:
    """Return the distinct digests of the external nodes of a forest in the order of their ids, at most `limit`.

    >>> from miden.mast.builder import ForestBuilder
    >>> builder = ForestBuilder()
    >>> builder.add_root(builder.add_join(builder.add_external((1, 2, 3, 4)), builder.add_external((1, 2, 3, 4))))
    >>> [digest.hex()[:4] for digest in external_digests(builder.build(), 10)]
    ['0100']
    """
    nodes, external = forest.node_bytes, int(NodeKind.EXTERNAL)
    digests: dict[bytes, None] = {}
    kinds = nodes[::NODE_SIZE]
    node_id = kinds.find(external)
    while node_id >= 0 and len(digests) < limit:
        at = node_id * NODE_SIZE + DIGEST_OFFSET
        digests[nodes[at : at + 32]] = None
        node_id = kinds.find(external, node_id + 1)
    return list(digests)
