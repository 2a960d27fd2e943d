"""Runs of actors in Miden assembly, recorded so that another VM can run them again without knowing what a host does.

A recording has the program, the forests, every event with the state of the VM at it, and what was put on the advice stack for it:
the format of `../shared/data/transactions`, which the reference's replay reads.
"""

from __future__ import annotations

import gzip
import json
from struct import unpack
from typing import TYPE_CHECKING, Any

from miden.actors.codes import SyscallError
from miden.actors.runtimes.masm import MasmRuntime, invocation
from miden.actors.runtimes.masm.boundary import CALLS, GIVE
from miden.actors.runtimes.masm.library import kernel_library
from miden.corelib import core_forest
from miden.isa import NodeKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from miden.actors.kernel import Kernel
    from miden.actors.runtimes.masm.code import ActorCode
    from miden.mast.forest import MastForest
    from miden.vm.backends import Backend

_FNV_START, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def fnv(parts: Iterable[bytes]) -> str:
    """Return the 64-bit FNV-1a hash of bytes, in hex."""
    value = _FNV_START
    for part in parts:
        for byte in part:
            value = (value ^ byte) * _FNV_PRIME % 2**64
    return f"{value:016x}"


class Recording(invocation.Invocation):
    """An invocation that writes down its events."""

    made: list[Recording]

    def __init__(self, kernel: Kernel, code: ActorCode, params: int, backend: Backend) -> None:
        super().__init__(kernel, code, params, backend)
        self.params = params
        self.events: list[dict[str, Any]] = []
        self.made.append(self)

    def note(self, event: int) -> dict[str, Any]:
        """Write down an event with the state of the VM at it."""
        machine = self._machine
        stack = [machine.stack_get(index) for index in range(16)]
        state = {"clk": machine.clk, "ctx": machine.ctx, "depth": machine.depth, "advice_depth": machine.advice_depth}
        self.events.append({"id": event, "name": "", "stack": stack, "mutations": [], **state})
        return self.events[-1]

    def _give(self, ctx: int, address: int, size: int) -> None:
        self.note(GIVE)
        super()._give(ctx, address, size)

    def hand_over(self, data: bytes, form: str, size: int) -> None:
        whole = invocation.ADVICE_MULTIPLE * size
        padded = data.ljust(-(-len(data) // whole) * whole, b"\0")
        if padded:
            values = unpack(f"<{len(padded) // size}{form}", padded)
            self.events[-1]["mutations"].append({"t": "stack", "values": list(reversed(values))})
        super().hand_over(data, form, size)

    def document(self, name: str, forest: MastForest) -> dict[str, Any]:
        """Return the recording of a run that ended."""
        machine = self._machine
        program = self.program.strip_debug_info()
        forests = [("kernel", kernel_library().forest), ("actor", forest), ("core_library", core_forest())]
        requests = [
            [code.digest_bytes(root).hex(), index, 0]
            for index, (_, code) in enumerate(forests)
            for root in code.roots
            if code.kind(root) != NodeKind.EXTERNAL
        ]
        cells = sorted(machine.memory(0).items())
        return {
            "format": "miden-txvec-1",
            "name": name,
            "program": {"hex": program.to_bytes().hex(), "hash": program.hash.to_bytes().hex()},
            "stack_inputs": [self.params, *(0,) * 15],
            "advice": {"stack": [], "map": [], "store_nodes": []},
            "forests": [{"name": kind, "hex": code.strip_debug_info().to_bytes().hex()} for kind, code in forests],
            "forest_requests": requests,
            "events": self.events,
            "result": {
                "stack_outputs": machine.stack()[:16],
                "cycles": machine.clk,
                "num_events": len(self.events),
                "advice_stack": machine.advice_stack(),
                "advice_map_fnv": fnv(()),
                "store_fnv": fnv(()),
                "memory": {"root_ctx_fnv": fnv(number.to_bytes(8, "little") for cell in cells for number in cell)},
                "precompile_requests": 0,
                "precompile_transcript_state": b"".join(element.to_bytes(8, "little") for element in machine.transcript).hex(),
            },
        }


def recording_runtime(monkeypatch: pytest.MonkeyPatch) -> tuple[MasmRuntime, list[Recording]]:
    """Return a runtime that records, and the list that its invocations are put on as they begin."""
    Recording.made = []
    monkeypatch.setattr(invocation, "Invocation", Recording)
    for event, call in CALLS.items():

        def serve(run: Recording, event: int = event, call: Any = call, original: Any = call.serve) -> tuple[int, ...]:
            noted = run.note(event)
            try:
                answer: tuple[int, ...] = original(run)
            except SyscallError as error:
                answer = call.refuse(error.number)
            noted["mutations"].append({"t": "stack", "values": list(reversed(answer))})
            return answer

        monkeypatch.setattr(call, "serve", serve)
    return MasmRuntime(), Recording.made


def write_recording(path: Path, document: dict[str, Any]) -> None:
    """Write a recording to a file."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(document, file)
