"""The choice of a backend, and that both hash alike."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from miden.errors import BackendError, FormatError
from miden.field import Word
from miden.mast.forest import MastForest
from miden.vm.backends import NAMES, describe, get_backend
from tests.support.rpo_by_definition import hash_elements, merge, permute

A, B = Word((1, 2, 3, 4)), Word((5, 6, 7, 8))


def test_a_backend_is_made_once(backend: str) -> None:
    assert get_backend(backend) is get_backend(backend)
    assert get_backend(get_backend(backend)) is get_backend(backend)
    assert repr(get_backend(backend)) == f"<Backend {backend}>"


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(BackendError) as error:
        get_backend("fast")
    assert error.value.message == "there is no backend 'fast', expected one of core, pure"
    assert error.value.exit_code == 2


def test_hashes_are_those_of_the_definition(backend: str) -> None:
    machine = get_backend(backend)
    assert machine.merge(A.to_bytes(), B.to_bytes()) == Word(merge(tuple(A), tuple(B))).to_bytes()
    assert machine.merge_in_domain(A.to_bytes(), B.to_bytes(), 9) == Word(permute([0, 9, 0, 0, *A, *B])[4:8]).to_bytes()
    assert machine.hash_elements([1, 2, 3]) == Word(hash_elements([1, 2, 3])).to_bytes()
    assert list(machine.permute(range(12))) == permute(list(range(12)))


def test_a_forest_that_is_not_one_is_refused(backend: str) -> None:
    with pytest.raises(FormatError, match="not a well-formed forest") as error:
        get_backend(backend).load(MastForest(bytes(63), b"", b"", b""))
    assert error.value.kind == "InvalidForest"


def test_describe_says_what_is_here() -> None:
    facts = json.loads(json.dumps(describe()))
    assert set(facts["backends"]) == set(NAMES)
    assert facts["backends"]["pure"]["available"]
    assert facts["default"] in NAMES
    assert facts["cpu"]["cores"] >= 1


def test_the_pure_backend_runs_without_the_core() -> None:
    script = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("miden._core"):
            raise ImportError("blocked")
sys.meta_path.insert(0, Block())
import miden
from miden.mast.builder import ForestBuilder
builder = ForestBuilder()
builder.add_root(builder.add_block(bytes([4])))
program = miden.Program(builder.build(), 0)
output = miden.execute(program)
assert (output.backend, output.stack[0]) == ("pure", 1)
try:
    miden.get_backend("core")
except miden.BackendError as error:
    assert "blocked" in error.message, error.message
else:
    raise SystemExit("the core was found")
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_pure_backend_never_loads_the_core_machine() -> None:
    script = """
import sys
from miden.vm.backends import get_backend
get_backend("pure")
assert "miden._core.processor" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
