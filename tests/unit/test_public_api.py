"""The public names: all there, loaded only when used, documented."""

from __future__ import annotations

import subprocess
import sys

import pytest

import miden


@pytest.mark.parametrize("name", miden.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(miden, name) is not None
    assert name in dir(miden)


@pytest.mark.parametrize("name", [name for name in miden.__all__ if not name.startswith("__")])
def test_every_public_name_is_documented(name: str) -> None:
    assert getattr(miden, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'miden' has no attribute 'nothing'"):
        miden.nothing  # noqa: B018  the access is the test


def test_the_names_of_the_acceptance_runner_are_public() -> None:
    assert {
        "Assembler",
        "read_modules",
        "Program",
        "Library",
        "KernelLibrary",
        "MastForest",
        "Word",
        "execute",
        "StackInputs",
        "AdviceInputs",
        "Host",
        "ExecutionOutput",
        "AssemblyError",
        "ExecutionError",
        "hash_elements",
    } <= set(miden.__all__)


def test_importing_the_package_loads_next_to_nothing() -> None:
    script = "import sys; before = set(sys.modules); import miden; print(sorted(set(sys.modules) - before - {'__future__'}))"
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "['miden']"


def test_running_a_program_does_not_load_what_is_slow_to_load() -> None:
    script = """
import sys
import miden
from miden.mast.builder import ForestBuilder
builder = ForestBuilder()
builder.add_root(builder.add_block(bytes([4])))
miden.execute(miden.Program(builder.build(), 0))
slow = {"numpy", "typing", "dataclasses", "inspect", "asyncio", "json", "importlib.metadata", "click", "rich"}
print(sorted(slow & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-S", "-c", script], check=True, capture_output=True, text=True, env={"PYTHONPATH": _path()})
    assert result.stdout.strip() == "[]"


def _path() -> str:
    from pathlib import Path

    return str(Path(miden.__file__).parents[1])
