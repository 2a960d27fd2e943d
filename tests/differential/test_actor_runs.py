"""The reference's VM runs actors again: every state it stops in, every cycle and every result are those that were recorded here.

Needs the reference's replay (`../shared/reference/replay`, built) named by MIDEN_REFERENCE_REPLAY.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from miden.actors.methods import CONSTRUCTOR, method_number
from miden.actors.runtimes.masm.library import assemble_actor
from tests.support.actor_runs import recording_runtime, write_recording
from tests.support.actor_world import ALICE, BOB, CAROL, DAVE, INIT_ID, World

if TYPE_CHECKING:
    from typing import Any

REPLAY = os.environ.get("MIDEN_REFERENCE_REPLAY", "")
SAMPLES = Path(__file__).parents[2] / "examples" / "actors"
MINE = "forest requests"
"""What a replay finds otherwise in all recordings: they name every forest there is, not those that were asked for."""

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not REPLAY, reason="MIDEN_REFERENCE_REPLAY does not name the reference's replay")]

STEPS: dict[str, list[tuple[str, Any, int]]] = {
    "counter": [("Increment", [4], ALICE), ("Get", None, ALICE)],
    "approvals": [("Propose", [DAVE, 7], ALICE), ("Propose", [DAVE, 9], BOB), ("Approve", [0], CAROL), ("Pending", None, ALICE)],
    "token": [*(("Transfer", [3000 + index, index], ALICE) for index in range(30)), ("BalanceOf", [3007], BOB), ("Supply", None, BOB)],
    "keeper": [(str(count), None, ALICE) for count in (3, 1000, 100, 1000)],
}
STARTS = {"counter": [5], "approvals": [2, [ALICE, BOB, CAROL]], "token": [1000, ALICE]}


@pytest.mark.parametrize("name", STEPS)
def test_runs_are_the_same_on_the_reference(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.actors.test_masm_proven import KEEPER

    runtime, made = recording_runtime(monkeypatch)
    world = World([runtime])
    code = KEEPER if name == "keeper" else assemble_actor(SAMPLES / f"{name}.masm")
    actor = world.put(code, balance=100)
    steps = [("Constructor", STARTS[name], INIT_ID), *STEPS[name]] if name in STARTS else STEPS[name]
    files = []
    for index, (method, params, sender) in enumerate(steps):
        number = CONSTRUCTOR if method == "Constructor" else int(method) if method.isdecimal() else method_number(method)
        assert world.call(actor, number, params, sender=sender).exit_code == 0
        files.append(tmp_path / f"{name}-{index}.json.gz")
        write_recording(files[-1], made[-1].document(files[-1].name, code.forest))
    told = subprocess.run([REPLAY, "1", *map(str, files)], capture_output=True, text=True, check=False).stdout
    answers = [answer for answer in map(json.loads, told.splitlines()) if "rpo_merge_ns" not in answer]
    assert len(answers) == len(files)
    for answer in answers:
        assert "error" not in answer, answer
        assert set(answer["bad"]) <= {MINE}, answer
