"""MAST back to MASM that assembles to the same roots.

Each procedure is written as a body of instructions and control flow; a node that is needed in several places, or lies
deep, becomes a procedure of its own, which changes nothing: the assembler shares procedures by node. Not everything can
be written: two neighbouring blocks that the assembler would make one, or an operation that no instruction is lowered
to. Then the result says so, with the reason; nothing is left out silently. (assembly.md sections 6.2 to 6.5.)
"""

from __future__ import annotations

from itertools import pairwise

from miden.isa import NodeKind
from miden.mast.batches import batch_operations
from miden.mast.paths import item_name
from miden.package.naming import ENTRYPOINT, procedure_names
from miden.package.phrases import InexpressibleError, block_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miden.mast.forest import MastForest
    from miden.package.artifacts import Loaded

MODULE = "disasm"
"""Path of the module that is written for procedures of a library."""

INLINED_BATCHES = 32
"""A procedure of one block with fewer batches is merged with its neighbours."""

MAX_DEPTH = 12
"""Levels of joins that are written one after the other, at most, before procedures are made."""

MAX_LEVEL = 12
"""Nested blocks of text, at most."""


class Decompiled:
    """MASM text and what it is worth.

    Attributes
    ----------
    text
        The source.
    problems
        Why it does not assemble to the same roots; empty if it does.
    unchecked
        Why this could not be checked, or the empty string: a program on a kernel that is not at hand.
    verified
        Whether it was assembled and every root compared.
    """

    __slots__ = ("problems", "text", "unchecked", "verified")

    def __init__(self, text: str, problems: Sequence[str], *, verified: bool, unchecked: str = "") -> None:
        self.text = text
        self.problems = list(problems)
        self.verified = verified
        self.unchecked = unchecked


def decompile(loaded: Loaded, nodes: Iterable[int] | None = None) -> Decompiled:
    """Write MASM for procedures, by default all roots of a library or the whole program, and check it.

    `nodes` are node ids; None asks for everything.
    """
    writer = _Writer(loaded)
    program = loaded.program
    if program is not None and nodes is None:
        writer.program(program.entrypoint)
    else:
        for node in loaded.forest.roots if nodes is None else nodes:
            writer.public(node)
    writer.finish()
    text = "\n".join(writer.lines) + "\n"
    if writer.problems:
        return Decompiled(text, writer.problems, verified=False)
    if writer.needs_kernel:
        return Decompiled(text, [], verified=False, unchecked="it calls a kernel by syscall and assembles only on that kernel")
    problems, verified = _check(loaded, text, writer)
    return Decompiled(text, problems, verified=verified)


def _check(loaded: Loaded, text: str, writer: _Writer) -> tuple[list[str], bool]:
    from miden.assembly.assembler import Assembler
    from miden.errors import AssemblyError

    forest = loaded.forest
    try:
        if writer.entrypoint is not None:
            found = Assembler().assemble_program(text).hash.to_bytes()
            return ([] if found == forest.digest_bytes(writer.entrypoint) else ["the program gets another root"]), True
        exports = Assembler().assemble_library({MODULE: text}).exports
    except AssemblyError as error:
        return [f"it does not assemble: {error.message.splitlines()[0]}"], False
    problems = []
    for node, name in writer.published.items():
        digest = exports.get(f"::{MODULE}::{name}")
        if digest is None or digest.to_bytes() != forest.digest_bytes(node):
            problems.append(f"procedure {name} gets another root")
    return problems, True


class _Writer:
    """Text of one module, procedure after procedure."""

    def __init__(self, loaded: Loaded) -> None:
        self.forest: MastForest = loaded.forest
        self.lines: list[str] = []
        self.problems: list[str] = []
        self.needs_kernel = False
        self.entrypoint: int | None = None
        self.published: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._pending: list[int] = []
        self._written: set[int] = set()
        self._taken: set[str] = set()
        self._paths = procedure_names(loaded)
        self._uses = [0] * len(self.forest)
        for node in range(len(self.forest)):
            for child in self.forest.children(node):
                self._uses[child] += 1

    def _digest(self, node: int) -> bytes:
        return self.forest.digest_bytes(node)

    # procedures

    def public(self, node: int) -> None:
        """Publish a procedure; one digest gets one name."""
        if node not in self.published:
            self.published[node] = self._name(node)
            self._pending.append(node)

    def program(self, node: int) -> None:
        """Write the program itself."""
        self.entrypoint = node
        body = self._body(node, is_entry=True)
        self.lines += [f"# {self._title(node)}", "begin", *body, "end", ""]

    def finish(self) -> None:
        """Write what is published and what that needs."""
        while self._pending:
            node = self._pending.pop()
            if node in self._written:
                continue
            self._written.add(node)
            head = "pub proc" if node in self.published else "proc"
            self.lines += [f"# {self._title(node)}", f"{head} {self._name(node)}", *self._body(node), "end", ""]

    def _title(self, node: int) -> str:
        names = self._paths.get(node) or [f"node {node}"]
        return f"{' '.join(names)} 0x{self._digest(node).hex()}".replace("\n", " ")

    def _name(self, node: int) -> str:
        found = self._names.get(node)
        if found is None:
            listed = self._paths.get(node)
            name = "" if not listed or listed[0] == ENTRYPOINT else item_name(listed[0].strip("()")).strip('"')
            if not (name.isascii() and name.isidentifier() and name[0].islower()) or name in self._taken or name in _KEYWORDS:
                name = f"node_{node}"
            self._taken.add(name)
            found = self._names[node] = name
        return found

    def _call(self, node: int, verb: str = "exec") -> str:
        """Return a call of a node, which becomes a procedure."""
        if self.forest.kind(node) == NodeKind.EXTERNAL:
            return f"{verb}.0x{self._digest(node).hex()}"
        if node not in self._written:
            self._pending.append(node)
        return f"{verb}.{self._name(node)}"

    # bodies

    def _body(self, root: int, *, is_entry: bool = False) -> list[str]:
        lines: list[str] = []
        stack: list[tuple[int | str, int]] = [(root, 1)]
        first = True
        while stack:
            item, level = stack.pop()
            if isinstance(item, str):
                lines.append("    " * level + item)
                continue
            if item != root and self._apart(item, level):
                lines.append("    " * level + self._call(item))
                first = False
                continue
            parts: list[tuple[int | str, int]] = []
            kind = self.forest.kind(item)
            children = self.forest.children(item)
            if kind == NodeKind.BLOCK:
                lines += ["    " * level + text for text in self._block(item, is_entry=is_entry and first)]
            elif kind == NodeKind.JOIN:
                parts = [self._part(node, level) for node in self._sequence(item, is_entry=is_entry and first)]
            elif kind == NodeKind.SPLIT:
                parts = [("if.true", level), (children[0], level + 1), ("else", level), (children[1], level + 1), ("end", level)]
            elif kind == NodeKind.LOOP:
                parts = [("while.true", level), (children[0], level + 1), ("end", level)]
            elif kind == NodeKind.CALL:
                lines.append("    " * level + self._call(children[0], "call"))
            elif kind == NodeKind.SYSCALL:
                self.needs_kernel = True
                lines.append("    " * level + f"syscall.0x{self._digest(children[0]).hex()}")
            elif kind == NodeKind.EXTERNAL:
                lines.append("    " * level + f"exec.0x{self._digest(item).hex()}")
            else:
                lines.append("    " * level + ("dynexec" if kind == NodeKind.DYN else "dyncall"))
            first = first and kind == NodeKind.JOIN
            stack += reversed(parts)
        return lines

    def _apart(self, node: int, level: int) -> bool:
        """Tell whether a node below others is written as a procedure of its own."""
        kind = self.forest.kind(node)
        if kind == NodeKind.BLOCK:
            return self._is_large(node)
        if kind in (NodeKind.CALL, NodeKind.SYSCALL, NodeKind.EXTERNAL, NodeKind.DYN, NodeKind.DYNCALL):
            return False
        return node in self.published or self._uses[node] > 1 or level > MAX_LEVEL

    def _part(self, node: int, level: int) -> tuple[int | str, int]:
        """Return a node of a sequence: a join must be a procedure, or it would be joined with its neighbours."""
        return (self._call(node) if self.forest.kind(node) == NodeKind.JOIN else node), level

    def _is_large(self, node: int) -> bool:
        opcodes = self.forest.block_operations(node)
        return len(opcodes) > INLINED_BATCHES * 8 and len(batch_operations(opcodes)) >= INLINED_BATCHES

    def _block(self, node: int, *, is_entry: bool) -> list[str]:
        operations = self.forest.block_operations(node)
        if is_entry:
            prologue = _prologue()
            if operations[: len(prologue)] != prologue:
                self.problems.append(f"node {node}: the program does not start as the assembler starts programs")
            operations = operations[len(prologue) :]
        try:
            return block_text(operations, self.forest.debug_info.error_codes)
        except InexpressibleError as error:
            self.problems.append(f"node {node}: {error.message}")
            return [f"# {error.message}"]

    def _sequence(self, root: int, *, is_entry: bool) -> list[int]:
        """Return nodes that the assembler joins to this join when they stand one after the other.

        The assembler pairs neighbours level by level. So the left child of the join of k nodes is the perfect tree over the
        largest power of two below k, and the right child the tree of the rest: choose the depth of the left, largest first.
        The first block of a program holds what every program starts with and must not end up in a procedure.
        """
        left, right = self.forest.children(root)
        depths = range(self._perfect(left, apart=not is_entry), -1, -1)
        if is_entry:
            wanted = self._first_block_depth(left)
            depths = range(wanted, wanted - 1, -1) if self._perfect(left, apart=False) >= wanted else range(-1, -1)
        for depth in depths:
            found = self._cut(left, depth) + self._rest(right, 2**depth)
            if not self._merges(found):
                return found
        self.problems.append(f"node {root}: the assembler makes one block of two that are neighbours, or joins otherwise")
        return [left, right]

    def _rest(self, node: int, limit: int) -> list[int]:
        """Return at most `limit` nodes whose balanced join is this node, as many as can be."""
        found: list[int] = []
        while limit > 1 and self._perfect(node, apart=True):
            left, right = self.forest.children(node)
            depth = min(self._perfect(left, apart=True), limit.bit_length() - 2)
            found += self._cut(left, depth)
            node, limit = right, min(2**depth, limit - 2**depth)
        return [*found, node]

    def _cut(self, root: int, depth: int) -> list[int]:
        """Return the nodes at some depth of a perfect tree of joins, from left to right."""
        nodes = [root]
        for _ in range(depth):
            nodes = [child for node in nodes for child in self.forest.children(node)]
        return nodes

    def _perfect(self, root: int, *, apart: bool) -> int:
        """Return how many levels of joins there are below a node on every path, at most `MAX_DEPTH`.

        With `apart`, joins that become procedures of their own do not count.
        """
        level, depth = {root}, 0
        while depth < MAX_DEPTH and all(self.forest.kind(node) == NodeKind.JOIN and not (apart and self._apart(node, 0)) for node in level):
            level = {child for node in level for child in self.forest.children(node)}
            depth += 1
        return depth

    def _first_block_depth(self, node: int) -> int:
        depth = 0
        while self.forest.kind(node) == NodeKind.JOIN:
            node = self.forest.children(node)[0]
            depth += 1
        return depth

    def _merges(self, nodes: Sequence[int]) -> bool:
        """Tell whether neighbours would become one block."""
        merged = [self.forest.kind(node) == NodeKind.BLOCK and not self._is_large(node) for node in nodes]
        return any(first and second for first, second in pairwise(merged))


_KEYWORDS = frozenset({"begin", "end", "else", "if", "while", "repeat", "proc", "pub", "use", "const", "type", "enum", "struct", "export"})


def _prologue() -> list[tuple[int, int | None]]:
    """Return the operations that every program starts with."""
    from miden.assembly.assembler import Assembler

    forest = Assembler().assemble_program("begin nop end").forest
    return forest.block_operations(0)[:-1]
