"""The reference assembles the kernel of actors, their library and the samples to the same nodes.

Needs the reference harness (`../shared/reference`, built) named by MIDEN_REFERENCE.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from miden.actors.runtimes.masm.build import kernel_source
from miden.actors.runtimes.masm.library import SOURCES, actor_library, assemble_actor, kernel_library
from miden.corelib import core_library
from miden.corelib.build import SOURCES as CORE_SOURCES
from miden.mast.library import Library
from tests.support.reference import PATH, SKIP_REASON, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parents[2] / "examples" / "actors"
NAMES = ("counter", "approvals", "token")

pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not PATH, reason=SKIP_REASON)]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Reference() as harness:
        yield harness


def test_the_kernel_is_assembled_alike(reference: Reference) -> None:
    answer = reference.ask("kernel", kernel=kernel_source().text)
    assert "error" not in answer, answer
    assert [digest.to_hex().removeprefix("0x") for digest in kernel_library().kernel] == answer["procs"]


def test_the_library_and_the_samples_are_assembled_alike(reference: Reference) -> None:
    """Every procedure that is public has the same root, the `invoke` of each sample among them."""
    linked = {"make": "library", "kernel": "kernel", "dynamic": ["ours"]}
    steps = [
        {"make": "kernel", "name": "kernel", "path": str(SOURCES / "kernel.masm")},
        {"make": "library", "name": "ours", "path": str(CORE_SOURCES), "namespace": "miden::core"},
        {**linked, "name": "actor", "path": str(SOURCES / "actor"), "namespace": "miden::actor"},
        *({**linked, "name": name, "static": ["actor"], "path": str(SAMPLES / f"{name}.masm"), "namespace": name} for name in NAMES),
    ]
    answer = reference.ask("plan", steps=steps, bytes=True)
    assert "error" not in answer, answer
    _, core, library, *samples = (bytes.fromhex(step["bytes"]) for step in answer["steps"])
    assert Library.from_bytes(core).exports == core_library().exports
    assert Library.from_bytes(library).exports == actor_library().exports
    for name, sample in zip(NAMES, samples, strict=True):
        assert Library.from_bytes(sample).exports == assemble_actor(SAMPLES / f"{name}.masm", name).exports
