"""Links: procedures of other forests that a run finds without asking its host, because an earlier run was given them.

Calling into another forest stops the machine for its driver the first time. A long-lived caller, such as
`miden.store.virtual_machine.VirtualMachine`, knows after one run what the next will ask for, and hands it over in a table that
machines share. Results, cycles, errors and limits stay what they would be.
"""

from __future__ import annotations

from miden.isa import NodeKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from miden.mast.forest import MastForest
    from miden.vm.backends import Backend


class Links:
    """The procedures of some forests, as a backend's machines take them.

    Forests with an advice map are left out: their data is merged when they are entered, which is the driver's work. For equal
    digests the first forest counts.

    Attributes
    ----------
    forests
        The forests, in their order.
    table
        What a machine takes.
    """

    __slots__ = ("forests", "table")

    def __init__(self, backend: Backend, forests: Iterable[MastForest]) -> None:
        assert backend.make_links is not None, "the caller asks only backends that can"
        self.forests = tuple(forest for forest in {id(forest): forest for forest in forests}.values() if not forest.advice_map)
        entries = []
        for forest in self.forests:
            code, size = backend.load(forest), forest.nbytes
            own = (root for root in forest.roots if forest.kind(root) != NodeKind.EXTERNAL)
            entries += [(forest.digest_bytes(root), code, code.find_root(forest.digest_bytes(root)), size) for root in own]
        self.table: object = backend.make_links(entries)

    def __len__(self) -> int:
        """Return the number of forests."""
        return len(self.forests)
