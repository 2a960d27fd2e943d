"""The bare machines replay the reference's runs: forests from its node lists, no assembler, driver or host in between.

Requests are answered only as far as the vectors and the stack allow: the events that compute on the stack alone, and
procedures of the row's own libraries. A row that asks for more is left to `test_vectors`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from miden.field import ext2_inv
from miden.status import FAULTS, FIRST_FAULT, Status
from tests.support.machines import Backend, needs_core
from tests.support.node_lists import digest_from_hex, forest_from_nodes
from tests.support.vectors import rows

if TYPE_CHECKING:
    from collections.abc import Callable

# File and the least number of its rows that must be replayed to their end; the rest need a driver.
FILES = {"instructions": 1880, "programs": 460, "hot": 150, "special": 130, "advice": 8}
SHORT_FILES = {"instructions": 1880, "programs": 450, "hot": 20, "special": 130, "advice": 8}
"""The same of runs of at most SHORT cycles: what the pure machine replays unless the test is `slow`."""

SHORT = 2000
UNLIMITED = 2**29


def leading_zeros(value: int) -> int:
    return 32 - value.bit_length()


def trailing_zeros(value: int) -> int:
    return 32 if value == 0 else (value & -value).bit_length() - 1


U32_EVENTS: dict[int, Callable[[int], int]] = {
    1503707361178382932: leading_zeros,
    10656887096526143429: trailing_zeros,
    12846584985739176048: lambda value: leading_zeros(value ^ 0xFFFFFFFF),
    6773574803673468616: lambda value: trailing_zeros(value ^ 0xFFFFFFFF),
}
EXT2_INV = 9660728691489438960
ILOG2 = 7444351342957461231


def serve_event(machine: Any) -> bool:
    """Serve an event that needs only the stack (processor.md section 4.2); False for any other."""
    event, argument = machine.stack_get(0), machine.stack_get(1)
    if event in U32_EVENTS and argument < 2**32:
        machine.advice_push([U32_EVENTS[event](argument)])
    elif event == ILOG2 and argument:
        machine.advice_push([argument.bit_length() - 1])
    elif event == EXT2_INV and (argument or machine.stack_get(2)):
        machine.advice_push(list(ext2_inv((machine.stack_get(2), argument))))
    else:
        return False
    return True


def library_codes(row: dict[str, Any], backend: Backend) -> list[Any]:
    codes = []
    for library in row["expect"].get("libraries", ()):
        exported = {digest for digest in library["exports"].values() if digest}
        roots: dict[str, int] = {}
        for node_id, (kind, digest, _) in enumerate(library["nodes"]):
            if digest in exported and kind != "external":
                roots.setdefault(digest, node_id)
        codes.append(backend.code(forest_from_nodes(library["nodes"], roots.values())))
    return codes


def replay(row: dict[str, Any], backend: Backend, max_cycles: int) -> list[str] | None:
    """Return what differs, or None if the row needs more than there is here."""
    expect, inputs = row["expect"], row["run"]
    forest = forest_from_nodes(expect["nodes"], expect["roots"])
    kernel = b"".join(bytes.fromhex(digest.removeprefix("0x")) for digest in expect.get("kernel") or ())
    machine = backend.machine(
        forest,
        expect["entrypoint"],
        kernel=kernel,
        stack=inputs.get("stack", [])[::-1],
        advice=inputs.get("advice_stack", []),
    )
    codes: list[Any] | None = None
    while (status := Status(machine.run(max_cycles - machine.clk))) not in (Status.DONE, Status.BUDGET) and status < FIRST_FAULT:
        if status == Status.EVENT:
            if not serve_event(machine):
                return None
        elif status in (Status.EXTERNAL, Status.DYN):
            codes = library_codes(row, backend) if codes is None else codes
            found = [(code, root) for code in codes if (root := code.find_root(machine.request_digest)) >= 0]
            if not found:
                return None
            machine.enter(*found[0])
        else:
            return None
    if status == Status.BUDGET:
        return None
    return [f"{what}: found {found}, expected {wanted}" for what, found, wanted in facts(status, machine, expect) if found != wanted]


def facts(status: Status, machine: Any, expect: dict[str, Any]) -> list[tuple[str, object, object]]:
    """Return what to compare: (name, found, expected)."""
    if "run_error" in expect:
        kind = FAULTS[status].kind if status in FAULTS else status.name
        pairs: list[tuple[str, object, object]] = [("kind", kind, expect["run_error_kind"])]
        if at := re.search(r"clock cycle (\d+)", expect["run_error"]):
            pairs.append(("clk", machine.clk, int(at[1])))
        return pairs
    memory = {address: value for address, value in machine.memory(0).items() if value}
    return [
        ("status", status, Status.DONE),
        ("stack", machine.stack(), expect["stack"]),
        ("cycles", machine.clk, expect["cycles"]),
        ("advice", machine.advice_stack(), expect["advice_stack_left"][::-1]),
        ("memory", memory, {address: value for address, value in expect.get("memory", []) if value}),
    ]


def check(name: str, backend: Backend, max_cycles: int) -> int:
    """Replay a file; return how many rows ran to their end."""
    replayed, problems = 0, []
    for number, row in enumerate(rows(name), 1):
        if "nodes" not in row["expect"] or "run" not in row:
            continue
        differences = replay(row, backend, max_cycles)
        if differences is not None:
            replayed += 1
            problems += [f"{name}:{number}: {line}" for line in differences]
    assert not problems, "\n".join(["", *problems[:10]])
    return replayed


@needs_core
@pytest.mark.parametrize("name", FILES)
def test_the_core_does_what_the_reference_did(name: str) -> None:
    assert check(name, Backend("core"), UNLIMITED) >= FILES[name]


@pytest.mark.parametrize("name", FILES)
def test_the_pure_machine_does_what_the_reference_did_on_short_runs(name: str) -> None:
    assert check(name, Backend("pure"), SHORT) >= SHORT_FILES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_pure_machine_does_what_the_reference_did(name: str) -> None:
    assert check(name, Backend("pure"), UNLIMITED) >= FILES[name]


@pytest.mark.parametrize("digest", ["0x" + "01" + "00" * 31, "01" + "00" * 31])
def test_digests_are_read_with_or_without_prefix(digest: str) -> None:
    assert digest_from_hex(digest) == (1, 0, 0, 0)
