"""Run the command line in this process, as a terminal would run it in its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from miden.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Outcome:
    """Exit code, standard output and standard error of one command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def run(*arguments: object) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def masm(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a program, and inputs beside it if given, and returns its path."""

    def write(source: str | bytes, inputs: object = None, name: str = "program.masm") -> Path:
        path = tmp_path / name
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        if inputs is not None:
            path.with_suffix(".inputs").write_text(json.dumps(inputs), encoding="utf-8")
        return path

    return write
