"""Every error has a code, every code one explanation."""

from __future__ import annotations

import miden
from miden import errors, status
from miden.assembly.explain import EXPLANATIONS, code_of


def error_classes() -> list[type[errors.MidenError]]:
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.MidenError)]


def test_every_error_has_an_exit_code_of_the_table() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {error.exit_code for error in error_classes()} <= codes


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert [error.__name__ for error in error_classes() if error.__name__ not in (errors.__doc__ or "")] == []


def test_the_package_exports_every_error() -> None:
    assert [error.__name__ for error in error_classes() if getattr(miden, error.__name__, None) is not error] == []


def test_codes_of_kinds_are_unique() -> None:
    kinds = [entry.kind for entry in EXPLANATIONS.values()]
    assert len(kinds) == len(set(kinds))


def test_every_fault_has_a_code() -> None:
    assert [row.kind for row in status.FAULTS.values() if code_of(row.kind) not in EXPLANATIONS] == []


def test_every_status_that_ends_a_run_has_a_row() -> None:
    assert [code.name for code in status.Status if code >= status.FIRST_FAULT and code not in status.FAULTS] == []
