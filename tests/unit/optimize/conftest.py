"""The command line, run in this process."""

from tests.unit.cli.conftest import cli, masm

__all__ = ["cli", "masm"]
