"""From a stopped machine to an exception: message, kind, place, and the source line (processor.md section 6.3)."""

from __future__ import annotations

from miden.errors import ExecutionError, LimitError, MidenError
from miden.isa import NodeKind
from miden.mast.decorators import AsmOp
from miden.status import CONTINUATIONS, FAULTS, FIRST_LIMIT, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from miden.assembly.diagnostics import Diagnostic
    from miden.assembly.source import SourceFile
    from miden.mast.forest import MastForest
    from miden.vm.machine import Machine

    FindSource: TypeAlias = Callable[[str], SourceFile | None]

_HINTS = {
    Status.NOT_BINARY_LOOP: "the condition is tested when the loop is entered and after each iteration; it must be 0 or 1",
    Status.STACK_DEPTH_ON_RETURN: "drop what the procedure left on the stack beyond 16 elements before it returns",
    Status.OUTPUT_STACK_OVERFLOW: "drop surplus elements at the end of the program, for example with miden::core::sys::truncate_stack",
    Status.CYCLE_LIMIT: "raise Limits.max_cycles",
    Status.STACK_LIMIT: "raise Limits.max_stack",
    Status.MEMORY_LIMIT: "raise Limits.max_memory",
    Status.CONTINUATION_LIMIT: "raise Limits.max_continuations",
}


def fault_error(status: int, machine: Machine) -> ExecutionError:
    """Return the error of a fault that the machine stopped with; `locate` adds where."""
    status = Status(status)
    row = FAULTS[status]
    facts = _operands(row.operands, machine.fault_values)
    facts.update(_more_facts(status, machine, facts))
    shown = {name: _show(value) for name, value in facts.items()}
    facts.pop("error", None)
    message = row.template.format(**shown, clk=machine.clk, ctx=machine.ctx)
    error_class = LimitError if status >= FIRST_LIMIT else ExecutionError
    return error_class(message, kind=row.kind, facts=facts, hint=_HINTS.get(status))


_PLAIN = (ValueError, LookupError, RuntimeError, Exception)
"""Exceptions whose text says all: their class is not added to the message."""


def event_error(event_id: int, name: str | None, cause: Exception) -> ExecutionError:
    """Return the error of an event whose handler raised `cause`."""
    which = f"with ID: {event_id}" if name is None else f"'{name}' (ID: {event_id})"
    # a LookupError of a handler, KeyError say, shows its key only: name the class as well
    text = str(cause) if isinstance(cause, MidenError) or type(cause) in _PLAIN else f"{type(cause).__name__}: {cause}"
    return ExecutionError(
        f"error during processing of event {which}: {text}",
        kind="EventError",
        hint=getattr(cause, "hint", None),
        facts={"event_id": event_id, "event_name": name, "cause": type(cause).__name__},
    )


def _operands(names: tuple[str, ...], values: tuple[int, ...]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for position, name in enumerate(names):
        if name.endswith("..."):
            facts[name.removesuffix("...")] = list(values[position:])
        else:
            facts[name] = values[position]
    return facts


def _more_facts(status: Status, machine: Machine, facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the message needs beyond the operands: texts of error codes, words of the stack."""
    if status == Status.FAILED_ASSERTION:
        text = error_text(machine, facts["code"])
        return {"error": f"error code: {facts['code']}" if text is None else f"error message: {text}", "text": text}
    if status == Status.MERKLE_PATH_FAILED:
        text = error_text(machine, facts["code"])
        return {
            "value": _stack_hex(machine, 0),
            "index": machine.stack_get(5),
            "root": _stack_hex(machine, 6),
            "error": f"code: {facts['code']}" if text is None else f"message: {text}",
            "text": text,
        }
    if status == Status.SYSCALL_NOT_IN_KERNEL:
        return {"digest": b"".join(facts[name].to_bytes(8, "little") for name in ("d0", "d1", "d2", "d3")).hex()}
    return {}


def error_text(machine: Machine, code: int) -> str | None:
    """Return the text of an error code as the forest that executes knows it."""
    forest: MastForest = machine.code.owner  # type: ignore[assignment]  # set when the code was made
    return forest.error_message(code)


def _stack_hex(machine: Machine, position: int) -> str:
    return b"".join(machine.stack_get(position + i).to_bytes(8, "little") for i in (3, 2, 1, 0)).hex()


def _show(value: object) -> object:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else value


def locate(error: ExecutionError, machine: Machine, find_source: FindSource) -> ExecutionError:
    """Say in an error where the machine stands; with debug information at hand, in which line of which file."""
    forest: MastForest = machine.code.owner  # type: ignore[assignment]  # set when the code was made
    error.clk = machine.clk
    error.ctx = machine.ctx
    error.node_id = machine.node_id
    error.op_index = machine.op_index if machine.op_index >= 0 else None
    if not forest.debug_info.is_empty:
        error.diagnostic = _diagnostic(error, machine, forest, find_source)
    return error


def _diagnostic(error: ExecutionError, machine: Machine, forest: MastForest, find_source: FindSource) -> Diagnostic | None:
    if error.node_id is None:
        return None
    label = "failed here"
    asm_op = forest.asm_op_for(error.node_id, error.op_index)
    if asm_op is None and forest.kind(error.node_id) == NodeKind.EXTERNAL:
        label = "failed behind this"
        asm_op = _asm_op_before(machine, forest, error.node_id)
    if asm_op is None:
        return None
    error.facts.setdefault("procedure", asm_op.context)
    error.facts.setdefault("instruction", asm_op.op)
    if asm_op.location is None:
        return None
    uri, start, end = asm_op.location
    error.facts.setdefault("location", {"uri": uri, "start": start, "end": end})
    source = find_source(uri)
    if source is None:
        return None
    from miden.assembly.diagnostics import Diagnostic

    notes = [f"in {asm_op.context}, at clock cycle {error.clk}" + (f", context {error.ctx}" if error.ctx else "")]
    first, last = source.char_offset(start), source.char_offset(end)
    return Diagnostic(error.kind, "error", error.message, source, first, last, label=label, hint=error.hint, notes=notes)


LOOK_BACK = 64
"""Nodes that are looked at for one that has an instruction."""


def _asm_op_before(machine: Machine, forest: MastForest, node_id: int) -> AsmOp | None:
    """Return the instruction in front of a node, or the one it is inside: ``exec`` leaves no mark on an external node."""
    for kind, code, parent in machine.continuations():
        if code.owner is not forest or CONTINUATIONS[kind] == "ENTER_FOREST":
            return None
        if CONTINUATIONS[kind].startswith("FINISH"):
            children = forest.children(parent)
            found = forest.debug_info.asm_op_of_node(parent)
            if len(children) == 2 and children[1] == node_id and forest.kind(parent) == NodeKind.JOIN:
                found = _last_asm_op(forest, children[0]) or found
            if found is not None:
                return found
            node_id = parent
    return None


def _last_asm_op(forest: MastForest, node_id: int) -> AsmOp | None:
    """Return the last instruction below a node that can be found quickly."""
    info, pending = forest.debug_info, [node_id]
    for _ in range(LOOK_BACK):
        if not pending:
            break
        node = pending.pop()
        links = [*info.before_enter.get(node, ()), *(link for _, link in info.op_decorators.get(node, ())), *info.after_exit.get(node, ())]
        for decorator in (info.decorators[link] for link in reversed(links)):
            if isinstance(decorator, AsmOp):
                return decorator
        pending += forest.children(node)
    return None
