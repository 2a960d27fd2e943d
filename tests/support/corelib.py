"""Call one procedure of a core library on many inputs, here and through the reference harness, and compare what it does.

A case is what a procedure is given; an outcome is all that can be seen of what it does with it: the stack, memory below
the addresses of locals, what is left of the advice stack, or how it failed. Cycles are rows of the procedure itself: those
of the program less those of the same program around `NOTHING`, a procedure whose rows are known.
"""

from __future__ import annotations

import gzip
import importlib
import itertools
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import miden
from miden.vm.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.support.reference import Reference

CASES = Path(__file__).parents[1] / "corelib" / "cases"
VECTORS = Path(__file__).parents[1] / "vectors" / "corelib"
NAMESPACE = "miden::core::"

LOCALS = 2**30
"""Locals of procedures are at this address and above: what is there is nobody's business."""

SPILL = 2**29
"""What a procedure leaves beyond sixteen elements is stored here: see `spill`."""

TRUNCATE = f"exec.::{NAMESPACE}sys::truncate_stack"
"""MASM after a procedure that drops elements and then pushes some: with sixteen on the stack that leaves more than sixteen."""

ANSWERS_SIZE = 200_000
"""Characters of the answers that are kept of a procedure."""

NOTHING_ROWS = 4
"""Rows of `NOTHING`: those of a block of two operations."""

NOTHING = {"probe::nothing": "pub proc nothing push.0 drop end"}
_NOTHING_CALL = "exec.::probe::nothing::nothing"
_KIND = re.compile(r"error code: (\d+)|error message: (.*)|code: (\d+)\)|message: (.*)\)")


class Failure(NamedTuple):
    """How a run failed: the reference's name of the error, and the error code where there is one."""

    kind: str
    code: int | None = None


class Case(NamedTuple):
    """One call of a procedure.

    `stack` is listed top first; `setup` and `teardown` are MASM around the call; `advice` has the keys of an ``.inputs``
    file. `expect` is what an independent oracle says: the elements on top of the stack after `teardown`, a `Failure`, or
    None where there is no oracle; `memory` the cells it says must have these values.
    """

    stack: Sequence[int] = ()
    setup: str = ""
    teardown: str = ""
    advice: Mapping[str, Any] | None = None
    expect: Sequence[int] | Failure | None = None
    memory: Mapping[int, int] | None = None
    definitions: str = ""
    """MASM before ``begin``: procedures that the call needs, such as one to call dynamically."""


class Outcome(NamedTuple):
    """What one call did; of a failure, only `failure` means something."""

    stack: tuple[int, ...]
    memory: tuple[tuple[int, int], ...]
    advice_stack: tuple[int, ...]
    failure: Failure | None
    cycles: int


def spill(growth: int) -> str:
    """Return MASM that stores what a procedure leaves beyond sixteen elements, so that a program may end."""
    return " ".join(f"mem_storew_le.{SPILL + 4 * index} dropw" for index in range(-(-growth // 4)))


def set_memory(cells: Mapping[int, int]) -> str:
    """Return MASM that stores values at addresses; every word that is touched is written whole, zeros included."""
    words = sorted({address & ~3 for address in cells})
    parts = []
    for word in words:
        values = [cells.get(word + offset, 0) for offset in range(4)]
        parts.append(f"push.{'.'.join(map(str, reversed(values)))} mem_storew_le.{word} dropw")
    return " ".join(parts)


def modules() -> list[str]:
    """Return the names of all modules that have case makers, such as ``math::u64``."""
    return sorted(path.stem.replace("__", "::") for path in CASES.glob("*.py") if path.stem != "__init__")


def makers(module: str) -> dict[str, Any]:
    """Return procedure name -> function that makes a case, given a `random.Random`, or the number of an edge case first.

    A module of `cases` has `PROCEDURES`, that dictionary; a maker is called as ``maker(rng, index)``: small indices are for
    edge cases, in an order of its own.
    """
    found: dict[str, Any] = importlib.import_module(f"tests.corelib.cases.{module.replace('::', '__')}").PROCEDURES
    return found


def cases(module: str, procedure: str, count: int, seed: int = 0) -> Iterator[Case]:
    """Make cases of a procedure, the same ones for the same seed."""
    maker = makers(module)[procedure]
    for index in range(count):
        yield maker(random.Random(f"{seed}:{module}:{procedure}:{index}"), index)


def source(module: str, procedure: str, case: Case) -> str:
    """Return the program that makes the call."""
    return f"{case.definitions} begin {case.setup} exec.::{NAMESPACE}{module}::{procedure} {case.teardown} end"


def baseline(case: Case) -> str:
    """Return the program that does everything but the call."""
    return f"{case.definitions} begin {case.setup} {_NOTHING_CALL} end"


def whole(module: str, procedure: str, case: Case) -> str:
    """Return the program whose cycles are counted: the call without what comes after."""
    return f"{case.definitions} begin {case.setup} exec.::{NAMESPACE}{module}::{procedure} end"


class Ours:
    """Runs cases on our machine with a core library of ours (or of the reference)."""

    def __init__(self, library: miden.Library, backend: str | None = None, handlers: Mapping[Any, Any] | None = None) -> None:
        self.library = library
        self.backend = backend
        nothing = miden.Assembler().assemble_library(NOTHING)
        self._assembler = miden.Assembler()
        self._assembler.link_library(library)
        self._assembler.link_library(nothing)
        self._host = Host([library, nothing], core_handlers() if handlers is None else handlers)
        self._programs: dict[str, miden.Program] = {}

    def _program(self, text: str) -> miden.Program:
        program = self._programs.get(text)
        if program is None:
            if len(self._programs) > 1000:
                self._programs.clear()
            program = self._programs[text] = self._assembler.assemble_program(text)
        return program

    def _run(self, text: str, case: Case) -> miden.Processor:
        advice = miden.AdviceInputs.from_json(case.advice or {})
        processor = miden.Processor(self._program(text), list(case.stack), advice, self._host, self.backend)
        processor.run()
        return processor

    def outcome(self, module: str, procedure: str, case: Case) -> Outcome:
        """Run a case."""
        try:
            output = self._run(source(module, procedure, case), case).output()
        except miden.ExecutionError as error:
            return failed(error)
        rows = self._clk(whole(module, procedure, case), case) - self._clk(baseline(case), case) + NOTHING_ROWS
        return finished(output)._replace(cycles=rows)

    def _clk(self, text: str, case: Case) -> int:
        """Return the rows of a program, whose stack may end too deep."""
        advice = miden.AdviceInputs.from_json(case.advice or {})
        processor = miden.Processor(self._program(text), list(case.stack), advice, self._host, self.backend)
        try:
            processor.run()
        except miden.ExecutionError as error:
            if error.kind != "OutputStackOverflow":
                raise
        return processor.clk


class Theirs:
    """Runs cases through the harness, with the reference's core library."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._baselines: dict[str, int] = {}

    def outcome(self, module: str, procedure: str, case: Case) -> Outcome:
        """Run a case."""
        answer = self._ask(source(module, procedure, case), case)
        if "error" in answer:
            raise RuntimeError(f"the reference refuses {module}::{procedure}: {answer['error']}")
        outcome = answered(answer)
        if outcome.failure:
            return outcome
        text = whole(module, procedure, case)
        total = answer["cycles"] if not case.teardown else self._clk(text, case)
        key = baseline(case)
        if key not in self._baselines:
            self._baselines[key] = self._clk(key, case)
        rows = total - self._baselines[key] + NOTHING_ROWS
        return outcome._replace(cycles=rows)

    def _clk(self, text: str, case: Case) -> int:
        clk: int = self._ask(text, case)["cycles"]
        return clk

    def _ask(self, text: str, case: Case) -> dict[str, Any]:
        run = request(case.stack, case.advice or {})
        return self._reference.ask("program", source=text, corelib="dynamic", libraries=[{"modules": NOTHING}], run=run)


def failed(error: miden.ExecutionError) -> Outcome:
    """Return the outcome of a run of ours that failed."""
    return Outcome((), (), (), Failure(error.kind, error.facts.get("code")), 0)


def finished(output: miden.Output) -> Outcome:
    """Return the outcome of a run of ours."""
    return Outcome(tuple(output.stack), visible(output.memory(0).items()), tuple(output.advice_stack), None, output.cycles)


def request(stack: Sequence[int], advice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the harness is to run a program with; the stack top first, advice as in an ``.inputs`` file."""
    run: dict[str, Any] = {"stack": list(stack)[::-1], "memory": True}
    run["advice_stack"] = [int(value) for value in advice.get("advice_stack") or ()]
    run["advice_map"] = {"0x" + str(key).removeprefix("0x"): values for key, values in (advice.get("advice_map") or {}).items()}
    run["merkle_store"] = list(advice.get("merkle_store") or ())
    return run


def answered(answer: Mapping[str, Any]) -> Outcome:
    """Return the outcome that the harness tells of."""
    if "stack" not in answer:
        return Outcome((), (), (), Failure(answer["run_error_kind"], error_code(answer["run_error"])), 0)
    # the reference lists the advice stack with the next element last
    left = tuple(answer["advice_stack_left"][::-1])
    return Outcome(tuple(answer["stack"]), visible(answer["memory"]), left, None, answer["cycles"])


def core_handlers() -> dict[str | int, Any]:
    """Return the handlers of all events of the core library."""
    from miden.corelib.handlers import CORE_EVENTS

    return {row.name: row.handler for row in CORE_EVENTS.values()}


def error_code(text: str) -> int | None:
    """Return the error code that a message of the reference names, by number or by its text."""
    from miden.hashing import error_code as code_of

    found = re.search(r"error code: (\d+)", text) or re.search(r"\(code: (\d+)\)", text)
    if found:
        return int(found[1])
    found = re.search(r"error message: (.*?)(?: \||$)", text) or re.search(r"\(message: (.*?)\)(?: \||$)", text)
    return code_of(found[1]) if found else None


def visible(cells: Any) -> tuple[tuple[int, int], ...]:
    """Return the cells of memory that a program may look at, sorted."""
    return tuple(sorted((address, value) for address, value in cells if address < LOCALS))


def differences(case: Case, ours: Outcome, theirs: Outcome | None) -> list[str]:
    """Return one line for everything in which an outcome is not the reference's, or not what the oracle says."""
    return [*([] if theirs is None else unlike(ours, theirs)), *oracle_differences(case, ours)]


def unlike(ours: Outcome, theirs: Outcome) -> list[str]:
    """Return one line for everything but cycles in which two outcomes differ."""
    found = []
    for field in ("failure", "stack", "memory", "advice_stack"):
        mine, other = getattr(ours, field), getattr(theirs, field)
        if field == "failure" and mine and other and mine.kind == other.kind == "NotU32Values":
            continue  # its code is the position of the operation in its block
        if mine != other:
            found.append(f"{field}: {mine}, the reference has {other}")
    return found


def oracle_differences(case: Case, outcome: Outcome) -> list[str]:
    """Return one line for everything in which an outcome is not what the oracle says."""
    expect = case.expect
    if isinstance(expect, Failure):
        if outcome.failure is None or outcome.failure.kind != expect.kind or expect.code not in (None, outcome.failure.code):
            return [f"{outcome.failure or 'it ran'}, the oracle says {expect}"]
        return []
    found = []
    if expect is not None:
        if outcome.failure is not None:
            return [f"{outcome.failure}, the oracle says {list(expect)}"]
        top = outcome.stack[: len(expect)]
        if list(top) != list(expect):
            found.append(f"stack: {list(top)}, the oracle says {list(expect)}")
    if case.memory:
        cells = dict(outcome.memory)
        wrong = {address: (cells.get(address), value) for address, value in case.memory.items() if cells.get(address) != value}
        if wrong:
            found.append(f"memory: (found, oracle) {wrong}")
    return found


# --- answers of the reference, kept so that tests need no harness


def record_path(module: str) -> Path:
    """Return the file with recorded answers for a module."""
    return VECTORS / f"{module.replace('::', '__')}.jsonl.gz"


def record(module: str, answers: Mapping[str, Sequence[Outcome]]) -> None:
    """Keep the reference's answers to the first cases of every procedure of a module, in their order: fewer of large ones."""
    lines = []
    for name, outcomes in sorted(answers.items()):
        sizes = itertools.accumulate(len(json.dumps(outcome)) for outcome in outcomes)
        kept = [outcome for outcome, size in zip(outcomes, sizes, strict=True) if size < ANSWERS_SIZE] or outcomes[:1]
        lines.append(json.dumps({"procedure": name, "answers": kept}, separators=(",", ":")))
    VECTORS.mkdir(parents=True, exist_ok=True)
    record_path(module).write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))


def recorded(module: str) -> dict[str, list[Outcome]]:
    """Return the recorded answers: procedure -> outcomes of its first cases."""
    if not record_path(module).is_file():
        return {}
    rows = map(json.loads, gzip.decompress(record_path(module).read_bytes()).decode().splitlines())
    return {row["procedure"]: [_outcome(answer) for answer in row["answers"]] for row in rows}


def _outcome(parts: Sequence[Any]) -> Outcome:
    stack, memory, advice_stack, failure, cycles = parts
    return Outcome(tuple(stack), tuple(map(tuple, memory)), tuple(advice_stack), Failure(*failure) if failure else None, cycles)  # type: ignore[arg-type]


def pairs(values: Sequence[int], rng: random.Random, index: int) -> tuple[int, int]:
    """Return the pair of edge values number `index`, or after the last a random choice of two."""
    edges = list(itertools.islice(itertools.product(values, repeat=2), index, index + 1))
    return edges[0] if edges else (rng.choice(values), rng.choice(values))
