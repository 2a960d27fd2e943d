"""Code that is ready to run: where it is kept, and that what is broken there is not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import wasmtime

from miden.actors.address import Address
from miden.actors.machine import Machine
from miden.actors.runtimes.wasm import engine
from miden.actors.runtimes.wasm.runtime import WasmRuntime
from miden.actors.state import ActorState
from miden.errors import FormatError, InputError
from miden.ipld.blocks import MemoryBlocks
from miden.ipld.cid import RAW, Cid
from tests.support.actor_machines import EXAMPLES, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def run(folder: Path | None, prices: str = "nv21") -> int:
    """Run the counter once on a runtime of its own, and return the gas it took."""
    machine = Machine.genesis(MemoryBlocks(), runtimes=[WasmRuntime(folder)], prices=prices)
    code = bytes(wasmtime.wat2wasm((EXAMPLES / "counter.wat").read_text(encoding="utf-8")))
    machine.blocks.put(Cid.of(code, RAW), code)
    account = machine.create_account(10**24)
    machine.tree.set(200, ActorState(Cid.of(code, RAW)))
    receipt = call(machine, account, Address.of(200), 7)
    assert receipt.exit_code == 22
    return receipt.gas_used


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many times code was compiled."""
    count: list[int] = []
    compile_ = engine.Engine.compile

    def counted(self: engine.Engine, wasm: bytes) -> engine.Code:
        count.append(len(wasm))
        return compile_(self, wasm)

    monkeypatch.setattr(engine.Engine, "compile", counted)
    return count


def test_code_is_compiled_once(tmp_path: Path, compiled: list[int]) -> None:
    folder = tmp_path / "a" / "cache"
    first = run(folder)
    assert len(compiled) == 1
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert run(folder) == first
    assert len(compiled) == 1
    assert run(None) == first
    assert len(compiled) == 2
    assert run(folder, prices="unit") != first
    assert len(compiled) == 3
    assert len(list(folder.iterdir())) == 2


BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "a byte": lambda data: data[:5000] + bytes((data[5000] ^ 1,)) + data[5001:],
    "the seal": lambda data: bytes(32) + data[32:],
    "cut": lambda data: data[:-1],
    "short": lambda data: data[:20],
    "empty": lambda _: b"",
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_file_is_written_again(tmp_path: Path, compiled: list[int], how: str) -> None:
    first = run(tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(BREAKS[how](good))
    assert run(tmp_path) == first
    assert len(compiled) == 2
    assert len(file.read_bytes()) > 32
    assert run(tmp_path) == first
    assert len(compiled) == 2


def test_a_folder_that_takes_nothing_is_no_obstacle(tmp_path: Path, compiled: list[int]) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"no folder")
    assert run(place / "cache") > 0
    assert len(compiled) == 1
    assert place.read_bytes() == b"no folder"


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(InputError) as refused:
        WasmRuntime(tmp_path)
    assert refused.value.kind == "UnsafeFolder"


def test_bytes_of_another_version_are_not_loaded() -> None:
    made = engine.Engine([], lambda *_: 0)
    assert made.load(b"\x7fELF" + bytes(100)) is None
    with pytest.raises(FormatError):
        made.check(b"\0asm\x01\0\0\0\xff")
