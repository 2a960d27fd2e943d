"""The code of an actor in Miden assembly: its entry, what runs it, and the code that it may reach. (fvm.md section 5.4.)

A code block is a library or a package that exports one procedure called `invoke`, or a program. What it may call is decided by its
CID alone: its own procedures, those of the kernel and of the core library, and the nodes that its external nodes link to, all the
way down. Whatever else is in the store does not exist for it, so that no result depends on what a host happens to have.
"""

from __future__ import annotations

from miden.actors.codes import Fatal, GuestTrap
from miden.actors.runtimes.masm.library import ENTRY, error_text, kernel_library
from miden.assembly.assembler import Assembler
from miden.corelib import core_forest
from miden.errors import FormatError, IntegrityError, MidenError, NotFoundError
from miden.field import Word
from miden.ipld.blocks import walking
from miden.ipld.mast import explode, implode, node_cid, node_links
from miden.isa import NodeKind
from miden.mast.library import Library
from miden.mast.paths import split_path
from miden.mast.program import Program
from miden.package.artifacts import load_artifact
from miden.vm.fetches import external_digests
from miden.vm.host import Host
from miden.vm.links import Links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from miden.ipld.blocks import Blockstore
    from miden.ipld.cid import Cid
    from miden.mast.forest import MastForest
    from miden.package.artifacts import Loaded
    from miden.vm.backends import Backend

_HINT = "an actor reaches what the external nodes of its code lead to"

MAX_CLOSURE = 1 << 16
"""Nodes of other code that one actor may reach."""


class ActorCode:
    """Code that was loaded and checked; a runtime keeps it under its CID.

    Raises `GuestTrap` for bytes that are no code, and for code without an entry; `IntegrityError` for other bytes than the CID names,
    which are the store's fault and not the actor's.

    Attributes
    ----------
    program
        What runs it: a call of its entry, so that the actor has a context of its own and the kernel has the root context.
    closure
        Other code that it may reach.
    host
        Serves all of it.
    links
        What machines need not ask the host for; None where they always ask.
    """

    __slots__ = ("closure", "host", "links", "program")

    def __init__(self, cid: Cid, data: bytes, backend: Backend) -> None:
        cid.verify(data)
        try:
            loaded = load_artifact(data)
        except MidenError as error:
            raise GuestTrap(f"the code {cid} does not load: {error}") from error
        forest = loaded.forest
        self.program = _caller(_entry(loaded))
        given = [kernel_library().forest, forest]
        known = _roots(given)
        if not known.issuperset(external_digests(forest, len(forest))):
            given.append(core_forest())
            known |= _roots(given[2:])
        self.closure = Closure(forest, known)
        self.host = Host(given, store=self.closure, on_assert_failed=lambda _, code: error_text(code))
        self.links = None if backend.make_links is None else Links(backend, given)


class Closure:
    """The nodes that the external nodes of a forest lead to, found in blocks when they are first needed; a store of forests."""

    __slots__ = ("_forests", "_known", "_nodes", "_outer")

    def __init__(self, forest: MastForest, known: set[bytes]) -> None:
        self._outer = [digest for digest in external_digests(forest, len(forest)) if digest not in known]
        self._known = known
        self._nodes: dict[bytes, bytes] | None = None
        self._forests: dict[bytes, MastForest] = {}

    def load(self, blocks: Blockstore) -> int:
        """Find all nodes, the first time; return how many there are.

        Raises `Fatal` for a block that is missing, `IntegrityError` for one that is another than its CID names, `GuestTrap` for code
        that reaches too much.
        """
        if self._nodes is None:
            self._nodes = self._find(blocks)
        return len(self._nodes)

    def _find(self, blocks: Blockstore) -> dict[bytes, bytes]:
        blocks = walking(blocks)
        found: dict[bytes, bytes] = {}
        pending = list(self._outer)
        while pending:
            digest = pending.pop()
            if digest in found or digest in self._known:
                continue
            if len(found) >= MAX_CLOSURE:
                raise GuestTrap(f"the code reaches more than {MAX_CLOSURE} nodes")
            cid = node_cid(digest)
            block = blocks.get(cid)
            if block is None:
                raise Fatal(f"the code needs the node {cid}, which is not in the store", kind="CodeMissing")
            try:
                cid.verify(block)
            except FormatError as error:  # hashing a node reads it
                raise IntegrityError(f"node {cid} of the code is no node: {error.message}", kind="InvalidNode") from error
            found[digest] = block
            pending += [child.digest for child in node_links(block)]
        return found

    def is_known(self, digest: bytes) -> bool:
        """Tell whether a procedure is the actor's own, or one that every actor has."""
        return digest in self._known

    def get(self, root: Word) -> MastForest:
        """Return the forest of a node; raises `NotFoundError` for one that the code does not reach."""
        digest, nodes = root.to_bytes(), self._nodes or {}
        if digest not in nodes:
            text = f"the code of the actor does not reach the procedure {root.to_hex()}"
            raise NotFoundError(text, kind="ObjectNotFound", hint=_HINT, asked=("the code that the actor reaches",))
        if digest not in self._forests:
            self._forests[digest] = implode([root], lambda cid: nodes.get(cid.digest), max_nodes=MAX_CLOSURE)
        return self._forests[digest]

    def get_many(self, roots: Iterable[Word]) -> None:
        """Do nothing: all there is has been read."""


def linked_nodes(data: bytes) -> Iterator[tuple[Cid, bytes]]:
    """Yield the nodes of the kernel and of the core library that a code links to, with all below them.

    A runtime has them anyway; a store that has them, too, can be exported with nothing missing. Raises `FormatError` or
    `IntegrityError` for bytes that are no code.

    >>> from miden.actors.runtimes.masm.library import assemble_actor
    >>> data = assemble_actor("pub proc invoke padw syscall.gas_available dropw end").to_bytes()
    >>> [cid.codec == 0x300001 for cid, _ in linked_nodes(data)]
    [True]
    """
    forest = load_artifact(data).forest
    wanted = set(external_digests(forest, len(forest)))
    for given in (kernel_library().forest, core_forest()):
        roots = [root for digest in sorted(wanted) if (root := given.find_procedure_root(digest)) is not None]
        yield from explode(given, roots)


def _roots(forests: Iterable[MastForest]) -> set[bytes]:
    """Return the digests of procedures that are in forests, and not only named there."""
    return {forest.digest_bytes(root) for forest in forests for root in forest.roots if forest.kind(root) != NodeKind.EXTERNAL}


def _entry(loaded: Loaded) -> Word:
    """Return the digest of the procedure that the machine calls."""
    artifact = loaded.artifact
    if isinstance(artifact, Program):
        return artifact.hash
    if isinstance(artifact, Library):
        found = {artifact.forest.digest_bytes(item.node) for item in artifact.procedures if split_path(item.path)[-1] == ENTRY}
        if len(found) == 1:
            return Word.from_bytes(found.pop())
        raise GuestTrap(f"an actor exports one procedure called {ENTRY}, this one {len(found)}")
    raise GuestTrap("an actor is a library, a package or a program, not a forest alone")


def _caller(root: Word) -> Program:
    """Return the program that runs an actor: anybody can assemble it again, and so say what was run."""
    return Assembler(kernel_library()).assemble_program(f"begin call.{root.to_hex()} end")
