"""The dispatch table covers the table of operations."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import miden.pure
from miden import isa
from miden.pure.ops import OPERATIONS

PLAIN = [row for row in isa.OPERATIONS.values() if row.family != "control"]


def test_every_operation_of_a_block_has_a_body() -> None:
    assert set(OPERATIONS) == {row.opcode for row in PLAIN}


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.name)
def test_a_body_is_documented_and_lives_with_its_family(row: isa.Operation) -> None:
    body = OPERATIONS[row.opcode]
    assert body.__name__ == f"op_{row.name.lower()}"
    assert body.__module__ == f"miden.pure.ops.{row.family}"
    assert body.__doc__


def test_no_two_operations_share_a_body() -> None:
    assert len(set(OPERATIONS.values())) == len(OPERATIONS)


MODULES = [module.name for module in pkgutil.walk_packages(miden.pure.__path__, "miden.pure.")]
ALLOWED = {"miden", "miden.field", "miden.isa", "miden.rpo", "miden.status", "miden.errors"}


@pytest.mark.parametrize("name", MODULES)
def test_the_pure_machine_computes_with_nothing_but_the_vocabulary(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    for statement in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
        names = []
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            names = [statement.module or ""]
        for imported in names:
            if imported.split(".")[0] == "miden":
                assert imported in ALLOWED or imported.startswith("miden.pure"), imported
