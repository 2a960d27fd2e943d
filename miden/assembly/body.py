"""Compiling a procedure's body to nodes: one pass over the instructions, nesting kept on an explicit stack.

Operations collect in a pending block; an instruction that makes a node, or a nested body, closes it. What a body
comes to is a run-length encoded list of nodes, which the builder merges and joins. (assembly.md section 6.1, 6.7.)
"""

from __future__ import annotations

from miden.assembly.ast import ConstRef, If, Instruction, Repeat, Target, While
from miden.assembly.forest_builder import Block
from miden.assembly.lowering import FIXED, FORMS, Frame, NotLoweredError
from miden.assembly.lowering.sequences import sequence
from miden.assembly.mnemonics import MNEMONICS
from miden.errors import LoweringError
from miden.field import P, Word
from miden.isa import FMP_ADDR, FMP_INIT, NOOP, NodeKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Protocol

    from miden.assembly.ast import Op
    from miden.assembly.forest_builder import Ids, MastForestBuilder, Runs
    from miden.assembly.lowering.sequences import Sequence as OpSequence
    from miden.assembly.source import SourceFile
    from miden.mast.decorators import DebugOp

    class Scope(Protocol):
        """What a body asks of the linker about the module it is in."""

        def constant(self, ref: ConstRef, instruction: Instruction) -> object:
            """Return what a named constant stands for in this instruction: int, word or text."""
            ...

        def resolve(self, kind: str, target: Target) -> tuple[int, str]:
            """Return the node of a callee and its name in the debug information."""
            ...


_STORE_FMP = f"PUSH({FMP_ADDR}) MSTORE DROP"
ENTRY_PROLOGUE = sequence(f"PUSH({FMP_INIT}) {_STORE_FMP}")
_NO_OPS: OpSequence = (b"", ())
_NOOP = bytes([NOOP])


def frame_wrapper(frame: Frame) -> tuple[OpSequence, OpSequence]:
    """Return prologue and epilogue of a procedure with these locals (assembly.md section 5)."""
    if not frame.declared:
        return _NO_OPS, _NO_OPS
    move = f"FMP {_STORE_FMP}"
    return sequence(f"PUSH({frame.size}) {move}"), sequence(f"PUSH({-frame.size % P}) {move}")


class ProcedureContext:
    """The procedure a body belongs to: its path, its place in the text and its locals."""

    __slots__ = ("end", "frame", "path", "source", "start")

    def __init__(self, path: str, source: SourceFile, start: int, end: int, frame: Frame) -> None:
        self.path = path
        self.source = source
        self.start = start
        self.end = end
        self.frame = frame


class BodyCompiler:
    """Compiles the body of one procedure into a builder."""

    __slots__ = ("_builder", "_context", "_ids", "_immediates", "_indices", "_opcodes", "_repeat", "_runs", "_scope")

    def __init__(self, builder: MastForestBuilder, context: ProcedureContext, scope: Scope) -> None:
        self._builder = builder
        self._context = context
        self._scope = scope
        self._runs: Runs = []
        self._repeat = -1  # start of the repeat that was completed last
        self._reset()

    def _reset(self) -> None:
        self._opcodes = bytearray()
        self._immediates: list[int] = []
        self._indices: list[int] = []
        self._ids: list[int] = []

    def compile(self, body: Sequence[Op], prologue: OpSequence = _NO_OPS, epilogue: OpSequence = _NO_OPS) -> int:
        """Return the node of the body; `LoweringError` for what cannot be lowered."""
        try:
            return self._compile(body, prologue, epilogue)
        except LoweringError as error:
            if error.diagnostics:
                raise
            from miden.assembly.diagnostics import Diagnostic

            # the builder reached its limit; the repeat that was unrolled last is the likely cause
            start, end = (self._repeat, self._repeat + len("repeat")) if self._repeat >= 0 else (self._context.start, self._context.end)
            diagnostic = Diagnostic(error.kind, "error", error.message, self._context.source, start, end, hint=error.hint)
            raise LoweringError(error.message, kind=error.kind, hint=error.hint, diagnostics=(diagnostic,)) from None

    def _compile(self, body: Sequence[Op], prologue: OpSequence, epilogue: OpSequence) -> int:
        self._builder.begin_context(self._context)
        self._emit(prologue)
        # Enclosing bodies: the rest of their instructions, their nodes, decorators that wait for the nested node, and
        # what is being nested with, for an `if`, the node of its first branch.
        stack: list[tuple[Iterator[Op], Runs, Ids, If | While | Repeat, int]] = []
        rest = iter(body)
        while True:
            nested = self._straight(rest)
            if nested is not None:
                self._flush()
                stack.append((rest, self._runs, self._drain(), nested, -1))
                rest = iter(nested.then_body if isinstance(nested, If) else nested.body)
                self._runs = []
                continue
            if not stack:
                self._emit(epilogue)
                return self._finish()
            node = self._finish()
            rest, runs, pending, nested, then_node = stack.pop()
            if isinstance(nested, If) and then_node < 0:
                stack.append((rest, runs, pending, nested, node))
                rest = iter(nested.else_body)
                self._runs = []
                continue
            self._runs = runs
            self._close(nested, pending, then_node, node)

    # --- straight-line code -------------------------------------------------------------------------------------

    def _straight(self, rest: Iterator[Op]) -> If | While | Repeat | None:
        """Compile instructions up to the next nested body, which is returned, or to the end."""
        builder = self._builder
        items, cycles = builder.items, builder.cycles
        frame = self._context.frame
        for op in rest:
            if type(op) is not Instruction:
                return op  # type: ignore[return-value]
            args = op.args
            item: object = op
            if args:
                form = FORMS[op.name]
                if form is None:
                    self._special(op)
                    continue
                if type(args[0]) is not int and type(args[0]) is not Word:
                    resolved = self._resolve_args(op)
                    item = (op, resolved)
                    args = (builder.register_error(resolved[0]),) if _takes_message(op.name) else resolved
                try:
                    row = form(args, frame)
                except NotLoweredError as issue:
                    raise self._error(issue, op) from None
            else:
                found = FIXED[op.name]
                if found is None:
                    self._special(op)
                    continue
                row = found
            opcodes = self._opcodes
            self._indices.append(len(opcodes))
            self._ids.append(len(items))
            items.append(item)
            cycles.append(len(row[0]) & 0xFF)
            opcodes += row[0]
            if row[1]:
                self._immediates.extend(row[1])
        return None

    def _resolve_args(self, op: Instruction) -> tuple[Any, ...]:
        """Return the arguments with constants and events replaced by what they stand for."""
        if op.args[0] == "event":
            from miden.hashing import event_id

            return (event_id(op.args[1]),)  # type: ignore[arg-type]
        scope = self._scope
        return tuple([scope.constant(arg, op) if type(arg) is ConstRef else arg for arg in op.args])

    def _emit(self, row: OpSequence) -> None:
        self._opcodes += row[0]
        self._immediates.extend(row[1])

    def _special(self, op: Instruction) -> None:
        name = op.name
        if name in ("exec", "call", "syscall", "procref"):
            self._invoke(op)
        elif name in ("dynexec", "dyncall"):
            asm_op = self._builder.add_decorator(op, 1)
            self._add_node(self._builder.ensure_control(NodeKind.DYN if name == "dynexec" else NodeKind.DYNCALL, (), (asm_op,)))
        elif name == "breakpoint":
            self._decorate_here(self._builder.add_decorator(op))
            self._opcodes += _NOOP
        else:
            from miden.mast.decorators import TraceOp

            args = self._resolve_args(op) if op.args else ()
            self._builder.add_decorator((op, args))  # the instruction is recorded, but nothing refers to it
            decorator = TraceOp(args[0]) if name == "trace" else self._debug_op(name, args)
            self._decorate_here(self._builder.ensure_decorator(decorator.fingerprint, decorator))

    def _debug_op(self, name: str, args: tuple[int, ...]) -> DebugOp:
        from miden.mast.decorators import DebugKind, DebugOp

        frame = self._context.frame
        if name == "debug.stack":
            return DebugOp(DebugKind.STACK_TOP, *args) if args else DebugOp(DebugKind.STACK_ALL)
        if name == "debug.mem":
            return DebugOp(DebugKind.MEM_INTERVAL, *args) if args else DebugOp(DebugKind.MEM_ALL)
        if name == "debug.adv_stack":
            return DebugOp(DebugKind.ADV_STACK_TOP, *args)
        first, last = (args[0], args[-1]) if args else (0, max(1, frame.declared) - 1)
        return DebugOp(DebugKind.LOCAL_INTERVAL, first, last, frame.size)

    def _decorate_here(self, decorator: int) -> None:
        self._indices.append(len(self._opcodes))
        self._ids.append(decorator)

    # --- nodes --------------------------------------------------------------------------------------------------

    def _invoke(self, op: Instruction) -> None:
        builder = self._builder
        name = op.name
        asm_op = builder.add_decorator(None, 0 if name == "exec" else 1)
        node, text = self._scope.resolve(name, op.args[0])  # type: ignore[arg-type]
        builder.items[asm_op] = (op, (text,))
        if name == "procref":
            builder.cycles[asm_op] = 4
            self._decorate_here(asm_op)
            digest = builder.digests[node]
            words = [int.from_bytes(digest[at : at + 8], "little") for at in (0, 8, 16, 24)]
            self._opcodes += _PUSH_WORD
            self._immediates.extend(words)
            return
        if name != "exec":
            node = builder.ensure_control(NodeKind.CALL if name == "call" else NodeKind.SYSCALL, (node,), (asm_op,))
        self._add_node(node)

    def _add_node(self, node: int) -> None:
        if self._opcodes:
            self._flush()
        elif self._ids:
            self._builder.decorate(node, before=self._drain())
        self._runs.append((node, 1))

    def _flush(self) -> None:
        """Close the pending block, if it has operations; decorators alone stay pending."""
        if self._opcodes:
            block = Block(bytes(self._opcodes), self._immediates, self._indices, self._ids)
            self._reset()
            self._runs.append((self._builder.ensure_block(block), 1))

    def _drain(self) -> Ids:
        """Return the decorators that are pending without operations, and forget them."""
        ids = tuple(self._ids)
        if ids:
            self._indices = []
            self._ids = []
        return ids

    def _close(self, nested: If | While | Repeat, pending: Ids, then_node: int, node: int) -> None:
        """Append the node of a nested body that is complete."""
        builder = self._builder
        if isinstance(nested, Repeat):
            count = nested.count
            self._repeat = nested.start
            if pending:
                self._runs.append((builder.with_before(node, pending), 1))
                count -= 1
            if count:
                self._runs.append((node, count))
            return
        is_if = isinstance(nested, If)
        before = (*pending, builder.add_decorator(("if.true" if is_if else "while.true", nested.start, nested.end)))
        if is_if:
            self._runs.append((builder.ensure_control(NodeKind.SPLIT, (then_node, node), before), 1))
        else:
            self._runs.append((builder.ensure_control(NodeKind.LOOP, (node,), before), 1))

    def _finish(self) -> int:
        """Return the node that the instructions since the body's start come to."""
        self._flush()
        after = self._drain()
        if self._runs:
            node = self._builder.join_nodes(self._runs)
        elif after:
            issue = NotLoweredError("InvalidProcedure", "invalid procedure: a body with decorators needs an instruction", "add a `nop`")
            raise self._error(issue, self._context)
        else:
            node = self._builder.ensure_block(Block(_NOOP))
        if after:
            self._builder.decorate(node, after=after)
        return node

    def _error(self, issue: NotLoweredError, place: Instruction | ProcedureContext) -> LoweringError:
        from miden.assembly.diagnostics import Diagnostic, Related

        context = self._context
        related = [Related(context.source, context.start, context.end, issue.at_procedure)] if issue.at_procedure else []
        start, end = place.start, place.end
        diagnostic = Diagnostic(issue.kind, "error", issue.message, context.source, start, end, hint=issue.note, related=related)
        return LoweringError(issue.message, kind=issue.kind, hint=issue.note, diagnostics=(diagnostic,))


_PUSH_WORD = sequence("PUSH(0)*4")[0]


def _takes_message(name: str) -> bool:
    return MNEMONICS[name].forms[-1] == ("ERR",)
